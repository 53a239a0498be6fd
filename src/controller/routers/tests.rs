//! All virtual routers driven by hand: packets, interfaces, scripts, reloads.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use pnet_base::MacAddr;

use super::*;
use crate::model::{Authentication, Carrier, Endpoint, TrackWeight, Tracked, TrackedObject, Vrid};
use crate::track::script::tests::script;
use crate::vrrp::router::tests::{instance, vip};
use crate::wire::arp::GratuitousArp;
use crate::wire::ip::{self, Datagram, Header};
use crate::wire::vrrp::{Advert, GROUP, PROTOCOL, TOS};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 99, 0, 12));

fn eth0() -> InterfaceName {
    InterfaceName::new("eth0").expect("a name")
}

fn multicast() -> Channel {
    Channel { interface: eth0(), endpoint: Endpoint::Multicast(GROUP), protocol: Carrier::Vrrp }
}

pub(super) fn up() -> Interface {
    let addresses = vec!["10.99.0.11/16".parse().expect("an address")];
    Interface { running: true, mac: Some(MacAddr::new(2, 0, 0, 0, 0, 1)), addresses }
}

pub(super) fn interface(facts: Option<Interface>) -> Event {
    Event::Interface { name: eth0(), facts }
}

fn settings(instances: Vec<VrrpInstance>) -> Event {
    Event::Configure(Settings { instances, ..Settings::default() })
}

fn started(instances: Vec<VrrpInstance>) -> Routers {
    started_with(Settings { instances, ..Settings::default() })
}

pub(super) fn started_with(settings: Settings) -> Routers {
    let mut routers = Routers::new();
    routers.handle(Instant::ZERO, interface(Some(up())));
    routers.handle(Instant::ZERO, Event::Configure(settings));
    routers
}

/// Runs the timers until `end`; returns every action.
pub(super) fn run_until(routers: &mut Routers, end: Duration) -> Vec<Action> {
    let mut actions = Vec::new();
    while let Some(due) = routers.next_deadline().filter(|due| due.since_start() <= end) {
        actions.extend(routers.handle(due, Event::Timer));
    }
    actions
}

pub(super) fn at(seconds: u64) -> Instant {
    Instant::from_start(Duration::from_secs(seconds))
}

fn master(instances: Vec<VrrpInstance>) -> Routers {
    let mut routers = started(instances);
    run_until(&mut routers, Duration::from_secs(4));
    assert_eq!(routers.status()[0].state, StateName::Master);
    routers
}

fn sent(actions: &[Action]) -> Vec<(IpAddr, Vec<u8>)> {
    let sent = |action: &Action| match action {
        Action::SendDatagram { destination, bytes, .. } => Some((*destination, bytes.clone())),
        _ => None,
    };
    actions.iter().filter_map(sent).collect()
}

fn advert(priority: u8, ttl: u8) -> Event {
    advert_of(instance().vrid, priority, ttl)
}

/// A valid advert for another virtual router.
pub(super) fn advert_for(vrid: u8, priority: u8) -> Event {
    advert_of(Vrid::new(vrid).expect("not zero"), priority, 255)
}

fn advert_of(vrid: Vrid, priority: u8, ttl: u8) -> Event {
    let config = instance();
    let advert = Advert {
        vrid,
        priority: Priority::new(priority),
        interval: config.advert_interval,
        authentication: Authentication::None,
        addresses: vec![config.virtual_addresses[0].net.addr()],
    };
    let header = Header { source: PEER, destination: GROUP, protocol: PROTOCOL, tos: TOS, ttl, identification: 1 };
    Event::Datagram { channel: multicast(), bytes: header.emit(&advert.emit(PEER, GROUP)) }
}

#[test]
fn the_first_advert_is_what_keepalived_sends() {
    let actions = run_until(&mut started(vec![instance()]), Duration::from_secs(4));
    let (destination, bytes) = &sent(&actions)[0];
    assert_eq!(*destination, GROUP);
    let datagram = Datagram::parse(bytes).expect("a datagram");
    let header = datagram.header;
    assert_eq!((header.tos, header.ttl, header.protocol, header.identification), (0xc0, 255, 112, 1));
    assert_eq!((datagram.total_length, bytes.len()), (40, 40));
    assert_eq!(bytes[6..8], [0, 0], "no fragment, DF clear");
    assert_eq!(header.source, IpAddr::from([10, 99, 0, 11]));
}

