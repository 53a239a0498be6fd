//! The IP headers around an advert, of both families: IPv4 (RFC 791) and IPv6 (RFC 8200). alived builds them itself (raw
//! sockets with `IP_HDRINCL`, `IPV6_HDRINCL`) and reads them back, so that a packet is whole in the core and in a
//! capture alike.

use std::net::IpAddr;

use pnet_packet::ip::IpNextHeaderProtocol;
use pnet_packet::ipv4::{self, Ipv4Packet, MutableIpv4Packet};
use pnet_packet::ipv6::{Ipv6Packet, MutableIpv6Packet};

/// Octets of an IPv4 header without options.
pub const HEADER_LEN: usize = 20;
/// Octets of an IPv6 header, extension headers not counted.
pub const HEADER_LEN_V6: usize = 40;

/// What alived chooses in a header; the rest is fixed: no options, no extension headers, no fragment, DF clear as
/// keepalived leaves it, flow label 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Sender; its family is the header's.
    pub source: IpAddr,
    /// Receiver, of the same family: a group or a unicast peer.
    pub destination: IpAddr,
    /// IP protocol number, next header.
    pub protocol: u8,
    /// The whole TOS octet, or traffic class: DSCP and ECN.
    pub tos: u8,
    /// Time to live, hop limit.
    pub ttl: u8,
    /// Identification; IPv6 has none.
    pub identification: u16,
}

impl Header {
    /// The datagram: this header, with its checksum if it has one, then `payload` (65,515 octets at most).
    ///
    /// # Panics
    /// When source and destination are of different families.
    pub fn emit(&self, payload: &[u8]) -> Vec<u8> {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let length = HEADER_LEN + payload.len();
                let mut bytes = vec![0; length];
                bytes[HEADER_LEN..].copy_from_slice(payload);
                let mut packet = MutableIpv4Packet::new(&mut bytes).expect("the buffer holds a header");
                packet.set_version(4);
                packet.set_header_length((HEADER_LEN / 4) as u8);
                packet.set_dscp(self.tos >> 2);
                packet.set_ecn(self.tos & 3);
                packet.set_total_length(u16::try_from(length).expect("a VRRP datagram is far below 64 KiB"));
                packet.set_identification(self.identification);
                packet.set_ttl(self.ttl);
                packet.set_next_level_protocol(IpNextHeaderProtocol::new(self.protocol));
                packet.set_source(source);
                packet.set_destination(destination);
                let checksum = ipv4::checksum(&packet.to_immutable());
                packet.set_checksum(checksum);
                bytes
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let mut bytes = vec![0; HEADER_LEN_V6 + payload.len()];
                bytes[HEADER_LEN_V6..].copy_from_slice(payload);
                let mut packet = MutableIpv6Packet::new(&mut bytes).expect("the buffer holds a header");
                packet.set_version(6);
                packet.set_traffic_class(self.tos);
                packet.set_payload_length(u16::try_from(payload.len()).expect("a VRRP datagram is far below 64 KiB"));
                packet.set_next_header(IpNextHeaderProtocol::new(self.protocol));
                packet.set_hop_limit(self.ttl);
                packet.set_source(source);
                packet.set_destination(destination);
                bytes
            }
            _ => panic!("a datagram from {} to {} does not exist", self.source, self.destination),
        }
    }
}

/// A received datagram whose header is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The header's fields.
    pub header: Header,
    /// What the sender says the datagram measures, header included.
    pub total_length: usize,
    /// Octets of the header, options included.
    pub header_len: usize,
    /// Everything received after the header, also beyond `total_length`.
    pub payload: &'a [u8],
    /// Everything received.
    pub bytes: &'a [u8],
}

/// The bytes are no IP datagram: too short for the header they announce, or of another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no whole IP header in {length} octets")]
pub struct BadHeader {
    /// Octets received.
    pub length: usize,
}

