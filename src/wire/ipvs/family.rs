//! Asking the generic-netlink controller for the id of the `IPVS` family, which differs from boot to boot
//! (linux/genetlink.h). The kernel loads ip_vs on this request where it can.

use netlink_packet_core::Emitable;
use netlink_packet_generic::GenlFamily;

use super::attribute::{Attributes, Writer};
use super::{FAMILY_NAME, ParseError, split};

/// `GENL_ID_CTRL`: the controller's own id.
pub const CONTROLLER_ID: u16 = 0x10;
/// `CTRL_CMD_GETFAMILY`
const GET_FAMILY: u8 = 3;
/// Version of the controller's protocol.
const VERSION: u8 = 1;
/// `CTRL_ATTR_FAMILY_ID`, `CTRL_ATTR_FAMILY_NAME`
const ATTR_ID: u16 = 1;
const ATTR_NAME: u16 = 2;

/// `CTRL_CMD_GETFAMILY` for `IPVS`: `ENOENT` when the kernel has no ip_vs.
#[derive(Debug, Clone, Copy)]
pub struct GetFamily;

impl GetFamily {
    fn attributes(self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.put(ATTR_NAME, format!("{FAMILY_NAME}\0").as_bytes());
        writer.into_bytes()
    }
}

impl GenlFamily for GetFamily {
    fn family_name() -> &'static str {
        "nlctrl"
    }

    fn family_id(&self) -> u16 {
        CONTROLLER_ID
    }

    fn command(&self) -> u8 {
        GET_FAMILY
    }

    fn version(&self) -> u8 {
        VERSION
    }
}

impl Emitable for GetFamily {
    fn buffer_len(&self) -> usize {
        self.attributes().len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        let attributes = self.attributes();
        buffer[..attributes.len()].copy_from_slice(&attributes);
    }
}

/// The family's id, from the controller's answer.
pub fn parse_family_id(bytes: &[u8]) -> Result<u16, ParseError> {
    let (_, attributes) = split(bytes)?;
    let attributes: Attributes<'_> = attributes;
    attributes.u16(ATTR_ID).ok_or(ParseError::Missing("family id"))
}
