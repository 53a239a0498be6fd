//! Lines of `virtual_rules` and `static_rules`: options in any order, one of them an action.

use std::collections::BTreeSet;

use crate::config::context::Context;
use crate::config::cursor::second_reading;
use crate::config::host::NameTable;
use crate::diagnostic::Name;
use crate::model::Family;
use crate::model::InterfaceName;
use crate::model::route::PROTOCOL_KEEPALIVED;
use crate::model::rule::{Rule, RuleAction};
use crate::syntax::{Statement, Word};

use super::routes::route_type;
use super::words::{Prefix, Words, bad, c_number, complain, interface, named, number, prefix, realms, shown};

/// Where rules without `preference` begin; each further one of its family stands before the last.
const FIRST_PRIORITY: u32 = 16384;
/// `FR_ACT_BLACKHOLE`, `FR_ACT_UNREACHABLE`, `FR_ACT_PROHIBIT`, which are types of routes too.
const BLACKHOLE: u8 = 6;
const UNREACHABLE: u8 = 7;
const PROHIBIT: u8 = 8;

/// The priorities that rules without one get.
pub(in crate::config) struct Priorities {
    ipv4: u32,
    ipv6: u32,
}

impl Default for Priorities {
    fn default() -> Self {
        Priorities { ipv4: FIRST_PRIORITY, ipv6: FIRST_PRIORITY }
    }
}

impl Priorities {
    fn take(&mut self, family: Family) -> u32 {
        let next = match family {
            Family::V4 => &mut self.ipv4,
            Family::V6 => &mut self.ipv6,
        };
        let taken = *next;
        *next = next.saturating_sub(1);
        taken
    }
}

/// A line that is being read.
struct Draft<'a> {
    line: Words<'a>,
    family: Option<Family>,
    from: Option<Prefix>,
    to: Option<Prefix>,
    priority: Option<u32>,
    action: Option<RuleAction>,
    /// `realms`, `suppress_…`: they mean something with a table only.
    has_table_option: bool,
    rule: Rule,
}

/// Reads one line; `None`, with a report, when keepalived leaves it out. `groups` are the track groups that a static
/// rule may name.
pub(super) fn read(
    context: &mut Context,
    line: &Statement,
    priorities: &mut Priorities,
    groups: Option<&BTreeSet<String>>,
) -> Option<Rule> {
    let words = second_reading(&line.words);
    let mut draft = Draft {
        line: Words::new(&words),
        family: None,
        from: None,
        to: None,
        priority: None,
        action: None,
        has_table_option: false,
        rule: Rule {
            family: Family::V4,
            priority: 0,
            action: RuleAction::Nop,
            invert: false,
            from: None,
            to: None,
            tos: 0,
            mark: None,
            realms: 0,
            input: None,
            output: None,
            suppress_prefix_length: None,
            suppress_group: None,
            tunnel_id: 0,
            users: None,
            protocol: None,
            ip_protocol: None,
            source_ports: None,
            destination_ports: None,
            tracked: true,
            track_group: None,
        },
    };
    while let Some(word) = draft.line.next() {
        match (word.bytes.as_slice(), groups) {
            (b"track_group", Some(groups)) => {
                let value = draft.line.value(context)?;
                draft.rule.track_group = super::statics::track_group(context, value, groups);
            }
            _ => draft.word(context, word)?,
        }
    }
    draft.finish(context, line, priorities)
}

