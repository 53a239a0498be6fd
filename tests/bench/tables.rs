//! How long a large IPVS table takes, in a virtual machine, beside keepalived and beside the bare netlink commands on the
//! same kernel: from start to fully programmed, a reload with one changed weight, a stop. Without checkers.
//! `cargo bench --bench tables`.

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../vm/engine.rs"]
mod engine;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../vm/guest.rs"]
mod guest;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../vm/initramfs.rs"]
mod initramfs;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../vm/vm.rs"]
mod vm;

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use alived::io::netlink::ipvs::Ipvs;
use alived::ipvs::{Scope, Table, plan};
use alived::model::ServerKey;
use alived::model::lvs::Protocol;
use guest::Daemon;

const SERVICES: usize = 1_000;
const REALS: usize = 10;
/// The best of so many.
const ROUNDS: usize = 3;

/// A configuration whose last real server has this weight.
fn configuration(last_weight: u32) -> String {
    let mut text = String::new();
    for service in 0..SERVICES {
        let _ = writeln!(
            text,
            "virtual_server 10.1.{}.{} 80 {{\nlb_algo wlc\nlb_kind NAT\nprotocol TCP",
            service / 250,
            service % 250 + 1
        );
        for real in 0..REALS {
            let weight = if (service, real) == (SERVICES - 1, REALS - 1) { last_weight } else { 1 };
            let _ = writeln!(text, "real_server 10.2.{}.{} 80 {{\nweight {weight}\n}}", real, service % 250 + 1);
        }
        text.push_str("}\n");
    }
    text
}

fn last_service() -> ServerKey {
    let last = SERVICES - 1;
    let address = Ipv4Addr::new(10, 1, (last / 250) as u8, (last % 250 + 1) as u8);
    ServerKey::Address { protocol: Protocol::Tcp, address: address.into(), port: 80 }
}

/// The weight of the last real server of the file, once it is there.
fn last_weight(ipvs: &mut Ipvs) -> Option<u32> {
    let scope = Scope { services: [last_service()].into(), foreign: false };
    let table = ipvs.read(&scope).expect("the table");
    let last = Ipv4Addr::new(10, 2, (REALS - 1) as u8, ((SERVICES - 1) % 250 + 1) as u8);
    let destinations = &table.services.get(&last_service())?.destinations;
    Some(destinations.get(&SocketAddr::from((last, 80)))?.weight.get())
}

fn wait_for_weight(ipvs: &mut Ipvs, weight: u32) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while last_weight(ipvs) != Some(weight) {
        assert!(Instant::now() < deadline, "the table does not come");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Start, reload and stop of a daemon.
fn measure(start: fn(&str) -> Daemon) -> [Duration; 3] {
    let mut ipvs = Ipvs::open(None).expect("IPVS");
    let begun = Instant::now();
    let daemon = start(&configuration(1));
    wait_for_weight(&mut ipvs, 1);
    let started = begun.elapsed();
    // Whatever it does besides at start comes to rest.
    thread::sleep(Duration::from_secs(1));
    let begun = Instant::now();
    daemon.reload(&configuration(5));
    wait_for_weight(&mut ipvs, 5);
    let reloaded = begun.elapsed();
    thread::sleep(Duration::from_secs(1));
    let begun = Instant::now();
    daemon.stop();
    let stopped = begun.elapsed();
    [started, reloaded, stopped]
}

/// The commands alone, for the table that is there.
fn bare(table: &Table) -> Duration {
    let mut ipvs = Ipvs::open(None).expect("IPVS");
    let changes = plan(&Table::default(), table);
    let begun = Instant::now();
    assert!(ipvs.apply(changes).is_empty(), "the kernel refuses something");
    begun.elapsed()
}

/// The whole table of the configuration, read from the kernel while a daemon holds it.
fn table() -> Table {
    let mut ipvs = Ipvs::open(None).expect("IPVS");
    let daemon = Daemon::alived(&configuration(1));
    wait_for_weight(&mut ipvs, 1);
    let everything = ipvs.read(&Scope { services: Default::default(), foreign: true }).expect("the table");
    let table = ipvs.read(&Scope { services: everything.services.keys().copied().collect(), foreign: false });
    daemon.stop();
    table.expect("the table")
}

fn inside() {
    let best = |rounds: Vec<[Duration; 3]>| -> [Duration; 3] {
        std::array::from_fn(|at| rounds.iter().map(|round| round[at]).min().unwrap_or_default())
    };
    let mut theirs = Vec::new();
    let mut ours = Vec::new();
    let mut limits = Vec::new();
    // Deleted destinations make additions slower for some minutes: each measurement has a table of its own.
    for _ in 0..ROUNDS {
        guest::isolated(|| theirs.push(measure(Daemon::keepalived)));
        guest::isolated(|| ours.push(measure(Daemon::alived)));
        let mut wanted = Table::default();
        guest::isolated(|| wanted = table());
        guest::isolated(|| limits.push(bare(&wanted)));
    }
    let (theirs, ours) = (best(theirs), best(ours));
    let limit = limits.into_iter().min().unwrap_or_default();
    println!("{SERVICES} services x {REALS} real servers, best of {ROUNDS}");
    for (at, what) in ["start", "reload", "stop"].into_iter().enumerate() {
        let ratio = ours[at].as_secs_f64() / theirs[at].as_secs_f64();
        println!("{what}: alived {:.3?}, keepalived {:.3?}, ratio {ratio:.2}", ours[at], theirs[at]);
    }
    println!(
        "the commands of the start alone: {limit:.3?}, alived's start is {:.2} of it",
        ours[0].as_secs_f64() / limit.as_secs_f64()
    );
}

fn main() {
    if vm::is_inside() {
        return inside();
    }
    match vm::boot() {
        Ok(run) => print!("{}", run.output),
        Err(reason) => {
            eprintln!("no virtual machine: {reason}");
            std::process::exit(1);
        }
    }
}
