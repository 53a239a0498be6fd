//! Every transition of a virtual router, with the sentence of RFC 3768 that it follows.

use std::net::Ipv4Addr;

use super::*;
use crate::model::{AdvertInterval, Family, InterfaceName, TrackedObject, Vrid};

/// vrid 51, priority 100 on eth0, one address.
pub(crate) fn instance() -> VrrpInstance {
    let interface = InterfaceName::new("eth0").expect("a name");
    VrrpInstance {
        virtual_addresses: vec![vip("10.99.100.1/16")],
        ..VrrpInstance::new("VI_1", interface, Vrid::new(51).expect("not zero"), Family::V4)
    }
}

pub(crate) fn vip(net: &str) -> VirtualAddress {
    VirtualAddress::new(net.parse().expect("an address"), InterfaceName::new("eth0").expect("a name"))
}

const OWN: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 99, 0, 11));
const LOWER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 99, 0, 10));
const HIGHER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 99, 0, 12));

fn at(millis: u64) -> Instant {
    Instant::from_start(Duration::from_millis(millis))
}

fn heard(source: IpAddr, priority: u8) -> Event {
    Event::Advert(Heard { source, priority: Priority::new(priority), interval: AdvertInterval::DEFAULT })
}

fn down_cause() -> FaultCause {
    FaultCause::InterfaceDown(InterfaceName::new("eth0").expect("a name"))
}

fn started(config: VrrpInstance) -> VirtualRouter {
    let mut router = VirtualRouter::new(config);
    router.handle(at(0), Event::Source(OWN));
    router.handle(at(0), Event::Start);
    router
}

fn backup() -> VirtualRouter {
    started(instance())
}

fn master() -> VirtualRouter {
    let mut router = backup();
    let due = router.next_deadline().expect("a backup waits");
    router.handle(due, Event::Timer);
    assert_eq!(router.state(), StateName::Master);
    router
}

fn sent(actions: &[Action]) -> Vec<u8> {
    actions.iter().filter_map(|a| if let Action::SendAdvert(p) = a { Some(p.get()) } else { None }).collect()
}

fn without_reports(actions: Vec<Action>) -> Vec<Action> {
    actions.into_iter().filter(|a| !matches!(a, Action::Report(_))).collect()
}

#[test]
fn a_start_waits_the_whole_down_interval_whatever_state_says() {
    for initial_state in [InitialState::Unset, InitialState::Backup, InitialState::Master] {
        let router = started(VrrpInstance { initial_state, ..instance() });
        assert_eq!(router.state(), StateName::Backup);
        assert_eq!(router.next_deadline(), Some(Instant::from_start(Duration::from_micros(3_609_375))));
    }
}

#[test]
fn only_an_owner_starts_as_master_unless_the_file_says_backup() {
    let owner = VrrpInstance { priority: Priority::OWNER, ..instance() };
    assert_eq!(started(owner.clone()).state(), StateName::Master);
    let told = VrrpInstance { initial_state: InitialState::Backup, ..owner };
    assert_eq!(started(told).state(), StateName::Backup);
}

#[test]
fn start_removes_what_a_killed_predecessor_left() {
    let mut router = VirtualRouter::new(instance());
    let actions = without_reports(router.handle(at(0), Event::Start));
    assert_eq!(actions, vec![Action::RemoveAddresses(instance().virtual_addresses)]);
}

#[test]
fn becoming_master_advertises_then_sets_then_announces() {
    let mut router = backup();
    let due = router.next_deadline().expect("a backup waits");
    let actions = without_reports(router.handle(due, Event::Timer));
    assert_eq!(
        actions,
        vec![
            Action::SendAdvert(Priority::new(100)),
            Action::AddAddresses(instance().virtual_addresses),
            Action::Announce { rounds: 5 },
        ]
    );
    assert_eq!(router.next_deadline(), Some(due + Duration::from_secs(1)));
}

