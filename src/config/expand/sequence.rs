//! `~SEQ(NAME, …)` and `~LST(NAME, …)` at the start of a line: what follows is read once for every value
//! (`lib/parser.c`: `add_seq`, `add_lst`).

use super::definition::name_len;

/// A sequence taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sequence {
    /// `~SEQ`: the numbers from `start` to `end`.
    Numbers { name: Vec<u8>, start: i64, step: i64, end: i64, hexadecimal: bool },
    /// `~LST`: one value, or none, for each name in every round.
    Values { names: Vec<Vec<u8>>, rounds: Vec<Vec<Vec<u8>>> },
}

/// Why a sequence makes no sense: keepalived's words without the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid(pub &'static str);

/// Whether the line begins with one.
pub(super) fn starts(line: &[u8]) -> bool {
    line.starts_with(b"~SEQ") || line.starts_with(b"~LST")
}

/// Where the parameters of the sequence end: behind the `)`.
pub(super) fn end(line: &[u8]) -> Option<usize> {
    line.iter().position(|byte| *byte == b')').map(|at| at + 1)
}

/// Reads `~SEQ(…)` or `~LST(…)` in which nothing is left to expand.
pub(super) fn parse(text: &[u8]) -> Result<Sequence, Invalid> {
    let is_list = text.starts_with(b"~LST");
    let invalid = Invalid(if is_list { "Invalid ~LST definition" } else { "Invalid ~SEQ definition" });
    let (rest, hexadecimal) = match text.get(4..).unwrap_or_default() {
        [b'x', rest @ ..] if !is_list => (rest, true),
        rest => (rest, false),
    };
    let inside = rest.trim_ascii_start().strip_prefix(b"(").and_then(|rest| rest.strip_suffix(b")"));
    let Some(inside) = inside else { return Err(invalid) };
    if is_list { list(inside).ok_or(invalid)? } else { numbers(inside, hexadecimal, invalid) }
}

fn numbers(inside: &[u8], hexadecimal: bool, invalid: Invalid) -> Result<Sequence, Invalid> {
    let mut words = inside.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let name = words.next().unwrap_or_default();
    if name.is_empty() || name_len(name) != name.len() {
        return Err(invalid);
    }
    let numbers: Option<Vec<i64>> = words.map(number).collect();
    let (start, step, end) = match numbers.as_deref() {
        Some(&[end]) => (if end < 0 { -1 } else { 1 }, if end <= 0 { -1 } else { 1 }, end),
        Some(&[start, end]) => (start, if end < start { -1 } else { 1 }, end),
        Some(&[start, step, end]) => (start, step, end),
        _ => return Err(invalid),
    };
    let towards = start == end || (step > 0) == (end > start);
    if step == 0 || !towards || (hexadecimal && start.min(end) < 0) {
        return Err(Invalid("Invalid ~SEQ values"));
    }
    Ok(Sequence::Numbers { name: name.to_vec(), start, step, end, hexadecimal })
}

/// A number as C writes it: decimal, octal with `0`, hexadecimal with `0x`.
fn number(word: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(word).ok()?;
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let value = match (hexadecimal, digits) {
        (Some(digits), _) => u32::from_str_radix(digits, 16),
        (None, digits) if digits.starts_with('0') => u32::from_str_radix(digits, 8),
        (None, digits) if digits.starts_with(|first: char| first.is_ascii_digit()) => digits.parse(),
        _ => return None,
    };
    value.ok().map(|value| sign * i64::from(value))
}

fn list(inside: &[u8]) -> Option<Result<Sequence, Invalid>> {
    let mut groups = groups(inside)?.into_iter();
    let names: Vec<Vec<u8>> = groups.next()?.into_iter().map(<[u8]>::to_vec).collect();
    let rounds: Vec<Vec<Vec<u8>>> = groups.map(|group| group.into_iter().map(<[u8]>::to_vec).collect()).collect();
    if rounds.is_empty() || names.iter().any(|name| name.is_empty() || name_len(name) != name.len()) {
        return None;
    }
    if rounds.iter().any(|round| round.len() > names.len()) {
        return Some(Err(Invalid("~LST specification has too many values")));
    }
    Some(Ok(Sequence::Values { names, rounds }))
}

/// `a, {b, c}, d`: one word or several for each comma outside braces.
fn groups(inside: &[u8]) -> Option<Vec<Vec<&[u8]>>> {
    let (mut groups, mut rest) = (Vec::new(), inside.trim_ascii());
    loop {
        let after = match rest.strip_prefix(b"{") {
            Some(inside) => {
                let close = inside.iter().position(|byte| *byte == b'}')?;
                groups.push(inside[..close].split(|byte| *byte == b',').map(<[u8]>::trim_ascii).collect());
                inside[close + 1..].trim_ascii()
            }
            None => {
                let comma = rest.iter().position(|byte| *byte == b',').unwrap_or(rest.len());
                groups.push(vec![rest[..comma].trim_ascii()]);
                &rest[comma..]
            }
        };
        match after {
            [] => return Some(groups),
            [b',', after @ ..] => rest = after.trim_ascii(),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> Option<(i64, i64, i64)> {
        match parse(text.as_bytes()) {
            Ok(Sequence::Numbers { start, step, end, .. }) => Some((start, step, end)),
            _ => None,
        }
    }

    #[test]
    fn one_number_is_the_end_two_are_both_ends_three_have_the_step_between() {
        assert_eq!(counted("~SEQ(N,3)"), Some((1, 1, 3)));
        assert_eq!(counted("~SEQ(N,-3)"), Some((-1, -1, -3)));
        assert_eq!(counted("~SEQ(N,0)"), Some((1, -1, 0)));
        assert_eq!(counted("~SEQ ( N , 5 , 2 )"), Some((5, -1, 2)));
        assert_eq!(counted("~SEQ(N,0x10,010,32)"), Some((16, 8, 32)));
    }

    #[test]
    fn what_never_arrives_is_refused() {
        for text in ["~SEQ(N,1,0,3)", "~SEQ(N,1,-1,3)", "~SEQx(N,-1,3)"] {
            assert_eq!(parse(text.as_bytes()), Err(Invalid("Invalid ~SEQ values")), "{text}");
        }
        for text in ["~SEQ(N)", "~SEQ(,1)", "~SEQ(N,x)", "~SEQ N,1", "~SEQ(N,1,2,3,4)"] {
            assert_eq!(parse(text.as_bytes()), Err(Invalid("Invalid ~SEQ definition")), "{text}");
        }
    }

    #[test]
    fn a_list_has_words_or_groups_of_words() {
        let words = |words: &[&str]| words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
        let values = |names: &[&str], rounds: &[&[&str]]| {
            Ok(Sequence::Values { names: words(names), rounds: rounds.iter().map(|round| words(round)).collect() })
        };
        assert_eq!(parse(b"~LST(N, a,b)"), values(&["N"], &[&["a"], &["b"]]));
        assert_eq!(parse(b"~LST({A,B},{1,2},{3})"), values(&["A", "B"], &[&["1", "2"], &["3"]]));
        assert_eq!(parse(b"~LST(N,)"), values(&["N"], &[&[""]]));
        assert_eq!(parse(b"~LST(N)"), Err(Invalid("Invalid ~LST definition")));
        assert_eq!(parse(b"~LST({A},{1,2})"), Err(Invalid("~LST specification has too many values")));
    }
}
