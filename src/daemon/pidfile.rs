//! Pid files: written at start, removed at the end, and proof that another instance is running.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A pid file that is ours; dropping it removes it.
#[derive(Debug)]
pub struct PidFile(PathBuf);

impl PidFile {
    /// Writes this process's id to `path`, mode 0644. A stale file is overwritten.
    pub fn create(path: &Path) -> io::Result<PidFile> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o644)
            .custom_flags(libc::O_NOFOLLOW)
            .open(path)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(PidFile(path.to_owned()))
    }

    /// The process that `path` names, if it is alive and not this one.
    pub fn running(path: &Path) -> Option<i32> {
        let pid: i32 = fs::read_to_string(path).ok()?.trim().parse().ok()?;
        let alive = pid > 0 && nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None) != Err(nix::Error::ESRCH);
        (alive && pid.unsigned_abs() != std::process::id()).then_some(pid)
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_or_senseless_file_names_nobody() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("run/alived.pid");
        assert_eq!(PidFile::running(&path), None);
        let file = PidFile::create(&path).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("text"), format!("{}\n", std::process::id()));
        assert_eq!(PidFile::running(&path), None, "we are not another instance");
        fs::write(&path, "1\n").expect("written");
        assert_eq!(PidFile::running(&path), Some(1));
        for senseless in ["", "-1", "0", "x", "999999999"] {
            fs::write(&path, senseless).expect("written");
            assert_eq!(PidFile::running(&path), None, "{senseless:?}");
        }
        drop(file);
        assert!(!path.exists());
    }
}
