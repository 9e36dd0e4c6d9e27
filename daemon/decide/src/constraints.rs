//! Rules about pods near each other, settled before anything is packed: zones are dealt, nodes get a limit per
//! class, places that are taken are ruled out.
//!
//! Source: kube-scheduler's InterPodAffinity, PodTopologySpread and NodePorts. What is left for packing is plain: node
//! affinity, and how many pods of a class one node may hold. Settled strictly: a domain may hold what it could if
//! every pod were placed with the fewest there is; kube-scheduler, which places one after another, admits it in any
//! order. A rule that ties waiting classes to each other is refused as not modelled.

mod census;
mod deal;

use crate::demand::Class;
use crate::fit::{self, HOSTNAME, Place};
use census::Census;
use deal::Limit;
pub(crate) use deal::{Deal, redeal};
use model::ids::NodeName;
use model::pod::{Near, NearRule, PodSpec, Unmodelled};
use model::selector::{NodeTerm, Operator, Requirement};
use model::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Node label of the zone, the only domain beside the node itself that is dealt.
const ZONE: &str = "topology.kubernetes.io/zone";
const NODE_NAME: &str = "metadata.name";

/// How many pods of a class one node may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cap {
    /// A new node.
    pub(crate) new_node: u32,
    /// Nodes that may hold another number more than they do.
    pub(crate) more: BTreeMap<NodeName, u32>,
}

impl Cap {
    /// How many more the node takes.
    pub(crate) fn on(&self, node: &NodeName) -> u32 {
        self.more.get(node).copied().unwrap_or(self.new_node)
    }

    fn tighten(&mut self, other: Self) {
        for (node, more) in other.more {
            let own = self.on(&node);
            self.more.insert(node, own.min(more));
        }
        for more in self.more.values_mut() {
            *more = (*more).min(other.new_node.max(*more));
        }
        self.new_node = self.new_node.min(other.new_node);
    }
}

/// Classes that packing can place one by one: split by zone, capped by node, kept off what is taken.
pub(crate) fn settle(seen: &Snapshot, classes: Vec<Class>) -> Vec<Class> {
    let census = Census::new(seen, &classes);
    if census.is_plain() {
        return classes;
    }
    let classes = joined(classes);
    let bodies: Vec<Arc<PodSpec>> = classes.iter().map(|class| Arc::clone(&class.body)).collect();
    let mut settled = Vec::with_capacity(classes.len());
    for (at, class) in classes.into_iter().enumerate() {
        let others: Vec<&PodSpec> = bodies
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at)
            .map(|(_, body)| &**body)
            .collect();
        settled.extend(one(&census, &others, class));
    }
    settled
}

/// Classes of one spec that differ only in how long they have waited, together again: their pods count as one.
fn joined(classes: Vec<Class>) -> Vec<Class> {
    let mut joined: Vec<Class> = Vec::with_capacity(classes.len());
    for class in classes {
        let rules = !class.body.near.is_empty() || !class.body.host_ports.is_empty();
        let same = |other: &&mut Class| rules && class.spec.is_some() && other.spec == class.spec;
        match joined.last_mut().filter(same) {
            Some(known) => known.absorb(&class),
            None => joined.push(class),
        }
    }
    joined
}

/// What the rules of a class come to.
#[derive(Default)]
struct Settlement {
    cap: Option<Cap>,
    /// Pods are dealt out to zones.
    deal: Option<(BTreeMap<String, u32>, Limit)>,
    conditions: Vec<Condition>,
    unmodelled: Option<Unmodelled>,
}

/// A further condition on the node.
enum Condition {
    Label(Requirement),
    Name(Requirement),
}

fn in_zones(operator: Operator) -> Condition {
    Condition::Label(Requirement {
        key: ZONE.to_owned(),
        operator,
    })
}

impl Settlement {
    fn cap(&mut self, cap: Cap) {
        match &mut self.cap {
            Some(known) => known.tighten(cap),
            None => self.cap = Some(cap),
        }
    }

    fn refuse(&mut self, why: Unmodelled) {
        self.unmodelled.get_or_insert(why);
    }

    fn zones(&mut self, operator: Operator) {
        self.conditions.push(in_zones(operator));
    }

    fn nodes(&mut self, operator: Operator) {
        self.conditions.push(Condition::Name(Requirement {
            key: NODE_NAME.to_owned(),
            operator,
        }));
    }
}

fn one(census: &Census<'_>, others: &[&PodSpec], class: Class) -> Vec<Class> {
    let mut settlement = Settlement::default();
    let body = Arc::clone(&class.body);
    for near in &body.near {
        if others.iter().any(|other| near.selects(other)) {
            settlement.refuse(kind_of(near));
        } else if near.selects(&body) {
            own_rule(census, &body, near, &mut settlement);
        } else {
            rule_about_others(census, near, &mut settlement);
        }
    }
    if !body.host_ports.is_empty() {
        ports(census, others, &body, &mut settlement);
    }
    for (near, _) in census.repelling(&body) {
        taken(census, near, &body, &mut settlement);
    }
    apply(census, class, settlement)
}

const fn kind_of(near: &Near) -> Unmodelled {
    match near.rule {
        NearRule::Together => Unmodelled::PodAffinity,
        NearRule::Apart => Unmodelled::PodAntiAffinity,
        NearRule::Spread { .. } => Unmodelled::TopologySpread,
    }
}

