//! The checkers of a real server, and the values that a virtual server, a real server and a checker can each set.

mod http;
mod misc;
mod network;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::Line;
use crate::config::values::{self, Garbage};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::check::{DnsCheck, HttpCheck, UdpCheck};
use crate::model::{CheckTiming, Checker, CheckerKind, Global, InterfaceName, Route, TrackFile};
use crate::source::Span;

use misc::{FileDraft, MiscDraft};

/// Defaults of `delay_loop` and `connect_timeout` (keepalived.conf(5), "Health checkers").
const DELAY_LOOP: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What a block sets for the checkers in it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TimingDraft {
    delay_loop: Option<Duration>,
    connect_timeout: Option<Duration>,
    retry: Option<u32>,
    delay_before_retry: Option<Duration>,
    warmup: Option<Duration>,
    alpha: Option<bool>,
}

impl TimingDraft {
    /// Takes a line in; false when its keyword is about something else.
    pub(super) fn line(&mut self, context: &mut Context, line: &Line) -> bool {
        let field = match line.keyword.name.as_str() {
            "delay_loop" => &mut self.delay_loop,
            "connect_timeout" => &mut self.connect_timeout,
            "delay_before_retry" => &mut self.delay_before_retry,
            "warmup" => &mut self.warmup,
            "retry" | "nb_get_retry" => {
                self.retry = values::unsigned(context, line, Garbage::Dropped).or(self.retry);
                return true;
            }
            "alpha" => {
                self.alpha = values::switch(context, line).or(self.alpha);
                return true;
            }
            _ => return false,
        };
        *field = values::duration(context, line).or(*field);
        true
    }

    /// These values, else those of the block around.
    pub(super) fn or(&self, outer: &TimingDraft) -> TimingDraft {
        TimingDraft {
            delay_loop: self.delay_loop.or(outer.delay_loop),
            connect_timeout: self.connect_timeout.or(outer.connect_timeout),
            retry: self.retry.or(outer.retry),
            delay_before_retry: self.delay_before_retry.or(outer.delay_before_retry),
            warmup: self.warmup.or(outer.warmup),
            alpha: self.alpha.or(outer.alpha),
        }
    }

    fn finish(&self, kind: &KindDraft) -> CheckTiming {
        let delay_loop = self.delay_loop.unwrap_or(DELAY_LOOP);
        let (retry, before_retry) = match kind {
            KindDraft::Http(_) | KindDraft::Ssl(_) => (1, Duration::from_secs(3)),
            KindDraft::Dns(_) => (3, delay_loop),
            KindDraft::Misc(_) => (0, Duration::from_secs(1)),
            KindDraft::Tcp
            | KindDraft::Smtp(_)
            | KindDraft::Udp(_)
            | KindDraft::Ping
            | KindDraft::File(_)
            | KindDraft::Bfd(_) => (1, Duration::from_secs(1)),
        };
        CheckTiming {
            delay_loop,
            connect_timeout: self.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            retry: self.retry.unwrap_or(retry),
            delay_before_retry: self.delay_before_retry.unwrap_or(before_retry),
            warmup: self.warmup.unwrap_or(delay_loop),
        }
    }
}

/// What a checker block says.
#[derive(Clone)]
pub(in crate::config) struct CheckerDraft {
    timing: TimingDraft,
    log_all_failures: bool,
    route: RouteDraft,
    kind: KindDraft,
}

#[derive(Clone)]
enum KindDraft {
    Tcp,
    Http(HttpCheck),
    Ssl(HttpCheck),
    Smtp(String),
    Dns(DnsCheck),
    Udp(UdpCheck),
    Ping,
    Misc(MiscDraft),
    File(FileDraft),
    Bfd(String),
}

/// The connection options of a checker.
#[derive(Clone, Default, PartialEq)]
struct RouteDraft {
    address: Option<IpAddr>,
    port: Option<u16>,
    source: Option<Spanned<IpAddr>>,
    source_port: Option<u16>,
    interface: Option<InterfaceName>,
    mark: u32,
}

