//! Reads configuration files, and refuses those that keepalived refuses (`lib/parser.c`: `check_glob_file`).

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::config::{FileError, Files};
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
}
