//! What a virtual router has to say, as values. The texts are keepalived's, because people grep for them.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::model::{AdvertInterval, Family, InterfaceName, Priority, ScriptName, TrackedObject};

/// A state as users name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateName {
    /// Not started, or stopped.
    Init,
    /// Another router has the addresses.
    Backup,
    /// This router has the addresses.
    Master,
    /// This router must not have the addresses.
    Fault,
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StateName::Init => "INIT",
            StateName::Backup => "BACKUP",
            StateName::Master => "MASTER",
            StateName::Fault => "FAULT",
        })
    }
}

/// Why an instance must not be MASTER.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultCause {
    /// The interface is down, has no carrier, or does not exist.
    InterfaceDown(InterfaceName),
    /// The interface has no address of the family to send from.
    NoSourceAddress(Family, InterfaceName),
    /// Unicast without a peer, where the file wants that to be a fault (`unicast_fault_no_peer`).
    NoPeers,
    /// The socket for adverts could not be opened.
    Socket(InterfaceName),
    /// Something that is tracked with weight 0 fails, or a file's number is too low.
    Tracked(TrackedObject),
    /// A track script of weight 0 has not returned yet.
    UntestedScript(ScriptName),
    /// Another member of the sync group is in FAULT.
    SyncGroup(String),
    /// Another member of the sync group waits for a script.
    UntestedSyncGroup(String),
}

impl FaultCause {
    /// Whether the cause is another member of the sync group.
    pub fn is_of_group(&self) -> bool {
        matches!(self, FaultCause::SyncGroup(_) | FaultCause::UntestedSyncGroup(_))
    }

    /// Whether nothing has failed: a script has not returned yet.
    pub fn is_waiting(&self) -> bool {
        matches!(self, FaultCause::UntestedScript(_) | FaultCause::UntestedSyncGroup(_))
    }
}

impl fmt::Display for FaultCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultCause::InterfaceDown(interface) => write!(f, "interface {interface} down"),
            FaultCause::NoSourceAddress(family, interface) => {
                write!(f, "no {family} address for interface {interface}")
            }
            FaultCause::NoPeers => f.write_str("unicast without any peers"),
            FaultCause::Socket(interface) => write!(f, "no socket for adverts on {interface}"),
            FaultCause::Tracked(TrackedObject::Interface(interface)) => write!(f, "interface {interface} down"),
            FaultCause::Tracked(TrackedObject::Process(name)) => {
                write!(f, "tracked process {name} quorum not achieved")
            }
            FaultCause::Tracked(TrackedObject::Session(name)) => write!(f, "tracked BFD {name} down"),
            FaultCause::Tracked(TrackedObject::File(name)) => write!(f, "tracked file {name}"),
            FaultCause::Tracked(TrackedObject::Script(name)) => write!(f, "script {name} failed"),
            FaultCause::SyncGroup(group) => write!(f, "sync group {group} is in FAULT"),
            FaultCause::UntestedSyncGroup(group) => write!(f, "sync group {group} waits for a script"),
            FaultCause::UntestedScript(name) => write!(f, "script {name} has not returned yet"),
        }
    }
}

/// Something that happened to one virtual router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A state was entered.
    Entered {
        /// The state before; [`StateName::Init`] right after start.
        from: StateName,
        /// The state now.
        to: StateName,
    },
    /// A cause for FAULT appeared.
    Fault(FaultCause),
    /// Nothing was heard for the master down interval.
    AdvertTimeout,
    /// The addresses are being set.
    SettingAddresses,
    /// The addresses are being removed.
    RemovingAddresses,
    /// The routes are being set, or removed.
    Routes {
        /// Set.
        setting: bool,
    },
    /// The rules are being set, or removed.
    Rules {
        /// Set.
        setting: bool,
    },
    /// Priority 0 was sent.
    SentPriorityZero,
    /// The master is leaving.
    HeardPriorityZero {
        /// Whether that was heard as master.
        as_master: bool,
    },
    /// A master heard a better one.
    Outranked {
        /// Sender.
        source: IpAddr,
        /// Its priority.
        priority: Priority,
        /// Ours.
        own: Priority,
    },
    /// A master heard a worse one.
    Challenged {
        /// Sender.
        source: IpAddr,
        /// Its priority.
        priority: Priority,
        /// Ours.
        own: Priority,
        /// With an advert of ours, at once.
        answers: bool,
    },
    /// Two routers were MASTER at once, this one stays: told once for each such time.
    SplitBrain {
        /// The other one.
        source: IpAddr,
    },
    /// Another router says that it owns the addresses, as this one does.
    TwoOwners {
        /// Sender.
        source: IpAddr,
    },
    /// The process did not run for so long that another router must have taken over.
    Overslept {
        /// Since the last advert sent, or since it should have become MASTER.
        silence: Duration,
    },
    /// A worse master is obeyed for this long.
    PreemptDelayBegins(Duration),
    /// A better master ended that.
    PreemptDelayEnds,
    /// A backup heard a worse master and goes on waiting for its own turn.
    Discarded {
        /// Sender.
        source: IpAddr,
        /// Its priority.
        priority: Priority,
    },
    /// Somebody else uses our source address.
    OwnAddressHeard,
    /// The effective priority moved.
    PriorityChanged {
        /// Before.
        from: Priority,
        /// Now.
        to: Priority,
    },
    /// Another router is master now.
    MasterIs {
        /// The one before, if any.
        before: Option<IpAddr>,
        /// The one now.
        now: IpAddr,
    },
    /// The master counts by another interval.
    IntervalLearned {
        /// Before.
        from: AdvertInterval,
        /// Now.
        to: AdvertInterval,
    },
    /// A reload took a virtual address away.
    AddressNoLongerConfigured(String),
    /// Somebody removed a virtual address, route or rule of a MASTER; it is put back.
    Restored,
}

