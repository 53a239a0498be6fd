//! Is every mistake found, at its line, and said once? Are odd but legal files left in peace? The cases are in
//! `fixtures/mistakes`.

#[path = "common/fixtures.rs"]
mod fixtures;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use alived::config::{CheckOptions, FileError, Files, check};
use alived::diagnostic::{Name, Severity};
use fixtures::{expect_file, files};

const CASES: &str = "fixtures/mistakes";
const ENTRY: &str = "keepalived.conf";
const LEGAL: &str = "legal";

/// One file and nothing else.
struct OneFile(String);

impl Files for OneFile {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        if path == Path::new(ENTRY) { Ok(self.0.clone().into_bytes()) } else { Err(FileError::NotFound) }
    }

    fn matches(&self, pattern: &Path) -> Vec<PathBuf> {
        if pattern == Path::new(ENTRY) { vec![ENTRY.into()] } else { Vec::new() }
    }

    fn config_id(&self) -> String {
        "node".to_owned()
    }
}

struct Case {
    title: String,
    expected: String,
    around: String,
    lines: String,
}

/// What stands before and after the lines.
fn around(place: &str) -> (&'static str, &'static str) {
    const SECURITY: &str = "global_defs {\nenable_script_security\nscript_user root\n}\n";
    const INSTANCE: &str =
        "vrrp_instance V {\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress {\n192.0.2.10/24\n";
    const TRACKS: &str = "}\nvrrp_instance V {\ninterface eth0\nvirtual_router_id 7\ntrack_script {\nchk\n}\n\
                          virtual_ipaddress {\n192.0.2.10/24\n}\n}\n";
    const SERVER: &str = "virtual_server 192.0.2.10 80 {\n";
    const SETTINGS: &str = "lb_algo rr\nlb_kind NAT\nprotocol TCP\n";
    const REAL: &str = "real_server 192.0.2.99 80 {\n";
    const CHECKED: &str = "TCP_CHECK {\n}\n";
    let leak = |parts: &[&str]| -> &'static str { parts.concat().leak() };
    match place {
        "file" => ("", ""),
        "globals" => ("global_defs {\n", "}\n"),
        "instance" => (leak(&[INSTANCE, "}\n"]), "}\n"),
        "vips" => (INSTANCE, "}\n}\n"),
        "peers" => (
            leak(&[
                INSTANCE,
                "}\nauthentication {\nauth_type PASS\nauth_pass k3y\n}\nunicast_src_ip 192.0.2.1\nunicast_peer {\n192.0.2.2\n",
            ]),
            "}\n}\n",
        ),
        "tracking" => (
            leak(&[SECURITY, "vrrp_script chk {\nscript /bin/true\n}\n", INSTANCE, "}\ntrack_script {\nchk\n"]),
            "}\n}\n",
        ),
        "script" => (leak(&[SECURITY, "vrrp_script chk {\nscript /bin/true\n"]), TRACKS),
        "command" => (leak(&[SECURITY, "vrrp_script chk {\nscript "]), TRACKS),
        "server" => (leak(&[SERVER, SETTINGS, REAL, CHECKED, "}\n"]), "}\n"),
        "bare" => (SERVER, leak(&[REAL, CHECKED, "}\n}\n"])),
        "real" => (leak(&[SERVER, SETTINGS, REAL, CHECKED]), "}\n}\n"),
        "check" => (leak(&[SERVER, SETTINGS, REAL]), "}\n}\n"),
        other => panic!("'{other}' is no place for a case"),
    }
}

fn cases(path: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).expect("a fixture");
    let case = |text: &str| {
        let (head, lines) = text.split_once('\n').expect("a case has a head");
        let parts: Vec<&str> = head.split(" | ").collect();
        let [title, expected, around] = parts[..] else { panic!("{head}: expected 'mistake | what is found | where'") };
        Case { title: title.into(), expected: expected.into(), around: around.into(), lines: lines.into() }
    };
    text.split("=== ").skip(1).map(case).collect()
}

/// Names and lines of what is found, and the gravest severity.
fn found(case: &Case, newline: &str) -> (Vec<String>, Option<Severity>) {
    let (before, after) = around(&case.around);
    let text = format!("{before}{}{after}", case.lines).replace('\n', newline);
    let first = before.matches('\n').count();
    let checked = check(&[Path::new(ENTRY)], &OneFile(text), CheckOptions::default());
    let (mut all, mut gravest) = (Vec::new(), None);
    for checked in &checked {
        for diagnostic in &checked.diagnostics {
            if [Name::NOT_YET_EFFECTIVE, Name::NOT_YET_SUPPORTED].contains(&diagnostic.name) {
                continue;
            }
            let line = diagnostic.primary.map(|span| checked.sources.position(span).line as i64 - first as i64);
            all.push(line.map_or(diagnostic.name.to_string(), |line| format!("{}@{line}", diagnostic.name)));
            gravest = gravest.max(Some(diagnostic.severity));
        }
    }
    (all, gravest)
}

#[test]
fn every_mistake_is_found_at_its_line_and_nothing_else_is() {
    for path in files(CASES, "cases") {
        let mut text = String::new();
        for case in cases(&path) {
            let (found, _) = found(&case, "\n");
            let shown = if found.is_empty() { "-".to_owned() } else { found.join(" ") };
            write!(text, "=== {} | {shown} | {}\n{}", case.title, case.around, case.lines).expect("a string takes all");
        }
        expect_file(&path, &text);
    }
}

#[test]
fn a_mistake_draws_something_and_a_legal_file_no_warning() {
    for path in files(CASES, "cases") {
        let is_legal = path.file_stem().is_some_and(|stem| stem == LEGAL);
        for case in cases(&path) {
            let (found, gravest) = found(&case, "\n");
            if is_legal {
                assert!(gravest < Some(Severity::Warning), "{}: {found:?}", case.title);
            } else {
                assert!(!found.is_empty(), "{}: nothing is found", case.title);
            }
        }
    }
}

#[test]
fn a_mistake_is_said_once_and_never_more_than_three_times() {
    let mut counts = Vec::new();
    for case in files(CASES, "cases").iter().flat_map(|path| cases(path)) {
        let (found, _) = found(&case, "\n");
        assert!(found.len() <= 3, "{}: {found:?}", case.title);
        counts.extend((!found.is_empty()).then_some(found.len()));
    }
    counts.sort_unstable();
    assert!(counts.len() > 200, "only {} mistakes", counts.len());
    assert_eq!(counts[counts.len() * 9 / 10], 1, "nine of ten mistakes draw one diagnostic");
}

#[test]
fn the_line_ends_of_windows_change_nothing() {
    for case in files(CASES, "cases").iter().flat_map(|path| cases(path)) {
        assert_eq!(found(&case, "\r\n").0, found(&case, "\n").0, "{}", case.title);
    }
}

#[test]
fn what_stands_around_a_case_is_no_mistake() {
    let complete = [("instance", ""), ("vips", ""), ("peers", ""), ("tracking", ""), ("script", ""), ("server", "")];
    let filled =
        [("command", "/bin/true\n"), ("check", "TCP_CHECK {\n}\n"), ("real", ""), ("globals", "router_id n\n")];
    for (place, lines) in complete.into_iter().chain(filled) {
        let case = Case { title: String::new(), expected: "-".into(), around: place.into(), lines: lines.into() };
        let (found, _) = found(&case, "\n");
        assert!(found.is_empty(), "{place}: {found:?} instead of {}", case.expected);
    }
}
