//! One address in two instances: both masters answer for it.

use std::collections::HashMap;
use std::net::IpAddr;

use super::Subject;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut holders = HashMap::new();
    let mut found = Vec::new();
    for (index, instance) in subject.instances.iter().enumerate() {
        for vip in instance.vips.iter().filter(|vip| !is_link_local(vip.address)) {
            let (first, word) = *holders.entry(vip.address).or_insert((index, vip.word));
            if first == index {
                continue;
            }
            let (first, second) = (&subject.instances[first].name, &instance.name);
            let message = format!("{first} and {second} both hold {}", vip.address);
            let diagnostic = Diagnostic::warning(Name::ADDRESS_IN_TWO_INSTANCES, message).at(vip.word.span);
            found.push(
                diagnostic
                    .also(word.span, format!("{first} holds it here"))
                    .help("leave it to one of them")
                    .note("when the masters are two machines, both answer for the address"),
            );
        }
    }
    found
}

/// Such an address means something on its own link only, so that two interfaces can each have it.
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
