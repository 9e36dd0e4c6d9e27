//! Money as integers: nano-dollars, and nano-dollars per hour.
//!
//! No floating point: sums of prices add up to the cent whatever their order.

use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

const NANO: i64 = 1_000_000_000;
const MILLIS_PER_HOUR: i128 = 3_600_000;

/// A rate in nano-dollars per hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UsdPerHour(pub i64);

/// An amount in nano-dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usd(pub i64);

impl UsdPerHour {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From dollars per hour as written in price lists; `None` unless finite and within ±9·10⁹.
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        nanos(dollars).map(Self)
    }

    /// Dollars per hour, for reading and for search heuristics; never summed.
    #[expect(
        clippy::cast_precision_loss,
        reason = "prices are far below 2^53 nano-dollars"
    )]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / NANO as f64
    }

    /// What this rate costs over a span.
    #[expect(clippy::cast_possible_truncation, reason = "clamped to i64 first")]
    pub fn over(self, span: Span) -> Usd {
        let nanos = i128::from(self.0) * i128::from(span.millis()) / MILLIS_PER_HOUR;
        Usd(nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// The rate of `count` equal things.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)))
    }

    /// The rate times a factor in thousandths.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "clamped to i64 first")]
    pub fn scaled(self, per_mille: i64) -> Self {
        let nanos = i128::from(self.0) * i128::from(per_mille) / 1000;
        Self(nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }
}

impl Usd {
    /// The rate at which this is spent within a span, rounded down; the largest there is where there is no time left.
    #[expect(clippy::cast_possible_truncation, reason = "clamped to i64 first")]
    pub fn per_hour(self, span: Span) -> UsdPerHour {
        let nanos = (i128::from(self.0) * MILLIS_PER_HOUR).checked_div(i128::from(span.millis()));
        let nanos = nanos.unwrap_or_else(|| i128::from(i64::MAX));
        UsdPerHour(nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// Dollars, for reading.
    #[expect(clippy::cast_precision_loss, reason = "for reading only")]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / NANO as f64
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the range is checked"
)]
fn nanos(dollars: f64) -> Option<i64> {
    let nanos = (dollars * NANO as f64).round();
    (nanos.is_finite() && nanos.abs() < i64::MAX as f64).then_some(nanos as i64)
}

macro_rules! sums {
    ($name:ident) => {
        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }
        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }
        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                items.fold(Self(0), |sum, item| sum + item)
            }
        }
    };
}
sums!(UsdPerHour);
sums!(Usd);

impl fmt::Display for UsdPerHour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${:.4}/h", self.dollars())
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${:.2}", self.dollars())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_over_time() {
        let price = UsdPerHour::from_dollars(0.1728).unwrap();
        assert_eq!(price.over(Span::from_secs(3600)), Usd(172_800_000));
        assert_eq!(price.over(Span::from_secs(60)), Usd(2_880_000));
    }

    #[test]
    fn nonsense_is_no_price() {
        assert_eq!(UsdPerHour::from_dollars(f64::NAN), None);
        assert_eq!(UsdPerHour::from_dollars(1e30), None);
    }
}
