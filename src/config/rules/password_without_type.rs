//! `auth_pass` without `auth_type`: adverts go out without authentication.

use std::collections::HashSet;

use super::Subject;
use super::subject::is;
use crate::config::lower::InstanceDraft;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let types =
        subject.instances.iter().filter(|instance| instance.lines("authentication").any(|line| is(line, "auth_type")));
    let typed: HashSet<_> = types.map(|instance| instance.name.as_ref()).collect();
    let untyped = |instance: &&InstanceDraft| !typed.contains(instance.name.value.as_str());
    let instances = subject.draft.instances.iter().filter(untyped);
    let passwords = instances.filter_map(|instance| Some((instance, instance.auth_pass.as_ref()?)));
    let diagnostics = passwords.map(|(instance, password)| {
        let message = format!("{}: 'auth_pass' has no effect without 'auth_type'", instance.name.value);
        Diagnostic::warning(Name::PASSWORD_WITHOUT_TYPE, message).at(password.span).help("add 'auth_type PASS'")
    });
    diagnostics.collect()
}
