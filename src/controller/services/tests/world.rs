//! The world of the tests: a fake kernel, a fake network and a clock, and configurations to run in it.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::check::Cause;

use crate::controller::services::*;
use crate::ipvs::{Conflict, Pool};
use crate::model::ipvs::ServiceFlags;
use crate::model::lvs::Family;
use crate::model::{
    self, CheckTiming, CheckerKind, EmailSettings, Forwarding, Global, Protocol, RealServer, Route, Scheduler, Target,
    VirtualServer, Weight,
};

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// Virtual servers with a fake kernel, a fake network and a clock.
pub(super) struct World {
    pub(super) services: Services,
    pub(super) now: Instant,
    /// `None`: a kernel without IPVS.
    pub(super) kernel: Option<Table>,
    /// The errno of every change that is refused.
    pub(super) refused: Option<i32>,
    /// The hosts that answer.
    pub(super) alive: Vec<u8>,
    pub(super) reports: Vec<String>,
    pub(super) mails: Vec<(String, String)>,
    /// Scripts and lines.
    pub(super) told: Vec<String>,
    pub(super) applied: Vec<Change>,
    pub(super) reads: usize,
    pub(super) stopped: bool,
}

impl World {
    pub(super) fn new() -> World {
        World {
            services: Services::new(1),
            now: Instant::ZERO,
            kernel: Some(Table::default()),
            refused: None,
            alive: vec![4, 5],
            reports: Vec::new(),
            mails: Vec::new(),
            told: Vec::new(),
            applied: Vec::new(),
            reads: 0,
            stopped: false,
        }
    }

    pub(super) fn started(config: Config) -> World {
        let mut world = World::new();
        world.configure(config);
        world
    }

    pub(super) fn configure(&mut self, config: Config) {
        self.feed(ServicesEvent::Configure(config, LocalNames::default()));
    }

    /// Feeds one event and everything that follows from it.
    pub(super) fn feed(&mut self, event: ServicesEvent) {
        for action in self.services.handle(self.now, event) {
            match action {
                ServicesAction::Probe(id, probe) => {
                    let SocketAddr::V4(target) = probe.checker.route.target else { panic!("IPv4 only here") };
                    let alive = self.alive.contains(&target.ip().octets()[3]);
                    let outcome = if alive { Outcome::Passed } else { Outcome::Failed(Cause::ConnectFailed) };
                    self.feed(ServicesEvent::ProbeFinished(id, outcome));
                }
                ServicesAction::ReadTable(scope) => {
                    self.reads += 1;
                    let table = self.kernel.clone().ok_or(Unavailable::NoIpvs);
                    let table = table.map(|table| table.retain(|key| scope.foreign || scope.services.contains(key)));
                    self.feed(ServicesEvent::TableRead(table));
                }
                ServicesAction::Apply(changes) => {
                    let mut failures = Vec::new();
                    for change in changes {
                        let errno = match (self.refused, &mut self.kernel) {
                            (Some(errno), _) => Some(errno),
                            (None, None) => Some(0),
                            (None, Some(table)) => change.apply(table).err().map(|conflict| match conflict {
                                Conflict::Exists => 17,
                                Conflict::NoService => 3,
                                Conflict::NoDestination => 2,
                            }),
                        };
                        match errno {
                            Some(errno) => failures.push(failure(change, errno)),
                            None => self.applied.push(change),
                        }
                    }
                    self.feed(ServicesEvent::Applied(failures));
                }
                ServicesAction::ReadSettings | ServicesAction::ApplySettings(_) => panic!("nothing asks for them"),
                ServicesAction::Run(command) => self.told.push(command.argv.join(" ")),
                ServicesAction::Line(line) => self.told.push(line.trim_end().to_owned()),
                ServicesAction::Mail(mail) => self.mails.push((mail.subject, mail.body)),
                ServicesAction::Report(_, text) => self.reports.push(text),
                ServicesAction::AbandonProbes => {}
                ServicesAction::Stopped => self.stopped = true,
            }
        }
    }

