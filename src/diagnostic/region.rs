//! Places as other programs want them: file, lines and columns as numbers.

use serde::Serialize;

use crate::source::{SourceMap, Span};

/// A piece of a file. Lines and columns count from 1, columns in characters; the end is exclusive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Region {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
}

impl Region {
    pub fn of(sources: &SourceMap, span: Span) -> Region {
        let (start, end) = (sources.position(span), sources.position(span.after()));
        Region {
            file: sources.file(span.source).path().display().to_string(),
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        }
    }
}
