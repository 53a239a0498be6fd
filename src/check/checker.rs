//! One checker of one real server: when it probes, and when it calls the server down or up.
//!
//! A checker starts up. Its first probe has no retries when alived starts: a server that is down must leave the table
//! at once. From then on a failure is tried again `retry` times, `delay_before_retry` apart, before the server is down.
//! While it is down there is one try per `delay_loop`, and one success is enough.
//!
//! Of several urls one is asked per run, in file order, with `delay_loop` between them, and each has the retries to
//! itself. A url that fails for good is asked alone until it passes; then all of them must pass, from the first one on.
//!
//! Never knows what else is checked on the server; never carries out a probe.

use std::time::Duration;

use super::http;
use super::probe::{Attempt, Outcome, Probe};
use super::report::{Report, Retries};
use crate::model::{self, CheckerKind, HttpCheck};
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
}

/// What a checker wants done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Carry out a probe and come back with [`Event::Finished`].
    Probe(Probe),
    /// Say something.
    Report(Report),
    /// The checker was down and is up.
    WentUp,
    /// The checker was up and is down.
    WentDown,
}

/// A checker; see the module's description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checker {
    settings: model::Checker,
    state: State,
    up: bool,
    /// A probe failed, or all urls passed: the first run is over.
    has_run: bool,
    /// Failures in a row of the current url, counted while up.
    failures: u32,
    /// Position of the url to ask next.
    url: usize,
    /// The current url is the one that brought the checker down.
    url_is_failed: bool,
    /// The last difference between announced and received length that was told, per checker.
    mismatch: Option<(u64, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting { run_at: Instant },
    Probing,
}

impl Checker {
    /// A checker as of the start of the daemon. `warmup` is the random part of the warm-up time to wait, 0 to 1.
    pub fn start(settings: model::Checker, now: Instant, warmup: f64) -> Checker {
        let failures = settings.timing.retry;
        Checker { failures, ..Checker::added(settings, now, warmup) }
    }

    /// A checker that a reload adds: its first run has its retries.
    pub fn added(settings: model::Checker, now: Instant, warmup: f64) -> Checker {
        let run_at = now + BOOTSTRAP_DELAY + settings.timing.warmup.mul_f64(warmup.clamp(0.0, 1.0));
        Checker {
            settings,
            state: State::Waiting { run_at },
            up: true,
            has_run: false,
            failures: 0,
            url: 0,
            url_is_failed: false,
            mismatch: None,
        }
    }

    /// The same checker after a reload that gave it `settings`: health and failures go on, the schedule starts again.
    /// A probe under way no longer matters.
    pub fn reloaded(&self, settings: model::Checker, now: Instant, warmup: f64) -> Checker {
        let Checker { up, has_run, failures, .. } = *self;
        Checker { up, has_run, failures, ..Checker::added(settings, now, warmup) }
    }

    /// Whether it asks the same thing as `other`; when and how patiently may differ.
    pub fn asks_the_same(&self, other: &model::Checker) -> bool {
        let model::Checker { timing, target, kind } = &self.settings;
        *target == other.target && *kind == other.kind && timing.connect_timeout == other.timing.connect_timeout
    }

    /// What it was told to do.
    pub fn settings(&self) -> &model::Checker {
        &self.settings
    }

