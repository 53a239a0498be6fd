//! What is tracked: scripts and their runs, and what everything tracked makes of each instance.

use std::collections::BTreeSet;

use super::{Action, Routers};
use crate::controller::report::RoutersReport as Report;
use crate::model::{FileName, ProcessName, SessionName, Tracked, TrackedObject, Transport, VrrpScript};
use crate::time::Instant;
use crate::track::{self, Effect, ScriptTracker, Verdict, script};
use crate::vrrp::{self, FaultCause};

impl Routers {
    /// A script is the same when it has the same name; then it keeps its verdict.
    pub(super) fn configure_scripts(&mut self, now: Instant, scripts: Vec<VrrpScript>, out: &mut Vec<Action>) {
        let mut old = std::mem::take(&mut self.scripts);
        for config in scripts {
            let Some(index) = old.iter().position(|tracker| tracker.config().name == config.name) else {
                // What runs already does not stop to wait for a script.
                let tracker = ScriptTracker::new(now, config);
                self.scripts.push(if self.running { tracker.not_waited_for() } else { tracker });
                continue;
            };
            let mut tracker = old.remove(index);
            let name = config.name.clone();
            for action in tracker.reconfigure(now, config) {
                if let script::Action::Report(report) = action {
                    let report = script::ScriptReport { name: name.clone(), report };
                    out.push(Action::Report(Report::Script(report)));
                }
            }
            self.scripts.push(tracker);
        }
    }

    pub(super) fn script_actions(
        &mut self,
        now: Instant,
        index: usize,
        actions: Vec<script::Action>,
        out: &mut Vec<Action>,
    ) {
        let config = self.scripts[index].config().clone();
        let mut changed = false;
        for action in actions {
            match action {
                script::Action::Run { run } => out.push(Action::RunScript {
                    name: config.name.clone(),
                    run,
                    command: config.command.clone(),
                    timeout: config.timeout.unwrap_or(config.interval),
                }),
                script::Action::VerdictChanged => changed = true,
                script::Action::Report(report) => {
                    let report = script::ScriptReport { name: config.name.clone(), report };
                    out.push(Action::Report(Report::Script(report)));
                }
            }
        }
        if changed {
            self.update_those_tracking(now, &TrackedObject::Script(config.name), out);
        }
    }

    pub(super) fn file_value(&mut self, now: Instant, name: FileName, value: i64, out: &mut Vec<Action>) {
        if self.files.insert(name.clone(), value).unwrap_or(0) != value {
            self.update_those_tracking(now, &TrackedObject::File(name), out);
        }
    }

    pub(super) fn process_quorum(&mut self, now: Instant, name: ProcessName, reached: bool, out: &mut Vec<Action>) {
        if self.processes.insert(name.clone(), reached).unwrap_or(false) != reached {
            if self.running {
                out.push(Action::Report(Report::ProcessQuorum { name: name.clone(), reached }));
            }
            self.update_those_tracking(now, &TrackedObject::Process(name), out);
        }
    }

    pub(super) fn session(&mut self, now: Instant, name: SessionName, up: bool, out: &mut Vec<Action>) {
        if self.sessions.insert(name.clone(), up).unwrap_or(false) == up {
            return;
        }
        let object = TrackedObject::Session(name.clone());
        for entry in self.entries.iter().filter(|entry| entry.tracks(&object)) {
            let instance = entry.router.config().name.clone();
            out.push(Action::Report(Report::Session { instance, name: name.clone(), up }));
        }
        self.update_those_tracking(now, &object, out);
    }

    fn update_those_tracking(&mut self, now: Instant, object: &TrackedObject, out: &mut Vec<Action>) {
        for index in 0..self.entries.len() {
            if self.entries[index].tracks(object) {
                self.update_entry(now, index, out);
            }
        }
    }

    /// What one tracked object means now.
    fn effect(&self, tracked: &Tracked) -> Effect {
        let up = |up: bool| if up { Verdict::Up } else { Verdict::Down };
        let verdict = match &tracked.object {
            TrackedObject::File(name) => {
                return track::file::effect(tracked.weight, self.files.get(name).copied().unwrap_or(0));
            }
            TrackedObject::Script(name) => {
                let tracker = self.scripts.iter().find(|tracker| tracker.config().name == *name);
                let Some(tracker) = tracker else { return Effect::Weight(0) };
                if tracker.verdict() == Verdict::Unknown && !tracker.is_waited_for() {
                    return Effect::Weight(0);
                }
                tracker.verdict()
            }
            TrackedObject::Interface(name) => up(self.interfaces.get(name).is_some_and(|facts| facts.running)),
            TrackedObject::Process(name) => up(self.processes.get(name).copied().unwrap_or(false)),
            TrackedObject::Session(name) => up(self.sessions.get(name).copied().unwrap_or(false)),
        };
        track::effect(tracked.weight, verdict)
    }

    /// Compares the causes and the priority that hold with those the router knows.
    pub(super) fn update_entry(&mut self, now: Instant, index: usize, out: &mut Vec<Action>) {
        let entry = &self.entries[index];
        let config = entry.router.config();
        let effects: Vec<Effect> = config.tracked.iter().map(|tracked| self.effect(tracked)).collect();
        let mut causes = BTreeSet::new();
        for (tracked, effect) in config.tracked.iter().zip(&effects) {
            match (effect, &tracked.object) {
                (Effect::Fault, object) => causes.insert(FaultCause::Tracked(object.clone())),
                (Effect::Wait, TrackedObject::Script(name)) => causes.insert(FaultCause::UntestedScript(name.clone())),
                (Effect::Wait | Effect::Weight(_), _) => false,
            };
        }
        causes.extend(self.interfaces_down(config).map(FaultCause::InterfaceDown));
        if matches!(&config.transport, Transport::Unicast { peers, .. } if peers.is_empty()) {
            causes.insert(FaultCause::NoPeers);
        }
        let facts = self.interfaces.get(&config.interface);
        if !facts.is_some_and(|facts| facts.running || !config.track_primary) {
            causes.insert(FaultCause::InterfaceDown(config.interface.clone()));
        } else if entry.sourceless {
            causes.insert(FaultCause::NoSourceAddress(config.family, config.interface.clone()));
        } else if entry.channel().is_some_and(|channel| self.failed.contains(&channel)) {
            causes.insert(FaultCause::Socket(config.interface.clone()));
        }

        let priority = track::effective_priority(config.priority, effects);
        if priority != entry.router.priority() {
            self.feed(now, index, vrrp::Event::Priority(priority), out);
        }
        let raised = std::mem::replace(&mut self.entries[index].raised, causes.clone());
        if raised == causes {
            return;
        }
        for cause in causes.difference(&raised) {
            self.feed(now, index, vrrp::Event::Fault(cause.clone()), out);
        }
        // Whatever the group holds against it has to be known before it may go on.
        self.hold_back(now, index, out);
        for cause in raised.difference(&causes) {
            self.feed(now, index, vrrp::Event::Recovered(cause.clone()), out);
        }
        self.let_go(now, index, out);
    }
}
