//! Do the checks tell good servers from bad ones? The servers are other people's: nginx, OpenSSL's s_server, dnsmasq,
//! aiosmtpd, the kernel's own ping; the bad ones misbehave on purpose.
//!
//! One host, everything on its loopback. Without ip_vs in the kernel alived checks all the same, and says what it finds.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::common::daemon::{Daemon, Program};
use crate::common::namespace::{Namespace, run};
use crate::common::wait::eventually;

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A host with servers and the daemon that checks them.
struct Site {
    namespace: Namespace,
    directory: TempDir,
    servers: Vec<Child>,
}

/// One checked server: its port, the checker's block, and what must be said of it.
struct Case {
    port: u16,
    checker: &'static str,
    expected: &'static str,
}

impl Site {
    fn new(name: &str) -> Site {
        assert!(nix::unistd::geteuid().is_root(), "these tests make network namespaces and need root");
        let directory = tempfile::Builder::new().prefix("alived-checks-").tempdir().expect("a temporary directory");
        Site { namespace: Namespace::create(&format!("checks-{name}")), directory, servers: Vec::new() }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Starts a server and waits until its port takes connections, if it is a TCP one.
    fn serve(&mut self, program: &str, arguments: &[&str], tcp_port: Option<u16>) {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path()).stdin(Stdio::piped());
        let log = fs::File::create(self.path().join(format!("server-{}.log", self.servers.len()))).expect("a log");
        command.stdout(log.try_clone().expect("a descriptor")).stderr(log);
        let child = self.namespace.inside(move || command.spawn());
        self.servers.push(child.unwrap_or_else(|error| panic!("{program}: {error}; tests/run.sh installs it")));
        if let Some(port) = tcp_port {
            eventually(&format!("{program} to listen"), PATIENCE, || {
                self.namespace.inside(|| TcpStream::connect(("127.0.0.1", port))).is_ok()
            });
        }
    }

