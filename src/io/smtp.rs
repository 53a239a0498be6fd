//! Hands one mail to an SMTP server: the connection under [`crate::notify::smtp`].

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::notify::mail::Mail;
use crate::notify::smtp::{Dialogue, SmtpError, Step};

/// Why a mail was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The connection could not be made, broke or was too slow.
    #[error("SMTP server {server}")]
    Connection {
        /// Where to.
        server: SocketAddr,
        /// What went wrong.
        source: io::Error,
    },
    /// The server did not take the mail.
    #[error("SMTP server {server}")]
    Dialogue {
        /// Which one.
        server: SocketAddr,
        /// What it said.
        source: SmtpError,
    },
}

/// Delivers `mail`, whose date is the RFC 5322 date-time `date`. The mail's timeout bounds the connection and each
/// reply.
pub async fn send(mail: Mail, date: String) -> Result<(), SendError> {
    let server = mail.server;
    let connection = |source| SendError::Connection { server, source };
    let limit = mail.timeout;
    let within = |error: tokio::time::error::Elapsed| connection(error.into());
    let mut stream = timeout(limit, TcpStream::connect(server)).await.map_err(within)?.map_err(connection)?;
    let mut dialogue = Dialogue::new(mail, date);
    let mut buffer = [0; 1024];
    loop {
        let read = timeout(limit, stream.read(&mut buffer)).await.map_err(within)?.map_err(connection)?;
        if read == 0 {
            return Err(connection(io::ErrorKind::UnexpectedEof.into()));
        }
        let step = dialogue.received(&buffer[..read]).map_err(|source| SendError::Dialogue { server, source })?;
        match step {
            Step::Read => {}
            Step::Send(bytes) => {
                timeout(limit, stream.write_all(&bytes)).await.map_err(within)?.map_err(connection)?;
            }
            Step::Delivered(bytes) => {
                // The mail is taken; a server that does not wait for the farewell is none the worse for it.
                let _ = timeout(limit, stream.write_all(&bytes)).await;
                return Ok(());
            }
        }
    }
}
