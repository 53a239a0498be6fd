//! `SSL`: the client certificate of `SSL_GET` (`check/check_parser.c`).

use crate::config::context::Context;
use crate::config::cursor::{Line, walk_all};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::ClientCertificate;
use crate::source::Span;

use super::GlobalDraft;

/// Reads one block; a second one replaces the first, and a second line the one before.
pub(super) fn read(context: &mut Context, draft: &mut GlobalDraft, block: &Line) {
    if draft.certificate.is_some() {
        replaced(context, block.span(), "SSL context");
    }
    let mut certificate = ClientCertificate::default();
    walk_all(context, "SSL", block.body(), &mut |context, line| {
        let (place, what) = match line.keyword.name.as_str() {
            "password" => (&mut certificate.password, "SSL password"),
            "ca" => (&mut certificate.authorities, "SSL cafile"),
            "certificate" => (&mut certificate.certificate, "SSL certfile"),
            "key" => (&mut certificate.key, "SSL keyfile"),
            other => unreachable!("grammar/http_check.conf has '{other}'"),
        };
        if place.is_some() {
            replaced(context, line.span(), what);
        }
        *place = line.argument().map(|word| word.text().into_owned());
    });
    draft.certificate = Some(certificate);
}

fn replaced(context: &mut Context, span: Span, what: &str) {
    let message = format!("a second {what} replaces the first");
    context.report(
        Diagnostic::warning(Name::DUPLICATE_NAME, message)
            .at(span)
            .class(ErrorClass::General)
            .gist(format!("{what} already specified - replacing")),
    );
}
