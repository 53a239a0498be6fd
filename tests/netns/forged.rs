//! Can a packet that is not what it should be change what runs?
//!
//! Every flaw is tried with the two priorities that would hurt most: 255 would dethrone the master, 0 would wake the
//! backup. At the end the same advert without a flaw is obeyed, so the others were refused for their flaw alone.

use std::time::Duration;

use crate::common::forge::{Forged, send_raw};
use crate::common::lab::{Host, HostPlan, Lab};
use crate::common::vrrp_conf::{VIP, VRID, VrrpConf};
use crate::common::wait::{Stamp, stamp, throughout};
use crate::common::{Program, eventually};
use crate::pairs::{HIGH, LATENESS, LOW};

/// One thing that is wrong, and how the log names it.
struct Flaw {
    name: &'static str,
    /// The log has one of these, once at least: a reason is not repeated for every packet. None where keepalived too is
    /// silent, because another virtual router's packets are no news.
    log: &'static [&'static str],
    make: fn(&mut Forged),
}

const FLAWS: &[Flaw] = &[
    Flaw { name: "TTL 254", log: &["ttl"], make: |advert| advert.ttl = 254 },
    Flaw { name: "wrong checksum", log: &["checksum"], make: |advert| advert.checksum_error = 0x0101 },
    Flaw { name: "four octets short", log: &["length"], make: |advert| advert.cut = 4 },
    Flaw { name: "four octets long", log: &["length"], make: |advert| advert.appended = vec![0; 4] },
    Flaw { name: "more addresses claimed than sent", log: &["length"], make: |advert| advert.count = 200 },
    Flaw { name: "cut inside the header", log: &["too short"], make: |advert| advert.cut = 16 },
    Flaw { name: "version 3", log: &["version", "too long"], make: |advert| advert.version = 3 },
    Flaw { name: "not an advertisement", log: &["packet type"], make: |advert| advert.kind = 2 },
    Flaw { name: "no authentication", log: &["a 0 auth"], make: |advert| advert.auth_type = 0 },
    Flaw { name: "authentication type 7", log: &["auth type"], make: |advert| advert.auth_type = 7 },
    Flaw { name: "wrong password", log: &["passwd", "password"], make: |advert| advert.auth_data = *b"12345\0\0\0" },
    Flaw { name: "another interval", log: &["interval"], make: |advert| advert.interval = 2 },
    Flaw { name: "another router's number", log: &[], make: |advert| advert.vrid = VRID + 1 },
    Flaw { name: "router number 0", log: &[], make: |advert| advert.vrid = 0 },
];

/// An alived that owns the address, one that stands by, and a host that runs nothing and means no good.
fn two_routers_and_a_stranger() -> Lab {
    let lab = Lab::new(vec![HostPlan::numbered("a", 11), HostPlan::numbered("b", 12), HostPlan::numbered("x", 66)]);
    lab.host("a").start(Program::Alived, &VrrpConf::with_priority(HIGH).text());
    lab.host("b").start(Program::Alived, &VrrpConf::with_priority(LOW).text());
    lab.settle("a", VIP);
    lab
}

#[track_caller]
fn assert_unimpressed(lab: &Lab, since: Stamp) {
    assert_eq!(lab.owners(VIP), ["a"]);
    let adverts = lab.adverts_of(lab.host("a"), since);
    assert!(adverts.iter().all(|advert| advert.priority == HIGH), "{adverts:?}");
    assert_eq!(lab.adverts_of(lab.host("b"), since), [], "the backup has no reason to speak");
}

#[test]
fn no_flawed_advert_moves_the_address_and_each_is_named_in_the_log() {
    let lab = two_routers_and_a_stranger();
    let (a, b, x) = (lab.host("a"), lab.host("b"), lab.host("x"));
    let begin = stamp();
    for flaw in FLAWS {
        for priority in [255, 0] {
            let mut advert = Forged::right(x.address(), priority);
            (flaw.make)(&mut advert);
            advert.send(x);
        }
        let named = |host: &Host| {
            let log = host.log().to_lowercase();
            flaw.log.is_empty() || flaw.log.iter().any(|word| log.contains(word))
        };
        eventually(&format!("{:?} in both logs after: {}", flaw.log, flaw.name), LATENESS, || named(a) && named(b));
        assert_unimpressed(&lab, begin);
    }
    // Longer than the backup would need to wake up after a priority 0.
    throughout("a alone holds the address", Duration::from_secs(1), || lab.owners(VIP) == ["a"]);
    assert_unimpressed(&lab, begin);

    Forged::right(x.address(), 255).send(x);
    eventually("the flawless advert to be obeyed", LATENESS, || lab.owners(VIP).is_empty());
}

/// Two files that differ are no forgery: refusing would make two masters (keepalived obeys as well, since 2.3.3).
#[test]
fn a_better_master_with_another_address_is_obeyed_and_the_difference_is_told() {
    let lab = two_routers_and_a_stranger();
    let (a, x) = (lab.host("a"), lab.host("x"));
    let mut advert = Forged::right(x.address(), 255);
    advert.addresses = vec![[10, 99, 0, 7].into()];
    advert.send(x);
    eventually("a to yield", LATENESS, || lab.owners(VIP).is_empty());
    eventually("the address to be named", LATENESS, || a.log().contains("not present in advert"));
}

#[test]
fn junk_of_any_length_moves_nothing_and_ends_nothing() {
    let lab = two_routers_and_a_stranger();
    let (a, b, x) = (lab.host("a"), lab.host("b"), lab.host("x"));
    let begin = stamp();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for length in (0..64).chain([128, 512, 1400]) {
        let payload: Vec<u8> = (0..length)
            .map(|at| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // Every other packet is for this virtual router, so that more than its number is looked at.
                if at == 1 && length % 2 == 0 { VRID } else { (state >> 56) as u8 }
            })
            .collect();
        send_raw(x, x.address(), [224, 0, 0, 18].into(), 255, &payload);
    }
    throughout("a alone holds the address", Duration::from_secs(2), || {
        a.is_running() && b.is_running() && lab.owners(VIP) == ["a"]
    });
    assert_unimpressed(&lab, begin);
}

/// keepalived restarts its advert timer after every packet, also a refused one, and falls silent under this stream.
#[test]
fn a_stream_of_refused_adverts_does_not_silence_the_master() {
    let lab = two_routers_and_a_stranger();
    let (a, x) = (lab.host("a"), lab.host("x"));
    let mut advert = Forged::right(x.address(), 255);
    advert.auth_data = *b"guess\0\0\0";
    let begin = stamp();
    throughout("a alone holds the address", Duration::from_secs(5), || {
        advert.send(x);
        lab.owners(VIP) == ["a"]
    });
    assert_unimpressed(&lab, begin);
    let sent = lab.adverts_of(a, begin).len();
    assert!(sent >= 4, "{sent} adverts in five seconds");
}
