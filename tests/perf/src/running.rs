//! Clusters that run: nodes that are there, pods that stand on them, and pods that come and go.

use manifest::HOSTNAME;
use model::pod::PodPhase;
use model::selector::Labels;
use model::{
    GroupName, Instance, InstanceId, InstanceState, Node, NodeName, Offer, Plan, Pod, PodKey, Resources,
    Snapshot, Span, WorkloadKey,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long ago the nodes and pods of these clusters came: nothing about them is new.
const LONG_AGO: Span = Span::from_secs(86_400);

/// The cluster in which a plan has been carried out: every new node is there, every pod that has a place stands on it.
pub fn carried_out(mut seen: Snapshot, plan: &Plan) -> Snapshot {
    let mut place: BTreeMap<&PodKey, &NodeName> = BTreeMap::new();
    for node in &plan.nodes {
        place.extend(node.pods.iter().map(|pod| (pod, &node.name)));
    }
    for (node, pods) in &plan.existing {
        place.extend(pods.iter().map(|pod| (pod, node)));
    }
    for pod in &mut seen.pods {
        if let Some(node) = place.get(&pod.key) {
            pod.node = Some((*node).clone());
            pod.phase = PodPhase::Running;
            pod.created = seen.at - LONG_AGO;
        }
    }
    let offers: BTreeMap<_, _> = seen.offers.iter().map(|offer| (&offer.id, offer)).collect();
    let nodes: Vec<Node> = plan
        .nodes
        .iter()
        .filter_map(|planned| {
            let offer = offers.get(&planned.offer)?;
            let group = seen.groups.get(offer.group as usize)?;
            Some(node(&seen, &planned.name, &group.name, offer))
        })
        .collect();
    for node in nodes {
        add(&mut seen, node);
    }
    owned(&mut seen);
    seen.sort();
    seen
}

/// Gives every pod an owner that would make it anew: what nobody owns is never moved.
fn owned(seen: &mut Snapshot) {
    let used: BTreeSet<usize> = seen.pods.iter().map(|pod| pod.spec as usize).collect();
    for (ix, spec) in seen.specs.iter_mut().enumerate() {
        if spec.owner.is_none() && used.contains(&ix) {
            let owner = WorkloadKey::new("ReplicaSet", &*spec.namespace, format!("set-{ix}"));
            Arc::make_mut(spec).owner = Some(owner);
        }
    }
}

/// A node that has been there for a day, as the offer describes it.
pub fn node(seen: &Snapshot, name: &NodeName, group: &GroupName, offer: &Offer) -> Node {
    let mut labels = offer.labels.clone();
    labels.insert(HOSTNAME.to_owned(), name.to_string());
    Node {
        name: name.clone(),
        group: Some(group.clone()),
        instance: Some(InstanceId::new(name.as_str())),
        offer: Some(offer.id.clone()),
        labels,
        taints: Vec::new(),
        allocatable: offer.allocatable.clone(),
        max_pods: offer.max_pods,
        ready: true,
        unschedulable: false,
        deleting: false,
        fargate: false,
        do_not_disrupt: false,
        draining: false,
        annotations: Labels::new(),
        unready: None,
        rate: None,
        created: seen.at - LONG_AGO,
        usage: None,
        leaving: None,
        template: None,
    }
}

/// Adds a node and its instance; the Snapshot has to be sorted afterwards.
pub fn add(seen: &mut Snapshot, node: Node) {
    let group = seen
        .groups
        .iter_mut()
        .find(|group| node.group.as_ref() == Some(&group.name));
    if let (Some(group), Some(id)) = (group, &node.instance) {
        group.desired += 1;
        group.instances.push(Instance {
            id: id.clone(),
            instance_type: node.labels.get(manifest::INSTANCE_TYPE).cloned(),
            zone: node.labels.get(manifest::ZONE).cloned(),
            state: InstanceState::InService,
            launched: Some(node.created),
        });
    }
    seen.nodes.push(node);
}

/// A pod that has stood on a node for a day.
pub fn stand(seen: &mut Snapshot, name: String, spec: u32, node: &NodeName) {
    seen.pods.push(Pod {
        key: PodKey::new("default", name),
        spec,
        node: Some(node.clone()),
        phase: PodPhase::Running,
        created: seen.at - LONG_AGO,
        usage: None,
        nominated: None,
        deletion_cost: 0,
        started: None,
    });
}

/// What a node has left beside the pods on it.
pub fn room(seen: &Snapshot, node: &Node) -> Resources {
    let mut room = node.allocatable.clone();
    for pod in seen
        .pods
        .iter()
        .filter(|pod| pod.node.as_ref() == Some(&node.name))
    {
        room.sub(&seen.spec(pod.spec).requests);
    }
    room
}

/// One in so many pods that run has just gone, and another like some other one of them waits in its stead.
pub fn churned(mut seen: Snapshot, one_in: usize, seed: u64) -> Snapshot {
    let mut random = Pcg64::seed_from_u64(seed);
    let specs: Vec<u32> = seen.pods.iter().map(|pod| pod.spec).collect();
    let mut come = Vec::new();
    let created = seen.at;
    let mut ix = 0;
    seen.pods.retain(|pod| {
        ix += 1;
        let goes = pod.node.is_some() && random.random_range(0..one_in) == 0;
        if goes {
            come.push(Pod {
                key: PodKey::new("default", format!("later-{ix}")),
                spec: specs
                    .get(random.random_range(0..specs.len()))
                    .copied()
                    .unwrap_or(pod.spec),
                node: None,
                phase: PodPhase::Pending,
                created,
                usage: None,
                nominated: None,
                deletion_cost: 0,
                started: None,
            });
        }
        !goes
    });
    seen.pods.extend(come);
    seen.sort();
    seen
}
