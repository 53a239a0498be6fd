//! `alived pcap check` and `explain`: captures of real daemons beside tshark, and captures of things that go wrong,
//! made here frame by frame.

mod common;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::capture_file::{Frame, write_pcap};
use common::fixtures::{expect, files};
use common::forge::{Forged, internet_checksum};
use proptest::prelude::*;
use serde_json::Value;

const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const B: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const ALIVED: &str = env!("CARGO_BIN_EXE_alived");

fn captures() -> Vec<PathBuf> {
    let mut captures = files("fixtures/pcap/keepalived", "pcap");
    captures.extend(files("fixtures/pcap", "pcap"));
    captures
}

/// Standard output and exit status.
fn alived(arguments: &[&str], capture: &Path) -> (String, i32) {
    let output = Command::new(ALIVED).arg("pcap").args(arguments).arg(capture).output().expect("alived runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    (text, output.status.code().expect("no signal"))
}

fn judged(capture: &Path) -> Value {
    let (text, _) = alived(&["check", "--output", "json"], capture);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", capture.display()))
}

#[test]
fn the_captures_of_keepalived_read_as_they_were_made() {
    for capture in captures() {
        let (report, status) = alived(&["check"], &capture);
        let violates = !report.contains("\n0 violations");
        assert_eq!(status, i32::from(violates), "{}", capture.display());
        let (story, _) = alived(&["explain"], &capture);
        expect(&capture, "report", &format!("{report}\n{story}"));
    }
}

/// What tshark prints of the frames that pass `filter`: a row of fields each.
fn tshark(capture: &Path, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(capture).args(["-Y", filter, "-T", "fields"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn tshark_sees_the_same_adverts_in_the_same_frames() {
    for capture in captures() {
        let fields = ["frame.number", "vrrp.version", "vrrp.virt_rtr_id", "vrrp.prio"];
        let mut expected: Vec<Vec<u64>> = tshark(&capture, "vrrp and not icmp and not icmpv6", &fields)
            .iter()
            .map(|row| row.iter().map(|field| field.parse().expect("a number")).collect())
            .collect();
        let judged = judged(&capture);
        let mut found = Vec::new();
        for router in judged["routers"].as_array().expect("an array") {
            for run in router["adverts"].as_array().expect("an array") {
                for frame in run["frames"].as_array().expect("an array") {
                    let number = |value: &Value| value.as_u64().expect("a number");
                    let (version, vrid) = (number(&run["version"]), number(&router["router"]["vrid"]));
                    found.push(vec![number(frame), version, vrid, number(&run["priority"])]);
                }
            }
        }
        expected.sort();
        found.sort();
        assert!(!found.is_empty());
        assert_eq!(found, expected, "{}", capture.display());
    }
}

#[test]
fn tshark_sees_the_same_announcements() {
    for capture in captures() {
        let filter =
            "arp.isgratuitous == 1 or (icmpv6.type == 136 and icmpv6.nd.na.flag.s == 0 and icmpv6.opt.linkaddr)";
        let expected = tshark(&capture, filter, &["frame.number"]).len() as u64;
        assert_eq!(judged(&capture)["announcements"], expected, "{}", capture.display());
    }
}

#[test]
fn tshark_agrees_about_every_checksum_that_both_judge() {
    for capture in captures() {
        // tshark 4.0 takes an HMAC trailer for a part of the packet.
        if capture.to_string_lossy().contains("hmac") {
            continue;
        }
        let wrong =
            tshark(&capture, "vrrp and not icmp and not icmpv6 and vrrp.checksum.status == 0", &["frame.number"]);
        let wrong: Vec<u64> = wrong.iter().map(|row| row[0].parse().expect("a number")).collect();
        let judged = judged(&capture);
        let findings = judged["findings"].as_array().expect("an array");
        let mut found: Vec<u64> = findings
            .iter()
            .filter(|finding| finding["name"] == "checksum")
            .flat_map(|finding| finding["frames"].as_array().expect("an array"))
            .map(|frame| frame.as_u64().expect("a number"))
            .collect();
        found.sort_unstable();
        assert_eq!(found, wrong, "{}", capture.display());
    }
}

// ---- what goes wrong ----------------------------------------------------------------------------------------------------

/// The advert on Ethernet and IPv4, sent `millis` after the start.
fn frame(millis: u64, advert: &Forged) -> Frame {
    let vrrp = advert.vrrp();
    let mut header = vec![0x45, 0xc0, 0, (20 + vrrp.len()) as u8, 0, 1, 0, 0, advert.ttl, 112, 0, 0];
    header.extend_from_slice(&advert.source.octets());
    header.extend_from_slice(&advert.destination.octets());
    let checksum = internet_checksum(&header);
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    let ethernet = [&[1, 0, 0x5e, 0, 0, 18][..], &[2, 0, 0, 0, 0, advert.source.octets()[3]], &[8, 0]].concat();
    Frame {
        at: Duration::from_secs(1_000_000) + Duration::from_millis(millis),
        bytes: [ethernet, header, vrrp].concat(),
    }
}

/// The moments' kinds and the findings' names of a capture of `frames`.
fn told(frames: &[Frame]) -> (Vec<String>, Vec<String>) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("made.pcap");
    write_pcap(&path, frames);
    let judged = judged(&path);
    let moments = judged["routers"].as_array().expect("an array").iter().flat_map(|router| {
        router["moments"].as_array().expect("an array").iter().map(|moment| {
            let what = &moment["what"];
            let reason = what["reason"]["kind"].as_str().map(|reason| format!(" {reason}")).unwrap_or_default();
            format!("{} {}{reason}", moment["frame"], what["kind"].as_str().expect("a kind"))
        })
    });
    let habits = ["virtual-mac", "password"]; // keepalived's, and true of all that is made here
    let findings = judged["findings"].as_array().expect("an array");
    let names = findings.iter().map(|finding| finding["name"].as_str().expect("a name").to_owned());
    (moments.collect(), names.filter(|name| !habits.contains(&name.as_str())).collect())
}

#[test]
fn a_death_a_farewell_and_a_preemption_are_told_apart() {
    let (a, b) = (Forged::right(A, 150), Forged::right(B, 100));
    let stop = Forged { priority: 0, ..a.clone() };
    let died = [frame(0, &a), frame(1000, &a), frame(4610, &b), frame(5610, &b)];
    assert_eq!(told(&died), (vec!["1 master".into(), "3 election silence".into()], vec![]));
    let left = [frame(0, &a), frame(300, &stop), frame(910, &b)];
    let expected = vec!["1 master".into(), "2 farewell".into(), "3 election farewell".into()];
    assert_eq!(told(&left), (expected, vec![]));
    let preempted = [frame(0, &b), frame(500, &a), frame(1500, &a)];
    assert_eq!(told(&preempted), (vec!["1 master".into(), "2 election better".into()], vec![]));
}

#[test]
fn two_masters_are_one_conflict_whoever_spoke_first() {
    let (a, b) = (Forged::right(A, 150), Forged::right(B, 100));
    let better_first: Vec<Frame> = (0..4).flat_map(|n| [frame(1000 * n, &a), frame(1000 * n + 500, &b)]).collect();
    assert_eq!(told(&better_first), (vec!["1 master".into(), "2 conflict".into()], vec!["two-masters".into()]));
    let worse_first: Vec<Frame> = (0..4).flat_map(|n| [frame(1000 * n, &b), frame(1000 * n + 500, &a)]).collect();
    let moments = vec!["1 master".into(), "2 election better".into(), "2 conflict".into()];
    assert_eq!(told(&worse_first), (moments, vec!["two-masters".into()]));
}

#[test]
fn a_late_advert_and_a_silence_at_the_end_are_told() {
    let a = Forged::right(A, 150);
    let late = [frame(0, &a), frame(1000, &a), frame(2900, &a)];
    assert_eq!(told(&late).1, ["late-advert"]);
    // Something else goes on being captured.
    let other = Forged { vrid: 99, ..Forged::right(B, 100) };
    let mut silent = vec![frame(0, &a), frame(1000, &a)];
    silent.extend((0..8).map(|n| frame(1500 + 1000 * n, &other)));
    let (moments, findings) = told(&silent);
    assert!(moments.contains(&"2 silence".to_owned()), "{moments:?}");
    assert_eq!(findings, ["no-master"]);
}

#[test]
fn every_flaw_of_a_packet_has_its_name() {
    let right = Forged::right(A, 150);
    let cases: [(&str, Forged); 10] = [
        ("ttl", Forged { ttl: 254, ..right.clone() }),
        ("version", Forged { version: 4, ..right.clone() }),
        ("packet-type", Forged { kind: 2, ..right.clone() }),
        ("vrid", Forged { vrid: 0, ..right.clone() }),
        ("interval", Forged { interval: 0, ..right.clone() }),
        ("authentication", Forged { auth_type: 9, ..right.clone() }),
        ("authentication", Forged { auth_type: 2, ..right.clone() }),
        ("checksum", Forged { checksum_error: 1, ..right.clone() }),
        ("length", Forged { cut: 2, ..right.clone() }),
        ("length", Forged { appended: vec![0; 4], ..right.clone() }),
    ];
    for (name, forged) in cases {
        assert_eq!(told(&[frame(0, &forged)]).1, [name], "{forged:?}");
    }
    let none = Forged { count: 0, addresses: Vec::new(), ..right.clone() };
    assert_eq!(told(&[frame(0, &none)]).1, ["no-address"]);
}

#[test]
fn what_routers_of_one_virtual_router_disagree_about_is_told_once() {
    let a = Forged::right(A, 150);
    let cases: [(&str, Forged); 3] = [
        ("interval-mismatch", Forged { interval: 2, ..Forged::right(B, 100) }),
        ("authentication-mismatch", Forged { auth_data: *b"other\0\0\0", ..Forged::right(B, 100) }),
        ("address-mismatch", Forged { addresses: vec![Ipv4Addr::new(198, 51, 100, 7)], ..Forged::right(B, 100) }),
    ];
    for (name, b) in cases {
        let stop = Forged { priority: 0, ..a.clone() };
        let frames = [frame(0, &a), frame(500, &stop), frame(1110, &b), frame(2110, &b), frame(4110, &b)];
        assert!(told(&frames).1.iter().filter(|found| *found == name).count() == 1, "{name}: {:?}", told(&frames));
    }
}

#[test]
fn what_is_no_capture_is_said_on_standard_error_with_status_2() {
    let output = Command::new(ALIVED).args(["pcap", "check", "Cargo.toml"]).output().expect("alived runs");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(text, "alived: Cargo.toml: this is no capture: it begins neither as pcap nor as pcapng does\n");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Any octets of a capture may be anything.
    #[test]
    fn no_damage_to_a_capture_panics(which in any::<prop::sample::Index>(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20), cut in any::<prop::sample::Index>()) {
        let captures = captures();
        let mut bytes = std::fs::read(&captures[which.index(captures.len())]).expect("a fixture");
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        if let Ok(capture) = alived::pcap::read(&bytes) {
            let judged = alived::pcap::judge(&capture);
            let _ = (alived::pcap::report(&judged), alived::pcap::explain(&judged), alived::pcap::json(&judged));
        }
    }
}
