//! Mail without `router_id`: the subject names the host, which may be called the same on all nodes.

use super::Subject;
use super::subject::{body, is};
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mail = subject.globals().find(|line| is(line, "notification_email") && !body(line).is_empty());
    let mail = mail.filter(|_| !subject.has_global("router_id"));
    let diagnostic = mail.map(|line| {
        Diagnostic::remark(Name::MISSING_ROUTER_ID, "mail is sent and 'router_id' is not set")
            .at(line.span)
            .help("set it in global_defs: it tells the nodes apart in the subject of a mail")
    });
    diagnostic.into_iter().collect()
}
