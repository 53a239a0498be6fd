//! The words of one line of a value block: routes and rules, whose options follow each other in any order.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::context::Context;
use crate::config::cursor::shortened;
use crate::config::host::NameTable;
use crate::config::values::{self, Garbage, parse_address};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::Family;
use crate::model::InterfaceName;
use crate::model::route::everything;
use crate::source::Span;
use crate::syntax::Word;

/// A walk over the words of a line.
pub(super) struct Words<'a> {
    words: &'a [Word],
    at: usize,
}

impl<'a> Words<'a> {
    pub fn new(words: &'a [Word]) -> Words<'a> {
        Words { words, at: 0 }
    }

    /// The next word, if there is one.
    pub fn next(&mut self) -> Option<&'a Word> {
        let word = self.words.get(self.at)?;
        self.at += 1;
        Some(word)
    }

    /// The next word if it is this one.
    pub fn next_is(&mut self, text: &[u8]) -> bool {
        let found = self.words.get(self.at).is_some_and(|word| word.bytes == text);
        self.at += usize::from(found);
        found
    }

    /// The next two words, which are looked at before they are taken with [`Words::skip`].
    pub fn pair(&self) -> Option<(&'a Word, &'a Word)> {
        self.words.get(self.at).zip(self.words.get(self.at + 1))
    }

    /// Takes words that were looked at.
    pub fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// The word after the last one, which cannot do without; keepalived stops reading where it is missing.
    pub fn value(&mut self, context: &mut Context) -> Option<&'a Word> {
        if let Some(word) = self.next() {
            return Some(word);
        }
        let (first, last) = (self.words.first()?, self.words.last()?);
        let (line, keyword) = (first.text(), last.text());
        let (line, keyword) = (shortened(&line), shortened(&keyword));
        let gist = format!(
            "*** Configuration line starting `{line}` is missing a parameter after keyword `{keyword}` at word position {}",
            self.words.len() + 1
        );
        context.report(
            Diagnostic::error(Name::MISSING_VALUE, format!("'{keyword}' needs a value"))
                .at(last.span)
                .class(ErrorClass::MissingArgument)
                .gist(gist)
                .note("keepalived stops here and exits with status 2"),
        );
        None
    }
}

/// Reports a value that makes keepalived leave the line out; nothing, for the caller to hand on.
pub(super) fn bad<T>(context: &mut Context, word: &Word, message: String, gist: String) -> Option<T> {
    complain(context, Name::INVALID_VALUE, word.span, message, gist);
    None
}

/// A complaint of keepalived about a line; `gist` is what it says.
pub(super) fn complain(context: &mut Context, name: Name, span: Span, message: String, gist: String) {
    context.report(Diagnostic::warning(name, message).at(span).class(ErrorClass::General).gist(gist));
}

/// A word short enough for a message.
pub(super) fn shown(word: &Word) -> String {
    shortened(&word.text()).into_owned()
}

/// What `strtoul` makes of a whole word in base 0: decimal, `0x` and `0` before other digits.
pub(super) fn c_number(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?.trim_start();
    let text = text.strip_prefix('+').unwrap_or(text);
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    if digits.starts_with(['+', '-']) { None } else { u64::from_str_radix(digits, radix).ok() }
}

/// A number up to `most`, or a name that the machine gives one to.
pub(super) fn named(context: &Context, word: &[u8], table: NameTable, most: u32) -> Option<u32> {
    if let Some(number) = c_number(word) {
        return u32::try_from(number).ok().filter(|number| *number <= most);
    }
    let name = std::str::from_utf8(word).ok()?;
    match context.host {
        Some(host) => host.number_of(table, name),
        // Without a machine to ask, a name is as good as any.
        None => Some(table.built_in(name).unwrap_or(0)),
    }
}

/// `NUMBER[/NUMBER]`, each up to 255 or a name: the first is the source's realm if there are two.
pub(super) fn realms(context: &Context, word: &Word) -> Option<u32> {
    let mut parts = word.bytes.splitn(2, |byte| *byte == b'/');
    let mut part = || parts.next().map(|part| named(context, part, NameTable::Realms, 255));
    let first = part()??;
    match part() {
        Some(second) => Some(first << 16 | second?),
        None => Some(first),
    }
}

