//! `HTTP_GET`: the request's bytes and what makes an answer good (keepalived.conf(5), "HTTP_GET").

use std::net::SocketAddr;

use super::probe::HEAD_MAX;
use crate::model::{HttpCheck, HttpUrl};

/// keepalived's request buffer: what is longer is cut.
const REQUEST_MAX: usize = 2047;

/// What an answer to an HTTP check amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// Whether the check passes.
    pub good: bool,
    /// `Content-Length` and the length of the body, when they differ. Not a failure.
    pub mismatch: Option<(u64, u64)>,
}

/// The request for one url: HTTP/1.0, without `Connection`, the Host header with the port unless a virtual host is
/// configured.
pub fn request(check: &HttpCheck, url: &HttpUrl, target: SocketAddr) -> Vec<u8> {
    // `SocketAddr` puts an IPv6 address in brackets, which is what a Host header wants.
    let host = check.virtual_host.clone().unwrap_or_else(|| match target {
        SocketAddr::V4(target) => target.to_string(),
        SocketAddr::V6(target) => format!("[{}]:{}", target.ip(), target.port()),
    });
    let mut request =
        format!("GET {} HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: {host}\r\n\r\n", url.path).into_bytes();
    request.truncate(REQUEST_MAX);
    request
}

/// Judges an answer of `length` bytes that begins with `head`. The header must end, with an empty line, within the
/// first 4095 bytes; the status is what follows the first blank and must be followed by another one.
pub fn judge(url: &HttpUrl, head: &[u8], length: u64) -> Judgement {
    let head = &head[..head.len().min(HEAD_MAX)];
    let Some(header_length) = head.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4) else {
        return Judgement { good: false, mismatch: None };
    };
    let header = &head[..header_length];
    let body = length.saturating_sub(header_length as u64);
    Judgement {
        good: status(header).is_some_and(|status| url.status.contains(status)),
        mismatch: content_length(header).filter(|announced| *announced != body).map(|announced| (announced, body)),
    }
}

/// The three digits after the first blank. The word before it is not looked at.
fn status(header: &[u8]) -> Option<u16> {
    let blank = header.iter().position(|&byte| byte == b' ')?;
    let digits = header.get(blank + 1..blank + 4)?;
    let followed_by_blank = header.get(blank + 4) == Some(&b' ');
    let number = digits.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(digits).ok()?.parse().ok())?;
    number.filter(|_| followed_by_blank)
}

/// The value of a `Content-Length` header, which is found only when spelled exactly so.
fn content_length(header: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"Content-Length:";
    let at = header.windows(NAME.len()).position(|window| window == NAME)?;
    let value = header[at + NAME.len()..].trim_ascii_start();
    let end = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    std::str::from_utf8(&value[..end]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StatusCodes;

    fn check(virtual_host: Option<&str>) -> HttpCheck {
        HttpCheck { urls: vec![url("/a")], virtual_host: virtual_host.map(str::to_owned) }
    }

    fn url(path: &str) -> HttpUrl {
        HttpUrl { path: path.to_owned(), status: StatusCodes::default() }
    }

    fn good(answer: &[u8]) -> bool {
        judge(&url("/"), answer, answer.len() as u64).good
    }

    #[test]
    fn the_request_has_the_bytes_keepalived_sends() {
        // Recorded from keepalived 2.2.7.
        let target = "10.9.0.1:8115".parse().expect("an address");
        assert_eq!(
            request(&check(None), &url("/second"), target),
            b"GET /second HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: 10.9.0.1:8115\r\n\r\n"
        );
        let target = "[fd00:9::1]:8001".parse().expect("an address");
        assert_eq!(
            request(&check(None), &url("/"), target),
            b"GET / HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: [fd00:9::1]:8001\r\n\r\n"
        );
        assert_eq!(
            request(&check(Some("vs.example")), &url("/"), target),
            b"GET / HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: vs.example\r\n\r\n"
        );
    }

    #[test]
    fn a_request_longer_than_the_buffer_is_cut() {
        let target = "10.9.0.1:80".parse().expect("an address");
        assert_eq!(request(&check(None), &url(&"/".repeat(3000)), target).len(), 2047);
    }

    #[test]
    fn a_status_in_the_set_is_good() {
        assert!(good(b"HTTP/1.1 200 OK\r\n\r\n"));
        assert!(good(b"HTTP/1.1 299 \r\nServer: x\r\n\r\nbody"));
        assert!(good(b"anything 204 goes\r\n\r\n"));
        assert!(!good(b"HTTP/1.1 404 Not Found\r\n\r\n"));
    }

    #[test]
    fn a_status_without_a_blank_after_it_is_a_failure() {
        assert!(!good(b"HTTP/1.1 200\r\n\r\n"));
        assert!(!good(b"HTTP/1.1 2000 \r\n\r\n"));
        assert!(!good(b"HTTP/1.1 2\r\n\r\n"));
        assert!(!good(b"HTTP/1.1\r\n\r\n"));
    }

    #[test]
    fn a_header_that_does_not_end_is_a_failure() {
        assert!(!good(b""));
        assert!(!good(b"HTTP/1.1 200 OK\r\n"));
        assert!(!good(b"HTTP/1.1 200 OK\n\n"));
    }

    #[test]
    fn a_header_must_end_within_4095_bytes() {
        let answer = |length: usize| {
            let mut answer = b"HTTP/1.1 200 OK\r\n".to_vec();
            answer.resize(length - 4, b'x');
            answer.extend(b"\r\n\r\n");
            answer
        };
        assert!(good(&answer(4095)));
        assert!(!good(&answer(4096)));
    }

    #[test]
    fn a_body_of_another_length_than_announced_is_told_and_no_failure() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nok";
        let judged = judge(&url("/"), answer, answer.len() as u64);
        assert_eq!(judged, Judgement { good: true, mismatch: Some((99, 2)) });
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nok";
        assert_eq!(judge(&url("/"), answer, answer.len() as u64).mismatch, None);
    }
}
