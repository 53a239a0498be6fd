//! `connect_timeout` above `delay_loop`: a server that does not answer is noticed later than the next check was due.

use std::collections::HashSet;

use super::Subject;
use super::no_checker::is_checker;
use super::subject::{argument, body, last, seconds};
use crate::diagnostic::{Diagnostic, Name};

/// How often is checked when nothing is said (keepalived.conf(5), `delay_loop`).
const DEFAULT_DELAY: f64 = 60.0;

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    for server in &subject.servers {
        for real in server.reals() {
            for checker in body(real).iter().filter(|line| is_checker(line)) {
                let nearest = |keyword| {
                    [body(checker), body(real), server.body].into_iter().find_map(|lines| last(lines, keyword))
                };
                let Some(timeout) = nearest("connect_timeout") else { continue };
                let delay = nearest("delay_loop");
                let value = |line| argument(line).and_then(seconds);
                let interval = delay.map_or(Some(DEFAULT_DELAY), value).filter(|interval| *interval > 0.0);
                let (Some(seconds), Some(interval)) = (value(timeout), interval) else { continue };
                if seconds > interval && seen.insert(timeout.span) {
                    let message = format!("waits {seconds} s for an answer and checks every {interval} s");
                    let diagnostic = Diagnostic::remark(Name::TIMEOUT_EXCEEDS_DELAY_LOOP, message).at(timeout.span);
                    let diagnostic = diagnostic.help("make 'connect_timeout' shorter than 'delay_loop'");
                    found.push(match delay {
                        Some(delay) => diagnostic.also(delay.span, "how often it checks"),
                        None => diagnostic,
                    });
                }
            }
        }
    }
    found
}
