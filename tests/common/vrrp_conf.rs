//! Configurations for VRRP tests: one instance whose interesting lines a test can see.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

/// The address that moves between the laboratory's numbered hosts.
pub const VIP: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 100);
/// The virtual router of these configurations.
pub const VRID: u8 = 55;
/// Its password.
pub const PASSWORD: &str = "1234";

/// How adverts travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Multicast,
    Unicast { own: Ipv4Addr, peer: Ipv4Addr },
}

/// A configuration with one `vrrp_instance`, called VI_1.
#[derive(Debug, Clone)]
pub struct VrrpConf {
    pub priority: u8,
    pub transport: Transport,
    pub addresses: Vec<String>,
    /// `advert_int` of VRRPv3, in hundredths of a second; `None` is VRRPv2 with PASS and one second.
    pub version_3: Option<u32>,
    /// More lines inside the instance.
    pub instance_lines: String,
    /// More blocks before it.
    pub blocks: String,
}

impl VrrpConf {
    /// Multicast, PASS, advert_int 1, [`VIP`]/24.
    pub fn with_priority(priority: u8) -> VrrpConf {
        VrrpConf {
            priority,
            transport: Transport::Multicast,
            addresses: vec![format!("{VIP}/24")],
            version_3: None,
            instance_lines: String::new(),
            blocks: String::new(),
        }
    }

    /// The same, over `transport`.
    pub fn over(mut self, transport: Transport) -> VrrpConf {
        self.transport = transport;
        self
    }

    /// The same in VRRPv3, with an advert every so many hundredths of a second.
    pub fn version_3(mut self, hundredths: u32) -> VrrpConf {
        self.version_3 = Some(hundredths);
        self
    }

    /// The same, with `line` in the instance.
    pub fn line(mut self, line: &str) -> VrrpConf {
        writeln!(self.instance_lines, "    {line}").expect("writing to a string");
        self
    }

    /// The file.
    pub fn text(&self) -> String {
        let transport = match self.transport {
            Transport::Multicast => String::new(),
            Transport::Unicast { own, peer } => {
                format!("    unicast_src_ip {own}\n    unicast_peer {{\n        {peer}\n    }}\n")
            }
        };
        let protocol = match self.version_3 {
            None => format!(
                "    advert_int 1\n    authentication {{\n        auth_type PASS\n        auth_pass {PASSWORD}\n    }}\n"
            ),
            Some(hundredths) => format!("    version 3\n    advert_int {}.{:02}\n", hundredths / 100, hundredths % 100),
        };
        format!(
            "{}vrrp_instance VI_1 {{
    state BACKUP
    interface eth0
    virtual_router_id {VRID}
    priority {}
{protocol}{transport}{}    virtual_ipaddress {{
        {}
    }}
}}
",
            self.blocks,
            self.priority,
            self.instance_lines,
            self.addresses.join("\n        "),
        )
    }
}

/// Skew of VRRPv2 (RFC 3768 §6.1): (256 − priority) / 256 s.
pub fn skew_time(priority: u8) -> Duration {
    Duration::from_micros((256 - u64::from(priority)) * 1_000_000 / 256)
}

/// Three adverts of one second and the skew: how long a backup waits for a silent master.
pub fn master_down_interval(priority: u8) -> Duration {
    Duration::from_secs(3) + skew_time(priority)
}
