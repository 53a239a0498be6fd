//! An anonymous network namespace: it lives as long as its descriptor, or as a process inside it.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

/// A network namespace without a name.
#[derive(Clone)]
pub struct Namespace(Arc<File>);

impl Namespace {
    /// Creates one, empty but for a loopback that is down. Needs CAP_SYS_ADMIN.
    pub fn create() -> io::Result<Namespace> {
        on_own_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net").map(|file| Namespace(Arc::new(file)))
        })
    }

    /// Moves the calling thread into the namespace, for good. Sockets and processes it makes from now on are inside.
    pub fn enter(&self) -> io::Result<()> {
        Ok(setns(&*self.0, CloneFlags::CLONE_NEWNET)?)
    }

    /// Runs `work` inside and returns what it returns; the calling thread stays where it is.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        on_own_thread(|| {
            self.enter()?;
            Ok(work())
        })
    }

    /// Writes `/proc/sys/net/KEY` of the namespace.
    pub fn set_sysctl(&self, key: &str, value: &str) -> io::Result<()> {
        self.inside(|| fs::write(format!("/proc/sys/net/{key}"), value))?
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A namespace is a property of the thread, so whoever only visits one needs a thread to spare.
fn on_own_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| scope.spawn(work).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}
