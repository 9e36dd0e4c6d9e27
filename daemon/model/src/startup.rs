//! Nodes that are Ready and not usable yet: startup taints that agents take away, and devices that register late.
//!
//! Such a node is capacity on its way: pods will go there, so that nothing is bought in its place; nobody is sent there
//! yet, it is not given up, and its group is not believed to be made so. All of that for at most [`GRACE`] from the
//! node's creation, or what a tag of its group says (`GroupOptions::startup_time`); afterwards taints and amounts count as they stand, and it is told ([`Startup::overdue`]). Sources:
//! cluster-autoscaler `pkg/utils/taints/taints.go`, Karpenter `pkg/scheduling/taints.go` and `lifecycle/
//! initialization.go` (every resource that was promised must be in allocatable), aws-ebs-csi-driver and
//! aws-efs-csi-driver `docs/install.md`, Cilium `installation/taints.rst`. Not here: nodes that are not Ready
//! (`Node::is_booting`), the taint of Plimsoll's own (`node::STARTING_TAINT`).

use crate::aims::Aims;
use crate::ids::{GroupName, NodeName};
use crate::node::Node;
use crate::pod::{Taint, TaintEffect};
use crate::registration::label;
use crate::resources::{Resources, attach_driver, is_huge_pages};
use crate::selector::glob;
use crate::snapshot::Snapshot;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// So long after its creation a node may still be starting: device plugins take 4–6 minutes (autoscaler#3464), the EBS
/// driver's watcher gives up after 10; Karpenter ends nodes that have not registered after as long.
pub const GRACE: Span = Span::from_secs(900);

/// More nodes than this are not named one by one.
const MOST_TOLD: usize = 100;

/// Taints that pass, by key, whatever their effect.
const PASSING: [&str; 7] = [
    "node.cloudprovider.kubernetes.io/uninitialized",
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/network-unavailable",
    "karpenter.sh/unregistered",
    "ebs.csi.aws.com/agent-not-ready",
    "efs.csi.aws.com/agent-not-ready",
    "node.cilium.io/agent-not-ready",
];

/// And by how their keys begin.
const PASSING_PREFIXES: [&str; 3] = [
    "startup-taint.cluster-autoscaler.kubernetes.io/",
    "ignore-taint.cluster-autoscaler.kubernetes.io/",
    "readiness.k8s.io/",
];

/// Taints that tell a node's condition or what somebody is about to do with it, by how their keys begin: never its
/// group's (cluster-autoscaler `pkg/utils/taints/taints.go` leaves the same out of templates).
const OF_NODE_PREFIXES: [&str; 9] = [
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    "ToBeDeletedByClusterAutoscaler",
    "DeletionCandidateOfClusterAutoscaler",
    "status-taint.cluster-autoscaler.kubernetes.io/",
    "karpenter.sh/disrupted",
    "aws-node-termination-handler/",
    "kops.k8s.io/scheduled-for-update",
    "NodeWithImpairedVolumes",
];

const GPU: &str = "nvidia.com/gpu";
/// Labels that say that a node has a GPU before its device plugin does: nodeadm's, Cluster Autoscaler's for AWS, kops'.
const GPU_SIGNS: [(&str, Option<&str>); 3] = [
    ("nvidia.com/gpu.present", Some("true")),
    ("k8s.amazonaws.com/accelerator", None),
    ("kops.k8s.io/gpu", Some("1")),
];
/// Names under which devices of a GPU node may be sold instead (shared, partitioned, other makers), by how they begin.
const GPU_DEVICES: [&str; 5] = [
    "nvidia.com/",
    "amd.com/gpu",
    "habana.ai/gaudi",
    "gpu.intel.com/",
    "microsoft.com/directx",
];

/// Whether a taint goes away by itself once a node is up: the known ones, and `own`, the operator's (`*` and `?` are
/// wildcards).
pub fn passes(key: &str, own: &[String]) -> bool {
    PASSING.contains(&key)
        || PASSING_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
        || own.iter().any(|pattern| glob(pattern, key))
}

/// Whether new nodes of its group register with a taint that a node has: not where it passes, tells the node's own
/// condition, or was put there by Plimsoll.
pub fn is_of_group(taint: &Taint, own: &[String]) -> bool {
    let key = taint.key.as_str();
    let ours = [crate::node::DRAIN_TAINT, crate::node::EMPTYING_TAINT];
    !ours.contains(&key)
        && !crate::node::is_removal_mark(key)
        && !OF_NODE_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
        && !passes(key, own)
}

/// What a node still lacks before pods can use it as they will.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lack {
    /// A startup taint, by its key, is still there.
    Taint(String),
    /// A resource is not allocatable yet.
    Resource {
        /// Its name.
        name: String,
        /// How much there will be.
        amount: i64,
    },
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taint(key) => write!(f, "startup taint {key} is still there"),
            Self::Resource { name, amount } => write!(f, "{name} is 0 of {amount}"),
        }
    }
}

