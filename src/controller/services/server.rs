//! One virtual server while it runs: its names, the health of its real servers, its quorum.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::check::Checker;
use crate::ipvs::Pool;
use crate::model::{RealServer, ServerId, ServerKey, VirtualServer, Weight};
use crate::time::Instant;

/// A virtual server and the health of its real servers, in file order.
#[derive(Debug)]
pub struct Server {
    config: VirtualServer,
    id: ServerId,
    name: String,
    reals: Vec<Real>,
    has_quorum: bool,
}

/// A real server and its checkers, in file order.
#[derive(Debug)]
pub struct Real {
    name: String,
    address: SocketAddr,
    weight: Weight,
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
            checkers: checkers(real),
        };
        Server {
            name: config.target.id().to_string(),
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

    /// Which of its servers are in the table, and with what weight.
    pub fn pool(&self) -> Pool {
        let reals = self.reals.iter().map(|real| real.is_up().then_some(real.weight())).collect();
        Pool { reals, sorry: None }
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
    pub fn reals(&self) -> impl Iterator<Item = &Real> {
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

    /// Compares the weight of what is up with the quorum, which is 1; what to say when it is gained or lost. Without a
    /// sorry server nothing else follows from it.
    pub fn evaluate_quorum(&mut self) -> Option<String> {
        let up = self.reals.iter().filter(|real| real.is_up());
        let weight: u64 = up.map(|real| u64::from(real.weight().get())).sum();
        let had_quorum = std::mem::replace(&mut self.has_quorum, weight >= 1);
        match (had_quorum, self.has_quorum) {
            (false, true) => Some(format!("Gained quorum 1+0=1 <= {weight} for VS {}", self.name)),
            (true, false) => Some(format!("Lost quorum 1-0=1 > {weight} for VS {}", self.name)),
            (false, false) | (true, true) => None,
        }
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
