//! `include` and its variants: which line is one, what it names, and which complaints end everything
//! (`lib/parser.c`: `is_include`, `check_include`, `open_and_check_glob`).

use std::ops::BitOr;

/// What of an include must be in order. A plain `include` asks for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Checks(u8);

impl Checks {
    /// What is there can be read.
    pub const READ: Checks = Checks(1);
    /// A file named without a wildcard is there.
    pub const MATCH: Checks = Checks(2);
    /// A wildcard matches something.
    pub const WILDCARD: Checks = Checks(4);
    /// Every alternative in braces is there.
    pub const BRACE: Checks = Checks(8);
    /// All of it.
    pub const ALL: Checks = Checks(15);

    /// Whether any of `other` is asked for.
    pub fn asks(self, other: Checks) -> bool {
        self.0 & other.0 != 0
    }

    /// What the arguments of `include_check` make of this; an error is the word that makes no sense.
    pub fn changed<'w>(self, words: &[&'w [u8]]) -> Result<Checks, &'w [u8]> {
        let [first, rest @ ..] = words else { return Ok(Checks::ALL) };
        let mut checks = self;
        for (index, word) in [first].into_iter().chain(rest).enumerate() {
            let (sign, name) = match word {
                [sign @ (b'+' | b'-'), name @ ..] => (Some(*sign), name),
                name => (None, *name),
            };
            let named = match name {
                b"read" => Checks::READ,
                b"match" => Checks::MATCH,
                b"wildcard_match" => Checks::WILDCARD,
                b"brace_match" => Checks::BRACE,
                _ => return Err(word),
            };
            checks = match sign {
                Some(b'-') => Checks(checks.0 & !named.0),
                Some(_) => checks | named,
                None if index == 0 => named | Checks::READ,
                None => return Err(word),
            };
        }
        Ok(checks)
    }
}

impl BitOr for Checks {
    type Output = Checks;

    fn bitor(self, other: Checks) -> Checks {
        Checks(self.0 | other.0)
    }
}

/// What the line asks to include: the checks of the variant, and where the pattern begins. Quotes are part of it.
pub(super) fn include(line: &[u8]) -> Option<(Checks, usize)> {
    let word = line.split(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or_default();
    let checks = match word {
        b"include" => Checks::default(),
        b"includer" => Checks::READ,
        b"includem" => Checks::READ | Checks::MATCH,
        b"includew" => Checks::READ | Checks::MATCH | Checks::WILDCARD,
        b"includeb" => Checks::READ | Checks::BRACE,
        b"includea" => Checks::ALL,
        _ => return None,
    };
    let pattern = line[word.len()..].trim_ascii_start();
    (!pattern.is_empty()).then_some((checks, line.len() - pattern.len()))
}

/// Where the statements of a line begin: at its first word, and behind every brace outside double quotes.
pub(super) fn statements(line: &[u8]) -> impl Iterator<Item = usize> {
    let mut quoted = false;
    let braces = line.iter().enumerate().filter(move |(_, byte)| {
        quoted ^= **byte == b'"';
        !quoted && matches!(byte, b'{' | b'}')
    });
    let after = |start: usize| line.len() - line[start..].trim_ascii_start().len();
    std::iter::once(0).chain(braces.map(|(at, _)| at + 1)).map(after)
}

/// Whether the pattern can match files of other names than its own.
pub(super) fn is_wildcard(pattern: &[u8]) -> bool {
    pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// Most patterns that the braces of one may stand for.
const MOST_ALTERNATIVES: usize = 10_000;

/// What the braces of a pattern stand for, in their order: `a{b,c}` is `ab` and `ac`. `None` when there are too many.
pub(super) fn alternatives(pattern: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut waiting, mut done) = (vec![pattern.to_vec()], Vec::new());
    while let Some(pattern) = waiting.pop() {
        match first_group(&pattern) {
            None => done.push(pattern),
            Some((open, commas, close)) => {
                let starts = std::iter::once(open + 1).chain(commas.iter().map(|comma| comma + 1));
                let ends = commas.iter().copied().chain([close]);
                let choices: Vec<_> = starts.zip(ends).collect();
                for (start, end) in choices.into_iter().rev() {
                    waiting.push([&pattern[..open], &pattern[start..end], &pattern[close + 1..]].concat());
                }
            }
        }
        if waiting.len() + done.len() > MOST_ALTERNATIVES {
            return None;
        }
    }
    Some(done)
}

/// The first `{…}` that is closed, with the commas that belong to it. `{}` is no group to glob(3).
fn first_group(pattern: &[u8]) -> Option<(usize, Vec<usize>, usize)> {
    let open = (0..pattern.len()).find(|at| pattern[*at] == b'{' && pattern.get(at + 1) != Some(&b'}'))?;
    let (mut depth, mut commas) = (0, Vec::new());
    for (at, byte) in pattern.iter().enumerate().skip(open + 1) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some((open, commas, at)),
            b'}' => depth -= 1,
            b',' if depth == 0 => commas.push(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variants_ask_for_what_their_letter_says() {
        assert_eq!(include(b"include a.conf"), Some((Checks::default(), 8)));
        assert_eq!(include(b"includem\t \"a b\""), Some((Checks::READ | Checks::MATCH, 10)));
        assert_eq!(include(b"includea x").map(|(checks, _)| checks), Some(Checks::ALL));
        for line in ["includex a", "Include a", "include", "included a"] {
            assert_eq!(include(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn every_brace_outside_quotes_begins_a_statement() {
        assert_eq!(statements(b"  a { b }").collect::<Vec<_>>(), [2, 6, 9]);
        assert_eq!(statements(b"a \"{\" b").collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn include_check_sets_adds_and_takes_away() {
        let changed = |from: Checks, text: &'static str| {
            let words: Vec<&[u8]> = text.split_ascii_whitespace().map(str::as_bytes).collect();
            from.changed(&words)
        };
        assert_eq!(changed(Checks::default(), ""), Ok(Checks::ALL));
        assert_eq!(changed(Checks::ALL, "match"), Ok(Checks::READ | Checks::MATCH));
        assert_eq!(changed(Checks::READ, "+brace_match -read"), Ok(Checks::BRACE));
        assert_eq!(changed(Checks::READ, "wibble"), Err(&b"wibble"[..]));
        assert_eq!(changed(Checks::READ, "match read"), Err(&b"read"[..]));
    }

    #[test]
    fn braces_stand_for_their_alternatives() {
        let shown = |pattern: &str| {
            let all = alternatives(pattern.as_bytes()).unwrap();
            all.iter().map(|one| String::from_utf8_lossy(one).into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown("d/{1,2}.conf"), "d/1.conf d/2.conf");
        assert_eq!(shown("{a,b{c,d}}"), "a bc bd");
        assert_eq!(shown("{}a{b"), "{}a{b");
        assert_eq!(alternatives("{a,b}".repeat(20).as_bytes()), None);
    }
}
