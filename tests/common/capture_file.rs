//! Capture files: frames with the time they were seen.

use std::path::Path;
use std::time::Duration;

use pcap_parser::{parse_pcap_frame, parse_pcap_header};

/// A moment on the clock that captures are stamped with: time since 1970.
pub type Stamp = Duration;

/// A frame as it was on the wire, with the time the kernel gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub at: Stamp,
    pub bytes: Vec<u8>,
}

/// The frames of a capture file's contents; a last one that is not complete yet is left out.
pub fn frames(file: &[u8]) -> Vec<Frame> {
    let Ok((mut rest, _header)) = parse_pcap_header(file) else { return Vec::new() };
    let mut frames = Vec::new();
    while let Ok((next, block)) = parse_pcap_frame(rest) {
        rest = next;
        let at = Duration::from_secs(block.ts_sec.into()) + Duration::from_micros(block.ts_usec.into());
        frames.push(Frame { at, bytes: block.data.to_vec() });
    }
    frames
}

/// Writes `frames` as a capture file (Ethernet, microseconds).
pub fn write_pcap(path: &Path, frames: &[Frame]) {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&0xa1b2_c3d4_u32.to_le_bytes()); // magic: microseconds
    bytes.extend_from_slice(&2_u16.to_le_bytes()); // version 2.4
    bytes.extend_from_slice(&4_u16.to_le_bytes());
    bytes.extend_from_slice(&[0; 8]); // time zone, accuracy: always zero
    bytes.extend_from_slice(&65_535_u32.to_le_bytes()); // longest frame
    bytes.extend_from_slice(&1_u32.to_le_bytes()); // LINKTYPE_ETHERNET
    for frame in frames {
        let length = frame.bytes.len() as u32;
        bytes.extend_from_slice(&(frame.at.as_secs() as u32).to_le_bytes());
        bytes.extend_from_slice(&frame.at.subsec_micros().to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&frame.bytes);
    }
    std::fs::write(path, bytes).unwrap_or_else(|error| panic!("writing {}: {error}", path.display()));
}
