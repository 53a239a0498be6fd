//! Messages that keepalived and the kernel exchanged, and the law of the round trip.

use std::net::Ipv4Addr;
use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;
use crate::model::Weight;
use crate::model::ipvs::{EngineName, Forward, PersistenceMask, SchedulerName, ServiceFlags, Tunnel};
use crate::model::lvs::Protocol;

/// The bytes of a capture in `fixtures/wire/ipvs`.
macro_rules! captured {
    ($name:literal) => {
        unhex(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/wire/ipvs/", $name, ".hex")))
    };
}

fn unhex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits")).collect()
}

fn web() -> ServerKey {
    ServerKey::Address { protocol: Protocol::Tcp, address: Ipv4Addr::new(172, 17, 0, 10).into(), port: 80 }
}

fn mark() -> ServerKey {
    ServerKey::Fwmark { mark: NonZeroU32::MIN, family: Family::Ipv4 }
}

fn service(scheduler: &str, timeout_s: u32) -> Service {
    Service {
        scheduler: SchedulerName::new(scheduler).expect("short"),
        flags: if timeout_s == 0 { ServiceFlags::default() } else { ServiceFlags::PERSISTENT },
        timeout_s,
        mask: PersistenceMask::whole(Family::Ipv4),
        engine: None,
    }
}

fn host(last: u8) -> SocketAddr {
    SocketAddr::from(([172, 17, 0, last], 80))
}

fn destination(forward: Forward, weight: u32) -> Destination {
    let weight = Weight::new(weight).expect("small");
    Destination { forward, weight, upper_threshold: 0, lower_threshold: 0 }
}

fn message(request: &Request) -> Vec<u8> {
    let mut bytes = vec![request.command(), request.version(), 0, 0];
    bytes.extend(request.attributes());
    bytes
}

#[test]
fn what_keepalived_sends_is_understood() {
    let cases = [
        (captured!("keepalived-new-service-address"), Request::NewService(web(), service("rr", 50))),
        (captured!("keepalived-new-service-fwmark"), Request::NewService(mark(), service("wrr", 0))),
        (captured!("keepalived-set-service"), Request::SetService(mark(), service("rr", 0))),
        (captured!("keepalived-new-dest-direct"), Request::NewDest(web(), host(5), destination(Forward::Direct, 2))),
        (
            captured!("keepalived-new-dest-masquerade"),
            Request::NewDest(mark(), host(4), destination(Forward::Masquerade, 0)),
        ),
        (captured!("keepalived-del-dest"), Request::DelDest(web(), host(4))),
    ];
    for (bytes, expected) in cases {
        assert_eq!(Request::parse(&bytes), Ok(expected));
    }
}

#[test]
fn a_service_is_sent_with_the_bytes_keepalived_sends() {
    let captured = captured!("keepalived-new-service-address");
    assert_eq!(message(&Request::NewService(web(), service("rr", 50))), captured);
    let captured = captured!("keepalived-new-service-fwmark");
    assert_eq!(message(&Request::NewService(mark(), service("wrr", 0))), captured);
}

#[test]
fn what_the_kernel_answers_is_understood_despite_its_statistics() {
    let cases = [
        (captured!("kernel-info"), Reply::Info { version: 0x010201, connection_table_size: 4096 }),
        (captured!("kernel-service-address"), Reply::Service(web(), service("rr", 50))),
        (captured!("kernel-service-fwmark"), Reply::Service(mark(), service("wrr", 0))),
        (captured!("kernel-dest-direct"), Reply::Dest(host(5), destination(Forward::Direct, 2))),
        (captured!("kernel-dest-masquerade"), Reply::Dest(host(4), destination(Forward::Masquerade, 0))),
    ];
    for (bytes, expected) in cases {
        assert_eq!(Reply::parse(&bytes, Family::Ipv4), Ok(expected));
    }
}

#[test]
fn the_controllers_answer_gives_the_family_id() {
    assert_eq!(parse_family_id(&captured!("kernel-family")), Ok(32));
}

