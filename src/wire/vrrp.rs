//! VRRP advertisements over IPv4 and IPv6, versions 2 (RFC 3768 §5.1) and 3 (RFC 9568 §5.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |Version| Type  | Virtual Rtr ID|   Priority    | Count IP Addrs|
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Auth Type   |   Adver Int   |          Checksum             |  version 2: seconds
//! |  rsvd |   Max Advertise Int   |          Checksum             |  version 3: centiseconds
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |           IP Address (1) … (n), 4 or 16 octets each           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  Authentication Data (8 octets)               |  version 2 only
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! The authentication fields are RFC 2338 §5.3.6's, which keepalived kept. The checksum of version 2 covers the packet,
//! that of version 3 a pseudo header as well.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::checksum;
use crate::model::{AdvertInterval, Authentication, Family, GROUP_V4, Priority, Version, Vrid};

/// IP protocol number of VRRP.
pub const PROTOCOL: u8 = 112;
/// 224.0.0.18, where multicast adverts of IPv4 go (RFC 9568 §5.1.1.2).
pub const GROUP: IpAddr = GROUP_V4;
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

/// An advertisement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advert {
    /// Which virtual router.
    pub vrid: Vrid,
    /// The sender's; [`Priority::STOP`] when it leaves.
    pub priority: Priority,
    /// The sender's interval, and with it the version.
    pub interval: AdvertInterval,
    /// None, or a password in clear; version 3 carries none.
    pub authentication: Authentication,
    /// The virtual addresses, all of one family, in the sender's order; 255 at most.
    pub addresses: Vec<IpAddr>,
}

impl Advert {
    /// The VRRP part of the packet, with its checksum for that way.
    pub fn emit(&self, source: IpAddr, destination: IpAddr) -> Vec<u8> {
        self.emit_summed(source, destination, Summing::Standard)
    }

    /// As [`Advert::emit`], for routers that sum in another way.
    pub fn emit_summed(&self, source: IpAddr, destination: IpAddr, summing: Summing) -> Vec<u8> {
        let version = self.interval.version();
        let address_len = Family::of(source).address_len();
        let mut bytes = Vec::with_capacity(FIXED_LEN + address_len * self.addresses.len() + AUTHENTICATION_LEN);
        let count = u8::try_from(self.addresses.len()).expect("the configuration allows 255 addresses");
        bytes.extend_from_slice(&[
            version.number() << 4 | TYPE_ADVERTISEMENT,
            self.vrid.get(),
            self.priority.get(),
            count,
        ]);
        let (auth_type, auth_data) = match self.authentication {
            Authentication::None => (AUTH_NONE, [0; AUTHENTICATION_LEN]),
            Authentication::Pass(password) => (AUTH_PASS, password),
            // The key travels nowhere.
            Authentication::Header(_) => (AUTH_AH, [0; AUTHENTICATION_LEN]),
        };
        let [high, low] = self.interval.on_wire().to_be_bytes();
        let first = match version {
            Version::V2 => auth_type,
            Version::V3 => high,
        };
        bytes.extend_from_slice(&[first, low, 0, 0]);
        for address in &self.addresses {
            match address {
                IpAddr::V4(address) => bytes.extend_from_slice(&address.octets()),
                IpAddr::V6(address) => bytes.extend_from_slice(&address.octets()),
            }
        }
        if has_authentication(version, Family::of(source)) {
            bytes.extend_from_slice(&auth_data);
        }
        let sum = checksum_of(version, &bytes, source, destination, summing);
        bytes[6..8].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}

/// Zero over a packet that holds its right checksum. That of version 3, and of all of IPv6, covers a pseudo header
/// (RFC 9568 §5.2.8).
fn checksum_of(version: Version, bytes: &[u8], source: IpAddr, destination: IpAddr, summing: Summing) -> u16 {
    match (version, source, summing) {
        (Version::V2, IpAddr::V4(_), _) | (_, IpAddr::V4(_), Summing::AsV2) => checksum::internet(bytes),
        (_, IpAddr::V4(_), Summing::OverGroup) => checksum::with_pseudo_header(bytes, source, GROUP, PROTOCOL),
        _ => checksum::with_pseudo_header(bytes, source, destination, PROTOCOL),
    }
}

/// keepalived sends the eight octets over IPv4 alone.
fn has_authentication(version: Version, family: Family) -> bool {
    version == Version::V2 && family == Family::V4
}

/// How the checksum of version 3 over IPv4 is made; no other is made in more than one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summing {
    /// Over the pseudo header of the way it takes (RFC 9568 §5.2.8).
    Standard,
    /// As if it went to 224.0.0.18, which keepalived did before 1.3.6 in unicast.
    OverGroup,
    /// Without a pseudo header.
    AsV2,
}

