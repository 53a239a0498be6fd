//! `connect_timeout` above `delay_loop`: a server that does not answer is noticed later than the next check was due.

use super::Subject;
use super::no_checker::is_checker;
use super::subject::{argument, body, last, seconds};
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for server in &subject.servers {
        for real in server.reals() {
            for checker in body(real).iter().filter(|line| is_checker(line)) {
                let around = [body(checker), body(real), server.body];
                let Some(timeout) = last(body(checker), "connect_timeout") else { continue };
                let Some(delay) = around.into_iter().find_map(|lines| last(lines, "delay_loop")) else { continue };
                let value = |line| argument(line).and_then(seconds);
                let (Some(seconds), Some(interval)) = (value(timeout), value(delay)) else { continue };
                if seconds > interval {
                    let message = format!("waits {seconds} s for an answer and checks every {interval} s");
                    let diagnostic = Diagnostic::warning(Name::TIMEOUT_EXCEEDS_DELAY_LOOP, message).at(timeout.span);
                    let help = "make 'connect_timeout' shorter than 'delay_loop'";
                    found.push(diagnostic.also(delay.span, "how often it checks").help(help));
                }
            }
        }
    }
    found
}
