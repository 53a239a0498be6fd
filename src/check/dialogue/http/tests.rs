//! The request's octets, and answers in every kind of pieces.

use proptest::prelude::*;

use super::*;
use crate::model::check::{StatusCodes, TlsClient};

fn check(virtual_host: Option<&str>, version: HttpVersion) -> HttpCheck {
    let virtual_host = virtual_host.map(str::to_owned);
    HttpCheck { urls: vec![url("/a")], virtual_host, version, fast_recovery: false, tls: TlsClient::default() }
}

fn url(path: &str) -> HttpUrl {
    HttpUrl {
        path: path.to_owned(),
        status: StatusCodes::default(),
        virtual_host: None,
        digest: None,
        regex: None,
        tls_compliant: false,
    }
}

/// A plain text as pattern.
struct Plain(&'static [u8]);

impl Search for Plain {
    fn lookbehind(&self) -> usize {
        0
    }

    fn find(&mut self, text: &[u8], from: usize) -> Found {
        let at = (from..text.len()).find(|at| {
            let rest = &text[*at..];
            rest.starts_with(self.0) || self.0.starts_with(rest)
        });
        match at {
            Some(at) if text.len() - at >= self.0.len() => Found::At(at),
            Some(at) => Found::Partial(at),
            None => Found::Nothing,
        }
    }
}

fn regex(min_offset: u64, max_offset: Option<u64>) -> Regex {
    Regex { pattern: Vec::new(), options: Vec::new(), no_match: false, min_offset, max_offset, stack: None }
}

/// What comes of an answer in these pieces.
fn read(pieces: &[&[u8]], pattern: Option<(Plain, Regex)>) -> Outcome {
    let (search, regex) = pattern.unzip();
    let search = search.map(|search| Box::new(search) as Box<dyn Search>);
    let mut reading = Reading::new(Vec::new(), true, regex.as_ref(), search);
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            assert!(reading.room() > 0, "a read of nothing would look like the end");
            let length = rest.len().min(reading.room());
            match reading.received(&rest[..length]) {
                Step::Read => rest = &rest[length..],
                Step::Done(outcome) => return outcome,
                Step::Send(_) => panic!("there is nothing to send"),
            }
        }
    }
    reading.finish()
}

fn answered(pieces: &[&[u8]], pattern: Option<(Plain, Regex)>) -> Answer {
    match read(pieces, pattern) {
        Outcome::Answered(answer) => answer,
        other => panic!("an answer, not {other:?}"),
    }
}

fn status_of(answer: &[u8]) -> Option<u16> {
    answered(&[answer], None).status
}

#[test]
fn the_request_has_the_bytes_keepalived_sends() {
    // Recorded from keepalived 2.2.7.
    let text = |check: &HttpCheck, url: &HttpUrl, target: &str| {
        String::from_utf8(request(check, url, target.parse().expect("an address"))).expect("ASCII")
    };
    assert_eq!(
        text(&check(None, HttpVersion::Http10), &url("/second"), "10.9.0.1:8115"),
        "GET /second HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: 10.9.0.1:8115\r\n\r\n"
    );
    assert_eq!(
        text(&check(None, HttpVersion::Http10Close), &url("/"), "[fd00:9::1]:8001"),
        "GET / HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: [fd00:9::1]:8001\r\n\r\n"
    );
    let own = HttpUrl { virtual_host: Some("url.example".to_owned()), ..url("/") };
    let host = check(Some("vs.example"), HttpVersion::Http11);
    assert_eq!(
        text(&host, &url("/"), "10.9.0.1:80"),
        "GET / HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: vs.example\r\n\r\n"
    );
    assert!(text(&host, &own, "10.9.0.1:80").contains("Host: url.example\r\n"));
}

#[test]
fn a_request_longer_than_the_buffer_is_cut() {
    let target = "10.9.0.1:80".parse().expect("an address");
    assert_eq!(request(&check(None, HttpVersion::Http10), &url(&"/".repeat(3000)), target).len(), 2047);
}

#[test]
fn the_status_is_three_digits_between_blanks() {
    assert_eq!(status_of(b"HTTP/1.1 200 OK\r\n\r\n"), Some(200));
    assert_eq!(status_of(b"HTTP/1.1 299 \r\nServer: x\r\n\r\nbody"), Some(299));
    assert_eq!(status_of(b"anything 204 goes\r\n\r\n"), Some(204));
    for without in
        [b"HTTP/1.1 200\r\n\r\n".as_slice(), b"HTTP/1.1 2000 \r\n\r\n", b"HTTP/1.1 2\r\n\r\n", b"X\r\nA: 200 \r\n\r\n"]
    {
        assert_eq!(status_of(without), None, "{}", String::from_utf8_lossy(without));
    }
}

