//! What the daemon as a whole does: where it runs, what it starts and ends with, how it reloads.

use std::time::Duration;

use crate::model::track::Command;

/// Settings of the daemon as a whole, of `global_defs` and outside every block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonSettings {
    /// `instance`: part of the pid files' names and of the name in the log; implies `use_pid_dir`.
    pub instance: Option<String>,
    /// `net_namespace`: the network namespace to run in; implies `use_pid_dir`.
    pub namespace: Option<String>,
    /// `net_namespace_ipvs`: where IPVS is programmed.
    pub ipvs_namespace: IpvsNamespace,
    /// `namespace_with_ipsets`: ipsets work in a namespace on kernels before 3.13.
    pub namespace_with_ipsets: bool,
    /// `use_pid_dir`: the pid files are in /run/keepalived.
    pub use_pid_directory: bool,
    /// `child_wait_time`: how long a part may take to stop, default 5 s.
    pub stop_timeout: Duration,
    /// `startup_script`, `startup_script_timeout`: run before anything begins.
    pub startup: TimedScript,
    /// `shutdown_script`, `shutdown_script_timeout`: run after everything has ended.
    pub shutdown: TimedScript,
    /// `reload_…`
    pub reload: ReloadSettings,
    /// `umask`: default 0177.
    pub umask: Umask,
    /// `config_save_dir`: where copies of the configuration that was read are kept.
    pub saved_configurations: Option<String>,
    /// `tmp_config_directory`: where the configuration that was read is put for the parts; memory when absent.
    pub temporary_configuration: Option<String>,
    /// `use_symlink_paths`: paths of scripts are used as written.
    pub keep_symbolic_links: bool,
    /// `set_supplementary_groups`: scripts get all groups of their user.
    pub supplementary_groups: bool,
    /// `iproute_usr_dir`: where the names of tables, scopes and so on are looked up.
    pub iproute_directory: Option<String>,
    /// `iproute_etc_dir`: the same, and it counts first; default `/etc/iproute2`.
    pub iproute_override: Option<String>,
}

impl Default for DaemonSettings {
    fn default() -> Self {
        DaemonSettings {
            instance: None,
            namespace: None,
            ipvs_namespace: IpvsNamespace::Same,
            namespace_with_ipsets: false,
            use_pid_directory: false,
            stop_timeout: Duration::from_secs(5),
            startup: TimedScript::default(),
            shutdown: TimedScript::default(),
            reload: ReloadSettings::default(),
            umask: Umask::default(),
            saved_configurations: None,
            temporary_configuration: None,
            keep_symbolic_links: false,
            supplementary_groups: false,
            iproute_directory: None,
            iproute_override: None,
        }
    }
}

/// `net_namespace_ipvs`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum IpvsNamespace {
    /// Not set: where everything else is.
    #[default]
    Same,
    /// The keyword alone: the machine's own.
    Machine,
    /// That one.
    Named(String),
}

/// A script and how long it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedScript {
    /// What to run.
    pub command: Option<Command>,
    /// 1 s to 1000 s, default 10 s.
    pub timeout: Duration,
}

impl Default for TimedScript {
    fn default() -> Self {
        TimedScript { command: None, timeout: Duration::from_secs(10) }
    }
}

/// `reload_…`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReloadSettings {
    /// `reload_check_config`: check the configuration first; where what is found is written, `/dev/null` by default.
    pub check: Option<String>,
    /// `reload_file`: exists while the configuration is read.
    pub marker: Option<ReloadMarker>,
    /// `reload_time_file`: holds the time of a reload to come.
    pub schedule: Option<String>,
    /// `reload_repeat`: the schedule is kept after its reload.
    pub repeat: bool,
}

/// `reload_file`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReloadMarker {
    /// The keyword alone: `keepalived.reload` beside the pid file.
    BesidePidFile,
    /// That file.
    At(String),
}

/// Permissions that files are made without: nine bits (umask(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Umask(u16);

impl Umask {
    /// `None` for more than nine bits.
    pub fn new(bits: u16) -> Option<Umask> {
        (bits <= 0o777).then_some(Umask(bits))
    }

    /// 0 to 0777.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl Default for Umask {
    fn default() -> Self {
        Umask(0o177) // keepalived.conf(5), umask
    }
}
