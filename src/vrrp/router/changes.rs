//! What changes about a router while it runs: its effective priority, and what the file says.

use std::net::IpAddr;
use std::time::Duration;

use super::announce::Announcements;
use super::{Action, State, VirtualRouter};
use crate::model::{Priority, VrrpInstance};
use crate::time::Instant;
use crate::vrrp::report::Report;

impl VirtualRouter {
    /// The running down timer moves by the difference the new priority makes; it does not start again.
    pub(super) fn change_priority(&mut self, priority: Priority, out: &mut Vec<Action>) {
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
    pub(super) fn reconfigure(&mut self, now: Instant, config: VrrpInstance, out: &mut Vec<Action>) {
        let down_before = self.master_down_interval();
        let old = std::mem::replace(&mut self.config, config);
        if let State::Master { .. } = self.state {
            let added = self.move_to_new_settings(&old, out);
            // Whoever hears us must not first wait out the old interval to learn of the change.
            let advertised = |c: &VrrpInstance| {
                let addresses: Vec<IpAddr> = c.virtual_addresses.iter().map(|vip| vip.net.addr()).collect();
                (c.priority, c.advert_interval, c.authentication, addresses)
            };
            if advertised(&old) != advertised(&self.config) {
                self.send_advert_now(now, out);
            }
            let again = Announcements::begin(now, &self.config.garp);
            if let State::Master { announcements, .. } = &mut self.state {
                announcements.refresh = again.refresh.and(announcements.refresh.or(again.refresh));
                if !added.is_empty() {
                    out.push(Action::Announce { rounds: self.config.garp.repeat });
                    announcements.second = again.second;
                }
            }
        }
        if old.advert_interval != self.config.advert_interval
            && let State::Backup { interval, .. } = &mut self.state
        {
            *interval = self.config.advert_interval;
        }
        self.shift_down_timer(down_before, self.master_down_interval());
    }
}
