//! What every plan of these tests must be: without a flaw to the guard's audit, and growing groups step by step.

use crate::Deliberation;
use model::aims::Aims;
use model::plan::StepKind;
use model::snapshot::Snapshot;
use std::collections::BTreeMap;

/// Panics at what is wrong.
pub(crate) fn check(seen: &Snapshot, aims: &Aims, done: &Deliberation) {
    let flaws = guard::audit(seen, aims, &done.plan, &done.notes);
    assert!(flaws.is_empty(), "{flaws:?}");
    assert!(
        done.plan.nodes.iter().all(|node| !node.pods.is_empty()),
        "nobody buys an empty node"
    );
    groups_hold(seen, done);
}

fn groups_hold(seen: &Snapshot, done: &Deliberation) {
    let mut size: BTreeMap<_, _> = seen.groups.iter().map(|g| (g.name.clone(), g.desired)).collect();
    for step in &done.plan.steps {
        if let StepKind::GrowGroup {
            group,
            from,
            to,
            nodes,
            ..
        } = &step.kind
        {
            assert_eq!(size[group], *from);
            assert_eq!(*to - *from, u32::try_from(nodes.len()).unwrap());
            assert!(*to <= seen.group(group).unwrap().max, "{group} above its maximum");
            size.insert(group.clone(), *to);
        }
    }
}
