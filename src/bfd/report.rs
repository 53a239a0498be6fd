//! What sessions say to people, in keepalived's words.

use std::fmt;

use super::session::Report;
use crate::wire::bfd::State;

impl Report {
    /// keepalived says it only with `-D`.
    pub fn is_detail(&self) -> bool {
        match self {
            Report::Entered { from, to, .. } => {
                !matches!((from, to), (State::Up, _) | (_, State::Up | State::AdminDown))
            }
            Report::Expired { from, .. } => *from != State::Up,
            Report::DetectionTime { .. } => false,
            Report::Polling => true,
        }
    }

    /// Somebody should look.
    pub fn is_warning(&self) -> bool {
        match self {
            Report::Entered { to, .. } => matches!(to, State::Down | State::AdminDown) && !self.is_detail(),
            Report::Expired { .. } => !self.is_detail(),
            Report::DetectionTime { .. } | Report::Polling => false,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Entered { to: to @ State::Down, local, remote, .. } => {
                write!(f, "Entering {to} state (Local diagnostic - {local}, Remote diagnostic - {remote})")
            }
            Report::Entered { to, .. } => write!(f, "Entering {to} state"),
            Report::Expired { silent, overdue, .. } => {
                write!(f, "Expired after {} ms ({} usec overdue)", silent.as_millis(), overdue.as_micros())
            }
            Report::DetectionTime { now, before } => {
                write!(f, "Detection time is {} us (was {} us)", now.as_micros(), before.as_micros())
            }
            Report::Polling => f.write_str("Starting poll sequence"),
        }
    }
}