impl Draft<'_> {
    fn word(&mut self, context: &mut Context, word: &Word) -> Option<()> {
        match word.bytes.as_slice() {
            b"inet" => self.settle_by_word(context, word, Family::V4),
            b"inet6" => self.settle_by_word(context, word, Family::V6),
            b"from" => {
                self.from = Some(self.selector(context, "from")?);
                Some(())
            }
            b"to" => {
                self.to = Some(self.selector(context, "to")?);
                Some(())
            }
            b"table" | b"lookup" => self.table(context),
            b"not" => {
                self.rule.invert = true;
                Some(())
            }
            b"preference" | b"order" | b"priority" => {
                let value = self.line.value(context)?;
                let priority = c_number(&value.bytes).and_then(|number| u32::try_from(number).ok());
                if priority.is_none() {
                    let text = shown(value);
                    let message = format!("'{text}' is no preference: it is from 0 to {}", u32::MAX);
                    return bad(context, value, message, format!("Invalid rule preference {} specified", shown(word)));
                }
                self.priority = priority;
                Some(())
            }
            b"tos" | b"dsfield" => {
                let value = self.line.value(context)?;
                let Some(tos) = named(context, &value.bytes, NameTable::Fields, 255) else {
                    let text = shown(value);
                    let message = format!("'{text}' is no TOS value");
                    return bad(context, value, message, format!("TOS value {text} is invalid"));
                };
                self.rule.tos = tos as u8;
                Some(())
            }
            b"fwmark" => self.mark(context),
            b"realms" => {
                let value = self.line.value(context)?;
                let Some(realms) = realms(context, value) else {
                    let text = shown(value);
                    let gist = format!("invalid realms {text} for rule");
                    return bad(context, value, format!("'{text}' names no realms"), gist);
                };
                self.rule.realms = realms;
                self.has_table_option = true;
                self.settle(context, word, Family::V4, "realms is only valid for IPv4")
            }
            b"suppress_prefixlength" | b"sup_pl" => {
                let value = self.line.value(context)?;
                let name = shown(word);
                let gist = |_: &str| format!("Invalid suppress_prefixlength {name} specified");
                self.rule.suppress_prefix_length = Some(number(context, value, i32::MAX.into(), gist)?);
                self.has_table_option = true;
                Some(())
            }
            b"suppress_ifgroup" | b"sup_group" => {
                let value = self.line.value(context)?;
                let Some(group) = named(context, &value.bytes, NameTable::Groups, i32::MAX as u32) else {
                    let text = shown(value);
                    let gist = format!("suppress_group {text} is invalid");
                    return bad(context, value, format!("no group of interfaces is called {text}"), gist);
                };
                self.rule.suppress_group = Some(group);
                self.has_table_option = true;
                Some(())
            }
            b"dev" | b"iif" => {
                self.rule.input = Some(self.interface(context)?);
                Some(())
            }
            b"oif" => {
                self.rule.output = Some(self.interface(context)?);
                Some(())
            }
            b"no_track" => {
                self.rule.tracked = false;
                Some(())
            }
            _ => self.rare_word(context, word),
        }
    }

    fn rare_word(&mut self, context: &mut Context, word: &Word) -> Option<()> {
        match word.bytes.as_slice() {
            b"tunnel-id" => {
                let value = self.line.value(context)?;
                let gist = |text: &str| format!("Invalid tunnel-id {text} specified");
                self.rule.tunnel_id = number(context, value, u64::MAX.into(), gist)?;
            }
            b"uidrange" => {
                let value = self.line.value(context)?;
                let Some(users) = range::<u32>(&value.bytes) else {
                    let text = shown(value);
                    let message = format!("'{text}' is no range of users: write two numbers with '-' between them");
                    return bad(context, value, message, format!("Invalid uidrange {text} specified"));
                };
                self.rule.users = Some(users);
            }
            b"l3mdev" => self.act(context, word, RuleAction::L3mdev)?,
            b"protocol" => {
                let value = self.line.value(context)?;
                let gist = |text: &str| format!("Invalid protocol {text}");
                self.rule.protocol = number(context, value, 255, gist).or(self.rule.protocol);
            }
            b"ipproto" => {
                let value = self.line.value(context)?;
                match ip_protocol(context, &value.bytes) {
                    Some(protocol) => self.rule.ip_protocol = Some(protocol),
                    None => {
                        let text = shown(value);
                        let message = format!("'{text}' is no IP protocol");
                        complain(context, Name::INVALID_VALUE, value.span, message, format!("Invalid ipproto {text}"));
                    }
                }
            }
            b"sport" => self.rule.source_ports = self.ports(context, "sport")?.or(self.rule.source_ports),
            b"dport" => self.rule.destination_ports = self.ports(context, "dport")?.or(self.rule.destination_ports),
            _ => return self.action(context, word),
        }
        Some(())
    }

    fn settle(&mut self, context: &mut Context, word: &Word, family: Family, gist: &str) -> Option<()> {
        if *self.family.get_or_insert(family) == family {
            return Some(());
        }
        let message = "all of a rule is of one family".to_owned();
        complain(context, Name::ADDRESS_FAMILY_MISMATCH, word.span, message, gist.to_owned());
        None
    }

    /// `inet`, `inet6`. keepalived steps over the word after it, whatever that is.
    fn settle_by_word(&mut self, context: &mut Context, word: &Word, family: Family) -> Option<()> {
        let gist = match family {
            Family::V4 => "inet specified for IPv6 rule",
            Family::V6 => "inet6 specified for IPv4 rule",
        };
        self.settle(context, word, family, gist)?;
        if let Some(skipped) = self.line.next() {
            let (text, word) = (shown(skipped), shown(word));
            let message = format!("'{text}' is not read: keepalived steps over the word after '{word}'");
            context.report(
                crate::diagnostic::Diagnostic::warning(Name::INVALID_VALUE, message)
                    .at(skipped.span)
                    .help("the addresses say of which family a rule is; write the word last, or leave it out"),
            );
        }
        Some(())
    }

    fn selector(&mut self, context: &mut Context, name: &str) -> Option<Prefix> {
        let value = self.line.value(context)?;
        let Some(found) = prefix(context, value) else {
            let gist = format!("Invalid rule {name} address {}", shown(value));
            return bad(context, value, format!("'{name}' needs a net"), gist);
        };
        if let Some(family) = found.family() {
            self.settle(context, value, family, "rule specification has mixed IPv4 and IPv6")?;
        }
        Some(found)
    }

    fn interface(&mut self, context: &mut Context) -> Option<InterfaceName> {
        let value = self.line.value(context)?;
        let gist = format!("WARNING - interface {} for rule doesn't exist", shown(value));
        interface(context, value, &gist)
    }

    fn table(&mut self, context: &mut Context) -> Option<()> {
        let value = self.line.value(context)?;
        let Some(table) = named(context, &value.bytes, NameTable::Tables, u32::MAX) else {
            let text = shown(value);
            let message = format!("no routing table is called {text}");
            let gist = format!("Routing table {text} not found for rule");
            complain(context, Name::UNKNOWN_REFERENCE, value.span, message, gist);
            return None;
        };
        if table == 0 && context.host.is_some() {
            return bad(context, value, "there is no table 0".to_owned(), "Table 0 is not valid".to_owned());
        }
        self.act(context, value, RuleAction::Table(table))
    }

    /// `MARK[/MASK]`
    fn mark(&mut self, context: &mut Context) -> Option<()> {
        let value = self.line.value(context)?;
        let mut parts = value.bytes.splitn(2, |byte| *byte == b'/');
        let mut part = || parts.next().map(|part| c_number(part).and_then(|number| u32::try_from(number).ok()));
        let (mark, mask) = (part().flatten(), part());
        let (Some(mark), false) = (mark, mask == Some(None)) else {
            let text = shown(value);
            let message = format!("'{text}' is no mark: write a number, or two with '/' between them");
            return bad(context, value, message, format!("Invalid rule fwmark {text} specified"));
        };
        self.rule.mark = Some((mark, mask.flatten()));
        Some(())
    }

    /// keepalived takes a range only; a single port is refused like anything else.
    fn ports(&mut self, context: &mut Context, name: &str) -> Option<Option<(u16, u16)>> {
        let value = self.line.value(context)?;
        let ports = range(&value.bytes);
        if ports.is_none() {
            let text = shown(value);
            let message = format!("'{text}' is no range of ports: write two numbers with '-' between them");
            complain(context, Name::INVALID_VALUE, value.span, message, format!("invalid {name} range {text}"));
        }
        Some(ports)
    }

    fn action(&mut self, context: &mut Context, word: &Word) -> Option<()> {
        let word = if word.bytes == b"type" { self.line.value(context)? } else { word };
        let action = match word.bytes.as_slice() {
            b"goto" => {
                let value = self.line.value(context)?;
                let gist = |text: &str| format!("Invalid target {text} specified");
                RuleAction::Goto(number(context, value, u32::MAX.into(), gist)?)
            }
            b"nop" => RuleAction::Nop,
            bytes => match route_type(bytes) {
                Some(BLACKHOLE) => RuleAction::Blackhole,
                Some(UNREACHABLE) => RuleAction::Unreachable,
                Some(PROHIBIT) => RuleAction::Prohibit,
                known => {
                    let text = shown(word);
                    let gist = if known.is_some() { "Invalid rule action" } else { "Unknown rule option" };
                    let message = format!("'{text}' is no option of a rule");
                    complain(context, Name::UNKNOWN_OPTION, word.span, message, format!("{gist} {text}"));
                    return None;
                }
            },
        };
        self.act(context, word, action)
    }

    fn act(&mut self, context: &mut Context, word: &Word, action: RuleAction) -> Option<()> {
        if self.action.is_some() {
            let gist = "Cannot specify more than one of table/nop/goto/blackhole/prohibit/unreachable for rule";
            return bad(context, word, "a rule does one thing".to_owned(), gist.to_owned());
        }
        self.action = Some(action);
        Some(())
    }

    fn finish(mut self, context: &mut Context, line: &Statement, priorities: &mut Priorities) -> Option<Rule> {
        let whole = |context: &mut Context, message: &str, gist: String| {
            complain(context, Name::INCOMPLETE_BLOCK, line.span, message.to_owned(), gist);
        };
        if let Some(RuleAction::Goto(target)) = self.action {
            match self.priority {
                Some(priority) if priority < target => {}
                Some(priority) => {
                    let gist = format!("Invalid rule - preference {priority} >= goto target {target}");
                    whole(context, "'goto' leads to a rule further on, of a higher preference", gist);
                    return None;
                }
                None => {
                    let gist = format!("Invalid rule - goto target {target} specified without preference");
                    whole(context, "'goto' needs a 'preference' of its own", gist);
                    return None;
                }
            }
        }
        let Some(action) = self.action else {
            let gist = "No action specified for rule - ignoring".to_owned();
            whole(context, "a rule needs something to do: 'table' for instance", gist);
            return None;
        };
        if self.has_table_option && !matches!(action, RuleAction::Table(_) | RuleAction::L3mdev) {
            let gist = "suppressor/realm specified for non table action - skipping".to_owned();
            whole(context, "'realms' and 'suppress_…' need a table", gist);
            return None;
        }
        if self.rule.tracked {
            if self.rule.protocol.is_some_and(|protocol| protocol != PROTOCOL_KEEPALIVED) {
                let gist = format!(
                    "Rule cannot be tracked if protocol is not RTPROT_KEEPALIVED({PROTOCOL_KEEPALIVED}), resetting protocol"
                );
                let message = "a rule that is watched has the protocol keepalived".to_owned();
                complain(context, Name::INCOMPATIBLE_SETTINGS, line.span, message, gist);
            }
            self.rule.protocol = Some(PROTOCOL_KEEPALIVED);
        }
        if self.rule.track_group.is_some() && self.rule.input.is_none() {
            let gist = "Static rule cannot have track_group if dev/iif not specified".to_owned();
            whole(context, "'track_group' needs 'iif'", gist);
            self.rule.track_group = None;
        }
        let family = self.family.unwrap_or(Family::V4);
        let priority = self.priority.unwrap_or_else(|| {
            let priority = priorities.take(family);
            let gist = format!(
                "Rule has no preference specified - setting to {priority}. This is probably not what you want."
            );
            whole(context, "a rule without 'preference' gets one that depends on the other rules", gist);
            priority
        });
        let net = |prefix: Option<Prefix>| prefix.map(|prefix| prefix.net(family));
        Some(Rule { family, priority, action, from: net(self.from), to: net(self.to), ..self.rule })
    }
}

/// `FIRST-LAST`, decimal.
fn range<T: std::str::FromStr>(text: &[u8]) -> Option<(T, T)> {
    let (first, last) = std::str::from_utf8(text).ok()?.split_once('-')?;
    Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
}

/// A number, or a name of protocols(5).
fn ip_protocol(context: &Context, text: &[u8]) -> Option<u8> {
    if let Some(number) = c_number(text) {
        return u8::try_from(number).ok();
    }
    let name = std::str::from_utf8(text).ok()?;
    let found = context.host.map_or(Some(0), |host| host.number_of(NameTable::IpProtocols, name));
    found.and_then(|number| u8::try_from(number).ok())
}
