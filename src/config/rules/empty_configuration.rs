//! A file that says nothing: keepalived runs and does nothing.

use super::Subject;
use crate::diagnostic::{Diagnostic, Name};
use crate::source::Span;

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let first = subject.sources.ids().next().filter(|_| subject.statements.is_empty());
    let diagnostic = first.map(|source| {
        Diagnostic::remark(Name::EMPTY_CONFIGURATION, "the file configures nothing")
            .at(Span { source, start: 0, end: 0 })
            .help("is it the right one?")
    });
    diagnostic.into_iter().collect()
}
