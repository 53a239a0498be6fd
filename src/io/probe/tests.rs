//! Probes of real servers on the loopback.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::check::Cause;
use crate::model::check::{
    DnsCheck, DnsName, DnsType, HttpCheck, HttpUrl, HttpVersion, Md5Digest, ReplyPattern, StatusCodes, TlsClient,
    UdpCheck,
};
use crate::model::{CheckTiming, Checker, CheckerKind, Route};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

fn checker(target: SocketAddr, kind: CheckerKind, timeout: Duration) -> Checker {
    let timing = CheckTiming {
        delay_loop: PATIENCE,
        connect_timeout: timeout,
        retry: 0,
        delay_before_retry: PATIENCE,
        warmup: Duration::ZERO,
    };
    Checker { timing, route: Route::to(target), alpha: false, log_all_failures: false, kind }
}

fn http() -> CheckerKind {
    let url = HttpUrl {
        path: "/".to_owned(),
        status: StatusCodes::default(),
        virtual_host: None,
        digest: Some(Md5Digest([0; 16])),
        regex: None,
        tls_compliant: false,
    };
    CheckerKind::Http(HttpCheck {
        urls: vec![url],
        virtual_host: None,
        version: HttpVersion::Http10,
        fast_recovery: false,
        tls: TlsClient::default(),
    })
}

/// Carries out one probe to its end.
fn carry_out(checker: Checker) -> Outcome {
    let mut prober: Prober<u8> = Prober::new(7).expect("epoll");
    let clock = std::time::Instant::now();
    let probe = Probe { checker: Arc::new(checker), url: 0, sequence: 0 };
    prober.start(Instant::ZERO, 1, &probe);
    loop {
        if let Some((id, outcome)) = prober.take_finished() {
            assert_eq!((id, prober.next_deadline()), (1, None), "nothing is left of it");
            return outcome;
        }
        assert!(clock.elapsed() < PATIENCE, "a probe without an end");
        thread::sleep(Duration::from_millis(1));
        prober.turn(Instant::from_start(clock.elapsed()));
    }
}

/// A server that does this with its first client.
fn serve(with_client: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on the loopback");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || with_client(listener.accept().expect("a client").0));
    address
}

/// Reads the request, answers in two pieces, and closes.
fn answer(pieces: [Vec<u8>; 2]) -> SocketAddr {
    serve(move |mut client| {
        let mut request = [0; 1000];
        let _ = client.read(&mut request);
        for piece in pieces {
            // Whether the checker still listens is its own affair.
            let _ = client.write_all(&piece);
        }
    })
}

#[test]
fn a_listening_port_is_connected_and_a_closed_one_is_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on the loopback");
    let target = listener.local_addr().expect("bound");
    assert_eq!(carry_out(checker(target, CheckerKind::Tcp, PATIENCE)), Outcome::Passed);
    drop(listener);
    assert_eq!(carry_out(checker(target, CheckerKind::Tcp, PATIENCE)), Outcome::Failed(Cause::ConnectFailed));
}

#[test]
fn an_answer_is_read_to_the_end_of_the_connection() {
    let target = answer([b"HTTP/1.0 200 OK\r\nContent-Length: 10000\r\n\r\n".to_vec(), vec![b'x'; 10_000]]);
    let Outcome::Answered(answer) = carry_out(checker(target, http(), PATIENCE)) else { panic!("an answer") };
    assert_eq!((answer.status, answer.announced, answer.received), (Some(200), Some(10_000), 10_000));
    let digest = answer.digest.expect("one was asked for").to_string();
    assert_eq!(digest, "b567fcb68d8555227123ab87e255872e", "as md5sum says");
}

#[test]
fn a_server_that_does_not_close_fails_by_timeout() {
    let target = serve(|mut client| {
        let _ = client.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
        thread::sleep(PATIENCE);
    });
    let outcome = carry_out(checker(target, http(), Duration::from_millis(200)));
    assert_eq!(outcome, Outcome::Failed(Cause::ReadTimeout));
}

#[test]
fn a_header_that_never_ends_is_a_failure_once_the_buffer_is_full() {
    let header = [b"HTTP/1.0 200 OK\r\n".to_vec(), b"X-Header: 1\r\n".repeat(10_000)];
    assert_eq!(carry_out(checker(answer(header), http(), PATIENCE)), Outcome::Failed(Cause::NoHeader));
}

#[test]
fn a_connection_that_is_reset_is_a_failure() {
    let target = serve(|client| {
        // Closing with something unread, or without lingering, resets.
        let client = socket2::Socket::from(client);
        client.set_linger(Some(Duration::ZERO)).expect("a socket");
    });
    assert!(matches!(carry_out(checker(target, http(), PATIENCE)), Outcome::Failed(_)));
}

