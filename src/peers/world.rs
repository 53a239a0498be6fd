//! A simulated world: nodes with a [`Routers`] each, a wire with faults, and one clock. Nothing in it is real, and nothing
//! in it decides: what the nodes do is what the daemon would do.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::controller::routers::{Action, Event, Routers, Settings, Status};
use crate::model::{Channel, Endpoint, Interface, InterfaceName, ScriptName, TrackedObject};
use crate::time::Instant;
use crate::track::Outcome;

/// How long a script runs.
const SCRIPT_DURATION: Duration = Duration::from_millis(1);

/// xorshift64*: small, seeded, the same everywhere.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From 0 to `limit` − 1; `limit` is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }

    /// True in so many cases of a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What the wire does to a packet.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    /// How many packets of a hundred are lost.
    pub loss_percent: u64,
    /// The longest that a packet takes; the shortest is nothing.
    pub max_delay: Duration,
}

impl Default for Wire {
    /// Loses nothing, and takes at most half a millisecond.
    fn default() -> Wire {
        Wire { loss_percent: 0, max_delay: Duration::from_micros(500) }
    }
}

/// A node to be: what it runs, and its interface on the wire.
#[derive(Debug, Clone)]
pub struct Machine {
    /// What it runs.
    pub settings: Settings,
    /// Its only interface.
    pub interface: InterfaceName,
    /// The interface's own addresses.
    pub addresses: Vec<IpNet>,
}

struct Node {
    machine: Machine,
    controller: Option<Routers>,
    /// The virtual addresses that it holds.
    addresses: BTreeSet<IpAddr>,
    /// What fails here of what is tracked.
    failing: BTreeSet<TrackedObject>,
    /// How many adverts it has sent, and how often each script has run.
    sent: u64,
    runs: BTreeMap<ScriptName, u64>,
    link_up: bool,
    island: u8,
}

struct Arrival {
    at: Instant,
    to: usize,
    event: Event,
}

/// Several nodes on one wire.
pub struct World {
    /// The time.
    pub now: Instant,
    /// What the wire's faults are drawn from.
    pub random: Random,
    /// The wire.
    pub wire: Wire,
    /// What happened, a line each.
    pub story: Vec<String>,
    nodes: Vec<Node>,
    arriving: Vec<Arrival>,
}

impl World {
    /// Nodes that have not been started.
    pub fn new(seed: u64, machines: Vec<Machine>) -> World {
        let node = |machine| Node {
            machine,
            controller: None,
            addresses: BTreeSet::new(),
            failing: BTreeSet::new(),
            sent: 0,
            runs: BTreeMap::new(),
            link_up: true,
            island: 0,
        };
        let nodes = machines.into_iter().map(node).collect();
        let (random, wire) = (Random::new(seed), Wire::default());
        World { now: Instant::ZERO, random, wire, story: Vec::new(), nodes, arriving: Vec::new() }
    }

    // ---- what happens to the nodes ----------------------------------------------------------------------------------

    /// Starts a node; one that runs goes on.
    pub fn start(&mut self, node: usize) {
        if self.is_running(node) {
            return;
        }
        self.tell(node, "starts");
        self.nodes[node].controller = Some(Routers::new());
        self.tell_interface(node);
        let settings = self.nodes[node].machine.settings.clone();
        for tracked in settings.instances.iter().flat_map(|instance| &instance.tracked) {
            self.tell_tracked(node, &tracked.object);
        }
        self.feed(node, Event::Configure(settings));
    }

    /// A clean stop.
    pub fn stop(&mut self, node: usize) {
        self.tell(node, "stops");
        self.feed(node, Event::Stop);
        self.nodes[node].controller = None;
    }

    /// The whole machine is gone, and its addresses with it.
    pub fn crash(&mut self, node: usize) {
        self.tell(node, "crashes");
        self.nodes[node].controller = None;
        self.nodes[node].addresses.clear();
        self.arriving.retain(|arrival| arrival.to != node);
    }

