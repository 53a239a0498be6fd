//! BFD beside three other implementations: keepalived's own, BIRD and FRR. Sessions come up, are lost within the
//! detection time, and come back; what is forged changes nothing; a VRRP instance follows its session.

use std::cell::RefCell;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::common::daemon::Program;
use crate::common::lab::{Host, Lab};
use crate::common::namespace::run;
use crate::common::vrrp_conf::{VIP, VrrpConf};
use crate::common::wait::{eventually, throughout, wait_for};

/// `min_rx`, `min_tx` and the multiplier of every session here.
const INTERVAL_MS: u32 = 50;
const MULTIPLIER: u32 = 3;
const DETECTION: Duration = Duration::from_millis((INTERVAL_MS * MULTIPLIER) as u64);
/// How late a loaded machine may be.
const LATENESS: Duration = Duration::from_millis(250);
/// Slow packets once a second, three of them, and a start.
const COMES_UP: Duration = Duration::from_secs(10);

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    Alived,
    Keepalived,
    Bird,
    Frr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Ipv4,
    Ipv6,
}

impl Family {
    fn address(self, host: &str) -> String {
        let last = if host == "a" { 11 } else { 12 };
        match self {
            Family::Ipv4 => format!("10.99.0.{last}"),
            Family::Ipv6 => format!("fd99::{last}"),
        }
    }
}

/// alived on a, somebody else on b.
struct Neighbours {
    lab: Lab,
    peer: Peer,
    family: Family,
    children: RefCell<Vec<Child>>,
}

impl Neighbours {
    /// Both started; `more` goes into alived's session, `instances` behind it.
    fn start(peer: Peer, family: Family, more: &str, instances: &str) -> Neighbours {
        let lab = Lab::pair();
        for name in ["a", "b"] {
            let namespace = lab.host(name).namespace();
            namespace.set_sysctl("net/ipv6/conf/eth0/disable_ipv6", "0");
            let address = format!("{}/64", Family::Ipv6.address(name));
            namespace.ip(&["addr", "add", &address, "dev", "eth0", "nodad"]);
        }
        let neighbours = Neighbours { lab, peer, family, children: RefCell::new(Vec::new()) };
        neighbours.start_peer();
        neighbours.a().start(Program::Alived, &format!("{}{instances}", neighbours.conf("a", more)));
        neighbours
    }

    fn a(&self) -> &Host {
        self.lab.host("a")
    }

    fn b(&self) -> &Host {
        self.lab.host("b")
    }

    /// A `bfd_instance` called peer on `host`, and an instance that tracks it: keepalived runs no BFD for nobody.
    fn conf(&self, host: &str, more: &str) -> String {
        let other = if host == "a" { "b" } else { "a" };
        let (own, neighbour) = (self.family.address(host), self.family.address(other));
        let ttl = if self.family == Family::Ipv6 { "    ttl 255\n" } else { "" };
        let session = format!(
            "bfd_instance peer {{\n    neighbor_ip {neighbour}\n    source_ip {own}\n    min_rx {INTERVAL_MS}\n    min_tx \
             {INTERVAL_MS}\n    multiplier {MULTIPLIER}\n{ttl}{more}}}\n"
        );
        let tracking = "vrrp_instance BFD {\n    interface eth0\n    virtual_router_id 99\n    track_bfd {\n        \
                        peer\n    }\n    virtual_ipaddress {\n        10.99.0.99/24\n    }\n}\n";
        session + tracking
    }

