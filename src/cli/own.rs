//! alived's own commands, which keepalived does not have: `check`, `explain`, `fmt`, `lsp`, `demo`, `pcap`. They are words, not
//! options,
//! so that they never collide with keepalived's; `--check-config` is another way to write `check`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::config::Target;
use crate::diagnostic::Severity;
use crate::io::files::NodeFiles;

/// The words that begin an own command.
const COMMANDS: [&str; 6] = ["check", "explain", "fmt", "lsp", "demo", "pcap"];
/// keepalived's way to write such a thing.
const CHECK_CONFIG: &str = "--check-config";

/// A command that keepalived does not have.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(name = "alived", disable_help_subcommand = true)]
pub enum OwnCommand {
    /// Check configurations thoroughly; several files are taken for the nodes of one cluster
    Check(CheckArguments),
    /// Explain a diagnostic or a keyword
    Explain {
        /// The name of a diagnostic, or a keyword of keepalived.conf
        word: String,
    },
    /// Format configurations in place
    Fmt(FmtArguments),
    /// Speak the Language Server Protocol on standard input and output, for editors
    #[cfg(feature = "lsp")]
    Lsp(LspArguments),
    /// Show a failover of two directors in network namespaces of its own (as root)
    Demo,
    /// Read captures of VRRP traffic: elections, conflicts, and what the standards forbid
    #[command(subcommand)]
    Pcap(PcapCommand),
}

/// `alived pcap`
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub enum PcapCommand {
    /// Report every advert, election, conflict and violation with frame numbers; exit with 1 for violations
    Check {
        /// Captures in pcap or pcapng format
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// How to write
        #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
        output: PcapOutput,
    },
    /// Tell the story of captures in sentences
    Explain {
        /// Captures in pcap or pcapng format
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// What `--output` of `alived pcap check` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PcapOutput {
    /// Lines for people
    Text,
    /// One JSON object a file
    Json,
}

/// `alived check`
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct CheckArguments {
    /// What to check
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Play every single failure of the cluster that the files are the nodes of, beside comparing them
    #[arg(long, conflicts_with_all = ["host", "target", "fix", "diff", "effective"])]
    pub peers: bool,
    /// Ask this machine for the interfaces, users and scripts that the files name
    #[arg(long)]
    pub host: bool,
    /// Exit with 1 for warnings too
    #[arg(long, value_name = "WHAT")]
    pub deny: Option<Deny>,
    /// The program that has to run the files: alived, keepalived=2.2.7
    #[arg(long, value_name = "PROGRAM")]
    pub target: Option<Target>,
    /// How to write
    #[arg(long, value_enum, default_value = "full", value_name = "FORMAT")]
    pub output: Output,
    /// Leave out what matters less
    #[arg(long, value_enum, default_value = "note", value_name = "SEVERITY")]
    pub level: Level,
    /// Change the files where that is safe, then report what is left
    #[arg(long)]
    pub fix: bool,
    /// Print what --fix would change, and change nothing
    #[arg(long, conflicts_with = "fix")]
    pub diff: bool,
    /// Print the whole configuration after includes and expansion, passwords hidden, instead of findings
    #[arg(long, conflicts_with_all = ["fix", "diff"])]
    pub effective: bool,
    /// What '@id' in the configuration is compared with, instead of the host name; with --peers once for each file
    #[arg(short = 'i', long = "config-id", value_name = "ID")]
    pub config_ids: Vec<String>,
    /// Check every include for everything
    #[arg(short = 'e', long = "all-config")]
    pub all_config: bool,
}

impl CheckArguments {
    /// As without any option.
    pub fn of(files: Vec<PathBuf>) -> CheckArguments {
        CheckArguments {
            files,
            peers: false,
            host: false,
            deny: None,
            target: None,
            output: Output::Full,
            level: Level::Note,
            fix: false,
            diff: false,
            effective: false,
            config_ids: Vec::new(),
            all_config: false,
        }
    }

    /// How the file at `index` is read: with the id of that place, or with the only one.
    pub fn node(&self, index: usize) -> NodeFiles {
        let id = self.config_ids.get(index).or(self.config_ids.first());
        NodeFiles { config_id: id.cloned(), checks_every_include: self.all_config }
    }
}

/// `alived lsp`
#[cfg(feature = "lsp")]
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct LspArguments {
    /// What '@id' in the configuration is compared with, instead of the host name
    #[arg(short = 'i', long = "config-id", value_name = "ID")]
    pub config_id: Option<String>,
    /// Check every include for everything
    #[arg(short = 'e', long = "all-config")]
    pub all_config: bool,
    /// What editors pass to say how they speak; there is no other way
    #[arg(long, hide = true)]
    stdio: bool,
}

#[cfg(feature = "lsp")]
impl LspArguments {
    /// How files are read.
    pub fn files(self) -> NodeFiles {
        NodeFiles { config_id: self.config_id, checks_every_include: self.all_config }
    }
}

/// `alived fmt`
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct FmtArguments {
    /// What to format; '-' is standard input, written to standard output
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Change nothing; exit with 1 when a file would change
    #[arg(long)]
    pub check: bool,
    /// Print what would change, and change nothing
    #[arg(long)]
    pub diff: bool,
}

/// What `--deny` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Deny {
    /// Warnings count as errors.
    Warnings,
}

/// What `--output` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// With the source lines
    Full,
    /// One line each
    Concise,
    /// A JSON object
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

/// What `--level` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Everything
    Note,
    /// Warnings and errors
    Warning,
    /// Errors
    Error,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Severity {
        match level {
            Level::Note => Severity::Note,
            Level::Warning => Severity::Warning,
            Level::Error => Severity::Error,
        }
    }
}

/// The own command of a command line; `None` when it is one of keepalived's. The help text is an error of clap's.
pub fn parse(arguments: &[OsString]) -> Option<Result<OwnCommand, clap::Error>> {
    let first = arguments.get(1)?.to_str()?;
    if COMMANDS.contains(&first) {
        return Some(OwnCommand::try_parse_from(arguments));
    }
    let rest = first.strip_prefix(CHECK_CONFIG)?;
    let mut rewritten = vec![arguments[0].clone(), "check".into()];
    match rest.strip_prefix('=') {
        Some(file) => rewritten.push(file.into()),
        None if rest.is_empty() => {}
        None => return None,
    }
    rewritten.extend(arguments[2..].iter().cloned());
    Some(OwnCommand::try_parse_from(rewritten))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> OwnCommand {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse(&words).expect("an own command").expect("a valid one")
    }

    #[test]
    fn check_and_check_config_are_the_same() {
        let expected = OwnCommand::Check(CheckArguments {
            deny: Some(Deny::Warnings),
            output: Output::Sarif,
            ..CheckArguments::of(vec!["a".into(), "b".into()])
        });
        for line in [
            "alived check a b --deny warnings --output sarif",
            "alived --check-config a b --deny warnings --output=sarif",
            "alived --check-config=a --deny warnings --output sarif b",
        ] {
            assert_eq!(parsed(line), expected, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_together_is_refused() {
        for line in ["alived check", "alived check --fix --diff a", "alived check --target bird=1 a", "alived explain"]
        {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert!(parse(&words).expect("an own command").is_err(), "{line}");
        }
    }

    #[test]
    fn keepalived_s_command_lines_are_left_alone() {
        for line in ["keepalived -n -f check", "keepalived", "keepalived --check -n", "keepalived -t"] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert!(parse(&words).is_none(), "{line}");
        }
    }
}
