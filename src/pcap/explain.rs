//! `alived pcap explain`: the story of a capture in sentences, for whoever has to tell others what happened.

use std::fmt::Write;
use std::net::IpAddr;

use super::report::{head, reason_text, seconds, speakers};
use super::segment::Router;
use super::story::{Happening, Moment, Reason, Says};
use super::{Finding, Judged, Severity};

/// The story.
pub fn explain(judged: &Judged) -> String {
    let mut text = head(judged);
    for router in &judged.routers {
        let _ = write!(text, "\n{}\n\n{}\n", title(router), introduction(router)); // a string takes everything
        for moment in &router.moments {
            let _ = writeln!(text, "* {}", sentence(moment, router));
        }
        let own: Vec<&Finding> = judged.findings.iter().filter(|finding| finding.router == Some(router.id)).collect();
        remarks(&mut text, &own);
    }
    if judged.routers.is_empty() {
        text.push_str("\nNo advert of any virtual router is in this capture.\n");
        remarks(&mut text, &judged.findings.iter().collect::<Vec<_>>());
    }
    text
}

fn title(router: &Router) -> String {
    format!("## Virtual router {}", router.id.to_string().trim_start_matches("vrid "))
}

fn introduction(router: &Router) -> String {
    let Some(run) = router.runs.first() else { return String::new() };
    let Says { version, interval, addresses, authentication, .. } = &run.says;
    let addresses: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    let to = match run.destinations.first() {
        Some(destination) if destination.is_multicast() => format!("to the group {destination}"),
        _ => "to its peers by unicast".to_owned(),
    };
    format!(
        "{} speak VRRPv{version} {to}, every {}, authentication: {authentication}. The virtual addresses are {}.\n",
        speakers(router),
        seconds(*interval),
        addresses.join(", ")
    )
    .replacen(" speak ", if router.speakers().count() == 1 { " speaks " } else { " speak " }, 1)
}

fn sentence(moment: &Moment, router: &Router) -> String {
    let what = match &moment.happening {
        Happening::Appears { master } => {
            format!("{master} is heard as master{}.", with_priority(*master, moment, router))
        }
        Happening::Farewell { master } => {
            format!("{master} says farewell: an advert of priority 0 tells the others not to wait.")
        }
        Happening::Election { from, to, reason } => election(*from, *to, *reason, with_priority(*to, moment, router)),
        Happening::Conflict { better, worse, adverts, last_frame, lasted } => format!(
            "{better} and {worse} are both master for {}: {worse} sends {adverts} adverts until frame {last_frame} \
             although {better} is better. The two did not hear each other, or one refused what it heard.",
            seconds(*lasted)
        ),
        Happening::Silence { master, lasted } => format!(
            "{master} is heard for the last time. {} later the capture ends, and nobody has taken over.",
            seconds(*lasted)
        ),
        Happening::Announced { master, packets, after, .. } => format!(
            "{master} tells the network who answers for the addresses now, {} after its first advert, in {packets} packets.",
            seconds(*after)
        ),
    };
    format!("{} (frame {}): {what}", seconds(moment.at), moment.frame)
}

fn election(from: IpAddr, to: IpAddr, reason: Reason, priority: String) -> String {
    match reason {
        Reason::Farewell { .. } => format!("{to} takes over{priority}, {}.", reason_text(reason)),
        Reason::Silence { silent, prescribed } => format!(
            "{to} takes over{priority}. {from} had been silent for {}; the master-down interval of {to} is {}.",
            seconds(silent),
            seconds(prescribed)
        ),
        Reason::Better { .. } => format!("{to} takes over from {from}: {}.", reason_text(reason)),
        Reason::None => format!("{to} takes over from {from} without a reason that the standard knows."),
    }
}

/// The priority that `source` says around that moment.
fn with_priority(source: IpAddr, moment: &Moment, router: &Router) -> String {
    let run = router.runs.iter().rfind(|run| run.source == source && run.frames.contains(&moment.frame));
    run.map_or_else(String::new, |run| format!(" with priority {}", run.says.priority))
}

fn remarks(text: &mut String, findings: &[&Finding]) {
    for (severity, title) in [(Severity::Violation, "What the standards forbid"), (Severity::Remark, "Worth knowing")] {
        let of_kind: Vec<_> = findings.iter().filter(|finding| finding.severity == severity).collect();
        if of_kind.is_empty() {
            continue;
        }
        let _ = write!(text, "\n{title}:\n\n");
        for finding in of_kind {
            let frames = super::finding::frame_list(&finding.frames);
            let standard = if finding.standard.is_empty() { String::new() } else { format!("; {}", finding.standard) };
            let _ = writeln!(text, "* {} ({frames}{standard})", finding.text);
        }
    }
}
