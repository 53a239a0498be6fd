//! The way to what is checked: a socket as the checker's [`Route`] wants it, and octets through it.

use std::io::{self, ErrorKind, Read};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::check::{Cause, Outcome, Probe};
use crate::io::sys::tls::{Attempt, Session};
use crate::model::{Checker, CheckerKind, Route};

use super::ping_range::PingRange;
use super::tls::Tls;

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

/// Whether there is a connection yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    Made,
    InProgress,
}

/// What became of something that must not block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// It was done, with so many octets.
    Done(usize),
    /// It is to be tried again when the descriptor is ready for this.
    Blocked(EpollFlags),
}

/// A socket, connected or about to be.
pub(super) enum Connection {
    /// Octets as they are.
    Stream(Socket),
    /// Octets in pieces with bounds.
    Datagrams(Socket),
    /// Octets that others cannot read.
    Encrypted(Session),
}

/// Opens a connection; an outcome when there cannot be one.
pub(super) fn open(probe: &Probe, tls: &mut Tls, ping_range: &mut PingRange) -> Result<(Connection, Opening), Outcome> {
    let checker = &probe.checker;
    let not_made = |error: io::Error| Outcome::NotMade(error.to_string());
    let (kind, protocol) = transport(checker);
    let route = &checker.route;
    let domain = Domain::for_address(route.target);
    let create = || Socket::new_raw(domain, kind.nonblocking().cloexec(), Some(protocol));
    let is_ping = matches!(checker.kind, CheckerKind::Ping);
    let socket = create().or_else(|error| match error.kind() {
        ErrorKind::PermissionDenied if is_ping && ping_range.widen()? => create(),
        _ => Err(error),
    });
    let socket = socket.map_err(not_made)?;
    let prepared = prepare(&socket, route, &checker.kind);
    let connected = prepared
        .map_err(|error| (true, error))
        .and_then(|()| socket.connect(&address(route)).map_err(|error| (false, error)));
    let mut connection = |socket| match &checker.kind {
        CheckerKind::Ssl(check) => match check.urls.get(probe.url) {
            Some(url) => tls.session(socket, check, url).map(Connection::Encrypted).map_err(Outcome::NotMade),
            None => Ok(Connection::Stream(socket)),
        },
        _ if kind == Type::STREAM => Ok(Connection::Stream(socket)),
        _ => Ok(Connection::Datagrams(socket)),
    };
    match connected {
        Ok(()) => Ok((connection(socket)?, Opening::Made)),
        Err((false, error)) if error.raw_os_error() == Some(libc::EINPROGRESS) => {
            // On this host, and often nearby, the connection stands by now: one call less than through epoll.
            let opening = if is_writable(&socket) { Opening::Made } else { Opening::InProgress };
            Ok((connection(socket)?, opening))
        }
        // keepalived takes every error of a UDP_CHECK for the server's.
        Err(_) if matches!(checker.kind, CheckerKind::Udp(_)) => Err(Outcome::Failed(Cause::Unreachable)),
        Err((false, error)) if error.raw_os_error().is_some_and(|errno| SERVER_ERRORS.contains(&errno)) => {
            Err(Outcome::Failed(Cause::Unreachable))
        }
        Err((_, error)) => Err(not_made(error)),
    }
}

fn transport(checker: &Checker) -> (Type, Protocol) {
    match &checker.kind {
        CheckerKind::Udp(_) | CheckerKind::Dns(_) => (Type::DGRAM, Protocol::UDP),
        CheckerKind::Ping if checker.route.target.is_ipv6() => (Type::DGRAM, Protocol::ICMPV6),
        CheckerKind::Ping => (Type::DGRAM, Protocol::ICMPV4),
        _ => (Type::STREAM, Protocol::TCP),
    }
}

