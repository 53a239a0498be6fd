//! Does a group of routers always end with exactly one owner, whatever the network does to it?
//!
//! Several controllers run on one virtual clock over a wire that loses, delays and partitions by a seed. A failure
//! prints its seed; `ALIVED_SIM_SEED=N cargo test --test sim` runs that one world again, with its story.

mod safety;
mod world;
