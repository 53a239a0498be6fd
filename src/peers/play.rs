//! Plays one virtual router's election for every single failure: each node, each node's link, each script,
//! interface, process and session that the MASTER tracks. From every state that the group can rest in, just after an advert or just after a run of the script: that
//! is when noticing takes longest.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipnet::IpNet;

use crate::controller::routers::Settings;
use crate::model::{Family, InterfaceName, Priority, TrackedObject, Transport, VirtualAddress, VrrpScript};
use crate::time::Instant;
use crate::vrrp::StateName;

use super::group::{Group, Member};
use super::world::{Machine, World};

/// The wire of a play loses nothing; the seed only spreads delays below a millisecond.
const SEED: u64 = 1;
/// A script that needs longer to be noticed is waited for no longer.
const LONGEST_SETTLE: Duration = Duration::from_secs(24 * 3600);
/// The whole of VRRPv2's skew time; VRRPv3's is less than an interval.
const SKEW: Duration = Duration::from_secs(1);

/// One thing that goes wrong. Nodes are counted as in [`Group::members`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The node is gone.
    Node(usize),
    /// Its interface has no carrier.
    Link(usize, InterfaceName),
    /// Something that it tracks fails on it.
    Tracked(usize, TrackedObject),
}

/// What a failure, or its end, led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// One node has the addresses at the end, this long after.
    Moved {
        /// Which.
        to: usize,
        /// From the failure until exactly this node was MASTER.
        after: Duration,
    },
    /// The same node has them as before.
    Kept,
    /// Nobody has them.
    Nobody,
    /// More than one node has them.
    Several(Vec<usize>),
}

/// A failure and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Play {
    /// MASTER before.
    pub master: usize,
    /// What failed.
    pub failure: Failure,
    /// What that led to.
    pub outcome: Outcome,
    /// What the end of the failure led to.
    pub recovery: Outcome,
    /// The effective priority of each node before the failure and in it; `None` for one that does not run.
    pub priorities: Vec<(Option<Priority>, Option<Priority>)>,
}

impl Play {
    /// The failure concerns the MASTER, so that the addresses have to move.
    pub fn must_move(&self) -> bool {
        match self.failure {
            Failure::Node(node) | Failure::Link(node, _) | Failure::Tracked(node, _) => node == self.master,
        }
    }

    /// The addresses are where they should be, in the failure and after it.
    pub fn is_covered(&self) -> bool {
        let one_has_them = |outcome: &Outcome| matches!(outcome, Outcome::Moved { .. } | Outcome::Kept);
        let moved = matches!(self.outcome, Outcome::Moved { .. });
        moved == self.must_move() && one_has_them(&self.outcome) && one_has_them(&self.recovery)
    }
}

/// How a group fares.
pub enum Election {
    /// Even with all well there is not one MASTER.
    Unsettled {
        /// Those that are.
        masters: Vec<usize>,
    },
    /// Every failure from every state of rest.
    Played(Vec<Play>),
}

/// Plays every single failure.
pub fn play(group: &Group) -> Election {
    let stage = Stage::new(group);
    let mut resting = Vec::new();
    for first in 0..group.members.len() {
        let masters = stage.masters(&stage.at_rest(first));
        let [master] = masters[..] else { return Election::Unsettled { masters } };
        if resting.iter().all(|(_, known)| *known != master) {
            resting.push((first, master));
        }
    }
    let from = |(first, master): (usize, usize)| {
        stage.failures(master).into_iter().map(move |failure| (first, master, failure)).collect::<Vec<_>>()
    };
    let cases = resting.into_iter().flat_map(from);
    Election::Played(cases.map(|(first, master, failure)| stage.play(first, master, failure)).collect())
}

/// What every play begins with.
struct Stage<'g, 'a> {
    group: &'g Group<'a>,
    machines: Vec<Machine>,
    settle: Duration,
}

impl<'g, 'a> Stage<'g, 'a> {
    fn new(group: &'g Group<'a>) -> Stage<'g, 'a> {
        let members = &group.members;
        let machines: Vec<Machine> = (0..members.len()).map(|index| machine(members, index)).collect();
        Stage { group, settle: settle_time(members, &machines), machines }
    }

    /// The world after `first` was there before the others, and everybody had time.
    fn at_rest(&self, first: usize) -> World {
        let mut world = World::new(SEED, self.machines.clone());
        world.start(first);
        world.run_for(self.settle);
        (0..world.len()).for_each(|node| world.start(node));
        world.run_for(self.settle);
        world
    }

    fn masters(&self, world: &World) -> Vec<usize> {
        let is_master = |node: &usize| world.status(*node).is_some_and(|status| status.state == StateName::Master);
        (0..world.len()).filter(is_master).collect()
    }

    fn failures(&self, master: usize) -> Vec<Failure> {
        let members = &self.group.members;
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by_key(|node| *node != master);
        let nodes = order.iter().map(|node| Failure::Node(*node));
        let links = order.iter().map(|node| Failure::Link(*node, members[*node].instance.interface.clone()));
        let tracked = members[master].instance.tracked.iter().map(|tracked| &tracked.object);
        // A file's number can be anything: there is no one way to fail.
        let tracked = tracked.filter(|object| !matches!(object, TrackedObject::File(_)));
        let tracked = tracked.map(|object| Failure::Tracked(master, object.clone()));
        nodes.chain(links).chain(tracked).collect()
    }

