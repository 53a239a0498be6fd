//! Checks across lines, blocks and files for `--check-config`: what keepalived accepts without a word and the author
//! can hardly have meant. One rule, one file, one name; none of them changes what runs.

mod look_alike;
mod pair;
mod password_without_type;
mod scripts_without_security;
mod tutorial_default;
mod unused_script;
mod vip_without_prefix;

use crate::diagnostic::Diagnostic;
use crate::syntax::Statement;

use super::lower::Draft;

pub(super) use pair::{Node, across};

/// What a rule looks at: one configuration.
pub(super) struct Subject<'a> {
    pub statements: &'a [Statement],
    pub draft: &'a Draft,
}

/// What every rule has to say about one configuration.
pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let rules: [fn(&Subject) -> Vec<Diagnostic>; 6] = [
        look_alike::check,
        password_without_type::check,
        scripts_without_security::check,
        tutorial_default::check,
        unused_script::check,
        vip_without_prefix::check,
    ];
    rules.iter().flat_map(|rule| rule(subject)).collect()
}
