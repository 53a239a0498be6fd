//! Carries out one probe of a health check over TCP. Decides nothing but which errors are the server's.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::check::{Attempt, HEAD_MAX, Outcome, Probe};

/// Errors of a connection that say something about the server or the way to it. keepalived's list
/// (`socket_bind_connect`), and `ENOPROTOOPT`, which only an ICMP answer causes.
const SERVER_ERRORS: [i32; 9] = [
    libc::ENETUNREACH,
    libc::EHOSTUNREACH,
    libc::EHOSTDOWN,
    libc::ENETDOWN,
    libc::ECONNREFUSED,
    libc::ECONNRESET,
    libc::ECONNABORTED,
    libc::ETIMEDOUT,
    libc::ENOPROTOOPT,
];

/// Carries out `probe`. Takes at most its timeout for the connection and again for each read, so a server that keeps
/// sending keeps it going, as with keepalived.
pub async fn carry_out(probe: Probe) -> Outcome {
    let connected = match timeout(probe.timeout, connect(probe.target)).await {
        Err(_elapsed) => return Outcome::Failed,
        Ok(Err(error)) if error.raw_os_error().is_some_and(|errno| SERVER_ERRORS.contains(&errno)) => {
            return Outcome::Failed;
        }
        Ok(Err(error)) => return Outcome::NotMade(error.to_string()),
        Ok(Ok(connected)) => connected,
    };
    match &probe.attempt {
        Attempt::Connect => Outcome::Connected,
        Attempt::Request(request) => exchange(connected, request, &probe).await.unwrap_or(Outcome::Failed),
    }
}

async fn connect(target: SocketAddr) -> io::Result<TcpStream> {
    let socket = match target {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.connect(target).await
}

/// Sends the request and reads to the end of the connection. An error is the server's failure.
async fn exchange(mut connected: TcpStream, request: &[u8], probe: &Probe) -> io::Result<Outcome> {
    timeout(probe.timeout, connected.write_all(request)).await??;
    let mut head = Vec::new();
    let mut length = 0;
    let mut buffer = [0; HEAD_MAX];
    loop {
        let read = timeout(probe.timeout, connected.read(&mut buffer)).await??;
        if read == 0 {
            return Ok(Outcome::Answered { head, length });
        }
        length += read as u64;
        head.extend_from_slice(&buffer[..read.min(HEAD_MAX - head.len())]);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpListener;

    use super::*;

    fn probe(target: SocketAddr, attempt: Attempt) -> Probe {
        Probe { target, timeout: Duration::from_millis(200), attempt }
    }

    fn request() -> Attempt {
        Attempt::Request(b"GET / HTTP/1.0\r\n\r\n".to_vec())
    }

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on the loopback");
        let address = listener.local_addr().expect("bound");
        (listener, address)
    }

    /// Accepts one connection, answers the request in two pieces, and closes.
    async fn answer(listener: TcpListener, pieces: [Vec<u8>; 2]) {
        let (mut client, _) = listener.accept().await.expect("a client");
        let mut request = [0; 18];
        client.read_exact(&mut request).await.expect("a request");
        for piece in pieces {
            client.write_all(&piece).await.expect("the client reads");
            client.flush().await.expect("the client reads");
        }
    }

    #[tokio::test]
    async fn a_listening_port_is_connected_and_a_closed_one_is_a_failure() {
        let (listener, target) = listener().await;
        assert_eq!(carry_out(probe(target, Attempt::Connect)).await, Outcome::Connected);
        drop(listener);
        assert_eq!(carry_out(probe(target, Attempt::Connect)).await, Outcome::Failed);
    }

    #[tokio::test]
    async fn an_answer_is_read_to_its_end_and_its_head_is_kept() {
        let (listener, target) = listener().await;
        let server = answer(listener, [b"HTTP/1.0 200 OK\r\n\r\n".to_vec(), vec![b'x'; 10_000]]);
        let (outcome, ()) = tokio::join!(carry_out(probe(target, request())), server);
        let Outcome::Answered { head, length } = outcome else { panic!("an answer, not {outcome:?}") };
        assert_eq!((head.len(), length), (HEAD_MAX, 10_019));
        assert!(head.starts_with(b"HTTP/1.0 200 OK\r\n\r\nxxx"));
    }

    #[tokio::test]
    async fn a_server_that_does_not_close_fails_by_timeout() {
        let (listener, target) = listener().await;
        let server = async {
            let (mut client, _) = listener.accept().await.expect("a client");
            client.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await.expect("the client reads");
            std::future::pending::<()>().await;
        };
        tokio::select! {
            outcome = carry_out(probe(target, request())) => assert_eq!(outcome, Outcome::Failed),
            () = server => unreachable!("the server waits for ever"),
        }
    }

    #[tokio::test]
    async fn an_error_of_this_machine_is_no_failure_of_the_server() {
        // A link-local address without an interface: EINVAL, or no IPv6 here at all.
        let target = "[fe80::1]:80".parse().expect("an address");
        let outcome = carry_out(probe(target, Attempt::Connect)).await;
        assert!(matches!(outcome, Outcome::NotMade(_)), "{outcome:?}");
    }
}
