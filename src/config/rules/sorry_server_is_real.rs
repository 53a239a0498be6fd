//! A sorry server that is one of the real servers: when they are all down, so is it.

use super::Subject;
use super::subject::{host, last};
use crate::diagnostic::{Diagnostic, Name};
use crate::syntax::Statement;

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let diagnostics = subject.servers.iter().filter_map(|server| {
        let sorry = last(server.body, "sorry_server")?;
        let key =
            |line: &Statement| Some((host(line.words.get(1)?)?, line.words.get(2).map(|port| port.bytes.clone())));
        let sorry_key = key(sorry)?;
        let real = server.reals().find(|real| key(real).as_ref() == Some(&sorry_key))?;
        let message = format!("the sorry server {} is one of the real servers", sorry_key.0);
        let diagnostic = Diagnostic::warning(Name::SORRY_SERVER_IS_REAL, message).at(sorry.span);
        Some(diagnostic.also(real.span, "this one").help("name a server that stands when all others have failed"))
    });
    diagnostics.collect()
}
