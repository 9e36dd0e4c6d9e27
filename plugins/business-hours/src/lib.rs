//! Headroom policy: keeps room for pods during the hours of a timetable, so that the morning's first load waits for no
//! node.
//!
//! Hours are local by a fixed offset from UTC; daylight saving is not known here. Room is asked for from `lead_minutes`
//! before an opening on, because nodes take time to boot.

use plimsoll_sdk::{Headroom, Room, View, config, export_headroom};

/// Within the hours of an entry, or its lead.
pub const OPEN: u16 = 1;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY: i64 = 24 * 60;

/// What the contract allows: entries in one answer, and pods in all of them together.
const MOST_KINDS: usize = 256;
const MOST_PODS: u32 = 10_000;

/// Configuration.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusinessHours {
    /// Local time minus UTC, minutes.
    #[serde(default)]
    utc_offset_minutes: i64,
    /// Minutes before an opening from which room is kept.
    #[serde(default)]
    lead_minutes: i64,
    /// When to keep room for what.
    hours: Vec<Hours>,
}

/// One entry of the timetable.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Hours {
    /// `mon` to `sun`.
    days: Vec<String>,
    /// `HH:MM`.
    from: String,
    /// `HH:MM`; not after `from` means the next day.
    to: String,
    /// Pods to keep room for, and the request of each.
    pods: u32,
    cpu_milli: u32,
    memory_mib: u32,
}

impl Headroom for BusinessHours {
    fn configure(json: &str) -> Result<Self, String> {
        let policy: Self = config(json)?;
        if !(0..=DAY).contains(&policy.lead_minutes) || policy.utc_offset_minutes.abs() > DAY {
            return Err("lead_minutes must be 0 to 1440, utc_offset_minutes -1440 to 1440".to_owned());
        }
        for (n, hours) in policy.hours.iter().enumerate() {
            hours.check().map_err(|why| format!("hours[{n}]: {why}"))?;
        }
        policy.check_overlaps()?;
        Ok(policy)
    }

    fn reserve(&self, view: &View<'_>) -> Result<Room, String> {
        let minutes = i64::try_from(view.now_ms() / 60_000).unwrap_or(0) + self.utc_offset_minutes;
        // The Unix epoch was a Thursday; weeks begin on Monday here.
        let now = (minutes + 3 * DAY).rem_euclid(7 * DAY);
        let mut room = Room::default();
        for hours in &self.hours {
            if self.is_open(hours, now)? {
                room.keep(hours.pods, hours.cpu_milli, hours.memory_mib, OPEN);
            }
        }
        Ok(room)
    }
}

impl BusinessHours {
    /// Whether room is kept for an entry at this minute of the week.
    fn is_open(&self, hours: &Hours, now: i64) -> Result<bool, String> {
        Ok(hours.openings()?.into_iter().any(|(opening, length)| {
            (now - opening + self.lead_minutes).rem_euclid(7 * DAY) < length + self.lead_minutes
        }))
    }

    /// An answer that asks for too much is none, and would be found out only when the hours come. Most is asked for at
    /// the beginning of some entry's lead.
    fn check_overlaps(&self) -> Result<(), String> {
        for (n, hours) in self.hours.iter().enumerate() {
            for (opening, _) in hours.openings()? {
                let (mut kinds, mut pods) = (0, 0_u32);
                for other in &self.hours {
                    if self.is_open(other, opening - self.lead_minutes)? {
                        kinds += 1;
                        pods = pods.saturating_add(other.pods);
                    }
                }
                if pods > MOST_PODS || kinds > MOST_KINDS {
                    return Err(format!(
                        "hours[{n}]: with what is open at the same time {pods} pods of {kinds} kinds; at most \
                         {MOST_PODS} of {MOST_KINDS} are allowed"
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Hours {
    /// Whether it can be an answer once its hours come.
    fn check(&self) -> Result<(), String> {
        self.openings()?;
        if self.days.is_empty() {
            return Err("days: names none".to_owned());
        }
        if self.cpu_milli == 0 && self.memory_mib == 0 {
            return Err("cpu_milli, memory_mib: pods that ask for nothing need no room".to_owned());
        }
        if self.pods > MOST_PODS {
            return Err(format!("pods: {} are more than {MOST_PODS}", self.pods));
        }
        Ok(())
    }

    /// Minute of the week and length in minutes of each opening.
    fn openings(&self) -> Result<Vec<(i64, i64)>, String> {
        let (from, to) = (minute("from", &self.from)?, minute("to", &self.to)?);
        let length = if to > from { to - from } else { to - from + DAY };
        let opening = |name: &String| match (0..).zip(DAYS).find(|(_, day)| day == name) {
            Some((day, _)) => Ok((day * DAY + from, length)),
            None => Err(format!("days: `{name}` is none of {}", DAYS.join(", "))),
        };
        self.days.iter().map(opening).collect()
    }
}

fn minute(field: &str, text: &str) -> Result<i64, String> {
    let parts = text
        .split_once(':')
        .and_then(|(h, m)| Some((h.parse::<u8>().ok()?, m.parse::<u8>().ok()?)));
    match parts {
        Some((hour, minute)) if hour < 24 && minute < 60 => Ok(i64::from(hour) * 60 + i64::from(minute)),
        _ => Err(format!("{field}: `{text}` is no time from 00:00 to 23:59")),
    }
}

export_headroom!(BusinessHours);

#[cfg(test)]
mod tests;
