//! The markers that version control leaves where it could not merge: both variants count.

use super::Subject;
use crate::diagnostic::{Diagnostic, Name};
use crate::syntax::Statement;

/// What the first line of a conflict begins with (git-merge(1), "How conflicts are presented").
const START: &[u8] = b"<<<<<<<";

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    statements(subject.statements, &mut found);
    found
}

fn statements(all: &[Statement], found: &mut Vec<Diagnostic>) {
    for statement in all {
        if let Some(marker) = statement.words.first().filter(|word| word.bytes == START) {
            found.push(
                Diagnostic::warning(Name::MERGE_CONFLICT, "a merge was not finished here")
                    .at(marker.span)
                    .help("keep one of the variants and remove the markers")
                    .note("keepalived reads both variants"),
            );
        }
        if let Some(block) = &statement.block {
            statements(&block.statements, found);
        }
    }
}
