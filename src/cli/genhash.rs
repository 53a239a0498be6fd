//! `alived genhash`, `alived -T`, or alived called `genhash`: the MD5 digest of a web page, for `digest` of HTTP_GET
//! (genhash(1)). It asks as HTTP_GET asks, so that it sees what the check will see.

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;

use crate::check::{Cause, Outcome, Probe, http, web_failure};
use crate::io::probe::Prober;
use crate::model::check::{HttpCheck, HttpUrl, HttpVersion, Md5Digest, ServerName, StatusCodes, TlsClient};
use crate::model::{CheckTiming, Checker, CheckerKind, Route};
use crate::time::Instant;

/// The help, as keepalived prints it.
const USAGE: &str = "COMMAND [OPTIONS]
Commands:
   -s server-address -p port -u url
   -S -s server-address -p port -u url
   -h

Options:
Either long or short options are allowed.
   --use-ssl         -S       Use SSL connection to remote server.
   --use-sni         -I       Use SNI during SSL handshake (uses virtualhost setting; see -V).
   --server          -s       Use the specified remote server address.
   --port            -p       Use the specified remote server port.
   --url             -u       Use the specified remote server url.
   --use-virtualhost -V       Use the specified virtualhost in GET query.
   --verbose         -v       Use verbose mode output.
   --help            -h       Display this short inlined help screen.
   --fwmark          -m       Use the specified FW mark.
   --protocol        -P       Use the specified HTTP protocol - '1.0', 1.0c', '1.1'.
                                1.0c means 1.0 with 'Connection: close'
   --timeout         -t       Timeout in seconds
";
/// How long is waited when nothing else is said, as by keepalived: over an hour.
const TIMEOUT: Duration = Duration::from_micros(u32::MAX as u64);
/// How long to sleep when the server has nothing to say.
const PAUSE: Duration = Duration::from_millis(1);

#[derive(Debug, Parser)]
#[command(disable_help_flag = true, disable_version_flag = true, infer_long_args = true, no_binary_name = true)]
struct Arguments {
    #[arg(short = 'S', long = "use-ssl")]
    tls: bool,
    #[arg(short = 'I', long = "use-sni")]
    server_name: bool,
    #[arg(short = 's', long = "server")]
    server: Option<String>,
    #[arg(short = 'p', long = "port", allow_hyphen_values = true)]
    port: Option<String>,
    #[arg(short = 'u', long = "url")]
    url: Option<String>,
    #[arg(short = 'V', long = "use-virtualhost")]
    virtual_host: Option<String>,
    #[arg(short = 'v', long = "verbose")]
    verbose: bool,
    #[arg(short = 'h', long = "help")]
    help: bool,
    #[arg(short = 'm', long = "fwmark", allow_hyphen_values = true)]
    mark: Option<String>,
    #[arg(short = 'P', long = "protocol")]
    protocol: Option<String>,
    #[arg(short = 't', long = "timeout", allow_hyphen_values = true)]
    timeout: Option<String>,
    #[arg(hide = true)]
    rest: Vec<String>,
}

/// The arguments after the word that asks for this command; `None` when none does.
pub(super) fn asked_for(arguments: &[OsString]) -> Option<Vec<OsString>> {
    let is_called_so = arguments.first().is_some_and(|name| Path::new(name).ends_with("genhash"));
    let is_first = arguments.get(1).is_some_and(|word| word == "genhash" || word == "-T" || word == "--genhash");
    let skipped = if is_first { 2 } else { 1 };
    (is_called_so || is_first).then(|| arguments[skipped..].to_vec())
}

/// Asks for the page and prints its digest. As with keepalived a server that fails is no failure of the command.
pub(super) fn run(arguments: &[OsString]) -> ExitCode {
    let outcome = arguments_of(arguments).and_then(|arguments| {
        let checker = checker(&arguments)?;
        ask(checker, arguments.verbose).map_err(|error| error.to_string())
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            eprint!("{complaint}{}Usage: alived genhash {USAGE}", if complaint.is_empty() { "" } else { "\n" });
            ExitCode::FAILURE
        }
    }
}

