//! Netlink attributes: length, kind, value, padding to four bytes (linux/netlink.h `struct nlattr`).

/// Length of `struct nlattr`.
const HEADER_LEN: usize = 4;
/// `NLA_F_NESTED`: the value is attributes again.
const NESTED: u16 = 0x8000;
/// `NLA_TYPE_MASK`: a kind without its flags.
const KIND_MASK: u16 = 0x3fff;

/// Attributes as received. Reading stops at the first one that does not fit.
#[derive(Clone, Copy)]
pub struct Attributes<'a>(pub &'a [u8]);

impl<'a> Attributes<'a> {
    /// The value of the first attribute of this kind.
    pub fn get(self, kind: u16) -> Option<&'a [u8]> {
        self.into_iter().find_map(|(found, value)| (found == kind).then_some(value))
    }

    /// The value as one byte.
    pub fn u8(self, kind: u16) -> Option<u8> {
        self.array(kind).map(|[byte]| byte)
    }

    /// The value as 16 bits in native order.
    pub fn u16(self, kind: u16) -> Option<u16> {
        self.array(kind).map(u16::from_ne_bytes)
    }

    /// The value as 16 bits in network order.
    pub fn be16(self, kind: u16) -> Option<u16> {
        self.array(kind).map(u16::from_be_bytes)
    }

    /// The value as 32 bits in native order.
    pub fn u32(self, kind: u16) -> Option<u32> {
        self.array(kind).map(u32::from_ne_bytes)
    }

    fn array<const N: usize>(self, kind: u16) -> Option<[u8; N]> {
        self.get(kind)?.first_chunk().copied()
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let &[l0, l1, k0, k1] = self.0.first_chunk::<HEADER_LEN>()?;
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let value = self.0.get(HEADER_LEN..length)?;
        let kind = u16::from_ne_bytes([k0, k1]) & KIND_MASK;
        self.0 = &self.0[length.next_multiple_of(4).min(self.0.len())..];
        Some((kind, value))
    }
}

/// Attributes being written.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Appends one attribute and its padding.
    pub fn put(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(HEADER_LEN + value.len()).expect("values written here are short");
        self.0.extend_from_slice(&length.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    /// Appends a nested attribute with what `fill` writes.
    pub fn nested(&mut self, kind: u16, fill: impl FnOnce(&mut Writer)) {
        let mut inner = Writer::default();
        fill(&mut inner);
        self.put(kind | NESTED, &inner.0);
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
