//! `virtual_server_group`: addresses, ranges of them and marks (`check/check_data.c`: `alloc_vsg_entry`).

use std::net::IpAddr;
use std::num::NonZeroU32;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, lines, second_reading, shortened};
use crate::config::values::{self, Garbage};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::lvs::{Family, GroupEntry};
use crate::syntax::Word;

use super::virtual_server::endpoint;

/// More services than this in one range are a slip: a million of them take the kernel minutes.
const MOST_ADDRESSES: u128 = 1 << 20;

/// What a `virtual_server_group` block says.
pub(in crate::config) struct GroupDraft {
    /// The group's name, and the head of its block.
    pub name: Spanned<String>,
    /// Its addresses, then its marks.
    pub(super) entries: Vec<GroupEntry>,
}

impl GroupDraft {
    /// Whether it has addresses.
    pub(super) fn has_addresses(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, GroupEntry::Range { .. }))
    }

    /// Whether it has marks.
    pub(super) fn has_marks(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, GroupEntry::Fwmark { .. }))
    }

    /// Whether some entry is of that family for sure.
    pub(super) fn has_family(&self, wanted: Family) -> bool {
        self.entries.iter().any(|entry| match entry {
            GroupEntry::Range { first, .. } => Family::from(*first) == wanted,
            GroupEntry::Fwmark { family, .. } => *family == Some(wanted),
        })
    }

    /// Whether some mark leaves its family open.
    pub(super) fn has_open_mark(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, GroupEntry::Fwmark { family: None, .. }))
    }

    /// Whether some service would be for all ports.
    pub(super) fn has_port_zero(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, GroupEntry::Range { port: 0, .. }))
    }
}

/// Reads one block; `None` when nothing of it can be used.
pub(super) fn read(context: &mut Context, block: &Line) -> Option<GroupDraft> {
    let name = block.argument()?;
    let (mut ranges, mut marks) = (Vec::new(), Vec::new());
    for statement in lines(context, block.body()) {
        let words = second_reading(&statement.words);
        match words.split_first() {
            Some((first, rest)) if first.bytes == b"fwmark" => marks.extend(mark(context, first, rest)),
            Some((first, rest)) => ranges.extend(range(context, first, rest.first())),
            None => {}
        }
    }
    ranges.extend(marks);
    let group = GroupDraft { name: Spanned::new(name.text().into_owned(), block.span()), entries: ranges };
    let name = &group.name.value;
    if group.entries.is_empty() {
        let diagnostic = Diagnostic::warning(Name::INCOMPLETE_BLOCK, format!("group {name} holds nothing"));
        let gist = format!("virtual server group {name} has no entries - removing");
        context.report(diagnostic.at(block.span()).class_without_line(ErrorClass::General).gist(gist));
        return None;
    }
    if group.has_family(Family::Ipv4) && group.has_family(Family::Ipv6) && group.has_open_mark() {
        let message = format!("group {name} has both families, and a mark that names none");
        let gist = format!("virtual server group {name} cannot have IPv4, IPv6 and fwmark without family - removing");
        context.report(
            Diagnostic::warning(Name::ADDRESS_FAMILY_MISMATCH, message)
                .at(block.span())
                .class(ErrorClass::General)
                .gist(gist)
                .help("write inet or inet6 after the mark"),
        );
        return None;
    }
    Some(group)
}

/// `fwmark N [inet|inet6]`
fn mark(context: &mut Context, keyword: &Word, rest: &[Word]) -> Option<GroupEntry> {
    let Some(word) = rest.first() else {
        let diagnostic = Diagnostic::warning(Name::MISSING_VALUE, "'fwmark' needs a number").at(keyword.span);
        context.report(diagnostic.class(ErrorClass::MissingArgument));
        return None;
    };
    let number = values::integer_in(context, word, 0, u32::MAX.into(), Garbage::Dropped)?;
    let family = match rest.get(1) {
        None => None,
        Some(family) => match family.bytes.as_slice() {
            b"inet" => Some(Family::Ipv4),
            b"inet6" => Some(Family::Ipv6),
            _ => {
                let text = family.text();
                let message = format!("'{}' is neither inet nor inet6", shortened(&text));
                let gist = format!("fwmark '{number}' family {} unknown - ignoring", shortened(&text));
                return skip(context, family, message, gist);
            }
        },
    };
    let Some(mark) = u32::try_from(number).ok().and_then(NonZeroU32::new) else {
        let diagnostic = Diagnostic::error(Name::INVALID_SERVER, "0 is no firewall mark").at(word.span);
        context.report(diagnostic.help("a mark is a number from 1 to 4294967295; 0 means no mark to the kernel"));
        return None;
    };
    Some(GroupEntry::Fwmark { mark, family })
}