fn arguments_of(arguments: &[OsString]) -> Result<Arguments, String> {
    let parsed = Arguments::try_parse_from(arguments).map_err(|error| {
        let named = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
        let argument = named(clap::error::ContextKind::InvalidArg);
        let argument = argument.split_whitespace().next().unwrap_or_default();
        match error.kind() {
            ErrorKind::InvalidValue => format!("Missing parameter for option {argument}"),
            _ => format!("Unknown option {argument}"),
        }
    })?;
    if parsed.help {
        return Err(String::new());
    }
    if !parsed.rest.is_empty() {
        return Err(format!("Unexpected argument(s): {}", parsed.rest.join(" ")));
    }
    Ok(parsed)
}

/// The check that asks for the page once.
fn checker(arguments: &Arguments) -> Result<Checker, String> {
    let (Some(server), Some(port), Some(url)) = (&arguments.server, &arguments.port, &arguments.url) else {
        return Err(String::new());
    };
    let address: IpAddr = server.parse().map_err(|_| format!("server should be an IP, not {server}"))?;
    let port = port.parse().ok().filter(|port: &u16| *port > 0).ok_or(format!("invalid port number '{port}'"))?;
    let version = match arguments.protocol.as_deref() {
        None | Some("1.0") => HttpVersion::Http10,
        Some("1.0c" | "1.0C") => HttpVersion::Http10Close,
        Some("1.1") => HttpVersion::Http11,
        Some(other) => return Err(format!("invalid HTTP protocol version '{other}'")),
    };
    let mark = match &arguments.mark {
        None => 0,
        Some(mark) => mark.parse().map_err(|_| format!("invalid fwmark '{mark}'"))?,
    };
    let timeout = match &arguments.timeout {
        None => TIMEOUT,
        Some(text) => Duration::from_secs(text.parse::<u32>().map_err(|_| format!("invalid timeout '{text}'"))?.into()),
    };
    let url = HttpUrl {
        path: url.clone(),
        status: StatusCodes::default(),
        virtual_host: None,
        // Which one does not matter: that there is one makes the answer's be computed.
        digest: Some(Md5Digest([0; 16])),
        regex: None,
        tls_compliant: false,
    };
    let host = arguments.virtual_host.clone();
    let server_name = arguments.server_name.then(|| ServerName::VirtualHost(host.clone()));
    let tls = TlsClient { server_name, compliant: false };
    let check = HttpCheck { urls: vec![url], virtual_host: host, version, fast_recovery: false, tls };
    let timing = CheckTiming {
        delay_loop: timeout,
        connect_timeout: timeout,
        retry: 0,
        delay_before_retry: timeout,
        warmup: Duration::ZERO,
    };
    Ok(Checker {
        timing,
        route: Route { mark, ..Route::to(SocketAddr::new(address, port)) },
        alpha: false,
        log_all_failures: true,
        kind: if arguments.tls { CheckerKind::Ssl(check) } else { CheckerKind::Http(check) },
    })
}

fn ask(checker: Checker, verbose: bool) -> io::Result<()> {
    let (url, is_tls) = match &checker.kind {
        CheckerKind::Http(check) => (check.urls[0].path.clone(), false),
        CheckerKind::Ssl(check) => (check.urls[0].path.clone(), true),
        _ => return Ok(()),
    };
    let mut prober = Prober::new(0)?;
    prober.record();
    let clock = std::time::Instant::now();
    prober.start(Instant::ZERO, (), &Probe { checker: Arc::new(checker), url: 0, sequence: 0 });
    let outcome = loop {
        if let Some(((), outcome)) = prober.take_finished() {
            break outcome;
        }
        thread::sleep(PAUSE);
        prober.turn(Instant::from_start(clock.elapsed()));
    };
    let mut out = io::stdout().lock();
    match outcome {
        Outcome::Answered(answer) => {
            let Some(digest) = answer.digest else { return Ok(()) };
            if verbose {
                dump(&mut out, &prober.take_record(), answer.announced, &digest)?;
            }
            writeln!(out, "{digest}")?;
        }
        Outcome::Failed(Cause::NoHeader) => eprintln!("no data received from remote webserver"),
        Outcome::Failed(cause) => writeln!(out, "{}", web_failure(&cause, is_tls))?,
        Outcome::NotMade(reason) => writeln!(out, "{reason}")?,
        Outcome::Passed | Outcome::Ended(_) => {}
    }
    if verbose {
        writeln!(out, "\nGlobal response time for [{url}] = {} usecs", clock.elapsed().as_micros())?;
    }
    Ok(())
}

