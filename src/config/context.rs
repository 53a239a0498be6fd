//! What every step of the lowering carries along: the sources, the machine to ask, and the diagnostics so far.

use crate::diagnostic::{Diagnostic, Findings};
use crate::source::{SourceMap, Span};

use super::host::Host;

/// Carried through the lowering of one configuration.
pub(super) struct Context<'a> {
    pub sources: &'a SourceMap,
    /// `None` when only the text is to be judged.
    pub host: Option<&'a dyn Host>,
    pub diagnostics: Findings,
    /// Every script that the file names, effective or not: keepalived's verdict depends on all of them.
    pub scripts: Vec<ScriptUse>,
    /// `dynamic_interfaces` stands somewhere in `global_defs`: to keepalived interfaces may be missing.
    pub dynamic_interfaces: bool,
    /// Keywords outside every block and of `global_defs` that may stand only once, and where they do.
    pub seen_once: Vec<(&'static str, Span)>,
}

/// A program that the configuration names.
pub(super) struct ScriptUse {
    pub runner: Runner,
    pub span: Span,
    /// Without its arguments.
    pub program: String,
    /// The user after the program, or of a `user` line.
    pub user: Option<String>,
}

impl<'a> Context<'a> {
    pub fn new(sources: &'a SourceMap, host: Option<&'a dyn Host>) -> Context<'a> {
        Context {
            sources,
            host,
            diagnostics: Findings::default(),
            scripts: Vec::new(),
            dynamic_interfaces: false,
            seen_once: Vec::new(),
        }
    }

    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

/// Which part of keepalived runs a script. One that has nothing to do is not started, and its scripts do not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runner {
    /// The parent, which is always there.
    Parent,
    /// The VRRP process, which an instance needs.
    Vrrp,
    /// The checker process, which a virtual server needs.
    Checker,
    /// Both of these.
    VrrpAndChecker,
}

impl Runner {
    /// Who runs the script of a keyword of the block at `path`.
    pub fn of(path: &str, keyword: &str) -> Runner {
        match (path, keyword) {
            ("global_defs", "notify_fifo_script") => Runner::VrrpAndChecker,
            ("global_defs", "vrrp_notify_fifo_script") => Runner::Vrrp,
            ("global_defs", "lvs_notify_fifo_script") => Runner::Checker,
            _ if path.starts_with("virtual_server") => Runner::Checker,
            _ if path.starts_with("vrrp_") => Runner::Vrrp,
            _ => Runner::Parent,
        }
    }
}

/// A value and the words it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T> Spanned<T> {
    pub fn new(value: T, span: Span) -> Spanned<T> {
        Spanned { value, span }
    }
}
