//! Interfaces and their addresses, kept up to date from the kernel's notifications (rtnetlink(7)).
//!
//! Messages are read from their fixed header and the three attributes needed, so that nothing a newer kernel adds can
//! make one unreadable. When notifications were lost, everything is read again and the difference reported.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use ipnet::IpNet;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::LinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use nix::sys::socket::{setsockopt, sockopt};
use pnet_base::MacAddr;

use super::attributes::attributes;
use super::socket::split_message;
use super::{Connection, NetlinkError, route, rule};
use crate::io::sys::borrow_fd;
use crate::model::route::RouteKey;
use crate::model::rule::RuleKey;
use crate::model::{Interface, InterfaceName};

/// Message types and groups of linux/rtnetlink.h.
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_DELROUTE: u16 = 25;
const RTM_DELRULE: u16 = 33;
const RTMGRP_LINK: u32 = 1;
const RTMGRP_IPV4_IFADDR: u32 = 0x10;
const RTMGRP_IPV6_IFADDR: u32 = 0x100;
/// Groups that are joined only when something must be watched: a router may change thousands of routes a second.
const ROUTE_AND_RULE_GROUPS: [u32; 4] = [7, 8, 11, 19];
/// Attributes of linux/if_link.h and linux/if_addr.h.
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
/// Duplicate address detection is still running, or has found a duplicate: not an address to use.
const IFA_F_DADFAILED: u32 = 0x08;
const IFA_F_TENTATIVE: u32 = 0x40;
/// Octets of `struct ifinfomsg` and `struct ifaddrmsg`.
const IFINFOMSG: usize = 16;
const IFADDRMSG: usize = 8;

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An interface changed, appeared, or is gone (`None`).
    Interface {
        /// Its name.
        name: InterfaceName,
        /// What holds now.
        facts: Option<Interface>,
    },
    /// An address was removed.
    AddressRemoved {
        /// From where.
        interface: InterfaceName,
        /// Which one.
        net: IpNet,
    },
    /// A route of keepalived's protocol was removed.
    RouteRemoved(RouteKey),
    /// A rule of keepalived's protocol was removed.
    RuleRemoved(RuleKey),
    /// Notifications were lost. What is about interfaces and addresses has been found out; the rest is not known.
    Lost,
}

struct Known {
    name: InterfaceName,
    facts: Interface,
}

/// A subscription to the kernel's notifications, and what they add up to.
pub struct Monitor {
    socket: Socket,
    by_index: BTreeMap<u32, Known>,
}