impl fmt::Display for Advert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.interval.version().number();
        write!(
            f,
            "VRRPv{version} vrid {} prio {} intvl {}s addrs",
            self.vrid,
            self.priority,
            self.interval.duration().as_secs_f64()
        )?;
        self.addresses.iter().try_for_each(|address| write!(f, " {address}"))
    }
}

/// Too few octets to name a virtual router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("VRRP packet of {0} octets, at least {FIXED_LEN} expected")]
pub struct TooShort(pub usize);

/// A received VRRP packet of at least [`FIXED_LEN`] octets, of any version; nothing else is checked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View<'a> {
    bytes: &'a [u8],
    family: Family,
}

impl<'a> View<'a> {
    /// Fails when the fixed part is not whole. The family is that of the IP header.
    pub fn new(bytes: &'a [u8], family: Family) -> Result<View<'a>, TooShort> {
        if bytes.len() < FIXED_LEN { Err(TooShort(bytes.len())) } else { Ok(View { bytes, family }) }
    }

    /// High half of the first octet.
    pub fn version(&self) -> u8 {
        self.bytes[0] >> 4
    }

    /// Low half of the first octet.
    pub fn packet_type(&self) -> u8 {
        self.bytes[0] & 0x0f
    }

    /// Virtual router id; 0 is nobody's.
    pub fn vrid(&self) -> u8 {
        self.bytes[1]
    }

    /// The sender's priority.
    pub fn priority(&self) -> Priority {
        Priority::new(self.bytes[2])
    }

    /// How many addresses the sender says follow.
    pub fn address_count(&self) -> usize {
        self.bytes[3].into()
    }

    /// `Auth Type` of version 2.
    pub fn auth_type(&self) -> u8 {
        self.bytes[4]
    }

    /// The interval in the unit of `version`; `None` for 0. The reserved bits of version 3 are not looked at.
    pub fn interval(&self, version: Version) -> Option<AdvertInterval> {
        match version {
            Version::V2 => AdvertInterval::from_seconds(self.bytes[5]),
            Version::V3 => AdvertInterval::from_centiseconds(u16::from_be_bytes([self.bytes[4] & 0x0f, self.bytes[5]])),
        }
    }

    /// Octets a whole packet of `version` with that many addresses measures.
    pub fn expected_length(&self, version: Version) -> usize {
        let authentication = if has_authentication(version, self.family) { AUTHENTICATION_LEN } else { 0 };
        self.addresses_end() + authentication
    }

    /// Octets received.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    fn addresses_end(&self) -> usize {
        FIXED_LEN + self.family.address_len() * self.address_count()
    }

