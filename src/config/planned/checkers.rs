//! `BFD_CHECK` and `FILE_CHECK`: whether what they name is defined.

use crate::config::context::Context;
use crate::diagnostic::Name;
use crate::syntax::Word;

use super::complain;
use super::entry::{Entry, entries, last, shown};
use super::tracking::Names;

pub(super) fn check(context: &mut Context, real: &Entry, objects: &Names) {
    for block in entries(real.body()) {
        match block.words[0].bytes.as_slice() {
            b"BFD_CHECK" => {
                let known = |name: &Word| objects.has_session(name);
                reference(context, &block, "name", known, "BFD_CHECK - BFD", "not configured");
            }
            b"FILE_CHECK" => {
                let known = |name: &Word| objects.has_file(name);
                reference(context, &block, "track_file", known, "track_file", "not found");
            }
            _ => {}
        }
    }
}

/// The name of something that is defined elsewhere.
fn reference(
    context: &mut Context,
    block: &Entry,
    keyword: &str,
    is_known: impl Fn(&Word) -> bool,
    what: &str,
    problem: &str,
) {
    let Some(entry) = last(block.body(), keyword) else { return };
    if let Some(name) = entry.argument(0).filter(|name| !is_known(name)) {
        let gist = format!("{what} {} {problem}", shown(name));
        complain(context, Name::UNKNOWN_REFERENCE, name.span, format!("nothing is called {}", shown(name)), gist);
    }
}
