//! The VRRPv2 advertisement (RFC 3768 §5.1; the authentication fields are RFC 2338 §5.3.6's, which keepalived kept).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |Version| Type  | Virtual Rtr ID|   Priority    | Count IP Addrs|
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Auth Type   |   Adver Int   |          Checksum             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                     IP Address (1) … (n)                      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  Authentication Data (8 octets)               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;
use std::net::Ipv4Addr;

use super::checksum;
use crate::model::{AdvertInterval, Authentication, Priority, Vrid};

/// IP protocol number of VRRP.
pub const PROTOCOL: u8 = 112;
/// 224.0.0.18, where multicast adverts go (RFC 9568 §5.1.1.2).
pub const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// TOS of every advert: internetwork control.
pub const TOS: u8 = 0xc0;
/// TTL of every advert: proves that no router forwarded it.
pub const TTL: u8 = 255;
/// Packet type of an advertisement, the only one there is.
pub const TYPE_ADVERTISEMENT: u8 = 1;
/// Octets before the addresses.
pub const FIXED_LEN: usize = 8;
/// Octets of authentication data after the addresses, zero when unused.
pub const AUTHENTICATION_LEN: usize = 8;

/// `Auth Type` of the wire.
pub const AUTH_NONE: u8 = 0;
/// Simple text password.
pub const AUTH_PASS: u8 = 1;
/// IP authentication header.
pub const AUTH_AH: u8 = 2;

/// An advertisement of version 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advert {
    /// Which virtual router.
    pub vrid: Vrid,
    /// The sender's; [`Priority::STOP`] when it leaves.
    pub priority: Priority,
    /// The sender's interval.
    pub interval: AdvertInterval,
    /// None, or a password in clear.
    pub authentication: Authentication,
    /// The virtual addresses, in the sender's order; 255 at most.
    pub addresses: Vec<Ipv4Addr>,
}

impl Advert {
    /// The VRRP part of the packet, checksum in place.
    pub fn emit(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FIXED_LEN + 4 * self.addresses.len() + AUTHENTICATION_LEN);
        let count = u8::try_from(self.addresses.len()).expect("the configuration allows 255 addresses");
        let (auth_type, auth_data) = match self.authentication {
            Authentication::None => (AUTH_NONE, [0; AUTHENTICATION_LEN]),
            Authentication::Pass(password) => (AUTH_PASS, password),
        };
        bytes.extend_from_slice(&[2 << 4 | TYPE_ADVERTISEMENT, self.vrid.get(), self.priority.get(), count]);
        bytes.extend_from_slice(&[auth_type, self.interval.seconds(), 0, 0]);
        for address in &self.addresses {
            bytes.extend_from_slice(&address.octets());
        }
        bytes.extend_from_slice(&auth_data);
        let sum = checksum::internet(&bytes);
        bytes[6..8].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}

impl fmt::Display for Advert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VRRPv2 vrid {} prio {} intvl {}s addrs", self.vrid, self.priority, self.interval.seconds())?;
        self.addresses.iter().try_for_each(|address| write!(f, " {address}"))
    }
}

/// Too few octets to name a virtual router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("VRRP packet of {0} octets, at least {FIXED_LEN} expected")]
pub struct TooShort(pub usize);

/// A received VRRP packet of at least [`FIXED_LEN`] octets, of any version; nothing else is checked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View<'a>(&'a [u8]);

impl<'a> View<'a> {
    /// Fails when the fixed part is not whole.
    pub fn new(bytes: &'a [u8]) -> Result<View<'a>, TooShort> {
        if bytes.len() < FIXED_LEN { Err(TooShort(bytes.len())) } else { Ok(View(bytes)) }
    }

    /// High half of the first octet.
    pub fn version(&self) -> u8 {
        self.0[0] >> 4
    }

    /// Low half of the first octet.
    pub fn packet_type(&self) -> u8 {
        self.0[0] & 0x0f
    }

    /// Virtual router id; 0 is nobody's.
    pub fn vrid(&self) -> u8 {
        self.0[1]
    }

    /// The sender's priority.
    pub fn priority(&self) -> Priority {
        Priority::new(self.0[2])
    }

    /// How many addresses the sender says follow.
    pub fn address_count(&self) -> usize {
        self.0[3].into()
    }

    /// `Auth Type`
    pub fn auth_type(&self) -> u8 {
        self.0[4]
    }

    /// `Adver Int`, seconds.
    pub fn interval_seconds(&self) -> u8 {
        self.0[5]
    }

    /// Octets a whole version 2 packet with that many addresses measures.
    pub fn expected_length(&self) -> usize {
        FIXED_LEN + 4 * self.address_count() + AUTHENTICATION_LEN
    }

    /// Octets received.
    pub fn length(&self) -> usize {
        self.0.len()
    }

    /// The addresses that were received whole, in the sender's order.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> + use<'a> {
        self.0[FIXED_LEN..].chunks_exact(4).take(self.address_count()).map(|o| Ipv4Addr::new(o[0], o[1], o[2], o[3]))
    }

    /// The eight octets after the addresses; `None` when they were not received.
    pub fn auth_data(&self) -> Option<[u8; AUTHENTICATION_LEN]> {
        let start = FIXED_LEN + 4 * self.address_count();
        self.0.get(start..start + AUTHENTICATION_LEN)?.try_into().ok()
    }

    /// Whether the ones-complement sum over the whole VRRP part is right (version 2: no pseudo header).
    pub fn checksum_is_right(&self) -> bool {
        checksum::internet(self.0) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advert() -> Advert {
        Advert {
            vrid: Vrid::new(55).expect("not zero"),
            priority: Priority::new(100),
            interval: AdvertInterval::DEFAULT,
            authentication: Authentication::Pass(*b"1234\0\0\0\0"),
            addresses: vec![Ipv4Addr::new(192, 168, 175, 100)],
        }
    }

    #[test]
    fn an_advert_with_one_address_measures_twenty_octets_and_parses_back() {
        let bytes = advert().emit();
        assert_eq!(bytes.len(), 20);
        let view = View::new(&bytes).expect("whole");
        assert_eq!((view.version(), view.packet_type(), view.vrid()), (2, 1, 55));
        assert_eq!((view.priority(), view.interval_seconds(), view.auth_type()), (Priority::new(100), 1, AUTH_PASS));
        assert_eq!(view.addresses().collect::<Vec<_>>(), advert().addresses);
        assert_eq!(view.auth_data(), Some(*b"1234\0\0\0\0"));
        assert_eq!(view.expected_length(), view.length());
        assert!(view.checksum_is_right());
    }

    #[test]
    fn every_flipped_bit_breaks_the_checksum() {
        let bytes = advert().emit();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(!View::new(&forged).expect("same length").checksum_is_right(), "bit {bit}");
        }
    }

    #[test]
    fn no_prefix_of_an_advert_panics() {
        let bytes = advert().emit();
        for length in 0..bytes.len() {
            if let Ok(view) = View::new(&bytes[..length]) {
                assert_eq!(view.auth_data(), None);
                assert!(view.addresses().count() <= 1);
            }
        }
    }
}
