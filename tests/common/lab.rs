//! One laboratory: hosts on a switch, and a capture of everything between them.

use std::cell::RefCell;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use ipnet::Ipv4Net;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::capture::Capture;
use super::daemon::{Daemon, Program, read_log};
use super::decode::{self, Advert, Garp};
use super::namespace::Namespace;
use super::wait::{Stamp, eventually, stamp, throughout, wait_for};

/// How many laboratories run at once: they mostly wait, but their timers must not be late.
const AT_ONCE: u32 = 4;
/// How long two routers may take to settle: three adverts, skew, and a slow machine.
const SETTLE: Duration = Duration::from_secs(20);

/// A host to be built.
#[derive(Debug, Clone)]
pub struct HostPlan {
    /// One word; also names the switch port.
    pub name: &'static str,
    /// Name of its interface.
    pub interface: &'static str,
    /// Address of the interface.
    pub address: Ipv4Net,
}

impl HostPlan {
    /// `name` with eth0 and 10.99.0.`last`/24.
    pub fn numbered(name: &'static str, last: u8) -> HostPlan {
        let address = Ipv4Net::new(Ipv4Addr::new(10, 99, 0, last), 24).expect("24 is a prefix length");
        HostPlan { name, interface: "eth0", address }
    }
}

/// A host in the laboratory.
pub struct Host {
    plan: HostPlan,
    namespace: Namespace,
    directory: PathBuf,
    /// Address of its interface's hardware.
    pub mac: [u8; 6],
    daemon: RefCell<Option<Daemon>>,
}

/// The laboratory. Dropping it stops everything and removes its namespaces; after a failed test it prints every log.
pub struct Lab {
    hosts: Vec<Host>,
    switch: Namespace,
    /// `None` only while the laboratory is being taken down.
    capture: Option<Capture>,
    directory: TempDir,
    _place: Place,
}

impl Lab {
    /// Two hosts, `a` (10.99.0.11) and `b` (10.99.0.12).
    pub fn pair() -> Lab {
        Lab::new(vec![HostPlan::numbered("a", 11), HostPlan::numbered("b", 12)])
    }

