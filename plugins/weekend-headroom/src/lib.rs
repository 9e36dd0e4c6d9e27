//! Headroom policy: keeps room for pods, less of it at weekends, and more after a peak of demand.
//!
//! Days are local by a fixed offset from UTC; daylight saving and holidays are not known here.

use plimsoll_sdk::{Headroom, Room, View, config, export_headroom};

/// A day from Monday to Friday.
pub const WEEKDAY: u16 = 1;
/// Saturday or Sunday.
pub const WEEKEND: u16 = 2;
/// So many waited of late.
pub const PEAK: u16 = 3;

const DAY: i64 = 24 * 60;
/// What the contract allows.
const MOST_PODS: u32 = 10_000;

/// Configuration, with its defaults.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WeekendHeadroom {
    /// Local time minus UTC, minutes.
    utc_offset_minutes: i64,
    /// Request of one pod.
    cpu_milli: u32,
    memory_mib: u32,
    /// Pods to keep room for.
    weekday_pods: u32,
    weekend_pods: u32,
    /// This share of the highest demand of late is kept at least, percent; 0: demand is not looked at.
    peak_percent: u32,
    /// How long ago is of late.
    peak_minutes: u32,
}

impl Default for WeekendHeadroom {
    fn default() -> Self {
        Self {
            utc_offset_minutes: 0,
            cpu_milli: 500,
            memory_mib: 1024,
            weekday_pods: 10,
            weekend_pods: 2,
            peak_percent: 0,
            peak_minutes: 60,
        }
    }
}

impl Headroom for WeekendHeadroom {
    fn configure(json: &str) -> Result<Self, String> {
        let policy: Self = config(json)?;
        let checks = [
            (
                policy.utc_offset_minutes.abs() <= DAY,
                "utc_offset_minutes: -1440 to 1440",
            ),
            (
                policy.cpu_milli > 0 || policy.memory_mib > 0,
                "cpu_milli, memory_mib: not both 0",
            ),
            (policy.weekday_pods <= MOST_PODS, "weekday_pods: at most 10000"),
            (policy.weekend_pods <= MOST_PODS, "weekend_pods: at most 10000"),
            (policy.peak_percent <= 1000, "peak_percent: 0 to 1000"),
            (
                (1..=1440).contains(&policy.peak_minutes),
                "peak_minutes: 1 to 1440",
            ),
        ];
        match checks.into_iter().find(|(holds, _)| !holds) {
            Some((_, wanted)) => Err(wanted.to_owned()),
            None => Ok(policy),
        }
    }

    fn reserve(&self, view: &View<'_>) -> Result<Room, String> {
        let (mut pods, mut code) = if self.is_weekend(view.now_ms()) {
            (self.weekend_pods, WEEKEND)
        } else {
            (self.weekday_pods, WEEKDAY)
        };
        let follow = self.peak(view);
        if follow > pods {
            (pods, code) = (follow, PEAK);
        }
        let mut room = Room::default();
        if pods > 0 {
            room.keep(pods, self.cpu_milli, self.memory_mib, code);
        }
        Ok(room)
    }
}

impl WeekendHeadroom {
    fn is_weekend(&self, now_ms: u64) -> bool {
        let minutes = i64::try_from(now_ms / 60_000).unwrap_or(0) + self.utc_offset_minutes;
        // The Unix epoch was a Thursday; weeks begin on Monday here.
        (minutes.div_euclid(DAY) + 3).rem_euclid(7) >= 5
    }

    /// What recent demand asks for, at most what may be asked for.
    fn peak(&self, view: &View<'_>) -> u32 {
        let late = self.peak_minutes.saturating_mul(60_000);
        let recent = view.history().filter(|(age, _)| *age <= late);
        let peak = recent.map(|(_, waited)| waited).max().unwrap_or(0);
        let share = (u64::from(peak) * u64::from(self.peak_percent)).div_ceil(100);
        u32::try_from(share).unwrap_or(MOST_PODS).min(MOST_PODS)
    }
}

export_headroom!(WeekendHeadroom);

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_sdk::testing::Picture;

    #[test]
    fn what_it_cannot_mean_is_refused() {
        for wrong in [
            r#"{"weekday_pods": 10001}"#,
            r#"{"cpu_milli": 0, "memory_mib": 0}"#,
            r#"{"peak_minutes": 0}"#,
            r#"{"utc_offset_minutes": -1441}"#,
            r#"{"pods": 1}"#,
        ] {
            assert!(WeekendHeadroom::configure(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_answer_is_one_that_the_host_takes() {
        let policy = WeekendHeadroom::configure(r#"{"peak_percent": 1000}"#).unwrap();
        for day in 0..8 {
            let mut picture = Picture::new().at(day * 86_400_000);
            picture.history = vec![(60_000, u32::MAX - 1)];
            let room = policy.reserve(&picture.view()).unwrap();
            assert_eq!(room.check(), Ok(()));
            assert_eq!(room.kept(), [(10_000, 500, 1024, PEAK)]);
        }
    }
}