impl Report {
    /// Whether keepalived logs it only with `-D`.
    pub fn is_detail(&self) -> bool {
        matches!(
            self,
            Report::AdvertTimeout
                | Report::SettingAddresses
                | Report::RemovingAddresses
                | Report::Routes { .. }
                | Report::Rules { .. }
                | Report::SentPriorityZero
                | Report::HeardPriorityZero { .. }
                | Report::MasterIs { .. }
                | Report::PreemptDelayBegins(_)
                | Report::PreemptDelayEnds
                | Report::IntervalLearned { .. }
        )
    }

    /// Whether it means that something is wrong.
    pub fn is_warning(&self) -> bool {
        matches!(
            self,
            Report::OwnAddressHeard
                | Report::Restored
                | Report::SplitBrain { .. }
                | Report::TwoOwners { .. }
                | Report::Overslept { .. }
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Entered { from: StateName::Init, to } if *to != StateName::Master => {
                write!(f, "Entering {to} STATE (init)")
            }
            Report::Entered { to, .. } => write!(f, "Entering {to} STATE"),
            Report::Fault(cause) => write!(f, "entering FAULT state ({cause})"),
            Report::AdvertTimeout => f.write_str("Receive advertisement timeout"),
            Report::SettingAddresses => f.write_str("setting VIPs."),
            Report::RemovingAddresses => f.write_str("removing VIPs."),
            Report::Routes { setting } => write!(f, "{} Virtual Routes", verb(*setting)),
            Report::Rules { setting } => write!(f, "{} Virtual Rules", verb(*setting)),
            Report::SentPriorityZero => f.write_str("sent 0 priority"),
            Report::HeardPriorityZero { as_master: false } => f.write_str("Backup received priority 0 advertisement"),
            Report::HeardPriorityZero { as_master: true } => f.write_str("Master received priority 0 message"),
            Report::Outranked { source, priority, own } if priority == own => write!(
                f,
                "Master received advert from {source} with same priority {priority} but higher IP address than ours"
            ),
            Report::Outranked { source, priority, own } => {
                write!(f, "Master received advert from {source} with higher priority {priority}, ours {own}")
            }
            Report::Challenged { source, priority, own, answers } => {
                write!(f, "Received advert from {source} with lower priority {priority}, ours {own}")?;
                f.write_str(if *answers { ", forcing new election" } else { "" })
            }
            Report::SplitBrain { source } => {
                write!(f, "split brain: {source} was MASTER too and has to yield - announcing the addresses again")
            }
            Report::TwoOwners { source } => {
                write!(f, "WARNING - {source} has priority 255 too; only one router can own the addresses")
            }
            Report::Overslept { silence } => write!(
                f,
                "was not running for {:.3} s, another router must have taken over - listening",
                silence.as_secs_f64()
            ),
            Report::PreemptDelayBegins(delay) => write!(f, "start preempt delay ({:.6})", delay.as_secs_f64()),
            Report::PreemptDelayEnds => f.write_str("stop preempt delay"),
            Report::Discarded { source, priority } => {
                write!(f, "received lower priority ({priority}) advert from {source} - discarding")
            }
            Report::OwnAddressHeard => {
                f.write_str("WARNING - equal priority advert received from remote host with our IP address.")
            }
            Report::PriorityChanged { from, to } => write!(f, "Changing effective priority from {from} to {to}"),
            Report::MasterIs { before: None, now } => write!(f, "master set to {now}"),
            Report::MasterIs { before: Some(before), now } => write!(f, "master changed from {before} to {now}"),
            Report::IntervalLearned { from, to } => {
                let (from, to) = (from.duration().as_millis(), to.duration().as_millis());
                write!(f, "advertisement interval updated from {from}ms to {to}ms by master")
            }
            Report::AddressNoLongerConfigured(address) => write!(f, "ip address {address}, no longer exist"),
            Report::Restored => {
                f.write_str("a virtual IP, route or rule was removed by somebody else - putting it back")
            }
        }
    }
}

fn verb(setting: bool) -> &'static str {
    if setting { "setting" } else { "removing" }
}
