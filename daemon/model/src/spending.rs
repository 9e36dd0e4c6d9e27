//! What a cluster has cost since the calendar month began, in UTC as AWS bills it, and what it will have cost at its end.
//!
//! A forecast from what runs, not a bill: discounts, storage and traffic are not in it. Not here: when it is noted, and
//! what is held for it (`guard`).

use crate::money::{Usd, UsdPerHour};
use crate::time::{Instant, Span};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// What was spent in the month of `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// Until when.
    pub at: Instant,
    /// Since the month began.
    pub spent: Usd,
}

impl Spending {
    /// It is noted this often, and when a month begins.
    const RHYTHM: Span = Span::from_secs(600);

    /// Whether it is time to note it.
    pub fn is_due(known: Option<Self>, now: Instant) -> bool {
        known.is_none_or(|known| now.since(known.at) >= Self::RHYTHM || known.at < month(now).0)
    }

    /// What the month will have cost, if from now on the cluster costs this much and until now it has cost as much as `rate`
    /// since the last note.
    pub fn forecast(known: Option<Self>, now: Instant, (rate, then): (UsdPerHour, UsdPerHour)) -> Usd {
        let (_, end) = month(now);
        Self::noted(known, now, rate).spent + then.over(end.since(now))
    }

    /// What the cluster may cost from now on, so that the month comes to no more than this, if it has cost `rate` since the
    /// last note.
    pub fn most(known: Option<Self>, now: Instant, (rate, budget): (UsdPerHour, Usd)) -> UsdPerHour {
        let (_, end) = month(now);
        let unspent = Usd(budget
            .0
            .saturating_sub(Self::noted(known, now, rate).spent.0)
            .max(0));
        unspent.per_hour(end.since(now))
    }

    /// What was spent until now, if since the last note the cluster has cost this much. So has what was before the first
    /// note of the month: nobody knows better.
    pub fn noted(known: Option<Self>, now: Instant, rate: UsdPerHour) -> Self {
        let (begin, _) = month(now);
        let (at, spent) = match known {
            Some(known) if known.at >= begin => (known.at, known.spent),
            _ => (begin, Usd::default()),
        };
        Self {
            at: now.max(at),
            spent: spent + rate.over(now.since(at)),
        }
    }
}

/// From when to when the month of an instant lasts; of one that no calendar knows, 31 days.
fn month(now: Instant) -> (Instant, Instant) {
    let known = || {
        let day = Timestamp::from_millisecond(now.0)
            .ok()?
            .to_zoned(TimeZone::UTC)
            .date();
        let first = day.first_of_month();
        let at = |day: Date| {
            Some(Instant(
                day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond(),
            ))
        };
        Some((at(first)?, at(first.checked_add(1.month()).ok()?)?))
    };
    known().unwrap_or_else(|| (now, Instant(now.0.saturating_add(31 * 24 * 3_600_000))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(text: &str) -> Instant {
        Instant(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn dollars(count: i64) -> UsdPerHour {
        UsdPerHour(count * 1_000_000_000)
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        for (now, begin, end) in [
            (
                "2026-02-28T23:59:59.999Z",
                "2026-02-01T00:00:00Z",
                "2026-03-01T00:00:00Z",
            ),
            (
                "2026-12-01T00:00:00Z",
                "2026-12-01T00:00:00Z",
                "2027-01-01T00:00:00Z",
            ),
            (
                "2028-02-29T12:00:00Z",
                "2028-02-01T00:00:00Z",
                "2028-03-01T00:00:00Z",
            ),
        ] {
            assert_eq!(month(at(now)), (at(begin), at(end)));
        }
        let far = Instant(i64::MAX);
        assert_eq!(month(far), (far, far), "of no calendar, and no panic");
    }

    /// As whoever keeps it does.
    fn note(known: &mut Option<Spending>, now: Instant, rate: UsdPerHour) -> bool {
        let due = Spending::is_due(*known, now);
        if due {
            *known = Some(Spending::noted(*known, now, rate));
        }
        due
    }

    #[test]
    fn what_was_spent_is_added_up_until_the_month_ends() {
        let mut known = None;
        let day = at("2026-11-02T00:00:00Z");
        assert!(note(&mut known, day, dollars(2)));
        // Nobody knows of the first day: it is taken to have been like this.
        assert_eq!(known.unwrap().spent, dollars(48).over(Span::from_secs(3600)));
        assert!(
            !note(&mut known, Instant(day.0 + HOUR / 10), dollars(9)),
            "not yet"
        );
        assert!(note(&mut known, Instant(day.0 + 10 * HOUR), dollars(3)));
        assert_eq!(known.unwrap().spent, dollars(78).over(Span::from_secs(3600)));
        // 28 days and 14 hours are left of November.
        let rates = (dollars(3), dollars(1));
        let forecast = Spending::forecast(known, Instant(day.0 + 10 * HOUR), rates);
        assert_eq!(forecast, dollars(78 + 28 * 24 + 14).over(Span::from_secs(3600)));
        let next = at("2026-12-01T00:01:00Z");
        assert!(note(&mut known, next, dollars(60)), "a month begins");
        assert_eq!(known.unwrap().spent, dollars(1).over(Span::from_secs(3600)));
        // What may be spent until the month ends comes to the budget, and a cent an hour more does not.
        let budget = dollars(90_000).over(Span::from_secs(3600));
        let most = Spending::most(known, next, (dollars(60), budget));
        let comes_to = |rate| Spending::forecast(known, next, (dollars(60), rate));
        assert!(comes_to(most) <= budget && comes_to(most + UsdPerHour(10_000_000)) > budget);
        let nothing = Spending::most(known, next, (dollars(60), Usd(0)));
        assert_eq!(nothing, UsdPerHour(0));
        // A clock that goes back spends nothing, and nothing comes back.
        let spent = known.unwrap().spent;
        assert!(!note(&mut known, Instant(next.0 - 1000), dollars(60)));
        assert_eq!(known.unwrap().spent, spent);
    }
}