    /// The carrier of a node's interface.
    pub fn set_link(&mut self, node: usize, up: bool) {
        self.tell(node, if up { "link up" } else { "link down" });
        self.nodes[node].link_up = up;
        self.tell_interface(node);
    }

    /// Nodes hear each other only on the same island; all begin on 0.
    pub fn set_island(&mut self, node: usize, island: u8) {
        self.tell(node, &format!("moves to island {island}"));
        self.nodes[node].island = island;
    }

    /// Something tracked fails on a node, or is well again: a script from its next run on, anything else at once.
    pub fn set_tracked(&mut self, node: usize, object: &TrackedObject, fails: bool) {
        self.tell(node, &format!("{object} {}", if fails { "fails" } else { "is well" }));
        if fails {
            self.nodes[node].failing.insert(object.clone());
        } else {
            self.nodes[node].failing.remove(object);
        }
        self.tell_tracked(node, object);
    }

    // ---- what can be seen -------------------------------------------------------------------------------------------

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether a node has been started and not stopped.
    pub fn is_running(&self, node: usize) -> bool {
        self.nodes[node].controller.is_some()
    }

    /// Running nodes that hold the address.
    pub fn owners(&self, address: IpAddr) -> Vec<usize> {
        let owns = |node: &usize| self.is_running(*node) && self.nodes[*node].addresses.contains(&address);
        (0..self.len()).filter(owns).collect()
    }

    /// A node's first instance; `None` while it does not run.
    pub fn status(&self, node: usize) -> Option<Status> {
        self.nodes[node].controller.as_ref()?.status().into_iter().next()
    }

    /// How many adverts a node has sent.
    pub fn adverts_sent(&self, node: usize) -> u64 {
        self.nodes[node].sent
    }

    /// How often a script has run on a node.
    pub fn script_runs(&self, node: usize, script: &ScriptName) -> u64 {
        self.nodes[node].runs.get(script).copied().unwrap_or_default()
    }

    /// Runs, and has a link.
    pub fn can_serve(&self, node: usize) -> bool {
        self.is_running(node) && self.nodes[node].link_up
    }

    /// Everybody who can serve hears everybody else who can.
    pub fn is_whole(&self) -> bool {
        let able = (0..self.len()).filter(|node| self.can_serve(*node));
        able.map(|node| self.nodes[node].island).collect::<BTreeSet<u8>>().len() <= 1
    }

    // ---- time -------------------------------------------------------------------------------------------------------

