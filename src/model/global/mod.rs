//! `global_defs`.

mod daemon;
mod link;
mod observe;
mod process;
mod vrrp;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::lvs::LvsSettings;
use super::track::Command;

pub use daemon::{DaemonSettings, IpvsNamespace, ReloadMarker, ReloadSettings, TimedScript, Umask};
pub use link::{ClientCertificate, GarpGroup, InterfaceDelays, LinkSettings, PollMethod, PolledInterface};
pub use observe::{BufferSize, Dbus, Dumps, JsonLayout, NetlinkBuffers, Snmp};
pub use process::{AutomaticLimit, AutomaticPriority, Nice, ProcessSettings, Processes, RealtimePriority, TaskName};
pub use vrrp::{
    ChainName, DownTimerAdverts, DynamicInterfaces, ExtraGarp, Firewall, GarpDefaults, InstanceDefaults, Ipsets,
    IptablesChains, Nftables, ReceiveBuffer, ReceiveBufferPolicy, ServiceMarks, SetName, TableName, VrrpSettings,
};

/// What `global_defs` sets for the whole daemon.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Global {
    /// `router_id`: the name used in mails; `None` means the host's name.
    pub router_id: Option<String>,
    /// Who is told by mail, and how.
    pub email: EmailSettings,
    /// `enable_script_security`: refuse scripts that somebody else than root could change.
    pub script_security: bool,
    /// `script_user`, as `(user, group)`; `None` means `keepalived_script` if that user exists, else root.
    pub script_user: Option<(String, Option<String>)>,
    /// `checker_log_all_failures`: every checker has `log_all_failures`.
    pub log_all_check_failures: bool,
    /// `notify_fifo`: told of every change, of VRRP and of real servers.
    pub fifo: Option<NotifyFifo>,
    /// `lvs_notify_fifo`: told of every change of real servers.
    pub lvs_fifo: Option<NotifyFifo>,
    /// `vrrp_*`, and what else only VRRP looks at.
    pub vrrp: VrrpSettings,
    /// `lvs_*` and what else applies to all virtual servers.
    pub lvs: LvsSettings,
    /// `nftables_ipvs…`: groups of virtual servers share one firewall mark.
    pub service_marks: Option<ServiceMarks>,
    /// `no_checker_emails`: no mail about single checkers, only when a real server comes or goes.
    pub no_checker_mails: bool,
    /// What the daemon as a whole does.
    pub daemon: DaemonSettings,
    /// Names, priorities and limits of processes.
    pub processes: Processes,
    /// How interfaces are watched.
    pub links: LinkSettings,
    /// `SSL`
    pub certificate: ClientCertificate,
    /// `enable_snmp_…`
    pub snmp: Snmp,
    /// `enable_dbus`, `dbus_…`
    pub dbus: Dbus,
    /// Files written on signals.
    pub dumps: Dumps,
    /// Buffers of sockets to the kernel.
    pub buffers: NetlinkBuffers,
}

impl fmt::Debug for Global {
    /// Shows sections about which the file says nothing by leaving them out: most of them, in most files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn section<T: fmt::Debug + Default + PartialEq>(shown: &mut fmt::DebugStruct, name: &str, section: &T) {
            if *section != T::default() {
                shown.field(name, section);
            }
        }
        let Global { router_id, email, script_security, script_user, fifo, lvs_fifo, .. } = self;
        let Global { log_all_check_failures, vrrp, lvs, .. } = self;
        let Global {
            service_marks,
            no_checker_mails,
            daemon,
            processes,
            links,
            certificate,
            snmp,
            dbus,
            dumps,
            buffers,
            ..
        } = self;
        let mut shown = f.debug_struct("Global");
        shown.field("router_id", router_id).field("email", email);
        shown.field("script_security", script_security).field("script_user", script_user);
        section(&mut shown, "log_all_check_failures", log_all_check_failures);
        section(&mut shown, "fifo", fifo);
        section(&mut shown, "lvs_fifo", lvs_fifo);
        section(&mut shown, "vrrp", vrrp);
        section(&mut shown, "lvs", lvs);
        section(&mut shown, "service_marks", service_marks);
        section(&mut shown, "no_checker_mails", no_checker_mails);
        section(&mut shown, "daemon", daemon);
        section(&mut shown, "processes", processes);
        section(&mut shown, "links", links);
        section(&mut shown, "certificate", certificate);
        section(&mut shown, "snmp", snmp);
        section(&mut shown, "dbus", dbus);
        section(&mut shown, "dumps", dumps);
        section(&mut shown, "buffers", buffers);
        shown.finish()
    }
}

/// `notify_fifo`, `vrrp_notify_fifo`, `lvs_notify_fifo`: a named pipe that is told changes, line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyFifo {
    /// Where it is; made if it is not there.
    pub path: String,
    /// User and group that own it, defaults already applied; `None` is the user alived runs as.
    pub user: Option<(String, Option<String>)>,
    /// `…_script`: started to read it, with the path as its last argument.
    pub reader: Option<Command>,
}

/// `notification_email`, `notification_email_from`, `smtp_*`.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailSettings {
    /// `notification_email`: the recipients, in file order. No mail is sent when empty.
    pub recipients: Vec<String>,
    /// `notification_email_from`; `None` means `login@hostname`.
    pub from: Option<String>,
    /// `smtp_server`; no mail is sent when absent.
    pub server: Option<SocketAddr>,
    /// `smtp_helo_name`; `None` means the host's name.
    pub helo_name: Option<String>,
    /// `smtp_connect_timeout`, default 30 s.
    pub connect_timeout: Duration,
    /// `smtp_alert`, `smtp_alert_vrrp`, `smtp_alert_checker`
    pub alerts: Alerts,
    /// `no_email_faults`: no mail about FAULT.
    pub no_fault_mails: bool,
}

impl fmt::Debug for EmailSettings {
    /// Leaves out what most files say nothing about.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EmailSettings { recipients, from, server, helo_name, connect_timeout, alerts, no_fault_mails } = self;
        let mut shown = f.debug_struct("EmailSettings");
        shown.field("recipients", recipients).field("from", from).field("server", server);
        shown.field("helo_name", helo_name).field("connect_timeout", connect_timeout);
        if *alerts != Alerts::default() {
            shown.field("alerts", alerts);
        }
        if *no_fault_mails {
            shown.field("no_fault_mails", no_fault_mails);
        }
        shown.finish()
    }
}

/// Whether a change causes a mail where instance, group, virtual server and real server do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Alerts {
    /// `smtp_alert`, where the other two do not say either.
    pub all: Option<bool>,
    /// `smtp_alert_vrrp`, of instances and groups.
    pub vrrp: Option<bool>,
    /// `smtp_alert_checker`, of virtual and real servers.
    pub checker: Option<bool>,
}

impl Alerts {
    /// Of virtual and real servers that do not say themselves.
    pub fn of_checkers(&self) -> Option<bool> {
        self.checker.or(self.all)
    }
}

impl Default for EmailSettings {
    fn default() -> Self {
        EmailSettings {
            recipients: Vec::new(),
            from: None,
            server: None,
            helo_name: None,
            connect_timeout: Duration::from_secs(30), // keepalived.conf(5), smtp_connect_timeout
            alerts: Alerts::default(),
            no_fault_mails: false,
        }
    }
}
