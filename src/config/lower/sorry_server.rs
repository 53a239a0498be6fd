//! `sorry_server` and its options (`check/check_data.c`: `alloc_ssvr`).

use std::net::IpAddr;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, shortened};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::Forwarding;
use crate::syntax::Word;

use super::forwarding;
use super::virtual_server::{endpoint, not_an_endpoint};

/// What the lines about the sorry server say.
pub(super) struct SorryDraft {
    pub address: IpAddr,
    pub port: Option<u16>,
    pub forwarding: Option<Forwarding>,
    pub inhibit: bool,
}

/// `sorry_server ADDRESS [PORT]`
pub(super) fn read(context: &mut Context, line: &Line, address: &Word) -> Option<Spanned<SorryDraft>> {
    let Some((address, port)) = endpoint(context, address, line.arguments.get(1)) else {
        let gist = format!("Invalid sorry server IP address {} - skipping", shortened(&address.text()));
        let diagnostic = not_an_endpoint(address).class(ErrorClass::General).gist(gist);
        context.report(diagnostic.note("keepalived runs without a sorry server"));
        return None;
    };
    Some(Spanned::new(SorryDraft { address, port, forwarding: None, inhibit: false }, line.span()))
}

/// `sorry_server_inhibit`, `sorry_server_lvs_method`: only after the sorry server. `inherited` is the virtual server's
/// method.
pub(super) fn option(
    context: &mut Context,
    line: &Line,
    server: &mut Option<Spanned<SorryDraft>>,
    inherited: Option<Forwarding>,
) {
    let inhibits = line.keyword.name == "sorry_server_inhibit";
    match server {
        Some(server) if inhibits => server.value.inhibit = true,
        Some(server) => {
            let before = server.value.forwarding.or(inherited);
            server.value.forwarding = forwarding::read(context, line, "sorry", before).or(server.value.forwarding);
        }
        None => {
            let message = format!("'{}' needs 'sorry_server' before it", line.keyword.name);
            let gist = if inhibits {
                "Ignoring sorry_server inhibit used before or without sorry_server"
            } else {
                "sorry_server forwarding used without sorry_server"
            };
            let diagnostic = Diagnostic::warning(Name::INCOMPATIBLE_SETTINGS, message).at(line.span());
            context.report(diagnostic.class(ErrorClass::General).gist(gist));
        }
    }
}
