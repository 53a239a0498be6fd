//! What health checks cost: thousands of real servers, each checked once a second, by alived, by keepalived, and by a bare
//! loop that only connects and closes. Prints processor time per check, how late a check comes at worst, and memory.
//!
//! `cargo bench --bench checks -- [tcp|http|ssl] [SERVERS] [SECONDS] [ALIVED]`, as root. keepalived does not start without
//! ip_vs in the kernel; where that is missing alived and the loop are measured alone. Everything is on the loopback: each real
//! server has an address of its own in 127.0.0.0/8, and one listener answers for all of them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const PORT: u16 = 18_080;
const TLS_PORT: u16 = 18_443;
/// Checks of the first seconds, which warm-up spreads, do not count.
const SETTLE: Duration = Duration::from_secs(4);

/// When each real server was last asked, and the longest time between two checks of one.
#[derive(Default)]
struct Seen {
    last: HashMap<IpAddr, Instant>,
    checks: u64,
    longest: Duration,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Tcp,
    Http,
    Ssl,
}

fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x7f01_0001 + number)
}

fn configuration(kind: Kind, servers: u32) -> String {
    let mut text =
        "global_defs {\n}\nvirtual_server 192.0.2.10 80 {\ndelay_loop 1\nwarmup 1\nlb_algo rr\nlb_kind NAT\n\
                    protocol TCP\nconnect_timeout 3\n"
            .to_owned();
    let (port, check) = match kind {
        Kind::Tcp => (PORT, "TCP_CHECK {\n}"),
        Kind::Http => (PORT, "HTTP_GET {\nurl {\npath /\n}\n}"),
        Kind::Ssl => (TLS_PORT, "SSL_GET {\nurl {\npath /\n}\n}"),
    };
    for number in 0..servers {
        let _ = write!(text, "real_server {} {port} {{\n{check}\n}}\n", address(number));
    }
    text + "}\n"
}

/// Takes every connection; with `answers` also a request, and answers it.
fn serve(answers: bool, seen: Arc<Mutex<Seen>>) {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).expect("a free port");
    thread::spawn(move || {
        let mut request = [0; 1024];
        for mut client in listener.incoming().flatten() {
            let now = Instant::now();
            if let Ok(SocketAddr::V4(target)) = client.local_addr() {
                let mut seen = seen.lock().expect("no panic above");
                seen.checks += 1;
                if let Some(before) = seen.last.insert(IpAddr::V4(*target.ip()), now) {
                    seen.longest = seen.longest.max(now - before);
                }
            }
            if answers {
                let _ = client.read(&mut request);
                let _ = client.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n");
            }
        }
    });
}

/// User and system time of a process and its children, in clock ticks, and its resident memory in KiB.
fn usage(pid: u32) -> (u64, u64, u64) {
    let (mut user, mut system, mut memory) = (0, 0, 0);
    for pid in family(pid) {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        user += number(11);
        system += number(12);
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        memory += resident.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0);
    }
    (user, system, memory)
}

fn family(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    [pid].into_iter().chain(children.flat_map(family)).collect()
}

/// One line of figures.
fn measure(name: &str, pid: u32, seen: &Mutex<Seen>, seconds: u64) {
    thread::sleep(SETTLE);
    *seen.lock().expect("no panic above") = Seen::default();
    let (user, system, _) = usage(pid);
    let begun = Instant::now();
    thread::sleep(Duration::from_secs(seconds));
    let (user_after, system_after, memory) = usage(pid);
    let seen = seen.lock().expect("no panic above");
    // Where the server is another program, its own count is not known: one check a second is what was asked for.
    let checks = seen.checks.max(1);
    let per_check = |ticks: u64| ticks as f64 * 10_000.0 / checks as f64;
    println!(
        "{name:11} {:>8.0} {:>9.1} {:>9.1} {:>9.1} {:>11.1} {:>10.1}",
        checks as f64 / begun.elapsed().as_secs_f64(),
        per_check(user_after - user),
        per_check(system_after - system),
        per_check(user_after - user + system_after - system),
        seen.longest.saturating_sub(Duration::from_secs(1)).as_secs_f64() * 1e3,
        memory as f64 / 1024.0,
    );
}

