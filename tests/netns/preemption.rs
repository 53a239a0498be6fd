//! Who owns the address when the better router returns?

use std::time::Duration;

use crate::common::vrrp_conf::{VIP, master_down_interval};
use crate::common::wait::{stamp, throughout, wait_for};
use crate::common::{Program, eventually};
use crate::pairs::{CLOCK_SLACK, HIGH, LATENESS, Pairing};

const PAIRINGS: [Pairing; 3] = [
    Pairing { a: Program::Alived, b: Program::Alived, unicast: false },
    Pairing { a: Program::Alived, b: Program::Keepalived, unicast: false },
    Pairing { a: Program::Keepalived, b: Program::Alived, unicast: false },
];

#[test]
fn the_better_router_preempts_two_alived() {
    the_better_router_preempts(PAIRINGS[0]);
}

#[test]
fn a_better_alived_preempts_keepalived() {
    the_better_router_preempts(PAIRINGS[1]);
}

#[test]
fn a_better_keepalived_preempts_alived() {
    the_better_router_preempts(PAIRINGS[2]);
}

#[test]
fn nopreempt_leaves_the_address_where_it_is_two_alived() {
    nopreempt_leaves_the_address_where_it_is(PAIRINGS[0]);
}

#[test]
fn nopreempt_of_alived_leaves_the_address_on_keepalived() {
    nopreempt_leaves_the_address_where_it_is(PAIRINGS[1]);
}

#[test]
fn nopreempt_of_keepalived_leaves_the_address_on_alived() {
    nopreempt_leaves_the_address_where_it_is(PAIRINGS[2]);
}

/// The owner is killed, so that it returns to an interface that still has the address.
fn the_better_router_preempts(pairing: Pairing) {
    let lab = pairing.settled();
    let (a, b) = (lab.host("a"), lab.host("b"));
    let fault = a.kill();
    wait_for("b to take over", Duration::from_secs(8), || lab.garps_of(b, fault).into_iter().next());
    assert!(a.holds(VIP), "the dead daemon's address is left over");

    let back = stamp();
    a.start(pairing.a, &pairing.conf(&lab, "a", HIGH).text());
    eventually("the left-over address to go", LATENESS, || lab.owners(VIP) == ["b"]);
    let first = wait_for("a's first advert", Duration::from_secs(8), || lab.adverts_of(a, back).into_iter().next());
    assert!(first.at - back + CLOCK_SLACK >= master_down_interval(HIGH), "a listens first: {:?}", first.at - back);
    eventually("b to yield", LATENESS, || lab.owners(VIP) == ["a"]);
    let goodbye = lab.adverts_of(b, back).into_iter().find(|advert| advert.priority == 0);
    assert_eq!(goodbye, None, "a router that yields sends no priority 0");
    throughout("a alone holds the address", Duration::from_secs(2), || lab.owners(VIP) == ["a"]);
}

fn nopreempt_leaves_the_address_where_it_is(pairing: Pairing) {
    let lab = pairing.settled_with(|conf| conf.line("nopreempt"));
    let (a, b) = (lab.host("a"), lab.host("b"));
    a.terminate();
    eventually("b to take over", Duration::from_secs(8), || lab.owners(VIP) == ["b"]);

    let back = stamp();
    a.start(pairing.a, &pairing.conf(&lab, "a", HIGH).line("nopreempt").text());
    let long_enough_to_preempt = master_down_interval(HIGH) + Duration::from_secs(2);
    throughout("b alone holds the address", long_enough_to_preempt, || lab.owners(VIP) == ["b"]);
    assert_eq!(lab.adverts_of(a, back), [], "a backup is silent");

    // A silent master is replaced all the same.
    b.kill();
    wait_for("a to replace a silent master", Duration::from_secs(8), || lab.garps_of(a, back).into_iter().next());
}