    /// Lets time pass.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration, |_| {});
    }

    /// Runs until `end`, showing the world to `watch` after every step.
    pub fn run_until(&mut self, end: Instant, mut watch: impl FnMut(&World)) {
        while self.step(end) {
            watch(self);
        }
        self.now = end;
    }

    /// Runs until `done` holds, or `end` has come.
    pub fn run_until_seen(&mut self, end: Instant, done: impl Fn(&World) -> bool) {
        while !done(self) {
            if !self.step(end) {
                self.now = end;
                return;
            }
        }
    }

    /// One step, unless the next one lies beyond `end`.
    fn step(&mut self, end: Instant) -> bool {
        let Some(next) = self.next_step().filter(|next| *next <= end) else { return false };
        self.now = self.now.max(next);
        match self.arriving.iter().position(|arrival| arrival.at <= next) {
            Some(index) => {
                let Arrival { to, event, .. } = self.arriving.remove(index);
                let deaf = matches!(event, Event::Datagram { .. }) && !self.nodes[to].link_up;
                if !deaf {
                    self.feed(to, event);
                }
            }
            None => (0..self.len()).for_each(|node| self.feed(node, Event::Timer)),
        }
        true
    }

    fn next_step(&self) -> Option<Instant> {
        let timers = self.nodes.iter().filter_map(|node| node.controller.as_ref()?.next_deadline());
        timers.chain(self.arriving.iter().map(|arrival| arrival.at)).min().map(|at| at.max(self.now))
    }

    fn tell(&mut self, node: usize, what: &str) {
        self.story.push(format!("{} node {node} {what}", self.now));
    }

    fn tell_interface(&mut self, node: usize) {
        let Machine { interface, addresses, .. } = &self.nodes[node].machine;
        let facts = Interface { running: self.nodes[node].link_up, mac: None, addresses: addresses.clone() };
        let name = interface.clone();
        self.feed(node, Event::Interface { name, facts: Some(facts) });
    }

    /// What a node sees of something that it tracks. A script is seen when it runs, and a file holds 0.
    fn tell_tracked(&mut self, node: usize, object: &TrackedObject) {
        let well = !self.nodes[node].failing.contains(object);
        let event = match object {
            TrackedObject::Interface(name) if *name == self.nodes[node].machine.interface => return,
            TrackedObject::Interface(name) => {
                let facts = Interface { running: well, mac: None, addresses: Vec::new() };
                Event::Interface { name: name.clone(), facts: Some(facts) }
            }
            TrackedObject::Process(name) => Event::ProcessQuorum { name: name.clone(), reached: well },
            TrackedObject::Session(name) => Event::Bfd { name: name.clone(), up: well },
            TrackedObject::Script(_) | TrackedObject::File(_) => return,
        };
        self.feed(node, event);
    }

    fn feed(&mut self, node: usize, event: Event) {
        let now = self.now;
        let Some(controller) = &mut self.nodes[node].controller else { return };
        for action in controller.handle(now, event) {
            match action {
                Action::AddAddresses(vips) => self.nodes[node].addresses.extend(vips.iter().map(|v| v.net.addr())),
                Action::RemoveAddresses(vips) => {
                    self.nodes[node].addresses.retain(|address| vips.iter().all(|v| v.net.addr() != *address));
                }
                Action::SendDatagram { channel, destination, bytes } => {
                    self.nodes[node].sent += 1;
                    self.send(node, &channel, destination, &bytes);
                }
                Action::RunScript { name, run, .. } => self.run_script(node, name, run),
                Action::Report(report) => self.tell(node, &report.to_string()),
                Action::Open(_) | Action::Close(_) | Action::SendFrame { .. } | Action::Notify(_) => {}
                Action::AddRoutes(_) | Action::RemoveRoutes(_) | Action::AddRules(_) | Action::RemoveRules(_) => {}
            }
        }
    }

    fn run_script(&mut self, node: usize, name: ScriptName, run: u64) {
        *self.nodes[node].runs.entry(name.clone()).or_default() += 1;
        let outcome =
            Outcome::Exited(i32::from(self.nodes[node].failing.contains(&TrackedObject::Script(name.clone()))));
        let event = Event::ScriptFinished { name, run, outcome };
        self.arriving.push(Arrival { at: self.now + SCRIPT_DURATION, to: node, event });
    }

    fn send(&mut self, from: usize, channel: &Channel, destination: IpAddr, bytes: &[u8]) {
        if !self.nodes[from].link_up {
            return;
        }
        for to in (0..self.len()).filter(|to| *to != from) {
            let Machine { interface, addresses, .. } = &self.nodes[to].machine;
            let endpoint = match channel.endpoint {
                _ if destination.is_multicast() => Endpoint::Multicast(destination),
                _ if addresses.iter().any(|net| net.addr() == destination) => Endpoint::Unicast(destination),
                _ => continue,
            };
            let channel = Channel { interface: interface.clone(), endpoint, protocol: channel.protocol };
            if self.nodes[to].island != self.nodes[from].island || self.random.chance(self.wire.loss_percent) {
                continue;
            }
            let delay = Duration::from_micros(self.random.below(self.wire.max_delay.as_micros() as u64 + 1));
            let event = Event::Datagram { channel, bytes: bytes.to_vec() };
            self.arriving.push(Arrival { at: self.now + delay, to, event });
        }
    }
}
