//! Faults in an account's file: kinds, and the fields that each of them has.
//!
//! Not here: what they do (`faults`).

use crate::faults::{ErrorKind, Fault, FaultKind};
use manifest::At;
use model::Span;

const KINDS: &str =
    "no-capacity, never-joins, errors, answer-lost, stale, mangled, interruption, rebalance, unhealthy";

pub(super) fn fault(at: At<'_, '_>) -> Option<Fault> {
    let (own, kind) = kind(at)?;
    let known: Vec<&str> = ["kind", "at"].into_iter().chain(own.iter().copied()).collect();
    at.only(&known);
    if own.contains(&"for") && !at.get("for").is_there() {
        at.get("for").problem("is missing");
    }
    Some(Fault {
        at: at.get("at").span().unwrap_or(Span::ZERO),
        lasts: at.get("for").span().unwrap_or(Span::ZERO),
        kind,
    })
}

/// Fields that a kind of fault has beside `kind` and `at`, and what they say.
fn kind(at: At<'_, '_>) -> Option<(&'static [&'static str], FaultKind)> {
    let permille = || share(at.get("share")).unwrap_or(1000);
    Some(match at.get("kind").name()? {
        "no-capacity" => (
            &["for", "types", "zones", "spot", "but"],
            FaultKind::NoCapacity {
                types: texts(at.get("types")),
                zones: texts(at.get("zones")),
                spot: at.get("spot").is_there().then(|| at.get("spot").flag()),
                but: at.get("but").count().unwrap_or(0),
            },
        ),
        "never-joins" => (&["for", "share"], FaultKind::NeverJoins { permille: permille() }),
        "interruption" => (&["share"], FaultKind::Interruption { permille: permille() }),
        "rebalance" => (&["share"], FaultKind::Rebalance { permille: permille() }),
        "unhealthy" => (
            &["count"],
            FaultKind::Unhealthy {
                count: at.get("count").count().unwrap_or(1),
            },
        ),
        _ => return of_calls(at),
    })
}

/// The same of faults that calls meet.
fn of_calls(at: At<'_, '_>) -> Option<(&'static [&'static str], FaultKind)> {
    let calls = || texts(at.get("calls"));
    let permille = || share(at.get("share")).unwrap_or(1000);
    Some(match at.get("kind").name()? {
        "errors" => {
            let (calls, error) = (calls(), error(at.get("error")));
            let permille = permille();
            (
                &["for", "calls", "share", "error"],
                FaultKind::Errors {
                    calls,
                    permille,
                    error,
                },
            )
        }
        "answer-lost" => {
            let (calls, permille) = (calls(), permille());
            (
                &["for", "calls", "share"],
                FaultKind::AnswerLost { calls, permille },
            )
        }
        "stale" => {
            let (calls, by) = (calls(), at.get("by").span().unwrap_or(Span::from_secs(30)));
            (&["for", "calls", "by"], FaultKind::Stale { calls, by })
        }
        "mangled" => (
            &["for", "calls", "field", "value"],
            FaultKind::Mangled {
                calls: calls(),
                field: at.get("field").name().unwrap_or_default().to_owned(),
                value: at.get("value").text().map(str::to_owned),
            },
        ),
        _ => {
            at.get("kind").problem(format_args!("must be one of {KINDS}"));
            return None;
        }
    })
}

/// Names in a list.
fn texts(at: At<'_, '_>) -> Vec<String> {
    at.items()
        .filter_map(|item| item.name().map(str::to_owned))
        .collect()
}

fn error(at: At<'_, '_>) -> ErrorKind {
    match at.text() {
        None | Some("internal") => ErrorKind::Internal,
        Some("throttled") => ErrorKind::Throttled,
        Some("denied") => ErrorKind::Denied,
        Some("expired") => ErrorKind::Expired,
        Some("torn") => ErrorKind::Torn,
        Some("bloated") => ErrorKind::Bloated,
        Some("hang") => ErrorKind::Hang,
        Some(_) => {
            at.problem("must be throttled, internal, denied, expired, torn, bloated or hang");
            ErrorKind::Internal
        }
    }
}

/// `5%` in thousandths; tenths of a percent may be said.
fn share(at: At<'_, '_>) -> Option<u32> {
    let text = at.text()?;
    let read = text.strip_suffix('%').and_then(|number| {
        let (whole, tenth) = number.split_once('.').unwrap_or((number, "0"));
        let (whole, tenth) = (whole.parse::<u32>().ok()?, tenth.parse::<u32>().ok()?);
        (whole <= 100 && tenth <= 9).then(|| (whole * 10 + tenth).min(1000))
    });
    if read.is_none() {
        at.problem("must be a share from 0% to 100%, such as 2.5%");
    }
    read
}
