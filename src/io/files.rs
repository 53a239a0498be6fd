//! Reads configuration files, and refuses those that keepalived refuses (`lib/parser.c`: `check_glob_file`).

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::config::{FileError, Files};
use crate::io::sys;
use crate::source::SourceMap;

/// Any execute bit: keepalived takes such a file for a program.
const ANY_EXECUTE: u32 = 0o111;

/// The file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemFiles;

impl Files for SystemFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        let metadata = fs::metadata(path).map_err(refusal)?;
        if metadata.is_dir() {
            return Err(FileError::Directory);
        }
        if !metadata.is_file() || metadata.permissions().mode() & ANY_EXECUTE != 0 {
            return Err(FileError::NotPlain);
        }
        if metadata.len() > SourceMap::MAX_LEN as u64 {
            return Err(FileError::TooLarge);
        }
        let bytes = fs::read(path).map_err(refusal)?;
        if bytes.len() > SourceMap::MAX_LEN { Err(FileError::TooLarge) } else { Ok(bytes) }
    }

    fn matches(&self, pattern: &Path) -> Vec<PathBuf> {
        sys::glob(pattern)
    }

    fn directory(&self, file: &Path) -> PathBuf {
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::canonicalize(parent).unwrap_or_else(|_| parent.to_owned())
    }

    fn variable(&self, name: &str) -> Option<String> {
        let value = std::env::vars_os().find(|(key, _)| key == name).map(|(_, value)| value);
        value.map(|value| value.to_string_lossy().into_owned())
    }

    fn config_id(&self) -> String {
        let name = nix::unistd::gethostname().unwrap_or_default();
        name.to_string_lossy().split('.').next().unwrap_or_default().to_owned()
    }

    fn random(&self) -> u64 {
        RandomState::new().build_hasher().finish() // seeded by the system, another one each time
    }
}

/// The file system as a node of a cluster sees it that is told apart from the others by its id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeFiles {
    /// `-i`; the host name up to its first dot when absent.
    pub config_id: Option<String>,
    /// `-e`: every include is checked for everything.
    pub checks_every_include: bool,
}

impl Files for NodeFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        SystemFiles.read(path)
    }

    fn matches(&self, pattern: &Path) -> Vec<PathBuf> {
        SystemFiles.matches(pattern)
    }

    fn directory(&self, file: &Path) -> PathBuf {
        SystemFiles.directory(file)
    }

    fn variable(&self, name: &str) -> Option<String> {
        SystemFiles.variable(name)
    }

    fn config_id(&self) -> String {
        self.config_id.clone().unwrap_or_else(|| SystemFiles.config_id())
    }

    fn random(&self) -> u64 {
        SystemFiles.random()
    }

    fn checks_every_include(&self) -> bool {
        self.checks_every_include
    }
}

fn refusal(error: std::io::Error) -> FileError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => FileError::NotFound,
        _ => FileError::Unreadable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_file_without_execute_permission_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("k.conf");
        assert_eq!(SystemFiles.read(&path), Err(FileError::NotFound));
        assert_eq!(SystemFiles.read(directory.path()), Err(FileError::Directory));
        fs::write(&path, "x").unwrap();
        assert_eq!(SystemFiles.read(&path), Ok(b"x".to_vec()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(SystemFiles.read(&path), Err(FileError::NotPlain));
        assert_eq!(SystemFiles.read(Path::new("/dev/null")), Err(FileError::NotPlain));
    }

    #[test]
    fn a_pattern_matches_files_in_sorted_order_and_marks_directories() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for name in ["b.conf", "a.conf", "c.txt"] {
            fs::write(at(name), "x").unwrap();
        }
        fs::create_dir(at("d")).unwrap();
        assert_eq!(SystemFiles.matches(&at("[^c].conf")), [at("a.conf"), at("b.conf")]);
        assert_eq!(SystemFiles.matches(&at("d")), [at("d/")]);
        assert_eq!(SystemFiles.matches(&at("nosuch")), Vec::<PathBuf>::new());
    }
}
