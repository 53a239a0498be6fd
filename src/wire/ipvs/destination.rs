//! The DEST attribute (`IPVS_DEST_ATTR_*`).

use std::net::{IpAddr, SocketAddr};

use super::ParseError;
use super::attribute::{Attributes, Writer};
use super::service::{address_bytes, family_number, parse_address, parse_family};
use crate::model::Weight;
use crate::model::ipvs::{Destination, Forward, Tunnel};
use crate::model::lvs::Family;

const ADDR: u16 = 1;
const PORT: u16 = 2;
const FWD_METHOD: u16 = 3;
const WEIGHT: u16 = 4;
const UPPER_THRESHOLD: u16 = 5;
const LOWER_THRESHOLD: u16 = 6;
const ADDR_FAMILY: u16 = 11;
const TUN_TYPE: u16 = 13;
const TUN_PORT: u16 = 14;
const TUN_FLAGS: u16 = 15;

/// `IP_VS_CONN_F_FWD_MASK`: the method's bits.
const FORWARD_MASK: u32 = 0x7;

pub fn emit_key(writer: &mut Writer, address: &SocketAddr) {
    writer.put(ADDR, &address_bytes(address.ip()));
    writer.put(PORT, &address.port().to_be_bytes());
    let family = match address.ip() {
        IpAddr::V4(_) => Family::Ipv4,
        IpAddr::V6(_) => Family::Ipv6,
    };
    writer.put(ADDR_FAMILY, &family_number(family).to_ne_bytes());
}

pub fn parse_key(attributes: Attributes<'_>, service_family: Family) -> Result<SocketAddr, ParseError> {
    let family = attributes.u16(ADDR_FAMILY).map(parse_family).transpose()?.unwrap_or(service_family);
    let address = parse_address(attributes.get(ADDR).ok_or(ParseError::Missing("address"))?, family)?;
    let port = attributes.be16(PORT).ok_or(ParseError::Missing("port"))?;
    Ok(SocketAddr::new(address, port))
}

pub fn emit_options(writer: &mut Writer, destination: &Destination) {
    let method: u32 = match destination.forward {
        Forward::Masquerade => 0,
        Forward::Local => 1,
        Forward::Tunnel(_) => 2,
        Forward::Direct => 3,
        Forward::Bypass => 4,
    };
    writer.put(FWD_METHOD, &method.to_ne_bytes());
    writer.put(WEIGHT, &destination.weight.get().to_ne_bytes());
    writer.put(UPPER_THRESHOLD, &destination.upper_threshold.to_ne_bytes());
    writer.put(LOWER_THRESHOLD, &destination.lower_threshold.to_ne_bytes());
    if let Forward::Tunnel(tunnel) = destination.forward {
        writer.put(TUN_TYPE, &[tunnel.kind]);
        writer.put(TUN_PORT, &tunnel.port.to_be_bytes());
        writer.put(TUN_FLAGS, &tunnel.flags.to_ne_bytes());
    }
}

pub fn parse_options(attributes: Attributes<'_>) -> Result<Destination, ParseError> {
    let method = attributes.u32(FWD_METHOD).ok_or(ParseError::Missing("forwarding method"))?;
    let weight = attributes.u32(WEIGHT).ok_or(ParseError::Missing("weight"))?;
    Ok(Destination {
        forward: match method & FORWARD_MASK {
            0 => Forward::Masquerade,
            1 => Forward::Local,
            // A kernel before 5.2 has ipip only and names no type.
            2 => Forward::Tunnel(Tunnel {
                kind: attributes.u8(TUN_TYPE).unwrap_or_default(),
                port: attributes.be16(TUN_PORT).unwrap_or_default(),
                flags: attributes.u16(TUN_FLAGS).unwrap_or_default(),
            }),
            3 => Forward::Direct,
            4 => Forward::Bypass,
            _ => return Err(ParseError::Unusable("forwarding method")),
        },
        weight: Weight::new(weight).ok_or(ParseError::Unusable("weight"))?,
        upper_threshold: attributes.u32(UPPER_THRESHOLD).unwrap_or_default(),
        lower_threshold: attributes.u32(LOWER_THRESHOLD).unwrap_or_default(),
    })
}
