//! Who is told what when a virtual router or a sync group changes: scripts, FIFO lines, mails, in keepalived's order
//! and words (keepalived.conf(5), "VRRP instance(s)", "vrrp_notify_fifo", "smtp_alert").

use std::fmt;

use crate::model::{Command, Notify, Priority};

/// A state as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The instance has the addresses now.
    Master,
    /// Another router has them.
    Backup,
    /// The instance must not have them.
    Fault,
    /// The daemon ends.
    Stop,
    /// A reload removed the instance.
    Deleted,
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Occasion::Master => "MASTER",
            Occasion::Backup => "BACKUP",
            Occasion::Fault => "FAULT",
            Occasion::Stop => "STOP",
            Occasion::Deleted => "DELETED",
        })
    }
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A script to be run.
    Run(Command),
    /// A line for `notify_fifo` and `vrrp_notify_fifo`, with its end.
    Line(String),
    /// A mail.
    Mail {
        /// After the router's name.
        subject: String,
        /// One line.
        body: &'static str,
    },
}

/// Whom it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A `vrrp_instance`.
    Instance,
    /// A `vrrp_sync_group`.
    Group,
}

/// An instance or a group, as far as others are told about it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Which of the two.
    pub kind: Kind,
    /// Its name.
    pub name: &'a str,
    /// Who is told.
    pub notify: &'a Notify,
    /// The effective priority of an instance; a group has [`Priority::STOP`].
    pub priority: Priority,
}

