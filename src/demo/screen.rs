//! The demo's output: one line for each thing that happens, with the seconds since the start; colour on a terminal only.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Who a line is about, and how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// A director's daemon.
    Director(&'static str),
    /// What passed the switch.
    Wire,
    /// The client.
    Client,
    /// The demo itself.
    Demo,
}

impl Voice {
    fn label(self) -> &'static str {
        match self {
            Voice::Director(name) => name,
            Voice::Wire => "wire",
            Voice::Client => "client",
            Voice::Demo => "demo",
        }
    }

    /// SGR parameters (ECMA-48 §8.3.117).
    fn colour(self) -> &'static str {
        match self {
            Voice::Director("a") => "36",
            Voice::Director(_) => "35",
            Voice::Wire => "2",
            Voice::Client => "34",
            Voice::Demo => "32",
        }
    }
}

/// Standard output.
pub struct Screen {
    start: Instant,
    colour: bool,
}

impl Screen {
    /// Time starts now.
    pub fn new() -> Screen {
        Screen { start: Instant::now(), colour: io::stdout().is_terminal() }
    }

    /// A line about something that happened at `at`.
    pub fn say(&self, at: Instant, voice: Voice, text: &str) {
        let seconds = at.saturating_duration_since(self.start).as_secs_f64();
        let label = voice.label();
        self.line(voice.colour(), &format!("{seconds:7.2}  {label:<6}  {text}"));
    }

    /// The beginning of a chapter.
    pub fn chapter(&self, text: &str) {
        self.line("", "");
        self.line("1", &format!("== {text}"));
    }

    /// A line without time.
    pub fn plain(&self, text: &str) {
        self.line("", text);
    }

    fn line(&self, colour: &str, text: &str) {
        let mut out = io::stdout().lock();
        // A closed terminal does not change the story.
        let _ = if self.colour && !colour.is_empty() {
            writeln!(out, "\x1b[{colour}m{text}\x1b[0m")
        } else {
            writeln!(out, "{text}")
        };
        let _ = out.flush();
    }
}

/// `3.614 s`
pub fn seconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}
