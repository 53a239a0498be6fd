//! `docs/COMPATIBILITY.md`: every keyword and what alived does with it, out of the grammar.

use std::fmt::Write;

use super::{Block, FILES, Keyword, Missing, Release, Schema, Status, Value};

/// The page.
pub fn compatibility() -> String {
    let schema = super::keepalived();
    let mut page = String::from(HEAD);
    page.push_str(&counts(schema));
    for block in schema.blocks() {
        section(&mut page, block);
    }
    page + COMMAND_LINE
}

/// What is no keyword.
const COMMAND_LINE: &str = include_str!("../../grammar/command-line.md");

const HEAD: &str = "# Keywords of keepalived.conf

What alived does with each keyword of keepalived 2.2.7 and later. This page is generated from `grammar/`; a test compares it.

* **effective**: does what keepalived does.
* **planned**: is checked, but nothing comes of it yet: `--check-config` says so, and so does the log.
* **refused**: planned, and too much would be wrong without it: alived does not run the configuration.
* **no-effect**: has no effect in keepalived either.
* **removed**: keepalived knew it once and now calls it unknown.

*since* is the first release of keepalived that knows the keyword in that block; 1.0.0 stands for all before it.

";

fn counts(schema: &Schema) -> String {
    let keywords: Vec<&Keyword> = schema.blocks().iter().flat_map(|block| &block.keywords).collect();
    let mut text = format!("{} keywords in {} files of `grammar/`:", keywords.len(), FILES.len());
    for name in ["effective", "planned", "refused", "no-effect", "removed"] {
        let count = keywords.iter().filter(|keyword| standing(keyword) == name).count();
        write!(text, " {count} {name},").expect("writing to a string cannot fail");
    }
    text.pop();
    text + ".\n"
}

/// What alived does with a keyword, in the word of `docs/COMPATIBILITY.md`.
pub fn standing(keyword: &Keyword) -> &'static str {
    match (&keyword.denies, keyword.status) {
        (Some(_), Status::Planned) => "refused",
        (_, status) => status.name(),
    }
}

fn section(page: &mut String, block: &Block) {
    let rows = block.keywords.iter().chain(&block.head).chain(&block.words);
    let rows: String = rows.map(row).collect();
    if !rows.is_empty() {
        let head = "| keyword | value | default | since | in alived | remark |\n|---|---|---|---|---|---|";
        write!(page, "\n## {}\n\n{head}\n{rows}", block.path).expect("writing to a string cannot fail");
    }
}

fn row(keyword: &Keyword) -> String {
    let default = keyword.default.as_deref().unwrap_or("");
    let mut remarks = Vec::new();
    if let Some(consequence) = &keyword.denies {
        remarks.push(format!("without it {consequence}"));
    }
    if keyword.is_newer_than(Release::WIDESPREAD) {
        remarks.push(format!("unknown to {}", Release::WIDESPREAD));
    }
    if let Some(other) = keyword.replaced.as_ref().or(keyword.renamed.as_ref()) {
        remarks.push(format!("now `{other}`"));
    }
    let remarks = remarks.join("; ");
    let since =
        keyword.since.map(|since| if since > Release::NEWEST { "unreleased".to_owned() } else { since.to_string() });
    let (since, value) = (since.unwrap_or_default(), value_text(keyword));
    format!("| `{}` | {value} | {default} | {since} | {} | {remarks} |\n", keyword.name, standing(keyword))
}

/// What the keyword takes, in words; in brackets when it may stand alone.
pub fn value_text(keyword: &Keyword) -> String {
    let micros = |value: &u128| *value as f64 / 1e6;
    let text = match &keyword.value {
        Value::None => return "–".to_owned(),
        Value::Integer { min, max } => format!("{min} to {max}"),
        Value::Seconds { min, max } => format!("{} to {} s", micros(min), micros(max)),
        Value::Milliseconds { min, max } => format!("{} to {} ms", micros(min) * 1e3, micros(max) * 1e3),
        Value::Boolean => "boolean".to_owned(),
        Value::Text => "text".to_owned(),
        Value::Command => "command, user, group".to_owned(),
        Value::Interface => "interface".to_owned(),
        Value::Address => "address".to_owned(),
        Value::Forwarding => "NAT, DR, TUN".to_owned(),
        Value::Choice(words) => words.join(", "),
        Value::Pairs(words) => words.iter().map(|word| format!("{word} N")).collect::<Vec<_>>().join(" "),
        Value::Free(text) => text.replace('|', "\\|"),
        Value::Block { named: true } => "name, block".to_owned(),
        Value::Block { named: false } => "block".to_owned(),
        Value::Lines { named: true } => "name, lines".to_owned(),
        Value::Lines { named: false } => "lines".to_owned(),
    };
    let optional =
        keyword.missing == Missing::Allowed && !matches!(keyword.value, Value::Block { .. } | Value::Lines { .. });
    if optional { format!("[{text}]") } else { text }
}
