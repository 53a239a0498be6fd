//! Tracked files: written when the daemon starts, read, and read again when they change (inotify(7)).
//!
//! The directory is watched, not the file: a file that is replaced by renaming is another one under the same name.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use tokio::io::unix::AsyncFd;

use super::sys::watch_readable;
use crate::model::{FileInit, FileName, TrackFile};
use crate::track::file::{self, OutOfRange};

/// Something that a file's number cannot be taken from, or that could not be done.
#[derive(Debug, thiserror::Error)]
pub enum TrackFileError {
    /// `init_file` could not be done.
    #[error("initialising track file {name}")]
    Init {
        /// Which.
        name: FileName,
        /// Why.
        source: io::Error,
    },
    /// Changes will not be noticed.
    #[error("watching the directory of track file {name}")]
    Watch {
        /// Which.
        name: FileName,
        /// Why.
        source: io::Error,
    },
    /// The number before stays.
    #[error("invalid number in track file {name}, ignored")]
    Number {
        /// Which.
        name: FileName,
        /// Why.
        source: OutOfRange,
    },
}

/// A file's number, or why there is none.
pub type Reading = Result<(FileName, i64), TrackFileError>;

/// Writes the files that `init_file` asks for. After the start none is overwritten.
pub fn initialise(files: &[TrackFile], starting: bool) -> Vec<TrackFileError> {
    let failure = |file: &TrackFile| {
        let init = file.init?;
        let failure = write_initial(&file.path, init, starting).err();
        failure.map(|source| TrackFileError::Init { name: file.name.clone(), source })
    };
    files.iter().filter_map(failure).collect()
}

fn write_initial(path: &Path, init: FileInit, starting: bool) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(_) if !init.overwrite => return Ok(()),
        Ok(metadata) if !metadata.is_file() => return Err(io::Error::other("it is not a regular file")),
        Ok(_) if !starting => return Ok(()),
        Ok(_) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    // For its owner alone, as keepalived's umask leaves it.
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    writeln!(file, "{}", init.value)
}

/// The number in a file; 0 without a file, or without a number in it.
fn read(name: &FileName, path: &Path) -> Reading {
    let mut content = Vec::new();
    // A pipe in place of a file must not block.
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    if let Ok(file) = opened {
        let _ = read_start(file, &mut content);
    }
    let value = file::value(&content).map_err(|source| TrackFileError::Number { name: name.clone(), source })?;
    Ok((name.clone(), value))
}

fn read_start(file: File, content: &mut Vec<u8>) -> io::Result<usize> {
    file.take(file::LONGEST as u64).read_to_end(content)
}

struct Watched {
    name: FileName,
    /// Links resolved, as far as the file's directory.
    path: PathBuf,
    part: OsString,
    watch: WatchDescriptor,
}

/// The files that are watched.
pub struct TrackFiles {
    inotify: Inotify,
    ready: AsyncFd<OwnedFd>,
    files: Vec<Watched>,
}

impl TrackFiles {
    /// Watches the files. Needs a tokio runtime. The second value says what they hold, and what went wrong.
    ///
    /// # Errors
    /// No inotify at all.
    pub fn open(files: &[TrackFile]) -> io::Result<(TrackFiles, Vec<Reading>)> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let mut watched = Vec::new();
        let mut readings = Vec::new();
        for TrackFile { name, path, .. } in files {
            // Watched before it is read, so that no change falls between.
            match watch(&inotify, name, path) {
                Ok(file) => {
                    readings.push(read(name, &file.path));
                    watched.push(file);
                }
                Err(source) => {
                    readings.push(Err(TrackFileError::Watch { name: name.clone(), source }));
                    readings.push(read(name, path));
                }
            }
        }
        let ready = watch_readable(inotify.as_fd().try_clone_to_owned()?)?;
        Ok((TrackFiles { inotify, ready, files: watched }, readings))
    }

    /// The numbers of the files that changed. Safe to abandon.
    pub async fn next(&mut self) -> io::Result<Vec<Reading>> {
        loop {
            let mut guard = self.ready.readable().await?;
            let events = guard.try_io(|_| self.inotify.read_events().map_err(io::Error::from));
            let events = match events {
                Err(_) => continue,
                Ok(Err(error)) if error.raw_os_error() == Some(Errno::EAGAIN as i32) => continue,
                Ok(events) => events?,
            };
            let mut readings: Vec<Reading> = Vec::new();
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    return Ok(self.files.iter().map(|file| read(&file.name, &file.path)).collect());
                }
                let concerned = |file: &&Watched| file.watch == event.wd && event.name.as_ref() == Some(&file.part);
                for file in self.files.iter().filter(concerned) {
                    let gone = event.mask.intersects(AddWatchFlags::IN_MOVED_FROM | AddWatchFlags::IN_DELETE);
                    readings.push(if gone { Ok((file.name.clone(), 0)) } else { read(&file.name, &file.path) });
                }
            }
            if !readings.is_empty() {
                return Ok(readings);
            }
        }
    }
}

