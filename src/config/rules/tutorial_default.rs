//! Values that tutorials print: two strangers on one network who both copied them are in each other's way.

use super::Subject;
use super::subject::{argument, body, is};
use crate::diagnostic::{Diagnostic, Name};

/// Passwords of well-known examples.
const PASSWORDS: [&[u8]; 6] = [b"1111", b"1234", b"12345", b"123456", b"password", b"secret"];
/// `virtual_router_id` of well-known examples. A fine choice by itself, so it is mentioned only beside such a password.
const VRID: u8 = 51;
/// `router_id` of the sample that keepalived ships.
const ROUTER_ID: &str = "LVS_DEVEL";
/// Where that sample sends its mail, and by which server.
const MAIL_DOMAIN: &[u8] = b"@firewall.loc";
const MAIL_SERVER: &[u8] = b"192.168.200.1";

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if let Some(router_id) = subject.draft.global.router_id.as_ref().filter(|id| id.value == ROUTER_ID) {
        let message = format!("router_id {ROUTER_ID} is the one of keepalived's sample configuration");
        found.push(Diagnostic::remark(Name::TUTORIAL_DEFAULT, message).at(router_id.span).help("name this node"));
    }
    let mail = subject.globals().filter(|line| is(line, "notification_email")).flat_map(body);
    let recipient = mail.filter_map(|line| line.words.first()).find(|word| word.bytes.ends_with(MAIL_DOMAIN));
    let server = subject.globals().filter(|line| is(line, "smtp_server")).filter_map(argument);
    let server = server.filter(|word| word.bytes == MAIL_SERVER).last();
    if let Some(word) = recipient.or(server) {
        let message = format!("{} is of keepalived's sample configuration: no mail arrives", word.text());
        found.push(Diagnostic::remark(Name::TUTORIAL_DEFAULT, message).at(word.span).help("name your own"));
    }
    for instance in &subject.draft.instances {
        let password = instance.auth_pass.as_ref().filter(|password| PASSWORDS.contains(&password.value.as_slice()));
        if let Some(password) = password {
            let message = format!("{}: this password is in every tutorial", instance.name.value);
            let diagnostic = Diagnostic::remark(Name::TUTORIAL_DEFAULT, message)
                .at(password.span)
                .help("choose another; it keeps two clusters on one network apart, and is no secret");
            let vrid = instance.vrid.filter(|vrid| vrid.value.get() == VRID);
            found.push(match vrid {
                Some(vrid) => diagnostic.also(vrid.span, "and so is this id"),
                None => diagnostic,
            });
        }
    }
    found
}
