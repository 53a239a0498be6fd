//! Frames → what concerns VRRP in them: adverts, and the announcements that say which station answers for an address.
//!
//! Reads what it can and judges nothing: a packet that no router would believe is the very thing to be shown.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use pnet_base::MacAddr;

use super::capture::{Frame, Link};
use super::cursor::Cursor;
use crate::wire::checksum;
use crate::wire::vrrp::{FIXED_LEN, PROTOCOL};

/// IP protocol number of the authentication header (RFC 4302).
const AH: u8 = 51;
/// IP protocol number of ICMPv6.
const ICMPV6: u8 = 58;
/// Octets of keepalived's HMAC trailer (`auth_hmac`, since 2.4.0).
pub const HMAC_TRAILER_LEN: usize = 28;

/// One packet that concerns VRRP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// The frame's number.
    pub frame: usize,
    /// When it was seen: time since 1970.
    pub at: Duration,
    /// The frame's addresses; none where the capture has no Ethernet header.
    pub mac: Option<Macs>,
    /// 802.1Q tag, the innermost.
    pub vlan: Option<u16>,
    /// What it says.
    pub content: Content,
}

/// The Ethernet addresses of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Macs {
    /// Who sent it; for a cooked capture what the kernel knew of the sender.
    pub source: MacAddr,
    /// To whom; `None` in a cooked capture.
    pub destination: Option<MacAddr>,
}

/// What a packet says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A VRRP packet.
    Vrrp(Vrrp),
    /// Gratuitous ARP or an unsolicited neighbour advertisement: `station` answers for `address`.
    Announcement {
        /// Which address.
        address: IpAddr,
        /// The link-layer address that is announced.
        station: MacAddr,
    },
}

/// A VRRP packet and the way it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vrrp {
    /// IP source.
    pub source: IpAddr,
    /// IP destination.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// TOS or traffic class.
    pub tos: u8,
    /// Whether the checksum of the IPv4 header is right.
    pub header_is_sound: bool,
    /// The whole datagram was captured.
    pub is_whole: bool,
    /// It came behind an authentication header.
    pub ah: Option<Ah>,
    /// From the version on to the end that the IP header tells, cut where the capture was.
    pub bytes: Vec<u8>,
}

/// The authentication header of a packet (RFC 4302 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ah {
    /// Security parameters index; keepalived writes its IPv4 address there.
    pub spi: u32,
    /// Sequence number.
    pub sequence: u32,
}

/// Which rule a checksum follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sum {
    /// The rule of the packet's version: RFC 3768 §5.3.8, RFC 9568 §5.2.8.
    Standard,
    /// A version 3 unicast packet summed as if it went to the group, as old keepalived did (`old_unicast_checksum`).
    OverGroup,
    /// A version 3 packet summed without the pseudo header (`v3_checksum_as_v2`).
    WithoutPseudoHeader,
}

impl Vrrp {
    fn octet(&self, index: usize) -> u8 {
        self.bytes.get(index).copied().unwrap_or(0)
    }

    /// Version of the protocol.
    pub fn version(&self) -> u8 {
        self.octet(0) >> 4
    }

    /// Packet type; 1 is an advertisement.
    pub fn packet_type(&self) -> u8 {
        self.octet(0) & 0x0f
    }

    /// Virtual router id.
    pub fn vrid(&self) -> u8 {
        self.octet(1)
    }

    /// Priority of the sender.
    pub fn priority(&self) -> u8 {
        self.octet(2)
    }

    /// How many addresses the packet says it holds.
    pub fn address_count(&self) -> usize {
        self.octet(3).into()
    }

    /// The reserved bits of version 3; authentication type of version 2.
    pub fn authentication_type(&self) -> u8 {
        self.octet(4)
    }

    /// The interval, in the unit of the version.
    pub fn interval(&self) -> Duration {
        match self.version() {
            2 => Duration::from_secs(self.octet(5).into()),
            _ => Duration::from_millis(10 * u64::from(u16::from_be_bytes([self.octet(4) & 0x0f, self.octet(5)]))),
        }
    }

    fn address_len(&self) -> usize {
        if self.source.is_ipv4() { 4 } else { 16 }
    }

    /// The addresses that are there, in the order of the packet.
    pub fn addresses(&self) -> Vec<IpAddr> {
        let octets = self.bytes.get(FIXED_LEN..).unwrap_or(&[]);
        let address = |octets: &[u8]| match <[u8; 4]>::try_from(octets) {
            Ok(octets) => IpAddr::from(octets),
            Err(_) => IpAddr::from(<[u8; 16]>::try_from(octets).unwrap_or_default()),
        };
        octets.chunks_exact(self.address_len()).take(self.address_count()).map(address).collect()
    }

