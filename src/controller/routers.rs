//! All virtual routers of a configuration, their trackers and the interfaces they stand on.
//!
//! Decides which instance an event concerns and turns what the instances want into packets, addresses and sockets. It
//! never performs anything: see [`Action`]. Facts about interfaces come as events, so that they can be simulated.

mod entry;
mod groups;
mod inbound;
mod interfaces;
mod owned;
mod trackers;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use self::entry::Entry;
use self::groups::Group;
use super::report::RoutersReport as Report;
use crate::model::route::{Route, RouteKey};
use crate::model::rule::RuleKey;
use crate::model::{
    AnnouncePace, Channel, Command, FileName, Interface, InterfaceName, Priority, ProcessName, Rule, ScriptName,
    SessionName, Statics, SyncGroup, Transport, VirtualAddress, VrrpInstance, VrrpScript,
};
use crate::notify::vrrp::{Message, Occasion};
use crate::time::Instant;
use crate::track::{Outcome, ScriptTracker, script};
use crate::vrrp::receive::Counters;
use crate::vrrp::router::MOST_EARLINESS;
use crate::vrrp::{self, StateName};

/// The part of a configuration that concerns VRRP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// `vrrp_instance` blocks, in file order.
    pub instances: Vec<VrrpInstance>,
    /// `vrrp_script` blocks.
    pub scripts: Vec<VrrpScript>,
    /// `vrrp_sync_group` blocks, in file order.
    pub sync_groups: Vec<SyncGroup>,
    /// `no_email_faults`
    pub no_fault_mails: bool,
    /// `fifo_write_vrrp_states_on_reload`
    pub states_on_reload: bool,
    /// What is there whoever is master.
    pub statics: Statics,
    /// `vrrp_startup_delay`, or what is left of `vrrp_delay_after_boot`; counts once, from the first settings on.
    pub startup_delay: Duration,
    /// `garp_group`, `vrrp_garp_interval`, `vrrp_gna_interval`
    pub announce_paces: Vec<AnnouncePace>,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Begin, or go on with other settings. The interfaces named in them were reported before.
    Configure(Settings),
    /// An interface changed, appeared, or is gone (`None`).
    Interface {
        /// Its name.
        name: InterfaceName,
        /// What holds now.
        facts: Option<Interface>,
    },
    /// The kernel removed an address.
    AddressRemoved {
        /// From where.
        interface: InterfaceName,
        /// Which one.
        net: IpNet,
    },
    /// The kernel removed a route that has keepalived's protocol.
    RouteRemoved(RouteKey),
    /// The kernel removed a rule that has keepalived's protocol.
    RuleRemoved(RuleKey),
    /// The kernel dropped notifications: what became of routes and rules is not known.
    NotificationsLost,
    /// A datagram came in.
    Datagram {
        /// Where.
        channel: Channel,
        /// From the IP header on.
        bytes: Vec<u8>,
    },
    /// A channel could not be opened; it is tried again when its interface changes.
    ChannelFailed {
        /// Which one.
        channel: Channel,
        /// Why.
        reason: String,
    },
    /// A script ended.
    ScriptFinished {
        /// Which one.
        name: ScriptName,
        /// As in [`Action::RunScript`].
        run: u64,
        /// How.
        outcome: Outcome,
    },
    /// The number in a tracked file; 0 until it is told.
    FileValue {
        /// Which one.
        name: FileName,
        /// As [`track::file::value`] reads it.
        value: i64,
    },
    /// Whether there are as many tracked processes as there should be; not, until it is told.
    ProcessQuorum {
        /// Which ones.
        name: ProcessName,
        /// Neither too few nor too many.
        reached: bool,
    },
    /// A BFD session went up or down; down until it is told.
    Bfd {
        /// Which one.
        name: SessionName,
        /// Up now.
        up: bool,
    },
    /// The deadline may have come.
    Timer,
    /// Leave: say farewell, take every address away.
    Stop,
}

