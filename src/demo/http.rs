//! The demo's HTTP: two web servers, the client that asks without pause, and the stand-in for IPVS.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::event::{Kind, Reporter};
use super::namespace::Namespace;

/// Port of the web servers and of the virtual service.
const PORT: u16 = 80;
/// How often the client asks.
const PERIOD: Duration = Duration::from_millis(100);
/// How long the client waits: short, so that the length of an outage is seen to a few tenths of a second.
const PATIENCE: Duration = Duration::from_millis(250);
/// Nobody keeps a connection longer.
const CONNECTION_LIFE: Duration = Duration::from_secs(2);

/// Serves `text` in `host`, whatever is asked.
pub fn serve(host: &Namespace, text: &'static str) -> io::Result<()> {
    let listener = listen(host)?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream, text));
        }
    });
    Ok(())
}

fn answer(mut stream: TcpStream, text: &str) -> io::Result<()> {
    stream.set_read_timeout(Some(CONNECTION_LIFE))?;
    read_request(&mut stream)?;
    let length = text.len() + 1;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}\n"
    )?;
    stream.shutdown(Shutdown::Write)
}

/// Reads until the empty line that ends a request's head.
fn read_request(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|octets| octets == b"\r\n\r\n") {
        let length = stream.read(&mut buffer)?;
        // A head longer than this is no request of the demo's.
        if length == 0 || request.len() > 16 * 1024 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        request.extend_from_slice(&buffer[..length]);
    }
    Ok(request)
}

/// Asks `vip` from inside `host`, again and again, and reports every outcome.
pub fn ask_without_pause(host: &Namespace, vip: Ipv4Addr, reporter: Reporter) {
    let host = host.clone();
    thread::spawn(move || -> io::Result<()> {
        host.enter()?;
        loop {
            let begun = Instant::now();
            let kind = match ask(vip) {
                Ok(server) => Kind::Answer { server },
                // What a read that takes too long is called depends on the system (`TcpStream::set_read_timeout`).
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    Kind::NoAnswer { reason: "connection timed out".to_owned() }
                }
                Err(error) => Kind::NoAnswer { reason: error.to_string() },
            };
            if !reporter.report(kind) {
                return Ok(());
            }
            thread::sleep(PERIOD.saturating_sub(begun.elapsed()));
        }
    });
}

/// One request; the first line of the body.
fn ask(vip: Ipv4Addr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((vip, PORT)), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET / HTTP/1.1\r\nHost: {vip}\r\nConnection: close\r\n\r\n")?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    body_of(&reply).map(str::to_owned).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The first line of the body of a reply with status 200.
fn body_of(reply: &str) -> Option<&str> {
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?;
    (status == "200").then(|| body.lines().next()).flatten()
}

/// Does in `host` what IPVS would do in its kernel: passes each connection to the next of `servers` that takes it.
pub fn stand_in_for_ipvs(host: &Namespace, servers: [Ipv4Addr; 2]) -> io::Result<()> {
    let listener = listen(host)?;
    let host = host.clone();
    let servers = servers.map(|address| SocketAddr::from((address, PORT)));
    let next = Arc::new(AtomicUsize::new(0));
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (host, next) = (host.clone(), Arc::clone(&next));
            thread::spawn(move || {
                host.enter()?;
                forward(client, &servers, next.fetch_add(1, Ordering::Relaxed))
            });
        }
    });
    Ok(())
}

/// Passes one request to the first of `servers` that takes it, beginning with number `turn`, and the answer back.
fn forward(mut client: TcpStream, servers: &[SocketAddr], turn: usize) -> io::Result<()> {
    client.set_read_timeout(Some(CONNECTION_LIFE))?;
    let request = read_request(&mut client)?;
    let mut in_turn = (0..servers.len()).map(|step| servers[(turn + step) % servers.len()]);
    let taken = in_turn.find_map(|server| TcpStream::connect_timeout(&server, PATIENCE).ok());
    let mut server = taken.ok_or(io::ErrorKind::ConnectionRefused)?;
    server.set_read_timeout(Some(CONNECTION_LIFE))?;
    server.write_all(&request)?;
    io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Write)
}

fn listen(host: &Namespace) -> io::Result<TcpListener> {
    host.inside(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_reply_of_200_has_a_body() {
        assert_eq!(body_of("HTTP/1.1 200 OK\r\nA: b\r\n\r\nweb 1\n"), Some("web 1"));
        assert_eq!(body_of("HTTP/1.1 500 No\r\n\r\nweb 1\n"), None);
        assert_eq!(body_of("HTTP/1.1 200 OK\r\n"), None);
        assert_eq!(body_of(""), None);
    }

    #[test]
    fn the_stand_in_skips_a_dead_server() {
        let here = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let dead = here().local_addr().expect("its address");
        let (web, front) = (here(), here());
        let (live, entrance) = (web.local_addr().expect("its address"), front.local_addr().expect("its address"));
        thread::spawn(move || answer(web.accept().expect("a request").0, "web 2"));
        thread::spawn(move || forward(front.accept().expect("a client").0, &[dead, live], 0));

        let mut client = TcpStream::connect(entrance).expect("the stand-in listens");
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("a request");
        let mut reply = String::new();
        client.read_to_string(&mut reply).expect("a reply");
        assert_eq!(body_of(&reply), Some("web 2"));
    }
}
