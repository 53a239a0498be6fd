//! The kernel's side of the virtual servers: which services may differ from what we want, and the cycle of reading,
//! comparing and applying that makes them equal. One cycle at a time; what changes meanwhile is taken up by the next.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use super::{ServicesAction, Severity};
use crate::ipvs::{Change, Table, plan};
use crate::model::ServerKey;
use crate::model::lvs::Family;
use crate::time::Instant;

/// How long to wait before trying again what failed without the kernel having refused it.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Why the table could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The kernel has no IPVS family.
    #[error("this kernel has no ip_vs")]
    NoIpvs,
    /// `EPERM`: `CAP_NET_ADMIN` of the initial user namespace is missing.
    #[error("not permitted: CAP_NET_ADMIN is needed, in the initial user namespace")]
    NotPermitted,
    /// Anything else; likely to pass.
    #[error("{0}")]
    Failed(String),
}

/// A change that was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which one.
    pub change: Change,
    /// Why, in words.
    pub reason: String,
    /// The kernel's errno; `None` when it did not refuse, and trying again may help.
    pub errno: Option<i32>,
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Kernel {
    state: State,
    /// Services to be compared in the next cycle.
    stale: BTreeSet<ServerKey>,
    /// Services with a change that failed: compared again when something changes anyway, or at `retry_at`.
    failed: BTreeSet<ServerKey>,
    retry_at: Option<Instant>,
    /// Why there is no table, once it has been said.
    told: Option<Unavailable>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    /// The table is being read, for these services.
    Reading(BTreeSet<ServerKey>),
    /// Changes are being applied.
    Applying,
}

impl Kernel {
    /// These services may differ from what is wanted now.
    pub fn touch(&mut self, keys: impl IntoIterator<Item = ServerKey>) {
        self.stale.extend(keys);
        if !self.stale.is_empty() {
            self.stale.append(&mut self.failed);
            self.retry_at = None;
        }
    }

    /// The read that is due, if nothing else is under way.
    pub fn next_read(&mut self) -> Option<ServicesAction> {
        if !matches!(self.state, State::Idle) || self.stale.is_empty() {
            return None;
        }
        let keys = std::mem::take(&mut self.stale);
        let read = ServicesAction::ReadTable(keys.iter().copied().collect());
        self.state = State::Reading(keys);
        Some(read)
    }

    /// The services that the read under way is about.
    pub fn concerned(&self) -> &BTreeSet<ServerKey> {
        const NONE: &BTreeSet<ServerKey> = &BTreeSet::new();
        match &self.state {
            State::Reading(keys) => keys,
            State::Idle | State::Applying => NONE,
        }
    }

    /// Compares what was read with what is wanted of the same services.
    pub fn table_read(&mut self, current: Table, desired: &Table) -> Option<ServicesAction> {
        let State::Reading(keys) = std::mem::take(&mut self.state) else { return None };
        self.told = None;
        let changes = plan(&current.retain(|key| keys.contains(key)), desired);
        if changes.is_empty() {
            return None;
        }
        self.state = State::Applying;
        Some(ServicesAction::Apply(changes))
    }

    /// The table could not be read: says so once, unless we are leaving anyway.
    pub fn unavailable(&mut self, now: Instant, reason: Unavailable, stopping: bool) -> Option<ServicesAction> {
        let State::Reading(mut keys) = std::mem::take(&mut self.state) else { return None };
        self.failed.append(&mut keys);
        if matches!(reason, Unavailable::Failed(_)) {
            self.retry_at = Some(now + RETRY_DELAY);
        }
        let said_before = self.told.replace(reason.clone()).is_some_and(|before| before == reason);
        let of_no_concern = stopping && reason == Unavailable::NoIpvs;
        let help = match reason {
            Unavailable::NoIpvs => "; try `modprobe ip_vs` and reload",
            Unavailable::NotPermitted | Unavailable::Failed(_) => "",
        };
        let text = format!(
            "IPVS: Can't initialize ipvs: {reason}{help}. Virtual servers are checked but not programmed; VRRP goes on."
        );
        (!said_before && !of_no_concern).then_some(ServicesAction::Report(Severity::Warning, text))
    }

    /// The changes were carried out but for `failures`.
    pub fn applied(&mut self, now: Instant, failures: Vec<Failure>) -> Vec<ServicesAction> {
        self.state = State::Idle;
        let report = |failure: &Failure| ServicesAction::Report(Severity::Warning, failure.line());
        let reports = failures.iter().map(report).collect();
        if failures.iter().any(|failure| failure.errno.is_none()) {
            self.retry_at = Some(now + RETRY_DELAY);
        }
        self.failed.extend(failures.iter().map(|failure| *failure.change.key()));
        reports
    }

    /// Takes up what failed, when it is time to.
    pub fn tick(&mut self, now: Instant) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            self.stale.append(&mut self.failed);
        }
    }

    /// When [`Kernel::tick`] has something to do.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Nothing is under way and nothing is due.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle) && self.stale.is_empty()
    }
}

impl Failure {
    /// The line for the log, as keepalived writes it.
    fn line(&self) -> String {
        let service = match self.change.key() {
            ServerKey::Address { protocol, address: IpAddr::V6(address), port } => {
                format!("[{address}]:{protocol}:{port}")
            }
            ServerKey::Address { protocol, address, port } => format!("{address}:{protocol}:{port}"),
            ServerKey::Fwmark { mark, family: Family::Ipv4 } => format!("Fwm {mark}"),
            ServerKey::Fwmark { mark, family: Family::Ipv6 } => format!("Fwm {mark} inet6"),
        };
        let destination = match &self.change {
            Change::AddDestination(_, address, _)
            | Change::UpdateDestination(_, address, _)
            | Change::RemoveDestination(_, address) => format!(" -> {address}"),
            Change::AddService(..) | Change::UpdateService(..) | Change::RemoveService(_) => String::new(),
        };
        let errno = self.errno.map(|errno| format!("({errno})")).unwrap_or_default();
        format!("IPVS cmd {} error: {}{errno} ({service}{destination})", self.change, self.reason)
    }
}