#[test]
fn every_unicast_peer_gets_the_same_packet_under_the_same_identification() {
    let peers = vec![PEER, [10, 99, 0, 13].into()];
    let transport = Transport::Unicast { source: None, peers: peers.clone() };
    let mut routers = started(vec![VrrpInstance { transport, ..instance() }]);
    let actions = run_until(&mut routers, Duration::from_millis(3_700));
    let sent = sent(&actions);
    assert_eq!(sent.iter().map(|(to, _)| *to).collect::<Vec<_>>(), peers);
    assert_eq!(sent[0].1[4..6], sent[1].1[4..6]);
    assert_eq!(sent[0].1[ip::HEADER_LEN..], sent[1].1[ip::HEADER_LEN..]);
}

#[test]
fn each_advert_has_the_next_identification_and_zero_is_skipped() {
    let mut entry = Entry::new(instance());
    entry.router.handle(Instant::ZERO, vrrp::Event::Source(PEER));
    entry.identification = u16::MAX - 1;
    let mut actions = Vec::new();
    for _ in 0..3 {
        entry.send_advert(Priority::DEFAULT, &mut actions);
    }
    let identifications: Vec<_> = sent(&actions).iter().map(|(_, b)| u16::from_be_bytes([b[4], b[5]])).collect();
    assert_eq!(identifications, [u16::MAX, 1, 2]);
}

#[test]
fn a_burst_is_rounds_over_all_addresses_in_file_order() {
    let virtual_addresses = vec![vip("10.99.100.1/16"), vip("10.99.100.2/16")];
    let mut routers = started(vec![VrrpInstance { virtual_addresses, ..instance() }]);
    let actions = run_until(&mut routers, Duration::from_millis(3_700));
    let announced: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            Action::SendFrame { bytes, .. } => GratuitousArp::parse(bytes).map(|arp| arp.address.octets()[3]),
            _ => None,
        })
        .collect();
    assert_eq!(announced, [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]);
}

#[test]
fn a_forged_packet_changes_nothing_but_a_counter_and_is_told_once() {
    let mut routers = master(vec![instance()]);
    let before = (routers.status()[0].state, routers.next_deadline());
    let first = routers.handle(at(4), advert(200, 64));
    assert!(matches!(first[..], [Action::Report(Report::Refused { .. })]), "{first:?}");
    assert_eq!(routers.handle(at(4), advert(200, 64)), vec![]);
    assert_eq!((routers.status()[0].state, routers.next_deadline()), before);
    assert_eq!(routers.status()[0].counters.ttl, 2);
    assert_eq!(routers.status()[0].counters.received, 0);

    routers.handle(at(4), advert(200, 255));
    assert_eq!(routers.status()[0].state, StateName::Backup, "the genuine one is believed");
    let again = routers.handle(at(5), advert(200, 64));
    assert!(matches!(again[..], [Action::Report(Report::Refused { .. })]), "told again after the state moved");
}

#[test]
fn packets_of_other_virtual_routers_and_scraps_are_only_counted() {
    let mut routers = master(vec![instance()]);
    let Event::Datagram { channel, mut bytes } = advert(200, 255) else { unreachable!("made above") };
    bytes[ip::HEADER_LEN + 1] = 99;
    assert_eq!(routers.handle(at(4), Event::Datagram { channel: channel.clone(), bytes: bytes.clone() }), vec![]);
    for length in 0..ip::HEADER_LEN + 8 {
        let scrap = Event::Datagram { channel: channel.clone(), bytes: bytes[..length].to_vec() };
        let told = routers.handle(at(4), scrap).len();
        assert_eq!(told, usize::from(length == 0), "told once");
    }
    assert_eq!(routers.discarded(), Discarded { too_short: 28, unknown_vrid: 1 });
    assert_eq!(routers.status()[0].state, StateName::Master);
}

