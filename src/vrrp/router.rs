//! One virtual router (RFC 3768 §6.4): given what was heard and the time, decides who it is and what must be done.
//!
//! After each [`VirtualRouter::handle`] the caller performs all actions in order, then waits until
//! [`VirtualRouter::next_deadline`] or the next event. States carry their own deadlines, so a timer that cannot matter
//! cannot exist.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::election::rank;
use super::report::{FaultCause, Report, StateName};
use super::timer::{master_down_interval, skew_time};
use crate::model::{InitialState, Priority, VirtualAddress, VrrpInstance};
use crate::time::Instant;

/// An advert that passed every check of [`super::receive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// The sender's primary address.
    pub source: Ipv4Addr,
    /// The sender's priority.
    pub priority: Priority,
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
    Source(Ipv4Addr),
    /// A cause for FAULT appeared.
    Fault(FaultCause),
    /// A cause for FAULT is gone.
    Recovered(FaultCause),
    /// The kernel no longer has one of the virtual addresses.
    AddressLost,
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
    /// Announce every virtual address this many times.
    Announce {
        /// Packets for each address.
        rounds: u32,
    },
    /// Say so.
    Report(Report),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Init,
    Backup {
        master_down_at: Instant,
        master: Option<Ipv4Addr>,
    },
    Master {
        next_advert_at: Instant,
        /// The second burst of gratuitous ARP, `garp_master_delay` after the first.
        announce_at: Option<Instant>,
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
    source: Option<Ipv4Addr>,
    causes: BTreeSet<FaultCause>,
    state: State,
}

impl VirtualRouter {
    /// A router that waits for [`Event::Start`].
    pub fn new(config: VrrpInstance) -> VirtualRouter {
        let priority = config.priority;
        VirtualRouter { config, priority, source: None, causes: BTreeSet::new(), state: State::Init }
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
    pub fn source(&self) -> Option<Ipv4Addr> {
        self.source
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
            State::Master { next_advert_at, announce_at, .. } => {
                Some(announce_at.map_or(next_advert_at, |announce_at| announce_at.min(next_advert_at)))
            }
        }
    }

    /// Takes one event at `now`, which never runs backwards.
    pub fn handle(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
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
                if !self.causes.is_empty() {
                    self.start_in_fault(out);
                } else if self.starts_as_master() {
                    self.enter_master(now, out);
                } else {
                    self.enter_backup(now, self.master_down_interval(), None, out);
                }
            }
            (S::Backup { .. } | S::Master { .. } | S::Fault, E::Start) => {}

