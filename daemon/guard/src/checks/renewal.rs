//! I10: nodes are replaced for their age or their making only where they are due, and where their successor is bought
//! first; of a group that has drifted one node goes, and others once a node made as the group would make it today is
//! Ready and no longer young. What did not become so keeps the others.

use crate::case::Case;
use crate::objection::{Objection, hold, strike};
use crate::step_effect::continues;
use crate::tally::Tally;
use model::disruption::Cause;
use model::intent::IntentKind;
use model::node::Node;
use model::plan::{Step, StepKind};
use model::reason::Reason;
use model::{GroupName, HoldReason, NodeName, StrikeReason};

pub(super) fn check(step: &Step, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let (
        StepKind::Cordon {
            node, group, after, ..
        },
        Reason::Renewed { cause, .. },
    ) = (&step.kind, &step.reason)
    else {
        return None;
    };
    if continues(step, case) {
        return None;
    }
    let node = case.seen.node(node)?;
    if case.aims.disruption.due(node, case.seen) != Some(*cause) || after.is_empty() {
        return strike(StrikeReason::NotDue);
    }
    let template = node.template.as_ref().filter(|_| *cause == Cause::Drifted)?;
    let wanted = template.wanted.clone();
    (!may_follow(&wanted, group, case, tally))
        .then(|| hold(HoldReason::CanaryFirst { wanted }))
        .flatten()
}

/// Whether a node made so has settled, or nobody has made one yet and none is on its way.
fn may_follow(wanted: &str, group: &GroupName, case: &Case<'_>, tally: &Tally) -> bool {
    let theirs = |node: &&Node| node.group.as_ref() == Some(group);
    let made: Vec<&Node> = case
        .seen
        .nodes
        .iter()
        .filter(|node| theirs(node) && node.is_made_with(wanted))
        .collect();
    let old = |node: &Node| case.seen.at.since(node.created) >= case.aims.disruption.settle;
    if made.iter().any(|node| node.ready && !node.deleting && old(node)) {
        return true;
    }
    let drifted = |name: &NodeName| {
        case.seen
            .node(name)
            .is_some_and(|node| theirs(&node) && node.is_drifted())
    };
    let removed = case
        .ledger
        .intents
        .iter()
        .filter_map(|intent| match &intent.kind {
            IntentKind::Remove { node, .. } => Some(node),
            IntentKind::Launch { .. } => None,
        });
    made.is_empty() && !removed.chain(&tally.cordoned).any(drifted)
}
