//! What a test needs inside the machine: namespaces of its own, daemons, servers, the IPVS table.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::engine::BUSYBOX;
use super::vm::run;

/// How long anything may take that is waited for. Emulated processors are slow.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs `body` in a network namespace, and thus with an IPVS table, and a `/run` of its own.
pub fn isolated(body: impl FnOnce() + Send) {
    let outcome = thread::scope(|scope| {
        let isolate_and_run = || {
            unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).expect("root of the machine");
            let none: Option<&str> = None;
            mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("private mounts");
            mount(Some("none"), "/run", Some("tmpfs"), MsFlags::empty(), none).expect("an empty /run");
            run("ip link set lo up");
            body();
        };
        scope.spawn(isolate_and_run).join()
    });
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// Makes an interface with these addresses.
pub fn interface(name: &str, addresses: &[&str]) {
    run(&format!("ip link add {name} type dummy"));
    for address in addresses {
        run(&format!("ip addr add {address} dev {name}"));
    }
    run(&format!("ip link set {name} multicast on up"));
}

/// Polls until `condition` holds; fails with `what` and `state` when it does not come true.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool, state: impl FnOnce() -> String) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: did not come true\n{}", state());
        thread::sleep(Duration::from_millis(50));
    }
}

/// `ipvsadm -Ln`: the table as people look at it.
pub fn table() -> String {
    run("ipvsadm -Ln").lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The addresses of all destinations, in the order of the listing.
pub fn destinations() -> Vec<String> {
    let table = table();
    let lines = table.lines().skip(3).filter_map(|line| line.trim().strip_prefix("-> "));
    lines.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

/// Waits until the table has exactly these destinations.
pub fn wait_for_destinations(expected: &[&str]) {
    wait_until(&format!("destinations {expected:?}"), || destinations() == expected, table);
}

/// What the kernel runs to load a module.
const MODULE_HELPER: &str = "/proc/sys/kernel/modprobe";
/// The modules of IPVS, those that need the others first.
const IPVS_MODULES: &str = "ip_vs_rr ip_vs_wrr ip_vs_wlc ip_vs";

/// While this exists the kernel has no IPVS, and cannot load it.
pub struct WithoutIpvs {
    helper: String,
}

impl WithoutIpvs {
    /// Takes the modules away.
    pub fn begin() -> WithoutIpvs {
        let helper = fs::read_to_string(MODULE_HELPER).expect("root of the machine");
        fs::write(MODULE_HELPER, "/bin/false").expect("root of the machine");
        let without = WithoutIpvs { helper };
        run(&format!("{BUSYBOX} rmmod {IPVS_MODULES}"));
        without
    }
}

impl Drop for WithoutIpvs {
    fn drop(&mut self) {
        fs::write(MODULE_HELPER, &self.helper).expect("root of the machine");
        run(&format!("{BUSYBOX} modprobe -a {IPVS_MODULES}"));
    }
}

/// A daemon and its configuration file.
pub struct Daemon {
    child: Child,
    configuration: PathBuf,
    log: PathBuf,
}

impl Daemon {
    /// Starts alived, logging to a file.
    pub fn alived(configuration: &str) -> Daemon {
        Daemon::start(env!("CARGO_BIN_EXE_alived"), configuration)
    }

    /// Starts the keepalived of this machine.
    pub fn keepalived(configuration: &str) -> Daemon {
        Daemon::start("keepalived", configuration)
    }

    fn start(program: &str, configuration: &str) -> Daemon {
        let (path, log) = (PathBuf::from("/run/daemon.conf"), PathBuf::from("/run/daemon.log"));
        fs::write(&path, configuration).expect("a writable /run");
        let output = fs::File::create(&log).expect("a writable /run");
        let child = Command::new(program)
            .args(["-n", "-l", "-D", "-f"])
            .arg(&path)
            .stdin(Stdio::null())
            .stderr(output.try_clone().expect("a descriptor"))
            .stdout(output)
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; apt-get install keepalived?"));
        Daemon { child, configuration: path, log }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).expect("the log")).into_owned()
    }

    /// Waits until it has logged `text`.
    pub fn wait_for(&self, text: &str) {
        wait_until(&format!("log line {text:?}"), || self.log().contains(text), || self.log());
    }

    /// Has it read another configuration.
    pub fn reload(&self, configuration: &str) {
        fs::write(&self.configuration, configuration).expect("a writable /run");
        self.signal(Signal::SIGHUP);
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("our child").is_none()
    }

    /// Ends it and waits for that.
    pub fn stop(mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        let mut status = None;
        let ended = || {
            status = self.child.try_wait().expect("our child");
            status.is_some()
        };
        wait_until("SIGTERM ends the daemon", ended, || "still running".to_owned());
        status.expect("waited for")
    }

    /// Kills it, as a crash would.
    pub fn crash(mut self) {
        self.child.kill().expect("our child");
        self.child.wait().expect("our child");
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("our child");
    }
}

