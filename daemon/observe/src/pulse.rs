//! Whether a watch is stuck so that only a restart helps: nothing has been heard of it for ten minutes, while most others
//! were heard of all the time.
//!
//! Where most are silent, the API server or the way to it is at fault, and a restart would mend nothing; where the server
//! answers with errors, it was heard. Silence counts only while somebody looks, so that an outage that has just ended is
//! not held against those that come back last. Not here: freshness, which says what may be built upon (`health.rs`).

use crate::cluster::Cluster;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A watch is stuck after so much silence among others that speak.
const STUCK: Duration = Duration::from_mins(10);
/// Looks that are further apart than this say nothing about the time between them.
const GAP: Duration = Duration::from_mins(1);

/// The watches of some eyes.
pub struct Pulse {
    cluster: Arc<Cluster>,
    silences: Mutex<Silences>,
}

impl Pulse {
    pub(crate) fn of(cluster: Arc<Cluster>) -> Self {
        Self {
            cluster,
            silences: Mutex::default(),
        }
    }

    /// Looks once; what is stuck, where something is. To be asked several times a minute.
    pub fn stuck(&self) -> Option<String> {
        let now = Instant::now();
        let pulses = self.cluster.pulses(now);
        let mut silences = self.silences.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, silent) = silences.look(now, &pulses)?;
        let seconds = silent.as_secs();
        let why =
            format!("nothing has been heard of the watch of {name} for {seconds} s, while others go on");
        tracing::error!(%why, "stuck");
        Some(why)
    }
}

/// Since when each has been silent while most others were not.
#[derive(Default)]
struct Silences {
    looked: Option<Instant>,
    since: BTreeMap<&'static str, Instant>,
}

impl Silences {
    fn look(&mut self, now: Instant, pulses: &[(&'static str, bool)]) -> Option<(&'static str, Duration)> {
        let recently = |last| now.saturating_duration_since(last) <= GAP;
        let followed = self.looked.is_some_and(recently);
        self.looked = Some(now);
        let quiet = pulses.iter().filter(|(_, quiet)| *quiet).count();
        if !followed || quiet * 2 >= pulses.len() {
            self.since.clear();
            return None;
        }
        for (name, quiet) in pulses {
            if *quiet {
                self.since.entry(name).or_insert(now);
            } else {
                self.since.remove(name);
            }
        }
        let (name, since) = self.since.iter().min_by_key(|(_, since)| **since)?;
        let silent = now.saturating_duration_since(*since);
        (silent > STUCK).then_some((*name, silent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [&str; 5] = ["Pod", "Node", "Job", "StorageClass", "Deployment"];

    /// Minutes of looks, every ten seconds; which were quiet in each. What was stuck at the end, and since when.
    fn looks(minutes: &[&[&str]]) -> Option<&'static str> {
        let mut silences = Silences::default();
        let (mut now, mut stuck) = (Instant::now(), None);
        for quiet in minutes {
            for _ in 0..6 {
                now += Duration::from_secs(10);
                let pulses = KINDS.map(|kind| (kind, quiet.contains(&kind)));
                stuck = silences.look(now, &pulses).map(|(name, _)| name);
            }
        }
        stuck
    }

    #[test]
    fn one_that_is_silent_among_others_is_stuck() {
        let one: &[&str] = &["Job"];
        assert_eq!(looks(&[one; 10]), None, "a long list, a slow server");
        assert_eq!(looks(&[one; 11]), Some("Job"));
        let two: &[&str] = &["Job", "Node"];
        assert_eq!(looks(&[&[two; 5][..], &[one; 6][..]].concat()), Some("Job"));
    }

    /// An API server that is down must not make the daemon restart in a loop.
    #[test]
    fn all_that_are_silent_at_once_are_the_servers_fault() {
        assert_eq!(looks(&[&KINDS[..]; 600]), None);
        assert_eq!(looks(&[&KINDS[..3]; 600]), None, "most of them");
        // It comes back, and one of them is slow at it.
        let back: &[&str] = &["Job"];
        assert_eq!(looks(&[&[&KINDS[..]; 600][..], &[back; 10][..]].concat()), None);
        assert_eq!(
            looks(&[&[&KINDS[..]; 600][..], &[back; 10][..], &[&[][..]; 1][..]].concat()),
            None
        );
    }

    #[test]
    fn a_sign_of_life_begins_the_count_anew_and_so_does_a_gap() {
        let one: &[&str] = &["Job"];
        assert_eq!(
            looks(&[&[one; 9][..], &[&[][..]; 1][..], &[one; 9][..]].concat()),
            None
        );
        let mut silences = Silences::default();
        let start = Instant::now();
        let quiet = KINDS.map(|kind| (kind, kind == "Job"));
        for minutes in [0, 11, 22] {
            assert_eq!(silences.look(start + Duration::from_mins(minutes), &quiet), None);
        }
    }
}
