//! Virtual servers in a world with a fake kernel, a fake network and a clock.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::lvs::Family;
use crate::model::{
    self, CheckTiming, CheckerKind, EmailSettings, Forwarding, Global, Protocol, RealServer, Scheduler, VirtualServer,
    Weight,
};

const SECOND: Duration = Duration::from_secs(1);

/// Virtual servers with a fake kernel, a fake network and a clock.
struct World {
    services: Services,
    now: Instant,
    /// `None`: a kernel without IPVS.
    kernel: Option<Table>,
    /// The errno of every change that is refused.
    refused: Option<i32>,
    /// The hosts that answer.
    alive: Vec<u8>,
    reports: Vec<String>,
    mails: Vec<(String, String)>,
    applied: Vec<Change>,
    reads: usize,
    stopped: bool,
}

impl World {
    fn new() -> World {
        World {
            services: Services::new(1),
            now: Instant::ZERO,
            kernel: Some(Table::default()),
            refused: None,
            alive: vec![4, 5],
            reports: Vec::new(),
            mails: Vec::new(),
            applied: Vec::new(),
            reads: 0,
            stopped: false,
        }
    }

    fn started(config: Config) -> World {
        let mut world = World::new();
        world.configure(config);
        world
    }

    fn configure(&mut self, config: Config) {
        self.feed(ServicesEvent::Configure(config, LocalNames::default()));
    }

    /// Feeds one event and everything that follows from it.
    fn feed(&mut self, event: ServicesEvent) {
        for action in self.services.handle(self.now, event) {
            match action {
                ServicesAction::Probe(id, probe) => {
                    let SocketAddr::V4(target) = probe.target else { panic!("IPv4 only here") };
                    let alive = self.alive.contains(&target.ip().octets()[3]);
                    let outcome = if alive { Outcome::Connected } else { Outcome::Failed };
                    self.feed(ServicesEvent::ProbeFinished(id, outcome));
                }
                ServicesAction::ReadTable(keys) => {
                    self.reads += 1;
                    let table = self.kernel.clone().ok_or(Unavailable::NoIpvs);
                    let table = table.map(|table| table.retain(|key| keys.contains(key)));
                    self.feed(ServicesEvent::TableRead(table));
                }
                ServicesAction::Apply(changes) => {
                    let table = self.kernel.as_mut().expect("read before");
                    let mut failures = Vec::new();
                    for change in changes {
                        match self.refused {
                            Some(errno) => failures.push(failure(change, errno)),
                            None => {
                                change.apply(table).expect("the kernel would take it");
                                self.applied.push(change);
                            }
                        }
                    }
                    self.feed(ServicesEvent::Applied(failures));
                }
                ServicesAction::Mail(mail) => self.mails.push((mail.subject, mail.body)),
                ServicesAction::Report(_, text) => self.reports.push(text),
                ServicesAction::AbandonProbes => {}
                ServicesAction::Stopped => self.stopped = true,
            }
        }
    }

    /// Lets this much time pass.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.services.next_deadline().filter(|at| *at <= end) {
            self.now = at;
            self.feed(ServicesEvent::Tick);
        }
        self.now = end;
    }

    /// The last byte of the destinations' addresses, with their weights.
    fn pool(&self, key: ServerKey) -> Vec<(u8, u32)> {
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

    fn take_reports(&mut self) -> Vec<String> {
        std::mem::take(&mut self.reports)
    }
}

fn failure(change: Change, errno: i32) -> Failure {
    Failure { change, reason: "Numerical result out of range".to_owned(), errno: (errno != 0).then_some(errno) }
}

fn web() -> ServerKey {
    ServerKey::Address { protocol: Protocol::Tcp, address: Ipv4Addr::new(172, 17, 0, 10).into(), port: 80 }
}

fn mark() -> ServerKey {
    ServerKey::Fwmark { mark: NonZeroU32::MIN, family: Family::Ipv4 }
}

fn checker(retry: u32) -> model::Checker {
    model::Checker {
        timing: CheckTiming {
            delay_loop: 2 * SECOND,
            connect_timeout: 2 * SECOND,
            retry,
            delay_before_retry: SECOND,
            warmup: Duration::ZERO,
        },
        target: ([172, 17, 0, 0], 80).into(),
        kind: CheckerKind::Tcp,
    }
}

