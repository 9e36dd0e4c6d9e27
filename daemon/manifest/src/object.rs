//! One Kubernetes object by its kind.
//!
//! Kinds that no decision reads are named and left alone. The functions that end in `_from` serve watches of a
//! live API server: they take one object, already known by kind, as a [`Tree`], and always give a row, with what
//! could not be read of it beside: a live object is there whether it can be read or not, and its watcher knows
//! how careful to be with it.

use crate::admission::{self, LimitRangeObject, PriorityClassObject, RuntimeClassObject};
use crate::autoscalers::{self, Sign};
use crate::ecs::{self, EcsObject};
use crate::namespaces::{self, NamespaceObject};
use crate::node::{self, NodeObject};
use crate::node_group::{self, NodeGroupObject};
use crate::pod::{self, PodObject};
use crate::problem::Problems;
use crate::profile::{self, ProfileObject};
use crate::sheet::{At, Sheet};
use crate::tree::Tree;
use crate::volumes::{self, AttachObject, ClaimObject, ClassObject, DriverObject, VolumeObject};
use crate::workload::{self, BudgetObject, ScalerObject, WorkloadObject};

/// One object.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    /// A Pod.
    Pod(Box<PodObject>),
    /// A Node.
    Node(Box<NodeObject>),
    /// A Deployment, StatefulSet, ReplicaSet, Job, DaemonSet …
    Workload(Box<WorkloadObject>),
    /// A PodDisruptionBudget.
    Budget(BudgetObject),
    /// A HorizontalPodAutoscaler or ScaledObject.
    Scaler(ScalerObject),
    /// A PersistentVolumeClaim.
    Claim(ClaimObject),
    /// A PersistentVolume.
    Volume(VolumeObject),
    /// A StorageClass.
    Class(ClassObject),
    /// A CSIDriver.
    Driver(DriverObject),
    /// A CSINode.
    Attach(AttachObject),
    /// A Fargate profile.
    Profile(ProfileObject),
    /// A group that is named beside its nodes.
    NodeGroup(NodeGroupObject),
    /// The region that a cluster configuration names.
    Region(String),
    /// A Namespace.
    Namespace(NamespaceObject),
    /// A RuntimeClass.
    RuntimeClass(RuntimeClassObject),
    /// A LimitRange.
    LimitRange(LimitRangeObject),
    /// A sign of another autoscaler.
    Sign(Sign),
    /// A PriorityClass.
    PriorityClass(PriorityClassObject),
    /// Something of ECS.
    Ecs(Box<EcsObject>),
    /// Known, but nothing is read from it (a Lease of somebody else).
    Ignored(&'static str),
    /// A kind that is not known here.
    Unknown(String),
}

/// Kinds with replicas and a pod template.
pub(crate) const WORKLOAD_KINDS: [&str; 7] = [
    "Deployment",
    "StatefulSet",
    "ReplicaSet",
    "ReplicationController",
    "DaemonSet",
    "Job",
    "Rollout",
];

/// Where an object stands.
pub(crate) struct Place<'p> {
    /// File.
    pub(crate) file: &'p str,
    /// Place in a list.
    pub(crate) index: Option<usize>,
    /// What the list says about its items, for those that do not say it.
    pub(crate) kind: Option<&'p str>,
}

/// Reads an object of any kind.
pub(crate) fn object(place: &Place<'_>, tree: &Tree) -> Result<Vec<Object>, Problems> {
    let own = tree.get("kind");
    let kind = place.kind;
    let mut name = title(own.and_then(Tree::text).or(kind).unwrap_or_default(), tree);
    if let (Some(ix), false) = (place.index, name.contains(' ')) {
        name = format!("items[{ix}]{}{name}", if name.is_empty() { "" } else { " " });
    }
    let sheet = Sheet::new(place.file, name);
    let top = sheet.top(tree);
    if !matches!(tree, Tree::Map(_)) {
        top.problem(format_args!("not a Kubernetes object but {}", tree.kind()));
        return sheet.close(Vec::new());
    }
    if own.is_none()
        && kind.is_none()
        && let Some(found) = ecs::objects(top)
    {
        let found = found.into_iter().map(|object| Object::Ecs(Box::new(object)));
        return sheet.close(found.collect());
    }
    let kind = if own.is_some() || kind.is_none() {
        top.get("kind").name()
    } else {
        kind
    };
    let objects = kind.map_or_else(Vec::new, |kind| match kind {
        "Pod" => vec![Object::Pod(Box::new(pod::pod(top)))],
        "Node" => vec![Object::Node(Box::new(node::node(top)))],
        "PodDisruptionBudget" => vec![Object::Budget(workload::budget(top))],
        "HorizontalPodAutoscaler" | "ScaledObject" => workload::scaler(kind, top)
            .map(Object::Scaler)
            .into_iter()
            .collect(),
        "PersistentVolumeClaim" => vec![Object::Claim(volumes::claim(top))],
        "PersistentVolume" => vec![Object::Volume(volumes::volume(top))],
        "StorageClass" => vec![Object::Class(volumes::class(top))],
        "CSIDriver" => vec![Object::Driver(volumes::driver(top))],
        "CSINode" => vec![Object::Attach(volumes::attach(top))],
        "FargateProfile" => vec![Object::Profile(profile::fargate_profile(top))],
        "ClusterConfig" => profile::cluster_config(top)
            .into_iter()
            .map(Object::Profile)
            .chain(node_group::cluster_config(top).into_iter().map(Object::NodeGroup))
            .chain(profile::region(top).map(Object::Region))
            .collect(),
        "InstanceGroup" => vec![Object::NodeGroup(node_group::instance_group(top))],
        "Nodegroup" => vec![Object::NodeGroup(node_group::nodegroup(top))],
        "Namespace" => vec![Object::Namespace(namespaces::namespace(top))],
        "RuntimeClass" => vec![Object::RuntimeClass(admission::runtime_class(top))],
        "LimitRange" => vec![Object::LimitRange(admission::limit_range(top))],
        "PriorityClass" => vec![Object::PriorityClass(admission::priority_class(top))],
        "Lease" | "ConfigMap" | "NodePool" => {
            vec![sign(kind, top).map_or_else(|| nothing(kind), Object::Sign)]
        }
        kind if WORKLOAD_KINDS.contains(&kind) => {
            vec![Object::Workload(Box::new(workload::workload(kind, top)))]
        }
        other => vec![Object::Unknown(
            crate::problem::quoted(other).trim_matches('"').to_owned(),
        )],
    });
    sheet.close(objects)
}

