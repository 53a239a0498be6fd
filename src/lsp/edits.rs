//! Changes that the editor may make: the fixes of diagnostics, and the layout of `alived fmt`.

use std::collections::HashMap;
use std::path::Path;

use lsp_types::{CodeAction, CodeActionKind, Position, Range, TextEdit, Uri, WorkspaceEdit};

use crate::config::{self, CheckOptions, Checked, Files, check};
use crate::diagnostic::{Diagnostic, Fix};
use crate::source::SourceMap;

use super::publish::{convert, location};

/// A fix for each diagnostic of `entry` that has one and touches the lines of `range` in the file `asked`.
pub(super) fn quick_fixes(entry: &Path, asked: &Path, files: &dyn Files, range: Range) -> Vec<CodeAction> {
    let mut actions = Vec::new();
    for Checked { diagnostics, sources } in check(&[entry], files, CheckOptions::default()) {
        for diagnostic in &diagnostics {
            let place = diagnostic.primary.and_then(|span| location(&sources, span));
            let touches = place.filter(|place| {
                super::uri::to_path(&place.uri).as_deref() == Some(asked)
                    && place.range.start.line <= range.end.line
                    && range.start.line <= place.range.end.line
            });
            if let (Some(_), Some(fix)) = (touches, &diagnostic.fix) {
                actions.push(action(diagnostic, fix, &sources));
            }
        }
    }
    actions
}

fn action(diagnostic: &Diagnostic, fix: &Fix, sources: &SourceMap) -> CodeAction {
    let edits = fix.edits.iter().filter_map(|edit| {
        let place = location(sources, edit.span)?;
        Some((place.uri, TextEdit { range: place.range, new_text: edit.text.clone() }))
    });
    CodeAction {
        title: title(fix, sources),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![convert(diagnostic, sources)]),
        edit: Some(workspace_edit(edits)),
        is_preferred: Some(fix.safe),
        ..CodeAction::default()
    }
}

/// What the fix does, in the words that it changes.
fn title(fix: &Fix, sources: &SourceMap) -> String {
    let shown = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    match fix.edits.as_slice() {
        [edit] => {
            let old = shown(&String::from_utf8_lossy(sources.slice(edit.span)));
            let new = shown(&edit.text);
            match (old.is_empty(), new.is_empty()) {
                (_, true) => format!("remove '{old}'"),
                (true, false) => format!("insert '{new}'"),
                (false, false) => format!("replace '{old}' with '{new}'"),
            }
        }
        edits => format!("change {} places", edits.len()),
    }
}

/// Edits by file.
// Uri counts as mutable inside because it caches its parts; the key never changes.
#[allow(clippy::mutable_key_type)]
pub(super) fn workspace_edit(edits: impl Iterator<Item = (Uri, TextEdit)>) -> WorkspaceEdit {
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for (uri, edit) in edits {
        changes.entry(uri).or_default().push(edit);
    }
    WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
}

/// The text in its one layout, as one change; none when it has it already.
pub(super) fn formatting(text: &str) -> Vec<TextEdit> {
    let new_text = String::from_utf8_lossy(&config::format(text.as_bytes())).into_owned();
    if new_text == text {
        return Vec::new();
    }
    let lines = text.split('\n').count() as u32;
    let range = Range { start: Position::new(0, 0), end: Position::new(lines, 0) };
    vec![TextEdit { range, new_text }]
}
