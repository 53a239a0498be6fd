//! One virtual server while it runs: its names, the health of its real servers, its quorum, and which of its servers are
//! in the table because of these.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::check::Checker;
use crate::ipvs::Pool;
use crate::model::{RealServer, ServerId, ServerKey, SorryServer, VirtualServer, Weight};
use crate::time::Instant;

/// A virtual server and the health of its real servers, in file order.
#[derive(Debug)]
pub struct Server {
    config: VirtualServer,
    id: ServerId,
    name: String,
    sorry_name: Option<String>,
    reals: Vec<Real>,
    has_quorum: bool,
}

/// A quorum that was gained or lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuorumChange {
    /// Gained, or lost.
    pub gained: bool,
    /// It is the verdict at start or reload, not after a change of health.
    pub initial: bool,
    /// Quorum and hysteresis together, as they were compared.
    threshold: u32,
    /// What the real servers that are up weigh.
    weight: u64,
}

/// A real server and its checkers, in file order.
#[derive(Debug)]
pub struct Real {
    name: String,
    address: SocketAddr,
    weight: Weight,
    inhibit: bool,
    checkers: Vec<Checker>,
}

impl Server {
    /// A virtual server whose real servers all count as up; `at_start` of the daemon, or added by a reload. `random`
    /// gives numbers from 0 to 1.
    pub fn new(config: VirtualServer, at_start: bool, now: Instant, mut random: impl FnMut() -> f64) -> Server {
        let create = if at_start { Checker::start } else { Checker::added };
        let checkers = |real: &RealServer| {
            real.checkers.iter().map(|settings| create(Arc::clone(settings), now, random())).collect()
        };
        Server::assemble(config, false, checkers)
    }

    /// The same virtual server with a new configuration. Checkers that ask what they asked before keep their health.
    pub fn reloaded(&self, config: VirtualServer, now: Instant, mut random: impl FnMut() -> f64) -> Server {
        let checkers = |real: &RealServer| {
            let mut before: Vec<&Checker> =
                self.real(address(real)).map(|real| real.checkers.iter().collect()).unwrap_or_default();
            let carry_on = |settings: &Arc<crate::model::Checker>| {
                let settings = Arc::clone(settings);
                match before.iter().position(|checker| checker.asks_the_same(&settings)) {
                    Some(position) => before.remove(position).reloaded(settings, now, random()),
                    None => Checker::added(settings, now, random()),
                }
            };
            real.checkers.iter().map(carry_on).collect()
        };
        Server::assemble(config, self.has_quorum, checkers)
    }

    fn assemble(
        config: VirtualServer,
        has_quorum: bool,
        mut checkers: impl FnMut(&RealServer) -> Vec<Checker>,
    ) -> Server {
        let protocol = config.target.protocol_name();
        let real = |real: &RealServer| Real {
            name: format!("[{}]:{protocol}:{}", real.address, real.port),
            address: address(real),
            weight: real.weight,
            inhibit: real.inhibit_on_failure,
            checkers: checkers(real),
        };
        let sorry_name = |sorry: &SorryServer| format!("[{}]:{protocol}:{}", sorry.address, sorry.port);
        Server {
            name: config.target.id().to_string(),
            sorry_name: config.sorry_server.as_ref().map(sorry_name),
            id: config.target.id(),
            reals: config.real_servers.iter().map(real).collect(),
            config,
            has_quorum,
        }
    }

    /// What identifies it.
    pub fn id(&self) -> &ServerId {
        &self.id
    }

