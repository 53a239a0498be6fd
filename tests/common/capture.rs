//! A capture on the switch: every frame once, stamped by the kernel, readable while it grows.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pcap_parser::{parse_pcap_frame, parse_pcap_header};

use super::decode::{Advert, Frame, Garp};
use super::namespace::Namespace;
use super::wait::eventually;

/// What is captured: adverts (112), AH (51) and ARP. The rest of the traffic is not a test's business.
const FILTER: &str = "arp or ip proto 112 or ip proto 51";

/// A running capture.
pub struct Capture {
    file: PathBuf,
    tcpdump: Child,
}

impl Capture {
    /// Captures on the bridge of `switch` into `directory`; returns once frames are really being captured.
    pub fn start(switch: &Namespace, directory: &Path) -> Capture {
        let file = directory.join("switch.pcap");
        let said = directory.join("tcpdump.log");
        let log = File::create(&said).expect("the laboratory's directory is writable");
        let tcpdump = switch
            .inside(|| {
                Command::new("tcpdump")
                    .args(["-i", "br0", "-U", "--immediate-mode", "-Z", "root", "-w"])
                    .arg(&file)
                    .arg(FILTER)
                    .stdout(Stdio::null())
                    .stderr(log)
                    .spawn()
            })
            .unwrap_or_else(|error| panic!("cannot run tcpdump: {error}; tests/run.sh installs what the tests need"));
        let capture = Capture { file, tcpdump };
        eventually("tcpdump to listen", Duration::from_secs(10), || {
            fs::read_to_string(&said).is_ok_and(|text| text.contains("listening on"))
        });
        capture
    }

    /// The file, complete up to the last frame seen.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Every frame so far, in order.
    pub fn frames(&self) -> Vec<Frame> {
        frames(&fs::read(&self.file).unwrap_or_default())
    }

    /// Every advert so far, in order.
    pub fn adverts(&self) -> Vec<Advert> {
        self.frames().iter().filter_map(Frame::advert).collect()
    }

    /// Every gratuitous ARP so far, in order.
    pub fn garps(&self) -> Vec<Garp> {
        self.frames().iter().filter_map(Frame::garp).collect()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.tcpdump.kill();
        let _ = self.tcpdump.wait();
    }
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
    fs::write(path, bytes).unwrap_or_else(|error| panic!("writing {}: {error}", path.display()));
}
