//! keepalived's flags, and alived's own commands, read into one [`Command`] (keepalived(8)).
//!
//! alived's own commands are in [`own`]. Options that have no effect yet are accepted, because units and scripts pass them; the daemon says so once.

mod check;
mod genhash;
mod own;
mod pcap;

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::config;
use crate::daemon;
use crate::io::files::NodeFiles;
use crate::io::host::SystemHost;

pub use own::{CheckArguments, Deny, FmtArguments, Level, Output, OwnCommand};

/// Where keepalived looks when `-f` is absent.
const DEFAULT_FILE: &str = "/etc/keepalived/keepalived.conf";
/// Exit status of a wrong command line, as keepalived's.
const USAGE: u8 = 1;

/// The command line as written.
#[derive(Debug, Parser)]
#[command(
    name = "alived",
    about = "keeps virtual IPs alive, programs IPVS and checks real servers, from keepalived.conf",
    override_usage = "alived [OPTIONS]\n       alived check FILE...\n       alived explain WORD\n       alived fmt FILE...\n       alived lsp\n       alived genhash ...\n       alived demo",
    infer_long_args = true,
    disable_help_flag = true,
    disable_version_flag = true,
    after_help = "Own commands (--help after one tells its options):
  check FILE...   check configurations thoroughly; --check-config FILE... is the same
  explain WORD    explain a diagnostic or a keyword
  fmt FILE...     format configurations
  lsp             speak the Language Server Protocol on standard input and output, for editors
  genhash ...     print the digest of a web page, for 'digest' of HTTP_GET; -T is the same
  demo            show a failover of two directors in network namespaces of its own (as root)"
)]
struct Arguments {
    /// Configuration file
    #[arg(short = 'f', long = "use-file", value_name = "FILE", default_value = DEFAULT_FILE)]
    use_file: PathBuf,
    /// Run VRRP only (unless -C is given as well)
    #[arg(short = 'P', long = "vrrp")]
    vrrp: bool,
    /// Run the health checkers only (unless -P is given as well)
    #[arg(short = 'C', long = "check")]
    check: bool,
    /// Do not run BFD
    #[arg(short = 'B', long = "no_bfd")]
    no_bfd: bool,
    /// Run everything, even what the file does not ask for
    #[arg(long = "all")]
    all: bool,
    /// Log to standard output as well
    #[arg(short = 'l', long = "log-console")]
    log_console: bool,
    /// Log details
    #[arg(short = 'D', long = "log-detail", action = clap::ArgAction::Count)]
    log_detail: u8,
    /// Syslog facility: 0 to 7 (local), local0 to local7, daemon, user
    #[arg(short = 'S', long = "log-facility", value_name = "FACILITY", value_parser = facility)]
    log_facility: Option<u8>,
    /// Do not log to syslog
    #[arg(short = 'G', long = "no-syslog")]
    no_syslog: bool,
    /// Stay in the foreground
    #[arg(short = 'n', long = "dont-fork")]
    dont_fork: bool,
    /// Pid file
    #[arg(short = 'p', long = "pid", value_name = "FILE", default_value = "/run/keepalived.pid")]
    pid: PathBuf,
    /// Pid file of VRRP
    #[arg(short = 'r', long = "vrrp_pid", value_name = "FILE", default_value = "/run/vrrp.pid")]
    vrrp_pid: PathBuf,
    /// Pid file of the health checkers
    #[arg(short = 'c', long = "checkers_pid", value_name = "FILE", default_value = "/run/checkers.pid")]
    checkers_pid: PathBuf,
    /// Pid file of BFD
    #[arg(short = 'b', long = "bfd_pid", value_name = "FILE", default_value = "/run/bfd.pid")]
    bfd_pid: PathBuf,
    /// Check the configuration as keepalived does, and exit; messages to FILE instead of standard error
    #[arg(short = 't', long = "config-test", value_name = "FILE", num_args = 0..=1, require_equals = true)]
    config_test: Option<Option<PathBuf>>,
    /// Check these files thoroughly, show the place and the remedy, and exit
    #[arg(long = "check-config", value_name = "FILE", num_args = 1..)]
    check_config: Option<Vec<PathBuf>>,
    /// Check every include for everything
    #[arg(short = 'e', long = "all-config")]
    all_config: bool,
    /// What '@id' in the configuration is compared with, instead of the host name
    #[arg(short = 'i', long = "config-id", value_name = "ID")]
    config_id: Option<String>,
    /// Print the number of a signal: STOP, RELOAD
    #[arg(long = "signum", value_name = "NAME")]
    signum: Option<String>,
    /// Print the version and exit
    #[arg(short = 'v', long = "version")]
    version: bool,
    /// Print this help and exit
    #[arg(short = 'h', long = "help")]
    help: bool,
    #[command(flatten)]
    inert: InertArguments,
    /// Words that belong to no option
    #[arg(hide = true)]
    rest: Vec<String>,
}

