//! Trackers: what their results mean for the priority of an instance, and whether it must be in FAULT.

use std::collections::BTreeSet;

use super::{Action, Routers};
use crate::controller::report::RoutersReport as Report;
use crate::time::Instant;
use crate::track::{self, Effect, script};
use crate::vrrp::{self, FaultCause};

impl Routers {
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
            for index in 0..self.entries.len() {
                self.update_entry(now, index, out);
            }
        }
    }

    /// Compares the causes and the priority that hold with those the router knows.
    pub(super) fn update_entry(&mut self, now: Instant, index: usize, out: &mut Vec<Action>) {
        let entry = &self.entries[index];
        let config = entry.router.config();
        let mut causes = BTreeSet::new();
        let mut effects = Vec::new();
        for tracked in &config.track_scripts {
            let Some(tracker) = self.scripts.iter().find(|tracker| tracker.config().name == tracked.name) else {
                continue;
            };
            let effect = track::effect(tracked.weight, tracker.verdict());
            match effect {
                Effect::Fault => causes.insert(FaultCause::Script(tracked.name.clone())),
                Effect::Wait => causes.insert(FaultCause::UntestedScript(tracked.name.clone())),
                Effect::Weight(_) => false,
            };
            effects.push(effect);
        }
        let runs = self.interfaces.get(&config.interface).is_some_and(|interface| interface.running);
        if !runs {
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
        for cause in causes.difference(&raised) {
            self.feed(now, index, vrrp::Event::Fault(cause.clone()), out);
        }
        for cause in raised.difference(&causes) {
            self.feed(now, index, vrrp::Event::Recovered(cause.clone()), out);
        }
    }
}