/// A node that should be usable by now and is not, with what it lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overdue {
    /// Which.
    pub node: NodeName,
    /// What it lacks.
    pub lacks: Vec<Lack>,
}

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {} has never become usable: ", self.node)?;
        for (number, lack) in self.lacks.iter().enumerate() {
            write!(f, "{}{lack}", if number > 0 { ", " } else { "" })?;
        }
        write!(f, "; it counts as it stands")
    }
}

/// Nodes of one group and instance type are made alike.
type Kind<'a> = (Option<&'a GroupName>, Option<&'a str>);

/// What nodes have of a resource that have it: since when the first does, and the least.
type Shown<'a> = BTreeMap<&'a str, (Instant, i64)>;

/// Tells which nodes of a picture are still starting.
pub struct Startup<'a> {
    at: Instant,
    /// So long after its creation a node may be.
    within: Span,
    /// The same of nodes of groups whose own tags say otherwise.
    of_group: BTreeMap<&'a GroupName, Span>,
    own: &'a [String],
    shown: BTreeMap<Kind<'a>, Shown<'a>>,
}

impl<'a> Startup<'a> {
    /// For these nodes at this time; `own` are the keys of the operator's startup taints.
    pub fn new(nodes: impl IntoIterator<Item = &'a Node>, at: Instant, own: &'a [String]) -> Self {
        let mut shown: BTreeMap<Kind<'a>, Shown<'a>> = BTreeMap::new();
        for node in nodes {
            for (name, amount) in node.allocatable.extended.iter().filter(|(name, _)| is_late(name)) {
                if *amount > 0 {
                    let known = shown.entry(kind(node)).or_default();
                    let (since, least) = known.entry(name).or_insert((node.created, *amount));
                    (*since, *least) = ((*since).min(node.created), (*least).min(*amount));
                }
            }
        }
        Self {
            at,
            within: GRACE,
            of_group: BTreeMap::new(),
            own,
            shown,
        }
    }

    /// For a Snapshot; nodes are given no longer than the aims let them boot, or as long as their group's own tag says.
    pub fn of(seen: &'a Snapshot, aims: &'a Aims) -> Self {
        let groups = seen.groups.iter().filter(|group| !group.options.is_usual());
        let times = groups.map(|group| {
            let boots = group.options.provision_time(aims).min(GRACE);
            (&group.name, group.options.startup_time.unwrap_or(boots))
        });
        Self {
            within: GRACE.min(aims.limits.provision_time),
            of_group: times.collect(),
            ..Self::new(&seen.nodes, seen.at, &aims.startup_taints)
        }
    }

    /// Whether new nodes of its group register with a taint that a node has.
    pub fn is_of_group(&self, taint: &Taint) -> bool {
        is_of_group(taint, self.own)
    }

    /// What a Ready node still lacks while it may be starting; `promised` is what its offer says. Empty once it is
    /// usable, and for one that is not Ready.
    pub fn lacks(&self, node: &Node, promised: Option<&Resources>) -> Vec<Lack> {
        if !node.ready || !self.is_young(node) {
            return Vec::new();
        }
        let mut lacks = self.taints(node);
        lacks.extend(self.resources(node, promised, true));
        lacks
    }

    /// Whether a node is still starting: it is Ready, young, and lacks something.
    pub fn is_upcoming(&self, node: &Node, promised: Option<&Resources>) -> bool {
        !self.lacks(node, promised).is_empty()
    }

    fn overdue(&self, seen: &Snapshot) -> Vec<Overdue> {
        let startup = self;
        let stuck = seen
            .nodes
            .iter()
            .filter(|node| node.ready && !node.fargate && !node.deleting && !startup.is_young(node));
        let told = stuck.map(|node| {
            let mut lacks = startup.taints(node);
            lacks.extend(startup.resources(node, promised(seen, node), false));
            Overdue {
                node: node.name.clone(),
                lacks,
            }
        });
        let told = told.filter(|overdue| !overdue.lacks.is_empty());
        told.take(MOST_TOLD).collect()
    }

    /// The node as it will be once it is up; `None` where it is already, or will never be.
    fn grown(&self, seen: &Snapshot, node: &Node) -> Option<Node> {
        let boots = node.is_booting(seen.at, self.within(node));
        let promised = promised(seen, node);
        if node.fargate || node.deleting || !(boots || self.is_upcoming(node, promised)) {
            return None;
        }
        let mut grown = node.clone();
        grown.ready = false;
        grown.taints.retain(|taint| !passes(&taint.key, self.own));
        for lack in self.resources(node, promised, true) {
            if let Lack::Resource { name, amount } = lack {
                grown.allocatable.extended.insert(name, amount);
            }
        }
        let offer = node.offer.as_ref().and_then(|id| seen.offer_ix(id));
        for (key, value) in offer.into_iter().flat_map(|ix| &seen.offers[ix].labels) {
            grown.labels.entry(key.clone()).or_insert_with(|| value.clone());
        }
        (grown != *node).then_some(grown)
    }

