//! Releases of keepalived, as the grammar and `--target` name them.

use std::fmt;
use std::str::FromStr;

/// A release of keepalived: three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release(u16, u16, u16);

impl Release {
    /// The release that many distributions carry, and the one whose verdicts alived compares itself with.
    pub const WIDESPREAD: Release = Release(2, 2, 7);
    /// The newest one. The grammar gives a higher number to what is only in the source that follows it.
    pub const NEWEST: Release = Release(2, 4, 3);
}

/// The text is no release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected three numbers with dots, for instance 2.2.7")]
pub struct ReleaseError;

impl FromStr for Release {
    type Err = ReleaseError;

    /// `2.2.7`
    fn from_str(text: &str) -> Result<Release, ReleaseError> {
        let parts: Vec<u16> = text.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| ReleaseError)?;
        match parts.as_slice() {
            [major, minor, patch] => Ok(Release(*major, *minor, *patch)),
            _ => Err(ReleaseError),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self > Release::NEWEST {
            return write!(f, "the release after {}", Release::NEWEST);
        }
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}
