//! A capture on the switch: every frame once, stamped by the kernel, readable while it grows.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::capture_file::{Frame, frames};
use super::decode::{Advert, Garp, advert, garp};
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
        self.frames().iter().filter_map(advert).collect()
    }

    /// Every gratuitous ARP so far, in order.
    pub fn garps(&self) -> Vec<Garp> {
        self.frames().iter().filter_map(garp).collect()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.tcpdump.kill();
        let _ = self.tcpdump.wait();
    }
}
