//! `--target alived`, `--target keepalived=2.2.7`: the program that has to run the file. Without one a file is judged by
//! the language alone, so that what a single program lacks is but a note.

use std::str::FromStr;

use crate::diagnostic::{Diagnostic, Name, Severity};
use crate::schema::{self, ROOT, Release, ReleaseError};
use crate::syntax::Statement;

use super::cursor;

/// A program that has to be able to run the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// This one.
    Alived,
    /// keepalived of that release.
    Keepalived(Release),
}

/// What was given is no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected alived or keepalived=VERSION, for instance keepalived=2.2.7")]
pub struct TargetError;

impl FromStr for Target {
    type Err = TargetError;

    /// `alived`, `keepalived=2.2.7`
    fn from_str(text: &str) -> Result<Target, TargetError> {
        if text == "alived" {
            return Ok(Target::Alived);
        }
        let version = text.strip_prefix("keepalived=").ok_or(TargetError)?;
        version.parse().map(Target::Keepalived).map_err(|_: ReleaseError| TargetError)
    }
}

impl Target {
    /// What only one program does not understand matters when the file is for that one, and is worth knowing when nothing
    /// is said about it. False when there is nothing to say.
    pub(super) fn judge(target: Option<Target>, diagnostic: &mut Diagnostic) -> bool {
        match (diagnostic.name, target) {
            (Name::NEWER_KEYWORD, None | Some(Target::Alived)) => diagnostic.severity = Severity::Note,
            (Name::NEWER_KEYWORD, Some(Target::Keepalived(_))) => diagnostic.severity = Severity::Warning,
            (Name::NOT_YET_SUPPORTED, None) => diagnostic.severity = Severity::Note,
            (Name::NOT_YET_SUPPORTED | Name::NOT_YET_EFFECTIVE, Some(Target::Keepalived(_))) => return false,
            _ => {}
        }
        true
    }
}

/// The keywords of the file, and the words in its lines, that keepalived of that release does not know yet.
pub(super) fn newer_keywords(statements: &[Statement], release: Release) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    collect(&mut found, ROOT, statements, release);
    found
}

fn collect(found: &mut Vec<Diagnostic>, path: &str, statements: &[Statement], release: Release) {
    let Some(block) = schema::keepalived().block(path) else { return };
    for statement in statements {
        let Some(first) = statement.words.first() else { continue };
        let Some(keyword) = block.keyword(&first.bytes) else {
            let words = statement.words.iter().filter_map(|word| Some((block.word(&word.bytes)?, word.span)));
            let newer = words.filter(|(word, _)| word.is_newer_than(release));
            found.extend(newer.map(|(word, span)| cursor::newer(word, release, span)));
            continue;
        };
        if keyword.is_newer_than(release) {
            found.push(cursor::newer(keyword, release, first.span));
        } else if let Some((inside, child)) =
            statement.block.as_ref().zip(schema::keepalived().child(path, &keyword.name))
        {
            collect(found, &child.path, &inside.statements, release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        text.parse().expect("a target")
    }

    #[test]
    fn a_target_is_a_program_with_its_version() {
        assert_eq!(target("keepalived=2.2.7"), Target::Keepalived(Release::WIDESPREAD));
        assert_eq!(target("alived"), Target::Alived);
        for bad in ["2.2.7", "keepalived=2.2", "keepalived=a.b.c", "bird=2.2.7", ""] {
            assert_eq!(bad.parse::<Target>(), Err(TargetError), "{bad}");
        }
    }

    #[test]
    fn what_one_program_lacks_matters_when_the_file_is_for_it() {
        let judged = |diagnostic: Diagnostic, target: Option<Target>| {
            let mut diagnostic = diagnostic;
            Target::judge(target, &mut diagnostic).then_some(diagnostic.severity)
        };
        let newer = || Diagnostic::warning(Name::NEWER_KEYWORD, "x");
        assert_eq!(judged(newer(), None), Some(Severity::Note));
        assert_eq!(judged(newer(), Some(target("keepalived=2.2.7"))), Some(Severity::Warning));
        let unsupported = || Diagnostic::error(Name::NOT_YET_SUPPORTED, "x");
        assert_eq!(judged(unsupported(), None), Some(Severity::Note));
        assert_eq!(judged(unsupported(), Some(Target::Alived)), Some(Severity::Error));
        assert_eq!(judged(unsupported(), Some(target("keepalived=2.2.7"))), None);
    }
}
