//! Sets and removes virtual addresses (rtnetlink(7) `RTM_NEWADDR`, `RTM_DELADDR`), with keepalived's attributes: no
//! broadcast address unless one is configured, protocol 18 so that people see whose address it is. An IPv6 address is
//! used at once, without duplicate address detection, and a /128 is never chosen as a source.

use std::collections::BTreeMap;

use ipnet::IpNet;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressMessage, AddressProtocol, AddressScope, CacheInfo,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{Connection, NetlinkError};
use crate::model::{InterfaceName, VirtualAddress};

/// `RTPROT_KEEPALIVED` of linux/rtnetlink.h, as `IFA_PROTO`.
const PROTOCOL_KEEPALIVED: u8 = 18;

/// `INFINITY_LIFE_TIME` of linux/net/addrconf.h.
const FOREVER: u32 = u32::MAX;

/// Why an address could not be set or removed.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The interface does not exist (any more).
    #[error("there is no interface {0}")]
    NoInterface(InterfaceName),
    /// The kernel refused, or did not answer.
    #[error(transparent)]
    Kernel(#[from] NetlinkError),
}

/// What to do with the addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Set them.
    Add,
    /// Remove them.
    Remove,
}

/// Performs `change` on every address, in order, in batches. Returns the failures; that an address is there already
/// (or already gone) is none.
pub fn change_addresses(
    connection: &mut Connection,
    change: Change,
    addresses: &[VirtualAddress],
    indices: &BTreeMap<InterfaceName, u32>,
) -> Vec<(VirtualAddress, AddressError)> {
    let mut failures = Vec::new();
    let mut sent = Vec::new();
    let mut messages = Vec::new();
    for address in addresses {
        match indices.get(&address.interface) {
            Some(index) => {
                let message = message(address, *index);
                sent.push(address);
                messages.push(match change {
                    // Neither NLM_F_CREATE nor NLM_F_EXCL: keepalived sends neither.
                    Change::Add => (0, RouteNetlinkMessage::NewAddress(message)),
                    Change::Remove => (0, RouteNetlinkMessage::DelAddress(message)),
                });
            }
            // An address on an interface that is gone is gone.
            None if change == Change::Remove => {}
            None => failures.push((address.clone(), AddressError::NoInterface(address.interface.clone()))),
        }
    }
    for (address, result) in sent.into_iter().zip(connection.batch(messages)) {
        match result {
            Ok(()) => {}
            Err(error) if change == Change::Add && error.errno() == Some(libc::EEXIST) => {}
            Err(error)
                if change == Change::Remove && matches!(error.errno(), Some(libc::EADDRNOTAVAIL | libc::ENODEV)) => {}
            Err(error) => failures.push((address.clone(), error.into())),
        }
    }
    failures
}

fn message(address: &VirtualAddress, index: u32) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.prefix_len = address.net.prefix_len();
    message.header.scope = AddressScope::from(address.scope);
    message.header.index = index;
    message.attributes.push(AddressAttribute::Local(address.net.addr()));
    let options = &address.options;
    let mut flags = AddressFlags::from_bits_retain(options.flags);
    match address.net {
        IpNet::V4(_) => message.header.family = AddressFamily::Inet,
        IpNet::V6(net) => {
            message.header.family = AddressFamily::Inet6;
            let forever = net.prefix_len() != net.max_prefix_len();
            let preferred = options.preferred_lifetime.unwrap_or(if forever { FOREVER } else { 0 });
            if preferred != FOREVER {
                let mut lifetimes = CacheInfo::default();
                (lifetimes.ifa_preferred, lifetimes.ifa_valid) = (preferred, FOREVER);
                message.attributes.push(AddressAttribute::CacheInfo(lifetimes));
            }
            if !options.detect_duplicates {
                flags |= AddressFlags::Nodad;
            }
        }
    }
    if !flags.is_empty() {
        message.attributes.push(AddressAttribute::Flags(flags));
    }
    if let Some(peer) = options.peer {
        message.attributes.push(AddressAttribute::Address(peer));
    }
    if let Some(broadcast) = address.broadcast {
        message.attributes.push(AddressAttribute::Broadcast(broadcast));
    }
    if let Some(label) = &address.label {
        message.attributes.push(AddressAttribute::Label(label.clone()));
    }
    message.attributes.push(AddressAttribute::Protocol(AddressProtocol::from(PROTOCOL_KEEPALIVED)));
    message
}
