//! Names of network interfaces.

use std::fmt;

/// The name of a network interface: 1 to 15 bytes, no `/`, no white space (`dev_valid_name` in linux/net/core/dev.c).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceName(String);

impl InterfaceName {
    /// `None` when the kernel would refuse the name.
    pub fn new(name: &str) -> Option<InterfaceName> {
        let valid = !name.is_empty()
            && name.len() < 16 // IFNAMSIZ with its NUL
            && name != "."
            && name != ".."
            && !name.contains(|c: char| c == '/' || c == ':' || c.is_ascii_whitespace() || c == '\0');
        valid.then(|| InterfaceName(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