fn real(host: u8, weight: u32, checkers: &[model::Checker]) -> RealServer {
    let address = Ipv4Addr::new(172, 17, 0, host);
    let aimed = |checker: &model::Checker| model::Checker { target: (address, 80).into(), ..checker.clone() };
    RealServer {
        address: address.into(),
        port: 80,
        forwarding: Forwarding::Dr,
        weight: Weight::new(weight).expect("small"),
        checkers: checkers.iter().map(aimed).collect(),
    }
}

fn virtual_server(key: ServerKey, real_servers: Vec<RealServer>) -> VirtualServer {
    VirtualServer { key, scheduler: Scheduler::DEFAULT, persistence: None, real_servers }
}

fn config(virtual_servers: Vec<VirtualServer>) -> Config {
    let email = EmailSettings {
        recipients: vec!["a@example.org".to_owned()],
        from: Some("root".to_owned()),
        server: Some(([127, 0, 0, 1], 25).into()),
        ..EmailSettings::default()
    };
    let global = Global { router_id: Some("R".to_owned()), email, ..Global::default() };
    Config { global, virtual_servers, ..Config::default() }
}

/// Two checked real servers of weights 1 and 2.
fn pair() -> Config {
    config(vec![virtual_server(web(), vec![real(4, 1, &[checker(1)]), real(5, 2, &[checker(1)])])])
}

#[test]
fn at_start_all_real_servers_are_in_and_the_checkers_are_announced() {
    let mut world = World::started(pair());
    assert_eq!(world.pool(web()), [(4, 1), (5, 2)]);
    assert_eq!(
        world.take_reports(),
        [
            "Gained quorum 1+0=1 <= 3 for VS [172.17.0.10]:tcp:80",
            "Activating healthchecker for service [172.17.0.4]:tcp:80 for VS [172.17.0.10]:tcp:80",
            "Activating healthchecker for service [172.17.0.5]:tcp:80 for VS [172.17.0.10]:tcp:80",
        ]
    );
    assert_eq!(world.mails, []);
}

#[test]
fn real_servers_leave_and_return_with_keepalived_s_words_and_mails() {
    let mut world = World::started(pair());
    world.take_reports();
    world.alive.clear();
    world.pass(SECOND);
    assert_eq!(world.pool(web()), []);
    assert_eq!(
        world.take_reports(),
        [
            "TCP_CHECK on service [172.17.0.4]:tcp:80 failed.",
            "Removing service [172.17.0.4]:tcp:80 from VS [172.17.0.10]:tcp:80",
            "TCP_CHECK on service [172.17.0.5]:tcp:80 failed.",
            "Removing service [172.17.0.5]:tcp:80 from VS [172.17.0.10]:tcp:80",
            "Lost quorum 1-0=1 > 0 for VS [172.17.0.10]:tcp:80",
        ]
    );
    world.alive = vec![5];
    world.pass(2 * SECOND);
    assert_eq!(world.pool(web()), [(5, 2)]);
    assert_eq!(
        world.take_reports(),
        [
            "TCP connection to [172.17.0.5]:tcp:80 success.",
            "Adding service [172.17.0.5]:tcp:80 to VS [172.17.0.10]:tcp:80",
            "Gained quorum 1+0=1 <= 2 for VS [172.17.0.10]:tcp:80",
        ]
    );
    let mail = |host: u8, state: &str, body: &str| {
        let subject =
            format!("[R] Realserver [172.17.0.{host}]:tcp:80 of virtual server [172.17.0.10]:tcp:80 - {state}");
        (subject, body.to_owned())
    };
    assert_eq!(
        world.mails,
        [
            mail(4, "DOWN", "=> TCP CHECK failed on service <="),
            mail(5, "DOWN", "=> TCP CHECK failed on service <="),
            mail(5, "UP", "=> TCP CHECK succeed on service <="),
        ]
    );
}

#[test]
fn a_real_server_with_two_checkers_is_up_only_when_both_pass() {
    let twice = real(4, 1, &[checker(0), checker(0)]);
    let mut world = World::started(config(vec![virtual_server(web(), vec![twice, real(5, 1, &[])])]));
    world.alive.clear();
    world.pass(SECOND);
    let removals = world.reports.iter().filter(|text| text.starts_with("Removing service")).count();
    assert_eq!((removals, world.mails.len()), (1, 2), "one removal, a mail for each checker");
    world.alive = vec![4];
    world.pass(2 * SECOND);
    let subjects: Vec<_> = world.mails.iter().map(|(subject, _)| subject.rsplit(' ').next().expect("a word")).collect();
    assert_eq!(subjects, ["DOWN", "DOWN", "DOWN", "UP"], "the mail tells of the real server's state");
    assert_eq!(world.pool(web()), [(4, 1), (5, 1)]);
}

