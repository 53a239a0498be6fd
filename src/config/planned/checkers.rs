//! Checkers of a real server that are not effective yet, and the keywords that all checkers share
//! (`check/check_*.c`).

use std::net::IpAddr;

use crate::config::context::Context;
use crate::config::values::parse_address;
use crate::diagnostic::Name;
use crate::syntax::Word;

use super::entry::{Entry, all, entries, last, number, shown};
use super::tracking::Names;
use super::{complain, complain_later};

/// What DNS_CHECK can ask for; the case does not matter.
const DNS_TYPES: [&str; 9] = ["A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY"];
/// The length of an MD5 digest in hexadecimal.
const DIGEST_LENGTH: usize = 32;
/// `max_reply_length` when nothing else is said.
const MAX_REPLY_LENGTH: i64 = 255;

pub(super) fn check(context: &mut Context, real: &Entry, objects: &Names) {
    let server = real.argument(0).and_then(|word| parse_address(&word.bytes));
    for block in entries(real.body()).filter(|entry| entry.words[0].bytes.iter().any(u8::is_ascii_uppercase)) {
        match block.words[0].bytes.as_slice() {
            b"MISC_CHECK" => {
                if last(block.body(), "misc_path").is_none() {
                    let gist = "No script path has been specified for MISC_CHECKER - skipping";
                    complain(context, Name::INCOMPLETE_BLOCK, block.span(), "MISC_CHECK has no 'misc_path'", gist);
                }
                continue;
            }
            b"BFD_CHECK" => {
                let known = |name: &Word| objects.has_session(name);
                reference(context, &block, "name", known, "BFD_CHECK - BFD", "not configured");
                continue;
            }
            b"FILE_CHECK" => {
                let known = |name: &Word| objects.has_file(name);
                reference(context, &block, "track_file", known, "track_file", "not found");
                continue;
            }
            b"DNS_CHECK" => dns(context, &block),
            b"UDP_CHECK" => udp(context, &block),
            b"HTTP_GET" => digests(context, &block),
            b"SSL_GET" => {
                digests(context, &block);
                urls(context, &block);
            }
            _ => {}
        }
        ways(context, &block, server);
    }
}

/// Where a checker connects to, and from where.
fn ways(context: &mut Context, block: &Entry, server: Option<IpAddr>) {
    let address = |keyword| last(block.body(), keyword).and_then(|entry| parse_address(&entry.argument(0)?.bytes));
    let Some(target) = address("connect_ip").or(server) else { return };
    let link_local = matches!(target, IpAddr::V6(target) if target.is_unicast_link_local());
    if link_local && last(block.body(), "bind_if").is_none() {
        let gist = format!("Checker link local address {target} requires a bind_if");
        let message = format!("{target} is reached through an interface only: 'bind_if' is missing");
        complain_later(context, Name::INCOMPLETE_BLOCK, block.span(), message, gist);
    }
    let source = last(block.body(), "bindto").zip(address("bindto"));
    if let Some((entry, source)) = source.filter(|(_, source)| source.is_ipv4() != target.is_ipv4()) {
        let gist = format!("bindto address {source} does not match address family of connect_ip - skipping");
        let message = format!("{source} is of another family than {target}");
        complain(context, Name::ADDRESS_FAMILY_MISMATCH, entry.span(), message, gist);
    }
}

/// The name of something that is defined elsewhere.
fn reference(
    context: &mut Context,
    block: &Entry,
    keyword: &str,
    is_known: impl Fn(&Word) -> bool,
    what: &str,
    problem: &str,
) {
    let Some(entry) = last(block.body(), keyword) else { return };
    if let Some(name) = entry.argument(0).filter(|name| !is_known(name)) {
        let gist = format!("{what} {} {problem}", shown(name));
        complain(context, Name::UNKNOWN_REFERENCE, name.span, format!("nothing is called {}", shown(name)), gist);
    }
}

fn dns(context: &mut Context, block: &Entry) {
    let kind = last(block.body(), "type");
    if let Some(kind) = kind.as_ref().and_then(|entry| entry.argument(0))
        && !DNS_TYPES.iter().any(|known| kind.bytes.eq_ignore_ascii_case(known.as_bytes()))
    {
        let message = format!("'{}' is none of {}", shown(kind), DNS_TYPES.join(", "));
        complain(
            context,
            Name::INVALID_VALUE,
            kind.span,
            message,
            format!("Unknown DNS check type {} - ignoring", shown(kind)),
        );
    }
    let name = last(block.body(), "name");
    if let Some(name) = name.as_ref().and_then(|entry| entry.argument(0)) {
        let labels = name.bytes.strip_suffix(b".").unwrap_or(&name.bytes);
        if !labels.is_empty() && labels.split(|byte| *byte == b'.').any(<[u8]>::is_empty) {
            let gist = format!("DNS_CHECK name '{}' has empty label - ignoring", shown(name));
            complain(context, Name::INVALID_VALUE, name.span, "nothing stands between two dots of this name", gist);
        }
    }
}

fn udp(context: &mut Context, block: &Entry) {
    let payload = last(block.body(), "payload");
    if let Some(payload) = payload.filter(|entry| !entry.arguments().is_empty()) {
        let hexadecimal = |word: &Word| word.bytes.iter().all(u8::is_ascii_hexdigit);
        if !payload.arguments().iter().all(hexadecimal) {
            let gist = "Invalid hex string for UDP_CHECK payload";
            complain(
                context,
                Name::INVALID_VALUE,
                payload.span(),
                "the payload is written in hexadecimal digits",
                gist,
            );
        }
    }
    let value = |keyword| last(block.body(), keyword).and_then(|entry| entry.argument(0).and_then(number));
    let (least, most) = (value("min_reply_length").unwrap_or(0), value("max_reply_length").unwrap_or(MAX_REPLY_LENGTH));
    if least > most {
        let gist = format!("UDP_CHECK min_reply length {least} > max_reply_length {most} - will always fail");
        let message = format!("no reply has at least {least} and at most {most} bytes");
        complain(context, Name::INCOMPATIBLE_SETTINGS, block.span(), message, gist);
    }
}

fn digests(context: &mut Context, block: &Entry) {
    for url in all(block.body(), "url") {
        let Some(digest) = last(url.body(), "digest").and_then(|entry| entry.argument(0).cloned()) else { continue };
        if digest.bytes.len() != DIGEST_LENGTH {
            let length = digest.bytes.len();
            let gist =
                format!("digest '{}' character length should be {DIGEST_LENGTH} rather than {length}", shown(&digest));
            complain(context, Name::INVALID_VALUE, digest.span, format!("a digest has {DIGEST_LENGTH} digits"), gist);
        }
    }
}

/// SSL_GET asks for something, or is left out.
fn urls(context: &mut Context, block: &Entry) {
    let with_path = |url: &Entry| last(url.body(), "path").is_some();
    let urls: Vec<Entry> = all(block.body(), "url").collect();
    for url in urls.iter().filter(|url| !with_path(url)) {
        complain(context, Name::URL_WITHOUT_PATH, url.span(), "url has no path", "url has no path - ignoring");
    }
    if urls.is_empty() {
        let gist = "HTTP/SSL_GET checker has no urls specified - ignoring";
        complain(context, Name::NO_URL, block.span(), "SSL_GET has no usable url", gist);
    }
}
