//! Whose Ledger it is: the cluster it was written in, and the very groups that its launches were asked of (reliability
//! invariant I21).
//!
//! A cluster that is made anew, or a volume that is moved to another one, brings names that mean something else there. So
//! does a group that is deleted and made again under its name. What is not known on either side is no difference. Not
//! here: what a daemon does whose Ledger is another cluster's (`cycle`).

use model::intent::{IntentKind, Ledger};
use model::{IntentId, Snapshot};

/// Whether the Ledger was written in another cluster than the one that is seen.
pub fn is_of_another_cluster(ledger: &Ledger, seen: &Snapshot) -> bool {
    let both = ledger.cluster_uid.as_ref().zip(seen.cluster_uid.as_ref());
    both.is_some_and(|(ours, theirs)| ours != theirs)
}

/// Notes the cluster and the groups that are seen; tells whether the Ledger has changed. A group that is not seen is
/// remembered as long as a launch of it is under way.
pub fn note_identity(ledger: &mut Ledger, seen: &Snapshot) -> bool {
    let mut uids = ledger.group_uids.clone();
    uids.retain(|name, _| {
        let is_theirs = |kind: &IntentKind| matches!(kind, IntentKind::Launch { group, .. } if group == name);
        seen.group(name).is_some() || ledger.intents.iter().any(|intent| is_theirs(&intent.kind))
    });
    let known = seen.groups.iter();
    // A group that tells no UID now keeps the one it had: not known is no difference (I1).
    uids.extend(known.filter_map(|group| Some((group.name.clone(), group.uid.clone()?))));
    // The first that is seen stays: a Ledger does not become another cluster's by being read there.
    let cluster = ledger.cluster_uid.clone().or_else(|| seen.cluster_uid.clone());
    let changed = uids != ledger.group_uids || cluster != ledger.cluster_uid;
    (ledger.group_uids, ledger.cluster_uid) = (uids, cluster);
    changed
}

/// Launches that were asked of a group in whose place another one of the same name stands.
pub(super) fn orphaned(ledger: &Ledger, seen: &Snapshot) -> Vec<IntentId> {
    let other = |intent: &&model::intent::Intent| {
        let IntentKind::Launch { group, .. } = &intent.kind else {
            return false;
        };
        let now = seen.group(group).and_then(|group| group.uid.as_ref());
        ledger
            .group_uids
            .get(group)
            .zip(now)
            .is_some_and(|(then, now)| then != now)
    };
    let launches = ledger.intents.iter().filter(other);
    launches.map(|intent| intent.id.clone()).collect()
}
