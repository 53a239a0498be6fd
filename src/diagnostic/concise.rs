//! One line per diagnostic: `file:line:column: error[name]: message`, and in brackets the other places it is about.

use crate::source::SourceMap;

use super::{Diagnostic, place};

/// The line, without a newline at its end.
pub fn concise(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let level = diagnostic.severity.as_str();
    let mut text = format!("{level}[{}]: {}", diagnostic.name, diagnostic.message);
    for label in &diagnostic.related {
        text += &format!(" [{}: {}]", place(sources, label.span), label.text);
    }
    match diagnostic.primary {
        Some(span) => format!("{}: {text}", place(sources, span)),
        None => text,
    }
}
