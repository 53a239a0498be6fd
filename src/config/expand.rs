//! The stage between the text and its meaning where `include`, `$NAME`, `@id`, `~SEQ` and `~LST` belong.
//!
//! None of them is understood yet. A file that uses one is refused: to skip it would be to apply a part of the file.

use crate::diagnostic::{Diagnostic, Name};
use crate::source::Span;
use crate::syntax::{Block, Statement, Tree, Word};

use super::context::Context;

/// The statements of `tree` without those that need expanding; each of those is reported.
pub(super) fn expand(context: &mut Context, tree: Tree) -> Vec<Statement> {
    let mut expansion = Expansion { context, first_definition: None };
    expansion.statements(tree.statements)
}

struct Expansion<'a, 'c> {
    context: &'a mut Context<'c>,
    /// From here on `$NAME` means something.
    first_definition: Option<Span>,
}

impl Expansion<'_, '_> {
    fn statements(&mut self, statements: Vec<Statement>) -> Vec<Statement> {
        statements.into_iter().filter_map(|statement| self.statement(statement)).collect()
    }

    fn statement(&mut self, mut statement: Statement) -> Option<Statement> {
        if let Some((span, construct)) = self.construct(&statement) {
            let message = format!("{construct} is not understood yet");
            self.context.report(
                Diagnostic::error(Name::EXPANSION_UNSUPPORTED, message)
                    .at(span)
                    .help("write out what it stands for")
                    .note("alived does not run a configuration of which it can read only a part"),
            );
            return None;
        }
        if let Some(Block { statements, .. }) = &mut statement.block {
            let inner = std::mem::take(statements);
            *statements = self.statements(inner);
        }
        Some(statement)
    }

    fn construct(&mut self, statement: &Statement) -> Option<(Span, &'static str)> {
        let first = statement.words.first()?;
        let (text, has_more) = (first.bytes.as_slice(), statement.words.len() > 1);
        if !first.quoted {
            let include = [&b"include"[..], b"includer", b"includem", b"includew", b"includeb", b"includea"];
            if include.contains(&text) && has_more {
                return Some((statement.span, "'include'"));
            }
            if is_definition(text) {
                self.first_definition.get_or_insert(statement.span);
                return Some((statement.span, "a definition"));
            }
            if text.starts_with(b"@") {
                return Some((statement.span, "a condition"));
            }
            if text.starts_with(b"~SEQ") || text.starts_with(b"~LST") {
                return Some((statement.span, "a sequence"));
            }
        }
        let variable = statement.words.iter().find(|word| self.is_variable(word));
        let braced = statement.words.last().filter(|last| {
            let touches = statement.block.as_ref().is_some_and(|block| block.open.start == last.span.end);
            !last.quoted && last.bytes.ends_with(b"$") && touches
        });
        variable.or(braced).map(|word| (word.span, "a variable"))
    }

    /// `$NAME` at the end of a word once something is defined, `${NAME}` in quotes always: some names are built in.
    fn is_variable(&self, word: &Word) -> bool {
        let named = |text: &[u8]| text.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        let dollars = word.bytes.iter().enumerate().filter(|(_, byte)| **byte == b'$').map(|(at, _)| at + 1);
        dollars.into_iter().any(|after| {
            let rest = &word.bytes[after..];
            rest.starts_with(b"{") || (named(rest) && (self.first_definition.is_some() || rest.starts_with(b"_")))
        })
    }
}

/// `$NAME=…`
fn is_definition(word: &[u8]) -> bool {
    let Some(name) = word.strip_prefix(b"$").and_then(|rest| rest.split(|byte| *byte == b'=').next()) else {
        return false;
    };
    let starts_well = name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    let is_name = starts_well && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    is_name && word.get(1 + name.len()) == Some(&b'=')
}
