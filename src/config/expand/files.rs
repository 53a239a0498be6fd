//! What an `include` brings in, and what is wrong with it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::config::host::{FileError, Files};
use crate::config::text;
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::source::Span;

use super::include::{Checks, alternatives, is_wildcard};
use super::line::Line;
use super::{Expander, MAX_DEPTH, Sink};

/// Most files that may be included, so that files which include each other over and over come to an end.
pub(super) const MOST_INCLUDES: usize = 100_000;

/// The files that the name of a configuration stands for, which may be a pattern. Its own name when nothing matches.
pub(in crate::config) fn matching(files: &dyn Files, entry: &Path) -> Vec<PathBuf> {
    let pattern = entry.as_os_str().as_bytes();
    if !is_wildcard(pattern) && !pattern.contains(&b'{') {
        return vec![entry.to_owned()];
    }
    let alternatives = alternatives(pattern).unwrap_or_default();
    let found: Vec<_> = alternatives.iter().flat_map(|one| files.matches(Path::new(OsStr::from_bytes(one)))).collect();
    if found.is_empty() { vec![entry.to_owned()] } else { found }
}

impl<S: Sink> Expander<'_, S> {
    /// `include PATTERN` at `place`: the files that match, in sorted order. A relative pattern starts from the directory
    /// of the file that says it.
    pub(super) fn include(&mut self, pattern: &Line, place: Span, checks: Checks) {
        let checks = checks | self.checks;
        let written = pattern.bytes();
        let name = pattern.text();
        let Some(alternatives) = alternatives(written) else {
            let message = format!("'{name}' stands for too many names");
            return self.complain(Name::INCLUDE_NOT_FOUND, message.clone(), message, place, true);
        };
        let here = self.reading.last().and_then(|file| file.parent()).unwrap_or(Path::new("")).to_owned();
        let found = alternatives.iter().map(|one| self.files.matches(&here.join(OsStr::from_bytes(one))));
        let found: Vec<Vec<_>> = found.collect();
        let is_missing = |(one, paths): &(&Vec<u8>, &Vec<_>)| paths.is_empty() && !is_wildcard(one);
        let missing = alternatives.iter().zip(&found).filter(is_missing).count();
        if found.iter().all(Vec::is_empty) && is_wildcard(written) {
            let gist = format!("No config files matched '{name}'.");
            let fails = checks.asks(Checks::WILDCARD);
            self.complain(Name::INCLUDE_NOT_FOUND, format!("no file matches '{name}'"), gist, place, fails);
        } else if missing == found.len() {
            let gist = format!("Config files missing '{name}'.");
            let fails = checks.asks(Checks::MATCH);
            self.complain(Name::INCLUDE_NOT_FOUND, format!("there is no file '{name}'"), gist, place, fails);
        } else if missing > 0 {
            let gist = format!("Some config files missing: \"{name}\".");
            let fails = checks.asks(Checks::BRACE);
            self.complain(Name::INCLUDE_NOT_FOUND, format!("not all of '{name}' is there"), gist, place, fails);
        }
        for path in found.iter().flatten() {
            self.include_file(path, place, checks);
        }
    }

    fn include_file(&mut self, path: &Path, place: Span, checks: Checks) {
        let shown = path.display();
        if self.reading.iter().any(|reading| reading == path) || self.reading.len() > MAX_DEPTH {
            let message = format!("{shown} includes itself");
            let gist = format!("Configuration file '{shown}' open problem (Too many open files) - skipping");
            return self.complain(Name::INCLUDE_LOOP, message, gist, place, checks.asks(Checks::READ));
        }
        if self.includes_left == 0 {
            let message = format!("more than {MOST_INCLUDES} files are included");
            return self.complain(Name::INCLUDE_LOOP, message.clone(), message, place, true);
        }
        self.includes_left -= 1;
        let bytes = match self.files.read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let gist = match error {
                    FileError::Directory => format!("Configuration file '{shown}' is a directory - skipping"),
                    FileError::NotPlain => {
                        format!("Configuration file '{shown}' is not a regular non-executable file - skipping")
                    }
                    FileError::NotFound | FileError::Unreadable(_) | FileError::TooLarge => {
                        format!("Configuration file '{shown}' open problem ({error}) - skipping")
                    }
                };
                let fails = checks.asks(Checks::READ);
                let message = format!("{shown} is not read: {error}");
                return self.complain(Name::INCLUDE_NOT_READABLE, message, gist, place, fails);
            }
        };
        let source = self.sources.include(path.to_owned(), bytes, place);
        match text::not_text(self.sources, source) {
            Some(diagnostic) => self.report(diagnostic.also(place, "included here")),
            None => self.file(source),
        }
    }

    /// Something is wrong with an include. keepalived ends with 6 if it was asked to check that, else it goes on; alived
    /// does not run what may be half a configuration, except that a wildcard may match nothing.
    fn complain(&mut self, name: Name, message: String, gist: String, place: Span, fails: bool) {
        let silent = gist.starts_with("No config files matched") && !fails;
        let diagnostic = if silent { Diagnostic::warning(name, message) } else { Diagnostic::error(name, message) };
        let diagnostic = diagnostic.at(place);
        self.report(if silent {
            diagnostic
        } else if fails {
            let note = "keepalived reads nothing more and exits with status 6";
            diagnostic.class(ErrorClass::IncludeCheck).gist(gist).note(note)
        } else {
            let note = "keepalived goes on without it";
            diagnostic.class(ErrorClass::Remark).gist(gist).note(note)
        });
    }

    /// `include_check` changes what the following includes are asked for, to the end of the file.
    pub(super) fn include_check(&mut self, words: &[&[u8]], place: Span) {
        match self.checks.changed(words) {
            Ok(checks) => self.checks = checks,
            Err(word) => {
                let word = String::from_utf8_lossy(word).into_owned();
                self.report(
                    Diagnostic::warning(Name::INVALID_VALUE, format!("'{word}' is nothing that include_check checks"))
                        .at(place)
                        .class(ErrorClass::General)
                        .gist(format!("Unknown include_check type '{word}' - ignoring"))
                        .help("write one of read, match, wildcard_match, brace_match; each further one with + or -"),
                );
            }
        }
    }

    /// keepalived's processes find both the file and the line, and read the file again.
    pub(super) fn included_twice(&mut self, place: Span) {
        self.report(
            Diagnostic::warning(Name::INCLUDED_TWICE, "keepalived reads this file twice, because of the condition")
                .at(place)
                .class(ErrorClass::General)
                .help("put the condition on the lines of the file")
                .note("alived reads it once"),
        );
    }
}
