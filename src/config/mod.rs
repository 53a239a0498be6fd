//! `keepalived.conf` → [`Config`] and diagnostics. Opens no file and asks no machine itself: see [`Files`], [`Host`].
//!
//! ```text
//! file ── syntax::parse ──► tree ── expand ──► statements ── lower ──► drafts ──► Config
//!              │                      │                        │         │
//!              └── text::report       └── include, $NAME, …    │         └── rules (--check-config only)
//!                                                              └── cursor + schema: which keyword, which value
//! ```
//!
//! Whatever is wrong is a [`Diagnostic`]; a bad file yields all it deserves in one run. A [`Config`] comes out only
//! when nothing in the file has to be left out that alived does not know the meaning of: there is no half of one.

mod check;
mod command;
mod context;
mod cursor;
mod expand;
mod host;
mod lower;
mod places;
mod rules;
mod text;
mod values;

use std::path::Path;

use crate::diagnostic::{self, Diagnostic, Severity};
use crate::model::Config;
use crate::source::SourceMap;
use crate::syntax::{self, Statement};

pub use check::{CheckOptions, Format, check_config, check_file, config_test};
pub use host::{FileError, Files, Host, Interface, Script};
pub use places::InstancePlaces;

use context::Context;
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
    statements: Vec<Statement>,
    draft: Draft,
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
    load_for(entry, files, None)
}

/// Reads a configuration for this machine: its interfaces, users and scripts are looked up, as keepalived does.
pub fn load_on(entry: &Path, files: &dyn Files, host: &dyn Host) -> Loaded {
    load_for(entry, files, Some(host))
}

fn load_for(entry: &Path, files: &dyn Files, host: Option<&dyn Host>) -> Loaded {
    let mut sources = SourceMap::default();
    let bytes = match files.read(entry) {
        Ok(bytes) => bytes,
        Err(error) => return Loaded::nothing(sources, text::unreadable(entry, &error)),
    };
    let source = sources.add(entry.to_owned(), bytes);
    if let Some(diagnostic) = text::not_text(&sources, source) {
        return Loaded::nothing(sources, diagnostic);
    }
    let tree = syntax::parse(&sources, source);
    let mut context = Context::new(&sources, host);
    text::report(&mut context, &tree.problems);
    let statements = expand::expand(&mut context, tree);
    let (draft, config) = lower::lower(&mut context, &statements);
    let mut diagnostics = context.diagnostics;
    diagnostics.sort_by_key(|diagnostic| diagnostic.primary.map(check::place));
    let runs = diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error);
    let (config, refused) = if runs { (Some(config), None) } else { (None, Some(config)) };
    Loaded { config, diagnostics, sources, refused, statements, draft }
}

impl Loaded {
    fn nothing(sources: SourceMap, diagnostic: Diagnostic) -> Loaded {
        let (statements, draft) = (Vec::new(), Draft::default());
        Loaded { config: None, diagnostics: vec![diagnostic], sources, refused: None, statements, draft }
    }
}
