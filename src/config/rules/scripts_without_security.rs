//! Scripts without `enable_script_security`: whoever may write the script runs it as root.

use super::Subject;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let script = subject.draft.scripts.iter().find_map(|script| script.command.as_ref());
    let unprotected = script.filter(|_| subject.draft.global.script_security.is_none());
    let diagnostic = unprotected.map(|script| {
        Diagnostic::warning(Name::SCRIPTS_WITHOUT_SECURITY, "scripts run without 'enable_script_security'")
            .at(script.span)
            .help("add 'enable_script_security' and 'script_user' to global_defs")
            .note("keepalived -t answers 6 to this file on a machine that has the script")
    });
    diagnostic.into_iter().collect()
}