#[test]
fn a_link_that_fails_is_fault_and_its_return_is_backup() {
    let mut routers = master(vec![instance()]);
    let actions = routers.handle(at(4), interface(Some(Interface { running: false, ..up() })));
    assert!(actions.contains(&Action::RemoveAddresses(instance().virtual_addresses)));
    assert_eq!(routers.status()[0].state, StateName::Fault);
    routers.handle(at(9), interface(Some(up())));
    assert_eq!(routers.status()[0].state, StateName::Backup);
}

#[test]
fn an_interface_that_comes_back_with_another_index_gets_new_sockets() {
    let mut routers = master(vec![instance()]);
    let actions = routers.handle(at(4), interface(None));
    assert!(actions.contains(&Action::Close(multicast())));
    assert_eq!(routers.status()[0].state, StateName::Fault);
    let actions = routers.handle(at(9), interface(Some(up())));
    assert!(actions.contains(&Action::Open(multicast())));
    assert_eq!(routers.status()[0].state, StateName::Backup);
}

#[test]
fn a_socket_that_cannot_be_opened_is_fault_until_the_interface_changes() {
    let mut routers = started(vec![instance()]);
    routers.handle(Instant::ZERO, Event::ChannelFailed { channel: multicast(), reason: "no buffer".to_owned() });
    assert_eq!(routers.status()[0].state, StateName::Fault);
    let other = Interface { addresses: vec!["10.99.0.99/16".parse().expect("an address")], ..up() };
    let actions = routers.handle(at(1), interface(Some(other)));
    assert!(actions.contains(&Action::Open(multicast())));
    assert_eq!(routers.status()[0].state, StateName::Backup);
}

#[test]
fn losing_the_last_address_says_farewell_before_it_faults() {
    let mut routers = master(vec![instance()]);
    let actions = routers.handle(at(4), interface(Some(Interface { addresses: Vec::new(), ..up() })));
    let priorities: Vec<u8> = sent(&actions).iter().map(|(_, bytes)| bytes[ip::HEADER_LEN + 2]).collect();
    assert_eq!(priorities, [0, 0]);
    assert_eq!(routers.status()[0].state, StateName::Fault);
}

#[test]
fn a_virtual_address_is_never_the_source() {
    let mut routers = Routers::new();
    let virtual_first = ["10.99.100.1/16", "10.99.0.11/16"].map(|net| net.parse().expect("an address")).to_vec();
    routers.handle(Instant::ZERO, interface(Some(Interface { addresses: virtual_first, ..up() })));
    routers.handle(Instant::ZERO, settings(vec![instance()]));
    let actions = run_until(&mut routers, Duration::from_secs(4));
    let header = Datagram::parse(&sent(&actions)[0].1).expect("a datagram").header;
    assert_eq!(header.source, IpAddr::from([10, 99, 0, 11]));
}

#[test]
fn a_removed_virtual_address_comes_back_while_master() {
    let mut routers = master(vec![instance()]);
    let net = instance().virtual_addresses[0].net;
    let actions = routers.handle(at(4), Event::AddressRemoved { interface: eth0(), net });
    assert!(actions.contains(&Action::AddAddresses(instance().virtual_addresses)));
    let elsewhere = InterfaceName::new("eth1").expect("a name");
    assert_eq!(routers.handle(at(4), Event::AddressRemoved { interface: elsewhere, net }), vec![]);
}

#[test]
fn a_reload_matches_by_virtual_router_not_by_name() {
    let mut routers = master(vec![instance()]);
    let due = routers.next_deadline();
    let renamed = VrrpInstance { name: "another".to_owned(), ..instance() };
    assert_eq!(routers.handle(at(4), settings(vec![renamed])), vec![]);
    assert_eq!((routers.status()[0].state, routers.next_deadline()), (StateName::Master, due));

    let other = VrrpInstance { vrid: Vrid::new(52).expect("not zero"), ..instance() };
    let actions = routers.handle(at(4), settings(vec![other]));
    assert_eq!(sent(&actions)[0].1[ip::HEADER_LEN + 2], 0, "the old one says farewell");
    assert_eq!(routers.status()[0].state, StateName::Backup);
}

