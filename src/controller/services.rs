//! Virtual servers: joins their checkers, the IPVS table they ask for and the mails they cause. Pure.
//!
//! ```text
//!                    ┌─ Probe … ProbeFinished ─┐
//! Configure, Tick ──→│ checkers                │─→ up or down ─→ reports, mails
//!                    └─────────────────────────┘        │
//!                    ┌─ ReadTable … TableRead ─┐        ▼
//!                    │ kernel: read, compare,  │←─ services that may differ
//!                    └─ apply … Applied ───────┘
//! ```
//!
//! The kernel's table is read first, and again now and then, and only differences are applied: what was left behind by a
//! crash is adopted, what somebody else changed in our services is put right, and services that are not ours are never
//! touched, unless `lvs_flush` wants it. A kernel without IPVS stops none of the checks; it is mentioned once, and tried again at the next change.
//!
//! Never knows netlink, sockets or the clock, nor anything of VRRP.

mod kernel;
mod notices;
mod reload;
mod server;
mod settings;
mod suspend;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::check::{self, Outcome, Probe};
use crate::ipvs::{self, Change, Scope, SettingChange, Table, desired};
use crate::model::lvs::FlushOnStop;
use crate::model::{CheckerKind, Command, Config, FileName, ServerKey, Weight};
use crate::notify::mail::{LocalNames, Mail, Mailer};
use crate::random::Random;
use crate::time::Instant;

use kernel::Kernel;
pub use kernel::{Failure, Unavailable};
use server::Server;
pub use settings::SettingFailure;
use settings::Settings;

/// Names a probe until its result is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId(u64);

/// What happens to the virtual servers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and the large one seldom")]
pub enum ServicesEvent {
    /// The configuration to run, the first one or that of a reload, and the names that stand in for what it leaves
    /// out of mails.
    Configure(Config, LocalNames),
    /// Time has passed.
    Tick,
    /// The number in a `track_file`, at start and whenever it changes.
    FileRead(FileName, i64),
    /// A BFD session is up, or is not.
    SessionChanged(String, bool),
    /// What came of a [`ServicesAction::Probe`].
    ProbeFinished(ProbeId, Outcome),
    /// What came of [`ServicesAction::ReadTable`].
    TableRead(Result<Table, Unavailable>),
    /// What came of [`ServicesAction::Apply`]: the changes that failed.
    Applied(Vec<Failure>),
    /// What came of [`ServicesAction::ReadSettings`].
    SettingsRead(Result<ipvs::Settings, Unavailable>),
    /// What came of [`ServicesAction::ApplySettings`]: what failed.
    SettingsApplied(Vec<SettingFailure>),
    /// A virtual router, by the name of its instance, has become MASTER, or is no longer.
    InstanceChanged(String, bool),
    /// The addresses that this host has now.
    Addresses(BTreeSet<IpAddr>),
    /// Take everything of ours out of the kernel and end.
    Stop,
}

/// What is to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServicesAction {
    /// Carry out a probe and come back with [`ServicesEvent::ProbeFinished`].
    Probe(ProbeId, Probe),
    /// No result of the probes under way is waited for any more.
    AbandonProbes,
    /// Read this part of the kernel's table and come back with [`ServicesEvent::TableRead`].
    ReadTable(Scope),
    /// Carry out these changes in order and come back with [`ServicesEvent::Applied`].
    Apply(Vec<Change>),
    /// Read timeouts and sync daemons and come back with [`ServicesEvent::SettingsRead`].
    ReadSettings,
    /// Carry out these commands and come back with [`ServicesEvent::SettingsApplied`].
    ApplySettings(Vec<SettingChange>),
    /// Run a script of the configuration; what comes of it changes nothing.
    Run(Command),
    /// Write a line to the FIFOs that are told of real servers.
    Line(String),
    /// Send a mail; whether it arrives changes nothing.
    Mail(Mail),
    /// Say something.
    Report(Severity, String),
    /// The end: nothing of ours is left in the kernel, as far as it let us.
    Stopped,
}

/// How much a report matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Something does not work that the configuration asks for.
    Warning,
    /// What keepalived logs by default.
    Info,
}

/// Which checker: the positions of the virtual server, the real server and the checker.
type Position = (usize, usize, usize);

/// All virtual servers of a configuration; see the module's description.
#[derive(Debug)]
pub struct Services {
    random: Random,
    mailer: Option<Mailer>,
    servers: Vec<Server>,
    /// When each waiting checker runs next.
    schedule: BTreeSet<(Instant, Position)>,
    probes: BTreeMap<ProbeId, Position>,
    next_probe: u64,
    kernel: Kernel,
    settings: Settings,
    /// What `ha_suspend` looks at.
    addresses: BTreeSet<IpAddr>,
    flush_on_stop: FlushOnStop,
    started: bool,
    stopping: bool,
}

