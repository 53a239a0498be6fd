//! What IPVS has besides its table: timeouts of connections, and sync daemons. What there is, what is wanted, and the
//! commands between them. Pure.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::lvs::{SyncDaemon, SyncRole, Timeouts};

/// What the kernel has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Never 0.
    pub timeouts: Timeouts,
    /// The sync daemons that run; with all values, also those that nobody asked for.
    pub daemons: BTreeMap<SyncRole, SyncDaemon>,
}

/// One command to the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingChange {
    /// `IPVS_CMD_DEL_DAEMON`
    StopDaemon(SyncRole),
    /// `IPVS_CMD_SET_CONFIG`; 0 leaves what is there.
    SetTimeouts(Timeouts),
    /// `IPVS_CMD_NEW_DAEMON`
    StartDaemon(SyncRole, SyncDaemon),
}

/// What turns `current` into what is wanted: timeouts where they are not 0, and exactly these daemons; `None` leaves the
/// daemons alone.
pub fn plan_settings(
    current: &Settings,
    timeouts: &Timeouts,
    daemons: Option<&BTreeMap<SyncRole, SyncDaemon>>,
) -> Vec<SettingChange> {
    let mut changes = Vec::new();
    let differs = |role: &SyncRole| match (current.daemons.get(role), daemons.and_then(|daemons| daemons.get(role))) {
        (Some(running), Some(wanted)) => !agrees(running, wanted),
        (running, wanted) => running.is_some() != wanted.is_some(),
    };
    let differing: Vec<SyncRole> =
        SyncRole::ALL.into_iter().filter(|role| daemons.is_some() && differs(role)).collect();
    let stopped = differing.iter().filter(|role| current.daemons.contains_key(*role));
    changes.extend(stopped.map(|role| SettingChange::StopDaemon(*role)));
    if timeouts.over(&current.timeouts) != current.timeouts {
        changes.push(SettingChange::SetTimeouts(*timeouts));
    }
    let wanted = |role: &SyncRole| daemons.and_then(|daemons| daemons.get(role)).cloned();
    changes.extend(differing.iter().filter_map(|role| Some(SettingChange::StartDaemon(*role, wanted(role)?))));
    changes
}

/// Whether a daemon runs as it is wanted; what the file leaves open may be anything.
fn agrees(running: &SyncDaemon, wanted: &SyncDaemon) -> bool {
    fn same<T: PartialEq>(running: &Option<T>, wanted: &Option<T>) -> bool {
        wanted.is_none() || running == wanted
    }
    running.interface == wanted.interface
        && running.id == wanted.id
        && same(&running.max_length, &wanted.max_length)
        && same(&running.port, &wanted.port)
        && same(&running.ttl, &wanted.ttl)
        && same(&running.group, &wanted.group)
}

impl fmt::Display for SettingChange {
    /// The command by its old socket-option name and number, as keepalived logs a refusal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SettingChange::SetTimeouts(_) => "IP_VS_SO_SET_TIMEOUT(1162)",
            SettingChange::StartDaemon(..) => "IP_VS_SO_SET_STARTDAEMON(1163)",
            SettingChange::StopDaemon(_) => "IP_VS_SO_SET_STOPDAEMON(1164)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::InterfaceName;

    fn daemon(id: u8) -> SyncDaemon {
        let interface = InterfaceName::new("eth0").expect("a name");
        SyncDaemon { interface, instance: None, id, max_length: None, port: None, ttl: None, group: None }
    }

    fn timeouts(tcp_s: u32, tcp_fin_s: u32, udp_s: u32) -> Timeouts {
        Timeouts { tcp_s, tcp_fin_s, udp_s }
    }

    #[test]
    fn what_agrees_needs_no_command() {
        let running = SyncDaemon { ttl: Some(1), group: Some([224, 0, 0, 81].into()), ..daemon(7) };
        let current = Settings { timeouts: timeouts(900, 120, 300), daemons: [(SyncRole::Master, running)].into() };
        let wanted = [(SyncRole::Master, daemon(7))].into();
        assert_eq!(plan_settings(&current, &timeouts(900, 0, 0), Some(&wanted)), []);
        assert_eq!(plan_settings(&current, &Timeouts::default(), None), []);
    }

    #[test]
    fn a_daemon_stops_before_another_starts() {
        let current = Settings { timeouts: timeouts(900, 120, 300), daemons: [(SyncRole::Backup, daemon(7))].into() };
        let wanted = [(SyncRole::Master, daemon(7))].into();
        let changes = plan_settings(&current, &timeouts(60, 0, 300), Some(&wanted));
        assert_eq!(
            changes,
            [
                SettingChange::StopDaemon(SyncRole::Backup),
                SettingChange::SetTimeouts(timeouts(60, 0, 300)),
                SettingChange::StartDaemon(SyncRole::Master, daemon(7)),
            ]
        );
        let other = [(SyncRole::Backup, daemon(8))].into();
        let changes = plan_settings(&current, &Timeouts::default(), Some(&other));
        let expected =
            [SettingChange::StopDaemon(SyncRole::Backup), SettingChange::StartDaemon(SyncRole::Backup, daemon(8))];
        assert_eq!(changes, expected);
    }
}