    /// Builds `plans` on one switch and starts the capture.
    pub fn new(plans: Vec<HostPlan>) -> Lab {
        assert!(nix::unistd::geteuid().is_root(), "these tests make network namespaces and need root");
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let place = Place::take();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = tempfile::Builder::new().prefix("alived-lab-").tempdir().expect("a temporary directory");
        let switch = Namespace::create(&format!("{number}-switch"));
        switch.ip(&["link", "add", "br0", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0"]);
        switch.ip(&["link", "set", "br0", "up"]);
        let hosts = (1..).zip(plans).map(|(i, plan)| Host::build(plan, i, number, &switch, directory.path())).collect();
        let capture = Some(Capture::start(&switch, directory.path()));
        Lab { hosts, switch, capture, directory, _place: place }
    }

    /// The host called `name`.
    #[track_caller]
    pub fn host(&self, name: &str) -> &Host {
        self.hosts.iter().find(|host| host.plan.name == name).unwrap_or_else(|| panic!("no host {name} was planned"))
    }

    /// What the switch has seen.
    pub fn capture(&self) -> &Capture {
        self.capture.as_ref().expect("the capture runs until the laboratory is dropped")
    }

    /// A place for the test's own files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The hosts that hold `vip` right now, in the order they were planned.
    pub fn owners(&self, vip: Ipv4Addr) -> Vec<&str> {
        self.hosts.iter().filter(|host| host.holds(vip)).map(|host| host.plan.name).collect()
    }

    /// Returns once `owner` alone holds `vip` and has announced it; then it must stay so for one and a half adverts.
    #[track_caller]
    pub fn settle(&self, owner: &str, vip: Ipv4Addr) {
        eventually(&format!("{owner} alone to hold {vip}"), SETTLE, || self.owners(vip) == [owner]);
        throughout(&format!("{owner} alone holds {vip}"), Duration::from_millis(1500), || self.owners(vip) == [owner]);
    }

    /// Takes the switch port of `host` down: the host loses its carrier. The moment just before.
    pub fn cut_link(&self, host: &str) -> Stamp {
        let before = stamp();
        self.switch.ip(&["link", "set", &port(host), "down"]);
        before
    }

    /// Takes the switch port up again.
    pub fn restore_link(&self, host: &str) {
        self.switch.ip(&["link", "set", &port(host), "up"]);
    }

    /// Keeps the hosts from each other: each has a carrier, and nobody hears it but the capture.
    pub fn isolate(&self) {
        for host in &self.hosts {
            self.switch.ip(&["link", "set", &port(host.plan.name), "type", "bridge_slave", "isolated", "on"]);
        }
    }

    /// The adverts `host` sent since `since`.
    pub fn adverts_of(&self, host: &Host, since: Stamp) -> Vec<Advert> {
        self.capture().adverts().into_iter().filter(|advert| advert.mac == host.mac && advert.at >= since).collect()
    }

    /// The gratuitous ARPs `host` sent since `since`.
    pub fn garps_of(&self, host: &Host, since: Stamp) -> Vec<Garp> {
        self.capture().garps().into_iter().filter(|garp| garp.mac == host.mac && garp.at >= since).collect()
    }

    /// Waits for the next advert of `host`.
    #[track_caller]
    pub fn next_advert(&self, host: &Host, limit: Duration) -> Advert {
        let now = stamp();
        wait_for(&format!("an advert of {}", host.plan.name), limit, || self.adverts_of(host, now).into_iter().next())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if thread::panicking() {
            for host in &self.hosts {
                eprintln!("---- log of host {}\n{}", host.plan.name, host.log());
            }
            eprintln!("---- adverts and gratuitous ARPs on the switch");
            for frame in self.capture().frames() {
                if let Some(advert) = decode::advert(&frame) {
                    eprintln!("{advert:?}");
                } else if let Some(garp) = decode::garp(&frame) {
                    eprintln!("{garp:?}");
                }
            }
        }
        // The daemons before the capture, both before their namespaces.
        for host in &self.hosts {
            if let Some(daemon) = host.daemon.take() {
                daemon.kill(&host.namespace);
            }
        }
        self.capture = None;
    }
}

impl Host {
    fn build(plan: HostPlan, index: u8, lab: u32, switch: &Namespace, directory: &Path) -> Host {
        let namespace = Namespace::create(&format!("{lab}-{}", plan.name));
        let mac = [0x02, 0x00, 0x5e, 0x99, 0x00, index];
        let mac_text = mac.map(|octet| format!("{octet:02x}")).join(":");
        let (port, interface, address) = (port(plan.name), plan.interface, plan.address.to_string());
        let peer = ["peer", "name", interface, "netns", namespace.name(), "address", &mac_text];
        switch.ip(&[&["link", "add", &port, "type", "veth"], peer.as_slice()].concat());
        switch.ip(&["link", "set", &port, "master", "br0", "up"]);
        namespace.ip(&["link", "set", interface, "up"]);
        namespace.ip(&["address", "add", &address, "broadcast", "+", "dev", interface]);
        let directory = directory.join(plan.name);
        fs::create_dir(&directory).expect("a directory for the host");
        Host { plan, namespace, directory, mac, daemon: RefCell::new(None) }
    }

    /// Its own address.
    pub fn address(&self) -> Ipv4Addr {
        self.plan.address.addr()
    }

    /// The name of its interface.
    pub fn interface(&self) -> &'static str {
        self.plan.interface
    }

    /// Its namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Gives it IPv6, which hosts are built without.
    pub fn enable_ipv6(&self) {
        for interfaces in ["all", "default"] {
            self.namespace.set_sysctl(&format!("net/ipv6/conf/{interfaces}/disable_ipv6"), "0");
        }
    }

    /// Its directory: configuration, log, pid files.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Starts a daemon on it.
    pub fn start(&self, program: Program, conf: &str) {
        let mut daemon = self.daemon.borrow_mut();
        assert!(daemon.is_none(), "host {} already runs a daemon", self.plan.name);
        *daemon = Some(Daemon::start(program, &self.namespace, &self.directory, conf));
    }

    /// SIGKILL of every process of its daemon. The moment just before.
    pub fn kill(&self) -> Stamp {
        let before = stamp();
        self.daemon.take().expect("a running daemon").kill(&self.namespace);
        before
    }

    /// SIGTERM; returns when the daemon is gone.
    pub fn terminate(&self) -> ExitStatus {
        self.daemon.take().expect("a running daemon").terminate(&self.namespace)
    }

    /// Writes a new configuration and tells the daemon with SIGHUP. The moment just before.
    pub fn reload(&self, conf: &[u8]) -> Stamp {
        let daemon = self.daemon.borrow();
        let daemon = daemon.as_ref().expect("a running daemon");
        daemon.write_conf(conf);
        let before = stamp();
        daemon.signal(Signal::SIGHUP);
        before
    }

    /// The path of its daemon's configuration.
    pub fn conf_file(&self) -> PathBuf {
        self.daemon.borrow().as_ref().expect("a running daemon").conf_file()
    }

    /// SIGHUP with the file as it is. The moment just before.
    pub fn hang_up(&self) -> Stamp {
        self.signal(Signal::SIGHUP)
    }

    /// Any signal. The moment just before.
    pub fn signal(&self, signal: Signal) -> Stamp {
        let before = stamp();
        self.daemon.borrow().as_ref().expect("a running daemon").signal(signal);
        before
    }

    /// Whether its daemon still runs.
    pub fn is_running(&self) -> bool {
        self.daemon.borrow_mut().as_mut().is_some_and(Daemon::is_running)
    }

    /// Everything its daemons have said.
    pub fn log(&self) -> String {
        read_log(&self.directory)
    }

    /// Whether the kernel has `address` on any of its interfaces.
    pub fn holds(&self, address: Ipv4Addr) -> bool {
        self.addresses().iter().any(|net| net.addr() == address)
    }

    /// The IPv4 addresses of its interface, in the kernel's order.
    pub fn addresses(&self) -> Vec<Ipv4Net> {
        let text = self.namespace.ip(&["-4", "-json", "address", "show", "dev", self.plan.interface]);
        let links: serde_json::Value = serde_json::from_str(&text).expect("ip -json prints JSON");
        let infos = links.as_array().into_iter().flatten().filter_map(|link| link["addr_info"].as_array()).flatten();
        infos
            .map(|info| {
                let address = info["local"].as_str().expect("an address").parse().expect("an IPv4 address");
                Ipv4Net::new(address, info["prefixlen"].as_u64().expect("a prefix length") as u8).expect("valid")
            })
            .collect()
    }
}

fn port(host: &str) -> String {
    format!("to-{host}")
}

/// One of the [`AT_ONCE`] places; given back when dropped.
struct Place;

static TAKEN: Mutex<u32> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

impl Place {
    fn take() -> Place {
        let mut taken = Place::count();
        while *taken >= AT_ONCE {
            taken = FREED.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += 1;
        Place
    }

    fn count() -> MutexGuard<'static, u32> {
        TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *Place::count() -= 1;
        FREED.notify_one();
    }
}
