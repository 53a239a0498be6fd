//! A value that two `global_defs` blocks set: the last one counts. Several blocks are fine, so this is but a note.

use std::collections::HashMap;

use super::Subject;
use super::subject::body;
use crate::diagnostic::{Diagnostic, Name};
use crate::schema::{self, Value};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let Some(block) = schema::keepalived().block("global_defs") else { return Vec::new() };
    let mut seen = HashMap::new();
    let mut found = Vec::new();
    for (index, globals) in subject.blocks("global_defs").enumerate() {
        for line in body(globals) {
            let Some(keyword) = line.words.first().and_then(|word| block.keyword(&word.bytes)) else { continue };
            let single = matches!(keyword.value, Value::Text | Value::Integer { .. } | Value::Seconds { .. });
            let before = if single { seen.insert(&keyword.name, (index, line.span)) } else { None };
            let Some((_, first)) = before.filter(|(before, _)| *before != index) else { continue };
            let message = format!("another global_defs sets '{}' too; this one counts", keyword.name);
            let diagnostic = Diagnostic::remark(Name::REPEATED_GLOBAL, message).at(line.span);
            found.push(diagnostic.also(first, "without effect"));
        }
    }
    found
}
