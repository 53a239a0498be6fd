//! `keepalived.conf` → [`Config`] and diagnostics. Opens no file and asks no machine itself: see [`Files`], [`Host`].
//!
//! ```text
//! files ── expand ──► tokens ── syntax::Parser ──► statements ── lower ──► drafts ──► Config
//!             │                      │                            │         │
//!             └── include, $NAME, …      └── text::report                │         └── rules (--check-config only)
//!                                                                        └── cursor + schema: which keyword and value
//!                                                      └── planned: complaints about what nothing comes of yet
//! ```
//!
//! Whatever is wrong is a [`Diagnostic`]; a bad file yields all it deserves in one run. A [`Config`] comes out only
//! when nothing in the file has to be left out that alived does not know the meaning of: there is no half of one.

mod allow;
mod asked;
mod cascade;
mod check;
mod command;
mod context;
mod cursor;
mod effective;
mod expand;
mod explain;
mod format;
mod host;
mod lower;
mod places;
mod planned;
mod repair;
mod rules;
mod suggest;
mod target;
mod text;
mod values;

use std::path::Path;

use crate::diagnostic::{self, Diagnostic, Fix, Label, Severity};
use crate::model::Config;
use crate::source::{SourceMap, Span};
use crate::syntax::{Body, Parser, Token, Tree};

pub use check::{CheckOptions, Checked, Format, check, check_config, config_test, exit_code, render};
pub use explain::explain;
pub use format::format;
pub use host::{FileError, Files, Host, Interface, NameTable, Script};
pub use places::InstancePlaces;
pub use target::Target;

use asked::Asked;
use context::Context;
use expand::Expanded;
use lower::Draft;

/// What came of reading a configuration.
pub struct Loaded {
    /// What to run; `None` when a diagnostic is an error.
    pub config: Option<Config>,
    /// Everything there is to say, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read; spans point into them.
    pub sources: SourceMap,
    /// What was understood of a file with errors; nothing in it runs.
    refused: Option<Config>,
    statements: Body,
    draft: Draft,
    /// The lines that were read as if their `{` stood there.
    braced: Vec<Span>,
}

impl Loaded {
    /// The exit status of `keepalived -t`.
    pub fn verdict(&self) -> u8 {
        diagnostic::exit_status(&self.diagnostics)
    }

    /// What was understood, errors or not: to be compared with other files, never to be run.
    pub fn understood(&self) -> Option<&Config> {
        self.config.as_ref().or(self.refused.as_ref())
    }
}

/// Reads a configuration without a look at the machine it is for.
pub fn load(entry: &Path, files: &dyn Files) -> Loaded {
    load_for(entry, files, None, Braces::AsWritten)
}

/// Reads a configuration for this machine: its interfaces, users and scripts are looked up, as keepalived does.
pub fn load_on(entry: &Path, files: &dyn Files, host: &dyn Host) -> Loaded {
    load_for(entry, files, Some(host), Braces::AsWritten)
}

/// What is done about braces that are missing or too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Braces {
    /// What keepalived makes of them.
    AsWritten,
    /// They are put where they most likely belong, to find the other mistakes; for `--check-config` only.
    Repaired,
}

/// The configuration after includes, definitions and conditions as one text, passwords hidden.
///
/// # Errors
/// Why the file could not be read.
pub fn effective(entry: &Path, files: &dyn Files) -> Result<String, String> {
    let loaded = load(entry, files);
    let unreadable = |diagnostic: &&Diagnostic| diagnostic.primary.is_none() && diagnostic.severity == Severity::Error;
    match loaded.diagnostics.iter().find(unreadable).filter(|_| loaded.statements.is_empty()) {
        Some(diagnostic) => Err(diagnostic.message.clone()),
        None => Ok(effective::text(&loaded.statements)),
    }
}

fn load_for(entry: &Path, files: &dyn Files, host: Option<&dyn Host>, braces: Braces) -> Loaded {
    let mut sources = SourceMap::default();
    let mut entries = Vec::new();
    for path in expand::matching(files, entry) {
        let bytes = match files.read(&path) {
            Ok(bytes) => bytes,
            Err(error) => return Loaded::nothing(sources, text::unreadable(&path, &error)),
        };
        let source = sources.add(path, bytes);
        if let Some(diagnostic) = text::not_text(&sources, source) {
            return Loaded::nothing(sources, diagnostic);
        }
        entries.push(source);
    }
    let (expanded, repairs) = match braces {
        Braces::AsWritten => (expand::expand(&mut sources, files, &entries), Vec::new()),
        Braces::Repaired => repaired(expand::expand(&mut sources, files, &entries), &sources),
    };
    let Tree { statements, problems } = expanded.sink.finish(&sources);
    let asked = host.map(Asked::new);
    let mut context = Context::new(&sources, asked.as_ref().map(|asked| asked as &dyn Host));
    context.diagnostics = expanded.diagnostics;
    let braced = repairs.iter().filter(|repair| repair.name == diagnostic::Name::MISSING_BRACE);
    let braced: Vec<Span> = braced.filter_map(|repair| repair.primary).collect();
    context.diagnostics.extend(repairs);
    context.diagnostics.extend(text::several_files(entry, entries.len()));
    text::report(&mut context, &problems);
    let (draft, config) = lower::lower(&mut context, &statements);
    planned::check(&mut context, &statements);
    let mut diagnostics = context.diagnostics.into_vec();
    trace(&mut diagnostics, &sources);
    diagnostics.sort_by_key(|diagnostic| diagnostic.primary.map(check::place));
    let runs = diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error);
    let (config, refused) = if runs { (Some(config), None) } else { (None, Some(config)) };
    Loaded { config, diagnostics, sources, refused, statements, draft, braced }
}

/// The text with its braces where they belong, and what was wrong with them.
fn repaired(expanded: Expanded<Vec<Token>>, sources: &SourceMap) -> (Expanded<Parser>, Vec<Diagnostic>) {
    let (tokens, repairs) = repair::repair(sources, expanded.sink);
    let mut parser = Parser::default();
    for token in tokens {
        parser.token(token, sources.slice(token.span));
    }
    (Expanded { sink: parser, diagnostics: expanded.diagnostics }, repairs)
}

/// Puts every place into a file: where the words are used, and beside it where a definition was written, and what
/// included the file.
fn trace(diagnostics: &mut [Diagnostic], sources: &SourceMap) {
    for diagnostic in diagnostics {
        for label in &mut diagnostic.related {
            label.span = sources.used(label.span);
        }
        // What came out of an expansion is not written where it is used: there is nothing to replace.
        let is_written = |fix: &Fix| fix.edits.iter().all(|edit| sources.used(edit.span) == edit.span);
        diagnostic.fix = diagnostic.fix.take().filter(is_written);
        let Some(span) = diagnostic.primary else { continue };
        let (used, written) = (sources.used(span), sources.written(span));
        diagnostic.primary = Some(used);
        if written != used {
            diagnostic.related.push(Label { span: written, text: "expanded from here".to_owned() });
        }
        let mut place = used;
        while let Some(include) = sources.included_from(place) {
            diagnostic.related.push(Label { span: include, text: "included from here".to_owned() });
            place = include;
        }
    }
}

impl Loaded {
    fn nothing(sources: SourceMap, diagnostic: Diagnostic) -> Loaded {
        let (statements, draft) = (Body::default(), Draft::default());
        let (diagnostics, braced) = (vec![diagnostic], Vec::new());
        Loaded { config: None, diagnostics, sources, refused: None, statements, draft, braced }
    }
}
