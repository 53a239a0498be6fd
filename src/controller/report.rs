//! What the controllers have to say beyond one state machine's own reports. The texts are keepalived's.

use std::fmt;
use std::net::IpAddr;

use crate::model::{Channel, Endpoint, Family, InterfaceName, ProcessName, SessionName};
use crate::track::script::{self, ScriptReport};
use crate::vrrp::{self, Refusal, StateName};

/// How loud a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loudness {
    /// keepalived says it only with `-D`.
    Detail,
    /// keepalived always says it.
    Ordinary,
    /// Something is wrong.
    Warning,
}

/// Something that happened on the VRRP side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoutersReport {
    /// In one virtual router.
    Router {
        /// `vrrp_instance` name.
        instance: String,
        /// What.
        report: vrrp::Report,
    },
    /// A packet was not believed. Told once for each reason until mastership moves.
    Refused {
        /// `vrrp_instance` name.
        instance: String,
        /// Why.
        refusal: Refusal,
    },
    /// A master's advert lacks addresses that are configured here.
    AddressesDiffer {
        /// `vrrp_instance` name.
        instance: String,
        /// Sender.
        from: IpAddr,
        /// Configured here and not advertised.
        missing: Vec<IpAddr>,
    },
    /// Too short to say whom it concerns. Told once for each interface.
    TooShort {
        /// IPv4 or IPv6.
        family: Family,
        /// Where it came in.
        interface: InterfaceName,
        /// Octets.
        length: usize,
    },
    /// A script's result.
    Script(ScriptReport),
    /// There are as many tracked processes as there should be, or no longer.
    ProcessQuorum {
        /// Which ones.
        name: ProcessName,
        /// Neither too few nor too many.
        reached: bool,
    },
    /// A tracked BFD session went up or down.
    Session {
        /// `vrrp_instance` name.
        instance: String,
        /// Which session.
        name: SessionName,
        /// Up now.
        up: bool,
    },
    /// A sync group follows one of its members.
    Syncing {
        /// `vrrp_sync_group` name.
        group: String,
        /// Where to.
        state: StateName,
    },
    /// An interface of an instance went up or down.
    Link {
        /// Which one.
        interface: InterfaceName,
        /// Up and running now.
        up: bool,
    },
    /// The sockets for adverts could not be opened.
    ChannelFailed {
        /// Which ones.
        channel: Channel,
        /// Why.
        reason: String,
    },
    /// A burst of gratuitous ARP, or of neighbour adverts, begins for an address.
    Queueing {
        /// `vrrp_instance` name.
        instance: String,
        /// Where.
        interface: InterfaceName,
        /// Which address.
        address: IpAddr,
    },
    /// One of them goes out.
    Announcing {
        /// Where.
        interface: InterfaceName,
        /// Which address.
        address: IpAddr,
    },
}

impl RoutersReport {
    /// How loud to say it.
    pub fn loudness(&self) -> Loudness {
        match self {
            RoutersReport::Router { report, .. } if report.is_detail() => Loudness::Detail,
            RoutersReport::Router { report, .. } if report.is_warning() => Loudness::Warning,
            RoutersReport::Queueing { .. }
            | RoutersReport::Announcing { .. }
            | RoutersReport::Script(ScriptReport { report: script::Report::StillRunning, .. }) => Loudness::Detail,
            RoutersReport::Refused { .. }
            | RoutersReport::AddressesDiffer { .. }
            | RoutersReport::TooShort { .. }
            | RoutersReport::ChannelFailed { .. } => Loudness::Warning,
            RoutersReport::Router { .. }
            | RoutersReport::Script(_)
            | RoutersReport::ProcessQuorum { .. }
            | RoutersReport::Session { .. }
            | RoutersReport::Syncing { .. }
            | RoutersReport::Link { .. } => Loudness::Ordinary,
        }
    }
}

impl fmt::Display for RoutersReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RoutersReport::Router { instance, report } => write!(f, "({instance}) {report}"),
            RoutersReport::Refused { instance, refusal } => write!(f, "({instance}) {refusal}"),
            RoutersReport::AddressesDiffer { instance, from, missing } => {
                write!(f, "({instance}) not present in advert from {from}:")?;
                missing.iter().try_for_each(|address| write!(f, " {address}"))
            }
            RoutersReport::TooShort { family, interface, length } => {
                write!(f, "{family} VRRP packet too short - {length} bytes on {interface}")
            }
            RoutersReport::Script(report) => report.fmt(f),
            RoutersReport::ProcessQuorum { name, reached } => {
                write!(f, "Quorum {} for tracked process {name}", if *reached { "gained" } else { "lost" })
            }
            RoutersReport::Session { instance, name, up } => {
                let state = if *up { "UP" } else { "DOWN" };
                write!(f, "VRRP_Instance({instance}) Tracked BFD instance {name} is {state}")
            }
            RoutersReport::Syncing { group, state } => {
                write!(f, "VRRP_Group({group}) Syncing instances to {state} state")
            }
            RoutersReport::Link { interface, up } => {
                write!(f, "Netlink reports {interface} {}", if *up { "up" } else { "down" })
            }
            RoutersReport::ChannelFailed { channel: Channel { interface, endpoint, .. }, reason } => {
                let what = match endpoint {
                    Endpoint::Multicast(_) => "multicast".to_owned(),
                    Endpoint::Unicast(address) => format!("unicast ({address})"),
                };
                write!(f, "cannot open the {what} VRRP socket on {interface}: {reason}")
            }
            RoutersReport::Queueing { instance, interface, address } => {
                let what = if address.is_ipv4() { "gratuitous ARPs" } else { "Unsolicited Neighbour Adverts" };
                write!(f, "({instance}) Sending/queueing {what} on {interface} for {address}")
            }
            RoutersReport::Announcing { interface, address } => {
                let what = if address.is_ipv4() { "gratuitous ARP" } else { "unsolicited Neighbour Advert" };
                write!(f, "Sending {what} on {interface} for {address}")
            }
        }
    }
}
