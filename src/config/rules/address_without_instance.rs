//! A virtual server whose address no instance holds, in a file that has instances: packets to it never arrive.

use std::collections::HashSet;

use super::Subject;
use super::subject::{body, host};
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let vips = subject.instances.iter().flat_map(|instance| &instance.vips).map(|vip| vip.address);
    let fixed = subject.blocks("static_ipaddress").flat_map(body).filter_map(|line| host(line.words.first()?));
    let held: HashSet<_> = vips.chain(fixed).collect();
    if subject.instances.is_empty() {
        return Vec::new();
    }
    let homeless =
        subject.servers.iter().filter(|server| server.address.is_some_and(|address| !held.contains(&address)));
    let diagnostics = homeless.filter_map(|server| {
        let message = format!("no instance holds {}", server.address?);
        let diagnostic = Diagnostic::warning(Name::ADDRESS_WITHOUT_INSTANCE, message).at(server.head.span);
        Some(diagnostic.help("list it in 'virtual_ipaddress', unless another program or a router takes care of it"))
    });
    diagnostics.collect()
}
