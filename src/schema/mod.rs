//! What the files in `grammar/` say about keepalived's language, as values: which keyword may stand in which block,
//! what it takes, and what alived does with it. No meaning is attached here; that is `config`'s.

mod compatibility;
mod index;
mod number;
mod read;
mod release;

use std::sync::OnceLock;

use index::Index;

pub use compatibility::{compatibility, standing, value_text};
pub use number::{Decimal, MICROS};
pub use release::{Release, ReleaseError};

/// The grammar files, in the order in which they are listed in `docs/COMPATIBILITY.md`.
pub const FILES: [(&str, &str); 14] = [
    ("root", include_str!("../../grammar/root.conf")),
    ("global_defs", include_str!("../../grammar/global_defs.conf")),
    ("vrrp_script", include_str!("../../grammar/vrrp_script.conf")),
    ("vrrp_instance", include_str!("../../grammar/vrrp_instance.conf")),
    ("addresses", include_str!("../../grammar/addresses.conf")),
    ("routes", include_str!("../../grammar/routes.conf")),
    ("rules", include_str!("../../grammar/rules.conf")),
    ("vrrp_sync_group", include_str!("../../grammar/vrrp_sync_group.conf")),
    ("tracking", include_str!("../../grammar/tracking.conf")),
    ("virtual_server", include_str!("../../grammar/virtual_server.conf")),
    ("real_server", include_str!("../../grammar/real_server.conf")),
    ("http_check", include_str!("../../grammar/http_check.conf")),
    ("checks", include_str!("../../grammar/checks.conf")),
    ("bfd_instance", include_str!("../../grammar/bfd_instance.conf")),
];

/// The path of the outermost block.
pub const ROOT: &str = "(root)";

/// The whole language.
#[derive(Debug, Clone)]
pub struct Schema {
    blocks: Vec<Block>,
    by_path: Index,
}

/// One kind of block.
#[derive(Debug, Clone)]
pub struct Block {
    /// The keywords that lead to it, joined by dots: `virtual_server.real_server.HTTP_GET`; [`ROOT`] for the outermost.
    pub path: String,
    /// The keywords it may hold; empty for a block of free lines.
    pub keywords: Vec<Keyword>,
    /// What each of its lines begins with, where that is not one of the words.
    pub head: Option<Keyword>,
    /// The words that its lines may hold besides names and addresses.
    pub words: Vec<Keyword>,
    keyword_index: Index,
    word_index: Index,
}

/// One keyword of one block.
#[derive(Debug, Clone)]
pub struct Keyword {
    /// As written in the file, case included.
    pub name: String,
    /// What follows it.
    pub value: Value,
    /// What keepalived does when the value is not there.
    pub missing: Missing,
    /// What applies without the keyword, as written in a file.
    pub default: Option<String>,
    /// What alived does with it.
    pub status: Status,
    /// The first release that knows it; all before 1.0.0 count as that. `None` for what no release knew.
    pub since: Option<Release>,
    /// A library without which keepalived is built without it.
    pub build: Option<String>,
    /// keepalived complains about the keyword and recommends this one.
    pub replaced: Option<String>,
    /// keepalived has another name for it now, and takes the old one without a complaint.
    pub renamed: Option<String>,
    /// keepalived complains about a second one in the block, and ignores it.
    pub once: bool,
    /// What would be wrong if alived ran without it; such a configuration is refused.
    pub denies: Option<String>,
}

/// What follows a keyword.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing; what is there is ignored.
    None,
    /// A whole number.
    Integer {
        /// Smallest.
        min: i128,
        /// Largest.
        max: i128,
    },
    /// A decimal fraction, in seconds (six places).
    Seconds {
        /// Smallest, in microseconds.
        min: u128,
        /// Largest, in microseconds.
        max: u128,
    },
    /// A decimal fraction, in milliseconds (three places).
    Milliseconds {
        /// Smallest, in microseconds.
        min: u128,
        /// Largest, in microseconds.
        max: u128,
    },
    /// `true`, `false`, `on`, `off`, `yes`, `no`
    Boolean,
    /// One word.
    Text,
    /// A program with arguments, read by the second tokenizer, then a user and a group.
    Command,
    /// The name of an interface.
    Interface,
    /// An IPv4 or IPv6 address.
    Address,
    /// `NAT`, `DR` or `TUN` with its options.
    Forwarding,
    /// One of these words.
    Choice(Vec<String>),
    /// These words, each with a number after it.
    Pairs(Vec<String>),
    /// A syntax of its own, described for people.
    Free(String),
    /// A block of keywords.
    Block {
        /// Whether the block has a name or an address before its brace.
        named: bool,
    },
    /// A block of lines that are not keywords.
    Lines {
        /// Whether the block has a name before its brace.
        named: bool,
    },
}

/// What keepalived 2.2.7 does when a value is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// It stops reading and exits with status 2.
    Exits,
    /// It complains and goes on.
    Complains,
    /// The keyword may stand alone.
    Allowed,
}

