//! How large a cluster has been, and the limits that follow from it where the operator has said nothing: what is right for
//! a thousand nodes would let ten become a thousand.
//!
//! Not here: when a reading is taken and kept (`guard`), and which aims name a limit (`manifest`).

use crate::limits::Limits;
use crate::money::UsdPerHour;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};

/// How large a cluster is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterSize {
    /// Nodes, without Fargate's.
    pub nodes: u32,
    /// What it costs at most, Fargate included.
    pub rate: UsdPerHour,
}

/// The smallest size that was seen from an instant on, for as long as one reading lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeReading {
    /// Since when.
    pub since: Instant,
    /// How large.
    pub size: ClusterSize,
}

/// Readings of about a week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeHistory {
    /// When the last one was looked after.
    pub sampled: Instant,
    /// Oldest first.
    pub readings: Vec<SizeReading>,
}

impl SizeHistory {
    /// A size is the cluster's own once it has stood for so long, and a day has gone by since: what a faulty plan buys
    /// within an hour is no reason for it to buy four times as much in the next.
    pub const STANDS: Span = Span::from_secs(2 * 3600);
    const DAY: Span = Span::from_secs(24 * 3600);
    /// Long enough for the peak of a week.
    const KEPT: Span = Span::from_secs(8 * 24 * 3600);
    /// Readings are looked after this often.
    const RHYTHM: Span = Span::from_secs(600);

    /// Whether it is time for another look.
    pub fn is_due(&self, now: Instant) -> bool {
        self.readings.is_empty() || now.since(self.sampled) >= Self::RHYTHM
    }

    /// Notes how large the cluster is. The first size of all counts at once: there is nothing else to go by.
    pub fn note(&mut self, now: Instant, size: ClusterSize) {
        self.sampled = now;
        let since = Instant(now.0 - now.0.rem_euclid(Self::STANDS.millis()));
        match self.readings.last_mut() {
            None => {
                let since = since - Self::DAY - Self::STANDS;
                self.readings.push(SizeReading { since, size });
            }
            Some(last) if last.since >= since => {
                last.size.nodes = last.size.nodes.min(size.nodes);
                last.size.rate = last.size.rate.min(size.rate);
            }
            Some(_) => self.readings.push(SizeReading { since, size }),
        }
        // One that counts is always kept: a daemon that was away for a month is not a new one.
        let counting = self
            .readings
            .iter()
            .rposition(|reading| Self::counts(reading, now))
            .unwrap_or(0);
        let mut place = 0;
        self.readings.retain(|reading| {
            place += 1;
            place > counting || now.since(reading.since) <= Self::KEPT
        });
    }

    /// The largest size of the week that has stood, as of a day ago; `None` while nothing was seen.
    pub fn usual(&self, now: Instant) -> Option<ClusterSize> {
        let counting = self.readings.iter().filter(|reading| Self::counts(reading, now));
        let counting: Vec<ClusterSize> = counting.map(|reading| reading.size).collect();
        Some(ClusterSize {
            nodes: counting.iter().map(|size| size.nodes).max()?,
            rate: counting.iter().map(|size| size.rate).max()?,
        })
    }

    fn counts(reading: &SizeReading, now: Instant) -> bool {
        now.0.saturating_sub(reading.since.0) >= (Self::STANDS.millis() + Self::DAY.millis())
    }
}

/// Limits that follow from the size of the cluster where the aims do not name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizedLimit {
    /// Four times its nodes, at least 40.
    MaxNodes,
    /// Four times what it costs, at least $20 an hour.
    MaxRate,
    /// A tenth of its nodes, at least 5.
    BoughtPerWindow,
    /// A tenth of what it costs, at least $5 an hour.
    AddedPerWindow,
    /// A tenth of its nodes, at least 3.
    RemovalsAtOnce,
    /// Ten times its nodes, at least 100.
    EvictionsPerWindow,
    /// Ten times its nodes, at least 100.
    ScaledDownPerWindow,
}

impl SizedLimit {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::MaxNodes,
        Self::MaxRate,
        Self::BoughtPerWindow,
        Self::AddedPerWindow,
        Self::RemovalsAtOnce,
        Self::EvictionsPerWindow,
        Self::ScaledDownPerWindow,
    ];

    /// Its name in the aims.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MaxNodes => "max_nodes",
            Self::MaxRate => "max_rate",
            Self::BoughtPerWindow => "bought_per_window",
            Self::AddedPerWindow => "added_per_window",
            Self::RemovalsAtOnce => "removals_at_once",
            Self::EvictionsPerWindow => "evictions_per_window",
            Self::ScaledDownPerWindow => "scaled_down_per_window",
        }
    }
}

impl ClusterSize {
    fn nodes(self, times: u32, part: u32, least: u32) -> u32 {
        (self.nodes.saturating_mul(times) / part).max(least)
    }

    fn rate(self, per_mille: i64, least: i64) -> UsdPerHour {
        let least = UsdPerHour(least.saturating_mul(1_000_000_000));
        self.rate.scaled(per_mille).max(least)
    }
}

