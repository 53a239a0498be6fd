//! Everything there is to say about one configuration, as long as anybody could read it.

use std::collections::BTreeSet;

use super::{Diagnostic, ErrorClass, Name, Severity};

/// So many diagnostics are kept; beyond them only what is of a new kind. A short line can make millions.
const MOST: usize = 10_000;

/// Diagnostics in the order they were found.
#[derive(Debug, Default)]
pub struct Findings {
    list: Vec<Diagnostic>,
    kinds: BTreeSet<(Name, Severity, Option<ErrorClass>)>,
    left_out: usize,
}

impl Findings {
    /// Adds one, unless there are too many and others of its kind among them: what decides the verdict is never lost.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let class = diagnostic.keepalived.as_ref().map(|complaint| complaint.class);
        let is_new = self.kinds.insert((diagnostic.name, diagnostic.severity, class));
        if is_new || self.list.len() < MOST {
            self.list.push(diagnostic);
        } else {
            self.left_out += 1;
        }
    }

    /// All that were kept; the last one says how many were not.
    pub fn into_vec(mut self) -> Vec<Diagnostic> {
        match self.list.pop() {
            Some(last) if self.left_out > 0 => {
                self.list.push(last.note(format!("{} more findings like those above are left out", self.left_out)));
            }
            last => self.list.extend(last),
        }
        self.list
    }
}

impl Extend<Diagnostic> for Findings {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, diagnostics: T) {
        diagnostics.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_but_no_kind_is_lost() {
        let mut findings = Findings::default();
        for _ in 0..MOST + 500 {
            findings.push(Diagnostic::warning(Name::UNKNOWN_KEYWORD, "x").class(ErrorClass::General));
        }
        findings.push(Diagnostic::error(Name::UNCLOSED_BLOCK, "y"));
        let list = findings.into_vec();
        assert_eq!(list.len(), MOST + 1);
        let last = list.last().expect("not empty");
        assert_eq!(last.name, Name::UNCLOSED_BLOCK);
        assert_eq!(last.note.as_deref(), Some("500 more findings like those above are left out"));
    }
}
