//! Values that several fields share: lengths of time, words, addresses, paths, amounts.

use manifest::{At, Tree};
use model::{Span, UsdPerHour};
use std::path::PathBuf;
use std::str::FromStr;

/// A length of time that is at least `least`.
pub(crate) fn span(at: At<'_, '_>, default: Span, least: Span) -> Span {
    let Some(text) = at.text() else {
        return default;
    };
    match manifest::duration(text) {
        Some(span) if span >= least => span,
        Some(_) => {
            at.problem(format_args!("{text:?}: must be at least {least}"));
            default
        }
        None => {
            at.problem(format_args!(
                "{text:?}: must be a length of time, as in 10s, 5m or 1h"
            ));
            default
        }
    }
}

/// One of a few words.
pub(crate) fn word<T: Copy>(at: At<'_, '_>, words: &[(&str, T)], default: T) -> T {
    let Some(text) = at.text() else {
        return default;
    };
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return *value;
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    at.problem(format_args!("{text:?}: must be one of {}", known.join(", ")));
    default
}

/// Anything that is written as text.
pub(crate) fn parsed<T: FromStr>(at: At<'_, '_>, wanted: &str) -> Option<T> {
    let text = at.text()?;
    let value = text.parse().ok();
    if value.is_none() {
        at.problem(format_args!("{text:?}: must be {wanted}"));
    }
    value
}

/// A path that is not empty; `None` where absent.
pub(crate) fn path(at: At<'_, '_>) -> Option<PathBuf> {
    if at.is_there() {
        at.name().map(PathBuf::from)
    } else {
        None
    }
}

/// A whole number from `least` to `most`.
pub(crate) fn count(at: At<'_, '_>, default: u32, least: u32, most: u32) -> u32 {
    match at.count() {
        None => default,
        Some(n) if (least..=most).contains(&n) => n,
        Some(n) => {
            at.problem(format_args!("must be between {least} and {most}, is {n}"));
            default
        }
    }
}

/// Dollars per hour, not negative.
#[expect(clippy::cast_precision_loss, reason = "prices are far below 2^53 dollars")]
pub(crate) fn rate(at: At<'_, '_>) -> UsdPerHour {
    let dollars = match at.tree() {
        None | Some(Tree::Null) => {
            at.problem("is missing");
            return UsdPerHour::ZERO;
        }
        Some(Tree::Int(dollars)) => Some(*dollars as f64),
        Some(Tree::Float(dollars)) => Some(*dollars),
        Some(_) => None,
    };
    let rate = dollars.filter(|d| *d >= 0.0).and_then(UsdPerHour::from_dollars);
    rate.unwrap_or_else(|| {
        at.problem("must be dollars per hour, as in 0.0832");
        UsdPerHour::ZERO
    })
}