/// What alived does with a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It does what keepalived does.
    Effective,
    /// It is checked, but nothing comes of it yet.
    Planned,
    /// It has no effect in keepalived either.
    NoEffect,
    /// keepalived knew it once.
    Removed,
}

impl Status {
    /// As `grammar/` and `docs/COMPATIBILITY.md` write it.
    pub fn name(self) -> &'static str {
        match self {
            Status::Effective => "effective",
            Status::Planned => "planned",
            Status::NoEffect => "no-effect",
            Status::Removed => "removed",
        }
    }
}

impl Keyword {
    /// Whether keepalived of that release, as distributions build it, does not know the keyword yet.
    pub fn is_newer_than(&self, release: Release) -> bool {
        self.build.is_some() || self.since.is_some_and(|since| since > release)
    }

    /// Why keepalived of that release does not know it: the end of a sentence about the keyword.
    pub fn reason_unknown(&self) -> String {
        match (&self.build, self.since) {
            (Some(library), _) => format!("only builds with {library} know it"),
            (None, Some(since)) => format!("it came with {since}"),
            (None, None) => "no release knew it".to_owned(),
        }
    }
}

impl Block {
    /// The keyword of that name.
    pub fn keyword(&self, name: &[u8]) -> Option<&Keyword> {
        let is_it = |place: usize| self.keywords[place].name.as_bytes() == name;
        self.keyword_index.get(name, is_it).map(|place| &self.keywords[place])
    }

    /// The word of that name.
    pub fn word(&self, name: &[u8]) -> Option<&Keyword> {
        let is_it = |place: usize| self.words[place].name.as_bytes() == name;
        self.word_index.get(name, is_it).map(|place| &self.words[place])
    }
}

impl Schema {
    /// Reads grammar files.
    ///
    /// # Errors
    /// The first thing in them that is not a grammar, with its place.
    pub fn parse(files: &[(&str, &str)]) -> Result<Schema, String> {
        let mut blocks = Vec::new();
        for (name, text) in files {
            blocks.extend(read::blocks(name, text)?);
        }
        let by_path = Index::new(blocks.iter().map(|block| block.path.as_str()));
        Ok(Schema { blocks, by_path })
    }

    /// Every block, in the order of the files.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The block with that path.
    pub fn block(&self, path: &str) -> Option<&Block> {
        let is_it = |place: usize| self.blocks[place].path == path;
        self.by_path.get(path.as_bytes(), is_it).map(|place| &self.blocks[place])
    }

    /// The block that `keyword` opens inside the block at `path`.
    pub fn child(&self, path: &str, keyword: &str) -> Option<&Block> {
        if path == ROOT { self.block(keyword) } else { self.block(&format!("{path}.{keyword}")) }
    }

    /// The paths of the blocks that know `keyword`.
    pub fn homes_of<'a>(&'a self, keyword: &'a [u8]) -> impl Iterator<Item = &'a str> {
        self.blocks.iter().filter(move |block| block.keyword(keyword).is_some()).map(|block| block.path.as_str())
    }
}

/// keepalived's language. Immutable, read once.
pub fn keepalived() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| Schema::parse(&FILES).expect("grammar/ is compiled in and a test reads it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_can_be_read() {
        let schema = Schema::parse(&FILES).unwrap_or_else(|problem| panic!("{problem}"));
        assert!(schema.block(ROOT).is_some_and(|root| root.keyword(b"vrrp_instance").is_some()));
    }

    #[test]
    fn every_block_is_opened_by_a_keyword_and_every_keyword_block_exists() {
        let schema = keepalived();
        for block in schema.blocks().iter().filter(|block| block.path != ROOT) {
            let (parent, name) = block.path.rsplit_once('.').unwrap_or((ROOT, &block.path));
            let opener = schema.block(parent).and_then(|parent| parent.keyword(name.as_bytes()));
            let opens = opener.map(|opener| matches!(opener.value, Value::Block { .. } | Value::Lines { .. }));
            assert_eq!(opens, Some(true), "{} has no keyword that opens it", block.path);
        }
        for block in schema.blocks() {
            for keyword in block.keywords.iter().filter(|keyword| matches!(keyword.value, Value::Block { .. })) {
                assert!(schema.child(&block.path, &keyword.name).is_some(), "{} {}", block.path, keyword.name);
            }
        }
    }

    #[test]
    fn a_keyword_stands_once_in_a_block() {
        for block in keepalived().blocks() {
            let mut names: Vec<_> = block.keywords.iter().chain(&block.words).map(|keyword| &keyword.name).collect();
            let all = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), all, "{}", block.path);
        }
    }

    #[test]
    fn a_mistake_in_a_grammar_file_is_reported_with_its_place() {
        let problem = Schema::parse(&[("x", "block a {\n  keyword b {\n    value wibble\n  }\n}\n")]).unwrap_err();
        assert_eq!(problem, "grammar/x.conf:3: unknown value type 'wibble'");
    }
}
