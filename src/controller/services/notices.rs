//! Who is told of a change: the log, the scripts of the configuration, the FIFO, and people by mail.

use super::server::{QuorumChange, Real, Server};
use super::{Services, ServicesAction, Severity};

impl Services {
    /// Says something in the log.
    pub(super) fn say(&self, actions: &mut Vec<ServicesAction>, text: String) {
        actions.push(ServicesAction::Report(Severity::Info, text));
    }

    /// Sends a mail about a real server, if it may.
    pub(super) fn mail_about_real(
        &self,
        server: &Server,
        real: usize,
        up: bool,
        body: &str,
        actions: &mut Vec<ServicesAction>,
    ) {
        if server.config().real_servers[real].smtp_alert {
            let real = server.at(real).name();
            let subject = format!("Realserver {real} of virtual server {} - {}", server.name(), state(up));
            self.mail(&subject, body, actions);
        }
    }

    fn mail(&self, subject: &str, body: &str, actions: &mut Vec<ServicesAction>) {
        actions.extend(self.mailer.as_ref().map(|mailer| ServicesAction::Mail(mailer.mail(subject, body))));
    }

    /// Runs the script of a real server that went up or down, and writes the line.
    pub(super) fn notify_real(&self, server: &Server, real: usize, up: bool, actions: &mut Vec<ServicesAction>) {
        let config = &server.config().real_servers[real];
        let script = if up { &config.notify_up } else { &config.notify_down };
        actions.extend(script.clone().map(ServicesAction::Run));
        let line = format!("RS {} {} {}\n", server.at(real).name(), server.name(), state(up));
        actions.push(ServicesAction::Line(line));
    }

    fn notify_quorum(&self, server: &Server, up: bool, body: &str, actions: &mut Vec<ServicesAction>) {
        let config = server.config();
        let script = if up { &config.quorum_up } else { &config.quorum_down };
        actions.extend(script.clone().map(ServicesAction::Run));
        actions.push(ServicesAction::Line(format!("VS {} {}\n", server.name(), state(up))));
        if config.smtp_alert {
            self.mail(&format!("Virtualserver {} - {}", server.name(), state(up)), body, actions);
        }
    }

    /// The line about a real server that comes into service or leaves it.
    pub(super) fn say_moved(&self, server: &Server, real: &Real, up: bool, actions: &mut Vec<ServicesAction>) {
        let (name, server) = (real.name(), server.name());
        self.say(
            actions,
            match (real.is_inhibited_on_failure(), up) {
                (false, true) => format!("Adding service {name} to VS {server}"),
                (false, false) => format!("Removing service {name} from VS {server}"),
                (true, true) => format!("Enabling service {name} of VS {server}"),
                (true, false) => format!("Disabling service {name} of VS {server}"),
            },
        );
    }

    /// Compares with the quorum again, and tells what comes of it.
    pub(super) fn evaluate_quorum(&mut self, position: usize, initial: bool, actions: &mut Vec<ServicesAction>) {
        let Some(change) = self.servers[position].evaluate_quorum(initial) else { return };
        let server = &self.servers[position];
        self.say(actions, server.quorum_line(&change));
        self.say_sorry(server, &change, actions);
        self.notify_quorum(server, change.gained, &server.quorum_mail(&change), actions);
    }

    fn say_sorry(&self, server: &Server, change: &QuorumChange, actions: &mut Vec<ServicesAction>) {
        let (Some(sorry), Some(name)) = (server.sorry_server(), server.sorry_name()) else { return };
        let server = server.name();
        // At start there is none to take out.
        let lines = match (change.gained, sorry.inhibit) {
            (true, _) if change.initial => return,
            (true, inhibit) => [
                format!("{} sorry server {name} from VS {server}", if inhibit { "Disabling" } else { "Removing" }),
                format!("Adding alive servers to the pool for VS {server}"),
            ],
            (false, inhibit) => [
                format!("{} sorry server {name} to VS {server}", if inhibit { "Enabling" } else { "Adding" }),
                format!("Removing alive servers from the pool for VS {server}"),
            ],
        };
        lines.into_iter().for_each(|line| self.say(actions, line));
    }

    /// Tells that a reload takes a real server out.
    pub(super) fn tell_removed(&self, server: &Server, position: usize, actions: &mut Vec<ServicesAction>) {
        let real = server.at(position);
        let inhibited = if real.is_inhibited_on_failure() && !real.is_up() { "(inhibited) " } else { "" };
        if real.is_up() || real.is_inhibited_on_failure() {
            self.say(actions, format!("Removing {inhibited}service {} from VS {}", real.name(), server.name()));
        }
        if real.is_up() {
            self.notify_real(server, position, false, actions);
            self.mail_about_real(server, position, false, "=> Removing <=", actions);
        }
    }

    /// Tells that a reload takes a virtual server out, after its real servers.
    pub(super) fn tell_server_removed(&self, server: &Server, actions: &mut Vec<ServicesAction>) {
        for position in 0..server.reals().len() {
            self.tell_removed(server, position, actions);
        }
        if server.has_quorum() {
            self.notify_quorum(server, false, &server.lost_mail(), actions);
        }
    }

    /// Tells what the end of alived means for a virtual server. Scripts, lines and mails are for those with `omega`;
    /// `one_by_one` its real servers are taken out by themselves, and are mentioned.
    pub(super) fn tell_stopping(&self, server: &Server, one_by_one: bool, actions: &mut Vec<ServicesAction>) {
        const BODY: &str = "=> Shutting down <=";
        let omega = server.config().omega;
        for (position, real) in server.reals().enumerate().filter(|_| one_by_one) {
            let inhibited = if real.is_inhibited_on_failure() && !real.is_up() { "(inhibited) " } else { "" };
            self.say(actions, format!("Shutting down {inhibited}service {} from VS {}", real.name(), server.name()));
            if omega && real.is_up() {
                self.notify_real(server, position, false, actions);
                self.mail_about_real(server, position, false, BODY, actions);
            }
        }
        if omega {
            self.notify_quorum(server, false, BODY, actions);
        }
    }
}

fn state(up: bool) -> &'static str {
    if up { "UP" } else { "DOWN" }
}
