//! Budgets of the aims: how many nodes may be on their way out at once, for what and when. All that hold now and speak
//! of a removal must have room for it; where one freezes everything, pods of removals that have begun stay too.
//!
//! What the provider takes away is nobody's own accord and passes, and so does what goes on without moving a pod; what has
//! stopped working is kept by budgets that freeze everything alone. Nodes are counted here once more, from the Ledger and the Snapshot, and why one goes is believed only as far as it shows.

use crate::case::Case;
use crate::fleet::number;
use crate::objection::{Objection, hold};
use crate::step_effect::continues;
use crate::tally::Tally;
use model::HoldReason;
use model::disruption::{Cause, NodeBudget};
use model::intent::{IntentKind, RemoveStage};
use model::node::Node;
use model::plan::{Step, StepKind};
use model::reason::Reason;
use std::collections::BTreeSet;

pub(super) fn check(step: &Step, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let budgets = case.aims.disruption.budgets.iter();
    match &step.kind {
        StepKind::Cordon { node, group, .. } if !continues(step, case) => {
            let node = case.seen.node(node).filter(|node| !node.goes())?;
            let cause = cause(step, node, case);
            let broken = case.repair.gives_up(node);
            budgets
                .filter(|budget| budget.counts(group) && budget.speaks_of(cause))
                .filter(|budget| !broken || budget.freezes())
                .find_map(|budget| spent(budget, case, tally))
        }
        // Its pods end with it, where it goes past them.
        StepKind::RemoveNode { .. } if !matches!(step.reason, Reason::Broken { .. }) => None,
        StepKind::Evict { node, .. } | StepKind::RemoveNode { node, .. } => {
            let node = case.seen.node(node).filter(|node| !node.goes())?;
            budgets
                .filter(|budget| budget.freezes() && counts(budget, node))
                .find_map(|budget| budget.at(case.seen.at, 0))
                .and_then(|closed| hold(HoldReason::NodeBudget(closed)))
        }
        _ => None,
    }
}

/// For what the node goes. That it is empty is seen here, that it is due by another check; what nothing else explains is somebody's wish to save.
fn cause(step: &Step, node: &Node, case: &Case<'_>) -> Cause {
    match &step.reason {
        Reason::Renewed { cause, .. } => *cause,
        Reason::Unneeded { .. } if case.movable_on(&node.name).next().is_none() => Cause::Empty,
        _ => Cause::Underused,
    }
}

fn counts(budget: &NodeBudget, node: &Node) -> bool {
    let group = node.group.as_ref();
    group.map_or(budget.groups.is_empty(), |group| budget.counts(group))
}

/// The budget's objection to one more.
fn spent(budget: &NodeBudget, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let nodes = case.seen.nodes.iter();
    let counted: Vec<&Node> = nodes
        .filter(|node| !node.fargate && counts(budget, node))
        .collect();
    let closed = budget.at(case.seen.at, number(counted.len()))?;
    let open = case
        .ledger
        .intents
        .iter()
        .filter_map(|intent| match &intent.kind {
            IntentKind::Remove { node, stage, .. } => (*stage != RemoveStage::Undoing).then_some(node),
            IntentKind::Launch { .. } => None,
        });
    let leaving: BTreeSet<_> = open.chain(&tally.cordoned).collect();
    let serves = |node: &Node| node.ready || case.seen.is_booting(node, case.aims);
    let out = counted.iter().filter(|node| {
        leaving.contains(&node.name) || node.deleting || node.draining || node.goes() || !serves(node)
    });
    (number(out.count()) >= closed.nodes)
        .then(|| hold(HoldReason::NodeBudget(closed)))
        .flatten()
}
