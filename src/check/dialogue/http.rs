//! `HTTP_GET` and `SSL_GET`: the request's octets, and what is learned of an answer (keepalived.conf(5), "HTTP_GET").
//!
//! An answer ends with the connection, whatever `Content-Length` says. It is read into a buffer of fixed size, in which
//! the header must end. A regular expression is looked for in each piece as it comes; what may be the beginning of a
//! match stays in the buffer.

use std::net::SocketAddr;

use md5::{Digest, Md5};

use super::super::probe::{Answer, Cause, Outcome};
use super::{Found, Search, Step};
use crate::model::check::{HttpCheck, HttpUrl, HttpVersion, Md5Digest, Regex};

/// keepalived's request buffer: what is longer is cut.
const REQUEST_MAX: usize = 2047;
/// keepalived's buffer for answers: the header must end within it.
const BUFFER_MAX: usize = 4095;

/// The request for one url. The Host header has the port unless a virtual host is configured.
pub fn request(check: &HttpCheck, url: &HttpUrl, target: SocketAddr) -> Vec<u8> {
    let (minor, connection) = match check.version {
        HttpVersion::Http10 => (0, ""),
        HttpVersion::Http10Close => (0, "Connection: close\r\n"),
        HttpVersion::Http11 => (1, "Connection: close\r\n"),
    };
    let host = url.virtual_host.as_ref().or(check.virtual_host.as_ref()).cloned();
    // `SocketAddr` puts an IPv6 address in brackets, which is what a Host header wants, but shows its scope.
    let host = host.unwrap_or_else(|| match target {
        SocketAddr::V4(target) => target.to_string(),
        SocketAddr::V6(target) => format!("[{}]:{}", target.ip(), target.port()),
    });
    let path = &url.path;
    let request =
        format!("GET {path} HTTP/1.{minor}\r\nUser-Agent: KeepAliveClient\r\n{connection}Host: {host}\r\n\r\n");
    let mut request = request.into_bytes();
    request.truncate(REQUEST_MAX);
    request
}

/// What the first lines of an answer say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its octets, the empty line included.
    pub length: usize,
    /// The status; see [`status`].
    pub status: Option<u16>,
    /// `Content-Length`
    pub announced: Option<u64>,
}

/// Reads the header of an answer; `None` while its end is not there.
pub fn head(answer: &[u8]) -> Option<Head> {
    let length = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let header = &answer[..length];
    Some(Head { length, status: status(header), announced: content_length(header) })
}

/// The three digits after the first blank, which another blank must follow. The word before it is not looked at.
fn status(header: &[u8]) -> Option<u16> {
    let blank = header.iter().position(|&byte| byte == b' ' || byte == b'\r').filter(|at| header[*at] == b' ')?;
    let digits = header.get(blank + 1..blank + 4)?;
    let followed_by_blank = header.get(blank + 4) == Some(&b' ');
    let number = digits.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(digits).ok()?.parse().ok())?;
    number.filter(|_| followed_by_blank)
}

/// The value of a `Content-Length` header, which is found only when spelled exactly so and alone on its line.
fn content_length(header: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"Content-Length:";
    let at = header.windows(NAME.len()).position(|window| window == NAME)?;
    let value = header[at + NAME.len()..].trim_ascii_start();
    let end = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    let ends_there = matches!(value.get(end), None | Some(b'\r' | b'\n'));
    ends_there.then(|| std::str::from_utf8(&value[..end]).ok()?.parse().ok())?
}

/// An answer while it comes.
pub struct Reading {
    request: Vec<u8>,
    buffer: Vec<u8>,
    head: Option<Head>,
    received: u64,
    digest: Option<Md5>,
    pattern: Option<Pattern>,
}

impl Reading {
    /// Before the first octet. `search` looks for `regex`, which says where a match counts.
    pub fn new(request: Vec<u8>, digest: bool, regex: Option<&Regex>, search: Option<Box<dyn Search>>) -> Reading {
        let pattern = regex.zip(search).map(|(regex, search)| Pattern {
            search,
            min: usize::try_from(regex.min_offset).unwrap_or(usize::MAX),
            max: regex.max_offset.map(|max| usize::try_from(max).unwrap_or(usize::MAX)),
            passed: 0,
            from: 0,
            matched: false,
        });
        let digest = digest.then(Md5::new);
        Reading { request, buffer: Vec::new(), head: None, received: 0, digest, pattern }
    }

