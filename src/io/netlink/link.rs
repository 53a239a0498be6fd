//! Builds small networks (rtnetlink(7)): veth cables between namespaces, bridges, addresses and a default route.
//!
//! The demo stands on this. Virtual addresses are not its business: see [`super::address`].

use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd, BorrowedFd};

use ipnet::Ipv4Net;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    InfoBridge, InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol};
use netlink_packet_route::route::{RouteScope, RouteType};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;

use super::attributes::attributes;
use super::{Connection, NetlinkError};
use crate::model::InterfaceName;

/// `struct ifinfomsg`: family, padding, type, index, flags, change mask.
const IFINFOMSG_LEN: usize = 16;
/// `IFLA_IFNAME`
const IFLA_IFNAME: u16 = 3;

/// `IFLA_LINKINFO` and what is in it.
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_VRF_TABLE: u16 = 1;

/// What could not be built, and why.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct LinkError {
    /// What was being done, as the end of a sentence.
    pub doing: String,
    /// The kernel's answer.
    #[source]
    pub source: NetlinkError,
}

/// The interfaces of one network namespace: the one that was the thread's when this was opened.
pub struct Links {
    connection: Connection,
}

impl Links {
    /// Opens a connection in the calling thread's network namespace.
    pub fn open() -> Result<Links, LinkError> {
        let connection = Connection::open(NETLINK_ROUTE)
            .map_err(|source| LinkError { doing: "opening a netlink socket".into(), source })?;
        Ok(Links { connection })
    }

    /// The index of `interface`.
    pub fn index(&mut self, interface: &InterfaceName) -> Result<u32, LinkError> {
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::IfName(interface.to_string()));
        let doing = || format!("looking up {interface}");
        let replies = self
            .connection
            .request(0, RouteNetlinkMessage::GetLink(message))
            .map_err(|source| LinkError { doing: doing(), source })?;
        replies
            .iter()
            .find_map(|reply| index_of(&reply.payload, interface))
            .ok_or_else(|| LinkError { doing: doing(), source: NetlinkError::Malformed("no such interface in it") })
    }

    /// The routing table of `interface`; `None` when it is no VRF.
    pub fn vrf_table(&mut self, interface: &InterfaceName) -> Result<Option<u32>, LinkError> {
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::IfName(interface.to_string()));
        let replies = self
            .connection
            .request(0, RouteNetlinkMessage::GetLink(message))
            .map_err(|source| LinkError { doing: format!("looking up {interface}"), source })?;
        Ok(replies.iter().find_map(|reply| table_of(&reply.payload)))
    }

    /// A bridge that forwards at once and everything: no spanning tree, no snooping.
    pub fn add_bridge(&mut self, bridge: &InterfaceName) -> Result<(), LinkError> {
        let data = InfoData::Bridge(vec![InfoBridge::ForwardDelay(0), InfoBridge::MulticastSnooping(false)]);
        let message = new_link(bridge, InfoKind::Bridge, data);
        self.create(format!("adding bridge {bridge}"), RouteNetlinkMessage::NewLink(message))
    }

    /// A cable: `port` here, `peer` in `namespace`. Both are down.
    pub fn add_cable(
        &mut self,
        port: &InterfaceName,
        peer: &InterfaceName,
        namespace: BorrowedFd<'_>,
    ) -> Result<(), LinkError> {
        let mut other = LinkMessage::default();
        other.attributes.push(LinkAttribute::IfName(peer.to_string()));
        other.attributes.push(LinkAttribute::NetNsFd(namespace.as_raw_fd()));
        let message = new_link(port, InfoKind::Veth, InfoData::Veth(InfoVeth::Peer(other)));
        self.create(format!("adding a cable from {port} to {peer}"), RouteNetlinkMessage::NewLink(message))
    }

    /// Makes `port` a port of `bridge`.
    pub fn plug(&mut self, port: &InterfaceName, bridge: &InterfaceName) -> Result<(), LinkError> {
        let mut message = LinkMessage::default();
        message.header.index = self.index(port)?;
        message.attributes.push(LinkAttribute::Controller(self.index(bridge)?));
        self.change(format!("plugging {port} into {bridge}"), RouteNetlinkMessage::SetLink(message))
    }

    /// Takes an interface up, or down: then the other end of a cable loses its carrier.
    pub fn set_up(&mut self, interface: &InterfaceName, up: bool) -> Result<(), LinkError> {
        let mut message = LinkMessage::default();
        message.header.index = self.index(interface)?;
        message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
        message.header.change_mask = LinkFlags::Up;
        let doing = format!("taking {interface} {}", if up { "up" } else { "down" });
        self.change(doing, RouteNetlinkMessage::SetLink(message))
    }

    /// Gives an interface an address; its subnet becomes reachable there.
    pub fn add_address(&mut self, interface: &InterfaceName, net: Ipv4Net) -> Result<(), LinkError> {
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = net.prefix_len();
        message.header.index = self.index(interface)?;
        message.attributes.push(AddressAttribute::Local(IpAddr::V4(net.addr())));
        self.create(format!("adding {net} to {interface}"), RouteNetlinkMessage::NewAddress(message))
    }

    /// Everything that no subnet covers goes to `gateway`.
    pub fn add_default_route(&mut self, gateway: Ipv4Addr) -> Result<(), LinkError> {
        let mut message = RouteMessage::default();
        message.header = RouteHeader {
            address_family: AddressFamily::Inet,
            table: RouteHeader::RT_TABLE_MAIN,
            protocol: RouteProtocol::Static,
            scope: RouteScope::Universe,
            kind: RouteType::Unicast,
            ..RouteHeader::default()
        };
        message.attributes.push(RouteAttribute::Gateway(RouteAddress::Inet(gateway)));
        self.create(format!("adding the default route to {gateway}"), RouteNetlinkMessage::NewRoute(message))
    }

    fn create(&mut self, doing: String, message: RouteNetlinkMessage) -> Result<(), LinkError> {
        let flags = NLM_F_CREATE | NLM_F_EXCL;
        self.connection.request(flags, message).map(drop).map_err(|source| LinkError { doing, source })
    }

    fn change(&mut self, doing: String, message: RouteNetlinkMessage) -> Result<(), LinkError> {
        self.connection.request(0, message).map(drop).map_err(|source| LinkError { doing, source })
    }
}

