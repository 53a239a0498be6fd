//! `vrrp_*` of `global_defs`: what applies to every instance that says nothing else, and what VRRP does as a whole.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::{NonZeroU8, NonZeroU32};
use std::time::Duration;

use crate::model::address::{BoundedName, InterfaceName, MulticastV4, MulticastV6};
use crate::model::vrrp::Version;

use super::NotifyFifo;

/// Settings of VRRP that no instance has for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VrrpSettings {
    /// What applies to an instance that says nothing else.
    pub defaults: InstanceDefaults,
    /// `vrrp_startup_delay`: how long no instance begins after the start; the largest of several.
    pub startup_delay: Duration,
    /// `vrrp_delay_after_boot`: how long after the machine's start no instance begins. The later of the two applies.
    pub delay_after_boot: Duration,
    /// `dynamic_interfaces`: interfaces may be missing, come and go.
    pub dynamic_interfaces: Option<DynamicInterfaces>,
    /// `default_interface`: of static addresses and routes that name none; default `eth0`.
    pub default_interface: Option<InterfaceName>,
    /// `disable_local_igmp`: turn the kernel's IGMP reports for link-local groups off.
    pub disable_local_igmp: bool,
    /// `log_unknown_vrids`: log adverts for virtual routers that no instance is.
    pub log_unknown_vrids: bool,
    /// `vrrp_iptables`, `vrrp_ipsets`, `nftables`: what keeps addresses quiet that are not accepted.
    pub firewall: Firewall,
    /// `vmac_prefix`: begins the name of a VMAC that has none of its own; `vrrp` when absent.
    pub vmac_prefix: Option<String>,
    /// `vmac_addr_prefix`: the same for VMACs of addresses on other interfaces; `vmac_prefix` when absent.
    pub vmac_address_prefix: Option<String>,
    /// `vrrp_rx_bufs_policy`, `vrrp_rx_bufs_multiplier`: how large the receive buffers are.
    pub receive_buffer: ReceiveBuffer,
    /// `vrrp_notify_fifo`: told of every change of VRRP.
    pub fifo: Option<NotifyFifo>,
    /// `fifo_write_vrrp_states_on_reload`: the FIFOs are told all states again after a reload.
    pub fifo_states_on_reload: bool,
}

/// What applies to an instance that says nothing else. Names without `vrrp_` are those of the instance's keywords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceDefaults {
    /// `vrrp_version`, of IPv4 instances: 2.
    pub version: Version,
    /// `vrrp_mcast_group4`: 224.0.0.18 (RFC 9568 §5.1.1.2).
    pub group4: MulticastV4,
    /// `vrrp_mcast_group6`: ff02::12 (RFC 9568 §5.1.2.2).
    pub group6: MulticastV6,
    /// `vrrp_down_timer_adverts`: how many intervals without an advert make a master dead.
    pub down_timer_adverts: DownTimerAdverts,
    /// `vrrp_garp_*`, `vrrp_gna_interval`, `vrrp_min_garp`
    pub garp: GarpDefaults,
    /// `vrrp_lower_prio_no_advert`: a master does not answer adverts of a lower priority.
    pub lower_prio_no_advert: bool,
    /// `vrrp_higher_prio_send_advert`: a master sends one last advert before it yields.
    pub higher_prio_send_advert: bool,
    /// `vrrp_check_unicast_src`: an advert must come from a configured peer.
    pub check_unicast_source: bool,
    /// `vrrp_skip_check_adv_addr`: the addresses of an advert are compared once for each master only.
    pub skip_check_adv_addr: bool,
    /// `vrrp_strict`: nothing that RFC 9568 does not know.
    pub strict: bool,
    /// `v3_checksum_as_v2`: VRRPv3 over IPv4 is summed without the pseudo-header.
    pub v3_checksum_as_v2: bool,
    /// `vrrp_owner_ignore_adverts`: an address owner ignores adverts of others.
    pub owner_ignore_adverts: bool,
    /// `vrrp_notify_priority_changes`: the FIFOs are told changes of priority.
    pub notify_priority_changes: bool,
}

