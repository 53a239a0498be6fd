//! What the daemon as a whole does: `startup_script`, `reload_…`, `umask`, directories.

use std::time::Duration;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, shortened};
use crate::config::values::{self, Script, invalid_value};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::{DaemonSettings, Global, ReloadMarker, Umask};

use super::super::script::{UserAndGroup, default_user};
use super::command;
use super::read::{flag, number, set, text};

/// Permission bits and their names, without `S_` (sys/stat.h).
const PERMISSIONS: [(&str, u16); 12] = [
    ("IRUSR", 0o400),
    ("IWUSR", 0o200),
    ("IXUSR", 0o100),
    ("IRWXU", 0o700),
    ("IRGRP", 0o40),
    ("IWGRP", 0o20),
    ("IXGRP", 0o10),
    ("IRWXG", 0o70),
    ("IROTH", 0o4),
    ("IWOTH", 0o2),
    ("IXOTH", 0o1),
    ("IRWXO", 0o7),
];

/// The settings, and the scripts with the user that was the default at their line.
#[derive(Default)]
pub(in crate::config::lower) struct DaemonDraft {
    /// All but the scripts.
    pub(in crate::config::lower) settings: DaemonSettings,
    startup: Option<Spanned<(Script, Option<UserAndGroup>)>>,
    shutdown: Option<Spanned<(Script, Option<UserAndGroup>)>>,
}

impl DaemonDraft {
    /// Takes the line if it is about the daemon; `user` is what `script_user` said so far.
    pub(super) fn line(&mut self, context: &mut Context, line: &Line, user: Option<UserAndGroup>) -> bool {
        let settings = &mut self.settings;
        match line.keyword.name.as_str() {
            name @ ("startup_script" | "shutdown_script") => {
                let default = user.or_else(|| default_user(context.host));
                let script = values::script(context, "global_defs", line);
                let script = script.map(|script| Spanned::new((script.value, default), script.span));
                *if name == "startup_script" { &mut self.startup } else { &mut self.shutdown } = script;
            }
            "startup_script_timeout" => set(&mut settings.startup.timeout, seconds(context, line)),
            "shutdown_script_timeout" => set(&mut settings.shutdown.timeout, seconds(context, line)),
            "reload_check_config" => settings.reload.check = Some(text(line).unwrap_or("/dev/null".to_owned())),
            "reload_file" => {
                settings.reload.marker = Some(text(line).map_or(ReloadMarker::BesidePidFile, ReloadMarker::At));
            }
            "reload_time_file" => {
                if alone(context, line, "reload_time_file invalid") {
                    settings.reload.schedule = text(line);
                }
            }
            "reload_repeat" => settings.reload.repeat = true,
            "umask" => set(&mut settings.umask, umask(context, line)),
            "config_save_dir" => {
                if let Some(directory) = text(line).filter(|directory| can_hold(context, line, directory)) {
                    settings.saved_configurations = Some(directory);
                }
            }
            "tmp_config_directory" => settings.temporary_configuration = text(line),
            "use_symlink_paths" => set(&mut settings.keep_symbolic_links, flag(context, line)),
            "set_supplementary_groups" => set(&mut settings.supplementary_groups, flag(context, line)),
            name @ ("iproute_usr_dir" | "iproute_etc_dir") => {
                if alone(context, line, &format!("{name} requires path")) {
                    let usr = name == "iproute_usr_dir";
                    *if usr { &mut settings.iproute_directory } else { &mut settings.iproute_override } = text(line);
                }
            }
            _ => return false,
        }
        true
    }

    /// The settings with the scripts that can run; keepalived says in its log alone when one cannot.
    pub(super) fn finish(&self, context: &mut Context, global: &Global) -> DaemonSettings {
        let mut settings = self.settings.clone();
        let mut resolve = |script: &Option<Spanned<_>>, what| command(context, script.as_ref()?, what, global);
        settings.startup.command = resolve(&self.startup, "no startup script is run");
        settings.shutdown.command = resolve(&self.shutdown, "no shutdown script is run");
        settings
    }
}

fn seconds(context: &mut Context, line: &Line) -> Option<Duration> {
    number(context, line).map(Duration::from_secs)
}

/// Whether the keyword has one argument only.
pub(super) fn alone(context: &mut Context, line: &Line, gist: &str) -> bool {
    let Some(extra) = line.arguments.get(1) else { return true };
    let message = format!("'{}' takes one word; the line is ignored", line.keyword.name);
    context
        .report(Diagnostic::warning(Name::EXTRA_WORDS, message).at(extra.span).class(ErrorClass::General).gist(gist));
    false
}

/// keepalived makes the directory while it reads the file, even for `-t`; alived looks whether it could.
fn can_hold(context: &mut Context, line: &Line, directory: &str) -> bool {
    let can = context.host.is_none_or(|host| host.can_hold_files(directory));
    if !can {
        let message = format!("{} is no directory and cannot become one", shortened(directory));
        let gist = format!("Unable to create config_save_dir {}", shortened(directory));
        context.report(invalid_value(line.span(), message).gist(gist));
    }
    can
}

/// A number in C's notation, or permission bits with `|` between them.
fn umask(context: &mut Context, line: &Line) -> Option<Umask> {
    let first = line.argument()?;
    let complain = |context: &mut Context, message: String, gist: String| {
        context.report(invalid_value(line.span(), message).gist(gist));
        None
    };
    if first.bytes.as_slice().first().is_some_and(u8::is_ascii_digit) {
        if line.arguments.len() > 1 {
            let message = "'umask' takes one number; the line is ignored".to_owned();
            return complain(context, message, "Extra parameter(s) to umask option".to_owned());
        }
        let text = first.text();
        let umask = c_integer(&text).and_then(Umask::new);
        if umask.is_none() {
            let message = format!("'{}' is no umask: 0 to 0777", shortened(&text));
            return complain(context, message, format!("invalid umask value {}", shortened(&text)));
        }
        return umask;
    }
    let (mut bits, mut need_or) = (0, false);
    for word in line.arguments.iter() {
        let text = word.text();
        let mut rest = &*text;
        while !rest.is_empty() {
            if need_or {
                let Some(after) = rest.strip_prefix('|') else {
                    let message = format!("'{}': there must be a '|' between permissions", shortened(&text));
                    return complain(context, message, format!("Invalid umask syntax {}", shortened(&text)));
                };
                (rest, need_or) = (after, false);
                continue;
            }
            let known = PERMISSIONS.iter().find_map(|(name, bit)| Some((rest.strip_prefix(name)?, *bit)));
            let Some((after, bit)) = known else {
                let message = format!("'{}' is no permission", shortened(rest));
                return complain(context, message, format!("Unknown umask bit {}", shortened(rest)));
            };
            (rest, need_or) = (after, true);
            bits |= bit;
        }
    }
    if !need_or {
        let message = "a permission is missing at the end of 'umask'".to_owned();
        return complain(context, message, "umask missing bit value".to_owned());
    }
    Umask::new(bits)
}

/// What `strtol` makes of the whole text with base 0.
fn c_integer(text: &str) -> Option<u16> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match (hex, text.strip_prefix('0')) {
        (Some(digits), _) => u16::from_str_radix(digits, 16).ok(),
        (None, Some("")) => Some(0),
        (None, Some(digits)) => u16::from_str_radix(digits, 8).ok(),
        (None, None) => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::c_integer;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        let read = ["0", "022", "0x1ff", "18", "08", "0x", "1x"].map(c_integer);
        assert_eq!(read, [Some(0), Some(0o22), Some(0o777), Some(18), None, None, None]);
    }
}