#[test]
fn a_mark_s_real_servers_have_no_protocol_and_no_weight_is_no_quorum() {
    let mut world = World::started(config(vec![virtual_server(mark(), vec![real(4, 0, &[checker(0)])])]));
    let activating = "Activating healthchecker for service [172.17.0.4]:none:80 for VS FWM 1";
    assert_eq!(world.take_reports(), [activating]);
    assert_eq!(world.pool(mark()), [(4, 0)]);
}

#[test]
fn a_reload_that_changes_a_weight_is_one_change_and_keeps_the_health() {
    let mut world = World::started(pair());
    world.alive = vec![5];
    world.pass(SECOND);
    world.applied.clear();
    world.take_reports();
    let mut changed = pair();
    changed.virtual_servers[0].real_servers[1].weight = Weight::new(5).expect("small");
    world.configure(changed);
    assert!(matches!(world.applied.as_slice(), [Change::UpdateDestination(..)]), "{:?}", world.applied);
    assert_eq!(world.pool(web()), [(5, 5)]);
    assert_eq!(
        world.take_reports()[0],
        "Changing weight from 2 to 5 for active service [172.17.0.5]:tcp:80 of VS [172.17.0.10]:tcp:80"
    );
}

#[test]
fn a_reload_without_a_change_changes_nothing() {
    let mut world = World::started(pair());
    world.applied.clear();
    world.configure(pair());
    assert_eq!(world.applied, []);
}

#[test]
fn a_reload_takes_out_what_is_gone_and_tells() {
    let both = config(vec![
        virtual_server(web(), vec![real(4, 1, &[]), real(5, 2, &[])]),
        virtual_server(mark(), vec![real(4, 1, &[])]),
    ]);
    let mut world = World::started(both);
    world.take_reports();
    world.configure(config(vec![virtual_server(web(), vec![real(5, 2, &[])])]));
    assert_eq!(
        world.take_reports(),
        [
            "Removing Virtual Server FWM 1",
            "Removing service [172.17.0.4]:none:80 from VS FWM 1",
            "service [172.17.0.4]:tcp:80 no longer exist",
            "Removing service [172.17.0.4]:tcp:80 from VS [172.17.0.10]:tcp:80",
        ]
    );
    assert!(world.mails.iter().all(|(_, body)| body == "=> Removing <="));
    assert_eq!(world.mails.len(), 2);
    let services: Vec<_> = world.kernel.as_ref().expect("IPVS").services.keys().collect();
    assert_eq!(services, [&web()]);
}

#[test]
fn a_real_server_whose_failed_checker_is_taken_away_returns_at_once() {
    let mut world = World::started(pair());
    world.alive = vec![5];
    world.pass(SECOND);
    world.take_reports();
    world.configure(config(vec![virtual_server(web(), vec![real(4, 1, &[]), real(5, 2, &[checker(1)])])]));
    assert_eq!(world.take_reports()[0], "Adding service [172.17.0.4]:tcp:80 to VS [172.17.0.10]:tcp:80");
    assert_eq!(world.pool(web()), [(4, 1), (5, 2)]);
}

#[test]
fn a_checker_added_by_a_reload_has_its_retries() {
    let mut world = World::started(config(vec![virtual_server(web(), vec![real(4, 1, &[])])]));
    world.alive.clear();
    world.configure(config(vec![virtual_server(web(), vec![real(4, 1, &[checker(1)])])]));
    world.pass(SECOND);
    assert_eq!(world.pool(web()), [(4, 1)]);
    world.pass(SECOND);
    assert_eq!(world.pool(web()), []);
}

#[test]
fn what_a_crash_left_behind_is_adopted() {
    let before = virtual_server(web(), [4, 5, 9].map(|host| real(host, host.into(), &[])).into());
    let mut world = World::new();
    world.kernel = Some(desired([(&before, |_| true)]));
    world.configure(config(vec![virtual_server(web(), vec![real(4, 4, &[]), real(5, 2, &[])])]));
    let host = |last: u8| SocketAddr::from(([172, 17, 0, last], 80));
    let weighted = crate::ipvs::destination(&real(5, 2, &[]));
    assert_eq!(
        world.applied,
        [Change::RemoveDestination(web(), host(9)), Change::UpdateDestination(web(), host(5), weighted),]
    );
}

