//! What proves that something is needed, or is not: which waiting pods a purchase is for, and whether a node was watched
//! empty. Found from the Snapshot, the Ledger and what the guard has watched, with no code of the engine.
//!
//! A policy can invent headroom, replicas to come and pods of the workloads it may scale: none of these proves anything,
//! nor does a pod that we moved ourselves. What is not proven is not forbidden: the tight windows count it.

use crate::case::Case;
use crate::tally::{Tally, number};
use model::intent::{EffectKind, Ledger, Proof};
use model::limits::Limits;
use model::memory::Memory;
use model::offer::{Offer, OfferKind, Purchase};
use model::pod::{NearRule, Pod, PodPhase, PodSpec, TaintEffect};
use model::resources::Resources;
use model::watch::How;
use model::{Aims, Instant, NodeName, PodKey, Snapshot, UsdPerHour, WorkloadKey};
use std::collections::{BTreeMap, BTreeSet};

/// Nodes that are bought may cost this many times what the pods need of the cheapest node that can run them: nodes are
/// never full, carry agents, and the cheapest are not always to be had.
pub const PLAY: u64 = 2;

/// Takes the picture into what the guard has watched. Run once per cycle, before the plan is judged.
pub fn watch(memory: &mut Memory, seen: &Snapshot, aims: &Aims) {
    let annotated: BTreeSet<&WorkloadKey> = seen
        .workloads
        .iter()
        .filter(|workload| workload.annotations.contains_key(SCALE))
        .map(|workload| &workload.key)
        .collect();
    let scaled =
        |key: &WorkloadKey| annotated.contains(key) || aims.scale.iter().any(|aim| aim.workload == *key);
    let windows = (aims.limits.window, aims.limits.long_window);
    memory.watch.take_in(seen, windows, scaled);
}

/// Lets policies set the replicas of a workload.
const SCALE: &str = "plimsoll.io/scale";

/// Pods that may prove a purchase, and what each kind of them needs.
pub(crate) struct Evidence<'a> {
    /// Workloads whose pods policies can make.
    scaled: BTreeSet<&'a WorkloadKey>,
    /// Pods that have proven something within the long window.
    spent: BTreeSet<&'a PodKey>,
    /// Pods that were moved within the long window: as many that wait may be those, the dearest.
    moved: u32,
    /// Pods made before this may have proven something that is forgotten.
    forgotten: Option<Instant>,
    /// Pods of lower priority prove nothing: no node is bought for them.
    expendable_below: i32,
    on: bool,
}

impl<'a> Evidence<'a> {
    pub(crate) fn new(seen: &'a Snapshot, ledger: &'a Ledger, aims: &'a Aims) -> Self {
        let annotated = seen
            .workloads
            .iter()
            .filter(|of| of.annotations.contains_key(SCALE));
        let aimed = aims.scale.iter().map(|aim| &aim.workload);
        let moved = ledger.effects.iter().map(|effect| match &effect.kind {
            EffectKind::Evicted { count } | EffectKind::Remade { count, .. } => *count,
            _ => 0,
        });
        Self {
            scaled: annotated.map(|of| &of.key).chain(aimed).collect(),
            spent: ledger.spent.iter().flat_map(|spent| &spent.pods).collect(),
            moved: moved.fold(0, u32::saturating_add),
            forgotten: ledger
                .spent
                .iter()
                .filter(|spent| spent.pods.is_empty())
                .map(|spent| spent.at)
                .max(),
            expendable_below: aims.priority.expendable_below,
            on: aims.limits.growth_by_evidence,
        }
    }

    pub(crate) const fn moved(&self) -> u32 {
        self.moved
    }

    /// Whether the pod waits for a node, of nobody's making but its owner's, and has proven nothing yet.
    fn counts(&self, pod: &Pod, spec: &PodSpec) -> bool {
        pod.phase == PodPhase::Pending
            && pod.node.is_none()
            && pod.nominated.is_none()
            && !spec.traits.mirror
            && spec.unmodelled.is_empty()
            && spec.priority >= self.expendable_below
            && !self.spent.contains(&pod.key)
            && self.forgotten.is_none_or(|at| pod.created > at)
            && spec
                .owner
                .as_ref()
                .is_none_or(|owner| &*owner.kind != "DaemonSet" && !self.scaled.contains(owner))
    }

