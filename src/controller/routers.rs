//! All virtual routers of a configuration, their trackers and the interfaces they stand on.
//!
//! Decides which instance an event concerns and turns what the instances want into packets, addresses and sockets. It
//! never performs anything: see [`Action`]. Facts about interfaces come as events, so that they can be simulated.

mod entry;
mod inbound;
mod interfaces;
mod tracking;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use self::entry::Entry;
use super::report::RoutersReport as Report;
use crate::model::{
    Channel, Command, Interface, InterfaceName, Priority, ScriptName, Transport, VirtualAddress, VrrpInstance,
    VrrpScript,
};
use crate::notify::script::Occasion;
use crate::time::Instant;
use crate::track::{Outcome, ScriptTracker, script};
use crate::vrrp::receive::Counters;
use crate::vrrp::{self, StateName};

/// The part of a configuration that concerns VRRP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// `vrrp_instance` blocks, in file order.
    pub instances: Vec<VrrpInstance>,
    /// `vrrp_script` blocks.
    pub scripts: Vec<VrrpScript>,
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
    /// Run this and go on; how it ends changes nothing.
    Notify(Command),
    /// Say so.
    Report(Report),
}

/// All virtual routers.
#[derive(Default)]
pub struct Routers {
    entries: Vec<Entry>,
    scripts: Vec<ScriptTracker>,
    interfaces: BTreeMap<InterfaceName, Interface>,
    /// Asked to be open, and not reported as failed.
    open: BTreeSet<Channel>,
    failed: BTreeSet<Channel>,
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
        let routers = self.entries.iter().filter_map(|entry| entry.router.next_deadline());
        let scripts = self.scripts.iter().map(ScriptTracker::next_deadline);
        routers.chain(scripts).min()
    }

    /// Takes one event at `now`.
    pub fn handle(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Configure(settings) => self.configure(now, settings, &mut out),
            Event::Interface { name, facts } => self.interface_changed(now, name, facts, &mut out),
            Event::AddressRemoved { interface, net } => self.address_removed(now, &interface, net, &mut out),
            Event::Datagram { channel, bytes } => self.datagram(now, &channel, &bytes, &mut out),
            Event::ChannelFailed { channel, reason } => self.channel_failed(now, channel, reason, &mut out),
            Event::ScriptFinished { name, run, outcome } => {
                if let Some(index) = self.scripts.iter().position(|tracker| tracker.config().name == name) {
                    let actions = self.scripts[index].handle(now, script::Event::Finished { run, outcome });
                    self.script_actions(now, index, actions, &mut out);
                }
            }
            Event::Timer => self.timer(now, &mut out),
            Event::Stop => self.stop(now, &mut out),
        }
        out
    }

    fn timer(&mut self, now: Instant, out: &mut Vec<Action>) {
        for index in 0..self.entries.len() {
            if self.entries[index].router.next_deadline().is_some_and(|due| due <= now) {
                self.feed(now, index, vrrp::Event::Timer, out);
            }
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
        for entry in std::mem::take(&mut self.entries) {
            entry.notify(Occasion::Stop, out);
        }
        self.scripts.clear();
        self.update_channels(out);
    }

    /// Gives `event` to one router and turns its actions into ours. What it has become is notified when all is done.
    fn feed(&mut self, now: Instant, index: usize, event: vrrp::Event, out: &mut Vec<Action>) {
        let entry = &mut self.entries[index];
        let mut entered = None;
        for action in entry.router.handle(now, event) {
            match action {
                vrrp::Action::SendAdvert(priority) => entry.send_advert(priority, out),
                vrrp::Action::AddAddresses(addresses) => out.push(Action::AddAddresses(addresses)),
                vrrp::Action::RemoveAddresses(addresses) => out.push(Action::RemoveAddresses(addresses)),
                vrrp::Action::Announce { rounds } => entry.announce(rounds, &self.interfaces, out),
                vrrp::Action::Report(report) => {
                    entry.rearm(&report);
                    if let vrrp::Report::Entered { to, .. } = report {
                        entered = Some(to);
                    }
                    let instance = entry.router.config().name.clone();
                    out.push(Action::Report(Report::Router { instance, report }));
                }
            }
        }
        match entered {
            Some(StateName::Master) => entry.notify(Occasion::Master, out),
            Some(StateName::Backup) => entry.notify(Occasion::Backup, out),
            Some(StateName::Fault) => entry.notify(Occasion::Fault, out),
            Some(StateName::Init) | None => {}
        }
    }

    // ---- configuration ----------------------------------------------------------------------------------------------

    /// Instances are the same when they are the same virtual router on the wire, whatever they are called.
    fn configure(&mut self, now: Instant, settings: Settings, out: &mut Vec<Action>) {
        for index in 0..self.entries.len() {
            let kept = settings.instances.iter().any(|new| same_router(new, self.entries[index].router.config()));
            if !kept {
                self.feed(now, index, vrrp::Event::Stop, out);
                self.entries[index].notify_removed(out);
            }
        }
        self.configure_scripts(now, settings.scripts, out);

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
        self.update_all(now, out);
        for index in started {
            self.feed(now, index, vrrp::Event::Start, out);
        }
    }

    fn configure_scripts(&mut self, now: Instant, scripts: Vec<VrrpScript>, out: &mut Vec<Action>) {
        let mut old = std::mem::take(&mut self.scripts);
        for config in scripts {
            match old.iter().position(|tracker| tracker.config().name == config.name) {
                Some(index) => {
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
                None => self.scripts.push(ScriptTracker::new(now, config)),
            }
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
