//! Diagnostics in the protocol's form.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lsp_types::{
    Diagnostic as LspDiagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString, Range,
};

use crate::config::{CheckOptions, Checked, Files, check};
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{SourceMap, Span};

use super::position::range;
use super::symbols::plain;
use super::uri;

/// Everything there is to say about `entry` and the files that it is spread over, by file; about many there is nothing.
pub(super) fn diagnostics(entry: &Path, files: &dyn Files) -> BTreeMap<PathBuf, Vec<LspDiagnostic>> {
    let mut by_file = BTreeMap::from([(entry.to_owned(), Vec::new())]);
    for Checked { diagnostics, sources } in check(&[entry], files, CheckOptions::default()) {
        by_file.extend(sources.ids().map(|id| (plain(sources.file(id).path()), Vec::new())));
        for diagnostic in &diagnostics {
            let file = diagnostic.primary.map_or_else(|| entry.to_owned(), |span| path_of(&sources, span));
            by_file.entry(file).or_default().push(convert(diagnostic, &sources));
        }
    }
    by_file
}

/// A diagnostic in the protocol's form.
pub(super) fn convert(diagnostic: &Diagnostic, sources: &SourceMap) -> LspDiagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Note => DiagnosticSeverity::INFORMATION,
    };
    let related = diagnostic.related.iter().filter_map(|label| {
        let message = label.text.clone();
        Some(DiagnosticRelatedInformation { location: location(sources, label.span)?, message })
    });
    let related: Vec<_> = related.collect();
    LspDiagnostic {
        range: diagnostic.primary.map_or_else(Range::default, |span| range(sources, span)),
        severity: Some(severity),
        code: Some(NumberOrString::String(diagnostic.name.as_str().to_owned())),
        source: Some("alived".to_owned()),
        message: message(diagnostic),
        related_information: (!related.is_empty()).then_some(related),
        ..LspDiagnostic::default()
    }
}

/// The message with what a terminal shows around it.
fn message(diagnostic: &Diagnostic) -> String {
    let mut text = diagnostic.message.clone();
    for (kind, more) in [("", &diagnostic.label), ("note: ", &diagnostic.note), ("help: ", &diagnostic.help)] {
        if let Some(more) = more {
            text += &format!("\n{kind}{more}");
        }
    }
    text
}

fn path_of(sources: &SourceMap, span: Span) -> PathBuf {
    plain(sources.file(sources.used(span).source).path())
}

/// The place of a span.
pub(super) fn location(sources: &SourceMap, span: Span) -> Option<Location> {
    let uri = uri::from_path(&path_of(sources, span))?;
    Some(Location { uri, range: range(sources, span) })
}
