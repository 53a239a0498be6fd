//! Unicast without `unicast_src_ip`: the source is the interface's first address, whichever that is, and the peers must
//! list exactly that one.

use super::Subject;
use super::subject::all;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let instances = subject.instances.iter();
    let without = instances.filter(|instance| !instance.has("unicast_src_ip") && instance.peers().next().is_some());
    let diagnostics = without.filter_map(|instance| {
        let block = all(instance.body, "unicast_peer").next()?;
        let message = format!("{}: unicast without 'unicast_src_ip'", instance.name);
        let diagnostic = Diagnostic::remark(Name::PEER_WITHOUT_SOURCE, message).at(block.span);
        Some(diagnostic.help("name the address that the peers list for this node").note(
            "keepalived takes the first address of the interface, which changes when addresses are added in another order",
        ))
    });
    diagnostics.collect()
}
