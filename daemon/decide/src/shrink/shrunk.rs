//! What comes of the stage: its steps, where the pods of nodes go that are given up, and refusals.

use crate::nodeless::Nodeless;
use model::ids::{GroupName, PodKey};
use model::plan::{PlannedNode, StepKind};
use model::reason::{Reason, Refusal};
use model::time::Instant;

/// What came of the stage.
#[derive(Debug, Default)]
pub(crate) struct Shrunk {
    /// Removals undone.
    pub(crate) uncordons: Vec<Effect>,
    /// Pods asked to move.
    pub(crate) evictions: Vec<Effect>,
    /// Emptied nodes to remove.
    pub(crate) removals: Vec<Effect>,
    /// Removals begun, and cordons tried again.
    pub(crate) cordons: Vec<Effect>,
    /// Removals begun whose nodes are replaced.
    pub(crate) swaps: Vec<Swap>,
    /// Where the pods of nodes go whose removal is begun, new nodes apart.
    pub(crate) moves: Vec<(model::NodeName, Vec<PodKey>)>,
    pub(crate) refusals: Vec<Refusal>,
    /// Pods that are to go first where some are given up, and nodes that new ones avoid; or no longer.
    pub(crate) marks: Vec<Effect>,
    /// Removals that are being undone: group, and when they were begun.
    pub(super) given_up: Vec<(GroupName, Instant)>,
    /// Removals whose nodes are empty now: the same.
    pub(super) emptied: Vec<(GroupName, Instant)>,
}

/// A step of this stage, with the intent it moves where there is one already.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) kind: StepKind,
    pub(crate) reason: Reason,
    pub(crate) intent: Option<model::IntentId>,
}

/// New nodes, and those that go once all of them have come.
#[derive(Clone, Debug)]
pub(crate) struct Swap {
    /// With the index of the offer.
    pub(crate) nodes: Vec<(usize, PlannedNode)>,
    pub(crate) why: Reason,
    pub(crate) cordons: Vec<Effect>,
}

impl Shrunk {
    /// With the instances that never became nodes.
    pub(crate) fn give_up(&mut self, nodeless: Nodeless) {
        self.removals.extend(nodeless.removals);
        self.refusals.extend(nodeless.refusals);
    }

    /// Nodes bought in place of others.
    pub(crate) fn replacements(&self) -> Vec<PlannedNode> {
        let nodes = self.swaps.iter().flat_map(|swap| &swap.nodes);
        nodes.map(|(_, node)| node.clone()).collect()
    }
}
