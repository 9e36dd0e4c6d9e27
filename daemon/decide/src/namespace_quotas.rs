//! What the pods of one namespace may take of the nodes they stand on: what a plan would buy above that is taken back.
//!
//! A node is shared out between namespaces in proportion to what their pods on it ask for of its CPU or memory, whichever
//! is more. Free room on nodes that are there costs nothing more and is not kept from anybody, but what stands there counts.
//! Taken back is from the end of the plan, and only pods of the namespace: who shares a node with them keeps it. Not here:
//! how much of a namespace one cycle looks at (`fair_share`).

use crate::bought::{Bought, Purchase};
use crate::class::Class;
use crate::market::Market;
use crate::number::size;
use crate::rooms::Housed;
use crate::tenants::Tenants;
use model::ids::{NodeName, PodKey};
use model::intent::IntentKind;
use model::money::UsdPerHour;
use model::quota::{NamespaceQuota, NamespaceReached, Quotas};
use model::resources::Resources;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A node, in the parts that shares of it are counted in.
const WHOLE: i128 = 1_000_000;

/// What namespaces take.
#[derive(Clone, Copy, Default)]
struct Taken {
    /// Parts of nodes.
    parts: i128,
    nanos: i128,
}

impl Taken {
    fn add(&mut self, more: Self) {
        self.parts += more.parts;
        self.nanos += more.nanos;
    }

    fn sub(&mut self, less: Self) {
        self.parts -= less.parts;
        self.nanos -= less.nanos;
    }

    fn over(&self, quota: &NamespaceQuota) -> Option<NamespaceReached> {
        let nodes = quota.nodes.filter(|most| self.parts > i128::from(*most) * WHOLE);
        let rate = quota.rate.filter(|most| self.nanos > i128::from(most.0));
        nodes
            .map(NamespaceReached::Nodes)
            .or_else(|| rate.map(NamespaceReached::Rate))
    }
}

/// By namespace: what it takes of one node, or of several.
type OfNode = BTreeMap<Arc<str>, Taken>;