impl Services {
    /// No virtual servers yet: [`ServicesEvent::Configure`] comes first. `seed` spreads the first checks.
    pub fn new(seed: u64) -> Services {
        Services {
            random: Random::new(seed),
            mailer: None,
            servers: Vec::new(),
            schedule: BTreeSet::new(),
            probes: BTreeMap::new(),
            next_probe: 0,
            kernel: Kernel::default(),
            settings: Settings::default(),
            addresses: BTreeSet::new(),
            flush_on_stop: FlushOnStop::No,
            started: false,
            stopping: false,
        }
    }

    /// Takes in an event. Perform all actions, then come back at [`Services::next_deadline`] or with the next event.
    pub fn handle(&mut self, now: Instant, event: ServicesEvent) -> Vec<ServicesAction> {
        let mut actions = Vec::new();
        match event {
            ServicesEvent::Configure(config, names) if !self.stopping => {
                self.configure(now, config, &names, &mut actions)
            }
            ServicesEvent::Tick => self.tick(now, &mut actions),
            ServicesEvent::ProbeFinished(id, outcome) => {
                if let Some(position) = self.probes.remove(&id) {
                    self.advance(now, position, check::Event::Finished(outcome), &mut actions);
                }
            }
            ServicesEvent::FileRead(name, value) => {
                let concerned = |kind: &CheckerKind| matches!(kind, CheckerKind::File(check) if check.name == name);
                self.advance_all(now, concerned, &check::Event::Value(value), &mut actions);
            }
            ServicesEvent::SessionChanged(name, up) => {
                let concerned = |kind: &CheckerKind| matches!(kind, CheckerKind::Bfd(session) if *session == name);
                self.advance_all(now, concerned, &check::Event::Session(up), &mut actions);
            }
            ServicesEvent::TableRead(Ok(table)) => actions.extend(self.kernel.table_read(now, table)),
            ServicesEvent::TableRead(Err(reason)) => {
                actions.extend(self.kernel.unavailable(now, reason, self.stopping))
            }
            ServicesEvent::Applied(failures) => actions.extend(self.kernel.applied(now, failures)),
            ServicesEvent::SettingsRead(current) => actions.extend(self.settings.settings_read(current)),
            ServicesEvent::SettingsApplied(failures) => actions.extend(self.settings.applied(failures)),
            ServicesEvent::InstanceChanged(name, is_master) => self.settings.instance_changed(&name, is_master),
            ServicesEvent::Addresses(addresses) => self.addresses_changed(now, addresses, &mut actions),
            ServicesEvent::Stop if !self.stopping => self.stop(&mut actions),
            ServicesEvent::Configure(..) | ServicesEvent::Stop => {}
        }
        self.next_step(now, &mut actions);
        if self.stopping && self.kernel.is_idle() && self.settings.is_idle() {
            actions.push(ServicesAction::Stopped);
        }
        actions
    }

    /// When to come back with [`ServicesEvent::Tick`] at the latest.
    pub fn next_deadline(&self) -> Option<Instant> {
        let check = self.schedule.first().map(|(at, _)| *at);
        check.into_iter().chain(self.kernel.next_deadline()).min()
    }

    /// Enters every checker into the schedule.
    fn schedule_all(&mut self, actions: &mut Vec<ServicesAction>) {
        self.schedule.clear();
        for (server_position, server) in self.servers.iter().enumerate() {
            let rests = self.is_resting(server_position);
            for (real_position, real) in server.reals().enumerate() {
                for (checker_position, checker) in real.checkers().iter().enumerate() {
                    let position = (server_position, real_position, checker_position);
                    let (real, server) = (real.name(), server.name());
                    let verb = if rests { "Deactivating" } else { "Activating" };
                    self.say(actions, format!("{verb} healthchecker for service {real} for VS {server}"));
                    let due = checker.next_deadline().filter(|_| !rests);
                    self.schedule.extend(due.map(|at| (at, position)));
                }
            }
        }
    }

    fn tick(&mut self, now: Instant, actions: &mut Vec<ServicesAction>) {
        while let Some((_, position)) = self.schedule.first().copied().filter(|(at, _)| *at <= now) {
            self.schedule.pop_first();
            if !self.is_resting(position.0) {
                self.advance(now, position, check::Event::Tick, actions);
            }
        }
        self.kernel.tick(now);
    }