/// Header, body and digest, as genhash shows them.
fn dump(out: &mut impl Write, answer: &[u8], announced: Option<u64>, digest: &Md5Digest) -> io::Result<()> {
    let Some(head) = http::head(answer) else { return Ok(()) };
    let (header, body) = answer.split_at(head.length);
    let counted = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX).min(body.len());
    let title = |text: &str| format!("-----------------------[{text}]-----------------------");
    writeln!(out, "{}", title("    HTTP Header Buffer    "))?;
    octets(out, header)?;
    writeln!(out, "{}", title(" HTTP Header Ascii Buffer "))?;
    out.write_all(header)?;
    writeln!(out)?;
    if counted > 0 {
        writeln!(out, "{}", title("        HTML Buffer        "))?;
        octets(out, &body[..counted])?;
    }
    writeln!(out, "\n{}", title("    HTML hash resulting    "))?;
    octets(out, &digest.0)?;
    writeln!(out, "{}", title(" HTML hash final resulting "))
}

/// Sixteen octets a line, as numbers and as text.
fn octets(out: &mut impl Write, octets: &[u8]) -> io::Result<()> {
    for (number, line) in octets.chunks(16).enumerate() {
        let hexadecimal = |half: &[u8]| half.iter().map(|octet| format!("{octet:02x} ")).collect::<String>();
        let (first, second) = line.split_at(line.len().min(8));
        let shown = |octet: &u8| if octet.is_ascii_graphic() || *octet == b' ' { char::from(*octet) } else { '.' };
        let text: String = line.iter().map(shown).collect();
        let (first, second) = (hexadecimal(first), hexadecimal(second));
        writeln!(out, "{:04}  {first:24}- {second:24}  {text:16}", number * 16)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_shown_as_genhash_shows_them() {
        let mut out = Vec::new();
        octets(&mut out, b"HTTP/1.0 200 OK\r\nhello").expect("memory");
        let expected = "0000  48 54 54 50 2f 31 2e 30 - 20 32 30 30 20 4f 4b 0d   HTTP/1.0 200 OK.\n\
                        0016  0a 68 65 6c 6c 6f       -                           .hello          \n";
        assert_eq!(String::from_utf8(out).expect("ASCII"), expected);
    }

    #[test]
    fn three_ways_to_ask_for_it() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        for line in ["alived genhash -v", "alived -T -v", "/usr/bin/genhash -v"] {
            assert_eq!(asked_for(&words(line)), Some(words("-v")), "{line}");
        }
        assert_eq!(asked_for(&words("alived -t genhash")), None);
    }

    #[test]
    fn a_wrong_command_line_is_told_in_keepalived_s_words() {
        let complaint = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            arguments_of(&words).and_then(|arguments| checker(&arguments)).expect_err("a complaint")
        };
        assert_eq!(complaint("-s foo -p 1 -u /"), "server should be an IP, not foo");
        assert_eq!(complaint("-s 127.0.0.1 -p 1x -u /"), "invalid port number '1x'");
        assert_eq!(complaint("-s 127.0.0.1 -p 1 -u / -P 2"), "invalid HTTP protocol version '2'");
        assert_eq!(complaint("-s 127.0.0.1 -p 1 -u / a b"), "Unexpected argument(s): a b");
        assert_eq!(complaint("-s 127.0.0.1 -p 1"), "", "the usage is enough");
    }
}
