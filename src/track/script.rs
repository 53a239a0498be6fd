//! One `vrrp_script`: when to run it, and whether it counts as up (keepalived.conf(5), "VRRP script(s)").

use std::fmt;

use crate::model::VrrpScript;
use crate::time::Instant;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Exit status; 0 is success.
    Exited(i32),
    /// Ended by a signal.
    Signalled(i32),
    /// Still running after its timeout, and ended.
    TimedOut,
    /// Could not be started; the reason.
    NotStarted(String),
}

impl Outcome {
    fn is_success(&self) -> bool {
        *self == Outcome::Exited(0)
    }
}

/// Whether the script counts as up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has not returned yet.
    Unknown,
    /// Enough successes in a row.
    Up,
    /// Enough failures in a row.
    Down,
}

/// What can happen to a tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The deadline may have come.
    Timer,
    /// The run that was asked for under this number ended.
    Finished {
        /// As in [`Action::Run`].
        run: u64,
        /// How it ended.
        outcome: Outcome,
    },
}

/// What must be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Run the script now.
    Run {
        /// To be given back with the outcome: a run of before a reload must not speak for a new command.
        run: u64,
    },
    /// The verdict is another one now.
    VerdictChanged,
    /// Say so.
    Report(Report),
}

/// What a tracker has to say; the texts are keepalived's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// It counts as up.
    Succeeded,
    /// It counts as down.
    Failed(Outcome),
    /// The exit status is another one than last time.
    Returning(i32),
    /// Due, but the last run has not ended.
    StillRunning,
    /// Carried over from before a reload.
    KeptOnReload(Verdict),
}

/// A [`Report`] with the script's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptReport {
    /// The `vrrp_script`.
    pub name: crate::model::ScriptName,
    /// What happened.
    pub report: Report,
}

impl fmt::Display for ScriptReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.report {
            Report::Succeeded => write!(f, "VRRP_Script({name}) succeeded"),
            Report::Failed(Outcome::Exited(status)) => {
                write!(f, "VRRP_Script({name}) failed (exited with status {status})")
            }
            Report::Failed(Outcome::Signalled(signal)) => {
                write!(f, "VRRP_Script({name}) failed (due to signal {signal})")
            }
            Report::Failed(Outcome::TimedOut) => write!(f, "VRRP_Script({name}) timed_out"),
            Report::Failed(Outcome::NotStarted(why)) => write!(f, "VRRP_Script({name}) failed (not started: {why})"),
            Report::Returning(status) => write!(f, "Script `{name}` now returning {status}"),
            Report::StillRunning => {
                write!(f, "Track script {name} is already running, expect idle - skipping run")
            }
            Report::KeptOnReload(Verdict::Up) => write!(f, "VRRP_Script({name}) considered successful on reload"),
            Report::KeptOnReload(_) => write!(f, "VRRP_Script({name}) considered unsuccessful on reload"),
        }
    }
}

/// One script's schedule and verdict.
#[derive(Debug, Clone)]
pub struct ScriptTracker {
    config: VrrpScript,
    verdict: Verdict,
    /// Results in a row that contradict the verdict.
    against: u32,
    /// Of the last run that exited; 0 before.
    last_status: i32,
    /// Instances that track it with weight 0 wait for its first result.
    waited_for: bool,
    /// Number of the last run, and whether it is still on.
    run: u64,
    running: bool,
    next_run_at: Instant,
}

impl ScriptTracker {
    /// A tracker whose first run is due at `now`.
    pub fn new(now: Instant, config: VrrpScript) -> ScriptTracker {
        let verdict = if config.init_fail { Verdict::Down } else { Verdict::Unknown };
        let (against, last_status, run) = (0, 0, 0);
        let (waited_for, running, next_run_at) = (true, false, now);
        ScriptTracker { config, verdict, against, last_status, waited_for, run, running, next_run_at }
    }

    /// The same, but nothing waits for its first result: it counts as neither up nor down until then.
    pub fn not_waited_for(self) -> ScriptTracker {
        ScriptTracker { waited_for: false, ..self }
    }

    /// Whether what tracks it has to wait for its first result.
    pub fn is_waited_for(&self) -> bool {
        self.waited_for
    }

    /// What the file says.
    pub fn config(&self) -> &VrrpScript {
        &self.config
    }

    /// Whether it counts as up.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// When [`Event::Timer`] is due.
    pub fn next_deadline(&self) -> Instant {
        self.next_run_at
    }

    /// Takes new settings after a reload. The verdict stays when the command is the same.
    pub fn reconfigure(&mut self, now: Instant, config: VrrpScript) -> Vec<Action> {
        if self.config.command != config.command {
            *self = ScriptTracker { run: self.run, ..ScriptTracker::new(now, config) }.not_waited_for();
            return vec![Action::VerdictChanged];
        }
        self.next_run_at = self.next_run_at.min(now + config.interval);
        self.config = config;
        match self.verdict {
            Verdict::Unknown => Vec::new(),
            verdict => vec![Action::Report(Report::KeptOnReload(verdict))],
        }
    }

    /// Takes one event at `now`.
    pub fn handle(&mut self, now: Instant, event: Event) -> Vec<Action> {
        match event {
            Event::Timer if now < self.next_run_at => Vec::new(),
            Event::Timer => {
                self.next_run_at = now + self.config.interval;
                if self.running {
                    return vec![Action::Report(Report::StillRunning)];
                }
                self.running = true;
                self.run += 1;
                vec![Action::Run { run: self.run }]
            }
            Event::Finished { run, outcome } if self.running && run == self.run => self.finished(outcome),
            Event::Finished { .. } => Vec::new(),
        }
    }