impl Drop for Daemon {
    /// Nothing of a failed test runs on beside the next one.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server with one thread for each connection, until it is dropped.
struct Server {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    acceptor: Option<thread::JoinHandle<()>>,
}

impl Server {
    fn start(address: &str, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        let address = listener.local_addr().expect("bound");
        let ended = Arc::new(AtomicBool::new(false));
        let (told, serve) = (Arc::clone(&ended), Arc::new(serve));
        let accept = move || {
            for client in listener.incoming().flatten() {
                if told.load(Ordering::SeqCst) {
                    return;
                }
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(client));
            }
        };
        Server { address, ended, acceptor: Some(thread::spawn(accept)) }
    }
}

impl Drop for Server {
    /// Closes the port. The connection only wakes the acceptor, which shares the namespace of whoever started it.
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

/// A web server that answers every request with one status, and keeps the requests.
pub struct WebServer {
    _server: Server,
    requests: Arc<Mutex<Vec<String>>>,
}

impl WebServer {
    /// Listens on `address`, with its port.
    pub fn start(address: &str, status: u16) -> WebServer {
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&requests);
        let serve = move |mut client: TcpStream| {
            let mut reader = BufReader::new(client.try_clone().expect("a descriptor"));
            let mut request = String::new();
            while !request.ends_with("\r\n\r\n") && reader.read_line(&mut request).is_ok_and(|read| read > 0) {}
            // Connecting without a word is what a TCP_CHECK does.
            if !request.is_empty() {
                seen.lock().expect("no panic above").push(request);
                let _ = client.write_all(format!("HTTP/1.1 {status} -\r\nContent-Length: 3\r\n\r\nok\n").as_bytes());
            }
        };
        WebServer { _server: Server::start(address, serve), requests }
    }

    /// The requests so far, with their headers.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panic above").clone()
    }
}

/// An SMTP server that takes everything and keeps the dialogues.
pub struct MailServer {
    _server: Server,
    dialogues: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    /// Listens on `address`, with its port.
    pub fn start(address: &str) -> MailServer {
        let dialogues: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&dialogues);
        let serve = move |mut client: TcpStream| {
            let dialogue = take_mail(&mut client).unwrap_or_else(|error| format!("{error}"));
            seen.lock().expect("no panic above").push(dialogue);
        };
        MailServer { _server: Server::start(address, serve), dialogues }
    }

    /// What clients sent, one text for each finished dialogue.
    pub fn dialogues(&self) -> Vec<String> {
        self.dialogues.lock().expect("no panic above").clone()
    }
}

/// One dialogue: what the client sent up to the end of the connection.
fn take_mail(client: &mut TcpStream) -> std::io::Result<String> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.write_all(b"220 sink\r\n")?;
    let (mut said, mut line) = (String::new(), String::new());
    let mut reader = BufReader::new(client.try_clone()?);
    while reader.read_line(&mut line)? > 0 {
        said.push_str(&line);
        let reply: &[u8] = match line.as_str() {
            "DATA\r\n" => {
                client.write_all(b"354 go on\r\n")?;
                while !said.ends_with("\r\n.\r\n") && reader.read_line(&mut said)? > 0 {}
                b"250 taken\r\n"
            }
            "QUIT\r\n" => {
                // A client need not wait for it.
                let _ = client.write_all(b"221 bye\r\n");
                return Ok(said);
            }
            _ => b"250 ok\r\n",
        };
        client.write_all(reply)?;
        line.clear();
    }
    Ok(said)
}