    fn is_young(&self, node: &Node) -> bool {
        self.at.since(node.created) <= self.within(node)
    }

    fn within(&self, node: &Node) -> Span {
        let own = node.group.as_ref().and_then(|group| self.of_group.get(group));
        own.copied().unwrap_or(self.within)
    }

    fn taints(&self, node: &Node) -> Vec<Lack> {
        let keeps_off =
            |taint: &&Taint| taint.effect != TaintEffect::PreferNoSchedule && passes(&taint.key, self.own);
        let keys: BTreeSet<&str> = node.taints.iter().filter(keeps_off).map(|t| &*t.key).collect();
        keys.into_iter().map(|key| Lack::Taint(key.to_owned())).collect()
    }

    /// Resources that its offer promises, that older nodes of its kind have, or that its labels announce.
    fn resources(&self, node: &Node, promised: Option<&Resources>, by_others: bool) -> Vec<Lack> {
        let mut due: BTreeMap<&str, i64> = BTreeMap::new();
        let others = self.shown.get(&kind(node)).filter(|_| by_others);
        for (name, (since, amount)) in others.into_iter().flatten() {
            if *since < node.created {
                due.insert(*name, *amount);
            }
        }
        for (name, amount) in promised.into_iter().flat_map(|promised| &promised.extended) {
            if is_late(name) && *amount > 0 {
                due.insert(name, *amount);
            }
        }
        if announces_gpu(node) && !due.keys().any(|name| is_gpu(name)) {
            due.insert(GPU, 1);
        }
        let has_gpu = || {
            let there = node.allocatable.extended.iter();
            there
                .filter(|(_, amount)| **amount > 0)
                .any(|(name, _)| is_gpu(name))
        };
        due.into_iter()
            .filter(|(name, _)| node.allocatable.amount(name) <= 0 && !(is_gpu(name) && has_gpu()))
            .map(|(name, amount)| Lack::Resource {
                name: name.to_owned(),
                amount,
            })
            .collect()
    }
}

/// Nodes of a Snapshot that should have become usable by now, by name: what they lack counts as it stands.
pub fn overdue(seen: &Snapshot, aims: &Aims) -> Vec<Overdue> {
    Startup::of(seen, aims).overdue(seen)
}

/// The picture with every node that is on its way as it will be once it is up: without the taints that pass, with the
/// devices that are still to register and the labels that its offer promises. A node that is Ready and lacks something
/// is not Ready here: what holds for nodes that boot holds for it.
pub fn as_coming<'a>(seen: &'a Snapshot, aims: &'a Aims) -> Cow<'a, Snapshot> {
    let startup = Startup::of(seen, aims);
    let coming = seen.nodes.iter().enumerate().filter_map(|(ix, node)| {
        let grown = startup.grown(seen, node)?;
        Some((ix, grown))
    });
    let coming: Vec<(usize, Node)> = coming.collect();
    if coming.is_empty() {
        return Cow::Borrowed(seen);
    }
    let mut picture = seen.clone();
    for (ix, grown) in coming {
        picture.nodes[ix] = grown;
    }
    Cow::Owned(picture)
}

/// What the node's offer says that it has.
fn promised<'a>(seen: &'a Snapshot, node: &Node) -> Option<&'a Resources> {
    let offer = seen.offers.get(seen.offer_ix(node.offer.as_ref()?)?)?;
    Some(&offer.allocatable)
}

fn kind(node: &Node) -> Kind<'_> {
    let instance_type = node.labels.get(label::INSTANCE_TYPE).map(String::as_str);
    (node.group.as_ref(), instance_type)
}

/// Whether a plugin reports the resource after the kubelet has registered: huge pages are there from the first moment or
/// never, volumes are counted otherwise.
fn is_late(name: &str) -> bool {
    !is_huge_pages(name) && attach_driver(name).is_none()
}

/// Whether a resource of a node is a GPU, or a part of one.
pub fn is_gpu(name: &str) -> bool {
    GPU_DEVICES.iter().any(|prefix| name.starts_with(prefix))
}

fn announces_gpu(node: &Node) -> bool {
    GPU_SIGNS.iter().any(|(key, value)| {
        let told = node.labels.get(*key);
        told.is_some_and(|told| value.is_none_or(|value| value == told))
    })
}

#[cfg(test)]
mod tests;
