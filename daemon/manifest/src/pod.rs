//! Pods and pod templates.
//!
//! Reads everything that placing or moving a pod depends on, and flags the constraints the engine does not
//! model. Claims are only named here: what they mean needs the other objects (`volumes`).

use crate::meta::{self, Controller, Meta};
use crate::near;
use crate::requests::pod_requests;
use crate::selectors;
use crate::sheet::At;
use crate::volumes::{self, ClaimRef};
use model::ids::{NodeName, PodKey, WorkloadKey};
use model::pod::{Near, PodPhase, PodSpec, PodTraits, Unmodelled};
use model::provisioned::PROVISIONED;
use model::selector::Labels;
use model::time::Instant;

/// A pod as one object tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodObject {
    /// Namespace and name.
    pub key: PodKey,
    /// `metadata.uid`; empty where absent.
    pub uid: String,
    /// `metadata.resourceVersion`; empty where absent.
    pub resource_version: String,
    /// What it asks for. Its owner is a Deployment where the ReplicaSet's name shows one; what its claims come to
    /// is not in it yet.
    pub spec: PodSpec,
    /// Where it runs or is bound.
    pub node: Option<NodeName>,
    /// Where it stands in its life.
    pub phase: PodPhase,
    /// When it was created; zero where unknown.
    pub created: Instant,
    /// `status.nominatedNodeName`.
    pub nominated: Option<NodeName>,
    /// What a ReplicaSet goes by that gives up some of its pods; 0 where it is not a number, as there.
    pub deletion_cost: i32,
    /// The claims it mounts, in its namespace.
    pub claims: Vec<ClaimRef>,
    /// Its ReplicaSet, by which a better owner may be found.
    pub replica_set: Option<String>,
}

/// Label whose value ends a ReplicaSet's name.
const TEMPLATE_HASH: &str = "pod-template-hash";

/// Annotations that forbid moving a pod when `"true"`.
const DO_NOT_DISRUPT: [&str; 2] = ["karpenter.sh/do-not-disrupt", "plimsoll.io/do-not-disrupt"];
const SAFE_TO_EVICT: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict";
const SAFE_VOLUMES: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
const MIRROR: &str = "kubernetes.io/config.mirror";

/// Reads a Pod.
pub(crate) fn pod(top: At<'_, '_>) -> PodObject {
    let Meta {
        namespace,
        name,
        uid,
        resource_version,
        created,
        deleting,
        ..
    } = meta::meta(top);
    let spec = top.get("spec");
    if !spec.is_there() {
        spec.problem("is missing");
    }
    let controller = meta::controller(top);
    let labels = top.at(["metadata", "labels"]).labels();
    let replica_set = controller
        .as_ref()
        .filter(|c| c.kind == "ReplicaSet")
        .map(|c| c.name.clone());
    let owner = controller.and_then(|controller| owner(&namespace, controller, &labels));
    let node = spec
        .get("nodeName")
        .text()
        .filter(|node| !node.is_empty())
        .map(NodeName::new);
    PodObject {
        phase: phase(top, node.is_some(), deleting),
        nominated: top
            .at(["status", "nominatedNodeName"])
            .text()
            .filter(|n| !n.is_empty())
            .map(NodeName::new),
        deletion_cost: top
            .at(["metadata", "annotations"])
            .get(model::pod::DELETION_COST)
            .text()
            .and_then(|cost| cost.parse().ok())
            .unwrap_or(0),
        claims: volumes::claims(spec),
        spec: PodSpec {
            owner,
            labels,
            ..pod_spec(top, &namespace)
        },
        key: PodKey::new(&namespace, name),
        uid,
        resource_version,
        node,
        created,
        replica_set,
    }
}

/// Spec of a pod or of a pod template (`top` has `metadata` and `spec`), without its owner.
pub(crate) fn pod_spec(top: At<'_, '_>, namespace: &str) -> PodSpec {
    let spec = top.get("spec");
    let annotations = top.at(["metadata", "annotations"]);
    let affinity = spec.get("affinity");
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let traits = traits(spec, annotations);
    let scheduler = spec.get("schedulerName").text().unwrap_or_default();
    let labels = top.at(["metadata", "labels"]).labels();
    let near = near::rules(spec, &labels, namespace);
    PodSpec {
        namespace: namespace.to_owned(),
        requests: pod_requests(spec, top.get("status")),
        unmodelled: unmodelled(spec, &near),
        near,
        labels,
        annotations: annotations.labels_where(is_read),
        owner: None,
        scheduler: if scheduler == "default-scheduler" {
            String::new()
        } else {
            scheduler.to_owned()
        },
        priority: spec.get("priority").int().map_or(0, |priority| {
            i32::try_from(priority).unwrap_or(if priority < 0 { i32::MIN } else { i32::MAX })
        }),
        node_selector: spec.get("nodeSelector").labels(),
        node_affinity: selectors::node_terms(affinity.at(["nodeAffinity", required])),
        tolerations: selectors::tolerations(spec.get("tolerations")),
        host_ports: near::host_ports(spec),
        reach: Vec::new(),
        exclusive: Vec::new(),
        prefers: selectors::preferences(affinity.get("nodeAffinity")),
        traits,
    }
}

