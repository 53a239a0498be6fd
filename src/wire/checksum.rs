//! The Internet checksum (RFC 1071).

/// Ones-complement sum over `bytes`; an odd last octet counts as the high half of a word. A buffer that holds a
/// correct checksum sums to 0.
pub fn internet(bytes: &[u8]) -> u16 {
    pnet_packet::util::checksum(bytes, usize::MAX)
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
}
