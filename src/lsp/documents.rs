//! The files as the user sees them: those that are open in the editor as they stand there, the others as on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lsp_types::TextDocumentContentChangeEvent;

use crate::config::{FileError, Files};
use crate::io::files::NodeFiles;

use super::position::offset;
use super::symbols::plain;

/// What is open in the editor, laid over the file system.
#[derive(Debug, Default)]
pub(super) struct Documents {
    disk: NodeFiles,
    open: BTreeMap<PathBuf, Document>,
}

/// An open file.
#[derive(Debug)]
pub(super) struct Document {
    pub text: String,
    pub version: i32,
}

impl Documents {
    /// Nothing open yet.
    pub fn over(disk: NodeFiles) -> Documents {
        Documents { disk, open: BTreeMap::new() }
    }

    pub fn open(&mut self, path: PathBuf, text: String, version: i32) {
        self.open.insert(path, Document { text, version });
    }

    pub fn close(&mut self, path: &Path) {
        self.open.remove(path);
    }

    pub fn get(&self, path: &Path) -> Option<&Document> {
        self.open.get(path)
    }

    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.open.keys()
    }

    /// Applies an editor's changes in order; a change without a range is the whole text.
    pub fn change(&mut self, path: &Path, version: i32, changes: Vec<TextDocumentContentChangeEvent>) {
        let Some(document) = self.open.get_mut(path) else { return };
        document.version = version;
        for TextDocumentContentChangeEvent { range, text, .. } in changes {
            match range {
                None => document.text = text,
                Some(range) => {
                    let start = offset(document.text.as_bytes(), range.start);
                    let end = offset(document.text.as_bytes(), range.end).max(start);
                    document.text.replace_range(start..end, &text);
                }
            }
        }
    }
}

impl Files for Documents {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        match self.open.get(&plain(path)) {
            Some(document) => Ok(document.text.clone().into_bytes()),
            None => self.disk.read(path),
        }
    }

    /// A file that is open need not be on disk yet.
    fn matches(&self, pattern: &Path) -> Vec<PathBuf> {
        let found = self.disk.matches(pattern);
        let is_open = found.is_empty() && self.open.contains_key(&plain(pattern));
        if is_open { vec![pattern.to_owned()] } else { found }
    }

    fn directory(&self, file: &Path) -> PathBuf {
        self.disk.directory(file)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.disk.variable(name)
    }

    fn config_id(&self) -> String {
        self.disk.config_id()
    }

    fn checks_every_include(&self) -> bool {
        self.disk.checks_every_include()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lsp_types::{Position, Range};

    fn edit(text: &str, start: (u32, u32), end: (u32, u32), new: &str) -> String {
        let mut documents = Documents::default();
        let path = Path::new("/k.conf");
        documents.open(path.to_owned(), text.to_owned(), 1);
        let range = Range { start: Position::new(start.0, start.1), end: Position::new(end.0, end.1) };
        let change = TextDocumentContentChangeEvent { range: Some(range), range_length: None, text: new.to_owned() };
        documents.change(path, 2, vec![change]);
        documents.get(path).expect("it is open").text.clone()
    }

    #[test]
    fn a_change_replaces_its_range() {
        assert_eq!(edit("one\ntwo\n", (1, 0), (1, 3), "2"), "one\n2\n");
        assert_eq!(edit("one\ntwo\n", (0, 3), (1, 0), " "), "one two\n");
        assert_eq!(edit("\u{1f600}b", (0, 2), (0, 3), "c"), "\u{1f600}c");
    }

    #[test]
    fn a_change_beyond_the_text_or_backwards_does_no_harm() {
        assert_eq!(edit("ab", (9, 9), (9, 9), "c"), "abc");
        assert_eq!(edit("ab", (0, 2), (0, 0), "c"), "abc");
    }
}