            // §6.4.2: the master fell silent.
            (S::Backup { master_down_at, .. }, E::Timer) => {
                if *master_down_at <= now {
                    out.push(Action::Report(Report::AdvertTimeout));
                    self.enter_master(now, out);
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

            (S::Init, E::Fault(cause)) => {
                self.causes.insert(cause);
            }
            (S::Fault, E::Fault(cause)) => {
                self.causes.insert(cause);
            }
            (S::Backup { .. }, E::Fault(cause)) => {
                self.causes.insert(cause.clone());
                out.push(Action::Report(Report::Fault(cause)));
                self.enter_fault(out);
            }
            // keepalived sends the farewell twice here; it is lost anyway when the link is what failed.
            (S::Master { .. }, E::Fault(cause)) => {
                self.causes.insert(cause.clone());
                out.push(Action::Report(Report::Fault(cause)));
                out.extend([Action::SendAdvert(Priority::STOP), Action::SendAdvert(Priority::STOP)]);
                self.release(out);
                self.enter_fault(out);
            }

            // Leaving FAULT is a start without the owner's privilege: listen first.
            (S::Fault, E::Recovered(cause)) => {
                let was_untested = matches!(cause, FaultCause::UntestedScript(_));
                self.causes.remove(&cause);
                if self.causes.is_empty() {
                    if was_untested && self.starts_as_master() {
                        self.enter_master(now, out);
                    } else {
                        self.enter_backup(now, self.master_down_interval(), None, out);
                    }
                }
            }
            (S::Init | S::Backup { .. } | S::Master { .. }, E::Recovered(cause)) => {
                self.causes.remove(&cause);
            }

            (S::Master { .. }, E::AddressLost) => self.address_lost(now, out),
            (S::Init | S::Backup { .. } | S::Fault, E::AddressLost) => {}

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

    /// Scripts that have not returned yet are no failure: keepalived waits for them without a word.
    fn start_in_fault(&mut self, out: &mut Vec<Action>) {
        let told = self.causes.iter().filter(|cause| !matches!(cause, FaultCause::UntestedScript(_)));
        let told: Vec<Action> = told.cloned().map(|cause| Action::Report(Report::Fault(cause))).collect();
        if told.is_empty() {
            self.state = State::Fault;
        } else {
            out.extend(told);
            self.enter_fault(out);
        }
    }

    /// §6.4.1: only an owner starts as master, and not if the file says BACKUP in so many words.
    fn starts_as_master(&self) -> bool {
        self.config.priority == Priority::OWNER && self.config.initial_state != InitialState::Backup
    }

    fn master_down_interval(&self) -> Duration {
        master_down_interval(self.config.advert_interval, self.priority)
    }

    fn enter_master(&mut self, now: Instant, out: &mut Vec<Action>) {
        let from = self.state();
        out.push(Action::SendAdvert(self.priority));
        out.push(Action::Report(Report::Entered { from, to: StateName::Master }));
        out.push(Action::Report(Report::SettingAddresses));
        out.push(Action::AddAddresses(self.config.virtual_addresses.clone()));
        out.push(Action::Announce { rounds: self.config.garp.repeat });
        self.state = State::Master {
            next_advert_at: now + self.config.advert_interval.duration(),
            announce_at: self.second_burst(now),
            restored_at: None,
            restore_pending: false,
        };
    }

    fn second_burst(&self, now: Instant) -> Option<Instant> {
        (!self.config.garp.delay.is_zero()).then(|| now + self.config.garp.delay)
    }

    fn enter_backup(&mut self, now: Instant, wait: Duration, master: Option<Ipv4Addr>, out: &mut Vec<Action>) {
        let from = self.state();
        self.state = State::Backup { master_down_at: now + wait, master };
        out.push(Action::Report(Report::Entered { from, to: StateName::Backup }));
    }

    fn enter_fault(&mut self, out: &mut Vec<Action>) {
        let from = self.state();
        self.state = State::Fault;
        out.push(Action::Report(Report::Entered { from, to: StateName::Fault }));
    }

    /// Gives up the addresses of a master.
    fn release(&self, out: &mut Vec<Action>) {
        out.push(Action::Report(Report::RemovingAddresses));
        out.push(Action::RemoveAddresses(self.config.virtual_addresses.clone()));
    }

    /// §6.4.2, an advert in Backup.
    fn backup_hears(&mut self, now: Instant, heard: Heard, out: &mut Vec<Action>) {
        let master_down_interval = self.master_down_interval();
        let skew = skew_time(self.priority);
        let State::Backup { master_down_at, master } = &mut self.state else { return };
        if heard.priority == Priority::STOP {
            out.push(Action::Report(Report::HeardPriorityZero { as_master: false }));
            *master_down_at = now + skew;
        } else if !self.config.preempt || heard.priority >= self.priority {
            *master_down_at = now + master_down_interval;
            if *master != Some(heard.source) {
                out.push(Action::Report(Report::MasterIs { before: *master, now: heard.source }));
                *master = Some(heard.source);
            }
        } else {
            // The timer runs on: mastership follows when it ends, not at once.
            out.push(Action::Report(Report::Discarded { source: heard.source, priority: heard.priority }));
        }
    }

    /// §6.4.3, an advert in Master.
    fn master_hears(&mut self, now: Instant, heard: Heard, out: &mut Vec<Action>) {
        if heard.priority == Priority::STOP {
            out.push(Action::Report(Report::HeardPriorityZero { as_master: true }));
            self.send_advert_now(now, out);
            return;
        }
        let own = self.priority;
        let Heard { source, priority } = heard;
        // Without an address of our own nothing could have been sent: any other router wins.
        match rank((priority, source), (own, self.source.unwrap_or(Ipv4Addr::UNSPECIFIED))) {
            Ordering::Equal => out.push(Action::Report(Report::OwnAddressHeard)),
            Ordering::Greater => {
                out.push(Action::Report(Report::Outranked { source, priority, own }));
                self.release(out);
                self.enter_backup(now, self.master_down_interval(), Some(source), out);
            }
            // keepalived answers a worse master with an advert and announces the addresses again. Its second bursts
            // pile up, one for each such advert; here there is never more than one to come.
            Ordering::Less => {
                out.push(Action::Report(Report::Challenged { source, priority, own }));
                self.send_advert_now(now, out);
                out.push(Action::Announce { rounds: self.config.garp.repeat });
                let second_burst = self.second_burst(now);
                if let State::Master { announce_at, .. } = &mut self.state {
                    *announce_at = announce_at.or(second_burst);
                }
            }
        }
    }

    fn send_advert_now(&mut self, now: Instant, out: &mut Vec<Action>) {
        out.push(Action::SendAdvert(self.priority));
        if let State::Master { next_advert_at, .. } = &mut self.state {
            *next_advert_at = now + self.config.advert_interval.duration();
        }
    }

    fn master_timer(&mut self, now: Instant, out: &mut Vec<Action>) {
        let State::Master { next_advert_at, announce_at, restored_at, restore_pending } = &mut self.state else {
            return;
        };
        if *next_advert_at <= now {
            *next_advert_at = now + self.config.advert_interval.duration();
            out.push(Action::SendAdvert(self.priority));
            if std::mem::take(restore_pending) {
                *restored_at = Some(now);
                out.push(Action::Report(Report::AddressRestored));
                out.push(Action::AddAddresses(self.config.virtual_addresses.clone()));
                out.push(Action::Announce { rounds: 1 });
            }
        }
        if announce_at.is_some_and(|at| at <= now) {
            *announce_at = None;
            out.push(Action::Announce { rounds: self.config.garp.repeat });
        }
    }

    /// keepalived gives up mastership for a skew time and takes it back; putting the address back costs nobody
    /// anything. No more often than adverts are sent, so that two tools that disagree do not fight at full speed.
    fn address_lost(&mut self, now: Instant, out: &mut Vec<Action>) {
        let State::Master { restored_at, restore_pending, .. } = &mut self.state else { return };
        if restored_at.is_some_and(|at| now.since(at) < self.config.advert_interval.duration()) {
            *restore_pending = true;
            return;
        }
        *restored_at = Some(now);
        out.push(Action::Report(Report::AddressRestored));
        out.push(Action::AddAddresses(self.config.virtual_addresses.clone()));
        out.push(Action::Announce { rounds: 1 });
    }

    /// The running down timer moves by the difference the new priority makes; it does not start again.
    fn change_priority(&mut self, priority: Priority, out: &mut Vec<Action>) {
        if priority == self.priority {
            return;
        }
        out.push(Action::Report(Report::PriorityChanged { from: self.priority, to: priority }));
        let before = self.master_down_interval();
        self.priority = priority;
        let after = self.master_down_interval();
        self.shift_down_timer(before, after);
    }

    fn shift_down_timer(&mut self, before: Duration, after: Duration) {
        if let State::Backup { master_down_at, .. } = &mut self.state {
            let shifted = (master_down_at.since_start() + after).saturating_sub(before);
            *master_down_at = Instant::from_start(shifted);
        }
    }

    /// The same virtual router with other settings: only what differs is touched, no state is left.
    fn reconfigure(&mut self, now: Instant, config: VrrpInstance, out: &mut Vec<Action>) {
        let down_before = self.master_down_interval();
        let old = std::mem::replace(&mut self.config, config);
        let (is, was) = (&self.config.virtual_addresses, &old.virtual_addresses);
        let removed: Vec<_> = was.iter().filter(|vip| !is.contains(vip)).cloned().collect();
        let added: Vec<_> = is.iter().filter(|vip| !was.contains(vip)).cloned().collect();

        if let State::Master { .. } = self.state {
            for vip in &removed {
                let text = format!("{} dev {}", vip.net, vip.interface);
                out.push(Action::Report(Report::AddressNoLongerConfigured(text)));
            }
            if !removed.is_empty() {
                out.push(Action::RemoveAddresses(removed));
            }
            if !added.is_empty() {
                out.push(Action::AddAddresses(added.clone()));
            }
            // Whoever hears us must not first wait out the old interval to learn of the change.
            let advertised = |c: &VrrpInstance| {
                let addresses: Vec<Ipv4Addr> = c.virtual_addresses.iter().map(|vip| vip.net.addr()).collect();
                (c.priority, c.advert_interval, c.authentication, addresses)
            };
            if advertised(&old) != advertised(&self.config) {
                self.send_advert_now(now, out);
            }
            if !added.is_empty() {
                out.push(Action::Announce { rounds: self.config.garp.repeat });
                let second_burst = self.second_burst(now);
                if let State::Master { announce_at, .. } = &mut self.state {
                    *announce_at = second_burst;
                }
            }
        }
        self.shift_down_timer(down_before, self.master_down_interval());
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::{AdvertInterval, Authentication, GratuitousArp, InterfaceName, Transport, Vrid};

    /// vrid 51, priority 100 on eth0, one address.
    pub(crate) fn instance() -> VrrpInstance {
        let interface = InterfaceName::new("eth0").expect("a name");
        VrrpInstance {
            name: "VI_1".to_owned(),
            initial_state: InitialState::Unset,
            interface: interface.clone(),
            vrid: Vrid::new(51).expect("not zero"),
            priority: Priority::new(100),
            advert_interval: AdvertInterval::DEFAULT,
            preempt: true,
            authentication: Authentication::None,
            transport: Transport::Multicast { source: None },
            virtual_addresses: vec![vip("10.99.100.1/16")],
            track_scripts: Vec::new(),
            garp: GratuitousArp::default(),
        }
    }

    pub(crate) fn vip(net: &str) -> VirtualAddress {
        VirtualAddress {
            net: net.parse().expect("an address"),
            interface: InterfaceName::new("eth0").expect("a name"),
            label: None,
            broadcast: None,
            scope: 0,
        }
    }

    const OWN: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 11);
    const LOWER: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 10);
    const HIGHER: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 12);

