//! `auth_pass` without `auth_type`: adverts go out without authentication.

use super::Subject;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let instances = subject.draft.instances.iter().filter(|instance| instance.auth_type.is_none());
    let passwords = instances.filter_map(|instance| Some((instance, instance.auth_pass.as_ref()?)));
    let diagnostics = passwords.map(|(instance, password)| {
        let message = format!("{}: 'auth_pass' has no effect without 'auth_type'", instance.name.value);
        Diagnostic::warning(Name::PASSWORD_WITHOUT_TYPE, message).at(password.span).help("add 'auth_type PASS'")
    });
    diagnostics.collect()
}
