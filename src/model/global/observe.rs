//! How the daemon is watched: SNMP, D-Bus, dumps; and the buffers it listens to the kernel with.

use std::num::NonZeroU32;
use std::time::Duration;

/// `enable_snmp_…`, `snmp_…`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snmp {
    /// `snmp_socket`: address of the AgentX master; net-snmp's own when absent.
    pub socket: Option<String>,
    /// `enable_traps`
    pub traps: bool,
    /// `enable_snmp_vrrp`: the part of KEEPALIVED-MIB about VRRP.
    pub vrrp: bool,
    /// `enable_snmp_rfc`, `enable_snmp_rfcv2`: VRRP-MIB (RFC 2787).
    pub rfc_v2: bool,
    /// `enable_snmp_rfc`, `enable_snmp_rfcv3`: VRRPV3-MIB (RFC 6527).
    pub rfc_v3: bool,
    /// `enable_snmp_checker`: the part of KEEPALIVED-MIB about virtual servers.
    pub checker: bool,
    /// `snmp_vs_stats_update_interval`: age at which counters of virtual servers are read again, default 5 s.
    pub service_statistics: Duration,
    /// `snmp_rs_stats_update_interval`: the same for real servers; that of virtual servers when absent.
    pub server_statistics: Option<Duration>,
}

impl Default for Snmp {
    fn default() -> Self {
        Snmp {
            socket: None,
            traps: false,
            vrrp: false,
            rfc_v2: false,
            rfc_v3: false,
            checker: false,
            service_statistics: Duration::from_secs(5),
            server_statistics: None,
        }
    }
}

/// `enable_dbus`, `dbus_…`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dbus {
    /// `enable_dbus`
    pub enabled: bool,
    /// `dbus_service_name`; `org.keepalived.Vrrp1` when absent.
    pub service: Option<String>,
    /// `dbus_no_interface_name`: stands in object paths for an interface that an instance does not have.
    pub no_interface: Option<String>,
}

/// Files written on SIGUSR1, SIGUSR2 and their like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dumps {
    /// `data_use_instance`: names of the instance and the namespace are part of the files' names.
    pub use_instance: bool,
    /// `json_version`
    pub json: JsonLayout,
    /// `state_dump_file`: a template; `/tmp/keepalived.data` when absent.
    pub state_file: Option<String>,
}

/// `json_version`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JsonLayout {
    /// 1: an array of instances.
    #[default]
    Instances,
    /// 2: an object with the instances and the tracked objects.
    Object,
}

/// `…_rcv_bufs`, `…_rcv_bufs_force`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetlinkBuffers {
    /// `vrrp_netlink_cmd_…`
    pub vrrp_command: BufferSize,
    /// `vrrp_netlink_monitor_…`
    pub vrrp_monitor: BufferSize,
    /// `lvs_netlink_cmd_…`
    pub lvs_command: BufferSize,
    /// `lvs_netlink_monitor_…`
    pub lvs_monitor: BufferSize,
    /// `process_monitor_…`
    pub process_monitor: BufferSize,
}

/// The receive buffer of one socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BufferSize {
    /// In bytes; the kernel's own when absent, or 0 in the file.
    pub bytes: Option<NonZeroU32>,
    /// It may be larger than `net.core.rmem_max`.
    pub force: bool,
}
