//! The hook `review`: which steps of the finished plan policies do not want begun in this cycle.
//!
//! Asked last, about steps that begin something (`StepKind::begins`): what is under way, what the provider takes, and
//! undoing are not shown. Any hold holds, and the guard sees to it; a fault lets nothing new shrink, as with every hook.
//! Steps are neither changed nor added here.

use crate::asking::Asking;
use crate::number::count;
use crate::policy::{Prepared, StepRow, View};
use model::advice::{Advice, Hook};
use model::aims::Aims;
use model::ids::{OfferId, PodKey, StepId};
use model::memory::Memory;
use model::money::UsdPerHour;
use model::plan::{Hold, Step, StepKind};
use model::snapshot::Snapshot;
use std::collections::BTreeMap;

/// Asks the policies of the hook, where there is anything to ask about.
pub(crate) fn ask(
    seen: &Snapshot,
    steps: &[Step],
    memory: &mut Memory,
    aims: &Aims,
    asking: &mut Asking<'_>,
) -> Vec<Hold> {
    if !asking.anybody(Hook::Review) {
        return Vec::new();
    }
    let new = steps.iter().filter(|step| is_new(seen, step));
    let rows: Vec<StepRow> = new.map(|step| row(seen, step)).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let view = View {
        hook: Hook::Review,
        seen,
        memory: &memory.clone(),
        aims,
        workloads: &[],
        classes: &[],
        sets: &[],
        candidates: &[],
        movers: &[],
        steps: &rows,
        prepared: Prepared::default(),
    };
    let mut holds: BTreeMap<StepId, Hold> = BTreeMap::new();
    for (policy, advice) in asking.ask(&view, memory).counted {
        let Advice::Review(held) = &*advice else {
            continue;
        };
        for held in held {
            let hold = Hold {
                step: held.step,
                policy: policy.clone(),
                code: held.code,
                text: held.text.clone(),
            };
            holds.entry(held.step).or_insert(hold);
        }
    }
    holds.into_values().collect()
}

fn is_new(seen: &Snapshot, step: &Step) -> bool {
    let open = step.intent.as_ref().and_then(|id| seen.ledger.intent(id));
    let taken = step.kind.node().and_then(|name| seen.node(name));
    step.kind.begins() && open.is_none() && !taken.is_some_and(model::Node::goes)
}

fn row(seen: &Snapshot, step: &Step) -> StepRow {
    let row = StepRow {
        id: step.id,
        kind: step.kind.name(),
        group: step.kind.group().map_or_else(String::new, ToString::to_string),
        namespace: String::new(),
        object: String::new(),
        from: 0,
        to: 0,
        pods: 0,
        adds: Some(UsdPerHour::ZERO),
        saves: Some(UsdPerHour::ZERO),
    };
    let about = |row: StepRow, pod: &PodKey| StepRow {
        namespace: pod.namespace.to_string(),
        object: pod.name.to_string(),
        ..row
    };
    match &step.kind {
        StepKind::ScaleWorkload { workload, from, to } => StepRow {
            namespace: workload.namespace.to_string(),
            object: workload.name.to_string(),
            from: *from,
            to: *to,
            pods: from.abs_diff(*to),
            ..row
        },
        StepKind::GrowGroup {
            from, to, pods, rate, ..
        } => StepRow {
            from: *from,
            to: *to,
            pods: count(pods.len()),
            adds: Some(*rate),
            ..row
        },
        StepKind::SetBounds { from, to, .. } => StepRow {
            from: from.max,
            to: to.max,
            ..row
        },
        StepKind::PlaceOnFargate {
            workload,
            offer,
            pods,
            ..
        } => {
            let owner = workload.as_ref();
            StepRow {
                namespace: owner.map_or_else(String::new, |owner| owner.namespace.to_string()),
                object: owner.map_or_else(String::new, |owner| owner.name.to_string()),
                pods: count(pods.len()),
                adds: price(seen, offer)
                    .map(|each| UsdPerHour(each.0.saturating_mul(i64::from(count(pods.len()))))),
                ..row
            }
        }
        StepKind::Remake { pod, .. } => StepRow {
            pods: 1,
            adds: None,
            ..about(row, pod)
        },
        StepKind::Cordon { node, .. } => StepRow {
            object: node.to_string(),
            pods: step.reason.moves().unwrap_or(0),
            saves: seen.node(node).and_then(|node| seen.node_price(node)),
            ..row
        },
        StepKind::RemoveInstance { instance, .. } => StepRow {
            object: instance.to_string(),
            saves: None,
            ..row
        },
        // They begin nothing.
        StepKind::Nominate { .. }
        | StepKind::Yield { .. }
        | StepKind::Avoid { .. }
        | StepKind::Evict { .. }
        | StepKind::RemoveNode { .. }
        | StepKind::Uncordon { .. } => row,
    }
}

