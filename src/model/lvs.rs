//! `virtual_server` and `real_server`: what the file says. What the kernel holds is in [`crate::ipvs`].

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use super::check::Checker;
use super::ipvs::{EngineName, PersistenceMask, ServiceFlags};
use super::track::Command;

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

/// What identifies a service, in the file and in the kernel.
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

    /// The port that packets to the service have; 0 for every port and for marks.
    pub fn port(&self) -> u16 {
        match self {
            ServerKey::Address { port, .. } => *port,
            ServerKey::Fwmark { .. } => 0,
        }
    }
}

/// Family of an address.
impl From<IpAddr> for Family {
    fn from(address: IpAddr) -> Family {
        if address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }
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
    /// `TUN`: in a tunnel.
    Tun(Encapsulation),
}

impl Forwarding {
    /// `TUN` without options.
    pub const IPIP: Forwarding = Forwarding::Tun(Encapsulation::Ipip);

    /// Whether the real server may be of another family than its service, which only a tunnel can bridge.
    pub fn is_tunnel(self) -> bool {
        matches!(self, Forwarding::Tun(_))
    }

    /// Whether packets keep the port they were sent to, so that the real server has no say in it.
    pub fn keeps_port(self) -> bool {
        self != Forwarding::Nat
    }
}

/// What `TUN` wraps packets in (keepalived.conf(5), `lvs_method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encapsulation {
    /// `type ipip`, the default.
    Ipip,
    /// `type gue port N [csum|nocsum|remcsum]`
    Gue {
        /// UDP port of the tunnel's end.
        port: NonZeroU16,
        /// Of the UDP header.
        checksum: TunnelChecksum,
    },
    /// `type gre [csum|nocsum]`
    Gre {
        /// `csum`
        checksum: bool,
    },
}

/// Checksum option of a gue tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum TunnelChecksum {
    /// `nocsum`
    #[default]
    None,
    /// `csum`
    Computed,
    /// `remcsum`: remote checksum offload.
    Remote,
}

/// Weight of a real server, 0 to 2³¹−1. Zero takes no new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u32);

impl Weight {
    /// 0: no new connections.
    pub const ZERO: Weight = Weight(0);
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

/// What identifies a virtual server across reloads, and its name in logs, FIFOs and mails.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerId {
    /// One service.
    Service(ServerKey),
    /// A virtual server of a group.
    Group {
        /// Name of the `virtual_server_group`.
        name: String,
        /// Counts the virtual servers of that group from 0, in file order.
        number: usize,
    },
}

impl fmt::Display for ServerId {
    /// As keepalived writes it: `[192.0.2.1]:tcp:80`, `FWM 1`, `[GROUP]:0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerId::Service(key) => key.fmt(f),
            ServerId::Group { name, number } => write!(f, "[{name}]:{number}"),
        }
    }
}

/// The services of a virtual server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `virtual_server ADDRESS PORT`, `virtual_server fwmark N`
    Service(ServerKey),
    /// `virtual_server group NAME`: a service for each address and mark of a `virtual_server_group`.
    Group {
        /// Name of the group.
        name: String,
        /// Counts the virtual servers of that group from 0, in file order.
        number: usize,
        /// Protocol of the services by address.
        protocol: Protocol,
        /// Family of marks that name none.
        family: Family,
        /// Addresses, then marks, each in file order; never empty.
        entries: Vec<GroupEntry>,
    },
}

impl Target {
    /// What identifies the virtual server.
    pub fn id(&self) -> ServerId {
        match self {
            Target::Service(key) => ServerId::Service(*key),
            Target::Group { name, number, .. } => ServerId::Group { name: name.clone(), number: *number },
        }
    }

    /// The keys of its services, in the order they are programmed. A large range gives many.
    pub fn keys(&self) -> impl Iterator<Item = ServerKey> + '_ {
        let (single, group) = match self {
            Target::Service(key) => (Some(*key), None),
            Target::Group { protocol, family, entries, .. } => (None, Some((*protocol, *family, entries))),
        };
        let expanded = group
            .into_iter()
            .flat_map(|(protocol, family, entries)| entries.iter().flat_map(move |entry| entry.keys(protocol, family)));
        single.into_iter().chain(expanded)
    }

    /// The protocol as names of its real servers show it: `tcp`, `none` for marks.
    pub fn protocol_name(&self) -> String {
        match self {
            Target::Service(ServerKey::Address { protocol, .. }) => protocol.to_string(),
            Target::Group { protocol, entries, .. }
                if entries.iter().any(|entry| matches!(entry, GroupEntry::Range { .. })) =>
            {
                protocol.to_string()
            }
            Target::Service(ServerKey::Fwmark { .. }) | Target::Group { .. } => "none".to_owned(),
        }
    }
}

