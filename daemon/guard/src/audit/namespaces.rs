//! Quotas of namespaces, counted anew: what the pods of one take of the nodes that are there, on their way and bought.
//!
//! As `model::quota::NamespaceQuota` says it: a node is shared out in proportion to what its pods ask for of its CPU or
//! memory, whichever is more. A namespace that is above its quota by what stands there is no flaw, as long as nothing is
//! bought for it.

use super::{Audit, Flaw};
use model::intent::IntentKind;
use model::plan::Plan;
use model::quota::{NamespaceQuota, NamespaceReached};
use model::{NodeName, PodKey, PodSpec, Resources, UsdPerHour};
use std::collections::{BTreeMap, BTreeSet};

/// A node, in the parts that shares of it are counted in.
const WHOLE: i128 = 1_000_000;

/// What a namespace takes: parts of nodes, and nano-dollars an hour.
#[derive(Clone, Copy, Default)]
struct Taken {
    parts: i128,
    nanos: i128,
}

/// By namespace.
type Shares<'a> = BTreeMap<&'a str, Taken>;

impl<'a> Audit<'a> {
    pub(super) fn namespaces(&mut self, plan: &'a Plan) {
        let pods = plan.nodes.iter().flat_map(|node| &node.pods);
        let bought_for: BTreeSet<&str> = pods.map(|pod| &*pod.namespace).collect();
        let limited: Vec<(&str, NamespaceQuota)> = bought_for
            .into_iter()
            .filter_map(|of| Some((of, *self.aims.quotas.of_namespace(of)?)))
            .collect();
        if limited.is_empty() {
            return;
        }
        let mut shares = self.standing(plan);
        for node in &plan.nodes {
            let Some(offer) = self.offer(&node.offer) else {
                continue;
            };
            let asks = self.asks(&node.pods);
            share_out((self.price(node), &offer.allocatable), asks, &mut shares);
        }
        for (namespace, quota) in limited {
            let taken = shares.get(namespace).copied().unwrap_or_default();
            if let Some(reached) = over(taken, &quota) {
                self.flaws
                    .push(Flaw::AboveNamespaceQuota(namespace.to_owned(), reached));
            }
        }
    }

    /// What is taken of nodes that are there or on their way, by the pods on them and by those that the plan sends there.
    fn standing(&self, plan: &'a Plan) -> Shares<'a> {
        let mut on: BTreeMap<&NodeName, Vec<(&str, &Resources)>> = BTreeMap::new();
        for (node, pods) in &plan.existing {
            on.entry(node).or_default().extend(self.asks(pods));
        }
        for pod in self.seen.pods.iter().filter(|pod| pod.holds_resources()) {
            let spec = self.seen.specs.get(pod.spec as usize);
            let (Some(node), Some(spec)) = (&pod.node, spec) else {
                continue;
            };
            if !is_agent(spec) {
                on.entry(node)
                    .or_default()
                    .push((&pod.key.namespace, &spec.requests));
            }
        }
        let mut shares = Shares::new();
        for node in &self.seen.nodes {
            let price = self.seen.node_price(node).unwrap_or_default();
            let asks = on.remove(&node.name).unwrap_or_default();
            share_out((price, &node.allocatable), asks, &mut shares);
        }
        for intent in &self.seen.ledger.intents {
            let IntentKind::Launch { offer, planned, .. } = &intent.kind else {
                continue;
            };
            let Some(offer) = self.offer(offer) else {
                continue;
            };
            for name in planned.iter().filter(|name| self.seen.node(name).is_none()) {
                let asks = on.remove(name).unwrap_or_default();
                share_out((offer.price, &offer.allocatable), asks, &mut shares);
            }
        }
        shares
    }

    fn asks(&self, pods: &'a [PodKey]) -> Vec<(&'a str, &'a Resources)> {
        let spec = |pod: &&PodKey| self.specs.get(*pod).copied().flatten();
        let known = pods.iter().filter_map(|pod| Some((pod, spec(&pod)?)));
        known
            .map(|(pod, spec)| (&*pod.namespace, &spec.requests))
            .collect()
    }
}

fn is_agent(spec: &PodSpec) -> bool {
    let owner = spec.owner.as_ref();
    owner.is_some_and(|owner| &*owner.kind == "DaemonSet")
}

/// Adds what each namespace takes of a node. Whoever asks for nothing takes a place all the same.
fn share_out<'a>(
    (price, of): (UsdPerHour, &Resources),
    pods: Vec<(&'a str, &Resources)>,
    shares: &mut Shares<'a>,
) {
    let part = |asked: i64, of: i64| i128::from(asked.max(0)) * WHOLE / i128::from(of.max(1));
    let mut asks: BTreeMap<&str, i128> = BTreeMap::new();
    for (namespace, asked) in pods {
        let cpu = part(asked.cpu_milli, of.cpu_milli);
        let memory = part(asked.memory_bytes, of.memory_bytes);
        *asks.entry(namespace).or_default() += cpu.max(memory).max(1);
    }
    let all: i128 = asks.values().sum();
    for (namespace, asked) in asks {
        let taken = shares.entry(namespace).or_default();
        taken.parts += WHOLE * asked / all;
        taken.nanos += i128::from(price.0) * asked / all;
    }
}

fn over(taken: Taken, quota: &NamespaceQuota) -> Option<NamespaceReached> {
    let nodes = quota.nodes.filter(|most| taken.parts > i128::from(*most) * WHOLE);
    let rate = quota.rate.filter(|most| taken.nanos > i128::from(most.0));
    nodes
        .map(NamespaceReached::Nodes)
        .or_else(|| rate.map(NamespaceReached::Rate))
}