fn daemon(program: &Path, directory: &Path, conf: &str) -> Child {
    let file = directory.join("checks.conf");
    fs::write(&file, conf).expect("a writable directory");
    let log = fs::File::create(directory.join("log")).expect("a writable directory");
    let mut command = Command::new(program);
    command.args(["-n", "-l", "-C", "-f"]).arg(&file);
    for (flag, name) in [("-p", "main.pid"), ("-r", "vrrp.pid"), ("-c", "checkers.pid")] {
        command.arg(flag).arg(directory.join(name));
    }
    command.stdin(Stdio::null()).stdout(log.try_clone().expect("a descriptor")).stderr(log);
    command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

fn stop(mut child: Child) {
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    let _ = child.wait();
}

/// The bare loop: as many connections a second, spread over it, opened and closed.
fn bare(servers: u32, seconds: u64) {
    let begun = Instant::now();
    let targets: Vec<SocketAddr> = (0..servers).map(|number| (address(number), PORT).into()).collect();
    let gap = Duration::from_secs(1) / servers;
    let mut number = 0u32;
    while begun.elapsed() < Duration::from_secs(seconds) {
        while gap * number > begun.elapsed() {
            thread::sleep(Duration::from_millis(1));
        }
        let _ = TcpStream::connect(targets[(number % servers) as usize]);
        number += 1;
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let argument = |at: usize| arguments.get(at).map(String::as_str);
    let servers: u32 = argument(1).and_then(|text| text.parse().ok()).unwrap_or(5_000);
    let seconds: u64 = argument(2).and_then(|text| text.parse().ok()).unwrap_or(20);
    let kind = match argument(0) {
        Some("bare") => return bare(servers, seconds + SETTLE.as_secs() + 1),
        Some("http") => Kind::Http,
        Some("ssl") => Kind::Ssl,
        _ => Kind::Tcp,
    };
    let alived = argument(3).map_or_else(|| env!("CARGO_BIN_EXE_alived").into(), PathBuf::from);
    let seen: Arc<Mutex<Seen>> = Arc::default();
    serve(kind == Kind::Http, Arc::clone(&seen));
    let directory = std::env::temp_dir().join(format!("alived-bench-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a writable temporary directory");
    let mut tls_server = (kind == Kind::Ssl).then(|| tls_server(&directory));
    let conf = configuration(kind, servers);
    println!("{servers} servers, each checked once a second, for {seconds} s");
    println!("            checks/s   user us    sys us    sum us   latest ms     memory MiB");
    if kind == Kind::Tcp {
        let floor = Command::new(std::env::current_exe().expect("this program"))
            .args(["bare", &servers.to_string(), &seconds.to_string()])
            .spawn();
        let floor = floor.expect("this program");
        measure("bare loop", floor.id(), &seen, seconds);
        stop(floor);
    }
    let checked = daemon(&alived, &directory, &conf);
    measure("alived", checked.id(), &seen, seconds);
    stop(checked);
    if fs::exists("/proc/net/ip_vs").unwrap_or(false) {
        let checked = daemon(Path::new("keepalived"), &directory, &conf);
        measure("keepalived", checked.id(), &seen, seconds);
        stop(checked);
    } else {
        println!("keepalived   does not run: this kernel has no ip_vs");
    }
    if let Some(server) = &mut tls_server {
        let _ = server.kill();
        let _ = server.wait();
    }
    let _ = fs::remove_dir_all(&directory);
}

/// nginx with a certificate, which takes TLS and hands the request on to the listener that counts.
fn tls_server(directory: &Path) -> Child {
    let certificate = directory.join("certificate");
    let path = certificate.to_str().expect("UTF-8");
    #[rustfmt::skip]
    let made = Command::new("openssl").args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bench",
        "-days", "30", "-keyout", &format!("{path}.key"), "-out", path]).stderr(Stdio::null()).status();
    assert!(made.expect("openssl").success(), "a certificate");
    let conf = format!(
        "daemon off; master_process off; error_log stderr crit; pid {0}/nginx.pid;\nevents {{ worker_connections 20000; }}\n\
         http {{ access_log off; client_body_temp_path {0}/t; proxy_temp_path {0}/t; fastcgi_temp_path {0}/t; \
         uwsgi_temp_path {0}/t; scgi_temp_path {0}/t;\nserver {{ listen 0.0.0.0:{TLS_PORT} ssl; ssl_certificate {path}; \
         ssl_certificate_key {path}.key; location / {{ return 200; }} }} }}\n",
        directory.display()
    );
    fs::write(directory.join("nginx.conf"), conf).expect("a writable directory");
    let mut nginx = Command::new("nginx");
    nginx.arg("-p").arg(directory).args(["-c", "nginx.conf"]).stdin(Stdio::null()).stderr(Stdio::null());
    let child = nginx.spawn().expect("nginx");
    while TcpStream::connect(("127.0.0.1", TLS_PORT)).is_err() {
        thread::sleep(Duration::from_millis(50));
    }
    child
}
