//! What keeps pods and nodes where they are whatever it would bring: annotations, static pods, pods that nobody would
//! recreate, local storage and kube-system where the aims say so; and nodes that somebody else removes.
//!
//! The words are those of `model::annotations`; budgets and places are asked in `crew`.

use super::fleet::Fleet;
use crate::number::size;
use model::aims::Aims;
use model::node::Node;
use model::pod::{Pod, PodSpec};
use model::reason::{PodStays, Stays};
use model::repair::{Broken, Repair};
use model::snapshot::Snapshot;

/// Why no pod of the spec may be moved; `covered`: a PodDisruptionBudget is over them.
pub(super) fn must_stay(spec: &PodSpec, aims: &Aims, covered: bool) -> Option<PodStays> {
    let traits = spec.traits;
    if let Some(held) = spec.held() {
        return Some(held);
    }
    if traits.mirror {
        return Some(PodStays::Mirror);
    }
    if traits.safe_to_evict {
        return None;
    }
    if spec.owner.is_none() {
        return Some(PodStays::NoOwner);
    }
    let local = aims.disruption.local_storage.keeps(traits);
    local.or_else(|| aims.disruption.keeps_system_pod(&spec.namespace, covered))
}

impl Fleet<'_> {
    /// Why the pod may not be moved now.
    pub(super) fn stays(&self, pod: &Pod) -> Option<PodStays> {
        let kind = self.kinds.get(size(pod.spec)).filter(|kind| !kind.expendable)?;
        kind.stays.or_else(|| pod.held(kind.spec, self.seen.at))
    }
}

/// Why a node that takes no pods is none that could be given up, where that is not Plimsoll's own doing.
pub(super) fn out_of_service(seen: &Snapshot, repair: &Repair<'_>, node: &Node) -> Option<Stays> {
    if seen.ledger.removal_of(&node.name).is_some() || node.fargate || node.is_given_up() {
        return None;
    }
    if let Some(by) = removed(seen, node) {
        return Some(by);
    }
    if let (Broken::Doubted(doubt), Some(since)) = (repair.broken(node), node.unready) {
        return Some(Stays::NotGivenUp { since, doubt });
    }
    (!node.ready).then_some(Stays::NotReady { since: node.unready })
}

/// Who else removes the node.
pub(super) fn removed(seen: &Snapshot, node: &Node) -> Option<Stays> {
    let mark = node.removed_by(seen.at)?;
    Some(Stays::RemovedByOthers {
        who: mark.who.to_owned(),
        mark: mark.key.to_owned(),
    })
}
