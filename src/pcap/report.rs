//! `alived pcap check`: every advert, election, conflict and violation of a capture, with frame numbers.

use std::fmt::Write;
use std::time::Duration;

use super::finding::{Finding, frame_list};
use super::segment::Router;
use super::story::{Happening, Moment, Reason, Run};
use super::{Judged, Severity};

/// The report, a line for each thing.
pub fn report(judged: &Judged) -> String {
    let mut text = head(judged);
    for router in &judged.routers {
        let _ = writeln!(text, "\n{}", router.id); // writing to a string cannot fail
        // Adverts and happenings in the order of the capture.
        let mut lines: Vec<(usize, u8, String)> = Vec::new();
        for run in &router.runs {
            lines.push((run.frames[0], 1, run_line(run)));
        }
        for moment in &router.moments {
            lines.push((moment.frame, 0, moment_line(moment)));
        }
        lines.sort();
        for (_, _, line) in lines {
            let _ = writeln!(text, "  {line}");
        }
    }
    if !judged.findings.is_empty() {
        text.push('\n');
    }
    for finding in &judged.findings {
        let _ = writeln!(text, "{}", finding_line(finding));
    }
    let count = |severity| judged.findings.iter().filter(|finding| finding.severity == severity).count();
    let (violations, remarks) = (count(Severity::Violation), count(Severity::Remark));
    let _ = writeln!(text, "\n{}, {}", counted(violations, "violation"), counted(remarks, "remark"));
    text
}

/// What there is in the file.
pub(super) fn head(judged: &Judged) -> String {
    let mut text = format!(
        "{} in {}: {} of {}, {}\n",
        counted(judged.frames, "frame"),
        seconds(judged.lasted),
        counted(judged.adverts, "VRRP packet"),
        counted(judged.routers.len(), "virtual router"),
        counted(judged.announcements, "announcement"),
    );
    if judged.unread > 0 {
        let _ = writeln!(text, "{} of a link layer that is not read", counted(judged.unread, "frame"));
    }
    if judged.cut_short {
        text.push_str("the file ends in the middle of a frame\n");
    }
    text
}

/// `1 frame`, `2 frames`
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn run_line(run: &Run) -> String {
    let says = &run.says;
    let mut line = format!("{}  {} priority {}", frame_list(&run.frames), run.source, says.priority);
    let _ = write!(line, ", version {}, interval {}", says.version, seconds(says.interval));
    let mut gaps = run.gaps.clone();
    gaps.sort_unstable();
    if let [least, .., most] = gaps.as_slice() {
        let median = gaps[gaps.len() / 2];
        let _ = write!(
            line,
            "; {} adverts, {} to {} apart, median {}",
            gaps.len() + 1,
            seconds(*least),
            seconds(*most),
            seconds(median)
        );
    }
    line
}

fn moment_line(moment: &Moment) -> String {
    let place = format!("frame {} at {}", moment.frame, seconds(moment.at));
    let what = match &moment.happening {
        Happening::Appears { master } => format!("master    {master}"),
        Happening::Farewell { master } => format!("farewell  {master} leaves with priority 0"),
        Happening::Election { from, to, reason } => format!("election  {from} -> {to}: {}", reason_text(*reason)),
        Happening::Conflict { better, worse, adverts, last_frame, lasted } => format!(
            "conflict  {better} and {worse} are both master: {} of {worse} until frame {last_frame}, {}",
            counted(*adverts, "advert"),
            seconds(*lasted)
        ),
        Happening::Silence { master, lasted } => {
            format!("silence   {master} is not heard again in the {} that are left", seconds(*lasted))
        }
        Happening::Announced { master, packets, last_frame, after } => format!(
            "announced {master} in {packets} packets until frame {last_frame}, the first {} after its advert",
            seconds(*after)
        ),
    };
    format!("{what} ({place})")
}

/// Why mastership moved, measured and prescribed.
pub(super) fn reason_text(reason: Reason) -> String {
    match reason {
        Reason::Farewell { after, skew } => {
            format!("{} after the farewell, skew time {}", seconds(after), seconds(skew))
        }
        Reason::Silence { silent, prescribed } => {
            format!("silent for {}, master-down interval {}", seconds(silent), seconds(prescribed))
        }
        Reason::Better { old, new } if old == new => format!("equal priority {new}, higher address"),
        Reason::Better { old, new } => format!("priority {new} against {old}"),
        Reason::None => "without a reason".to_owned(),
    }
}

pub(super) fn finding_line(finding: &Finding) -> String {
    let mut line = format!("{}[{}]", finding.severity, finding.name);
    if let Some(router) = finding.router {
        let _ = write!(line, " {router}");
    }
    let _ = write!(line, ": {} ({}", finding.text, frame_list(&finding.frames));
    if !finding.standard.is_empty() {
        let _ = write!(line, "; {}", finding.standard);
    }
    line.push(')');
    line
}

/// A duration in seconds, to the microsecond where that says something.
pub(super) fn seconds(duration: Duration) -> String {
    let micros = duration.as_micros();
    if micros.is_multiple_of(1_000_000) {
        format!("{} s", micros / 1_000_000)
    } else if micros < 1_000_000 {
        format!("{} ms", trimmed(micros as f64 / 1e3))
    } else {
        format!("{} s", trimmed(micros as f64 / 1e6))
    }
}

/// Three decimals at most, no zeros at the end.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Every virtual router's name, for sentences.
pub(super) fn speakers(router: &Router) -> String {
    let names: Vec<String> = router.speakers().map(|speaker| speaker.to_string()).collect();
    match names.as_slice() {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