/// What must be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open sockets; on failure answer with [`Event::ChannelFailed`].
    Open(Channel),
    /// Close them.
    Close(Channel),
    /// Send this datagram.
    SendDatagram {
        /// Out of which sockets.
        channel: Channel,
        /// To the group or to a peer.
        destination: IpAddr,
        /// From the IP header on.
        bytes: Vec<u8>,
    },
    /// Send this Ethernet frame.
    SendFrame {
        /// Out of which interface.
        interface: InterfaceName,
        /// From the destination MAC on.
        bytes: Vec<u8>,
    },
    /// Set these addresses; one that is there already is fine.
    AddAddresses(Vec<VirtualAddress>),
    /// Remove these addresses; one that is not there is fine.
    RemoveAddresses(Vec<VirtualAddress>),
    /// Set these routes; one that is there already is fine.
    AddRoutes(Vec<Route>),
    /// Remove these routes; one that is not there is fine.
    RemoveRoutes(Vec<Route>),
    /// Set these rules; one that is there already is fine.
    AddRules(Vec<Rule>),
    /// Remove these rules; one that is not there is fine.
    RemoveRules(Vec<Rule>),
    /// Run a script; answer with [`Event::ScriptFinished`].
    RunScript {
        /// Which one.
        name: ScriptName,
        /// To be given back.
        run: u64,
        /// What to run.
        command: Command,
        /// End it after this long.
        timeout: Duration,
    },
    /// Tell this and go on; how it ends changes nothing.
    Notify(Message),
    /// Say so.
    Report(Report),
}

/// All virtual routers.
#[derive(Default)]
pub struct Routers {
    entries: Vec<Entry>,
    groups: Vec<Group>,
    scripts: Vec<ScriptTracker>,
    files: BTreeMap<FileName, i64>,
    processes: BTreeMap<ProcessName, bool>,
    sessions: BTreeMap<SessionName, bool>,
    /// There was an [`Event::Configure`] before.
    running: bool,
    no_fault_mails: bool,
    statics: Statics,
    interfaces: BTreeMap<InterfaceName, Interface>,
    /// The deadlines of the entries, soonest first.
    due: BTreeSet<(Instant, usize)>,
    /// The entries of each virtual router id.
    by_vrid: BTreeMap<u8, Vec<usize>>,
    /// Of all entries.
    virtual_addresses: BTreeSet<IpAddr>,
    /// Asked to be open, and not reported as failed.
    open: BTreeSet<Channel>,
    failed: BTreeSet<Channel>,
    /// Until `vrrp_startup_delay` is over nothing is claimed, and nothing heard.
    quiet_until: Instant,
    started: bool,
    discarded: Discarded,
    told_too_short: BTreeSet<InterfaceName>,
}

/// Received packets that concern no instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Discarded {
    /// Not even a virtual router id in it.
    pub too_short: u64,
    /// For another virtual router of the segment.
    pub unknown_vrid: u64,
}

/// What one instance is and has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `vrrp_instance` name.
    pub name: String,
    /// Its state.
    pub state: StateName,
    /// Its effective priority.
    pub priority: Priority,
    /// What it has received, by fate.
    pub counters: Counters,
}

impl Routers {
    /// No instance, no interface.
    pub fn new() -> Routers {
        Routers::default()
    }

    /// Every instance, in file order.
    pub fn status(&self) -> Vec<Status> {
        let status = |entry: &Entry| Status {
            name: entry.router.config().name.clone(),
            state: entry.router.state(),
            priority: entry.router.priority(),
            counters: entry.counters,
        };
        self.entries.iter().map(status).collect()
    }

    /// Received packets that concern no instance.
    pub fn discarded(&self) -> Discarded {
        self.discarded
    }

