//! The authentication header before an advert, `auth_type AH` (RFC 2402, with keepalived's own rules for the check value).
//!
//! ```text
//!  IP (protocol 51) | next header 112 | length 4 | 0 0 | SPI = source address | sequence number | ICV, 12 octets | VRRP
//! ```
//!
//! The check value is the first 12 octets of HMAC-MD5 over the IP header with TOS, fragment field and checksum zero, the
//! authentication header with the value itself zero, and the VRRP part. The TTL counts as zero only in unicast.

use std::net::Ipv4Addr;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;

/// Octets of the header.
pub const LEN: usize = 24;
/// Octets of the check value.
const ICV_LEN: usize = 12;
/// Where it begins.
const ICV_AT: usize = 12;
/// `Next Header`: VRRP.
const VRRP: u8 = 112;
/// Length of the header in 32-bit words, less two.
const PAYLOAD_LEN: u8 = 4;

/// A received header: what of it must be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthHeader<'a> {
    /// What follows; 112 for VRRP.
    pub next_header: u8,
    /// Security parameters index; keepalived's is the sender's address.
    pub spi: Ipv4Addr,
    /// Rises with every packet.
    pub sequence: u32,
    icv: &'a [u8],
}

impl<'a> AuthHeader<'a> {
    /// Reads the header at the start of `payload`; `None` when it is not whole.
    pub fn parse(payload: &'a [u8]) -> Option<AuthHeader<'a>> {
        let header = payload.get(..LEN)?;
        let word = |at: usize| [header[at], header[at + 1], header[at + 2], header[at + 3]];
        Some(AuthHeader {
            next_header: header[0],
            spi: Ipv4Addr::from(word(4)),
            sequence: u32::from_be_bytes(word(8)),
            icv: &header[ICV_AT..],
        })
    }

    /// Whether the check value is right for a whole datagram with an IP header of `header_len` octets.
    pub fn is_authentic(&self, datagram: &[u8], header_len: usize, key: &[u8; 8], unicast: bool) -> bool {
        let Some(expected) = check_value(datagram, header_len, key, unicast) else { return false };
        // In constant time: how long it takes must not tell how many octets were right.
        expected.iter().zip(self.icv).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

/// The header, its check value still zero; see [`seal`].
pub fn emit(spi: Ipv4Addr, sequence: u32) -> [u8; LEN] {
    let mut header = [0; LEN];
    header[..2].copy_from_slice(&[VRRP, PAYLOAD_LEN]);
    header[4..8].copy_from_slice(&spi.octets());
    header[8..12].copy_from_slice(&sequence.to_be_bytes());
    header
}

/// Puts the check value into a datagram that has an IP header of `header_len` octets and an authentication header.
pub fn seal(datagram: &mut [u8], header_len: usize, key: &[u8; 8], unicast: bool) {
    if let Some(icv) = check_value(datagram, header_len, key, unicast) {
        datagram[header_len + ICV_AT..][..ICV_LEN].copy_from_slice(&icv);
    }
}

fn check_value(datagram: &[u8], header_len: usize, key: &[u8; 8], unicast: bool) -> Option<[u8; ICV_LEN]> {
    let mut head = datagram.get(..header_len + LEN)?.to_vec();
    head[1] = 0; // TOS
    head[6..8].fill(0); // flags and fragment offset
    head[10..12].fill(0); // checksum
    if unicast {
        head[8] = 0; // TTL
    }
    head[header_len + ICV_AT..].fill(0);
    let mut hmac = Hmac::<Md5>::new_from_slice(key).expect("HMAC takes a key of any length");
    hmac.update(&head);
    hmac.update(&datagram[header_len + LEN..]);
    hmac.finalize().into_bytes()[..ICV_LEN].try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ip::{HEADER_LEN, Header};

    const KEY: [u8; 8] = *b"secret\0\0";

    fn sealed(unicast: bool) -> Vec<u8> {
        let source = Ipv4Addr::new(192, 0, 2, 1);
        let destination = [224, 0, 0, 18].into();
        let header =
            Header { source: source.into(), destination, protocol: 51, tos: 0xc0, ttl: 255, identification: 1 };
        let mut bytes = header.emit(&[&emit(source, 7)[..], &[0x21, 51, 100, 0, 2, 1, 0, 0]].concat());
        seal(&mut bytes, HEADER_LEN, &KEY, unicast);
        bytes
    }

    fn authentic(bytes: &[u8], key: &[u8; 8], unicast: bool) -> bool {
        let header = AuthHeader::parse(&bytes[HEADER_LEN..]).expect("whole");
        assert_eq!((header.next_header, header.sequence), (112, 7));
        header.is_authentic(bytes, HEADER_LEN, key, unicast)
    }

    #[test]
    fn what_a_router_may_change_on_the_way_is_not_covered_and_everything_else_is() {
        for unicast in [false, true] {
            let bytes = sealed(unicast);
            assert!(authentic(&bytes, &KEY, unicast));
            assert!(!authentic(&bytes, b"Secret\0\0", unicast));
            for at in (0..bytes.len()).filter(|at| !(20..24).contains(at) && !(28..32).contains(at)) {
                let mut forged = bytes.clone();
                forged[at] ^= 1;
                let mutable = [1, 6, 7, 10, 11].contains(&at) || unicast && at == 8;
                assert_eq!(authentic(&forged, &KEY, unicast), mutable, "octet {at}, unicast {unicast}");
            }
        }
    }

    #[test]
    fn half_a_header_is_none() {
        let bytes = sealed(false);
        for length in 0..LEN {
            assert_eq!(AuthHeader::parse(&bytes[HEADER_LEN..][..length]), None);
        }
    }
}