    fn at(millis: u64) -> Instant {
        Instant::from_start(Duration::from_millis(millis))
    }

    fn heard(source: Ipv4Addr, priority: u8) -> Event {
        Event::Advert(Heard { source, priority: Priority::new(priority) })
    }

    fn down_cause() -> FaultCause {
        FaultCause::InterfaceDown(InterfaceName::new("eth0").expect("a name"))
    }

    fn started(config: VrrpInstance) -> VirtualRouter {
        let mut router = VirtualRouter::new(config);
        router.handle(at(0), Event::Source(OWN));
        router.handle(at(0), Event::Start);
        router
    }

    fn backup() -> VirtualRouter {
        started(instance())
    }

    fn master() -> VirtualRouter {
        let mut router = backup();
        let due = router.next_deadline().expect("a backup waits");
        router.handle(due, Event::Timer);
        assert_eq!(router.state(), StateName::Master);
        router
    }

    fn sent(actions: &[Action]) -> Vec<u8> {
        actions.iter().filter_map(|a| if let Action::SendAdvert(p) = a { Some(p.get()) } else { None }).collect()
    }

    fn without_reports(actions: Vec<Action>) -> Vec<Action> {
        actions.into_iter().filter(|a| !matches!(a, Action::Report(_))).collect()
    }

