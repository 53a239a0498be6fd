//! `HTTP_GET` and `SSL_GET`.

use std::net::IpAddr;

use crate::config::command;
use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, shortened, walk_all};
use crate::config::values::{self, Garbage, invalid_value};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::check::{
    HttpCheck, HttpUrl, HttpVersion, Md5Digest, Regex, RegexOption, ServerName, StatusCodes, TlsClient,
};
use crate::schema::Value;
use crate::syntax::Word;

use super::{CheckerDraft, KindDraft, Surroundings, path, unusable};

/// Reads a block; `None` when it asks for nothing.
pub(super) fn read(
    context: &mut Context,
    block: &Line,
    server: IpAddr,
    kind: fn(HttpCheck) -> KindDraft,
) -> Option<CheckerDraft> {
    let mut checker = CheckerDraft::new(KindDraft::Tcp);
    let mut check = HttpCheck {
        urls: Vec::new(),
        virtual_host: None,
        version: HttpVersion::default(),
        fast_recovery: false,
        tls: TlsClient::default(),
    };
    let path = path(block);
    walk_all(context, &path, block.body(), &mut |context, line| {
        let known = own_line(context, &mut check, &path, &line) || checker.line(context, &line, server);
        assert!(known, "grammar/http_check.conf calls '{}' effective", line.keyword.name);
    });
    if check.urls.is_empty() {
        let gist = "HTTP/SSL_GET checker has no urls specified - ignoring";
        let diagnostic =
            unusable(Name::NO_URL, format!("{} has no usable url", block.keyword.name), block.span(), gist);
        context.report(diagnostic.note("keepalived leaves it out, and 2.2.7 crashes after saying so"));
        return None;
    }
    let usable = checker.route.is_usable(context, block.span(), server);
    usable.then(|| CheckerDraft { kind: kind(check), ..checker })
}

/// False for a keyword that is not of HTTP_GET and SSL_GET alone.
fn own_line(context: &mut Context, check: &mut HttpCheck, path: &str, line: &Line) -> bool {
    let text = || line.argument().map(|word| word.text().into_owned());
    match line.keyword.name.as_str() {
        "url" => check.urls.extend(read_url(context, &format!("{path}.url"), line)),
        "virtualhost" => check.virtual_host = text().or(check.virtual_host.take()),
        "http_protocol" => check.version = version(context, line).unwrap_or(check.version),
        "fast_recovery" => check.fast_recovery = values::switch(context, line).unwrap_or(check.fast_recovery),
        "enable_sni" => match (values::switch(context, line), &check.tls.server_name) {
            (Some(true), None) => check.tls.server_name = Some(ServerName::VirtualHost(None)),
            (Some(false), _) => check.tls.server_name = None,
            (Some(true), Some(_)) | (None, _) => {}
        },
        "sni_name" => {
            check.tls.server_name = Some(text().map_or(ServerName::VirtualHost(None), ServerName::Fixed));
        }
        "tls_compliant" => check.tls.compliant = values::switch(context, line).unwrap_or(check.tls.compliant),
        _ => return false,
    }
    true
}

fn version(context: &mut Context, line: &Line) -> Option<HttpVersion> {
    let (word, Value::Choice(words)) = (line.argument()?, &line.keyword.value) else { return None };
    values::choice(context, word, words)?;
    Some(match word.bytes.as_slice() {
        b"1.1" => HttpVersion::Http11,
        b"1.0C" | b"1.0c" => HttpVersion::Http10Close,
        _ => HttpVersion::Http10,
    })
}