#[test]
fn the_second_burst_comes_after_garp_master_delay_and_only_once() {
    let mut router = master();
    let start = router.next_deadline().expect("adverts") + Duration::ZERO;
    let mut bursts = Vec::new();
    for _ in 0..20 {
        let now = router.next_deadline().expect("adverts");
        if router.handle(now, Event::Timer).contains(&Action::Announce { rounds: 5 }) {
            bursts.push(now - start);
        }
    }
    assert_eq!(bursts, vec![Duration::from_secs(4)]); // 5 s after mastership, 4 s after the second advert
}

#[test]
fn a_timer_that_fires_early_does_nothing() {
    let mut router = backup();
    assert_eq!(router.handle(at(3609), Event::Timer), vec![]);
    let mut router = master();
    assert_eq!(router.handle(at(3700), Event::Timer), vec![]);
}

/// Every (state, advert) of RFC 3768 §6.4 with what must come of it.
#[test]
fn adverts_decide_as_the_standard_says() {
    struct Case {
        sentence: &'static str,
        config: VrrpInstance,
        master: bool,
        advert: Event,
        state: StateName,
        sent: Vec<u8>,
        /// Deadline after the advert, milliseconds from it; `None` means unchanged.
        deadline: Option<u64>,
    }
    let plain = instance;
    let nopreempt = || VrrpInstance { preempt: false, ..instance() };
    let cases = [
        Case {
            sentence: "§6.4.2 priority zero: wait Skew_Time only",
            config: plain(),
            master: false,
            advert: heard(HIGHER, 0),
            state: StateName::Backup,
            sent: vec![],
            deadline: Some(609),
        },
        Case {
            sentence: "§6.4.2 a better router: reset the timer",
            config: plain(),
            master: false,
            advert: heard(LOWER, 101),
            state: StateName::Backup,
            sent: vec![],
            deadline: Some(3609),
        },
        Case {
            sentence: "§6.4.2 an equal router, even with a lower address: reset the timer",
            config: plain(),
            master: false,
            advert: heard(LOWER, 100),
            state: StateName::Backup,
            sent: vec![],
            deadline: Some(3609),
        },
        Case {
            sentence: "§6.4.2 a worse router and Preempt_Mode: discard",
            config: plain(),
            master: false,
            advert: heard(HIGHER, 99),
            state: StateName::Backup,
            sent: vec![],
            deadline: None,
        },
        Case {
            sentence: "§6.4.2 a worse router without Preempt_Mode: reset the timer",
            config: nopreempt(),
            master: false,
            advert: heard(HIGHER, 1),
            state: StateName::Backup,
            sent: vec![],
            deadline: Some(3609),
        },
        Case {
            sentence: "§6.4.3 priority zero: advertise at once",
            config: plain(),
            master: true,
            advert: heard(HIGHER, 0),
            state: StateName::Master,
            sent: vec![100],
            deadline: Some(1000),
        },
        Case {
            sentence: "§6.4.3 a better router: yield",
            config: plain(),
            master: true,
            advert: heard(LOWER, 101),
            state: StateName::Backup,
            sent: vec![],
            deadline: Some(3609),
        },
        Case {
            sentence: "§6.4.3 an equal priority with a higher address: yield",
            config: plain(),
            master: true,
            advert: heard(HIGHER, 100),
            state: StateName::Backup,
            sent: vec![],
            deadline: Some(3609),
        },
        Case {
            sentence: "§6.4.3 an equal priority with a lower address: stay, and say so",
            config: plain(),
            master: true,
            advert: heard(LOWER, 100),
            state: StateName::Master,
            sent: vec![100],
            deadline: Some(1000),
        },
        Case {
            sentence: "§6.4.3 a worse router: stay, and say so",
            config: plain(),
            master: true,
            advert: heard(HIGHER, 99),
            state: StateName::Master,
            sent: vec![100],
            deadline: Some(1000),
        },
        Case {
            sentence: "our own address heard: nothing",
            config: plain(),
            master: true,
            advert: heard(OWN, 100),
            state: StateName::Master,
            sent: vec![],
            deadline: None,
        },
        Case {
            sentence: "§6.4.3 nopreempt does not make a master yield to a worse one",
            config: nopreempt(),
            master: true,
            advert: heard(HIGHER, 99),
            state: StateName::Master,
            sent: vec![100],
            deadline: Some(1000),
        },
    ];
    for case in cases {
        let mut router = started(case.config);
        let mut now = at(0);
        if case.master {
            now = router.next_deadline().expect("a backup waits");
            router.handle(now, Event::Timer);
        }
        now += Duration::from_millis(400);
        let unchanged = router.next_deadline();
        let actions = router.handle(now, case.advert);
        assert_eq!(router.state(), case.state, "{}", case.sentence);
        assert_eq!(sent(&actions), case.sent, "{}", case.sentence);
        match case.deadline {
            None => assert_eq!(router.next_deadline(), unchanged, "{}", case.sentence),
            Some(millis) => {
                let wait = router.next_deadline().expect("a timer runs") - now;
                assert_eq!(wait.as_millis() as u64, millis, "{}", case.sentence);
            }
        }
        let yielded = case.master && case.state == StateName::Backup;
        let released = actions.contains(&Action::RemoveAddresses(instance().virtual_addresses));
        assert_eq!(released, yielded, "{}", case.sentence);
    }
}