impl<'a> Datagram<'a> {
    /// Reads the header. The header checksum of IPv4 is not looked at: the kernel has. Extension headers of IPv6 are
    /// taken for the payload.
    pub fn parse(bytes: &'a [u8]) -> Result<Datagram<'a>, BadHeader> {
        let bad = BadHeader { length: bytes.len() };
        match bytes.first().map(|first| first >> 4) {
            Some(4) => Datagram::parse_v4(bytes).ok_or(bad),
            Some(6) => Datagram::parse_v6(bytes).ok_or(bad),
            _ => Err(bad),
        }
    }

    fn parse_v4(bytes: &'a [u8]) -> Option<Datagram<'a>> {
        let packet = Ipv4Packet::new(bytes)?;
        let header_len = usize::from(packet.get_header_length()) * 4;
        if header_len < HEADER_LEN {
            return None;
        }
        let header = Header {
            source: packet.get_source().into(),
            destination: packet.get_destination().into(),
            protocol: packet.get_next_level_protocol().0,
            tos: packet.get_dscp() << 2 | packet.get_ecn(),
            ttl: packet.get_ttl(),
            identification: packet.get_identification(),
        };
        // pnet clamps lengths silently, so the payload is cut here.
        let payload = bytes.get(header_len..)?;
        Some(Datagram { header, total_length: packet.get_total_length().into(), header_len, payload, bytes })
    }

    fn parse_v6(bytes: &'a [u8]) -> Option<Datagram<'a>> {
        let packet = Ipv6Packet::new(bytes)?;
        let header = Header {
            source: packet.get_source().into(),
            destination: packet.get_destination().into(),
            protocol: packet.get_next_header().0,
            tos: packet.get_traffic_class(),
            ttl: packet.get_hop_limit(),
            identification: 0,
        };
        let header_len = HEADER_LEN_V6;
        let total_length = header_len + usize::from(packet.get_payload_length());
        Some(Datagram { header, total_length, header_len, payload: bytes.get(header_len..)?, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(source: &str, destination: &str) -> Header {
        Header {
            source: source.parse().expect("an address"),
            destination: destination.parse().expect("an address"),
            protocol: 112,
            tos: 0xc0,
            ttl: 255,
            identification: 7,
        }
    }

    #[test]
    fn what_is_emitted_parses_back() {
        let header = header("192.0.2.1", "224.0.0.18");
        let bytes = header.emit(b"payload");
        assert_eq!(crate::wire::checksum::internet(&bytes[..HEADER_LEN]), 0);
        let datagram = Datagram::parse(&bytes).expect("whole");
        assert_eq!((datagram.header, datagram.total_length, datagram.payload), (header, 27, &b"payload"[..]));
    }

    #[test]
    fn what_is_emitted_over_ipv6_parses_back() {
        let header = Header { identification: 0, ..header("fe80::1", "ff02::12") };
        let bytes = header.emit(b"payload");
        assert_eq!(bytes[..8], [0x6c, 0, 0, 0, 0, 7, 112, 255], "class c0, no flow label");
        let datagram = Datagram::parse(&bytes).expect("whole");
        assert_eq!((datagram.header, datagram.total_length, datagram.payload), (header, 47, &b"payload"[..]));
        for length in 0..HEADER_LEN_V6 {
            assert!(Datagram::parse(&bytes[..length]).is_err(), "{length} octets");
        }
    }

    #[test]
    fn a_header_that_announces_more_than_was_received_is_refused() {
        let mut bytes = vec![0; 24];
        bytes[0] = 0x4f; // 60 octets of header
        assert!(Datagram::parse(&bytes).is_err());
        bytes[0] = 0x41; // 4 octets of header
        assert!(Datagram::parse(&bytes).is_err());
        bytes[0] = 0x65;
        assert!(Datagram::parse(&bytes).is_err());
        assert!(Datagram::parse(&bytes[..19]).is_err());
    }
}
