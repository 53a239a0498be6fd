//! Do scripts learn of a change of state as they do from keepalived: which ones, with which words, how often?

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use crate::common::daemon::Program;
use crate::common::lab::Lab;
use crate::common::vrrp_conf::VIP;
use crate::common::wait::eventually;
use crate::pairs::{HIGH, LATENESS, LOW, Pairing};

/// A script that notes how it was called, one line a call.
fn recorder(directory: &Path) -> String {
    let script = directory.join("note.sh");
    let notes = directory.join("notes");
    let text = format!(
        "#!/bin/sh\nline=\nfor word in \"$@\"; do line=\"$line<$word>\"; done\necho \"$line\" >> {}\n",
        notes.display()
    );
    fs::write(&script, text).expect("writing the script");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("making it executable");
    script.display().to_string()
}

fn notes(directory: &Path) -> Vec<String> {
    let text = fs::read_to_string(directory.join("notes")).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // Scripts of one change run side by side: their order is nobody's promise.
    lines.sort();
    lines
}

/// One life of the instance on a: start, MASTER, FAULT without carrier, BACKUP, MASTER again, stop.
fn life(program: Program) -> Vec<String> {
    let lab = Lab::pair();
    let pairing = Pairing { a: program, b: Program::Keepalived, unicast: false };
    let script = recorder(lab.directory());
    let mut conf = pairing.conf(&lab, "a", HIGH);
    conf.blocks = "global_defs {\n    enable_script_security\n    script_user root\n}\n".to_owned();
    for state in ["master", "backup", "fault", "stop"] {
        conf = conf.line(&format!("notify_{state} \"{script} own_{state} 'two words'\""));
    }
    conf = conf.line(&format!("notify \"{script} any\""));
    let a = lab.host("a");
    a.start(program, &conf.text());
    lab.host("b").start(pairing.b, &pairing.conf(&lab, "b", LOW).text());
    lab.settle("a", VIP);
    lab.cut_link("a");
    eventually("a to give the address up", LATENESS, || !a.holds(VIP));
    lab.restore_link("a");
    eventually("a to take the address back", Duration::from_secs(12), || lab.owners(VIP) == ["a"]);
    assert!(a.terminate().success());
    notes(lab.directory())
}

#[test]
fn every_change_of_state_runs_the_scripts_with_keepalived_s_words() {
    let ours = life(Program::Alived);
    let expected = [
        "<any><INSTANCE><VI_1><BACKUP><150>",
        "<any><INSTANCE><VI_1><BACKUP><150>",
        "<any><INSTANCE><VI_1><FAULT><150>",
        "<any><INSTANCE><VI_1><MASTER><150>",
        "<any><INSTANCE><VI_1><MASTER><150>",
        "<any><INSTANCE><VI_1><STOP><150>",
        "<own_backup><two words>",
        "<own_backup><two words>",
        "<own_fault><two words>",
        "<own_master><two words>",
        "<own_master><two words>",
        "<own_stop><two words>",
    ];
    assert_eq!(ours, expected);
    assert_eq!(ours, life(Program::Keepalived));
}
