//! Capture files → frames: pcap in both byte orders and both resolutions, and pcapng.

use std::time::Duration;

use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};

/// One frame of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its number in the file, from 1, as Wireshark counts.
    pub number: usize,
    /// When it was seen: time since 1970.
    pub at: Duration,
    /// What its first octets are.
    pub link: Link,
    /// As captured.
    pub bytes: Vec<u8>,
    /// Octets that were on the wire; more than were captured when the capture cut frames short.
    pub length: usize,
}

/// What a frame begins with (the LINKTYPE_ registry of tcpdump.org).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// 1: an Ethernet header.
    Ethernet,
    /// 113: what `tcpdump -i any` writes.
    Cooked,
    /// 276: the same, second version.
    Cooked2,
    /// 101, 228, 229, 12: an IP header.
    Ip,
    /// Anything else: its frames are counted and not read.
    Other,
}

impl From<Linktype> for Link {
    fn from(number: Linktype) -> Link {
        match number.0 {
            1 => Link::Ethernet,
            113 => Link::Cooked,
            276 => Link::Cooked2,
            12 | 101 | 228 | 229 => Link::Ip,
            _ => Link::Other,
        }
    }
}

/// Why a file could not be read as a capture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// Neither pcap nor pcapng.
    #[error("this is no capture: it begins neither as pcap nor as pcapng does")]
    NoCapture,
    /// A length or a magic number inside it is wrong.
    #[error("the capture is damaged after frame {after}")]
    Damaged {
        /// The number of the last frame that could be read.
        after: usize,
    },
}

/// A whole capture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capture {
    /// Its frames, in the order of the file.
    pub frames: Vec<Frame>,
    /// The file ends in the middle of a frame, as it does when the program that wrote it was killed.
    pub cut_short: bool,
}

/// Reads a capture file's contents.
///
/// # Errors
/// The contents are no capture, or are damaged. An incomplete last frame is no error.
pub fn read(file: &[u8]) -> Result<Capture, CaptureError> {
    // The reader wants room for the largest block; none is larger than the file.
    let capacity = file.len().max(SMALLEST_FILE);
    let mut reader = create_reader(capacity, file).map_err(|_| CaptureError::NoCapture)?;
    let mut capture = Capture::default();
    let mut section = Section::default();
    let mut left = file.len();
    loop {
        let consumed = match reader.next() {
            Ok((consumed, block)) => {
                section.take(block, &mut capture.frames);
                consumed
            }
            Err(PcapError::Eof) => return Ok(capture),
            // All of the file is in the reader already.
            Err(PcapError::Incomplete(_) | PcapError::UnexpectedEof | PcapError::BufferTooSmall) => {
                capture.cut_short = left > 0;
                return Ok(capture);
            }
            Err(_) => return Err(CaptureError::Damaged { after: capture.frames.len() }),
        };
        reader.consume(consumed);
        left = left.saturating_sub(consumed);
    }
}

/// A pcap file header.
const SMALLEST_FILE: usize = 24;
/// Nanoseconds in a second: the finest resolution that is kept.
const NANOS: u64 = 1_000_000_000;

/// What the blocks so far say about those to come.
#[derive(Default)]
struct Section {
    /// One for a pcap file; one for each interface of a pcapng section.
    interfaces: Vec<Interface>,
}

#[derive(Clone, Copy)]
struct Interface {
    link: Link,
    /// Units in a second.
    resolution: u64,
    /// Seconds to be added.
    offset: i64,
}

impl Interface {
    /// Time since 1970 of a count of this interface's units.
    fn time(&self, count: u64) -> Duration {
        let (seconds, fraction) = (count / self.resolution, count % self.resolution);
        let nanos = u128::from(fraction) * u128::from(NANOS) / u128::from(self.resolution);
        Duration::new(seconds.saturating_add_signed(self.offset), nanos as u32)
    }
}

