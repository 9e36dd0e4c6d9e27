//! Cycles, their steps, refusals and policy calls.

use super::{count, fitting, tag, workload_ref};
use crate::limits;
use logbook::CycleRecord;
use model::plan::{Cost, PlannedNode, StepKind};
use model::{Notes, Outcome, Plan, PodKey, PolicyCall, Refusal, Snapshot, Step, StepId, Verdict};
use proto::v1;
use std::collections::BTreeMap;

/// Bytes of a policy's state that are shown.
const STATE_SHOWN: usize = 1024;

/// A cycle in full.
pub(crate) fn cycle(record: &CycleRecord) -> v1::Cycle {
    let verdicts: BTreeMap<StepId, &Verdict> = record.verdicts.iter().map(|(id, v)| (*id, v)).collect();
    let outcomes: BTreeMap<StepId, &Outcome> = record.outcomes.iter().map(|(id, o)| (*id, o)).collect();
    let steps = record.plan.steps.iter().map(|planned| {
        let mut message = step(planned);
        message.verdict = verdicts.get(&planned.id).map(|v| verdict(v));
        message.outcome = outcomes.get(&planned.id).map(|o| outcome(o));
        message
    });
    v1::Cycle {
        steps: fitting(steps, limits::STEPS_BYTES),
        refusals: refusals(&record.plan),
        calls: calls(&record.notes),
        nodes: planned_nodes(&record.plan, &record.snapshot),
        ..cycle_head(record)
    }
}

/// A cycle without its lists.
pub(crate) fn cycle_head(record: &CycleRecord) -> v1::Cycle {
    let by = |kind: fn(&Verdict) -> bool| count(record.verdicts.iter().filter(|(_, v)| kind(v)).count());
    v1::Cycle {
        number: record.cycle,
        at_millis: record.at.0,
        cost: Some(cost(&record.plan.cost)),
        pending: record.plan.pending,
        cleared: by(|v| matches!(v, Verdict::Cleared)),
        held: by(|v| matches!(v, Verdict::Held(_))),
        struck: by(|v| matches!(v, Verdict::Struck(_))),
        refusal_count: count(record.plan.refusals.len()),
        fault_count: faults(&record.notes),
        step_count: count(record.plan.steps.len()),
        planned_node_count: count(record.plan.nodes.len()),
        call_count: count(record.notes.calls.len()),
        node_count: count(record.snapshot.nodes.len()),
        pod_count: count(record.snapshot.pods.len()),
        running_rate_nanos: record.notes.running_rate.0,
        took_millis: i64::try_from(record.took_ms).ok(),
        trouble: record
            .trouble
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        loosened: record.loosened.iter().map(ToString::to_string).collect(),
        ..v1::Cycle::default()
    }
}

/// Policy calls that ended in a fault.
pub(crate) fn faults(notes: &Notes) -> u32 {
    count(notes.calls.iter().filter(|call| call.answer.is_err()).count())
}

pub(crate) fn cost(cost: &Cost) -> v1::Cost {
    v1::Cost {
        rate_nanos: cost.rate.0,
        bound_nanos: cost.bound.0,
        policy_rate_nanos: cost.policy_rate.0,
        policy_bound_nanos: cost.policy_bound.0,
        gap_percent: cost.gap_percent(),
    }
}

