//! A keyword with one value that stands twice in a block: only the last one counts, and nothing is said. A second one
//! that keepalived complains about is reported where the line is read.

use std::collections::HashMap;

use super::scope::Scope;
use crate::diagnostic::{Diagnostic, Name};
use crate::schema::{Keyword, Status, Value};
use crate::syntax::Statement;

/// Blocks in which the same keyword on several lines makes a list.
const LISTS: [&str; 3] = ["linkbeat_interfaces", "garp_group", "interface_up_down_delays"];

pub(super) fn check(scope: &Scope, found: &mut Vec<Diagnostic>) {
    if LISTS.contains(&scope.block.path.as_str()) {
        return;
    }
    let mut seen: HashMap<&str, &Statement> = HashMap::new();
    for (keyword, statement) in scope.lines.iter().filter(|(keyword, _)| has_one_value(keyword)) {
        let Some(first) = seen.insert(&keyword.name, statement) else { continue };
        if is_reported_elsewhere(keyword, first, statement) {
            continue;
        }
        let name = &keyword.name;
        let message = format!("'{name}' stands twice in this block; the last one counts");
        let diagnostic = Diagnostic::warning(Name::REPEATED_KEYWORD, message).at(statement.span);
        found.push(diagnostic.also(first.span, "without effect").help("remove one of the lines"));
    }
}

fn has_one_value(keyword: &Keyword) -> bool {
    let scalar = match keyword.value {
        Value::Integer { .. } | Value::Seconds { .. } | Value::Milliseconds { .. } | Value::Boolean => true,
        Value::Text | Value::Interface | Value::Address | Value::Forwarding | Value::Choice(_) => true,
        Value::None | Value::Command | Value::Pairs(_) | Value::Free(_) => false,
        Value::Block { .. } | Value::Lines { .. } => false,
    };
    scalar && !keyword.once && keyword.status != Status::Removed
}

/// BACKUP after MASTER draws a complaint of its own.
fn is_reported_elsewhere(keyword: &Keyword, first: &Statement, second: &Statement) -> bool {
    let value = |statement: &Statement, text: &[u8]| statement.words.get(1).is_some_and(|word| word.bytes == text);
    keyword.name == "state" && value(first, b"MASTER") && value(second, b"BACKUP")
}