/// keepalived's options that alived accepts without effect, for now.
#[derive(Debug, clap::Args)]
struct InertArguments {
    #[arg(short = 'u', long = "umask", hide = true)]
    umask: Option<String>,
    #[arg(short = 'X', long = "release-vips", hide = true)]
    release_vips: bool,
    #[arg(short = 'V', long = "dont-release-vrrp", hide = true)]
    dont_release_vrrp: bool,
    #[arg(short = 'I', long = "dont-release-ipvs", hide = true)]
    dont_release_ipvs: bool,
    #[arg(short = 'R', long = "dont-respawn", hide = true)]
    dont_respawn: bool,
    #[arg(short = 'd', long = "dump-conf", hide = true)]
    dump_conf: bool,
    #[arg(short = 'a', long = "address-monitoring", hide = true)]
    address_monitoring: bool,
    #[arg(short = 'x', long = "snmp", hide = true)]
    snmp: bool,
    #[arg(short = 'A', long = "snmp-agent-socket", hide = true)]
    snmp_agent_socket: Option<String>,
    #[arg(short = 's', long = "namespace", hide = true)]
    namespace: Option<String>,
    #[arg(short = 'm', long = "core-dump", hide = true)]
    core_dump: bool,
    #[arg(short = 'M', long = "core-dump-pattern", num_args = 0..=1, require_equals = true, hide = true)]
    core_dump_pattern: Option<Option<String>>,
    #[arg(short = 'g', long = "log-file", num_args = 0..=1, require_equals = true, hide = true)]
    log_file: Option<Option<String>>,
    #[arg(long = "flush-log-file", hide = true)]
    flush_log_file: bool,
    #[arg(long = "ignore-sigint", hide = true)]
    ignore_sigint: bool,
}

impl InertArguments {
    /// The long names of those given.
    fn given(&self) -> Vec<&'static str> {
        let given = [
            (self.umask.is_some(), "umask"),
            (self.release_vips, "release-vips"),
            (self.dont_release_vrrp, "dont-release-vrrp"),
            (self.dont_release_ipvs, "dont-release-ipvs"),
            (self.dont_respawn, "dont-respawn"),
            (self.dump_conf, "dump-conf"),
            (self.address_monitoring, "address-monitoring"),
            (self.snmp, "snmp"),
            (self.snmp_agent_socket.is_some(), "snmp-agent-socket"),
            (self.namespace.is_some(), "namespace"),
            (self.core_dump, "core-dump"),
            (self.core_dump_pattern.is_some(), "core-dump-pattern"),
            (self.log_file.is_some(), "log-file"),
            (self.flush_log_file, "flush-log-file"),
            (self.ignore_sigint, "ignore-sigint"),
        ];
        given.into_iter().filter(|(given, _)| *given).map(|(_, name)| name).collect()
    }
}

/// What the process is asked to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Be the daemon.
    Run(daemon::Options),
    /// `-t`
    ConfigTest {
        /// What to check.
        file: PathBuf,
        /// How its files are read.
        files: NodeFiles,
        /// Where the messages go; standard error when absent.
        log: Option<PathBuf>,
    },
    /// `alived check`, `alived fmt` and their like
    Own(OwnCommand),
    /// `alived genhash`, `-T`: with what comes after it.
    Genhash(Vec<OsString>),
    /// `--signum=NAME`
    SignalNumber(String),
    /// `-v`
    Version,
    /// `-h`
    Help,
}