    fn finished(&mut self, outcome: Outcome) -> Vec<Action> {
        self.running = false;
        let mut actions = Vec::new();
        if let Outcome::Exited(status) = outcome {
            if self.last_status != status {
                actions.push(Action::Report(Report::Returning(status)));
            }
            self.last_status = status;
        }
        let success = outcome.is_success();
        let needed = match self.verdict {
            // One result decides before there is a verdict, whatever rise and fall say.
            Verdict::Unknown => 1,
            Verdict::Down if success => self.config.rise,
            Verdict::Up if !success => self.config.fall,
            Verdict::Up | Verdict::Down => {
                self.against = 0;
                return actions;
            }
        };
        self.against += 1;
        if self.against >= needed {
            self.against = 0;
            self.verdict = if success { Verdict::Up } else { Verdict::Down };
            actions.push(Action::Report(if success { Report::Succeeded } else { Report::Failed(outcome) }));
            actions.push(Action::VerdictChanged);
        }
        actions
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::{Command, ScriptName, TrackWeight};
    use std::time::Duration;

    pub(crate) fn script(name: &str) -> VrrpScript {
        VrrpScript {
            name: ScriptName(name.to_owned()),
            command: Command { argv: vec!["/bin/true".to_owned()], user: None },
            interval: Duration::from_secs(2),
            timeout: None,
            weight: TrackWeight::default(),
            rise: 1,
            fall: 1,
            init_fail: false,
        }
    }

    fn verdicts(config: VrrpScript, statuses: &[i32]) -> Vec<Verdict> {
        let mut tracker = ScriptTracker::new(Instant::ZERO, config);
        statuses
            .iter()
            .map(|status| {
                let now = tracker.next_deadline();
                run(&mut tracker, now, Outcome::Exited(*status));
                tracker.verdict()
            })
            .collect()
    }

    fn run(tracker: &mut ScriptTracker, now: Instant, outcome: Outcome) {
        let actions = tracker.handle(now, Event::Timer);
        let [Action::Run { run }] = actions[..] else { panic!("not run: {actions:?}") };
        tracker.handle(now, Event::Finished { run, outcome });
    }

    use Verdict::{Down, Up};

    #[test]
    fn rise_and_fall_count_results_in_a_row() {
        let config = VrrpScript { rise: 2, fall: 3, ..script("chk") };
        assert_eq!(verdicts(config.clone(), &[0, 1, 1, 0, 1, 1, 1]), [Up, Up, Up, Up, Up, Up, Down]);
        assert_eq!(verdicts(config, &[1, 0, 1, 0, 0]), [Down, Down, Down, Down, Up]);
    }

    #[test]
    fn the_first_result_decides_alone_unless_it_starts_as_failed() {
        let config = VrrpScript { rise: 3, fall: 3, ..script("chk") };
        assert_eq!(verdicts(config.clone(), &[0]), [Up]);
        assert_eq!(verdicts(VrrpScript { init_fail: true, ..config }, &[0, 0, 0]), [Down, Down, Up]);
    }

    #[test]
    fn a_run_that_has_not_ended_is_not_doubled() {
        let mut tracker = ScriptTracker::new(Instant::ZERO, script("chk"));
        assert_eq!(tracker.handle(Instant::ZERO, Event::Timer), vec![Action::Run { run: 1 }]);
        let due = tracker.next_deadline();
        assert_eq!(due.since_start(), Duration::from_secs(2));
        assert_eq!(tracker.handle(due, Event::Timer), vec![Action::Report(Report::StillRunning)]);
        assert!(tracker.next_deadline() > due);
    }

    #[test]
    fn everything_but_status_zero_is_a_failure() {
        for outcome in
            [Outcome::Exited(1), Outcome::Signalled(9), Outcome::TimedOut, Outcome::NotStarted("gone".to_owned())]
        {
            let mut tracker = ScriptTracker::new(Instant::ZERO, script("chk"));
            run(&mut tracker, Instant::ZERO, outcome);
            assert_eq!(tracker.verdict(), Down);
        }
    }

    #[test]
    fn a_reload_keeps_the_verdict_of_the_same_command_only() {
        let mut tracker = ScriptTracker::new(Instant::ZERO, script("chk"));
        run(&mut tracker, Instant::ZERO, Outcome::Exited(0));
        tracker.reconfigure(Instant::ZERO, VrrpScript { fall: 9, ..script("chk") });
        assert_eq!(tracker.verdict(), Up);
        let command = Command { argv: vec!["/bin/false".to_owned()], user: None };
        tracker.reconfigure(Instant::ZERO, VrrpScript { command, ..script("chk") });
        assert_eq!(tracker.verdict(), Verdict::Unknown);
    }

    #[test]
    fn a_run_from_before_a_reload_does_not_speak_for_the_new_command() {
        let mut tracker = ScriptTracker::new(Instant::ZERO, script("chk"));
        tracker.handle(Instant::ZERO, Event::Timer);
        let command = Command { argv: vec!["/bin/false".to_owned()], user: None };
        tracker.reconfigure(Instant::ZERO, VrrpScript { command, ..script("chk") });
        tracker.handle(Instant::ZERO, Event::Finished { run: 1, outcome: Outcome::Exited(0) });
        assert_eq!(tracker.verdict(), Verdict::Unknown);
        assert_eq!(tracker.handle(Instant::ZERO, Event::Timer), vec![Action::Run { run: 2 }]);
    }
}
