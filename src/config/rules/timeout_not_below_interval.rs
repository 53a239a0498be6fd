//! A script that may take longer than it is from one start to the next: keepalived skips the runs between.

use super::Subject;
use super::subject::{argument, body, last, seconds};
use crate::diagnostic::{Diagnostic, Name};

/// keepalived.conf(5), `vrrp_script`: the default of `interval`, in seconds.
const INTERVAL: f64 = 1.0;

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let diagnostics = subject.blocks("vrrp_script").filter_map(|script| {
        let line = last(body(script), "timeout")?;
        let timeout = seconds(argument(line)?)?;
        let own = last(body(script), "interval");
        let interval = own.and_then(argument).map_or(Some(INTERVAL), seconds)?;
        let name = argument(script)?.text();
        let message = format!("{name}: the timeout of {timeout} s is not below the interval of {interval} s");
        let diagnostic = Diagnostic::warning(Name::TIMEOUT_NOT_BELOW_INTERVAL, message).at(line.span);
        let diagnostic = match own {
            Some(own) => diagnostic.also(own.span, "the interval"),
            None => diagnostic,
        };
        let diagnostic = diagnostic.help("a script that hangs is noticed after the timeout: make it shorter");
        (timeout > 0.0 && timeout >= interval).then_some(diagnostic)
    });
    diagnostics.collect()
}
