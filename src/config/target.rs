//! `--target keepalived=2.2.7`: whether an older keepalived that runs beside alived would understand the file.

use std::fmt;
use std::str::FromStr;

use crate::diagnostic::{Diagnostic, Name, Severity};

/// The newest version that does not know the keywords that the grammar marks `not_in 2.2.7`.
const WITHOUT_NEWER: Target = Target(2, 2, 7);

/// A version of keepalived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target(u16, u16, u16);

/// What was given is no version of keepalived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected keepalived=VERSION, for instance keepalived=2.2.7")]
pub struct TargetError;

impl FromStr for Target {
    type Err = TargetError;

    /// `keepalived=2.2.7`
    fn from_str(text: &str) -> Result<Target, TargetError> {
        let version = text.strip_prefix("keepalived=").ok_or(TargetError)?;
        let parts: Vec<u16> = version.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| TargetError)?;
        match parts.as_slice() {
            [major, minor, patch] => Ok(Target(*major, *minor, *patch)),
            _ => Err(TargetError),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keepalived {}.{}.{}", self.0, self.1, self.2)
    }
}

impl Target {
    /// A keyword that an older keepalived does not know matters when the file is for such a one, and is worth knowing
    /// when nothing is said about it. False when there is nothing to say.
    pub(super) fn judge(target: Option<Target>, diagnostic: &mut Diagnostic) -> bool {
        if diagnostic.name != Name::NEWER_KEYWORD {
            return true;
        }
        diagnostic.severity = match target {
            None => Severity::Note,
            Some(_) => Severity::Warning,
        };
        target.is_none_or(|target| target <= WITHOUT_NEWER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_program_and_three_numbers() {
        assert_eq!("keepalived=2.2.7".parse(), Ok(Target(2, 2, 7)));
        for bad in ["2.2.7", "keepalived=2.2", "keepalived=a.b.c", "bird=2.2.7", ""] {
            assert_eq!(bad.parse::<Target>(), Err(TargetError), "{bad}");
        }
    }

    #[test]
    fn a_newer_keyword_is_a_warning_for_an_old_target_and_nothing_for_a_new_one() {
        let judged = |target: Option<&str>| {
            let mut diagnostic = Diagnostic::warning(Name::NEWER_KEYWORD, "x");
            let target = target.map(|target| target.parse().expect("a target"));
            Target::judge(target, &mut diagnostic).then_some(diagnostic.severity)
        };
        assert_eq!(judged(None), Some(Severity::Note));
        assert_eq!(judged(Some("keepalived=2.2.7")), Some(Severity::Warning));
        assert_eq!(judged(Some("keepalived=2.4.3")), None);
    }
}
