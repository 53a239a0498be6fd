//! The nodes of one cluster together: what their files disagree about, and what each single failure does.
//!
//! Pure: the election is played by the same `Routers` that the daemon runs, on a virtual clock.

pub mod world;
