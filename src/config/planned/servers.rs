//! The checkers of real servers that are not effective yet (`check/check_parser.c`).

use crate::config::context::Context;
use crate::syntax::Body;

use super::checkers;
use super::entry::all;
use super::tracking::Names;

pub(super) fn check(context: &mut Context, statements: &Body, objects: &Names) {
    for block in all(statements, "virtual_server") {
        for real in all(block.body(), "real_server") {
            checkers::check(context, &real, objects);
        }
    }
}