    /// A server that does this with each client, on a thread inside the namespace.
    fn misbehave(&self, port: u16, act: fn(TcpStream)) {
        let listener = self.namespace.inside(|| TcpListener::bind(("127.0.0.1", port))).expect("a free port");
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                thread::spawn(move || act(client));
            }
        });
    }

    /// Runs alived over the cases until it has said what is expected of each.
    fn check(&self, cases: &[Case]) {
        let reals: String = cases
            .iter()
            .map(|case| format!("    real_server 127.0.0.1 {} {{\n{}\n    }}\n", case.port, case.checker))
            .collect();
        let conf = format!(
            "global_defs {{\n    enable_script_security\n    script_user root\n    checker_log_all_failures\n}}\n\
             virtual_server 192.0.2.10 80 {{\n    delay_loop 1\n    warmup 0\n    lb_algo rr\n    lb_kind NAT\n    \
             protocol TCP\n    connect_timeout 2\n    retry 1\n{reals}}}\n"
        );
        let mut daemon = Daemon::start(Program::Alived, &self.namespace, self.path(), &conf);
        for case in cases {
            let said = || daemon.log().contains(case.expected);
            eventually(
                &format!("'{}' to be said; see the log in {}", case.expected, self.path().display()),
                PATIENCE,
                said,
            );
        }
        daemon.signal(Signal::SIGTERM);
        eventually("alived to stop", PATIENCE, || !daemon.is_running());
    }

    /// A self-signed certificate with its key in one file, valid for so many days.
    fn certificate(&self, name: &str, days: &str) -> String {
        let path = self.path().join(name);
        let path = path.to_str().expect("UTF-8");
        let (subject, request) = (format!("/CN={name}"), format!("{path}.csr"));
        #[rustfmt::skip]
        run("openssl", &["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", &subject, "-keyout", path,
            "-out", &request]);
        #[rustfmt::skip]
        run("openssl", &["x509", "-req", "-in", &request, "-signkey", path, "-days", days,
            "-out", &format!("{path}.crt")]);
        let certificate = fs::read(format!("{path}.crt")).expect("just made");
        let mut file = fs::File::options().append(true).open(path).expect("just made");
        file.write_all(&certificate).expect("a writable file");
        path.to_owned()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// Reads a request up to its empty line.
fn request(client: &mut TcpStream) {
    let mut request = Vec::new();
    let mut octet = [0];
    while !request.ends_with(b"\r\n\r\n") && client.read(&mut octet).is_ok_and(|length| length > 0) {
        request.extend(octet);
    }
}

#[test]
fn nginx_is_asked_and_its_answer_judged() {
    let mut site = Site::new("nginx");
    let root = site.path().to_owned();
    fs::write(root.join("index.html"), "welcome to the body\n").expect("a writable directory");
    let conf = format!(
        "daemon off; master_process off; error_log stderr; pid {0}/nginx.pid;\nevents {{}}\nhttp {{ access_log off; \
         client_body_temp_path {0}/t; proxy_temp_path {0}/t; fastcgi_temp_path {0}/t; uwsgi_temp_path {0}/t; \
         scgi_temp_path {0}/t;\nserver {{ listen 127.0.0.1:8001; root {0}; location /gone {{ return 410; }} \
         location /host {{ if ($host != \"www.example\") {{ return 403; }} return 200; }} }} }}\n",
        root.display()
    );
    fs::write(root.join("nginx.conf"), conf).expect("a writable directory");
    site.serve("nginx", &["-p", root.to_str().expect("UTF-8"), "-c", "nginx.conf"], Some(8001));
    let wrong = "0".repeat(32);
    let sum = run("md5sum", &[root.join("index.html").to_str().expect("UTF-8")]);
    let good = Box::leak(
        format!("HTTP_GET {{\nurl {{\npath /\ndigest {}\nstatus_code 200\n}}\n}}", &sum[..32]).into_boxed_str(),
    );
    let bad = Box::leak(format!("HTTP_GET {{\nurl {{\npath /\ndigest {wrong}\n}}\n}}").into_boxed_str());
    // One port is one real server, so each case is a run of its own.
    for (checker, expected) in [
        (&*good, "Remote Web server [127.0.0.1]:tcp:8001 succeed on service."),
        (bad, "MD5 digest error to server [127.0.0.1]:tcp:8001."),
        ("HTTP_GET {\nurl {\npath /gone\n}\n}", "HTTP status code error to server [127.0.0.1]:tcp:8001."),
        (
            "HTTP_GET {\nalpha\nurl {\npath /gone\nstatus_code 200 404-410\n}\n}",
            "HTTP status code success to [127.0.0.1]:tcp:8001 url(/gone)",
        ),
        (
            "HTTP_GET {\nhttp_protocol 1.1\nvirtualhost www.example\nurl {\npath /host\n}\n}",
            "Remote Web server [127.0.0.1]:tcp:8001 succeed on service.",
        ),
        ("HTTP_GET {\nurl {\npath /host\n}\n}", "HTTP_CHECK on service [127.0.0.1]:tcp:8001 failed after 1 retries."),
        (
            "HTTP_GET {\nalpha\nurl {\npath /\nregex \"to the [bB]ody\"\n}\n}",
            "Regex match success to [127.0.0.1]:tcp:8001 url(/)",
        ),
        (
            "HTTP_GET {\nurl {\npath /\nregex WELCOME\nregex_options caseless\nregex_no_match\n}\n}",
            "Regex match failed server [127.0.0.1]:tcp:8001.",
        ),
    ] {
        site.check(&[Case { port: 8001, checker, expected }]);
    }
}

#[test]
fn a_web_server_that_misbehaves_fails_and_says_how() {
    let site = Site::new("misbehave");
    // Ten thousand headers: the end of the header is not within the buffer.
    site.misbehave(8101, |mut client| {
        request(&mut client);
        let _ = client.write_all(b"HTTP/1.1 200 OK\r\n");
        for number in 0..10_000 {
            if client.write_all(format!("X-Header-{number}: x\r\n").as_bytes()).is_err() {
                return;
            }
        }
        let _ = client.write_all(b"\r\nbody");
    });
    // A reset in mid-answer.
    site.misbehave(8102, |mut client| {
        request(&mut client);
        let _ = client.write_all(b"HTTP/1.1 200 OK\r\n\r\nhalf of");
        let client = socket2::Socket::from(client);
        let _ = client.set_linger(Some(Duration::ZERO));
    });
    // Everything, and then no end.
    site.misbehave(8103, |mut client| {
        request(&mut client);
        let _ = client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        thread::sleep(PATIENCE);
    });
    // One octet each tenth of a second: slow, but never too slow, as with keepalived.
    site.misbehave(8104, |mut client| {
        request(&mut client);
        for octet in b"HTTP/1.1 200 OK\r\n\r\nslow" {
            if client.write_all(&[*octet]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        let _ = client.shutdown(Shutdown::Write);
    });
    // Nothing but the end.
    site.misbehave(8105, |mut client| request(&mut client));
    // A match that lies across two packets.
    site.misbehave(8106, |mut client| {
        request(&mut client);
        for piece in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], b"xx nee", b"dle yy"] {
            let _ = client.write_all(piece);
            thread::sleep(Duration::from_millis(100));
        }
    });
    let get = "HTTP_GET {\nurl {\npath /\n}\n}";
    let case = |port, checker, expected| Case { port, checker, expected };
    site.check(&[
        case(8101, get, "Read, no data received from  server [127.0.0.1]:tcp:8101."),
        case(8102, get, "Read error with server [127.0.0.1]:tcp:8102."),
        case(8103, get, "Timeout HTTP read server [127.0.0.1]:tcp:8103."),
        case(8104, get, "Remote Web server [127.0.0.1]:tcp:8104 succeed on service."),
        case(8105, get, "Read, no data received from  server [127.0.0.1]:tcp:8105."),
        case(
            8106,
            "HTTP_GET {\nalpha\nurl {\npath /\nregex needle\nregex_min_offset 3\nregex_max_offset 3\n}\n}",
            "Regex match success to [127.0.0.1]:tcp:8106 url(/)",
        ),
        case(8107, get, "Connection failed server [127.0.0.1]:tcp:8107."),
    ]);
}

#[test]
fn openssl_servers_of_every_version_are_agreed_with() {
    let mut site = Site::new("tls");
    let valid = site.certificate("valid.example", "30");
    let expired = site.certificate("expired.example", "-1");
    let servers: [(&str, &str, &[&str]); 5] = [
        ("8201", &valid, &["-tls1_3"]),
        ("8202", &valid, &["-tls1_2"]),
        // RSA key exchange and CBC: nobody should, many do.
        ("8203", &valid, &["-tls1_2", "-cipher", "AES256-SHA"]),
        ("8204", &expired, &[]),
        ("8205", &valid, &["-servername", "sni.example", "-servername_fatal", "-cert2", &valid, "-key2", &valid]),
    ];
    for (port, certificate, more) in servers {
        let address = format!("127.0.0.1:{port}");
        let arguments = [&["s_server", "-accept", &address, "-cert", certificate, "-key", certificate, "-www"], more];
        site.serve("openssl", &arguments.concat(), port.parse().ok());
    }
    // Not TLS at all.
    site.misbehave(8206, |mut client| {
        let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let get = "SSL_GET {\nurl {\npath /\n}\n}";
    let case = |port, checker, expected| Case { port, checker, expected };
    site.check(&[
        case(8201, get, "Remote Web server [127.0.0.1]:tcp:8201 succeed on service."),
        case(8202, get, "Remote Web server [127.0.0.1]:tcp:8202 succeed on service."),
        case(8203, get, "Remote Web server [127.0.0.1]:tcp:8203 succeed on service."),
        case(8204, get, "Remote Web server [127.0.0.1]:tcp:8204 succeed on service."),
        case(
            8205,
            "SSL_GET {\nenable_sni\nurl {\npath /\nvirtualhost sni.example\n}\n}",
            "Remote Web server [127.0.0.1]:tcp:8205 succeed on service.",
        ),
        case(8206, get, "SSL handshake/communication error connecting to server [127.0.0.1]:tcp:8206."),
    ]);
    let other = "SSL_GET {\nenable_sni\nurl {\npath /\nvirtualhost other.example\n}\n}";
    let refused = "SSL handshake/communication error connecting to server [127.0.0.1]:tcp:8205.";
    site.check(&[case(8205, other, refused)]);
}

#[test]
fn mail_and_name_servers_are_spoken_to() {
    let mut site = Site::new("names");
    site.serve("/usr/bin/python3", &["-m", "aiosmtpd", "-n", "-l", "127.0.0.1:8301"], Some(8301));
    #[rustfmt::skip]
    site.serve("dnsmasq", &["-k", "-C", "/dev/null", "-p", "8302", "-a", "127.0.0.1", "--bind-interfaces", "-R", "-h",
        "-u", "root", "--host-record=www.example,192.0.2.7"], Some(8302));
    site.misbehave(8303, |mut client| {
        let _ = client.write_all(b"554 go away\r\n");
        thread::sleep(PATIENCE);
    });
    site.misbehave(8304, |mut client| {
        let _ = client.write_all(b"220 hello\r\n");
        let mut line = [0; 100];
        let _ = client.read(&mut line);
        let _ = client.write_all(b"502 what\r\n");
    });
    // A name server that answers with a header and nothing else, as a truncated answer does.
    let socket = site.namespace.inside(|| std::net::UdpSocket::bind("127.0.0.1:8305")).expect("a free port");
    thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut question) {
            let mut answer = question[..length.min(12)].to_vec();
            answer[2] |= 0x82; // QR, TC
            let _ = socket.send_to(&answer, client);
        }
    });
    let case = |port, checker, expected| Case { port, checker, expected };
    let dns = "DNS_CHECK {\ntype A\nname www.example\n}";
    site.check(&[
        case(
            8301,
            "SMTP_CHECK {\nhelo_name me.example\n}",
            "Remote SMTP server [127.0.0.1]:tcp:8301 succeed on service.",
        ),
        case(8303, "SMTP_CHECK {\n}", "SMTP_CHECK Bad greeting banner from server [127.0.0.1]:8303"),
        case(8304, "SMTP_CHECK {\n}", "SMTP_CHECK Bad HELO response from server [127.0.0.1]:8304"),
        case(
            8306,
            "DNS_CHECK {\nconnect_port 8302\ntype A\nname refused.example\n}",
            "DNS_CHECK ([127.0.0.1]:tcp:8306) read error occurred. (rcode = 5)",
        ),
        case(8307, "DNS_CHECK {\nretry 0\n}", "DNS_CHECK ([127.0.0.1]:tcp:8307) failed to read socket"),
        case(8308, "PING_CHECK {\n}", "ICMP connection to [127.0.0.1]:tcp:8308 success."),
        case(
            8309,
            "PING_CHECK {\nconnect_ip 127.0.0.2\nbind_if lo\n}",
            "ICMP connection to [127.0.0.1]:tcp:8309 success.",
        ),
        case(8310, "UDP_CHECK {\nconnect_port 8302\n}", "UDP connection to [127.0.0.1]:tcp:8310 success."),
        case(8311, "UDP_CHECK {\n}", "UDP_CHECK on service [127.0.0.1]:tcp:8311 failed."),
    ]);
    // A success of DNS_CHECK says nothing of its own: the server comes in.
    for port in ["8302", "8305"] {
        let checker =
            Box::leak(format!("alpha\n{}", dns.replace('{', &format!("{{\nconnect_port {port}"))).into_boxed_str());
        site.check(&[case(8312, checker, "Adding service [127.0.0.1]:tcp:8312 to VS [192.0.2.10]:tcp:80")]);
    }
}