/// What an object says of another autoscaler.
fn sign(kind: &str, top: At<'_, '_>) -> Option<Sign> {
    match kind {
        "Lease" => autoscalers::lease(top),
        "ConfigMap" => autoscalers::status(top),
        "NodePool" => autoscalers::pool(top),
        _ => None,
    }
}

/// A kind of which others say something. Every cluster is full of leases.
fn nothing(kind: &str) -> Object {
    match kind {
        "Lease" => Object::Ignored("Lease"),
        other => Object::Unknown(other.to_owned()),
    }
}

/// `Pod ns/name`, as far as the object tells.
fn title(kind: &str, tree: &Tree) -> String {
    let meta = tree.get("metadata");
    let part = |key| {
        let text = meta.and_then(|meta| meta.get(key)).and_then(Tree::text)?;
        Some(crate::problem::quoted(text).trim_matches('"').to_owned())
    };
    let kind = crate::problem::quoted(kind).trim_matches('"').to_owned();
    match (part("namespace"), part("name")) {
        (Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
        (None, Some(name)) => format!("{kind} {name}"),
        (_, None) => kind,
    }
}

macro_rules! from_tree {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $read:expr => $what:ty) => {
        $(#[$doc])*
        pub fn $name(tree: &Tree) -> ($what, Problems) {
            let sheet = Sheet::new("API server", title($kind, tree));
            let read = $read(sheet.top(tree));
            (read, sheet.noted())
        }
    };
}

from_tree!(
    /// Reads a Pod.
    pod_from, "Pod", pod::pod => PodObject
);
from_tree!(
    /// Reads a Node.
    node_from, "Node", node::node => NodeObject
);
from_tree!(
    /// Reads a Namespace.
    namespace_from, "Namespace", namespaces::namespace => NamespaceObject
);
from_tree!(
    /// Reads a PodDisruptionBudget.
    budget_from, "PodDisruptionBudget", workload::budget => BudgetObject
);
from_tree!(
    /// Reads a PersistentVolumeClaim.
    claim_from, "PersistentVolumeClaim", volumes::claim => ClaimObject
);
from_tree!(
    /// Reads a PersistentVolume.
    volume_from, "PersistentVolume", volumes::volume => VolumeObject
);
from_tree!(
    /// Reads a StorageClass.
    class_from, "StorageClass", volumes::class => ClassObject
);
from_tree!(
    /// Reads a CSIDriver.
    driver_from, "CSIDriver", volumes::driver => DriverObject
);
from_tree!(
    /// Reads a CSINode.
    attach_from, "CSINode", volumes::attach => AttachObject
);

/// Reads a workload of this kind (`Deployment`, `StatefulSet`, …).
pub fn workload_from(kind: &str, tree: &Tree) -> (WorkloadObject, Problems) {
    let sheet = Sheet::new("API server", title(kind, tree));
    let read = workload::workload(kind, sheet.top(tree));
    (read, sheet.noted())
}

/// Reads a `HorizontalPodAutoscaler` or `ScaledObject`; `None` where it names no target.
pub fn scaler_from(kind: &str, tree: &Tree) -> (Option<ScalerObject>, Problems) {
    let sheet = Sheet::new("API server", title(kind, tree));
    let read = workload::scaler(kind, sheet.top(tree));
    (read, sheet.noted())
}

/// Reads a `Lease`, `ConfigMap` or `NodePool` as a sign of another autoscaler; `None` where it is none.
pub fn sign_from(kind: &str, tree: &Tree) -> Option<Sign> {
    let sheet = Sheet::new("API server", title(kind, tree));
    sign(kind, sheet.top(tree))
}
