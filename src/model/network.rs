//! What the host's network is made of, as far as VRRP stands on it.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use pnet_base::MacAddr;

use super::address::InterfaceName;

/// What the kernel says about an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Up, and with a carrier (`IFF_UP` and `IFF_RUNNING`).
    pub running: bool,
    /// The MAC address; `None` where there is none of six octets.
    pub mac: Option<MacAddr>,
    /// IPv4 addresses in the kernel's order: primaries first.
    pub addresses: Vec<Ipv4Net>,
}

/// Where adverts of some instances go out and come in: one pair of sockets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel {
    /// The interface the sockets are bound to.
    pub interface: InterfaceName,
    /// What is listened to.
    pub endpoint: Endpoint,
}

/// What a channel listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// 224.0.0.18
    Multicast,
    /// Packets to this address of ours.
    Unicast(Ipv4Addr),
}
