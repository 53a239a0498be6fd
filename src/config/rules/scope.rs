//! One block with the grammar's row for each of its lines: what the rules about single lines look at. The tree is walked
//! once, and every such rule sees every block.

use crate::diagnostic::Diagnostic;
use crate::schema::{self, Block, Keyword, ROOT};
use crate::source::SourceMap;
use crate::syntax::Statement;

/// A block of keywords.
pub(super) struct Scope<'a> {
    /// What the grammar says about the block.
    pub block: &'static Block,
    /// The lines whose keyword the block knows.
    pub lines: Vec<(&'static Keyword, &'a Statement)>,
    pub sources: &'a SourceMap,
}

/// A rule about the lines of one block.
pub(super) type ScopeRule = fn(&Scope, &mut Vec<Diagnostic>);

/// Applies the rules to every block.
pub(super) fn walk(statements: &[Statement], sources: &SourceMap, rules: &[ScopeRule]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if let Some(root) = schema::keepalived().block(ROOT) {
        inside(root, statements, sources, rules, &mut found);
    }
    found
}

fn inside(
    block: &'static Block,
    statements: &[Statement],
    sources: &SourceMap,
    rules: &[ScopeRule],
    found: &mut Vec<Diagnostic>,
) {
    let known = |statement| Some((block.keyword(&word(statement)?.bytes)?, statement));
    let scope = Scope { block, lines: statements.iter().filter_map(known).collect(), sources };
    rules.iter().for_each(|rule| rule(&scope, found));
    for (keyword, statement) in scope.lines {
        let Some(body) = &statement.block else { continue };
        if let Some(child) = schema::keepalived().child(&block.path, &keyword.name) {
            inside(child, &body.statements, sources, rules, found);
        }
    }
}

fn word(statement: &Statement) -> Option<&crate::syntax::Word> {
    statement.words.first()
}
