//! Characters that look like others, as word processors and web pages make them: a dash that is not a minus sign, a
//! quote that groups nothing, a blank that separates nothing.

use super::Subject;
use crate::diagnostic::{Diagnostic, Name};
use crate::syntax::Statement;

/// What a character looks like.
fn plain(character: char) -> Option<&'static str> {
    Some(match character {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => "-",
        '\u{2018}' | '\u{2019}' => "'",
        '\u{201c}' | '\u{201d}' | '\u{ff02}' => "\"",
        '\u{a0}' | '\u{3000}' | '\u{2002}'..='\u{200b}' | '\u{202f}' => "a blank",
        '\u{ff03}' => "#",
        '\u{ff5b}' => "{",
        '\u{ff5d}' => "}",
        '\u{ff0c}' => ",",
        '\u{ff0e}' => ".",
        '\u{ff10}'..='\u{ff19}' => "a digit",
        _ => return None,
    })
}

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    statements(subject.statements, &mut found);
    found
}

fn statements(all: &[Statement], found: &mut Vec<Diagnostic>) {
    for statement in all {
        for word in &statement.words {
            let text = word.text();
            let Some((character, looks_like)) = text.chars().find_map(|c| plain(c).map(|plain| (c, plain))) else {
                continue;
            };
            let message = format!("U+{:04X} only looks like {looks_like}", u32::from(character));
            found.push(Diagnostic::warning(Name::LOOK_ALIKE, message).at(word.span).help("type it anew"));
        }
        if let Some(block) = &statement.block {
            statements(&block.statements, found);
        }
    }
}