/// A whole number that fits `T`; keepalived complains twice about another.
pub(super) fn number<T>(context: &mut Context, word: &Word, most: i128, gist: impl Fn(&str) -> String) -> Option<T>
where
    T: TryFrom<i128>,
{
    let value = values::integer_in(context, word, 0, most, Garbage::Refused);
    if value.is_none() {
        let shown = shown(word);
        complain(context, Name::INVALID_VALUE, word.span, format!("'{shown}' cannot be used here"), gist(&shown));
    }
    value.and_then(|value| T::try_from(value).ok())
}

/// An address, nothing more.
pub(super) fn address(context: &mut Context, word: &Word, gist: impl Fn(&str) -> String) -> Option<IpAddr> {
    let address = parse_address(&word.bytes);
    if address.is_none() {
        let shown = shown(word);
        let message = format!("'{shown}' is no IP address");
        context.report(
            Diagnostic::warning(Name::INVALID_ADDRESS, message)
                .at(word.span)
                .class(ErrorClass::General)
                .gist(format!("VRRP parsed invalid IP {shown}. skipping IP...")),
        );
        complain(context, Name::INVALID_VALUE, word.span, format!("'{shown}' cannot be used here"), gist(&shown));
    }
    address
}

/// A destination or a source: a net, or every address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefix {
    /// `default`, `any`, `all`: of whichever family the line turns out to be.
    Everything,
    /// `default6`, and `ADDRESS[/LENGTH]`.
    Net(IpNet),
}

impl Prefix {
    /// The family it settles.
    pub fn family(self) -> Option<Family> {
        match self {
            Prefix::Everything => None,
            Prefix::Net(net) => Some(Family::of(net.addr())),
        }
    }

    /// The net it stands for on a line of this family.
    pub fn net(self, family: Family) -> IpNet {
        match self {
            Prefix::Everything => everything(family),
            Prefix::Net(net) => net,
        }
    }
}

/// `None` when it is neither a net nor one of the words for everything.
pub(super) fn prefix(context: &mut Context, word: &Word) -> Option<Prefix> {
    match word.bytes.as_slice() {
        b"default" | b"any" | b"all" => return Some(Prefix::Everything),
        b"default6" => return Some(Prefix::Net(everything(Family::V6))),
        _ => {}
    }
    let mut parts = word.bytes.splitn(2, |byte| *byte == b'/');
    let Some(address) = parse_address(parts.next().unwrap_or_default()) else {
        let shown = shown(word);
        let gist = format!("VRRP parsed invalid IP {shown}. skipping IP...");
        complain(context, Name::INVALID_ADDRESS, word.span, format!("'{shown}' is no IP address"), gist);
        return None;
    };
    let host = IpNet::from(address);
    let Some(length) = parts.next() else { return Some(Prefix::Net(host)) };
    let length = Word { bytes: length.to_vec().into(), ..word.clone() };
    let length = values::integer_in(context, &length, 0, host.max_prefix_len().into(), Garbage::Refused);
    let net = length.and_then(|length| IpNet::new(address, length as u8).ok());
    Some(Prefix::Net(net.unwrap_or(host)))
}

/// The name of an interface that must exist, unless interfaces may come later.
pub(super) fn interface(context: &mut Context, word: &Word, gist: &str) -> Option<InterfaceName> {
    let name = values::interface_name(context, word)?;
    super::instance_checks::needed_interface(context, &name, word.span, gist);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_strtoul_does() {
        let cases: [(&str, Option<u64>); 8] = [
            ("12", Some(12)),
            ("0x1f", Some(31)),
            ("017", Some(15)),
            ("0", Some(0)),
            ("+7", Some(7)),
            ("-1", None),
            ("1x", None),
            ("", None),
        ];
        for (text, number) in cases {
            assert_eq!(c_number(text.as_bytes()), number, "{text}");
        }
    }
}
