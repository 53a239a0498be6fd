//! Characters that look like others, as word processors and web pages make them: a dash that is not a minus sign, a
//! quote that groups nothing, a blank that separates nothing, a letter of another alphabet among Latin ones.

use super::Subject;
use crate::diagnostic::{Diagnostic, Edit, Fix, Name};
use crate::source::{SourceMap, Span};
use crate::syntax::{Statement, Word};

/// What a character looks like.
fn plain(character: char) -> Option<&'static str> {
    Some(match character {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => "-",
        '\u{2018}' | '\u{2019}' => "'",
        '\u{201c}'..='\u{201f}' | '\u{ff02}' => "\"",
        '\u{a0}' | '\u{3000}' | '\u{2002}'..='\u{200b}' | '\u{202f}' => " ",
        '\u{ff03}' => "#",
        '\u{ff5b}' => "{",
        '\u{ff5d}' => "}",
        '\u{ff0c}' => ",",
        '\u{ff0e}' => ".",
        '\u{ff1a}' => ":",
        '\u{ff1b}' => ";",
        '\u{ff0f}' => "/",
        '\u{ff10}'..='\u{ff19}' => digit(character),
        _ => return None,
    })
}

fn digit(full_width: char) -> &'static str {
    let digits = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    digits.get(u32::from(full_width) as usize - 0xff10).copied().unwrap_or("0")
}

/// The Latin letter that a Cyrillic or Greek one is drawn like.
fn latin(character: char) -> Option<&'static str> {
    Some(match character {
        'а' | 'α' => "a",
        'с' => "c",
        'е' => "e",
        'і' | 'ι' => "i",
        'ј' => "j",
        'о' | 'ο' => "o",
        'р' | 'ρ' => "p",
        'ѕ' => "s",
        'у' => "y",
        'х' => "x",
        'А' | 'Α' => "A",
        'В' | 'Β' => "B",
        'С' => "C",
        'Е' | 'Ε' => "E",
        'Н' | 'Η' => "H",
        'І' | 'Ι' => "I",
        'К' | 'Κ' => "K",
        'М' | 'Μ' => "M",
        'О' | 'Ο' => "O",
        'Р' | 'Ρ' => "P",
        'Т' | 'Τ' => "T",
        'Х' | 'Χ' => "X",
        _ => return None,
    })
}

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    statements(subject.sources, subject.statements, &mut found);
    found
}

fn statements(sources: &SourceMap, all: &[Statement], found: &mut Vec<Diagnostic>) {
    for statement in all {
        found.extend(
            statement.words.iter().filter(|word| !word.bytes.is_ascii()).filter_map(|word| judge(sources, word)),
        );
        if let Some(block) = &statement.block {
            statements(sources, &block.statements, found);
        }
    }
}

fn judge(sources: &SourceMap, word: &Word) -> Option<Diagnostic> {
    let text = word.text();
    let has_latin = text.chars().any(|c| c.is_ascii_alphabetic());
    let looks_like = |c: char| plain(c).or_else(|| latin(c).filter(|_| has_latin));
    let (character, first) = text.chars().find_map(|c| Some((c, looks_like(c)?)))?;
    let shown = if first == " " { "a blank" } else { first };
    let message = format!("U+{:04X} only looks like {shown}", u32::from(character));
    let diagnostic = Diagnostic::warning(Name::LOOK_ALIKE, message).at(word.span).help("type it anew");
    // A word that came out of an expansion, or an escape in it, is not written here as it reads.
    let written = std::str::from_utf8(sources.slice(word.span)).ok()?;
    let edits = written.char_indices().filter_map(|(at, c)| {
        let start = word.span.start + at as u32;
        let span = Span { start, end: start + c.len_utf8() as u32, ..word.span };
        Some(Edit { span, text: looks_like(c)?.to_owned() })
    });
    let edits: Vec<Edit> = edits.collect();
    Some(if edits.is_empty() { diagnostic } else { diagnostic.fix(Fix { edits, safe: !word.quoted }) })
}
