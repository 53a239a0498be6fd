//! Are alived's packets keepalived's packets? Seed 003's pair, first over multicast, then over unicast: each program in
//! turn is the master, and what it sent is compared octet by octet, and field by field as tshark reads it.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::common::capture_file::{Frame, write_pcap};
use crate::common::decode::{Advert, Garp};
use crate::common::lab::{HostPlan, Lab};
use crate::common::namespace::run;
use crate::common::wait::{Stamp, wait_for};
use crate::common::{Program, eventually};

const NGINX01: Ipv4Addr = Ipv4Addr::new(192, 168, 175, 101);
const NGINX02: Ipv4Addr = Ipv4Addr::new(192, 168, 175, 102);
const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 175, 100);
/// How many adverts are compared.
const ADVERTS: usize = 8;

/// What seed 003's tcpdump shows, and what belongs to it, in tshark's words and as tshark prints it.
const FIELDS: &[(&str, &str)] = &[
    ("ip.version", "4"),
    ("ip.hdr_len", "20"),
    ("ip.dsfield", "0xc0"),
    ("ip.len", "40"),
    ("ip.flags", "0x00"),
    ("ip.frag_offset", "0"),
    ("ip.ttl", "255"),
    ("ip.proto", "112"),
    ("ip.checksum.status", "1"),
    ("ip.src", "192.168.175.101"),
    ("vrrp.version", "2"),
    ("vrrp.type", "1"),
    ("vrrp.virt_rtr_id", "55"),
    ("vrrp.prio", "100"),
    ("vrrp.addr_count", "1"),
    ("vrrp.auth_type", "1"),
    ("vrrp.adver_int", "1"),
    ("vrrp.checksum.status", "1"),
    ("vrrp.ip_addr", "192.168.175.100"),
    ("vrrp.auth_string", "1234"),
];

/// Seed 003's first node.
fn conf(unicast: bool) -> String {
    let transport = if unicast {
        format!("    unicast_src_ip    {NGINX01}\n\n    unicast_peer {{\n        {NGINX02}\n    }}\n")
    } else {
        String::new()
    };
    format!(
        "! Configuration File for keepalived

global_defs {{
   router_id nginx01
}}

vrrp_instance web_server_group {{
    state MASTER
    interface ens33
    virtual_router_id 55   #as XX in 00-00-5E-00-01-XX
    priority 100           #whoever has more is the master
    advert_int 1
    authentication {{
        auth_type PASS
        auth_pass 1234
    }}
{transport}    virtual_ipaddress {{
        {VIP}
    }}
}}
"
    )
}

/// What a master sent: its first adverts and all gratuitous ARPs until then.
struct Sent {
    adverts: Vec<Advert>,
    garps: Vec<Garp>,
    /// Both, in order.
    frames: Vec<Frame>,
    pcap: NamedTempFile,
}

/// Lets `program` be the master of seed 003 until it has sent [`ADVERTS`] adverts.
fn master(program: Program, unicast: bool) -> Sent {
    let plan = |name, address| {
        let address = ipnet::Ipv4Net::new(address, 24).expect("24 is a prefix length");
        HostPlan { name, interface: "ens33", address }
    };
    let lab = Lab::new(vec![plan("nginx01", NGINX01), plan("nginx02", NGINX02)]);
    let host = lab.host("nginx01");
    host.start(program, &conf(unicast));
    let adverts = wait_for("enough adverts", Duration::from_secs(20), || {
        let adverts = lab.adverts_of(host, Stamp::ZERO);
        (adverts.len() >= ADVERTS).then(|| adverts[..ADVERTS].to_vec())
    });
    let garps = lab.garps_of(host, Stamp::ZERO);
    let frame = |at, bytes: &Vec<u8>| Frame { at, bytes: bytes.clone() };
    let mut frames: Vec<Frame> = adverts.iter().map(|advert| frame(advert.at, &advert.frame)).collect();
    frames.extend(garps.iter().map(|garp| frame(garp.at, &garp.frame)));
    frames.sort_by_key(|frame| frame.at);
    let pcap = NamedTempFile::new().expect("a temporary file");
    write_pcap(pcap.path(), &frames);
    Sent { adverts, garps, frames, pcap }
}

/// With `UPDATE_FIXTURES=1` the captures become `fixtures/pcap/…`, which tests/pcap.rs reads.
fn keep_for_review(program: Program, unicast: bool, frames: &[Frame]) {
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        let transport = if unicast { "unicast" } else { "multicast" };
        let name = format!("fixtures/pcap/{}-003-{transport}.pcap", program.name());
        write_pcap(&Path::new(env!("CARGO_MANIFEST_DIR")).join(name), frames);
    }
}

