//! What the host's network is made of, as far as VRRP stands on it.

use std::net::IpAddr;

use ipnet::IpNet;
use pnet_base::MacAddr;

use super::address::{Family, InterfaceName};

/// What the kernel says about an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Up, and with a carrier (`IFF_UP` and `IFF_RUNNING`).
    pub running: bool,
    /// The MAC address; `None` where there is none of six octets.
    pub mac: Option<MacAddr>,
    /// Its usable addresses, of each family in the kernel's order: IPv4 primaries first. One of IPv6 is not here before
    /// duplicate address detection has passed it.
    pub addresses: Vec<IpNet>,
}

/// Where adverts of some instances go out and come in: one pair of sockets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel {
    /// The interface the sockets are bound to.
    pub interface: InterfaceName,
    /// What is listened to.
    pub endpoint: Endpoint,
    /// What the IP header says follows it.
    pub protocol: Carrier,
}

impl Channel {
    /// IPv4 or IPv6.
    pub fn family(&self) -> Family {
        Family::of(match self.endpoint {
            Endpoint::Multicast(address) | Endpoint::Unicast(address) => address,
        })
    }
}

/// What a channel listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// Packets to this group.
    Multicast(IpAddr),
    /// Packets to this address of ours.
    Unicast(IpAddr),
}

/// What carries adverts in an IP datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carrier {
    /// VRRP right after the IP header (protocol 112).
    Vrrp,
    /// An authentication header before it (protocol 51, RFC 4302).
    AuthenticationHeader,
}

impl Carrier {
    /// IP protocol number.
    pub fn number(self) -> u8 {
        match self {
            Carrier::Vrrp => 112,
            Carrier::AuthenticationHeader => 51,
        }
    }
}
