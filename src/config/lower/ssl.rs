//! `SSL`: the certificate that SSL_GET shows. A second block replaces the first.

use crate::config::context::Context;
use crate::config::cursor::{Line, walk};
use crate::model::check::TlsFiles;

/// Reads one block.
pub(super) fn read(context: &mut Context, block: &Line) -> TlsFiles {
    let mut files = TlsFiles::default();
    walk(context, "SSL", block.body(), &mut |_, line| {
        let field = match line.keyword.name.as_str() {
            "certificate" => &mut files.certificate,
            "key" => &mut files.key,
            "password" => &mut files.password,
            "ca" => &mut files.authorities,
            other => unreachable!("grammar/http_check.conf calls '{other}' effective"),
        };
        *field = line.argument().map(|word| word.text().into_owned());
    });
    files
}
