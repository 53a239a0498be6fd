//! Whether scripts run without `enable_script_security`: keepalived's `-t` then answers 6, whatever else is wrong.
//!
//! Every script counts that a process of keepalived would run, also those of keywords that are not effective yet: the
//! verdict is about the file.

use crate::config::context::{Context, Runner, ScriptUse};
use crate::config::host::Script;
use crate::diagnostic::{Diagnostic, ErrorClass, Name};

use super::Draft;

/// Reports the scripts that exist, once, if nothing forbids insecure ones.
pub(super) fn check(context: &mut Context, draft: &Draft) {
    let Some(host) = context.host else { return };
    if draft.global.script_security.is_some() {
        return;
    }
    let known_user = |user: &Option<String>| user.as_ref().is_none_or(|user| host.user(user).is_some());
    let is_file_test = |program: &str| program.starts_with('<');
    let runs = |script: &&ScriptUse| match script.runner {
        Runner::Parent => true,
        Runner::Vrrp => !draft.instances.is_empty(),
        Runner::Checker => !draft.servers.is_empty(),
        Runner::VrrpAndChecker => !draft.instances.is_empty() || !draft.servers.is_empty(),
    };
    let existing = context.scripts.iter().filter(runs).filter(|script| {
        known_user(&script.user) && !is_file_test(&script.program) && host.script(&script.program) != Script::Missing
    });
    let places: Vec<_> = existing.map(|script| (script.span, host.script(&script.program))).collect();
    let Some(&(first, _)) = places.first() else { return };
    let insecure = places.iter().any(|(_, script)| *script == Script::Insecure);
    let message = if insecure {
        "scripts are run that somebody else than root could change"
    } else {
        "scripts are run without a check that nobody else than root can change them"
    };
    let addition = if insecure { " There are insecure scripts." } else { "" };
    let gist = "SECURITY VIOLATION - scripts are being executed but script_security not enabled.".to_owned() + addition;
    context.report(
        Diagnostic::warning(Name::SCRIPT_SECURITY, message)
            .at(first)
            .class_without_line(ErrorClass::Security)
            .gist(gist)
            .help("add 'enable_script_security' and 'script_user' to global_defs"),
    );
}
