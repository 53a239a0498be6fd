//! The law of the plan: carried out on the current table it gives the desired one, without a command that the kernel
//! would refuse and without one too many.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;

use alived::ipvs::{Change, Entry, Pool, Table, desired, plan};
use alived::model::ipvs::{Destination, Forward, PersistenceMask, SchedulerName, Service, ServiceFlags};
use alived::model::lvs::{Family, GroupEntry};
use alived::model::{Forwarding, Protocol, RealServer, Scheduler, ServerKey, Target, VirtualServer, Weight};
use proptest::prelude::*;

fn carry_out(changes: &[Change], table: &Table) -> Table {
    let mut table = table.clone();
    for change in changes {
        change.apply(&mut table).unwrap_or_else(|conflict| panic!("{change:?}: {conflict}"));
    }
    table
}

/// At most one command for each service and destination that differs, none for what does not.
fn needed(current: &Table, desired: &Table) -> usize {
    let keys: BTreeSet<_> = current.services.keys().chain(desired.services.keys()).collect();
    let differences = keys.into_iter().map(|key| {
        let (old, new) = (current.services.get(key), desired.services.get(key));
        let Some(new) = new else { return 1 };
        let service = usize::from(old.map(|old| &old.service) != Some(&new.service));
        let addresses: BTreeSet<_> =
            old.into_iter().flat_map(|old| old.destinations.keys()).chain(new.destinations.keys()).collect();
        let destinations = addresses
            .into_iter()
            .filter(|address| old.and_then(|old| old.destinations.get(*address)) != new.destinations.get(*address));
        service + destinations.count()
    });
    differences.sum()
}

/// Services that go, then per service the service, its new destinations, and those that go.
fn in_order(changes: &[Change]) -> bool {
    let rank = |change: &Change| match change {
        Change::Flush | Change::RemoveService(_) => 0,
        Change::AddService(..) | Change::UpdateService(..) => 1,
        Change::AddDestination(..) | Change::UpdateDestination(..) => 2,
        Change::RemoveDestination(..) => 3,
    };
    changes.is_sorted_by_key(|change| rank(change) != 0)
        && changes.windows(2).all(|pair| pair[0].key() != pair[1].key() || rank(&pair[0]) <= rank(&pair[1]))
}

fn holds(current: &Table, desired: &Table) {
    let changes = plan(current, desired);
    assert_eq!(&carry_out(&changes, current), desired);
    assert_eq!(changes.len(), needed(current, desired), "{changes:?}");
    assert!(in_order(&changes), "{changes:?}");
}

fn key(number: u8) -> ServerKey {
    match number {
        0 => ServerKey::Fwmark { mark: NonZeroU32::MIN, family: Family::Ipv4 },
        1 => ServerKey::Fwmark { mark: NonZeroU32::MIN, family: Family::Ipv6 },
        n => ServerKey::Address { protocol: Protocol::Tcp, address: Ipv4Addr::new(192, 0, 2, n).into(), port: 80 },
    }
}

fn options(scheduler: &str) -> Service {
    Service {
        scheduler: SchedulerName::new(scheduler).expect("short"),
        flags: ServiceFlags::default(),
        timeout_s: 0,
        mask: PersistenceMask::whole(Family::Ipv4),
        engine: None,
    }
}

fn weighted(weight: u32) -> Destination {
    let weight = Weight::new(weight).expect("small");
    Destination { forward: Forward::Direct, weight, upper_threshold: 0, lower_threshold: 0 }
}

fn host(number: u8) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, number], 80))
}

/// Every entry of a small world: absent, or with one of two schedulers and each of two hosts absent or with one of two
/// weights.
fn small_entries() -> Vec<Option<Entry>> {
    let mut entries = vec![None];
    for scheduler in ["rr", "wlc"] {
        for weights in (0..9).map(|n| [n % 3, n / 3]) {
            let present = (1..).zip(weights).filter(|(_, weight)| *weight > 0);
            let destinations = present.map(|(number, weight)| (host(number), weighted(weight))).collect();
            entries.push(Some(Entry { service: options(scheduler), destinations }));
        }
    }
    entries
}

#[test]
fn in_every_small_world_the_plan_leads_from_any_table_to_any_other() {
    let entries = small_entries();
    let tables: Vec<Table> = entries
        .iter()
        .flat_map(|first| entries.iter().map(move |second| [(0, first), (2, second)]))
        .map(|pair| Table {
            services: pair.into_iter().filter_map(|(number, entry)| Some((key(number), entry.clone()?))).collect(),
        })
        .collect();
    assert_eq!(tables.len(), 19 * 19);
    for current in &tables {
        for desired in &tables {
            holds(current, desired);
        }
    }
}

#[test]
fn a_changed_weight_is_one_command() {
    let table = |weight| Table {
        services: [(key(2), Entry { service: options("rr"), destinations: [(host(1), weighted(weight))].into() })]
            .into(),
    };
    assert_eq!(plan(&table(1), &table(2)), [Change::UpdateDestination(key(2), host(1), weighted(2))]);
}

