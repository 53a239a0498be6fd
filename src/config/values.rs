//! Values as keepalived reads them: decimal numbers, fractions, booleans, addresses, names. Each reader reports what is
//! wrong and returns `None`; the caller then keeps the value it had, as keepalived does.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::diagnostic::{Diagnostic, ErrorClass, Fix, Name};
use crate::model::InterfaceName;
use crate::schema::{Decimal, Value};
use crate::source::Span;
use crate::syntax::Word;

use super::command;
use super::context::{Context, Runner, ScriptUse, Spanned};
use super::cursor::{Line, shortened};

/// What is done with `7x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Garbage {
    /// Read as 7, with a complaint: what keepalived's daemon does with most keywords.
    Dropped,
    /// No number.
    Refused,
}

/// Judges the value of a keyword of which nothing comes.
pub(super) fn check(context: &mut Context, path: &str, line: &Line) {
    let Some(word) = line.argument() else { return };
    match &line.keyword.value {
        Value::Integer { .. } => drop(integer(context, line, Garbage::Refused)),
        Value::Seconds { .. } | Value::Milliseconds { .. } => drop(duration(context, line)),
        Value::Boolean => drop(boolean(context, word)),
        Value::Address => drop(address(context, word)),
        Value::Interface => drop(interface_name(context, word)),
        Value::Choice(words) => drop(choice(context, word, words)),
        Value::Pairs(words) => pairs(context, line, words),
        Value::Command => drop(script(context, path, line)),
        _ => {}
    }
}

/// A whole number within the range of the keyword.
pub(super) fn integer(context: &mut Context, line: &Line, garbage: Garbage) -> Option<i128> {
    let (word, (min, max)) = (line.argument()?, range(&line.keyword.value)?);
    integer_in(context, word, min, max, garbage)
}

/// A whole number within the range of the keyword that is known to fit `T`.
pub(super) fn unsigned<T: TryFrom<i128>>(context: &mut Context, line: &Line, garbage: Garbage) -> Option<T> {
    integer(context, line, garbage).and_then(|value| T::try_from(value).ok())
}

fn range(value: &Value) -> Option<(i128, i128)> {
    match value {
        Value::Integer { min, max } => Some((*min, *max)),
        _ => None,
    }
}

/// A whole number within a range.
pub(super) fn integer_in(context: &mut Context, word: &Word, min: i128, max: i128, garbage: Garbage) -> Option<i128> {
    let text = word.text();
    let complain = |name, message: String| Diagnostic::warning(name, message).at(word.span).class(ErrorClass::General);
    let (number, rest) = leading_integer(&word.bytes);
    let invalid = || format!("invalid number '{}'", shortened(&text));
    let Some(number) = number.filter(|_| rest.is_empty() || garbage == Garbage::Dropped) else {
        let message = format!("'{}' is not a whole number", shortened(&text));
        let diagnostic = complain(Name::INVALID_NUMBER, message).gist(invalid());
        context.report(without_punctuation(diagnostic, word));
        return None;
    };
    if !rest.is_empty() {
        let message = format!("'{}' is not a whole number; {number} is used", shortened(&text));
        let diagnostic = complain(Name::INVALID_NUMBER, message).gist(invalid());
        context.report(without_punctuation(diagnostic, word));
    }
    if !(min..=max).contains(&number) {
        let message = format!("{number} is not within {min} to {max}");
        let gist = match min {
            0.. if number < 0 => format!("negative number '{}'", shortened(&text)),
            _ => format!("number '{}' outside range [{min}, {max}]", shortened(&text)),
        };
        context.report(complain(Name::NUMBER_OUT_OF_RANGE, message).gist(gist));
        return None;
    }
    Some(number)
}

/// Adds what to do about a value with the punctuation of another language after it, or in its place.
pub(super) fn without_punctuation(diagnostic: Diagnostic, word: &Word) -> Diagnostic {
    let text = word.text();
    if matches!(text.as_ref(), "=" | ":" | ":=") {
        let help = format!("there is only a blank between a keyword and its value: remove the '{text}'");
        return diagnostic.help(help).fix(Fix::remove(word.span).proposed());
    }
    let value = text.trim_end_matches([';', ',']);
    if value.is_empty() || value.len() == text.len() || word.quoted {
        return diagnostic;
    }
    let tail = Span { start: word.span.end - (text.len() - value.len()) as u32, ..word.span };
    let help = format!("a value ends with a blank or with its line: remove the '{}'", &text[value.len()..]);
    diagnostic.help(help).fix(Fix::remove(tail).proposed())
}

/// What `strtol` makes of the text in base ten, and what it leaves. Values beyond all ranges are cut off.
fn leading_integer(text: &[u8]) -> (Option<i128>, &[u8]) {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return (None, text);
    }
    let value = digits[..count].iter().fold(0i128, |value, digit| {
        value.saturating_mul(10).saturating_add(i128::from(digit - b'0')).min(i128::from(u64::MAX) * 2)
    });
    (Some(if negative { -value } else { value }), &digits[count..])
}

