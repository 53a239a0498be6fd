//! A `track_file`: what the number in it means (keepalived.conf(5), "Track files").

use super::Effect;
use crate::model::TrackWeight;

/// Octets of a file that are looked at; keepalived reads no more.
pub const LONGEST: usize = 127;
/// A contribution of this or less is FAULT; one above 253 counts as 253.
const FAULT: i64 = -254;
const MOST: i64 = 253;

/// The number that a file begins with, as strtol(3) reads it: after blanks, with a sign, hexadecimal after `0x`, octal
/// after `0`; 0 when there is none.
///
/// # Errors
/// A number beyond 32 bits; the value that was read before then stays.
pub fn value(content: &[u8]) -> Result<i64, OutOfRange> {
    let content = &content[..content.len().min(LONGEST)];
    let text: Vec<u8> =
        content.iter().copied().skip_while(|byte| byte.is_ascii_whitespace() || *byte == 0x0b).collect();
    let (negative, digits) = match text.as_slice() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    let (base, digits) = match digits {
        [b'0', b'x' | b'X', rest @ ..] if rest.first().is_some_and(u8::is_ascii_hexdigit) => (16, rest),
        [b'0', ..] => (8, digits),
        _ => (10, digits),
    };
    let digits = digits.iter().map_while(|byte| char::from(*byte).to_digit(base));
    let magnitude = digits.fold(0i64, |value, digit| value.saturating_mul(base.into()).saturating_add(digit.into()));
    let value = if negative { -magnitude } else { magnitude };
    // One above the largest is let through, as keepalived does.
    let range = i64::from(i32::MIN)..=i64::from(i32::MAX) + 1;
    if range.contains(&value) { Ok(value) } else { Err(OutOfRange(value)) }
}

/// A number that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} does not fit into 32 bits")]
pub struct OutOfRange(pub i64);

/// What the number means for an instance: with weight 0 it is a condition, else it is multiplied by the weight.
pub fn effect(weight: TrackWeight, value: i64) -> Effect {
    if weight.value() == 0 {
        return if (value != 0) == weight.reverse { Effect::Weight(0) } else { Effect::Fault };
    }
    let sign = if weight.reverse { -1 } else { 1 };
    match value * i64::from(weight.value()) * sign {
        ..=FAULT => Effect::Fault,
        contribution => Effect::Weight(contribution.min(MOST) as i32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_strtol_reads_it() {
        let cases: [(&[u8], i64); 12] = [
            (b"", 0),
            (b"12\n", 12),
            (b" \t-7 apples", -7),
            (b"+3", 3),
            (b"0x10", 16),
            (b"0x", 0),
            (b"010", 8),
            (b"09", 0),
            (b"apples", 0),
            (b"-", 0),
            (b"2147483648", 1 << 31),
            (b"-2147483648", -(1 << 31)),
        ];
        for (content, expected) in cases {
            assert_eq!(value(content), Ok(expected), "{}", String::from_utf8_lossy(content));
        }
        assert_eq!(value(b"2147483649"), Err(OutOfRange((1 << 31) + 1)));
        assert_eq!(value(b"99999999999999999999999"), Err(OutOfRange(i64::MAX)));
    }

    #[test]
    fn the_value_times_the_weight_moves_the_priority_and_254_below_is_a_fault() {
        let effect = |weight, reverse, value| effect(TrackWeight::new(weight, reverse).expect("in range"), value);
        assert_eq!(effect(1, false, 20), Effect::Weight(20));
        assert_eq!(effect(-2, false, 20), Effect::Weight(-40));
        assert_eq!(effect(2, true, 20), Effect::Weight(-40));
        assert_eq!(effect(1, false, -253), Effect::Weight(-253));
        assert_eq!(effect(1, false, -254), Effect::Fault);
        assert_eq!(effect(1, false, 1000), Effect::Weight(253));
        assert_eq!(effect(-254, false, i64::from(i32::MAX)), Effect::Fault);
        assert_eq!(effect(0, false, 0), Effect::Weight(0));
        assert_eq!(effect(0, false, -5), Effect::Fault);
        assert_eq!(effect(0, true, 0), Effect::Fault);
        assert_eq!(effect(0, true, 1), Effect::Weight(0));
    }
}
