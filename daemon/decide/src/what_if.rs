//! What-if: a change applied to a Snapshot before it is deliberated on. Pure; nothing is carried out.

use model::ids::{NodeName, OfferId, PodKey, WorkloadKey};
use model::money::UsdPerHour;
use model::pod::{Pod, PodPhase, PodSpec, SpecIx};
use model::snapshot::Snapshot;
use std::sync::Arc;

/// A change to think through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Pods to add: name prefix, spec, how many.
    pub add_pods: Vec<(PodKey, PodSpec, u32)>,
    /// Pods to take away.
    pub remove_pods: Vec<PodKey>,
    /// Replicas to set.
    pub replicas: Vec<(WorkloadKey, u32)>,
    /// Nodes to take away; their pods wait again.
    pub remove_nodes: Vec<NodeName>,
    /// Prices to set; every offer whose id starts with the text.
    pub prices: Vec<(OfferId, UsdPerHour)>,
}

/// Names in a change that the Snapshot does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {name} is not in the snapshot")]
pub struct UnknownName {
    /// `pod`, `node`, `workload`, `offer`.
    pub kind: &'static str,
    /// The name.
    pub name: String,
}

/// The Snapshot as it would be. Added pods are named `<prefix>-<n>` by the first numbers that are free. Pods
/// of a node taken away wait again, except those of DaemonSets and static ones, which go with it.
pub fn apply(seen: &Snapshot, change: &Change) -> Result<Snapshot, UnknownName> {
    let mut then = seen.clone();
    for key in &change.remove_pods {
        let at = then
            .pods
            .binary_search_by(|pod| pod.key.cmp(key))
            .map_err(|_| unknown("pod", key))?;
        then.pods.remove(at);
    }
    for name in &change.remove_nodes {
        remove_node(&mut then, name)?;
    }
    for (key, replicas) in &change.replicas {
        let workload = then.workloads.iter_mut().find(|w| w.key == *key);
        workload.ok_or_else(|| unknown("workload", key))?.replicas = *replicas;
    }
    for (prefix, price) in &change.prices {
        let mut priced = false;
        for offer in then
            .offers
            .iter_mut()
            .filter(|o| o.id.as_str().starts_with(prefix.as_str()))
        {
            offer.price = *price;
            priced = true;
        }
        if !priced {
            return Err(unknown("offer", prefix));
        }
    }
    for (prefix, spec, how_many) in &change.add_pods {
        add_pods(&mut then, prefix, spec, *how_many);
    }
    Ok(then)
}

fn unknown(kind: &'static str, name: &impl ToString) -> UnknownName {
    UnknownName {
        kind,
        name: name.to_string(),
    }
}

fn remove_node(then: &mut Snapshot, name: &NodeName) -> Result<(), UnknownName> {
    let at = then
        .nodes
        .binary_search_by(|node| node.name.cmp(name))
        .map_err(|_| unknown("node", name))?;
    let node = then.nodes.remove(at);
    let specs = then.specs.clone();
    then.pods.retain_mut(|pod| {
        if pod.node.as_ref() != Some(name) {
            return true;
        }
        let spec = specs.get(pod.spec as usize);
        let daemon = spec
            .and_then(|s| s.owner.as_ref())
            .is_some_and(|o| &*o.kind == "DaemonSet");
        let gone = matches!(pod.phase, PodPhase::Terminating | PodPhase::Finished);
        pod.node = None;
        pod.phase = PodPhase::Pending;
        pod.usage = None;
        !(daemon || gone || spec.is_some_and(|s| s.traits.mirror))
    });
    let group = then
        .groups
        .iter_mut()
        .find(|g| node.group.as_ref() == Some(&g.name));
    if let Some(group) = group {
        group.desired = group.desired.saturating_sub(1);
        group
            .instances
            .retain(|instance| node.instance.as_ref() != Some(&instance.id));
    }
    Ok(())
}

fn add_pods(then: &mut Snapshot, prefix: &PodKey, spec: &PodSpec, how_many: u32) {
    let mut spec = spec.clone();
    spec.namespace = prefix.namespace.to_string();
    let ix = then.specs.iter().position(|s| **s == spec).unwrap_or_else(|| {
        then.specs.push(Arc::new(spec));
        then.specs.len() - 1
    });
    let free: Vec<PodKey> = (0..u32::MAX)
        .map(|n| PodKey::new(&*prefix.namespace, format!("{}-{n}", prefix.name)))
        .filter(|key| then.pod(key).is_none())
        .take(how_many as usize)
        .collect();
    let created = then.at;
    then.pods.extend(free.into_iter().map(|key| Pod {
        key,
        spec: SpecIx::try_from(ix).unwrap_or(SpecIx::MAX),
        node: None,
        phase: PodPhase::Pending,
        created,
        usage: None,
        nominated: None,
        deletion_cost: 0,
        started: None,
    }));
    then.pods.sort_by(|a, b| a.key.cmp(&b.key));
}

#[cfg(test)]
mod tests;
