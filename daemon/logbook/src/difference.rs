//! Differences between two plans for the same record, as `replay` prints them.

use model::plan::{Cost, Hold, Plan, PlannedNode, Step, StepKind};
use model::{Counted, NodeName, PodKey, Refusal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One thing that two plans do not agree on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Difference {
    /// A step that only the second plan has.
    StepAdded(Step),
    /// A step that only the first plan has.
    StepRemoved(Step),
    /// A step on the same object that differs.
    StepChanged {
        /// In the first plan.
        was: Box<Step>,
        /// In the second.
        is: Box<Step>,
    },
    /// The same steps in another order.
    StepsReordered,
    /// A node that only the second plan buys.
    NodeAdded(PlannedNode),
    /// A node that only the first plan buys.
    NodeRemoved(PlannedNode),
    /// A node that only the second plan buys in place of others.
    ReplacementAdded(PlannedNode),
    /// A node that only the first plan buys in place of others.
    ReplacementRemoved(PlannedNode),
    /// The same replacements in another order.
    ReplacementsReordered,
    /// Pods of nodes that go are meant to go elsewhere, or in another order: how many nodes differ.
    MovesChanged {
        /// Nodes to which other pods are to move; 0 where only the order differs.
        nodes: u32,
    },
    /// Waiting pods counted onto other nodes that are there: how many nodes differ.
    ExistingChanged {
        /// Nodes that carry other pods.
        nodes: u32,
    },
    /// The same nodes in another order.
    NodesReordered,
    /// The same waiting pods on the same nodes that are there, in another order.
    ExistingReordered,
    /// The same refusals in another order.
    RefusalsReordered,
    /// A step that policies hold in the second plan only.
    HoldAdded(Hold),
    /// A step that policies hold in the first plan only.
    HoldRemoved(Hold),
    /// A refusal that only the second plan has.
    RefusalAdded(Refusal),
    /// A refusal that only the first plan has.
    RefusalRemoved(Refusal),
    /// Another price.
    CostChanged {
        /// In the first plan.
        was: Cost,
        /// In the second.
        is: Cost,
    },
    /// Another number of waiting pods.
    PendingChanged {
        /// In the first plan.
        was: u32,
        /// In the second.
        is: u32,
    },
}

/// What the second plan has that the first has not, and the other way round; empty for equal plans, and only for
/// these.
pub fn difference(was: &Plan, is: &Plan) -> Vec<Difference> {
    let mut found = Vec::new();
    steps(&was.steps, &is.steps, &mut found);
    let (gone, new) = unshared(&was.nodes, &is.nodes);
    if gone.is_empty() && new.is_empty() && was.nodes != is.nodes {
        found.push(Difference::NodesReordered);
    }
    found.extend(gone.into_iter().cloned().map(Difference::NodeRemoved));
    found.extend(new.into_iter().cloned().map(Difference::NodeAdded));
    if was.existing != is.existing {
        found.push(match otherwise(&was.existing, &is.existing) {
            0 => Difference::ExistingReordered,
            nodes => Difference::ExistingChanged { nodes },
        });
    }
    let (gone, new) = unshared(&was.replacements, &is.replacements);
    if gone.is_empty() && new.is_empty() && was.replacements != is.replacements {
        found.push(Difference::ReplacementsReordered);
    }
    found.extend(gone.into_iter().cloned().map(Difference::ReplacementRemoved));
    found.extend(new.into_iter().cloned().map(Difference::ReplacementAdded));
    if was.moves != is.moves {
        let nodes = otherwise(&was.moves, &is.moves);
        found.push(Difference::MovesChanged { nodes });
    }
    let (gone, new) = unshared(&was.refusals, &is.refusals);
    if gone.is_empty() && new.is_empty() && was.refusals != is.refusals {
        found.push(Difference::RefusalsReordered);
    }
    found.extend(gone.into_iter().cloned().map(Difference::RefusalRemoved));
    found.extend(new.into_iter().cloned().map(Difference::RefusalAdded));
    let (gone, new) = unshared(&was.holds, &is.holds);
    found.extend(gone.into_iter().cloned().map(Difference::HoldRemoved));
    found.extend(new.into_iter().cloned().map(Difference::HoldAdded));
    if was.cost != is.cost {
        found.push(Difference::CostChanged {
            was: was.cost,
            is: is.cost,
        });
    }
    if was.pending != is.pending {
        found.push(Difference::PendingChanged {
            was: was.pending,
            is: is.pending,
        });
    }
    found
}

fn steps(was: &[Step], is: &[Step], found: &mut Vec<Difference>) {
    let mut olds: BTreeMap<String, Vec<&Step>> = BTreeMap::new();
    for step in was.iter().rev() {
        olds.entry(object(&step.kind)).or_default().push(step);
    }
    let before = found.len();
    for step in is {
        match olds.get_mut(&object(&step.kind)).and_then(Vec::pop) {
            None => found.push(Difference::StepAdded(step.clone())),
            // Its number moves with the steps before it: not a difference of its own.
            Some(old)
                if (&old.kind, &old.reason, old.generation, &old.intent)
                    == (&step.kind, &step.reason, step.generation, &step.intent) => {}
            Some(old) => found.push(Difference::StepChanged {
                was: Box::new(old.clone()),
                is: Box::new(step.clone()),
            }),
        }
    }
    let gone = olds.into_values().flatten().cloned();
    found.extend(gone.map(Difference::StepRemoved));
    if found.len() == before && was != is {
        found.push(Difference::StepsReordered);
    }
}

/// What a step is about: steps on the same object are compared with each other.
fn object(kind: &StepKind) -> String {
    match kind {
        StepKind::ScaleWorkload { workload, .. } => format!("scale {workload}"),
        StepKind::GrowGroup { group, offer, .. } => format!("grow {group} {offer}"),
        StepKind::SetBounds { group, .. } => format!("bounds {group}"),
        StepKind::PlaceOnFargate { profile, class, .. } => format!("fargate {profile} {class}"),
        StepKind::Nominate { pod, .. } => format!("nominate {pod}"),
        StepKind::Yield { pod, .. } => format!("yield {pod}"),
        StepKind::Avoid { node, .. } => format!("avoid {node}"),
        StepKind::Cordon { node, .. } => format!("cordon {node}"),
        StepKind::Evict { pod, .. } => format!("evict {pod}"),
        StepKind::Remake { pod, .. } => format!("remake {pod}"),
        StepKind::RemoveNode { node, .. } => format!("remove {node}"),
        StepKind::RemoveInstance { instance, .. } => format!("remove {instance}"),
        StepKind::Uncordon { node } => format!("uncordon {node}"),
    }
}

/// Items of the first list that the second has not, and the other way round; one that is there twice counts
/// twice.
fn unshared<'a, T: Serialize>(was: &'a [T], is: &'a [T]) -> (Vec<&'a T>, Vec<&'a T>) {
    // By their bytes: plans list thousands, and a map needs an order.
    let bytes = |item: &T| serde_json::to_vec(item).unwrap_or_default();
    let mut olds: BTreeMap<Vec<u8>, Vec<&T>> = BTreeMap::new();
    for item in was.iter().rev() {
        olds.entry(bytes(item)).or_default().push(item);
    }
    let mut new = Vec::new();
    for item in is {
        if olds.get_mut(&bytes(item)).and_then(Vec::pop).is_none() {
            new.push(item);
        }
    }
    (olds.into_values().flatten().collect(), new)
}

