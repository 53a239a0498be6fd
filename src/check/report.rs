//! What a checker has to say, in keepalived's words: administrators search their logs for these lines.

use std::fmt;

use crate::model::CheckerKind;

/// One line about a check; the real server's name is added by [`Report::line`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// `TCP_CHECK` passed for the first time, or after it had failed.
    TcpSucceeded,
    /// All urls of an `HTTP_GET` passed for the first time, or after one had failed.
    HttpSucceeded,
    /// One url passed while the checker is down.
    UrlPassed {
        /// Its path.
        path: String,
    },
    /// `TCP_CHECK` failed for good.
    TcpFailed(Retries),
    /// `HTTP_GET` failed for good.
    HttpFailed(Retries),
    /// The body of an answer has another length than its header says.
    LengthMismatch {
        /// The url's path.
        path: String,
        /// `Content-Length`
        announced: u64,
        /// Bytes after the header.
        received: u64,
    },
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

/// The body of the mail that tells that a checker of this kind went up or down.
pub fn alert(kind: &CheckerKind, up: bool) -> &'static str {
    match (kind, up) {
        (CheckerKind::Tcp, true) => "=> TCP CHECK succeed on service <=",
        (CheckerKind::Tcp, false) => "=> TCP CHECK failed on service <=",
        (CheckerKind::Http(_), true) => "=> CHECK succeed on service <=",
        (CheckerKind::Http(_), false) => "=> CHECK failed on service : HTTP request failed <=",
    }
}

impl Report {
    /// The line for the log, about real server `real` of virtual server `server`.
    pub fn line(&self, real: &str, server: &str) -> String {
        match self {
            Report::TcpSucceeded => format!("TCP connection to {real} success."),
            Report::HttpSucceeded => format!("Remote Web server {real} succeed on service."),
            Report::UrlPassed { path } => format!("HTTP status code success to {real} url({path})"),
            Report::TcpFailed(retries) => format!("TCP_CHECK on service {real} {retries}"),
            Report::HttpFailed(retries) => format!("HTTP_CHECK on service {real} {retries}"),
            Report::LengthMismatch { path, announced, received } => format!(
                "http_check for RS {real} VS {server} url {path}: content_length ({announced}) does not match received bytes ({received})"
            ),
            Report::NotMade(reason) => format!("checking service {real} of VS {server} was not possible: {reason}"),
        }
    }
}
