//! `$NAME=VALUE`, and putting values in the place of `$NAME` and `${NAME}` (`lib/parser.c`: `check_definition`,
//! `replace_param`).
//!
//! A value is expanded where it is used. A value of several lines replaces its reference by its first line; the others
//! follow as lines of their own. Some names are built in; a definition of the same name takes their place.

use std::collections::HashMap;

use super::line::Line;

/// The names that have a value, and the values.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    values: HashMap<Vec<u8>, Vec<Line>>,
}

/// `$NAME=VALUE` taken apart.
pub(super) struct Definition {
    pub name: Vec<u8>,
    /// Where the value begins in the line.
    pub value: usize,
}

/// Reads a definition; `None` when the line is none. Blanks before `=` make it none.
pub(super) fn definition(line: &[u8]) -> Option<Definition> {
    let after = line.strip_prefix(b"$")?;
    let name = &after[..name_len(after)];
    let value = after.get(name.len()..)?.strip_prefix(b"=")?;
    let blanks = value.len() - value.trim_ascii_start().len();
    (!name.is_empty()).then(|| Definition { name: name.to_vec(), value: line.len() - value.len() + blanks })
}

/// The length of the name that `text` begins with: letters, digits and `_`, no digit first.
pub(super) fn name_len(text: &[u8]) -> usize {
    if text.first().is_none_or(u8::is_ascii_digit) {
        return 0;
    }
    text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count()
}

/// `$NAME` or `${NAME …}` in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// Of the `$`, and behind the last byte.
    pub start: usize,
    pub end: usize,
    pub name: &'a [u8],
    /// What stands between the name and the `}`.
    pub parameters: &'a [u8],
}

/// The next reference from `at` on, whether its name has a value or not.
pub(super) fn reference(line: &[u8], at: usize) -> Option<Reference<'_>> {
    let dollars = line.iter().enumerate().skip(at).filter(|(_, byte)| **byte == b'$');
    dollars.into_iter().find_map(|(start, _)| {
        let after = &line[start + 1..];
        match after.strip_prefix(b"{") {
            Some(inside) => {
                let name = &inside[..name_len(inside)];
                let close = inside.iter().position(|byte| *byte == b'}')?;
                let parameters = inside.get(name.len()..close)?;
                let separated = parameters.first().is_none_or(|byte| matches!(byte, b' ' | b'\t'));
                let found = !name.is_empty() && separated;
                let parameters = parameters.trim_ascii();
                found.then_some(Reference { start, end: start + 2 + close + 1, name, parameters })
            }
            None => {
                let name = &after[..name_len(after)];
                let ends = after.get(name.len()).is_none_or(|byte| matches!(byte, b' ' | b'\t' | b',' | b')'));
                let found = !name.is_empty() && ends;
                found.then_some(Reference { start, end: start + 1 + name.len(), name, parameters: b"" })
            }
        }
    })
}

impl Definitions {
    pub fn set(&mut self, name: Vec<u8>, lines: Vec<Line>) {
        self.values.insert(name, lines);
    }

    /// The lines of a value.
    pub fn lines(&self, name: &[u8]) -> Option<&[Line]> {
        self.values.get(name).map(Vec::as_slice)
    }
}

/// What `${_RANDOM MIN MAX}` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RandomRange {
    pub min: u32,
    pub max: u32,
    /// MAX was below MIN, and MIN is used.
    pub was_inverted: bool,
}

impl RandomRange {
    /// Without parameters 0 to 32767, as C's least `RAND_MAX`.
    pub fn new(parameters: &[u8]) -> RandomRange {
        let text = String::from_utf8_lossy(parameters);
        let mut numbers = text.split_ascii_whitespace().map(|word| word.parse().ok());
        let min = numbers.next().flatten().unwrap_or(0);
        let max = numbers.next().flatten().unwrap_or(32767.max(min));
        RandomRange { min, max: max.max(min), was_inverted: max < min }
    }

    /// A number of the range for any random one.
    pub fn pick(self, random: u64) -> u32 {
        let width = u64::from(self.max - self.min) + 1;
        self.min + (random % width) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Option<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        reference(line.as_bytes(), 0).map(|found| (text(found.name), text(found.parameters)))
    }

    #[test]
    fn a_bare_name_ends_at_a_blank_a_comma_a_parenthesis_or_the_end() {
        for line in ["a $P", "$P b", "$P\tb", "$P,x", "$P)"] {
            assert_eq!(found(line), Some(("P".into(), String::new())), "{line}");
        }
        for line in ["$P.x", "$P/24", "\"$P\"", "$1", "$", "a"] {
            assert_eq!(found(line), None, "{line}");
        }
    }

    #[test]
    fn a_name_in_braces_may_touch_anything_and_have_parameters() {
        assert_eq!(found("a${P}b"), Some(("P".into(), String::new())));
        assert_eq!(found("${_RANDOM 1 5}"), Some(("_RANDOM".into(), "1 5".into())));
        assert_eq!(found("${ P}"), None);
        assert_eq!(found("${P"), None);
    }

    #[test]
    fn a_definition_has_no_blank_before_its_sign() {
        assert_eq!(definition(b"$A=  x y").map(|found| (found.name, found.value)), Some((b"A".to_vec(), 5)));
        assert_eq!(definition(b"$A=").map(|found| found.value), Some(3));
        assert!(definition(b"$A =x").is_none() && definition(b"$1=x").is_none() && definition(b"$A-B=x").is_none());
    }

    #[test]
    fn a_random_number_is_within_its_range() {
        assert_eq!(RandomRange::new(b"90 90").pick(12345), 90);
        assert_eq!(RandomRange::new(b"3 2"), RandomRange { min: 3, max: 3, was_inverted: true });
        assert!((0..100).all(|random| (5..=7).contains(&RandomRange::new(b"5 7").pick(random))));
        assert_eq!(RandomRange::new(b"0 4294967295").pick(u64::MAX), u32::MAX);
    }
}