    /// Hands an event to every checker of the kinds that it concerns.
    fn advance_all(
        &mut self,
        now: Instant,
        concerned: impl Fn(&CheckerKind) -> bool,
        event: &check::Event,
        actions: &mut Vec<ServicesAction>,
    ) {
        let mut positions: Vec<Position> = Vec::new();
        for (server_position, server) in self.servers.iter().enumerate() {
            for (real_position, real) in server.reals().enumerate() {
                let checkers = real.checkers().iter().enumerate();
                let checkers = checkers.filter(|(_, checker)| concerned(&checker.settings().kind));
                positions.extend(checkers.map(|(position, _)| (server_position, real_position, position)));
            }
        }
        for position in positions {
            self.advance(now, position, event.clone(), actions);
        }
    }

    /// Hands an event to one checker and does what it asks.
    fn advance(&mut self, now: Instant, position: Position, event: check::Event, actions: &mut Vec<ServicesAction>) {
        let (server_position, real_position, _) = position;
        let Some(checker) = self.checker(position) else { return };
        let settings = Arc::clone(checker.settings());
        let weight_before = self.servers[server_position].at(real_position).weight();
        let Some(checker) = self.checker(position) else { return };
        let reactions = checker.handle(now, event);
        let deadline = checker.next_deadline();
        self.schedule.extend(deadline.map(|at| (at, position)));
        for reaction in reactions {
            let server = &self.servers[server_position];
            let real = server.at(real_position);
            match reaction {
                check::Action::Probe(probe) => {
                    let id = ProbeId(self.next_probe);
                    self.next_probe += 1;
                    self.probes.insert(id, position);
                    actions.push(ServicesAction::Probe(id, probe));
                }
                check::Action::Report(report) => self.say(actions, report.line(&settings, real.name(), server.name())),
                check::Action::WeightChanged => self.weight_changed(position, weight_before, actions),
                check::Action::WentUp(body) => {
                    let moved = real.is_up();
                    self.health_changed(server_position, real_position, moved, &body, actions);
                }
                check::Action::WentDown(body) => {
                    let moved = real.is_up_but_for_one();
                    self.health_changed(server_position, real_position, moved, &body, actions);
                }
            }
        }
    }

    /// After a checker changed the weight of its real server, which was `before`.
    fn weight_changed(&mut self, (position, real, _): Position, before: Weight, actions: &mut Vec<ServicesAction>) {
        let server = &self.servers[position];
        let real = server.at(real);
        let (from, to) = (before.get(), real.weight().get());
        if from == to {
            return;
        }
        let activity = if real.is_up() { "active" } else { "inactive" };
        let (name, server) = (real.name(), server.name());
        self.say(actions, format!("Changing weight from {from} to {to} for {activity} service {name} of VS {server}"));
        self.kernel.touch(self.servers[position].keys());
        self.evaluate_quorum(position, false, actions);
    }

    /// After a checker changed its mind; `moved` when that moves its real server in or out.
    fn health_changed(
        &mut self,
        server_position: usize,
        real_position: usize,
        moved: bool,
        body: &str,
        actions: &mut Vec<ServicesAction>,
    ) {
        let up = self.servers[server_position].at(real_position).is_up();
        if moved {
            self.kernel.touch(self.servers[server_position].keys());
            let server = &self.servers[server_position];
            self.say_moved(server, server.at(real_position), up, actions);
            self.notify_real(server, real_position, up, actions);
            self.evaluate_quorum(server_position, false, actions);
        }
        self.mail_about_real(&self.servers[server_position], real_position, up, body, actions);
    }

    fn stop(&mut self, actions: &mut Vec<ServicesAction>) {
        self.stopping = true;
        self.schedule.clear();
        self.probes.clear();
        actions.push(ServicesAction::AbandonProbes);
        let servers = std::mem::take(&mut self.servers);
        for server in &servers {
            self.tell_stopping(server, self.flush_on_stop == FlushOnStop::No, actions);
        }
        self.settings.stop();
        if self.flush_on_stop == FlushOnStop::Everything && !servers.is_empty() {
            self.kernel.flush();
        } else {
            self.kernel.touch(servers.iter().flat_map(Server::keys));
        }
    }

    /// The next command to the kernel, if one is due.
    fn next_step(&mut self, now: Instant, actions: &mut Vec<ServicesAction>) {
        let servers = &self.servers;
        let wanted = |keys: &BTreeSet<ServerKey>| {
            desired(servers.iter().map(|server| (server.config(), server.pool())), |key| keys.contains(key))
        };
        // One after the other: what there is to say comes before what is done next.
        let step = self.kernel.next_step(now, wanted);
        if matches!(step, Some(ServicesAction::ReadTable(_))) {
            self.settings.audit();
        }
        actions.extend(step);
        actions.extend(self.settings.next_step());
    }

    fn checker(&mut self, (server, real, checker): Position) -> Option<&mut check::Checker> {
        self.servers.get_mut(server)?.checker(real, checker)
    }
}

#[cfg(test)]
mod tests;