    /// Octets of a packet of this version and count, without an HMAC trailer.
    pub fn expected_length(&self) -> usize {
        let authentication = if self.version() == 2 { 8 } else { 0 };
        FIXED_LEN + self.address_len() * self.address_count() + authentication
    }

    /// Whether keepalived's HMAC trailer follows: exactly its length more, and its type.
    pub fn has_hmac(&self) -> bool {
        let end = self.expected_length();
        self.bytes.len() == end + HMAC_TRAILER_LEN && self.octet(end) == 1
    }

    /// The eight octets of version 2's authentication data, when they are there.
    pub fn password(&self) -> Option<[u8; 8]> {
        let end = self.expected_length();
        self.bytes.get(end.checked_sub(8)?..end)?.try_into().ok().filter(|_| self.version() == 2)
    }

    /// The rule that its checksum follows; `None` when it follows none.
    pub fn checksum(&self) -> Option<Sum> {
        // Over IPv6 the kernel sums to the end of the datagram; over IPv4 the trailer came later and stays outside.
        let end = if self.has_hmac() && self.source.is_ipv4() { self.expected_length() } else { self.bytes.len() };
        let packet = &self.bytes[..end];
        let over = |destination: IpAddr| {
            let mut whole = octets(self.source);
            whole.extend(octets(destination));
            whole.extend(match destination {
                IpAddr::V4(_) => vec![0, PROTOCOL, (end >> 8) as u8, end as u8],
                IpAddr::V6(_) => [&(end as u32).to_be_bytes()[..], &[0, 0, 0, PROTOCOL]].concat(),
            });
            whole.extend_from_slice(packet);
            checksum::internet(&whole) == 0
        };
        let plain = || checksum::internet(packet) == 0;
        if self.version() == 2 {
            return plain().then_some(Sum::Standard);
        }
        let group = crate::wire::vrrp::GROUP;
        if over(self.destination) {
            Some(Sum::Standard)
        } else if self.source.is_ipv4() && over(group) {
            Some(Sum::OverGroup)
        } else {
            plain().then_some(Sum::WithoutPseudoHeader)
        }
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// What concerns VRRP in a frame; `None` for everything else.
pub fn read(frame: &Frame) -> Option<Packet> {
    let mut cursor = Cursor::new(&frame.bytes);
    let (mac, vlan, ethertype) = link(frame.link, &mut cursor)?;
    let content = match ethertype {
        0x0800 => ipv4(&mut cursor)?,
        0x86dd => ipv6(&mut cursor)?,
        0x0806 => arp(&mut cursor)?,
        _ => return None,
    };
    Some(Packet { frame: frame.number, at: frame.at, mac, vlan, content })
}

/// Addresses, VLAN and EtherType; leaves the cursor at the payload.
fn link(link: Link, cursor: &mut Cursor<'_>) -> Option<(Option<Macs>, Option<u16>, u16)> {
    let (mac, mut ethertype) = match link {
        Link::Ethernet => {
            let (destination, source) = (cursor.mac()?, cursor.mac()?);
            (Some(Macs { source, destination: Some(destination) }), cursor.u16()?)
        }
        Link::Cooked => {
            let _packet_type = cursor.take(2)?;
            let is_ethernet = cursor.u16()? == 1;
            let length = cursor.u16()?;
            let source = cursor.mac()?;
            cursor.take(2)?;
            let known = is_ethernet && length == 6;
            (known.then_some(Macs { source, destination: None }), cursor.u16()?)
        }
        Link::Cooked2 => {
            let ethertype = cursor.u16()?;
            cursor.take(6)?; // reserved, interface index
            let is_ethernet = cursor.u16()? == 1;
            cursor.u8()?; // packet type
            let length = cursor.u8()?;
            let source = cursor.mac()?;
            cursor.take(2)?;
            let known = is_ethernet && length == 6;
            (known.then_some(Macs { source, destination: None }), ethertype)
        }
        Link::Ip => {
            let version = cursor.peek()? >> 4;
            (None, if version == 6 { 0x86dd } else { 0x0800 })
        }
        Link::Other => return None,
    };
    let mut vlan = None;
    while matches!(ethertype, 0x8100 | 0x88a8) {
        vlan = Some(cursor.u16()? & 0x0fff);
        ethertype = cursor.u16()?;
    }
    Some((mac, vlan, ethertype))
}

fn ipv4(cursor: &mut Cursor<'_>) -> Option<Content> {
    let whole = cursor.rest();
    let header_len = usize::from(whole.first()? & 0x0f) * 4;
    let header = whole.get(..header_len).filter(|header| header.len() >= 20)?;
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let address = |at: usize| IpAddr::V4(Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]));
    let is_later_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x1fff != 0;
    if is_later_fragment {
        return None;
    }
    // An Ethernet frame may be padded behind the datagram.
    let datagram = whole.get(..total).unwrap_or(whole);
    let mut payload = Cursor::new(datagram.get(header_len..).unwrap_or(&[]));
    let (ah, protocol) = authentication_header(header[9], &mut payload)?;
    if protocol != PROTOCOL {
        return None;
    }
    Some(Content::Vrrp(Vrrp {
        source: address(12),
        destination: address(16),
        ttl: header[8],
        tos: header[1],
        header_is_sound: checksum::internet(header) == 0,
        is_whole: total >= header_len && whole.len() >= total,
        ah,
        bytes: payload.rest().to_vec(),
    }))
}