impl Monitor {
    /// Subscribes, then reads everything there is. The changes are all interfaces.
    pub fn open() -> Result<(Monitor, Vec<Change>), NetlinkError> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind(&SocketAddr::new(0, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR))?;
        socket.set_non_blocking(true)?;
        // Without CAP_NET_ADMIN the default has to do; an overrun is then answered by reading everything again.
        let _ = setsockopt(&borrow_fd(&socket), sockopt::RcvBufForce, &(1 << 20));
        let mut monitor = Monitor { socket, by_index: BTreeMap::new() };
        let changes = monitor.read_everything()?;
        Ok((monitor, changes))
    }

    /// Interface indices by name.
    pub fn indices(&self) -> BTreeMap<InterfaceName, u32> {
        self.by_index.iter().map(|(index, known)| (known.name.clone(), *index)).collect()
    }

    /// Notifies about routes and rules as well, from now on.
    pub fn watch_routes(&mut self) -> Result<(), NetlinkError> {
        for group in ROUTE_AND_RULE_GROUPS {
            self.socket.add_membership(group)?;
        }
        Ok(())
    }

    /// Everything that was notified since the last call. Never waits.
    pub fn read(&mut self) -> Result<Vec<Change>, NetlinkError> {
        let mut changes = Vec::new();
        loop {
            match self.socket.recv_from_full() {
                Ok((datagram, _)) => self.apply_datagram(&datagram, &mut changes)?,
                Err(error) => match error.raw_os_error() {
                    Some(libc::EAGAIN) => return Ok(changes),
                    Some(libc::EINTR) => {}
                    Some(libc::ENOBUFS) => {
                        changes.extend(self.read_everything()?);
                        changes.push(Change::Lost);
                        return Ok(changes);
                    }
                    _ => return Err(error.into()),
                },
            }
        }
    }

    fn apply_datagram(&mut self, datagram: &[u8], changes: &mut Vec<Change>) -> Result<(), NetlinkError> {
        let mut rest = datagram;
        while let Some((header, payload, next)) = split_message(rest)? {
            self.apply(header.message_type, payload, changes);
            rest = next;
        }
        Ok(())
    }

    /// Reads links and addresses anew and reports what differs from what was known.
    fn read_everything(&mut self) -> Result<Vec<Change>, NetlinkError> {
        let before = std::mem::take(&mut self.by_index);
        let mut connection = Connection::open(NETLINK_ROUTE)?;
        let links = connection.dump(RouteNetlinkMessage::GetLink(LinkMessage::default()))?;
        let addresses = connection.dump(RouteNetlinkMessage::GetAddress(AddressMessage::default()))?;
        let mut ignored = Vec::new();
        for reply in links.into_iter().chain(addresses) {
            self.apply(reply.message_type, &reply.payload, &mut ignored);
        }

        let mut changes = Vec::new();
        for known in before.values() {
            let now = self.by_index.values().find(|now| now.name == known.name);
            match now {
                None => changes.push(Change::Interface { name: known.name.clone(), facts: None }),
                Some(now) => {
                    let gone = known.facts.addresses.iter().filter(|net| !now.facts.addresses.contains(net));
                    changes.extend(gone.map(|net| Change::AddressRemoved { interface: known.name.clone(), net: *net }));
                }
            }
        }
        let all = self.by_index.values();
        changes
            .extend(all.map(|known| Change::Interface { name: known.name.clone(), facts: Some(known.facts.clone()) }));
        Ok(changes)
    }

    fn apply(&mut self, message_type: u16, payload: &[u8], changes: &mut Vec<Change>) {
        // A message that is too short for its header says nothing.
        let _ = match message_type {
            RTM_NEWLINK => self.new_link(payload, changes),
            RTM_DELLINK => self.deleted_link(payload, changes),
            RTM_NEWADDR => self.address(payload, true, changes),
            RTM_DELADDR => self.address(payload, false, changes),
            RTM_DELROUTE => route::key_of_ours(payload).map(|key| changes.push(Change::RouteRemoved(key))),
            RTM_DELRULE => rule::key_of_ours(payload).map(|key| changes.push(Change::RuleRemoved(key))),
            _ => None,
        };
    }

    fn new_link(&mut self, payload: &[u8], changes: &mut Vec<Change>) -> Option<()> {
        // Bridges report their ports with family AF_BRIDGE; those messages are not about the link itself.
        if payload.first() != Some(&(libc::AF_UNSPEC as u8)) {
            return None;
        }
        let index = u32_at(payload, 4)?;
        let flags = u32_at(payload, 8)?;
        let mut name = None;
        let mut mac = None;
        for (kind, value) in attributes(payload.get(IFINFOMSG..)?) {
            match kind {
                IFLA_IFNAME => name = InterfaceName::new(&String::from_utf8_lossy(value.strip_suffix(&[0])?)),
                IFLA_ADDRESS => mac = <[u8; 6]>::try_from(value).ok().map(MacAddr::from),
                _ => {}
            }
        }
        let name = name?;
        let up = (libc::IFF_UP | libc::IFF_RUNNING) as u32;
        let old = self.by_index.remove(&index);
        if let Some(old) = old.as_ref().filter(|old| old.name != name) {
            changes.push(Change::Interface { name: old.name.clone(), facts: None }); // renamed
        }
        let addresses = old.map(|old| old.facts.addresses).unwrap_or_default();
        let facts = Interface { running: flags & up == up, mac, addresses };
        changes.push(Change::Interface { name: name.clone(), facts: Some(facts.clone()) });
        self.by_index.insert(index, Known { name, facts });
        Some(())
    }

    fn deleted_link(&mut self, payload: &[u8], changes: &mut Vec<Change>) -> Option<()> {
        if payload.first() != Some(&(libc::AF_UNSPEC as u8)) {
            return None;
        }
        let known = self.by_index.remove(&u32_at(payload, 4)?)?;
        changes.push(Change::Interface { name: known.name, facts: None });
        Some(())
    }

    fn address(&mut self, payload: &[u8], present: bool, changes: &mut Vec<Change>) -> Option<()> {
        let family = i32::from(*payload.first()?);
        let prefix_len = *payload.get(1)?;
        let mut flags = u32::from(*payload.get(2)?);
        let known = self.by_index.get_mut(&u32_at(payload, 4)?)?;
        let mut local = None;
        for (kind, value) in attributes(payload.get(IFADDRMSG..)?) {
            let address = || match family {
                libc::AF_INET => <[u8; 4]>::try_from(value).ok().map(IpAddr::from),
                libc::AF_INET6 => <[u8; 16]>::try_from(value).ok().map(IpAddr::from),
                _ => None,
            };
            match kind {
                IFA_LOCAL => local = address(),
                // Only without a local address is this one the interface's own (linux/if_addr.h).
                IFA_ADDRESS if local.is_none() => local = address(),
                IFA_FLAGS => flags = u32_at(value, 0).unwrap_or(flags),
                _ => {}
            }
        }
        let net = IpNet::new(local?, prefix_len).ok()?;
        // The kernel tells again when the detection is over.
        if present && flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED) != 0 {
            return None;
        }
        let addresses = &mut known.facts.addresses;
        let was_present = addresses.contains(&net);
        if present && !was_present {
            addresses.push(net);
        } else if !present {
            addresses.retain(|have| *have != net);
            changes.push(Change::AddressRemoved { interface: known.name.clone(), net });
        }
        if present != was_present {
            changes.push(Change::Interface { name: known.name.clone(), facts: Some(known.facts.clone()) });
        }
        Some(())
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        borrow_fd(&self.socket)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

impl From<NetlinkError> for io::Error {
    fn from(error: NetlinkError) -> io::Error {
        match error {
            NetlinkError::Socket(error) => error,
            NetlinkError::Refused { errno, .. } => io::Error::from_raw_os_error(errno),
            other => io::Error::other(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_known_with_its_address() {
        let (monitor, changes) = Monitor::open().expect("a netlink socket");
        let lo = InterfaceName::new("lo").expect("a name");
        assert_eq!(monitor.indices().get(&lo), Some(&1));
        let facts = changes.iter().find_map(|change| match change {
            Change::Interface { name, facts: Some(facts) } if *name == lo => Some(facts),
            _ => None,
        });
        assert!(facts.is_some_and(|facts| facts.addresses.iter().any(|net| net.addr().is_loopback())));
    }

    #[test]
    fn a_truncated_notification_is_ignored() {
        let (mut monitor, _) = Monitor::open().expect("a netlink socket");
        let mut changes = Vec::new();
        for message_type in [RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR] {
            for length in 0..IFINFOMSG {
                monitor.apply(message_type, &vec![0; length], &mut changes);
            }
        }
        assert_eq!(changes, vec![]);
    }
}
