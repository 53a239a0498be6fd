//! A `vrrp_script` that nobody tracks: it never runs.

use std::collections::HashSet;

use super::Subject;
use super::subject::{argument, body, is};
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let tracking = subject.blocks("vrrp_instance").chain(subject.blocks("vrrp_sync_group"));
    let lines = tracking.flat_map(body).filter(|block| is(block, "track_script")).flat_map(body);
    let tracked: HashSet<&[u8]> = lines.filter_map(|line| Some(line.words.first()?.bytes.as_slice())).collect();
    let names = subject.blocks("vrrp_script").filter_map(argument);
    let unused = names.filter(|name| !tracked.contains(name.bytes.as_slice()));
    let diagnostics = unused.map(|name| {
        let message = format!("no instance tracks vrrp_script {}", name.text());
        Diagnostic::warning(Name::UNUSED_SCRIPT, message).at(name.span).help("name it in a 'track_script' block")
    });
    diagnostics.collect()
}
