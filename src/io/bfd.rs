//! UDP sockets of BFD sessions (RFC 5881 §4, RFC 5883 §5): one to send from for each session, one to receive on for each
//! port.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::model::BfdInstance;
use crate::wire::bfd::{MULTIHOP_PORT, PORT, SOURCE_PORTS};

/// TOS and traffic class of what is sent: internetwork control, so that a full link does not take a session down.
const CONTROL_TRAFFIC: u32 = 0xc0;
/// Larger than any control packet.
const BUFFER: usize = 256;
/// Room for a few seconds of thousands of sessions while the process is not scheduled.
const RECEIVE_BUFFER: usize = 4 << 20;

/// The socket that a session sends from.
pub struct Sender {
    socket: Socket,
    to: SockAddr,
}

impl Sender {
    /// Opens it on a port that the RFC allows. `first_port` is where the search for a free one begins, so that sessions
    /// do not try the same ones one after the other.
    ///
    /// # Errors
    /// The source address is not on this machine, or no port is free.
    pub fn open(session: &BfdInstance, first_port: u16) -> io::Result<Sender> {
        let (domain, any) = match session.neighbour {
            IpAddr::V4(_) => (Domain::IPV4, IpAddr::from(Ipv4Addr::UNSPECIFIED)),
            IpAddr::V6(_) => (Domain::IPV6, IpAddr::from(Ipv6Addr::UNSPECIFIED)),
        };
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        let ttl = u32::from(session.ttl.get());
        if session.neighbour.is_ipv4() {
            socket.set_ttl_v4(ttl)?;
            socket.set_tos_v4(CONTROL_TRAFFIC)?;
        } else {
            socket.set_only_v6(true)?;
            socket.set_unicast_hops_v6(ttl)?;
            socket.set_tclass_v6(CONTROL_TRAFFIC)?;
        }
        super::sys::drop_everything_received(&socket)?;
        bind(&socket, session.source.unwrap_or(any), first_port)?;
        let port = if session.multihop { MULTIHOP_PORT } else { PORT };
        Ok(Sender { socket, to: SocketAddr::new(session.neighbour, port).into() })
    }

    /// Sends one packet. Never waits.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.socket.send_to(bytes, &self.to).map(drop)
    }
}

fn bind(socket: &Socket, address: IpAddr, first_port: u16) -> io::Result<()> {
    let all = usize::from(SOURCE_PORTS.end() - SOURCE_PORTS.start()) + 1;
    let begin = usize::from(first_port) % all;
    let mut result = Ok(());
    for step in 0..all {
        let port = SOURCE_PORTS.start() + ((begin + step) % all) as u16;
        result = socket.bind(&SocketAddr::new(address, port).into());
        match &result {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            _ => break,
        }
    }
    result
}

/// The socket that all sessions of a port receive on, over both families.
pub struct Receiver(Socket);

/// A packet and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// IP source.
    pub from: IpAddr,
    /// IP destination.
    pub to: Option<IpAddr>,
    /// TTL or hop limit.
    pub ttl: Option<u8>,
    /// Octets of the payload; those beyond the buffer are cut.
    pub length: usize,
    /// The payload.
    pub buffer: [u8; BUFFER],
}

impl Receiver {
    /// Opens it.
    ///
    /// # Errors
    /// Another program has the port.
    pub fn open(multihop: bool) -> io::Result<Receiver> {
        let port = if multihop { MULTIHOP_PORT } else { PORT };
        let socket = match Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP)) {
            Ok(socket) => {
                socket.set_only_v6(false)?;
                setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
                setsockopt(&socket, sockopt::Ipv6RecvHopLimit, &true)?;
                setsockopt(&socket, sockopt::Ipv4RecvTtl, &true)?;
                socket.bind(&SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port).into())?;
                socket
            }
            // A kernel without IPv6.
            Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => {
                let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
                setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
                setsockopt(&socket, sockopt::Ipv4RecvTtl, &true)?;
                socket.bind(&SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port).into())?;
                socket
            }
            Err(error) => return Err(error),
        };
        socket.set_nonblocking(true)?;
        // The default may be all there is: fewer packets survive a pause then.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        Ok(Receiver(socket))
    }

    /// The next packet; `None` when there is none. Never waits.
    pub fn receive(&self) -> io::Result<Option<Received>> {
        let mut buffer = [0; BUFFER];
        let mut control = cmsg_space!(libc::in6_pktinfo, libc::in_pktinfo, libc::c_int, libc::c_int);
        let mut slices = [IoSliceMut::new(&mut buffer)];
        let result =
            recvmsg::<SockaddrStorage>(self.0.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::MSG_TRUNC);
        let message = match result {
            Ok(message) => message,
            Err(nix::Error::EAGAIN | nix::Error::EINTR) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        let (mut to, mut ttl) = (None, None);
        for part in message.cmsgs()? {
            match part {
                ControlMessageOwned::Ipv6PacketInfo(info) => {
                    to = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).to_canonical());
                }
                ControlMessageOwned::Ipv4PacketInfo(info) => {
                    to = Some(Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr)).into());
                }
                ControlMessageOwned::Ipv4Ttl(value) | ControlMessageOwned::Ipv6HopLimit(value) => {
                    ttl = u8::try_from(value).ok();
                }
                _ => {}
            }
        }
        let from = message.address.and_then(|address| address_of(&address));
        let length = message.bytes.min(BUFFER);
        // What has no sender is no IP packet; it cannot be answered either.
        Ok(from.map(|from| Received { from, to, ttl, length, buffer }))
    }
}

fn address_of(address: &SockaddrStorage) -> Option<IpAddr> {
    if let Some(address) = address.as_sockaddr_in6() {
        return Some(address.ip().to_canonical());
    }
    address.as_sockaddr_in().map(|address| address.ip().into())
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
