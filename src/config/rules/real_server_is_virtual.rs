//! A real server whose address is a virtual one: packets come back to the director.

use std::collections::HashMap;

use super::Subject;
use super::subject::{argument, host};
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let vips = subject.instances.iter().flat_map(|instance| &instance.vips);
    let vips: HashMap<_, _> = vips.map(|vip| (vip.address, vip.word.span)).collect();
    let reals = subject.servers.iter().flat_map(|server| server.reals().map(move |real| (server, real)));
    let diagnostics = reals.filter_map(|(server, real)| {
        let address = host(argument(real)?)?;
        let own =
            server.address.filter(|own| *own == address).and_then(|_| argument(server.head)).map(|word| word.span);
        let vip = vips.get(&address).copied().or(own)?;
        let message = format!("real server {address} is a virtual address");
        let diagnostic =
            Diagnostic::warning(Name::REAL_SERVER_IS_VIRTUAL, message).at(real.span).also(vip, "held here");
        Some(diagnostic.help("name an address of the server itself"))
    });
    diagnostics.collect()
}
