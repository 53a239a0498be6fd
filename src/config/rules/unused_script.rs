//! A `vrrp_script` that no instance tracks: it never runs.

use super::Subject;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let draft = subject.draft;
    let is_tracked = |name: &str| {
        let mut tracked = draft.instances.iter().flat_map(|instance| &instance.tracked);
        tracked.any(|tracked| tracked.script.value.0 == name)
    };
    let unused = draft.scripts.iter().filter(|script| !is_tracked(&script.name.value));
    let diagnostics = unused.map(|script| {
        let message = format!("no instance tracks vrrp_script {}", script.name.value);
        Diagnostic::warning(Name::UNUSED_SCRIPT, message).at(script.name.span).help("name it in a 'track_script' block")
    });
    diagnostics.collect()
}