#[test]
fn stop_says_farewell_and_leaves_nothing() {
    let mut router = master();
    let actions = without_reports(router.handle(at(5000), Event::Stop));
    let farewell = vec![Action::SendAdvert(Priority::STOP), Action::RemoveAddresses(instance().virtual_addresses)];
    assert_eq!(actions, farewell);
    assert_eq!(router.next_deadline(), None);
    assert_eq!(backup().handle(at(1), Event::Stop), vec![]);
}

#[test]
fn a_fault_takes_the_addresses_and_recovery_listens_first() {
    let mut router = master();
    let actions = router.handle(at(5000), Event::Fault(down_cause()));
    assert_eq!(sent(&actions), vec![0, 0]);
    assert_eq!((router.state(), router.next_deadline()), (StateName::Fault, None));
    assert_eq!(router.handle(at(5500), heard(HIGHER, 0)), vec![]);

    router.handle(
        at(5600),
        Event::Fault(FaultCause::Tracked(TrackedObject::Script(crate::model::ScriptName("chk".into())))),
    );
    router.handle(at(6000), Event::Recovered(down_cause()));
    assert_eq!(router.state(), StateName::Fault, "one cause of two is left");
    router.handle(
        at(7000),
        Event::Recovered(FaultCause::Tracked(TrackedObject::Script(crate::model::ScriptName("chk".into())))),
    );
    assert_eq!(router.state(), StateName::Backup);
    assert_eq!(router.next_deadline().map(|d| (d - at(7000)).as_millis()), Some(3609));
}

#[test]
fn a_cause_known_before_start_is_fault_from_the_start() {
    let mut router = VirtualRouter::new(VrrpInstance { priority: Priority::OWNER, ..instance() });
    router.handle(at(0), Event::Fault(down_cause()));
    router.handle(at(0), Event::Start);
    assert_eq!(router.state(), StateName::Fault);
    router.handle(at(9), Event::Recovered(down_cause()));
    assert_eq!(router.state(), StateName::Backup, "an owner that was down listens, too");
}

#[test]
fn a_script_that_has_not_returned_holds_the_start_without_a_word() {
    let untested = FaultCause::UntestedScript(crate::model::ScriptName("chk".into()));
    let mut router = VirtualRouter::new(VrrpInstance { priority: Priority::OWNER, ..instance() });
    router.handle(at(0), Event::Fault(untested.clone()));
    let actions = router.handle(at(0), Event::Start);
    let told = actions.iter().any(|action| matches!(action, Action::Report(Report::Entered { .. })));
    assert_eq!((told, router.state()), (false, StateName::Fault));
    router.handle(at(2), Event::Recovered(untested));
    assert_eq!(router.state(), StateName::Master, "an owner that was only held back starts as one");
}

