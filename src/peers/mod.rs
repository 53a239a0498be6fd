//! The nodes of one cluster together: what their files disagree about, and what each single failure does.
//!
//! Pure: the election is played by the same [`crate::controller::routers::Routers`] that the daemon runs, on a virtual
//! clock. One virtual router is played at a time, as none depends on another.
//!
//! ```text
//!   files ── config ──► nodes ── group ──► virtual routers ──┬── compare ──► diagnostics with the words of both files
//!                                                            └── play ──► failures ── explain ──► diagnostics, report
//! ```

mod compare;
mod explain;
mod group;
mod play;
mod report;
pub mod world;

pub use group::{Group, Member, Node, groups, short_names};
pub use play::{Election, Failure, Outcome, Play, play};
pub use report::{NodeFile, Report, check};
