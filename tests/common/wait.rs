//! Waiting for something to become true, with a limit. The only place where a test sleeps.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);

pub use super::capture_file::Stamp;

/// Now, as a capture would stamp it.
pub fn stamp() -> Stamp {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is after 1970")
}

/// The first `Some` of `look`, which must come within `limit`; `what` completes "waited 5 s for …".
#[track_caller]
pub fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    within(limit, &mut look).unwrap_or_else(|| panic!("waited {limit:?} for {what}"))
}

/// The first `Some` of `look` within `limit`; for tests that have more to say than what was waited for.
pub fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        let found = look();
        if found.is_some() || started.elapsed() >= limit {
            return found;
        }
        thread::sleep(POLL);
    }
}

/// Returns once `holds` does, which must happen within `limit`.
#[track_caller]
pub fn eventually(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    wait_for(what, limit, || holds().then_some(()));
}

/// Looks at `holds` all through `period`; it must never be false.
#[track_caller]
pub fn throughout(what: &str, period: Duration, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while started.elapsed() < period {
        assert!(holds(), "not true all the time: {what}");
        thread::sleep(POLL);
    }
}
