//! MISC_CHECK: what the end of a program means.

use super::super::probe::ScriptEnd;
use super::super::report::{Attempts, Report};
use super::{Action, Checker};
use crate::model::CheckerKind;
use crate::time::Instant;

/// What `misc_dynamic` adds to a weight to make an exit status of it.
const WEIGHT_OFFSET: i32 = 2;

/// What the last run said about the weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Progress {
    weight: Option<u8>,
}

impl Progress {
    /// The weight that the program gives its server, if it gives one.
    pub(super) fn weight(self) -> Option<u8> {
        self.weight
    }
}

impl Checker {
    /// The program that was started at `since` ended. The next one starts `delay_loop` after this one did.
    pub(super) fn ended(&mut self, now: Instant, since: Instant, end: ScriptEnd, actions: &mut Vec<Action>) {
        let timing = self.settings.timing;
        let is_dynamic = matches!(&self.settings.kind, CheckerKind::Misc(check) if check.dynamic);
        match end {
            ScriptEnd::Exited(0) => self.script_succeeded(None, actions),
            ScriptEnd::Exited(status) if is_dynamic && status >= WEIGHT_OFFSET => {
                self.script_succeeded(u8::try_from(status - WEIGHT_OFFSET).ok(), actions);
            }
            ScriptEnd::Exited(_) | ScriptEnd::Signalled(_) | ScriptEnd::TimedOut => self.script_failed(end, actions),
        }
        self.has_run = true;
        let delay = if self.failures > 0 { timing.delay_before_retry } else { timing.delay_loop };
        self.wait(now.max(since + delay), std::time::Duration::ZERO);
    }

    fn script_succeeded(&mut self, weight: Option<u8>, actions: &mut Vec<Action>) {
        self.set_weight(weight, actions);
        self.failures = 0;
        self.good(actions);
    }

    fn script_failed(&mut self, end: ScriptEnd, actions: &mut Vec<Action>) {
        if !self.is_concerned() {
            return;
        }
        let retry = self.settings.timing.retry;
        let is_last = self.failures >= retry;
        self.failures = if is_last { 0 } else { self.failures + 1 };
        if is_last || self.settings.log_all_failures {
            actions.push(Action::Report(Report::Script(end, Attempts { failed: self.failures, retry })));
        }
        if is_last {
            self.bad(None, actions);
            self.set_weight(None, actions);
        }
    }

    fn set_weight(&mut self, weight: Option<u8>, actions: &mut Vec<Action>) {
        let progress = super::Progress::Script(Progress { weight });
        if self.progress != progress {
            self.progress = progress;
            actions.push(Action::WeightChanged);
        }
    }
}
