//! How an instance behaves where the file can change it: what it believes, when it takes over, how it announces its
//! addresses (keepalived.conf(5), "VRRP instance(s)").

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::address::InterfaceName;
use super::global::{DownTimerAdverts, GarpDefaults, InstanceDefaults};
use super::vrrp::Priority;

/// What a `vrrp_instance` block, or else `global_defs`, says about an instance's behaviour.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Conduct {
    /// `down_timer_adverts`: intervals without an advert that make a master dead.
    pub down_timer_adverts: DownTimerAdverts,
    /// `preempt_delay`: how long a master of a lower priority is obeyed.
    pub preempt_delay: Duration,
    /// `lower_prio_no_advert`: a master does not answer adverts of a lower priority.
    pub lower_prio_no_advert: bool,
    /// `higher_prio_send_advert`: a master sends one last advert before it yields.
    pub higher_prio_send_advert: bool,
    /// `timer_expired_backup`: a master that was late for so long that a router of this priority must have taken over
    /// goes to BACKUP; without the keyword alived reckons with 254.
    pub timer_expired_backup: Option<Priority>,
    /// `strict_mode`, `vrrp_strict`: nothing that RFC 9568 does not know.
    pub strict: bool,
    /// `no_accept`, and strict mode of a router that does not own its addresses: packets to them are dropped.
    pub no_accept: bool,
    /// Which adverts are believed.
    pub checks: ReceiveChecks,
    /// How adverts of version 3 over IPv4 are summed.
    pub checksum: ChecksumV3,
    /// `unicast_ttl`: TTL of unicast adverts; 255 over IPv4 and 64 over IPv6 without it.
    pub unicast_ttl: Option<u8>,
}

impl fmt::Debug for Conduct {
    /// Shows what is not as it is without a word in the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn differing<T: fmt::Debug + PartialEq>(shown: &mut fmt::DebugStruct, name: &str, is: &T, usual: &T) {
            if is != usual {
                shown.field(name, is);
            }
        }
        let usual = Conduct::default();
        let mut shown = f.debug_struct("Conduct");
        differing(&mut shown, "down_timer_adverts", &self.down_timer_adverts.get(), &usual.down_timer_adverts.get());
        differing(&mut shown, "preempt_delay", &self.preempt_delay, &usual.preempt_delay);
        differing(&mut shown, "lower_prio_no_advert", &self.lower_prio_no_advert, &usual.lower_prio_no_advert);
        differing(&mut shown, "higher_prio_send_advert", &self.higher_prio_send_advert, &usual.higher_prio_send_advert);
        differing(&mut shown, "timer_expired_backup", &self.timer_expired_backup, &usual.timer_expired_backup);
        differing(&mut shown, "strict", &self.strict, &usual.strict);
        differing(&mut shown, "no_accept", &self.no_accept, &usual.no_accept);
        differing(&mut shown, "checks", &self.checks, &usual.checks);
        differing(&mut shown, "checksum", &self.checksum, &usual.checksum);
        differing(&mut shown, "unicast_ttl", &self.unicast_ttl, &usual.unicast_ttl);
        shown.finish()
    }
}

impl Conduct {
    /// What holds when the instance says nothing.
    pub fn from_defaults(defaults: &InstanceDefaults) -> Conduct {
        Conduct {
            down_timer_adverts: defaults.down_timer_adverts,
            lower_prio_no_advert: defaults.lower_prio_no_advert,
            higher_prio_send_advert: defaults.higher_prio_send_advert,
            strict: defaults.strict,
            checks: ReceiveChecks {
                sender_is_peer: defaults.check_unicast_source,
                addresses_once: defaults.skip_check_adv_addr,
                ..ReceiveChecks::default()
            },
            checksum: if defaults.v3_checksum_as_v2 { ChecksumV3::AsV2 } else { ChecksumV3::default() },
            ..Conduct::default()
        }
    }
}

/// Checks of a received advert that the file turns on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReceiveChecks {
    /// `check_unicast_src`: a unicast advert must come from a peer.
    pub sender_is_peer: bool,
    /// `min_ttl`, `max_ttl` of a peer: the TTL of its adverts. Turns the check of the sender on.
    pub peer_ttl: BTreeMap<IpAddr, RangeInclusive<u8>>,
    /// `skip_check_adv_addr`: the addresses of an advert are compared once for each master only.
    pub addresses_once: bool,
    /// `owner_ignore_adverts`: the owner of the addresses (priority 255) ignores adverts of others.
    pub owner_ignores: bool,
}

/// How a VRRPv3 advert over IPv4 is summed (RFC 9568 §5.2.8), and what old senders are granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChecksumV3 {
    /// As the standard says; a unicast peer that sums as keepalived before 1.3.6 did is answered in the same way.
    #[default]
    Adaptive,
    /// `old_unicast_checksum never`: as the standard says, whatever is heard.
    Standard,
    /// `old_unicast_checksum`: unicast adverts are summed as if they went to 224.0.0.18.
    OldUnicast,
    /// `v3_checksum_as_v2`: without a pseudo header.
    AsV2,
}

/// How the addresses are announced: gratuitous ARP, or unsolicited neighbour adverts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GratuitousArp {
    /// `garp_master_repeat`: rounds in a burst on becoming MASTER, default 5, at least 1.
    pub repeat: u32,
    /// `garp_master_delay`: until the second burst, default 5 s; zero means no second burst.
    pub delay: Duration,
    /// `garp_master_refresh`: from one refresh to the next while MASTER; zero means never.
    pub refresh: Duration,
    /// `garp_master_refresh_repeat`: rounds in a refresh, default 1.
    pub refresh_repeat: u32,
    /// `garp_lower_prio_repeat`: rounds after an advert of a lower priority; 0 means none.
    pub lower_prio_repeat: u32,
    /// `garp_lower_prio_delay`: until the second burst after such an advert; zero means none.
    pub lower_prio_delay: Duration,
}

impl Default for GratuitousArp {
    fn default() -> Self {
        let delay = GarpDefaults::DELAY;
        GratuitousArp {
            repeat: GarpDefaults::REPEAT.get(),
            delay,
            refresh: Duration::ZERO,
            refresh_repeat: GarpDefaults::REFRESH_REPEAT,
            lower_prio_repeat: GarpDefaults::REPEAT.get(),
            lower_prio_delay: delay,
        }
    }
}

/// `garp_group`, `vrrp_garp_interval`, `vrrp_gna_interval`: how fast addresses are announced on some interfaces together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnouncePace {
    /// The interfaces; none for the pace of every interface that is in no group, each by itself.
    pub interfaces: Vec<InterfaceName>,
    /// From one gratuitous ARP to the next; zero means no pause.
    pub garp: Duration,
    /// From one neighbour advert to the next; zero means no pause.
    pub gna: Duration,
}

/// `authentication { … }` (RFC 2338 §5.3.6; RFC 3768 dropped it, keepalived did not).
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum Authentication {
    /// `auth type 0`
    #[default]
    None,
    /// `auth_type PASS`: eight octets in clear, zero padded.
    Pass([u8; 8]),
    /// `auth_type AH`: an authentication header with this key, zero padded. Of IPv4 and version 2 only.
    Header([u8; 8]),
}

impl fmt::Debug for Authentication {
    /// Never shows the password: a `Debug` text ends up in logs and bug reports.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Authentication::None => "None",
            Authentication::Pass(_) => "Pass(…)",
            Authentication::Header(_) => "Header(…)",
        })
    }
}
