//! When a master announces its addresses again (keepalived.conf(5), `garp_*`).

use crate::model::GratuitousArp;
use crate::time::Instant;

/// The bursts that are still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Announcements {
    /// `garp_master_delay` after the first one.
    pub(super) second: Option<Instant>,
    /// `garp_lower_prio_delay` after another master was heard; never more than one, however many adverts come.
    pub(super) lower_prio: Option<Instant>,
    /// `garp_master_refresh`
    pub(super) refresh: Option<Instant>,
}

impl Announcements {
    /// What follows the first burst at `now`.
    pub(super) fn begin(now: Instant, garp: &GratuitousArp) -> Announcements {
        Announcements {
            second: (!garp.delay.is_zero()).then(|| now + garp.delay),
            lower_prio: None,
            refresh: (!garp.refresh.is_zero()).then(|| now + garp.delay + garp.refresh),
        }
    }

    /// Another master was heard.
    pub(super) fn challenged(&mut self, now: Instant, garp: &GratuitousArp) {
        if garp.lower_prio_repeat > 0 && !garp.lower_prio_delay.is_zero() {
            self.lower_prio.get_or_insert(now + garp.lower_prio_delay);
        }
    }

    /// When the next burst is due.
    pub(super) fn next(&self) -> Option<Instant> {
        [self.second, self.lower_prio, self.refresh].into_iter().flatten().min()
    }

    /// Takes what is due at `now`: how many rounds, in which order.
    pub(super) fn take_due(&mut self, now: Instant, garp: &GratuitousArp) -> Vec<u32> {
        let due = |at: &Option<Instant>| at.is_some_and(|at| at <= now);
        let mut rounds = Vec::new();
        if due(&self.second) {
            self.second = None;
            rounds.push(garp.repeat);
        }
        if due(&self.lower_prio) {
            self.lower_prio = None;
            rounds.push(garp.lower_prio_repeat);
        }
        if due(&self.refresh) {
            self.refresh = (!garp.refresh.is_zero()).then(|| now + garp.refresh);
            rounds.push(garp.refresh_repeat);
        }
        rounds
    }
}
