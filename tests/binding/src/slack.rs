//! The slack: how much of every new node has to stay free at planning before kube-scheduler, left alone, finds room for
//! nearly everybody, and what that costs.
//!
//! Each step is a trial of its own on the real control plane. Not here: the trial.

use crate::trial::{Outcomes, Setup, Way, run};
use plimsoll_tests::Result;

/// Share of the pods that is wanted, in thousandths.
pub const WANTED: usize = 995;

/// Thousandths that are tried, in this order, until the wanted share runs.
pub const STEPS: [i64; 8] = [20, 40, 60, 80, 100, 120, 150, 200];

/// Trials with growing slack, the last of which reaches the wanted share; `on_step` hears of each.
pub async fn find(setup: &Setup, mut on_step: impl FnMut(i64, &Outcomes)) -> Result<Option<(i64, Outcomes)>> {
    for slack in STEPS {
        let way = Way::LeftAlone;
        let told = run(&Setup { slack, way, ..*setup }).await?;
        on_step(slack, &told);
        if told.permille() >= WANTED {
            return Ok(Some((slack, told)));
        }
    }
    Ok(None)
}
