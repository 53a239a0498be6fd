//! Raw sockets: adverts in and out, gratuitous ARP out. Whole datagrams and frames; what is in them is `wire`'s affair.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockAddr, Socket, Type};

use super::sys;
use crate::model::{Channel, Endpoint};
use crate::wire::vrrp::{GROUP, PROTOCOL, TOS, TTL};

/// The pair of sockets of one [`Channel`]. Separate, so that what is received never competes with what is sent.
pub struct AdvertSocket {
    receive: Socket,
    send: Socket,
    multicast: bool,
}

impl AdvertSocket {
    /// Opens and binds both sockets on the interface with `index`. Multicast joins the group there; unicast may bind
    /// an address that is not there yet, as keepalived does.
    pub fn open(channel: &Channel, index: u32) -> io::Result<AdvertSocket> {
        let receive = raw_socket(channel)?;
        let send = raw_socket(channel)?;
        send.set_header_included_v4(true)?;
        send.set_tos_v4(TOS.into())?;
        sys::drop_everything_received(&send)?;
        let multicast = match channel.endpoint {
            Endpoint::Multicast => {
                // Bound to the group, so that unicast packets never arrive here.
                receive.bind(&SockAddr::from(SocketAddrV4::new(GROUP, 0)))?;
                receive.join_multicast_v4_n(&GROUP, &InterfaceIndexOrAddress::Index(index))?;
                receive.set_multicast_all_v4(false)?;
                sys::set_multicast_interface(&send, index)?;
                send.set_multicast_loop_v4(false)?;
                send.set_multicast_ttl_v4(TTL.into())?;
                send.set_multicast_all_v4(false)?;
                true
            }
            Endpoint::Unicast(source) => {
                receive.set_freebind_v4(true)?;
                receive.bind(&SockAddr::from(SocketAddrV4::new(source, 0)))?;
                false
            }
        };
        Ok(AdvertSocket { receive, send, multicast })
    }

    /// The next datagram, from its IP header on; `None` when there is none. Never waits.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match sys::receive(&self.receive, buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a datagram that starts with its IP header.
    pub fn send(&self, destination: Ipv4Addr, bytes: &[u8]) -> io::Result<()> {
        let to = SockAddr::from(SocketAddrV4::new(destination, 0));
        // A group is reached on the interface itself, whatever the routing table says.
        let flags = if self.multicast { libc::MSG_DONTROUTE } else { 0 };
        self.send.send_to_with_flags(bytes, &to, flags).map(drop)
    }
}

impl AsFd for AdvertSocket {
    /// The receiving socket, to be polled.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.receive.as_fd()
    }
}

fn raw_socket(channel: &Channel) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(i32::from(PROTOCOL))))?;
    socket.set_nonblocking(true)?;
    socket.bind_device(Some(channel.interface.as_str().as_bytes()))?;
    Ok(socket)
}

/// Sends Ethernet frames out of any interface; receives nothing.
pub struct FrameSocket(Socket);

impl FrameSocket {
    /// Opens a packet socket (packet(7)) in the thread's network namespace.
    pub fn open() -> io::Result<FrameSocket> {
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.set_nonblocking(true)?;
        Ok(FrameSocket(socket))
    }

    /// Sends a whole frame out of the interface with `index`.
    pub fn send(&self, index: u32, frame: &[u8]) -> io::Result<()> {
        sys::send_frame(&self.0, index, frame)
    }
}