fn watch(inotify: &Inotify, name: &FileName, path: &Path) -> io::Result<Watched> {
    let resolved = path.canonicalize().or_else(|_| {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let part = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        Ok::<_, io::Error>(directory.canonicalize()?.join(part))
    })?;
    let part = resolved.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    let directory = resolved.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let changes = AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVE;
    let watch = inotify.add_watch(directory, changes)?;
    Ok(Watched { name: name.clone(), part, watch, path: resolved })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TrackWeight;

    fn file(path: PathBuf, init: Option<FileInit>) -> TrackFile {
        TrackFile { name: FileName("load".to_owned()), path, weight: TrackWeight::default(), init }
    }

    fn values(readings: Vec<Reading>) -> Vec<Option<i64>> {
        readings.into_iter().map(|reading| reading.ok().map(|(_, value)| value)).collect()
    }

    #[tokio::test]
    async fn every_way_to_change_a_file_is_noticed() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("load");
        let (mut files, first) = TrackFiles::open(&[file(path.clone(), None)]).expect("inotify");
        assert_eq!(values(first), [Some(0)]);
        std::fs::write(&path, "7\n").expect("writing");
        assert_eq!(values(files.next().await.expect("events")), [Some(7)]);
        let other = directory.path().join("other");
        std::fs::write(&other, "-3").expect("writing");
        std::fs::rename(&other, &path).expect("renaming");
        assert_eq!(values(files.next().await.expect("events")), [Some(-3)]);
        std::fs::write(&path, "99999999999").expect("writing");
        assert_eq!(values(files.next().await.expect("events")), [None], "out of range: the number before stays");
        std::fs::remove_file(&path).expect("removing");
        assert_eq!(values(files.next().await.expect("events")), [Some(0)]);
    }

    #[test]
    fn a_file_is_initialised_once_and_overwritten_only_at_the_start() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("load");
        let content = || std::fs::read_to_string(&path).expect("the file");
        let init = |value, overwrite, starting| {
            initialise(&[file(path.clone(), Some(FileInit { value, overwrite }))], starting)
        };
        assert!(init(5, false, false).is_empty());
        assert_eq!(content(), "5\n");
        assert!(init(6, false, true).is_empty());
        assert_eq!(content(), "5\n");
        assert!(init(7, true, false).is_empty());
        assert_eq!(content(), "5\n");
        assert!(init(7, true, true).is_empty());
        assert_eq!(content(), "7\n");
        let directory = file(directory.path().to_owned(), Some(FileInit { value: 1, overwrite: true }));
        assert!(matches!(initialise(&[directory], true)[..], [TrackFileError::Init { .. }]));
    }

    #[tokio::test]
    async fn a_file_whose_directory_is_missing_counts_as_zero() {
        let (_, readings) = TrackFiles::open(&[file(PathBuf::from("/nonexistent/load"), None)]).expect("inotify");
        assert!(matches!(readings[..], [Err(TrackFileError::Watch { .. }), Ok((_, 0))]));
    }
}