#[test]
fn a_priority_change_moves_the_running_timer_by_the_difference() {
    let mut router = backup();
    router.handle(at(1000), Event::Priority(Priority::new(80)));
    let expected = Duration::from_micros(3_609_375) + Duration::from_micros(20 * 1_000_000 / 256);
    assert_eq!(router.next_deadline(), Some(Instant::from_start(expected)));
    assert_eq!(router.handle(at(1000), Event::Priority(Priority::new(80))), vec![]);
}

#[test]
fn a_master_advertises_a_new_priority_with_the_next_advert() {
    let mut router = master();
    let actions = router.handle(at(4000), Event::Priority(Priority::new(80)));
    assert_eq!(sent(&actions), Vec::<u8>::new());
    let due = router.next_deadline().expect("adverts");
    assert_eq!(sent(&router.handle(due, Event::Timer)), vec![80]);
}

#[test]
fn a_lost_address_is_put_back_at_once_but_not_in_a_frenzy() {
    let mut router = master();
    let now = at(4000);
    let puts_back = |actions: &[Action]| actions.iter().any(|a| matches!(a, Action::AddAddresses(_)));
    assert!(puts_back(&router.handle(now, Event::Lost)));
    assert!(!puts_back(&router.handle(now, Event::Lost)));
    let due = router.next_deadline().expect("adverts");
    assert!(puts_back(&router.handle(due, Event::Timer)));
    assert!(backup().handle(now, Event::Lost).is_empty());
}

#[test]
fn a_reload_touches_only_what_differs() {
    let mut router = master();
    let due = router.next_deadline();
    assert_eq!(router.handle(at(3700), Event::Reconfigured(Box::new(instance()))), vec![]);
    assert_eq!(router.next_deadline(), due, "the rhythm goes on");

    let virtual_addresses = vec![vip("10.99.100.2/16"), vip("10.99.100.1/24")];
    let changed = VrrpInstance { virtual_addresses: virtual_addresses.clone(), ..instance() };
    let actions = without_reports(router.handle(at(3800), Event::Reconfigured(Box::new(changed))));
    assert_eq!(
        actions,
        vec![
            Action::RemoveAddresses(vec![vip("10.99.100.1/16")]),
            Action::AddAddresses(virtual_addresses),
            Action::SendAdvert(Priority::new(100)),
            Action::Announce { rounds: 5 },
        ]
    );
    assert_eq!(router.state(), StateName::Master);
}

#[test]
fn a_reload_of_a_backup_keeps_its_timer_running() {
    let mut router = backup();
    let due = router.next_deadline();
    let changed = VrrpInstance { preempt: false, virtual_addresses: vec![vip("10.99.100.9/32")], ..instance() };
    assert_eq!(router.handle(at(2000), Event::Reconfigured(Box::new(changed))), vec![]);
    assert_eq!(router.next_deadline(), due);
}

#[test]
fn a_backup_of_version_3_waits_by_the_master_s_interval_and_a_master_sends_by_its_own() {
    let centiseconds = |n| AdvertInterval::from_centiseconds(n).expect("in range");
    let mut router = started(VrrpInstance { advert_interval: centiseconds(100), ..instance() });
    let slow = Heard { source: HIGHER, priority: Priority::new(200), interval: centiseconds(500) };
    router.handle(at(100), Event::Advert(slow));
    // 3 × 5 s + 156/256 of 5 s
    assert_eq!(router.next_deadline().map(|due| (due - at(100)).as_millis()), Some(18_046));
    let due = router.next_deadline().expect("a timer runs");
    router.handle(due, Event::Timer);
    assert_eq!(router.next_deadline(), Some(due + Duration::from_secs(1)));
}
