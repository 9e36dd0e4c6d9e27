//! What the budgets of the aims still let go, as of the Snapshot's own time.
//!
//! Counted once for a cycle, and counted down as removals are begun. The guard counts once more, on its own.

use crate::number::count;
use model::aims::Aims;
use model::disruption::{Cause, Closed, NodeBudget};
use model::ids::GroupName;
use model::intent::{IntentKind, RemoveStage};
use model::node::Node;
use model::reason::Stays;
use model::snapshot::Snapshot;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowance<'a> {
    standing: Vec<Standing<'a>>,
}

/// A budget that holds now.
#[derive(Clone, Debug)]
struct Standing<'a> {
    budget: &'a NodeBudget,
    closed: Closed,
    left: u32,
}

impl<'a> Allowance<'a> {
    pub(super) fn of(seen: &Snapshot, aims: &'a Aims) -> Self {
        let budgets = aims.disruption.budgets.iter();
        Self {
            standing: budgets
                .filter_map(|budget| standing(seen, aims, budget))
                .collect(),
        }
    }

    fn about<'s>(&'s self, group: &'s GroupName, cause: Cause) -> impl Iterator<Item = &'s Standing<'a>> {
        let standing = self.standing.iter();
        standing.filter(move |standing| standing.budget.counts(group) && standing.budget.speaks_of(cause))
    }

    /// Nodes of the group that may still go for this cause; `None` where no budget speaks of it.
    pub(super) fn left(&self, group: &GroupName, cause: Cause) -> Option<u32> {
        self.about(group, cause).map(|standing| standing.left).min()
    }

    /// The budget that lets none go.
    pub(super) fn closed(&self, group: &GroupName, cause: Cause) -> Option<Stays> {
        let spent = self.about(group, cause).find(|standing| standing.left == 0)?;
        Some(Stays::NodeBudget(spent.closed.clone()))
    }

    /// The budget under which nothing moves, not even off nodes whose removal has begun.
    pub(super) fn frozen(&self, group: &GroupName) -> Option<Stays> {
        let mut standing = self.standing.iter();
        let freeze = standing.find(|s| s.budget.counts(group) && s.budget.freezes())?;
        Some(Stays::NodeBudget(freeze.closed.clone()))
    }

    /// Counts nodes that are about to go: all of them, or none where a budget has no room for all.
    pub(super) fn take(&mut self, nodes: &[(&GroupName, Cause)]) -> bool {
        let mut after = self.clone();
        for (group, cause) in nodes {
            if after.left(group, *cause) == Some(0) {
                return false;
            }
            // What goes counts in every budget, whatever that speaks of.
            for standing in &mut after.standing {
                if standing.budget.counts(group) {
                    standing.left = standing.left.saturating_sub(1);
                }
            }
        }
        *self = after;
        true
    }
}

fn standing<'a>(seen: &Snapshot, aims: &Aims, budget: &'a NodeBudget) -> Option<Standing<'a>> {
    let counted = |node: &&Node| {
        let counts = |group: &GroupName| budget.counts(group);
        !node.fargate && node.group.as_ref().map_or(budget.groups.is_empty(), counts)
    };
    let nodes = seen.nodes.iter().filter(counted);
    let gone = nodes.clone().filter(|node| is_out(seen, aims, node)).count();
    let closed = budget.at(seen.at, count(nodes.count()))?;
    Some(Standing {
        budget,
        left: closed.nodes.saturating_sub(count(gone)),
        closed,
    })
}

/// Whether a node is on its way out, or does not serve although it should by now.
fn is_out(seen: &Snapshot, aims: &Aims, node: &Node) -> bool {
    let removed = seen.ledger.removal_of(&node.name).is_some_and(
        |intent| !matches!(&intent.kind, IntentKind::Remove { stage, .. } if *stage == RemoveStage::Undoing),
    );
    let serves = node.ready || seen.is_booting(node, aims);
    removed || node.deleting || node.draining || node.goes() || !serves
}
