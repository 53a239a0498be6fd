//! Adverts that are wrong on purpose, sent from any host of the laboratory.

use std::net::{Ipv4Addr, SocketAddrV4};

use socket2::{Domain, Protocol, Socket, Type};

use super::lab::Host;
use super::vrrp_conf::{PASSWORD, VIP, VRID};

/// 224.0.0.18 (RFC 3768 §5.2.2).
const MULTICAST: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// `IPPROTO_RAW`: the IP header is ours.
const PROTOCOL_RAW: i32 = 255;
const PROTOCOL_VRRP: u8 = 112;

/// A VRRPv2 advert, field by field; what is not a field of its own is an edit of the finished bytes.
#[derive(Debug, Clone)]
pub struct Forged {
    pub source: Ipv4Addr,
    pub destination: Ipv4Addr,
    pub ttl: u8,
    pub version: u8,
    pub kind: u8,
    pub vrid: u8,
    pub priority: u8,
    /// Count of addresses claimed; the addresses themselves are in `addresses`.
    pub count: u8,
    pub auth_type: u8,
    pub interval: u8,
    pub addresses: Vec<Ipv4Addr>,
    pub auth_data: [u8; 8],
    /// Added to the right checksum.
    pub checksum_error: u16,
    /// Octets cut off the end, after the checksum was computed.
    pub cut: usize,
    /// Octets appended after the checksum was computed.
    pub appended: Vec<u8>,
}

impl Forged {
    /// An advert of `priority` for the laboratory's virtual router, in which nothing is wrong.
    pub fn right(source: Ipv4Addr, priority: u8) -> Forged {
        let mut auth_data = [0; 8];
        auth_data[..PASSWORD.len()].copy_from_slice(PASSWORD.as_bytes());
        Forged {
            source,
            destination: MULTICAST,
            ttl: 255,
            version: 2,
            kind: 1,
            vrid: VRID,
            priority,
            count: 1,
            auth_type: 1,
            interval: 1,
            addresses: vec![VIP],
            auth_data,
            checksum_error: 0,
            cut: 0,
            appended: Vec::new(),
        }
    }

    /// The VRRP part.
    pub fn vrrp(&self) -> Vec<u8> {
        let mut bytes = vec![self.version << 4 | self.kind, self.vrid, self.priority, self.count];
        bytes.extend_from_slice(&[self.auth_type, self.interval, 0, 0]);
        self.addresses.iter().for_each(|address| bytes.extend_from_slice(&address.octets()));
        bytes.extend_from_slice(&self.auth_data);
        let checksum = internet_checksum(&bytes).wrapping_add(self.checksum_error);
        bytes[6..8].copy_from_slice(&checksum.to_be_bytes());
        bytes.truncate(bytes.len().saturating_sub(self.cut));
        bytes.extend_from_slice(&self.appended);
        bytes
    }

    /// Sends it from `host`.
    pub fn send(&self, host: &Host) {
        send_raw(host, self.source, self.destination, self.ttl, &self.vrrp());
    }
}

/// Sends an IP packet of protocol 112 with any `payload` from `host`.
pub fn send_raw(host: &Host, source: Ipv4Addr, destination: Ipv4Addr, ttl: u8, payload: &[u8]) {
    // Length, identification and checksum are filled in by the kernel (raw(7), IP_HDRINCL).
    let mut packet = vec![0x45, 0xc0, 0, 0, 0, 0, 0, 0, ttl, PROTOCOL_VRRP, 0, 0];
    packet.extend_from_slice(&source.octets());
    packet.extend_from_slice(&destination.octets());
    packet.extend_from_slice(payload);
    let interface = host.interface();
    host.namespace().inside(|| {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(PROTOCOL_RAW))).expect("a raw socket");
        socket.set_header_included_v4(true).expect("IP_HDRINCL");
        socket.bind_device(Some(interface.as_bytes())).expect("binding to the interface");
        let sent = socket.send_to(&packet, &SocketAddrV4::new(destination, 0).into()).expect("sending");
        assert_eq!(sent, packet.len());
    });
}

/// Ones' complement of the ones' complement sum (RFC 1071).
pub fn internet_checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 =
        bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
