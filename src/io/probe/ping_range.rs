//! The groups that may send pings without being root (icmp(7), `ping_group_range`): ours has to be among them while
//! there is a PING_CHECK. What was there before comes back when the prober goes.

use std::fs;
use std::io;

/// The kernel's setting, of this network namespace, for both families.
const SETTING: &str = "/proc/sys/net/ipv4/ping_group_range";

/// What the setting was, once it was changed.
#[derive(Default)]
pub(super) struct PingRange {
    before: Option<String>,
}

impl PingRange {
    /// Makes the range begin with group 0, as keepalived does; false when it does already or cannot.
    pub(super) fn widen(&mut self) -> io::Result<bool> {
        let before = fs::read_to_string(SETTING)?;
        let Some(wider) = widened(&before).filter(|_| self.before.is_none()) else { return Ok(false) };
        fs::write(SETTING, wider)?;
        self.before = Some(before);
        Ok(true)
    }
}

impl Drop for PingRange {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // Nobody is left to be told.
            let _ = fs::write(SETTING, before);
        }
    }
}

/// The range from 0 on; `None` when it begins there.
fn widened(range: &str) -> Option<String> {
    let mut ends = range.split_ascii_whitespace();
    let (first, last) = (ends.next()?, ends.next()?);
    (first != "0").then(|| format!("0\t{last}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_widened_downwards_and_only_if_need_be() {
        assert_eq!(widened("1\t0\n").as_deref(), Some("0\t0\n"), "the kernel's default: nobody");
        assert_eq!(widened("100\t200\n").as_deref(), Some("0\t200\n"));
        assert_eq!(widened("0\t2147483647\n"), None);
        assert_eq!(widened(""), None);
    }
}
