//! Names that the kernel bounds, families of addresses, and multicast groups.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4
    V4,
    /// IPv6
    V6,
}

impl Family {
    /// The family of `address`.
    pub fn of(address: IpAddr) -> Family {
        match address {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        }
    }

    /// Octets of an address.
    pub fn address_len(self) -> usize {
        match self {
            Family::V4 => 4,
            Family::V6 => 16,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        })
    }
}

/// Longest name of an interface: `IFNAMSIZ` with its NUL is 16 (linux/if.h).
const LONGEST: usize = 15;

/// The name of a network interface: 1 to 15 bytes, no `/`, no white space (`dev_valid_name` in linux/net/core/dev.c).
///
/// Held in place, because packets and addresses carry it about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceName {
    /// Zero after the name: then names compare as their texts do.
    bytes: [u8; LONGEST],
    length: u8,
}

impl InterfaceName {
    /// `None` when the kernel would refuse the name.
    pub fn new(name: &str) -> Option<InterfaceName> {
        let valid = !name.is_empty()
            && name.len() <= LONGEST
            && name != "."
            && name != ".."
            && !name.contains(|c: char| c == '/' || c == ':' || c.is_ascii_whitespace() || c == '\0');
        valid.then(|| {
            let mut bytes = [0; LONGEST];
            bytes[..name.len()].copy_from_slice(name.as_bytes());
            InterfaceName { bytes, length: name.len() as u8 }
        })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length.into()]).expect("made from a str")
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// A name that is not empty and has at most `MAX` bytes, none of them NUL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoundedName<const MAX: usize>(String);

impl<const MAX: usize> BoundedName<MAX> {
    /// `None` for an empty or longer name.
    pub fn new(name: &str) -> Option<BoundedName<MAX>> {
        let valid = !name.is_empty() && name.len() <= MAX && !name.contains('\0');
        valid.then(|| BoundedName(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for BoundedName<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> fmt::Debug for BoundedName<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// An IPv4 multicast group, 224.0.0.0/4 (RFC 5771).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MulticastV4(Ipv4Addr);

impl MulticastV4 {
    /// `None` for an address that is no group.
    pub fn new(address: Ipv4Addr) -> Option<MulticastV4> {
        address.is_multicast().then_some(MulticastV4(address))
    }

    /// The address.
    pub fn get(self) -> Ipv4Addr {
        self.0
    }
}

/// An IPv6 multicast group, ff00::/8 (RFC 4291 §2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MulticastV6(Ipv6Addr);

impl MulticastV6 {
    /// `None` for an address that is no group.
    pub fn new(address: Ipv6Addr) -> Option<MulticastV6> {
        address.is_multicast().then_some(MulticastV6(address))
    }

    /// The address.
    pub fn get(self) -> Ipv6Addr {
        self.0
    }

    /// ff02::/16: it reaches no other link, as the groups of VRRP must not.
    pub fn is_link_local(self) -> bool {
        self.0.segments()[0] & 0xf == 2
    }
}