    #[test]
    fn a_start_waits_the_whole_down_interval_whatever_state_says() {
        for initial_state in [InitialState::Unset, InitialState::Backup, InitialState::Master] {
            let router = started(VrrpInstance { initial_state, ..instance() });
            assert_eq!(router.state(), StateName::Backup);
            assert_eq!(router.next_deadline(), Some(Instant::from_start(Duration::from_micros(3_609_375))));
        }
    }

    #[test]
    fn only_an_owner_starts_as_master_unless_the_file_says_backup() {
        let owner = VrrpInstance { priority: Priority::OWNER, ..instance() };
        assert_eq!(started(owner.clone()).state(), StateName::Master);
        let told = VrrpInstance { initial_state: InitialState::Backup, ..owner };
        assert_eq!(started(told).state(), StateName::Backup);
    }

    #[test]
    fn start_removes_what_a_killed_predecessor_left() {
        let mut router = VirtualRouter::new(instance());
        let actions = without_reports(router.handle(at(0), Event::Start));
        assert_eq!(actions, vec![Action::RemoveAddresses(instance().virtual_addresses)]);
    }

    #[test]
    fn becoming_master_advertises_then_sets_then_announces() {
        let mut router = backup();
        let due = router.next_deadline().expect("a backup waits");
        let actions = without_reports(router.handle(due, Event::Timer));
        assert_eq!(
            actions,
            vec![
                Action::SendAdvert(Priority::new(100)),
                Action::AddAddresses(instance().virtual_addresses),
                Action::Announce { rounds: 5 },
            ]
        );
        assert_eq!(router.next_deadline(), Some(due + Duration::from_secs(1)));
    }

