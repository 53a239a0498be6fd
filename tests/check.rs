//! `alived check`, `explain` and `fmt` as a user runs them: the program, its output and its exit codes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const GOOD: &str = "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    virtual_ipaddress {\n        \
                    192.0.2.10/24\n    }\n}\n";

fn alived(directory: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alived"));
    command.current_dir(directory).args(arguments.split(' ')).output().expect("the program runs")
}

/// Exit code and standard output.
fn run(directory: &TempDir, arguments: &str) -> (i32, String) {
    let output = alived(directory.path(), arguments);
    (output.status.code().expect("it ends by itself"), String::from_utf8(output.stdout).expect("UTF-8"))
}

/// A directory with `k.conf` in it.
fn with(text: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::write(directory.path().join("k.conf"), text).expect("a file can be written there");
    directory
}

fn read(directory: &TempDir) -> String {
    fs::read_to_string(directory.path().join("k.conf")).expect("the file is there")
}

#[test]
fn the_exit_code_tells_clean_from_denied_from_unreadable() {
    assert_eq!(run(&with(GOOD), "check k.conf"), (0, String::new()));
    let warns = with(&GOOD.replace("/24", ""));
    assert_eq!(run(&warns, "check k.conf").0, 0);
    assert_eq!(run(&warns, "check --deny warnings k.conf").0, 1);
    assert_eq!(run(&warns, "--check-config k.conf --deny warnings").0, 1);
    assert_eq!(run(&with("vrrp_instance V {\n"), "check k.conf").0, 1);
    assert_eq!(run(&warns, "check nosuch.conf").0, 2);
}

#[test]
fn the_level_leaves_out_what_matters_less() {
    let directory = with(&GOOD.replace("    virtual_ip", "    priority 255\n    virtual_ip"));
    let (_, all) = run(&directory, "check --output concise k.conf");
    assert_eq!(all, "k.conf:4:5: note[owner-priority]: VI_1: priority 255 is for the owner of the addresses\n");
    assert_eq!(run(&directory, "check --output concise --level warning k.conf").1, "");
}

#[test]
fn a_target_is_judged_by_what_it_knows() {
    let directory = with("global_defs {\n    json_version 2\n}\n");
    let (status, text) = run(&directory, "check --output concise --target keepalived=2.2.7 --deny warnings k.conf");
    assert!(status == 1 && text.contains("warning[newer-keyword]"), "{text}");
    let (status, text) = run(&directory, "check --output concise --target keepalived=2.4.3 --deny warnings k.conf");
    assert_eq!((status, text.as_str()), (0, ""));
}

#[test]
fn an_older_target_does_not_know_words_inside_lines_either() {
    let peers = "vrrp_instance V {\n    unicast_peer {\n        192.0.2.2 min_ttl 255\n    }\n}\n";
    let directory = with(peers);
    let newer = |target: &str| {
        let (_, text) = run(&directory, &format!("check --output concise --target keepalived={target} k.conf"));
        text.lines().filter(|line| line.contains("[newer-keyword]")).map(str::to_owned).collect::<Vec<_>>()
    };
    let expected = "k.conf:3:19: warning[newer-keyword]: keepalived 2.0.20 does not know 'min_ttl': it came with 2.1.0";
    assert_eq!(newer("2.0.20"), [expected]);
    assert_eq!(newer("2.1.0"), [""; 0]);
}

#[test]
fn machines_are_answered_in_their_formats() {
    let directory = with(&GOOD.replace("/24", ""));
    let (_, json) = run(&directory, "check --output json k.conf");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let found = &json["findings"][0];
    assert_eq!((&found["name"], &found["place"]["line"]), (&"vip-without-prefix".into(), &5.into()));
    let (_, sarif) = run(&directory, "check --output sarif k.conf");
    let sarif: serde_json::Value = serde_json::from_str(&sarif).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "vip-without-prefix");
    let (_, github) = run(&directory, "check --output github k.conf");
    assert!(github.starts_with("::warning file=k.conf,line=5,col=9,"), "{github}");
}

#[test]
fn safe_fixes_are_shown_and_then_applied() {
    let text = "vrrp_track_file load {\n    file /run/load\n}\nglobal_defs {\n    router_id\u{a0}node1\n}\n";
    let directory = with(text);
    let (status, diff) = run(&directory, "check --diff k.conf");
    assert_eq!(status, 1);
    assert!(diff.contains("-vrrp_track_file load {\n+track_file load {\n"), "{diff}");
    assert_eq!(read(&directory), text, "--diff changes nothing");
    run(&directory, "check --fix k.conf");
    assert_eq!(read(&directory), text.replace("vrrp_track_file", "track_file").replace('\u{a0}', " "));
    assert_eq!(run(&directory, "check --diff k.conf"), (0, String::new()));
}

#[test]
fn a_comment_silences_one_place() {
    let bare = GOOD.replace("/24", "");
    let allowed = bare.replace(".10", ".10 # alived: allow(vip-without-prefix) a loopback service");
    assert_eq!(run(&with(&allowed), "check --output concise k.conf").1, "");
    let above = bare.replace("        192", "        # alived: allow(vip-without-prefix)\n        192");
    assert_eq!(run(&with(&above), "check --output concise k.conf").1, "");
    let elsewhere = bare.replace("eth0", "eth0 # alived: allow(vip-without-prefix)");
    let (_, text) = run(&with(&elsewhere), "check --output concise k.conf");
    assert!(text.contains("[unused-allow]") && text.contains("[vip-without-prefix]"), "{text}");
}

