//! Where in the tree a place is: in which block, on which statement, on which of its words.

use crate::schema::ROOT;
use crate::syntax::{Statement, Word};

/// A place in the tree.
pub(super) struct Caret<'t> {
    /// The keywords of the blocks around it, joined by dots as in the grammar.
    pub path: String,
    /// The statement that it stands on, or after on the same line.
    pub statement: Option<&'t Statement>,
    /// The words of that statement behind its `@id`.
    pub words: &'t [Word],
    /// The index among them of the word that it touches.
    pub word: Option<usize>,
    /// How many words end before it.
    pub words_before: usize,
}

impl<'t> Caret<'t> {
    /// The place at `offset` of a file with these statements, which stand in the block at `base`.
    pub fn at(bytes: &[u8], statements: &'t [Statement], base: &str, offset: u32) -> Caret<'t> {
        let (mut path, mut statements) = (base.to_owned(), statements);
        loop {
            let around = |statement: &&Statement| {
                statement.block.as_ref().is_some_and(|block| {
                    block.open.end <= offset && block.close.is_none_or(|close| offset <= close.start)
                })
            };
            let Some(outer) = statements.iter().find(around) else { break };
            path = inner_path(&path, outer);
            statements = outer.block.as_ref().map_or(&[], |block| &block.statements);
        }
        // Nothing lies between the end of a statement and a place inside it.
        let blank = |from: u32| bytes.get(from as usize..offset as usize).is_none_or(|gap| gap.iter().all(is_blank));
        let on = |statement: &&Statement| statement.span.start <= offset && blank(statement.span.end);
        let statement = statements.iter().find(on);
        let words: &[Word] = statement.map_or(&[], applied);
        let touches = |word: &Word| word.span.start <= offset && offset <= word.span.end;
        let word = words.iter().position(touches);
        let words_before = words.iter().filter(|word| word.span.end < offset).count();
        Caret { path, statement, words, word, words_before }
    }

    /// The word that it touches.
    pub fn word(&self) -> Option<&'t Word> {
        self.words.get(self.word?)
    }
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The words behind `@id`: what applies on the nodes of that id.
pub(super) fn applied(statement: &Statement) -> &[Word] {
    match statement.words.split_first() {
        Some((condition, rest)) if condition.bytes.starts_with(b"@") && !condition.quoted => rest,
        _ => &statement.words,
    }
}

/// The path of the block that a statement opens inside the block at `path`.
pub(super) fn inner_path(path: &str, statement: &Statement) -> String {
    let keyword = applied(statement).first().map(|word| word.text()).unwrap_or_default();
    if path == ROOT { keyword.into_owned() } else { format!("{path}.{keyword}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceMap;
    use crate::syntax::parse;

    /// The place marked by `|`.
    fn at(marked: &str) -> (String, Option<String>, usize) {
        let offset = marked.find('|').expect("a mark") as u32;
        let mut sources = SourceMap::default();
        let source = sources.add("k.conf".into(), marked.replacen('|', "", 1).into());
        let tree = parse(&sources, source);
        let caret = Caret::at(sources.file(source).bytes(), &tree.statements, ROOT, offset);
        (caret.path.clone(), caret.word().map(|word| word.text().into_owned()), caret.words_before)
    }

    #[test]
    fn a_place_has_the_path_of_its_blocks_and_the_word_it_touches() {
        assert_eq!(at("vrrp_in|stance VI {\n}\n"), (ROOT.into(), Some("vrrp_instance".into()), 0));
        assert_eq!(at("vrrp_instance VI {\n state| MASTER\n}"), ("vrrp_instance".into(), Some("state".into()), 0));
        assert_eq!(at("vrrp_instance VI {\n state MAST|ER\n}").1, Some("MASTER".into()));
        assert_eq!(at("vrrp_instance VI {\n |\n}"), ("vrrp_instance".into(), None, 0));
        assert_eq!(at("a {\n state | \n}"), ("a".into(), None, 1));
        assert_eq!(at("a {\n b {\n |").0, "a.b");
        assert_eq!(at("a {\n}\n|").0, ROOT);
        assert_eq!(at("@one a {\n @two st|ate MASTER\n}"), ("a".into(), Some("state".into()), 0));
    }
}