/// Annotations kept in a spec.
fn is_read(key: &str) -> bool {
    key.starts_with("plimsoll.io/")
        || key == PROVISIONED
        || key.starts_with("cluster-autoscaler.kubernetes.io/")
        || key == DO_NOT_DISRUPT[0]
}

/// A ReplicaSet named `<deployment>-<pod-template-hash>` belongs to that Deployment. Static pods are owned by
/// their Node, which recreates nothing elsewhere.
fn owner(namespace: &str, controller: Controller, labels: &Labels) -> Option<WorkloadKey> {
    if controller.kind == "Node" {
        return None;
    }
    if controller.kind == "ReplicaSet"
        && let Some(hash) = labels.get(TEMPLATE_HASH)
        && let Some(name) = controller.name.strip_suffix(hash.as_str())
        && let Some(name) = name.strip_suffix('-')
        && !name.is_empty()
    {
        return Some(WorkloadKey::new("Deployment", namespace, name));
    }
    Some(WorkloadKey::new(controller.kind, namespace, controller.name))
}

fn phase(top: At<'_, '_>, bound: bool, deleting: bool) -> PodPhase {
    let status = top.get("status");
    let phase = status.get("phase").text().unwrap_or_default();
    if phase == "Succeeded" || phase == "Failed" {
        return PodPhase::Finished;
    }
    if deleting {
        return PodPhase::Terminating;
    }
    if !bound {
        let gates = top.at(["spec", "schedulingGates"]).items().count();
        return if gates > 0 {
            PodPhase::Gated
        } else {
            PodPhase::Pending
        };
    }
    let ready = status
        .get("conditions")
        .items()
        .find(|condition| condition.get("type").text() == Some("Ready"))
        .map_or(phase == "Running", |condition| {
            condition.get("status").text() == Some("True")
        });
    if ready {
        PodPhase::Running
    } else {
        PodPhase::Starting
    }
}

fn traits(spec: At<'_, '_>, annotations: At<'_, '_>) -> PodTraits {
    let annotation = |key| annotations.get(key).text();
    let host_network = spec.get("hostNetwork").flag();
    let mut traits = PodTraits {
        host_network,
        host_pid: spec.get("hostPID").flag(),
        host_ipc: spec.get("hostIPC").flag(),
        runtime_class: spec
            .get("runtimeClassName")
            .text()
            .is_some_and(|name| !name.is_empty()),
        mirror: annotation(MIRROR).is_some(),
        do_not_disrupt: DO_NOT_DISRUPT.iter().any(|key| annotation(key) == Some("true"))
            || annotation(SAFE_TO_EVICT) == Some("false"),
        safe_to_evict: annotation(SAFE_TO_EVICT) == Some("true"),
        spreads: spec.get("topologySpreadConstraints").items().next().is_some(),
        ..PodTraits::default()
    };
    for container in ["containers", "initContainers"]
        .into_iter()
        .flat_map(|key| spec.get(key).items())
    {
        traits.privileged |= container.at(["securityContext", "privileged"]).flag();
        for port in container.get("ports").items() {
            // The API server sets hostPort to containerPort in pods on the host's network.
            let taken = port.get("hostPort").int().unwrap_or(0) > 0;
            traits.host_port |= taken || (host_network && port.get("containerPort").is_there());
        }
    }
    let safe: Vec<&str> = annotation(SAFE_VOLUMES)
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .collect();
    for volume in spec.get("volumes").items() {
        traits.host_path |= volume.get("hostPath").is_there();
        traits.csi_volume |= volume.get("csi").is_there();
        traits.claims_volume |=
            volume.get("persistentVolumeClaim").is_there() || volume.get("ephemeral").is_there();
        let scratch = volume.get("emptyDir");
        let on_disk = scratch.is_there() && scratch.get("medium").text() != Some("Memory");
        let safe = volume.get("name").text().is_some_and(|name| safe.contains(&name));
        traits.local_storage |= on_disk && !safe;
    }
    traits
}

fn unmodelled(spec: At<'_, '_>, near: &[Near]) -> Vec<Unmodelled> {
    let mut found = near::not_modelled(near);
    if spec.get("resourceClaims").items().count() > 0 {
        found.push(Unmodelled::ResourceClaim);
    }
    if volumes::has_inline_disk(spec) {
        found.push(Unmodelled::InlineDisk);
    }
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests;