/// How many intervals without an advert make a master dead: 1 to 100, 3 in the standards (RFC 9568 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownTimerAdverts(NonZeroU8);

impl DownTimerAdverts {
    /// `None` outside 1…100.
    pub fn new(adverts: u8) -> Option<DownTimerAdverts> {
        NonZeroU8::new(adverts).filter(|adverts| adverts.get() <= 100).map(DownTimerAdverts)
    }

    /// 1 to 100.
    pub fn get(self) -> u8 {
        self.0.get()
    }
}

impl Default for DownTimerAdverts {
    fn default() -> Self {
        DownTimerAdverts(NonZeroU8::new(3).expect("3 is not 0"))
    }
}

/// How addresses are announced: gratuitous ARP for IPv4, unsolicited neighbour adverts for IPv6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GarpDefaults {
    /// `vrrp_garp_master_repeat`: messages for each address in a burst, default 5.
    pub repeat: NonZeroU32,
    /// `vrrp_garp_master_delay`: until the second burst, default 5 s; zero means no second burst.
    pub delay: Duration,
    /// `vrrp_garp_master_refresh`: from one refresh to the next while MASTER; zero means never.
    pub refresh: Duration,
    /// `vrrp_garp_master_refresh_repeat`: messages for each address in a refresh, default 1; 0 only by `vrrp_min_garp`.
    pub refresh_repeat: u32,
    /// `vrrp_garp_lower_prio_delay`: until the second burst after an advert of a lower priority; the instance's delay
    /// when absent.
    pub lower_prio_delay: Option<Duration>,
    /// `vrrp_garp_lower_prio_repeat`: messages for each address then; the instance's repeat when absent.
    pub lower_prio_repeat: Option<u32>,
    /// `vrrp_garp_interval`: between two gratuitous ARPs on an interface without a `garp_group`.
    pub interval: Duration,
    /// `vrrp_gna_interval`: between two neighbour adverts on such an interface.
    pub gna_interval: Duration,
    /// `vrrp_garp_extra_if`: announce also where a VMAC's base interface is.
    pub extra_interfaces: Option<ExtraGarp>,
}

/// `vrrp_garp_extra_if`, and `garp_extra_if` of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtraGarp {
    /// `all`: on every interface that the instance uses, not only on the base of its VMAC.
    pub all: bool,
    /// From one announcement to the next: 1 s to 86 400 s.
    pub interval: Duration,
}

/// `dynamic_interfaces`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DynamicInterfaces {
    /// `allow_if_changes`: an interface may come back as one of another type.
    pub allow_changes: bool,
}

/// Which packet filters VRRP uses, and how its tables are called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Firewall {
    /// `vrrp_iptables`
    pub iptables: Option<IptablesChains>,
    /// `vrrp_ipsets`; `None`: keepalived's own names, [`Ipsets::Off`]: no sets.
    pub ipsets: Option<Ipsets>,
    /// `nftables`
    pub nftables: Option<Nftables>,
    /// `nftables_ifindex`: sets are keyed by the index of an interface, not its name.
    pub nftables_ifindex: bool,
    /// `nftables_counters`: rules count.
    pub nftables_counters: bool,
}

/// Name of an iptables chain: `XT_EXTENSION_MAXNAMELEN` less two (linux/netfilter/x_tables.h), as keepalived counts.
pub type ChainName = BoundedName<27>;
/// Name of an ipset: `IPSET_MAXNAMELEN` less two (linux/netfilter/ipset/ip_set.h).
pub type SetName = BoundedName<30>;
/// Name of an nftables table: `NFT_NAME_MAXLEN` less two (linux/netfilter/nf_tables.h).
pub type TableName = BoundedName<254>;

/// `vrrp_iptables`: the two chains; different ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IptablesChains {
    /// Rules for what comes in.
    pub input: ChainName,
    /// Rules for what goes out; none when only one chain is named.
    pub output: Option<ChainName>,
}

