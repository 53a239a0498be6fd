//! Does alived share a virtual router with the real keepalived in every dialect: versions, families, transports, and
//! authentication? In either role: taking over from a dead master, giving way to a better one that returns, and taking
//! over from one that says goodbye.

use std::net::IpAddr;
use std::time::Duration;

use crate::common::daemon::Program::{self, Alived, Keepalived};
use crate::common::lab::{Host, Lab};
use crate::common::wait::{eventually, throughout};

/// From silence to take-over at one advert a second, with room for a busy machine.
const LIMIT: Duration = Duration::from_secs(12);

/// One way to speak VRRP.
#[derive(Debug, Clone, Copy)]
struct Dialect {
    version: u8,
    ipv6: bool,
    unicast: bool,
    /// The `authentication` block, or other lines of the instance.
    lines: &'static str,
}

const AH: &str = "authentication {\n auth_type AH\n auth_pass secret\n }";

impl Dialect {
    fn addresses(self) -> [&'static str; 2] {
        if self.ipv6 { ["fe80::99:1/64", "fd99::100:1/64"] } else { ["10.99.0.100/24", "10.99.0.101/24"] }
    }

    fn source(self, name: &str) -> &'static str {
        match (self.ipv6, name) {
            (false, "a") => "10.99.0.11",
            (false, _) => "10.99.0.12",
            (true, "a") => "fd99::11",
            (true, _) => "fd99::12",
        }
    }

    fn conf(self, name: &str, priority: u8) -> String {
        let peer = if name == "a" { "b" } else { "a" };
        let unicast = match self.unicast {
            true => format!("unicast_src_ip {}\n unicast_peer {{\n {}\n }}", self.source(name), self.source(peer)),
            false => String::new(),
        };
        format!(
            "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n version {}\n priority {priority}\n \
             advert_int 1\n {unicast}\n {}\n virtual_ipaddress {{\n {}\n }}\n}}\n",
            self.version,
            self.lines,
            self.addresses().join("\n ")
        )
    }
}

fn holds(host: &Host, dialect: Dialect) -> bool {
    let text = host.namespace().ip(&["-json", "address", "show", "dev", "eth0"]);
    let links: serde_json::Value = serde_json::from_str(&text).expect("ip -json prints JSON");
    let infos = links.as_array().into_iter().flatten().filter_map(|link| link["addr_info"].as_array()).flatten();
    let held: Vec<IpAddr> = infos.filter_map(|info| info["local"].as_str()?.parse().ok()).collect();
    dialect.addresses().iter().all(|address| {
        let address = address.split('/').next().and_then(|address| address.parse().ok()).expect("an address");
        held.contains(&address)
    })
}

fn owners(lab: &Lab, dialect: Dialect) -> Vec<&'static str> {
    ["a", "b"].into_iter().filter(|name| holds(lab.host(name), dialect)).collect()
}

#[track_caller]
fn settle(lab: &Lab, dialect: Dialect, owner: &str) {
    eventually(&format!("{owner} alone to own the addresses"), LIMIT, || owners(lab, dialect) == [owner]);
    // Two masters that do not understand each other would both claim them within this time.
    throughout(&format!("{owner} alone owns the addresses"), Duration::from_secs(4), || {
        owners(lab, dialect) == [owner]
    });
}

fn plays(a: Program, b: Program, dialect: Dialect) {
    let lab = Lab::pair();
    for name in ["a", "b"] {
        let namespace = lab.host(name).namespace();
        namespace.set_sysctl("net/ipv6/conf/eth0/disable_ipv6", "0");
        let own = format!("{}/64", Dialect { ipv6: true, ..dialect }.source(name));
        namespace.ip(&["address", "add", &own, "dev", "eth0", "nodad"]);
        eventually("a link-local address that may be used", LIMIT, || {
            let ready = namespace.ip(&["-6", "address", "show", "dev", "eth0", "scope", "link"]).contains("fe80::");
            ready && namespace.ip(&["-6", "address", "show", "dev", "eth0", "tentative"]).trim().is_empty()
        });
    }
    lab.host("a").start(a, &dialect.conf("a", 150));
    lab.host("b").start(b, &dialect.conf("b", 100));
    settle(&lab, dialect, "a");
    lab.host("a").kill();
    eventually("b to take over from a dead master", LIMIT, || holds(lab.host("b"), dialect));
    lab.host("a").start(a, &dialect.conf("a", 150));
    settle(&lab, dialect, "a");
    lab.host("a").terminate();
    settle(&lab, dialect, "b");
}

macro_rules! in_either_role {
    ($($name:ident: $dialect:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn alived_before_keepalived() {
                plays(Alived, Keepalived, $dialect);
            }

            #[test]
            fn keepalived_before_alived() {
                plays(Keepalived, Alived, $dialect);
            }
        }
    )*};
}

in_either_role! {
    version_3_over_ipv6_multicast: Dialect { version: 3, ipv6: true, unicast: false, lines: "" };
    version_3_over_ipv6_unicast: Dialect { version: 3, ipv6: true, unicast: true, lines: "" };
    version_2_over_ipv6_multicast: Dialect { version: 2, ipv6: true, unicast: false, lines: "" };
    authentication_header_multicast: Dialect { version: 2, ipv6: false, unicast: false, lines: AH };
    authentication_header_unicast: Dialect { version: 2, ipv6: false, unicast: true, lines: AH };
    old_unicast_checksum: Dialect { version: 3, ipv6: false, unicast: true, lines: "old_unicast_checksum" };
    another_group: Dialect { version: 2, ipv6: false, unicast: false, lines: "mcast_dst_ip 224.0.0.77" };
}
