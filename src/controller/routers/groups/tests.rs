//! Two members of one group driven by hand: what one does, the other does, in keepalived's order.

use std::time::Duration;

use crate::controller::report::RoutersReport;
use crate::controller::routers::tests::{at, interface, run_until, started_with, up};
use crate::controller::routers::{Action, Event, Routers, Settings};
use crate::model::{
    Command, FileName, InterfaceName, Notify, Priority, ProcessName, SyncGroup, TrackWeight, Tracked, TrackedObject,
    Vrid, VrrpInstance,
};
use crate::notify::vrrp::Message;
use crate::time::Instant;
use crate::track::script::tests::script;
use crate::track::{Outcome, ScriptTracker};
use crate::vrrp::StateName;
use crate::vrrp::router::tests::{instance, vip};

fn member(name: &str, vrid: u8) -> VrrpInstance {
    let virtual_addresses = vec![vip(&format!("10.99.100.{vrid}/16"))];
    let vrid = Vrid::new(vrid).expect("not zero");
    VrrpInstance { name: name.to_owned(), vrid, virtual_addresses, ..instance() }
}

fn tracking(instance: VrrpInstance, object: TrackedObject, weight: i64) -> VrrpInstance {
    let weight = TrackWeight::new(weight, false).expect("in range");
    VrrpInstance { tracked: vec![Tracked { object, weight }], ..instance }
}

fn group(members: &[&str]) -> SyncGroup {
    SyncGroup {
        name: "G".to_owned(),
        members: members.iter().map(|name| (*name).to_owned()).collect(),
        tracked: Vec::new(),
        tracking_weight: false,
        notify: Notify::default(),
    }
}

fn settings(instances: Vec<VrrpInstance>) -> Settings {
    let members: Vec<&str> = instances.iter().map(|instance| instance.name.as_str()).collect();
    let sync_groups = vec![group(&members)];
    Settings { instances, sync_groups, ..Settings::default() }
}

/// The FIFO lines among the actions, without their ends.
fn lines(actions: &[Action]) -> Vec<String> {
    let line = |action: &Action| match action {
        Action::Notify(Message::Line(line)) => Some(line.trim_end().to_owned()),
        _ => None,
    };
    actions.iter().filter_map(line).collect()
}

/// VRID and priority of every advert among the actions.
fn adverts(actions: &[Action]) -> Vec<(u8, u8)> {
    let advert = |action: &Action| match action {
        Action::SendDatagram { bytes, .. } => Some((bytes[21], bytes[22])),
        _ => None,
    };
    actions.iter().filter_map(advert).collect()
}

fn states(routers: &Routers) -> Vec<StateName> {
    routers.status().into_iter().map(|status| status.state).collect()
}

use StateName::{Backup, Fault, Master};

fn object(name: &str) -> TrackedObject {
    TrackedObject::Process(ProcessName(name.to_owned()))
}

fn quorum(name: &str, reached: bool) -> Event {
    Event::ProcessQuorum { name: ProcessName(name.to_owned()), reached }
}

/// A and B, each with a process of its own that runs.
fn pair() -> Routers {
    let instances = vec![tracking(member("A", 51), object("a"), 0), tracking(member("B", 52), object("b"), 0)];
    let mut routers = Routers::new();
    for event in [interface(Some(up())), quorum("a", true), quorum("b", true)] {
        routers.handle(Instant::ZERO, event);
    }
    let actions = routers.handle(Instant::ZERO, Event::Configure(settings(instances)));
    assert_eq!(lines(&actions), ["GROUP \"G\" BACKUP 0", "INSTANCE \"A\" BACKUP 100", "INSTANCE \"B\" BACKUP 100"]);
    routers
}

fn master_pair() -> Routers {
    let mut routers = pair();
    run_until(&mut routers, Duration::from_secs(4));
    assert_eq!(states(&routers), [Master, Master]);
    routers
}

#[test]
fn the_last_member_that_wants_it_makes_all_master() {
    let mut routers = pair();
    let actions = run_until(&mut routers, Duration::from_secs(4));
    let expected = ["INSTANCE \"B\" MASTER 100", "INSTANCE \"A\" MASTER 100", "GROUP \"G\" MASTER 0"];
    assert_eq!(lines(&actions), expected);
    assert_eq!(adverts(&actions)[..2], [(52, 100), (51, 100)]);
    let syncing = |action: &Action| matches!(action, Action::Report(RoutersReport::Syncing { state: Master, .. }));
    assert_eq!(actions.iter().filter(|action| syncing(action)).count(), 1);
}

