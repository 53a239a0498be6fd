//! `vrrp_instance`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::{NonZeroU8, NonZeroU16};
use std::time::Duration;

use ipnet::IpNet;

use super::address::{Family, InterfaceName};
use super::conduct::{Authentication, Conduct, GratuitousArp};
use super::notify::Notify;
use super::owned::Owned;
use super::track::Tracked;

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

/// Which VRRP is spoken on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// RFC 3768
    V2,
    /// RFC 9568
    V3,
}

impl Version {
    /// `None` for versions that keepalived does not speak.
    pub fn from_number(number: i128) -> Option<Version> {
        match number {
            2 => Some(Version::V2),
            3 => Some(Version::V3),
            _ => None,
        }
    }

    /// As the wire carries it.
    pub fn number(self) -> u8 {
        match self {
            Version::V2 => 2,
            Version::V3 => 3,
        }
    }
}

/// `advert_int`. The two versions count in different units, so that an interval says which version it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdvertInterval(Unit);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Unit {
    /// VRRPv2: 1 to 255 (RFC 3768 §5.3.7).
    Seconds(NonZeroU8),
    /// VRRPv3: 1 to 4095, the field has 12 bits (RFC 9568 §5.2.7).
    Centiseconds(NonZeroU16),
}

impl AdvertInterval {
    /// One second of VRRPv2, the default.
    pub const DEFAULT: AdvertInterval = AdvertInterval(Unit::Seconds(NonZeroU8::MIN));

    /// Of VRRPv2; `None` for 0.
    pub fn from_seconds(seconds: u8) -> Option<AdvertInterval> {
        NonZeroU8::new(seconds).map(|seconds| AdvertInterval(Unit::Seconds(seconds)))
    }

    /// Of VRRPv3; `None` outside 1…4095.
    pub fn from_centiseconds(centiseconds: u16) -> Option<AdvertInterval> {
        let valid = NonZeroU16::new(centiseconds).filter(|centiseconds| centiseconds.get() < 1 << 12);
        valid.map(|centiseconds| AdvertInterval(Unit::Centiseconds(centiseconds)))
    }

    /// The version that counts in this unit.
    pub fn version(self) -> Version {
        match self.0 {
            Unit::Seconds(_) => Version::V2,
            Unit::Centiseconds(_) => Version::V3,
        }
    }

    /// As the wire carries it: seconds in version 2, centiseconds in version 3.
    pub fn on_wire(self) -> u16 {
        match self.0 {
            Unit::Seconds(seconds) => seconds.get().into(),
            Unit::Centiseconds(centiseconds) => centiseconds.get(),
        }
    }

    /// The same as a duration.
    pub fn duration(self) -> Duration {
        match self.0 {
            Unit::Seconds(seconds) => Duration::from_secs(seconds.get().into()),
            Unit::Centiseconds(centiseconds) => Duration::from_millis(u64::from(centiseconds.get()) * 10),
        }
    }
}

impl fmt::Display for AdvertInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unit::Seconds(seconds) => write!(f, "{seconds} sec"),
            Unit::Centiseconds(centiseconds) => write!(f, "{centiseconds} centi-sec"),
        }
    }
}

/// `state`: with priority below 255 both start as BACKUP; MASTER only clears `nopreempt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InitialState {
    /// `state BACKUP`: even an owner (255) listens first.
    Backup,
    /// `state MASTER`
    Master,
    /// No `state` line: an owner (255) starts as MASTER.
    #[default]
    Unset,
}

/// 224.0.0.18 (RFC 9568 §5.1.1.2): where multicast adverts go unless the file says otherwise.
pub const GROUP_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18));
/// ff02::12 (RFC 9568 §5.1.2.2)
pub const GROUP_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12));

/// How adverts travel. All addresses are of the instance's family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// To a group on the instance's interface.
    Multicast {
        /// `mcast_src_ip`, else the interface's first address; of IPv6 its link-local one.
        source: Option<IpAddr>,
        /// `mcast_dst_ip`, `vrrp_mcast_group4`, `vrrp_mcast_group6`, else [`GROUP_V4`] or [`GROUP_V6`].
        group: IpAddr,
    },
    /// One packet to each peer, in file order.
    Unicast {
        /// `unicast_src_ip`, else the interface's first address.
        source: Option<IpAddr>,
        /// `unicast_peer`; empty only with `unicast_fault_no_peer`, which then means FAULT.
        peers: Vec<IpAddr>,
    },
}

impl Transport {
    /// Multicast as it is without a word in the file.
    pub fn multicast(family: Family) -> Transport {
        let group = match family {
            Family::V4 => GROUP_V4,
            Family::V6 => GROUP_V6,
        };
        Transport::Multicast { source: None, group }
    }

    /// The configured source.
    pub fn source(&self) -> Option<IpAddr> {
        match self {
            Transport::Multicast { source, .. } | Transport::Unicast { source, .. } => *source,
        }
    }
}

