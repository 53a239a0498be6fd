//! Who of two masters stays (RFC 3768 §6.4.3).

use std::cmp::Ordering;
use std::net::IpAddr;

use crate::model::Priority;

/// Greater means that the advert's sender stays master: higher priority first, then the numerically higher primary
/// address. Equal only for an advert that carries our own address.
pub fn rank(sender: (Priority, IpAddr), own: (Priority, IpAddr)) -> Ordering {
    sender.cmp(&own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(priority: u8, last_octet: u8) -> (Priority, IpAddr) {
        (Priority::new(priority), [192, 0, 2, last_octet].into())
    }

    #[test]
    fn priority_decides_and_the_address_breaks_a_tie() {
        assert_eq!(rank(router(101, 1), router(100, 9)), Ordering::Greater);
        assert_eq!(rank(router(100, 9), router(101, 1)), Ordering::Less);
        assert_eq!(rank(router(100, 2), router(100, 1)), Ordering::Greater);
        assert_eq!(rank(router(100, 1), router(100, 1)), Ordering::Equal);
    }
}
