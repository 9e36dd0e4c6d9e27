//! Numbers of rules: decimals of nine places, exact in addition, subtraction and comparison.
//!
//! The ninth place of a dollar is the nano-dollar in which the model counts money. Products and quotients are cut after
//! the ninth place. No floating point: 0.1 + 0.2 is 0.3.

/// Places after the point.
const PLACES: usize = 9;
/// Billionths in one.
const ONE: i128 = 1_000_000_000;

/// A number in billionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number(i128);

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoNumber {
    /// Divided by zero.
    ByZero,
    /// More than can be counted.
    TooLarge,
}

impl Number {
    /// Of a count.
    pub(crate) const fn of(count: i64) -> Self {
        Self(count as i128 * ONE)
    }

    /// Of thousandths.
    pub(crate) const fn of_milli(milli: i64) -> Self {
        Self(milli as i128 * (ONE / 1000))
    }

    /// Of billionths, as money has them.
    pub(crate) const fn of_nano(nano: i64) -> Self {
        Self(nano as i128)
    }

    /// As written: digits, at most nine of them after a point.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        if !plain(whole) || !plain(fraction) {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > PLACES {
            return None;
        }
        let nanos: i128 = format!("{fraction:0<PLACES$}").parse().ok()?;
        let amount = whole.parse::<i128>().ok()?.checked_mul(ONE)?.checked_add(nanos)?;
        Some(Self(if negative { -amount } else { amount }))
    }

    /// In billionths, where that many can be said.
    pub(crate) fn nano(self) -> Option<i64> {
        i64::try_from(self.0).ok()
    }

    /// In thousandths, to the nearest.
    pub(crate) fn milli(self) -> Option<i64> {
        i64::try_from((self.0 + ONE / 2000).div_euclid(ONE / 1000)).ok()
    }

    /// The next whole number that is not smaller.
    pub(crate) fn ceiling(self) -> Self {
        Self(self.0.div_euclid(ONE) * ONE + if self.0.rem_euclid(ONE) == 0 { 0 } else { ONE })
    }

    /// The next whole number that is not larger.
    pub(crate) const fn floor(self) -> Self {
        Self(self.0.div_euclid(ONE) * ONE)
    }

    /// The nearest whole number; halves go up.
    pub(crate) const fn round(self) -> Self {
        Self((self.0 + ONE / 2).div_euclid(ONE) * ONE)
    }

    /// Without its sign.
    pub(crate) const fn magnitude(self) -> Self {
        Self(self.0.abs())
    }

    /// A whole number that is not negative; what is more than that is rounded up.
    pub(crate) fn count(self) -> Option<u64> {
        u64::try_from(self.ceiling().0 / ONE).ok().filter(|_| self.0 >= 0)
    }

    pub(crate) fn plus(self, other: Self) -> Result<Self, NoNumber> {
        bounded(self.0.checked_add(other.0))
    }

    pub(crate) fn minus(self, other: Self) -> Result<Self, NoNumber> {
        bounded(self.0.checked_sub(other.0))
    }

    pub(crate) fn times(self, other: Self) -> Result<Self, NoNumber> {
        bounded(self.0.checked_mul(other.0).map(|product| product / ONE))
    }

    pub(crate) fn over(self, other: Self) -> Result<Self, NoNumber> {
        if other.0 == 0 {
            return Err(NoNumber::ByZero);
        }
        bounded(self.0.checked_mul(ONE).map(|amount| amount / other.0))
    }

    pub(crate) const fn modulo(self, other: Self) -> Result<Self, NoNumber> {
        if other.0 == 0 {
            return Err(NoNumber::ByZero);
        }
        Ok(Self(self.0 % other.0))
    }

    pub(crate) const fn negated(self) -> Self {
        Self(-self.0)
    }
}

/// Far enough from the ends that no rounding can pass them.
fn bounded(amount: Option<i128>) -> Result<Number, NoNumber> {
    let amount = amount.filter(|amount| amount.unsigned_abs() < u128::MAX / 4);
    amount.map(Number).ok_or(NoNumber::TooLarge)
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (amount, one) = (self.0.unsigned_abs(), ONE.unsigned_abs());
        if self.0 < 0 {
            f.write_str("-")?;
        }
        write!(f, "{}", amount / one)?;
        let fraction = format!("{:0PLACES$}", amount % one);
        match fraction.trim_end_matches('0') {
            "" => Ok(()),
            places => write!(f, ".{places}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn what_is_written_is_what_is_meant() {
        for (text, nano) in [
            ("0", Some(0)),
            ("-0.000000001", Some(-1)),
            ("1.5", Some(1_500_000_000)),
            ("00.10", Some(100_000_000)),
            ("0.1000000000000", Some(100_000_000)),
            ("9223372036.854775807", Some(i64::MAX)),
            ("0.0000000001", None),
            ("", None),
            (".5", None),
            ("5.", None),
            ("1e3", None),
            ("--1", None),
            ("+1", None),
            ("1_000", None),
            ("99999999999999999999999999999999", None),
        ] {
            assert_eq!(Number::parse(text).and_then(Number::nano), nano, "{text}");
        }
    }

    #[test]
    fn sums_are_exact_and_ends_are_refused() {
        assert_eq!(number("0.1").plus(number("0.2")), Ok(number("0.3")));
        assert_eq!(number("7").over(number("2")), Ok(number("3.5")));
        assert_eq!(number("1").over(number("3")), Ok(number("0.333333333")));
        assert_eq!(number("7").modulo(number("4")), Ok(number("3")));
        assert_eq!(number("1").over(number("0")), Err(NoNumber::ByZero));
        assert_eq!(number("1").modulo(number("0")), Err(NoNumber::ByZero));
        let large = Number::of(i64::MAX);
        assert_eq!(large.times(large), Err(NoNumber::TooLarge));
        assert!(large.plus(large).is_ok());
    }

    #[test]
    fn rounding_goes_where_it_is_asked_to() {
        for (text, down, near, up) in [
            ("2.5", "2", "3", "3"),
            ("2.4", "2", "2", "3"),
            ("-2.5", "-3", "-2", "-2"),
            ("3", "3", "3", "3"),
        ] {
            let it = number(text);
            assert_eq!(
                (it.floor(), it.round(), it.ceiling()),
                (number(down), number(near), number(up)),
                "{text}"
            );
        }
        assert_eq!(number("2.0001").count(), Some(3));
        assert_eq!(number("-0.1").count(), None);
        assert_eq!(number("1.2345").milli(), Some(1235));
    }

    proptest! {
        #[test]
        fn written_and_read_again(nano in any::<i64>()) {
            let it = Number::of_nano(nano);
            prop_assert_eq!(Number::parse(&it.to_string()), Some(it));
        }

        #[test]
        fn no_arithmetic_panics(a in any::<i64>(), b in any::<i64>(), c in any::<i64>()) {
            let (a, b, c) = (Number::of(a), Number::of_nano(b), Number::of_milli(c));
            for (x, y) in [(a, b), (b, c), (c, a), (a, a)] {
                let results = [x.plus(y), x.minus(y), x.times(y), x.over(y), x.modulo(y)];
                for it in results.into_iter().flatten() {
                    let _ = (it.ceiling(), it.floor(), it.round(), it.count(), it.milli(), it.negated().magnitude());
                }
            }
        }
    }
}