#[test]
fn an_error_of_this_machine_is_no_failure_of_the_server() {
    // A link-local address without an interface: EINVAL, or no IPv6 here at all.
    let target = "[fe80::1]:80".parse().expect("an address");
    let outcome = carry_out(checker(target, CheckerKind::Tcp, PATIENCE));
    assert!(matches!(outcome, Outcome::NotMade(_)), "{outcome:?}");
    // An address that this machine does not have.
    let mut bound = checker(([127, 0, 0, 1], 9).into(), CheckerKind::Tcp, PATIENCE);
    bound.route.source = Some(([192, 0, 2, 1], 0).into());
    assert!(matches!(carry_out(bound), Outcome::NotMade(_)));
}

#[test]
fn a_check_comes_from_where_it_is_told_to() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on the loopback");
    let mut bound = checker(listener.local_addr().expect("bound"), CheckerKind::Tcp, PATIENCE);
    bound.route.source = Some(([127, 0, 0, 77], 0).into());
    assert_eq!(carry_out(bound), Outcome::Passed);
    let (_, client) = listener.accept().expect("a client");
    assert_eq!(client.ip().to_string(), "127.0.0.77");
}

#[test]
fn mail_is_spoken_to_the_end() {
    let target = serve(|mut client| {
        let mut heard = [0; 100];
        for (line, expected) in [("220 hi\r\n", "HELO me\r\n"), ("250 ok\r\n", "QUIT\r\n")] {
            client.write_all(line.as_bytes()).expect("the checker reads");
            let length = client.read(&mut heard).expect("the checker answers");
            assert_eq!(std::str::from_utf8(&heard[..length]), Ok(expected));
        }
        client.write_all(b"221 bye\r\n").expect("the checker reads");
    });
    assert_eq!(carry_out(checker(target, CheckerKind::Smtp("me".to_owned()), PATIENCE)), Outcome::Passed);
}

/// A server that answers the first datagram with what `reply` makes of it.
fn datagrams(reply: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port on the loopback");
    let address = socket.local_addr().expect("bound");
    thread::spawn(move || {
        let mut datagram = [0; 1000];
        let (length, client) = socket.recv_from(&mut datagram).expect("a datagram");
        for reply in reply(&datagram[..length]) {
            let _ = socket.send_to(&reply, client);
        }
    });
    address
}

#[test]
fn an_answer_to_another_question_is_waited_past() {
    let check = CheckerKind::Dns(DnsCheck { name: DnsName::ROOT, kind: DnsType::Ns });
    let answered = |code: u8| {
        datagrams(move |question| {
            let mut reply = question.to_vec();
            reply[2] |= 0x80;
            reply[3] = code;
            let mut other = reply.clone();
            other[0] ^= 1;
            vec![other, vec![1, 2, 3], reply]
        })
    };
    assert_eq!(carry_out(checker(answered(0), check.clone(), PATIENCE)), Outcome::Passed);
    let refused = Outcome::Failed(Cause::ResponseCode(5));
    assert_eq!(carry_out(checker(answered(5), check, PATIENCE)), refused);
}

#[test]
fn silence_is_good_for_udp_unless_a_reply_is_required() {
    let short = Duration::from_millis(200);
    let udp = |reply: Option<ReplyPattern>| CheckerKind::Udp(UdpCheck { payload: None, reply });
    let any = ReplyPattern { octets: Vec::new(), min_length: 0, max_length: 255 };
    let silent = || datagrams(|_| Vec::new());
    assert_eq!(carry_out(checker(silent(), udp(None), short)), Outcome::Passed);
    let timed_out = Outcome::Failed(Cause::ReadTimeout);
    assert_eq!(carry_out(checker(silent(), udp(Some(any.clone())), short)), timed_out);
    let echo = || datagrams(|datagram| vec![datagram.to_vec()]);
    assert_eq!(carry_out(checker(echo(), udp(Some(any)), PATIENCE)), Outcome::Passed);
    let other = ReplyPattern { octets: vec![(b'x', 0)], min_length: 0, max_length: 255 };
    assert_eq!(carry_out(checker(echo(), udp(Some(other)), PATIENCE)), Outcome::Failed(Cause::Reply));
}

#[test]
fn a_closed_udp_port_is_a_failure() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port on the loopback");
    let target = socket.local_addr().expect("bound");
    drop(socket);
    let udp = CheckerKind::Udp(UdpCheck { payload: None, reply: None });
    assert!(matches!(carry_out(checker(target, udp, PATIENCE)), Outcome::Failed(_)));
}
