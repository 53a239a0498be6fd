//! One checker of one real server: when it probes, and when it calls the server down or up.
//!
//! A checker starts up, with `alpha` down. Its first probe has no retries when alived starts: a server that is down must
//! leave the table at once. From then on a failure is tried again `retry` times, `delay_before_retry` apart, before the
//! server is down. While it is down there is one try per `delay_loop`, and one success is enough.
//!
//! Of several urls one is asked per run, in file order, with `delay_loop` between them, and each has the retries to
//! itself. A url that fails for good is asked alone until it passes; then all of them must pass, from the first one on.
//!
//! Never knows what else is checked on the server; never carries out a probe.

mod script;
mod web;

use std::sync::Arc;
use std::time::Duration;

use super::probe::{Cause, Outcome, Probe};
use super::report::{Report, Retries, alert};
use crate::model::{self, CheckerKind};
use crate::time::Instant;

/// The first probe comes this long after start or reload, and a random part of `warmup` later.
const BOOTSTRAP_DELAY: Duration = Duration::from_secs(1);

/// What happens to a checker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time has passed.
    Tick,
    /// The probe it asked for is over.
    Finished(Outcome),
    /// FILE_CHECK: the number in its file.
    Value(i64),
    /// BFD_CHECK: its session is up, or is not.
    Session(bool),
}

/// What a checker wants done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Carry out a probe and come back with [`Event::Finished`].
    Probe(Probe),
    /// Say something.
    Report(Report),
    /// The checker was down and is up; the body of a mail about it.
    WentUp(String),
    /// The checker was up and is down; the body of a mail about it.
    WentDown(String),
    /// [`Checker::weight`] is another now.
    WeightChanged,
}

/// A checker; see the module's description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checker {
    settings: Arc<model::Checker>,
    state: State,
    up: bool,
    /// A probe failed, or all urls passed: the first run is over.
    has_run: bool,
    /// Failures in a row of the current url, counted while up.
    failures: u32,
    /// Probes so far.
    sequence: u16,
    progress: Progress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting {
        run_at: Instant,
    },
    Probing {
        since: Instant,
    },
    /// For something that is told unasked.
    Listening,
}

/// What the kinds of checkers remember beyond up and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    None,
    Web(web::Progress),
    Script(script::Progress),
    /// FILE_CHECK: what its number adds to the weight.
    File(i64),
}

impl Checker {
    /// A checker as of the start of the daemon. `warmup` is the random part of the warm-up time to wait, 0 to 1.
    pub fn start(settings: Arc<model::Checker>, now: Instant, warmup: f64) -> Checker {
        // SMTP_CHECK counts afresh whenever it begins.
        let failures = if matches!(settings.kind, CheckerKind::Smtp(_)) { 0 } else { settings.timing.retry };
        Checker { failures, ..Checker::added(settings, now, warmup) }
    }

    /// A checker that a reload adds: its first run has its retries.
    pub fn added(settings: Arc<model::Checker>, now: Instant, warmup: f64) -> Checker {
        let run_at = now + BOOTSTRAP_DELAY + settings.timing.warmup.mul_f64(warmup.clamp(0.0, 1.0));
        let (state, progress) = match &settings.kind {
            CheckerKind::File(_) => (State::Listening, Progress::File(0)),
            CheckerKind::Bfd(_) => (State::Listening, Progress::None),
            CheckerKind::Http(_) | CheckerKind::Ssl(_) => {
                (State::Waiting { run_at }, Progress::Web(Default::default()))
            }
            CheckerKind::Misc(_) => (State::Waiting { run_at }, Progress::Script(Default::default())),
            CheckerKind::Tcp | CheckerKind::Smtp(_) | CheckerKind::Dns(_) | CheckerKind::Udp(_) | CheckerKind::Ping => {
                (State::Waiting { run_at }, Progress::None)
            }
        };
        let is_file = matches!(settings.kind, CheckerKind::File(_));
        let up = !settings.alpha || is_file;
        Checker { settings, state, up, has_run: is_file, failures: 0, sequence: 0, progress }
    }

    /// The same checker after a reload that gave it `settings`: health and failures go on, the schedule starts again.
    /// A probe under way no longer matters.
    pub fn reloaded(&self, settings: Arc<model::Checker>, now: Instant, warmup: f64) -> Checker {
        let Checker { up, has_run, failures, sequence, progress, .. } = *self;
        let progress = match progress {
            Progress::Web(web) => Progress::Web(web.reloaded(up)),
            other => other,
        };
        Checker { up, has_run, failures, sequence, progress, ..Checker::added(settings, now, warmup) }
    }

