//! What the kernel's IPVS table holds: services and their destinations (linux/ip_vs.h). What a file says is in
//! [`super::lvs`].

use std::fmt;
use std::net::Ipv4Addr;

use super::lvs::{Family, Scheduler, Weight};

/// Longest scheduler name, without its NUL (`IP_VS_SCHEDNAME_MAXLEN` is 16 with it).
const SCHEDULER_NAME_MAX: usize = 15;

/// A scheduler's name as the kernel keeps it. Wider than [`Scheduler`]: the table may hold one that keepalived does
/// not know.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SchedulerName(String);

impl SchedulerName {
    /// `None` when empty, longer than 15 bytes, or with a NUL inside.
    pub fn new(name: &str) -> Option<SchedulerName> {
        let valid = !name.is_empty() && name.len() <= SCHEDULER_NAME_MAX && !name.contains('\0');
        valid.then(|| SchedulerName(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A persistence engine's name, 1 to 15 bytes (`IP_VS_PENAME_MAXLEN` is 16 with a NUL).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EngineName(String);

impl EngineName {
    /// `None` when empty, longer than 15 bytes, or with a NUL inside.
    pub fn new(name: &str) -> Option<EngineName> {
        let valid = !name.is_empty() && name.len() <= SCHEDULER_NAME_MAX && !name.contains('\0');
        valid.then(|| EngineName(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Scheduler> for SchedulerName {
    fn from(scheduler: Scheduler) -> Self {
        SchedulerName(scheduler.name().to_owned())
    }
}

impl fmt::Debug for SchedulerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Flags of a service (`IP_VS_SVC_F_*`), without `HASHED`, which is the kernel's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ServiceFlags(u32);

impl ServiceFlags {
    /// `IP_VS_SVC_F_PERSISTENT`: a client stays with its destination.
    pub const PERSISTENT: ServiceFlags = ServiceFlags(0x1);
    /// `IP_VS_SVC_F_ONEPACKET`: every packet is scheduled by itself.
    pub const ONE_PACKET: ServiceFlags = ServiceFlags(0x4);
    /// `IP_VS_SVC_F_SCHED1`, `IP_VS_SVC_F_SCHED_SH_FALLBACK`, `IP_VS_SVC_F_SCHED_MH_FALLBACK`
    pub const SCHEDULER_1: ServiceFlags = ServiceFlags(0x8);
    /// `IP_VS_SVC_F_SCHED2`, `IP_VS_SVC_F_SCHED_SH_PORT`, `IP_VS_SVC_F_SCHED_MH_PORT`
    pub const SCHEDULER_2: ServiceFlags = ServiceFlags(0x10);
    /// `IP_VS_SVC_F_SCHED3`
    pub const SCHEDULER_3: ServiceFlags = ServiceFlags(0x20);
    /// `IP_VS_SVC_F_HASHED`: set in every dump, ignored in every command.
    const HASHED: u32 = 0x2;

    /// The flags of `bits`, without `HASHED`.
    pub const fn from_bits(bits: u32) -> ServiceFlags {
        ServiceFlags(bits & !Self::HASHED)
    }

    /// These and `others`.
    pub const fn with(self, others: ServiceFlags) -> ServiceFlags {
        ServiceFlags(self.0 | others.0)
    }

    /// These without `others`.
    pub const fn without(self, others: ServiceFlags) -> ServiceFlags {
        ServiceFlags(self.0 & !others.0)
    }

    /// Whether all of `others` are set.
    pub const fn contains(self, others: ServiceFlags) -> bool {
        self.0 & others.0 == others.0
    }

    /// As the kernel numbers them.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// Which part of a client's address persistence looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PersistenceMask {
    /// A dotted mask.
    V4(Ipv4Addr),
    /// A prefix length, 1 to 128.
    V6(u8),
}

impl PersistenceMask {
    /// The whole address: what the kernel is given when nothing is configured.
    pub const fn whole(family: Family) -> PersistenceMask {
        match family {
            Family::Ipv4 => PersistenceMask::V4(Ipv4Addr::BROADCAST),
            Family::Ipv6 => PersistenceMask::V6(128),
        }
    }

    /// The family of the addresses it is for.
    pub const fn family(self) -> Family {
        match self {
            PersistenceMask::V4(_) => Family::Ipv4,
            PersistenceMask::V6(_) => Family::Ipv6,
        }
    }
}

/// The options of a service; its key is a [`super::ServerKey`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Service {
    /// How a destination is chosen.
    pub scheduler: SchedulerName,
    /// Persistence, one-packet scheduling, options of the scheduler.
    pub flags: ServiceFlags,
    /// Persistence timeout in seconds; 0 unless persistent.
    pub timeout_s: u32,
    /// Granularity of persistence.
    pub mask: PersistenceMask,
    /// What else persistence looks at, such as `sip`.
    pub engine: Option<EngineName>,
}

/// How packets reach a destination (`IP_VS_CONN_F_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Forward {
    /// `MASQ`: NAT.
    Masquerade,
    /// `LOCALNODE`
    Local,
    /// `TUNNEL`
    Tunnel(Tunnel),
    /// `DROUTE`: direct routing.
    Direct,
    /// `BYPASS`
    Bypass,
}

/// Encapsulation of a tunnelled destination (`IP_VS_CONN_F_TUNNEL_TYPE_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tunnel {
    /// 0 ipip, 1 gue, 2 gre.
    pub kind: u8,
    /// UDP port of gue, 0 for the others.
    pub port: u16,
    /// 0 none, 1 checksum, 2 remote checksum.
    pub flags: u16,
}

impl Tunnel {
    /// `IP_VS_CONN_F_TUNNEL_TYPE_GUE`
    pub const GUE: u8 = 1;
    /// `IP_VS_CONN_F_TUNNEL_TYPE_GRE`
    pub const GRE: u8 = 2;
    /// `IP_VS_TUNNEL_ENCAP_FLAG_CSUM`
    pub const CHECKSUM: u16 = 1;
    /// `IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM`
    pub const REMOTE_CHECKSUM: u16 = 2;
}

/// A destination of a service, without its address and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Destination {
    /// How packets reach it.
    pub forward: Forward,
    /// Its share of new connections.
    pub weight: Weight,
    /// Connections above which it gets no more; 0 is no limit.
    pub upper_threshold: u32,
    /// Connections below which it gets some again; 0 is three quarters of the upper one.
    pub lower_threshold: u32,
}
