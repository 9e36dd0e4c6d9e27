//! Notebooks that nobody uses go to zero, by the CPU that they use: a line `KIND/NAMESPACE/NAME SINCE` is kept for each that is
//! idle. What is missing or old is not idle, and nothing is ever started here: that is for whoever opens the notebook.

use crate::{KeepGpuForMl, MINUTE, NOTEBOOK_IDLE};
use plimsoll_sdk::{Replicas, View};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Values older than this are not believed, milliseconds.
const MOST_AGE: u32 = 120_000;
/// Room for lines; the host takes 65,536 bytes.
const MOST_KEPT: usize = 60_000;

pub(crate) fn scale(policy: &KeepGpuForMl, view: &View<'_>) -> Replicas {
    let mut replicas = Replicas::default();
    if policy.idle_minutes == 0 {
        return replicas;
    }
    let (state, now) = (view.state(), view.now_ms());
    let before = String::from_utf8_lossy(&state);
    let before: BTreeMap<&str, u64> = before
        .lines()
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(key, at)| Some((key, at.parse().ok()?)))
        .collect();
    let mut kept = String::new();
    let notebooks = view
        .workloads()
        .filter(|workload| !workload.label(&policy.notebook_label).is_empty() && workload.replicas() > 0);
    for notebook in notebooks {
        let used = notebook.value().filter(|_| {
            notebook.metric() == "cpu"
                && notebook.age_ms() <= MOST_AGE
                && notebook.pods() >= notebook.replicas()
        });
        if used.is_none_or(|milli| milli >= f64::from(policy.idle_cpu_milli)) {
            continue;
        }
        let key = format!("{}/{}/{}", notebook.kind(), notebook.namespace(), notebook.name());
        let since = before.get(key.as_str()).copied().unwrap_or(now);
        let minutes = now.saturating_sub(since) / MINUTE;
        if minutes >= u64::from(policy.idle_minutes) {
            let why = format!("nobody has used it for {minutes} minutes");
            replicas.set_because(notebook, 0, NOTEBOOK_IDLE, &why);
        }
        if kept.len() + key.len() < MOST_KEPT {
            let _ = writeln!(kept, "{key} {since}");
        }
    }
    view.keep(kept.as_bytes());
    replicas
}