    /// The request, once.
    pub fn take_request(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.request)
    }

    /// Octets until the buffer is full.
    pub fn room(&self) -> usize {
        BUFFER_MAX - self.buffer.len()
    }

    /// Takes in a piece of the answer.
    pub fn received(&mut self, octets: &[u8]) -> Step {
        let octets = &octets[..octets.len().min(self.room())];
        // Most answers come in one piece, of which nothing has to be kept.
        let mut buffer = std::mem::take(&mut self.buffer);
        let whole: &[u8] = if buffer.is_empty() {
            octets
        } else {
            buffer.extend_from_slice(octets);
            &buffer
        };
        let body_at = match self.head {
            Some(_) => whole.len() - octets.len(),
            None => match head(whole) {
                Some(head) => {
                    self.head = Some(head);
                    head.length
                }
                None => {
                    let full = whole.len() >= BUFFER_MAX;
                    self.buffer = if buffer.is_empty() { octets.to_vec() } else { buffer };
                    return if full { Step::Done(Outcome::Failed(Cause::NoHeader)) } else { Step::Read };
                }
            },
        };
        let body = &whole[body_at..];
        let announced = self.head.and_then(|head| head.announced);
        if let Some(digest) = &mut self.digest {
            let missing = announced.map_or(u64::MAX, |announced| announced.saturating_sub(self.received));
            let counted = usize::try_from(missing).unwrap_or(usize::MAX).min(body.len());
            digest.update(&body[..counted]);
        }
        self.received += body.len() as u64;
        let keep_from = match &mut self.pattern {
            Some(pattern) if !body.is_empty() => pattern.look(whole),
            Some(_) | None => None,
        };
        if let Some(keep_from) = keep_from {
            self.buffer = whole[keep_from..].to_vec();
        }
        Step::Read
    }

    /// The answer is at its end.
    pub fn finish(self) -> Outcome {
        let Some(head) = self.head else { return Outcome::Failed(Cause::NoHeader) };
        Outcome::Answered(Answer {
            status: head.status,
            announced: head.announced,
            received: self.received,
            digest: self.digest.map(|digest| Md5Digest(digest.finalize().into())),
            matched: self.pattern.is_some_and(|pattern| pattern.matched),
        })
    }
}

/// A regular expression that is looked for across pieces. Offsets count from the first octet of the first piece that
/// has a part of the body: from the header's when it comes in that piece.
struct Pattern {
    search: Box<dyn Search>,
    /// Where a match may begin.
    min: usize,
    max: Option<usize>,
    /// Offset of the first octet of the buffer.
    passed: usize,
    /// Where in the buffer to begin: before it is kept for looking behind only.
    from: usize,
    matched: bool,
}

impl Pattern {
    /// Looks at the buffer; what of it, from where, has to stay before the next piece.
    fn look(&mut self, text: &[u8]) -> Option<usize> {
        if self.matched {
            return None;
        }
        let end = self.passed + text.len();
        let lookbehind = self.search.lookbehind();
        let too_early = self.min > 0 && end < self.min.saturating_sub(lookbehind);
        let too_late = self.max.is_some_and(|max| self.passed + self.from > max);
        let from = self.from.max(self.min.saturating_sub(self.passed));
        if too_early || too_late || from > text.len() {
            (self.passed, self.from) = (end, 0);
            return None;
        }
        self.from = 0;
        match self.search.find(text, from) {
            Found::Partial(at) => {
                let keep_from = at.saturating_sub(lookbehind);
                if keep_from > 0 {
                    self.from = lookbehind;
                    self.passed += keep_from;
                } else if text.len() >= BUFFER_MAX {
                    self.passed = end;
                    return None;
                }
                Some(keep_from)
            }
            Found::At(at) => {
                self.matched = self.max.is_none_or(|max| self.passed + at <= max);
                self.passed = end;
                None
            }
            Found::Nothing => {
                self.passed = end;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
