//! The SERVICE attribute (`IPVS_SVC_ATTR_*`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use super::ParseError;
use super::attribute::{Attributes, Writer};
use crate::model::ipvs::{EngineName, PersistenceMask, SchedulerName, Service, ServiceFlags};
use crate::model::lvs::{Family, Protocol, ServerKey};

const AF: u16 = 1;
const PROTOCOL: u16 = 2;
const ADDR: u16 = 3;
const PORT: u16 = 4;
const FWMARK: u16 = 5;
const SCHED_NAME: u16 = 6;
const FLAGS: u16 = 7;
const TIMEOUT: u16 = 8;
const NETMASK: u16 = 9;
const ENGINE_NAME: u16 = 11;

/// `AF_INET`, `AF_INET6`
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// Which flags a command sets: all of them.
const WHOLE_MASK: u32 = !0;

/// The address family as the kernel numbers it.
pub fn family_number(family: Family) -> u16 {
    match family {
        Family::Ipv4 => AF_INET,
        Family::Ipv6 => AF_INET6,
    }
}

/// The family of an attribute that holds its number.
pub fn parse_family(number: u16) -> Result<Family, ParseError> {
    match number {
        AF_INET => Ok(Family::Ipv4),
        AF_INET6 => Ok(Family::Ipv6),
        _ => Err(ParseError::Unusable("address family")),
    }
}

/// Sixteen bytes; an IPv4 address takes the first four.
pub fn address_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&address.octets());
            bytes
        }
        IpAddr::V6(address) => address.octets(),
    }
}

/// An address of the given family; four bytes are enough for IPv4.
pub fn parse_address(bytes: &[u8], family: Family) -> Result<IpAddr, ParseError> {
    let address = match family {
        Family::Ipv4 => bytes.first_chunk::<4>().map(|octets| IpAddr::V4(Ipv4Addr::from(*octets))),
        Family::Ipv6 => bytes.first_chunk::<16>().map(|octets| IpAddr::V6(Ipv6Addr::from(*octets))),
    };
    address.ok_or(ParseError::Unusable("address"))
}

pub fn emit_key(writer: &mut Writer, key: &ServerKey) {
    writer.put(AF, &family_number(key.family()).to_ne_bytes());
    match key {
        ServerKey::Fwmark { mark, .. } => writer.put(FWMARK, &mark.get().to_ne_bytes()),
        ServerKey::Address { protocol, address, port } => {
            writer.put(PROTOCOL, &(*protocol as u16).to_ne_bytes());
            writer.put(ADDR, &address_bytes(*address));
            writer.put(PORT, &port.to_be_bytes());
        }
    }
}

pub fn parse_key(attributes: Attributes<'_>) -> Result<ServerKey, ParseError> {
    let family = parse_family(attributes.u16(AF).ok_or(ParseError::Missing("address family"))?)?;
    if let Some(mark) = attributes.u32(FWMARK).and_then(NonZeroU32::new) {
        return Ok(ServerKey::Fwmark { mark, family });
    }
    let protocol = match attributes.u16(PROTOCOL).ok_or(ParseError::Missing("protocol"))? {
        6 => Protocol::Tcp,
        17 => Protocol::Udp,
        132 => Protocol::Sctp,
        _ => return Err(ParseError::Unusable("protocol")),
    };
    let address = parse_address(attributes.get(ADDR).ok_or(ParseError::Missing("address"))?, family)?;
    let port = attributes.be16(PORT).ok_or(ParseError::Missing("port"))?;
    Ok(ServerKey::Address { protocol, address, port })
}

pub fn emit_options(writer: &mut Writer, service: &Service) {
    let mut name = service.scheduler.as_str().as_bytes().to_vec();
    name.push(0);
    writer.put(SCHED_NAME, &name);
    let mut flags = [0; 8];
    flags[..4].copy_from_slice(&service.flags.bits().to_ne_bytes());
    flags[4..].copy_from_slice(&WHOLE_MASK.to_ne_bytes());
    writer.put(FLAGS, &flags);
    writer.put(TIMEOUT, &service.timeout_s.to_ne_bytes());
    let mask = match service.mask {
        PersistenceMask::V4(mask) => mask.octets(),
        PersistenceMask::V6(prefix) => u32::from(prefix).to_ne_bytes(),
    };
    writer.put(NETMASK, &mask);
    // Without the attribute a SET_SERVICE takes the engine away.
    if let Some(engine) = &service.engine {
        let mut name = engine.as_str().as_bytes().to_vec();
        name.push(0);
        writer.put(ENGINE_NAME, &name);
    }
}

pub fn parse_options(attributes: Attributes<'_>, family: Family) -> Result<Service, ParseError> {
    let name = attributes.get(SCHED_NAME).ok_or(ParseError::Missing("scheduler"))?;
    let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
    let scheduler = std::str::from_utf8(name).ok().and_then(SchedulerName::new);
    let engine = attributes.get(ENGINE_NAME).and_then(|name| name.split(|&byte| byte == 0).next());
    let engine = engine.and_then(|name| std::str::from_utf8(name).ok()).and_then(EngineName::new);
    let mask = attributes.get(NETMASK).and_then(|bytes| bytes.first_chunk::<4>());
    let mask = *mask.ok_or(ParseError::Missing("netmask"))?;
    Ok(Service {
        scheduler: scheduler.ok_or(ParseError::Unusable("scheduler"))?,
        flags: ServiceFlags::from_bits(attributes.u32(FLAGS).ok_or(ParseError::Missing("flags"))?),
        timeout_s: attributes.u32(TIMEOUT).ok_or(ParseError::Missing("timeout"))?,
        mask: match family {
            Family::Ipv4 => PersistenceMask::V4(Ipv4Addr::from(mask)),
            Family::Ipv6 => {
                let prefix = u8::try_from(u32::from_ne_bytes(mask)).map_err(|_| ParseError::Unusable("netmask"))?;
                PersistenceMask::V6(prefix)
            }
        },
        engine,
    })
}
