//! How alive a stream of news is: whether it is complete, when it last gave a sign of life, whether it is broken.
//!
//! Ages are measured on the monotonic clock, which the caller reads. Not here: what the stream carries.

use model::snapshot::Freshness;
use model::time::Span;
use std::time::{Duration, Instant};

/// A stream of which nothing has been heard for so many times its rhythm is quiet.
const QUIET_TIMES: u32 = 4;

/// State of one stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Health {
    complete: bool,
    broken: bool,
    contact: Option<Instant>,
    /// When the server last said anything, be it an error: the stream is not stuck.
    heard: Option<Instant>,
    /// Signs of life come at least this often while all is well.
    rhythm: Duration,
}

impl Health {
    /// A stream that has said nothing yet.
    pub(crate) const fn unseen(rhythm: Duration) -> Self {
        Self {
            complete: false,
            broken: false,
            contact: None,
            heard: None,
            rhythm,
        }
    }

    /// A sign of life: an event, a bookmark, an accepted watch, an orderly end.
    pub(crate) fn contact(&mut self, now: Instant) {
        self.contact = Some(now);
        self.heard = Some(now);
        self.broken = false;
    }

    /// The server has answered, with whatever.
    pub(crate) const fn heard(&mut self, now: Instant) {
        self.heard = Some(now);
    }

    /// Whether nothing has been heard of it for far longer than its rhythm.
    pub(crate) fn is_quiet(&self, now: Instant) -> bool {
        let quiet = self.rhythm * QUIET_TIMES;
        self.heard
            .is_none_or(|heard| now.saturating_duration_since(heard) > quiet)
    }

    /// A first or repeated complete list has come in.
    pub(crate) fn completed(&mut self, now: Instant) {
        self.complete = true;
        self.contact(now);
    }

    /// The stream broke, or what it said can no longer be built upon; until its next sign of life it is stale.
    pub(crate) const fn broke(&mut self) {
        self.broken = true;
    }

    /// Whether a complete list has ever come in.
    pub(crate) const fn is_complete(&self) -> bool {
        self.complete
    }

    /// As a Snapshot tells it.
    pub(crate) fn freshness(&self, now: Instant) -> Freshness {
        let Some(contact) = self.contact.filter(|_| self.complete) else {
            return Freshness::Missing;
        };
        let age = now.saturating_duration_since(contact);
        if !self.broken && age <= self.rhythm {
            return Freshness::Live;
        }
        Freshness::Stale {
            age: Span::from_millis(i64::try_from(age.as_millis()).unwrap_or(i64::MAX)),
        }
    }
}

/// The worse of two.
pub(crate) fn worse(a: Freshness, b: Freshness) -> Freshness {
    match (a, b) {
        (Freshness::Missing, _) | (_, Freshness::Missing) => Freshness::Missing,
        (Freshness::Stale { age: a }, Freshness::Stale { age: b }) => Freshness::Stale { age: a.max(b) },
        (stale @ Freshness::Stale { .. }, Freshness::Live) => stale,
        (Freshness::Live, other) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_idle_stream_is_live_for_its_rhythm_and_then_counts_its_age() {
        let start = Instant::now();
        let mut health = Health::unseen(25 * SECOND);
        health.contact(start);
        let missing = health.freshness(start);
        assert_eq!(
            missing,
            Freshness::Missing,
            "contact alone is not a complete list"
        );
        health.completed(start);
        assert_eq!(health.freshness(start + 25 * SECOND), Freshness::Live);
        let age = Span::from_secs(26);
        assert_eq!(health.freshness(start + 26 * SECOND), Freshness::Stale { age });
    }

    #[test]
    fn a_broken_stream_is_stale_at_once_and_live_after_contact() {
        let start = Instant::now();
        let mut health = Health::unseen(25 * SECOND);
        health.completed(start);
        health.broke();
        let later = start + 3 * SECOND;
        let age = Span::from_secs(3);
        assert_eq!(health.freshness(later), Freshness::Stale { age });
        health.contact(later);
        assert_eq!(health.freshness(later), Freshness::Live);
    }

    #[test]
    fn an_error_is_heard_and_makes_nothing_fresh() {
        let start = Instant::now();
        let mut health = Health::unseen(25 * SECOND);
        assert!(health.is_quiet(start), "it has said nothing yet");
        health.completed(start);
        health.broke();
        let later = start + 101 * SECOND;
        assert!(health.is_quiet(later) && !health.is_quiet(start + 100 * SECOND));
        health.heard(later);
        assert!(!health.is_quiet(later));
        assert!(matches!(health.freshness(later), Freshness::Stale { .. }));
    }

    #[test]
    fn the_worst_source_speaks_for_all() {
        let stale = |secs| Freshness::Stale {
            age: Span::from_secs(secs),
        };
        assert_eq!(worse(stale(3), stale(5)), stale(5));
        assert_eq!(worse(Freshness::Live, stale(1)), stale(1));
        assert_eq!(worse(stale(1), Freshness::Missing), Freshness::Missing);
        assert_eq!(worse(Freshness::Live, Freshness::Live), Freshness::Live);
    }
}
