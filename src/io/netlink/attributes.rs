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

/// One attribute as it lies in memory, its padding included. Values are far shorter than its 16-bit length can tell.
pub fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = (4 + value.len()) as u16;
    let mut bytes = Vec::with_capacity((4 + value.len()).next_multiple_of(4));
    bytes.extend_from_slice(&length.to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
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

    #[test]
    fn what_was_written_is_read_again() {
        let bytes = [attribute(7, b"abcde"), attribute(1, b"")].concat();
        assert_eq!(attributes(&bytes).collect::<Vec<_>>(), [(7, &b"abcde"[..]), (1, &b""[..])]);
    }
}
