//! Values that scenarios are written in: times of day, amounts, shares.
//!
//! What cannot be read is noted at its place and counts as absent; reading goes on.

use crate::scenario::parts::Amount;
use manifest::{At, quantity};
use model::Span;

/// A span above zero, or the fallback where absent.
pub(super) fn positive(at: At<'_, '_>, fallback: Span) -> Span {
    match at.span() {
        Some(Span::ZERO) => {
            at.problem("must be above zero");
            fallback
        }
        Some(read) => read,
        None => fallback,
    }
}

/// A number of at most so many, as counts and amounts are.
pub(super) fn at_most<T: PartialOrd + std::fmt::Display>(at: At<'_, '_>, value: T, most: T) -> T {
    if value > most {
        at.problem(format_args!("must be at most {most}"));
        return most;
    }
    value
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
    use manifest::Tree;
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
    let percent = text
        .strip_suffix('%')
        .and_then(|number| number.parse::<u32>().ok());
    let read = percent
        .filter(|percent| *percent <= 100)
        .map(|percent| percent * 10);
    if read.is_none() {
        at.problem("must be a share from 0% to 100%");
    }
    read
}

/// A count, or a share such as `10%`.
pub(super) fn count_or_share(at: At<'_, '_>) -> Option<Amount> {
    match at.tree().and_then(manifest::Tree::text) {
        Some(_) => permille(at).map(|share| Amount::Percent(share / 10)),
        None => at.count().map(Amount::Count),
    }
}
