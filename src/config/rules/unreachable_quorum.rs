//! A `quorum` that all real servers together do not reach: the service never counts as up.

use super::Subject;
use super::subject::{argument, body, last, number};
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let diagnostics = subject.servers.iter().filter_map(|server| {
        let line = last(server.body, "quorum")?;
        let quorum = number(argument(line)?)?;
        let weight = |lines| last(lines, "weight").and_then(argument).and_then(number);
        let default = weight(server.body).unwrap_or(1);
        let all: i64 = server.reals().map(|real| weight(body(real)).unwrap_or(default)).fold(0, i64::saturating_add);
        let message = format!("the quorum is {quorum}, and all real servers together weigh {all}");
        let diagnostic = Diagnostic::warning(Name::UNREACHABLE_QUORUM, message).at(line.span);
        (quorum > all && all > 0).then(|| diagnostic.help(format!("a quorum of at most {all} can be reached")))
    });
    diagnostics.collect()
}
