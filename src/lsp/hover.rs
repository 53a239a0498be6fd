//! What the word under the pointer means: a keyword's row of the grammar, or the block that a name stands for.

use crate::schema::{self, Keyword, Release, standing, value_text};
use crate::source::Span;
use crate::syntax::Statement;

use super::symbols::{Project, Symbol, walk};

/// How many lines of a definition are shown.
const MOST_LINES: usize = 20;

/// Markdown about the word at `offset` of the file that is asked about, and the word.
pub(super) fn hover(project: &Project, offset: u32) -> Option<(String, Span)> {
    let caret = project.caret(offset)?;
    let word = caret.word()?;
    if let Some(symbol) = project.symbol_at(offset) {
        return Some((definition(project, &symbol)?, symbol.span));
    }
    let block = schema::keepalived().block(&caret.path)?;
    let keyword = match caret.word {
        Some(0) => block.keyword(&word.bytes).or_else(|| block.word(&word.bytes))?,
        _ => block.word(&word.bytes)?,
    };
    Some((describe(&caret.path, keyword), word.span))
}

/// A keyword for people: what it takes, what applies without it, and what comes of it.
pub(super) fn describe(path: &str, keyword: &Keyword) -> String {
    let mut text = format!("**{}** ({path})\n\n* value: {}\n", keyword.name, value_text(keyword));
    if let Some(default) = &keyword.default {
        text += &format!("* default: {default}\n");
    }
    text += &format!("* in alived: {}\n", standing(keyword));
    if let Some(consequence) = &keyword.denies {
        text += &format!("* without it {consequence}\n");
    }
    if let Some(since) = keyword.since {
        text += &format!("* since: {since}\n");
    }
    if keyword.is_newer_than(Release::WIDESPREAD) {
        text += &format!("* unknown to keepalived {}\n", Release::WIDESPREAD);
    }
    if keyword.once {
        text += "* a second one in the block is ignored\n";
    }
    if let Some(other) = keyword.replaced.as_ref().or(keyword.renamed.as_ref()) {
        text += &format!("* now `{other}`\n");
    }
    text
}

/// The text of the block, or the line, that defines a name.
fn definition(project: &Project, symbol: &Symbol) -> Option<String> {
    let all = project.symbols();
    let same = |other: &&Symbol| other.defines && (other.kind, &other.name) == (symbol.kind, &symbol.name);
    let Some(definition) = all.iter().find(same) else {
        return Some(format!("`{}` is not defined in this file or in one that it includes", symbol.name));
    };
    let file = project.files.iter().find(|file| file.source == definition.span.source)?;
    let mut found: Option<&Statement> = None;
    walk(&file.tree.statements, &file.base, &mut |_, statement| {
        if statement.span.start <= definition.span.start && definition.span.end <= statement.span.end {
            found = Some(statement);
        }
    });
    let statement = found?;
    let end = statement.block.as_ref().map_or(statement.span, |block| block.close.unwrap_or(block.open));
    let text = String::from_utf8_lossy(project.sources.slice(statement.span.to(end))).into_owned();
    let shown: Vec<&str> = text.lines().take(MOST_LINES).collect();
    let more = if text.lines().count() > MOST_LINES { "\n…" } else { "" };
    Some(format!("```\n{}{more}\n```", shown.join("\n")))
}