impl Subject<'_> {
    /// All that a change of state causes. `mailed` is the state that the last mail told; `fault_mails` is false with
    /// `no_email_faults`.
    pub fn entered(&self, occasion: Occasion, mailed: &mut Option<Occasion>, fault_mails: bool) -> Vec<Message> {
        let Notify { master, backup, fault, stop, deleted, tells_deleted, .. } = self.notify;
        let specific = match occasion {
            Occasion::Master => master,
            Occasion::Backup => backup,
            Occasion::Fault => fault,
            Occasion::Stop => stop,
            Occasion::Deleted => deleted,
        };
        // What older configurations know of an instance that is gone.
        let told = if occasion == Occasion::Deleted && !tells_deleted { Occasion::Fault } else { occasion };
        let mut messages: Vec<Message> = specific.iter().cloned().map(Message::Run).collect();
        messages.extend(self.general(told).map(Message::Run));
        messages.push(self.line(&told.to_string()));
        let wanted = self.notify.mail && (fault_mails || told != Occasion::Fault) && *mailed != Some(told);
        if wanted && let Some(mail) = self.mail(told) {
            *mailed = Some(told);
            messages.push(mail);
        }
        messages
    }

    /// The general script: `INSTANCE` or `GROUP`, the name, the state and the priority after its own arguments.
    fn general(&self, occasion: Occasion) -> Option<Command> {
        let mut command = self.notify.any.clone()?;
        let kind = self.kind_word().to_owned();
        command.argv.extend([kind, self.name.to_owned(), occasion.to_string(), self.priority.to_string()]);
        Some(command)
    }

    /// A MASTER has heard a worse router.
    pub fn challenged(&self) -> Vec<Message> {
        let script = self.notify.master_rx_lower_priority.iter().cloned().map(Message::Run);
        script.chain([self.line("MASTER_RX_LOWER_PRI")]).collect()
    }

    /// The effective priority is another one; told only where that is asked for.
    pub fn priority_changed(&self, is_master: bool) -> Option<Message> {
        let word = if is_master { "MASTER_PRIORITY" } else { "BACKUP_PRIORITY" };
        self.notify.priority_changes.then(|| self.line(word))
    }

    /// A FIFO's line about it.
    pub fn line(&self, event: &str) -> Message {
        Message::Line(format!("{} \"{}\" {event} {}\n", self.kind_word(), self.name, self.priority))
    }

    fn kind_word(&self) -> &'static str {
        match self.kind {
            Kind::Instance => "INSTANCE",
            Kind::Group => "GROUP",
        }
    }

    fn mail(&self, occasion: Occasion) -> Option<Message> {
        let what = match occasion {
            Occasion::Master => "Entering MASTER state",
            Occasion::Backup => "Entering BACKUP state",
            Occasion::Fault => "Entering FAULT state",
            Occasion::Stop => "Stopping",
            Occasion::Deleted => "Deleted",
        };
        let body = match (self.kind, occasion) {
            (Kind::Instance, Occasion::Master) => "=> VRRP Instance is now owning VRRP VIPs <=",
            (Kind::Instance, Occasion::Backup | Occasion::Fault) => "=> VRRP Instance is no longer owning VRRP VIPs <=",
            (Kind::Instance, Occasion::Stop) => "=> VRRP Instance stopping <=",
            (Kind::Instance, Occasion::Deleted) => "=> VRRP Deleted at reload <=",
            (Kind::Group, Occasion::Master) => "=> All VRRP group instances are now in MASTER state <=",
            (Kind::Group, Occasion::Backup) => "=> All VRRP group instances are now in BACKUP state <=",
            (Kind::Group, Occasion::Fault) => "=> All VRRP group instances are now in FAULT state <=",
            (Kind::Group, Occasion::Stop) => "=> All VRRP group instances are now stopping <=",
            (Kind::Group, Occasion::Deleted) => return None,
        };
        let kind = if self.kind == Kind::Group { "Group" } else { "Instance" };
        Some(Message::Mail { subject: format!("VRRP {kind} {} - {what}", self.name), body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Command {
        Command { argv: words.iter().map(|word| (*word).to_owned()).collect(), user: None }
    }

    fn instance(notify: &Notify) -> Subject<'_> {
        Subject { kind: Kind::Instance, name: "VI_1", notify, priority: Priority::new(150) }
    }

    fn run(words: &[&str]) -> Message {
        Message::Run(command(words))
    }

    fn line(text: &str) -> Message {
        Message::Line(text.to_owned())
    }

    #[test]
    fn the_state_s_own_script_comes_first_and_only_the_general_one_is_told() {
        let notify = Notify {
            master: Some(command(&["/bin/master", "a b"])),
            any: Some(command(&["/bin/any", "x"])),
            ..Notify::default()
        };
        let entered = |occasion| instance(&notify).entered(occasion, &mut None, true);
        assert_eq!(
            entered(Occasion::Master),
            [
                run(&["/bin/master", "a b"]),
                run(&["/bin/any", "x", "INSTANCE", "VI_1", "MASTER", "150"]),
                line("INSTANCE \"VI_1\" MASTER 150\n"),
            ]
        );
        let stop = [run(&["/bin/any", "x", "INSTANCE", "VI_1", "STOP", "150"]), line("INSTANCE \"VI_1\" STOP 150\n")];
        assert_eq!(entered(Occasion::Stop), stop);
    }

    #[test]
    fn an_instance_that_is_gone_is_told_as_fault_unless_notify_deleted_says_otherwise() {
        let mut notify =
            Notify { fault: Some(command(&["/bin/fault"])), any: Some(command(&["/bin/any"])), ..Notify::default() };
        let told = instance(&notify).entered(Occasion::Deleted, &mut None, true);
        let fault = [run(&["/bin/any", "INSTANCE", "VI_1", "FAULT", "150"]), line("INSTANCE \"VI_1\" FAULT 150\n")];
        assert_eq!(told, fault);
        (notify.tells_deleted, notify.deleted) = (true, Some(command(&["/bin/gone"])));
        let told = instance(&notify).entered(Occasion::Deleted, &mut None, true);
        let any = run(&["/bin/any", "INSTANCE", "VI_1", "DELETED", "150"]);
        assert_eq!(told, [run(&["/bin/gone"]), any, line("INSTANCE \"VI_1\" DELETED 150\n")]);
    }

    #[test]
    fn a_mail_is_not_repeated_and_faults_can_be_left_out() {
        let notify = Notify { mail: true, ..Notify::default() };
        let (mut mailed, subject) = (None, instance(&notify));
        let mut mails = |occasion, fault_mails| {
            let messages = subject.entered(occasion, &mut mailed, fault_mails);
            messages.iter().filter(|message| matches!(message, Message::Mail { .. })).count()
        };
        assert_eq!(mails(Occasion::Backup, false), 1);
        assert_eq!(mails(Occasion::Fault, false), 0);
        assert_eq!(mails(Occasion::Backup, false), 0, "the last mail said so already");
        assert_eq!(mails(Occasion::Fault, true), 1);
        assert_eq!(mails(Occasion::Backup, true), 1);
    }

    #[test]
    fn a_group_has_its_own_words_and_no_priority() {
        let notify = Notify { any: Some(command(&["/bin/any"])), mail: true, ..Notify::default() };
        let group = Subject { kind: Kind::Group, name: "G1", notify: &notify, priority: Priority::STOP };
        let body = "=> All VRRP group instances are now in MASTER state <=";
        assert_eq!(
            group.entered(Occasion::Master, &mut None, true),
            [
                run(&["/bin/any", "GROUP", "G1", "MASTER", "0"]),
                line("GROUP \"G1\" MASTER 0\n"),
                Message::Mail { subject: "VRRP Group G1 - Entering MASTER state".to_owned(), body },
            ]
        );
    }

    #[test]
    fn priorities_are_told_where_that_is_asked_for_and_a_worse_router_always() {
        let mut notify = Notify::default();
        assert_eq!(instance(&notify).priority_changed(true), None);
        assert_eq!(instance(&notify).challenged(), [line("INSTANCE \"VI_1\" MASTER_RX_LOWER_PRI 150\n")]);
        notify.priority_changes = true;
        let told = |is_master| instance(&notify).priority_changed(is_master);
        assert_eq!(told(true), Some(line("INSTANCE \"VI_1\" MASTER_PRIORITY 150\n")));
        assert_eq!(told(false), Some(line("INSTANCE \"VI_1\" BACKUP_PRIORITY 150\n")));
    }
}
