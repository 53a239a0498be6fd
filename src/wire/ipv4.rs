//! The IPv4 header that alived builds itself (raw sockets with `IP_HDRINCL`) and reads back (RFC 791).

use std::net::Ipv4Addr;

use pnet_packet::Packet;
use pnet_packet::ip::IpNextHeaderProtocol;
use pnet_packet::ipv4::{self, Ipv4Packet, MutableIpv4Packet};

/// Octets of a header without options.
pub const HEADER_LEN: usize = 20;

/// What alived chooses in a header; the rest is fixed: no options, no fragment, DF clear as keepalived leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Sender.
    pub source: Ipv4Addr,
    /// Receiver: a group or a unicast peer.
    pub destination: Ipv4Addr,
    /// IP protocol number.
    pub protocol: u8,
    /// The whole TOS octet, DSCP and ECN.
    pub tos: u8,
    /// Time to live.
    pub ttl: u8,
    /// Identification.
    pub identification: u16,
}

impl Header {
    /// The datagram: this header with its checksum, then `payload` (65,515 octets at most).
    pub fn emit(&self, payload: &[u8]) -> Vec<u8> {
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
        packet.set_source(self.source);
        packet.set_destination(self.destination);
        let checksum = ipv4::checksum(&packet.to_immutable());
        packet.set_checksum(checksum);
        bytes
    }
}

/// A received datagram whose header is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The header's fields.
    pub header: Header,
    /// `total_length` as sent: what the sender says the datagram measures.
    pub total_length: u16,
    /// Everything received after header and options, also beyond `total_length`.
    pub payload: &'a [u8],
}

/// The bytes are no IPv4 datagram: too short for the header they announce, or of another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no whole IPv4 header in {length} octets")]
pub struct BadHeader {
    /// Octets received.
    pub length: usize,
}

impl<'a> Datagram<'a> {
    /// Reads the header. The header checksum is not looked at: the kernel has.
    pub fn parse(bytes: &'a [u8]) -> Result<Datagram<'a>, BadHeader> {
        let bad = BadHeader { length: bytes.len() };
        let packet = Ipv4Packet::new(bytes).ok_or(bad)?;
        let header_len = usize::from(packet.get_header_length()) * 4;
        if packet.get_version() != 4 || header_len < HEADER_LEN {
            return Err(bad);
        }
        // pnet clamps lengths silently, so the payload is cut here.
        let payload = packet.packet().get(header_len..).map(|_| &bytes[header_len..]).ok_or(bad)?;
        let header = Header {
            source: packet.get_source(),
            destination: packet.get_destination(),
            protocol: packet.get_next_level_protocol().0,
            tos: packet.get_dscp() << 2 | packet.get_ecn(),
            ttl: packet.get_ttl(),
            identification: packet.get_identification(),
        };
        Ok(Datagram { header, total_length: packet.get_total_length(), payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_emitted_parses_back() {
        let header = Header {
            source: Ipv4Addr::new(192, 0, 2, 1),
            destination: Ipv4Addr::new(224, 0, 0, 18),
            protocol: 112,
            tos: 0xc0,
            ttl: 255,
            identification: 7,
        };
        let bytes = header.emit(b"payload");
        assert_eq!(crate::wire::checksum::internet(&bytes[..HEADER_LEN]), 0);
        let datagram = Datagram::parse(&bytes).expect("whole");
        assert_eq!((datagram.header, datagram.total_length, datagram.payload), (header, 27, &b"payload"[..]));
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
