//! How long a keystroke in a 10,000-line file takes, from the editor's message to the diagnostics for the new text: the
//! real binary over its standard input and output. `cargo bench --bench keystroke`.

#[path = "../common/editor.rs"]
mod editor;

use std::fmt::Write;
use std::time::{Duration, Instant};

use editor::Editor;

const LINES: usize = 10_000;
const KEYSTROKES: usize = 200;
/// One frame of a screen at 60 Hz.
const LIMIT: Duration = Duration::from_millis(16);
const URI: &str = "file:///nowhere/keepalived.conf";

/// Virtual servers with their real servers and checkers; then one instance.
fn large_file() -> String {
    let mut text = String::new();
    let mut lines = 0;
    for server in 0.. {
        if lines + 40 > LINES {
            break;
        }
        let (high, low) = (server / 250, server % 250 + 1);
        let _ = write!(
            text,
            "virtual_server 10.{high}.0.{low} 80 {{\n    delay_loop 5\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n"
        );
        for real in 1..=3 {
            let _ = write!(
                text,
                "    real_server 10.{high}.{low}.{real} 80 {{\n        weight 1\n        TCP_CHECK {{\n            connect_timeout 3\n        }}\n    }}\n"
            );
        }
        text.push_str("}\n");
        lines = text.lines().count();
    }
    text.push_str("vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 7\n    priority 100\n    virtual_ipaddress {\n        192.0.2.10/24\n    }\n}\n");
    text
}

fn main() {
    let text = large_file();
    let lines = text.lines().count() as u32;
    let mut editor = Editor::start();
    editor.open(URI, &text);
    editor.diagnostics(URI, 1);
    let priority = lines - 5;
    let mut times: Vec<Duration> = Vec::new();
    for keystroke in 0..KEYSTROKES {
        let version = keystroke as i32 + 2;
        let start = Instant::now();
        // One digit more, one digit less.
        match keystroke % 2 {
            0 => editor.edit(URI, version, [priority, 16, priority, 16], "0"),
            _ => editor.edit(URI, version, [priority, 16, priority, 17], ""),
        }
        let found = editor.diagnostics(URI, version);
        times.push(start.elapsed());
        let out_of_range = found.iter().any(|found| found["code"] == "number-out-of-range");
        assert_eq!(out_of_range, keystroke % 2 == 0, "the diagnostics are those of the new text");
    }
    assert!(editor.leave());
    times.sort();
    let (median, worst) = (times[KEYSTROKES / 2], times[KEYSTROKES - 1]);
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    println!(
        "{lines} lines, {KEYSTROKES} keystrokes, {build} build: median {median:.1?}, worst {worst:.1?}, limit {LIMIT:.0?}"
    );
}
