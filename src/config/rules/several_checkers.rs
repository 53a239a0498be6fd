//! Two checkers for one real server: it is up only while both succeed, which is not always what two are written for.

use super::Subject;
use super::no_checker::is_checker;
use super::subject::body;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let reals = subject.servers.iter().flat_map(|server| server.reals());
    let diagnostics = reals.filter_map(|real| {
        let mut checkers = body(real).iter().filter(|line| is_checker(line));
        let (first, second) = (checkers.next()?, checkers.next()?);
        let diagnostic = Diagnostic::remark(Name::SEVERAL_CHECKERS, "a second checker for one real server");
        Some(
            diagnostic.at(second.span).also(first.span, "the first").note("the server is up while all of them succeed"),
        )
    });
    diagnostics.collect()
}
