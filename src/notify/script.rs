//! Which scripts a change of state runs, and with which arguments (keepalived.conf(5), "VRRP instance(s)").

use std::fmt;

use crate::model::{Command, Notify, Priority};

/// A state as scripts are told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The instance has the addresses now.
    Master,
    /// Another router has them.
    Backup,
    /// The instance must not have them, or a reload removed it.
    Fault,
    /// The daemon ends.
    Stop,
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Occasion::Master => "MASTER",
            Occasion::Backup => "BACKUP",
            Occasion::Fault => "FAULT",
            Occasion::Stop => "STOP",
        })
    }
}

/// The state's own script as it is configured, then the general one with `INSTANCE`, the name, the state and the
/// effective priority after its own arguments.
pub fn scripts(notify: &Notify, instance: &str, occasion: Occasion, priority: Priority) -> Vec<Command> {
    let specific = match occasion {
        Occasion::Master => &notify.master,
        Occasion::Backup => &notify.backup,
        Occasion::Fault => &notify.fault,
        Occasion::Stop => &notify.stop,
    };
    specific.iter().cloned().chain(general(notify, instance, occasion, priority)).collect()
}

/// The general script alone: what keepalived runs for an instance that a reload removed.
pub fn general(notify: &Notify, instance: &str, occasion: Occasion, priority: Priority) -> Option<Command> {
    let mut command = notify.any.clone()?;
    let told = ["INSTANCE".to_owned(), instance.to_owned(), occasion.to_string(), priority.to_string()];
    command.argv.extend(told);
    Some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Command {
        Command { argv: words.iter().map(|word| (*word).to_owned()).collect(), user: None }
    }

    #[test]
    fn the_state_s_own_script_comes_first_and_only_the_general_one_is_told() {
        let notify = Notify {
            master: Some(command(&["/bin/master", "a b"])),
            any: Some(command(&["/bin/any", "x"])),
            ..Notify::default()
        };
        let run = |occasion| scripts(&notify, "VI_1", occasion, Priority::new(150));
        let told = |state| command(&["/bin/any", "x", "INSTANCE", "VI_1", state, "150"]);
        assert_eq!(run(Occasion::Master), [command(&["/bin/master", "a b"]), told("MASTER")]);
        assert_eq!(run(Occasion::Backup), [told("BACKUP")]);
        assert_eq!(run(Occasion::Stop), [told("STOP")]);
    }

    #[test]
    fn nothing_configured_runs_nothing() {
        assert_eq!(scripts(&Notify::default(), "VI_1", Occasion::Fault, Priority::DEFAULT), []);
    }
}
