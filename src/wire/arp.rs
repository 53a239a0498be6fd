//! Gratuitous ARP: the broadcast that tells a segment which MAC address now answers for an IPv4 address
//! (RFC 5227 §3, RFC 9568 §8.3).

use std::net::Ipv4Addr;

use pnet_base::MacAddr;
use pnet_packet::Packet;
use pnet_packet::arp::{ArpHardwareTypes, ArpOperations, ArpPacket, MutableArpPacket};
use pnet_packet::ethernet::{EtherTypes, EthernetPacket, MutableEthernetPacket};

/// Octets of Ethernet header and ARP body; nothing is padded, the driver does that.
pub const FRAME_LEN: usize = 42;

/// `sender` announces `address` as its own.
///
/// ```text
/// ff:ff:ff:ff:ff:ff | sender | 0806 | 1 | 0800 | 6 | 4 | request | sender | address | ff:ff:ff:ff:ff:ff | address
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GratuitousArp {
    /// MAC address of the interface that holds the address.
    pub sender: MacAddr,
    /// The address announced.
    pub address: Ipv4Addr,
}

impl GratuitousArp {
    /// The whole Ethernet frame. A request whose target MAC is the broadcast address, as keepalived sends it.
    pub fn emit(&self) -> Vec<u8> {
        let mut bytes = vec![0; FRAME_LEN];
        let mut frame = MutableEthernetPacket::new(&mut bytes).expect("the buffer holds a frame");
        frame.set_destination(MacAddr::broadcast());
        frame.set_source(self.sender);
        frame.set_ethertype(EtherTypes::Arp);
        let mut arp = MutableArpPacket::new(&mut bytes[EthernetPacket::minimum_packet_size()..])
            .expect("the buffer holds an ARP");
        arp.set_hardware_type(ArpHardwareTypes::Ethernet);
        arp.set_protocol_type(EtherTypes::Ipv4);
        arp.set_hw_addr_len(6);
        arp.set_proto_addr_len(4);
        arp.set_operation(ArpOperations::Request);
        arp.set_sender_hw_addr(self.sender);
        arp.set_sender_proto_addr(self.address);
        arp.set_target_hw_addr(MacAddr::broadcast());
        arp.set_target_proto_addr(self.address);
        bytes
    }

    /// Reads a frame; `None` when it is anything else than a gratuitous ARP request.
    pub fn parse(bytes: &[u8]) -> Option<GratuitousArp> {
        let frame = EthernetPacket::new(bytes)?;
        let arp = ArpPacket::new(frame.payload())?;
        let gratuitous = frame.get_ethertype() == EtherTypes::Arp
            && arp.get_operation() == ArpOperations::Request
            && arp.get_sender_proto_addr() == arp.get_target_proto_addr();
        gratuitous.then(|| GratuitousArp { sender: arp.get_sender_hw_addr(), address: arp.get_sender_proto_addr() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_keepalived_s() {
        let arp =
            GratuitousArp { sender: MacAddr::new(2, 0x4c, 0x41, 0x42, 0, 1), address: Ipv4Addr::new(10, 99, 100, 1) };
        let bytes = arp.emit();
        let expected = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x4c, 0x41, 0x42, 0x00, 0x01, 0x08, 0x06, 0x00, 0x01, 0x08, 0x00,
            0x06, 0x04, 0x00, 0x01, 0x02, 0x4c, 0x41, 0x42, 0x00, 0x01, 10, 99, 100, 1, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 10, 99, 100, 1,
        ];
        assert_eq!(bytes, expected);
        assert_eq!(GratuitousArp::parse(&bytes), Some(arp));
        assert_eq!(GratuitousArp::parse(&bytes[..41]), None);
    }
}
