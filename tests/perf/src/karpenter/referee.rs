//! Whether nodes bought for Karpenter's input hold what its pods ask for and keep every rule, judged on the raw input.
//!
//! Written for this bench alone: it knows neither the engine nor the nouns it works with, only names of types, zones
//! and pods. It judges the final state strictly, as if every pod could be placed last: zones of a spread selector lie
//! within the skew over all zones, whoever is counted by a spread over nodes stands no deeper than the skew where one
//! with that rule stands, a group that wants to be together is in exactly one zone. kube-scheduler asks for less.

use super::input::{Input, RawPod, RawSelector, RawSpread, RawType};
use anyhow::{Context, Result, bail};
use model::plan::{Plan, PlannedNode};
use std::collections::{BTreeMap, BTreeSet};

const ZONE: &str = "topology.kubernetes.io/zone";
const HOSTNAME: &str = "kubernetes.io/hostname";

/// A node that was bought.
#[derive(Clone, Debug)]
pub struct Bought {
    /// Its type.
    pub of: String,
    /// Its zone.
    pub zone: String,
    /// Names of its pods.
    pub pods: Vec<String>,
}

/// What holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// Pods that have a place.
    pub placed: usize,
    /// Rules of theirs that were held against it.
    pub rules: usize,
    /// What the nodes cost.
    pub dollars: f64,
}

/// The nodes of a plan by name; offers are called `type/zone/purchase`.
pub fn bought(plan: &Plan) -> Vec<Bought> {
    let node = |node: &PlannedNode| {
        let mut parts = node.offer.as_str().split('/').map(str::to_owned);
        Bought {
            of: parts.next().unwrap_or_default(),
            zone: parts.next().unwrap_or_default(),
            pods: node.pods.iter().map(|pod| pod.name.to_string()).collect(),
        }
    };
    plan.nodes.iter().map(node).collect()
}

/// Judges the nodes; pods without a place are not counted against them. The first thing that is wrong is the error.
pub fn judge(input: &Input, nodes: &[Bought]) -> Result<Verdict> {
    let state = State::of(input, nodes)?;
    let mut dollars = 0.0;
    for at in 0..nodes.len() {
        dollars += state.hold(at)?;
    }
    let mut rules = 0;
    let mut sums: BTreeMap<&RawSelector, BTreeMap<&str, u32>> = BTreeMap::new();
    for (pod, at) in state.placed() {
        for spread in &pod.spread {
            rules += 1;
            let by_zone = sums.entry(&spread.label_selector);
            let by_zone = by_zone.or_insert_with(|| state.by_zone(&spread.label_selector));
            state.spread(pod, at, spread, by_zone)?;
        }
        for term in &pod.affinity.pod_affinity.required {
            rules += 1;
            let by_zone = sums.entry(&term.label_selector);
            let by_zone = by_zone.or_insert_with(|| state.by_zone(&term.label_selector));
            let zones: Vec<&&str> = by_zone
                .iter()
                .filter(|(_, n)| **n > 0)
                .map(|(zone, _)| zone)
                .collect();
            if term.topology_key != ZONE || zones != [&state.zone(at)] {
                bail!("{} wants to be together, and its like are in {zones:?}", pod.name);
            }
        }
        for term in &pod.affinity.pod_anti_affinity.required {
            rules += 1;
            let meant = |other: &&&RawPod| other.name != pod.name && selects(&term.label_selector, other);
            if term.topology_key != HOSTNAME || state.on(at).iter().any(|other| meant(&other)) {
                bail!("{} has one beside it that it wants away", pod.name);
            }
        }
    }
    Ok(Verdict {
        placed: state.at.len(),
        rules,
        dollars,
    })
}

fn selects(selector: &RawSelector, pod: &RawPod) -> bool {
    let mut wanted = selector.match_labels.iter();
    wanted.all(|(key, value)| pod.labels.get(key) == Some(value))
}

struct State<'a> {
    types: BTreeMap<&'a str, &'a RawType>,
    zones: BTreeSet<&'a str>,
    nodes: &'a [Bought],
    /// By node.
    carried: Vec<Vec<&'a RawPod>>,
    /// By pod: its node.
    at: BTreeMap<&'a str, (usize, &'a RawPod)>,
}

