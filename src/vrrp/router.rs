//! One virtual router (RFC 3768 §6.4, RFC 9568 §6.4): given what was heard and the time, decides who it is and what must be done.
//!
//! After each [`VirtualRouter::handle`] the caller performs all actions in order, then waits until
//! [`VirtualRouter::next_deadline`] or the next event. States carry their own deadlines, so a timer that cannot matter
//! cannot exist.

mod announce;
mod backup;
mod changes;
mod master;
mod owned;

pub use master::MOST_EARLINESS;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use self::announce::Announcements;
use super::report::{FaultCause, Report, StateName};
use super::timer::master_down_interval;
use crate::model::route::Route;
use crate::model::{AdvertInterval, InitialState, Priority, Rule, VirtualAddress, VrrpInstance};
use crate::time::Instant;

/// An advert that passed every check of [`super::receive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// The sender's primary address.
    pub source: IpAddr,
    /// The sender's priority.
    pub priority: Priority,
    /// The sender's interval; in version 2 it is ours.
    pub interval: AdvertInterval,
}

/// What can happen to a virtual router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Begin; causes for FAULT that are known already came before.
    Start,
    /// The deadline may have come.
    Timer,
    /// An advert of another router.
    Advert(Heard),
    /// Trackers moved the effective priority.
    Priority(Priority),
    /// Our primary address, which breaks a tie.
    Source(IpAddr),
    /// Nothing is claimed before then (`vrrp_startup_delay`).
    QuietUntil(Instant),
    /// A cause for FAULT appeared.
    Fault(FaultCause),
    /// A cause for FAULT is gone.
    Recovered(FaultCause),
    /// The kernel no longer has one of the virtual addresses, routes or rules.
    Lost,
    /// The sync group becomes MASTER.
    Promote,
    /// The sync group becomes BACKUP.
    Yield,
    /// Another member of the sync group was challenged by a worse router: whoever believed that one hears ours again.
    AnnounceAgain,
    /// The file was read again and says this about the same virtual router.
    Reconfigured(Box<VrrpInstance>),
    /// Leave for good.
    Stop,
}

/// What must be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send one advert, to the group or to each peer.
    SendAdvert(Priority),
    /// Set these addresses; one that is there already is fine.
    AddAddresses(Vec<VirtualAddress>),
    /// Remove these addresses; one that is not there is fine.
    RemoveAddresses(Vec<VirtualAddress>),
    /// Set these routes; one that is there already is fine.
    AddRoutes(Vec<Route>),
    /// Remove these routes; one that is not there is fine.
    RemoveRoutes(Vec<Route>),
    /// Set these rules; one that is there already is fine.
    AddRules(Vec<Rule>),
    /// Remove these rules; one that is not there is fine.
    RemoveRules(Vec<Rule>),
    /// Announce every virtual address this many times.
    Announce {
        /// Packets for each address.
        rounds: u32,
    },
    /// Nothing was heard for the master down interval; the sync group decides ([`Event::Promote`]).
    WantsMaster,
    /// A member of a sync group that is BACKUP has heard a master that it obeys.
    Obeys,
    /// Say so.
    Report(Report),
}

/// With whom a router changes its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Company {
    /// With nobody.
    #[default]
    Alone,
    /// With a sync group: it becomes MASTER only when it is told to.
    Group {
        /// Every member owns its addresses, and may begin as MASTER.
        of_owners: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Init,
    Backup {
        master_down_at: Instant,
        master: Option<IpAddr>,
        /// What the master counts by; version 3 learns it (RFC 9568 §6.4.2).
        interval: AdvertInterval,
        /// Nothing was heard for the master down interval, but the sync group is not ready.
        wants_master: bool,
        /// Until when a master of a lower priority is obeyed: `preempt_delay` after its first advert.
        preempt_at: Option<Instant>,
    },
    Master {
        next_advert_at: Instant,
        announcements: Announcements,
        /// When another master was heard last.
        challenged_at: Option<Instant>,
        /// Lost addresses are put back at once, but no more often than adverts are sent.
        restored_at: Option<Instant>,
        restore_pending: bool,
    },
    Fault,
}

/// One virtual router.
#[derive(Debug, Clone)]
pub struct VirtualRouter {
    config: VrrpInstance,
    /// Effective: the configured one and what trackers add.
    priority: Priority,
    source: Option<IpAddr>,
    quiet_until: Instant,
    causes: BTreeSet<FaultCause>,
    company: Company,
    state: State,
}

impl VirtualRouter {
    /// A router that waits for [`Event::Start`].
    pub fn new(config: VrrpInstance) -> VirtualRouter {
        let priority = config.priority;
        let company = Company::Alone;
        let (quiet_until, causes) = (Instant::ZERO, BTreeSet::new());
        VirtualRouter { config, priority, source: None, quiet_until, causes, company, state: State::Init }
    }

