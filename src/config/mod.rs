//! `keepalived.conf` text → [`crate::model::Config`] and diagnostics. Opens no file itself.