/// Nodes that are given other pods, whatever the order of either.
fn otherwise(was: &[(NodeName, Vec<PodKey>)], is: &[(NodeName, Vec<PodKey>)]) -> u32 {
    let by_node = |list: &[(NodeName, Vec<PodKey>)]| {
        let mut nodes: BTreeMap<NodeName, Vec<PodKey>> = BTreeMap::new();
        for (node, pods) in list {
            nodes
                .entry(node.clone())
                .or_default()
                .extend(pods.iter().cloned());
        }
        for pods in nodes.values_mut() {
            pods.sort();
        }
        nodes
    };
    let (was, is) = (by_node(was), by_node(is));
    let moved = is
        .iter()
        .filter(|(node, pods)| was.get(*node) != Some(*pods))
        .count();
    let gone = was.keys().filter(|node| !is.contains_key(*node)).count();
    u32::try_from(moved + gone).unwrap_or(u32::MAX)
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StepAdded(step) => write!(f, "+ {} ({})", step.kind, step.reason),
            Self::StepRemoved(step) => write!(f, "- {} ({})", step.kind, step.reason),
            Self::StepChanged { was, is } => {
                write!(
                    f,
                    "~ {} ({}) became {} ({})",
                    was.kind, was.reason, is.kind, is.reason
                )
            }
            Self::StepsReordered => f.write_str("~ the same steps in another order"),
            Self::NodesReordered => f.write_str("~ the same nodes in another order"),
            Self::ExistingReordered => f.write_str("~ the same pods on the same nodes, in another order"),
            Self::RefusalsReordered => f.write_str("~ the same refusals in another order"),
            Self::NodeAdded(node) => {
                write!(
                    f,
                    "+ node {} in {}: {}, {}",
                    node.name,
                    node.group,
                    node.offer,
                    Counted(node.pods.len(), "pod")
                )
            }
            Self::NodeRemoved(node) => {
                write!(
                    f,
                    "- node {} in {}: {}, {}",
                    node.name,
                    node.group,
                    node.offer,
                    Counted(node.pods.len(), "pod")
                )
            }
            Self::ReplacementAdded(node) => {
                write!(f, "+ replacement {} in {}: {}", node.name, node.group, node.offer)
            }
            Self::ReplacementRemoved(node) => {
                write!(f, "- replacement {} in {}: {}", node.name, node.group, node.offer)
            }
            Self::ReplacementsReordered => f.write_str("~ the same replacements in another order"),
            Self::MovesChanged { nodes: 0 } => {
                f.write_str("~ the same pods move to the same nodes, in another order")
            }
            Self::MovesChanged { nodes } => {
                write!(f, "~ other pods are to move to {}", Counted(*nodes, "node"))
            }
            Self::ExistingChanged { nodes } => match nodes {
                1 => f.write_str("~ 1 node carries other waiting pods"),
                nodes => write!(f, "~ {nodes} nodes carry other waiting pods"),
            },
            Self::HoldAdded(hold) => write!(
                f,
                "+ {} holds step {} (code {})",
                hold.policy, hold.step, hold.code
            ),
            Self::HoldRemoved(hold) => write!(
                f,
                "- {} holds step {} (code {})",
                hold.policy, hold.step, hold.code
            ),
            Self::RefusalAdded(refusal) => write!(f, "+ {refusal}"),
            Self::RefusalRemoved(refusal) => write!(f, "- {refusal}"),
            Self::CostChanged { was, is } => write!(
                f,
                "~ cost {} (bound {}) became {} (bound {})",
                was.rate, was.bound, is.rate, is.bound
            ),
            Self::PendingChanged { was, is } => write!(f, "~ {was} waiting pods became {is}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Reason, StepId};

    fn nominate(ordinal: u32, pod: &str, node: &str) -> Step {
        Step {
            id: StepId { cycle: 1, ordinal },
            intent: None,
            generation: 0,
            kind: StepKind::Nominate {
                pod: PodKey::new("ns", pod),
                node: node.into(),
                starting: false,
            },
            reason: Reason::Planned,
        }
    }

    fn plan(steps: Vec<Step>) -> Plan {
        Plan {
            steps,
            ..Plan::default()
        }
    }

    #[test]
    fn equal_plans_have_none() {
        let one = plan(vec![nominate(0, "a", "n1"), nominate(1, "b", "n1")]);
        assert_eq!(difference(&one, &one.clone()), []);
    }

    #[test]
    fn added_removed_changed_reordered() {
        let was = plan(vec![nominate(0, "a", "n1"), nominate(1, "b", "n1")]);
        let added = plan(vec![
            nominate(0, "x", "n1"),
            nominate(1, "a", "n1"),
            nominate(2, "b", "n1"),
        ]);
        assert_eq!(
            difference(&was, &added),
            [Difference::StepAdded(nominate(0, "x", "n1"))]
        );
        assert_eq!(
            difference(&added, &was),
            [Difference::StepRemoved(nominate(0, "x", "n1"))]
        );
        let changed = plan(vec![nominate(0, "a", "n2"), nominate(1, "b", "n1")]);
        assert!(matches!(
            &difference(&was, &changed)[..],
            [Difference::StepChanged { .. }]
        ));
        let turned = plan(vec![nominate(0, "b", "n1"), nominate(1, "a", "n1")]);
        assert_eq!(difference(&was, &turned), [Difference::StepsReordered]);
    }

    #[test]
    fn plans_that_differ_differ_in_something() {
        let node = |name: &str, pods: &[&str]| PlannedNode {
            name: name.into(),
            group: "g".into(),
            offer: "o".into(),
            pods: pods.iter().map(|pod| PodKey::new("ns", *pod)).collect(),
            storage: model::UsdPerHour::ZERO,
        };
        let refusal = |pod: &str| Refusal::Pod {
            pod: PodKey::new("ns", pod),
            why: model::reason::Misfit::NodeAffinity,
            closest: Vec::new(),
        };
        let was = Plan {
            nodes: vec![node("a", &["p"]), node("b", &["q"])],
            existing: vec![
                ("n1".into(), vec![PodKey::new("ns", "x")]),
                ("n2".into(), Vec::new()),
            ],
            refusals: vec![refusal("r"), refusal("s")],
            ..Plan::default()
        };
        let told = |edit: fn(&mut Plan)| {
            let mut is = was.clone();
            edit(&mut is);
            difference(&was, &is)
        };
        assert_eq!(told(|is| is.nodes.swap(0, 1)), [Difference::NodesReordered]);
        assert_eq!(told(|is| is.existing.swap(0, 1)), [Difference::ExistingReordered]);
        assert_eq!(told(|is| is.refusals.swap(0, 1)), [Difference::RefusalsReordered]);
        // What is there twice is one more.
        let twice = |is: &mut Plan| is.nodes.push(is.nodes[0].clone());
        assert_eq!(told(twice), [Difference::NodeAdded(node("a", &["p"]))]);
        let gone = |is: &mut Plan| drop(is.existing.remove(0));
        assert_eq!(told(gone), [Difference::ExistingChanged { nodes: 1 }]);
        let hold = Hold {
            step: StepId { cycle: 1, ordinal: 0 },
            policy: "p".into(),
            code: 1,
            text: String::new(),
        };
        let replaced = |is: &mut Plan| is.replacements.push(is.nodes[0].clone());
        assert_eq!(told(replaced), [Difference::ReplacementAdded(node("a", &["p"]))]);
        let moved = |is: &mut Plan| is.moves.push(is.existing[0].clone());
        assert_eq!(told(moved), [Difference::MovesChanged { nodes: 1 }]);
        let mut held = was.clone();
        held.holds.push(hold.clone());
        assert_eq!(difference(&was, &held), [Difference::HoldAdded(hold.clone())]);
        assert_eq!(difference(&held, &was), [Difference::HoldRemoved(hold)]);
    }

    #[test]
    fn cost_and_pending() {
        let was = Plan::default();
        let mut is = Plan {
            pending: 3,
            ..Plan::default()
        };
        is.cost.rate.0 = 5;
        let found = difference(&was, &is);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().any(|d| d.to_string() == "~ 0 waiting pods became 3"));
    }
}
