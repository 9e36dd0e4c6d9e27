//! What the audit finds wrong with a plan is not carried out: the steps that a flaw names, all that stands and falls with
//! them, and where it names none, everything that the plan begins.
//!
//! A flaw is a mistake of the engine, so it is no check of `judge`: it comes after its words, and only ever takes one back.
//! What a plan forgets is told and holds nothing. Work under way goes on, and nodes that go in any case are emptied.

use crate::audit::Flaw;
use crate::judge::Verdicts;
use model::plan::{Plan, Step, StepKind};
use model::{GroupName, HoldReason, IntentId, NodeName, PodKey, Snapshot, StepId, Verdict};
use std::collections::{BTreeMap, BTreeSet};

impl Verdicts {
    /// Takes back what was cleared of a plan with these flaws.
    pub fn hold_flawed(&mut self, seen: &Snapshot, plan: &Plan, flaws: &[Flaw]) {
        if flaws.is_empty() {
            return;
        }
        let mut held: BTreeMap<StepId, &Flaw> = BTreeMap::new();
        for flaw in flaws {
            for step in plan
                .steps
                .iter()
                .filter(|step| concerns(flaw, step, (seen, plan)))
            {
                held.entry(step.id).or_insert(flaw);
            }
        }
        let follow = following(plan, &held.keys().copied().collect());
        for (id, verdict) in &mut self.all {
            if *verdict != Verdict::Cleared {
                continue;
            }
            if let Some(flaw) = held.get(id) {
                let what = flaw.to_string();
                *verdict = Verdict::Held(HoldReason::Flawed { what });
            } else if follow.contains(id) {
                *verdict = Verdict::Held(HoldReason::FollowsHeld);
            }
        }
        self.cleared
            .retain(|step| !held.contains_key(&step.get().id) && !follow.contains(&step.get().id));
    }
}

