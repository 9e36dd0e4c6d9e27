//! What of an answer counts while its policy is a canary: what is about the groups and namespaces it was given.
//!
//! The whole answer is recorded; only what counts is cut down. Headroom names neither groups nor namespaces: a canary of
//! that hook has no say.

use crate::number::size;
use crate::policy::View;
use model::advice::{Advice, DisruptionAdvice, PlacementAdvice, ScaleAdvice};
use model::standing::PolicyScope;

/// The part of a checked answer that is about the scope.
pub(crate) fn within(advice: Advice, view: &View<'_>, scope: &PolicyScope) -> Advice {
    match advice {
        Advice::Scale(wanted) => Advice::Scale(scaled(&wanted, view, scope)),
        Advice::Placement(placement) => Advice::Placement(placed(placement, view, scope)),
        Advice::Headroom(_) => Advice::Headroom(Vec::new()),
        Advice::Disruption(advice) => Advice::Disruption(disrupted(advice, view, scope)),
        Advice::Review(mut holds) => {
            holds.retain(|hold| {
                let mut rows = view.steps.iter();
                let row = rows.find(|row| row.id == hold.step);
                row.is_some_and(|row| scope.has_group(&row.group) || scope.has_namespace(&row.namespace))
            });
            Advice::Review(holds)
        }
    }
}

fn scaled(wanted: &ScaleAdvice, view: &View<'_>, scope: &PolicyScope) -> ScaleAdvice {
    let mut part = ScaleAdvice::default();
    for row in wanted.iter() {
        let workload = view.workloads.get(size(row.row));
        if workload.is_some_and(|workload| scope.has_namespace(&workload.key.namespace)) {
            part.push(row);
        }
    }
    part
}

/// A factor holds for all pods of a set: only a group that is named lets it count.
fn placed(mut placement: PlacementAdvice, view: &View<'_>, scope: &PolicyScope) -> PlacementAdvice {
    let sets: Vec<bool> = view
        .sets
        .iter()
        .map(|set| in_group(view, set.group, scope))
        .collect();
    let classes = view.classes.iter().map(|class| {
        let spec = class.spec.and_then(|spec| view.seen.specs.get(size(spec)));
        spec.is_some_and(|spec| scope.has_namespace(&spec.namespace))
    });
    let classes: Vec<bool> = classes.collect();
    let has = |of: &[bool], row: u32| of.get(size(row)).copied().unwrap_or(false);
    placement.factors.retain(|(set, _)| has(&sets, *set));
    placement
        .forbids
        .retain(|(class, set, _)| has(&classes, *class) || has(&sets, *set));
    placement
        .addends
        .retain(|(class, set, _, _)| has(&classes, *class) || has(&sets, *set));
    placement
}

fn in_group(view: &View<'_>, group: u32, scope: &PolicyScope) -> bool {
    let group = view.seen.groups.get(size(group));
    group.is_some_and(|group| scope.has_group(group.name.as_str()))
}

/// A candidate is of the scope where its group is, or a pod that would have to move.
fn disrupted(mut advice: DisruptionAdvice, view: &View<'_>, scope: &PolicyScope) -> DisruptionAdvice {
    let nodes = view.candidates.iter().map(|row| {
        let node = view.seen.nodes.get(size(row.node));
        let group = node.and_then(|node| node.group.as_ref());
        group.is_some_and(|group| scope.has_group(group.as_str()))
    });
    let mut of: Vec<bool> = nodes.collect();
    for mover in view.movers {
        let pod = view.seen.pods.get(size(mover.pod));
        if pod.is_some_and(|pod| scope.has_namespace(&pod.key.namespace))
            && let Some(candidate) = of.get_mut(size(mover.candidate))
        {
            *candidate = true;
        }
    }
    let has = |row: u32| of.get(size(row)).copied().unwrap_or(false);
    advice.denials.retain(|denial| has(denial.row));
    advice.addends.retain(|(row, _, _)| has(*row));
    advice
}

