//! A machine that exists only on paper, for tests that must not depend on the one they run on.

use std::net::IpAddr;

use alived::config::{Host, Interface, Script};
use alived::model::InterfaceName;

/// A machine with two network interfaces, a network namespace, the user and group root, and a few scripts in `/etc/keepalived`.
pub struct PaperHost;

impl Host for PaperHost {
    fn interface(&self, name: &InterfaceName) -> Interface {
        match name.as_str() {
            "lo" => Interface::Loopback,
            "eth0" | "eth1" | "ens33" => Interface::Usable,
            _ => Interface::Missing,
        }
    }

    fn user(&self, name: &str) -> Option<u32> {
        (name == "root").then_some(0)
    }

    fn group(&self, name: &str) -> Option<u32> {
        (name == "root").then_some(0)
    }

    fn script(&self, program: &str) -> Script {
        match program {
            "/etc/keepalived/ok.sh" => Script::Secure,
            "/etc/keepalived/plain.sh" => Script::NotExecutable,
            "/etc/keepalived/insecure.sh" => Script::Insecure,
            _ => Script::Missing,
        }
    }

    fn has_network_namespace(&self, name: &str) -> bool {
        name == "red"
    }

    fn resolve(&self, name: &str) -> Option<IpAddr> {
        (name == "localhost").then(|| "127.0.0.1".parse().expect("an address"))
    }
}
