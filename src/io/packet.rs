//! Raw sockets: adverts in and out, gratuitous ARP and neighbour adverts out. Whole datagrams and frames; what is in them is `wire`'s affair.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn6, recvmsg, setsockopt, sockopt};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockAddr, Socket, Type};

use super::sys;
use crate::model::{Channel, Endpoint, Family};
use crate::wire::ip::{HEADER_LEN_V6, Header};
use crate::wire::vrrp::{TOS, TTL};

/// Where the checksum stands in a VRRP packet.
const CHECKSUM_OFFSET: i32 = 6;

/// The pair of sockets of one [`Channel`]. Separate, so that what is received never competes with what is sent.
pub struct AdvertSocket {
    receive: Socket,
    send: Socket,
    channel: Channel,
    /// Of the interface.
    index: u32,
}

impl AdvertSocket {
    /// Opens and binds both sockets on the interface with `index`. Multicast joins the group there; unicast may bind
    /// an address that is not there yet, as keepalived does.
    pub fn open(channel: &Channel, index: u32) -> io::Result<AdvertSocket> {
        let receive = raw_socket(channel)?;
        let send = raw_socket(channel)?;
        match channel.family() {
            Family::V4 => {
                send.set_header_included_v4(true)?;
                send.set_tos_v4(TOS.into())?;
            }
            Family::V6 => {
                send.set_header_included_v6(true)?;
                receive.set_recv_hoplimit_v6(true)?;
                setsockopt(&receive, sockopt::Ipv6RecvPacketInfo, &true)?;
                // The kernel refuses what does not sum to zero.
                sys::set_checksum_offset_v6(&receive, CHECKSUM_OFFSET)?;
            }
        }
        sys::drop_everything_received(&send)?;
        let socket = AdvertSocket { receive, send, channel: channel.clone(), index };
        match channel.endpoint {
            Endpoint::Multicast(group) => socket.join(group)?,
            Endpoint::Unicast(source) => {
                match source {
                    IpAddr::V4(_) => socket.receive.set_freebind_v4(true)?,
                    IpAddr::V6(_) => socket.receive.set_freebind_v6(true)?,
                }
                socket.receive.bind(&socket.reach(source))?;
            }
        }
        Ok(socket)
    }

    fn join(&self, group: IpAddr) -> io::Result<()> {
        // Bound to the group, so that unicast packets never arrive here.
        self.receive.bind(&self.reach(group))?;
        match group {
            IpAddr::V4(group) => {
                self.receive.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(self.index))?;
                self.receive.set_multicast_all_v4(false)?;
                sys::set_multicast_interface(&self.send, self.index)?;
                self.send.set_multicast_loop_v4(false)?;
                self.send.set_multicast_ttl_v4(TTL.into())?;
                self.send.set_multicast_all_v4(false)
            }
            IpAddr::V6(group) => {
                self.receive.join_multicast_v6(&group, self.index)?;
                self.receive.set_multicast_all_v6(false)?;
                self.send.set_multicast_if_v6(self.index)?;
                self.send.set_multicast_loop_v6(false)?;
                self.send.set_multicast_hops_v6(TTL.into())?;
                self.send.set_multicast_all_v6(false)
            }
        }
    }

    /// `address` as the kernel wants it: link-local ones and groups of IPv6 with their interface.
    fn reach(&self, address: IpAddr) -> SockAddr {
        match address {
            IpAddr::V6(address) => {
                let scope = if is_of_link(address) { self.index } else { 0 };
                SockAddr::from(SocketAddrV6::new(address, 0, 0, scope))
            }
            IpAddr::V4(_) => SockAddr::from(SocketAddr::new(address, 0)),
        }
    }

    /// The next datagram, from its IP header on; `None` when there is none. Never waits.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let result = match self.channel.family() {
            Family::V4 => sys::receive(&self.receive, buffer),
            Family::V6 => self.receive_v6(buffer),
        };
        match result {
            Ok(length) => Ok(Some(length)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The kernel keeps the header of IPv6 and tells what was in it; here it is put in front again.
    fn receive_v6(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().saturating_sub(HEADER_LEN_V6);
        let mut control = nix::cmsg_space!(libc::in6_pktinfo, libc::c_int);
        let (mut source, mut destination, mut ttl) = (None, None, 0);
        let length = {
            let mut parts = [io::IoSliceMut::new(&mut buffer[HEADER_LEN_V6..][..room])];
            let (fd, flags) = (self.receive.as_raw_fd(), MsgFlags::empty());
            let message = recvmsg::<SockaddrIn6>(fd, &mut parts, Some(&mut control), flags)?;
            source = message.address.map(|address| address.ip()).or(source);
            for told in message.cmsgs()? {
                match told {
                    ControlMessageOwned::Ipv6PacketInfo(info) => {
                        destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr));
                    }
                    ControlMessageOwned::Ipv6HopLimit(hops) => ttl = u8::try_from(hops).unwrap_or_default(),
                    _ => {}
                }
            }
            message.bytes
        };
        let untold = || io::Error::new(io::ErrorKind::InvalidData, "an IPv6 packet without its addresses");
        let header = Header {
            source: source.ok_or_else(untold)?.into(),
            destination: destination.ok_or_else(untold)?.into(),
            protocol: self.channel.protocol.number(),
            tos: TOS,
            ttl,
            identification: 0,
        };
        let mut head = header.emit(&[]);
        head[4..6].copy_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        buffer[..HEADER_LEN_V6].copy_from_slice(&head);
        Ok(HEADER_LEN_V6 + length)
    }

    /// Sends datagrams that start with their IP headers, each to its receiver. One that fails does not hold up the
    /// others; the last failure is returned.
    pub fn send_all(&self, datagrams: &[(IpAddr, Vec<u8>)]) -> io::Result<()> {
        // A group is reached on the interface itself, whatever the routing table says.
        let multicast = matches!(self.channel.endpoint, Endpoint::Multicast(_));
        let flags = if multicast { libc::MSG_DONTROUTE } else { 0 };
        let messages: Vec<(SockAddr, &[u8])> =
            datagrams.iter().map(|(to, bytes)| (self.reach(*to), bytes.as_slice())).collect();
        sys::send_all(&self.send, &messages, flags)
    }
}

fn is_of_link(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.octets();
    address.is_unicast_link_local() || first == 0xff && second & 0x0f <= 2
}

impl AsFd for AdvertSocket {
    /// The receiving socket, to be polled.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.receive.as_fd()
    }
}

fn raw_socket(channel: &Channel) -> io::Result<Socket> {
    let domain = match channel.family() {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    };
    let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(i32::from(channel.protocol.number()))))?;
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

    /// Sends whole frames, each out of the interface with its index, as [`AdvertSocket::send_all`] does.
    pub fn send_all(&self, frames: &[(u32, Vec<u8>)]) -> io::Result<()> {
        let messages: Vec<(SockAddr, &[u8])> =
            frames.iter().map(|(index, bytes)| (sys::frame_address(*index), bytes.as_slice())).collect();
        sys::send_all(&self.0, &messages, 0)
    }
}