    /// Whether it asks the same thing as `other`; when and how patiently may differ.
    pub fn asks_the_same(&self, other: &model::Checker) -> bool {
        let model::Checker { timing, route, kind, .. } = &*self.settings;
        let same = match (kind, &other.kind) {
            (CheckerKind::Misc(ours), CheckerKind::Misc(theirs)) => {
                (&ours.command, ours.dynamic) == (&theirs.command, theirs.dynamic)
            }
            (ours, theirs) => ours == theirs,
        };
        same && *route == other.route && timing.connect_timeout == other.timing.connect_timeout
    }

    /// What it was told to do.
    pub fn settings(&self) -> &Arc<model::Checker> {
        &self.settings
    }

    /// Whether it takes the server for up.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Whether it has come to a verdict yet.
    pub fn has_run(&self) -> bool {
        self.has_run
    }

    /// What it adds to the weight of its real server, whose configured weight is `configured`.
    pub fn weight(&self, configured: u32) -> i64 {
        match self.progress {
            Progress::Script(script) => script.weight().map_or(0, |weight| i64::from(weight) - i64::from(configured)),
            Progress::File(change) => change,
            Progress::None | Progress::Web(_) => 0,
        }
    }

    /// When to come back with [`Event::Tick`]; `None` while a probe is under way.
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { run_at } => Some(run_at),
            State::Probing { .. } | State::Listening => None,
        }
    }

    /// Takes in an event. A tick before time and a result that nobody waits for change nothing.
    pub fn handle(&mut self, now: Instant, event: Event) -> Vec<Action> {
        match (self.state, event) {
            (State::Waiting { run_at }, Event::Tick) if now >= run_at => {
                self.state = State::Probing { since: now };
                let probe = Probe { checker: Arc::clone(&self.settings), url: self.url(), sequence: self.sequence };
                self.sequence = self.sequence.wrapping_add(1);
                vec![Action::Probe(probe)]
            }
            (State::Probing { since }, Event::Finished(outcome)) => self.finished(now, since, outcome),
            (State::Listening, Event::Value(value)) => self.value(value),
            (State::Listening, Event::Session(up)) => self.session(up),
            (State::Waiting { .. }, _) | (State::Probing { .. }, _) | (State::Listening, _) => Vec::new(),
        }
    }

    fn url(&self) -> usize {
        match self.progress {
            Progress::Web(web) => web.url(),
            Progress::None | Progress::Script(_) | Progress::File(_) => 0,
        }
    }

    fn finished(&mut self, now: Instant, since: Instant, outcome: Outcome) -> Vec<Action> {
        let mut actions = Vec::new();
        let judged = match outcome {
            Outcome::NotMade(reason) => {
                self.wait(now, self.settings.timing.delay_loop);
                return vec![Action::Report(Report::NotMade(reason))];
            }
            Outcome::Ended(end) => {
                self.ended(now, since, end, &mut actions);
                return actions;
            }
            Outcome::Answered(answer) => self.judge(answer, &mut actions),
            Outcome::Passed => Ok(()),
            Outcome::Failed(cause) => Err(cause),
        };
        match (judged, &self.settings.kind) {
            (Ok(()), CheckerKind::Http(_) | CheckerKind::Ssl(_)) => self.url_passed(now, &mut actions),
            (Ok(()), _) => self.passed(now, &mut actions),
            (Err(cause), CheckerKind::Http(_) | CheckerKind::Ssl(_)) => self.url_failed(now, cause, &mut actions),
            (Err(cause), CheckerKind::Smtp(_)) => self.mail_failed(now, cause, &mut actions),
            (Err(cause), CheckerKind::Dns(_)) => self.name_failed(now, cause, &mut actions),
            (Err(cause), _) => self.failed(now, cause, &mut actions),
        }
        actions
    }

    fn passed(&mut self, now: Instant, actions: &mut Vec<Action>) {
        self.wait(now, self.settings.timing.delay_loop);
        self.failures = 0;
        self.good(actions);
    }

    /// The verdict is that the server is up.
    fn good(&mut self, actions: &mut Vec<Action>) {
        let silent = matches!(self.settings.kind, CheckerKind::Dns(_));
        if (!self.up || !self.has_run) && !silent {
            actions.push(Action::Report(Report::Succeeded));
        }
        self.has_run = true;
        if !self.up {
            self.up = true;
            actions.push(Action::WentUp(alert(&self.settings, true, None)));
        }
    }

    /// The verdict is that the server is down.
    fn bad(&mut self, cause: Option<&Cause>, actions: &mut Vec<Action>) {
        self.has_run = true;
        if self.up {
            self.up = false;
            actions.push(Action::WentDown(alert(&self.settings, false, cause)));
        }
    }

    /// Whether a failure would tell anything new: the server counts as up, or nothing is known of it.
    fn is_concerned(&self) -> bool {
        self.up || !self.has_run
    }

    /// TCP_CHECK, UDP_CHECK, PING_CHECK.
    fn failed(&mut self, now: Instant, cause: Cause, actions: &mut Vec<Action>) {
        let timing = self.settings.timing;
        if self.up && self.settings.log_all_failures {
            actions.push(Action::Report(Report::Attempt(cause)));
        }
        if self.is_concerned() && self.failures >= timing.retry {
            let retries = if self.has_run { timing.retry } else { 0 };
            actions.push(Action::Report(Report::Failed(Retries(retries))));
            self.failures = 0;
            self.bad(None, actions);
            self.wait(now, timing.delay_loop);
        } else if self.up {
            self.failures += 1;
            self.wait(now, timing.delay_before_retry);
        } else {
            self.wait(now, timing.delay_loop);
        }
        self.has_run = true;
    }

    /// DNS_CHECK: an attempt is told when it is the last.
    fn name_failed(&mut self, now: Instant, cause: Cause, actions: &mut Vec<Action>) {
        let timing = self.settings.timing;
        let is_last = self.failures >= timing.retry;
        if self.is_concerned() {
            if is_last && self.has_run {
                actions.push(Action::Report(Report::LastAttempt(cause, Retries(timing.retry))));
            } else if is_last || self.settings.log_all_failures {
                actions.push(Action::Report(Report::Attempt(cause)));
            }
            if !is_last {
                self.failures += 1;
                self.has_run = true;
                return self.wait(now, timing.delay_before_retry);
            }
            self.bad(None, actions);
        }
        self.failures = 0;
        self.wait(now, timing.delay_loop);
    }

    /// SMTP_CHECK: it has its retries in every run, also in the first and while down.
    fn mail_failed(&mut self, now: Instant, cause: Cause, actions: &mut Vec<Action>) {
        let timing = self.settings.timing;
        let is_last = self.failures >= timing.retry;
        if self.is_concerned() && (is_last || self.settings.log_all_failures) {
            actions.push(Action::Report(Report::Attempt(cause.clone())));
        }
        if is_last {
            self.failures = 0;
            self.bad(Some(&cause), actions);
            self.wait(now, timing.delay_loop);
        } else {
            self.failures += 1;
            self.wait(now, timing.delay_before_retry);
        }
    }

    /// FILE_CHECK: the number is a failure, or changes the weight.
    fn value(&mut self, value: i64) -> Vec<Action> {
        let CheckerKind::File(check) = &self.settings.kind else { return Vec::new() };
        let mut actions = Vec::new();
        let factor = i64::from(check.weight) * if check.reverse { -1 } else { 1 };
        let change = value.saturating_mul(factor);
        let fails = if factor == 0 { (value != 0) != check.reverse } else { change <= i64::from(i32::MIN) };
        let change = if fails { 0 } else { change };
        if self.progress != Progress::File(change) {
            self.progress = Progress::File(change);
            actions.push(Action::WeightChanged);
        }
        if fails == self.up {
            actions.push(Action::Report(Report::FileFault(fails)));
        }
        if fails {
            self.bad(None, &mut actions);
        } else if !self.up {
            self.up = true;
            actions.push(Action::WentUp(alert(&self.settings, true, None)));
        }
        actions
    }

    /// BFD_CHECK
    fn session(&mut self, up: bool) -> Vec<Action> {
        if up == self.up && self.has_run {
            return Vec::new();
        }
        let mut actions = vec![Action::Report(Report::Session(up))];
        self.has_run = true;
        if up != self.up {
            self.up = up;
            let body = alert(&self.settings, up, None);
            actions.push(if up { Action::WentUp(body) } else { Action::WentDown(body) });
        }
        actions
    }

    fn wait(&mut self, now: Instant, delay: Duration) {
        self.state = State::Waiting { run_at: now + delay };
    }
}

#[cfg(test)]
mod tests;
