//! `DNS_CHECK`.

use std::fmt;

/// `DNS_CHECK { … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsCheck {
    /// `name`, default the root.
    pub name: DnsName,
    /// `type`, default SOA.
    pub kind: DnsType,
}

/// A name to ask for: labels of 1 to 63 octets, 255 octets on the wire at most (RFC 1035 §2.3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsName(Vec<Vec<u8>>);

/// Why a text is no [`DnsName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DnsNameError {
    /// Nothing stands between two dots.
    #[error("nothing stands between two dots of this name")]
    EmptyLabel,
    /// keepalived would send an invalid packet.
    #[error("a label has at most 63 octets, and a name 255")]
    TooLong,
}

impl DnsName {
    /// The root, `.`.
    pub const ROOT: DnsName = DnsName(Vec::new());

    /// Reads `www.example.org` or `www.example.org.`.
    pub fn parse(text: &[u8]) -> Result<DnsName, DnsNameError> {
        let labels = text.strip_suffix(b".").unwrap_or(text);
        if labels.is_empty() {
            return Ok(DnsName::ROOT);
        }
        let labels: Vec<Vec<u8>> = labels.split(|byte| *byte == b'.').map(<[u8]>::to_vec).collect();
        if labels.iter().any(Vec::is_empty) {
            return Err(DnsNameError::EmptyLabel);
        }
        let length: usize = labels.iter().map(|label| label.len() + 1).sum();
        if length + 1 > 255 || labels.iter().any(|label| label.len() > 63) {
            return Err(DnsNameError::TooLong);
        }
        Ok(DnsName(labels))
    }

    /// Its labels, the root's empty one left out.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.labels().try_for_each(|label| write!(f, "{}.", String::from_utf8_lossy(label)))?;
        if self.0.is_empty() { f.write_str(".") } else { Ok(()) }
    }
}

/// What is asked for; the number is the type's (RFC 1035 §3.2.2, RFC 3596, RFC 4034).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the standard's")]
pub enum DnsType {
    A = 1,
    Ns = 2,
    Cname = 5,
    Soa = 6,
    Mx = 15,
    Txt = 16,
    Aaaa = 28,
    Rrsig = 46,
    Dnskey = 48,
}

impl DnsType {
    /// Every type that keepalived can ask for, with its name.
    pub const ALL: [(&'static str, DnsType); 9] = [
        ("A", DnsType::A),
        ("NS", DnsType::Ns),
        ("CNAME", DnsType::Cname),
        ("SOA", DnsType::Soa),
        ("MX", DnsType::Mx),
        ("TXT", DnsType::Txt),
        ("AAAA", DnsType::Aaaa),
        ("RRSIG", DnsType::Rrsig),
        ("DNSKEY", DnsType::Dnskey),
    ];

    /// By name, in any case.
    pub fn new(name: &[u8]) -> Option<DnsType> {
        Self::ALL.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes())).map(|(_, kind)| kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_labels_between_its_dots() {
        let shown = |text: &[u8]| DnsName::parse(text).map(|name| name.to_string());
        assert_eq!(shown(b"www.example.org"), Ok("www.example.org.".to_owned()));
        assert_eq!(shown(b"www.example.org."), Ok("www.example.org.".to_owned()));
        assert_eq!(shown(b"."), Ok(".".to_owned()));
        for empty in [b"a..b".as_slice(), b".a", b".."] {
            assert_eq!(shown(empty), Err(DnsNameError::EmptyLabel), "{}", String::from_utf8_lossy(empty));
        }
        assert_eq!(shown(&[b'a'; 64]), Err(DnsNameError::TooLong));
        assert_eq!(shown(&b"a.".repeat(127)).map(|name| name.len()), Ok(254));
        assert_eq!(shown(&b"a.".repeat(128)), Err(DnsNameError::TooLong));
    }
}
