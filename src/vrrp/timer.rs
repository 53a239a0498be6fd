//! The two intervals a backup waits (RFC 3768 §6.1, RFC 9568 §6.1).

use std::time::Duration;

use crate::model::{AdvertInterval, DownTimerAdverts, Priority, Version};

/// `Skew_Time`: (256 − priority) / 256 seconds in version 2, that part of the interval in version 3 (RFC 9568 §6.1).
pub fn skew_time(interval: AdvertInterval, priority: Priority) -> Duration {
    let unit = match interval.version() {
        Version::V2 => Duration::from_secs(1),
        Version::V3 => interval.duration(),
    };
    unit * u32::from(256 - u16::from(priority.get())) / 256
}

/// `Master_Down_Interval`, `Active_Down_Interval`: silence after which a backup takes over, `adverts` of them missing;
/// the standards say three. In version 3 `interval` is the master's.
pub fn master_down_interval(adverts: DownTimerAdverts, interval: AdvertInterval, priority: Priority) -> Duration {
    u32::from(adverts.get()) * interval.duration() + skew_time(interval, priority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_priority_waits_less() {
        let down = |priority| {
            master_down_interval(DownTimerAdverts::default(), AdvertInterval::DEFAULT, Priority::new(priority))
        };
        assert_eq!(down(100), Duration::from_micros(3_609_375));
        assert_eq!(down(150), Duration::from_nanos(3_414_062_500));
        assert_eq!(down(255), Duration::from_nanos(3_003_906_250));
        assert!((1..=254).all(|priority| down(priority) > down(priority + 1)));
    }

    #[test]
    fn the_skew_of_version_3_shrinks_with_the_interval() {
        let interval = AdvertInterval::from_centiseconds(10).expect("in range");
        let down = master_down_interval(DownTimerAdverts::default(), interval, Priority::new(100));
        assert_eq!(down, Duration::from_nanos(360_937_500));
    }
}
