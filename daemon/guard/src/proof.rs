//! Proof: how many nodes of a purchase waiting pods prove to be needed.
//!
//! Only amounts, labels and taints are looked at: whether kube-scheduler would put these very pods there is the engine's
//! question, and a policy's word for it is not taken here. Not here: which pods count (`evidence`).

use crate::case::Case;
use crate::fleet::number;
use model::intent::Proof;
use model::offer::{Offer, OfferKind, Purchase};
use model::plan::StepKind;
use model::pod::{NearRule, PodSpec, TaintEffect};
use model::resources::Resources;
use model::{PodKey, UsdPerHour};
use std::collections::{BTreeMap, BTreeSet};

/// Nodes that are bought may cost this many times what the pods need of the cheapest node that can run them: nodes are
/// never full, carry agents, and the cheapest are not always to be had.
pub const PLAY: u64 = 2;

/// What waiting pods prove of a step that buys, and the doubt that is left: so many of those that wait may have been moved
/// by us.
pub(crate) fn proven(kind: &StepKind, case: &Case<'_>, doubt: u32) -> (Proof, u32) {
    let nothing = (Proof::default(), doubt);
    let StepKind::GrowGroup {
        offer,
        from,
        to,
        pods,
        ..
    } = kind
    else {
        return nothing;
    };
    let nodes = to.saturating_sub(*from);
    let Some(offer) = case.offer(offer) else {
        return nothing;
    };
    let price = case.price(offer);
    if !case.evidence.is_on() || nodes == 0 || price <= UsdPerHour::ZERO {
        return nothing;
    }
    let mut worth = worth(pods, offer, case);
    // Nobody can tell a pod that its owner made anew after our eviction from one that came by itself. The dearest are set
    // aside, so that no order in which a plan names its pods proves more than the worst case does.
    worth.sort_unstable_by(|a, b| b.cmp(a));
    let doubted = doubt.min(number(worth.len()));
    let sum: UsdPerHour = worth.into_iter().skip(doubted as usize).sum();
    let proven = sum.times(PLAY).0 / price.0;
    let nodes = nodes.min(u32::try_from(proven).unwrap_or(u32::MAX));
    let rate = price.times(u64::from(nodes));
    (Proof { nodes, rate }, doubt - doubted)
}

/// What each of these pods needs of the cheapest node that could run it, in dollars an hour; those that prove nothing are
/// left out.
fn worth(pods: &[PodKey], offer: &Offer, case: &Case<'_>) -> Vec<UsdPerHour> {
    // Pods of one spec need the same, and a Deployment of thousands is one spec: offers are gone through once for it.
    let mut of_spec: BTreeMap<u32, Option<UsdPerHour>> = BTreeMap::new();
    // A plan that names a pod twice proves nothing twice.
    let pods = BTreeSet::from_iter(pods).into_iter();
    pods.filter_map(|key| {
        let pod = case.seen.pod(key)?;
        let spec = case.seen.spec(pod.spec);
        if !case.evidence.counts(pod, &spec) {
            return None;
        }
        *of_spec
            .entry(pod.spec)
            .or_insert_with(|| runs(&spec, offer, case).then(|| cheapest(&spec, offer, case)))
    })
    .collect()
}

/// What the pod needs of the cheapest node bought in the same way that could run it, whose group has room.
fn cheapest(spec: &PodSpec, bought: &Offer, case: &Case<'_>) -> UsdPerHour {
    let alike = |offer: &&Offer| {
        let group = case.seen.groups.get(offer.group as usize);
        purchase_of(offer) == purchase_of(bought)
            && (offer.group == bought.group || group.is_some_and(|group| case.size(group) < group.max))
    };
    let offers = case.seen.offers.iter().filter(alike);
    offers
        .filter(|offer| offer.id == bought.id || runs(spec, offer, case))
        .map(|offer| share(spec, offer, case.price(offer)))
        .min()
        .unwrap_or_default()
}

/// How the instance is paid for; `None` on Fargate.
fn purchase_of(offer: &Offer) -> Option<Purchase> {
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