/// The frame without what counts up: the IP identification, and the header checksum that covers it.
fn without_identification(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[18..20].fill(0);
    frame[24..26].fill(0);
    frame
}

/// The values of `fields` in every advert of the capture, one line each, as tshark reads them.
fn tshark(pcap: &Path, filter: &str, fields: &[&str]) -> Vec<String> {
    let pcap = pcap.display().to_string();
    let mut args =
        vec!["-n", "-r", &pcap, "-Y", filter, "-o", "ip.check_checksum:TRUE", "-T", "fields", "-E", "separator=|"];
    fields.iter().for_each(|field| args.extend_from_slice(&["-e", field]));
    run("tshark", &args).lines().map(str::to_owned).collect()
}

fn assert_equal_to_keepalived(unicast: bool) {
    // Side by side: each has its own laboratory.
    let (ours, theirs) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| master(Program::Keepalived, unicast));
        (master(Program::Alived, unicast), theirs.join().expect("keepalived is the master"))
    });
    keep_for_review(Program::Alived, unicast, &ours.frames);
    keep_for_review(Program::Keepalived, unicast, &theirs.frames);
    let destination = if unicast { NGINX02 } else { Ipv4Addr::new(224, 0, 0, 18) };
    for (ours, theirs) in ours.adverts.iter().zip(&theirs.adverts) {
        assert_eq!(ours.destination, destination);
        assert_eq!(without_identification(&ours.frame), without_identification(&theirs.frame));
    }
    let numbers = |sent: &Sent| sent.adverts.iter().map(|advert| advert.ip_id).collect::<Vec<_>>();
    assert_eq!(numbers(&ours), (1..=ADVERTS as u16).collect::<Vec<_>>(), "the identification counts adverts");
    assert_eq!(numbers(&ours), numbers(&theirs));

    let (names, expected): (Vec<&str>, Vec<&str>) = FIELDS.iter().copied().unzip();
    let decoded = tshark(ours.pcap.path(), "vrrp", &names);
    assert_eq!(decoded, vec![expected.join("|"); ADVERTS]);
    assert_eq!(decoded, tshark(theirs.pcap.path(), "vrrp", &names));
    let complaints = tshark(ours.pcap.path(), "_ws.expert || _ws.malformed", &["frame.number", "_ws.expert.message"]);
    assert_eq!(
        complaints,
        tshark(theirs.pcap.path(), "_ws.expert || _ws.malformed", &["frame.number", "_ws.expert.message"])
    );
    assert!(complaints.iter().all(|line| !line.to_lowercase().contains("checksum")), "{complaints:?}");

    assert!(ours.garps.len() >= 5, "{} gratuitous ARPs", ours.garps.len());
    assert_eq!(ours.garps.len(), theirs.garps.len());
    for (ours, theirs) in ours.garps.iter().zip(&theirs.garps) {
        assert_eq!(ours.frame, theirs.frame);
    }
}

#[test]
fn multicast_adverts_and_gratuitous_arps_equal_keepalived_s() {
    assert_equal_to_keepalived(false);
}

#[test]
fn unicast_adverts_and_gratuitous_arps_equal_keepalived_s() {
    assert_equal_to_keepalived(true);
}

#[test]
fn a_new_master_announces_five_times_at_once_and_five_times_after_five_seconds() {
    let sent = master(Program::Alived, false);
    let begin = sent.adverts[0].at;
    let (first, second): (Vec<&Garp>, Vec<&Garp>) =
        sent.garps.iter().partition(|garp| garp.at - begin < Duration::from_millis(2500));
    assert_eq!((first.len(), second.len()), (5, 5));
    let pause = second[0].at - first[0].at;
    assert!(pause >= Duration::from_millis(4995), "the second burst comes after {pause:?}");
    for garp in &sent.garps {
        assert_eq!(garp.address, VIP);
        assert!(garp.at >= begin, "the advert comes first");
    }
}

#[test]
fn the_host_keeps_its_own_address_and_gets_the_virtual_one_as_32() {
    let lab = Lab::new(vec![HostPlan {
        name: "nginx01",
        interface: "ens33",
        address: ipnet::Ipv4Net::new(NGINX01, 24).expect("24 is a prefix length"),
    }]);
    let host = lab.host("nginx01");
    host.start(Program::Alived, &conf(false));
    eventually("the address", Duration::from_secs(10), || host.holds(VIP));
    let held: Vec<String> = host.addresses().iter().map(ToString::to_string).collect();
    assert_eq!(held, ["192.168.175.101/24", "192.168.175.100/32"]);
    assert!(host.terminate().success());
    let held: Vec<String> = host.addresses().iter().map(ToString::to_string).collect();
    assert_eq!(held, ["192.168.175.101/24"]);
}
