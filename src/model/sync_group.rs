//! `vrrp_sync_group`.

use super::notify::Notify;
use super::track::Tracked;

/// Instances that are MASTER together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncGroup {
    /// The block's name; unique in a configuration.
    pub name: String,
    /// `group`: names of instances that exist and are in no other group, in file order; never empty.
    pub members: Vec<String>,
    /// The group's own `track_*` lines. They are part of every member's [`super::VrrpInstance::tracked`].
    pub tracked: Vec<Tracked>,
    /// `sync_group_tracking_weight`: members may have priorities that move.
    pub tracking_weight: bool,
    /// `notify`, `notify_master`, `smtp_alert`, …
    pub notify: Notify,
}