#[test]
fn a_member_that_hears_a_master_keeps_the_others_back() {
    let mut routers = pair();
    // A's peer is better and alive, B's is silent.
    for seconds in 1..20 {
        let actions = run_until(&mut routers, Duration::from_secs(seconds));
        assert_eq!(adverts(&actions), [], "nobody speaks");
        routers.handle(at(seconds), crate::controller::routers::tests::advert_for(51, 200));
    }
    assert_eq!(states(&routers), [Backup, Backup]);
    let actions = run_until(&mut routers, Duration::from_secs(30));
    assert_eq!(lines(&actions).last().map(String::as_str), Some("GROUP \"G\" MASTER 0"));
    assert_eq!(states(&routers), [Master, Master]);
}

#[test]
fn a_better_router_for_one_takes_all_to_backup_without_a_farewell() {
    let mut routers = master_pair();
    let actions = routers.handle(at(5), crate::controller::routers::tests::advert_for(52, 200));
    let expected = ["INSTANCE \"B\" BACKUP 100", "INSTANCE \"A\" BACKUP 100", "GROUP \"G\" BACKUP 0"];
    assert_eq!(lines(&actions), expected);
    assert_eq!(adverts(&actions), []);
    assert_eq!(states(&routers), [Backup, Backup]);
}

#[test]
fn a_fault_of_one_is_a_fault_of_all_and_the_last_recovery_frees_all() {
    let mut routers = master_pair();
    let actions = routers.handle(at(5), quorum("a", false));
    let expected = ["INSTANCE \"A\" FAULT 100", "INSTANCE \"B\" FAULT 100", "GROUP \"G\" FAULT 0"];
    assert_eq!(lines(&actions), expected);
    assert_eq!(adverts(&actions), [(51, 0), (51, 0), (52, 0)], "twice from the one that failed");
    // The second failure, and the end of the first, change nothing.
    assert_eq!(lines(&routers.handle(at(6), quorum("b", false))), [""; 0]);
    assert_eq!(lines(&routers.handle(at(7), quorum("a", true))), [""; 0]);
    assert_eq!(states(&routers), [Fault, Fault]);
    let actions = routers.handle(at(8), quorum("b", true));
    let expected = ["INSTANCE \"B\" BACKUP 100", "INSTANCE \"A\" BACKUP 100", "GROUP \"G\" BACKUP 0"];
    assert_eq!(lines(&actions), expected);
}

#[test]
fn a_group_that_begins_with_a_fault_is_told_last() {
    let instances = vec![member("A", 51), tracking(member("B", 52), object("b"), 0), member("C", 53)];
    let mut routers = Routers::new();
    routers.handle(Instant::ZERO, interface(Some(up())));
    let actions = routers.handle(Instant::ZERO, Event::Configure(settings(instances)));
    let expected =
        ["INSTANCE \"B\" FAULT 100", "INSTANCE \"A\" FAULT 100", "INSTANCE \"C\" FAULT 100", "GROUP \"G\" FAULT 0"];
    assert_eq!(lines(&actions), expected);
}

fn finished(success: bool) -> Event {
    let outcome = Outcome::Exited(i32::from(!success));
    Event::ScriptFinished { name: script("chk").name, run: 1, outcome }
}

fn waiting_pair() -> Routers {
    let chk = TrackedObject::Script(script("chk").name);
    let instances = vec![tracking(member("A", 51), chk, 0), member("B", 52)];
    let mut routers = Routers::new();
    routers.handle(Instant::ZERO, interface(Some(up())));
    let settings = Settings { scripts: vec![script("chk")], ..settings(instances) };
    let actions = routers.handle(Instant::ZERO, Event::Configure(settings));
    assert_eq!(lines(&actions), [""; 0], "keepalived waits without a word");
    routers.handle(Instant::ZERO, Event::Timer);
    assert_eq!(states(&routers), [Fault, Fault]);
    routers
}

#[test]
fn all_wait_for_the_script_of_one() {
    let actions = waiting_pair().handle(at(1), finished(true));
    let expected = ["INSTANCE \"A\" BACKUP 100", "INSTANCE \"B\" BACKUP 100", "GROUP \"G\" BACKUP 0"];
    assert_eq!(lines(&actions), expected);
    // Recorded from keepalived 2.2.7: the member that has not been told anything yet is not told this either.
    let actions = waiting_pair().handle(at(1), finished(false));
    assert_eq!(lines(&actions), ["INSTANCE \"A\" FAULT 100", "GROUP \"G\" FAULT 0"]);
}