    /// The part of so many nodes of an offer that these pods prove to be needed, and the pods in doubt that are left: so
    /// many of those that wait may have been moved by us.
    pub(crate) fn proves(
        &self,
        (offer, nodes): (&Offer, u32),
        pods: &[PodKey],
        (case, mut doubt): (&Case<'_>, u32),
    ) -> (Proof, u32) {
        let price = case.price(offer);
        if !self.on || nodes == 0 || price <= UsdPerHour::ZERO {
            return (Proof::default(), doubt);
        }
        let mut of_spec: BTreeMap<u32, Option<UsdPerHour>> = BTreeMap::new();
        let mut worth: Vec<UsdPerHour> = BTreeSet::from_iter(pods)
            .into_iter()
            .filter_map(|key| {
                let pod = case.seen.pod(key)?;
                let spec = case.seen.spec(pod.spec);
                if !self.counts(pod, &spec) {
                    return None;
                }
                *of_spec
                    .entry(pod.spec)
                    .or_insert_with(|| runs(&spec, offer, case).then(|| cheapest(&spec, offer, case)))
            })
            .collect();
        worth.sort_unstable_by(|a, b| b.cmp(a));
        let doubted = doubt.min(number(worth.len()));
        doubt -= doubted;
        let sum: UsdPerHour = worth.into_iter().skip(doubted as usize).sum();
        let proven = sum.times(PLAY).0 / price.0;
        let nodes = nodes.min(u32::try_from(proven).unwrap_or(u32::MAX));
        let rate = price.times(u64::from(nodes));
        (Proof { nodes, rate }, doubt)
    }
}

/// What the pod needs of the cheapest node bought in the same way that could run it, whose group has room.
fn cheapest(spec: &PodSpec, bought: &Offer, case: &Case<'_>) -> UsdPerHour {
    let alike = |offer: &&Offer| {
        let group = case.seen.groups.get(offer.group as usize);
        purchase(offer) == purchase(bought)
            && (offer.group == bought.group || group.is_some_and(|group| case.size(group) < group.max))
    };
    let offers = case.seen.offers.iter().filter(alike);
    offers
        .filter(|offer| offer.id == bought.id || runs(spec, offer, case))
        .map(|offer| share(spec, offer, case.price(offer)))
        .min()
        .unwrap_or_default()
}

fn purchase(offer: &Offer) -> Option<Purchase> {
    match &offer.kind {
        OfferKind::Ec2 { purchase, .. } => Some(*purchase),
        OfferKind::Fargate { .. } => None,
    }
}

/// Whether a new node of the offer could run the pod, as far as its amounts, labels and taints go.
fn runs(spec: &PodSpec, offer: &Offer, case: &Case<'_>) -> bool {
    let labels = &offer.labels;
    let repels = |taint: &model::pod::Taint| {
        taint.effect != TaintEffect::PreferNoSchedule && !spec.tolerations.iter().any(|t| t.tolerates(taint))
    };
    let group = case.seen.groups.get(offer.group as usize);
    !offer.is_fargate()
        && spec.requests.fits(&offer.allocatable)
        && spec
            .node_selector
            .iter()
            .all(|(key, value)| key == HOSTNAME || labels.get(key) == Some(value))
        && spec
            .node_affinity
            .as_ref()
            .is_none_or(|terms| terms.iter().any(|term| term.matches(labels, "")))
        && group.is_some_and(|group| !group.taints.iter().any(repels))
}

const HOSTNAME: &str = "kubernetes.io/hostname";

/// The pod's part of the price of a node: by what it asks most of, or all of it where it wants a node to itself.
fn share(spec: &PodSpec, offer: &Offer, price: UsdPerHour) -> UsdPerHour {
    let alone = !spec.host_ports.is_empty()
        || spec.traits.host_port
        || spec.near.iter().any(|near| {
            near.key == HOSTNAME && !matches!(near.rule, NearRule::Together) && near.selects(spec)
        });
    if alone {
        return price;
    }
    let (asked, has): (&Resources, &Resources) = (&spec.requests, &offer.allocatable);
    let extended = asked
        .extended
        .iter()
        .map(|(name, amount)| (*amount, has.amount(name)));
    let amounts = [
        (asked.cpu_milli, has.cpu_milli),
        (asked.memory_bytes, has.memory_bytes),
        (asked.ephemeral_bytes, has.ephemeral_bytes),
        (1, i64::from(offer.max_pods)),
    ];
    let parts = amounts
        .into_iter()
        .chain(extended)
        .filter(|(asked, _)| *asked > 0);
    let most = parts
        .map(|(asked, has)| i128::from(price.0) * i128::from(asked) / i128::from(has.max(1)))
        .max()
        .unwrap_or(0);
    UsdPerHour(i64::try_from(most).unwrap_or(i64::MAX)).min(price)
}

/// Whether the node was watched empty, long enough and explained: then the limit of empty nodes counts its removal.
pub(crate) fn is_watched_empty(node: &NodeName, case: &Case<'_>) -> bool {
    let Some(watch) = case.watch.filter(|watch| watch.at == Some(case.seen.at)) else {
        return false;
    };
    let group = case.seen.node(node).and_then(|node| node.group.as_ref());
    let patience = case.seen.options(group).unneeded_for(case.aims);
    let emptied = watch
        .empty
        .get(node)
        .is_some_and(|emptied| emptied.how == How::Watched && case.seen.at.since(emptied.since) >= patience);
    case.limits().emptied_per_window_permille > 0
        && emptied
        && case.movable_on(node).next().is_none()
        && watch.unexplained() <= case.unexplained_allowed()
}

/// Pods that are moved for the removal of the node, at least one, where it is explained: owners that no policy and no
/// scaler sets have let go of as many pods within a long window, and this window of nodes has room. What nobody can
/// explain that vanished makes it as tight as any other.
pub(crate) fn explained(node: &NodeName, case: &Case<'_>, tally: &Tally) -> Option<u32> {
    let watch = case.watch.filter(|watch| watch.at == Some(case.seen.at))?;
    let limits = case.limits();
    let nodes = number(case.seen.nodes.iter().filter(|node| !node.fargate).count());
    let usual = Limits::default().explained_per_window_permille;
    let most = match limits.explained_per_window_permille {
        0 => return None,
        permille => crate::checks::share(nodes, permille, usual, limits),
    };
    let pods = number(case.movable_on(node).count()).max(1);
    let explained = tally.explained < most
        && tally.explained_pods.saturating_add(pods) <= watch.released()
        && watch.unexplained() <= case.unexplained_allowed();
    explained.then_some(pods)
}

#[cfg(test)]
mod tests;
