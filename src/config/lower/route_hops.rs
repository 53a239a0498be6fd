//! Where a route leads: `via`, `or`, `nexthop`.

use crate::config::context::Context;
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::Family;
use crate::model::InterfaceName;
use crate::model::route::{Hop, Hops};
use crate::syntax::Word;

use super::encapsulation;
use super::routes::Draft;
use super::words::{address, bad, complain, interface, number, realms, shown};

impl Draft<'_> {
    pub(super) fn gateway(&mut self, context: &mut Context, word: &Word) -> Option<()> {
        if word.bytes == b"gw" {
            deprecated(context, word, "gw", "via");
        }
        let mut value = self.line.value(context)?;
        let named = match value.bytes.as_slice() {
            b"inet" => Some(Family::V4),
            b"inet6" => Some(Family::V6),
            _ => None,
        };
        if named.is_some() {
            value = self.line.value(context)?;
        }
        let via = address(context, value, |text| format!("invalid route via address {text}"))?;
        if let Some(named) = named {
            self.settle(context, value, named)?;
        }
        self.settle(context, value, Family::of(via))?;
        self.hop.gateway = Some(via);
        Some(())
    }

    /// `via A or B`: how two next hops were once written.
    pub(super) fn alternative(&mut self, context: &mut Context, word: &Word) -> Option<()> {
        deprecated(context, word, "or", "nexthop");
        let value = self.line.value(context)?;
        if !self.hops.is_empty() {
            let gist = "\"or\" route already specified - ignoring subsequent".to_owned();
            let message = "a second 'or' is ignored".to_owned();
            complain(context, Name::SECOND_IGNORED, word.span, message, gist);
            return Some(());
        }
        let second = address(context, value, |text| format!("Invalid \"or\" address {text}"))?;
        let hop = |gateway| Hop { gateway, ..Hop::default() };
        self.hops = vec![hop(self.hop.gateway.take()), hop(Some(second))];
        Some(())
    }

    /// `nexthop [via A] [dev I] [weight N] …`, to the end of the line.
    pub(super) fn next_hops(&mut self, context: &mut Context, word: &Word) -> Option<()> {
        if !self.hops.is_empty() {
            let gist = "Cannot specify nexthops with \"or\" route".to_owned();
            let message = "'nexthop' does not go with 'or'".to_owned();
            complain(context, Name::INCOMPATIBLE_SETTINGS, word.span, message, gist);
            return Some(());
        }
        loop {
            let mut hop = Hop::default();
            let next = loop {
                let Some(word) = self.line.next() else { break None };
                match self.hop_word(context, &mut hop, word) {
                    Some(true) => {}
                    Some(false) => break Some(word),
                    // The hops before it stay, as in keepalived.
                    None => return Some(()),
                }
            };
            self.hops.push(hop);
            match next {
                None => return Some(()),
                Some(word) if word.bytes == b"nexthop" => {}
                Some(word) => {
                    let text = shown(word);
                    let gist = format!("Route has trailing nonsense after nexthops - {text}");
                    let message = format!("'{text}' is no option of a next hop");
                    complain(context, Name::UNKNOWN_OPTION, word.span, message, gist);
                    return Some(());
                }
            }
        }
    }

    /// One word of a next hop; false when it is none, nothing when keepalived drops the hop.
    pub(super) fn hop_word(&mut self, context: &mut Context, hop: &mut Hop, word: &Word) -> Option<bool> {
        match word.bytes.as_slice() {
            b"via" => {
                let mut value = self.line.value(context)?;
                let named = match value.bytes.as_slice() {
                    b"inet" => Some(Family::V4),
                    b"inet6" => Some(Family::V6),
                    _ => None,
                };
                if named.is_some() {
                    value = self.line.value(context)?;
                }
                let via = address(context, value, |text| format!("invalid nexthop address {text}"))?;
                let family = named.unwrap_or(Family::of(via));
                if *self.family.get_or_insert(family) != family {
                    let gist = "Address family mismatch for next hop".to_owned();
                    let message = "a next hop is of its destination's family".to_owned();
                    complain(context, Name::ADDRESS_FAMILY_MISMATCH, value.span, message, gist);
                    return None;
                }
                hop.gateway = Some(via);
            }
            b"dev" => {
                let value = self.line.value(context)?;
                hop.interface = Some(hop_interface(context, value)?);
            }
            b"weight" => {
                let value = self.line.value(context)?;
                let gist = |text: &str| format!("Invalid weight {text} specified for route");
                let weight: u16 = number(context, value, 256, gist)?;
                if weight == 0 {
                    let message = "a weight is from 1 to 256".to_owned();
                    complain(context, Name::NUMBER_OUT_OF_RANGE, value.span, message, gist("0"));
                    return None;
                }
                hop.weight = Some(weight);
            }
            b"onlink" => hop.onlink = true,
            b"encap" => hop.encapsulation = encapsulation::read(context, &mut self.line, word),
            b"realms" => {
                let value = self.line.value(context)?;
                hop.realms = read_realms(context, value)?;
                self.only(context, word, Family::V4, "realms are only supported for IPv4")?;
            }
            b"as" => {
                self.line.next_is(b"to");
                self.line.next();
                let gist = "'as [to]' (nat) not supported".to_owned();
                complain(context, Name::NO_EFFECT, word.span, "'as to' has no effect".to_owned(), gist);
                return None;
            }
            _ => return Some(false),
        }
        Some(true)
    }

    /// What stands before `or` and `nexthop` about an interface goes for hops that name none.
    pub(super) fn several(&self) -> Hops {
        let with_interface =
            |hop: &Hop| Hop { interface: hop.interface.clone().or_else(|| self.hop.interface.clone()), ..hop.clone() };
        Hops::Several(self.hops.iter().map(with_interface).collect())
    }
}

pub(super) fn hop_interface(context: &mut Context, value: &Word) -> Option<InterfaceName> {
    let gist = format!("WARNING - interface {} for VROUTE nexthop doesn't exist", shown(value));
    interface(context, value, &gist)
}

pub(super) fn read_realms(context: &mut Context, value: &Word) -> Option<u32> {
    match realms(context, value) {
        Some(realms) => Some(realms),
        None => {
            let text = shown(value);
            bad(context, value, format!("'{text}' names no realms"), format!("Invalid realms {text} for route"))
        }
    }
}

fn deprecated(context: &mut Context, word: &Word, old: &str, new: &str) {
    context.report(
        Diagnostic::warning(Name::DEPRECATED_KEYWORD, format!("'{old}' is deprecated"))
            .at(word.span)
            .class(ErrorClass::General)
            .gist(format!("\"{old}\" for routes is deprecated. Please use \"{new}\""))
            .help(format!("use '{new}'")),
    );
}
