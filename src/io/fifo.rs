//! Named pipes that are told every change (keepalived.conf(5), `notify_fifo`). Writing never waits: a pipe that nobody
//! reads fills up, and then lines are lost.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::process::user_and_group;
use crate::model::NotifyFifo;

/// For the owner alone: what keepalived's umask leaves of 0644.
const MODE: Mode = Mode::S_IRUSR.union(Mode::S_IWUSR);

/// Why a pipe cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FifoError {
    /// It could not be made.
    #[error("making the FIFO {path}")]
    Make {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be given to its owner.
    #[error("giving the FIFO {path} to its owner")]
    Own {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be opened.
    #[error("opening the FIFO {path}")]
    Open {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A pipe that is open. One that was made here is removed in the end.
#[derive(Debug)]
pub struct Fifo {
    path: PathBuf,
    file: File,
    is_ours: bool,
    lost: u64,
}

impl Fifo {
    /// Opens the pipe, and makes it if nothing is there. Needs no reader, then or later.
    ///
    /// # Errors
    /// What could not be done; nothing is left behind.
    pub fn open(config: &NotifyFifo) -> Result<Fifo, FifoError> {
        let path = PathBuf::from(&config.path);
        let is_ours = match mkfifo(&path, MODE) {
            Ok(()) => true,
            Err(Errno::EEXIST) => false,
            Err(errno) => return Err(FifoError::Make { path, source: errno.into() }),
        };
        let opened = (|| {
            if is_ours && let Some(owner) = &config.user {
                let own = |source| FifoError::Own { path: path.clone(), source };
                let (user, group) = user_and_group(owner).map_err(|error| own(io::Error::other(error)))?;
                chown(&path, Some(user.as_raw()), Some(group.as_raw())).map_err(own)?;
            }
            let flags = (OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW).bits();
            // Read and write: opening waits for no reader, and its end is no error.
            let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(&path);
            file.map_err(|source| FifoError::Open { path: path.clone(), source })
        })();
        match opened {
            Ok(file) => Ok(Fifo { path, file, is_ours, lost: 0 }),
            Err(error) => {
                if is_ours {
                    let _ = std::fs::remove_file(&path);
                }
                Err(error)
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one line, whole or not at all. How many lines have been lost in a row, this one included; 0 when it was
    /// written.
    ///
    /// # Errors
    /// Anything but a full pipe.
    pub fn write(&mut self, line: &str) -> io::Result<u64> {
        match self.file.write(line.as_bytes()) {
            // Up to PIPE_BUF octets go in at once or not at all (pipe(7)).
            Ok(_) => self.lost = 0,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.lost += 1,
            Err(error) => return Err(error),
        }
        Ok(self.lost)
    }
}

impl Drop for Fifo {
    /// The name goes first, so that a reader that opens it again and again cannot get hold of it.
    fn drop(&mut self) {
        if self.is_ours {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};

    use super::*;

    fn config(path: &Path) -> NotifyFifo {
        NotifyFifo { path: path.display().to_string(), user: None, reader: None }
    }

    #[test]
    fn a_pipe_is_made_and_removed_and_one_that_was_there_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("fifo");
        let fifo = Fifo::open(&config(&path)).expect("a pipe");
        let metadata = std::fs::metadata(&path).expect("it is there");
        assert!(metadata.file_type().is_fifo());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        let second = Fifo::open(&config(&path)).expect("the same pipe");
        drop(second);
        assert!(path.exists());
        drop(fifo);
        assert!(!path.exists());
    }

    #[test]
    fn lines_wait_for_a_reader_and_are_lost_when_there_are_too_many() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("fifo");
        let mut fifo = Fifo::open(&config(&path)).expect("a pipe");
        let line = "INSTANCE \"VI_1\" MASTER 150\n";
        let mut written = 0;
        while fifo.write(line).expect("no other error") == 0 {
            written += 1;
            assert!(written < 1_000_000, "a pipe without a reader fills up");
        }
        assert_eq!(fifo.write(line).expect("no other error"), 2);
        let mut reader = OpenOptions::new().read(true).open(&path).expect("a reader");
        let mut read = vec![0; line.len()];
        reader.read_exact(&mut read).expect("a line");
        assert_eq!(read, line.as_bytes());
    }

    #[test]
    fn a_link_is_not_followed() {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, target) = (directory.path().join("fifo"), directory.path().join("target"));
        std::fs::write(&target, "precious").expect("a file");
        std::os::unix::fs::symlink(&target, &path).expect("a link");
        assert!(matches!(Fifo::open(&config(&path)), Err(FifoError::Open { .. })));
        assert_eq!(std::fs::read(&target).expect("a file"), b"precious");
    }
}
