//! What a checker has to say, in keepalived's words: administrators search their logs for these lines.

use std::fmt;
use std::net::SocketAddr;

use super::probe::{Cause, ScriptEnd};
use crate::model::{Checker, CheckerKind};

/// One line about a check; names are added by [`Report::line`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The check passed for the first time, or after it had failed.
    Succeeded,
    /// The check failed for good.
    Failed(Retries),
    /// One attempt failed.
    Attempt(Cause),
    /// As [`Report::Attempt`], of a DNS_CHECK whose retries are used up.
    LastAttempt(Cause, Retries),
    /// One url passed while the checker is down.
    UrlPassed {
        /// Its path.
        path: String,
        /// What was looked at last.
        by: &'static str,
    },
    /// The body of an answer has another length than its header says.
    LengthMismatch {
        /// The url's path.
        path: String,
        /// `Content-Length`
        announced: u64,
        /// Bytes after the header.
        received: u64,
    },
    /// A MISC_CHECK failed, for good or not; the retries so far and the most.
    Script(ScriptEnd, Attempts),
    /// The number in a file became a failure, or is none any more.
    FileFault(bool),
    /// A BFD session went up or down.
    Session(bool),
    /// A probe could not be made.
    NotMade(String),
}

/// How many retries a failure is reported with; 0 are not mentioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries(pub u32);

impl fmt::Display for Retries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("failed."),
            retries => write!(f, "failed after {retries} retries."),
        }
    }
}

/// Where a MISC_CHECK that failed stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// Failures in a row, this one included; 0 when it was the last.
    pub failed: u32,
    /// `retry`
    pub retry: u32,
}

impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Attempts { failed, retry } = *self;
        let word = if retry == 1 { "retry" } else { "retries" };
        match failed {
            _ if retry == 0 => f.write_str(" with retry disabled"),
            0 => write!(f, " after {retry} {word}"),
            1 => write!(f, ", will do {retry} {word}"),
            failed => write!(f, " on retry {}/{retry}", failed - 1),
        }
    }
}

/// The body of the mail that tells that a checker went up, or down because of `cause`.
pub(super) fn alert(checker: &Checker, up: bool, cause: Option<&Cause>) -> String {
    let succeeded = if up { "succeed" } else { "failed" };
    match &checker.kind {
        CheckerKind::Tcp => format!("=> TCP CHECK {succeeded} on service <="),
        CheckerKind::Udp(_) => format!("=> UDP CHECK {succeeded} on service <="),
        CheckerKind::Ping => format!("=> ICMP CHECK {succeeded} on service <="),
        CheckerKind::Dns(_) if up => "=> DNS_CHECK: succeed on service <=".to_owned(),
        CheckerKind::Dns(_) => "=> DNS_CHECK: failed on service <=".to_owned(),
        CheckerKind::Http(_) | CheckerKind::Ssl(_) | CheckerKind::Smtp(_) if up => {
            "=> CHECK succeed on service <=".to_owned()
        }
        CheckerKind::Http(_) | CheckerKind::Ssl(_) => "=> CHECK failed on service : HTTP request failed <=".to_owned(),
        CheckerKind::Smtp(_) => match cause {
            Some(cause) => format!("=> CHECK failed on service : {} <=", smtp(cause, checker.route.target)),
            None => "=> CHECK failed on service <=".to_owned(),
        },
        CheckerKind::Misc(_) | CheckerKind::File(_) => {
            format!("=> MISC CHECK {} on service <=", if up { "succeeded" } else { "failed" })
        }
        CheckerKind::Bfd(name) => {
            format!("=> BFD CHECK {name} {} on service <=", if up { "succeeded" } else { "failed" })
        }
    }
}

impl Report {
    /// The line for the log, about `checker` of real server `real` of virtual server `server`.
    pub fn line(&self, checker: &Checker, real: &str, server: &str) -> String {
        match self {
            Report::Succeeded => succeeded(checker, real, server),
            Report::Failed(retries) => match &checker.kind {
                CheckerKind::Http(_) | CheckerKind::Ssl(_) => format!("HTTP_CHECK on service {real} {retries}"),
                CheckerKind::Udp(_) => format!("UDP_CHECK on service {real} {retries}"),
                CheckerKind::Ping if retries.0 > 0 => format!("ICMP CHECK on service {real} of {server} {retries}"),
                CheckerKind::Ping => format!("ICMP CHECK on service {real} {retries}"),
                _ => format!("TCP_CHECK on service {real} {retries}"),
            },
            Report::Attempt(cause) => attempt(cause, checker, real, server),
            Report::LastAttempt(cause, Retries(retries)) => {
                format!("{} after {retries} retries", attempt(cause, checker, real, server))
            }
            Report::UrlPassed { path, by } => format!("{by} success to {real} url({path})"),
            Report::LengthMismatch { path, announced, received } => format!(
                "http_check for RS {real} VS {server} url {path}: content_length ({announced}) does not match received bytes ({received})"
            ),
            Report::Script(end, attempts) => {
                let program = program(checker);
                let how = match end {
                    ScriptEnd::Exited(status) => format!("failed{attempts} (exited with status {status})"),
                    ScriptEnd::Signalled(signal) => format!("failed{attempts} (due to signal {signal})"),
                    ScriptEnd::TimedOut => format!("timed out{attempts}"),
                };
                format!("Misc check for [{real} VS {server}] by [{program}] {how}.")
            }
            Report::FileFault(fails) => {
                let change = if *fails { "now" } else { "leaving" };
                format!("({real}): tracked file {} {change} FAULT state", file(checker))
            }
            Report::Session(up) => {
                let (name, state) = (session(checker), if *up { "UP" } else { "DOWN" });
                format!("BFD check of [{name}] RS({real}) is {state}")
            }
            Report::NotMade(reason) => format!("checking service {real} of VS {server} was not possible: {reason}"),
        }
    }
}