fn price(seen: &Snapshot, offer: &OfferId) -> Option<UsdPerHour> {
    seen.offer_ix(offer).map(|ix| seen.offers[ix].price)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Cluster, asks, policy, set};
    use crate::policy::PolicyEntry;
    use crate::{Deliberation, deliberate};
    use model::advice::{PolicyFault, PolicyMode, ReviewAdvice};
    use model::ids::PolicyName;
    use std::sync::{Arc, Mutex};

    /// A pod waits for a node of a dollar.
    fn waiting() -> Snapshot {
        let cluster = Cluster::new()
            .group("g", 0, 9)
            .offer("g", "s", 1000, 1000, 1_000_000_000);
        cluster.pending("web", 1, asks(900, 500)).seen()
    }

    fn think(seen: &Snapshot, policies: Vec<PolicyEntry>) -> Deliberation {
        deliberate(seen, &Memory::default(), &set(policies), &Aims::default())
    }

    fn holds(name: &str, mode: PolicyMode, kind: &'static str) -> PolicyEntry {
        policy(name, Hook::Review, mode, move |view| {
            let held = view.steps.iter().filter(|row| row.kind == kind);
            let held = held.map(|row| ReviewAdvice {
                step: row.id,
                code: 3,
                text: "not now".to_owned(),
            });
            Ok(Advice::Review(held.collect()))
        })
    }

    #[test]
    fn any_hold_holds_and_the_steps_stay_as_they_are() {
        use PolicyMode::{Enforce, Shadow};
        let seen = waiting();
        let plain = think(&seen, Vec::new());
        for (policies, by) in [
            (vec![holds("a", Enforce, "GrowGroup")], Some("a")),
            (vec![holds("a", Shadow, "GrowGroup")], None),
            (
                vec![holds("a", Enforce, "Cordon"), holds("b", Enforce, "GrowGroup")],
                Some("b"),
            ),
            (
                vec![holds("a", Enforce, "GrowGroup"), holds("b", Enforce, "GrowGroup")],
                Some("a"),
            ),
        ] {
            let done = think(&seen, policies);
            assert_eq!(done.plan.steps, plain.plan.steps);
            let hold = |policy| Hold {
                step: plain.plan.steps[0].id,
                policy: PolicyName::new(policy),
                code: 3,
                text: "not now".to_owned(),
            };
            assert_eq!(done.plan.holds, by.map(hold).into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_it_is_shown_and_what_is_nonsense() {
        let shown: Arc<Mutex<Vec<StepRow>>> = Arc::default();
        let notes = Arc::clone(&shown);
        let looks = policy("a", Hook::Review, PolicyMode::Enforce, move |view| {
            notes.lock().unwrap().extend(view.steps.iter().cloned());
            let unknown = StepId {
                cycle: 0,
                ordinal: 99,
            };
            Ok(Advice::Review(vec![ReviewAdvice {
                step: unknown,
                code: 0,
                text: String::new(),
            }]))
        });
        let done = think(&waiting(), vec![looks]);
        let expected = StepRow {
            id: done.plan.steps[0].id,
            kind: "GrowGroup",
            group: "g".to_owned(),
            namespace: String::new(),
            object: String::new(),
            from: 0,
            to: 1,
            pods: 1,
            adds: Some(UsdPerHour(1_000_000_000)),
            saves: Some(UsdPerHour::ZERO),
        };
        assert_eq!(*shown.lock().unwrap(), [expected], "no nominations");
        let answer = &done.notes.calls[0].answer;
        assert!(matches!(answer, Err(PolicyFault::Nonsense(why)) if why.contains("was not shown")));
        assert!(done.plan.holds.is_empty());
    }
}
