//! What can a packet do to a running router? Whatever arrives, nothing panics; and only a whole, authentic advert may
//! change who is master.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use alived::controller::routers::{Action, Event, Routers, Settings};
use alived::model::*;
use alived::time::Instant;
use alived::vrrp::StateName;
use alived::wire::ip::Header;
use alived::wire::vrrp::{Advert, GROUP, PROTOCOL, TOS, TTL};
use proptest::prelude::*;

const PASSWORD: [u8; 8] = *b"secret\0\0";
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

fn eth0() -> InterfaceName {
    InterfaceName::new("eth0").expect("a name")
}

fn channel() -> Channel {
    Channel { interface: eth0(), endpoint: Endpoint::Multicast(GROUP), protocol: Carrier::Vrrp }
}

/// A router that has been MASTER with priority 100 for a moment.
fn master() -> (Routers, Instant) {
    let vip = VirtualAddress::new("192.0.2.100/24".parse().expect("an address"), eth0());
    let instance = VrrpInstance {
        authentication: Authentication::Pass(PASSWORD),
        virtual_addresses: vec![vip],
        ..VrrpInstance::new("VI_1", eth0(), Vrid::new(51).expect("not zero"), Family::V4)
    };
    let addresses = vec!["192.0.2.1/24".parse().expect("an address")];
    let mut routers = Routers::new();
    let facts = Some(Interface { running: true, mac: None, addresses });
    routers.handle(Instant::ZERO, Event::Interface { name: eth0(), facts });
    routers.handle(Instant::ZERO, Event::Configure(Settings { instances: vec![instance], ..Settings::default() }));
    let due = routers.next_deadline().expect("a backup waits");
    routers.handle(due, Event::Timer);
    assert_eq!(routers.status()[0].state, StateName::Master);
    (routers, due + Duration::from_millis(1))
}

/// A better router's advert, as it should be.
fn genuine() -> Vec<u8> {
    let advert = Advert {
        vrid: Vrid::new(51).expect("not zero"),
        priority: Priority::new(200),
        interval: AdvertInterval::DEFAULT,
        authentication: Authentication::Pass(PASSWORD),
        addresses: vec![[192, 0, 2, 100].into()],
    };
    let header = Header { source: PEER, destination: GROUP, protocol: PROTOCOL, tos: TOS, ttl: TTL, identification: 1 };
    header.emit(&advert.emit(PEER, GROUP))
}

fn receive(bytes: Vec<u8>) -> (StateName, Vec<Action>, bool) {
    let (mut routers, now) = master();
    let deadline = routers.next_deadline();
    let actions = routers.handle(now, Event::Datagram { channel: channel(), bytes });
    (routers.status()[0].state, actions, routers.next_deadline() == deadline)
}

fn only_reports(actions: &[Action]) -> bool {
    actions.iter().all(|action| matches!(action, Action::Report(_)))
}

#[test]
fn the_genuine_advert_of_a_better_router_makes_us_yield() {
    assert_eq!(receive(genuine()).0, StateName::Backup);
}

#[test]
fn no_truncation_of_a_genuine_advert_changes_anything() {
    let whole = genuine();
    for length in 0..whole.len() {
        let (state, actions, timer_unchanged) = receive(whole[..length].to_vec());
        assert!(state == StateName::Master && only_reports(&actions) && timer_unchanged, "{length} octets");
    }
}

#[test]
fn no_single_wrong_octet_of_the_vrrp_part_changes_anything() {
    let whole = genuine();
    for at in 20..whole.len() {
        for wrong in 1..=255 {
            let mut forged = whole.clone();
            forged[at] ^= wrong;
            let (state, actions, timer_unchanged) = receive(forged);
            assert!(state == StateName::Master && only_reports(&actions) && timer_unchanged, "octet {at} ^ {wrong}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_at_all_panic_or_change_anything(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let (state, actions, timer_unchanged) = receive(bytes);
        prop_assert!(state == StateName::Master && only_reports(&actions) && timer_unchanged);
    }

    /// Random octets rarely get past the header, so here only the VRRP part is random.
    #[test]
    fn no_vrrp_part_without_the_password_changes_anything(
        payload in prop::collection::vec(any::<u8>(), 0..64),
        ttl in any::<u8>(),
        source in any::<u32>(),
    ) {
        let source = IpAddr::from(Ipv4Addr::from_bits(source));
        let header = Header { source, destination: GROUP, protocol: PROTOCOL, tos: TOS, ttl, identification: 1 };
        let (state, actions, timer_unchanged) = receive(header.emit(&payload));
        prop_assert!(state == StateName::Master && only_reports(&actions) && timer_unchanged);
    }
}
