//! The verdict on small files, one rule of the language each: the one that is written beside the rule in
//! `fixtures/oracle`, and the one of the installed keepalived, which runs in namespaces of its own. The second needs
//! root and the Debian packages keepalived and iproute2.

#[path = "common/host.rs"]
mod host;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use alived::config::{Host, config_test};
use alived::io::files::NodeFiles;
use alived::io::host::SystemHost;
use host::PaperHost;
use nix::sched::{CloneFlags, unshare};

const CASES: &str = "fixtures/oracle";
/// The id of the node that the cases are for.
const ID: &str = "node";

/// One rule and what shows it.
#[derive(Debug, Clone)]
struct Case {
    title: String,
    status: u8,
    text: String,
    /// Other files: name and text.
    beside: Vec<(String, String)>,
}

fn cases() -> Vec<Case> {
    let paths = fs::read_dir(CASES).expect("the fixtures").map(|entry| entry.expect("a directory entry").path());
    let texts = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "cases"))
        .map(|path| fs::read_to_string(path).expect("a fixture"));
    let cases: Vec<Case> = texts.flat_map(|text| text.split("=== ").skip(1).map(case).collect::<Vec<_>>()).collect();
    assert!(cases.len() > 150, "only {} cases were found", cases.len());
    cases
}

fn case(text: &str) -> Case {
    let (head, body) = text.split_once('\n').expect("a case has a head and lines");
    let parts: Vec<&str> = head.split(" | ").collect();
    let [title, status, around] = parts[..] else { panic!("{head}: expected 'title | status | where'") };
    let mut texts = body.split("--- ");
    let lines = texts.next().unwrap_or_default();
    let beside = texts.map(|text| text.split_once('\n').expect("a file has a name and lines"));
    Case {
        title: title.to_owned(),
        status: status.parse().unwrap_or_else(|_| panic!("{head}: the status is a number")),
        text: within(around, lines),
        beside: beside.map(|(name, text)| (name.to_owned(), text.to_owned())).collect(),
    }
}

fn within(around: &str, lines: &str) -> String {
    let server =
        |lines: &str| format!("virtual_server 192.0.2.77 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n{lines}}}\n");
    let real = |lines: &str| server(&format!("real_server 192.0.2.99 80 {{\n{lines}}}\n"));
    match around {
        "file" => lines.to_owned(),
        "globals" => format!("global_defs {{\n{lines}}}\n"),
        "instance" => {
            let address = "virtual_ipaddress {\n192.0.2.10\n}\n";
            format!("vrrp_instance V {{\ninterface eth0\nvirtual_router_id 51\n{address}{lines}}}\n")
        }
        "server" => server(&format!("{lines}real_server 192.0.2.99 80 {{\n}}\n")),
        "real" => real(lines),
        "http" => real(&format!("HTTP_GET {{\nurl {{\npath /\n{lines}}}\n}}\n")),
        other => panic!("'{other}' is no place for a case"),
    }
}

/// Runs `judge` on the file of every case; those for which `expected` is something else.
fn differing(judge: impl Fn(&Path) -> i32, expected: impl Fn(&Case, &Path) -> i32) -> Vec<String> {
    let judged = cases().into_iter().filter_map(|case| {
        let directory = tempfile::tempdir().expect("a directory for the case");
        for (name, text) in &case.beside {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().expect("a file in a directory")).expect("the directory is writable");
            fs::write(path, text).expect("the directory is writable");
        }
        let path = directory.path().join("k.conf");
        fs::write(&path, &case.text).expect("the directory is writable");
        let (found, expected) = (judge(&path), expected(&case, &path));
        (found != expected).then(|| format!("{}: {found} instead of {expected}", case.title))
    });
    judged.collect()
}

fn alived(path: &Path, host: &dyn Host) -> i32 {
    let files = NodeFiles { config_id: Some(ID.to_owned()), ..NodeFiles::default() };
    config_test(path, &files, host).0.into()
}

#[test]
fn the_verdict_is_the_one_that_is_written_down() {
    let differing = differing(|path| alived(path, &PaperHost), |case, _| case.status.into());
    assert!(differing.is_empty(), "{differing:#?}");
}

#[test]
fn the_verdict_is_that_of_the_installed_keepalived() {
    let Some(keepalived) = installed("keepalived") else {
        eprintln!("skipped: keepalived is not installed");
        return;
    };
    let differing = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).expect("this test needs root for a network namespace");
        ip(&["link", "add", "eth0", "type", "veth", "peer", "name", "eth1"]);
        let theirs = |_: &Case, path: &Path| {
            let output = Command::new(&keepalived).args(["-t", "-i", ID, "-f"]).arg(path).output();
            output.expect("keepalived can be started").status.code().unwrap_or(-1)
        };
        differing(|path| alived(path, &SystemHost), theirs)
    });
    let differing = differing.join().expect("the namespace could be set up; see above");
    assert!(differing.is_empty(), "{differing:#?}");
}

fn installed(program: &str) -> Option<PathBuf> {
    let directories = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin"];
    directories.iter().map(|directory| Path::new(directory).join(program)).find(|path| path.exists())
}

fn ip(arguments: &[&str]) {
    let status = Command::new("ip").args(arguments).status().expect("this test needs ip: apt-get install iproute2");
    assert!(status.success(), "ip {}", arguments.join(" "));
}
