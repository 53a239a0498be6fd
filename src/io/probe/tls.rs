//! TLS for SSL_GET: the library is opened, and its files are read, when the first check needs them.

use socket2::Socket;

use crate::io::sys::tls::{Context, Session};
use crate::model::ClientCertificate;
use crate::model::check::{HttpCheck, HttpUrl};

/// What all checks over TLS have in common.
pub(super) struct Tls {
    files: ClientCertificate,
    /// `None` before it is needed; an error is why there is none.
    context: Option<Result<Context, String>>,
}

impl Tls {
    pub(super) fn new(files: ClientCertificate) -> Tls {
        Tls { files, context: None }
    }

    /// Our end of a connection; why there is none.
    pub(super) fn session(&mut self, socket: Socket, check: &HttpCheck, url: &HttpUrl) -> Result<Session, String> {
        let context = self.context.get_or_insert_with(|| context(&self.files)).as_ref().map_err(Clone::clone)?;
        let is_quiet = !check.tls.compliant && !url.tls_compliant;
        context.session(socket, check.tls.name_for(url), is_quiet)
    }
}

fn context(files: &ClientCertificate) -> Result<Context, String> {
    let ClientCertificate { certificate, key, password, authorities } = files;
    let mut context = Context::new()?;
    if let Some(certificate) = certificate {
        context.use_certificate(certificate)?;
    }
    if let Some(key) = key {
        context.use_key(key, password.as_deref())?;
    }
    if let Some(authorities) = authorities {
        context.trust(authorities)?;
    }
    Ok(context)
}
