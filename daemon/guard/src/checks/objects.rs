//! I21: every object a step names is in the Snapshot as the step says, belongs to us, and is in the scope
//! that the operator gave.

use crate::case::Case;
use crate::evidence::SCALE_ANNOTATION;
use crate::objection::{Objection, strike};
use crate::tally::Tally;
use model::StrikeReason;
use model::group::{Bounds, Group, GroupKind, Instance};
use model::node::Node;
use model::plan::{Step, StepKind};
use model::pod::{PodPhase, deletion_level};
use model::provisioned::PROFILE_LABEL;
use model::workload::Workload;
use model::{GroupName, InstanceId, NodeName, OfferId, PodKey, WorkloadKey};

pub(super) fn check(step: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    let wrong = match &step.kind {
        StepKind::ScaleWorkload { workload, .. } => of_workload(workload, case),
        StepKind::GrowGroup { group, offer, .. } => sold_by(group, offer, case),
        StepKind::SetBounds { group, from, to } => match case.seen.group(group) {
            Some(group) if group.bounds() == *from => {
                let aim = case.aims.bounds.get(&group.name);
                let asked = aim.is_some_and(|aim| is_towards(aim.over(*from), *from, *to));
                foreign(!asked || !group.has_bounds() || !in_scope(group, case))
            }
            _ => Some(StrikeReason::UnknownObject),
        },
        StepKind::PlaceOnFargate { profile, offer, .. } => match case.seen.group(profile) {
            Some(group) if group.kind != GroupKind::FargateProfile => Some(StrikeReason::Foreign),
            _ => sold_by(profile, offer, case),
        },
        // A nominated node may be one that is still on its way.
        StepKind::Nominate { pod, .. } => unknown(case.seen.pod(pod).is_none()),
        // A deletion cost that somebody else has set stays as it is, and we set none but our own.
        StepKind::Yield { pod, node, cost } => match case.seen.pod(pod) {
            Some(pod) if pod.node.as_ref() == Some(node) => {
                foreign(deletion_level(pod.deletion_cost).is_none() || deletion_level(*cost).is_none())
            }
            _ => Some(StrikeReason::UnknownObject),
        },
        // Taking our own taint away is right wherever it is.
        StepKind::Avoid { node, on } => match case.seen.node(node) {
            None => Some(StrikeReason::UnknownObject),
            Some(seen) if *on => foreign(seen.fargate || !home_in_scope(seen, case)),
            Some(seen) => foreign(!seen.emptying()),
        },
        StepKind::Cordon {
            node,
            group,
            instance,
            ..
        }
        | StepKind::RemoveNode {
            node,
            group,
            instance,
        } => of_node(node, group, instance, case),
        StepKind::RemoveInstance { group, instance } => of_instance(group, instance, case),
        StepKind::Evict { pod, node } => match case.seen.pod(pod) {
            Some(pod) if pod.node.as_ref() == Some(node) => unknown(case.seen.node(node).is_none()),
            _ => Some(StrikeReason::UnknownObject),
        },
        StepKind::Remake { pod, profile } => of_waiting(pod, profile, case),
        // Only what Plimsoll itself has cordoned is uncordoned, and what registered closed for it to open.
        StepKind::Uncordon { node } => match case.seen.node(node) {
            None => Some(StrikeReason::UnknownObject),
            Some(seen) if !seen.draining && !seen.is_starting() && case.ledger.removal_of(node).is_none() => {
                Some(StrikeReason::Foreign)
            }
            Some(_) => None,
        },
    };
    wrong.and_then(strike)
}

fn of_workload(key: &WorkloadKey, case: &Case<'_>) -> Option<StrikeReason> {
    let Some(workload) = case.seen.workloads.iter().find(|w| w.key == *key) else {
        return Some(StrikeReason::UnknownObject);
    };
    let named = case.aims.scale.iter().any(|aim| aim.workload == *key);
    foreign(!named && !annotated(workload))
}

fn annotated(workload: &Workload) -> bool {
    workload
        .annotations
        .get(SCALE_ANNOTATION)
        .is_some_and(|value| value != "false")
}

fn sold_by(name: &GroupName, offer: &OfferId, case: &Case<'_>) -> Option<StrikeReason> {
    let (Some(group), Some(offer)) = (case.seen.group(name), case.offer(offer)) else {
        return Some(StrikeReason::UnknownObject);
    };
    let seller = case.seen.groups.get(offer.group as usize);
    if seller.is_none_or(|seller| seller.name != *name) {
        return Some(StrikeReason::UnknownObject);
    }
    foreign(!in_scope(group, case))
}

/// Whether bounds lie between those that are there and those that are wanted.
fn is_towards(wanted: Bounds, from: Bounds, to: Bounds) -> bool {
    let between = |a: u32, b: u32, x: u32| (a.min(b)..=a.max(b)).contains(&x);
    between(from.min, wanted.min, to.min) && between(from.max, wanted.max, to.max)
}

fn of_node(
    name: &NodeName,
    group: &GroupName,
    instance: &InstanceId,
    case: &Case<'_>,
) -> Option<StrikeReason> {
    let (Some(node), Some(home)) = (case.seen.node(name), case.seen.group(group)) else {
        return Some(StrikeReason::UnknownObject);
    };
    let very = node
        .instance
        .as_ref()
        .map_or_else(|| instance.as_str() == name.as_str(), |id| id == instance);
    if !very {
        return Some(StrikeReason::UnknownObject);
    }
    foreign(node.group.as_ref() != Some(group) || node.fargate || !in_scope(home, case))
}

/// An instance that its group lists and that is capacity.
fn of_instance(group: &GroupName, instance: &InstanceId, case: &Case<'_>) -> Option<StrikeReason> {
    let Some(home) = case.seen.group(group) else {
        return Some(StrikeReason::UnknownObject);
    };
    let listed = |listed: &Instance| listed.id == *instance && listed.is_capacity();
    if !home.instances.iter().any(listed) {
        return Some(StrikeReason::UnknownObject);
    }
    foreign(!in_scope(home, case))
}

/// A pod that waits, in a namespace where the aims let such pods go, for a profile that is ours to use.
fn of_waiting(pod: &PodKey, profile: &GroupName, case: &Case<'_>) -> Option<StrikeReason> {
    let (Some(pod), Some(profile)) = (case.seen.pod(pod), case.seen.group(profile)) else {
        return Some(StrikeReason::UnknownObject);
    };
    if pod.node.is_some() || pod.phase != PodPhase::Pending {
        return Some(StrikeReason::UnknownObject);
    }
    let taken = case.seen.spec(pod.spec).labels.contains_key(PROFILE_LABEL);
    foreign(
        taken
            || profile.kind != GroupKind::FargateProfile
            || !in_scope(profile, case)
            || !case.aims.moves_to_fargate(&pod.key.namespace),
    )
}

fn home_in_scope(node: &Node, case: &Case<'_>) -> bool {
    let home = node.group.as_ref().and_then(|group| case.seen.group(group));
    home.is_some_and(|home| in_scope(home, case))
}

/// Groups that somebody else owns, or that the aims do not name, are left alone.
fn in_scope(group: &Group, case: &Case<'_>) -> bool {
    group.foreign.is_none() && (case.aims.groups.is_empty() || case.aims.groups.contains(&group.name))
}

const fn unknown(is: bool) -> Option<StrikeReason> {
    if is {
        Some(StrikeReason::UnknownObject)
    } else {
        None
    }
}

const fn foreign(is: bool) -> Option<StrikeReason> {
    if is { Some(StrikeReason::Foreign) } else { None }
}
