//! Nodes whose instances the provider takes away: their drain begins at once, whatever it costs.
//!
//! Room for their pods is bought as demand (`demand`). Not here: nodes that are given up because they have stopped
//! working (`repairing`), and how fast any may leave, which is the guard's.

use super::fleet::Fleet;
use super::shrunk::{Effect, Shrunk};
use model::aims::Aims;
use model::group::Group;
use model::node::Node;
use model::plan::StepKind;
use model::reason::Reason;

/// Begins the removal of every node that goes and whose group is ours.
pub(super) fn begin(fleet: &Fleet<'_>, aims: &Aims, shrunk: &mut Shrunk) {
    let seen = fleet.seen;
    let ours = |group: &&Group| {
        let named = aims.groups.is_empty() || aims.groups.contains(&group.name);
        group.foreign.is_none() && named
    };
    for node in &seen.nodes {
        let begun = seen.ledger.removal_of(&node.name).is_some();
        // What somebody else removes already is not drained twice, unless there is no time to lose.
        let others = node.is_given_up() || node.removed_by(seen.at).is_some() && !node.goes_soon();
        if others || !node.goes() || begun || node.deleting || seen.own_node.as_ref() == Some(&node.name) {
            continue;
        }
        let group = node.group.as_ref().and_then(|name| seen.group(name));
        shrunk
            .cordons
            .extend(group.filter(ours).and_then(|group| cordon(node, group)));
    }
}

fn cordon(node: &Node, group: &Group) -> Option<Effect> {
    let leaving = node.leaving?;
    Some(Effect {
        kind: StepKind::Cordon {
            node: node.name.clone(),
            group: group.name.clone(),
            instance: node.instance.clone()?,
            after: Vec::new(),
        },
        reason: Reason::Leaving {
            why: leaving.why,
            told: leaving.told,
        },
        intent: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{pair, run, small};
    use crate::Deliberation;
    use crate::fixture::{Cluster, NOW, asks, removal};
    use model::ids::WorkloadKey;
    use model::intent::{Intent, RemoveStage};
    use model::node::{Leaves, Leaving};
    use model::plan::StepKind;
    use model::pod::PodSpec;
    use model::reason::Reason;
    use model::snapshot::Snapshot;
    use model::time::Span;

    fn told(why: Leaves) -> Leaving {
        Leaving { why, told: NOW }
    }

    /// A full node, and one with a pod of a Deployment that the provider takes away.
    fn taken(why: Leaves) -> Cluster {
        let shop = PodSpec {
            owner: Some(WorkloadKey::new("Deployment", "default", "shop")),
            ..asks(800, 100)
        };
        Cluster::new()
            .group("g", 2, 9)
            .offer("g", "s", 1000, 1000, 100_000_000)
            .offer("g", "t", 1000, 1000, 110_000_000)
            .node("n1", "g", "s")
            .node("n2", "g", "s")
            .last_node(|node| node.leaving = Some(told(why)))
            .running("big", "n1", asks(900, 500))
            .running("shop-1", "n2", shop.clone())
            .workload("Deployment", "shop", 1, shop)
    }

    fn count(done: &Deliberation, is: fn(&StepKind) -> bool) -> usize {
        done.plan.steps.iter().filter(|step| is(&step.kind)).count()
    }

    #[test]
    fn a_node_that_goes_is_drained_and_its_pods_get_another_before() {
        for why in [Leaves::Retired, Leaves::Interrupted, Leaves::Ending] {
            let mut seen = taken(why).seen();
            seen.groups[0].min = 2;
            let done = run(&seen);
            let cordon = done
                .plan
                .steps
                .iter()
                .find(|step| step.kind.name() == "Cordon")
                .unwrap();
            assert_eq!(cordon.reason, Reason::Leaving { why, told: NOW });
            assert!(matches!(&cordon.kind, StepKind::Cordon { node, .. } if node.as_str() == "n2"));
            assert_eq!(
                count(&done, |kind| matches!(kind, StepKind::GrowGroup { .. })),
                1,
                "{why}"
            );
        }
    }

    /// A group at its minimum loses nothing by it: what waits at a lifecycle hook of ours is on its way out already.
    #[test]
    fn what_waits_at_our_hook_is_let_go_once_it_is_empty() {
        for stage in [RemoveStage::Draining, RemoveStage::Terminating] {
            let mut seen = taken(Leaves::Ending).seen();
            seen.groups[0].min = 2;
            (seen.nodes[1].draining, seen.nodes[1].unschedulable) = (true, true);
            seen.ledger.intents.push(removal("n2", stage));
            let removals = |seen: &Snapshot| {
                count(
                    &run(seen),
                    |kind| matches!(kind, StepKind::RemoveNode { node, .. } if node.as_str() == "n2"),
                )
            };
            seen.pods.retain(|pod| &*pod.key.name != "shop-1");
            assert_eq!(removals(&seen), 0, "the group replaces it, and has not let it go");
            let listed = seen.groups[0].instances.iter_mut();
            for instance in listed.filter(|listed| listed.id.as_str() == "i-n2") {
                instance.state = model::group::InstanceState::Waiting;
            }
            assert_eq!(removals(&seen), 1, "{stage:?}");
        }
    }

    #[test]
    fn capacity_at_risk_drains_nothing_and_is_not_bought_again() {
        let done = run(&taken(Leaves::AtRisk).seen());
        assert_eq!(done.plan.steps, []);
        let until = done.memory.no_capacity[&"g:s/a/on-demand".into()].until;
        assert_eq!(until, NOW + Span::from_secs(180));
    }

    /// Anybody who could send to the queue of notices could keep a group with one pool from buying.
    #[test]
    fn capacity_at_risk_never_closes_the_last_pool_of_a_group() {
        let mut seen = taken(Leaves::AtRisk).seen();
        seen.offers.retain(|offer| offer.id.as_str() == "g:s/a/on-demand");
        assert_eq!(run(&seen).memory.no_capacity.len(), 0);
    }

    #[test]
    fn the_pool_that_takes_back_is_not_bought_from() {
        let done = run(&taken(Leaves::Interrupted).seen());
        assert!(
            done.plan
                .nodes
                .iter()
                .all(|node| node.offer.as_str() != "g:s/a/on-demand"),
            "{:?}",
            done.plan.nodes
        );
        assert_eq!(done.plan.nodes.len(), 1);
    }

    #[test]
    fn a_drain_of_what_goes_is_never_given_up() {
        let mut seen = pair(small()).seen();
        seen.nodes[1].leaving = Some(told(Leaves::Interrupted));
        (seen.nodes[1].draining, seen.nodes[1].unschedulable) = (true, true);
        seen.ledger.intents.push(Intent {
            opened: NOW - Span::from_secs(7200),
            deadline: NOW - Span::from_secs(3600),
            ..removal("n2", RemoveStage::Draining)
        });
        let done = run(&seen);
        assert_eq!(count(&done, |kind| matches!(kind, StepKind::Evict { .. })), 1);
        assert_eq!(count(&done, |kind| matches!(kind, StepKind::Uncordon { .. })), 0);
        seen.nodes[1].leaving = None;
        assert_eq!(
            count(&run(&seen), |kind| matches!(kind, StepKind::Uncordon { .. })),
            1,
            "others time out"
        );
    }
}
