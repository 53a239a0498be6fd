//! Priority 255: it says that the router owns the addresses, that is, has them configured on its interface. Nothing can
//! take them from it while it runs: no script's weight, no `preempt_delay`.

use super::Subject;
use super::subject::{Instance, last};
use crate::diagnostic::{Diagnostic, Name};

/// RFC 9568 §5.2.4
const OWNER: i64 = 255;

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    subject.instances.iter().filter_map(judge).collect()
}

fn judge(instance: &Instance) -> Option<Diagnostic> {
    let name = &instance.name;
    let Some(line) = last(instance.body, "priority") else {
        let state = last(instance.body, "state").filter(|_| instance.starts_as_master())?;
        let message = format!("{name}: MASTER without a priority means 255, the owner of the addresses");
        let diagnostic = Diagnostic::warning(Name::IMPLIED_OWNER, message).at(state.span);
        return Some(diagnostic.help("give the instance a priority below 255"));
    };
    if instance.priority() != OWNER {
        return None;
    }
    if let Some(delay) = last(instance.body, "preempt_delay") {
        let message = format!("{name}: 'preempt_delay' has no effect with priority 255");
        let diagnostic = Diagnostic::warning(Name::OWNER_WITH_PREEMPT_DELAY, message).at(delay.span);
        let note = "the owner of the addresses becomes master at once (RFC 9568 §6.4.1)";
        return Some(
            diagnostic.also(line.span, "the owner's priority").help("use a priority of at most 254").note(note),
        );
    }
    let message = format!("{name}: priority 255 is for the owner of the addresses");
    let diagnostic = Diagnostic::remark(Name::OWNER_PRIORITY, message).at(line.span);
    let diagnostic = diagnostic
        .help("use at most 254 unless the addresses are configured on the interface anyway")
        .note("weights of scripts cannot move it: they are ignored");
    let contradiction = instance.value("state").is_some_and(|word| word.bytes == b"BACKUP");
    let severity = if contradiction { crate::diagnostic::Severity::Warning } else { diagnostic.severity };
    Some(Diagnostic { severity, ..diagnostic })
}