#[test]
fn a_stop_takes_out_what_is_ours_and_nothing_else() {
    let mut world = World::started(pair());
    let foreign = virtual_server(mark(), vec![real(7, 1, &[])]);
    let entry = desired([(&foreign, |_| true)]).services.swap_remove(&mark()).expect("one service");
    world.kernel.as_mut().expect("IPVS").services.insert(mark(), entry);
    world.take_reports();
    world.feed(ServicesEvent::Stop);
    assert!(world.stopped);
    assert_eq!(world.pool(mark()), [(7, 1)]);
    assert_eq!(world.kernel.as_ref().expect("IPVS").services.len(), 1);
    assert_eq!(
        world.take_reports(),
        [
            "Shutting down service [172.17.0.4]:tcp:80 from VS [172.17.0.10]:tcp:80",
            "Shutting down service [172.17.0.5]:tcp:80 from VS [172.17.0.10]:tcp:80",
        ]
    );
    assert_eq!(world.services.next_deadline(), None);
}

#[test]
fn a_kernel_without_ipvs_is_mentioned_once_and_tried_again_at_the_next_change() {
    let mut world = World::new();
    world.kernel = None;
    world.configure(pair());
    let complaints = |world: &World| world.reports.iter().filter(|text| text.contains("modprobe ip_vs")).count();
    assert_eq!(complaints(&world), 1);
    world.alive = vec![5];
    world.pass(SECOND);
    assert!(world.reports.iter().any(|text| text.starts_with("Removing service")), "checks go on");
    assert_eq!((complaints(&world), world.reads), (1, 2));
    world.kernel = Some(Table::default());
    world.configure(pair());
    assert_eq!(world.pool(web()), [(5, 2)]);
}

#[test]
fn a_stop_without_ipvs_ends_at_once() {
    let mut world = World::new();
    world.kernel = None;
    world.configure(pair());
    world.feed(ServicesEvent::Stop);
    assert!(world.stopped);
}

#[test]
fn a_refused_change_is_told_in_keepalived_s_words_and_tried_again_with_the_next_one() {
    let mut world = World::new();
    world.refused = Some(34);
    world.configure(pair());
    let told = "IPVS cmd IP_VS_SO_SET_ADDDEST(1159) error: Numerical result out of range(34) \
                (172.17.0.10:tcp:80 -> 172.17.0.4:80)";
    assert!(world.reports.iter().any(|text| text == told), "{:?}", world.reports);
    world.refused = None;
    world.pass(10 * SECOND);
    assert_eq!(world.applied, [], "not before something changes");
    world.configure(pair());
    assert_eq!(world.pool(web()), [(4, 1), (5, 2)]);
}

#[test]
fn a_change_that_failed_without_a_refusal_is_tried_again_soon() {
    let mut world = World::new();
    world.refused = Some(0);
    world.configure(pair());
    world.refused = None;
    world.pass(5 * SECOND);
    assert_eq!(world.pool(web()), [(4, 1), (5, 2)]);
}

#[test]
fn a_probe_from_before_a_reload_is_of_no_account() {
    let mut services = Services::new(1);
    let now = Instant::ZERO;
    services.handle(now, ServicesEvent::Configure(pair(), LocalNames::default()));
    let now = services.next_deadline().expect("a check is due");
    let probes = services.handle(now, ServicesEvent::Tick);
    let Some(ServicesAction::Probe(id, _)) = probes.first() else { panic!("a probe, not {probes:?}") };
    let actions = services.handle(now, ServicesEvent::Configure(pair(), LocalNames::default()));
    assert!(actions.contains(&ServicesAction::AbandonProbes));
    assert_eq!(services.handle(now, ServicesEvent::ProbeFinished(*id, Outcome::Failed)), []);
}

#[test]
fn what_changes_while_the_table_is_read_or_changed_is_taken_up_afterwards() {
    let mut services = Services::new(1);
    let now = Instant::ZERO;
    let start = services.handle(now, ServicesEvent::Configure(pair(), LocalNames::default()));
    assert_eq!(start.last(), Some(&ServicesAction::ReadTable(vec![web()])));
    let stop = services.handle(now, ServicesEvent::Stop);
    assert!(!stop.iter().any(|action| matches!(action, ServicesAction::ReadTable(_) | ServicesAction::Stopped)));
    let next = services.handle(now, ServicesEvent::TableRead(Ok(Table::default())));
    assert_eq!(next, [ServicesAction::ReadTable(vec![web()])], "nothing is added that would have to go again");
    let last = services.handle(now, ServicesEvent::TableRead(Ok(Table::default())));
    assert_eq!(last, [ServicesAction::Stopped]);
}

