//! Captures of running daemons against the codecs: every packet is understood, and written again octet by octet.
//!
//! `fixtures/pcap/` holds what tests/netns/wire.rs captured: `PROGRAM-003-TRANSPORT.pcap`, the first adverts and
//! gratuitous ARPs of seed 003's first node. `UPDATE_FIXTURES=1 cargo test --test netns wire` makes them again.

// Writing is the laboratory's part.
#[allow(dead_code)]
#[path = "common/capture_file.rs"]
mod capture_file;

use std::path::PathBuf;

use alived::model::{Authentication, Family, Version, Vrid};
use alived::wire::arp::GratuitousArp;
use alived::wire::ip::Datagram;
use alived::wire::vrrp::{AUTH_PASS, Advert, PROTOCOL, View};
use capture_file::{Frame, frames};

const ETHERNET_LEN: usize = 14;

/// The frames of one fixture.
fn fixture(name: &str) -> Vec<Frame> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/pcap").join(name);
    let file = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    frames(&file)
}

/// Reads `frame` with alived's codecs and writes it again. The Ethernet header of an advert is the kernel's work and is
/// copied.
fn written_again(frame: &[u8]) -> Vec<u8> {
    if let Some(arp) = GratuitousArp::parse(frame) {
        return arp.emit();
    }
    let datagram = Datagram::parse(&frame[ETHERNET_LEN..]).expect("a whole IPv4 header");
    assert_eq!(datagram.header.protocol, PROTOCOL);
    assert_eq!(datagram.total_length, frame.len() - ETHERNET_LEN);
    let view = View::new(datagram.payload, Family::V4).expect("long enough for VRRP");
    assert!(view.checksum_is_right(Version::V2, datagram.header.source, datagram.header.destination));
    assert_eq!((view.version(), view.packet_type(), view.auth_type()), (2, 1, AUTH_PASS));
    assert_eq!(view.length(), view.expected_length(Version::V2));
    let advert = Advert {
        vrid: Vrid::new(view.vrid()).expect("not zero"),
        priority: view.priority(),
        interval: view.interval(Version::V2).expect("not zero"),
        authentication: Authentication::Pass(view.auth_data().expect("eight octets")),
        addresses: view.addresses().collect(),
    };
    [&frame[..ETHERNET_LEN], &datagram.header.emit(&advert.emit(datagram.header.source, datagram.header.destination))]
        .concat()
}

#[test]
fn every_captured_packet_is_read_and_written_again_unchanged() {
    for program in ["keepalived", "alived"] {
        for transport in ["multicast", "unicast"] {
            let name = format!("{program}-003-{transport}.pcap");
            let frames = fixture(&name);
            let (adverts, arps) = frames.iter().partition::<Vec<_>, _>(|frame| frame.bytes[12..14] == [8, 0]);
            assert!(adverts.len() >= 8 && arps.len() >= 10, "{name} is whole");
            for frame in frames {
                assert_eq!(written_again(&frame.bytes), frame.bytes, "{name}");
            }
        }
    }
}

#[test]
fn alived_sent_what_keepalived_sent() {
    for transport in ["multicast", "unicast"] {
        // An advert and a delayed gratuitous ARP may pass each other; within its kind the order is fixed.
        let sent = |program| -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
            let frames = fixture(&format!("{program}-003-{transport}.pcap")).into_iter().map(|frame| frame.bytes);
            frames.partition(|frame| GratuitousArp::parse(frame).is_none())
        };
        // Both count their adverts from 1, so that not even the identification differs.
        assert_eq!(sent("alived"), sent("keepalived"), "{transport}");
    }
}
