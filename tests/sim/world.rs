//! The simulated world: nodes with a controller each, a wire with faults, and one clock.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use alived::controller::routers::{Action, Event, Routers, Settings};
use alived::model::*;
use alived::time::Instant;
use alived::vrrp::StateName;

/// xorshift64*: small, seeded, the same everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What the wire does to a packet.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    pub loss_percent: u64,
    pub max_delay: Duration,
}

struct Node {
    controller: Option<Routers>,
    config: VrrpInstance,
    addresses: BTreeSet<Ipv4Addr>,
    link_up: bool,
    island: u8,
}

struct InFlight {
    at: Instant,
    to: usize,
    channel: Channel,
    bytes: Vec<u8>,
}

pub struct World {
    pub now: Instant,
    pub random: Random,
    pub wire: Wire,
    pub story: Vec<String>,
    nodes: Vec<Node>,
    flying: Vec<InFlight>,
}

pub const VIP: Ipv4Addr = Ipv4Addr::new(10, 99, 100, 1);

fn interface_name() -> InterfaceName {
    InterfaceName::new("eth0").expect("a name")
}

pub fn node_address(node: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 99, 0, 11 + node as u8)
}

pub fn instance(priority: u8, preempt: bool) -> VrrpInstance {
    let net = "10.99.100.1/16".parse().expect("an address");
    VrrpInstance {
        name: "VI_1".to_owned(),
        initial_state: InitialState::Backup,
        interface: interface_name(),
        vrid: Vrid::new(51).expect("not zero"),
        priority: Priority::new(priority),
        advert_interval: AdvertInterval::DEFAULT,
        preempt,
        authentication: Authentication::Pass(*b"secret\0\0"),
        transport: Transport::Multicast { source: None },
        virtual_addresses: vec![VirtualAddress {
            net,
            interface: interface_name(),
            label: None,
            broadcast: None,
            scope: 0,
        }],
        track_scripts: Vec::new(),
        garp: GratuitousArp::default(),
        notify: Notify::default(),
    }
}

impl World {
    pub fn new(seed: u64, configs: Vec<VrrpInstance>) -> World {
        let wire = Wire { loss_percent: 0, max_delay: Duration::from_micros(500) };
        let nodes = configs
            .into_iter()
            .map(|config| Node { controller: None, config, addresses: BTreeSet::new(), link_up: true, island: 0 })
            .collect();
        World { now: Instant::ZERO, random: Random::new(seed), wire, story: Vec::new(), nodes, flying: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_running(&self, node: usize) -> bool {
        self.nodes[node].controller.is_some()
    }

    pub fn start(&mut self, node: usize) {
        if self.is_running(node) {
            return;
        }
        self.tell(node, "starts");
        self.nodes[node].controller = Some(Routers::new());
        self.tell_interface(node);
        let settings = Settings { instances: vec![self.nodes[node].config.clone()], scripts: Vec::new() };
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
    }

    pub fn set_link(&mut self, node: usize, up: bool) {
        self.tell(node, if up { "link up" } else { "link down" });
        self.nodes[node].link_up = up;
        self.tell_interface(node);
    }

    /// Nodes hear each other only on the same island.
    pub fn set_island(&mut self, node: usize, island: u8) {
        self.tell(node, &format!("moves to island {island}"));
        self.nodes[node].island = island;
    }

    /// Running nodes that hold the address.
    pub fn owners(&self) -> Vec<usize> {
        let owns = |node: &usize| self.is_running(*node) && self.nodes[*node].addresses.contains(&VIP);
        (0..self.len()).filter(owns).collect()
    }

    pub fn state(&self, node: usize) -> Option<StateName> {
        self.nodes[node].controller.as_ref().map(|controller| controller.status()[0].state)
    }

    pub fn can_serve(&self, node: usize) -> bool {
        self.is_running(node) && self.nodes[node].link_up
    }

    /// Everybody who can serve hears everybody else who can.
    pub fn is_whole(&self) -> bool {
        let mut islands: Vec<u8> =
            (0..self.len()).filter(|n| self.can_serve(*n)).map(|n| self.nodes[n].island).collect();
        islands.dedup();
        islands.len() <= 1
    }

    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration, |_| {});
    }

    /// Runs until `end`, showing the world to `watch` after every step.
    pub fn run_until(&mut self, end: Instant, mut watch: impl FnMut(&World)) {
        while let Some(next) = self.next_step().filter(|next| *next <= end) {
            assert!(next >= self.now, "time never runs backwards");
            self.now = next;
            if let Some(index) = self.flying.iter().position(|packet| packet.at <= next) {
                let packet = self.flying.remove(index);
                if self.nodes[packet.to].link_up {
                    self.feed(packet.to, Event::Datagram { channel: packet.channel, bytes: packet.bytes });
                }
            } else {
                for node in 0..self.len() {
                    self.feed(node, Event::Timer);
                }
            }
            watch(self);
        }
        self.now = end;
    }

    fn next_step(&self) -> Option<Instant> {
        let timers = self.nodes.iter().filter_map(|node| node.controller.as_ref()?.next_deadline());
        timers.chain(self.flying.iter().map(|packet| packet.at)).min().map(|at| at.max(self.now))
    }

    fn tell(&mut self, node: usize, what: &str) {
        self.story.push(format!("{} node {node} {what}", self.now));
    }

    fn tell_interface(&mut self, node: usize) {
        let net = format!("{}/16", node_address(node)).parse().expect("an address");
        let facts = Interface { running: self.nodes[node].link_up, mac: None, addresses: vec![net] };
        self.feed(node, Event::Interface { name: interface_name(), facts: Some(facts) });
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
                Action::SendDatagram { channel, bytes, .. } => self.send(node, &channel, &bytes),
                Action::Report(report) => self.tell(node, &report.to_string()),
                Action::Open(_)
                | Action::Close(_)
                | Action::SendFrame { .. }
                | Action::RunScript { .. }
                | Action::Notify(_) => {}
            }
        }
    }

    fn send(&mut self, from: usize, channel: &Channel, bytes: &[u8]) {
        if !self.nodes[from].link_up {
            return;
        }
        for to in (0..self.len()).filter(|to| *to != from) {
            if self.nodes[to].island != self.nodes[from].island || self.random.chance(self.wire.loss_percent) {
                continue;
            }
            let delay = Duration::from_micros(self.random.below(self.wire.max_delay.as_micros() as u64 + 1));
            let (channel, bytes) = (channel.clone(), bytes.to_vec());
            self.flying.push(InFlight { at: self.now + delay, to, channel, bytes });
        }
    }
}
