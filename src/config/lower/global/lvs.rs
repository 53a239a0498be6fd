//! `lvs_timeouts`, `lvs_flush`, `lvs_flush_on_stop`, `lvs_sync_daemon` (`core/global_parser.c`), and what a sync daemon
//! needs to be there.

use std::net::IpAddr;
use std::num::NonZeroU16;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, shortened};
use crate::config::host::Interface;
use crate::config::values::{self, Garbage, invalid_value};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::lvs::{FlushOnStop, LvsSettings, SyncDaemon, Timeouts};
use crate::model::{InterfaceName, VrrpInstance};
use crate::source::Span;
use crate::syntax::Word;

use super::read::flag;

/// Longest timeout: 31 days (`LVS_MAX_TIMEOUT`).
const LONGEST_TIMEOUT: i128 = 86400 * 31;
/// Longest message of a sync daemon: UDP over IPv4.
const LONGEST_MESSAGE: i128 = 65535 - 20 - 8;

/// What the lines about IPVS say.
#[derive(Default)]
pub(super) struct LvsDraft {
    timeouts: Timeouts,
    flush: bool,
    flush_on_stop: FlushOnStop,
    sync_daemon: Option<Spanned<SyncDraft>>,
    initial_notifies: bool,
}

struct SyncDraft {
    interface: InterfaceName,
    instance: Option<String>,
    id: Option<u8>,
    max_length: Option<NonZeroU16>,
    port: Option<NonZeroU16>,
    ttl: Option<u8>,
    group: Option<IpAddr>,
}

impl LvsDraft {
    /// Takes a line in; false when it is not about IPVS.
    pub(super) fn line(&mut self, context: &mut Context, line: &Line) -> bool {
        match line.keyword.name.as_str() {
            "lvs_timeouts" => timeouts(context, line, &mut self.timeouts),
            "lvs_flush" => self.flush = true,
            "lvs_flush_on_stop" | "lvs_flush_onstop" => flush_on_stop(context, line, &mut self.flush_on_stop),
            "lvs_sync_daemon" => {
                let draft = sync_daemon(context, line);
                self.sync_daemon = draft.map(|draft| Spanned::new(draft, line.span()));
            }
            "rs_init_notifies" => self.initial_notifies = flag(context, line).unwrap_or(self.initial_notifies),
            _ => return false,
        }
        true
    }

    /// The settings; `instances` are those that can run.
    pub(super) fn finish(&self, context: &mut Context, instances: &[VrrpInstance]) -> LvsSettings {
        LvsSettings {
            timeouts: self.timeouts,
            flush: self.flush,
            flush_on_stop: self.flush_on_stop,
            sync_daemon: self.sync_daemon.as_ref().and_then(|draft| finish_sync(context, draft, instances)),
            initial_notifies: self.initial_notifies,
            namespace: None,
        }
    }
}

/// `lvs_timeouts tcp N tcpfin N udp N`, any of them.
fn timeouts(context: &mut Context, line: &Line, timeouts: &mut Timeouts) {
    let mut rest = line.arguments.iter();
    while let Some(word) = rest.next() {
        let place = match word.bytes.as_slice() {
            b"tcp" => &mut timeouts.tcp_s,
            b"tcpfin" => &mut timeouts.tcp_fin_s,
            b"udp" => &mut timeouts.udp_s,
            _ => {
                let text = word.text();
                let message = format!("'{}' is none of tcp, tcpfin, udp", shortened(&text));
                let gist = format!("Unknown option {} specified for lvs_timeouts", shortened(&text));
                context.report(invalid_value(word.span, message).gist(gist));
                continue;
            }
        };
        let Some(number) = value(context, word, rest.next()) else { return };
        let seconds = values::integer_in(context, number, 0, LONGEST_TIMEOUT, Garbage::Dropped);
        *place = seconds.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(*place);
    }
}

/// What follows an option; `None`, with a report, at the end of the line.
fn value<'a>(context: &mut Context, option: &Word, value: Option<&'a Word>) -> Option<&'a Word> {
    if value.is_none() {
        let diagnostic = Diagnostic::warning(Name::MISSING_VALUE, format!("'{}' needs a value", option.text()));
        // keepalived looks beyond the end of the line for the instance alone, and stops there.
        let class = if option.bytes == b"inst" { ErrorClass::MissingArgument } else { ErrorClass::General };
        context.report(diagnostic.at(option.span).class(class));
    }
    value
}

/// `lvs_flush_on_stop [VS]`
fn flush_on_stop(context: &mut Context, line: &Line, flush: &mut FlushOnStop) {
    match line.argument() {
        None => *flush = FlushOnStop::Everything,
        Some(word) if word.bytes == b"VS" => *flush = FlushOnStop::Services,
        Some(word) => {
            let keyword = &line.keyword.name;
            let gist = format!("Unknown {keyword} type {}", shortened(&word.text()));
            let message = format!("'{keyword}' stands alone or with VS");
            context.report(invalid_value(word.span, message).gist(gist));
        }
    }
}

