//! The two intervals a backup waits (RFC 3768 §6.1).

use std::time::Duration;

use crate::model::{AdvertInterval, Priority};

/// How many advert intervals of silence mean that the master is gone; keepalived's `down_timer_adverts`.
const DOWN_TIMER_ADVERTS: u32 = 3;

/// `Skew_Time` of version 2: (256 − priority) / 256 seconds, whatever the interval.
pub fn skew_time(priority: Priority) -> Duration {
    Duration::from_micros(u64::from(256 - u16::from(priority.get())) * 1_000_000 / 256)
}

/// `Master_Down_Interval`: silence after which a backup takes over.
pub fn master_down_interval(interval: AdvertInterval, priority: Priority) -> Duration {
    DOWN_TIMER_ADVERTS * interval.duration() + skew_time(priority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_priority_waits_less() {
        let down = |priority| master_down_interval(AdvertInterval::DEFAULT, Priority::new(priority));
        assert_eq!(down(100), Duration::from_micros(3_609_375));
        assert_eq!(down(150), Duration::from_micros(3_414_062));
        assert_eq!(down(255), Duration::from_micros(3_003_906));
        assert!((1..=254).all(|priority| down(priority) > down(priority + 1)));
    }
}