impl RouteDraft {
    /// Takes a line in; false when its keyword is about something else. `server` is the real server's address.
    fn line(&mut self, context: &mut Context, line: &Line, server: IpAddr) -> bool {
        let Some(word) = line.argument() else { return false };
        match line.keyword.name.as_str() {
            "connect_ip" => {
                let Some(address) = values::host_address(context, word) else { return true };
                let fits = self.source.is_none_or(|source| source.value.is_ipv4() == address.is_ipv4());
                if fits {
                    self.address = Some(address);
                } else {
                    other_family(context, word.span, "connect_ip", address, "bindto");
                }
            }
            "connect_port" => self.port = values::unsigned(context, line, Garbage::Dropped).or(self.port),
            "bindto" => {
                let Some(source) = values::host_address(context, word) else { return true };
                if source.is_ipv4() == self.address.unwrap_or(server).is_ipv4() {
                    self.source = Some(Spanned::new(source, line.span()));
                } else {
                    other_family(context, line.span(), "bindto", source, "connect_ip");
                }
            }
            "bind_port" => self.source_port = values::unsigned(context, line, Garbage::Dropped).or(self.source_port),
            "bind_if" => self.interface = values::interface_name(context, word).or(self.interface.take()),
            "fwmark" => self.mark = values::unsigned(context, line, Garbage::Dropped).unwrap_or(self.mark),
            _ => return false,
        }
        true
    }

    /// Whether what is connected to can be reached this way: reported if not, and the checker is then left out.
    fn is_usable(&self, context: &mut Context, span: Span, server: IpAddr) -> bool {
        let target = self.address.unwrap_or(server);
        let link_local = matches!(target, IpAddr::V6(target) if target.is_unicast_link_local());
        if link_local && self.interface.is_none() {
            let message = format!("{target} is reached through an interface only: 'bind_if' is missing");
            context.report(
                Diagnostic::warning(Name::INCOMPLETE_BLOCK, message)
                    .at(span)
                    .class_without_line(ErrorClass::General)
                    .gist(format!("Checker link local address {target} requires a bind_if"))
                    .note("the checker is left out"),
            );
        }
        !link_local || self.interface.is_some()
    }

    /// keepalived binds to a port only together with an address.
    fn finish(&self, server: SocketAddr) -> Route {
        let port = self.source_port.unwrap_or(0);
        Route {
            target: SocketAddr::new(self.address.unwrap_or(server.ip()), self.port.unwrap_or(server.port())),
            source: self.source.map(|source| SocketAddr::new(source.value, port)),
            interface: self.interface.clone(),
            mark: self.mark,
        }
    }
}

fn other_family(context: &mut Context, span: Span, keyword: &str, address: IpAddr, other: &str) {
    let message = format!("{address} is of another family than the address it is to reach, or to come from");
    context.report(
        Diagnostic::warning(Name::ADDRESS_FAMILY_MISMATCH, message)
            .at(span)
            .class(ErrorClass::General)
            .gist(format!("{keyword} address {address} does not match address family of {other} - skipping")),
    );
}

/// What lies around a checker once everything has been read.
pub(super) struct Surroundings<'a> {
    pub global: &'a Global,
    pub files: &'a [TrackFile],
    /// What the real server and its virtual server set.
    pub timing: TimingDraft,
    /// The virtual server's `delay_loop`: the time limit of scripts that have none of their own.
    pub script_timeout: Duration,
    /// Address and port of the real server.
    pub server: SocketAddr,
    /// `virtualhost` of the real server, else of the virtual server.
    pub virtual_host: Option<&'a String>,
    /// `virtualhost` of the virtual server.
    pub outer_virtual_host: Option<&'a String>,
}

impl CheckerDraft {
    fn new(kind: KindDraft) -> CheckerDraft {
        CheckerDraft { timing: TimingDraft::default(), log_all_failures: false, route: RouteDraft::default(), kind }
    }