    #[test]
    fn the_second_burst_comes_after_garp_master_delay_and_only_once() {
        let mut router = master();
        let start = router.next_deadline().expect("adverts") + Duration::ZERO;
        let mut bursts = Vec::new();
        for _ in 0..20 {
            let now = router.next_deadline().expect("adverts");
            if router.handle(now, Event::Timer).contains(&Action::Announce { rounds: 5 }) {
                bursts.push(now - start);
            }
        }
        assert_eq!(bursts, vec![Duration::from_secs(4)]); // 5 s after mastership, 4 s after the second advert
    }

    #[test]
    fn a_timer_that_fires_early_does_nothing() {
        let mut router = backup();
        assert_eq!(router.handle(at(3609), Event::Timer), vec![]);
        let mut router = master();
        assert_eq!(router.handle(at(3700), Event::Timer), vec![]);
    }

    /// Every (state, advert) of RFC 3768 §6.4 with what must come of it.
    #[test]
    fn adverts_decide_as_the_standard_says() {
        struct Case {
            sentence: &'static str,
            config: VrrpInstance,
            master: bool,
            advert: Event,
            state: StateName,
            sent: Vec<u8>,
            /// Deadline after the advert, milliseconds from it; `None` means unchanged.
            deadline: Option<u64>,
        }
        let plain = instance;
        let nopreempt = || VrrpInstance { preempt: false, ..instance() };
        let cases = [
            Case {
                sentence: "§6.4.2 priority zero: wait Skew_Time only",
                config: plain(),
                master: false,
                advert: heard(HIGHER, 0),
                state: StateName::Backup,
                sent: vec![],
                deadline: Some(609),
            },
            Case {
                sentence: "§6.4.2 a better router: reset the timer",
                config: plain(),
                master: false,
                advert: heard(LOWER, 101),
                state: StateName::Backup,
                sent: vec![],
                deadline: Some(3609),
            },
            Case {
                sentence: "§6.4.2 an equal router, even with a lower address: reset the timer",
                config: plain(),
                master: false,
                advert: heard(LOWER, 100),
                state: StateName::Backup,
                sent: vec![],
                deadline: Some(3609),
            },
            Case {
                sentence: "§6.4.2 a worse router and Preempt_Mode: discard",
                config: plain(),
                master: false,
                advert: heard(HIGHER, 99),
                state: StateName::Backup,
                sent: vec![],
                deadline: None,
            },
            Case {
                sentence: "§6.4.2 a worse router without Preempt_Mode: reset the timer",
                config: nopreempt(),
                master: false,
                advert: heard(HIGHER, 1),
                state: StateName::Backup,
                sent: vec![],
                deadline: Some(3609),
            },
            Case {
                sentence: "§6.4.3 priority zero: advertise at once",
                config: plain(),
                master: true,
                advert: heard(HIGHER, 0),
                state: StateName::Master,
                sent: vec![100],
                deadline: Some(1000),
            },
            Case {
                sentence: "§6.4.3 a better router: yield",
                config: plain(),
                master: true,
                advert: heard(LOWER, 101),
                state: StateName::Backup,
                sent: vec![],
                deadline: Some(3609),
            },
            Case {
                sentence: "§6.4.3 an equal priority with a higher address: yield",
                config: plain(),
                master: true,
                advert: heard(HIGHER, 100),
                state: StateName::Backup,
                sent: vec![],
                deadline: Some(3609),
            },
            Case {
                sentence: "§6.4.3 an equal priority with a lower address: stay, and say so",
                config: plain(),
                master: true,
                advert: heard(LOWER, 100),
                state: StateName::Master,
                sent: vec![100],
                deadline: Some(1000),
            },
            Case {
                sentence: "§6.4.3 a worse router: stay, and say so",
                config: plain(),
                master: true,
                advert: heard(HIGHER, 99),
                state: StateName::Master,
                sent: vec![100],
                deadline: Some(1000),
            },
            Case {
                sentence: "our own address heard: nothing",
                config: plain(),
                master: true,
                advert: heard(OWN, 100),
                state: StateName::Master,
                sent: vec![],
                deadline: None,
            },
            Case {
                sentence: "§6.4.3 nopreempt does not make a master yield to a worse one",
                config: nopreempt(),
                master: true,
                advert: heard(HIGHER, 99),
                state: StateName::Master,
                sent: vec![100],
                deadline: Some(1000),
            },
        ];
        for case in cases {
            let mut router = started(case.config);
            let mut now = at(0);
            if case.master {
                now = router.next_deadline().expect("a backup waits");
                router.handle(now, Event::Timer);
            }
            now += Duration::from_millis(400);
            let unchanged = router.next_deadline();
            let actions = router.handle(now, case.advert);
            assert_eq!(router.state(), case.state, "{}", case.sentence);
            assert_eq!(sent(&actions), case.sent, "{}", case.sentence);
            match case.deadline {
                None => assert_eq!(router.next_deadline(), unchanged, "{}", case.sentence),
                Some(millis) => {
                    let wait = router.next_deadline().expect("a timer runs") - now;
                    assert_eq!(wait.as_millis() as u64, millis, "{}", case.sentence);
                }
            }
            let yielded = case.master && case.state == StateName::Backup;
            let released = actions.contains(&Action::RemoveAddresses(instance().virtual_addresses));
            assert_eq!(released, yielded, "{}", case.sentence);
        }
    }