/// Takes back what namespaces would have above their quotas; the reason stands beside the pods that have no place for it.
pub(crate) fn hold(
    (market, classes): (&Market<'_>, &[Class]),
    tenants: &Tenants,
    quotas: &Quotas,
    (housed, purchase): (&Housed, &mut Purchase),
) -> bool {
    if quotas.namespaces.is_empty() || purchase.bought.is_empty() {
        return false;
    }
    let mut taken = taken((market, classes), tenants, housed);
    let mut of_bought: Vec<OfNode> = Vec::with_capacity(purchase.bought.len());
    for bought in &purchase.bought {
        let of = of_bought_node((market, classes), bought);
        for (namespace, of) in &of {
            taken.entry(Arc::clone(namespace)).or_default().add(*of);
        }
        of_bought.push(of);
    }
    let mut any = false;
    // Who is left on a node takes all of it, which may be above a quota that was kept before: it ends when nothing is taken
    // back any more.
    while take_back((market, classes), quotas, purchase, (&mut taken, &mut of_bought)) {
        any = true;
    }
    purchase.bought.retain(|bought| !bought.node.pods.is_empty());
    any
}

/// Tells the pods that lost their places, from this one on, which quota it was that others of their namespace lost theirs by.
pub(crate) fn explain(purchase: &mut Purchase, from: usize) {
    for (_, pod) in &purchase.unplaced[from..] {
        let mut known = purchase.over_quota.iter();
        let other = known.find(|(other, _)| other.namespace == pod.namespace);
        if let Some(reached) = other.map(|(_, reached)| reached.clone()) {
            purchase.over_quota.insert(pod.clone(), reached);
        }
    }
}

/// Goes through the nodes once, from the end; tells whether anything was taken back.
fn take_back(
    (market, classes): (&Market<'_>, &[Class]),
    quotas: &Quotas,
    purchase: &mut Purchase,
    (taken, of_bought): (&mut OfNode, &mut [OfNode]),
) -> bool {
    let mut any = false;
    for at in (0..purchase.bought.len()).rev() {
        for namespace in of_bought[at].keys().cloned().collect::<Vec<_>>() {
            let quota = quotas.of_namespace(&namespace);
            let reached = quota.and_then(|quota| taken.get(&namespace)?.over(quota));
            let Some(reached) = reached else { continue };
            any = true;
            evict(purchase, at, (&namespace, reached), market);
            let now = of_bought_node((market, classes), &purchase.bought[at]);
            for (namespace, was) in std::mem::replace(&mut of_bought[at], now) {
                taken.entry(namespace).or_default().sub(was);
            }
            for (namespace, is) in &of_bought[at] {
                taken.entry(Arc::clone(namespace)).or_default().add(*is);
            }
        }
    }
    any
}

/// Takes the pods of a namespace off a node that would be bought.
fn evict(
    purchase: &mut Purchase,
    at: usize,
    (namespace, reached): (&str, NamespaceReached),
    market: &Market<'_>,
) {
    let bought = &mut purchase.bought[at];
    let classes: Vec<usize> = bought.classes.iter().chain(&bought.after).copied().collect();
    let pods: Vec<(usize, PodKey)> = classes
        .into_iter()
        .zip(bought.node.pods.iter().cloned())
        .collect();
    for (class, pod) in pods.into_iter().filter(|(_, pod)| *pod.namespace == *namespace) {
        bought.remove(&pod, market.seen);
        purchase.over_quota.insert(pod.clone(), reached.clone());
        purchase.unplaced.push((class, pod));
    }
}

/// What namespaces take of the nodes that are there or on their way, with the pods that find room on them.
fn taken(
    (market, classes): (&Market<'_>, &[Class]),
    tenants: &Tenants,
    housed: &Housed,
) -> BTreeMap<Arc<str>, Taken> {
    let seen = market.seen;
    let mut taken: BTreeMap<Arc<str>, Taken> = BTreeMap::new();
    let mut count = |of: OfNode| {
        for (namespace, of) in of {
            taken.entry(namespace).or_default().add(of);
        }
    };
    for (node, pods) in seen.nodes.iter().zip(tenants.by_node()) {
        let price = seen.node_price(node).unwrap_or_default();
        let standing = pods.iter().filter_map(|at| {
            let pod = seen.pods.get(size(*at))?;
            let spec = seen.specs.get(size(pod.spec))?;
            let of_daemon_set = spec
                .owner
                .as_ref()
                .is_some_and(|owner| &*owner.kind == "DaemonSet");
            (!of_daemon_set).then(|| (&pod.key.namespace, &spec.requests))
        });
        let come = come_to(housed, &node.name, classes);
        count(shared_out(price, &node.allocatable, standing.chain(come)));
    }
    // Nodes on their way have no pods yet but those that were given room on them.
    for intent in &seen.ledger.intents {
        let IntentKind::Launch { offer, planned, .. } = &intent.kind else {
            continue;
        };
        let Some(offer) = seen.offer_ix(offer).map(|ix| &seen.offers[ix]) else {
            continue;
        };
        for name in planned.iter().filter(|name| seen.node(name).is_none()) {
            let come = come_to(housed, name, classes);
            count(shared_out(offer.price, &offer.allocatable, come));
        }
    }
    taken
}

fn come_to<'a>(
    housed: &'a Housed,
    node: &NodeName,
    classes: &'a [Class],
) -> impl Iterator<Item = (&'a Arc<str>, &'a Resources)> {
    let come = housed.pods.get(node).into_iter().flatten();
    come.map(|(class, pod)| (&pod.namespace, &classes[*class].body.requests))
}

fn of_bought_node((market, classes): (&Market<'_>, &[Class]), bought: &Bought) -> OfNode {
    let offer = &market.seen.offers[bought.offer];
    let of = bought.classes.iter().chain(&bought.after);
    let pods = bought.node.pods.iter().zip(of);
    let asks = pods.map(|(pod, class)| (&pod.namespace, &classes[*class].body.requests));
    shared_out(bought.node.price(offer), &offer.allocatable, asks)
}

/// What each namespace takes of a node.
fn shared_out<'a>(
    price: UsdPerHour,
    allocatable: &Resources,
    pods: impl Iterator<Item = (&'a Arc<str>, &'a Resources)>,
) -> OfNode {
    let part = |asked: i64, of: i64| i128::from(asked.max(0)) * WHOLE / i128::from(of.max(1));
    let mut asks: BTreeMap<Arc<str>, i128> = BTreeMap::new();
    for (namespace, asked) in pods {
        let cpu = part(asked.cpu_milli, allocatable.cpu_milli);
        let memory = part(asked.memory_bytes, allocatable.memory_bytes);
        // Who asks for nothing takes a place all the same.
        *asks.entry(Arc::clone(namespace)).or_default() += cpu.max(memory).max(1);
    }
    let all: i128 = asks.values().sum();
    let of = |asked: i128| Taken {
        parts: WHOLE * asked / all,
        nanos: i128::from(price.0) * asked / all,
    };
    asks.into_iter()
        .map(|(namespace, asked)| (namespace, of(asked)))
        .collect()
}

#[cfg(test)]
mod tests;
