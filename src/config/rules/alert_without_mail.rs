//! `smtp_alert` without somebody to write to or a server to send by: no mail is sent.

use super::Subject;
use super::subject::{argument, is};
use crate::diagnostic::{Diagnostic, Name};
use crate::syntax::Statement;

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let missing: Vec<_> =
        ["notification_email", "smtp_server"].into_iter().filter(|keyword| !subject.has_global(keyword)).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let alerts = ["smtp_alert", "smtp_alert_vrrp", "smtp_alert_checker"];
    let is_alert = |line: &&Statement| alerts.into_iter().any(|alert| is(line, alert)) && !is_off(line);
    let instances = subject.instances.iter().flat_map(|instance| instance.body);
    let line =
        subject.globals().chain(instances).chain(subject.servers.iter().flat_map(|server| server.body)).find(is_alert);
    let diagnostic = line.map(|line| {
        let missing = missing.iter().map(|keyword| format!("'{keyword}'")).collect::<Vec<_>>().join(" and ");
        Diagnostic::remark(Name::ALERT_WITHOUT_MAIL, format!("no mail is sent without {missing}"))
            .at(line.span)
            .help("set it in global_defs")
    });
    diagnostic.into_iter().collect()
}

fn is_off(line: &Statement) -> bool {
    argument(line).is_some_and(|word| matches!(word.bytes.as_slice(), b"off" | b"false" | b"no"))
}
