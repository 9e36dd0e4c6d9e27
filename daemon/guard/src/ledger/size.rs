//! How large the cluster has been, in the Ledger, and the limits that follow from it.
//!
//! Only what is known counts: a picture that may have lost nodes would tighten limits, one that is old may loosen them.
//! What a node costs at most is counted as the limits count it. Not here: which limits follow (`model::cluster_size`).

use crate::case::Case;
use crate::cleared::Fence;
use crate::proposal::Proposal;
use model::intent::Ledger;
use model::notes::Notes;
use model::plan::Plan;
use model::{Aims, ClusterSize, Instant, Snapshot, Source};
use std::sync::Arc;

/// Notes the size of the cluster where it is time to; tells whether the Ledger has changed.
pub fn note_size(ledger: &mut Ledger, seen: &Snapshot, aims: &Aims) -> bool {
    let due = ledger.size.as_ref().is_none_or(|size| size.is_due(seen.at));
    // What growth needs as well, so that nothing grows before there is a size.
    let known = [Source::Pods, Source::Nodes, Source::Groups];
    let fresh = |source: &Source| seen.freshness(*source).within(aims.limits.max_growth_age);
    if !due || !known.iter().all(fresh) {
        return false;
    }
    let size = size_of(seen, ledger, aims);
    let history = ledger.size.get_or_insert_default();
    // Told as changed only where a reading was added: every change of the Ledger is a write to disk or API server.
    let before = history.readings.clone();
    let history = Arc::make_mut(history);
    history.note(seen.at, size);
    history.readings != before
}

/// How large the cluster is as a rule; nothing at all while that is not known.
pub fn usual_size(ledger: &Ledger, now: Instant) -> ClusterSize {
    let known = ledger.size.as_ref().and_then(|size| size.usual(now));
    known.unwrap_or_default()
}

pub(super) fn size_of(seen: &Snapshot, ledger: &Ledger, aims: &Aims) -> ClusterSize {
    let (plan, notes, fence) = (Plan::default(), Notes::default(), Fence::sole());
    let proposal = Proposal {
        plan: &plan,
        notes: &notes,
        resumed: &[],
        watch: None,
    };
    let case = Case::new(seen, ledger, &proposal, aims, &fence);
    let nodes = seen.nodes.iter().filter(|node| !node.fargate).count();
    ClusterSize {
        nodes: u32::try_from(nodes).unwrap_or(u32::MAX),
        rate: case.running_rate(),
    }
}