/// Reads the command line. An error is ready to be printed; its exit status is 1.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, clap::Error> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(arguments) = genhash::asked_for(&arguments) {
        return Ok(Command::Genhash(arguments));
    }
    let arguments: Vec<OsString> = arguments.into_iter().map(attach_optional_value).collect();
    if let Some(command) = own::parse(&arguments) {
        return command.map(Command::Own);
    }
    let arguments = Arguments::try_parse_from(arguments)?;
    let files = NodeFiles { config_id: arguments.config_id, checks_every_include: arguments.all_config };
    Ok(if arguments.help {
        Command::Help
    } else if arguments.version {
        Command::Version
    } else if let Some(name) = arguments.signum {
        Command::SignalNumber(name)
    } else if let Some(files) = arguments.check_config {
        Command::Own(OwnCommand::Check(CheckArguments::of(files)))
    } else if let Some(log) = arguments.config_test {
        Command::ConfigTest { file: arguments.use_file, files, log }
    } else {
        let only_one = arguments.vrrp != arguments.check;
        Command::Run(daemon::Options {
            file: arguments.use_file,
            files,
            vrrp: !only_one || arguments.vrrp,
            checkers: !only_one || arguments.check,
            bfd: !arguments.no_bfd,
            foreground: arguments.dont_fork,
            pid_file: arguments.pid,
            vrrp_pid_file: arguments.vrrp_pid,
            checkers_pid_file: arguments.checkers_pid,
            bfd_pid_file: arguments.bfd_pid,
            log: daemon::log::LogOptions {
                console: arguments.log_console,
                detail: arguments.log_detail > 0,
                syslog: !arguments.no_syslog,
                facility: arguments.log_facility.unwrap_or(daemon::log::FACILITY_DAEMON),
            },
            without_effect: arguments.inert.given(),
            unexpected: arguments.rest,
        })
    })
}

/// getopt's optional arguments are glued to the letter (`-tFILE`), which clap reads as more letters.
fn attach_optional_value(argument: OsString) -> OsString {
    let Some(text) = argument.to_str() else { return argument };
    for (letter, long) in [("-t", "--config-test"), ("-g", "--log-file"), ("-M", "--core-dump-pattern")] {
        match text.strip_prefix(letter) {
            Some(value) if !value.is_empty() => return format!("{long}={value}").into(),
            _ => {}
        }
    }
    argument
}

