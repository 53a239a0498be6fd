//! Who is told about changes of state.

use std::fmt;

use super::track::Command;

/// `notify`, `notify_master` and so on, of an instance or of a sync group.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Notify {
    /// `notify_master`
    pub master: Option<Command>,
    /// `notify_backup`
    pub backup: Option<Command>,
    /// `notify_fault`
    pub fault: Option<Command>,
    /// `notify_stop`
    pub stop: Option<Command>,
    /// The script of `notify_deleted`.
    pub deleted: Option<Command>,
    /// `notify_deleted`, with a script or without: what a reload took away is told as DELETED, not as FAULT.
    pub tells_deleted: bool,
    /// `notify`: for every state, told which in its arguments.
    pub any: Option<Command>,
    /// `notify_master_rx_lower_pri`: a MASTER heard a worse router.
    pub master_rx_lower_priority: Option<Command>,
    /// `notify_priority_changes`: a FIFO is told every change of the effective priority.
    pub priority_changes: bool,
    /// `smtp_alert`
    pub mail: bool,
}

impl fmt::Debug for Notify {
    /// Leaves out what is not set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Notify");
        let scripts = [
            ("master", &self.master),
            ("backup", &self.backup),
            ("fault", &self.fault),
            ("stop", &self.stop),
            ("deleted", &self.deleted),
            ("any", &self.any),
            ("master_rx_lower_priority", &self.master_rx_lower_priority),
        ];
        for (name, script) in scripts {
            if let Some(script) = script {
                shown.field(name, script);
            }
        }
        let flags =
            [("tells_deleted", self.tells_deleted), ("priority_changes", self.priority_changes), ("mail", self.mail)];
        for (name, flag) in flags.into_iter().filter(|(_, flag)| *flag) {
            shown.field(name, &flag);
        }
        shown.finish()
    }
}
