//! SNMP, D-Bus, dumps and buffers.

use std::num::NonZeroU32;

use crate::config::context::Context;
use crate::config::cursor::Line;
use crate::config::values;
use crate::model::{Dbus, Dumps, JsonLayout, NetlinkBuffers, Nftables, ServiceMarks, Snmp};

use super::daemon::alone;
use super::read::{flag, number, set, strict_number, text};
use super::vrrp::table;

/// keepalived's name of the nftables table for virtual servers, and the first mark that it gives away.
const TABLE: &str = "keepalived_ipvs";
const FIRST_MARK: NonZeroU32 = NonZeroU32::new(1000).unwrap();

/// What is seen from outside.
#[derive(Default)]
pub(super) struct Observation {
    pub(super) no_checker_mails: bool,
    pub(super) snmp: Snmp,
    pub(super) dbus: Dbus,
    pub(super) dumps: Dumps,
    pub(super) buffers: NetlinkBuffers,
    pub(super) service_marks: Option<ServiceMarks>,
}

impl Observation {
    /// Takes the line if it is one of these.
    pub(super) fn line(&mut self, context: &mut Context, line: &Line) -> bool {
        let name = line.keyword.name.as_str();
        let is_buffer = name.ends_with("_rcv_bufs") || name.ends_with("_rcv_bufs_force");
        match name {
            _ if is_buffer => self.buffer(context, line),
            _ if name.contains("snmp") || name == "enable_traps" => self.snmp(context, line),
            _ if name.starts_with("nftables_ipvs") => self.service_marks(context, line),
            "no_checker_emails" => set(&mut self.no_checker_mails, flag(context, line)),
            "enable_dbus" => self.dbus.enabled = true,
            "dbus_service_name" => self.dbus.service = text(line),
            "dbus_no_interface_name" => self.dbus.no_interface = text(line),
            "data_use_instance" => set(&mut self.dumps.use_instance, flag(context, line)),
            "json_version" => {
                let layout = number::<u8>(context, line);
                let layout = layout.map(|layout| if layout == 2 { JsonLayout::Object } else { JsonLayout::Instances });
                set(&mut self.dumps.json, layout);
            }
            "state_dump_file" => self.dumps.state_file = text(line),
            _ => return false,
        }
        true
    }

    fn buffer(&mut self, context: &mut Context, line: &Line) {
        let name = line.keyword.name.as_str();
        let (socket, force) = match name.strip_suffix("_rcv_bufs_force") {
            Some(socket) => (socket, true),
            None => (name.trim_end_matches("_rcv_bufs"), false),
        };
        let buffer = match socket {
            "vrrp_netlink_cmd" => &mut self.buffers.vrrp_command,
            "vrrp_netlink_monitor" => &mut self.buffers.vrrp_monitor,
            "lvs_netlink_cmd" => &mut self.buffers.lvs_command,
            "lvs_netlink_monitor" => &mut self.buffers.lvs_monitor,
            "process_monitor" => &mut self.buffers.process_monitor,
            other => unreachable!("grammar/global_defs.conf has a buffer of '{other}'"),
        };
        if force {
            set(&mut buffer.force, flag(context, line));
        } else {
            buffer.bytes = strict_number(context, line).and_then(NonZeroU32::new).or(buffer.bytes);
        }
    }

    fn snmp(&mut self, context: &mut Context, line: &Line) {
        let snmp = &mut self.snmp;
        match line.keyword.name.as_str() {
            "snmp_socket" => {
                if alone(context, line, "Too many parameters specified for snmp_socket - ignoring") {
                    snmp.socket = text(line);
                }
            }
            "enable_traps" => snmp.traps = true,
            "enable_snmp_vrrp" | "enable_snmp_keepalived" => snmp.vrrp = true,
            "enable_snmp_rfc" => (snmp.rfc_v2, snmp.rfc_v3) = (true, true),
            "enable_snmp_rfcv2" => snmp.rfc_v2 = true,
            "enable_snmp_rfcv3" => snmp.rfc_v3 = true,
            "enable_snmp_checker" => snmp.checker = true,
            "snmp_vs_stats_update_interval" => set(&mut snmp.service_statistics, values::duration(context, line)),
            "snmp_rs_stats_update_interval" => {
                snmp.server_statistics = values::duration(context, line).or(snmp.server_statistics);
            }
            other => unreachable!("grammar/global_defs.conf has '{other}'"),
        }
    }

    fn service_marks(&mut self, context: &mut Context, line: &Line) {
        match (line.keyword.name.as_str(), &mut self.service_marks) {
            ("nftables_ipvs", place) => {
                let nftables: Option<Nftables> = table(context, line, TABLE);
                *place = nftables.map(|nftables| ServiceMarks { nftables, first_mark: FIRST_MARK });
            }
            ("nftables_ipvs_priority", place) => {
                let priority = values::integer(context, line, values::Garbage::Refused);
                if let (Some(marks), Some(priority)) = (place, priority) {
                    marks.nftables.priority = priority as i32; // the grammar's range is that of an i32
                }
            }
            (_, place) => {
                let first = strict_number(context, line).and_then(NonZeroU32::new);
                if let (Some(marks), Some(first)) = (place, first) {
                    marks.first_mark = first;
                }
            }
        }
    }
}