/// A fraction of seconds, or of milliseconds, within the range of the keyword.
pub(super) fn duration(context: &mut Context, line: &Line) -> Option<Duration> {
    let word = line.argument()?;
    match line.keyword.value {
        Value::Seconds { min, max } => seconds_in(context, word, min, max),
        Value::Milliseconds { min, max } => duration_in(context, word, (min, max), 3, "milliseconds"),
        _ => None,
    }
}

/// A fraction of seconds within a range in microseconds.
pub(super) fn seconds_in(context: &mut Context, word: &Word, min: u128, max: u128) -> Option<Duration> {
    duration_in(context, word, (min, max), 6, "seconds")
}

fn duration_in(
    context: &mut Context,
    word: &Word,
    (min, max): (u128, u128),
    places: usize,
    unit: &str,
) -> Option<Duration> {
    let text = word.text();
    let complain = |name, message: String| Diagnostic::warning(name, message).at(word.span).class(ErrorClass::General);
    let number = word.bytes.trim_ascii_start();
    let number = number.strip_prefix(b"+").unwrap_or(number);
    let Some(decimal) = Decimal::parse(number, places) else {
        let has_unit = number.first().is_some_and(u8::is_ascii_digit);
        let message = format!("'{}' is not a number of {unit}", shortened(&text));
        let kind = if number.starts_with(b"-") { "negative" } else { "invalid" };
        let gist = format!("{kind} number '{}'", shortened(&text));
        context.report(if has_unit {
            // keepalived's daemon pads the digits after the unit: `5s` is five microseconds to it. Nobody means that.
            Diagnostic { severity: crate::diagnostic::Severity::Error, ..complain(Name::INVALID_NUMBER, message) }
                .gist(gist)
                .help("write the number alone, without a unit")
                .note("keepalived would run with some microseconds instead")
        } else {
            complain(Name::INVALID_NUMBER, message).gist(gist)
        });
        return None;
    };
    if decimal.too_many_places {
        let message = format!("'{}' has more than {places} decimal places; it is rounded", shortened(&text));
        let gist = format!("number '{}' has too many decimal places", shortened(&text));
        context.report(complain(Name::TOO_MANY_DECIMALS, message).gist(gist));
    }
    if !(min..=max).contains(&decimal.scaled) {
        let shown = |value: u128| value as f64 / 10f64.powi(places as i32);
        let message = format!("{text} is not within {} to {} {unit}", shown(min), shown(max));
        let (min, max) = (shown(min), shown(max));
        let gist = format!("number '{}' outside range [{min:.places$}, {max:.places$}]", shortened(&text));
        context.report(complain(Name::NUMBER_OUT_OF_RANGE, message).gist(gist));
        return None;
    }
    u64::try_from(decimal.scaled).ok().map(Duration::from_micros)
}

/// `true`, `on`, `yes` and their opposites.
pub(super) fn boolean(context: &mut Context, word: &Word) -> Option<bool> {
    match word.bytes.as_slice() {
        b"true" | b"on" | b"yes" => Some(true),
        b"false" | b"off" | b"no" => Some(false),
        _ => {
            let message = format!("'{}' is none of true, false, on, off, yes, no", shortened(&word.text()));
            let gist = format!("Invalid boolean parameter {}", shortened(&word.text()));
            context.report(invalid_value(word.span, message).gist(gist));
            None
        }
    }
}

/// A flag that may have `false` after it.
pub(super) fn switch(context: &mut Context, line: &Line) -> Option<bool> {
    line.argument().map_or(Some(true), |word| boolean(context, word))
}

/// One of the words.
pub(super) fn choice(context: &mut Context, word: &Word, words: &[String]) -> Option<usize> {
    let found = words.iter().position(|known| known.as_bytes() == word.bytes);
    if found.is_none() {
        let message = format!("'{}' is none of {}", shortened(&word.text()), words.join(", "));
        context.report(invalid_value(word.span, message));
    }
    found
}

/// Words with a number after each. keepalived takes the number for another word when it does not know the first.
fn pairs(context: &mut Context, line: &Line, words: &[String]) {
    let mut rest = line.arguments.iter();
    while let Some(word) = rest.next() {
        if !words.iter().any(|known| known.as_bytes() == word.bytes) {
            let text = word.text();
            let message = format!("'{}' is none of {}", shortened(&text), words.join(", "));
            let gist = format!("Unknown option {} specified for {}", shortened(&text), line.keyword.name);
            context.report(invalid_value(word.span, message).gist(gist));
        } else if let Some(number) = rest.next() {
            integer_in(context, number, 0, u32::MAX.into(), Garbage::Refused);
        } else {
            let message = format!("'{}' needs a value", word.text());
            let diagnostic = Diagnostic::warning(Name::MISSING_VALUE, message).at(word.span);
            context.report(diagnostic.class(ErrorClass::General));
        }
    }
}