#[test]
fn a_removed_service_is_one_command_whatever_it_holds() {
    let destinations = (1..=9).map(|number| (host(number), weighted(1))).collect();
    let table = Table { services: [(key(2), Entry { service: options("rr"), destinations })].into() };
    assert_eq!(plan(&table, &Table::default()), [Change::RemoveService(key(2))]);
}

fn virtual_server(number: u8, hosts: &[u8]) -> VirtualServer {
    let real = |&host| RealServer {
        address: Ipv4Addr::new(198, 51, 100, host).into(),
        port: 80,
        forwarding: Forwarding::Dr,
        weight: Weight::DEFAULT,
        upper_threshold: 0,
        lower_threshold: 0,
        inhibit_on_failure: false,
        notify_up: None,
        notify_down: None,
        smtp_alert: true,
        snmp_name: None,
        checkers: Vec::new(),
    };
    VirtualServer {
        target: Target::Service(key(number)),
        scheduler: Scheduler::DEFAULT,
        flags: ServiceFlags::default(),
        persistence: None,
        sorry_server: None,
        quorum: 1,
        hysteresis: 0,
        quorum_up: None,
        quorum_down: None,
        omega: false,
        ha_suspend: false,
        smtp_alert: false,
        snmp_name: None,
        real_servers: hosts.iter().map(real).collect(),
    }
}

/// The real servers at these positions are in.
fn pool(count: usize, present: &[usize]) -> Pool {
    let weight = |position: usize| present.contains(&position).then_some(Weight::DEFAULT);
    Pool { reals: (0..count).map(weight).collect(), sorry: None }
}

#[test]
fn a_real_server_that_is_down_is_no_destination_and_its_service_stays() {
    let servers = [virtual_server(2, &[1, 2]), virtual_server(3, &[3])];
    let [web, mail] = &servers;
    let table = desired([(web, pool(2, &[1])), (mail, pool(1, &[]))], |_| true);
    let hosts: Vec<Vec<_>> =
        table.services.values().map(|entry| entry.destinations.keys().copied().collect()).collect();
    assert_eq!(hosts, [vec![host(2)], vec![]]);
    assert_eq!(table.services.keys().copied().collect::<Vec<_>>(), [key(2), key(3)]);
}

#[test]
fn a_group_is_a_service_for_each_address_and_mark_with_the_port_of_each() {
    let range = |first: [u8; 4], last: [u8; 4], port| GroupEntry::Range {
        first: Ipv4Addr::from(first).into(),
        last: Ipv4Addr::from(last).into(),
        port,
    };
    let entries = vec![
        range([192, 0, 2, 254], [192, 0, 3, 1], 81),
        range([192, 0, 2, 1], [192, 0, 2, 1], 82),
        GroupEntry::Fwmark { mark: NonZeroU32::MIN, family: None },
    ];
    let target =
        Target::Group { name: "G".to_owned(), number: 0, protocol: Protocol::Udp, family: Family::Ipv4, entries };
    let server = VirtualServer { target, ..virtual_server(2, &[1]) };
    let table = desired([(&server, pool(1, &[0]))], |_| true);
    let shown: Vec<_> = table
        .services
        .iter()
        .map(|(key, entry)| format!("{key} {}", entry.destinations.keys().next().expect("one")))
        .collect();
    let expected = [
        "[192.0.2.254]:udp:81 198.51.100.1:81",
        "[192.0.2.255]:udp:81 198.51.100.1:81",
        "[192.0.3.0]:udp:81 198.51.100.1:81",
        "[192.0.3.1]:udp:81 198.51.100.1:81",
        "[192.0.2.1]:udp:82 198.51.100.1:82",
        "FWM 1 198.51.100.1:0",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn of_a_service_that_two_have_the_first_decides_and_both_serve() {
    let first = virtual_server(2, &[1]);
    let second = VirtualServer { scheduler: Scheduler::new("rr").expect("known"), ..virtual_server(2, &[1, 2]) };
    let table = desired([(&first, pool(1, &[0])), (&second, pool(2, &[0, 1]))], |_| true);
    let entry = &table.services[&key(2)];
    assert_eq!(entry.service.scheduler.as_str(), "wlc");
    assert_eq!(entry.destinations.keys().copied().collect::<Vec<_>>(), [host(1), host(2)]);
}

fn any_table() -> impl Strategy<Value = Table> {
    let destination = (0u8..6, 0u32..3).prop_map(|(number, weight)| (host(number), weighted(weight)));
    let scheduler = prop_oneof![Just("rr"), Just("wlc"), Just("sh")];
    let entry = (scheduler, proptest::collection::vec(destination, 0..6)).prop_map(|(scheduler, destinations)| Entry {
        service: options(scheduler),
        destinations: destinations.into_iter().collect(),
    });
    proptest::collection::vec((0u8..6, entry), 0..6).prop_map(|services| Table {
        services: services.into_iter().map(|(number, entry)| (key(number), entry)).collect(),
    })
}

proptest! {
    #[test]
    fn the_plan_leads_from_any_table_to_any_other(current in any_table(), desired in any_table()) {
        holds(&current, &desired);
    }

    #[test]
    fn nothing_is_planned_when_nothing_differs(table in any_table()) {
        prop_assert_eq!(plan(&table, &table), []);
    }
}
