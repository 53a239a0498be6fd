//! `TCP_CHECK`, `PING_CHECK`, `SMTP_CHECK`, `DNS_CHECK` and `UDP_CHECK`.

use std::net::IpAddr;

use crate::config::context::Context;
use crate::config::cursor::{Line, shortened, walk_all};
use crate::config::values::{self, Garbage, invalid_value};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::check::{DnsCheck, DnsName, DnsNameError, DnsType, ReplyPattern, UdpCheck};
use crate::syntax::Word;

use super::{CheckerDraft, KindDraft, RouteDraft, path};

/// What SMTP_CHECK calls itself (keepalived.conf(5), `helo_name`).
const HELO_NAME: &str = "smtpchecker.keepalived.org";
/// `max_reply_length` when nothing else is said.
const MAX_REPLY_LENGTH: u16 = 255;

/// Hands every line that not all checkers know to `own`; `None` when there is no way to what is to be checked.
fn read_block(
    context: &mut Context,
    block: &Line,
    server: IpAddr,
    kind: KindDraft,
    own: &mut dyn FnMut(&mut Context, &Line) -> bool,
) -> Option<CheckerDraft> {
    let mut checker = CheckerDraft::new(kind);
    walk_all(context, &path(block), block.body(), &mut |context, line| {
        let known = own(context, &line) || checker.line(context, &line, server);
        assert!(known, "the grammar calls '{}' effective", line.keyword.name);
    });
    checker.route.is_usable(context, block.span(), server).then_some(checker)
}

/// A checker without keywords of its own.
pub(super) fn read(context: &mut Context, block: &Line, server: IpAddr, kind: KindDraft) -> Option<CheckerDraft> {
    read_block(context, block, server, kind, &mut |_, _| false)
}

/// One checker of the block itself, unless it has `host` blocks and says nothing about its own connection; and one for
/// each of them. `host` is deprecated: a second block does the same.
pub(super) fn read_smtp(context: &mut Context, block: &Line, server: IpAddr) -> Vec<CheckerDraft> {
    let (mut name, mut hosts) = (HELO_NAME.to_owned(), Vec::new());
    let own = read_block(context, block, server, KindDraft::Ping, &mut |context, line| {
        match (line.keyword.name.as_str(), line.argument()) {
            ("helo_name", Some(word)) => name = word.text().into_owned(),
            ("host", _) => hosts.extend(read_host(context, line, server)),
            _ => return false,
        }
        true
    });
    let Some(own) = own.map(|own| CheckerDraft { kind: KindDraft::Smtp(name), ..own }) else { return Vec::new() };
    let says_nothing = own.route == RouteDraft::default() && own.timing.connect_timeout.is_none();
    let for_host = |host: CheckerDraft| {
        let mut checker = own.clone();
        checker.timing.connect_timeout = host.timing.connect_timeout;
        CheckerDraft { route: host.route, ..checker }
    };
    let for_hosts: Vec<CheckerDraft> = hosts.into_iter().map(for_host).collect();
    if says_nothing && !for_hosts.is_empty() { for_hosts } else { [vec![own.clone()], for_hosts].concat() }
}

fn read_host(context: &mut Context, block: &Line, server: IpAddr) -> Option<CheckerDraft> {
    let mut host = CheckerDraft::new(KindDraft::Ping);
    walk_all(context, "virtual_server.real_server.SMTP_CHECK.host", block.body(), &mut |context, line| {
        let known = host.line(context, &line, server);
        assert!(known, "the grammar calls '{}' effective", line.keyword.name);
    });
    host.route.is_usable(context, block.span(), server).then_some(host)
}

/// `DNS_CHECK`
pub(super) fn read_dns(context: &mut Context, block: &Line, server: IpAddr) -> Option<CheckerDraft> {
    let mut check = DnsCheck { name: DnsName::ROOT, kind: DnsType::Soa };
    let checker = read_block(context, block, server, KindDraft::Ping, &mut |context, line| {
        match (line.keyword.name.as_str(), line.argument()) {
            ("type", Some(word)) => check.kind = dns_type(context, word).unwrap_or(check.kind),
            ("name", Some(word)) => check.name = dns_name(context, word).unwrap_or(DnsName::ROOT),
            _ => return false,
        }
        true
    })?;
    Some(CheckerDraft { kind: KindDraft::Dns(check), ..checker })
}

