//! Trackers: what interfaces, scripts, files, processes and BFD sessions make of an instance's priority, and when they
//! put it in FAULT. Pure.
//!
//! effective priority = the configured one plus every contribution, within 1…254; an owner (255) ignores them all
//! (keepalived.conf(5), `track_script`).

pub mod file;
pub mod process;
pub mod script;

pub use script::{Outcome, ScriptTracker, Verdict};

use crate::model::{Priority, TrackWeight};

/// What one tracked object means for one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Added to the priority; may be negative.
    Weight(i32),
    /// The instance must not be MASTER.
    Fault,
    /// The instance must wait until the script has returned once.
    Wait,
}

/// What is up or down: a positive weight counts while it is up, a negative one while it is down, `reverse` inverts the
/// sign; a weight of 0 is a condition instead.
pub fn effect(weight: TrackWeight, verdict: Verdict) -> Effect {
    let sign = if weight.reverse { -1 } else { 1 };
    let value = i32::from(weight.value());
    match (value.signum(), verdict) {
        (0, Verdict::Unknown) => Effect::Wait,
        (0, Verdict::Up) if weight.reverse => Effect::Fault,
        (0, Verdict::Down) if !weight.reverse => Effect::Fault,
        (1, Verdict::Up) | (-1, Verdict::Down) => Effect::Weight(sign * value),
        _ => Effect::Weight(0),
    }
}

/// The effective priority.
pub fn effective_priority(base: Priority, effects: impl IntoIterator<Item = Effect>) -> Priority {
    if base == Priority::OWNER {
        return base;
    }
    let total: i32 =
        effects.into_iter().map(|effect| if let Effect::Weight(weight) = effect { weight } else { 0 }).sum();
    let clamped = (i32::from(base.get()) + total).clamp(1, 254);
    Priority::new(u8::try_from(clamped).expect("clamped to 1…254"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(value: i64, reverse: bool) -> TrackWeight {
        TrackWeight::new(value, reverse).expect("in range")
    }

    #[test]
    fn a_weight_counts_on_the_side_of_its_sign() {
        let effects = |value, reverse| {
            [Verdict::Up, Verdict::Down, Verdict::Unknown].map(|verdict| effect(weight(value, reverse), verdict))
        };
        use Effect::{Fault, Wait, Weight};
        assert_eq!(effects(20, false), [Weight(20), Weight(0), Weight(0)]);
        assert_eq!(effects(-20, false), [Weight(0), Weight(-20), Weight(0)]);
        assert_eq!(effects(20, true), [Weight(-20), Weight(0), Weight(0)]);
        assert_eq!(effects(-20, true), [Weight(0), Weight(20), Weight(0)]);
        assert_eq!(effects(0, false), [Weight(0), Fault, Wait]);
        assert_eq!(effects(0, true), [Fault, Weight(0), Wait]);
    }

    #[test]
    fn the_effective_priority_stays_within_1_and_254_and_an_owner_stays_owner() {
        let effective = |base, weights: &[i32]| {
            effective_priority(Priority::new(base), weights.iter().map(|weight| Effect::Weight(*weight))).get()
        };
        assert_eq!(effective(100, &[-20, 5]), 85);
        assert_eq!(effective(100, &[-120]), 1);
        assert_eq!(effective(250, &[100]), 254);
        assert_eq!(effective(255, &[-120]), 255);
        assert_eq!(effective(100, &[-253, 253]), 100);
    }
}