    /// Its services.
    pub fn keys(&self) -> impl Iterator<Item = ServerKey> + '_ {
        self.config.target.keys()
    }

    /// Which of its servers are in the table, and with what weight. One that is not needed stays with weight 0 where it
    /// is only to be inhibited.
    pub fn pool(&self) -> Pool {
        let of = |is_needed, weight, inhibit| match (is_needed, inhibit) {
            (true, _) => Some(weight),
            (false, true) => Some(Weight::ZERO),
            (false, false) => None,
        };
        let serves = !self.is_sorry();
        let reals = self.reals.iter().map(|real| of(real.is_up() && serves, real.weight(), real.inhibit)).collect();
        let sorry = self.config.sorry_server.as_ref();
        let sorry =
            sorry.and_then(|sorry| of(self.is_sorry(), Weight::DEFAULT, sorry.inhibit && !self.has_twin(sorry)));
        Pool { reals, sorry }
    }

    /// Whether the sorry server answers instead of the real servers.
    pub fn is_sorry(&self) -> bool {
        !self.has_quorum && self.config.sorry_server.is_some()
    }

    /// Whether the sorry server is one of the real servers, whose entry it then shares.
    fn has_twin(&self, sorry: &SorryServer) -> bool {
        self.real(SocketAddr::new(sorry.address, sorry.port)).is_some()
    }

    /// As keepalived names its sorry server.
    pub fn sorry_name(&self) -> Option<&str> {
        self.sorry_name.as_deref()
    }

    /// What the file says about its sorry server.
    pub fn sorry_server(&self) -> Option<&SorryServer> {
        self.config.sorry_server.as_ref()
    }

    /// As keepalived names it: `[192.0.2.1]:tcp:80`, `FWM 1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the file says.
    pub fn config(&self) -> &VirtualServer {
        &self.config
    }

    /// Its real servers, in file order.
    pub fn reals(&self) -> std::slice::Iter<'_, Real> {
        self.reals.iter()
    }

    /// The real server at a position of [`Server::reals`].
    pub fn at(&self, position: usize) -> &Real {
        &self.reals[position]
    }

    /// The real server with this address and port.
    pub fn real(&self, address: SocketAddr) -> Option<&Real> {
        self.reals.iter().find(|real| real.address == address)
    }

    /// A checker of a real server, both by position.
    pub fn checker(&mut self, real: usize, checker: usize) -> Option<&mut Checker> {
        self.reals.get_mut(real)?.checkers.get_mut(checker)
    }

    /// Whether its quorum is there.
    pub fn has_quorum(&self) -> bool {
        self.has_quorum
    }

    /// Compares the weight of what is up with the quorum; `initial` at start and reload. `None` when nothing is to be
    /// said. Sums wrap as keepalived's do, so that a quorum of 0 is one that nothing reaches.
    pub fn evaluate_quorum(&mut self, initial: bool) -> Option<QuorumChange> {
        let up = self.reals.iter().filter(|real| real.is_up());
        let weight: u64 = up.map(|real| u64::from(real.weight().get())).sum();
        let VirtualServer { quorum, hysteresis, .. } = self.config;
        let threshold = if self.has_quorum { quorum.wrapping_sub(hysteresis) } else { quorum.wrapping_add(hysteresis) };
        let change = QuorumChange { gained: weight >= threshold.into(), initial, threshold, weight };
        match self.has_quorum {
            false if change.gained => self.has_quorum = true,
            // keepalived takes the sorry server in at start, and says why.
            false if initial && self.config.sorry_server.is_some() => {}
            true if weight == 0 || !change.gained => {
                self.has_quorum = false;
                return Some(QuorumChange { gained: false, ..change });
            }
            _ => return None,
        }
        Some(change)
    }

    /// The line about a change of the quorum.
    pub fn quorum_line(&self, change: &QuorumChange) -> String {
        let VirtualServer { quorum, hysteresis, .. } = self.config;
        let QuorumChange { gained, initial, threshold, weight } = *change;
        let name = &self.name;
        if gained {
            return format!("Gained quorum {quorum}+{hysteresis}={threshold} <= {weight} for VS {name}");
        }
        let verb = if initial { "Starting with quorum down" } else { "Lost quorum" };
        format!("{verb} {quorum}-{hysteresis}={threshold} > {weight} for VS {name}")
    }

    /// The body of a mail about a quorum that goes with the virtual server.
    pub fn lost_mail(&self) -> String {
        let VirtualServer { quorum, hysteresis, .. } = self.config;
        let threshold = quorum.wrapping_sub(hysteresis);
        self.quorum_mail(&QuorumChange { gained: false, initial: false, threshold, weight: 0 })
    }

    /// The body of a mail about a change of the quorum (`check/ipwrapper.c`: `do_vs_notifies`).
    pub fn quorum_mail(&self, change: &QuorumChange) -> String {
        let VirtualServer { quorum, hysteresis, .. } = self.config;
        let what = match (change.initial, change.gained) {
            (true, true) => "Starting with quorum up",
            (false, true) => "Gained quorum",
            (true, false) => "Starting with quorum down",
            (false, false) => "Lost quorum",
        };
        format!("=> {what} {quorum}+{hysteresis}={} <= {} <=", change.threshold, change.weight)
    }
}

impl Real {
    /// As keepalived names it, with the protocol of its virtual server: `[192.0.2.7]:tcp:80`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Address and port as programmed.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it stays with weight 0 while it is down.
    pub fn is_inhibited_on_failure(&self) -> bool {
        self.inhibit
    }

    /// Its weight: what is configured and what its checkers add to it, within what the kernel takes.
    pub fn weight(&self) -> Weight {
        let configured = self.weight.get();
        let change: i64 = self.checkers.iter().map(|checker| checker.weight(configured)).sum();
        let sum = i64::from(configured).saturating_add(change).clamp(0, i32::MAX.into());
        u32::try_from(sum).ok().and_then(Weight::new).unwrap_or(self.weight)
    }

    /// Its checkers, in file order.
    pub fn checkers(&self) -> &[Checker] {
        &self.checkers
    }

    /// A real server is up when no checker of it is down.
    pub fn is_up(&self) -> bool {
        self.checkers.iter().all(Checker::is_up)
    }

    /// Whether a single checker keeps it down: the one that has just gone down.
    pub fn is_up_but_for_one(&self) -> bool {
        self.checkers.iter().filter(|checker| !checker.is_up()).count() == 1
    }
}

fn address(real: &RealServer) -> SocketAddr {
    SocketAddr::new(real.address, real.port)
}
