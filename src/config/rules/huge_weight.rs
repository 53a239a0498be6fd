//! A real server's weight beyond what the kernel's schedulers are made for: they compute with its product.

use super::Subject;
use super::subject::{argument, body, last, number};
use crate::diagnostic::{Diagnostic, Name};

/// Connections times weight are compared in 32 bits in places; weights of sixteen bits have always been fine.
const MOST: i64 = 65535;

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let reals = subject.servers.iter().flat_map(|server| server.reals());
    let weights = reals.filter_map(|real| last(body(real), "weight"));
    let huge = weights.filter(|line| argument(line).and_then(number).is_some_and(|weight| weight > MOST));
    let diagnostics = huge.map(|line| {
        Diagnostic::warning(Name::HUGE_WEIGHT, format!("a weight above {MOST} may overflow in a scheduler"))
            .at(line.span)
            .help("only the proportion counts: 3 and 1 do what 300000 and 100000 do")
    });
    diagnostics.collect()
}