fn new_link(name: &InterfaceName, kind: InfoKind, data: InfoData) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_string()));
    message.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind), LinkInfo::Data(data)]));
    message
}

/// The table of a VRF in an `RTM_NEWLINK`.
fn table_of(payload: &[u8]) -> Option<u32> {
    let find = |bytes: &[u8], kind: u16| attributes(bytes).find(|(found, _)| *found == kind).map(|(_, v)| v.to_vec());
    let info = find(payload.get(IFINFOMSG_LEN..)?, IFLA_LINKINFO)?;
    find(&info, IFLA_INFO_KIND).filter(|kind| kind.starts_with(b"vrf"))?;
    let table = find(&find(&info, IFLA_INFO_DATA)?, IFLA_VRF_TABLE)?;
    Some(u32::from_ne_bytes(table.try_into().ok()?))
}

/// `ifi_index` of an `RTM_NEWLINK` about `interface`. Read from the bytes: attributes of newer kernels do not matter.
fn index_of(payload: &[u8], interface: &InterfaceName) -> Option<u32> {
    let header = payload.get(..IFINFOMSG_LEN)?;
    let mut names = attributes(&payload[IFINFOMSG_LEN..]).filter(|(kind, _)| *kind == IFLA_IFNAME);
    let ours = names.any(|(_, name)| name.strip_suffix(b"\0") == Some(interface.as_str().as_bytes()));
    ours.then(|| u32::from_ne_bytes([header[4], header[5], header[6], header[7]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> InterfaceName {
        InterfaceName::new(text).expect("a valid name")
    }

    #[test]
    fn the_loopback_has_an_index_and_nothing_else_is_taken_for_it() {
        let mut links = Links::open().expect("open");
        assert_eq!(links.index(&name("lo")).expect("every namespace has one"), 1);
        let error = links.index(&name("no-such-link")).expect_err("there is none");
        assert_eq!(error.to_string(), "looking up no-such-link");
        assert_eq!(error.source.errno(), Some(libc::ENODEV));
    }

    #[test]
    fn a_truncated_link_message_has_no_index() {
        let mut message = vec![0; IFINFOMSG_LEN];
        message[4] = 7;
        message.extend_from_slice(&[7, 0, 3, 0, b'l', b'o', 0, 0]);
        assert_eq!(index_of(&message, &name("lo")), Some(7));
        for length in 0..message.len() - 1 {
            assert_eq!(index_of(&message[..length], &name("lo")), None, "{length} octets");
        }
    }
}
