//! Lines of `virtual_rules` and `static_rules` (`vrrp/vrrp_iprule.c`: `alloc_rule`).

use crate::config::context::Context;
use crate::diagnostic::Name;
use crate::schema::{self, Value};
use crate::syntax::Statement;

use super::entry::{Entry, entries, shown};
use super::routes::table;
use super::{complain, complain_later};
use crate::config::lower::tracking::missing_interface;

/// What a rule can do with a packet (ip-rule(8)).
const ACTIONS: [&[u8]; 8] =
    [b"table", b"lookup", b"goto", b"nop", b"blackhole", b"prohibit", b"unreachable", b"l3mdev"];
/// How its place among the rules is written.
const PREFERENCES: [&[u8]; 3] = [b"preference", b"order", b"priority"];

pub(super) fn check(context: &mut Context, path: &str, body: &[Statement]) {
    for line in entries(body) {
        rule(context, path, &line);
    }
}

fn rule(context: &mut Context, path: &str, line: &Entry) {
    let (mut acts, mut has_preference) = (false, false);
    let mut words = line.words.iter();
    while let Some(word) = words.next() {
        let bytes = word.bytes.as_slice();
        let Some(option) = schema::keepalived().block(path).and_then(|block| block.word(bytes)) else {
            let message = format!("'{}' is no option of a rule", shown(word));
            return complain(
                context,
                Name::UNKNOWN_OPTION,
                word.span,
                message,
                format!("Unknown rule option {}", shown(word)),
            );
        };
        acts |= ACTIONS.contains(&bytes);
        has_preference |= PREFERENCES.contains(&bytes);
        if option.value == Value::None {
            continue;
        }
        let Some(value) = words.next() else {
            let message = format!("'{}' needs a value", option.name);
            return complain(context, Name::MISSING_VALUE, word.span, message.clone(), message);
        };
        match option.name.as_str() {
            "table" | "lookup" => table(context, value, "rule"),
            "iif" | "oif" | "dev" => {
                let gist = format!("WARNING - interface {} for rule doesn't exist", shown(value));
                missing_interface(context, value, &gist);
            }
            "type" => acts = true,
            _ => {}
        }
    }
    if !acts {
        let gist = "No action specified for rule - ignoring";
        complain(
            context,
            Name::INCOMPLETE_BLOCK,
            line.span(),
            "a rule needs something to do: 'table' for instance",
            gist,
        );
    } else if !has_preference {
        let gist = "Rule has no preference specified - setting to 16384. This is probably not what you want.";
        let message = "a rule without 'preference' gets one that depends on the other rules";
        complain_later(context, Name::INCOMPLETE_BLOCK, line.span(), message, gist);
    }
}