    /// Joins a sync group, or leaves it.
    pub fn set_company(&mut self, company: Company) {
        self.company = company;
    }

    /// Whether it is MASTER, or would be if its sync group were ready.
    pub fn wants_master(&self) -> bool {
        matches!(self.state, State::Master { .. } | State::Backup { wants_master: true, .. })
    }

    /// What the file says.
    pub fn config(&self) -> &VrrpInstance {
        &self.config
    }

    /// The effective priority.
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// Our primary address; `None` until the first [`Event::Source`].
    pub fn source(&self) -> Option<IpAddr> {
        self.source
    }

    /// The master that is obeyed, once it has been heard.
    pub fn master(&self) -> Option<IpAddr> {
        match self.state {
            State::Backup { master, .. } => master,
            State::Init | State::Master { .. } | State::Fault => None,
        }
    }

    /// The state as users name it.
    pub fn state(&self) -> StateName {
        match self.state {
            State::Init => StateName::Init,
            State::Backup { .. } => StateName::Backup,
            State::Master { .. } => StateName::Master,
            State::Fault => StateName::Fault,
        }
    }

    /// When [`Event::Timer`] is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Init | State::Fault => None,
            State::Backup { master_down_at, .. } => Some(master_down_at),
            State::Master { next_advert_at, announcements, .. } => {
                Some(announcements.next().map_or(next_advert_at, |next| next.min(next_advert_at)))
            }
        }
    }

    /// Takes one event at `now`, which never runs backwards.
    pub fn handle(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        if matches!(event, Event::Timer | Event::Advert(_)) {
            self.notice_oversleeping(now, &event, &mut actions);
        }
        self.transition(now, event, &mut actions);
        actions
    }

    fn transition(&mut self, now: Instant, event: Event, out: &mut Vec<Action>) {
        use Event as E;
        use State as S;
        match (&self.state, event) {
            // §6.4.1. What a killed predecessor left is removed before anything is claimed.
            (S::Init, E::Start) => {
                self.release(out);
                if self.causes.is_empty() {
                    self.begin(now, out);
                } else {
                    self.start_in_fault(out);
                }
            }
            (S::Backup { .. } | S::Master { .. } | S::Fault, E::Start) => {}

            // §6.4.2: the master fell silent.
            (S::Backup { master_down_at, .. }, E::Timer) => {
                if *master_down_at <= now {
                    out.push(Action::Report(Report::AdvertTimeout));
                    self.claim(now, out);
                }
            }
            (S::Master { .. }, E::Timer) => self.master_timer(now, out),
            (S::Init | S::Fault, E::Timer) => {}

            (S::Backup { .. }, E::Advert(heard)) => self.backup_hears(now, heard, out),
            (S::Master { .. }, E::Advert(heard)) => self.master_hears(now, heard, out),
            // keepalived looks at nothing in these states.
            (S::Init | S::Fault, E::Advert(_)) => {}

            (_, E::Priority(priority)) => self.change_priority(priority, out),
            (_, E::Source(source)) => self.source = Some(source),
            (_, E::QuietUntil(until)) => self.quiet_until = until,

            (S::Init, E::Fault(cause)) => {
                self.causes.insert(cause);
            }
            // What was only waited for has failed.
            (S::Fault, E::Fault(cause)) => {
                let silent = self.causes.iter().all(FaultCause::is_waiting);
                let fails = !cause.is_waiting() && !cause.is_of_group();
                if silent && fails {
                    self.fail(cause, out);
                    out.push(Action::Report(Report::Entered { from: StateName::Init, to: StateName::Fault }));
                } else {
                    self.causes.insert(cause);
                }
            }
            (S::Backup { .. }, E::Fault(cause)) => {
                self.fail(cause, out);
                self.enter_fault(out);
            }
            // keepalived sends the farewell twice here, and once where the sync group failed; it is lost anyway when
            // the link is what failed.
            (S::Master { .. }, E::Fault(cause)) => {
                let farewells = if cause.is_of_group() { 1 } else { 2 };
                self.fail(cause, out);
                out.extend(std::iter::repeat_n(Action::SendAdvert(Priority::STOP), farewells));
                self.release(out);
                self.enter_fault(out);
            }

            // Leaving FAULT is a start without the owner's privilege: listen first.
            (S::Fault, E::Recovered(cause)) => {
                self.causes.remove(&cause);
                match self.causes.is_empty() {
                    true if cause.is_waiting() => self.begin(now, out),
                    true => self.enter_backup(now, None, out),
                    false => {}
                }
            }
            (S::Init | S::Backup { .. } | S::Master { .. }, E::Recovered(cause)) => {
                self.causes.remove(&cause);
            }

            (S::Master { .. }, E::Lost) => self.lost(now, out),
            (S::Init | S::Backup { .. } | S::Fault, E::Lost) => {}

            (S::Backup { .. }, E::Promote) => self.enter_master(now, out),
            (S::Init | S::Master { .. } | S::Fault, E::Promote) => {}

            // The others of the group no longer have what clients need: no farewell, as in keepalived.
            (S::Master { .. }, E::Yield) => {
                self.release(out);
                self.enter_backup(now, None, out);
            }
            (S::Init | S::Backup { .. } | S::Fault, E::Yield) => {}

            (S::Master { .. }, E::AnnounceAgain) => self.announce_again(now, out),
            (S::Init | S::Backup { .. } | S::Fault, E::AnnounceAgain) => {}

            (_, E::Reconfigured(config)) => self.reconfigure(now, *config, out),

            // §6.4.3, Shutdown: the others need not wait for silence.
            (S::Master { .. }, E::Stop) => {
                out.push(Action::SendAdvert(Priority::STOP));
                out.push(Action::Report(Report::SentPriorityZero));
                self.release(out);
                self.state = State::Init;
            }
            (S::Init | S::Backup { .. } | S::Fault, E::Stop) => self.state = State::Init,
        }
    }

    /// §6.4.1. What a sync group waits for is decided by the group, at once if all its members are owners.
    fn begin(&mut self, now: Instant, out: &mut Vec<Action>) {
        match self.company {
            Company::Group { of_owners: true } if self.starts_as_master() => {
                let interval = self.config.advert_interval;
                let master_down_at = now.max(self.quiet_until);
                self.state =
                    State::Backup { master_down_at, master: None, interval, wants_master: true, preempt_at: None };
            }
            Company::Alone if self.starts_as_master() && self.quiet_until <= now => self.enter_master(now, out),
            Company::Alone if self.starts_as_master() => {
                self.enter_backup(now, None, out);
                if let State::Backup { master_down_at, .. } = &mut self.state {
                    *master_down_at = self.quiet_until;
                }
            }
            Company::Alone | Company::Group { .. } => self.enter_backup(now, None, out),
        }
    }

    /// Takes over, or asks the sync group to.
    fn claim(&mut self, now: Instant, out: &mut Vec<Action>) {
        if self.company == Company::Alone {
            return self.enter_master(now, out);
        }
        let again = now + self.master_down_interval();
        if let State::Backup { master_down_at, wants_master, .. } = &mut self.state {
            (*master_down_at, *wants_master) = (again, true);
            out.push(Action::WantsMaster);
        }
    }

    /// Notes a cause, and tells it unless the group has.
    fn fail(&mut self, cause: FaultCause, out: &mut Vec<Action>) {
        if !cause.is_of_group() {
            out.push(Action::Report(Report::Fault(cause.clone())));
        }
        self.causes.insert(cause);
    }

    /// Scripts that have not returned yet are no failure: keepalived waits for them without a word.
    fn start_in_fault(&mut self, out: &mut Vec<Action>) {
        if self.causes.iter().all(FaultCause::is_waiting) {
            self.state = State::Fault;
            return;
        }
        let told = self.causes.iter().filter(|cause| !cause.is_waiting() && !cause.is_of_group());
        out.extend(told.cloned().map(|cause| Action::Report(Report::Fault(cause))));
        self.enter_fault(out);
    }

    /// §6.4.1: only an owner starts as master, and not if the file says BACKUP in so many words.
    pub fn starts_as_master(&self) -> bool {
        self.config.priority == Priority::OWNER && self.config.initial_state != InitialState::Backup
    }

    /// Silence that means the master is gone, by its interval where it is known.
    fn master_down_interval(&self) -> Duration {
        let interval = match self.state {
            State::Backup { interval, .. } => interval,
            State::Init | State::Master { .. } | State::Fault => self.config.advert_interval,
        };
        self.down_interval(interval, self.priority)
    }

    fn down_interval(&self, interval: AdvertInterval, priority: Priority) -> Duration {
        master_down_interval(self.config.conduct.down_timer_adverts, interval, priority)
    }

    /// Listens to `master`, or to whoever may speak, for the whole down interval.
    fn enter_backup(&mut self, now: Instant, master: Option<Heard>, out: &mut Vec<Action>) {
        let from = self.state();
        let interval = master.map_or(self.config.advert_interval, |heard| heard.interval);
        let master_down_at = now.max(self.quiet_until) + self.down_interval(interval, self.priority);
        let master = master.map(|heard| heard.source);
        self.state = State::Backup { master_down_at, master, interval, wants_master: false, preempt_at: None };
        out.push(Action::Report(Report::Entered { from, to: StateName::Backup }));
    }

    fn enter_fault(&mut self, out: &mut Vec<Action>) {
        let from = self.state();
        self.state = State::Fault;
        out.push(Action::Report(Report::Entered { from, to: StateName::Fault }));
    }
}

#[cfg(test)]
pub(crate) mod tests;
