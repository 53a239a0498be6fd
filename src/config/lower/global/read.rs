//! What most keywords of `global_defs` have in common: one value, and the last line counts.

use crate::config::context::Context;
use crate::config::cursor::Line;
use crate::config::values::{self, Garbage};
use crate::syntax::Word;

use super::super::script::UserAndGroup;

/// Puts the value into its place, if there is one: what is wrong leaves what was there.
pub(super) fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// A boolean that may be left out, which means true.
pub(super) fn flag(context: &mut Context, line: &Line) -> Option<bool> {
    line.argument().map_or(Some(true), |word| values::boolean(context, word))
}

/// A whole number within the range of the keyword; `7x` is read as 7, with a complaint.
pub(super) fn number<T: TryFrom<i128>>(context: &mut Context, line: &Line) -> Option<T> {
    values::unsigned(context, line, Garbage::Dropped)
}

/// As [`number`], for the keywords where `7x` is no number.
pub(super) fn strict_number<T: TryFrom<i128>>(context: &mut Context, line: &Line) -> Option<T> {
    values::unsigned(context, line, Garbage::Refused)
}

/// The first argument as text.
pub(super) fn text(line: &Line) -> Option<String> {
    line.argument().map(|word| word.text().into_owned())
}

/// `USER [[:]GROUP]`
pub(super) fn user_and_group(words: &[Word]) -> Option<UserAndGroup> {
    let user = words.first()?.text().into_owned();
    let group = words.get(1).map(|group| {
        let group = group.text();
        group.strip_prefix(':').unwrap_or(&group).to_owned()
    });
    Some((user, group))
}