/// Facility numbers of syslog.h.
fn facility(text: &str) -> Result<u8, String> {
    const LOCAL0: u8 = 16;
    let digit = |text: &str| text.parse().ok().filter(|number: &u8| *number <= 7).map(|number| LOCAL0 + number);
    match text {
        "daemon" => Ok(daemon::log::FACILITY_DAEMON),
        "user" => Ok(1),
        _ => digit(text.strip_prefix("local").unwrap_or(text))
            .ok_or_else(|| "expected 0 to 7, local0 to local7, daemon or user".to_owned()),
    }
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    match parse(std::env::args_os()) {
        Err(error) => {
            let _ = error.print(); // help goes to standard output, anything else to standard error
            ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
        }
        Ok(Command::Run(options)) => daemon::run(options),
        Ok(Command::ConfigTest { file, files, log }) => config_test(&file, &files, log.as_deref()),
        Ok(Command::Own(OwnCommand::Check(arguments))) => check::check(&arguments),
        Ok(Command::Own(OwnCommand::Explain { word })) => check::explain(&word),
        Ok(Command::Own(OwnCommand::Fmt(arguments))) => check::fmt(&arguments),
        #[cfg(feature = "lsp")]
        Ok(Command::Own(OwnCommand::Lsp(arguments))) => crate::lsp::run(arguments.files()),
        Ok(Command::Own(OwnCommand::Demo)) => crate::demo::run(),
        Ok(Command::Own(OwnCommand::Pcap(command))) => pcap::run(&command),
        Ok(Command::Genhash(arguments)) => genhash::run(&arguments),
        Ok(Command::SignalNumber(name)) => signal_number(&name),
        Ok(Command::Version) => {
            eprintln!("alived v{}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Ok(Command::Help) => {
            eprint!("{}", Arguments::command().render_help());
            ExitCode::SUCCESS
        }
    }
}

/// `-t`: keepalived's verdict and words.
fn config_test(file: &Path, files: &NodeFiles, log: Option<&Path>) -> ExitCode {
    let (status, lines) = config::config_test(file, files, &SystemHost);
    let written = match log {
        None => {
            lines.iter().for_each(|line| eprintln!("{line}"));
            Ok(())
        }
        Some(log) => append_lines(log, &lines),
    };
    match written {
        Ok(()) => ExitCode::from(status),
        Err(error) => {
            eprintln!("writing {}: {error}", log.unwrap_or(Path::new("standard error")).display());
            ExitCode::from(USAGE)
        }
    }
}

/// As keepalived does: created 0644, appended to, never through a symbolic link.
fn append_lines(path: &Path, lines: &[String]) -> io::Result<()> {
    let mut file =
        std::fs::OpenOptions::new().append(true).create(true).mode(0o644).custom_flags(libc::O_NOFOLLOW).open(path)?;
    lines.iter().try_for_each(|line| writeln!(file, "{line}"))
}

/// The numbers that `kill` wants for keepalived's named signals.
fn signal_number(name: &str) -> ExitCode {
    match name {
        "STOP" => println!("{}", libc::SIGTERM),
        "RELOAD" => println!("{}", libc::SIGHUP),
        _ => {
            eprintln!("Unknown signum {name} (expected STOP or RELOAD)");
            return ExitCode::from(USAGE);
        }
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Command {
        parse(line.split(' ').map(OsString::from)).expect("a valid command line")
    }

    fn options(line: &str) -> daemon::Options {
        match parsed(line) {
            Command::Run(options) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_usual_command_line_of_a_unit_file_is_understood() {
        let options = options("alived -n -l -D -f /tmp/k.conf -p /run/x.pid -P");
        assert_eq!(options.file, PathBuf::from("/tmp/k.conf"));
        assert_eq!(options.pid_file, PathBuf::from("/run/x.pid"));
        assert!(options.foreground && options.log.console && options.log.detail && options.log.syslog);
        assert!(options.vrrp && !options.checkers);
    }

    #[test]
    fn both_parts_run_when_neither_or_both_are_named() {
        for line in ["alived", "alived -P -C", "alived -PC"] {
            let options = options(line);
            assert!(options.vrrp && options.checkers, "{line}");
        }
        assert!(!options("alived --check").vrrp);
    }

    #[test]
    fn long_options_may_be_abbreviated_and_optional_values_are_glued() {
        assert!(options("alived --dont-f").foreground);
        let test = |log: Option<&str>| Command::ConfigTest {
            file: PathBuf::from(DEFAULT_FILE),
            files: NodeFiles::default(),
            log: log.map(PathBuf::from),
        };
        assert_eq!(parsed("alived -t"), test(None));
        assert_eq!(parsed("alived -t/tmp/log"), test(Some("/tmp/log")));
        assert_eq!(parsed("alived --config-test=/tmp/log"), test(Some("/tmp/log")));
    }

    #[test]
    fn the_id_of_the_node_and_the_checks_reach_whoever_reads_the_files() {
        let files = NodeFiles { config_id: Some("a".into()), checks_every_include: true };
        assert_eq!(options("alived -e -i a").files, files);
        assert_eq!(options("alived --config-id=a --all-config").files, files);
    }

    #[test]
    fn options_without_effect_are_named_and_stray_words_are_kept() {
        let options = options("alived -I --snmp word");
        assert_eq!(options.without_effect, ["dont-release-ipvs", "snmp"]);
        assert_eq!(options.unexpected, ["word"]);
    }

    #[test]
    fn facilities_are_keepalived_s() {
        assert_eq!(facility("0"), Ok(16));
        assert_eq!(facility("local7"), Ok(23));
        assert_eq!(facility("daemon"), Ok(3));
        assert!(facility("8").is_err() && facility("localx").is_err());
    }

    #[test]
    fn an_unknown_option_is_an_error() {
        assert!(parse(["alived", "--nonsense"].map(OsString::from)).is_err());
        assert!(parse(["alived", "-f"].map(OsString::from)).is_err());
    }
}
