//! A carriage return that no newline follows, as old editors and some clipboards write it: to keepalived it is a blank,
//! and what follows belongs to the same line.

use super::Subject;
use crate::diagnostic::{Diagnostic, Edit, Fix, Name, Severity};
use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::{lines, significant};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    // Without a statement there is no text, or none that means anything.
    let ids = subject.sources.ids().filter(|_| !subject.statements.is_empty());
    ids.filter_map(|source| judge(subject.sources, source)).collect()
}

fn judge(sources: &SourceMap, source: SourceId) -> Option<Diagnostic> {
    let bytes = sources.file(source).bytes();
    let is_alone = |at: &usize| bytes[*at] == b'\r' && bytes.get(at + 1).is_some_and(|next| !b"\r\n".contains(next));
    if !(0..bytes.len()).any(|at| is_alone(&at)) {
        return None;
    }
    let mut alone = Vec::new();
    for line in lines(source, bytes) {
        let start = line.span.start as usize;
        alone.extend((start..start + significant(line.text).len()).filter(is_alone));
    }
    let span = |at: usize| Span { source, start: at as u32, end: at as u32 + 1 };
    let first = span(*alone.first()?);
    let edits = alone.iter().map(|at| Edit { span: span(*at), text: "\n".to_owned() }).collect();
    let message = "a carriage return without a newline does not end a line";
    let diagnostic = Diagnostic { severity: Severity::Error, ..Diagnostic::warning(Name::CARRIAGE_RETURN, message) };
    let note = "keepalived takes it for a blank: what follows is part of the same line";
    Some(diagnostic.at(first).note(note).help("end the lines with a newline").fix(Fix { edits, safe: true }))
}
