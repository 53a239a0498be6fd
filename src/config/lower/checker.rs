//! `TCP_CHECK`, `HTTP_GET`, and the timing values that a virtual server, a real server and a checker can each set.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, shortened, walk};
use crate::config::values::{self, Garbage, invalid_value};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::{CheckTiming, Checker, CheckerKind, HttpCheck, HttpUrl, StatusCodes};
use crate::source::Span;
use crate::syntax::Word;

const TCP_PATH: &str = "virtual_server.real_server.TCP_CHECK";
const HTTP_PATH: &str = "virtual_server.real_server.HTTP_GET";
const URL_PATH: &str = "virtual_server.real_server.HTTP_GET.url";

/// Defaults of `delay_loop` and `connect_timeout` (keepalived.conf(5), "Health checkers").
const DELAY_LOOP: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Timing, and whether a checker has to succeed first, as far as one block sets it.
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
    /// Takes a line in; false when its keyword is not about timing.
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
        let before_retry = match kind {
            KindDraft::Tcp => Duration::from_secs(1),
            KindDraft::Http { .. } => Duration::from_secs(3),
        };
        CheckTiming {
            delay_loop,
            connect_timeout: self.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            retry: self.retry.unwrap_or(1),
            delay_before_retry: self.delay_before_retry.unwrap_or(before_retry),
            warmup: self.warmup.unwrap_or(delay_loop),
        }
    }
}

/// What a checker block says.
pub(in crate::config) struct CheckerDraft {
    timing: TimingDraft,
    address: Option<IpAddr>,
    port: Option<u16>,
    kind: KindDraft,
}

enum KindDraft {
    Tcp,
    Http { urls: Vec<HttpUrl>, virtual_host: Option<String> },
}

impl CheckerDraft {
    fn new(kind: KindDraft) -> CheckerDraft {
        CheckerDraft { timing: TimingDraft::default(), address: None, port: None, kind }
    }

    /// The keywords that every network checker knows; false for another.
    fn line(&mut self, context: &mut Context, line: &Line) -> bool {
        match (line.keyword.name.as_str(), line.argument()) {
            ("connect_ip", Some(word)) => self.address = values::host_address(context, word).or(self.address),
            ("connect_port", Some(_)) => {
                self.port = values::unsigned(context, line, Garbage::Dropped).or(self.port);
            }
            _ => return self.timing.line(context, line),
        }
        true
    }

    /// The checker with everything inherited and defaulted.
    pub(super) fn finish(&self, server: SocketAddr, outer: &TimingDraft, host: Option<&String>) -> Checker {
        let target = SocketAddr::new(self.address.unwrap_or(server.ip()), self.port.unwrap_or(server.port()));
        let timing = self.timing.or(outer).finish(&self.kind);
        let kind = match &self.kind {
            KindDraft::Tcp => CheckerKind::Tcp,
            KindDraft::Http { urls, virtual_host } => CheckerKind::Http(HttpCheck {
                urls: urls.clone(),
                virtual_host: virtual_host.as_ref().or(host).cloned(),
            }),
        };
        Checker { timing, target, kind }
    }
}

/// Reads a `TCP_CHECK` block.
pub(super) fn read_tcp(context: &mut Context, block: &Line) -> CheckerDraft {
    let mut checker = CheckerDraft::new(KindDraft::Tcp);
    walk(context, TCP_PATH, block.body(), &mut |context, line| {
        let known = checker.line(context, &line);
        assert!(known, "grammar/checks.conf calls '{}' effective", line.keyword.name);
    });
    checker
}

/// Reads an `HTTP_GET` block; `None` when it asks for nothing.
pub(super) fn read_http(context: &mut Context, block: &Line) -> Option<CheckerDraft> {
    let mut checker = CheckerDraft::new(KindDraft::Tcp);
    let (mut urls, mut virtual_host) = (Vec::new(), None);
    walk(context, HTTP_PATH, block.body(), &mut |context, line| match line.keyword.name.as_str() {
        "url" => urls.extend(read_url(context, &line)),
        "virtualhost" => virtual_host = line.argument().map(|word| word.text().into_owned()),
        other => {
            let known = checker.line(context, &line);
            assert!(known, "grammar/http_check.conf calls '{other}' effective");
        }
    });
    if urls.is_empty() {
        context.report(
            unusable(Name::NO_URL, "HTTP_GET has no usable url", block.span())
                .gist("HTTP/SSL_GET checker has no urls specified - ignoring"),
        );
        return None;
    }
    Some(CheckerDraft { kind: KindDraft::Http { urls, virtual_host }, ..checker })
}

fn read_url(context: &mut Context, block: &Line) -> Option<HttpUrl> {
    let mut path: Option<Spanned<String>> = None;
    let mut status = StatusCodes::none();
    walk(context, URL_PATH, block.body(), &mut |context, line| match line.keyword.name.as_str() {
        "path" => path = line.argument().map(|word| Spanned::new(word.text().into_owned(), word.span)),
        "status_code" => line.arguments.iter().for_each(|word| add_status(context, &mut status, word)),
        other => unreachable!("grammar/http_check.conf calls '{other}' effective"),
    });
    let Some(path) = path else {
        context.report(
            unusable(Name::URL_WITHOUT_PATH, "url has no path", block.span())
                .gist("HTTP/SSL_GET checker url has no path - ignoring"),
        );
        return None;
    };
    let status = if status.is_empty() { StatusCodes::default() } else { status };
    Some(HttpUrl { path: path.value, status })
}

/// A check that keepalived leaves out, so that the server is never checked. 2.2.7 even crashes on the way.
fn unusable(name: Name, message: &str, span: Span) -> Diagnostic {
    Diagnostic::error(name, message)
        .at(span)
        .class(ErrorClass::General)
        .note("keepalived leaves it out, and 2.2.7 crashes after saying so")
}

/// `CODE` or `FIRST-LAST`
fn add_status(context: &mut Context, status: &mut StatusCodes, word: &Word) {
    let text = word.text();
    let (first, last) = text.split_once('-').unwrap_or((&text, &text));
    let range = first.parse().ok().zip(last.parse().ok());
    if !range.is_some_and(|(first, last)| status.add(first, last)) {
        let message = format!("'{}' is no HTTP status code, nor a range of them", shortened(&text));
        context.report(invalid_value(word.span, message).help("codes are from 100 to 599"));
    }
}
