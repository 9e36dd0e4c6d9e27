//! The few conversions between integers and floating point that search and bounds need.
//!
//! Money and resources stay integers everywhere else. Each function says which way it rounds.

/// As floating point; exact up to 2^53, off by one part in 2^53 above.
#[expect(clippy::cast_precision_loss, reason = "search and bounds allow for the error")]
pub const fn real(amount: i64) -> f64 {
    amount as f64
}

/// Rounded down, held within ±9·10¹⁸; not-a-number is 0.
#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped before the cast; NaN casts to 0"
)]
pub fn floor(amount: f64) -> i64 {
    amount.floor().clamp(-9.0e18, 9.0e18) as i64
}

/// A length as a count.
pub fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// `i128` into `i64`, held at the ends.
pub fn narrow(amount: i128) -> i64 {
    i64::try_from(amount).unwrap_or(if amount < 0 { i64::MIN } else { i64::MAX })
}

/// In single precision; exact below 2^24, where search keeps its amounts.
#[expect(clippy::cast_precision_loss, reason = "callers keep amounts below 2^24")]
pub const fn single(amount: i64) -> f32 {
    amount as f32
}

/// Whole units of an amount in single precision; not-a-number and what is negative are 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "amounts of search are whole and below 2^24; the cast holds at the ends"
)]
pub const fn units(amount: f32) -> u32 {
    amount as u32
}

/// A whole number of things; not-a-number and what is negative are 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast holds at the ends"
)]
pub const fn whole(amount: f64) -> u32 {
    amount as u32
}
