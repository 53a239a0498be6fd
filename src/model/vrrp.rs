//! `vrrp_instance`.

use std::fmt;
use std::net::Ipv4Addr;
use std::num::NonZeroU8;
use std::time::Duration;

use ipnet::Ipv4Net;

use super::address::InterfaceName;
use super::track::TrackedScript;

/// Virtual Router Identifier, 1 to 255 (RFC 9568 §5.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vrid(NonZeroU8);

impl Vrid {
    /// `None` for 0.
    pub fn new(vrid: u8) -> Option<Vrid> {
        NonZeroU8::new(vrid).map(Vrid)
    }

    /// 1 to 255.
    pub fn get(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for Vrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Priority of a router or an advert (RFC 9568 §5.2.4). On the wire any value; a configured one is never [`Priority::STOP`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u8);

impl Priority {
    /// 0: the sender is leaving.
    pub const STOP: Priority = Priority(0);
    /// 255: the sender owns the addresses.
    pub const OWNER: Priority = Priority(255);
    /// keepalived's default, and RFC 9568's.
    pub const DEFAULT: Priority = Priority(100);

    /// Any value, as found on the wire.
    pub const fn new(value: u8) -> Priority {
        Priority(value)
    }

    /// 0 to 255.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// `advert_int` of VRRPv2: whole seconds, 1 to 255 (RFC 3768 §5.3.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdvertInterval(NonZeroU8);

impl AdvertInterval {
    /// One second, the default.
    pub const DEFAULT: AdvertInterval = AdvertInterval(NonZeroU8::MIN);

    /// `None` for 0.
    pub fn from_seconds(seconds: u8) -> Option<AdvertInterval> {
        NonZeroU8::new(seconds).map(AdvertInterval)
    }

    /// 1 to 255, as the wire carries it.
    pub fn seconds(self) -> u8 {
        self.0.get()
    }

    /// The same as a duration.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.get().into())
    }
}

/// `state`: with priority below 255 both start as BACKUP; MASTER only clears `nopreempt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InitialState {
    /// No `state` line, or `state BACKUP` (with 255 the difference matters: see [`InitialState::Unset`]).
    Backup,
    /// `state MASTER`
    Master,
    /// No `state` line: an owner (255) starts as MASTER.
    #[default]
    Unset,
}

/// `authentication { … }` (RFC 2338 §5.3.6; RFC 3768 dropped it, keepalived did not).
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum Authentication {
    /// `auth type 0`
    #[default]
    None,
    /// `auth_type PASS`: eight octets in clear, zero padded.
    Pass([u8; 8]),
}

impl fmt::Debug for Authentication {
    /// Never shows the password: a `Debug` text ends up in logs and bug reports.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Authentication::None => "None",
            Authentication::Pass(_) => "Pass(…)",
        })
    }
}

/// How adverts travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// To 224.0.0.18 on the instance's interface.
    Multicast {
        /// `mcast_src_ip`, else the interface's first address.
        source: Option<Ipv4Addr>,
    },
    /// One packet to each peer, in file order.
    Unicast {
        /// `unicast_src_ip`, else the interface's first address.
        source: Option<Ipv4Addr>,
        /// `unicast_peer`; never empty.
        peers: Vec<Ipv4Addr>,
    },
}

/// One line of `virtual_ipaddress`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualAddress {
    /// Address and prefix length; /32 when the file gives none, as keepalived does.
    pub net: Ipv4Net,
    /// `dev`, else the instance's interface.
    pub interface: InterfaceName,
    /// `label`, 15 characters at most.
    pub label: Option<String>,
    /// `brd` / `broadcast`; none is set when absent.
    pub broadcast: Option<Ipv4Addr>,
    /// `scope`, as the kernel numbers it (linux/rtnetlink.h `rt_scope_t`); 0 is global.
    pub scope: u8,
}

/// `garp_master_*`: how the addresses are announced on becoming MASTER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GratuitousArp {
    /// `garp_master_repeat`: rounds in a burst, default 5, at least 1.
    pub repeat: u32,
    /// `garp_master_delay`: until the second burst, default 5 s; zero means no second burst.
    pub delay: Duration,
}

impl Default for GratuitousArp {
    fn default() -> Self {
        GratuitousArp { repeat: 5, delay: Duration::from_secs(5) }
    }
}

/// One `vrrp_instance` block, VRRPv2 over IPv4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VrrpInstance {
    /// The block's name; unique in a configuration.
    pub name: String,
    /// `state`
    pub initial_state: InitialState,
    /// `interface`
    pub interface: InterfaceName,
    /// `virtual_router_id`
    pub vrid: Vrid,
    /// `priority`, 1 to 255; default 100, or 255 with `state MASTER`.
    pub priority: Priority,
    /// `advert_int`
    pub advert_interval: AdvertInterval,
    /// False with `nopreempt`: an accepted master of lower priority is left in place.
    pub preempt: bool,
    /// `authentication`
    pub authentication: Authentication,
    /// Multicast, or unicast peers.
    pub transport: Transport,
    /// `virtual_ipaddress`, in file order: also the order on the wire and of the kernel requests.
    pub virtual_addresses: Vec<VirtualAddress>,
    /// `track_script`
    pub track_scripts: Vec<TrackedScript>,
    /// `garp_master_repeat`, `garp_master_delay`
    pub garp: GratuitousArp,
}
