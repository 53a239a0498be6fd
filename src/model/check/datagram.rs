//! `UDP_CHECK`.

/// `UDP_CHECK { … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UdpCheck {
    /// `payload`; without one a text of 32 octets is sent.
    pub payload: Option<Vec<u8>>,
    /// `require_reply`: silence is a failure, and this is the reply to come. Without it silence is success.
    pub reply: Option<ReplyPattern>,
}

/// What a reply must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyPattern {
    /// The octets compared with as much of the reply as there is, each with the bits that do not matter (`x`). Empty:
    /// any reply will do, of any length.
    pub octets: Vec<(u8, u8)>,
    /// `min_reply_length`, default 0.
    pub min_length: u16,
    /// `max_reply_length`, default 255.
    pub max_length: u16,
}

impl ReplyPattern {
    /// Whether `reply` is one.
    pub fn matches(&self, reply: &[u8]) -> bool {
        let length = usize::from(self.min_length)..=usize::from(self.max_length);
        let same = |(octet, (wanted, ignored)): (&u8, &(u8, u8))| (octet ^ wanted) & !ignored == 0;
        self.octets.is_empty() || length.contains(&reply.len()) && reply.iter().zip(&self.octets).all(same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_compared_over_the_shorter_of_both_and_has_to_be_of_the_length() {
        let pattern = |octets: &[(u8, u8)]| ReplyPattern { octets: octets.to_vec(), min_length: 2, max_length: 3 };
        assert!(pattern(&[(0x12, 0), (0x30, 0x0f)]).matches(&[0x12, 0x3c, 0xff]));
        assert!(pattern(&[(1, 0), (2, 0), (3, 0)]).matches(&[1, 2]));
        assert!(!pattern(&[(0x12, 0), (0x30, 0x0f)]).matches(&[0x12, 0x4c]));
        assert!(!pattern(&[(1, 0)]).matches(&[1]), "too short");
        assert!(!pattern(&[(1, 0)]).matches(&[1, 1, 1, 1]), "too long");
        assert!(pattern(&[]).matches(&[]), "lengths matter only with a pattern");
    }
}
