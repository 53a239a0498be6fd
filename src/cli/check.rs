//! Carries out `alived check`, `alived explain` and `alived fmt`: reads and writes files, prints, chooses exit codes.
//! What there is to say is decided in `config`.

use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::config::{self, CheckOptions, Checked, Format, Host};
use crate::diagnostic::{Severity, Style, apply, unified_diff};
use crate::io::files::NodeFiles;
use crate::io::host::SystemHost;
use crate::peers::{self, NodeFile};

use super::own::{CheckArguments, FmtArguments, Output};

/// Nothing to say.
const CLEAN: u8 = 0;
/// A finding that denies, or a file that would change.
const FOUND: u8 = 1;
/// A file could not be read or written.
const FAILED: u8 = 2;
/// How often `--fix` looks again; no fix asks for more than a few.
const MOST_ROUNDS: usize = 10;

/// `alived check`
pub(super) fn check(arguments: &CheckArguments) -> ExitCode {
    let paths: Vec<&Path> = arguments.files.iter().map(PathBuf::as_path).collect();
    if arguments.peers {
        return across_nodes(&paths, arguments);
    }
    if arguments.config_ids.len() > 1 {
        eprintln!("several ids are for check --peers, where each file is read for a node of its own");
        return ExitCode::from(FAILED);
    }
    let files = arguments.node(0);
    if arguments.effective {
        return effective(&paths, &files);
    }
    let options = CheckOptions {
        format: format(arguments.output),
        host: arguments.host.then_some(&SystemHost as &dyn Host),
        deny_warnings: arguments.deny.is_some(),
        target: arguments.target,
        least: arguments.level.into(),
    };
    let everything = CheckOptions { least: Severity::Note, ..options };
    if arguments.diff {
        return fixes(&config::check(&paths, &files, everything), &mut |path, old, new| {
            print(&unified_diff(&path.display().to_string(), old, new));
            Ok(())
        });
    }
    if arguments.fix {
        // A fix may make room for another, and one that overlaps with it has to wait.
        for _ in 0..MOST_ROUNDS {
            let checked = config::check(&paths, &files, everything);
            let written = fixes(&checked, &mut |path, _, new| fs::write(path, new));
            match written {
                status if status == ExitCode::from(FAILED) => return written,
                status if status == ExitCode::from(CLEAN) => break,
                _ => {}
            }
        }
    }
    let (status, text) = config::check_config(&paths, &files, options);
    print(&text);
    ExitCode::from(status)
}

/// `--peers`
fn across_nodes(paths: &[&Path], arguments: &CheckArguments) -> ExitCode {
    if paths.len() < 2 {
        eprintln!("check --peers compares the files of two nodes or more");
        return ExitCode::from(FAILED);
    }
    if arguments.config_ids.len() > 1 && arguments.config_ids.len() != paths.len() {
        eprintln!("check --peers needs one id, or one for each of the {} files", paths.len());
        return ExitCode::from(FAILED);
    }
    let files: Vec<NodeFiles> = (0..paths.len()).map(|index| arguments.node(index)).collect();
    let nodes = paths.iter().zip(&files).map(|(path, files)| NodeFile { path, files });
    let report = peers::check(&nodes.collect::<Vec<_>>());
    print(&report.render(format(arguments.output)));
    ExitCode::from(report.exit_code(arguments.deny.is_some()))
}

fn format(output: Output) -> Format {
    let style = if io::stdout().is_terminal() { Style::Coloured } else { Style::Plain };
    match output {
        Output::Full => Format::Full(style),
        Output::Concise => Format::Concise,
        Output::Json => Format::Json,
        Output::Sarif => Format::Sarif,
        Output::Github => Format::Github,
    }
}

/// What is done with a file that changes: its path, the old bytes, the new ones.
type Change<'a> = &'a mut dyn FnMut(&Path, &[u8], &[u8]) -> io::Result<()>;

/// Hands every file that the safe fixes change to `change`; 1 when there is one.
fn fixes(checked: &[Checked], change: Change) -> ExitCode {
    let mut status = CLEAN;
    for Checked { diagnostics, sources } in checked {
        for (source, new) in apply(sources, diagnostics) {
            let file = sources.file(source);
            match change(file.path(), file.bytes(), &new) {
                Ok(()) => status = status.max(FOUND),
                Err(error) => status = failed("writing", file.path(), &error),
            }
        }
    }
    ExitCode::from(status)
}

/// `--effective`
fn effective(paths: &[&Path], files: &NodeFiles) -> ExitCode {
    let mut status = CLEAN;
    for path in paths {
        match config::effective(path, files) {
            Ok(text) => print(&text),
            Err(message) => {
                eprintln!("{message}");
                status = FAILED;
            }
        }
    }
    ExitCode::from(status)
}

/// `alived explain`
pub(super) fn explain(word: &str) -> ExitCode {
    match config::explain(word) {
        Ok(text) => {
            print(&text);
            ExitCode::from(CLEAN)
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(FOUND)
        }
    }
}

/// `alived fmt`
pub(super) fn fmt(arguments: &FmtArguments) -> ExitCode {
    let mut status = CLEAN;
    for path in &arguments.files {
        let is_input = path.as_os_str() == "-";
        let old = match if is_input { standard_input() } else { fs::read(path) } {
            Ok(bytes) => bytes,
            Err(error) => {
                status = failed("reading", path, &error);
                continue;
            }
        };
        let new = config::format(&old);
        let shows = arguments.check || arguments.diff;
        if arguments.diff {
            print(&unified_diff(&path.display().to_string(), &old, &new));
        }
        if shows && old != new {
            status = status.max(FOUND);
        }
        let written = match (shows, is_input) {
            (true, _) => Ok(()),
            (false, true) => io::stdout().write_all(&new),
            (false, false) if old == new => Ok(()),
            (false, false) => fs::write(path, &new),
        };
        if let Err(error) = written {
            status = failed("writing", path, &error);
        }
    }
    ExitCode::from(status)
}

fn standard_input() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).map(|_| bytes)
}

/// Standard output may be a pipe that somebody closes early, as `head` does: that is no failure.
fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> u8 {
    eprintln!("{doing} {}: {error}", path.display());
    FAILED
}
