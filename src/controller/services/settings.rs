//! Timeouts of IPVS and its sync daemons: what is wanted of them now, and the cycle of reading, comparing and applying
//! that makes it so. Without a word about them in the configuration they are never looked at.

use std::collections::{BTreeMap, BTreeSet};

use super::{ServicesAction, Severity, Unavailable};
use crate::ipvs::{self, SettingChange, plan_settings};
use crate::model::lvs::{LvsSettings, SyncDaemon, SyncRole, Timeouts};

/// See the module's description.
#[derive(Debug, Default)]
pub struct Settings {
    timeouts: Timeouts,
    daemon: Option<SyncDaemon>,
    /// The instances that are MASTER.
    masters: BTreeSet<String>,
    /// What the kernel had before it was changed here: comes back in the end.
    found: Option<Timeouts>,
    /// Sync daemons were started here, or may have been.
    had_daemon: bool,
    state: State,
    stale: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Reading,
    Applying,
}

/// A command that was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingFailure {
    /// Which one.
    pub change: SettingChange,
    /// Why, in words.
    pub reason: String,
}

impl Settings {
    /// These settings are wanted from now on.
    pub fn configure(&mut self, settings: &LvsSettings) {
        if (self.timeouts, &self.daemon) != (settings.timeouts, &settings.sync_daemon) {
            self.stale = true;
        }
        self.timeouts = settings.timeouts;
        self.daemon.clone_from(&settings.sync_daemon);
    }

    /// An instance became MASTER, or is no longer.
    pub fn instance_changed(&mut self, name: &str, is_master: bool) {
        let changed = if is_master { self.masters.insert(name.to_owned()) } else { self.masters.remove(name) };
        let decides = self.daemon.as_ref().is_some_and(|daemon| daemon.instance.as_deref() == Some(name));
        self.stale |= changed && decides;
    }

    /// Nothing is wanted any more: what was found comes back.
    pub fn stop(&mut self) {
        self.stale |= self.found.is_some() || self.had_daemon;
        (self.timeouts, self.daemon) = (Timeouts::default(), None);
    }

    /// Compares again, if there is anything to compare.
    pub fn audit(&mut self) {
        self.stale |= self.timeouts != Timeouts::default() || self.daemon.is_some();
    }

    /// The reading that is due, if nothing is under way.
    pub fn next_step(&mut self) -> Option<ServicesAction> {
        if self.state != State::Idle || !std::mem::take(&mut self.stale) {
            return None;
        }
        self.state = State::Reading;
        Some(ServicesAction::ReadSettings)
    }

    /// Takes in what was read.
    pub fn settings_read(&mut self, current: Result<ipvs::Settings, Unavailable>) -> Option<ServicesAction> {
        self.state = State::Idle;
        // The table's side says what is wrong, and when it tries again this does too.
        let current = current.ok()?;
        let wanted = match (self.timeouts == Timeouts::default(), self.found) {
            (false, Some(found)) => self.timeouts.over(&found),
            (false, None) => {
                self.found = Some(current.timeouts);
                self.timeouts
            }
            (true, found) => {
                self.found = None;
                found.unwrap_or_default()
            }
        };
        let daemons = self.daemons();
        self.had_daemon |= self.daemon.is_some();
        let changes = plan_settings(&current, &wanted, self.had_daemon.then_some(&daemons));
        self.had_daemon = self.daemon.is_some();
        if changes.is_empty() {
            return None;
        }
        self.state = State::Applying;
        Some(ServicesAction::ApplySettings(changes))
    }

    /// The changes were carried out but for `failures`.
    pub fn applied(&mut self, failures: Vec<SettingFailure>) -> Vec<ServicesAction> {
        self.state = State::Idle;
        let line = |failure: SettingFailure| format!("IPVS cmd {} error: {}", failure.change, failure.reason);
        failures.into_iter().map(|failure| ServicesAction::Report(Severity::Warning, line(failure))).collect()
    }

