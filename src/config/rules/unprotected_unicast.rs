//! Unicast adverts from anywhere are believed: multicast ones at least come from the same link (TTL 255).

use super::Subject;
use super::subject::all;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    if subject.has_global("vrrp_check_unicast_src") {
        return Vec::new();
    }
    let open = subject.instances.iter().filter(|instance| {
        let mut options = instance.lines("unicast_peer").flat_map(|line| &line.words);
        let checks_ttl = options.any(|word| word.bytes == b"min_ttl");
        let guards = ["authentication", "auth_hmac", "check_unicast_src"];
        !checks_ttl && !guards.into_iter().any(|guard| instance.has(guard)) && instance.peers().next().is_some()
    });
    let diagnostics = open.filter_map(|instance| {
        let block = all(instance.body, "unicast_peer").next()?;
        let message = format!("{}: adverts are believed wherever they come from", instance.name);
        let diagnostic = Diagnostic::remark(Name::UNPROTECTED_UNICAST, message).at(block.span);
        Some(diagnostic.help("write 'min_ttl 255' after each peer on the same link, or 'check_unicast_src'"))
    });
    diagnostics.collect()
}