#[test]
fn a_script_s_status_is_the_verdict_and_its_time_is_limited() {
    use std::os::unix::fs::PermissionsExt;

    let site = Site::new("misc");
    let script = |name: &str, text: &str| {
        let path = site.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a writable directory");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our file");
        path.display().to_string()
    };
    fs::set_permissions(site.path(), fs::Permissions::from_mode(0o755)).expect("our directory");
    let child = site.path().join("child");
    let good = script("good", "test \"$1\" = 'two words' && test \"$(id -un)\" = nobody");
    let bad = script("bad", "exit 7");
    let weight = script("weight", "exit 52");
    let slow = script("slow", &format!("sleep 100 & echo $! > {}; wait", child.display()));
    let leak = |text: String| &*Box::leak(text.into_boxed_str());
    let case = |port, checker, expected| Case { port, checker, expected };
    site.check(&[
        case(
            8401,
            leak(format!("MISC_CHECK {{\nmisc_path \"{good} 'two words'\"\nuser nobody\n}}")),
            leak(format!("by [{good}] succeeded.")),
        ),
        case(
            8402,
            leak(format!("MISC_CHECK {{\nretry 0\nmisc_path {bad}\n}}")),
            leak(format!("by [{bad}] failed with retry disabled (exited with status 7).")),
        ),
        case(
            8403,
            leak(format!("weight 10\nMISC_CHECK {{\nmisc_path {weight}\nmisc_dynamic\n}}")),
            "Changing weight from 10 to 50 for active service [127.0.0.1]:tcp:8403 of VS [192.0.2.10]:tcp:80",
        ),
        case(
            8404,
            leak(format!("MISC_CHECK {{\nretry 0\nmisc_timeout 1\nmisc_path {slow}\n}}")),
            leak(format!("by [{slow}] timed out with retry disabled.")),
        ),
    ]);
    let child = fs::read_to_string(child).expect("the script noted its child");
    let gone = || fs::read_to_string(format!("/proc/{}/stat", child.trim())).map_or(true, |stat| stat.contains(") Z "));
    eventually("the script's child to end with it", PATIENCE, gone);
}

