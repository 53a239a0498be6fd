//! One attempt of a checker and what came of it.

use std::net::SocketAddr;
use std::time::Duration;

/// How much of an answer is kept to find the end of its header in: what fits keepalived's buffer.
pub const HEAD_MAX: usize = 4095;

/// One attempt to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Where to connect to, over TCP.
    pub target: SocketAddr,
    /// How long the connection may take, and again each read.
    pub timeout: Duration,
    /// What to do once connected.
    pub attempt: Attempt,
}

/// What a probe does once it is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// Nothing: connecting is enough.
    Connect,
    /// Sends these bytes and reads to the end of the connection.
    Request(Vec<u8>),
}

/// What came of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// [`Attempt::Connect`] succeeded.
    Connected,
    /// [`Attempt::Request`] was answered, and the server closed the connection.
    Answered {
        /// The first bytes, at most [`HEAD_MAX`].
        head: Vec<u8>,
        /// How many bytes came in all.
        length: u64,
    },
    /// The server could not be reached, refused, broke off or was too slow.
    Failed,
    /// The probe could not be made, for a reason on this machine (no descriptors, an address that is not there, a
    /// packet filter): it says nothing about the server.
    NotMade(String),
}
