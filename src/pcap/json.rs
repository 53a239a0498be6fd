//! `alived pcap check --output json`: the whole judgement as one JSON object, for programs. Durations are in seconds.

use serde_json::{Value, json};

use super::segment::Router;
use super::story::{Happening, Moment, Reason, RouterId, Run};
use super::{Finding, Judged};

/// Version of the layout; a member is added without changing it, none is removed.
const LAYOUT: u32 = 1;

/// The object, in several lines.
pub fn json(judged: &Judged) -> String {
    let value = json!({
        "version": LAYOUT,
        "frames": judged.frames,
        "unread_frames": judged.unread,
        "vrrp_packets": judged.adverts,
        "announcements": judged.announcements,
        "seconds": judged.lasted.as_secs_f64(),
        "cut_short": judged.cut_short,
        "routers": judged.routers.iter().map(router).collect::<Vec<_>>(),
        "findings": judged.findings.iter().map(finding).collect::<Vec<_>>(),
    });
    let mut text = serde_json::to_string_pretty(&value).expect("a value made of strings and numbers");
    text.push('\n');
    text
}

fn id(id: RouterId) -> Value {
    json!({ "vrid": id.vrid, "family": if id.ipv6 { "ipv6" } else { "ipv4" }, "vlan": id.vlan })
}

fn router(router: &Router) -> Value {
    json!({
        "router": id(router.id),
        "speakers": router.speakers().collect::<Vec<_>>(),
        "adverts": router.runs.iter().map(run).collect::<Vec<_>>(),
        "moments": router.moments.iter().map(moment).collect::<Vec<_>>(),
    })
}

fn run(run: &Run) -> Value {
    json!({
        "source": run.source,
        "destinations": run.destinations.iter().collect::<Vec<_>>(),
        "version": run.says.version,
        "priority": run.says.priority,
        "interval": run.says.interval.as_secs_f64(),
        "authentication": run.says.authentication.to_string(),
        "addresses": run.says.addresses,
        "frames": run.frames,
        "first": run.first.as_secs_f64(),
        "last": run.last.as_secs_f64(),
        "gaps": run.gaps.iter().map(std::time::Duration::as_secs_f64).collect::<Vec<_>>(),
    })
}

fn moment(moment: &Moment) -> Value {
    let what = match &moment.happening {
        Happening::Appears { master } => json!({ "kind": "master", "master": master }),
        Happening::Farewell { master } => json!({ "kind": "farewell", "master": master }),
        Happening::Election { from, to, reason } => {
            json!({ "kind": "election", "from": from, "to": to, "reason": reason_value(*reason) })
        }
        Happening::Conflict { better, worse, adverts, last_frame, lasted } => json!({
            "kind": "conflict",
            "better": better,
            "worse": worse,
            "adverts": adverts,
            "last_frame": last_frame,
            "lasted": lasted.as_secs_f64(),
        }),
        Happening::Silence { master, lasted } => {
            json!({ "kind": "silence", "master": master, "lasted": lasted.as_secs_f64() })
        }
        Happening::Announced { master, packets, last_frame, after } => json!({
            "kind": "announced",
            "master": master,
            "packets": packets,
            "last_frame": last_frame,
            "after": after.as_secs_f64(),
        }),
    };
    json!({ "frame": moment.frame, "at": moment.at.as_secs_f64(), "what": what })
}

fn reason_value(reason: Reason) -> Value {
    match reason {
        Reason::Farewell { after, skew } => {
            json!({ "kind": "farewell", "after": after.as_secs_f64(), "skew_time": skew.as_secs_f64() })
        }
        Reason::Silence { silent, prescribed } => json!({
            "kind": "silence",
            "silent": silent.as_secs_f64(),
            "master_down_interval": prescribed.as_secs_f64(),
        }),
        Reason::Better { old, new } => json!({ "kind": "better", "old_priority": old, "new_priority": new }),
        Reason::None => json!({ "kind": "none" }),
    }
}

fn finding(finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.to_string(),
        "name": finding.name,
        "router": finding.router.map(id),
        "text": finding.text,
        "standard": finding.standard,
        "frames": finding.frames,
    })
}