/// `ADDRESS`, `ADDRESS-END` or `ADDRESS/LENGTH`, and a port. An end is a whole address, or what replaces the last part
/// of one.
fn range(context: &mut Context, word: &Word, port: Option<&Word>) -> Option<GroupEntry> {
    let text = word.text().into_owned();
    let Some((first, port)) = endpoint(context, word, port) else {
        let message = format!("'{}' and what follows are no address and port", shortened(&text));
        let gist = format!("Invalid virtual server group IP address {} - skipping", shortened(&text));
        return skip(context, word, message, gist);
    };
    let last = match (text.split_once('/'), text.split_once('-')) {
        (Some((_, length)), _) => last_of_prefix(first, length),
        (None, Some((_, end))) => last_of_range(first, end),
        (None, None) => Ok(first),
    };
    let last = match last {
        Ok(last) => last,
        Err(problem) => {
            let gist = format!("{problem} - {} - skipping", shortened(&text));
            return skip(context, word, format!("'{}': {}", shortened(&text), lowered(problem)), gist);
        }
    };
    let count = count(first, last);
    if count > MOST_ADDRESSES {
        context.report(
            Diagnostic::error(Name::INVALID_SERVER, format!("'{}' stands for {count} services", shortened(&text)))
                .at(word.span)
                .note(format!("alived takes at most {MOST_ADDRESSES} in one range"))
                .help("a firewall mark covers any number of addresses with one service"),
        );
        return None;
    }
    Some(GroupEntry::Range { first, last, port: port.unwrap_or(0) })
}

fn last_of_prefix(first: IpAddr, length: &str) -> Result<IpAddr, &'static str> {
    let (bits, width) = match first {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let length: u32 = length.parse().ok().filter(|length| (1..=width).contains(length)).ok_or("Invalid netmask")?;
    let host_bits = u128::MAX.checked_shr(128 - (width - length)).unwrap_or(0);
    if bits & host_bits != 0 {
        return Err("Address mask bits not empty");
    }
    Ok(address(first, bits | host_bits))
}

fn last_of_range(first: IpAddr, end: &str) -> Result<IpAddr, &'static str> {
    let is_whole = end.contains(if first.is_ipv4() { '.' } else { ':' });
    if is_whole {
        let last = values::parse_address(end.as_bytes()).ok_or("Invalid range end")?;
        return match (last.is_ipv4() == first.is_ipv4(), last >= first) {
            (false, _) => Err("Range address families do not match"),
            (true, false) => Err("Address range end is less than address range start"),
            (true, true) => Ok(last),
        };
    }
    let last = match first {
        IpAddr::V4(first) => {
            let [a, b, c, _] = first.octets();
            let end = end.parse::<u64>().map_err(|_| "Virtual server group range has extra characters at end")?;
            let end = u8::try_from(end).map_err(|_| "Virtual server group range end too large")?;
            IpAddr::from([a, b, c, end])
        }
        IpAddr::V6(first) => {
            let mut segments = first.segments();
            let end =
                u64::from_str_radix(end, 16).map_err(|_| "Virtual server group range has extra characters at end")?;
            segments[7] = u16::try_from(end).map_err(|_| "Virtual server group range end too large")?;
            IpAddr::from(segments)
        }
    };
    if last > first { Ok(last) } else { Err("Address range end is not greater than address range start") }
}

/// The address of the same family with these bits.
fn address(like: IpAddr, bits: u128) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4((bits as u32).into()),
        IpAddr::V6(_) => IpAddr::V6(bits.into()),
    }
}

/// How many addresses a range has.
fn count(first: IpAddr, last: IpAddr) -> u128 {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    (bits(last) - bits(first)).saturating_add(1)
}

/// keepalived leaves the line out; its addresses would have no service.
fn skip<T>(context: &mut Context, word: &Word, message: String, gist: String) -> Option<T> {
    let diagnostic = Diagnostic::error(Name::INVALID_SERVER, message).at(word.span);
    context.report(diagnostic.class(ErrorClass::General).gist(gist).note("keepalived skips the line"));
    None
}

/// A sentence within another one.
fn lowered(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(first: &str, end: &str) -> Result<String, &'static str> {
        last_of_range(first.parse().expect("an address"), end).map(|last| last.to_string())
    }

    #[test]
    fn an_end_is_a_whole_address_or_the_last_part_of_one() {
        assert_eq!(ends("192.0.2.1", "7"), Ok("192.0.2.7".to_owned()));
        assert_eq!(ends("192.0.2.1", "192.0.3.7"), Ok("192.0.3.7".to_owned()));
        assert_eq!(ends("192.0.2.1", "192.0.2.1"), Ok("192.0.2.1".to_owned()));
        assert_eq!(ends("2001:db8::1", "ff"), Ok("2001:db8::ff".to_owned()));
        assert_eq!(ends("2001:db8::1", "2001:db8::1:0"), Ok("2001:db8::1:0".to_owned()));
        assert!(ends("192.0.2.7", "7").is_err());
        assert!(ends("192.0.2.7", "256").is_err());
        assert!(ends("192.0.2.7", "192.0.2.6").is_err());
    }

    #[test]
    fn a_prefix_covers_all_its_addresses() {
        let last = |first: &str, length: &str| last_of_prefix(first.parse().expect("an address"), length);
        assert_eq!(last("192.0.2.32", "30"), Ok("192.0.2.35".parse().expect("an address")));
        assert_eq!(last("192.0.2.32", "32"), Ok("192.0.2.32".parse().expect("an address")));
        assert_eq!(last("2001:db8::8", "126"), Ok("2001:db8::b".parse().expect("an address")));
        assert!(last("192.0.2.33", "30").is_err());
        assert!(last("192.0.2.33", "0").is_err() && last("192.0.2.33", "33").is_err());
        assert_eq!(
            count("0.0.0.0".parse().expect("an address"), "255.255.255.255".parse().expect("an address")),
            1 << 32
        );
    }
}
