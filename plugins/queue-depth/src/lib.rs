//! Scaler policy: replicas in proportion to the depth of a queue, none once it has been empty for a while.
//!
//! Workloads that are scaled on `cpu` or `memory` are not its business. Keeps since when each queue is empty: a line
//! `KIND/NAMESPACE/NAME SINCE` for each, in milliseconds since the epoch.

use plimsoll_sdk::{Replicas, Scaler, View, Workload, config, export_scaler};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// More replicas than there are.
pub const UP: u16 = 1;
/// Fewer.
pub const DOWN: u16 = 2;
/// As many.
pub const STEADY: u16 = 3;

const MOST_SECONDS: u32 = 86_400;
/// What the contract allows.
const MOST_REPLICAS: u32 = 1_000_000;
const MOST_KEPT: usize = 65_536;

/// Configuration, with its defaults.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueueDepth {
    /// Values older than this are not believed.
    max_age_seconds: u32,
    /// A queue that has been empty for so long needs nobody.
    idle_seconds: u32,
    /// Fewer by this share at most in one cycle, percent.
    most_down_percent: u32,
}

impl Default for QueueDepth {
    fn default() -> Self {
        Self {
            max_age_seconds: 120,
            idle_seconds: 300,
            most_down_percent: 50,
        }
    }
}

impl Scaler for QueueDepth {
    fn configure(json: &str) -> Result<Self, String> {
        let policy: Self = config(json)?;
        if policy.max_age_seconds > MOST_SECONDS || policy.idle_seconds > MOST_SECONDS {
            return Err("max_age_seconds, idle_seconds: at most 86400".to_owned());
        }
        if policy.most_down_percent > 100 {
            return Err("most_down_percent: 0 to 100".to_owned());
        }
        Ok(policy)
    }

    fn scale(&self, view: &View<'_>) -> Result<Replicas, String> {
        let kept = view.state();
        let empty_since = read(&kept);
        let (mut replicas, mut state) = (Replicas::default(), String::new());
        for workload in view.workloads() {
            let metric = workload.metric();
            if metric == "cpu" || metric == "memory" {
                continue;
            }
            let name = workload.name();
            let key = format!("{}/{}/{name}", workload.kind(), workload.namespace());
            let known = empty_since.get(key.as_str()).copied();
            let Some(depth) = self.depth(workload) else {
                // Nobody knows: what was known stays as it is.
                if let Some((_, line)) = known {
                    note(&mut state, line);
                }
                continue;
            };
            let wanted = if depth > 0.0 {
                at_least_one(depth / workload.target())
            } else {
                let since = known.map_or_else(|| view.now_ms(), |(since, _)| since);
                note(&mut state, &format!("{key} {since}"));
                u32::from(!self.is_idle(since, view.now_ms()))
            };
            answer(
                &mut replicas,
                workload,
                self.not_too_fast(workload.replicas(), wanted),
                depth,
            );
        }
        view.keep(what_fits(&state).as_bytes());
        Ok(replicas)
    }
}

impl QueueDepth {
    /// Messages that wait, where that is known and can be divided.
    fn depth(&self, workload: Workload<'_>) -> Option<f64> {
        let fresh = u64::from(workload.age_ms()) <= u64::from(self.max_age_seconds) * 1000;
        workload.value().filter(|_| fresh && workload.target() > 0.0)
    }

    fn is_idle(&self, since: u64, now: u64) -> bool {
        now.checked_sub(since)
            .is_some_and(|empty| empty >= u64::from(self.idle_seconds) * 1000)
    }

    fn not_too_fast(&self, replicas: u32, wanted: u32) -> u32 {
        if wanted == 0 || wanted >= replicas {
            return wanted;
        }
        let least = (u64::from(replicas) * u64::from(100 - self.most_down_percent)).div_ceil(100);
        wanted.max(u32::try_from(least).unwrap_or(replicas))
    }
}

/// Adds an answer, with words where something changes.
fn answer(replicas: &mut Replicas, workload: Workload<'_>, wanted: u32, depth: f64) {
    let now = workload.replicas();
    let code = match wanted.cmp(&now) {
        std::cmp::Ordering::Greater => UP,
        std::cmp::Ordering::Less => DOWN,
        std::cmp::Ordering::Equal => return replicas.set(workload, wanted, STEADY),
    };
    let why = format!("{}: {} waiting, {now} to {wanted}", workload.name(), whole(depth));
    replicas.set_because(workload, wanted, code, &why);
}

/// By workload: since when its queue is empty, and the line that says so. What cannot be read is nobody's.
fn read(kept: &[u8]) -> BTreeMap<&str, (u64, &str)> {
    let text = std::str::from_utf8(kept).unwrap_or_default();
    let read = |line| {
        let (key, since) = str::rsplit_once(line, ' ')?;
        let since = Some(since).filter(|since| since.bytes().all(|digit| digit.is_ascii_digit()));
        Some((key, (since?.parse().ok()?, line)))
    };
    text.split('\n').filter_map(read).collect()
}

/// The first lines of a state, as many as may be kept. A queue that is not remembered is never idle for long.
fn what_fits(state: &str) -> &str {
    let most = state.as_bytes().get(..MOST_KEPT);
    most.map_or(state, |most| {
        let lines = most
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        state.get(..lines).unwrap_or_default()
    })
}

fn note(state: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(state, "{line}");
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "within the range that is checked"
)]
fn at_least_one(replicas: f64) -> u32 {
    replicas.ceil().clamp(1.0, f64::from(MOST_REPLICAS)) as u32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "beyond the range the most is meant"
)]
fn whole(depth: f64) -> u32 {
    depth.floor() as u32
}

export_scaler!(QueueDepth);

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_sdk::testing::{self, Picture};

    fn queue(value: Option<f64>, replicas: u32) -> testing::Workload {
        testing::Workload {
            metric: "queue".to_owned(),
            target: 10.0,
            value,
            replicas,
            ..testing::Workload::default()
        }
    }

    #[test]
    fn an_empty_queue_goes_to_zero_after_a_while_only() {
        let policy = QueueDepth::configure("{}").unwrap();
        let mut state = Vec::new();
        for (minute, wanted) in [(0, 1), (4, 1), (5, 0), (6, 0)] {
            let picture = Picture::new()
                .at(minute * 60_000)
                .workload(queue(Some(0.0), 1))
                .state(&state);
            let replicas = policy.scale(&picture.view()).unwrap();
            assert_eq!(
                replicas.get(0).map(|(wanted, _)| wanted),
                Some(wanted),
                "minute {minute}"
            );
            state = picture.kept().unwrap();
        }
        assert_eq!(state, b"Deployment/default/app 0\n");
    }

    #[test]
    fn what_nobody_knows_is_left_alone() {
        let policy = QueueDepth::configure("{}").unwrap();
        let picture = Picture::new()
            .workload(queue(None, 3))
            .workload(queue(Some(95.0), 3));
        let replicas = policy.scale(&picture.view()).unwrap();
        assert_eq!((replicas.get(0), replicas.get(1)), (None, Some((10, UP))));
        assert_eq!(replicas.check(&picture.view()), Ok(()));
    }

    #[test]
    fn what_it_cannot_mean_is_refused() {
        for wrong in [
            r#"{"most_down_percent": 101}"#,
            r#"{"idle_seconds": 86401}"#,
            r#"{"idle": 1}"#,
        ] {
            assert!(QueueDepth::configure(wrong).is_err(), "{wrong}");
        }
    }
}
