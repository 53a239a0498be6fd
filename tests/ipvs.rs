//! The law of the plan: carried out on the current table it gives the desired one, without a command that the kernel
//! would refuse and without one too many.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;

use alived::ipvs::{Change, Entry, Table, desired, plan};
use alived::model::ipvs::{Destination, Forward, PersistenceMask, SchedulerName, Service, ServiceFlags};
use alived::model::lvs::Family;
use alived::model::{Forwarding, Protocol, RealServer, Scheduler, ServerKey, VirtualServer, Weight};
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

/// Deletions, then per service the service before its destinations.
fn in_order(changes: &[Change]) -> bool {
    let deletion = |change: &Change| matches!(change, Change::RemoveService(_) | Change::RemoveDestination(..));
    let destination = |change: &Change| matches!(change, Change::AddDestination(..) | Change::UpdateDestination(..));
    changes.is_sorted_by_key(|change| !deletion(change))
        && changes.windows(2).all(|pair| {
            let about_one_service = pair[0].key() == pair[1].key();
            !(about_one_service && destination(&pair[0]) && !destination(&pair[1]))
        })
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
        checkers: Vec::new(),
    };
    VirtualServer {
        key: key(number),
        scheduler: Scheduler::DEFAULT,
        persistence: None,
        real_servers: hosts.iter().map(real).collect(),
    }
}

#[test]
fn a_real_server_that_is_down_is_no_destination_and_its_service_stays() {
    let servers = [virtual_server(2, &[1, 2]), virtual_server(3, &[3])];
    let [web, mail] = &servers;
    let up = |expected: Option<usize>| move |position| Some(position) == expected;
    let table = desired([(web, up(Some(1))), (mail, up(None))]);
    let hosts: Vec<Vec<_>> =
        table.services.values().map(|entry| entry.destinations.keys().copied().collect()).collect();
    assert_eq!(hosts, [vec![host(2)], vec![]]);
    assert_eq!(table.services.keys().copied().collect::<Vec<_>>(), [key(2), key(3)]);
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