    #[test]
    fn stop_says_farewell_and_leaves_nothing() {
        let mut router = master();
        let actions = without_reports(router.handle(at(5000), Event::Stop));
        let farewell = vec![Action::SendAdvert(Priority::STOP), Action::RemoveAddresses(instance().virtual_addresses)];
        assert_eq!(actions, farewell);
        assert_eq!(router.next_deadline(), None);
        assert_eq!(backup().handle(at(1), Event::Stop), vec![]);
    }

    #[test]
    fn a_fault_takes_the_addresses_and_recovery_listens_first() {
        let mut router = master();
        let actions = router.handle(at(5000), Event::Fault(down_cause()));
        assert_eq!(sent(&actions), vec![0, 0]);
        assert_eq!((router.state(), router.next_deadline()), (StateName::Fault, None));
        assert_eq!(router.handle(at(5500), heard(HIGHER, 0)), vec![]);

        router.handle(at(5600), Event::Fault(FaultCause::Script(crate::model::ScriptName("chk".into()))));
        router.handle(at(6000), Event::Recovered(down_cause()));
        assert_eq!(router.state(), StateName::Fault, "one cause of two is left");
        router.handle(at(7000), Event::Recovered(FaultCause::Script(crate::model::ScriptName("chk".into()))));
        assert_eq!(router.state(), StateName::Backup);
        assert_eq!(router.next_deadline().map(|d| (d - at(7000)).as_millis()), Some(3609));
    }

