//! `global_defs`.

mod daemon;
mod fifo;
mod lvs;
mod observe;
mod process;
mod read;
mod vrrp;

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, judge, lines, walk_all};
use crate::config::host::{Host, literal_address};
use crate::config::values::{self, Garbage, Script};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::{
    Alerts, ClientCertificate, Command, EmailSettings, Global, LinkSettings, LvsSettings, Processes, VrrpInstance,
    VrrpSettings,
};
use crate::source::Span;
use crate::syntax::Word;

use super::script::{UserAndGroup, obstacle};
use daemon::DaemonDraft;
use fifo::FifoDraft;
use lvs::LvsDraft;
use observe::Observation;

/// TCP port of SMTP (RFC 5321 §4.5.4.2).
const SMTP_PORT: u16 = 25;

/// What the `global_defs` blocks say; later ones overwrite earlier ones.
#[derive(Default)]
pub(in crate::config) struct GlobalDraft {
    pub router_id: Option<Spanned<String>>,
    /// `vrrp_*`, as far as the file has been read.
    pub vrrp: VrrpSettings,
    pub script_security: Option<Span>,
    pub script_user: Option<Spanned<UserAndGroup>>,
    fifo: FifoDraft,
    vrrp_fifo: FifoDraft,
    lvs_fifo: FifoDraft,
    lvs: LvsDraft,
    /// What is said outside every block is in it too.
    pub(super) daemon: DaemonDraft,
    processes: Processes,
    observation: Observation,
    pub(super) links: LinkSettings,
    pub(super) certificate: Option<ClientCertificate>,
    recipients: Vec<String>,
    from: Option<String>,
    server: Option<(Spanned<String>, u16)>,
    helo_name: Option<String>,
    connect_timeout: Option<Duration>,
    log_all_check_failures: bool,
    alerts: Alerts,
    no_fault_mails: bool,
}

/// The block that is read here.
const PATH: &str = "global_defs";

/// Reads one block into the draft.
pub(super) fn read(context: &mut Context, draft: &mut GlobalDraft, block: &Line) {
    walk_all(context, PATH, block.body(), &mut |context, line| {
        let user = draft.script_user.as_ref().map(|user| user.value.clone());
        let taken = vrrp::read(context, &mut draft.vrrp, &line)
            || draft.lvs.line(context, &line)
            || process::read(context, &mut draft.processes, &line)
            || draft.observation.line(context, &line)
            || draft.daemon.line(context, &line, user);
        if !taken {
            general(context, draft, &line);
        }
    });
}

fn general(context: &mut Context, draft: &mut GlobalDraft, line: &Line) {
    let argument = line.argument();
    match line.keyword.name.as_str() {
        "notification_email" => recipients(context, draft, line),
        "notification_email_from" => draft.from = read::text(line),
        "smtp_server" => {
            if let Some(word) = argument {
                smtp_server(context, draft, word, line.arguments.get(1));
            }
        }
        "smtp_helo_name" => draft.helo_name = read::text(line).or(draft.helo_name.take()),
        "smtp_connect_timeout" => connect_timeout(context, draft, line),
        "smtp_alert" => draft.alerts.all = read::flag(context, line).or(draft.alerts.all),
        "smtp_alert_vrrp" => draft.alerts.vrrp = read::flag(context, line).or(draft.alerts.vrrp),
        "smtp_alert_checker" => draft.alerts.checker = read::flag(context, line).or(draft.alerts.checker),
        "no_email_faults" => draft.no_fault_mails = true,
        "router_id" => draft.router_id = argument.map(|word| Spanned::new(word.text().into_owned(), word.span)),
        "enable_script_security" => draft.script_security = Some(line.span()),
        "checker_log_all_failures" => read::set(&mut draft.log_all_check_failures, read::flag(context, line)),
        "script_user" => {
            if let Some(user) = read::user_and_group(&line.arguments) {
                script_user(context, draft, Spanned::new(user, line.span()));
            }
        }
        name @ ("notify_fifo"
        | "notify_fifo_script"
        | "vrrp_notify_fifo"
        | "vrrp_notify_fifo_script"
        | "lvs_notify_fifo"
        | "lvs_notify_fifo_script") => {
            let user = draft.script_user.as_ref().map(|user| user.value.clone());
            let fifo = match name.split('_').next() {
                Some("vrrp") => &mut draft.vrrp_fifo,
                Some("lvs") => &mut draft.lvs_fifo,
                _ => &mut draft.fifo,
            };
            fifo.line(context, line, user);
        }
        _ => judge(context, PATH, line),
    }
}

fn recipients(context: &mut Context, draft: &mut GlobalDraft, line: &Line) {
    let before = draft.recipients.len();
    for entry in lines(context, line.body()) {
        draft.recipients.extend(entry.words.iter().map(|word| word.text().into_owned()));
    }
    if draft.recipients.len() == before {
        context.report(
            Diagnostic::warning(Name::EMPTY_BLOCK, "'notification_email' names nobody")
                .at(line.span())
                .class(ErrorClass::General)
                .gist("Warning - empty notification_email block"),
        );
    }
}

