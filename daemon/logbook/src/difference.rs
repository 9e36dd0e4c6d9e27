//! Differences between two plans for the same record, as `replay` prints them.

use model::plan::{Cost, Plan, PlannedNode, Step, StepKind};
use model::{NodeName, Refusal};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
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
    /// Waiting pods counted onto other nodes that are there: how many nodes differ.
    ExistingChanged {
        /// Nodes that carry other pods.
        nodes: u32,
    },
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

/// What the second plan has that the first has not, and the other way round; empty for equal plans.
pub fn difference(was: &Plan, is: &Plan) -> Vec<Difference> {
    let mut found = Vec::new();
    steps(&was.steps, &is.steps, &mut found);
    let (gone, new) = unshared(&was.nodes, &is.nodes);
    found.extend(gone.cloned().map(Difference::NodeRemoved));
    found.extend(new.cloned().map(Difference::NodeAdded));
    if was.existing != is.existing {
        found.push(Difference::ExistingChanged {
            nodes: existing(was, is),
        });
    }
    let (gone, new) = unshared(&was.refusals, &is.refusals);
    found.extend(gone.cloned().map(Difference::RefusalRemoved));
    found.extend(new.cloned().map(Difference::RefusalAdded));
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
        StepKind::PlaceOnFargate { profile, class, .. } => format!("fargate {profile} {class}"),
        StepKind::Nominate { pod, .. } => format!("nominate {pod}"),
        StepKind::Cordon { node, .. } => format!("cordon {node}"),
        StepKind::Evict { pod, .. } => format!("evict {pod}"),
        StepKind::RemoveNode { node, .. } => format!("remove {node}"),
        StepKind::Uncordon { node } => format!("uncordon {node}"),
    }
}

/// Items of the first list that the second has not, and the other way round.
fn unshared<'a, T: Serialize>(
    was: &'a [T],
    is: &'a [T],
) -> (impl Iterator<Item = &'a T>, impl Iterator<Item = &'a T>) {
    // By their bytes: plans list thousands, and a set needs an order.
    let bytes = |item: &T| serde_json::to_vec(item).unwrap_or_default();
    let olds: BTreeSet<Vec<u8>> = was.iter().map(bytes).collect();
    let news: BTreeSet<Vec<u8>> = is.iter().map(bytes).collect();
    (
        was.iter().filter(move |item| !news.contains(&bytes(item))),
        is.iter().filter(move |item| !olds.contains(&bytes(item))),
    )
}

fn existing(was: &Plan, is: &Plan) -> u32 {
    let by_node = |plan: &Plan| plan.existing.iter().cloned().collect::<BTreeMap<NodeName, _>>();
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
            Self::NodeAdded(node) => {
                write!(
                    f,
                    "+ node {} in {}: {}, {} pods",
                    node.name,
                    node.group,
                    node.offer,
                    node.pods.len()
                )
            }
            Self::NodeRemoved(node) => {
                write!(
                    f,
                    "- node {} in {}: {}, {} pods",
                    node.name,
                    node.group,
                    node.offer,
                    node.pods.len()
                )
            }
            Self::ExistingChanged { nodes } => write!(f, "~ {nodes} nodes carry other waiting pods"),
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
                pod: model::PodKey::new("ns", pod),
                node: node.into(),
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