    /// When [`Event::Timer`] is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        let routers = self.due.first().map(|(due, _)| *due);
        let scripts = self.scripts.iter().map(ScriptTracker::next_deadline);
        routers.into_iter().chain(scripts).min()
    }

    /// Takes one event at `now`.
    pub fn handle(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Configure(settings) => self.configure(now, settings, &mut out),
            Event::Interface { name, facts } => self.interface_changed(now, name, facts, &mut out),
            Event::AddressRemoved { interface, net } => self.address_removed(now, &interface, net, &mut out),
            Event::RouteRemoved(key) => self.route_removed(now, &key, &mut out),
            Event::RuleRemoved(key) => self.rule_removed(now, &key, &mut out),
            Event::Datagram { channel, bytes } => self.datagram(now, &channel, &bytes, &mut out),
            Event::ChannelFailed { channel, reason } => self.channel_failed(now, channel, reason, &mut out),
            Event::ScriptFinished { name, run, outcome } => {
                if let Some(index) = self.scripts.iter().position(|tracker| tracker.config().name == name) {
                    let actions = self.scripts[index].handle(now, script::Event::Finished { run, outcome });
                    self.script_actions(now, index, actions, &mut out);
                }
            }
            Event::FileValue { name, value } => self.file_value(now, name, value, &mut out),
            Event::ProcessQuorum { name, reached } => self.process_quorum(now, name, reached, &mut out),
            Event::Bfd { name, up } => self.session(now, name, up, &mut out),
            Event::NotificationsLost => self.reassert(&mut out),
            Event::Timer => self.timer(now, &mut out),
            Event::Stop => self.stop(now, &mut out),
        }
        out
    }

    fn timer(&mut self, now: Instant, out: &mut Vec<Action>) {
        // What is due in a moment may go out with the rest; the router decides.
        let soon = now + MOST_EARLINESS;
        let due: Vec<usize> = self.due.range(..=(soon, usize::MAX)).map(|(_, index)| *index).collect();
        for index in due {
            self.feed(now, index, vrrp::Event::Timer, out);
        }
        for index in 0..self.scripts.len() {
            if self.scripts[index].next_deadline() <= now {
                let actions = self.scripts[index].handle(now, script::Event::Timer);
                self.script_actions(now, index, actions, out);
            }
        }
    }

    fn stop(&mut self, now: Instant, out: &mut Vec<Action>) {
        for index in 0..self.entries.len() {
            self.feed(now, index, vrrp::Event::Stop, out);
        }
        // Told last, and by all of them, whatever state they were in.
        let fault_mails = !self.no_fault_mails;
        self.due.clear();
        for mut entry in std::mem::take(&mut self.entries) {
            entry.notify(Occasion::Stop, fault_mails, out);
        }
        for mut group in std::mem::take(&mut self.groups) {
            group.notify(Occasion::Stop, fault_mails, out);
        }
        self.scripts.clear();
        self.configure_statics(Statics::default(), out);
        self.update_channels(out);
    }

    /// Gives `event` to one router and turns its actions into ours. What it has become is notified when all is done, and
    /// then its sync group follows.
    fn feed(&mut self, now: Instant, index: usize, event: vrrp::Event, out: &mut Vec<Action>) {
        let entry = &mut self.entries[index];
        let mut follow = Vec::new();
        let mut told = Vec::new();
        for action in entry.router.handle(now, event) {
            match action {
                vrrp::Action::SendAdvert(priority) => entry.send_advert(priority, out),
                vrrp::Action::AddAddresses(addresses) => out.push(Action::AddAddresses(addresses)),
                vrrp::Action::RemoveAddresses(addresses) => out.push(Action::RemoveAddresses(addresses)),
                vrrp::Action::AddRoutes(routes) => out.push(Action::AddRoutes(routes)),
                vrrp::Action::RemoveRoutes(routes) => out.push(Action::RemoveRoutes(routes)),
                vrrp::Action::AddRules(rules) => out.push(Action::AddRules(rules)),
                vrrp::Action::RemoveRules(rules) => out.push(Action::RemoveRules(rules)),
                vrrp::Action::Announce { rounds } => entry.announce(rounds, &self.interfaces, out),
                vrrp::Action::WantsMaster => follow.push(groups::Move::WantsMaster),
                vrrp::Action::Obeys => follow.push(groups::Move::Obeys),
                vrrp::Action::Report(report) => {
                    entry.rearm(&report);
                    follow.extend(groups::Move::of(&report));
                    if let vrrp::Report::SplitBrain { .. } = report {
                        entry.counters.split_brains += 1;
                    }
                    let instance = entry.router.config().name.clone();
                    if entry.is_told(&report) {
                        told.push(report.clone());
                    }
                    out.push(Action::Report(Report::Router { instance, report }));
                }
            }
        }
        for report in told {
            entry.tell(&report, !self.no_fault_mails, out);
        }
        self.reschedule(index);
        let entry = &self.entries[index];
        if let Some(group) = entry.group {
            for step in follow {
                self.follow(now, group, index, step, out);
            }
        }
    }

    /// Keeps the order of deadlines; looking all of them through on every wake-up is what many instances cost.
    fn reschedule(&mut self, index: usize) {
        let entry = &mut self.entries[index];
        let due = entry.router.next_deadline();
        if entry.scheduled == due {
            return;
        }
        if let Some(before) = std::mem::replace(&mut entry.scheduled, due) {
            self.due.remove(&(before, index));
        }
        self.due.extend(due.map(|due| (due, index)));
    }

    /// The entries have been numbered anew.
    fn number_entries(&mut self) {
        self.due =
            self.entries.iter().enumerate().filter_map(|(index, entry)| Some((entry.scheduled?, index))).collect();
        self.by_vrid.clear();
        self.virtual_addresses.clear();
        for (index, entry) in self.entries.iter().enumerate() {
            let config = entry.router.config();
            self.by_vrid.entry(config.vrid.get()).or_default().push(index);
            self.virtual_addresses.extend(config.all_addresses().iter().map(|vip| vip.net.addr()));
        }
    }

    // ---- configuration ----------------------------------------------------------------------------------------------

    /// Instances are the same when they are the same virtual router on the wire, whatever they are called.
    fn configure(&mut self, now: Instant, settings: Settings, out: &mut Vec<Action>) {
        self.no_fault_mails = settings.no_fault_mails;
        let fault_mails = !settings.no_fault_mails;
        for index in 0..self.entries.len() {
            let kept = settings.instances.iter().any(|new| same_router(new, self.entries[index].router.config()));
            if !kept {
                let was = self.entries[index].router.state();
                self.feed(now, index, vrrp::Event::Stop, out);
                self.entries[index].notify_removed(was, fault_mails, out);
            }
        }
        self.configure_scripts(now, settings.scripts, out);
        self.configure_statics(settings.statics, out);
        if !std::mem::replace(&mut self.started, true) {
            self.quiet_until = now + settings.startup_delay;
        }

        let mut old: Vec<Entry> = std::mem::take(&mut self.entries);
        let mut started = Vec::new();
        for config in settings.instances {
            match old.iter().position(|entry| same_router(&config, entry.router.config())) {
                Some(index) => {
                    self.entries.push(old.remove(index));
                    let index = self.entries.len() - 1;
                    self.feed(now, index, vrrp::Event::Reconfigured(Box::new(config)), out);
                }
                None => {
                    started.push(self.entries.len());
                    self.entries.push(Entry::new(config));
                }
            }
        }
        self.number_entries();
        self.configure_groups(settings.sync_groups);
        self.update_all(now, out);
        self.settle_groups(now, &started, out);
        for index in &started {
            self.feed(now, *index, vrrp::Event::QuietUntil(self.quiet_until), out);
        }
        self.start(now, started, out);
        if std::mem::replace(&mut self.running, true) && settings.states_on_reload {
            self.repeat_states(out);
        }
    }
}

/// The same virtual router to everybody else on the wire.
fn same_router(a: &VrrpInstance, b: &VrrpInstance) -> bool {
    let reach = |transport: &Transport| match transport {
        Transport::Multicast { group, .. } => (Some(*group), None),
        Transport::Unicast { source, .. } => (None, *source),
    };
    (a.vrid, a.family, &a.interface, reach(&a.transport)) == (b.vrid, b.family, &b.interface, reach(&b.transport))
}

#[cfg(test)]
mod tests;
