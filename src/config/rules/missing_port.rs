//! A real server or sorry server without a port behind a virtual server that has one.

use super::Subject;
use super::subject::{all, number};
use crate::diagnostic::{Diagnostic, Name, Severity};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for server in subject.servers.iter().filter(|server| server.address.is_some()) {
        let Some(port) = server.head.words.get(2).and_then(number).filter(|port| *port > 0) else { continue };
        for line in server.reals().chain(all(server.body, "sorry_server")) {
            let [keyword, address] = line.words.as_slice() else { continue };
            if super::subject::host(address).is_none() {
                continue;
            }
            // A real server takes over the port of its virtual server; 2.2.7 programs a sorry server with port 0.
            let is_real = keyword.bytes == b"real_server";
            let severity = if is_real { Severity::Note } else { Severity::Warning };
            let message = format!("{} {} has no port", keyword.text(), address.text());
            let diagnostic = Diagnostic::warning(Name::MISSING_PORT, message).at(line.span);
            let diagnostic = diagnostic.help(format!("write '{} {} {port}'", keyword.text(), address.text()));
            found.push(Diagnostic { severity, ..diagnostic });
        }
    }
    found
}
