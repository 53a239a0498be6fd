//! The Internet checksum (RFC 1071).

use std::net::IpAddr;

/// Ones-complement sum over `bytes`; an odd last octet counts as the high half of a word. A buffer that holds a
/// correct checksum sums to 0.
pub fn internet(bytes: &[u8]) -> u16 {
    finish(sum(bytes))
}

/// The same, over the pseudo header of the way that `bytes` take as well (RFC 768; RFC 8200 §8.1). Source and
/// destination are of one family.
pub fn with_pseudo_header(bytes: &[u8], source: IpAddr, destination: IpAddr, protocol: u8) -> u16 {
    let address = |address: IpAddr| match address {
        IpAddr::V4(address) => sum(&address.octets()),
        IpAddr::V6(address) => sum(&address.octets()),
    };
    // Lengths are below 64 KiB, so the high half of IPv6's length adds nothing.
    finish(address(source) + address(destination) + u64::from(protocol) + bytes.len() as u64 + sum(bytes))
}

fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    let words: u64 = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum();
    words + rest.first().map_or(0, |octet| u64::from(*octet) << 8)
}

fn finish(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_with_its_checksum_in_place_sums_to_zero() {
        // The example of RFC 1071 §3.
        let data = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        let sum = internet(&data);
        assert_eq!(sum, !0xddf2);
        let mut whole = data.to_vec();
        whole.extend_from_slice(&sum.to_be_bytes());
        assert_eq!(internet(&whole), 0);
    }

    #[test]
    fn the_pseudo_header_is_that_of_udp() {
        // Source 192.0.2.1, destination 192.0.2.2, protocol 17, length 3, then the octets themselves.
        let by_hand = [192, 0, 2, 1, 192, 0, 2, 2, 0, 17, 0, 3, 0xab, 0xcd, 0xef];
        let [source, destination] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().expect("an address"));
        assert_eq!(with_pseudo_header(&[0xab, 0xcd, 0xef], source, destination, 17), internet(&by_hand));
    }
}
