//! What keepalived complains about in keywords of which nothing comes yet: their lines, and what must hold across them.
//! Decides nothing about what runs; a check moves to `lower/` together with its keyword.
//!
//! The walk of the lowering has looked every keyword up and judged its first value by the grammar. Here is what a
//! grammar of single values cannot say (keepalived.conf(5); `vrrp/vrrp_parser.c`, `check/check_parser.c`).

mod checkers;
mod entry;
mod instance;
mod servers;
mod tracking;

use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::source::Span;
use crate::syntax::Body;

use super::context::Context;

/// Reports what there is to say about a whole configuration.
pub(super) fn check(context: &mut Context, statements: &Body) {
    let objects = tracking::Names::of(statements);
    instance::check_all(context, statements);
    servers::check(context, statements, &objects);
}

/// A complaint of keepalived about a line; `gist` is what it says.
fn complain(context: &mut Context, name: Name, span: Span, message: impl Into<String>, gist: impl Into<String>) {
    context.report(Diagnostic::warning(name, message).at(span).class(ErrorClass::General).gist(gist));
}

/// A complaint that keepalived makes after it has read everything.
fn complain_later(context: &mut Context, name: Name, span: Span, message: impl Into<String>, gist: impl Into<String>) {
    context.report(Diagnostic::warning(name, message).at(span).class_without_line(ErrorClass::General).gist(gist));
}
