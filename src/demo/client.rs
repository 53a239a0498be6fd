//! What the client lived through: who answered, how often nobody did, and the longest time without an answer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How often the screen hears of answers.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// The client's experience.
#[derive(Debug, Default)]
pub struct Experience {
    /// Requests answered.
    pub answered: u32,
    /// Requests not answered.
    pub unanswered: u32,
    /// Longest time between two answers since [`Experience::forget_gap`].
    pub longest_gap: Duration,
    last_answer: Option<Instant>,
    failing: bool,
    untold: BTreeMap<String, u32>,
    told_at: Option<Instant>,
}

impl Experience {
    /// An answer of `server`; returns what there is to tell.
    pub fn answer(&mut self, at: Instant, server: &str) -> Option<String> {
        let gap = self.last_answer.map(|last| at.saturating_duration_since(last)).unwrap_or_default();
        self.answered += 1;
        self.longest_gap = self.longest_gap.max(gap);
        self.last_answer = Some(at);
        *self.untold.entry(server.to_owned()).or_default() += 1;
        if std::mem::take(&mut self.failing) && gap > Duration::ZERO {
            self.told_at = Some(at);
            return Some(format!("answered again, by {server}, {:.2} s after the last answer", gap.as_secs_f64()));
        }
        let due = self.told_at.is_none_or(|told| at.saturating_duration_since(told) >= TELL_EVERY);
        due.then(|| {
            self.told_at = Some(at);
            let servers: Vec<String> =
                std::mem::take(&mut self.untold).iter().map(|(server, count)| format!("{server} x {count}")).collect();
            format!("answers: {}", servers.join(", "))
        })
    }

    /// No answer; returns what there is to tell.
    pub fn no_answer(&mut self, reason: &str) -> Option<String> {
        // Before the first answer there is nobody who could have given one.
        self.last_answer?;
        self.unanswered += 1;
        (!std::mem::replace(&mut self.failing, true)).then(|| format!("no answer: {reason}"))
    }

    /// The longest gap is counted anew from now on.
    pub fn forget_gap(&mut self) {
        self.longest_gap = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_gap_is_between_answers() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut client = Experience::default();
        assert_eq!(client.no_answer("nobody there"), None);
        assert_eq!(client.answer(at(0), "web 1").as_deref(), Some("answers: web 1 x 1"));
        assert_eq!(client.answer(at(100), "web 2"), None);
        assert_eq!(client.no_answer("timed out").as_deref(), Some("no answer: timed out"));
        assert_eq!(client.no_answer("timed out"), None);
        let told = client.answer(at(3800), "web 1");
        assert_eq!(told.as_deref(), Some("answered again, by web 1, 3.70 s after the last answer"));
        assert_eq!((client.answered, client.unanswered, client.longest_gap), (3, 2, Duration::from_millis(3700)));
        client.forget_gap();
        client.answer(at(3900), "web 2");
        assert_eq!(client.longest_gap, Duration::from_millis(100));
    }
}