/// `vrrp_ipsets`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ipsets {
    /// The keyword alone: a rule for each address.
    Off,
    /// The names in the order of the file; keepalived makes those that are missing from the ones before. All differ.
    Named(Vec<SetName>),
}

/// `nftables`, `nftables_priority`; `nftables_ipvs`, `nftables_ipvs_priority`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nftables {
    /// The table; `keepalived`, `keepalived_ipvs` when the keyword stands alone.
    pub table: TableName,
    /// Priority of its chains, default −1.
    pub priority: i32,
}

/// `nftables_ipvs`, `nftables_ipvs_priority`, `nftables_ipvs_start_fwmark`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceMarks {
    /// The table and its priority.
    pub nftables: Nftables,
    /// The first mark that is given away, default 1000.
    pub first_mark: NonZeroU32,
}

/// `vrrp_rx_bufs_policy`, `vrrp_rx_bufs_multiplier`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiveBuffer {
    /// What the size comes from.
    pub policy: ReceiveBufferPolicy,
    /// `vrrp_rx_bufs_multiplier`: adverts, or MTUs, that fit for each instance, default 3.
    pub multiplier: NonZeroU32,
}

/// `vrrp_rx_bufs_policy`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReceiveBufferPolicy {
    /// No such line: the kernel's own size.
    #[default]
    Kernel,
    /// `MTU`: packets as long as the interface takes.
    Mtu,
    /// `ADVERT`: packets as long as an advert.
    Advert,
    /// That many bytes.
    Size(u32),
}

impl Default for VrrpSettings {
    fn default() -> Self {
        VrrpSettings {
            defaults: InstanceDefaults::default(),
            startup_delay: Duration::ZERO,
            delay_after_boot: Duration::ZERO,
            dynamic_interfaces: None,
            default_interface: None,
            disable_local_igmp: false,
            log_unknown_vrids: false,
            firewall: Firewall::default(),
            vmac_prefix: None,
            vmac_address_prefix: None,
            receive_buffer: ReceiveBuffer::default(),
            fifo: None,
            fifo_states_on_reload: false,
        }
    }
}

impl Default for InstanceDefaults {
    fn default() -> Self {
        let group4 = MulticastV4::new(Ipv4Addr::new(224, 0, 0, 18)).expect("RFC 9568 §5.1.1.2");
        let group6 = MulticastV6::new(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12)).expect("RFC 9568 §5.1.2.2");
        InstanceDefaults {
            version: Version::V2,
            group4,
            group6,
            down_timer_adverts: DownTimerAdverts::default(),
            garp: GarpDefaults::default(),
            lower_prio_no_advert: false,
            higher_prio_send_advert: false,
            check_unicast_source: false,
            skip_check_adv_addr: false,
            strict: false,
            v3_checksum_as_v2: false,
            owner_ignore_adverts: false,
            notify_priority_changes: false,
        }
    }
}

impl GarpDefaults {
    /// `vrrp_garp_master_repeat` when nothing is said.
    pub const REPEAT: NonZeroU32 = NonZeroU32::new(5).unwrap();
    /// `vrrp_garp_master_delay` when nothing is said.
    pub const DELAY: Duration = Duration::from_secs(5);
    /// `vrrp_garp_master_refresh_repeat` when nothing is said.
    pub const REFRESH_REPEAT: u32 = 1;
}

impl Default for GarpDefaults {
    fn default() -> Self {
        GarpDefaults {
            repeat: GarpDefaults::REPEAT,
            delay: GarpDefaults::DELAY,
            refresh: Duration::ZERO,
            refresh_repeat: GarpDefaults::REFRESH_REPEAT,
            lower_prio_delay: None,
            lower_prio_repeat: None,
            interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
            extra_interfaces: None,
        }
    }
}

impl Default for ReceiveBuffer {
    fn default() -> Self {
        ReceiveBuffer { policy: ReceiveBufferPolicy::Kernel, multiplier: NonZeroU32::new(3).expect("3 is not 0") }
    }
}