#[test]
fn a_number_in_a_file_is_a_weight_or_a_failure() {
    let site = Site::new("file");
    let file = site.path().join("load");
    fs::write(&file, "5\n").expect("a writable directory");
    let conf = format!(
        "track_file load {{\n    file {}\n    weight 1\n}}\nvirtual_server 192.0.2.10 80 {{\n    lb_algo wrr\n    \
         lb_kind NAT\n    protocol TCP\n    real_server 127.0.0.1 8501 {{\n        weight 10\n        FILE_CHECK {{\n            \
         track_file load\n            weight 2 reverse\n        }}\n    }}\n    real_server 127.0.0.1 8502 {{\n        \
         FILE_CHECK {{\n            track_file load\n            weight 0\n        }}\n    }}\n}}\n",
        file.display()
    );
    let mut daemon = Daemon::start(Program::Alived, &site.namespace, site.path(), &conf);
    let says = |text: &str| {
        eventually(&format!("'{text}' to be said:\n{}", daemon.log()), PATIENCE, || daemon.log().contains(text));
    };
    says("Changing weight from 10 to 0 for active service [127.0.0.1]:tcp:8501");
    says("([127.0.0.1]:tcp:8502): tracked file load now FAULT state");
    says("Removing service [127.0.0.1]:tcp:8502 from VS [192.0.2.10]:tcp:80");
    fs::write(&file, "0\n").expect("a writable directory");
    says("Changing weight from 0 to 10 for active service [127.0.0.1]:tcp:8501");
    says("Adding service [127.0.0.1]:tcp:8502 to VS [192.0.2.10]:tcp:80");
    daemon.signal(Signal::SIGTERM);
    eventually("alived to stop", PATIENCE, || !daemon.is_running());
}

