//! Routing policy: `virtual_rules` of an instance, `static_rules` of the daemon (ip-rule(8), linux/fib_rules.h).

use std::fmt;

use ipnet::IpNet;

use super::address::{Family, InterfaceName};

/// One line of `virtual_rules` or `static_rules`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule {
    /// Whose packets.
    pub family: Family,
    /// `preference`: lower ones are asked first. Rules without one get 16384, 16383 … in the order of the file.
    pub priority: u32,
    /// What happens to packets that match.
    pub action: RuleAction,
    /// `not`: what follows must not match.
    pub invert: bool,
    /// `from`
    pub from: Option<IpNet>,
    /// `to`
    pub to: Option<IpNet>,
    /// `tos`
    pub tos: u8,
    /// `fwmark`, and its mask where one is written.
    pub mark: Option<(u32, Option<u32>)>,
    /// `realms`: the upper half is the source's (IPv4).
    pub realms: u32,
    /// `iif`, `dev`
    pub input: Option<InterfaceName>,
    /// `oif`
    pub output: Option<InterfaceName>,
    /// `suppress_prefixlength`: routes with no longer prefix do not count.
    pub suppress_prefix_length: Option<u32>,
    /// `suppress_ifgroup`: routes through interfaces of this group do not count.
    pub suppress_group: Option<u32>,
    /// `tunnel-id`; 0 is none.
    pub tunnel_id: u64,
    /// `uidrange`, first and last.
    pub users: Option<(u32, u32)>,
    /// `protocol`: who put the rule there.
    pub protocol: Option<u8>,
    /// `ipproto`
    pub ip_protocol: Option<u8>,
    /// `sport`, first and last.
    pub source_ports: Option<(u16, u16)>,
    /// `dport`, first and last.
    pub destination_ports: Option<(u16, u16)>,
    /// False with `no_track`: that it is gone means nothing.
    pub tracked: bool,
    /// `track_group`: the instances that stand behind a static rule.
    pub track_group: Option<String>,
}

/// What a rule does (`FR_ACT_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleAction {
    /// `table`, `lookup`: asks this table.
    Table(u32),
    /// `l3mdev`: asks the table of the VRF that the packet is in.
    L3mdev,
    /// `goto`: goes on with the rule of this priority.
    Goto(u32),
    /// `nop`
    Nop,
    /// `blackhole`: drops without a word.
    Blackhole,
    /// `unreachable`: answers that there is no way.
    Unreachable,
    /// `prohibit`: answers that it is not allowed.
    Prohibit,
}

/// What tells a rule from almost all others of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleKey {
    /// IPv4 or IPv6.
    pub family: Family,
    /// `preference`
    pub priority: u32,
    /// The table that is asked; 0 for other actions.
    pub table: u32,
    /// `from`; `None` for every address.
    pub from: Option<IpNet>,
    /// `to`; `None` for every address.
    pub to: Option<IpNet>,
}

impl Rule {
    /// Its key.
    pub fn key(&self) -> RuleKey {
        let table = match self.action {
            RuleAction::Table(table) => table,
            _ => 0,
        };
        let net = |net: Option<IpNet>| net.filter(|net| net.prefix_len() > 0);
        RuleKey { family: self.family, priority: self.priority, table, from: net(self.from), to: net(self.to) }
    }
}

impl fmt::Display for Rule {
    /// As ip-rule(8) shows it, without what is rarely used.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.priority)?;
        if self.invert {
            f.write_str(" not")?;
        }
        match &self.from {
            Some(from) if from.prefix_len() > 0 => write!(f, " from {from}")?,
            _ => f.write_str(" from all")?,
        }
        if let Some(to) = self.to.filter(|to| to.prefix_len() > 0) {
            write!(f, " to {to}")?;
        }
        if let Some(interface) = &self.input {
            write!(f, " iif {interface}")?;
        }
        if let Some(interface) = &self.output {
            write!(f, " oif {interface}")?;
        }
        match self.action {
            RuleAction::Table(table) => write!(f, " lookup {table}"),
            RuleAction::L3mdev => f.write_str(" l3mdev"),
            RuleAction::Goto(target) => write!(f, " goto {target}"),
            RuleAction::Nop => f.write_str(" nop"),
            RuleAction::Blackhole => f.write_str(" blackhole"),
            RuleAction::Unreachable => f.write_str(" unreachable"),
            RuleAction::Prohibit => f.write_str(" prohibit"),
        }
    }
}
