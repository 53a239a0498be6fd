//! `vrrp_strict` without `accept`: packets to the virtual addresses are dropped, as the RFC has it for a router that does
//! not own them, and the services behind them seem dead.

use super::Subject;
use super::subject::argument;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let strict = subject.globals().find(|line| super::subject::is(line, "vrrp_strict"));
    let mut found = Vec::new();
    for instance in &subject.instances {
        let own = super::subject::last(instance.body, "strict_mode");
        let off = own.and_then(argument).is_some_and(|word| matches!(word.bytes.as_slice(), b"off" | b"false" | b"no"));
        let Some(line) = own.or(strict).filter(|_| !off && !instance.has("accept")) else { continue };
        let message = format!("{}: in strict mode the virtual addresses do not answer", instance.name);
        let diagnostic = Diagnostic::warning(Name::STRICT_WITHOUT_ACCEPT, message).at(line.span);
        found.push(
            diagnostic.help("leave strict mode out, or write 'accept' in an instance of VRRPv3").note(
                "a router that does not own an address must not accept packets to it (RFC 9568 §6.1, Accept_Mode)",
            ),
        );
        if own.is_none() {
            break; // The line in global_defs is one mistake, however many instances it concerns.
        }
    }
    found
}