#[test]
fn owners_are_master_at_once_if_all_are() {
    let owner = |name, vrid| VrrpInstance {
        priority: Priority::OWNER,
        initial_state: crate::model::InitialState::Master,
        ..member(name, vrid)
    };
    let mut routers = started_with(settings(vec![owner("A", 51), owner("B", 52)]));
    run_until(&mut routers, Duration::ZERO);
    assert_eq!(states(&routers), [Master, Master]);
    let mut routers = started_with(settings(vec![owner("A", 51), member("B", 52)]));
    run_until(&mut routers, Duration::from_secs(1));
    assert_eq!(states(&routers), [Backup, Backup]);
}

#[test]
fn a_reload_adds_a_member_and_takes_one_away_without_touching_the_others() {
    let mut routers = master_pair();
    let three =
        vec![tracking(member("A", 51), object("a"), 0), tracking(member("B", 52), object("b"), 0), member("C", 53)];
    let actions = routers.handle(at(5), Event::Configure(settings(three.clone())));
    assert_eq!(lines(&actions), ["INSTANCE \"C\" BACKUP 100"]);
    let actions = run_until(&mut routers, Duration::from_secs(9));
    assert_eq!(lines(&actions), ["INSTANCE \"C\" MASTER 100"]);
    assert_eq!(states(&routers), [Master, Master, Master]);
    // Out of the group, C no longer fails with the others.
    let alone = Settings { sync_groups: vec![group(&["A", "B"])], instances: three, ..Settings::default() };
    assert_eq!(lines(&routers.handle(at(10), Event::Configure(alone))), [""; 0]);
    routers.handle(at(11), quorum("a", false));
    assert_eq!(states(&routers), [Fault, Fault, Master]);
}

/// keepalived would go on with half a group.
#[test]
fn a_late_member_that_obeys_a_better_router_takes_the_others_along() {
    let mut routers = master_pair();
    let three = settings(vec![
        tracking(member("A", 51), object("a"), 0),
        tracking(member("B", 52), object("b"), 0),
        member("C", 53),
    ]);
    routers.handle(at(5), Event::Configure(three));
    let actions = routers.handle(at(6), crate::controller::routers::tests::advert_for(53, 200));
    let expected = ["INSTANCE \"A\" BACKUP 100", "INSTANCE \"B\" BACKUP 100", "GROUP \"G\" BACKUP 0"];
    assert_eq!(lines(&actions), expected);
}

#[test]
fn what_is_tracked_moves_the_priority_or_fails() {
    let eth1 = InterfaceName::new("eth1").expect("a name");
    let load = FileName("load".to_owned());
    let weight = |value| TrackWeight::new(value, false).expect("in range");
    let tracked = vec![
        Tracked { object: TrackedObject::Interface(eth1.clone()), weight: weight(-30) },
        Tracked { object: TrackedObject::File(load.clone()), weight: weight(1) },
        Tracked { object: object("web"), weight: weight(5) },
    ];
    let notify = Notify {
        priority_changes: true,
        any: Some(Command { argv: vec!["/bin/any".to_owned()], user: None }),
        ..Notify::default()
    };
    let instances = vec![VrrpInstance { tracked, notify, ..member("A", 51) }];
    let mut routers = started_with(Settings { instances, ..Settings::default() });
    let priority = |routers: &Routers| routers.status()[0].priority.get();
    assert_eq!(priority(&routers), 70, "eth1 does not exist");
    let link =
        |running| Event::Interface { name: eth1.clone(), facts: Some(crate::model::Interface { running, ..up() }) };
    assert_eq!(lines(&routers.handle(at(1), link(true))), ["INSTANCE \"A\" BACKUP_PRIORITY 100"]);
    assert_eq!(lines(&routers.handle(at(1), quorum("web", true))), ["INSTANCE \"A\" BACKUP_PRIORITY 105"]);
    let value = |value| Event::FileValue { name: load.clone(), value };
    routers.handle(at(1), value(-20));
    assert_eq!(priority(&routers), 85);
    routers.handle(at(1), value(-254));
    assert_eq!(states(&routers), [Fault]);
    routers.handle(at(2), value(0));
    assert_eq!((states(&routers), priority(&routers)), (vec![Backup], 105));
}

#[test]
fn a_script_that_a_reload_brings_is_not_waited_for() {
    let mut routers = started_with(Settings { instances: vec![member("A", 51)], ..Settings::default() });
    run_until(&mut routers, Duration::from_secs(4));
    let chk = TrackedObject::Script(script("chk").name);
    let instances = vec![tracking(member("A", 51), chk, 0)];
    routers
        .handle(at(5), Event::Configure(Settings { instances, scripts: vec![script("chk")], ..Settings::default() }));
    assert_eq!(states(&routers), [Master]);
    assert!(ScriptTracker::new(at(5), script("chk")).is_waited_for());
    run_until(&mut routers, Duration::from_secs(5));
    routers.handle(at(6), finished(false));
    assert_eq!(states(&routers), [Fault]);
}