/// The options that make packets take the configured way.
fn prepare(socket: &Socket, route: &Route, kind: &CheckerKind) -> io::Result<()> {
    if matches!(kind, CheckerKind::Udp(_)) {
        // Also what routers say about a datagram is to be heard.
        if route.target.is_ipv4() {
            setsockopt(socket, sockopt::Ipv4RecvErr, &true)?;
        } else {
            setsockopt(socket, sockopt::Ipv6RecvErr, &true)?;
        }
    }
    if route.mark != 0 {
        socket.set_mark(route.mark)?;
    }
    if let Some(interface) = &route.interface {
        socket.bind_device(Some(interface.as_str().as_bytes()))?;
    }
    if let Some(source) = route.source {
        socket.bind(&scoped(source, route).into())?;
    }
    Ok(())
}

fn address(route: &Route) -> SockAddr {
    scoped(route.target, route).into()
}

/// A link-local address needs its interface also here.
fn scoped(address: SocketAddr, route: &Route) -> SocketAddr {
    match (address, &route.interface) {
        (SocketAddr::V6(mut address), Some(interface)) if address.ip().is_unicast_link_local() => {
            // A name without an interface is refused by `bind_device` already.
            address.set_scope_id(nix::net::if_::if_nametoindex(interface.as_str()).unwrap_or(0));
            address.into()
        }
        (address, _) => address,
    }
}

/// Whether it is connected: writable, and without an error.
fn is_writable(socket: &Socket) -> bool {
    let mut polled = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
    let count = poll(&mut polled, PollTimeout::ZERO).unwrap_or(0);
    count == 1 && polled[0].revents() == Some(PollFlags::POLLOUT)
}

impl Connection {
    fn socket(&self) -> &Socket {
        match self {
            Connection::Stream(socket) | Connection::Datagrams(socket) => socket,
            Connection::Encrypted(session) => session.socket(),
        }
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket().as_fd()
    }

    /// Whether reading nothing means the end.
    pub(super) fn has_end(&self) -> bool {
        !matches!(self, Connection::Datagrams(_))
    }

    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self, Connection::Encrypted(_))
    }

    /// Why the connection was not made, if it was not.
    pub(super) fn error(&self) -> Option<io::Error> {
        self.socket().take_error().unwrap_or_else(Some)
    }

    /// Agrees on keys, where the check wants that; the reason when it is not possible.
    pub(super) fn handshake(&mut self) -> Result<Progress, String> {
        match self {
            Connection::Stream(_) | Connection::Datagrams(_) => Ok(Progress::Done(0)),
            Connection::Encrypted(session) => match session.connect() {
                Attempt::Done(_) => Ok(Progress::Done(0)),
                Attempt::WantsRead => Ok(Progress::Blocked(EpollFlags::EPOLLIN)),
                Attempt::WantsWrite => Ok(Progress::Blocked(EpollFlags::EPOLLOUT)),
                Attempt::Closed => Err("the server ended the connection".to_owned()),
                Attempt::Failed(reason) => Err(reason),
            },
        }
    }

    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<Progress> {
        match self {
            Connection::Stream(socket) | Connection::Datagrams(socket) => {
                progress(socket.send(octets), EpollFlags::EPOLLOUT)
            }
            Connection::Encrypted(session) => attempted(session.write(octets)),
        }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Progress> {
        match self {
            Connection::Stream(socket) | Connection::Datagrams(socket) => {
                progress((&*socket).read(buffer), EpollFlags::EPOLLIN)
            }
            Connection::Encrypted(session) => attempted(session.read(buffer)),
        }
    }

    /// Says goodbye, as far as that takes no waiting.
    pub(super) fn close(&mut self) {
        if let Connection::Encrypted(session) = self {
            session.close();
        }
    }
}

fn attempted(attempt: Attempt) -> io::Result<Progress> {
    match attempt {
        Attempt::Done(length) => Ok(Progress::Done(length)),
        Attempt::WantsRead => Ok(Progress::Blocked(EpollFlags::EPOLLIN)),
        Attempt::WantsWrite => Ok(Progress::Blocked(EpollFlags::EPOLLOUT)),
        Attempt::Closed => Ok(Progress::Done(0)),
        Attempt::Failed(reason) => Err(io::Error::other(reason)),
    }
}

fn progress(result: io::Result<usize>, blocked: EpollFlags) -> io::Result<Progress> {
    match result {
        Ok(length) => Ok(Progress::Done(length)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(Progress::Blocked(blocked))
        }
        Err(error) => Err(error),
    }
}
