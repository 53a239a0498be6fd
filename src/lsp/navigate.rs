//! From a name to where it is defined, to where it is used, and to another name.

use lsp_types::{Location, Range, TextEdit, Uri, WorkspaceEdit};

use std::path::PathBuf;

use crate::config::Files;
use crate::schema::{self, Value};
use crate::source::{SourceMap, Span};

use super::caret::Caret;
use super::edits::workspace_edit;
use super::position::range;
use super::publish::location;
use super::symbols::{Kind, Project, Symbol, included};
use super::uri;

/// Where the name at `offset` of the file that is asked about is defined; or the files that an `include` names, or the
/// script file that a line runs.
pub(super) fn definition(project: &Project, files: &dyn Files, offset: u32) -> Vec<Location> {
    let asked = project.asked().map(|asked| project.sources.file(asked.source).path());
    let caret = project.caret(offset);
    let statement = caret.as_ref().and_then(|caret| caret.statement);
    let included = asked.zip(statement).map(|(asked, statement)| included(asked, statement, files));
    let script = || caret.as_ref().and_then(script).map(|path| files.matches(&path));
    if let Some(paths) = included.filter(|paths| !paths.is_empty()).or_else(script).filter(|paths| !paths.is_empty()) {
        let start = Range::default();
        return paths.iter().filter_map(|path| Some(Location { uri: uri::from_path(path)?, range: start })).collect();
    }
    let same = same_as(project, offset).into_iter().filter(|symbol| symbol.defines);
    same.filter_map(|symbol| location(&project.sources, symbol.span)).collect()
}

/// The program that the line runs, if it is named by its whole path.
fn script(caret: &Caret) -> Option<PathBuf> {
    let keyword = schema::keepalived().block(&caret.path)?.keyword(&caret.words.first()?.bytes)?;
    let text = caret.words.get(1).filter(|_| keyword.value == Value::Command)?.text().into_owned();
    let program = text.trim_start_matches(['"', '\'', '\\']).split([' ', '\t', '"', '\'', '\\']).next()?;
    // A pattern would name other files.
    let plain = program.starts_with('/') && !program.contains(['*', '?', '[', '{', '~']);
    plain.then(|| PathBuf::from(program))
}

/// Where the name at `offset` is used, and where it is defined if that is asked for.
pub(super) fn references(project: &Project, offset: u32, with_definition: bool) -> Vec<Location> {
    let same = same_as(project, offset).into_iter().filter(|symbol| with_definition || !symbol.defines);
    same.filter_map(|symbol| location(&project.sources, symbol.span)).collect()
}

/// The name at `offset`, if it can be given another one.
pub(super) fn renameable(project: &Project, offset: u32) -> Option<Range> {
    let symbol = project.symbol_at(offset)?;
    Some(range(&project.sources, symbol.span))
}

/// Gives the name at `offset` another one wherever it stands.
///
/// # Errors
/// Why the new name is none, or why there is nothing to rename; for the user.
pub(super) fn rename(project: &Project, offset: u32, new: &str) -> Result<WorkspaceEdit, String> {
    let same = same_as(project, offset);
    let first = same.first().ok_or("there is no name here that can be changed")?;
    if !may_be_called(first.kind, new) {
        return Err(format!("'{new}' cannot be a name: it needs one word without quotes, braces, '#' and '!'"));
    }
    let taken = |symbol: &Symbol| symbol.defines && symbol.kind == first.kind && symbol.name == new;
    if new != first.name && project.symbols().iter().any(taken) {
        return Err(format!("another one is called {new} already"));
    }
    let edits = same.iter().filter_map(|symbol| edit(&project.sources, symbol.span, new));
    Ok(workspace_edit(edits))
}

fn edit(sources: &SourceMap, span: Span, new: &str) -> Option<(Uri, TextEdit)> {
    let Location { uri, range } = location(sources, span)?;
    Some((uri, TextEdit { range, new_text: new.to_owned() }))
}

fn may_be_called(kind: Kind, name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match kind {
        Kind::Variable => name.chars().all(plain) && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'),
        _ => {
            let special = |c: char| c.is_whitespace() || c.is_control() || "\"'{}#!$@~\\".contains(c);
            !name.is_empty() && !name.contains(special)
        }
    }
}

/// Every place of the name at `offset`.
fn same_as(project: &Project, offset: u32) -> Vec<Symbol> {
    let Some(symbol) = project.symbol_at(offset) else { return Vec::new() };
    let same = |other: &Symbol| (other.kind, &other.name) == (symbol.kind, &symbol.name);
    project.symbols().into_iter().filter(same).collect()
}
