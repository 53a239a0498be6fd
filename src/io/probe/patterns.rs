//! The regular expressions of urls, each compiled once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::check::{Found, Probe, Search};
use crate::io::sys::pattern::{Match, Pattern, option};
use crate::model::CheckerKind;

/// A pattern that several probes share, or why it cannot be used.
type Compiled = Result<Rc<RefCell<Pattern>>, String>;

/// Compiled patterns, and why others are none.
#[derive(Default)]
pub(super) struct Patterns {
    /// By pattern and options.
    compiled: HashMap<(Vec<u8>, u32), Compiled>,
}

impl Patterns {
    /// What looks for the regular expression of the probe's url; `None` without one. An error is why it is none.
    pub(super) fn search(&mut self, probe: &Probe) -> Result<Option<Box<dyn Search>>, String> {
        let (CheckerKind::Http(check) | CheckerKind::Ssl(check)) = &probe.checker.kind else { return Ok(None) };
        let Some(regex) = check.urls.get(probe.url).and_then(|url| url.regex.as_ref()) else { return Ok(None) };
        let options = regex.options.iter().fold(0, |all, one| all | option(one.name()));
        let compiled = self
            .compiled
            .entry((regex.pattern.clone(), options))
            .or_insert_with(|| Pattern::new(&regex.pattern, options).map(|pattern| Rc::new(RefCell::new(pattern))));
        match compiled {
            Ok(pattern) => Ok(Some(Box::new(Shared(Rc::clone(pattern))))),
            Err(reason) => Err(format!("'{}' is no pattern: {reason}", String::from_utf8_lossy(&regex.pattern))),
        }
    }
}

/// A pattern that several checks look for, one at a time.
struct Shared(Rc<RefCell<Pattern>>);

impl Search for Shared {
    fn lookbehind(&self) -> usize {
        self.0.borrow().lookbehind()
    }

    fn find(&mut self, text: &[u8], from: usize) -> Found {
        match self.0.borrow_mut().find(text, from) {
            Match::At(at) => Found::At(at),
            Match::Partial(at) => Found::Partial(at),
            Match::Nothing => Found::Nothing,
        }
    }
}
