//! Netlink attributes as they lie in memory (linux/netlink.h `struct nlattr`): length, type, value, padding to four.

/// The attributes in `bytes`, as type (without the nested and byte-order bits) and value. Ends at the first that is
/// not whole.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes([*bytes.first()?, *bytes.get(1)?]));
        let kind = u16::from_ne_bytes([*bytes.get(2)?, *bytes.get(3)?]) & 0x3fff;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_and_a_lying_length_ends_the_walk() {
        let mut bytes = vec![5, 0, 3, 0x80, b'x', 0, 0, 0, 8, 0, 1, 0, 1, 2, 3, 4];
        let two = [(3, &b"x"[..]), (1, &[1, 2, 3, 4][..])];
        assert_eq!(attributes(&bytes).collect::<Vec<_>>(), two);
        bytes[8] = 200;
        assert_eq!(attributes(&bytes).collect::<Vec<_>>(), two[..1]);
        bytes[0] = 1;
        assert_eq!(attributes(&bytes).count(), 0);
    }
}
