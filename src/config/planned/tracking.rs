//! The names of tracked objects that health checkers refer to.

use std::collections::HashSet;

use crate::syntax::{Body, Bytes, Word};

use super::entry::{Entry, entries, last};

/// The names of tracked objects: what is tracked is defined before.
#[derive(Debug, Default)]
pub(super) struct Names {
    files: HashSet<Bytes>,
    sessions: HashSet<Bytes>,
}

impl Names {
    /// All that the file defines.
    pub fn of(statements: &Body) -> Names {
        let mut names = Names::default();
        entries(statements).for_each(|block| names.add(&block));
        names
    }

    fn add(&mut self, block: &Entry) {
        let Some(name) = block.argument(0) else { return };
        let names = match block.words[0].bytes.as_slice() {
            b"track_file" | b"vrrp_track_file" if last(block.body(), "file").is_some() => &mut self.files,
            b"bfd_instance" => &mut self.sessions,
            _ => return,
        };
        names.insert(name.bytes.clone());
    }

    pub fn has_file(&self, name: &Word) -> bool {
        self.files.contains(&name.bytes)
    }

    pub fn has_session(&self, name: &Word) -> bool {
        self.sessions.contains(&name.bytes)
    }
}
