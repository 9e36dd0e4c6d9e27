//! Spans of time and lags as files write them: `90s`, or `{min: 30s, max: 90s}`.
//!
//! Not here: the grammar of a span (`duration`), times of day.

use crate::duration;
use crate::sheet::At;
use model::time::{Lag, Span};

/// Nothing that a file describes takes longer.
const YEAR: Span = Span::from_secs(86_400 * 366);

impl At<'_, '_> {
    /// A span such as `90s`, `15m`, `1h30m`, `500ms`, `2d`; what is none is noted and counts as absent.
    pub fn span(self) -> Option<Span> {
        let text = self.text()?;
        let parsed = duration(text);
        if parsed.is_none() {
            self.problem("must be a span such as 500ms, 90s, 15m, 1h30m or 2d");
        }
        parsed
    }

    /// A lag: one span, or `{min, max}`; `fallback` where it is absent.
    pub fn lag(self, fallback: Lag) -> Lag {
        if !self.is_there() {
            return fallback;
        }
        if self.tree().and_then(crate::Tree::text).is_some() {
            let one = within_a_year(self, self.span().unwrap_or(fallback.min));
            return Lag { min: one, max: one };
        }
        self.only(&["min", "max"]);
        let required = |at: Self, fallback: Span| {
            if !at.is_there() {
                at.problem("is missing");
            }
            at.span().unwrap_or(fallback)
        };
        let read = Lag {
            min: required(self.get("min"), fallback.min),
            max: required(self.get("max"), fallback.max),
        };
        if read.min > read.max {
            self.get("max").problem("must not be below min");
        }
        Lag {
            min: within_a_year(self.get("min"), read.min),
            max: within_a_year(self.get("max"), read.max),
        }
    }
}

fn within_a_year(at: At<'_, '_>, span: Span) -> Span {
    if span > YEAR {
        at.problem("must be at most a year");
    }
    span.min(YEAR)
}
