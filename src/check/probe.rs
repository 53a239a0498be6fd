//! One attempt of a checker and what came of it.

use std::sync::Arc;

use crate::model;
use crate::model::check::Md5Digest;

/// One attempt to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Whose attempt it is: what to do, where, and how long it may take.
    pub checker: Arc<model::Checker>,
    /// Position of the url to ask for, of checkers that have some.
    pub url: usize,
    /// How many attempts the checker has made before, modulo 2¹⁶: the sequence number of a ping.
    pub sequence: u16,
}

/// What came of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server answered as it should.
    Passed,
    /// HTTP: the server answered and closed the connection. Whether that is good depends on the url.
    Answered(Answer),
    /// MISC_CHECK: the program ended.
    Ended(ScriptEnd),
    /// The server could not be reached, refused, broke off, was too slow or answered something else.
    Failed(Cause),
    /// The probe could not be made, for a reason on this machine (no descriptors, an address that is not there, a
    /// packet filter): it says nothing about the server.
    NotMade(String),
}

/// An answer to an HTTP request, read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, when the first line has one.
    pub status: Option<u16>,
    /// `Content-Length`, when it was announced.
    pub announced: Option<u64>,
    /// Octets after the header.
    pub received: u64,
    /// The digest of the body, when one is asked for.
    pub digest: Option<Md5Digest>,
    /// Whether the regular expression was found; false without one.
    pub matched: bool,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptEnd {
    /// With this status.
    Exited(i32),
    /// By this signal, which was not ours.
    Signalled(i32),
    /// Its time was over and it was ended.
    TimedOut,
}

/// Why a server failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// No way there: the very attempt to connect was refused.
    Unreachable,
    /// The connection was not made in time.
    ConnectTimeout,
    /// The connection was refused.
    ConnectFailed,
    /// TLS: no agreement, or a certificate that is not to be trusted; why.
    Handshake(String),
    /// Nothing came in time.
    ReadTimeout,
    /// The connection broke while there was more to come.
    ReadFailed,
    /// What had to be said could not be sent.
    WriteFailed,
    /// HTTP: the connection ended before the header did.
    NoHeader,
    /// HTTP: a status outside the configured set.
    Status,
    /// HTTP: a body with another digest.
    Digest,
    /// HTTP: the regular expression was not found, or was and must not be.
    Regex,
    /// SMTP: the greeting was no 220.
    Banner,
    /// SMTP: the answer to HELO was no 250.
    Helo,
    /// DNS: an error code other than 0 (RFC 1035 §4.1.1).
    ResponseCode(u8),
    /// UDP: another reply than the one required.
    Reply,
    /// Ping: an answer that is not the one to our question.
    Echo,
}
