//! Unsolicited neighbour advertisement: what a gratuitous ARP is to IPv4 (RFC 4861 §4.4, §7.2.6; RFC 9568 §8.4.2).

use std::net::{IpAddr, Ipv6Addr};

use pnet_base::MacAddr;

use super::{checksum, ip};

/// Octets of an Ethernet header.
const ETHERNET_LEN: usize = 14;
/// `ETHERTYPE_IPV6`
const ETHERTYPE: [u8; 2] = [0x86, 0xdd];
/// Next header ICMPv6.
const ICMPV6: u8 = 58;
/// ICMPv6 type of a neighbour advertisement.
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
/// Flags in the fifth octet.
const ROUTER: u8 = 0x80;
const OVERRIDE: u8 = 0x20;
/// Octets of the ICMPv6 part: type to flags, target, target link-layer address option.
const ICMP_LEN: usize = 8 + 16 + 8;
/// Octets of the whole frame.
pub const FRAME_LEN: usize = ETHERNET_LEN + ip::HEADER_LEN_V6 + ICMP_LEN;
/// All nodes of the link.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Its Ethernet address (RFC 2464 §7).
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];

/// `sender` announces `address` as its own.
///
/// ```text
/// 33:33:00:00:00:01 | sender | 86dd | IPv6 address > ff02::1, hop limit 255 | 136 | flags | address | 2 | 1 | sender
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeighbourAdvert {
    /// MAC address of the interface that holds the address.
    pub sender: MacAddr,
    /// The address announced; also the source of the packet, as keepalived sends it.
    pub address: Ipv6Addr,
    /// The interface forwards: the R flag.
    pub router: bool,
}

impl NeighbourAdvert {
    /// The whole Ethernet frame.
    pub fn emit(&self) -> Vec<u8> {
        let mut icmp = Vec::with_capacity(ICMP_LEN);
        let flags = OVERRIDE | if self.router { ROUTER } else { 0 };
        icmp.extend_from_slice(&[NEIGHBOUR_ADVERTISEMENT, 0, 0, 0, flags, 0, 0, 0]);
        icmp.extend_from_slice(&self.address.octets());
        icmp.extend_from_slice(&[2, 1]); // target link-layer address, one unit of eight octets
        icmp.extend_from_slice(&self.sender.octets());
        let (source, destination) = (IpAddr::V6(self.address), IpAddr::V6(ALL_NODES));
        let sum = checksum::with_pseudo_header(&icmp, source, destination, ICMPV6);
        icmp[2..4].copy_from_slice(&sum.to_be_bytes());
        let header = ip::Header { source, destination, protocol: ICMPV6, tos: 0, ttl: 255, identification: 0 };
        let mut bytes = Vec::with_capacity(FRAME_LEN);
        bytes.extend_from_slice(&ALL_NODES_MAC);
        bytes.extend_from_slice(&self.sender.octets());
        bytes.extend_from_slice(&ETHERTYPE);
        bytes.extend_from_slice(&header.emit(&icmp));
        bytes
    }

    /// Reads a frame; `None` when it is anything else than an unsolicited neighbour advertisement with its option.
    pub fn parse(bytes: &[u8]) -> Option<NeighbourAdvert> {
        if bytes.len() < FRAME_LEN || bytes[12..ETHERNET_LEN] != ETHERTYPE {
            return None;
        }
        let datagram = ip::Datagram::parse(&bytes[ETHERNET_LEN..]).ok()?;
        let (header, icmp) = (datagram.header, datagram.payload);
        let whole = header.protocol == ICMPV6
            && icmp.len() >= ICMP_LEN
            && icmp[..2] == [NEIGHBOUR_ADVERTISEMENT, 0]
            && icmp[4] & 0x40 == 0 // not solicited
            && icmp[24..26] == [2, 1]
            && checksum::with_pseudo_header(icmp, header.source, header.destination, ICMPV6) == 0;
        let address = Ipv6Addr::from(<[u8; 16]>::try_from(icmp.get(8..24)?).ok()?);
        let sender = <[u8; 6]>::try_from(icmp.get(26..ICMP_LEN)?).ok()?;
        whole.then(|| NeighbourAdvert { sender: MacAddr::from(sender), address, router: icmp[4] & ROUTER != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_keepalived_s() {
        let advert = NeighbourAdvert {
            sender: MacAddr::new(2, 0x4c, 0x41, 0x42, 0, 1),
            address: "fd00:99::1".parse().expect("an address"),
            router: false,
        };
        let bytes = advert.emit();
        assert_eq!(bytes.len(), 86);
        assert_eq!(bytes[..14], [0x33, 0x33, 0, 0, 0, 1, 2, 0x4c, 0x41, 0x42, 0, 1, 0x86, 0xdd]);
        assert_eq!(bytes[14..22], [0x60, 0, 0, 0, 0, 32, 58, 255], "class 0, hop limit 255");
        assert_eq!(bytes[54..56], [136, 0]);
        assert_eq!(bytes[58], 0x20, "override, neither router nor solicited");
        assert_eq!(NeighbourAdvert::parse(&bytes), Some(advert));
        for length in 0..bytes.len() {
            assert_eq!(NeighbourAdvert::parse(&bytes[..length]), None, "{length} octets");
        }
    }

    #[test]
    fn a_damaged_one_is_none() {
        let advert =
            NeighbourAdvert { sender: MacAddr::new(2, 0, 0, 0, 0, 1), address: Ipv6Addr::LOCALHOST, router: true };
        let mut bytes = advert.emit();
        assert_eq!(bytes[58], 0xa0);
        bytes[60] ^= 1;
        assert_eq!(NeighbourAdvert::parse(&bytes), None);
    }
}
