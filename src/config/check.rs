//! The two ways to judge a configuration without running it: `-t` with keepalived's verdict and wording of the place,
//! and `--check-config` with everything that alived has to say.

use std::path::Path;

use indexmap::IndexSet;

use crate::diagnostic::{Diagnostic, Name, Severity, Style, concise, full, keepalived};
use crate::model::Config;
use crate::source::{SourceId, SourceMap, Span};

use super::host::{Files, Host};
use super::rules::{self, Node, Subject};
use super::{Loaded, load, load_on, trace};

/// How `--check-config` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With the source lines.
    Full(Style),
    /// One line each.
    Concise,
}

/// What `--check-config` looks at.
#[derive(Clone, Copy)]
pub struct CheckOptions<'a> {
    /// How to write.
    pub format: Format,
    /// The machine to ask for interfaces, users and scripts; without it only the text is judged.
    pub host: Option<&'a dyn Host>,
    /// Warnings count as errors for the exit code.
    pub deny_warnings: bool,
}

/// `-t`: keepalived's exit status for the file on this machine, and the lines for standard error.
pub fn config_test(path: &Path, files: &dyn Files, host: &dyn Host) -> (u8, Vec<String>) {
    let loaded = load_on(path, files, host);
    let lines = loaded.diagnostics.iter().filter_map(|diagnostic| keepalived(diagnostic, &loaded.sources));
    let distinct: IndexSet<String> = lines.collect();
    (loaded.verdict(), distinct.into_iter().collect())
}

/// `--check-config`: 0 when the files can run, 1 when one cannot, 2 when one could not be read; and what to print.
/// Several files are taken for those of the nodes of one cluster and are also compared with each other.
pub fn check_config(paths: &[&Path], files: &dyn Files, options: CheckOptions) -> (u8, String) {
    let load = |path: &&Path| match options.host {
        Some(host) => load_on(path, files, host),
        None => load(path, files),
    };
    let loaded: Vec<Loaded> = paths.iter().map(load).collect();
    let mut found: Vec<Vec<Diagnostic>> = loaded.iter().map(all_of).collect();
    let empty = Config::default();
    let config = |loaded: &Loaded| loaded.config.clone().unwrap_or_else(|| empty.clone());
    let configs: Vec<Config> = loaded.iter().map(config).collect();
    let nodes = paths.iter().zip(&loaded).zip(&configs);
    let nodes: Vec<Node> = nodes.map(|((path, loaded), config)| Node { path, draft: &loaded.draft, config }).collect();
    for (index, diagnostic) in rules::across(&nodes) {
        let mut diagnostic = [diagnostic];
        trace(&mut diagnostic, &loaded[index].sources);
        found[index].extend(diagnostic);
    }
    found.iter_mut().for_each(|found| found.sort_by_key(|diagnostic| diagnostic.primary.map(place)));
    let unreadable = found.iter().flatten().any(|diagnostic| diagnostic.name == Name::UNREADABLE_FILE);
    let denies = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error || options.deny_warnings;
    let status = match (unreadable, found.iter().flatten().any(denies)) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 0,
    };
    let texts = loaded.iter().zip(&found);
    (status, texts.map(|(loaded, found)| render(found, &loaded.sources, options.format)).collect())
}

/// Everything there is to say about one file, and the files that it is said of.
pub fn check_file(path: &Path, files: &dyn Files) -> (Vec<Diagnostic>, SourceMap) {
    let loaded = load(path, files);
    (all_of(&loaded), loaded.sources)
}

/// What loading and the rules have to say about one configuration.
fn all_of(loaded: &Loaded) -> Vec<Diagnostic> {
    let mut found = rules::check(&Subject { statements: &loaded.statements, draft: &loaded.draft });
    trace(&mut found, &loaded.sources);
    loaded.diagnostics.iter().cloned().chain(found).collect()
}

/// The order in which diagnostics are shown: that of the text, those without a place first.
pub(super) fn place(span: Span) -> (SourceId, u32) {
    (span.source, span.start)
}

fn render(diagnostics: &[Diagnostic], sources: &SourceMap, format: Format) -> String {
    let one = |diagnostic: &Diagnostic| match format {
        Format::Full(style) => full(diagnostic, sources, style) + "\n\n",
        Format::Concise => concise(diagnostic, sources) + "\n",
    };
    diagnostics.iter().map(one).collect()
}