#[test]
fn genhash_prints_what_keepalived_s_prints() {
    let mut site = Site::new("genhash");
    fs::write(site.path().join("index.html"), "hello\n").expect("a writable directory");
    #[rustfmt::skip]
    site.serve("/usr/bin/python3", &["-m", "http.server", "8601", "--bind", "127.0.0.1"], Some(8601));
    let output = |program: &str, first: &[&str], rest: &[&str]| {
        let mut command = Command::new(program);
        command.args(first).args(rest);
        let output = site.namespace.inside(move || command.output()).expect("the program runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // Times differ, of the answer and of the measurement.
        let same = |line: &&str| !line.starts_with("Global") && !line.starts_with("Date:") && !line.contains(" - ");
        (text.lines().filter(same).map(str::to_owned).collect::<Vec<_>>(), output.status.code())
    };
    for line in [
        "-s 127.0.0.1 -p 8601 -u /",
        "-v -s 127.0.0.1 -p 8601 -u /",
        "--server 127.0.0.1 --port=8601 --url /nothing",
        "-s 127.0.0.1 -p 8601 -u / -P 1.1 -V some.host",
        "-s 127.0.0.1 -p 8602 -u /",
        "-S -s 127.0.0.1 -p 8601 -u /",
        "-s nowhere -p 8601 -u /",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let theirs = output("genhash", &[], &words);
        assert_eq!(output(env!("CARGO_BIN_EXE_alived"), &["genhash"], &words), theirs, "{line}");
        assert_eq!(output(env!("CARGO_BIN_EXE_alived"), &["-T"], &words), theirs, "{line}");
    }
}