    /// Whether it takes the server for up.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// When to come back with [`Event::Tick`]; `None` while a probe is under way.
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { run_at } => Some(run_at),
            State::Probing => None,
        }
    }

    /// Takes in an event. A tick before time and a result that nobody waits for change nothing.
    pub fn handle(&mut self, now: Instant, event: Event) -> Vec<Action> {
        match (self.state, event) {
            (State::Waiting { run_at }, Event::Tick) if now >= run_at => {
                self.state = State::Probing;
                vec![Action::Probe(self.probe())]
            }
            (State::Probing, Event::Finished(outcome)) => self.finished(now, outcome),
            (State::Waiting { .. }, Event::Tick | Event::Finished(_)) | (State::Probing, Event::Tick) => Vec::new(),
        }
    }

    fn probe(&self) -> Probe {
        let model::Checker { timing, target, kind } = &self.settings;
        let attempt = match kind {
            CheckerKind::Tcp => Attempt::Connect,
            CheckerKind::Http(check) => match check.urls.get(self.url) {
                Some(url) => Attempt::Request(http::request(check, url, *target)),
                None => Attempt::Connect,
            },
        };
        Probe { target: *target, timeout: timing.connect_timeout, attempt }
    }

    fn finished(&mut self, now: Instant, outcome: Outcome) -> Vec<Action> {
        let mut actions = Vec::new();
        let passed = match outcome {
            Outcome::Connected => true,
            Outcome::Failed => false,
            Outcome::Answered { head, length } => self.judge(&head, length, &mut actions),
            Outcome::NotMade(reason) => {
                self.wait(now, self.settings.timing.delay_loop);
                return vec![Action::Report(Report::NotMade(reason))];
            }
        };
        if passed {
            self.passed(now, &mut actions)
        } else {
            self.failed(now, &mut actions)
        }
        actions
    }

    fn judge(&mut self, head: &[u8], length: u64, actions: &mut Vec<Action>) -> bool {
        let CheckerKind::Http(HttpCheck { urls, .. }) = &self.settings.kind else { return true };
        let Some(url) = urls.get(self.url) else { return false };
        let judgement = http::judge(url, head, length);
        if let Some((announced, received)) = judgement.mismatch.filter(|new| self.mismatch != Some(*new)) {
            self.mismatch = judgement.mismatch;
            actions.push(Action::Report(Report::LengthMismatch { path: url.path.clone(), announced, received }));
        }
        judgement.good
    }

    fn passed(&mut self, now: Instant, actions: &mut Vec<Action>) {
        self.wait(now, self.settings.timing.delay_loop);
        if self.has_run {
            self.failures = 0;
        }
        let succeeded = match &self.settings.kind {
            CheckerKind::Tcp => Report::TcpSucceeded,
            CheckerKind::Http(check) => {
                if let Some(url) = check.urls.get(self.url).filter(|_| !self.up) {
                    actions.push(Action::Report(Report::UrlPassed { path: url.path.clone() }));
                }
                self.url = if self.url_is_failed { 0 } else { self.url + 1 };
                self.url_is_failed = false;
                let all_passed = self.url >= check.urls.len();
                if !all_passed || self.url == 0 {
                    return;
                }
                self.url = 0;
                Report::HttpSucceeded
            }
        };
        if !self.up || !self.has_run {
            actions.push(Action::Report(succeeded));
        }
        if !self.up {
            self.up = true;
            actions.push(Action::WentUp);
        }
        self.failures = 0;
        self.has_run = true;
    }

    fn failed(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let timing = self.settings.timing;
        if self.up && self.failures < timing.retry {
            self.failures += 1;
            self.has_run = true;
            self.wait(now, timing.delay_before_retry);
            return;
        }
        let report = match &self.settings.kind {
            CheckerKind::Tcp => Report::TcpFailed(Retries(if self.has_run { timing.retry } else { 0 })),
            CheckerKind::Http(_) => Report::HttpFailed(Retries(timing.retry)),
        };
        self.wait(
            now,
            match &self.settings.kind {
                CheckerKind::Tcp => timing.delay_loop,
                CheckerKind::Http(_) => timing.delay_loop.max(timing.delay_before_retry),
            },
        );
        self.url_is_failed = true;
        self.failures = 0;
        self.has_run = true;
        if self.up {
            self.up = false;
            actions.push(Action::Report(report));
            actions.push(Action::WentDown);
        }
    }

    fn wait(&mut self, now: Instant, delay: Duration) {
        self.state = State::Waiting { run_at: now + delay };
    }
}

#[cfg(test)]
mod tests;