/// What happens to a director, all of it while it runs.
#[derive(Debug, Clone)]
enum Incident {
    /// A host begins or ceases to answer.
    Toggle(u8),
    /// Time passes.
    Pass(u64),
    /// One of three configurations is loaded.
    Load(usize),
    /// IPVS goes away with all it holds, or comes back empty.
    ToggleIpvs,
    /// Somebody takes our destinations out.
    Meddle,
    /// From now on changes fail, with this errno (0: without one), or no more.
    Refuse(Option<i32>),
}

fn any_incident() -> impl Strategy<Value = Incident> {
    prop_oneof![
        (4u8..7).prop_map(Incident::Toggle),
        (1u64..8).prop_map(Incident::Pass),
        (0usize..3).prop_map(Incident::Load),
        Just(Incident::ToggleIpvs),
        Just(Incident::Meddle),
        prop_oneof![Just(None), Just(Some(0)), Just(Some(34))].prop_map(Incident::Refuse),
    ]
}

/// Three configurations that share some virtual and real servers.
fn configurations() -> [Config; 3] {
    let checked = |host| real(host, 1, &[checker(1)]);
    [
        pair(),
        config(vec![virtual_server(web(), vec![checked(5), checked(6)]), virtual_server(mark(), vec![checked(4)])]),
        config(vec![virtual_server(mark(), vec![checked(4), real(5, 7, &[])])]),
    ]
}

proptest! {
    /// Whatever happened: once the kernel takes changes again and the file is read again, the table holds exactly the
    /// real servers that answer; and after a stop nothing but what is not ours.
    #[test]
    fn in_the_end_the_table_holds_what_answers(incidents in proptest::collection::vec(any_incident(), 0..30)) {
        let foreign = virtual_server(
            ServerKey::Fwmark { mark: NonZeroU32::MAX, family: Family::Ipv6 },
            vec![real(9, 1, &[])],
        );
        let foreign = desired([(&foreign, |_| true)]);
        let mut world = World::new();
        world.kernel = Some(foreign.clone());
        let mut loaded = 0;
        world.configure(configurations()[loaded].clone());
        for incident in incidents {
            match incident {
                Incident::Toggle(host) => match world.alive.iter().position(|alive| *alive == host) {
                    Some(position) => drop(world.alive.remove(position)),
                    None => world.alive.push(host),
                },
                Incident::Pass(seconds) => world.pass(Duration::from_secs(seconds)),
                Incident::Load(number) => {
                    loaded = number;
                    world.configure(configurations()[loaded].clone());
                }
                Incident::ToggleIpvs => {
                    world.kernel = if world.kernel.is_some() { None } else { Some(foreign.clone()) };
                }
                Incident::Meddle => {
                    let ours = world.kernel.iter_mut().flat_map(|table| table.services.iter_mut());
                    for (_, entry) in ours.filter(|(key, _)| !foreign.services.contains_key(*key)) {
                        entry.destinations.clear();
                    }
                }
                Incident::Refuse(errno) => world.refused = errno,
            }
        }
        world.refused = None;
        world.kernel.get_or_insert_with(|| foreign.clone());
        world.pass(Duration::from_secs(60));
        world.configure(configurations()[loaded].clone());
        let checked = |real: &RealServer| !real.checkers.is_empty();
        let answers = |real: &RealServer| match real.address {
            std::net::IpAddr::V4(address) => world.alive.contains(&address.octets()[3]),
            std::net::IpAddr::V6(_) => false,
        };
        let servers = configurations()[loaded].virtual_servers.clone();
        let up = |server: &VirtualServer| -> Vec<bool> {
            server.real_servers.iter().map(|real| !checked(real) || answers(real)).collect()
        };
        let mut expected = desired(servers.iter().map(|server| {
            let up = up(server);
            (server, move |real: usize| up[real])
        }));
        expected.services.extend(foreign.services.clone());
        prop_assert_eq!(world.kernel.as_ref(), Some(&expected));
        world.feed(ServicesEvent::Stop);
        prop_assert!(world.stopped);
        prop_assert_eq!(world.kernel.as_ref(), Some(&foreign));
    }
}