#[cfg(test)]
mod tests {
    use crate::fixture::{Cluster, asks, policy, set};
    use crate::policy::PolicyEntry;
    use crate::{Deliberation, deliberate};
    use model::advice::{Advice, Hook, PlacementAdvice, PolicyFault, PolicyMode, ReviewAdvice};
    use model::standing::PolicyScope;
    use model::{Aims, Memory, Snapshot};

    /// Two pods of the namespace `default` wait; either group sells what they need, `a` for less.
    fn waiting() -> Snapshot {
        let cluster = Cluster::new().group("a", 0, 9).group("b", 0, 9);
        let cluster =
            cluster
                .offer("a", "s", 1000, 1000, 1_000_000_000)
                .offer("b", "s", 1000, 1000, 1_100_000_000);
        cluster.pending("web", 2, asks(900, 500)).seen()
    }

    fn canary(mut entry: PolicyEntry, groups: &[&str], namespaces: &[&str]) -> PolicyEntry {
        entry.scope = PolicyScope {
            groups: groups.iter().map(|name| (*name).into()).collect(),
            namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(),
        };
        entry
    }

    fn think(entry: PolicyEntry) -> Deliberation {
        deliberate(
            &waiting(),
            &Memory::default(),
            &set(vec![entry]),
            &Aims::default(),
        )
    }

    fn bought(done: &Deliberation) -> Vec<&str> {
        done.plan.nodes.iter().map(|node| node.group.as_str()).collect()
    }

    /// Doubles the price of the first set, and forbids it to the first class.
    fn dearer(forbids: bool) -> PolicyEntry {
        policy("p", Hook::Placement, PolicyMode::Canary, move |view| {
            let a = view.sets.iter().position(|set| set.name.starts_with('a'));
            let a = u32::try_from(a.unwrap_or_default()).unwrap_or_default();
            Ok(Advice::Placement(PlacementAdvice {
                factors: if forbids { vec![] } else { vec![(a, 2000)] },
                forbids: if forbids { vec![(0, a, 1)] } else { vec![] },
                addends: vec![],
            }))
        })
    }

    #[test]
    fn a_canary_of_placement_counts_for_its_groups_and_namespaces() {
        for (forbids, groups, namespaces, expected) in [
            (false, &[][..], &[][..], "a"),
            (false, &["a"][..], &[][..], "b"),
            (false, &["b"][..], &["*"][..], "a"),
            (true, &["a"][..], &[][..], "b"),
            (true, &["b"][..], &[][..], "a"),
            (true, &[][..], &["d*"][..], "b"),
            (true, &[][..], &["other"][..], "a"),
        ] {
            let done = think(canary(dearer(forbids), groups, namespaces));
            assert_eq!(
                bought(&done),
                [expected, expected],
                "{forbids} {groups:?} {namespaces:?}"
            );
            let call = &done.notes.calls[0];
            assert_eq!(call.mode, PolicyMode::Canary, "the whole answer is recorded");
            let Ok(Advice::Placement(said)) = &call.answer else {
                panic!("{:?}", call.answer);
            };
            assert_eq!(said.factors.len() + said.forbids.len(), 1);
        }
    }

    #[test]
    fn a_canary_of_review_holds_steps_of_its_groups_only() {
        for (group, held) in [("a", true), ("b", false)] {
            let holds = policy("p", Hook::Review, PolicyMode::Canary, |view| {
                let held = view.steps.iter().map(|row| ReviewAdvice {
                    step: row.id,
                    code: 1,
                    text: String::new(),
                });
                Ok(Advice::Review(held.collect()))
            });
            let plan = think(canary(holds, &[group], &[])).plan;
            let expected = if held {
                plan.steps.iter().filter(|step| step.kind.begins()).count()
            } else {
                0
            };
            assert!(!plan.steps.is_empty() && plan.holds.len() == expected, "{group}");
        }
    }

    #[test]
    fn a_fault_of_a_canary_is_a_fault() {
        let faulty = policy("p", Hook::Placement, PolicyMode::Canary, |_| {
            Err(PolicyFault::Declined("no".to_owned()))
        });
        let done = think(canary(faulty, &["a"], &[]));
        assert_eq!(done.memory.faults.len(), 1);
        assert_eq!(bought(&done), ["a", "a"]);
    }
}