    fn start_peer(&self) {
        // What a killed daemon leaves behind; a process that nobody has waited for yet counts as running for keepalived.
        for entry in fs::read_dir(self.b().directory()).expect("the laboratory's directory").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if [".pid", ".api", ".vty", ".sock"].iter().any(|ending| name.ends_with(ending)) {
                fs::remove_file(entry.path()).expect("our own file");
            }
        }
        match self.peer {
            Peer::Alived => self.b().start(Program::Alived, &self.conf("b", "")),
            Peer::Keepalived => self.b().start(Program::Keepalived, &self.conf("b", "")),
            Peer::Bird => self.start_bird(),
            Peer::Frr => self.start_frr(),
        }
    }

    fn spawn(&self, program: &str, arguments: &[String]) {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = self.b().namespace().inside(move || command.spawn());
        let child = child.unwrap_or_else(|error| panic!("cannot run {program}: {error}; tests/run.sh installs it"));
        self.children.borrow_mut().push(child);
    }

    fn file(&self, name: &str) -> String {
        self.b().directory().join(name).to_str().expect("UTF-8").to_owned()
    }

    fn start_bird(&self) {
        let text = format!(
            "router id 10.99.0.12;\nprotocol device {{}}\nprotocol bfd {{\n    interface \"eth0\" {{ min rx interval \
             {INTERVAL_MS} ms; min tx interval {INTERVAL_MS} ms; idle tx interval 1 s; multiplier {MULTIPLIER}; }};\n    \
             neighbor {};\n}}\n",
            self.family.address("a")
        );
        fs::write(self.file("bird.conf"), text).expect("writing");
        let arguments = ["-f", "-c", &self.file("bird.conf"), "-s", &self.file("bird.sock")];
        self.spawn("/usr/sbin/bird", &arguments.map(str::to_owned));
    }

    /// zebra and bfdd, which run as the user that Debian's package makes and need a place they may write to.
    fn start_frr(&self) {
        let open = Permissions::from_mode(0o777);
        for directory in [self.lab.directory(), self.b().directory()] {
            fs::set_permissions(directory, open.clone()).expect("the laboratory's directory");
        }
        let text = format!(
            "bfd\n peer {} local-address {} interface eth0\n  receive-interval {INTERVAL_MS}\n  transmit-interval \
             {INTERVAL_MS}\n  detect-multiplier {MULTIPLIER}\n  no shutdown\n",
            self.family.address("a"),
            self.family.address("b")
        );
        fs::write(self.file("bfdd.conf"), text).expect("writing");
        fs::write(self.file("zebra.conf"), "").expect("writing");
        for file in ["bfdd.conf", "zebra.conf"] {
            fs::set_permissions(self.file(file), Permissions::from_mode(0o644)).expect("our own file");
        }
        let directory = self.b().directory().to_str().expect("UTF-8").to_owned();
        let zserv = self.file("zserv.api");
        let common = |name: &str| {
            let (pid, conf) = (self.file(&format!("{name}.pid")), self.file(&format!("{name}.conf")));
            ["--vty_socket", &directory, "-z", &zserv, "-P", "0", "-i", &pid, "-f", &conf].map(str::to_owned)
        };
        self.spawn("/usr/lib/frr/zebra", &common("zebra"));
        eventually("zebra to listen", Duration::from_secs(10), || Path::new(&zserv).exists());
        let bfdctl = self.file("bfdd.sock");
        let mut arguments = common("bfdd").to_vec();
        arguments.extend(["--bfdctl".to_owned(), bfdctl]);
        self.spawn("/usr/lib/frr/bfdd", &arguments);
    }

    /// What the other implementation says of the session.
    fn peer_is_up(&self) -> bool {
        match self.peer {
            Peer::Alived | Peer::Keepalived => last_state(&self.b().log()) == Some("Up"),
            Peer::Bird => {
                let output =
                    Command::new("birdc").args(["-s", &self.file("bird.sock"), "show", "bfd", "sessions"]).output();
                output.is_ok_and(|output| {
                    let text = String::from_utf8_lossy(&output.stdout).into_owned();
                    text.lines().any(|line| line.starts_with(&self.family.address("a")) && line.contains(" Up "))
                })
            }
            Peer::Frr => {
                let directory = self.b().directory().to_str().expect("UTF-8").to_owned();
                let output =
                    Command::new("vtysh").args(["--vty_socket", &directory, "-c", "show bfd peers json"]).output();
                output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("\"status\":\"up\""))
            }
        }
    }

    fn is_up(&self) -> bool {
        last_state(&self.a().log()) == Some("Up")
    }

    #[track_caller]
    fn come_up(&self) {
        let what = format!("the session with {:?} over {:?} to be up on both sides", self.peer, self.family);
        eventually(&what, COMES_UP, || self.is_up() && self.peer_is_up());
    }

    /// How long alived had heard nothing when it gave the neighbour up, once it has.
    #[track_caller]
    fn expired_after(&self) -> Duration {
        wait_for("alived to give its neighbour up", Duration::from_secs(5), || {
            let log = self.a().log();
            let line = log.lines().rev().find(|line| line.contains("(peer) Expired after "))?;
            let millis = line.split("Expired after ").nth(1)?.split(' ').next()?.parse().ok()?;
            (!self.is_up()).then(|| Duration::from_millis(millis))
        })
    }

    fn kill_peer(&self) {
        match self.peer {
            Peer::Alived | Peer::Keepalived => drop(self.b().kill()),
            Peer::Bird | Peer::Frr => {
                for mut child in self.children.borrow_mut().drain(..) {
                    child.kill().expect("our own child");
                    child.wait().expect("our own child");
                }
            }
        }
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        for mut child in self.children.borrow_mut().drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The state that a log says the session entered last.
fn last_state(log: &str) -> Option<&str> {
    let line = log.lines().rev().find(|line| line.contains("(peer) Entering "))?;
    line.split("(peer) Entering ").nth(1)?.split(' ').next()
}

// ---- interoperation ----------------------------------------------------------------------------------------------------

fn a_session_comes_up_is_lost_and_comes_back(peer: Peer, family: Family) {
    let neighbours = Neighbours::start(peer, family, "", "");
    neighbours.come_up();
    throughout("the session stays up", Duration::from_secs(2), || neighbours.is_up());
    // The agreed intervals are those of both files.
    eventually("the detection time to be agreed on", Duration::from_secs(3), || {
        neighbours.a().log().contains(&format!("Detection time is {} us", DETECTION.as_micros()))
    });

    neighbours.kill_peer();
    let after_death = neighbours.expired_after();
    assert!(after_death >= DETECTION && after_death < DETECTION + LATENESS, "killed: {after_death:?}");

    neighbours.start_peer();
    neighbours.come_up();
    neighbours.lab.cut_link("b");
    let after_cut = neighbours.expired_after();
    assert!(after_cut >= DETECTION && after_cut < DETECTION + LATENESS, "cut: {after_cut:?}");
    eventually("the peer to notice as well", Duration::from_secs(5), || !neighbours.peer_is_up());
    neighbours.lab.restore_link("b");
    neighbours.come_up();
    println!("    {peer:?} over {family:?}: given up {after_death:?} after its death, {after_cut:?} after the cut");
}

#[test]
fn alived_with_alived_over_ipv4() {
    a_session_comes_up_is_lost_and_comes_back(Peer::Alived, Family::Ipv4);
}

#[test]
fn alived_with_keepalived_over_ipv4() {
    a_session_comes_up_is_lost_and_comes_back(Peer::Keepalived, Family::Ipv4);
}

#[test]
fn alived_with_keepalived_over_ipv6() {
    a_session_comes_up_is_lost_and_comes_back(Peer::Keepalived, Family::Ipv6);
}

#[test]
fn alived_with_bird_over_ipv4() {
    a_session_comes_up_is_lost_and_comes_back(Peer::Bird, Family::Ipv4);
}

#[test]
fn alived_with_bird_over_ipv6() {
    a_session_comes_up_is_lost_and_comes_back(Peer::Bird, Family::Ipv6);
}

#[test]
fn alived_with_frr_over_ipv4() {
    a_session_comes_up_is_lost_and_comes_back(Peer::Frr, Family::Ipv4);
}

#[test]
fn alived_with_frr_over_ipv6() {
    a_session_comes_up_is_lost_and_comes_back(Peer::Frr, Family::Ipv6);
}

#[test]
fn a_passive_session_waits_for_its_neighbour() {
    let neighbours = Neighbours::start(Peer::Keepalived, Family::Ipv4, "    passive\n", "");
    neighbours.come_up();
}

// ---- reload, and what follows a session ----------------------------------------------------------------------------------

#[test]
fn a_reload_to_other_intervals_keeps_the_session_up() {
    for peer in [Peer::Keepalived, Peer::Bird] {
        let neighbours = Neighbours::start(peer, Family::Ipv4, "", "");
        neighbours.come_up();
        let slower = neighbours.conf("a", "").replace("min_tx 50", "min_tx 200").replace("min_rx 50", "min_rx 200");
        neighbours.a().reload(slower.as_bytes());
        eventually("the longer detection time", Duration::from_secs(5), || {
            neighbours.a().log().contains("Detection time is 600000 us")
        });
        throughout("the session stays up", Duration::from_secs(2), || neighbours.is_up() && neighbours.peer_is_up());
        let log = neighbours.a().log();
        assert_eq!(log.matches("(peer) Entering Up state").count(), 1, "it was up all the time");
    }
}

/// The lower router is a backup that would wait 3.6 s; the session tells it that its master's path is gone.
#[test]
fn an_instance_follows_the_session_that_it_tracks() {
    let neighbours = Neighbours::start(
        Peer::Keepalived,
        Family::Ipv4,
        "",
        &VrrpConf::with_priority(100).line("track_bfd {").line("    peer").line("}").text(),
    );
    neighbours.come_up();
    let holds = || neighbours.a().holds(VIP);
    eventually("a to become master while its session is up", Duration::from_secs(10), holds);
    neighbours.kill_peer();
    eventually("a to leave the address within the detection time", DETECTION + Duration::from_secs(1), || !holds());
    let log = neighbours.a().log();
    assert!(log.contains("Tracked BFD instance peer is DOWN"), "{log}");
    neighbours.start_peer();
    eventually("a to be master again", COMES_UP + Duration::from_secs(5), holds);
}

// ---- what must not be believed -------------------------------------------------------------------------------------------

/// Sends a BFD packet from b's namespace with that TTL.
fn forge(neighbours: &Neighbours, ttl: u32, bytes: &[u8]) {
    neighbours.b().namespace().inside(|| {
        let socket = std::net::UdpSocket::bind("10.99.0.12:0").expect("a socket");
        socket.set_ttl(ttl).expect("a TTL");
        socket.send_to(bytes, "10.99.0.11:3784").expect("sending");
    });
}

#[test]
fn forged_and_damaged_packets_change_nothing() {
    let neighbours = Neighbours::start(Peer::Bird, Family::Ipv4, "", "");
    neighbours.come_up();
    let down = |your_discriminator: u32| {
        let mut bytes = vec![0x20, 0x40, 3, 24, 0, 0, 0, 7];
        bytes.extend_from_slice(&your_discriminator.to_be_bytes());
        bytes.extend_from_slice(&[0, 0x0f, 0x42, 0x40, 0, 0x0f, 0x42, 0x40, 0, 0, 0, 0]);
        bytes
    };
    let mut state_up_without_a_name = down(0);
    state_up_without_a_name[1] = 0xc0;
    for _ in 0..20 {
        forge(&neighbours, 254, &down(0)); // from farther away than a neighbour is
        forge(&neighbours, 255, &down(0x1234_5678)); // no session is called that
        forge(&neighbours, 255, &state_up_without_a_name);
        forge(&neighbours, 255, &down(0)[..23]);
        forge(&neighbours, 255, &[0xff; 200]);
        forge(&neighbours, 255, &[]);
    }
    throughout("the session stays up", Duration::from_secs(1), || neighbours.is_up() && neighbours.peer_is_up());
    // The same packet from close by is believed: it is the TTL that made the difference.
    forge(&neighbours, 255, &down(0));
    eventually("a real Down to be believed", Duration::from_secs(2), || {
        neighbours.a().log().contains("Local diagnostic - Neighbor Signaled Session Down")
    });
}

// ---- a second opinion ------------------------------------------------------------------------------------------------------

#[test]
fn tshark_finds_nothing_wrong_with_the_packets() {
    let neighbours = Neighbours::start(Peer::Frr, Family::Ipv4, "", "");
    let file: PathBuf = neighbours.lab.directory().join("bfd.pcap");
    let mut command = Command::new("tcpdump");
    command.args(["-U", "-i", "eth0", "-w"]).arg(&file).args(["udp", "port", "3784"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut tcpdump = neighbours.a().namespace().inside(move || command.spawn()).expect("tcpdump is installed");
    neighbours.come_up();
    eventually("some packets", Duration::from_secs(5), || fs::metadata(&file).is_ok_and(|file| file.len() > 5000));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(tcpdump.id() as i32), Signal::SIGINT).expect("our own child");
    tcpdump.wait().expect("our own child");
    let path = file.to_str().expect("UTF-8");
    let own = "ip.src == 10.99.0.11";
    let all = run("tshark", &["-r", path, "-Y", own, "-T", "fields", "-e", "frame.number"]);
    let right = format!(
        "{own} and bfd.version == 1 and ip.ttl == 255 and udp.srcport >= 49152 and bfd.message_length == 24 and \
         bfd.detect_time_multiplier == 3 and !_ws.malformed and !_ws.expert.severity >= 6291456"
    );
    let fine = run("tshark", &["-r", path, "-Y", &right, "-T", "fields", "-e", "frame.number"]);
    assert!(all.lines().count() > 20, "{all}");
    assert_eq!(all, fine);
}