impl<'a> State<'a> {
    fn of(input: &'a Input, nodes: &'a [Bought]) -> Result<Self> {
        let pods: BTreeMap<&str, &RawPod> = input.pods.iter().map(|pod| (pod.name.as_str(), pod)).collect();
        let mut state = Self {
            types: input
                .instance_types
                .iter()
                .map(|of| (of.name.as_str(), of))
                .collect(),
            zones: BTreeSet::new(),
            nodes,
            carried: Vec::new(),
            at: BTreeMap::new(),
        };
        let sold = input.instance_types.iter().flat_map(|of| &of.offerings);
        state.zones.extend(sold.map(|sold| sold.zone.as_str()));
        for (at, node) in nodes.iter().enumerate() {
            let mut carried = Vec::new();
            for name in &node.pods {
                let pod = *pods
                    .get(name.as_str())
                    .with_context(|| format!("nobody is called {name}"))?;
                if state.at.insert(&pod.name, (at, pod)).is_some() {
                    bail!("{name} has two places");
                }
                carried.push(pod);
            }
            state.carried.push(carried);
        }
        Ok(state)
    }

    fn placed(&self) -> impl Iterator<Item = (&'a RawPod, usize)> {
        self.at.values().map(|(at, pod)| (*pod, *at))
    }

    fn on(&self, at: usize) -> &[&'a RawPod] {
        self.carried.get(at).map_or(&[], Vec::as_slice)
    }

    fn zone(&self, at: usize) -> &'a str {
        self.nodes.get(at).map_or("", |node| node.zone.as_str())
    }

    /// The price of a node that holds its pods.
    fn hold(&self, at: usize) -> Result<f64> {
        let node = self.nodes.get(at).context("a node")?;
        let of = self.types.get(node.of.as_str());
        let of = of.with_context(|| format!("no type is called {}", node.of))?;
        let cpu: i64 = self.on(at).iter().map(|pod| pod.requests.cpu_milli).sum();
        let bytes: i64 = self.on(at).iter().map(|pod| pod.requests.memory_bytes).sum();
        let there = of.allocatable;
        let many = u32::try_from(self.on(at).len())?;
        if cpu > there.cpu_milli || bytes > there.memory_bytes || many > there.pods {
            bail!(
                "node {at} ({}) is over-committed: {cpu} m, {bytes} bytes, {many} pods",
                node.of
            );
        }
        let mut sold = of.offerings.iter();
        let sold = sold.find(|sold| sold.zone == node.zone && sold.capacity_type == "on-demand");
        Ok(sold
            .with_context(|| format!("{} is not sold in {}", node.of, node.zone))?
            .price)
    }

    /// Placed pods that a selector means, by zone; every zone is there.
    fn by_zone(&self, selector: &RawSelector) -> BTreeMap<&'a str, u32> {
        let mut counts: BTreeMap<&str, u32> = self.zones.iter().map(|zone| (*zone, 0)).collect();
        for (pod, at) in self.placed() {
            if selects(selector, pod) {
                *counts.entry(self.zone(at)).or_insert(0) += 1;
            }
        }
        counts
    }

    fn spread(
        &self,
        pod: &RawPod,
        at: usize,
        spread: &RawSpread,
        by_zone: &BTreeMap<&str, u32>,
    ) -> Result<()> {
        let (key, skew) = (spread.topology_key.as_str(), spread.max_skew);
        if key == HOSTNAME {
            let counted = |other: &&&RawPod| selects(&spread.label_selector, other);
            let beside = self.on(at).iter().filter(counted).count();
            if beside > skew as usize {
                bail!("{} has {beside} beside it, at most {skew}", pod.name);
            }
            return Ok(());
        }
        let (fewest, most) = (by_zone.values().min(), by_zone.values().max());
        let apart = most.zip(fewest).map_or(0, |(most, fewest)| most - fewest);
        if key != ZONE || apart > skew {
            bail!("zones of {} lie {apart} apart, at most {skew}", pod.name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
