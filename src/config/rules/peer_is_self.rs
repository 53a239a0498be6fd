//! A unicast peer that is the instance's own source: it sends its adverts to itself.

use super::Subject;
use super::subject::host;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for instance in &subject.instances {
        let Some(source) = instance.value("unicast_src_ip") else { continue };
        for (_, peer) in instance.peers().filter(|(address, _)| host(source) == Some(*address)) {
            let message = format!("{}: the peer {} is this node itself", instance.name, peer.text());
            let diagnostic = Diagnostic::warning(Name::PEER_IS_SELF, message).at(peer.span);
            found.push(diagnostic.also(source.span, "the source").help("list the other nodes only"));
        }
    }
    found
}
