//! The kernel's side of the virtual servers: what it holds of our services as far as we know, which of them may differ
//! from what we want, and the cycle that makes them equal. One cycle at a time; what changes meanwhile is taken up by
//! the next.
//!
//! ```text
//!                unread ──→ Read … read ──┐
//! touched services ──────┤                ├─→ compare with what is wanted ──→ Apply … applied ──→ known
//!                known ───────────────────┘
//! ```
//!
//! What a cycle has read and applied is known from then on, so that a change costs one command and no reading. IPVS
//! tells nobody what another program changes: now and then everything is read again, so seldom that it costs no more
//! than a fixed part of a processor, and what is not as we left it is put back.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use super::{ServicesAction, Severity};
use crate::ipvs::{Change, Scope, Table, plan};
use crate::model::ServerKey;
use crate::model::lvs::Family;
use crate::time::Instant;

/// How long to wait before trying again what failed without the kernel having refused it.
const RETRY_DELAY: Duration = Duration::from_secs(5);
/// How long to wait before looking again whether the kernel has IPVS by now: it may have to try to load it.
const ABSENT_DELAY: Duration = Duration::from_secs(60);
/// Time between two audits, at least.
const AUDIT_PERIOD: Duration = Duration::from_secs(10);
/// An audit may take this part of all time: one in so many.
const AUDIT_SHARE: u32 = 500;
/// How many services are named in one report.
const MOST_NAMED: usize = 3;

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
    /// What the kernel holds of services that were read, with what was applied since.
    known: Table,
    /// The services that `known` speaks for: what it does not hold is not there.
    read: BTreeSet<ServerKey>,
    /// Services to be compared in the next cycle.
    stale: BTreeSet<ServerKey>,
    /// Services with a change that failed: compared again when something changes anyway, or at `retry_at`.
    failed: BTreeSet<ServerKey>,
    retry_at: Option<Instant>,
    audit_at: Option<Instant>,
    /// Services that were read since the last plan.
    fresh: BTreeSet<ServerKey>,
    /// Foreign services are to go, at the next reading.
    foreign_go: bool,
    /// Everything is to go.
    flush: bool,
    /// Why there is no table, once it has been said.
    told: Option<Unavailable>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    /// The table is being read since then.
    Reading { scope: Scope, since: Instant, audit: bool },
    /// These changes are being applied. `fresh`: what they are based on had just been read.
    Applying { changes: Vec<Change>, fresh: bool },
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

    /// Foreign services are to be removed once, with the next reading.
    pub fn remove_foreign(&mut self) {
        self.foreign_go = true;
    }

    /// The whole table is to be emptied, whatever it holds.
    pub fn flush(&mut self) {
        *self = Kernel { state: std::mem::take(&mut self.state), flush: true, ..Kernel::default() };
    }

    /// What is due, if nothing is under way. `desired` gives what is wanted of some services.
    pub fn next_step(
        &mut self,
        now: Instant,
        desired: impl FnOnce(&BTreeSet<ServerKey>) -> Table,
    ) -> Option<ServicesAction> {
        if !matches!(self.state, State::Idle) {
            return None;
        }
        if std::mem::take(&mut self.flush) {
            return self.apply(vec![Change::Flush], true);
        }
        let unread: BTreeSet<ServerKey> = self.stale.difference(&self.read).copied().collect();
        if !unread.is_empty() {
            return self.read(now, Scope { services: unread, foreign: self.foreign_go }, false);
        }
        if !self.stale.is_empty() {
            let stale = std::mem::take(&mut self.stale);
            let changes = plan(&self.known.part(&stale), &desired(&stale));
            let fresh = stale.is_subset(&self.fresh);
            self.fresh.clear();
            return if changes.is_empty() { None } else { self.apply(changes, fresh) };
        }
        let audit = self.audit_at.is_some_and(|at| at <= now) && !self.read.is_empty();
        if audit { self.read(now, Scope { services: self.read.clone(), foreign: false }, true) } else { None }
    }

    fn read(&mut self, now: Instant, scope: Scope, audit: bool) -> Option<ServicesAction> {
        self.state = State::Reading { scope: scope.clone(), since: now, audit };
        Some(ServicesAction::ReadTable(scope))
    }

    fn apply(&mut self, changes: Vec<Change>, fresh: bool) -> Option<ServicesAction> {
        self.state = State::Applying { changes: changes.clone(), fresh };
        Some(ServicesAction::Apply(changes))
    }

    /// Takes in what was read: the services of the scope, and the foreign ones if they were asked for.
    pub fn table_read(&mut self, now: Instant, mut current: Table) -> Option<ServicesAction> {
        let State::Reading { scope, since, audit } = std::mem::take(&mut self.state) else { return None };
        self.told = None;
        self.audit_at = Some(now + AUDIT_PERIOD.max(now.since(since).saturating_mul(AUDIT_SHARE)));
        let mut meddled = Vec::new();
        for key in &scope.services {
            let found = current.services.swap_remove(key);
            if audit && self.known.services.get(key) != found.as_ref() {
                meddled.push(*key);
            }
            match found {
                Some(entry) => drop(self.known.services.insert(*key, entry)),
                None => drop(self.known.services.shift_remove(key)),
            }
        }
        if scope.foreign {
            // What is left is not ours: it goes, and nothing more has to be known about it.
            self.foreign_go = false;
            self.read.extend(current.services.keys().copied());
            self.stale.extend(current.services.keys().copied());
            self.known.services.extend(current.services);
        }
        self.stale.extend(meddled.iter().copied());
        self.fresh.extend(scope.services.iter().copied());
        self.read.extend(scope.services);
        meddled_report(&meddled)
    }

    /// The table could not be read: says so once, unless we are leaving anyway.
    pub fn unavailable(&mut self, now: Instant, reason: Unavailable, stopping: bool) -> Option<ServicesAction> {
        let State::Reading { scope, .. } = std::mem::take(&mut self.state) else { return None };
        self.failed.append(&mut self.stale);
        self.failed.extend(scope.services);
        let delay = match reason {
            Unavailable::Failed(_) => Some(RETRY_DELAY),
            Unavailable::NoIpvs => Some(ABSENT_DELAY),
            Unavailable::NotPermitted => None,
        };
        if reason == Unavailable::NoIpvs {
            // Whatever was there is gone with it.
            self.known = Table::default();
            self.failed.append(&mut self.read);
        }
        self.audit_at = None;
        self.retry_at = delay.map(|delay| now + delay);
        let said_before = self.told.replace(reason.clone()).is_some_and(|before| before == reason);
        let of_no_concern = stopping && reason == Unavailable::NoIpvs;
        let help = match reason {
            Unavailable::NoIpvs => "; try `modprobe ip_vs`",
            Unavailable::NotPermitted | Unavailable::Failed(_) => "",
        };
        let text = format!(
            "IPVS: Can't initialize ipvs: {reason}{help}. Virtual servers are checked but not programmed; VRRP goes on."
        );
        (!said_before && !of_no_concern).then_some(ServicesAction::Report(Severity::Warning, text))
    }

    /// The changes were carried out but for `failures`, which are in the order of the changes.
    pub fn applied(&mut self, now: Instant, failures: Vec<Failure>) -> Vec<ServicesAction> {
        let State::Applying { changes, fresh } = std::mem::take(&mut self.state) else { return Vec::new() };
        let mut reports = Vec::new();
        let mut failures = failures.into_iter().peekable();
        for change in changes {
            let failure = failures.next_if(|failure| failure.change == change);
            let agrees = change.apply(&mut self.known).is_ok();
            let Some(key) = change.key().copied() else { continue };
            if failure.is_none() && agrees {
                if matches!(change, Change::RemoveService(_)) {
                    self.read.remove(&key);
                }
                continue;
            }
            // What the kernel holds of it is no longer known.
            self.read.remove(&key);
            let Some(failure) = failure else { continue };
            if !fresh && failure.errno.is_some() {
                // Somebody else may have changed it: look, before calling it a failure.
                self.stale.insert(key);
                continue;
            }
            if failure.errno.is_none() {
                self.retry_at = Some(now + RETRY_DELAY);
            }
            self.failed.insert(key);
            reports.push(ServicesAction::Report(Severity::Warning, failure.line()));
        }
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
        let audit_at = self.audit_at.filter(|_| matches!(self.state, State::Idle) && !self.read.is_empty());
        self.retry_at.into_iter().chain(audit_at).min()
    }

    /// Nothing is under way and nothing is due but an audit.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle) && self.stale.is_empty() && !self.flush
    }
}

/// Says that something else changed these services.
fn meddled_report(services: &[ServerKey]) -> Option<ServicesAction> {
    let (named, others) = services.split_at(services.len().min(MOST_NAMED));
    if named.is_empty() {
        return None;
    }
    let names: Vec<String> = named.iter().map(ToString::to_string).collect();
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    let text = format!("IPVS: something else has changed {}{more}: putting it back", names.join(", "));
    Some(ServicesAction::Report(Severity::Warning, text))
}

impl Failure {
    /// The line for the log, as keepalived writes it.
    fn line(&self) -> String {
        let Some(key) = self.change.key() else {
            let errno = self.errno.map(|errno| format!("({errno})")).unwrap_or_default();
            return format!("IPVS cmd {} error: {}{errno}", self.change, self.reason);
        };
        let service = match key {
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
            Change::AddService(..) | Change::UpdateService(..) | Change::RemoveService(_) | Change::Flush => {
                String::new()
            }
        };
        let errno = self.errno.map(|errno| format!("({errno})")).unwrap_or_default();
        format!("IPVS cmd {} error: {}{errno} ({service}{destination})", self.change, self.reason)
    }
}