impl Limits {
    /// The limits of a cluster of this size: those that the operator has not named are no looser than the size has it, and
    /// never looser than they stand here.
    #[must_use]
    pub fn of_size(&self, size: ClusterSize) -> Self {
        let mut limits = self.clone();
        for limit in &self.by_size {
            match limit {
                SizedLimit::MaxNodes => limits.max_nodes = limits.max_nodes.min(size.nodes(4, 1, 40)),
                SizedLimit::MaxRate => limits.max_rate = limits.max_rate.min(size.rate(4000, 20)),
                SizedLimit::BoughtPerWindow => {
                    limits.bought_per_window = limits.bought_per_window.min(size.nodes(1, 10, 5));
                }
                SizedLimit::AddedPerWindow => {
                    limits.added_per_window = limits.added_per_window.min(size.rate(100, 5));
                }
                SizedLimit::RemovalsAtOnce => {
                    limits.removals_at_once = limits.removals_at_once.min(size.nodes(1, 10, 3));
                }
                SizedLimit::EvictionsPerWindow => {
                    limits.evictions_per_window = limits.evictions_per_window.min(size.nodes(10, 1, 100));
                }
                SizedLimit::ScaledDownPerWindow => {
                    let most = size.nodes(10, 1, 100);
                    limits.scaled_down_per_window =
                        limits.scaled_down_per_window.map(|limit| limit.min(most));
                }
            }
        }
        limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const MONDAY: i64 = 20_000 * 24 * HOUR;

    fn size(nodes: u32) -> ClusterSize {
        let rate = UsdPerHour(i64::from(nodes) * 200_000_000);
        ClusterSize { nodes, rate }
    }

    fn usual(history: &SizeHistory, hour: i64) -> u32 {
        history
            .usual(Instant(MONDAY + hour * HOUR))
            .map_or(0, |size| size.nodes)
    }

    #[test]
    fn limits_follow_the_size_between_a_floor_and_what_stands_there() {
        let of = |nodes| Limits::default().of_size(size(nodes));
        let figures = |nodes| {
            let limits = of(nodes);
            let dollars = |rate: UsdPerHour| rate.0 / 1_000_000_000;
            (
                (limits.max_nodes, dollars(limits.max_rate)),
                (limits.bought_per_window, dollars(limits.added_per_window)),
                (limits.removals_at_once, limits.evictions_per_window),
                limits.scaled_down_per_window,
            )
        };
        assert_eq!(figures(0), ((40, 20), (5, 5), (3, 100), Some(100)));
        assert_eq!(figures(10), ((40, 20), (5, 5), (3, 100), Some(100)));
        assert_eq!(figures(70), ((280, 56), (7, 5), (7, 700), Some(700)));
        assert_eq!(figures(1000), ((1000, 500), (100, 20), (10, 1000), Some(1000)));
        assert_eq!(figures(u32::MAX).0.0, 1000);
        // Those that are named stay, and none is loosened.
        let named = Limits {
            by_size: [SizedLimit::MaxRate].into(),
            ..Limits::default()
        };
        assert_eq!(named.of_size(size(10)).max_nodes, 1000);
        let tight = Limits {
            max_nodes: 7,
            ..Limits::default()
        };
        assert_eq!(tight.of_size(size(10)).max_nodes, 7);
        let twice = of(70).of_size(size(900));
        assert_eq!(twice, of(70), "what was worked out once is not loosened again");
    }

    #[test]
    fn a_size_counts_once_it_has_stood_for_two_hours_and_is_a_day_old() {
        let mut history = SizeHistory::default();
        assert_eq!(history.usual(Instant(MONDAY)), None);
        history.note(Instant(MONDAY), size(10));
        assert_eq!(usual(&history, 0), 10, "the first of all counts at once");
        // A peak of one hour never counts, one of six hours does from the next day on.
        for minutes in 1..60 * 48 {
            let hour = minutes / 60;
            let nodes = match hour {
                3 => 400,
                8..14 => 60,
                _ => 12,
            };
            history.note(Instant(MONDAY + minutes * 60_000), size(nodes));
            let now = usual(&history, hour);
            assert!(now <= if hour < 34 { 12 } else { 60 }, "{now} at {hour}");
        }
        assert_eq!(usual(&history, 35), 60);
        assert!(history.readings.len() < 30, "one every two hours");
    }

    #[test]
    fn a_week_is_kept_and_of_an_older_history_what_counts() {
        let mut history = SizeHistory::default();
        history.note(Instant(MONDAY), size(500));
        for hour in 1..24 * 10 {
            history.note(Instant(MONDAY + hour * HOUR), size(20));
        }
        assert_eq!(usual(&history, 24 * 10), 20, "the first one is forgotten");
        assert!(history.readings.len() <= 98, "{}", history.readings.len());
        history.note(Instant(MONDAY + 24 * 90 * HOUR), size(3000));
        assert_eq!(usual(&history, 24 * 90), 20, "months away, and no new cluster");
        // A clock that goes back changes nothing but the smallest size.
        history.note(Instant(MONDAY), size(4000));
        assert_eq!(usual(&history, 24 * 92), 3000);
    }
}
