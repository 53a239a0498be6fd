//! Captures of VRRP traffic, read and judged: `alived pcap check` and `alived pcap explain`.
//!
//! ```text
//! file ── capture ──► frames ── packet ──► adverts, announcements ── judge ──► findings of one packet
//!                                                       └── segment ──► elections, conflicts, findings over time
//! ```
//!
//! Nothing here knows who sent a packet: other people's routers are judged by the same standards as alived. It shares
//! no code with the receive path of the daemon, so that it can tell when that one is wrong.

mod capture;
mod cursor;
mod explain;
mod finding;
mod json;
mod judge;
mod packet;
mod report;
mod segment;
mod story;

use std::time::Duration;

pub use capture::{Capture, CaptureError, Frame, Link, read};
pub use explain::explain;
pub use finding::{Finding, Severity};
pub use json::json;
pub use packet::{Ah, Content, Macs, Packet, Sum, Vrrp, read as packet};
pub use report::report;
pub use segment::Router;
pub use story::{Authentication, Happening, Moment, Reason, RouterId, Run, Says};

/// All that there is to say about a capture.
#[derive(Debug)]
pub struct Judged {
    /// Frames in the file.
    pub frames: usize,
    /// Frames of a link layer that is not read.
    pub unread: usize,
    /// VRRP packets among them.
    pub adverts: usize,
    /// Gratuitous ARPs and unsolicited neighbour advertisements among them.
    pub announcements: usize,
    /// From the first frame to the last.
    pub lasted: Duration,
    /// The file ends in the middle of a frame.
    pub cut_short: bool,
    /// The virtual routers, in the order of their first adverts.
    pub routers: Vec<Router>,
    /// What is wrong or worth knowing.
    pub findings: Vec<Finding>,
}

impl Judged {
    /// Whether a standard is violated.
    pub fn has_violations(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Violation)
    }
}

/// Judges the frames of a capture.
pub fn judge(capture: &Capture) -> Judged {
    let start = capture.frames.iter().map(|frame| frame.at).min().unwrap_or_default();
    let end = capture.frames.iter().map(|frame| frame.at).max().unwrap_or_default();
    let mut segment = segment::Segment::default();
    let mut adverts = 0;
    for frame in &capture.frames {
        if let Some(packet) = packet::read(frame) {
            adverts += usize::from(matches!(packet.content, Content::Vrrp(_)));
            segment.take(frame.at.saturating_sub(start), &packet);
        }
    }
    let lasted = end.saturating_sub(start);
    segment.end(lasted);
    Judged {
        frames: capture.frames.len(),
        unread: capture.frames.iter().filter(|frame| frame.link == Link::Other).count(),
        adverts,
        announcements: segment.announcements,
        lasted,
        cut_short: capture.cut_short,
        routers: segment.routers.into_values().collect(),
        findings: segment.findings.into_vec(),
    }
}
