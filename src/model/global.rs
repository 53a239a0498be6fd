//! `global_defs`.

use std::net::SocketAddr;
use std::time::Duration;

/// What `global_defs` sets for the whole daemon.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Global {
    /// `router_id`: the name used in mails; `None` means the host's name.
    pub router_id: Option<String>,
    /// Who is told by mail, and how.
    pub email: EmailSettings,
    /// `enable_script_security`: refuse scripts that somebody else than root could change.
    pub script_security: bool,
    /// `script_user`, as `(user, group)`; `None` means `keepalived_script` if that user exists, else root.
    pub script_user: Option<(String, Option<String>)>,
}

/// `notification_email`, `notification_email_from`, `smtp_*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailSettings {
    /// `notification_email`: the recipients, in file order. No mail is sent when empty.
    pub recipients: Vec<String>,
    /// `notification_email_from`; `None` means `login@hostname`.
    pub from: Option<String>,
    /// `smtp_server`; no mail is sent when absent.
    pub server: Option<SocketAddr>,
    /// `smtp_helo_name`; `None` means the host's name.
    pub helo_name: Option<String>,
    /// `smtp_connect_timeout`, default 30 s.
    pub connect_timeout: Duration,
}

impl Default for EmailSettings {
    fn default() -> Self {
        EmailSettings {
            recipients: Vec::new(),
            from: None,
            server: None,
            helo_name: None,
            connect_timeout: Duration::from_secs(30), // keepalived.conf(5), smtp_connect_timeout
        }
    }
}