impl Section {
    fn take(&mut self, block: PcapBlockOwned<'_>, frames: &mut Vec<Frame>) {
        let number = frames.len() + 1;
        let mut push = |link, at, bytes: &[u8], length: u32| {
            // A length on the wire below the captured one is a writer's mistake.
            let length = usize::try_from(length).unwrap_or(usize::MAX).max(bytes.len());
            frames.push(Frame { number, at, link, bytes: bytes.to_vec(), length });
        };
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let resolution = if header.is_nanosecond_precision() { NANOS } else { 1_000_000 };
                self.interfaces = vec![Interface { link: header.network.into(), resolution, offset: 0 }];
            }
            PcapBlockOwned::Legacy(frame) => {
                let Some(interface) = self.interfaces.first() else { return };
                let units = u64::from(frame.ts_sec) * interface.resolution + u64::from(frame.ts_usec);
                push(interface.link, interface.time(units), frame.data, frame.origlen);
            }
            PcapBlockOwned::NG(Block::SectionHeader(_)) => self.interfaces.clear(),
            PcapBlockOwned::NG(Block::InterfaceDescription(description)) => {
                let resolution = description.ts_resolution().filter(|units| *units > 0).unwrap_or(1_000_000);
                let offset = description.ts_offset();
                self.interfaces.push(Interface { link: description.linktype.into(), resolution, offset });
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let interface = usize::try_from(packet.if_id).ok().and_then(|index| self.interfaces.get(index));
                let Some(interface) = interface else { return };
                let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                push(interface.link, interface.time(units), packet.packet_data(), packet.origlen);
            }
            // It has no time of its own: that of the frame before is the closest.
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                let Some(interface) = self.interfaces.first() else { return };
                let at = frames.last().map_or(Duration::ZERO, |frame| frame.at);
                let (bytes, length) = (packet.packet_data(), packet.orig_len());
                frames.push(Frame { number, at, link: interface.link, bytes: bytes.to_vec(), length: length as usize });
            }
            PcapBlockOwned::NG(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type ToBytes = fn(u32) -> [u8; 4];

    /// A pcap file of Ethernet frames, in either byte order and resolution.
    fn pcap(magic: [u8; 4], number: ToBytes, frames: &[(u32, u32, &[u8])]) -> Vec<u8> {
        let mut file = magic.to_vec();
        let halves = number(2 << 16 | 4);
        file.extend(if halves == [0, 2, 0, 4] { halves } else { [2, 0, 4, 0] });
        for value in [0, 0, 65_535, 1] {
            file.extend(number(value));
        }
        for (seconds, fraction, bytes) in frames {
            for value in [*seconds, *fraction, bytes.len() as u32, bytes.len() as u32 + 4] {
                file.extend(number(value));
            }
            file.extend_from_slice(bytes);
        }
        file
    }

    #[test]
    fn both_byte_orders_and_resolutions_are_read() {
        let cases: [([u8; 4], ToBytes, u32); 4] = [
            ([0xd4, 0xc3, 0xb2, 0xa1], u32::to_le_bytes, 1_000),
            ([0xa1, 0xb2, 0xc3, 0xd4], u32::to_be_bytes, 1_000),
            ([0x4d, 0x3c, 0xb2, 0xa1], u32::to_le_bytes, 1),
            ([0xa1, 0xb2, 0x3c, 0x4d], u32::to_be_bytes, 1),
        ];
        for (magic, number, nanos) in cases {
            let file = pcap(magic, number, &[(7, 250_000, b"one frame"), (8, 1, b"two")]);
            let capture = read(&file).expect("a capture");
            assert_eq!(capture.frames.len(), 2, "{magic:x?}");
            let first = &capture.frames[0];
            assert_eq!((first.number, first.link, first.length), (1, Link::Ethernet, 13));
            assert_eq!(
                (first.at, first.bytes.as_slice()),
                (Duration::new(7, 250_000 * nanos), b"one frame".as_slice())
            );
            assert!(!capture.cut_short);
        }
    }

    #[test]
    fn what_was_cut_short_is_read_up_to_there_and_what_is_no_capture_is_refused() {
        let whole = pcap([0xd4, 0xc3, 0xb2, 0xa1], u32::to_le_bytes, &[(7, 0, b"one frame"), (8, 1, b"two")]);
        let capture = read(&whole[..whole.len() - 1]).expect("a capture");
        assert_eq!((capture.frames.len(), capture.cut_short), (1, true));
        assert_eq!(read(b"vrrp_instance VI_1 {\n"), Err(CaptureError::NoCapture));
        assert_eq!(read(b""), Err(CaptureError::NoCapture));
    }
}