fn smtp_server(context: &mut Context, draft: &mut GlobalDraft, word: &Word, port: Option<&Word>) {
    let port = match port {
        None => Some(SMTP_PORT),
        Some(port) => values::integer_in(context, port, 1, 65535, Garbage::Dropped).map(|port| port as u16),
    };
    if let Some(port) = port {
        draft.server = Some((Spanned::new(word.text().into_owned(), word.span), port));
    }
}

fn connect_timeout(context: &mut Context, draft: &mut GlobalDraft, line: &Line) {
    match values::unsigned::<u32>(context, line, Garbage::Dropped) {
        Some(0) => {
            context.report(
                Diagnostic::warning(Name::NUMBER_OUT_OF_RANGE, "a timeout of 0 is not possible; 1 second is used")
                    .at(line.span())
                    .class(ErrorClass::General),
            );
            draft.connect_timeout = Some(Duration::from_secs(1));
        }
        Some(seconds) => draft.connect_timeout = Some(Duration::from_secs(seconds.into())),
        None => {}
    }
}

fn script_user(context: &mut Context, draft: &mut GlobalDraft, user: Spanned<UserAndGroup>) {
    if context.host.is_some_and(|host| !user_exists(host, &user.value)) {
        context.report(
            Diagnostic::warning(Name::UNKNOWN_USER, "'script_user' names a user or group that does not exist")
                .at(user.span)
                .class(ErrorClass::General)
                .gist("Error setting global script uid/gid")
                .note("scripts without a user of their own will not be run"),
        );
    }
    draft.script_user = Some(user);
}

/// Whether the machine has the user, and the group if one is named.
pub(super) fn user_exists(host: &dyn Host, (user, group): &UserAndGroup) -> bool {
    host.user(user).is_some() && group.as_ref().is_none_or(|group| host.group(group).is_some())
}

/// Applies defaults, and asks for the address of the mail server.
pub(super) fn finish(context: &mut Context, draft: &GlobalDraft) -> Global {
    let default = EmailSettings::default();
    let mut global = Global {
        router_id: draft.router_id.as_ref().map(|router_id| router_id.value.clone()),
        email: EmailSettings {
            recipients: draft.recipients.clone(),
            from: draft.from.clone(),
            server: draft.server.as_ref().and_then(|(name, port)| server_address(context, name, *port)),
            helo_name: draft.helo_name.clone(),
            connect_timeout: draft.connect_timeout.unwrap_or(default.connect_timeout),
            alerts: draft.alerts,
            no_fault_mails: draft.no_fault_mails,
        },
        script_security: draft.script_security.is_some(),
        script_user: draft.script_user.as_ref().map(|user| user.value.clone()),
        log_all_check_failures: draft.log_all_check_failures,
        vrrp: draft.vrrp.clone(),
        service_marks: draft.observation.service_marks.clone(),
        no_checker_mails: draft.observation.no_checker_mails,
        processes: draft.processes.clone(),
        links: draft.links.clone(),
        certificate: draft.certificate.clone().unwrap_or_default(),
        snmp: draft.observation.snmp.clone(),
        dbus: draft.observation.dbus.clone(),
        dumps: draft.observation.dumps.clone(),
        buffers: draft.observation.buffers.clone(),
        ..Global::default()
    };
    global.daemon = draft.daemon.finish(context, &global);
    global.fifo = draft.fifo.finish(context, &global);
    global.vrrp.fifo = draft.vrrp_fifo.finish(context, &global);
    global.lvs_fifo = draft.lvs_fifo.finish(context, &global);
    global
}

/// What applies to all virtual servers, which may depend on the instances.
pub(super) fn finish_lvs(context: &mut Context, draft: &GlobalDraft, instances: &[VrrpInstance]) -> LvsSettings {
    draft.lvs.finish(context, instances)
}

fn server_address(context: &mut Context, name: &Spanned<String>, port: u16) -> Option<SocketAddr> {
    if let Some(address) = literal_address(&name.value, port) {
        return Some(address);
    }
    let address = context.host?.resolve(&name.value);
    if address.is_none() {
        context.report(
            Diagnostic::warning(Name::UNKNOWN_HOST, format!("'{}' has no address; no mail will be sent", name.value))
                .at(name.span)
                .class(ErrorClass::General)
                .gist(format!("Invalid smtp server {} {port}", name.value)),
        );
    }
    address.map(|address| SocketAddr::new(address, port))
}

/// A script that only keepalived's parent, or a FIFO, starts, with the user that was the default at its line; `None`,
/// with a report, when it cannot run. keepalived says so in its log alone. `what` is what comes of that.
fn command(
    context: &mut Context,
    script: &Spanned<(Script, Option<UserAndGroup>)>,
    what: &str,
    global: &Global,
) -> Option<Command> {
    let Spanned { value: (script, default), span } = script;
    let user = script.user.clone().or_else(|| default.clone());
    if let Some(host) = context.host {
        let found = match &user {
            Some(user) if !user_exists(host, user) => {
                Some((Name::UNKNOWN_USER, "is to run as a user or group that does not exist"))
            }
            user => obstacle(host, &script.argv[0], user.as_ref(), global),
        };
        if let Some((kind, why)) = found {
            let message = format!("{what}: {} {why}", script.argv[0]);
            context.report(Diagnostic::warning(kind, message).at(*span));
            return None;
        }
    }
    Some(Command { argv: script.argv.clone(), user })
}