fn ipv6(cursor: &mut Cursor<'_>) -> Option<Content> {
    let header = cursor.take(40)?;
    let tos = header[0] << 4 | header[1] >> 4;
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let address = |at: usize| <[u8; 16]>::try_from(&header[at..at + 16]).map(Ipv6Addr::from).ok();
    let (source, destination) = (address(8)?, address(24)?);
    let whole = cursor.rest();
    let mut payload = Cursor::new(whole.get(..length).unwrap_or(whole));
    let mut next = header[6];
    // Hop-by-hop and destination options may stand before what is looked for (RFC 8200 §4.1).
    while matches!(next, 0 | 60) {
        next = payload.u8()?;
        let more = usize::from(payload.u8()?) * 8 + 6;
        payload.take(more)?;
    }
    let (ah, protocol) = authentication_header(next, &mut payload)?;
    match protocol {
        PROTOCOL => Some(Content::Vrrp(Vrrp {
            source: source.into(),
            destination: destination.into(),
            ttl: header[7],
            tos,
            header_is_sound: true,
            is_whole: whole.len() >= length,
            ah,
            bytes: payload.rest().to_vec(),
        })),
        ICMPV6 => neighbour_advertisement(&mut payload),
        _ => None,
    }
}

/// Passes an authentication header; the protocol behind it.
fn authentication_header(protocol: u8, payload: &mut Cursor<'_>) -> Option<(Option<Ah>, u8)> {
    if protocol != AH {
        return Some((None, protocol));
    }
    let next = payload.u8()?;
    let length = (usize::from(payload.u8()?) + 2) * 4; // RFC 4302 §2.2: in words, less two
    payload.take(2)?;
    let ah = Ah { spi: payload.u32()?, sequence: payload.u32()? };
    payload.take(length.checked_sub(12)?)?;
    Some((Some(ah), next))
}

/// An ARP packet whose sender speaks of its own address (RFC 5227 §3).
fn arp(cursor: &mut Cursor<'_>) -> Option<Content> {
    let is_ethernet_and_ipv4 = cursor.take(6)? == [0, 1, 8, 0, 6, 4];
    cursor.take(2)?; // request or reply: both are used
    let (station, sender) = (cursor.mac()?, cursor.take(4)?);
    cursor.take(6)?;
    let target = cursor.take(4)?;
    let address = IpAddr::from(<[u8; 4]>::try_from(sender).ok()?);
    (is_ethernet_and_ipv4 && sender == target).then_some(Content::Announcement { address, station })
}

/// One that nobody has asked for (RFC 4861 §4.4), with a target link-layer address.
fn neighbour_advertisement(cursor: &mut Cursor<'_>) -> Option<Content> {
    const ADVERTISEMENT: u8 = 136;
    const SOLICITED: u8 = 0x40;
    const TARGET_LINK_LAYER: u8 = 2;
    let kind = cursor.u8()?;
    cursor.take(3)?; // code, checksum
    let flags = cursor.u8()?;
    cursor.take(3)?;
    let target = <[u8; 16]>::try_from(cursor.take(16)?).ok()?;
    if kind != ADVERTISEMENT || flags & SOLICITED != 0 {
        return None;
    }
    loop {
        let (option, length) = (cursor.u8()?, usize::from(cursor.u8()?) * 8);
        let mut value = Cursor::new(cursor.take(length.checked_sub(2)?)?);
        if option == TARGET_LINK_LAYER {
            return Some(Content::Announcement { address: IpAddr::from(target), station: value.mac()? });
        }
    }
}