#[test]
fn a_header_that_does_not_end_is_a_failure() {
    for answer in [b"".as_slice(), b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\n\n"] {
        assert_eq!(read(&[answer], None), Outcome::Failed(Cause::NoHeader));
    }
}

#[test]
fn a_header_must_end_within_4095_bytes() {
    let answer = |length: usize| {
        let mut answer = b"HTTP/1.1 200 OK\r\n".to_vec();
        answer.resize(length - 4, b'x');
        answer.extend(b"\r\n\r\n");
        answer
    };
    assert_eq!(status_of(&answer(4095)), Some(200));
    assert_eq!(read(&[&answer(4096)], None), Outcome::Failed(Cause::NoHeader));
}

#[test]
fn the_length_is_counted_and_the_digest_is_that_of_as_much_as_was_announced() {
    // As `printf ok | md5sum` says.
    let ok = "444bcb3a3fcf8389296c49467f27e1d6";
    let digest = |answer: &Answer| answer.digest.map(|digest| digest.to_string());
    let short = answered(&[b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nok"], None);
    assert_eq!((short.announced, short.received, digest(&short).as_deref()), (Some(99), 2, Some(ok)));
    let long = answered(&[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", b"k and more"], None);
    assert_eq!((long.announced, long.received, digest(&long).as_deref()), (Some(2), 11, Some(ok)));
    let other_case = answered(&[b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nok"], None);
    assert_eq!((other_case.announced, digest(&other_case).as_deref()), (None, Some(ok)));
}

#[test]
fn a_pattern_is_looked_for_in_the_header_only_when_the_body_comes_with_it() {
    let found = |pieces: &[&[u8]], text, regex| answered(pieces, Some((Plain(text), regex))).matched;
    let together: &[&[u8]] = &[b"HTTP/1.1 200 OK\r\n\r\nbody"];
    let apart: &[&[u8]] = &[b"HTTP/1.1 200 OK\r\n\r\n", b"body"];
    assert!(found(together, b"200", regex(0, None)));
    assert!(!found(apart, b"200", regex(0, None)));
    assert!(!found(together, b"body", regex(0, Some(18))));
    assert!(found(together, b"body", regex(0, Some(19))));
    assert!(found(apart, b"body", regex(0, Some(0))));
    assert!(!found(together, b"HTTP", regex(1, None)));
}

#[test]
fn a_match_may_lie_across_pieces() {
    let pieces: &[&[u8]] = &[b"HTTP/1.1 200 OK\r\n\r\nxx", b"nee", b"dl", b"e and more"];
    assert!(answered(pieces, Some((Plain(b"needle"), regex(0, None)))).matched);
    assert!(answered(pieces, Some((Plain(b"needle"), regex(21, Some(21))))).matched);
    assert!(!answered(pieces, Some((Plain(b"needle"), regex(0, Some(20))))).matched);
    assert!(!answered(pieces, Some((Plain(b"needles"), regex(0, None)))).matched);
}

proptest! {
    /// Wherever an answer is cut, it says the same; and no server is too much for it.
    #[test]
    fn an_answer_says_the_same_in_all_pieces(
        start in proptest::sample::select(vec![&b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"[..], b"HTTP/1.0 200 OK\r\n\r\n", b""]),
        rest in proptest::collection::vec(any::<u8>(), 0..6000),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
    ) {
        let whole = [start, &rest].concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts.into_iter().chain([whole.len()]) {
            pieces.push(&whole[from..cut]);
            from = cut;
        }
        prop_assert_eq!(read(&pieces, None), read(&[&whole], None));
        // Whether a match counts depends on the pieces, as with keepalived, but nothing else does.
        let without = |outcome| match outcome {
            Outcome::Answered(answer) => Outcome::Answered(Answer { matched: false, ..answer }),
            other => other,
        };
        let with_pattern = read(&pieces, Some((Plain(b"\r\n"), regex(3, Some(900)))));
        prop_assert_eq!(without(with_pattern), read(&[&whole], None));
    }
}
