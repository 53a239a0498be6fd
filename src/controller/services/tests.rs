//! Virtual servers in a world with a fake kernel, a fake network and a clock.

mod incidents;
mod pools;
mod world;

use std::net::SocketAddr;

use self::world::*;
use super::*;
use crate::model::Weight;

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
            "service [172.17.0.4]:tcp:80 no longer exist",
            "Removing service [172.17.0.4]:tcp:80 from VS [172.17.0.10]:tcp:80",
            "Removing Virtual Server FWM 1",
            "Removing service [172.17.0.4]:none:80 from VS FWM 1",
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
    world.kernel = Some(table_of(&before));
    world.configure(config(vec![virtual_server(web(), vec![real(4, 4, &[]), real(5, 2, &[])])]));
    let host = |last: u8| SocketAddr::from(([172, 17, 0, last], 80));
    let weighted = crate::ipvs::destination(&real(5, 2, &[]), Weight::new(2).expect("small"));
    assert_eq!(
        world.applied,
        [Change::UpdateDestination(web(), host(5), weighted), Change::RemoveDestination(web(), host(9))]
    );
}

#[test]
fn a_stop_takes_out_what_is_ours_and_nothing_else() {
    let mut world = World::started(pair());
    let foreign = virtual_server(mark(), vec![real(7, 1, &[])]);
    let entry = table_of(&foreign).services.swap_remove(&mark()).expect("one service");
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
    assert_eq!(
        services.handle(now, ServicesEvent::ProbeFinished(*id, Outcome::Failed(crate::check::Cause::ConnectFailed))),
        []
    );
}

#[test]
fn what_changes_while_the_table_is_read_or_changed_is_taken_up_afterwards() {
    let mut services = Services::new(1);
    let now = Instant::ZERO;
    let start = services.handle(now, ServicesEvent::Configure(pair(), LocalNames::default()));
    assert_eq!(start.last(), Some(&ServicesAction::ReadTable(Scope { services: [web()].into(), foreign: false })));
    let stop = services.handle(now, ServicesEvent::Stop);
    assert!(!stop.iter().any(|action| matches!(action, ServicesAction::ReadTable(_) | ServicesAction::Stopped)));
    let next = services.handle(now, ServicesEvent::TableRead(Ok(Table::default())));
    assert_eq!(next, [ServicesAction::Stopped], "nothing is added that would have to go again");
}
