//! The two ways to judge a configuration without running it: `-t` with keepalived's verdict and wording of the place,
//! and `--check-config` with everything that alived has to say.

use std::path::Path;

use indexmap::IndexSet;

use crate::diagnostic::{self, Diagnostic, Finding, Name, Severity, Style, concise, full, keepalived};
use crate::model::Config;
use crate::source::{SourceId, SourceMap, Span};

use super::host::{Files, Host};
use super::rules::{self, Node, Subject};
use super::target::{self, Target};
use super::{Braces, Loaded, load_for, load_on, trace};
use super::{allow, cascade};

/// How `--check-config` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With the source lines.
    Full(Style),
    /// One line each.
    Concise,
    /// One JSON array.
    Json,
    /// One SARIF 2.1.0 log.
    Sarif,
    /// Workflow commands of GitHub Actions.
    Github,
}

/// What `--check-config` looks at, and how it answers.
#[derive(Clone, Copy)]
pub struct CheckOptions<'a> {
    /// How to write.
    pub format: Format,
    /// The machine to ask for interfaces, users and scripts; without it only the text is judged.
    pub host: Option<&'a dyn Host>,
    /// Warnings count as errors for the exit code.
    pub deny_warnings: bool,
    /// The program that has to run the file; without one what a single program lacks is a note.
    pub target: Option<Target>,
    /// What matters less is left out.
    pub least: Severity,
}

impl Default for CheckOptions<'_> {
    fn default() -> Self {
        let format = Format::Full(Style::Plain);
        CheckOptions { format, host: None, deny_warnings: false, target: None, least: Severity::Note }
    }
}

/// What there is to say about one configuration.
pub struct Checked {
    /// In the order of the text, those without a place first.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read; spans point into them.
    pub sources: SourceMap,
}

/// `-t`: keepalived's exit status for the file on this machine, and the lines for standard error.
pub fn config_test(path: &Path, files: &dyn Files, host: &dyn Host) -> (u8, Vec<String>) {
    let loaded = load_on(path, files, host);
    let with_line = |diagnostic: &&Diagnostic| diagnostic.keepalived.as_ref().is_some_and(|said| said.with_line);
    let (lines, last): (Vec<_>, Vec<_>) = loaded.diagnostics.iter().partition(with_line);
    let lines = lines.into_iter().chain(last).filter_map(|diagnostic| keepalived(diagnostic, &loaded.sources));
    let distinct: IndexSet<String> = lines.collect();
    (loaded.verdict(), distinct.into_iter().collect())
}

/// Everything there is to say about each of the configurations. Several are taken for those of the nodes of one
/// cluster and are also compared with each other.
pub fn check(paths: &[&Path], files: &dyn Files, options: CheckOptions) -> Vec<Checked> {
    let mut loaded: Vec<Loaded> = paths.iter().map(|path| load_to_judge(path, files, options.host)).collect();
    let mut found: Vec<Vec<Diagnostic>> = loaded.iter_mut().map(all_of).collect();
    for (index, diagnostic) in across(paths, &loaded) {
        let mut diagnostic = [diagnostic];
        trace(&mut diagnostic, &loaded[index].sources);
        found[index].extend(diagnostic);
    }
    let finish = |(loaded, mut diagnostics): (Loaded, Vec<Diagnostic>)| {
        let sources = loaded.sources;
        if let Some(Target::Keepalived(release)) = options.target {
            diagnostics.retain(|diagnostic| diagnostic.name != Name::NEWER_KEYWORD);
            let mut newer = target::newer_keywords(&loaded.statements, release);
            trace(&mut newer, &sources);
            diagnostics.extend(newer);
        }
        diagnostics.sort_by_key(|diagnostic| diagnostic.primary.map(place));
        cascade::reduce(&mut diagnostics, &loaded.statements, &sources, &loaded.braced);
        diagnostics.retain_mut(|diagnostic| Target::judge(options.target, diagnostic));
        allow::apply(&sources, &mut diagnostics);
        diagnostics.retain(|diagnostic| diagnostic.severity >= options.least);
        diagnostics.sort_by_key(|diagnostic| diagnostic.primary.map(place));
        Checked { diagnostics, sources }
    };
    loaded.into_iter().zip(found).map(finish).collect()
}

/// Reads a file for what is wrong with it: behind a brace that is missing or too many it goes on as if it had been right.
fn load_to_judge(path: &Path, files: &dyn Files, host: Option<&dyn Host>) -> Loaded {
    const BRACES: [Name; 4] = [Name::UNCLOSED_BLOCK, Name::EXTRA_BRACE, Name::MISSING_BRACE, Name::UNKNOWN_BLOCK];
    let loaded = load_for(path, files, host, Braces::AsWritten);
    let is_broken = loaded.diagnostics.iter().any(|diagnostic| BRACES.contains(&diagnostic.name));
    if is_broken { load_for(path, files, host, Braces::Repaired) } else { loaded }
}

/// `--check-config`: what to print, and the exit code of [`exit_code`].
pub fn check_config(paths: &[&Path], files: &dyn Files, options: CheckOptions) -> (u8, String) {
    let checked = check(paths, files, options);
    (exit_code(&checked, options.deny_warnings), render(&checked, options.format))
}

/// 0 when the files can run, 1 when a finding denies that, 2 when a file could not be read.
pub fn exit_code(checked: &[Checked], deny_warnings: bool) -> u8 {
    let mut all = checked.iter().flat_map(|checked| &checked.diagnostics);
    let least = if deny_warnings { Severity::Warning } else { Severity::Error };
    if all.clone().any(|diagnostic| diagnostic.name == Name::UNREADABLE_FILE && diagnostic.primary.is_none()) {
        2
    } else {
        all.any(|diagnostic| diagnostic.severity >= least).into()
    }
}

/// What loading and the rules have to say about one configuration.
fn all_of(loaded: &mut Loaded) -> Vec<Diagnostic> {
    let mut all = std::mem::take(&mut loaded.diagnostics);
    let subject = Subject::new(&loaded.statements, &loaded.draft, &loaded.sources);
    let mut found = rules::check(&subject);
    trace(&mut found, &loaded.sources);
    all.extend(found);
    all
}

fn across(paths: &[&Path], loaded: &[Loaded]) -> Vec<(usize, Diagnostic)> {
    if loaded.len() < 2 {
        return Vec::new();
    }
    let empty = Config::default();
    let nodes = paths.iter().zip(loaded).map(|(path, loaded)| Node {
        path,
        draft: &loaded.draft,
        config: loaded.config.as_ref().unwrap_or(&empty),
    });
    rules::across(&nodes.collect::<Vec<_>>())
}

/// The order in which diagnostics are shown: that of the text, those without a place first.
pub(super) fn place(span: Span) -> (SourceId, u32) {
    (span.source, span.start)
}

/// What to print.
pub fn render(checked: &[Checked], format: Format) -> String {
    let findings: Vec<Finding> = checked
        .iter()
        .flat_map(|checked| checked.diagnostics.iter().map(|diagnostic| (diagnostic, &checked.sources)))
        .collect();
    let each = |one: &dyn Fn(&Finding) -> String| findings.iter().map(one).collect();
    match format {
        Format::Full(style) => each(&|(diagnostic, sources)| full(diagnostic, sources, style) + "\n\n"),
        Format::Concise => each(&|(diagnostic, sources)| concise(diagnostic, sources) + "\n"),
        Format::Json => diagnostic::json(&findings),
        Format::Sarif => diagnostic::sarif(&findings),
        Format::Github => diagnostic::github(&findings),
    }
}
