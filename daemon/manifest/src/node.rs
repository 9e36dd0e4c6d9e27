//! Nodes.
//!
//! Which Group a node belongs to is read from the labels that EKS, eksctl, kops and Karpenter set themselves.
//! Not here: offers and bounds of groups.

use crate::meta::{self, Meta};
use crate::region;
use crate::requests::resource_list;
use crate::selectors::taints;
use crate::sheet::At;
use model::annotations::{DO_NOT_DISRUPT, OWN_DO_NOT_DISRUPT, SCALE_DOWN_DISABLED};
use model::group::{GroupKind, KOPS_GROUP_TAG};
use model::ids::{GroupName, InstanceId, NodeName};
use model::node::{DRAIN_TAINT, Node};
use model::registration::{add_aliases, label, region_of};
use model::selector::Labels;

pub use label::{ARCH, HOSTNAME, INSTANCE_TYPE, OS, ZONE, ZONE_ID};

/// Kubelets' own default where a node does not tell its pod limit.
const DEFAULT_MAX_PODS: u32 = 110;

/// Taint of a node that the cloud provider has yet to describe: it writes zone, region and type in the same update that
/// takes the taint away.
pub(crate) const UNINITIALIZED: &str = "node.cloudprovider.kubernetes.io/uninitialized";

/// Labels that name a group, the most telling first. A node that Karpenter made keeps its pool's name.
const GROUP_LABELS: [(&str, GroupKind); 6] = [
    ("plimsoll.io/group", GroupKind::Kwok),
    ("karpenter.sh/nodepool", GroupKind::Fleet),
    ("eks.amazonaws.com/nodegroup", GroupKind::ManagedNodeGroup),
    ("alpha.eksctl.io/nodegroup-name", GroupKind::Asg),
    (KOPS_GROUP_TAG, GroupKind::KopsInstanceGroup),
    ("eks.amazonaws.com/fargate-profile", GroupKind::FargateProfile),
];

/// A node as one object tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeObject {
    /// `metadata.uid`; empty where absent.
    pub uid: String,
    /// `metadata.resourceVersion`; empty where absent.
    pub resource_version: String,
    /// The node; `offer` is not known here, and it is `ready` only where a condition says so.
    pub node: Node,
    /// Whether it has a Ready condition at all.
    pub ready_known: bool,
    /// Kind of its group, where it has one.
    pub group_kind: Option<GroupKind>,
    /// Who else owns the group (`Karpenter`).
    pub foreign: Option<&'static str>,
    /// Region that its labels or its provider id tell.
    pub region: Option<String>,
}

/// Reads a Node.
pub(crate) fn node(top: At<'_, '_>) -> NodeObject {
    let Meta {
        name,
        uid,
        resource_version,
        created,
        deleting,
        ..
    } = meta::meta(top);
    let mut labels = top.at(["metadata", "labels"]).labels();
    let annotations = top.at(["metadata", "annotations"]);
    let annotated = |key| annotations.get(key).text() == Some("true");
    let (spec, status) = (top.get("spec"), top.get("status"));
    let ready = status
        .get("conditions")
        .items()
        .find(|condition| condition.get("type").text() == Some("Ready"));
    let taints = taints(spec.get("taints"));
    if taints.iter().any(|taint| taint.key == UNINITIALIZED) {
        place(&mut labels, spec.get("providerID").text().unwrap_or_default());
    }
    let group = group_of(&labels);
    let mut allocatable = allocatable(status);
    let max_pods = allocatable.extended.remove("pods");
    let node = Node {
        group: group.as_ref().map(|(name, _)| name.clone()),
        instance: spec.get("providerID").text().and_then(instance),
        offer: None,
        max_pods: max_pods.map_or(DEFAULT_MAX_PODS, |pods| u32::try_from(pods).unwrap_or(u32::MAX)),
        allocatable,
        ready: ready.is_some_and(|condition| condition.get("status").text() == Some("True")),
        unschedulable: spec.get("unschedulable").flag(),
        deleting,
        fargate: labels
            .get("eks.amazonaws.com/compute-type")
            .is_some_and(|kind| kind == "fargate"),
        do_not_disrupt: annotated(DO_NOT_DISRUPT) || annotated(OWN_DO_NOT_DISRUPT),
        draining: taints.iter().any(|taint| taint.key == DRAIN_TAINT),
        created,
        usage: None,
        name: NodeName::new(name),
        labels,
        taints,
        leaving: None,
        template: None,
        annotations: annotations.labels_where(is_read),
        unready: ready
            .filter(|condition| condition.get("status").text() != Some("True"))
            .and_then(|condition| meta::instant(condition.get("lastTransitionTime"))),
        rate: None,
    };
    let kind = group.map(|(_, kind)| kind);
    NodeObject {
        region: region::of_node(&node.labels, spec.get("providerID").text()),
        uid,
        resource_version,
        ready_known: ready.is_some(),
        foreign: (kind == Some(GroupKind::Fleet)).then_some("Karpenter"),
        group_kind: kind,
        node,
    }
}

/// Annotations that are kept of a node.
fn is_read(key: &str) -> bool {
    [DO_NOT_DISRUPT, OWN_DO_NOT_DISRUPT, SCALE_DOWN_DISABLED].contains(&key)
}

/// `status.allocatable`; hand-written nodes may tell only their capacity.
fn allocatable(status: At<'_, '_>) -> model::Resources {
    let allocatable = status.get("allocatable");
    resource_list(if allocatable.is_there() {
        allocatable
    } else {
        status.get("capacity")
    })
}

/// The group that a node's labels name.
pub fn group_of(labels: &Labels) -> Option<(GroupName, GroupKind)> {
    GROUP_LABELS.iter().find_map(|(key, kind)| {
        let name = labels.get(*key).filter(|name| !name.is_empty())?;
        Some((GroupName::new(name), *kind))
    })
}

/// Says where a node is that the cloud provider has not described yet: its kubelet names the zone when it registers
/// (`aws:///us-east-1a/i-0123…`).
fn place(labels: &mut Labels, provider_id: &str) {
    let told = provider_id
        .strip_prefix("aws:///")
        .and_then(|rest| rest.split_once('/'));
    let Some((zone, _)) = told.filter(|(zone, _)| !zone.is_empty() && !labels.contains_key(ZONE)) else {
        return;
    };
    if let Some(region) = region_of(zone) {
        labels
            .entry(label::REGION.to_owned())
            .or_insert_with(|| region.to_owned());
    }
    labels.insert(ZONE.to_owned(), zone.to_owned());
    add_aliases(labels);
}

/// `aws:///us-east-1a/i-0123…` is instance `i-0123…`; other providers' ids are the last part as well.
fn instance(provider_id: &str) -> Option<InstanceId> {
    let last = provider_id.rsplit('/').next().unwrap_or_default();
    (!last.is_empty()).then(|| InstanceId::new(last))
}