#[test]
fn a_reload_that_adds_an_instance_leaves_the_others_alone() {
    let mut routers = master(vec![instance()]);
    let other = VrrpInstance {
        name: "VI_2".to_owned(),
        vrid: Vrid::new(52).expect("not zero"),
        virtual_addresses: vec![vip("10.99.100.2/16")],
        ..instance()
    };
    let actions = routers.handle(at(4), settings(vec![other, instance()]));
    assert_eq!(sent(&actions), vec![]);
    let states: Vec<_> = routers.status().into_iter().map(|status| (status.name, status.state)).collect();
    assert_eq!(states, [("VI_2".to_owned(), StateName::Backup), ("VI_1".to_owned(), StateName::Master)]);
}

#[test]
fn stop_says_farewell_takes_the_addresses_and_closes_the_sockets() {
    let mut routers = master(vec![instance()]);
    let actions = routers.handle(at(4), Event::Stop);
    assert_eq!(sent(&actions)[0].1[ip::HEADER_LEN + 2], 0);
    assert!(actions.contains(&Action::RemoveAddresses(instance().virtual_addresses)));
    assert_eq!(actions.last(), Some(&Action::Close(multicast())));
    assert_eq!(routers.next_deadline(), None);
}

fn tracked(weight: i64) -> Routers {
    let weight = TrackWeight::new(weight, false).expect("in range");
    let config = script("chk");
    let tracked = vec![Tracked { object: TrackedObject::Script(config.name.clone()), weight }];
    let mut routers = Routers::new();
    routers.handle(Instant::ZERO, interface(Some(up())));
    let instances = vec![VrrpInstance { tracked, ..instance() }];
    routers
        .handle(Instant::ZERO, Event::Configure(Settings { instances, scripts: vec![config], ..Settings::default() }));
    routers
}

/// Lets the next run end with `status`; returns what came of it.
fn script_returns(routers: &mut Routers, now: Instant, status: i32) -> Vec<Action> {
    let actions = routers.handle(now, Event::Timer);
    let run = actions.iter().find_map(|action| match action {
        Action::RunScript { name, run, .. } => Some((name.clone(), *run)),
        _ => None,
    });
    let (name, run) = run.expect("the script is due");
    routers.handle(now, Event::ScriptFinished { name, run, outcome: Outcome::Exited(status) })
}

#[test]
fn a_failing_script_with_a_weight_lowers_the_priority() {
    let mut routers = tracked(-20);
    assert_eq!(routers.status()[0].state, StateName::Backup);
    script_returns(&mut routers, at(0), 0);
    assert_eq!(routers.status()[0].priority, Priority::new(100));
    script_returns(&mut routers, at(2), 1);
    assert_eq!(routers.status()[0].priority, Priority::new(80));
    script_returns(&mut routers, at(4), 0);
    assert_eq!(routers.status()[0].priority, Priority::new(100));
}

#[test]
fn a_script_without_weight_holds_the_start_and_decides_about_fault() {
    let mut routers = tracked(0);
    assert_eq!(routers.status()[0].state, StateName::Fault, "not tested yet");
    script_returns(&mut routers, at(0), 0);
    assert_eq!(routers.status()[0].state, StateName::Backup);
    let actions = script_returns(&mut routers, at(2), 1);
    let told = actions.iter().any(|action| match action {
        Action::Report(report) => report.to_string() == "VRRP_Script(chk) failed (exited with status 1)",
        _ => false,
    });
    assert!(told, "{actions:?}");
    assert_eq!(routers.status()[0].state, StateName::Fault);
}

#[test]
fn the_result_of_a_script_that_is_gone_is_ignored() {
    let mut routers = tracked(0);
    routers.handle(at(0), Event::Timer);
    routers.handle(at(0), settings(vec![instance()]));
    let name = ScriptName("chk".to_owned());
    let late = Event::ScriptFinished { name, run: 1, outcome: Outcome::Exited(1) };
    assert_eq!(routers.handle(at(1), late), vec![]);
    assert_eq!(routers.status()[0].state, StateName::Backup);
}