/// What a flaw is about.
enum About<'f> {
    Pod(&'f PodKey),
    Node(&'f NodeName),
    Both(&'f PodKey, &'f NodeName),
    Group(&'f GroupName),
    Namespace(&'f str),
    /// Nothing that a step could be told by.
    Plan,
    /// What is missing.
    Nothing,
}

fn about(flaw: &Flaw) -> About<'_> {
    match flaw {
        Flaw::Twice(pod) | Flaw::Invented(pod) => About::Pod(pod),
        Flaw::Forgotten(_) => About::Nothing,
        Flaw::Name(node) | Flaw::OverCommitted(node, ..) | Flaw::Waste(node, _) => About::Node(node),
        Flaw::Forbidden(pod, node, _) | Flaw::Expendable(pod, node) => About::Both(pod, node),
        Flaw::AboveMaximum(group, ..) => About::Group(group),
        Flaw::AboveNamespaceQuota(namespace, _) => About::Namespace(namespace),
        Flaw::AboveQuota(reached, _) => match &reached.group {
            Some(group) => About::Group(group),
            None => About::Plan,
        },
        Flaw::Count(..) | Flaw::Unknown(_) | Flaw::Bill(..) | Flaw::Bound(..) | Flaw::Explanation(..) => {
            About::Plan
        }
    }
}

fn concerns(flaw: &Flaw, step: &Step, (seen, plan): (&Snapshot, &Plan)) -> bool {
    match about(flaw) {
        About::Pod(pod) => names_pod(step, pod),
        About::Node(node) => names_node(step, node, plan),
        About::Both(pod, node) => names_pod(step, pod) || names_node(step, node, plan),
        About::Group(of) => matches!(&step.kind, StepKind::GrowGroup { group, .. } if group == of),
        About::Namespace(of) => match &step.kind {
            StepKind::GrowGroup { pods, .. } | StepKind::PlaceOnFargate { pods, .. } => {
                pods.iter().any(|pod| &*pod.namespace == of)
            }
            _ => false,
        },
        About::Plan => match &step.kind {
            StepKind::Cordon { node, .. } => !seen.node(node).is_some_and(model::node::Node::goes),
            kind => kind.opens() || matches!(kind, StepKind::PlaceOnFargate { .. }),
        },
        About::Nothing => false,
    }
}

fn names_pod(step: &Step, of: &PodKey) -> bool {
    match &step.kind {
        StepKind::GrowGroup { pods, .. } | StepKind::PlaceOnFargate { pods, .. } => pods.contains(of),
        StepKind::Nominate { pod, .. } => pod == of,
        _ => false,
    }
}

/// A node on Fargate is its pod.
fn names_node(step: &Step, of: &NodeName, plan: &Plan) -> bool {
    match &step.kind {
        StepKind::GrowGroup { nodes, .. } => nodes.contains(of),
        StepKind::PlaceOnFargate { pods, .. } => {
            let mut theirs = plan.nodes.iter().filter(|node| node.name == *of);
            theirs.any(|node| node.pods.iter().any(|pod| pods.contains(pod)))
        }
        StepKind::Nominate { node, .. } => node == of,
        _ => false,
    }
}

/// Steps that stand and fall with these: other growth of the same group, which counts on its size; removals that wait for
/// it; and what else these wait for.
fn following(plan: &Plan, held: &BTreeSet<StepId>) -> BTreeSet<StepId> {
    let mut all = held.clone();
    loop {
        let gone = || plan.steps.iter().filter(|step| all.contains(&step.id));
        let groups: BTreeSet<&GroupName> = gone()
            .filter_map(|step| match &step.kind {
                StepKind::GrowGroup { group, .. } => Some(group),
                _ => None,
            })
            .collect();
        let launches: BTreeSet<&IntentId> = gone()
            .filter(|step| matches!(step.kind, StepKind::GrowGroup { .. }))
            .filter_map(|step| step.intent.as_ref())
            .collect();
        let awaited: BTreeSet<&IntentId> = gone()
            .filter_map(|step| match &step.kind {
                StepKind::Cordon { after, .. } => Some(after),
                _ => None,
            })
            .flatten()
            .collect();
        let more: Vec<StepId> = plan
            .steps
            .iter()
            .filter(|step| !all.contains(&step.id))
            .filter(|step| match &step.kind {
                StepKind::GrowGroup { group, .. } => {
                    groups.contains(group) || step.intent.as_ref().is_some_and(|id| awaited.contains(id))
                }
                StepKind::Cordon { after, .. } => after.iter().any(|id| launches.contains(id)),
                _ => false,
            })
            .map(|step| step.id)
            .collect();
        if more.is_empty() {
            break;
        }
        all.extend(more);
    }
    all.retain(|id| !held.contains(id));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cleared::Fence;
    use crate::judge::judge;
    use crate::proposal::Proposal;
    use crate::stage::{Stage, cordon, grow, plan, scale, step};
    use model::UsdPerHour;

    /// What is left of: growth by one node (`new-0`) for `w1`, more growth of the group, a removal, a removal that waits
    /// for the first growth, and fewer replicas.
    fn left(flaws: &[Flaw]) -> Vec<u32> {
        let mut stage = Stage::new();
        stage.group_mut().max = 9;
        let mut first = grow(4, 5);
        if let StepKind::GrowGroup { pods, .. } = &mut first {
            pods.push(PodKey::new("ns", "w1"));
        }
        let mut second = grow(5, 6);
        if let StepKind::GrowGroup { nodes, .. } = &mut second {
            *nodes = vec!["new-9".into()];
        }
        let mut replaced = cordon("n2");
        if let StepKind::Cordon { after, .. } = &mut replaced {
            after.push("5-0".into());
        }
        let steps = vec![
            step(0, Some("5-0"), first),
            step(1, Some("5-1"), second),
            step(2, Some("5-2"), cordon("n1")),
            step(3, Some("5-3"), replaced),
            step(4, None, scale(4, 3)),
        ];
        let plan = plan(steps);
        let proposal = Proposal {
            plan: &plan,
            notes: &stage.notes,
            resumed: &[],
            watch: None,
        };
        let mut verdicts = judge(&stage.seen, &stage.ledger, proposal, &stage.aims, &Fence::sole());
        let before: Vec<u32> = verdicts
            .cleared
            .iter()
            .map(|step| step.get().id.ordinal)
            .collect();
        assert_eq!(before, [0, 1, 2, 3, 4], "{:?}", verdicts.all);
        verdicts.hold_flawed(&stage.seen, &plan, flaws);
        let left: Vec<u32> = verdicts
            .cleared
            .iter()
            .map(|step| step.get().id.ordinal)
            .collect();
        let said = verdicts.all.iter().filter(|(_, word)| *word == Verdict::Cleared);
        assert_eq!(
            said.map(|(id, _)| id.ordinal).collect::<Vec<_>>(),
            left,
            "the word and the proof"
        );
        left
    }

    // The audit was run on plans that are shown, never on those that were carried out.
    #[test]
    fn what_a_flaw_names_is_held_with_all_that_follows_from_it() {
        let (w1, other) = (PodKey::new("ns", "w1"), PodKey::new("ns", "other"));
        let (new, far): (NodeName, NodeName) = ("new-0".into(), "far".into());
        let usd = UsdPerHour(1);
        let (none, growth, begun) = (vec![0, 1, 2, 3, 4], vec![2, 4], vec![4]);
        let table = [
            (vec![], &none),
            (vec![Flaw::Forgotten(w1.clone())], &none),
            (vec![Flaw::Twice(other.clone())], &none),
            (
                vec![Flaw::OverCommitted(far.clone(), "cpu".to_owned(), 2, 1)],
                &none,
            ),
            (vec![Flaw::Twice(w1.clone())], &growth),
            (vec![Flaw::Invented(w1.clone())], &growth),
            (vec![Flaw::Name(new.clone())], &growth),
            (vec![Flaw::Name("new-9".into())], &growth),
            (
                vec![Flaw::OverCommitted(new.clone(), "cpu".to_owned(), 2, 1)],
                &growth,
            ),
            (
                vec![Flaw::Forbidden(w1.clone(), far.clone(), String::new())],
                &growth,
            ),
            (vec![Flaw::Expendable(other.clone(), new.clone())], &growth),
            (vec![Flaw::AboveMaximum("web".into(), 9, 8)], &growth),
            (vec![Flaw::AboveMaximum("other".into(), 9, 8)], &none),
            (vec![Flaw::Waste(new, usd)], &growth),
            (vec![Flaw::Bill(usd, usd)], &begun),
            (vec![Flaw::Bound(usd, usd)], &begun),
            (vec![Flaw::Explanation(usd, usd)], &begun),
            (vec![Flaw::Count(1, 2)], &begun),
            (vec![Flaw::Unknown(String::new())], &begun),
            (vec![Flaw::Twice(w1), Flaw::Forgotten(other)], &growth),
        ];
        for (flaws, expected) in table {
            assert_eq!(left(&flaws), *expected, "{flaws:?}");
        }
    }
}
