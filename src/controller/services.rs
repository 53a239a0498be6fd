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
//! The kernel's table is read before each change and only the difference is applied: what was left behind by a crash
//! is adopted, what somebody else changed in our services is put right, and services that are not ours are never
//! touched. A kernel without IPVS stops none of the checks; it is mentioned once, and tried again at the next change.
//!
//! Never knows netlink, sockets or the clock, nor anything of VRRP.

mod kernel;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::check::{self, Outcome, Probe};
use crate::ipvs::{Change, Table, desired};
use crate::model::{CheckerKind, Config, FileName, ServerId, ServerKey, Weight};
use crate::notify::mail::{LocalNames, Mail, Mailer};
use crate::random::Random;
use crate::time::Instant;

use kernel::Kernel;
pub use kernel::{Failure, Unavailable};
use server::Server;

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
    /// Read these services from the kernel and come back with [`ServicesEvent::TableRead`].
    ReadTable(Vec<ServerKey>),
    /// Carry out these changes in order and come back with [`ServicesEvent::Applied`].
    Apply(Vec<Change>),
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
            ServicesEvent::TableRead(Ok(table)) => {
                let desired = self.desired(self.kernel.concerned());
                actions.extend(self.kernel.table_read(table, &desired));
            }
            ServicesEvent::TableRead(Err(reason)) => {
                actions.extend(self.kernel.unavailable(now, reason, self.stopping))
            }
            ServicesEvent::Applied(failures) => actions.extend(self.kernel.applied(now, failures)),
            ServicesEvent::Stop if !self.stopping => self.stop(&mut actions),
            ServicesEvent::Configure(..) | ServicesEvent::Stop => {}
        }
        actions.extend(self.kernel.next_read());
        if self.stopping && self.kernel.is_idle() {
            actions.push(ServicesAction::Stopped);
        }
        actions
    }

    /// When to come back with [`ServicesEvent::Tick`] at the latest.
    pub fn next_deadline(&self) -> Option<Instant> {
        let check = self.schedule.first().map(|(at, _)| *at);
        check.into_iter().chain(self.kernel.next_deadline()).min()
    }

    fn configure(&mut self, now: Instant, config: Config, names: &LocalNames, actions: &mut Vec<ServicesAction>) {
        self.mailer = Mailer::new(&config.global, names);
        let mut old: IndexMap<ServerId, Server> =
            std::mem::take(&mut self.servers).into_iter().map(|server| (server.id().clone(), server)).collect();
        if self.started {
            self.probes.clear();
            actions.push(ServicesAction::AbandonProbes);
        }
        self.kernel.touch(old.values().flat_map(Server::keys));
        self.kernel.touch(config.virtual_servers.iter().flat_map(|new| new.target.keys()));
        let wanted: BTreeSet<ServerId> = config.virtual_servers.iter().map(|server| server.target.id()).collect();
        for server in old.values().filter(|server| !wanted.contains(server.id())) {
            self.say(actions, format!("Removing Virtual Server {}", server.name()));
            for real in server.reals().filter(|real| real.is_up()) {
                self.removed(server, real.name(), actions);
            }
        }
        for new in config.virtual_servers {
            let random = &mut self.random;
            let before = old.swap_remove(&new.target.id());
            let server = match &before {
                Some(before) => before.reloaded(new, now, || random.fraction()),
                None => Server::new(new, !self.started, now, || random.fraction()),
            };
            if let Some(before) = &before {
                self.differences(before, &server, actions);
            }
            self.servers.push(server);
            self.evaluate_quorum(self.servers.len() - 1, actions);
        }
        self.started = true;
        self.schedule_all(actions);
    }

    /// Reports what a reload changes in a virtual server that stays.
    fn differences(&self, before: &Server, after: &Server, actions: &mut Vec<ServicesAction>) {
        for real in before.reals().filter(|real| after.real(real.address()).is_none()) {
            self.say(actions, format!("service {} no longer exist", real.name()));
            if real.is_up() {
                self.removed(before, real.name(), actions);
            }
        }
        for real in after.reals() {
            let Some(old) = before.real(real.address()) else { continue };
            let (name, server) = (real.name(), after.name());
            let (from, to) = (old.weight().get(), real.weight().get());
            if from != to {
                let activity = if old.is_up() { "active" } else { "inactive" };
                let text = format!("Changing weight from {from} to {to} for {activity} service {name} of VS {server}");
                self.say(actions, text);
            }
            if real.is_up() && !old.is_up() {
                self.say(actions, format!("Adding service {name} to VS {server}"));
            }
        }
    }

    /// Reports that a reload takes a real server out of the table.
    fn removed(&self, server: &Server, real: &str, actions: &mut Vec<ServicesAction>) {
        self.say(actions, format!("Removing service {real} from VS {}", server.name()));
        self.mail(server.name(), real, false, "=> Removing <=", actions);
    }

    /// Enters every checker into the schedule.
    fn schedule_all(&mut self, actions: &mut Vec<ServicesAction>) {
        self.schedule.clear();
        for (server_position, server) in self.servers.iter().enumerate() {
            for (real_position, real) in server.reals().enumerate() {
                for (checker_position, checker) in real.checkers().iter().enumerate() {
                    let position = (server_position, real_position, checker_position);
                    self.schedule.extend(checker.next_deadline().map(|at| (at, position)));
                    let (real, server) = (real.name(), server.name());
                    self.say(actions, format!("Activating healthchecker for service {real} for VS {server}"));
                }
            }
        }
    }

    fn tick(&mut self, now: Instant, actions: &mut Vec<ServicesAction>) {
        while let Some((_, position)) = self.schedule.first().copied().filter(|(at, _)| *at <= now) {
            self.schedule.pop_first();
            self.advance(now, position, check::Event::Tick, actions);
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
                    let joins = real.is_up();
                    if joins {
                        self.say(actions, format!("Adding service {} to VS {}", real.name(), server.name()));
                    }
                    self.health_changed(server_position, real_position, joins, &body, actions);
                }
                check::Action::WentDown(body) => {
                    let leaves = real.is_up_but_for_one();
                    if leaves {
                        self.say(actions, format!("Removing service {} from VS {}", real.name(), server.name()));
                    }
                    self.health_changed(server_position, real_position, leaves, &body, actions);
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
        self.evaluate_quorum(position, actions);
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
        if moved {
            self.kernel.touch(self.servers[server_position].keys());
            self.evaluate_quorum(server_position, actions);
        }
        let server = &self.servers[server_position];
        let real = server.at(real_position);
        self.mail(server.name(), real.name(), real.is_up(), body, actions);
    }

    fn evaluate_quorum(&mut self, position: usize, actions: &mut Vec<ServicesAction>) {
        if let Some(text) = self.servers[position].evaluate_quorum() {
            self.say(actions, text);
        }
    }

    fn stop(&mut self, actions: &mut Vec<ServicesAction>) {
        self.stopping = true;
        self.schedule.clear();
        self.probes.clear();
        actions.push(ServicesAction::AbandonProbes);
        let servers = std::mem::take(&mut self.servers);
        for server in &servers {
            for real in server.reals() {
                self.say(actions, format!("Shutting down service {} from VS {}", real.name(), server.name()));
            }
        }
        self.kernel.touch(servers.iter().flat_map(Server::keys));
    }

    /// The part of the table we want that is about `keys`.
    fn desired(&self, keys: &BTreeSet<ServerKey>) -> Table {
        let servers = self.servers.iter().map(|server| (server.config(), server.pool()));
        desired(servers, |key| keys.contains(key))
    }

    fn checker(&mut self, (server, real, checker): Position) -> Option<&mut check::Checker> {
        self.servers.get_mut(server)?.checker(real, checker)
    }

    fn say(&self, actions: &mut Vec<ServicesAction>, text: String) {
        actions.push(ServicesAction::Report(Severity::Info, text));
    }

    fn mail(&self, server: &str, real: &str, up: bool, body: &str, actions: &mut Vec<ServicesAction>) {
        let state = if up { "UP" } else { "DOWN" };
        let subject = format!("Realserver {real} of virtual server {server} - {state}");
        actions.extend(self.mailer.as_ref().map(|mailer| ServicesAction::Mail(mailer.mail(&subject, body))));
    }
}

#[cfg(test)]
mod tests;
