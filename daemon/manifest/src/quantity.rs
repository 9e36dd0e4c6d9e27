//! Kubernetes quantities: `250m`, `1.5Gi`, `1e3`.
//!
//! Source: apimachinery `resource.ParseQuantity` and `Quantity.Value`/`MilliValue`: same syntax, rounding away
//! from zero. Beyond i64 the value saturates (upstream wraps); a sign or a point alone is refused (upstream
//! reads zero). Negative amounts parse; whoever forbids them says so.

use crate::problem::quoted;

/// Longest quantity that is read; the API server's own are a few dozen characters at most.
const MAX_LEN: usize = 1024;

/// Whole units (bytes, pods, devices), rounded up.
pub fn whole(text: &str) -> Result<i64, String> {
    parse(text).map(|quantity| narrow(quantity.scaled(0)))
}

/// Thousandths (millicores), rounded up.
pub fn milli(text: &str) -> Result<i64, String> {
    parse(text).map(|quantity| narrow(quantity.scaled(3)))
}

/// Thousandths, rounded up, of amounts that are still to be added up: what the API server keeps of a quantity.
pub(crate) fn exact_milli(text: &str) -> Result<i128, String> {
    parse(text).map(|quantity| quantity.scaled(3))
}

/// Whole units of so many thousandths, rounded up.
pub(crate) fn whole_of_milli(milli: i128) -> i64 {
    narrow(-(-milli).div_euclid(1000))
}

/// Saturates.
pub(crate) fn narrow(wide: i128) -> i64 {
    i64::try_from(wide).unwrap_or(if wide < 0 { -i64::MAX } else { i64::MAX })
}

/// digits × 10^exponent × 2^shift.
struct Quantity {
    negative: bool,
    /// Decimal digits, most significant first, without leading zeros; empty for zero.
    digits: Vec<u8>,
    exponent: i64,
    shift: u32,
}

fn parse(text: &str) -> Result<Quantity, String> {
    let wrong = |what: &str| format!("{}: {what}", quoted(text));
    if text.is_empty() {
        return Err("an empty quantity".to_owned());
    }
    if text.len() > MAX_LEN {
        return Err(wrong("too long for a quantity"));
    }
    let (negative, rest) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (before, rest) = split_digits(rest);
    let (after, rest) = match rest {
        [b'.', rest @ ..] => split_digits(rest),
        rest => (&[][..], rest),
    };
    if before.is_empty() && after.is_empty() {
        return Err(wrong("not a quantity"));
    }
    let (exponent, shift) = suffix(rest).ok_or_else(|| wrong("unknown unit"))?;
    let digits = before
        .iter()
        .chain(after)
        .map(|digit| digit - b'0')
        .skip_while(|digit| *digit == 0)
        .collect();
    let fraction = i64::try_from(after.len()).unwrap_or(i64::MAX);
    Ok(Quantity {
        negative,
        digits,
        exponent: exponent.saturating_sub(fraction),
        shift,
    })
}

fn split_digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    bytes.split_at(count)
}

/// Decimal exponent and binary shift of a unit.
fn suffix(unit: &[u8]) -> Option<(i64, u32)> {
    Some(match unit {
        b"n" => (-9, 0),
        b"u" => (-6, 0),
        b"m" => (-3, 0),
        b"" => (0, 0),
        b"k" => (3, 0),
        b"M" => (6, 0),
        b"G" => (9, 0),
        b"T" => (12, 0),
        b"P" => (15, 0),
        b"E" => (18, 0),
        b"Ki" => (0, 10),
        b"Mi" => (0, 20),
        b"Gi" => (0, 30),
        b"Ti" => (0, 40),
        b"Pi" => (0, 50),
        b"Ei" => (0, 60),
        [b'e' | b'E', number @ ..] => (decimal_exponent(number)?, 0),
        _ => return None,
    })
}

/// The number after `e`; beyond six digits only its sign matters.
fn decimal_exponent(number: &[u8]) -> Option<i64> {
    let (negative, digits) = match number {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0_i64, |sum, digit| {
        (sum * 10 + i64::from(digit - b'0')).min(1_000_000)
    });
    Some(if negative { -value } else { value })
}

impl Quantity {
    /// The amount times 10^`scale` as an integer, rounded away from zero; beyond `MOST` it stays there.
    fn scaled(mut self, scale: i64) -> i128 {
        /// Decimal places that are told apart, and an amount beyond all of them.
        const PLACES: i64 = 30;
        const MOST: i128 = 10_i128.pow(30);
        if self.digits.is_empty() {
            return 0;
        }
        while self.shift > 0 {
            self.times(1 << 10);
            self.shift = self.shift.saturating_sub(10);
        }
        // The first `places` digits stand before the point.
        let places = self
            .exponent
            .saturating_add(scale)
            .saturating_add(len(&self.digits));
        let magnitude = if places <= 0 {
            1 // something, however little, is at least one unit
        } else if places > PLACES {
            MOST
        } else {
            let places = usize::try_from(places).unwrap_or(0);
            let before = self
                .digits
                .iter()
                .copied()
                .chain(std::iter::repeat(0))
                .take(places);
            let value = before.fold(0_i128, |sum, digit| sum * 10 + i128::from(digit));
            let rest = self.digits.get(places..).unwrap_or_default();
            value + i128::from(rest.iter().any(|digit| *digit != 0))
        };
        if self.negative { -magnitude } else { magnitude }
    }

    fn times(&mut self, factor: u32) {
        let mut carry = 0_u32;
        for digit in self.digits.iter_mut().rev() {
            let product = u32::from(*digit) * factor + carry;
            *digit = u8::try_from(product % 10).unwrap_or(0);
            carry = product / 10;
        }
        while carry > 0 {
            self.digits.insert(0, u8::try_from(carry % 10).unwrap_or(0));
            carry /= 10;
        }
    }
}

fn len(digits: &[u8]) -> i64 {
    i64::try_from(digits.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
