//! Values that scenarios are written in: spans, times of day, lags, amounts, shares.
//!
//! What cannot be read is noted at its place and counts as absent; reading goes on.

use crate::rng::Lag;
use crate::scenario::parts::Amount;
use manifest::sheet::At;
use manifest::quantity;
use model::Span;

const DAY: Span = Span::from_secs(86_400);

/// A span such as `90s`, `15m`, `1h30m`, `500ms`, `2d`.
pub(super) fn span(at: At<'_, '_>) -> Option<Span> {
    let text = at.text()?;
    let parsed = parse_span(text);
    if parsed.is_none() {
        at.problem("must be a span such as 500ms, 90s, 15m, 1h30m or 2d");
    }
    parsed
}

/// A span above zero, or the fallback where absent.
pub(super) fn positive(at: At<'_, '_>, fallback: Span) -> Span {
    match span(at) {
        Some(Span::ZERO) => {
            at.problem("must be above zero");
            fallback
        }
        Some(read) => read,
        None => fallback,
    }
}

/// A lag: one span, or `{min, max}`.
pub(super) fn lag(at: At<'_, '_>, fallback: Lag) -> Lag {
    if !at.is_there() {
        return fallback;
    }
    if at.tree().and_then(manifest::tree::Tree::text).is_some() {
        let one = span(at).unwrap_or(fallback.min);
        return Lag { min: one, max: one };
    }
    at.only(&["min", "max"]);
    let required = |at: At<'_, '_>, fallback: Span| {
        if !at.is_there() {
            at.problem("is missing");
        }
        span(at).unwrap_or(fallback)
    };
    let read = Lag {
        min: required(at.get("min"), fallback.min),
        max: required(at.get("max"), fallback.max),
    };
    if read.min > read.max {
        at.get("max").problem("must not be below min");
    }
    read
}

/// A time of day, `14:00`.
pub(super) fn time_of_day(at: At<'_, '_>) -> Option<Span> {
    let text = at.text()?;
    let parsed = text.split_once(':').and_then(|(hours, minutes)| {
        let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
        (hours < 24 && minutes < 60).then(|| Span::from_secs(hours * 3600 + minutes * 60))
    });
    if parsed.is_none() {
        at.problem("must be a time of day such as 14:00");
    }
    parsed
}

fn two_digits(text: &str) -> Option<i64> {
    let plain = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// CPU in millicores: a Kubernetes quantity or a whole number of cores; must not be negative.
pub(super) fn cpu_milli(at: At<'_, '_>) -> Option<i64> {
    amount(at, quantity::milli, 1000)
}

/// Bytes: a Kubernetes quantity or a whole number; must not be negative.
pub(super) fn bytes(at: At<'_, '_>) -> Option<i64> {
    amount(at, quantity::whole, 1)
}

fn amount(at: At<'_, '_>, parse: fn(&str) -> Result<i64, String>, unit: i64) -> Option<i64> {
    use manifest::tree::Tree;
    let read = match at.tree() {
        None | Some(Tree::Null) => return None,
        Some(Tree::Int(number)) => Ok(number.saturating_mul(unit)),
        Some(Tree::Float(number)) => parse(&number.to_string()),
        Some(Tree::Text(text)) => parse(text),
        Some(other) => Err(format!("must be a quantity, is {}", other.kind())),
    };
    match read {
        Ok(value) if value < 0 => {
            at.problem("must not be negative");
            None
        }
        Ok(value) => Some(value),
        Err(why) => {
            at.problem(why);
            None
        }
    }
}

/// A share such as `5%`, in thousandths.
pub(super) fn permille(at: At<'_, '_>) -> Option<u32> {
    let text = at.text()?;
    let percent = text.strip_suffix('%').and_then(|number| number.parse::<u32>().ok());
    let read = percent.filter(|percent| *percent <= 100).map(|percent| percent * 10);
    if read.is_none() {
        at.problem("must be a share from 0% to 100%");
    }
    read
}

/// A count, or a share such as `10%`.
pub(super) fn count_or_share(at: At<'_, '_>) -> Option<Amount> {
    match at.tree().and_then(manifest::tree::Tree::text) {
        Some(_) => permille(at).map(|share| Amount::Percent(share / 10)),
        None => at.count().map(Amount::Count),
    }
}

/// Digits with units, largest first or not; each unit at most once is not asked for.
fn parse_span(text: &str) -> Option<Span> {
    let mut millis = 0_i64;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at_checked(digits)?;
        let letters = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
        let (unit, tail) = tail.split_at_checked(letters)?;
        let each = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => DAY.millis(),
            _ => return None,
        };
        millis = millis.checked_add(number.parse::<i64>().ok()?.checked_mul(each)?)?;
        rest = tail;
    }
    Some(Span::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let cases = [
            ("90s", Some(90_000)),
            ("1h30m", Some(5_400_000)),
            ("500ms", Some(500)),
            ("2d", Some(172_800_000)),
            ("0s", Some(0)),
            ("", None),
            ("5", None),
            ("-5s", None),
            ("5 s", None),
            ("s", None),
            ("5x", None),
            ("9223372036854775807d", None),
            ("99999999999999999999s", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_span(text).map(Span::millis), expected, "{text:?}");
        }
    }
}