fn succeeded(checker: &Checker, real: &str, server: &str) -> String {
    match &checker.kind {
        CheckerKind::Http(_) | CheckerKind::Ssl(_) => format!("Remote Web server {real} succeed on service."),
        CheckerKind::Smtp(_) => format!("Remote SMTP server {real} succeed on service."),
        CheckerKind::Udp(_) => format!("UDP connection to {real} success."),
        CheckerKind::Ping => format!("ICMP connection to {real} success."),
        CheckerKind::Misc(_) => {
            format!("Misc check for [{real} VS {server}] by [{}] succeeded.", program(checker))
        }
        _ => format!("TCP connection to {real} success."),
    }
}

/// One failed attempt, as each kind of checker tells it.
fn attempt(cause: &Cause, checker: &Checker, real: &str, server: &str) -> String {
    let in_time = !matches!(cause, Cause::ConnectTimeout | Cause::ReadTimeout);
    match &checker.kind {
        CheckerKind::Smtp(_) => format!("SMTP_CHECK {}", smtp(cause, checker.route.target)),
        CheckerKind::Dns(_) => format!("DNS_CHECK ({real}) {}", dns(cause)),
        CheckerKind::Http(_) => format!("{} server {real}.", web(cause, "HTTP")),
        CheckerKind::Ssl(_) => match cause {
            Cause::Handshake(reason) => format!("{} server {real}. ({reason})", web(cause, "SSL")),
            _ => format!("{} server {real}.", web(cause, "SSL")),
        },
        CheckerKind::Udp(_) if *cause == Cause::Reply => format!("UDP check to {real} reply data mismatch."),
        CheckerKind::Udp(_) => format!("UDP connection to {real} failed."),
        CheckerKind::Ping if in_time => format!("ICMP connection to {real} of {server} failed."),
        CheckerKind::Ping => format!("ICMP connection to address {real} timeout."),
        _ if in_time => format!("TCP connection to {real} failed."),
        _ => format!("TCP connection to {real} timeout."),
    }
}

/// What follows `SMTP_CHECK`.
fn smtp(cause: &Cause, target: SocketAddr) -> String {
    let server = format!("[{}]:{}", target.ip(), target.port());
    match cause {
        Cause::Unreachable => format!("Network unreachable for server {} - real server {server}", target.ip()),
        Cause::ConnectTimeout => format!("Connection timeout to server {server}"),
        Cause::ConnectFailed => format!("Could not connect to server {server}"),
        Cause::ReadTimeout => format!("Read timeout from server {server}"),
        Cause::WriteFailed => format!("Write failure to server {server}"),
        Cause::Banner => format!("Bad greeting banner from server {server}"),
        Cause::Helo => format!("Bad HELO response from server {server}"),
        _ => format!("Read failure from server {server}"),
    }
}

/// What follows `DNS_CHECK (server)`.
fn dns(cause: &Cause) -> String {
    match cause {
        Cause::ResponseCode(code) => format!("read error occurred. (rcode = {code})"),
        Cause::ReadTimeout => "read timeout from socket".to_owned(),
        Cause::WriteFailed => "failed to write socket.".to_owned(),
        Cause::ReadFailed => "failed to read socket".to_owned(),
        _ => "connection error.".to_owned(),
    }
}

/// Why an HTTP_GET, or with `is_tls` an SSL_GET, got no answer, as genhash says it.
pub fn web_failure(cause: &Cause, is_tls: bool) -> String {
    web(cause, if is_tls { "SSL" } else { "HTTP" })
}

/// What comes before `server`.
fn web(cause: &Cause, protocol: &str) -> String {
    match cause {
        Cause::Unreachable => "HTTP_CHECK - network unreachable".to_owned(),
        Cause::ConnectTimeout => "Timeout connecting".to_owned(),
        Cause::Handshake(_) => "SSL handshake/communication error connecting to".to_owned(),
        Cause::ReadTimeout => format!("Timeout {protocol} read"),
        Cause::ReadFailed => "Read error with".to_owned(),
        Cause::WriteFailed => "Cannot send get request to".to_owned(),
        Cause::NoHeader => "Read, no data received from ".to_owned(),
        Cause::Status => "HTTP status code error to".to_owned(),
        Cause::Digest => "MD5 digest error to".to_owned(),
        Cause::Regex => "Regex match failed".to_owned(),
        _ => "Connection failed".to_owned(),
    }
}

fn program(checker: &Checker) -> &str {
    match &checker.kind {
        CheckerKind::Misc(check) => check.command.argv.first().map_or("", String::as_str),
        _ => "",
    }
}

fn file(checker: &Checker) -> &str {
    match &checker.kind {
        CheckerKind::File(check) => &check.name.0,
        _ => "",
    }
}

fn session(checker: &Checker) -> &str {
    match &checker.kind {
        CheckerKind::Bfd(name) => name,
        _ => "",
    }
}
