//! Instants and spans as numbers: milliseconds. Nobody here reads a clock.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};

/// Milliseconds since the Unix epoch, in the time of the Snapshot it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(pub i64);

/// A length of time in milliseconds; never negative when made by `Instant::since`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(i64);

impl Instant {
    /// The span from `earlier` to here; zero when `earlier` lies in the future.
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0).max(0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Whole seconds.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// In milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// In whole seconds, rounded down.
    pub const fn secs(self) -> i64 {
        self.0 / 1000
    }
}

/// A delay drawn evenly between two spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Shortest.
    pub min: Span,
    /// Longest.
    pub max: Span,
}

impl Lag {
    /// Between two numbers of seconds.
    pub const fn secs(min: i64, max: i64) -> Self {
        Self {
            min: Span::from_secs(min),
            max: Span::from_secs(max),
        }
    }
}

impl Add<Span> for Instant {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Instant {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Instant {
    /// RFC 3339 in UTC; a bare number where no calendar reaches.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(told) => write!(f, "{told}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ms if ms % 1000 != 0 && ms < 10_000 => write!(f, "{ms}ms"),
            ms if ms < 120_000 => write!(f, "{}s", ms / 1000),
            ms if ms < 7_200_000 => write!(f, "{}m{}s", ms / 60_000, ms / 1000 % 60),
            ms => write!(f, "{}h{}m", ms / 3_600_000, ms / 60_000 % 60),
        }
    }
}
