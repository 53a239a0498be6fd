//! One line per diagnostic: `file:line:column: error[name]: message`.

use crate::source::SourceMap;

use super::{Diagnostic, place};

/// The line, without a newline at its end.
pub fn concise(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let level = diagnostic.severity.as_str();
    let text = format!("{level}[{}]: {}", diagnostic.name, diagnostic.message);
    match diagnostic.primary {
        Some(span) => format!("{}: {text}", place(sources, span)),
        None => text,
    }
}
