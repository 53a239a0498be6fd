//! Health checkers of a real server.

mod datagram;
mod dns;
mod http;

pub use datagram::{ReplyPattern, UdpCheck};
pub use dns::{DnsCheck, DnsName, DnsNameError, DnsType};
pub use http::{HttpCheck, HttpUrl, HttpVersion, Md5Digest, Regex, RegexOption, ServerName, StatusCodes, TlsClient};

use std::net::SocketAddr;
use std::time::Duration;

use super::address::InterfaceName;
use super::track::{Command, FileName};

/// When a checker runs and how patient it is; every value is already inherited and defaulted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckTiming {
    /// `delay_loop`: from the end of a check to the next (MISC_CHECK: from its start), default 60 s.
    pub delay_loop: Duration,
    /// `connect_timeout`: for the connection, and again for each read; default 5 s.
    pub connect_timeout: Duration,
    /// `retry` (`nb_get_retry`): failures tolerated while up, default 1, DNS_CHECK 3, MISC_CHECK 0 (the very first run
    /// has none).
    pub retry: u32,
    /// `delay_before_retry`: default 1 s, HTTP_GET and SSL_GET 3 s, DNS_CHECK the `delay_loop`.
    pub delay_before_retry: Duration,
    /// `warmup`: the first check comes after 1 s plus a random part of this; default `delay_loop`.
    pub warmup: Duration,
}

/// How a checker's packets reach what they check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The real server, unless `connect_ip` / `connect_port` say otherwise.
    pub target: SocketAddr,
    /// `bindto` and `bind_port`; port 0 is any. Of the target's family.
    pub source: Option<SocketAddr>,
    /// `bind_if`: always there for a link-local target.
    pub interface: Option<InterfaceName>,
    /// `fwmark`: `SO_MARK` of the socket, 0 for none.
    pub mark: u32,
}

impl Route {
    /// The way that the routing table chooses.
    pub fn to(target: SocketAddr) -> Route {
        Route { target, source: None, interface: None, mark: 0 }
    }
}

/// One checker of a real server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checker {
    /// When it runs.
    pub timing: CheckTiming,
    /// Where it connects to, if it does.
    pub route: Route,
    /// `alpha`: counts as failed until it has succeeded.
    pub alpha: bool,
    /// `log_all_failures`, or `checker_log_all_failures` in `global_defs`: also failures that are tried again are told.
    pub log_all_failures: bool,
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
    /// `SSL_GET`
    Ssl(HttpCheck),
    /// `SMTP_CHECK`: greeting, HELO and QUIT. `helo_name`, default `smtpchecker.keepalived.org`.
    Smtp(String),
    /// `DNS_CHECK`
    Dns(DnsCheck),
    /// `UDP_CHECK`
    Udp(UdpCheck),
    /// `PING_CHECK`: an ICMP echo.
    Ping,
    /// `MISC_CHECK`
    Misc(MiscCheck),
    /// `FILE_CHECK`
    File(FileCheck),
    /// `BFD_CHECK`: the name of a `bfd_instance`.
    Bfd(String),
}

/// `MISC_CHECK { … }`: a program whose exit status is the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MiscCheck {
    /// `misc_path`
    pub command: Command,
    /// `misc_timeout`, default the virtual server's `delay_loop`: then its process group is ended.
    pub timeout: Duration,
    /// `misc_dynamic`: an exit status of 2 to 255 is a weight, 2 more than it.
    pub dynamic: bool,
}

/// `FILE_CHECK { … }`: a number in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCheck {
    /// Which `track_file`; always one that exists in the same [`super::Config`].
    pub name: FileName,
    /// `weight`: the number times this is added to the real server's weight. With 0 any number but 0 is a failure.
    pub weight: i32,
    /// `reverse`: the number times the weight is subtracted; with weight 0 the number 0 is the failure.
    pub reverse: bool,
}
