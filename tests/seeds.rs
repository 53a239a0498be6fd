//! The deployments that alived has to run before anything else: what it makes of their files, and whether its verdict
//! is keepalived's. The comparison runs the real keepalived (2.2.7) in network and mount namespaces of its own, so it
//! needs root and the Debian packages keepalived and iproute2.

#[path = "common/fixtures.rs"]
mod fixtures;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use alived::config::{CheckOptions, Format, check_config, config_test, load};
use alived::diagnostic::Style;
use alived::io::files::SystemFiles;
use alived::io::host::SystemHost;
use fixtures::{expect, files};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

const SEEDS: &str = "fixtures/seeds";
/// The script that the nginx pair tracks.
const SCRIPT: &str = "/etc/keepalived/nginx_check.sh";

/// What the machine has of what the files name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Machine {
    Nothing,
    Interfaces,
    InterfacesAndScripts,
}

#[test]
fn every_seed_becomes_a_model() {
    for path in files(SEEDS, "conf") {
        let config = load(&path, &SystemFiles).config;
        let config = config.unwrap_or_else(|| panic!("{} is refused", path.display()));
        expect(&path, "model", &format!("{config:#?}\n"));
    }
}

#[test]
fn every_seed_gets_its_diagnostics() {
    for path in files(SEEDS, "conf") {
        for (extension, format) in [("diag", Format::Full(Style::Plain)), ("concise", Format::Concise)] {
            let options = CheckOptions { format, ..CheckOptions::default() };
            let (status, text) = check_config(&[&path], &SystemFiles, options);
            assert_eq!(status, 0, "{}", path.display());
            expect(&path, extension, &text);
        }
    }
}

#[test]
fn the_two_files_of_a_pair_are_compared() {
    let pair = ["fixtures/seeds/002-master.conf", "fixtures/seeds/002-slave.conf"].map(Path::new);
    let options = CheckOptions { format: Format::Concise, ..CheckOptions::default() };
    let (_, text) = check_config(&pair, &SystemFiles, options);
    assert!(text.contains("002-master.conf:25:9: warning[weight-cannot-move-vip]"), "{text}");
    assert!(!text.contains("002-slave.conf:21: warning[weight-cannot-move-vip]"), "{text}");
}

#[test]
fn the_verdict_is_keepalived_s_on_a_machine_without_the_interfaces() {
    compare_verdicts(Machine::Nothing);
}

#[test]
fn the_verdict_is_keepalived_s_on_a_machine_with_the_interfaces() {
    compare_verdicts(Machine::Interfaces);
}

#[test]
fn the_verdict_is_keepalived_s_on_a_machine_with_the_interfaces_and_scripts() {
    compare_verdicts(Machine::InterfacesAndScripts);
}

/// Runs both programs over every seed on such a machine. A thread of its own enters the namespaces and takes them along
/// when it ends.
fn compare_verdicts(machine: Machine) {
    let verdicts = thread::spawn(move || {
        set_up(machine);
        files(SEEDS, "conf").into_iter().map(verdicts).collect::<Vec<_>>()
    });
    let verdicts = verdicts.join().expect("the namespaces could be set up; see above");
    let differing: Vec<_> = verdicts.iter().filter(|(_, alived, keepalived)| alived != keepalived).collect();
    assert!(differing.is_empty(), "on a machine with {machine:?} (file, alived, keepalived): {differing:#?}");
}

fn verdicts(path: PathBuf) -> (PathBuf, i32, i32) {
    let (alived, _) = config_test(&path, &SystemFiles, &SystemHost);
    let keepalived = Command::new("keepalived").arg("-t").arg("-f").arg(&path).output();
    let keepalived = keepalived.expect("this test runs the real keepalived: apt-get install keepalived");
    (path, alived.into(), keepalived.status.code().expect("keepalived ends by itself"))
}

fn set_up(machine: Machine) {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).expect("this test needs root for namespaces");
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("mounts stay in the namespace");
    mount(Some("tmpfs"), "/etc/keepalived", Some("tmpfs"), MsFlags::empty(), Some("mode=755"))
        .expect("the package keepalived makes /etc/keepalived");
    if machine != Machine::Nothing {
        ip(&["link", "add", "eth0", "type", "veth", "peer", "name", "ens33"]);
    }
    if machine == Machine::InterfacesAndScripts {
        fs::write(SCRIPT, "#!/bin/sh\nexit 0\n").expect("the tmpfs is writable");
        fs::set_permissions(SCRIPT, fs::Permissions::from_mode(0o755)).expect("the tmpfs is writable");
    }
}

fn ip(arguments: &[&str]) {
    let status = Command::new("ip").args(arguments).status().expect("this test needs ip: apt-get install iproute2");
    assert!(status.success(), "ip {}", arguments.join(" "));
}
