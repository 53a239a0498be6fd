//! `virtual_server` and `real_server`: what the file says. What the kernel holds is in [`crate::ipvs`].

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::check::Checker;

/// Transport protocol of a virtual server; the number is the IP protocol's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// 6
    Tcp = 6,
    /// 17
    Udp = 17,
    /// 132
    Sctp = 132,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        })
    }
}

/// Address family of a firewall-mark service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// `inet`
    Ipv4,
    /// `inet6`
    Ipv6,
}

/// What identifies a virtual server, in the file and in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerKey {
    /// `virtual_server ADDRESS PORT` with its protocol; port 0 is every port.
    Address {
        /// TCP, UDP or SCTP.
        protocol: Protocol,
        /// The virtual address.
        address: IpAddr,
        /// The virtual port, 0 for all.
        port: u16,
    },
    /// `virtual_server fwmark N`
    Fwmark {
        /// The mark; 0 would mean "no mark" to the kernel.
        mark: NonZeroU32,
        /// Marks of the two families are different services.
        family: Family,
    },
}

impl ServerKey {
    /// Address family of the service.
    pub fn family(&self) -> Family {
        match self {
            ServerKey::Address { address: IpAddr::V4(_), .. } => Family::Ipv4,
            ServerKey::Address { address: IpAddr::V6(_), .. } => Family::Ipv6,
            ServerKey::Fwmark { family, .. } => *family,
        }
    }
}

impl fmt::Display for ServerKey {
    /// As keepalived writes it in logs, FIFOs and mails: `[192.0.2.1]:tcp:80`, `FWM 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerKey::Address { protocol, address, port } => write!(f, "[{address}]:{protocol}:{port}"),
            ServerKey::Fwmark { mark, .. } => write!(f, "FWM {mark}"),
        }
    }
}

/// The kernel's name of a scheduler: `rr`, `wrr`, `lc`, `wlc`, `lblc`, `sh`, `mh`, `dh`, `fo`, `ovf`, `lblcr`, `sed`,
/// `nq`, `twos` (keepalived.conf(5), `lvs_sched`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scheduler(&'static str);

impl Scheduler {
    /// Every name that keepalived accepts.
    pub const NAMES: [&'static str; 14] =
        ["rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos"];
    /// `wlc`, keepalived's default.
    pub const DEFAULT: Scheduler = Scheduler("wlc");

    /// `None` when keepalived does not know the name.
    pub fn new(name: &str) -> Option<Scheduler> {
        Self::NAMES.into_iter().find(|known| *known == name).map(Scheduler)
    }

    /// The name as the kernel wants it, at most 15 bytes.
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// How packets reach the real server (`lb_kind`, `lvs_method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forwarding {
    /// `NAT`: masquerading.
    Nat,
    /// `DR`: direct routing.
    Dr,
    /// `TUN`: an ipip tunnel.
    Tun,
}

/// Weight of a real server, 0 to 2³¹−1. Zero takes no new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u32);

impl Weight {
    /// 1, the default.
    pub const DEFAULT: Weight = Weight(1);

    /// `None` above 2³¹−1, which the kernel would take for negative.
    pub fn new(weight: u32) -> Option<Weight> {
        (weight <= i32::MAX as u32).then_some(Weight(weight))
    }

    /// 0 to 2³¹−1.
    pub fn get(self) -> u32 {
        self.0
    }
}

/// One `real_server` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealServer {
    /// Its address.
    pub address: IpAddr,
    /// Its port as programmed: corrections for DR/TUN and firewall marks are already made.
    pub port: u16,
    /// `lvs_method`, else the virtual server's `lb_kind`.
    pub forwarding: Forwarding,
    /// `weight`
    pub weight: Weight,
    /// Its checkers, in file order; without any it is always up.
    pub checkers: Vec<Checker>,
}

/// One `virtual_server` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualServer {
    /// What identifies it; unique in a configuration.
    pub key: ServerKey,
    /// `lb_algo` / `lvs_sched`
    pub scheduler: Scheduler,
    /// `persistence_timeout`, 1 s to 2,678,400 s.
    pub persistence: Option<Duration>,
    /// Its real servers, in file order; never empty.
    pub real_servers: Vec<RealServer>,
}