    /// Lets this much time pass.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.services.next_deadline().filter(|at| *at <= end) {
            self.now = at;
            self.feed(ServicesEvent::Tick);
        }
        self.now = end;
    }

    /// The last byte of the destinations' addresses, with their weights.
    pub(super) fn pool(&self, key: ServerKey) -> Vec<(u8, u32)> {
        let entry = &self.kernel.as_ref().expect("a kernel with IPVS").services[&key];
        let mut pool: Vec<_> = entry
            .destinations
            .iter()
            .map(|(address, destination)| match address.ip() {
                std::net::IpAddr::V4(address) => (address.octets()[3], destination.weight.get()),
                std::net::IpAddr::V6(_) => panic!("IPv4 only here"),
            })
            .collect();
        pool.sort_unstable();
        pool
    }

    pub(super) fn take_reports(&mut self) -> Vec<String> {
        std::mem::take(&mut self.reports)
    }
}

pub(super) fn failure(change: Change, errno: i32) -> Failure {
    Failure { change, reason: "Numerical result out of range".to_owned(), errno: (errno != 0).then_some(errno) }
}

pub(super) fn web() -> ServerKey {
    ServerKey::Address { protocol: Protocol::Tcp, address: Ipv4Addr::new(172, 17, 0, 10).into(), port: 80 }
}

pub(super) fn mark() -> ServerKey {
    ServerKey::Fwmark { mark: NonZeroU32::MIN, family: Family::Ipv4 }
}

pub(super) fn checker(retry: u32) -> model::Checker {
    model::Checker {
        timing: CheckTiming {
            delay_loop: 2 * SECOND,
            connect_timeout: 2 * SECOND,
            retry,
            delay_before_retry: SECOND,
            warmup: Duration::ZERO,
        },
        route: Route::to(([172, 17, 0, 0], 80).into()),
        alpha: false,
        log_all_failures: false,
        kind: CheckerKind::Tcp,
    }
}

pub(super) fn real(host: u8, weight: u32, checkers: &[model::Checker]) -> RealServer {
    let address = Ipv4Addr::new(172, 17, 0, host);
    let aimed = |checker: &model::Checker| {
        Arc::new(model::Checker { route: Route::to((address, 80).into()), ..checker.clone() })
    };
    RealServer {
        address: address.into(),
        port: 80,
        forwarding: Forwarding::Dr,
        weight: Weight::new(weight).expect("small"),
        upper_threshold: 0,
        lower_threshold: 0,
        inhibit_on_failure: false,
        notify_up: None,
        notify_down: None,
        smtp_alert: true,
        snmp_name: None,
        checkers: checkers.iter().map(aimed).collect(),
    }
}

pub(super) fn virtual_server(key: ServerKey, real_servers: Vec<RealServer>) -> VirtualServer {
    VirtualServer {
        target: Target::Service(key),
        scheduler: Scheduler::DEFAULT,
        flags: ServiceFlags::default(),
        persistence: None,
        sorry_server: None,
        quorum: 1,
        hysteresis: 0,
        quorum_up: None,
        quorum_down: None,
        omega: false,
        ha_suspend: false,
        smtp_alert: false,
        snmp_name: None,
        real_servers,
    }
}

pub(super) fn config(virtual_servers: Vec<VirtualServer>) -> Config {
    let email = EmailSettings {
        recipients: vec!["a@example.org".to_owned()],
        from: Some("root".to_owned()),
        server: Some(([127, 0, 0, 1], 25).into()),
        ..EmailSettings::default()
    };
    let global = Global { router_id: Some("R".to_owned()), email, ..Global::default() };
    Config { global, virtual_servers, ..Config::default() }
}

/// The table with all real servers of one virtual server.
pub(super) fn table_of(server: &VirtualServer) -> Table {
    let reals = server.real_servers.iter().map(|real| Some(real.weight)).collect();
    desired([(server, Pool { reals, sorry: None })], |_| true)
}

/// Two checked real servers of weights 1 and 2.
pub(super) fn pair() -> Config {
    config(vec![virtual_server(web(), vec![real(4, 1, &[checker(1)]), real(5, 2, &[checker(1)])])])
}
