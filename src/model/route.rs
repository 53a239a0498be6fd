//! Routes: `virtual_routes` of an instance, `static_routes` of the daemon. Numbers are the kernel's
//! (linux/rtnetlink.h), so that nothing has to be translated on the way there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};

use super::address::{Family, InterfaceName};

/// The net that holds every address of a family.
pub fn everything(family: Family) -> IpNet {
    match family {
        Family::V4 => IpNet::V4(Default::default()),
        Family::V6 => IpNet::V6(Default::default()),
    }
}

/// `RT_TABLE_MAIN`
pub const MAIN_TABLE: u32 = 254;
/// `RTPROT_KEEPALIVED`: who put a route or a rule there.
pub const PROTOCOL_KEEPALIVED: u8 = 18;
/// `RTN_UNICAST`
pub const UNICAST: u8 = 1;

/// One line of `virtual_routes` or `static_routes`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    /// Where to; everything for `default`. Bits beyond the prefix length are kept: the kernel refuses them.
    pub destination: IpNet,
    /// `RTN_*`, where one is written; [`UNICAST`] is meant without.
    pub kind: Option<u8>,
    /// `from`: only packets from there (IPv6).
    pub from: Option<Ipv6Net>,
    /// `src`: the source address of packets that the host sends this way.
    pub source: Option<IpAddr>,
    /// `tos`
    pub tos: u8,
    /// `table`, default main.
    pub table: u32,
    /// `protocol`, default [`PROTOCOL_KEEPALIVED`].
    pub protocol: u8,
    /// `scope` (`rt_scope_t`), where one is written.
    pub scope: Option<u8>,
    /// `metric`
    pub metric: Option<u32>,
    /// Where the packets go: nowhere, or to one of these.
    pub hops: Hops,
    /// `expires`, in seconds (IPv6).
    pub expires: Option<u32>,
    /// `pref`: `ICMPV6_ROUTER_PREF_*` (IPv6).
    pub preference: Option<u8>,
    /// `ttl-propagate`, of MPLS.
    pub ttl_propagate: Option<bool>,
    /// `mtu`, `rtt` and so on.
    pub metrics: BTreeMap<Metric, u32>,
    /// Those that `lock` stands before.
    pub locked: BTreeSet<Metric>,
    /// `congctl`
    pub congestion_control: Option<String>,
    /// Before, after or instead of failing beside another route with the same key.
    pub placement: Placement,
    /// False with `no_track`: that it is gone means nothing.
    pub tracked: bool,
    /// `track_group`: the instances that stand behind a static route.
    pub track_group: Option<String>,
}

/// Where the packets of a route go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hops {
    /// One way, as `via`, `dev` and so on describe it; without either for `blackhole` and its like.
    One(Hop),
    /// `nexthop … nexthop …`: several ways at once.
    Several(Vec<Hop>),
}

/// One way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hop {
    /// `via`, of the route's family.
    pub gateway: Option<IpAddr>,
    /// `dev`
    pub interface: Option<InterfaceName>,
    /// `onlink`: the gateway is reached on the interface, whatever the addresses say.
    pub onlink: bool,
    /// `weight`, 1 to 256; 1 when it is not written.
    pub weight: Option<u16>,
    /// `realms`: the upper half is the source's (IPv4).
    pub realms: u32,
    /// `encap`
    pub encapsulation: Option<Encapsulation>,
}

/// `encap`: what is wrapped around the packets (linux/lwtunnel.h).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encapsulation {
    /// `mpls`: labels of 20 bits, outermost first.
    Mpls(Vec<u32>),
    /// `ip`
    Ip(Tunnel<Ipv4Addr>),
    /// `ip6`
    Ip6(Tunnel<Ipv6Addr>),
    /// `ila`: the locator, in network order.
    Ila([u8; 8]),
}

/// The outer header of `encap ip` and `encap ip6`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tunnel<A> {
    /// `id`
    pub id: Option<u64>,
    /// `dst`
    pub destination: Option<A>,
    /// `src`
    pub source: Option<A>,
    /// `tos`, `tc`
    pub tos: Option<u8>,
    /// `ttl`, `hoplimit`
    pub ttl: Option<u8>,
    /// `flags`
    pub flags: Option<u16>,
}

impl<A> Default for Tunnel<A> {
    fn default() -> Self {
        Tunnel { id: None, destination: None, source: None, tos: None, ttl: None, flags: None }
    }
}

/// What a route says about its path (`RTAX_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Metric {
    /// `mtu`, in octets.
    Mtu = 2,
    /// `window`
    Window = 3,
    /// `rtt`, in eighths of a millisecond.
    Rtt = 4,
    /// `rttvar`, in quarters of a millisecond.
    RttVariance = 5,
    /// `ssthresh`
    SlowStartThreshold = 6,
    /// `cwnd`
    CongestionWindow = 7,
    /// `advmss`
    AdvertisedMss = 8,
    /// `reordering`
    Reordering = 9,
    /// `hoplimit`
    HopLimit = 10,
    /// `initcwnd`
    InitialCongestionWindow = 11,
    /// `features`: bit 0 is ECN.
    Features = 12,
    /// `rto_min`, in milliseconds.
    RtoMin = 13,
    /// `initrwnd`
    InitialReceiveWindow = 14,
    /// `quickack`
    QuickAck = 15,
    /// `congctl`, which is a name: see [`Route::congestion_control`].
    CongestionControl = 16,
    /// `fastopen_no_cookie`
    FastOpenNoCookie = 17,
}

/// What becomes of a route whose key (destination, tos, metric, table) is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Placement {
    /// Before the other one: keepalived's default, and the kernel's.
    #[default]
    Prepend,
    /// After it.
    Append,
    /// Not at all.
    Add,
}

impl Route {
    /// Its family.
    pub fn family(&self) -> Family {
        Family::of(self.destination.addr())
    }

    /// The ways it takes.
    pub fn hops(&self) -> &[Hop] {
        match &self.hops {
            Hops::One(hop) => std::slice::from_ref(hop),
            Hops::Several(hops) => hops,
        }
    }
}

/// What tells a route from all others of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteKey {
    /// Without bits beyond the prefix length.
    pub destination: IpNet,
    /// Type of service.
    pub tos: u8,
    /// Routing table.
    pub table: u32,
    /// `RTA_PRIORITY`; 0 in IPv4 when there is none.
    pub metric: u32,
}

/// `IP6_RT_PRIO_USER`: the metric of an IPv6 route that names none (linux/ipv6_route.h).
const METRIC_V6: u32 = 1024;

impl Route {
    /// Its key. IPv6 routes have no TOS, and metric 0 means the default.
    pub fn key(&self) -> RouteKey {
        let metric = self.metric.unwrap_or(0);
        let (tos, metric) = match (self.family(), metric) {
            (Family::V4, _) => (self.tos, metric),
            (Family::V6, 0) => (0, METRIC_V6),
            (Family::V6, _) => (0, metric),
        };
        RouteKey { destination: self.destination.trunc(), tos, table: self.table, metric }
    }
}

impl fmt::Display for Route {
    /// As ip-route(8) names it: destination, gateway, interface, table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.destination)?;
        for hop in self.hops() {
            if let Some(gateway) = hop.gateway {
                write!(f, " via {gateway}")?;
            }
            if let Some(interface) = &hop.interface {
                write!(f, " dev {interface}")?;
            }
        }
        if let Some(metric) = self.metric {
            write!(f, " metric {metric}")?;
        }
        if self.table == MAIN_TABLE { Ok(()) } else { write!(f, " table {}", self.table) }
    }
}