    #[test]
    fn a_cause_known_before_start_is_fault_from_the_start() {
        let mut router = VirtualRouter::new(VrrpInstance { priority: Priority::OWNER, ..instance() });
        router.handle(at(0), Event::Fault(down_cause()));
        router.handle(at(0), Event::Start);
        assert_eq!(router.state(), StateName::Fault);
        router.handle(at(9), Event::Recovered(down_cause()));
        assert_eq!(router.state(), StateName::Backup, "an owner that was down listens, too");
    }

    #[test]
    fn a_script_that_has_not_returned_holds_the_start_without_a_word() {
        let untested = FaultCause::UntestedScript(crate::model::ScriptName("chk".into()));
        let mut router = VirtualRouter::new(VrrpInstance { priority: Priority::OWNER, ..instance() });
        router.handle(at(0), Event::Fault(untested.clone()));
        let actions = router.handle(at(0), Event::Start);
        let told = actions.iter().any(|action| matches!(action, Action::Report(Report::Entered { .. })));
        assert_eq!((told, router.state()), (false, StateName::Fault));
        router.handle(at(2), Event::Recovered(untested));
        assert_eq!(router.state(), StateName::Master, "an owner that was only held back starts as one");
    }

    #[test]
    fn a_priority_change_moves_the_running_timer_by_the_difference() {
        let mut router = backup();
        router.handle(at(1000), Event::Priority(Priority::new(80)));
        let expected = Duration::from_micros(3_609_375) + Duration::from_micros(20 * 1_000_000 / 256);
        assert_eq!(router.next_deadline(), Some(Instant::from_start(expected)));
        assert_eq!(router.handle(at(1000), Event::Priority(Priority::new(80))), vec![]);
    }

    #[test]
    fn a_master_advertises_a_new_priority_with_the_next_advert() {
        let mut router = master();
        let actions = router.handle(at(4000), Event::Priority(Priority::new(80)));
        assert_eq!(sent(&actions), Vec::<u8>::new());
        let due = router.next_deadline().expect("adverts");
        assert_eq!(sent(&router.handle(due, Event::Timer)), vec![80]);
    }

    #[test]
    fn a_lost_address_is_put_back_at_once_but_not_in_a_frenzy() {
        let mut router = master();
        let now = at(4000);
        let puts_back = |actions: &[Action]| actions.iter().any(|a| matches!(a, Action::AddAddresses(_)));
        assert!(puts_back(&router.handle(now, Event::AddressLost)));
        assert!(!puts_back(&router.handle(now, Event::AddressLost)));
        let due = router.next_deadline().expect("adverts");
        assert!(puts_back(&router.handle(due, Event::Timer)));
        assert!(backup().handle(now, Event::AddressLost).is_empty());
    }

    #[test]
    fn a_reload_touches_only_what_differs() {
        let mut router = master();
        let due = router.next_deadline();
        assert_eq!(router.handle(at(3700), Event::Reconfigured(Box::new(instance()))), vec![]);
        assert_eq!(router.next_deadline(), due, "the rhythm goes on");

        let virtual_addresses = vec![vip("10.99.100.2/16"), vip("10.99.100.1/24")];
        let changed = VrrpInstance { virtual_addresses: virtual_addresses.clone(), ..instance() };
        let actions = without_reports(router.handle(at(3800), Event::Reconfigured(Box::new(changed))));
        assert_eq!(
            actions,
            vec![
                Action::RemoveAddresses(vec![vip("10.99.100.1/16")]),
                Action::AddAddresses(virtual_addresses),
                Action::SendAdvert(Priority::new(100)),
                Action::Announce { rounds: 5 },
            ]
        );
        assert_eq!(router.state(), StateName::Master);
    }

    #[test]
    fn a_reload_of_a_backup_keeps_its_timer_running() {
        let mut router = backup();
        let due = router.next_deadline();
        let changed = VrrpInstance { preempt: false, virtual_addresses: vec![vip("10.99.100.9/32")], ..instance() };
        assert_eq!(router.handle(at(2000), Event::Reconfigured(Box::new(changed))), vec![]);
        assert_eq!(router.next_deadline(), due);
    }
}