/// A line of a `virtual_server_group`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupEntry {
    /// `ADDRESS PORT`, `FIRST-LAST PORT`, `ADDRESS/LENGTH PORT`
    Range {
        /// First address.
        first: IpAddr,
        /// Last address, of the same family and not before the first.
        last: IpAddr,
        /// 0 is every port.
        port: u16,
    },
    /// `fwmark N [inet|inet6]`
    Fwmark {
        /// The mark.
        mark: NonZeroU32,
        /// `None`: that of the virtual server.
        family: Option<Family>,
    },
}

impl GroupEntry {
    /// The keys of its services for a virtual server of that protocol and family.
    pub fn keys(&self, protocol: Protocol, family: Family) -> impl Iterator<Item = ServerKey> + use<> {
        let (addresses, port, mark): (Box<dyn Iterator<Item = IpAddr>>, u16, Option<ServerKey>) = match *self {
            GroupEntry::Range { first: IpAddr::V4(first), last: IpAddr::V4(last), port } => {
                (Box::new((first.to_bits()..=last.to_bits()).map(|bits| Ipv4Addr::from(bits).into())), port, None)
            }
            GroupEntry::Range { first: IpAddr::V6(first), last: IpAddr::V6(last), port } => {
                (Box::new((first.to_bits()..=last.to_bits()).map(|bits| Ipv6Addr::from(bits).into())), port, None)
            }
            GroupEntry::Range { first, port, .. } => (Box::new(std::iter::once(first)), port, None),
            GroupEntry::Fwmark { mark, family: own } => {
                let key = ServerKey::Fwmark { mark, family: own.unwrap_or(family) };
                (Box::new(std::iter::empty()), 0, Some(key))
            }
        };
        addresses.map(move |address| ServerKey::Address { protocol, address, port }).chain(mark)
    }
}

/// `persistence_timeout` and what goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persistence {
    /// `persistence_timeout`, 1 s to 2,678,400 s.
    pub timeout: Duration,
    /// `persistence_granularity`; `None` is the whole address.
    pub granularity: Option<PersistenceMask>,
    /// `persistence_engine`
    pub engine: Option<EngineName>,
}

/// One `real_server` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealServer {
    /// Its address.
    pub address: IpAddr,
    /// Its port: corrections for DR/TUN and firewall marks are already made.
    pub port: u16,
    /// `lvs_method`, else the virtual server's `lb_kind`.
    pub forwarding: Forwarding,
    /// `weight`
    pub weight: Weight,
    /// `uthreshold`: connections above which it gets no more; 0 is no limit.
    pub upper_threshold: u32,
    /// `lthreshold`: connections below which it gets some again. The kernel refuses one above `uthreshold`.
    pub lower_threshold: u32,
    /// `inhibit_on_failure`: weight 0 while it is down, instead of its removal.
    pub inhibit_on_failure: bool,
    /// `notify_up`
    pub notify_up: Option<Command>,
    /// `notify_down`
    pub notify_down: Option<Command>,
    /// `smtp_alert`: mails about it, where there is somebody to mail to.
    pub smtp_alert: bool,
    /// `snmp_name`
    pub snmp_name: Option<String>,
    /// Its checkers, in file order; without any it is always up.
    pub checkers: Vec<Arc<Checker>>,
}

/// `sorry_server`: who answers when there is no quorum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SorryServer {
    /// Its address.
    pub address: IpAddr,
    /// Its port, with the same corrections as a real server's.
    pub port: u16,
    /// `sorry_server_lvs_method`, else the virtual server's `lb_kind`.
    pub forwarding: Forwarding,
    /// `sorry_server_inhibit`: weight 0 while it is not needed, instead of its removal.
    pub inhibit: bool,
}

