//! Bidirectional Forwarding Detection (RFC 5880, 5881, 5883) as pure state machines: events and the time in, actions out.
//!
//! * [`session`] is one session; it never sees an address, a socket or a clock.
//! * [`sessions`] holds all of a configuration and finds the one that a packet belongs to.
//!
//! Spoken is version 1 in asynchronous mode, without authentication and without echo, as keepalived speaks it.

mod report;
pub mod session;
pub mod sessions;

pub use session::{Report, Session};
pub use sessions::{Action, Counters, Discarded, Event, Sessions};