/// An IPv4 or IPv6 address, nothing more.
pub(super) fn address(context: &mut Context, word: &Word) -> Option<IpAddr> {
    let address = parse_address(&word.bytes);
    if address.is_none() {
        let message = format!("'{}' is not an IP address", shortened(&word.text()));
        context.report(Diagnostic::warning(Name::INVALID_ADDRESS, message).at(word.span).class(ErrorClass::General));
    }
    address
}

/// An IP address of which keepalived drops a tail that begins with `/` or `-` (`lib/utils.c`: `inet_stosockaddr`).
pub(super) fn host_address(context: &mut Context, word: &Word) -> Option<IpAddr> {
    let end = word.bytes.iter().position(|byte| matches!(byte, b'/' | b'-')).unwrap_or(word.bytes.len());
    address(context, &Word { bytes: word.bytes.first(end), ..word.clone() })
}

/// As `inet_pton` does. Rust's parser and it agree: four decimal octets, no leading zeros.
pub(super) fn parse_address(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// An IPv4 address as inet_aton(3) reads it: one to four numbers in C's notation, the last of which fills what is left.
/// `24` is 0.0.0.24.
pub(super) fn classful_address(text: &str) -> Option<Ipv4Addr> {
    let number =
        |part: &str| match (part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")), part.strip_prefix('0')) {
            (Some(digits), _) => u32::from_str_radix(digits, 16).ok(),
            (None, Some("")) => Some(0),
            (None, Some(digits)) => u32::from_str_radix(digits, 8).ok(),
            (None, None) => part.parse().ok(),
        };
    let numbers: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = numbers.split_last()?;
    let room = 32u32.checked_sub(8 * u32::try_from(first.len()).ok()?).filter(|room| *room > 0)?;
    if first.iter().any(|number| *number > 255) || u64::from(*last) >> room != 0 {
        return None;
    }
    let high = first.iter().zip([24, 16, 8]).map(|(number, shift)| number << shift).sum::<u32>();
    Some(Ipv4Addr::from(high | last))
}

/// An IPv4 address where IPv6 is not supported yet.
pub(super) fn ipv4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

/// A name that the kernel allows for an interface.
pub(super) fn interface_name(context: &mut Context, word: &Word) -> Option<InterfaceName> {
    let name = std::str::from_utf8(&word.bytes).ok().and_then(InterfaceName::new);
    if name.is_none() {
        let message = format!("'{}' cannot be the name of an interface", shortened(&word.text()));
        context.report(
            Diagnostic::error(Name::INVALID_INTERFACE, message)
                .at(word.span)
                .class(ErrorClass::General)
                .help("a name has 1 to 15 characters, without '/', ':' and blanks"),
        );
    }
    name
}

/// A program with its arguments, and the user and group after it.
pub(super) struct Script {
    pub argv: Vec<String>,
    pub user: Option<(String, Option<String>)>,
}

/// Reads the line again as a command, and remembers that the file names this program.
pub(super) fn script(context: &mut Context, path: &str, line: &Line) -> Option<Spanned<Script>> {
    let (first, last) = (line.arguments.first()?.span, line.arguments.last()?.span);
    let span = first.to(last);
    let words = command::split(context.sources.slice(span));
    let text = |word: &Vec<u8>| String::from_utf8_lossy(word).into_owned();
    let argv: Vec<String> = command::split(words.first()?).iter().map(text).collect();
    let user = words.get(1).map(|user| (text(user), words.get(2).map(text)));
    let program = argv.first().filter(|program| !program.is_empty());
    let Some(program) = program else {
        context.report(
            Diagnostic::warning(Name::MISSING_VALUE, format!("'{}' names no program", line.keyword.name))
                .at(span)
                .class(ErrorClass::General),
        );
        return None;
    };
    if path != "vrrp_script" {
        // The script of a vrrp_script may have its user on a line of its own; its lowering notes it.
        let user = user.as_ref().map(|(user, _)| user.clone());
        let runner = Runner::of(path, &line.keyword.name);
        context.scripts.push(ScriptUse { runner, span, program: program.clone(), user });
    }
    Some(Spanned::new(Script { argv, user }, span))
}

/// A word that is not one of those that may stand there.
pub(super) fn invalid_value(span: Span, message: String) -> Diagnostic {
    Diagnostic::warning(Name::INVALID_VALUE, message).at(span).class(ErrorClass::General)
}

#[cfg(test)]
mod tests {
    use super::classful_address;

    #[test]
    fn addresses_are_read_as_inet_aton_reads_them() {
        let read = ["255.255.255.0", "24", "10.1", "1.2.3", "0x7f.1", "256.1", "1.2.3.256", "", "1.", "x"];
        let read = read.map(|text| classful_address(text).map(|address| address.to_string()));
        let expected =
            ["255.255.255.0", "0.0.0.24", "10.0.0.1", "1.2.0.3", "127.0.0.1"].map(|text| Some(text.to_owned()));
        assert_eq!(read[..5], expected);
        assert_eq!(read[5..], [None, None, None, None, None]);
    }
}