    /// The keywords that every checker knows, then those of checkers that connect; false for another.
    fn line(&mut self, context: &mut Context, line: &Line, server: IpAddr) -> bool {
        if line.keyword.name == "log_all_failures" {
            self.log_all_failures = values::switch(context, line).unwrap_or(self.log_all_failures);
            return true;
        }
        self.timing.line(context, line) || self.route.line(context, line, server)
    }

    /// The checker with everything inherited and defaulted; `None`, with a report, when it cannot run.
    pub(super) fn finish(&self, context: &mut Context, around: &Surroundings) -> Option<Arc<Checker>> {
        let timing = self.timing.or(&around.timing);
        let kind = match self.kind.clone() {
            KindDraft::Tcp => CheckerKind::Tcp,
            KindDraft::Http(check) => CheckerKind::Http(http::finish(check, around)),
            KindDraft::Ssl(check) => CheckerKind::Ssl(http::finish(check, around)),
            KindDraft::Smtp(name) => CheckerKind::Smtp(name),
            KindDraft::Dns(check) => CheckerKind::Dns(check),
            KindDraft::Udp(check) => CheckerKind::Udp(check),
            KindDraft::Ping => CheckerKind::Ping,
            KindDraft::Misc(draft) => CheckerKind::Misc(draft.finish(context, around)?),
            KindDraft::File(draft) => CheckerKind::File(draft.finish(around)?),
            KindDraft::Bfd(name) => CheckerKind::Bfd(name),
        };
        Some(Arc::new(Checker {
            timing: timing.finish(&self.kind),
            route: self.route.finish(around.server),
            alpha: timing.alpha.unwrap_or(false),
            log_all_failures: self.log_all_failures || around.global.log_all_check_failures,
            kind,
        }))
    }
}

/// The limit of a script that has none: the `delay_loop` of the virtual server.
pub(super) fn script_timeout(server: &TimingDraft) -> Duration {
    server.delay_loop.unwrap_or(DELAY_LOOP)
}

/// The checkers that are read here.
pub(super) const KINDS: [&str; 10] = [
    "FILE_CHECK",
    "TCP_CHECK",
    "HTTP_GET",
    "SSL_GET",
    "SMTP_CHECK",
    "DNS_CHECK",
    "UDP_CHECK",
    "PING_CHECK",
    "MISC_CHECK",
    "BFD_CHECK",
];

/// Reads the block of a checker; more than one comes of an `SMTP_CHECK` with `host` blocks.
pub(super) fn read(context: &mut Context, block: &Line, server: IpAddr) -> Vec<CheckerDraft> {
    let one = |checker: Option<CheckerDraft>| checker.into_iter().collect();
    match block.keyword.name.as_str() {
        "TCP_CHECK" => one(network::read(context, block, server, KindDraft::Tcp)),
        "PING_CHECK" => one(network::read(context, block, server, KindDraft::Ping)),
        "SMTP_CHECK" => network::read_smtp(context, block, server),
        "DNS_CHECK" => one(network::read_dns(context, block, server)),
        "UDP_CHECK" => one(network::read_udp(context, block, server)),
        "HTTP_GET" => one(http::read(context, block, server, KindDraft::Http)),
        "SSL_GET" => one(http::read(context, block, server, KindDraft::Ssl)),
        "MISC_CHECK" => one(misc::read(context, block, server)),
        "FILE_CHECK" => one(misc::read_file(context, block)),
        "BFD_CHECK" => one(misc::read_bfd(context, block)),
        other => unreachable!("{other} is no checker"),
    }
}

/// The path of a checker's block in the grammar.
fn path(block: &Line) -> String {
    format!("virtual_server.real_server.{}", block.keyword.name)
}

/// A check that keepalived leaves out, so that the server is never checked.
fn unusable(name: Name, message: impl Into<String>, span: Span, gist: impl Into<String>) -> Diagnostic {
    Diagnostic::error(name, message).at(span).class(ErrorClass::General).gist(gist).note("keepalived leaves it out")
}