#[test]
fn a_captured_message_cut_short_or_with_a_byte_changed_never_panics() {
    for original in [captured!("kernel-service-address"), captured!("kernel-dest-direct"), captured!("kernel-family")] {
        for length in 0..original.len() {
            let _ = Reply::parse(&original[..length], Family::Ipv4);
            let _ = Request::parse(&original[..length]);
            let _ = parse_family_id(&original[..length]);
            let mut changed = original.clone();
            changed[length] ^= 0xff;
            let _ = Reply::parse(&changed, Family::Ipv6);
        }
    }
}

#[test]
fn a_foreign_service_of_another_protocol_is_an_error_and_not_a_wrong_key() {
    let mut bytes = captured!("kernel-service-address");
    let protocol = bytes.windows(6).position(|w| w == [6, 0, 2, 0, 6, 0]).expect("a protocol attribute");
    bytes[protocol + 4] = 50;
    assert_eq!(Reply::parse(&bytes, Family::Ipv4), Err(ParseError::Unusable("protocol")));
}

fn any_key() -> impl Strategy<Value = ServerKey> {
    let protocol = prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp), Just(Protocol::Sctp)];
    let family = prop_oneof![Just(Family::Ipv4), Just(Family::Ipv6)];
    prop_oneof![
        (protocol, any::<std::net::IpAddr>(), any::<u16>()).prop_map(|(protocol, address, port)| ServerKey::Address {
            protocol,
            address,
            port
        }),
        (1..=u32::MAX, family)
            .prop_map(|(mark, family)| ServerKey::Fwmark { mark: NonZeroU32::new(mark).expect("at least 1"), family }),
    ]
}

fn any_service() -> impl Strategy<Value = (ServerKey, Service)> {
    let engine = proptest::option::of("[a-z]{1,15}");
    (any_key(), "[a-z]{1,15}", any::<u32>(), any::<u32>(), any::<u32>(), engine).prop_map(
        |(key, name, flags, timeout_s, mask, engine)| {
            let engine = engine.map(|name| EngineName::new(&name).expect("1 to 15 letters"));
            let mask = match key.family() {
                Family::Ipv4 => PersistenceMask::V4(mask.into()),
                Family::Ipv6 => PersistenceMask::V6(mask as u8),
            };
            let scheduler = SchedulerName::new(&name).expect("1 to 15 letters");
            (key, Service { scheduler, flags: ServiceFlags::from_bits(flags), timeout_s, mask, engine })
        },
    )
}

fn any_destination() -> impl Strategy<Value = (SocketAddr, Destination)> {
    let tunnel = (any::<u8>(), any::<u16>(), any::<u16>());
    let forward = prop_oneof![
        Just(Forward::Masquerade),
        Just(Forward::Local),
        tunnel.prop_map(|(kind, port, flags)| Forward::Tunnel(Tunnel { kind, port, flags })),
        Just(Forward::Direct),
        Just(Forward::Bypass),
    ];
    (any::<std::net::IpAddr>(), any::<u16>(), forward, 0..=i32::MAX as u32, any::<u32>(), any::<u32>()).prop_map(
        |(address, port, forward, weight, upper_threshold, lower_threshold)| {
            let weight = Weight::new(weight).expect("within 31 bits");
            (SocketAddr::new(address, port), Destination { forward, weight, upper_threshold, lower_threshold })
        },
    )
}

fn any_request() -> impl Strategy<Value = Request> {
    let key = || any_key();
    prop_oneof![
        Just(Request::GetInfo),
        Just(Request::GetServices),
        key().prop_map(Request::GetService),
        key().prop_map(Request::DelService),
        key().prop_map(Request::GetDests),
        any_service().prop_map(|(key, service)| Request::NewService(key, service)),
        any_service().prop_map(|(key, service)| Request::SetService(key, service)),
        (key(), any_destination()).prop_map(|(key, (address, dest))| Request::NewDest(key, address, dest)),
        (key(), any_destination()).prop_map(|(key, (address, dest))| Request::SetDest(key, address, dest)),
        (key(), any_destination()).prop_map(|(key, (address, _))| Request::DelDest(key, address)),
    ]
}

proptest! {
    #[test]
    fn every_request_survives_the_wire(request in any_request()) {
        prop_assert_eq!(Request::parse(&message(&request)), Ok(request));
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Reply::parse(&bytes, Family::Ipv4);
        let _ = Request::parse(&bytes);
    }
}
