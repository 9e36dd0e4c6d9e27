//! I13: a step needs the mode Act in every scope it touches.

use crate::case::Case;
use crate::objection::{Objection, hold};
use crate::step_effect::continues;
use crate::tally::Tally;
use model::aims::Mode;
use model::node::Node;
use model::plan::{Step, StepKind};
use model::{GroupName, HoldReason, Hook, NodeName, WorkloadKey};

pub(super) fn check(step: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    // Undoing leaves the cluster as it was found, so a mode that has changed meanwhile does not keep it. Opening a
    // node that has just started is no undoing.
    if let StepKind::Uncordon { node } = &step.kind
        && !opens(node, case)
    {
        return None;
    }
    if case.modes.of_cluster() == Mode::Observe {
        return observe_only("cluster".to_owned());
    }
    let (group, workload, hook) = scopes(step, case);
    if let Some(group) = group.filter(|group| case.modes.of_group(group) == Mode::Observe) {
        return observe_only(format!("group {group}"));
    }
    let watched = |workload: &WorkloadKey| case.modes.of_workload(workload) == Mode::Observe;
    if let Some(workload) = workload.filter(watched).or_else(|| held_by(step, case, watched)) {
        return observe_only(format!("workload {workload}"));
    }
    if let Some(hook) = hook.filter(|hook| case.modes.of_hook(*hook) == Mode::Observe) {
        return observe_only(format!("hook {hook}"));
    }
    None
}

/// Whether uncordoning the node takes its startup taint away, and nothing that we have set.
fn opens(node: &NodeName, case: &Case<'_>) -> bool {
    let starting = |node: &Node| node.is_starting() && !node.draining;
    case.seen.node(node).is_some_and(starting) && case.ledger.removal_of(node).is_none()
}

/// The first workload on a node that nobody may move: a drain of it could begin, and never end.
fn held_by(step: &Step, case: &Case<'_>, watched: impl Fn(&WorkloadKey) -> bool) -> Option<WorkloadKey> {
    let StepKind::Cordon { node, .. } = &step.kind else {
        return None;
    };
    if continues(step, case) || case.is_taken(node) {
        return None;
    }
    case.movable_on(node)
        .filter_map(|(_, spec)| spec.owner.clone())
        .find(|owner| watched(owner))
}

type Scopes = (Option<GroupName>, Option<WorkloadKey>, Option<Hook>);

fn scopes(step: &Step, case: &Case<'_>) -> Scopes {
    let home = |node: &NodeName| case.seen.node(node).and_then(|node| node.group.clone());
    match &step.kind {
        StepKind::ScaleWorkload { workload, .. } => (None, Some(workload.clone()), Some(Hook::Scaler)),
        StepKind::PlaceOnFargate {
            profile, workload, ..
        } => (Some(profile.clone()), workload.clone(), Some(Hook::Placement)),
        StepKind::Remake { pod, profile } => {
            let spec = case.seen.pod(pod).map(|pod| case.seen.spec(pod.spec));
            let workload = spec.and_then(|spec| spec.owner.clone());
            (Some(profile.clone()), workload, Some(Hook::Placement))
        }
        StepKind::Evict { pod, node } | StepKind::Yield { pod, node, .. } => {
            let spec = case.seen.pod(pod).map(|pod| case.seen.spec(pod.spec));
            (home(node), spec.and_then(|spec| spec.owner.clone()), None)
        }
        StepKind::Nominate { node, .. } | StepKind::Uncordon { node } | StepKind::Avoid { node, .. } => {
            (home(node), None, None)
        }
        kind => (kind.group().cloned(), None, None),
    }
}

fn observe_only(scope: String) -> Option<Objection> {
    hold(HoldReason::ObserveOnly { scope })
}
