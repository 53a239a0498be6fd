//! What a master does: adverts, other masters, addresses that it loses (RFC 3768 §6.4.3, RFC 9568 §6.4.3).

use std::cmp::Ordering;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::announce::Announcements;
use super::{Action, Event, Heard, State, VirtualRouter, owned};
use crate::model::Priority;
use crate::time::Instant;
use crate::vrrp::election::rank;
use crate::vrrp::report::{Report, StateName};

/// The highest priority of a router that does not own the addresses: the first to take over.
const ANY_BACKUP: Priority = Priority::new(254);

/// An advert may go out so much before its time.
fn earliness(interval: Duration) -> Duration {
    (interval / 64).min(MOST_EARLINESS)
}

/// At any interval.
pub const MOST_EARLINESS: Duration = Duration::from_micros(500);

impl VirtualRouter {
    /// §6.4.3, an advert in Master.
    pub(super) fn master_hears(&mut self, now: Instant, heard: Heard, out: &mut Vec<Action>) {
        if heard.priority == Priority::STOP {
            out.push(Action::Report(Report::HeardPriorityZero { as_master: true }));
            self.send_advert_now(now, out);
            return;
        }
        let own = self.priority;
        let Heard { source, priority, .. } = heard;
        // Without an address of our own nothing could have been sent: any other router wins.
        match rank((priority, source), (own, self.source.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))) {
            Ordering::Equal => out.push(Action::Report(Report::OwnAddressHeard)),
            Ordering::Greater => {
                if (priority, own) == (Priority::OWNER, Priority::OWNER) {
                    out.push(Action::Report(Report::TwoOwners { source }));
                }
                out.push(Action::Report(Report::Outranked { source, priority, own }));
                if self.config.conduct.higher_prio_send_advert {
                    self.send_advert_now(now, out);
                }
                self.release(out);
                self.enter_backup(now, Some(heard), out);
            }
            Ordering::Less => self.challenged(now, heard, out),
        }
    }

    /// A worse master is answered with an advert, and the addresses are announced again, as keepalived does. Its second
    /// bursts pile up, one for each such advert; here there is never more than one to come.
    fn challenged(&mut self, now: Instant, heard: Heard, out: &mut Vec<Action>) {
        let Heard { source, priority, .. } = heard;
        let own = self.priority;
        let answers = !self.config.conduct.lower_prio_no_advert;
        out.push(Action::Report(Report::Challenged { source, priority, own, answers }));
        if answers {
            self.send_advert_now(now, out);
        }
        self.announce_again(now, out);
        let down = self.down_interval(heard.interval, own);
        let State::Master { challenged_at, .. } = &mut self.state else { return };
        // One that goes on speaking is the same split brain.
        let before = challenged_at.replace(now);
        if before.is_none_or(|before| now.since(before) > down) {
            out.push(Action::Report(Report::SplitBrain { source }));
        }
    }

    /// Another master was heard, here or by a member of the sync group.
    pub(super) fn announce_again(&mut self, now: Instant, out: &mut Vec<Action>) {
        let garp = self.config.garp;
        if garp.lower_prio_repeat > 0 {
            out.push(Action::Announce { rounds: garp.lower_prio_repeat });
        }
        if let State::Master { announcements, .. } = &mut self.state {
            announcements.challenged(now, &garp);
        }
    }

    /// Late by so much that another router must have taken over: what is due now must not be said. A master gives way to
    /// whoever that is, and a backup begins to listen anew (keepalived's `timer_expired_backup`, without being asked).
    pub(super) fn notice_oversleeping(&mut self, now: Instant, event: &Event, out: &mut Vec<Action>) {
        match self.state {
            State::Master { next_advert_at, .. } => {
                let interval = self.config.advert_interval;
                let other = self.config.conduct.timer_expired_backup.unwrap_or(ANY_BACKUP);
                let silence = now.since(next_advert_at) + interval.duration();
                if now > next_advert_at && silence > self.down_interval(interval, other) {
                    out.push(Action::Report(Report::Overslept { silence }));
                    self.release(out);
                    self.enter_backup(now, None, out);
                }
            }
            State::Backup { master_down_at, .. } if matches!(event, Event::Timer) => {
                let late = now.since(master_down_at);
                if late > self.master_down_interval() {
                    out.push(Action::Report(Report::Overslept { silence: late }));
                    let listen_until = now + self.master_down_interval();
                    if let State::Backup { master_down_at, .. } = &mut self.state {
                        *master_down_at = listen_until;
                    }
                }
            }
            State::Init | State::Backup { .. } | State::Fault => {}
        }
    }

    pub(super) fn enter_master(&mut self, now: Instant, out: &mut Vec<Action>) {
        let from = self.state();
        out.push(Action::SendAdvert(self.priority));
        out.push(Action::Report(Report::Entered { from, to: StateName::Master }));
        self.take(out);
        out.push(Action::Announce { rounds: self.config.garp.repeat });
        self.state = State::Master {
            next_advert_at: now + self.config.advert_interval.duration(),
            announcements: Announcements::begin(now, &self.config.garp),
            challenged_at: None,
            restored_at: None,
            restore_pending: false,
        };
    }

    pub(super) fn send_advert_now(&mut self, now: Instant, out: &mut Vec<Action>) {
        out.push(Action::SendAdvert(self.priority));
        if let State::Master { next_advert_at, .. } = &mut self.state {
            *next_advert_at = now + self.config.advert_interval.duration();
        }
    }

    /// Adverts keep to a grid, so that lateness does not add up. One that is due in a moment goes out with those that are
    /// due now, which saves a wake-up, and keeps company with them from then on.
    pub(super) fn master_timer(&mut self, now: Instant, out: &mut Vec<Action>) {
        let interval = self.config.advert_interval.duration();
        let garp = self.config.garp;
        let State::Master { next_advert_at, announcements, restored_at, restore_pending, .. } = &mut self.state else {
            return;
        };
        if *next_advert_at <= now + earliness(interval) {
            *next_advert_at = if *next_advert_at > now { now } else { *next_advert_at } + interval;
            if *next_advert_at <= now {
                *next_advert_at = now + interval;
            }
            out.push(Action::SendAdvert(self.priority));
            if std::mem::take(restore_pending) {
                *restored_at = Some(now);
                owned::restore(&self.config, out);
            }
        }
        let due = announcements.take_due(now, &garp);
        out.extend(due.into_iter().map(|rounds| Action::Announce { rounds }));
    }

    /// keepalived gives up mastership for a skew time and takes it back; putting the address back costs nobody
    /// anything. No more often than adverts are sent, so that two tools that disagree do not fight at full speed.
    pub(super) fn lost(&mut self, now: Instant, out: &mut Vec<Action>) {
        let State::Master { restored_at, restore_pending, .. } = &mut self.state else { return };
        if restored_at.is_some_and(|at| now.since(at) < self.config.advert_interval.duration()) {
            *restore_pending = true;
            return;
        }
        *restored_at = Some(now);
        owned::restore(&self.config, out);
    }
}