#[test]
fn an_error_is_not_silenced() {
    let text = GOOD.replace("    virtual_router_id 51\n", "").replace("_1 {", "_1 { # alived: allow(missing-vrid)");
    let (status, text) = run(&with(&text), "check --output concise k.conf");
    assert!(status == 1 && text.contains("error[missing-vrid]") && text.contains("[unused-allow]"), "{text}");
}

#[test]
fn the_effective_configuration_hides_passwords() {
    let directory = with(&format!(
        "$PRIORITY=90\ninclude more.conf\n{}",
        GOOD.replace("    virtual_ip", "    priority $PRIORITY\n    virtual_ip")
    ));
    let more = "vrrp_instance VI_2 {\n    authentication {\n        auth_pass s3cret\n    }\n}\n";
    fs::write(directory.path().join("more.conf"), more).expect("a file can be written there");
    let (status, text) = run(&directory, "check --effective k.conf");
    assert_eq!(status, 0);
    assert!(text.contains("    priority 90\n") && text.contains("vrrp_instance VI_2 {\n"), "{text}");
    assert!(text.contains("auth_pass ********\n") && !text.contains("s3cret"), "{text}");
    assert_eq!(run(&directory, "check --effective nosuch.conf").0, 2);
}

/// One file for two nodes, told apart by their ids.
const SHARED: &str = "@a $PRIORITY=100\n@b $PRIORITY=90\nvrrp_instance VI_1 {\n    state BACKUP\n    interface eth0\n    \
                      virtual_router_id 51\n    priority $PRIORITY\n    virtual_ipaddress {\n        192.0.2.10/24\n    }\n}\n";

#[test]
fn the_id_of_a_node_decides_which_lines_count() {
    let directory = with(SHARED);
    assert_eq!(run(&directory, "check -i a k.conf"), (0, String::new()));
    assert!(run(&directory, "check --output concise --config-id c k.conf").1.contains("[undefined-variable]"));
    assert!(run(&directory, "check --effective -i b k.conf").1.contains("    priority 90\n"));
    assert!(run(&directory, "--check-config k.conf --effective -i a").1.contains("    priority 100\n"));
}

#[test]
fn the_nodes_of_one_shared_file_are_played_by_their_ids() {
    let directory = with(SHARED);
    let (status, text) = run(&directory, "check --peers -i a -i b k.conf k.conf");
    assert!(status == 0 && text.contains("    a dies               b takes over after"), "{text}");
    assert_eq!(run(&directory, "check --peers -i a -i b -i c k.conf k.conf").0, 2);
    assert_eq!(run(&directory, "check -i a -i b k.conf").0, 2, "without --peers there is one node");
}

#[test]
fn a_finding_says_what_its_words_were_expanded_from_and_its_file_included_from() {
    let directory = with("include more.conf\n");
    fs::create_dir(directory.path().join("d")).expect("a directory can be made there");
    let write =
        |name: &str, text: &str| fs::write(directory.path().join(name), text).expect("a file can be written there");
    write("more.conf", "# one more\ninclude d/last.conf\n");
    write("d/last.conf", &format!("$IP=192.0.2.300/24\n{}", GOOD.replace("192.0.2.10/24", "$IP")));
    let (_, text) = run(&directory, "check --output concise k.conf");
    let expected = "d/last.conf:6:9: warning[invalid-address]: '192.0.2.300/24' is not an IP address; the line is left out \
                    [d/last.conf:1:5: expanded from here] [more.conf:2:1: included from here] \
                    [k.conf:1:1: included from here]\n";
    assert_eq!(text, expected);
    let (_, full) = run(&directory, "check k.conf");
    assert!(full.contains("--> more.conf:2:1") || full.contains("::: more.conf:2:1"), "{full}");
}

#[test]
fn every_include_can_be_checked_for_everything() {
    let directory = with(&format!("include nosuch/*.conf\n{GOOD}"));
    assert!(run(&directory, "check --output concise k.conf").1.contains("warning[include-not-found]"));
    let (status, text) = run(&directory, "check -e --output concise k.conf");
    assert!(status == 1 && text.contains("error[include-not-found]"), "{text}");
}

#[test]
fn a_file_is_formatted_in_place_or_only_judged() {
    let directory = with(&GOOD.replace("    ", "\t").replace('\n', " \n"));
    assert_eq!(run(&directory, "fmt --check k.conf").0, 1);
    assert!(run(&directory, "fmt --diff k.conf").1.starts_with("--- k.conf\n+++ k.conf\n@@"));
    assert_eq!(run(&directory, "fmt k.conf").0, 0);
    assert_eq!(read(&directory), GOOD);
    assert_eq!(run(&directory, "fmt --check k.conf").0, 0);
    assert_eq!(run(&directory, "fmt nosuch.conf").0, 2);
}

#[test]
fn a_finding_and_a_keyword_are_explained() {
    let directory = with("");
    assert!(run(&directory, "explain vip-without-prefix").1.starts_with("# vip-without-prefix\n"));
    assert!(run(&directory, "explain advert_int").1.contains("in vrrp_instance"));
    assert_eq!(run(&directory, "explain nosuchword").0, 1);
}
