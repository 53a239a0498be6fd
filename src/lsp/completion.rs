//! What may stand at the caret: the keywords of the block, the words of a value, or the names that a line may use.

use std::collections::BTreeSet;

use lsp_types::{CompletionItem, CompletionItemKind, Documentation, InsertTextFormat, MarkupContent, MarkupKind};

use crate::schema::{self, Block, Keyword, Status, Value, value_text};

use super::hover::describe;
use super::symbols::{Kind, Project, mentioned, used_in};

/// What the editor can do with a proposal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Abilities {
    /// It understands `$0` as the place for the caret.
    pub snippets: bool,
}

/// Everything that may stand at `offset` of the file that is asked about; the editor filters by what has been typed.
pub(super) fn completion(project: &Project, offset: u32, abilities: Abilities) -> Vec<CompletionItem> {
    let Some(caret) = project.caret(offset) else { return Vec::new() };
    let block = schema::keepalived().block(&caret.path);
    let used = used_in(&caret.path);
    let keyword = || block?.keyword(&caret.words.first()?.bytes);
    match caret.words_before {
        0 => {
            let keywords = block.map(|block| keywords(block, abilities)).unwrap_or_default();
            keywords.into_iter().chain(used.map(|kind| names(project, kind)).unwrap_or_default()).collect()
        }
        _ => {
            let mut items = keyword().map(values).unwrap_or_default();
            let kind = caret.words.first().and_then(|word| mentioned(&caret.path, &word.bytes));
            items.extend(kind.map(|kind| names(project, kind)).unwrap_or_default());
            items.extend(block.map(words).unwrap_or_default());
            items.extend(names(project, Kind::Variable).into_iter().map(|item| {
                let label = format!("${}", item.label);
                CompletionItem { label, ..item }
            }));
            items
        }
    }
}

fn keywords(block: &Block, abilities: Abilities) -> Vec<CompletionItem> {
    let known = block.keywords.iter().filter(|keyword| keyword.status != Status::Removed);
    known.map(|keyword| proposal(&block.path, keyword, abilities)).collect()
}

fn proposal(path: &str, keyword: &Keyword, abilities: Abilities) -> CompletionItem {
    let name = &keyword.name;
    let body = match keyword.value {
        Value::Block { named: true } | Value::Lines { named: true } => Some(format!("{name} $1 {{\n    $0\n}}")),
        Value::Block { named: false } | Value::Lines { named: false } => Some(format!("{name} {{\n    $0\n}}")),
        _ => None,
    };
    let body = body.filter(|_| abilities.snippets);
    let outdated = keyword.replaced.is_some() || keyword.renamed.is_some();
    let value = describe(path, keyword);
    CompletionItem {
        label: name.clone(),
        kind: Some(CompletionItemKind::KEYWORD),
        detail: Some(value_text(keyword)),
        documentation: Some(Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value })),
        deprecated: outdated.then_some(true),
        insert_text_format: body.as_ref().map(|_| InsertTextFormat::SNIPPET),
        insert_text: body,
        ..CompletionItem::default()
    }
}

/// The words that a value may be.
fn values(keyword: &Keyword) -> Vec<CompletionItem> {
    let words: Vec<&str> = match &keyword.value {
        Value::Boolean => vec!["true", "false", "on", "off", "yes", "no"],
        Value::Forwarding => vec!["NAT", "DR", "TUN"],
        Value::Choice(words) | Value::Pairs(words) => words.iter().map(String::as_str).collect(),
        _ if keyword.name == "state" => vec!["MASTER", "BACKUP"],
        _ => Vec::new(),
    };
    words.into_iter().map(|word| item(word, CompletionItemKind::VALUE)).collect()
}

/// The words that a line of the block may hold after its name or address.
fn words(block: &Block) -> Vec<CompletionItem> {
    let words = block.words.iter();
    words
        .map(|word| CompletionItem { detail: Some(value_text(word)), ..item(&word.name, CompletionItemKind::PROPERTY) })
        .collect()
}

fn names(project: &Project, kind: Kind) -> Vec<CompletionItem> {
    let defined = project.symbols().into_iter().filter(|symbol| symbol.defines && symbol.kind == kind);
    let names: BTreeSet<String> = defined.map(|symbol| symbol.name).collect();
    names.iter().map(|name| item(name, CompletionItemKind::REFERENCE)).collect()
}

fn item(label: &str, kind: CompletionItemKind) -> CompletionItem {
    CompletionItem { label: label.to_owned(), kind: Some(kind), ..CompletionItem::default() }
}