/// A rule about the class's own pods and such as run already.
fn own_rule(census: &Census<'_>, body: &PodSpec, near: &Near, settlement: &mut Settlement) {
    match (near.key.as_str(), near.rule) {
        (HOSTNAME, NearRule::Apart) => settlement.cap(Cap {
            new_node: 1,
            more: census.by_node(near).into_keys().map(|node| (node, 0)).collect(),
        }),
        (HOSTNAME, NearRule::Spread { skew, .. }) => {
            settlement.cap(spread_over_nodes(census, body, near, skew));
        }
        (ZONE, rule @ (NearRule::Spread { .. } | NearRule::Apart)) if settlement.deal.is_none() => {
            let limit = match rule {
                NearRule::Spread { skew, domains } => Limit::Skew { skew, domains },
                _ => Limit::One,
            };
            settlement.deal = Some((census.by_zone(near), limit));
        }
        (ZONE, NearRule::Together) => {
            let there = census.by_zone(near);
            let zones: Vec<String> = if there.is_empty() {
                census.zones_for(body).into_iter().take(1).collect()
            } else {
                there.into_keys().collect()
            };
            settlement.zones(Operator::In(zones));
        }
        _ => settlement.refuse(kind_of(near)),
    }
}

/// On nodes that are there: as many as the fewest on any that could take the pod, and the skew. A new node is the
/// one with fewest.
fn spread_over_nodes(census: &Census<'_>, body: &PodSpec, near: &Near, skew: u32) -> Cap {
    let there = census.by_node(near);
    let eligible = census.nodes_for(body);
    let count = |node: &NodeName| there.get(node).copied().unwrap_or(0);
    let fewest = eligible.iter().map(|node| count(node)).min().unwrap_or(0);
    let most = fewest.saturating_add(skew);
    Cap {
        new_node: skew,
        more: eligible
            .into_iter()
            .map(|node| (node.clone(), most.saturating_sub(count(node))))
            .collect(),
    }
}

/// A rule about pods that are not the class's own and none of which waits.
fn rule_about_others(census: &Census<'_>, near: &Near, settlement: &mut Settlement) {
    match (near.key.as_str(), near.rule) {
        (HOSTNAME, NearRule::Apart) => settlement.nodes(Operator::NotIn(names(census.by_node(near)))),
        (ZONE, NearRule::Apart) => {
            settlement.zones(Operator::NotIn(census.by_zone(near).into_keys().collect()));
        }
        (HOSTNAME, NearRule::Together) => settlement.nodes(Operator::In(names(census.by_node(near)))),
        (ZONE, NearRule::Together) => {
            settlement.zones(Operator::In(census.by_zone(near).into_keys().collect()));
        }
        _ => settlement.refuse(kind_of(near)),
    }
}

fn names(nodes: BTreeMap<NodeName, u32>) -> Vec<String> {
    nodes.into_keys().map(|node| node.as_str().to_owned()).collect()
}

/// Host ports: one such pod a node, and none where another has the port.
fn ports(census: &Census<'_>, others: &[&PodSpec], body: &PodSpec, settlement: &mut Settlement) {
    let clash = |other: &PodSpec| {
        let own = |port| body.host_ports.iter().any(|own| own.conflicts(port));
        other.host_ports.iter().any(own)
    };
    if others.iter().any(|other| clash(other)) {
        settlement.refuse(Unmodelled::HostPort);
    }
    settlement.cap(Cap {
        new_node: 1,
        more: census.nodes_of(clash).into_iter().map(|node| (node, 0)).collect(),
    });
}

/// Keeps the class out of domains in which a running pod wants no such pod.
fn taken(census: &Census<'_>, near: &Near, body: &PodSpec, settlement: &mut Settlement) {
    let owners = census.nodes_of(|spec| spec.near.contains(near));
    match near.key.as_str() {
        // Its own rule says the same.
        HOSTNAME if body.near.contains(near) => {}
        HOSTNAME => {
            let names = owners.iter().map(|node| node.as_str().to_owned()).collect();
            settlement.nodes(Operator::NotIn(names));
        }
        ZONE => settlement.zones(Operator::NotIn(census.zones_of(&owners))),
        _ => settlement.refuse(Unmodelled::PodAntiAffinity),
    }
}

/// The class as the settlement leaves it, split by zone where zones are dealt.
fn apply(census: &Census<'_>, mut class: Class, settlement: Settlement) -> Vec<Class> {
    let Settlement {
        cap,
        deal,
        conditions,
        unmodelled,
    } = settlement;
    if unmodelled.is_none() && cap.is_none() && deal.is_none() && conditions.is_empty() {
        return vec![class];
    }
    let body = Arc::make_mut(&mut class.body);
    if let Some(why) = unmodelled {
        body.unmodelled.push(why);
        body.unmodelled.sort();
        return vec![class];
    }
    for condition in conditions {
        add(body, &condition);
    }
    class.cap = cap;
    match deal {
        None => vec![class],
        Some((there, limit)) => deal::split(census.zones_for(&class.body), &class, (there, limit)),
    }
}

/// One more condition that every term of the node affinity has.
fn add(body: &mut PodSpec, condition: &Condition) {
    for term in body
        .node_affinity
        .get_or_insert_with(|| vec![NodeTerm::default()])
    {
        match condition {
            Condition::Label(requirement) => term.labels.push(requirement.clone()),
            Condition::Name(requirement) => term.fields.push(requirement.clone()),
        }
    }
}

/// Whether rules of a spec (amounts apart) let it onto a place, taints left out.
fn could_stand(spec: &PodSpec, place: Place<'_>) -> bool {
    fit::admits(spec, Place { taints: &[], ..place })
}

#[cfg(test)]
mod tests;
