//! Health checkers of a real server.

use std::net::SocketAddr;
use std::time::Duration;

/// When a checker runs and how patient it is; every value is already inherited and defaulted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckTiming {
    /// `delay_loop`: from the end of a check to the next, default 60 s.
    pub delay_loop: Duration,
    /// `connect_timeout`: for the connection, and again for each read; default 5 s.
    pub connect_timeout: Duration,
    /// `retry` (`nb_get_retry`): failures tolerated while up, default 1 (the very first run has none).
    pub retry: u32,
    /// `delay_before_retry`: default 1 s, HTTP_GET 3 s.
    pub delay_before_retry: Duration,
    /// `warmup`: the first check comes after 1 s plus a random part of this; default `delay_loop`.
    pub warmup: Duration,
}

/// One checker of a real server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checker {
    /// When it runs.
    pub timing: CheckTiming,
    /// Where it connects to: the real server, unless `connect_ip` / `connect_port` say otherwise.
    pub target: SocketAddr,
    /// What it does there.
    pub kind: CheckerKind,
}

/// What a checker does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckerKind {
    /// `TCP_CHECK`: connecting is enough.
    Tcp,
    /// `HTTP_GET`
    Http(HttpCheck),
}

/// `HTTP_GET { … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpCheck {
    /// `url` blocks, in file order; never empty.
    pub urls: Vec<HttpUrl>,
    /// `virtualhost` of the checker, the real server or the virtual server: the Host header.
    pub virtual_host: Option<String>,
}

/// One `url { … }` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl {
    /// `path`
    pub path: String,
    /// `status_code`, default 200-299.
    pub status: StatusCodes,
}

/// A set of HTTP status codes within 100 to 599.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusCodes(Vec<(u16, u16)>);

impl StatusCodes {
    /// An empty set.
    pub fn none() -> StatusCodes {
        StatusCodes(Vec::new())
    }

    /// Adds `first` to `last` inclusive; false, and nothing is added, when outside 100…599 or reversed.
    pub fn add(&mut self, first: u16, last: u16) -> bool {
        let valid = (100..=599).contains(&first) && (100..=599).contains(&last) && first <= last;
        if valid {
            self.0.push((first, last));
        }
        valid
    }

    /// Whether `status` is one of them.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|&(first, last)| (first..=last).contains(&status))
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for StatusCodes {
    /// 200 to 299.
    fn default() -> Self {
        StatusCodes(vec![(200, 299)])
    }
}
