//! Where the log goes: the console in keepalived's form, and syslog with keepalived's idents.
//!
//! Lines are handed to a thread of their own: a blocked terminal or a busy syslog daemon never delays an advert. When
//! the thread falls too far behind, lines are dropped and their number is told.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Lines that may wait for the writer.
const QUEUE: usize = 16_384;
/// The local syslog daemon (syslog(3)).
const DEV_LOG: &str = "/dev/log";
/// `LOG_DAEMON` of syslog.h, keepalived's default facility.
pub const FACILITY_DAEMON: u8 = 3;

/// What the command line says about logging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOptions {
    /// `-l`: also to standard output.
    pub console: bool,
    /// `-D`: details, too.
    pub detail: bool,
    /// Unless `-G`.
    pub syslog: bool,
    /// `-S`: syslog facility number, [`FACILITY_DAEMON`] by default.
    pub facility: u8,
}

enum Entry {
    Line { level: Level, part: Part, text: String },
    End,
}

/// Which of keepalived's processes would have said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Parent,
    Vrrp,
    Checkers,
}

impl Part {
    fn of(target: &str) -> Part {
        if target.contains("vrrp") {
            Part::Vrrp
        } else if target.contains("services") || target.contains("probe") || target.contains("smtp") {
            Part::Checkers
        } else {
            Part::Parent
        }
    }

    fn ident(self) -> &'static str {
        match self {
            Part::Parent => "Keepalived",
            Part::Vrrp => "Keepalived_vrrp",
            Part::Checkers => "Keepalived_healthcheckers",
        }
    }
}

/// Keeps the writer alive; dropping it writes what is left.
pub struct LogGuard {
    queue: SyncSender<Entry>,
    writer: Option<JoinHandle<()>>,
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        if self.queue.send(Entry::End).is_ok()
            && let Some(writer) = self.writer.take()
        {
            let _ = writer.join();
        }
    }
}

/// Starts the writer and makes it the process's log. Later calls in one process change nothing.
pub fn start(options: LogOptions) -> LogGuard {
    let (queue, entries) = sync_channel(QUEUE);
    let dropped = Arc::new(AtomicU64::new(0));
    let writer = {
        let dropped = dropped.clone();
        std::thread::Builder::new()
            .name("alived_log".to_owned())
            .spawn(move || write_entries(&entries, options, &dropped))
            .ok()
    };
    let layer = QueueLayer { queue: Mutex::new(queue.clone()), dropped, detail: options.detail };
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
    LogGuard { queue, writer }
}

struct QueueLayer {
    queue: Mutex<SyncSender<Entry>>,
    dropped: Arc<AtomicU64>,
    detail: bool,
}

impl<S: Subscriber> Layer<S> for QueueLayer {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        let most = if self.detail { Level::DEBUG } else { Level::INFO };
        metadata.target().starts_with("alived") && *metadata.level() <= most
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = LineText::default();
        event.record(&mut text);
        let metadata = event.metadata();
        let line = Entry::Line { level: *metadata.level(), part: Part::of(metadata.target()), text: text.finish() };
        // Held for a non-blocking push only.
        let Ok(queue) = self.queue.lock() else { return };
        if let Err(TrySendError::Full(_)) = queue.try_send(line) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The message first, then the fields as `name=value`; control characters escaped, so that one event is one line.
#[derive(Default)]
struct LineText {
    message: String,
    fields: String,
}

impl LineText {
    fn finish(self) -> String {
        let line = self.message + &self.fields;
        if line.contains(|c: char| c.is_control()) {
            line.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
        } else {
            line
        }
    }
}

impl Visit for LineText {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

fn write_entries(entries: &Receiver<Entry>, options: LogOptions, dropped: &AtomicU64) {
    let mut syslog = None;
    while let Ok(Entry::Line { level, part, text }) = entries.recv() {
        write_line(level, part, &text, options, &mut syslog);
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let text = format!("{lost} log lines were dropped: the log is slower than what there is to say");
            write_line(Level::WARN, Part::Parent, &text, options, &mut syslog);
        }
    }
}

fn write_line(level: Level, part: Part, text: &str, options: LogOptions, syslog: &mut Option<UnixDatagram>) {
    let now = jiff::Zoned::now();
    if options.console {
        let stdout = std::io::stdout();
        let mut out = stdout.lock();
        // A reader that went away must not end the daemon.
        let _ = writeln!(out, "{}: {text}", now.strftime("%a %b %e %H:%M:%S %Y"));
        let _ = out.flush();
    }
    if options.syslog {
        let severity = match level {
            Level::ERROR => 3,
            Level::WARN => 4,
            _ => 6, // keepalived logs its details at info as well
        };
        let priority = options.facility << 3 | severity;
        let (stamp, ident, pid) = (now.strftime("%b %e %H:%M:%S"), part.ident(), std::process::id());
        let line = format!("<{priority}>{stamp} {ident}[{pid}]: {text}");
        send_to_syslog(syslog, line.as_bytes());
    }
}

/// Connects when needed, and once more when the syslog daemon was restarted.
fn send_to_syslog(socket: &mut Option<UnixDatagram>, line: &[u8]) {
    for _ in 0..2 {
        if socket.is_none() {
            *socket = UnixDatagram::unbound().and_then(|s| s.connect(DEV_LOG).map(|()| s)).ok();
        }
        match socket {
            Some(connected) if connected.send(line).is_ok() => return,
            Some(_) => *socket = None,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_is_one_line() {
        let text = LineText { message: "two\nlines".to_owned(), fields: " vrid=51".to_owned() };
        assert_eq!(text.finish(), "two\\nlines vrid=51");
    }

    #[test]
    fn lines_carry_the_ident_of_the_process_that_keepalived_would_have_used() {
        assert_eq!(Part::of("alived::daemon::vrrp").ident(), "Keepalived_vrrp");
        assert_eq!(Part::of("alived::daemon::services").ident(), "Keepalived_healthcheckers");
        assert_eq!(Part::of("alived::daemon").ident(), "Keepalived");
    }
}