/// `IF [inst NAME] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS]`; older versions had `IF [NAME [N]]`.
fn sync_daemon(context: &mut Context, line: &Line) -> Option<SyncDraft> {
    let interface = values::interface_name(context, line.argument()?)?;
    let mut draft =
        SyncDraft { interface, instance: None, id: None, max_length: None, port: None, ttl: None, group: None };
    let mut rest = line.arguments.iter().enumerate().skip(1);
    while let Some((at, word)) = rest.next() {
        let option = word.bytes.as_slice();
        match (option, at) {
            (b"inst" | b"id" | b"maxlen" | b"port" | b"ttl" | b"group", _) => {
                let Some(value) = value(context, word, rest.next().map(|(_, value)| value)) else { break };
                draft.option(context, option, value);
            }
            (_, 1) => draft.instance = Some(word.text().into_owned()),
            (_, 2) => {
                draft.option(context, b"id", word);
                let message = format!("'{}' needs 'id' before it", shortened(&word.text()));
                let gist = "Please use keyword \"id\" before lvs_sync_daemon SYNCID";
                complain(context, Name::UNKNOWN_OPTION, word.span, message, gist.to_owned());
            }
            _ => {
                let message = format!("'{}' is no option of 'lvs_sync_daemon'", shortened(&word.text()));
                let gist = format!("Unknown option {} specified for lvs_sync_daemon", shortened(&word.text()));
                complain(context, Name::UNKNOWN_OPTION, word.span, message, gist);
            }
        }
    }
    Some(draft)
}

impl SyncDraft {
    fn option(&mut self, context: &mut Context, option: &[u8], value: &Word) {
        let mut number = |max: i128, min: i128| values::integer_in(context, value, min, max, Garbage::Dropped);
        let sixteen = |number: i128| u16::try_from(number).ok().and_then(NonZeroU16::new);
        let eight = |number: i128| u8::try_from(number).ok();
        match option {
            b"inst" if self.instance.is_some() => {
                let message = "a second instance is ignored".to_owned();
                let gist = "lvs_sync_daemon vrrp instance has already been specified - ignoring".to_owned();
                complain(context, Name::SECOND_IGNORED, value.span, message, gist);
            }
            b"inst" => self.instance = Some(value.text().into_owned()),
            b"id" => self.id = number(255, 0).and_then(eight).or(self.id),
            b"maxlen" => self.max_length = number(LONGEST_MESSAGE, 1).and_then(sixteen).or(self.max_length),
            b"port" => self.port = number(65535, 1).and_then(sixteen).or(self.port),
            b"ttl" => self.ttl = number(255, 1).and_then(eight).or(self.ttl),
            _ => match values::parse_address(&value.bytes).filter(IpAddr::is_multicast) {
                Some(group) => self.group = Some(group),
                None => {
                    let text = value.text();
                    let message = format!("'{}' is no multicast address", shortened(&text));
                    let gist = format!("Invalid lvs_sync_daemon group ({}) - ignoring", shortened(&text));
                    complain(context, Name::INVALID_ADDRESS, value.span, message, gist);
                }
            },
        }
    }
}

fn complain(context: &mut Context, name: Name, span: Span, message: String, gist: String) {
    context.report(Diagnostic::warning(name, message).at(span).class(ErrorClass::General).gist(gist));
}

/// Without its interface or its instance there is no sync daemon; keepalived says so in its log and goes on.
fn finish_sync(
    context: &mut Context,
    Spanned { value: draft, span }: &Spanned<SyncDraft>,
    instances: &[VrrpInstance],
) -> Option<SyncDaemon> {
    let missing = |context: &mut Context, name, what: String| {
        context.report(Diagnostic::warning(name, what).at(*span).note("there will be no sync daemon"));
    };
    let is_missing = |interface| context.host.is_some_and(|host| host.interface(interface) == Interface::Missing);
    if is_missing(&draft.interface) {
        missing(context, Name::UNKNOWN_INTERFACE, format!("there is no interface {}", draft.interface));
        return None;
    }
    let vrid = match &draft.instance {
        None => None,
        Some(name) => match instances.iter().find(|instance| instance.name == *name) {
            Some(instance) => Some(instance.vrid.get()),
            None => {
                missing(context, Name::UNKNOWN_REFERENCE, format!("there is no vrrp_instance {name}"));
                return None;
            }
        },
    };
    Some(SyncDaemon {
        interface: draft.interface.clone(),
        instance: draft.instance.clone(),
        id: draft.id.or(vrid).unwrap_or(0),
        max_length: draft.max_length,
        port: draft.port,
        ttl: draft.ttl,
        group: draft.group,
    })
}
