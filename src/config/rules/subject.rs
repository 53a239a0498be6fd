//! What the rules look at: the statements after includes and expansion, with the instances, their addresses and the
//! virtual servers already picked out, once for all rules. Values that cannot be read are left out here; whoever lowers
//! them reports them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::IpAddr;

use crate::config::lower::Draft;
use crate::config::values::parse_address;
use crate::source::SourceMap;
use crate::syntax::{Statement, Word};

/// One configuration.
pub(in crate::config) struct Subject<'a> {
    pub statements: &'a [Statement],
    pub draft: &'a Draft,
    pub sources: &'a SourceMap,
    pub(super) instances: Vec<Instance<'a>>,
    pub(super) servers: Vec<Server<'a>>,
}

/// A `vrrp_instance`.
pub(super) struct Instance<'a> {
    pub name: Cow<'a, str>,
    pub body: &'a [Statement],
    /// The lines of `virtual_ipaddress`, then those of `virtual_ipaddress_excluded`.
    pub vips: Vec<Vip<'a>>,
}

/// A virtual address.
pub(super) struct Vip<'a> {
    pub address: IpAddr,
    /// `None` when the line gives none, or no good one.
    pub prefix: Option<u8>,
    /// The line gives a prefix length, good or not.
    pub has_prefix: bool,
    /// Address and prefix length.
    pub word: &'a Word,
    /// What follows.
    pub options: &'a [Word],
}

/// A `virtual_server`.
pub(super) struct Server<'a> {
    pub head: &'a Statement,
    pub body: &'a [Statement],
    /// `None` for firewall marks and groups.
    pub address: Option<IpAddr>,
}

impl<'a> Subject<'a> {
    pub fn new(statements: &'a [Statement], draft: &'a Draft, sources: &'a SourceMap) -> Subject<'a> {
        // keepalived skips a second instance of one name: what is in it does not count.
        let mut names = HashSet::new();
        let instances = all(statements, "vrrp_instance").filter_map(Instance::of);
        let instances = instances.filter(|instance| names.insert(instance.name.clone())).collect();
        let servers = all(statements, "virtual_server").filter_map(Server::of).collect();
        Subject { statements, draft, sources, instances, servers }
    }

    /// The lines of all `global_defs` blocks.
    pub(super) fn globals(&self) -> impl Iterator<Item = &'a Statement> + use<'a> {
        all(self.statements, "global_defs").flat_map(body)
    }

    /// Whether some `global_defs` has that keyword.
    pub(super) fn has_global(&self, keyword: &str) -> bool {
        self.globals().any(|line| is(line, keyword))
    }

    /// The blocks of that name outside every other.
    pub(super) fn blocks(&self, keyword: &'static str) -> impl Iterator<Item = &'a Statement> + use<'a> {
        all(self.statements, keyword)
    }
}

impl<'a> Instance<'a> {
    fn of(head: &'a Statement) -> Option<Instance<'a>> {
        let name = argument(head)?.text();
        let body = body(head);
        let blocks = ["virtual_ipaddress", "virtual_ipaddress_excluded"];
        let lines = blocks.into_iter().flat_map(|block| all(body, block)).flat_map(self::body);
        Some(Instance { name, body, vips: lines.filter_map(Vip::of).collect() })
    }

    /// The configured priority; what keepalived makes of a missing one, or of a bad one, otherwise.
    pub fn priority(&self) -> i64 {
        let implied = if self.starts_as_master() && !self.has("priority") { 255 } else { 100 };
        self.number("priority").filter(|priority| (1..=255).contains(priority)).unwrap_or(implied)
    }

    pub fn starts_as_master(&self) -> bool {
        self.value("state").is_some_and(|word| word.bytes == b"MASTER")
    }

    /// The value of a keyword that stands in the instance; the last one counts.
    pub fn value(&self, keyword: &str) -> Option<&'a Word> {
        last(self.body, keyword).and_then(argument)
    }

    pub fn number(&self, keyword: &str) -> Option<i64> {
        self.value(keyword).and_then(number)
    }

    pub fn has(&self, keyword: &str) -> bool {
        self.body.iter().any(|line| is(line, keyword))
    }

    /// The lines of the blocks of that name.
    pub fn lines(&self, block: &'static str) -> impl Iterator<Item = &'a Statement> + use<'a> {
        all(self.body, block).flat_map(body)
    }

    /// The peers that are addresses, each with its word.
    pub fn peers(&self) -> impl Iterator<Item = (IpAddr, &'a Word)> + use<'a> {
        self.lines("unicast_peer").filter_map(|line| line.words.first()).filter_map(|word| Some((host(word)?, word)))
    }
}

impl<'a> Vip<'a> {
    fn of(line: &'a Statement) -> Option<Vip<'a>> {
        let (word, options) = line.words.split_first()?;
        let (address, prefix) = split_prefix(&word.bytes);
        let address = parse_address(address)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let length = prefix.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        let length = length.filter(|length: &u8| *length <= longest);
        Some(Vip { address, prefix: length, has_prefix: prefix.is_some(), word, options })
    }

    /// The word after the option.
    pub fn option(&self, name: &str) -> Option<&'a Word> {
        let at = self.options.iter().position(|word| word.bytes == name.as_bytes())?;
        self.options.get(at + 1)
    }
}

impl<'a> Server<'a> {
    fn of(head: &'a Statement) -> Option<Server<'a>> {
        let first = argument(head)?;
        Some(Server { head, body: body(head), address: host(first) })
    }

    /// The `real_server` blocks.
    pub fn reals(&self) -> impl Iterator<Item = &'a Statement> + use<'a> {
        all(self.body, "real_server")
    }
}

/// The statements with that keyword.
pub(super) fn all<'a>(statements: &'a [Statement], keyword: &'static str) -> impl Iterator<Item = &'a Statement> {
    statements.iter().filter(move |statement| is(statement, keyword))
}

/// The last statement with that keyword, which is the one that counts.
pub(super) fn last<'a>(statements: &'a [Statement], keyword: &str) -> Option<&'a Statement> {
    statements.iter().rev().find(|statement| is(statement, keyword))
}

pub(super) fn is(statement: &Statement, keyword: &str) -> bool {
    statement.words.first().is_some_and(|word| word.bytes == keyword.as_bytes())
}

/// The statements of its block; none without one.
pub(super) fn body(statement: &Statement) -> &[Statement] {
    statement.block.as_ref().map_or(&[], |block| &block.statements)
}

/// The first word after the keyword.
pub(super) fn argument(statement: &Statement) -> Option<&Word> {
    statement.words.get(1)
}

/// A whole number.
pub(super) fn number(word: &Word) -> Option<i64> {
    std::str::from_utf8(&word.bytes).ok()?.parse().ok()
}

/// A number of seconds; decimals are for comparing only.
pub(super) fn seconds(word: &Word) -> Option<f64> {
    let text = std::str::from_utf8(&word.bytes).ok()?;
    text.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
}

/// The address of `192.0.2.1` or `192.0.2.1/24`.
pub(super) fn host(word: &Word) -> Option<IpAddr> {
    parse_address(split_prefix(&word.bytes).0)
}

/// What is before the first `/`, and what is after it.
pub(super) fn split_prefix(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == b'/') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}