fn read_url(context: &mut Context, path: &str, block: &Line) -> Option<HttpUrl> {
    let mut location: Option<String> = None;
    let mut url = HttpUrl {
        path: String::new(),
        status: StatusCodes::none(),
        virtual_host: None,
        digest: None,
        regex: None,
        tls_compliant: false,
    };
    let mut regex = RegexDraft::default();
    walk_all(context, path, block.body(), &mut |context, line| {
        let text = || line.argument().map(|word| word.text().into_owned());
        match line.keyword.name.as_str() {
            "path" => location = text(),
            "status_code" => line.arguments.iter().for_each(|word| add_status(context, &mut url.status, word)),
            "virtualhost" => url.virtual_host = text().or(url.virtual_host.take()),
            "digest" => url.digest = line.argument().and_then(|word| digest(context, word)),
            "tls_compliant" => url.tls_compliant = values::switch(context, &line).unwrap_or(url.tls_compliant),
            other => {
                let known = regex.line(context, &line);
                assert!(known, "grammar/http_check.conf calls '{other}' effective");
            }
        }
    });
    let Some(location) = location else {
        let gist = "HTTP/SSL_GET checker url has no path - ignoring";
        let diagnostic = unusable(Name::URL_WITHOUT_PATH, "url has no path", block.span(), gist);
        context.report(diagnostic.note("keepalived leaves it out, and 2.2.7 crashes after saying so"));
        return None;
    };
    if url.status.is_empty() {
        url.status = StatusCodes::default();
    }
    Some(HttpUrl { path: location, regex: regex.finish(context, block), ..url })
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

fn digest(context: &mut Context, word: &Word) -> Option<Md5Digest> {
    let (text, length) = (word.text(), word.bytes.len());
    let digest = Md5Digest::from_hex(&word.bytes);
    if digest.is_none() {
        let shown = shortened(&text);
        let gist = match length {
            32 => format!("Unable to interpret hex digit in '{shown}'"),
            _ => format!("digest '{shown}' character length should be 32 rather than {length}"),
        };
        context.report(
            invalid_value(word.span, "an MD5 digest has 32 hexadecimal digits".to_owned())
                .gist(gist)
                .note("keepalived ignores the line: a wrong page passes the check"),
        );
    }
    digest
}

/// The keywords about `regex`.
#[derive(Default)]
struct RegexDraft {
    pattern: Option<Spanned<Vec<u8>>>,
    options: Vec<RegexOption>,
    no_match: bool,
    min_offset: u64,
    max_offset: Option<u64>,
    stack: Option<(u64, u64)>,
}

impl RegexDraft {
    fn line(&mut self, context: &mut Context, line: &Line) -> bool {
        match line.keyword.name.as_str() {
            "regex" => self.pattern(context, line),
            "regex_no_match" => self.no_match = true,
            "regex_options" => {
                // keepalived says nothing about a word it does not know.
                self.options.extend(line.arguments.iter().filter_map(|word| RegexOption::new(&word.bytes)));
                self.options.sort();
                self.options.dedup();
            }
            "regex_min_offset" => self.min_offset = offset(context, line).unwrap_or(0),
            "regex_max_offset" => self.max_offset = Some(offset(context, line).unwrap_or(0)),
            "regex_stack" => self.stack = stack(&line.arguments).or(self.stack),
            _ => return false,
        }
        true
    }

    /// One word, in quotes if it has blanks; a backslash escapes, so that of the pattern is written twice.
    fn pattern(&mut self, context: &mut Context, line: &Line) {
        let words = match (line.arguments.first(), line.arguments.last()) {
            (Some(first), Some(last)) => command::split(context.sources.slice(first.span.to(last.span))),
            _ => Vec::new(),
        };
        let [pattern] = words.as_slice() else {
            context.report(
                invalid_value(line.span(), "'regex' takes one word; quote a pattern that has blanks".to_owned())
                    .gist("regex missing or too many fields"),
            );
            return;
        };
        let pattern = pattern.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        if let Some(before) = self.pattern.replace(Spanned::new(pattern, line.span())) {
            context.report(
                Diagnostic::warning(Name::SECOND_IGNORED, "a second 'regex' replaces the first")
                    .at(line.span())
                    .also(before.span, "first here")
                    .class(ErrorClass::General)
                    .gist("Duplicate regex specified - replacing"),
            );
        }
    }

    fn finish(self, context: &mut Context, block: &Line) -> Option<Regex> {
        let pattern = self.pattern?.value;
        let RegexDraft { options, no_match, mut min_offset, mut max_offset, stack, .. } = self;
        if max_offset.is_some_and(|max| min_offset > max) {
            let message = "regex_min_offset is greater than regex_max_offset; both are ignored";
            context.report(Diagnostic::warning(Name::INCOMPATIBLE_SETTINGS, message).at(block.span()));
            (min_offset, max_offset) = (0, None);
        }
        Some(Regex { pattern, options, no_match, min_offset, max_offset, stack })
    }
}

/// An offset as `strtoul` reads it; keepalived takes anything else for 0, in its log alone.
fn offset(context: &mut Context, line: &Line) -> Option<u64> {
    let word = match line.arguments.as_ref() {
        [word] => word,
        _ => return None,
    };
    let max = i128::from(u32::MAX);
    match word.text().parse::<u32>() {
        Ok(offset) => Some(offset.into()),
        Err(_) => {
            values::integer_in(context, word, 0, max, Garbage::Refused).and_then(|offset| u64::try_from(offset).ok())
        }
    }
}

/// The first size and the greatest.
fn stack(arguments: &[Word]) -> Option<(u64, u64)> {
    let [start, max] = arguments else { return None };
    let (start, max) = (start.text().parse().ok()?, max.text().parse().ok()?);
    (start <= max).then_some((start, max))
}

/// Applies what is inherited. The name for the handshake comes from the virtual server, not from the real server.
pub(super) fn finish(check: HttpCheck, around: &Surroundings) -> HttpCheck {
    let server_name = check.tls.server_name.map(|name| match name {
        ServerName::Fixed(name) => ServerName::Fixed(name),
        ServerName::VirtualHost(_) => {
            ServerName::VirtualHost(check.virtual_host.as_ref().or(around.outer_virtual_host).cloned())
        }
    });
    HttpCheck {
        virtual_host: check.virtual_host.or_else(|| around.virtual_host.cloned()),
        tls: TlsClient { server_name, ..check.tls },
        ..check
    }
}
