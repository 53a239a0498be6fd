//! What a backup does with an advert (RFC 3768 §6.4.2, RFC 9568 §6.4.2).

use super::{Action, Company, Heard, State, VirtualRouter};
use crate::model::Priority;
use crate::time::Instant;
use crate::vrrp::report::Report;
use crate::vrrp::timer::{master_down_interval, skew_time};

impl VirtualRouter {
    /// §6.4.2, an advert in Backup.
    pub(super) fn backup_hears(&mut self, now: Instant, heard: Heard, out: &mut Vec<Action>) {
        let own = self.priority;
        let delay = self.config.conduct.preempt_delay;
        let adverts = self.config.conduct.down_timer_adverts;
        let State::Backup { master_down_at, master, interval, wants_master, preempt_at } = &mut self.state else {
            return;
        };
        let waits_to_preempt = !delay.is_zero() && preempt_at.is_none_or(|at| now < at);
        if heard.priority == Priority::STOP {
            out.push(Action::Report(Report::HeardPriorityZero { as_master: false }));
            *master_down_at = now + skew_time(*interval, own);
        } else if !self.config.preempt || heard.priority >= own || waits_to_preempt {
            if *interval != heard.interval {
                out.push(Action::Report(Report::IntervalLearned { from: *interval, to: heard.interval }));
                *interval = heard.interval;
            }
            *master_down_at = now + master_down_interval(adverts, *interval, own);
            *wants_master = false;
            if self.company != Company::Alone {
                out.push(Action::Obeys);
            }
            if *master != Some(heard.source) {
                out.push(Action::Report(Report::MasterIs { before: *master, now: heard.source }));
                *master = Some(heard.source);
            }
            if heard.priority >= own {
                if preempt_at.take().is_some() {
                    out.push(Action::Report(Report::PreemptDelayEnds));
                }
            } else if waits_to_preempt && preempt_at.is_none() {
                out.push(Action::Report(Report::PreemptDelayBegins(delay)));
                *preempt_at = Some(now + delay);
            }
        } else {
            // The timer runs on: mastership follows when it ends, not at once.
            out.push(Action::Report(Report::Discarded { source: heard.source, priority: heard.priority }));
        }
    }
}
