//! Sees what a daemon tells the kernel about IPVS: netlink messages, taken with nlmon and tcpdump.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use alived::wire::ipvs::Request;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::guest::wait_until;
use super::vm::run;

/// Lengths of a pcap file's and a packet's header, of nlmon's before each datagram, and of `struct nlmsghdr`.
const FILE_HEADER: usize = 24;
const PACKET_HEADER: usize = 16;
const COOKED_HEADER: usize = 16;
const NETLINK_HEADER: usize = 16;
/// `GENL_ID_CTRL`: families have greater ids.
const CONTROLLER_ID: u16 = 0x10;
/// `NLM_F_REQUEST`
const REQUEST: u16 = 1;

/// Octets kept of each packet. tcpdump makes every slot of its ring so large: with its default of 256 KiB the ring has
/// eight of them, and what a daemon says in one go does not fit.
const SNAP_LENGTH: &str = "8192";
/// Size of the ring.
const BUFFER_KIB: &str = "8192";

/// The firewall mark of our own last command.
const MARK: u32 = 65535;

/// A capture of the netlink messages in this namespace.
pub struct Spy {
    tcpdump: Child,
    capture: PathBuf,
}

impl Spy {
    /// Begins to listen.
    pub fn start() -> Spy {
        run("ip link add nl0 type nlmon");
        run("ip link set nl0 up");
        let capture = PathBuf::from("/run/netlink.pcap");
        let tcpdump = Command::new("tcpdump")
            .args(["-i", "nl0", "-U", "--immediate-mode", "-Z", "root", "-s", SNAP_LENGTH, "-B", BUFFER_KIB, "-w"])
            .arg(&capture)
            .stderr(fs::File::create("/run/tcpdump.log").expect("a writable /run"))
            .stdin(Stdio::null())
            .spawn()
            .expect("tcpdump: apt-get install tcpdump");
        let log = || fs::read_to_string("/run/tcpdump.log").unwrap_or_default();
        wait_until("tcpdump listens", || log().contains("listening on"), log);
        Spy { tcpdump, capture }
    }

    /// Ends the capture: the IPVS commands that changed something, in order. A last command of our own shows that the
    /// capture is complete.
    pub fn changes(mut self) -> Vec<Request> {
        run(&format!("ipvsadm -A -f {MARK} -s rr"));
        let is_ours = |request: &Request| {
            let Request::NewService(key, _) = request else { return false };
            key.to_string() == format!("FWM {MARK}")
        };
        let mut changes = Vec::new();
        let complete = || {
            changes = captured(&self.capture);
            changes.pop_if(|last| is_ours(last)).is_some()
        };
        wait_until("the capture is complete", complete, String::new);
        run(&format!("ipvsadm -D -f {MARK}"));
        let pid = i32::try_from(self.tcpdump.id()).expect("a process id");
        kill(Pid::from_raw(pid), Signal::SIGINT).expect("our child");
        self.tcpdump.wait().expect("our child");
        let log = fs::read_to_string("/run/tcpdump.log").expect("its log");
        assert!(log.lines().any(|line| line == "0 packets dropped by kernel"), "the capture has gaps: {log}");
        changes
    }
}

/// The commands in a capture that change something.
fn captured(capture: &Path) -> Vec<Request> {
    let file = fs::read(capture).expect("the capture");
    let requests = messages(&file).into_iter().filter_map(|message| Request::parse(message).ok());
    let only_reads = |request: &Request| {
        matches!(
            request,
            Request::GetInfo
                | Request::GetService(_)
                | Request::GetServices
                | Request::GetDests(_)
                | Request::GetConfig
                | Request::GetDaemons
        )
    };
    requests.filter(|request| !only_reads(request)).collect()
}

/// The payloads of all requests to generic-netlink families.
fn messages(file: &[u8]) -> Vec<&[u8]> {
    let u32_at = |bytes: &[u8], at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let u16_at = |bytes: &[u8], at: usize| u16::from_ne_bytes(bytes[at..at + 2].try_into().expect("two bytes"));
    let mut found = Vec::new();
    let mut packets = file.get(FILE_HEADER..).unwrap_or_default();
    while packets.len() > PACKET_HEADER {
        // The last packet may not be written to its end yet.
        let Some((packet, rest)) = packets[PACKET_HEADER..].split_at_checked(u32_at(packets, 8) as usize) else {
            break;
        };
        packets = rest;
        let mut datagram = &packet[COOKED_HEADER..];
        while datagram.len() >= NETLINK_HEADER {
            let length = u32_at(datagram, 0) as usize;
            if u16_at(datagram, 4) > CONTROLLER_ID && u16_at(datagram, 6) & REQUEST != 0 {
                found.push(&datagram[NETLINK_HEADER..length]);
            }
            datagram = &datagram[length.next_multiple_of(4).min(datagram.len())..];
        }
    }
    found
}
