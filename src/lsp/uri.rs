//! `file:` URIs and paths (RFC 8089). Editors percent-encode differently, so only paths are compared.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lsp_types::Uri;

/// The path; `None` for another scheme, or for a file of another machine.
pub(super) fn to_path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.as_str().strip_prefix("file://")?;
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    rest.starts_with('/').then(|| PathBuf::from(OsString::from_vec(decoded(rest.as_bytes()))))
}

/// The URI of an absolute path.
pub(super) fn from_path(path: &Path) -> Option<Uri> {
    let mut text = String::from("file://");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    Uri::from_str(&text).ok()
}

/// With `%41` read as `A`; what is no such thing stays.
fn decoded(mut text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut bytes = Vec::with_capacity(text.len());
    while let [first, rest @ ..] = text {
        match rest {
            [high, low, after @ ..] if *first == b'%' && digit(*high).is_some() && digit(*low).is_some() => {
                bytes.push(digit(*high).unwrap_or_default() << 4 | digit(*low).unwrap_or_default());
                text = after;
            }
            _ => {
                bytes.push(*first);
                text = rest;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_survives_the_way_through_a_uri() {
        for path in ["/etc/keepalived/keepalived.conf", "/tmp/a b%20c/é#?.conf"] {
            let uri = from_path(Path::new(path)).expect("a URI");
            assert_eq!(to_path(&uri), Some(PathBuf::from(path)), "{}", uri.as_str());
        }
    }

    #[test]
    fn an_editor_s_own_way_of_encoding_is_understood_and_other_schemes_are_not() {
        let path = |uri: &str| to_path(&Uri::from_str(uri).expect("a URI"));
        assert_eq!(path("file:///tmp/a%2bb%3A.conf"), Some(PathBuf::from("/tmp/a+b:.conf")));
        assert_eq!(path("untitled:one"), None);
        assert_eq!(path("file://elsewhere/tmp/a.conf"), None);
    }
}