    /// Nothing is under way and nothing is due.
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle && !self.stale
    }

    /// The sync daemons that should run: both, or the one that goes with the state of the instance.
    fn daemons(&self) -> BTreeMap<SyncRole, SyncDaemon> {
        let Some(daemon) = &self.daemon else { return BTreeMap::new() };
        let roles: &[SyncRole] = match &daemon.instance {
            None => &SyncRole::ALL,
            Some(instance) if self.masters.contains(instance) => &[SyncRole::Master],
            Some(_) => &[SyncRole::Backup],
        };
        roles.iter().map(|role| (*role, daemon.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::InterfaceName;

    const FOUND: Timeouts = Timeouts { tcp_s: 900, tcp_fin_s: 120, udp_s: 300 };

    fn daemon(instance: Option<&str>) -> SyncDaemon {
        SyncDaemon {
            interface: InterfaceName::new("eth0").expect("a name"),
            instance: instance.map(str::to_owned),
            id: 7,
            max_length: None,
            port: None,
            ttl: None,
            group: None,
        }
    }

    fn tcp(tcp_s: u32) -> LvsSettings {
        LvsSettings { timeouts: Timeouts { tcp_s, ..Timeouts::default() }, ..LvsSettings::default() }
    }

    /// Lets the cycle run on a kernel; the commands it took.
    fn settle(settings: &mut Settings, kernel: &mut ipvs::Settings) -> Vec<SettingChange> {
        let mut done = Vec::new();
        while settings.next_step().is_some() {
            let Some(ServicesAction::ApplySettings(changes)) = settings.settings_read(Ok(kernel.clone())) else {
                continue;
            };
            for change in &changes {
                match change.clone() {
                    SettingChange::StopDaemon(role) => drop(kernel.daemons.remove(&role).expect("it runs")),
                    SettingChange::StartDaemon(role, daemon) => {
                        assert_eq!(kernel.daemons.insert(role, daemon), None);
                    }
                    SettingChange::SetTimeouts(timeouts) => kernel.timeouts = timeouts.over(&kernel.timeouts),
                }
            }
            done.extend(changes);
            settings.applied(Vec::new());
        }
        assert!(settings.is_idle());
        done
    }

    fn kernel() -> ipvs::Settings {
        ipvs::Settings { timeouts: FOUND, ..ipvs::Settings::default() }
    }

    #[test]
    fn timeouts_that_were_found_come_back() {
        let (mut settings, mut kernel) = (Settings::default(), kernel());
        assert_eq!(settle(&mut settings, &mut kernel), []);
        settings.configure(&tcp(7200));
        settle(&mut settings, &mut kernel);
        assert_eq!(kernel.timeouts, Timeouts { tcp_s: 7200, ..FOUND });
        let udp = LvsSettings { timeouts: Timeouts { udp_s: 60, ..Timeouts::default() }, ..LvsSettings::default() };
        settings.configure(&udp);
        settle(&mut settings, &mut kernel);
        assert_eq!(kernel.timeouts, Timeouts { udp_s: 60, ..FOUND });
        settings.configure(&LvsSettings::default());
        settle(&mut settings, &mut kernel);
        assert_eq!(kernel.timeouts, FOUND);
        settings.configure(&tcp(7200));
        settle(&mut settings, &mut kernel);
        settings.stop();
        settle(&mut settings, &mut kernel);
        assert_eq!(kernel.timeouts, FOUND);
    }

    #[test]
    fn the_role_of_a_sync_daemon_follows_its_instance() {
        let (mut settings, mut kernel) = (Settings::default(), kernel());
        settings.configure(&LvsSettings { sync_daemon: Some(daemon(Some("V"))), ..LvsSettings::default() });
        settle(&mut settings, &mut kernel);
        assert_eq!(kernel.daemons.keys().copied().collect::<Vec<_>>(), [SyncRole::Backup]);
        settings.instance_changed("other", true);
        assert_eq!(settle(&mut settings, &mut kernel), []);
        settings.instance_changed("V", true);
        settle(&mut settings, &mut kernel);
        assert_eq!(kernel.daemons.keys().copied().collect::<Vec<_>>(), [SyncRole::Master]);
        settings.stop();
        settle(&mut settings, &mut kernel);
        assert!(kernel.daemons.is_empty());
    }

    #[test]
    fn without_an_instance_both_run_and_what_a_crash_left_is_adopted() {
        let (mut settings, mut kernel) = (Settings::default(), kernel());
        kernel.daemons.insert(SyncRole::Master, daemon(None));
        settings.configure(&LvsSettings { sync_daemon: Some(daemon(None)), ..LvsSettings::default() });
        assert_eq!(settle(&mut settings, &mut kernel), [SettingChange::StartDaemon(SyncRole::Backup, daemon(None))]);
        settings.configure(&LvsSettings::default());
        settle(&mut settings, &mut kernel);
        assert!(kernel.daemons.is_empty());
    }
}