/// One line of `virtual_ipaddress`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualAddress {
    /// Address and prefix length; /32 or /128 when the file gives none, as keepalived does.
    pub net: IpNet,
    /// `dev`, else the instance's interface.
    pub interface: InterfaceName,
    /// `label`, 15 characters at most.
    pub label: Option<String>,
    /// `brd` / `broadcast`; none is set when absent.
    pub broadcast: Option<Ipv4Addr>,
    /// `scope`, as the kernel numbers it (linux/rtnetlink.h `rt_scope_t`); 0 is global.
    pub scope: u8,
    /// What is rarely written.
    pub options: AddressOptions,
}

/// What few lines of `virtual_ipaddress` say.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AddressOptions {
    /// `peer`: the other end of a point-to-point link.
    pub peer: Option<IpAddr>,
    /// `home`, `mngtmpaddr`, `noprefixroute`, `autojoin`: `IFA_F_*` (linux/if_addr.h).
    pub flags: u32,
    /// `-nodad`: the address waits for duplicate address detection (IPv6).
    pub detect_duplicates: bool,
    /// `preferred_lft`, in seconds, `u32::MAX` for ever; without it a /128 is never preferred, any other always (IPv6).
    pub preferred_lifetime: Option<u32>,
    /// `no_track`: that the address or its interface is gone means nothing.
    pub untracked: bool,
    /// `track_group`: the instances that stand behind a static address.
    pub track_group: Option<String>,
}

impl fmt::Debug for AddressOptions {
    /// Leaves out what is not written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AddressOptions { peer, flags, detect_duplicates, preferred_lifetime, untracked, track_group } = self;
        let mut shown = f.debug_struct("AddressOptions");
        if let Some(peer) = peer {
            shown.field("peer", peer);
        }
        if *flags != 0 {
            shown.field("flags", flags);
        }
        if *detect_duplicates {
            shown.field("detect_duplicates", detect_duplicates);
        }
        if let Some(seconds) = preferred_lifetime {
            shown.field("preferred_lifetime", seconds);
        }
        if *untracked {
            shown.field("untracked", untracked);
        }
        if let Some(group) = track_group {
            shown.field("track_group", group);
        }
        shown.finish()
    }
}

impl VirtualAddress {
    /// One without options.
    pub fn new(net: IpNet, interface: InterfaceName) -> VirtualAddress {
        VirtualAddress { net, interface, label: None, broadcast: None, scope: 0, options: AddressOptions::default() }
    }
}

/// One `vrrp_instance` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VrrpInstance {
    /// The block's name; unique in a configuration.
    pub name: String,
    /// `state`
    pub initial_state: InitialState,
    /// `interface`
    pub interface: InterfaceName,
    /// The family of its addresses, and of the adverts.
    pub family: Family,
    /// `virtual_router_id`
    pub vrid: Vrid,
    /// `priority`, 1 to 255; default 100, or 255 with `state MASTER`.
    pub priority: Priority,
    /// `advert_int`; its unit is the instance's `version`.
    pub advert_interval: AdvertInterval,
    /// False with `nopreempt`: an accepted master of lower priority is left in place.
    pub preempt: bool,
    /// `authentication`; version 3 has none.
    pub authentication: Authentication,
    /// Multicast, or unicast peers.
    pub transport: Transport,
    /// `virtual_ipaddress`, in file order: also the order on the wire and of the kernel requests.
    pub virtual_addresses: Vec<VirtualAddress>,
    /// `track_interface`, `track_script`, `track_file`, `track_process` and `track_bfd`, those of its sync group included.
    pub tracked: Vec<Tracked>,
    /// False with `dont_track_primary`: the instance goes on while its interface is down.
    pub track_primary: bool,
    /// What else comes and goes with mastership.
    pub owned: Owned,
    /// `preempt_delay`, `strict_mode` and so on.
    pub conduct: Conduct,
    /// `garp_master_repeat`, `garp_master_delay` and so on.
    pub garp: GratuitousArp,
    /// `notify`, `notify_master`, …
    pub notify: Notify,
}

impl VrrpInstance {
    /// A block with a name, an interface and an id, and nothing else in it.
    pub fn new(name: impl Into<String>, interface: InterfaceName, vrid: Vrid, family: Family) -> VrrpInstance {
        let third = AdvertInterval::from_centiseconds(100).filter(|_| family == Family::V6);
        VrrpInstance {
            name: name.into(),
            initial_state: InitialState::Unset,
            interface,
            family,
            vrid,
            priority: Priority::DEFAULT,
            advert_interval: third.unwrap_or(AdvertInterval::DEFAULT),
            preempt: true,
            authentication: Authentication::None,
            transport: Transport::multicast(family),
            virtual_addresses: Vec::new(),
            tracked: Vec::new(),
            track_primary: true,
            conduct: Conduct::default(),
            garp: GratuitousArp::default(),
            owned: Owned::default(),
            notify: Notify::default(),
        }
    }

    /// `version`
    pub fn version(&self) -> Version {
        self.advert_interval.version()
    }

    /// The advertised addresses, then the excluded ones: in this order they are set and announced.
    pub fn all_addresses(&self) -> Vec<VirtualAddress> {
        self.virtual_addresses.iter().chain(&self.owned.excluded).cloned().collect()
    }
}