/// A step as it was planned: verdict and outcome are the cycle's to add.
pub(crate) fn step(step: &Step) -> v1::Step {
    let mut message = v1::Step {
        id: step.id.to_string(),
        kind: step.kind.name().to_owned(),
        what: step.kind.to_string(),
        reason_code: tag(&step.reason),
        reason: step.reason.to_string(),
        intent: step.intent.as_ref().map(ToString::to_string).unwrap_or_default(),
        group: step.kind.group().map(ToString::to_string).unwrap_or_default(),
        node: step.kind.node().map(ToString::to_string).unwrap_or_default(),
        ..v1::Step::default()
    };
    match &step.kind {
        StepKind::ScaleWorkload { workload, from, to } => {
            message.workload = Some(workload_ref(workload));
            (message.from, message.to) = (Some(*from), Some(*to));
        }
        StepKind::GrowGroup {
            offer,
            from,
            to,
            pods,
            rate,
            ..
        } => {
            message.offer = offer.to_string();
            (message.from, message.to) = (Some(*from), Some(*to));
            message.rate_nanos = Some(rate.0);
            name_pods(&mut message, pods);
        }
        StepKind::PlaceOnFargate {
            workload,
            offer,
            label,
            pods,
            ..
        } => {
            message.workload = workload.as_ref().map(workload_ref);
            message.offer = offer.to_string();
            message.labels = label.clone().into();
            name_pods(&mut message, pods);
        }
        StepKind::Nominate { pod, .. }
        | StepKind::Evict { pod, .. }
        | StepKind::Remake { pod, .. }
        | StepKind::Yield { pod, .. } => {
            name_pods(&mut message, std::slice::from_ref(pod));
        }
        StepKind::SetBounds { .. }
        | StepKind::Avoid { .. }
        | StepKind::Cordon { .. }
        | StepKind::RemoveNode { .. }
        | StepKind::RemoveInstance { .. }
        | StepKind::Uncordon { .. } => {}
    }
    message
}

fn name_pods(message: &mut v1::Step, pods: &[PodKey]) {
    message.pods = pods
        .iter()
        .take(limits::STEP_PODS)
        .map(ToString::to_string)
        .collect();
    message.pod_count = count(pods.len());
}

fn verdict(verdict: &Verdict) -> v1::Verdict {
    use v1::verdict::Kind;
    let (kind, code, text) = match verdict {
        Verdict::Cleared => (Kind::Cleared, String::new(), String::new()),
        Verdict::Held(why) => (Kind::Held, tag(why), why.to_string()),
        Verdict::Struck(why) => (Kind::Struck, tag(why), why.to_string()),
    };
    v1::Verdict {
        kind: kind.into(),
        code,
        text,
    }
}

fn outcome(outcome: &Outcome) -> v1::Outcome {
    v1::Outcome {
        code: tag(outcome),
        text: outcome.to_string(),
        instances: outcome.instances().iter().map(ToString::to_string).collect(),
    }
}

/// What is not done, as far as it fits.
pub(crate) fn refusals(plan: &Plan) -> Vec<v1::Refusal> {
    fitting(plan.refusals.iter().map(refusal), limits::ROWS_BYTES)
}

fn refusal(refusal: &Refusal) -> v1::Refusal {
    let (kind, name, code) = match refusal {
        Refusal::Pod { pod, why, .. } => ("pod", pod.to_string(), why.code().to_owned()),
        Refusal::OwnedByHpa { workload, .. } | Refusal::UnreadableAnnotation { workload, .. } => {
            ("workload", workload.to_string(), tag(refusal))
        }
        Refusal::NodeStays { node, why } => ("node", node.to_string(), tag(why)),
        Refusal::BoundsWait { group, .. } => ("group", group.to_string(), "BoundsWait".to_owned()),
        Refusal::GroupStays { group, why } => ("group", group.to_string(), tag(why)),
    };
    let closest = match refusal {
        Refusal::Pod { closest, .. } => closest
            .iter()
            .map(|(offer, why)| v1::NearMiss {
                offer: offer.to_string(),
                code: why.code().to_owned(),
                text: why.to_string(),
            })
            .collect(),
        _ => Vec::new(),
    };
    v1::Refusal {
        kind: kind.to_owned(),
        name,
        code,
        text: refusal.to_string(),
        closest,
    }
}