fn dns_type(context: &mut Context, word: &Word) -> Option<DnsType> {
    let kind = DnsType::new(&word.bytes);
    if kind.is_none() {
        let text = word.text();
        let message = format!("'{}' is none of {}", shortened(&text), DnsType::ALL.map(|(name, _)| name).join(", "));
        let gist = format!("Unknown DNS check type {} - ignoring", shortened(&text));
        context.report(invalid_value(word.span, message).gist(gist));
    }
    kind
}

fn dns_name(context: &mut Context, word: &Word) -> Option<DnsName> {
    match DnsName::parse(&word.bytes) {
        Ok(name) => Some(name),
        Err(error @ DnsNameError::EmptyLabel) => {
            let gist = format!("DNS_CHECK name '{}' has empty label - ignoring", shortened(&word.text()));
            context.report(invalid_value(word.span, format!("{error}; the root is asked for")).gist(gist));
            None
        }
        Err(error @ DnsNameError::TooLong) => {
            let message = format!("{error}; the root is asked for");
            context.report(
                Diagnostic::warning(Name::INVALID_VALUE, message)
                    .at(word.span)
                    .note("keepalived would send a packet that no server can read"),
            );
            None
        }
    }
}

/// `UDP_CHECK`
pub(super) fn read_udp(context: &mut Context, block: &Line, server: IpAddr) -> Option<CheckerDraft> {
    let (mut payload, mut reply) = (None, None);
    let (mut min_length, mut max_length) = (0, MAX_REPLY_LENGTH);
    let checker = read_block(context, block, server, KindDraft::Ping, &mut |context, line| {
        match line.keyword.name.as_str() {
            "payload" => {
                let octets = hexadecimal(context, line, "payload", false);
                let octets: Option<Vec<u8>> = octets.map(|octets| octets.iter().map(|(octet, _)| *octet).collect());
                payload = octets.or(payload.take());
            }
            "require_reply" => {
                let octets = if line.arguments.is_empty() { None } else { hexadecimal(context, line, "reply", true) };
                reply = Some(octets.or(reply.take()).unwrap_or_default());
            }
            "min_reply_length" => {
                min_length = values::unsigned(context, line, Garbage::Dropped).unwrap_or(min_length);
            }
            "max_reply_length" => {
                max_length = values::unsigned(context, line, Garbage::Dropped).unwrap_or(max_length);
            }
            _ => return false,
        }
        true
    })?;
    if min_length > max_length {
        let gist =
            format!("UDP_CHECK min_reply length {min_length} > max_reply_length {max_length} - will always fail");
        let message = format!("no reply has at least {min_length} and at most {max_length} bytes");
        context.report(
            Diagnostic::warning(Name::INCOMPATIBLE_SETTINGS, message)
                .at(block.span())
                .class(ErrorClass::General)
                .gist(gist),
        );
    }
    let reply = reply.map(|octets| ReplyPattern { octets, min_length, max_length });
    Some(CheckerDraft { kind: KindDraft::Udp(UdpCheck { payload, reply }), ..checker })
}

/// Octets in hexadecimal, blanks between them if one likes; a single digit before a blank is an octet. With `wildcards`
/// an `x` stands for any digit.
fn hexadecimal(context: &mut Context, line: &Line, what: &str, wildcards: bool) -> Option<Vec<(u8, u8)>> {
    let digit = |byte: u8| match char::from(byte).to_digit(16) {
        Some(digit) => Some((digit as u8, 0)),
        None => (wildcards && byte.eq_ignore_ascii_case(&b'x')).then_some((0, 0xf)),
    };
    let octet = |pair: &[u8]| {
        let (high, low) = match *pair {
            [low] => ((0, 0), digit(low)?),
            [high, low] => (digit(high)?, digit(low)?),
            _ => return None,
        };
        Some((high.0 << 4 | low.0, high.1 << 4 | low.1))
    };
    let octets = line.arguments.iter().flat_map(|word| word.bytes.chunks(2)).map(octet);
    let octets: Option<Vec<_>> = octets.collect::<Option<Vec<_>>>().filter(|octets| !octets.is_empty());
    if octets.is_none() {
        let gist = format!("Invalid hex string for UDP_CHECK {what}");
        context.report(invalid_value(line.span(), format!("the {what} is written in hexadecimal digits")).gist(gist));
    }
    octets
}
