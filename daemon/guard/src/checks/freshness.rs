//! I1 and I2: what a step rests on is complete and young enough. Missing never passes; what shrinks needs
//! younger sources than what grows.

use crate::case::Case;
use crate::objection::{Objection, hold};
use crate::tally::Tally;
use model::plan::{Step, StepKind};
use model::snapshot::Freshness;
use model::{HoldReason, Source, Span, WorkloadKey};

/// Prices move slowly: growing needs some, of whatever age.
const ANY_AGE: Span = Span::from_millis(i64::MAX);

pub(super) fn check(step: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    let (shrinks, grows) = (case.limits().max_snapshot_age, case.limits().max_growth_age);
    let needs: &[(Source, Span)] = match &step.kind {
        StepKind::ScaleWorkload { from, to, workload } if to < from => &[
            (Source::Workloads, shrinks),
            (Source::Pods, shrinks),
            (measured_by(workload, case), shrinks),
        ],
        StepKind::ScaleWorkload { .. } => &[(Source::Workloads, grows)],
        StepKind::GrowGroup { .. } => &[
            (Source::Pods, grows),
            (Source::Nodes, grows),
            (Source::Groups, grows),
            (Source::Offers, ANY_AGE),
        ],
        StepKind::PlaceOnFargate { .. } => &[(Source::Pods, grows), (Source::Offers, ANY_AGE)],
        StepKind::Nominate { .. } => &[(Source::Pods, grows), (Source::Nodes, grows)],
        StepKind::Cordon { .. } | StepKind::Evict { .. } | StepKind::RemoveNode { .. } => &[
            (Source::Pods, shrinks),
            (Source::Nodes, shrinks),
            (Source::Workloads, shrinks),
            (Source::Budgets, shrinks),
            (Source::Groups, shrinks),
        ],
        StepKind::SetBounds { .. } => &[(Source::Groups, shrinks)],
        StepKind::Remake { .. } => &[
            (Source::Pods, shrinks),
            (Source::Workloads, shrinks),
            (Source::Groups, shrinks),
        ],
        StepKind::RemoveInstance { .. } => &[(Source::Nodes, shrinks), (Source::Groups, shrinks)],
        StepKind::Yield { .. } => &[(Source::Pods, shrinks), (Source::Nodes, shrinks)],
        StepKind::Avoid { on: true, .. } => &[(Source::Pods, shrinks), (Source::Nodes, shrinks)],
        StepKind::Avoid { on: false, .. } | StepKind::Uncordon { .. } => &[],
    };
    needs.iter().find_map(|(source, limit)| {
        let freshness = case.seen.freshness(*source);
        if freshness.within(*limit) {
            return None;
        }
        hold(HoldReason::StaleSource {
            source: *source,
            age: match freshness {
                Freshness::Stale { age } => Some(age),
                Freshness::Live | Freshness::Missing => None,
            },
            limit: *limit,
        })
    })
}

/// The source of the figure that a workload is held at: pod load for `cpu` and `memory`, and where nothing
/// is said; application metrics otherwise.
fn measured_by(workload: &WorkloadKey, case: &Case<'_>) -> Source {
    let aim = case.aims.scale.iter().find(|aim| aim.workload == *workload);
    match aim.map(|aim| aim.metric.as_str()) {
        None | Some("" | "cpu" | "memory") => Source::Load,
        Some(_) => Source::Metrics,
    }
}