/// Nodes to buy, with the price of their offer.
pub(crate) fn planned_nodes(plan: &Plan, seen: &Snapshot) -> Vec<v1::PlannedNode> {
    let priced = |node: &PlannedNode| {
        let at = seen
            .offers
            .binary_search_by(|offer| offer.id.cmp(&node.offer))
            .ok()?;
        seen.offers.get(at).map(|offer| node.price(offer).0)
    };
    let message = |node: &PlannedNode| v1::PlannedNode {
        name: node.name.to_string(),
        group: node.group.to_string(),
        offer: node.offer.to_string(),
        rate_nanos: priced(node).unwrap_or_default(),
        pods: node
            .pods
            .iter()
            .take(limits::STEP_PODS)
            .map(ToString::to_string)
            .collect(),
    };
    fitting(plan.nodes.iter().map(message), limits::ROWS_BYTES)
}

/// Policies asked, as far as they fit.
pub(crate) fn calls(notes: &Notes) -> Vec<v1::PolicyCall> {
    fitting(notes.calls.iter().map(policy_call), limits::ROWS_BYTES)
}

fn policy_call(call: &PolicyCall) -> v1::PolicyCall {
    let (fault_code, fault) = match &call.answer {
        Ok(_) => (String::new(), String::new()),
        Err(fault) => (fault.kind().to_owned(), fault.to_string()),
    };
    v1::PolicyCall {
        policy: call.policy.to_string(),
        digest: call.digest.clone(),
        hook: call.hook.as_str().to_owned(),
        mode: call.mode.as_str().to_owned(),
        fuel: call.fuel,
        fault_code,
        fault,
        log: call.log.clone(),
        kept_bytes: call
            .kept
            .as_ref()
            .map(|state| u64::try_from(state.0.len()).unwrap_or(u64::MAX)),
        kept: call.kept.as_ref().map_or_else(Vec::new, |state| {
            state.0.iter().copied().take(STATE_SHOWN).collect()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{GroupName, OfferId, Reason, UsdPerHour};
    use prost::Message;

    /// A cycle whose every name is as long as Kubernetes takes it.
    fn huge() -> CycleRecord {
        let long = |n: usize| format!("{n:0>253}");
        let pods: Vec<PodKey> = (0..200).map(|n| PodKey::new("shop", long(n))).collect();
        let step = |n: u32| Step {
            id: StepId { cycle: 1, ordinal: n },
            intent: None,
            generation: 1,
            kind: StepKind::GrowGroup {
                group: GroupName::new("blue"),
                offer: OfferId::new(long(7)),
                from: 0,
                to: 9,
                nodes: Vec::new(),
                pods: pods.clone(),
                rate: UsdPerHour::ZERO,
            },
            reason: Reason::Planned,
        };
        let node = |n: usize| PlannedNode {
            name: long(n).as_str().into(),
            group: GroupName::new("blue"),
            offer: OfferId::new(long(7)),
            pods: pods.clone(),
            storage: UsdPerHour::ZERO,
        };
        let call = |_| PolicyCall {
            policy: long(1).as_str().into(),
            digest: String::new(),
            hook: model::advice::Hook::ALL[0],
            mode: model::PolicyMode::Enforce,
            fuel: 1,
            answer: Err(model::PolicyFault::Declined(String::new())),
            log: vec!["x".repeat(4096); 8],
            kept: Some(model::advice::State(vec![b'x'; 5000])),
        };
        let mut record = CycleRecord::default();
        record.plan.steps = (0..3000).map(step).collect();
        record.plan.nodes = (0..3000).map(node).collect();
        record.notes.calls = (0..300).map(call).collect();
        record
    }

    #[test]
    fn a_huge_cycle_is_cut_to_what_a_message_carries_and_says_so() {
        let message = cycle(&huge());
        assert!(message.encoded_len() < limits::ANSWER_BYTES);
        assert!(!message.steps.is_empty() && !message.nodes.is_empty() && !message.calls.is_empty());
        let call = &message.calls[0];
        assert_eq!((call.kept_bytes, call.kept.len()), (Some(5000), STATE_SHOWN));
        assert!(message.steps.len() < 3000 && message.nodes.len() < 3000 && message.calls.len() < 300);
        assert_eq!(
            (message.step_count, message.planned_node_count, message.call_count),
            (3000, 3000, 300)
        );
    }
}
