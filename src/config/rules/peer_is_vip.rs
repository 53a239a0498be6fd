//! A unicast peer that is a virtual address: the adverts go to whoever is master, and to nobody when it is needed.

use std::collections::HashMap;

use super::Subject;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let vips = subject.instances.iter().flat_map(|instance| &instance.vips);
    let vips: HashMap<_, _> = vips.map(|vip| (vip.address, vip.word.span)).collect();
    let mut found = Vec::new();
    for instance in &subject.instances {
        for (address, peer) in instance.peers() {
            let Some(vip) = vips.get(&address) else { continue };
            let message = format!("{}: the peer {address} is a virtual address", instance.name);
            let diagnostic = Diagnostic::warning(Name::PEER_IS_VIP, message).at(peer.span).also(*vip, "held here");
            found.push(diagnostic.help("list an address that the other node always has"));
        }
    }
    found
}
