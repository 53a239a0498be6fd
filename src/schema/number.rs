//! Decimal fractions as keepalived reads them: digits, a point, digits; no sign, no exponent, no unit.

/// Microseconds in a second.
pub const MICROS: u128 = 1_000_000;

/// A decimal fraction scaled to a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// In units of ten to the minus `places` that were asked for, rounded.
    pub scaled: u128,
    /// It had more places than that.
    pub too_many_places: bool,
}

impl Decimal {
    /// Reads all of `text`; `None` when it is anything but a decimal fraction.
    pub fn parse(text: &[u8], places: usize) -> Option<Decimal> {
        let mut parts = text.splitn(2, |byte| *byte == b'.');
        let (whole, fraction) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let is_number = !(whole.is_empty() && fraction.is_empty());
        let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
        if !is_number || !digits(whole) || !digits(fraction) || whole.len() > 25 {
            return None;
        }
        let (kept, rest) = fraction.split_at(fraction.len().min(places));
        let padding = std::iter::repeat_n(b'0', places - kept.len());
        let scaled = whole.iter().chain(kept).copied().chain(padding);
        let scaled = scaled.fold(0u128, |sum, digit| sum * 10 + u128::from(digit - b'0'));
        let round_up = rest.first().is_some_and(|digit| *digit >= b'5');
        Some(Decimal { scaled: scaled + u128::from(round_up), too_many_places: !rest.is_empty() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> Option<(u128, bool)> {
        Decimal::parse(text.as_bytes(), 6).map(|decimal| (decimal.scaled, decimal.too_many_places))
    }

    #[test]
    fn a_fraction_is_scaled_to_its_places() {
        assert_eq!(micros("1"), Some((1_000_000, false)));
        assert_eq!(micros("0.255"), Some((255_000, false)));
        assert_eq!(micros("1.0000004"), Some((1_000_000, true)));
        assert_eq!(micros("1.0000005"), Some((1_000_001, true)));
    }

    #[test]
    fn a_sign_a_unit_or_nothing_is_no_number() {
        for text in ["", ".", "-1", "+1", "1s", "1e3", "1.2.3", "0x1"] {
            assert_eq!(micros(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_of_absurd_length_is_no_number() {
        assert_eq!(micros(&"9".repeat(4000)), None);
    }
}
