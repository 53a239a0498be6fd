//! What `check --peers` makes of the clusters in `fixtures/peers`: a directory is a cluster, `cluster.report` what is printed.

#[path = "common/fixtures.rs"]
mod fixtures;

use std::fs;
use std::path::PathBuf;

use alived::config::Format;
use alived::diagnostic::{NAMES_ACROSS_NODES, Style};
use alived::io::files::SystemFiles;
use alived::peers::{self, NodeFile, Report};
use fixtures::{expect, files};

const CASES: &str = "fixtures/peers";

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(CASES).expect("the fixtures");
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.expect("a directory entry").path()).collect();
    cases.sort();
    cases
}

fn report(files: &[PathBuf]) -> Report {
    let nodes: Vec<_> = files.iter().map(|path| NodeFile { path, files: &SystemFiles }).collect();
    peers::check(&nodes)
}

fn check(files: &[PathBuf], format: Format) -> (u8, String) {
    let report = report(files);
    (report.exit_code(false), report.render(format))
}

fn check_case(case: &str, format: Format) -> (u8, String) {
    check(&files(&format!("{CASES}/{case}"), "conf"), format)
}

#[test]
fn every_cluster_gets_its_report() {
    for case in cases() {
        let (status, text) = check(&files(&case.display().to_string(), "conf"), Format::Full(Style::Plain));
        expect(&case.join("cluster"), "report", &format!("{text}exit {status}\n"));
    }
}

#[test]
fn every_name_across_nodes_has_a_cluster_of_that_name_that_shows_it() {
    for name in NAMES_ACROSS_NODES {
        let (_, text) = check_case(name.as_str(), Format::Concise);
        assert!(text.contains(&format!("[{name}]")), "{CASES}/{name} does not show {name}:\n{text}");
    }
}

#[test]
fn one_disagreement_is_one_diagnostic() {
    for name in NAMES_ACROSS_NODES {
        let (_, text) = check_case(name.as_str(), Format::Concise);
        let count = text.lines().filter(|line| line.contains("error[") || line.contains("warning[")).count();
        assert_eq!(count, 1, "{name}:\n{text}");
    }
}

#[test]
fn a_weight_that_reaches_the_other_priority_moves_nothing_and_neither_does_nopreempt() {
    let pair = ["fixtures/seeds/002-master.conf", "fixtures/seeds/002-slave.conf"].map(PathBuf::from);
    let (status, text) = check(&pair, Format::Concise);
    assert_eq!(status, 1);
    let reason =
        "stays with 002-master.conf: its priority goes from 100 to 80, and 002-slave.conf has 80 and nopreempt";
    assert!(text.contains(reason), "{text}");
    assert!(text.contains("002-master.conf:25:9: warning[weight-cannot-move-vip]"), "{text}");
    assert!(text.ends_with("1 of 5 single failures is not covered\n"), "{text}");
}

#[test]
fn a_lost_node_is_replaced_within_the_master_down_interval_of_the_next_best() {
    let (status, text) = check_case("three-nodes", Format::Concise);
    assert_eq!(status, 0, "{text}");
    // RFC 3768 §6.1: 3 × 1 s and 156/256 s for priority 100.
    assert!(text.contains("a.conf dies               b.conf takes over after 3.7 s"), "{text}");
    assert!(text.ends_with("every single failure moves the VIP (7 played)\n"), "{text}");
}

#[test]
fn a_file_that_cannot_be_read_is_told_from_a_bad_pair() {
    let (status, text) =
        check(&["fixtures/peers/good-pair/a.conf", "no/such/file"].map(PathBuf::from), Format::Concise);
    assert_eq!(status, 2);
    assert_eq!(text, "error[unreadable-file]: cannot read no/such/file: there is no such file\n");
}

#[test]
fn a_program_gets_the_findings_without_the_story() {
    let (status, text) = check_case("vrid-mismatch", Format::Json);
    assert_eq!(status, 1);
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(1));
    assert!(text.contains("vrid-mismatch") && !text.contains("MASTER:"), "{text}");
}

#[test]
fn warnings_can_count_as_errors() {
    let files = files(&format!("{CASES}/equal-priority"), "conf");
    let report = report(&files);
    assert_eq!((report.exit_code(false), report.exit_code(true)), (0, 1));
}
