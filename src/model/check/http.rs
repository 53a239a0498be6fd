//! `HTTP_GET` and `SSL_GET`.

use std::fmt;

/// `HTTP_GET { … }` or `SSL_GET { … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpCheck {
    /// `url` blocks, in file order; never empty.
    pub urls: Vec<HttpUrl>,
    /// `virtualhost` of the checker, the real server or the virtual server: the Host header.
    pub virtual_host: Option<String>,
    /// `http_protocol`
    pub version: HttpVersion,
    /// `fast_recovery`: urls follow each other without delay while the checker is down.
    pub fast_recovery: bool,
    /// How SSL_GET behaves; of no account to HTTP_GET.
    pub tls: TlsClient,
}

/// What SSL_GET does beyond HTTP_GET.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsClient {
    /// `enable_sni`: the url's own virtual host, else this name, is sent in the handshake. `None` is off.
    pub server_name: Option<ServerName>,
    /// `tls_compliant`: the connection is closed as TLS wants it, not simply left.
    pub compliant: bool,
}

/// What the server is called in a TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerName {
    /// `sni_name`
    Fixed(String),
    /// `enable_sni`: the `virtualhost` of the url, of the checker or of the virtual server, if there is one.
    VirtualHost(Option<String>),
}

impl TlsClient {
    /// The name that is sent to the server of `url`.
    pub fn name_for<'a>(&'a self, url: &'a HttpUrl) -> Option<&'a str> {
        match self.server_name.as_ref()? {
            ServerName::Fixed(name) => Some(name),
            ServerName::VirtualHost(host) => url.virtual_host.as_deref().or(host.as_deref()),
        }
    }
}

/// `http_protocol`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpVersion {
    /// `1.0`
    #[default]
    Http10,
    /// `1.0C`: HTTP/1.0 with `Connection: close`
    Http10Close,
    /// `1.1`, with `Connection: close`
    Http11,
}

/// One `url { … }` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl {
    /// `path`
    pub path: String,
    /// `status_code`, default 200-299.
    pub status: StatusCodes,
    /// `virtualhost` of the url: goes before the checker's.
    pub virtual_host: Option<String>,
    /// `digest` of the body.
    pub digest: Option<Md5Digest>,
    /// `regex` and what belongs to it.
    pub regex: Option<Regex>,
    /// `tls_compliant` of the url.
    pub tls_compliant: bool,
}

/// An MD5 digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Md5Digest(pub [u8; 16]);

impl Md5Digest {
    /// From 32 hexadecimal digits of either case; `None` for anything else.
    pub fn from_hex(text: &[u8]) -> Option<Md5Digest> {
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let mut digest = [0; 16];
        if text.len() != 32 {
            return None;
        }
        for (octet, pair) in digest.iter_mut().zip(text.chunks_exact(2)) {
            *octet = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Md5Digest(digest))
    }
}

impl fmt::Display for Md5Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// `regex` of a url: what the answer must hold (pcre2pattern(3)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regex {
    /// The pattern, without a NUL.
    pub pattern: Vec<u8>,
    /// `regex_options`, each once, in the order of [`RegexOption::ALL`].
    pub options: Vec<RegexOption>,
    /// `regex_no_match`: the answer must not hold it.
    pub no_match: bool,
    /// `regex_min_offset`: a match may begin here at the earliest.
    pub min_offset: u64,
    /// `regex_max_offset`: and here at the latest.
    pub max_offset: Option<u64>,
    /// `regex_stack`: first and greatest size of the stack for matching, in octets, over all urls.
    pub stack: Option<(u64, u64)>,
}

/// A word of `regex_options`: PCRE2's compile options (pcre2api(3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegexOption(&'static str);

impl RegexOption {
    /// Every name that keepalived knows.
    pub const ALL: [RegexOption; 24] = [
        RegexOption("allow_empty_class"),
        RegexOption("alt_bsux"),
        RegexOption("alt_circumflex"),
        RegexOption("alt_verbnames"),
        RegexOption("auto_callout"),
        RegexOption("caseless"),
        RegexOption("dollar_endonly"),
        RegexOption("dotall"),
        RegexOption("dupnames"),
        RegexOption("extended"),
        RegexOption("firstline"),
        RegexOption("match_unset_backref"),
        RegexOption("multiline"),
        RegexOption("never_backslash_c"),
        RegexOption("never_ucp"),
        RegexOption("never_utf"),
        RegexOption("no_auto_capture"),
        RegexOption("no_auto_possess"),
        RegexOption("no_dotstar_anchor"),
        RegexOption("no_start_optimize"),
        RegexOption("ucp"),
        RegexOption("ungreedy"),
        RegexOption("use_offset_limit"),
        RegexOption("utf"),
    ];

    /// `None` when keepalived does not know the name; it then says nothing.
    pub fn new(name: &[u8]) -> Option<RegexOption> {
        Self::ALL.into_iter().find(|known| known.0.as_bytes() == name)
    }

    /// As the configuration writes it.
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// A set of HTTP status codes within 100 to 599.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusCodes(Vec<(u16, u16)>);

impl StatusCodes {
    /// An empty set.
    pub fn none() -> StatusCodes {
        StatusCodes(Vec::new())
    }

    /// Adds `first` to `last` inclusive; false, and nothing is added, when outside 100…599 or reversed.
    pub fn add(&mut self, first: u16, last: u16) -> bool {
        let valid = (100..=599).contains(&first) && (100..=599).contains(&last) && first <= last;
        if valid {
            self.0.push((first, last));
        }
        valid
    }

    /// Whether `status` is one of them.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|&(first, last)| (first..=last).contains(&status))
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for StatusCodes {
    /// 200 to 299.
    fn default() -> Self {
        StatusCodes(vec![(200, 299)])
    }
}
