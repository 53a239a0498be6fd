//! Alert mails, byte for byte as keepalived writes them (keepalived.conf(5), `notification_email`, `smtp_alert`).
//!
//! Decides the addresses and the text. Never looks at a clock, a user database or a host name: the date and the
//! machine's names are handed in.

use std::net::SocketAddr;
use std::time::Duration;

use crate::model::Global;

/// Names of this machine that stand in for what the configuration leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LocalNames {
    /// The host's full name; `None` when it cannot be resolved.
    pub host: Option<String>,
    /// Who runs the daemon.
    pub login: String,
}

/// Who is told by mail, and how. Exists only when a mail can be sent at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailer {
    server: SocketAddr,
    timeout: Duration,
    helo: String,
    from: String,
    recipients: Vec<String>,
    router_id: String,
}

/// One mail, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// `smtp_server`
    pub server: SocketAddr,
    /// `smtp_connect_timeout`: for the connection, and again for each reply.
    pub timeout: Duration,
    /// `smtp_helo_name`
    pub helo: String,
    /// `notification_email_from`
    pub from: String,
    /// `notification_email`; never empty.
    pub recipients: Vec<String>,
    /// The subject, with `[router_id] ` before it.
    pub subject: String,
    /// The one line of the body.
    pub body: String,
}

impl Mailer {
    /// `None` unless the configuration names recipients and a server. What it leaves out is filled in as keepalived
    /// does, except that without a sender and a host name it writes `(null)`.
    pub fn new(global: &Global, names: &LocalNames) -> Option<Mailer> {
        let email = &global.email;
        let server = email.server.filter(|_| !email.recipients.is_empty())?;
        let host = names.host.as_deref();
        let default_from = || format!("{}@{}", names.login, host.unwrap_or("localhost"));
        Some(Mailer {
            server,
            timeout: email.connect_timeout,
            helo: email.helo_name.clone().unwrap_or_else(|| host.unwrap_or("localhost").to_owned()),
            from: email.from.clone().unwrap_or_else(default_from),
            recipients: email.recipients.clone(),
            router_id: global.router_id.clone().unwrap_or_else(|| host.unwrap_or("[unknown]").to_owned()),
        })
    }

    /// Whether the configuration sends mails and leaves out something that [`LocalNames`] stand in for.
    pub fn needs_names(global: &Global) -> bool {
        let email = &global.email;
        let sends = email.server.is_some() && !email.recipients.is_empty();
        sends && (global.router_id.is_none() || email.from.is_none() || email.helo_name.is_none())
    }

    /// A mail with this subject, after the router's name, and body.
    pub fn mail(&self, subject: &str, body: &str) -> Mail {
        Mail {
            server: self.server,
            timeout: self.timeout,
            helo: self.helo.clone(),
            from: self.from.clone(),
            recipients: self.recipients.clone(),
            subject: format!("[{}] {subject}", self.router_id),
            body: body.to_owned(),
        }
    }
}

impl Mail {
    /// What follows the `DATA` command, up to and with the final dot. `date` is an RFC 5322 date-time.
    pub fn data(&self, date: &str) -> Vec<u8> {
        let Mail { from, subject, body, .. } = self;
        let to = self.recipients.join(", ");
        // RFC 5321 §4.5.2: a line of the body must not be taken for the end.
        let stuffing = if body.starts_with('.') { "." } else { "" };
        format!(
            "Date: {date}\r\nFrom: {from}\r\nSubject: {subject}\r\nX-Mailer: Keepalived\r\nTo: {to}\r\n\r\n\
             {stuffing}{body}\r\n\r\n.\r\n"
        )
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EmailSettings;

    fn global() -> Global {
        Global {
            router_id: Some("LVS_DEVEL".to_owned()),
            email: EmailSettings {
                recipients: vec!["richardwei@localhost".to_owned(), "second@example.org".to_owned()],
                from: Some("root".to_owned()),
                server: Some(([127, 0, 0, 1], 25).into()),
                ..EmailSettings::default()
            },
            ..Global::default()
        }
    }

    fn names(host: Option<&str>) -> LocalNames {
        LocalNames { host: host.map(str::to_owned), login: "root".to_owned() }
    }

    #[test]
    fn a_mail_has_the_bytes_keepalived_sends() {
        // Received from keepalived 2.2.7 by a server in a virtual machine.
        let mailer = Mailer::new(&global(), &names(None)).expect("recipients and a server");
        let mail = mailer.mail(
            "Realserver [172.17.0.5]:tcp:80 of virtual server [172.17.0.10]:tcp:80 - DOWN",
            "=> TCP CHECK failed on service <=",
        );
        let expected = "Date: Sat, 21 Nov 2026 01:59:09 +0000\r\nFrom: root\r\n\
            Subject: [LVS_DEVEL] Realserver [172.17.0.5]:tcp:80 of virtual server [172.17.0.10]:tcp:80 - DOWN\r\n\
            X-Mailer: Keepalived\r\nTo: richardwei@localhost, second@example.org\r\n\r\n\
            => TCP CHECK failed on service <=\r\n\r\n.\r\n";
        let sent = mail.data("Sat, 21 Nov 2026 01:59:09 +0000");
        assert_eq!(String::from_utf8(sent).expect("ASCII"), expected);
        assert_eq!(mail.helo, "localhost");
    }

    #[test]
    fn without_recipients_or_server_there_is_no_mail() {
        let mut global = global();
        global.email.server = None;
        assert_eq!(Mailer::new(&global, &names(None)), None);
        let mut global = self::global();
        global.email.recipients.clear();
        assert_eq!(Mailer::new(&global, &names(None)), None);
    }

    #[test]
    fn names_left_out_are_the_machines() {
        let mut global = global();
        global.router_id = None;
        global.email.from = None;
        assert!(Mailer::needs_names(&global));
        let named = Mailer::new(&global, &names(Some("lb1.example"))).expect("a mailer").mail("s", "b");
        assert_eq!(
            (&*named.helo, &*named.from, &*named.subject),
            ("lb1.example", "root@lb1.example", "[lb1.example] s")
        );
        let unnamed = Mailer::new(&global, &names(None)).expect("a mailer").mail("s", "b");
        assert_eq!((&*unnamed.from, &*unnamed.subject), ("root@localhost", "[[unknown]] s"));
    }

    #[test]
    fn a_line_that_begins_with_a_dot_does_not_end_the_mail() {
        let mail = Mailer::new(&global(), &names(None)).expect("a mailer").mail("s", ".");
        assert!(mail.data("").ends_with(b"\r\n\r\n..\r\n\r\n.\r\n"));
    }
}