/// One `virtual_server` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualServer {
    /// Its services; no other virtual server has the same [`Target::id`].
    pub target: Target,
    /// `lb_algo` / `lvs_sched`
    pub scheduler: Scheduler,
    /// `ops`, `flag-1` … and the flags of schedulers; not whether it is persistent.
    pub flags: ServiceFlags,
    /// `persistence_timeout`, `persistence_granularity`, `persistence_engine`
    pub persistence: Option<Persistence>,
    /// `sorry_server`
    pub sorry_server: Option<SorryServer>,
    /// `quorum`: what the real servers that are up weigh at least. At most what all of them weigh.
    pub quorum: u32,
    /// `hysteresis`: how far beyond the quorum it has to go to be gained or lost.
    pub hysteresis: u32,
    /// `quorum_up`
    pub quorum_up: Option<Command>,
    /// `quorum_down`
    pub quorum_down: Option<Command>,
    /// `omega`: at the end it notifies as if everything had gone down.
    pub omega: bool,
    /// `ha_suspend`: its checkers rest while none of its addresses is on this host.
    pub ha_suspend: bool,
    /// `smtp_alert`: mails about its quorum.
    pub smtp_alert: bool,
    /// `snmp_name`
    pub snmp_name: Option<String>,
    /// Its real servers, in file order; never empty.
    pub real_servers: Vec<RealServer>,
}

/// What `global_defs` says about IPVS as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LvsSettings {
    /// `lvs_timeouts`
    pub timeouts: Timeouts,
    /// `lvs_flush`: the table is emptied at start, foreign services too.
    pub flush: bool,
    /// `lvs_flush_on_stop`
    pub flush_on_stop: FlushOnStop,
    /// `lvs_sync_daemon`
    pub sync_daemon: Option<SyncDaemon>,
    /// `rs_init_notifies`: real servers that are up notify at start.
    pub initial_notifies: bool,
    /// `net_namespace_ipvs`, outside `global_defs`: the network namespace with the table.
    pub namespace: Option<String>,
}

/// `lvs_timeouts tcp N tcpfin N udp N`, in seconds, 0 to 2,678,400; 0 leaves what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// Of a connection.
    pub tcp_s: u32,
    /// Of a connection after a FIN.
    pub tcp_fin_s: u32,
    /// Of UDP.
    pub udp_s: u32,
}

impl Timeouts {
    /// These, with what they leave open taken from `others`.
    pub fn over(&self, others: &Timeouts) -> Timeouts {
        let or = |own: u32, other: u32| if own == 0 { other } else { own };
        Timeouts {
            tcp_s: or(self.tcp_s, others.tcp_s),
            tcp_fin_s: or(self.tcp_fin_s, others.tcp_fin_s),
            udp_s: or(self.udp_s, others.udp_s),
        }
    }
}

/// What a sync daemon does (`IP_VS_STATE_MASTER`, `IP_VS_STATE_BACKUP`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SyncRole {
    /// Tells others the connections of this director.
    Master,
    /// Learns those of another one.
    Backup,
}

impl SyncRole {
    /// Both.
    pub const ALL: [SyncRole; 2] = [SyncRole::Master, SyncRole::Backup];
}

/// `lvs_flush_on_stop`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FlushOnStop {
    /// Only what is ours is removed.
    #[default]
    No,
    /// Without a word after it: the whole table is emptied, foreign services too.
    Everything,
    /// `VS`: only what is ours is removed, without a word about each real server.
    Services,
}

/// `lvs_sync_daemon`: connections are told to, and learned from, another director.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncDaemon {
    /// Where the packets go.
    pub interface: super::InterfaceName,
    /// `inst`: the `vrrp_instance` that decides which of both roles there is; without it there are both.
    pub instance: Option<String>,
    /// `id`, by default the VRID of the instance, or 0.
    pub id: u8,
    /// `maxlen`, 1 to 65507 bytes; `None`: what fits the interface.
    pub max_length: Option<NonZeroU16>,
    /// `port`; `None`: 8848.
    pub port: Option<NonZeroU16>,
    /// `ttl`; `None`: 1.
    pub ttl: Option<u8>,
    /// `group`; `None`: 224.0.0.81.
    pub group: Option<IpAddr>,
}