    /// The addresses that were received whole, in the sender's order.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + use<'a> {
        let address = |octets: &[u8]| match <[u8; 4]>::try_from(octets) {
            Ok(octets) => IpAddr::V4(Ipv4Addr::from(octets)),
            Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(octets).expect("the length of an address"))),
        };
        self.bytes[FIXED_LEN..].chunks_exact(self.family.address_len()).take(self.address_count()).map(address)
    }

    /// The eight octets after the addresses; `None` when they were not received.
    pub fn auth_data(&self) -> Option<[u8; AUTHENTICATION_LEN]> {
        let start = self.addresses_end();
        self.bytes.get(start..start + AUTHENTICATION_LEN)?.try_into().ok()
    }

    /// Whether the checksum of `version` is right for that way.
    pub fn checksum_is_right(&self, version: Version, source: IpAddr, destination: IpAddr) -> bool {
        self.checksum_is_right_as(Summing::Standard, version, source, destination)
    }

    /// The same, summed in another way.
    pub fn checksum_is_right_as(
        &self,
        summing: Summing,
        version: Version,
        source: IpAddr,
        destination: IpAddr,
    ) -> bool {
        checksum_of(version, self.bytes, source, destination, summing) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 175, 101));

    fn advert() -> Advert {
        Advert {
            vrid: Vrid::new(55).expect("not zero"),
            priority: Priority::new(100),
            interval: AdvertInterval::DEFAULT,
            authentication: Authentication::Pass(*b"1234\0\0\0\0"),
            addresses: vec![IpAddr::V4(Ipv4Addr::new(192, 168, 175, 100))],
        }
    }

    fn version_3() -> Advert {
        let interval = AdvertInterval::from_centiseconds(1000).expect("in range");
        Advert { interval, authentication: Authentication::None, ..advert() }
    }

    #[test]
    fn an_advert_with_one_address_measures_twenty_octets_and_parses_back() {
        let bytes = advert().emit(SOURCE, GROUP);
        assert_eq!(bytes.len(), 20);
        let view = View::new(&bytes, Family::V4).expect("whole");
        assert_eq!((view.version(), view.packet_type(), view.vrid()), (2, 1, 55));
        assert_eq!((view.priority(), view.auth_type()), (Priority::new(100), AUTH_PASS));
        assert_eq!(view.interval(Version::V2), Some(AdvertInterval::DEFAULT));
        assert_eq!(view.addresses().collect::<Vec<_>>(), advert().addresses);
        assert_eq!(view.auth_data(), Some(*b"1234\0\0\0\0"));
        assert_eq!(view.expected_length(Version::V2), view.length());
        assert!(view.checksum_is_right(Version::V2, SOURCE, GROUP));
    }

    #[test]
    fn version_3_counts_centiseconds_and_sums_over_the_way_it_takes() {
        let bytes = version_3().emit(SOURCE, GROUP);
        let view = View::new(&bytes, Family::V4).expect("whole");
        assert_eq!((view.version(), bytes.len(), view.expected_length(Version::V3)), (3, 12, 12));
        assert_eq!(bytes[4..6], [0x03, 0xe8], "1000 centiseconds");
        assert_eq!(view.interval(Version::V3), Some(version_3().interval));
        assert!(view.checksum_is_right(Version::V3, SOURCE, GROUP));
        assert!(!view.checksum_is_right(Version::V3, SOURCE, IpAddr::V4(Ipv4Addr::new(192, 168, 175, 102))));
    }

    #[test]
    fn over_ipv6_addresses_have_sixteen_octets() {
        let [source, vip] = ["fe80::1", "fd00:99::1"].map(|text| text.parse().expect("an address"));
        let advert = Advert { addresses: vec![vip], ..version_3() };
        let bytes = advert.emit(source, crate::model::GROUP_V6);
        let view = View::new(&bytes, Family::V6).expect("whole");
        assert_eq!((bytes.len(), view.expected_length(Version::V3)), (24, 24));
        assert_eq!(view.addresses().collect::<Vec<_>>(), [vip]);
        assert!(view.checksum_is_right(Version::V3, source, crate::model::GROUP_V6));
        assert!(!view.checksum_is_right(Version::V3, vip, crate::model::GROUP_V6));
    }

    #[test]
    fn every_flipped_bit_breaks_the_checksum() {
        for (version, advert) in [(Version::V2, advert()), (Version::V3, version_3())] {
            let bytes = advert.emit(SOURCE, GROUP);
            for bit in 0..bytes.len() * 8 {
                let mut forged = bytes.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                let view = View::new(&forged, Family::V4).expect("same length");
                assert!(!view.checksum_is_right(version, SOURCE, GROUP), "{version:?} bit {bit}");
            }
        }
    }

    #[test]
    fn no_prefix_of_an_advert_panics() {
        let bytes = advert().emit(SOURCE, GROUP);
        for length in 0..bytes.len() {
            if let Ok(view) = View::new(&bytes[..length], Family::V4) {
                assert_eq!(view.auth_data(), None);
                assert!(view.addresses().count() <= 1);
            }
        }
    }
}
