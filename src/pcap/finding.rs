//! What is wrong, or worth knowing, in a capture.

use std::fmt;

use super::story::RouterId;

/// One kind of finding about one virtual router, with every frame that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// A stable name in kebab case.
    pub name: &'static str,
    /// Which virtual router; `None` where a packet names none.
    pub router: Option<RouterId>,
    /// What was seen.
    pub text: String,
    /// The standard's words that it is measured by: `RFC 9568 §5.1.1.3`.
    pub standard: &'static str,
    /// The frames that show it, in order.
    pub frames: Vec<usize>,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The standard forbids it, or the service suffers from it.
    Violation,
    /// Allowed, harmless or keepalived's habit, but worth knowing.
    Remark,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Violation => "violation",
            Severity::Remark => "remark",
        })
    }
}

/// Findings so far; the same one is told once, with all its frames.
#[derive(Debug, Default)]
pub(super) struct Findings(indexmap::IndexMap<(&'static str, Option<RouterId>, String), Finding>);

impl Findings {
    pub fn add(
        &mut self,
        severity: Severity,
        name: &'static str,
        router: Option<RouterId>,
        frame: usize,
        text: String,
        standard: &'static str,
    ) {
        let frames = Vec::new();
        let entry = self.0.entry((name, router, text.clone()));
        let finding = entry.or_insert_with(|| Finding { severity, name, router, text, standard, frames });
        if finding.frames.last() != Some(&frame) {
            finding.frames.push(frame);
        }
    }

    /// Violations first, then in the order of their first frame.
    pub fn into_vec(self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.0.into_values().collect();
        findings.sort_by_key(|finding| (finding.severity, finding.frames.first().copied()));
        findings
    }
}

/// Frame numbers for people: `3, 5-9`. Runs of at least three become a range; after a dozen parts the rest is counted.
pub fn frame_list(frames: &[usize]) -> String {
    const MOST: usize = 12;
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for &frame in frames {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == frame => *last = frame,
            _ => parts.push((frame, frame)),
        }
    }
    let shown = parts.iter().take(MOST).map(|&(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}-{last}"),
    });
    let text = shown.collect::<Vec<_>>().join(", ");
    let left: usize = parts.iter().skip(MOST).map(|(first, last)| last - first + 1).sum();
    let noun = if frames.len() == 1 { "frame" } else { "frames" };
    match left {
        0 => format!("{noun} {text}"),
        _ => format!("{noun} {text} and {left} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_numbers_are_written_as_ranges() {
        assert_eq!(frame_list(&[4]), "frame 4");
        assert_eq!(frame_list(&[1, 2, 4, 5, 6, 9]), "frames 1, 2, 4-6, 9");
        let odd: Vec<usize> = (0..20).map(|n| 2 * n + 1).collect();
        assert_eq!(frame_list(&odd), "frames 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23 and 8 more");
    }

    #[test]
    fn the_same_finding_is_told_once_with_all_its_frames() {
        let mut findings = Findings::default();
        for frame in [7, 7, 9] {
            findings.add(Severity::Remark, "tos", None, frame, "TOS 0".to_owned(), "");
        }
        findings.add(Severity::Violation, "ttl", None, 8, "TTL 1".to_owned(), "");
        let findings = findings.into_vec();
        assert_eq!(findings.iter().map(|finding| finding.name).collect::<Vec<_>>(), ["ttl", "tos"]);
        assert_eq!(findings[1].frames, [7, 9]);
    }
}
