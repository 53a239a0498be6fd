//! `$NAME` that nothing defines: keepalived leaves it as it stands, and the value is the name with its dollar sign.

use super::scope::Scope;
use crate::diagnostic::{Diagnostic, Name};
use crate::schema::Value;
use crate::syntax::Word;

/// Keywords whose value may well hold a dollar sign.
const TEXTS: [&str; 4] = ["auth_pass", "password", "regex", "path"];

pub(super) fn check(scope: &Scope, found: &mut Vec<Diagnostic>) {
    for (keyword, statement) in &scope.lines {
        let is_text = keyword.value == Value::Command || TEXTS.contains(&keyword.name.as_str());
        let words = if is_text { &statement.words[..0] } else { &statement.words[..] };
        found.extend(words.iter().skip(1).filter_map(judge));
        // The lines of a block without keywords: addresses, tracked things.
        if let (Value::Lines { .. }, Some(block)) = (&keyword.value, &statement.block) {
            found.extend(block.statements.iter().flat_map(|line| &line.words).filter_map(judge));
        }
    }
}

fn judge(word: &Word) -> Option<Diagnostic> {
    let name = variable(&word.bytes)?;
    let message = format!("nothing defines ${name}");
    let diagnostic = Diagnostic::warning(Name::UNDEFINED_VARIABLE, message).at(word.span);
    Some(diagnostic.help(format!("write '${name}=…' further up: a definition counts from its line on")))
}

/// The name after the first `$` or `${` that is followed by one.
fn variable(text: &[u8]) -> Option<String> {
    let dollar = text.iter().position(|byte| *byte == b'$')?;
    let rest = &text[dollar + 1..];
    let rest = rest.strip_prefix(b"{").unwrap_or(rest);
    let len = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let is_name = rest.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    is_name.then(|| String::from_utf8_lossy(&rest[..len]).into_owned())
}
