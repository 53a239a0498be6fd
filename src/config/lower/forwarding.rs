//! `lb_kind`, `lvs_method`, `sorry_server_lvs_method`: how packets reach a server, and the options of a tunnel
//! (`check/check_parser.c`: `svr_forwarding_handler`).

use std::num::NonZeroU16;

use crate::config::context::Context;
use crate::config::cursor::{Line, shortened};
use crate::config::values::{self, Garbage, invalid_value};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::Forwarding;
use crate::model::lvs::{Encapsulation, TunnelChecksum};
use crate::source::Span;
use crate::syntax::Word;

/// What the options of a line say.
#[derive(Default)]
struct Options {
    kind: Kind,
    port: Option<NonZeroU16>,
    checksum: TunnelChecksum,
}

#[derive(Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Ipip,
    Gue,
    Gre,
}

/// `NAT`, `DR`, `TUN [type ipip|gue|gre] [port N] [csum|nocsum|remcsum]`. A line whose options are refused still sets
/// the method, and leaves the tunnel as it was `before`. `whose` is virtual, real or sorry.
pub(super) fn read(context: &mut Context, line: &Line, whose: &str, before: Option<Forwarding>) -> Option<Forwarding> {
    let word = line.argument()?;
    if !matches!(word.bytes.as_slice(), b"NAT" | b"DR" | b"TUN") {
        let message = format!("'{}' is none of NAT, DR, TUN", shortened(&word.text()));
        let gist = format!("PARSER : unknown [{}] routing method for {whose} server.", shortened(&word.text()));
        context.report(invalid_value(word.span, message).gist(gist));
        return None;
    }
    let read = options(context, &line.arguments[1..], whose).and_then(|options| encapsulation(context, line, options));
    Some(match word.bytes.as_slice() {
        b"NAT" => Forwarding::Nat,
        b"DR" => Forwarding::Dr,
        _ => Forwarding::Tun(read.unwrap_or(match before {
            Some(Forwarding::Tun(encapsulation)) => encapsulation,
            Some(Forwarding::Nat | Forwarding::Dr) | None => Encapsulation::Ipip,
        })),
    })
}

fn options(context: &mut Context, words: &[Word], whose: &str) -> Option<Options> {
    let mut options = Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.bytes.as_slice() {
            b"type" => {
                let Some(kind) = words.next() else {
                    let gist = format!("Missing tunnel type for {whose} server.");
                    return refuse(context, Name::MISSING_VALUE, word.span, "'type' needs ipip, gue or gre", gist);
                };
                options.kind = match kind.bytes.as_slice() {
                    b"ipip" => Kind::Ipip,
                    b"gue" => Kind::Gue,
                    b"gre" => Kind::Gre,
                    _ => {
                        let text = kind.text();
                        let message = format!("'{}' is none of ipip, gue, gre", shortened(&text));
                        let gist = format!("Unknown tunnel type {} for {whose} server.", shortened(&text));
                        return refuse(context, Name::INVALID_VALUE, kind.span, message, gist);
                    }
                };
            }
            b"port" => {
                let Some(port) = words.next() else {
                    let gist = format!("Missing port for {whose} server gue tunnel.");
                    return refuse(context, Name::MISSING_VALUE, word.span, "'port' needs a number", gist);
                };
                let number = values::integer_in(context, port, 1, 65535, Garbage::Dropped)?;
                options.port = u16::try_from(number).ok().and_then(NonZeroU16::new);
            }
            b"nocsum" => options.checksum = TunnelChecksum::None,
            b"csum" => options.checksum = TunnelChecksum::Computed,
            b"remcsum" => options.checksum = TunnelChecksum::Remote,
            _ => {
                let text = word.text();
                let message = format!("'{}' is no option of a tunnel", shortened(&text));
                let gist = format!("Invalid tunnel option {} for {whose} server.", shortened(&text));
                return refuse(context, Name::UNKNOWN_OPTION, word.span, message, gist);
            }
        }
    }
    Some(options)
}

/// Which options belong together.
fn encapsulation(context: &mut Context, line: &Line, options: Options) -> Option<Encapsulation> {
    let mut refuse =
        |message: &str, gist: &str| refuse(context, Name::INCOMPATIBLE_SETTINGS, line.span(), message, gist.to_owned());
    match (options.kind, options.port, options.checksum) {
        (Kind::Gue, Some(port), checksum) => Some(Encapsulation::Gue { port, checksum }),
        (Kind::Gue, None, _) | (Kind::Ipip | Kind::Gre, Some(_), _) => {
            let gist = "gue tunnels require port, otherwise cannot have port.";
            refuse("'port' and 'type gue' belong together", gist)
        }
        (Kind::Ipip, None, TunnelChecksum::None) => Some(Encapsulation::Ipip),
        (Kind::Ipip, None, TunnelChecksum::Computed | TunnelChecksum::Remote) => {
            refuse("an ipip tunnel has no checksum", "ipip tunnels do not support checksum option.")
        }
        (Kind::Gre, None, TunnelChecksum::Remote) => {
            refuse("a gre tunnel has no remote checksum", "gre tunnels do not support remote checksum option.")
        }
        (Kind::Gre, None, checksum) => Some(Encapsulation::Gre { checksum: checksum == TunnelChecksum::Computed }),
    }
}

fn refuse<T>(context: &mut Context, name: Name, span: Span, message: impl Into<String>, gist: String) -> Option<T> {
    context.report(
        Diagnostic::warning(name, message)
            .at(span)
            .class(ErrorClass::General)
            .gist(gist)
            .note("keepalived tunnels as it would without these options"),
    );
    None
}
