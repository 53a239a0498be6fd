//! Octets read one after the other; nothing panics at their end.

use pnet_base::MacAddr;

/// A place in some octets.
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// At the beginning of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor(bytes)
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next octet, which stays.
    pub fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next `count` octets; `None`, and nothing is read, when there are fewer.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// One octet.
    pub fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|octets| octets[0])
    }

    /// Two octets, the most significant first.
    pub fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|octets| u16::from_be_bytes([octets[0], octets[1]]))
    }

    /// Four octets, the most significant first.
    pub fn u32(&mut self) -> Option<u32> {
        self.take(4).and_then(|octets| octets.try_into().ok()).map(u32::from_be_bytes)
    }

    /// A MAC address.
    pub fn mac(&mut self) -> Option<MacAddr> {
        self.take(6).map(|o| MacAddr::new(o[0], o[1], o[2], o[3], o[4], o[5]))
    }
}
