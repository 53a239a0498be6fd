//! A check over TCP for a service over UDP: it fails, or it judges something else than what is balanced.

use super::Subject;
use super::subject::{argument, body, last};
use crate::diagnostic::{Diagnostic, Name};

const BY_TCP: [&[u8]; 4] = [b"TCP_CHECK", b"HTTP_GET", b"SSL_GET", b"SMTP_CHECK"];

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for server in &subject.servers {
        let Some(protocol) = last(server.body, "protocol") else { continue };
        if !argument(protocol).is_some_and(|word| word.bytes.eq_ignore_ascii_case(b"UDP")) {
            continue;
        }
        for checker in server.reals().flat_map(body) {
            let Some(name) = checker.words.first().filter(|name| BY_TCP.contains(&name.bytes.as_slice())) else {
                continue;
            };
            let message = format!("{} looks at TCP, and the service is UDP", name.text());
            let diagnostic = Diagnostic::warning(Name::TCP_CHECK_OF_UDP, message).at(name.span);
            found.push(diagnostic.also(protocol.span, "UDP here").help("UDP_CHECK and DNS_CHECK look at UDP"));
        }
    }
    found
}