    fn play(&self, first: usize, master: usize, failure: Failure) -> Play {
        let mut world = self.at_rest(first);
        let before = priorities(&world);
        self.wait_for_the_worst_moment(&mut world, &failure);
        let outcome = self.watch(&mut world, master, |world| apply(world, &failure, true));
        let priorities = before.into_iter().zip(priorities(&world)).collect();
        let holder = if let Outcome::Moved { to, .. } = outcome { to } else { master };
        if let Failure::Tracked(..) = failure {
            self.wait_for_the_worst_moment(&mut world, &failure);
        }
        let recovery = self.watch(&mut world, holder, |world| apply(world, &failure, false));
        Play { master, failure, outcome, recovery, priorities }
    }

    /// Just after an advert, or just after a run of the script.
    fn wait_for_the_worst_moment(&self, world: &mut World, failure: &Failure) {
        let end = world.now + self.settle;
        match failure {
            Failure::Node(node) | Failure::Link(node, _) => {
                let sent = world.adverts_sent(*node);
                world.run_until_seen(end, |world| world.adverts_sent(*node) > sent);
            }
            Failure::Tracked(node, TrackedObject::Script(script)) => {
                let runs = world.script_runs(*node, script);
                world.run_until_seen(end, |world| world.script_runs(*node, script) > runs);
            }
            // Noticed at once, whenever it happens.
            Failure::Tracked(..) => {}
        }
        world.run_for(Duration::from_millis(2)); // everything on its way has arrived
    }

    /// Changes something, and says who has the addresses once everybody had time.
    fn watch(&self, world: &mut World, holder: usize, change: impl FnOnce(&mut World)) -> Outcome {
        let start = world.now;
        change(world);
        let mut masters = self.masters(world);
        let mut changed: Option<Instant> = (masters != [holder]).then_some(start);
        world.run_until(start + self.settle, |world| {
            let now = self.masters(world);
            if now != masters {
                changed = Some(world.now);
                masters = now;
            }
        });
        match masters[..] {
            [] => Outcome::Nobody,
            [to] if to != holder => Outcome::Moved { to, after: changed.unwrap_or(start) - start },
            [_] => Outcome::Kept,
            _ => Outcome::Several(masters),
        }
    }
}

/// Makes a failure happen, or end.
fn apply(world: &mut World, failure: &Failure, begins: bool) {
    match (failure, begins) {
        (Failure::Node(node), true) => world.crash(*node),
        (Failure::Node(node), false) => world.start(*node),
        (Failure::Link(node, _), begins) => world.set_link(*node, !begins),
        (Failure::Tracked(node, object), begins) => world.set_tracked(*node, object, begins),
    }
}

fn priorities(world: &World) -> Vec<Option<Priority>> {
    (0..world.len()).map(|node| world.status(node).map(|status| status.priority)).collect()
}

/// Long enough for any silence, any script and any dispute to be over.
fn settle_time(members: &[Member], machines: &[Machine]) -> Duration {
    let intervals = members.iter().map(|member| member.instance.advert_interval.duration());
    let silence = 4 * intervals.max().unwrap_or_default() + SKEW;
    let notice = |script: &VrrpScript| script.interval.saturating_mul(script.rise.max(script.fall).saturating_add(1));
    let scripts = machines.iter().flat_map(|machine| &machine.settings.scripts).map(notice).max().unwrap_or_default();
    scripts.saturating_add(3 * silence).min(LONGEST_SETTLE)
}

/// What a member runs, its interface, and the address it sends from.
fn machine(members: &[Member], index: usize) -> Machine {
    let member = &members[index];
    let mut instance = member.instance.clone();
    // Its other interfaces are no part of what is played.
    instance.owned.interfaces.clear();
    let is_tracked = |script: &&VrrpScript| {
        let object = TrackedObject::Script(script.name.clone());
        instance.tracked.iter().any(|tracked| tracked.object == object)
    };
    let scripts = member.node.config.scripts.iter().filter(is_tracked).cloned().collect();
    let address = IpNet::from(address(members, index));
    let interface = instance.interface.clone();
    Machine {
        interface,
        addresses: vec![address],
        settings: Settings { instances: vec![instance], scripts, ..Settings::default() },
    }
}

/// The configured source; else the address that the others send to; else one of a network that is nobody's
/// (RFC 2544, RFC 5180), or a link-local one for multicast over IPv6.
fn address(members: &[Member], index: usize) -> IpAddr {
    let source = |member: &Member| member.instance.transport.source();
    let peers = |member: &Member| match &member.instance.transport {
        Transport::Unicast { peers, .. } => peers.clone(),
        Transport::Multicast { .. } => Vec::new(),
    };
    let known: Vec<IpAddr> = members.iter().filter_map(source).collect();
    let own_peers = peers(&members[index]);
    let others = members.iter().enumerate().filter(|(other, _)| *other != index);
    let is_mine = |address: &IpAddr| !known.contains(address) && !own_peers.contains(address);
    let inferred = || others.flat_map(|(_, other)| peers(other)).find(is_mine);
    let made_up = || match (members[index].instance.family, &members[index].instance.transport) {
        (Family::V4, _) => IpAddr::from(Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 1).to_bits() + index as u32)),
        (Family::V6, Transport::Multicast { .. }) => [0xfe80, 0, 0, 0, 0, 0, 0, 1 + index as u16].into(),
        (Family::V6, Transport::Unicast { .. }) => [0x2001, 2, 0, 0, 0, 0, 0, 1 + index as u16].into(),
    };
    source(&members[index]).or_else(inferred).unwrap_or_else(made_up)
}

/// The addresses of a member, for texts.
pub fn address_list(addresses: &[VirtualAddress]) -> String {
    addresses.iter().map(|vip| vip.net.to_string()).collect::<Vec<_>>().join(" ")
}
