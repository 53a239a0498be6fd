//! A second, independent reading of frames: just enough of Ethernet, IPv4, VRRPv2 and ARP to say who announced what.

use std::fmt;
use std::net::Ipv4Addr;

use super::capture_file::{Frame, Stamp};

const ETHERNET_LEN: usize = 14;
const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const ETHERTYPE_ARP: [u8; 2] = [0x08, 0x06];
const PROTOCOL_VRRP: u8 = 112;

/// A VRRPv2 advertisement.
#[derive(Clone, PartialEq, Eq)]
pub struct Advert {
    pub at: Stamp,
    /// Source address of the Ethernet frame: which host sent it.
    pub mac: [u8; 6],
    pub source: Ipv4Addr,
    pub destination: Ipv4Addr,
    pub ip_id: u16,
    pub vrid: u8,
    pub priority: u8,
    pub addresses: Vec<Ipv4Addr>,
    pub frame: Vec<u8>,
}

/// A gratuitous ARP: sender and target address are the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Garp {
    pub at: Stamp,
    /// Source address of the Ethernet frame: which host sent it.
    pub mac: [u8; 6],
    pub address: Ipv4Addr,
    pub frame: Vec<u8>,
}

impl fmt::Debug for Advert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Advert { at, source, destination, ip_id, vrid, priority, addresses, .. } = self;
        write!(f, "{at:?} {source} > {destination} id {ip_id}: vrid {vrid} prio {priority} {addresses:?}")
    }
}

impl fmt::Debug for Garp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mac = self.mac.map(|octet| format!("{octet:02x}")).join(":");
        write!(f, "{:?} {mac}: gratuitous ARP for {}", self.at, self.address)
    }
}

/// The advertisement in this frame, if it is one.
pub fn advert(frame: &Frame) -> Option<Advert> {
    if frame.bytes.get(12..14)? != ETHERTYPE_IPV4 {
        return None;
    }
    let packet = frame.bytes.get(ETHERNET_LEN..)?;
    let header_length = usize::from(packet.first()? & 0x0f) * 4;
    if *packet.get(9)? != PROTOCOL_VRRP {
        return None;
    }
    let vrrp = packet.get(header_length..)?;
    let count = usize::from(*vrrp.get(3)?);
    let addresses = vrrp.get(8..8 + 4 * count)?.chunks_exact(4).map(|octets| address(octets, 0)).collect();
    Some(Advert {
        at: frame.at,
        mac: frame.bytes[6..12].try_into().ok()?,
        source: address(packet, 12),
        destination: address(packet, 16),
        ip_id: u16::from_be_bytes([packet[4], packet[5]]),
        vrid: vrrp[1],
        priority: vrrp[2],
        addresses,
        frame: frame.bytes.clone(),
    })
}

/// The gratuitous ARP in this frame, if it is one.
pub fn garp(frame: &Frame) -> Option<Garp> {
    let arp = frame.bytes.get(ETHERNET_LEN..ETHERNET_LEN + 28)?;
    let gratuitous = frame.bytes[12..14] == ETHERTYPE_ARP && arp[14..18] == arp[24..28];
    gratuitous.then(|| Garp {
        at: frame.at,
        mac: frame.bytes[6..12].try_into().expect("six octets"),
        address: address(arp, 14),
        frame: frame.bytes.clone(),
    })
}

fn address(bytes: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3])
}
