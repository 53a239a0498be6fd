//! A label that does not begin with its interface's name: ifconfig and others that go by labels do not find the address.

use super::Subject;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for instance in &subject.instances {
        for vip in &instance.vips {
            let device = vip.option("dev").or_else(|| instance.value("interface"));
            let (Some(label), Some(device)) = (vip.option("label"), device) else { continue };
            let fits = label.bytes.strip_prefix(device.bytes.as_slice());
            if fits.is_some_and(|rest| rest.is_empty() || rest.starts_with(b":")) {
                continue;
            }
            let (text, device) = (label.text(), device.text());
            let message = format!("label {text} does not begin with the interface's name, {device}");
            let diagnostic = Diagnostic::warning(Name::LABEL_WITHOUT_DEVICE, message).at(label.span);
            found.push(diagnostic.help(format!("write {device}:{text}")));
        }
    }
    found
}
