//! What the demo's helpers notice, on the way to the one who tells the story.

use std::net::Ipv4Addr;
use std::sync::mpsc::Sender;
use std::time::Instant;

use super::network::HostId;
use crate::model::{AdvertInterval, Priority};

/// Something that happened, and when.
#[derive(Debug, Clone)]
pub struct Event {
    /// When it was noticed.
    pub at: Instant,
    /// What it was.
    pub kind: Kind,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Kind {
    /// An advert passed the switch.
    Advert {
        /// Who sent it.
        from: HostId,
        /// Its priority; [`Priority::STOP`] when the sender leaves.
        priority: Priority,
        /// Its interval.
        interval: AdvertInterval,
        /// The packet in one line.
        text: String,
    },
    /// A gratuitous ARP passed the switch.
    Announcement {
        /// Who sent it.
        from: HostId,
        /// The address announced.
        address: Ipv4Addr,
    },
    /// A daemon logged a line.
    Said {
        /// On which director.
        by: HostId,
        /// Without the date.
        text: String,
    },
    /// A daemon's process is gone.
    Ended {
        /// On which director.
        on: HostId,
        /// How, as `std::process::ExitStatus` says it.
        how: String,
    },
    /// The client got its answer.
    Answer {
        /// The first line of the body: which web server.
        server: String,
    },
    /// The client got none.
    NoAnswer {
        /// Why.
        reason: String,
    },
    /// The user wants the demo to end.
    Interrupted,
}

/// Where a helper reports to.
#[derive(Clone)]
pub struct Reporter(Sender<Event>);

impl Reporter {
    /// Reports into `sender`.
    pub fn new(sender: Sender<Event>) -> Reporter {
        Reporter(sender)
    }

    /// It happened now. False when nobody listens any more.
    pub fn report(&self, kind: Kind) -> bool {
        self.0.send(Event { at: Instant::now(), kind }).is_ok()
    }
}
