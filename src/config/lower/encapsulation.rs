//! `encap …` of a route: MPLS labels, an outer IP header, an ILA locator.

use std::net::IpAddr;

use crate::config::context::Context;
use crate::config::host::NameTable;
use crate::config::values::parse_address;
use crate::diagnostic::Name;
use crate::model::route::{Encapsulation, Tunnel};
use crate::syntax::Word;

use super::words::{Words, bad, c_number, complain, named, number, shown};

/// Labels that keepalived takes (`MAX_MPLS_LABELS`).
const MOST_LABELS: usize = 16;
/// A label has 20 bits (RFC 3032 §2.1).
const LABEL: u64 = (1 << 20) - 1;

/// Reads what follows `encap`; `None`, with a report, when nothing can be made of it. The route stays without.
pub(super) fn read(context: &mut Context, line: &mut Words, encap: &Word) -> Option<Encapsulation> {
    let Some(kind) = line.next() else {
        return bad(context, encap, "'encap' needs a kind".to_owned(), "Missing encap type".to_owned());
    };
    match kind.bytes.as_slice() {
        b"ip" => tunnel(context, line, kind, IpAddr4).map(Encapsulation::Ip),
        b"ip6" => tunnel(context, line, kind, IpAddr6).map(Encapsulation::Ip6),
        b"mpls" => {
            let Some(word) = line.next() else {
                let gist = "missing address for MPLS encapsulation".to_owned();
                return bad(context, kind, "'mpls' needs labels".to_owned(), gist);
            };
            let labels = labels(&word.bytes).map(Encapsulation::Mpls);
            labels.or_else(|| {
                let gist = format!("invalid mpls address {} for encapsulation", shown(word));
                bad(context, word, format!("'{}' are no MPLS labels", shown(word)), gist)
            })
        }
        b"ila" => {
            let Some(word) = line.next() else {
                let gist = "missing locator for ILA encapsulation".to_owned();
                return bad(context, kind, "'ila' needs a locator".to_owned(), gist);
            };
            let locator = locator(&word.bytes).map(Encapsulation::Ila);
            locator.or_else(|| {
                let gist = format!("invalid locator {} for ila encapsulation", shown(word));
                bad(context, word, format!("'{}' is no ILA locator", shown(word)), gist)
            })
        }
        _ => {
            let gist = format!("Unknown encap type - {}", shown(kind));
            bad(context, kind, format!("'{}' is no kind of encapsulation", shown(kind)), gist)
        }
    }
}

/// The family of an outer header, and the names of its fields.
trait Outer {
    type Address;
    const TOS: &'static [u8];
    const TTL: &'static [u8];
    fn address(address: IpAddr) -> Option<Self::Address>;
}

struct IpAddr4;
struct IpAddr6;

impl Outer for IpAddr4 {
    type Address = std::net::Ipv4Addr;
    const TOS: &'static [u8] = b"tos";
    const TTL: &'static [u8] = b"ttl";
    fn address(address: IpAddr) -> Option<Self::Address> {
        match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }
}

impl Outer for IpAddr6 {
    type Address = std::net::Ipv6Addr;
    const TOS: &'static [u8] = b"tc";
    const TTL: &'static [u8] = b"hoplimit";
    fn address(address: IpAddr) -> Option<Self::Address> {
        match address {
            IpAddr::V6(address) => Some(address),
            IpAddr::V4(_) => None,
        }
    }
}

fn tunnel<O: Outer>(context: &mut Context, line: &mut Words, kind: &Word, _: O) -> Option<Tunnel<O::Address>> {
    let name = shown(kind);
    let mut tunnel = Tunnel::default();
    while let Some((option, value)) = line.pair() {
        let gist = |text: &str| format!("{} {text} is not valid for {name} encapsulation", shown(option));
        match option.bytes.as_slice() {
            b"id" => tunnel.id = Some(number(context, value, u64::MAX.into(), gist)?),
            b"dst" => tunnel.destination = Some(address::<O>(context, option, value, &name)?),
            b"src" => tunnel.source = Some(address::<O>(context, option, value, &name)?),
            b"flags" => tunnel.flags = Some(number(context, value, u16::MAX.into(), gist)?),
            word if word == O::TTL => tunnel.ttl = Some(number(context, value, u8::MAX.into(), gist)?),
            word if word == O::TOS => match named(context, &value.bytes, NameTable::Fields, 255) {
                Some(tos) => tunnel.tos = Some(tos as u8),
                None => {
                    let text = shown(value);
                    return bad(context, value, format!("'{text}' is no TOS value"), gist(&text));
                }
            },
            _ => break,
        }
        line.skip(2);
    }
    if tunnel.destination.is_none() && tunnel.id.is_none() {
        let gist = format!("address or id missing for {name} encapsulation");
        return bad(context, kind, format!("'encap {name}' needs 'dst' or 'id'"), gist);
    }
    Some(tunnel)
}

fn address<O: Outer>(context: &mut Context, option: &Word, value: &Word, kind: &str) -> Option<O::Address> {
    let (option, text) = (shown(option), shown(value));
    let Some(address) = parse_address(&value.bytes) else {
        let message = format!("'{text}' is no IP address");
        complain(context, Name::INVALID_ADDRESS, value.span, message, format!("Invalid encap {kind} {option} {text}"));
        return None;
    };
    let found = O::address(address);
    if found.is_none() {
        let other = if address.is_ipv4() { "IPv4" } else { "IPv6" };
        let gist = format!("{other} address {text} not valid for {kind} encapsulation");
        let message = format!("'encap {kind}' has addresses of its own family");
        complain(context, Name::ADDRESS_FAMILY_MISMATCH, value.span, message, gist);
    }
    found
}

/// `LABEL[/LABEL…]`
fn labels(text: &[u8]) -> Option<Vec<u32>> {
    let label = |part: &[u8]| c_number(part).filter(|label| *label <= LABEL).map(|label| label as u32);
    let labels: Option<Vec<u32>> = text.split(|byte| *byte == b'/').map(label).collect();
    labels.filter(|labels| labels.len() <= MOST_LABELS)
}

/// Four groups of hexadecimal digits with colons between them.
fn locator(text: &[u8]) -> Option<[u8; 8]> {
    let text = std::str::from_utf8(text).ok()?;
    let groups: Option<Vec<u16>> =
        text.trim_start().split(':').map(|group| u16::from_str_radix(group, 16).ok()).collect();
    let groups: [u16; 4] = groups?.try_into().ok()?;
    let mut locator = [0; 8];
    for (bytes, group) in locator.chunks_exact_mut(2).zip(groups) {
        bytes.copy_from_slice(&group.to_be_bytes());
    }
    Some(locator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_numbers_of_20_bits_between_slashes() {
        assert_eq!(labels(b"100/0x20/1048575"), Some(vec![100, 32, 1_048_575]));
        assert_eq!(labels(b"1048576"), None);
        assert_eq!(labels(b"1//2"), None);
        assert_eq!(labels("1/".repeat(16).as_bytes()), None);
    }

    #[test]
    fn a_locator_has_four_groups() {
        assert_eq!(locator(b"2001:db8:1:f"), Some([0x20, 1, 0x0d, 0xb8, 0, 1, 0, 15]));
        assert_eq!(locator(b"2001:db8:1"), None);
        assert_eq!(locator(b"2001:db8::1"), None);
    }
}
