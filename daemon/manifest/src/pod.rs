//! Pods and pod templates.
//!
//! Reads everything that placing or moving a pod depends on, and flags the constraints the engine does not
//! model. Claims are only named here: what they mean needs the other objects (`volumes`).

use crate::admission;
use crate::meta::{self, Controller, Meta};
use crate::near;
use crate::requests::pod_requests;
use crate::selectors;
use crate::sheet::At;
use crate::volumes::{self, ClaimRef};
use model::annotations::{self, Evictable, Protection};
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
    /// `status.startTime`.
    pub started: Option<Instant>,
    /// The claims it mounts, in its namespace.
    pub claims: Vec<ClaimRef>,
    /// Class that gives it its priority, where it tells none itself; empty where it names none either. Pods of an API
    /// server tell theirs.
    pub priority_class: Option<String>,
    /// Its ReplicaSet, by which a better owner may be found.
    pub replica_set: Option<String>,
}

/// Label whose value ends a ReplicaSet's name.
const TEMPLATE_HASH: &str = "pod-template-hash";

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
            .and_then(annotations::deletion_cost)
            .unwrap_or(0),
        started: meta::instant(top.at(["status", "startTime"])),
        claims: volumes::claims(spec),
        priority_class: admission::class_of(spec),
        spec: PodSpec {
            owner,
            labels,
            ..pod_spec(top, &namespace, &[])
        },
        key: PodKey::new(&namespace, name),
        uid,
        resource_version,
        node,
        created,
        replica_set,
    }
}

/// Spec of a pod or of a pod template (`top` has `metadata` and `spec`), without its owner. A template's pods will have
/// labels that it does not have itself (`revision`): a rule that goes by them means none of the pods that are there.
pub(crate) fn pod_spec(top: At<'_, '_>, namespace: &str, revision: &[&str]) -> PodSpec {
    let spec = top.get("spec");
    let annotated = top.at(["metadata", "annotations"]);
    let affinity = spec.get("affinity");
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let traits = traits(spec, annotated);
    let scheduler = spec.get("schedulerName").text().unwrap_or_default();
    let mut labels = top.at(["metadata", "labels"]).labels();
    for key in revision.iter().filter(|key| near::goes_by(spec, key)) {
        let value = labels.entry((*key).to_owned());
        value.or_insert_with(|| TO_COME.to_owned());
    }
    let near = near::rules(spec, &labels, namespace);
    let soft_spread = near::soft_spread(spec, &labels, namespace);
    PodSpec {
        namespace: namespace.to_owned(),
        requests: pod_requests(spec, top.get("status")),
        unmodelled: unmodelled(spec, &near),
        near,
        labels,
        annotations: kept(annotated),
        owner: None,
        scheduler: if scheduler == "default-scheduler" {
            String::new()
        } else {
            scheduler.to_owned()
        },
        priority: spec.get("priority").int().map_or(0, admission::clamped),
        node_selector: spec.get("nodeSelector").labels(),
        node_affinity: selectors::node_terms(affinity.at(["nodeAffinity", required])),
        tolerations: selectors::tolerations(spec.get("tolerations")),
        host_ports: near::host_ports(spec),
        reach: Vec::new(),
        exclusive: Vec::new(),
        shares: Vec::new(),
        prefers: selectors::preferences(affinity.get("nodeAffinity")),
        soft_spread,
        traits,
    }
}

/// Value of a label that a controller has yet to give: no pod that is there has it.
const TO_COME: &str = "to-come";

/// Annotations kept in a spec.
fn is_read(key: &str) -> bool {
    key.starts_with("plimsoll.io/")
        || key == PROVISIONED
        || key.starts_with("cluster-autoscaler.kubernetes.io/")
        || annotations::CONSUMES.contains(&key)
        || DESCHEDULER.contains(&key)
        || key == annotations::DO_NOT_DISRUPT
}

/// Annotations of the descheduler that are kept.
const DESCHEDULER: [&str; 3] = [
    annotations::PREFER_NO_EVICTION,
    annotations::REQUEST_EVICT_ONLY,
    annotations::EVICTION_IN_PROGRESS,
];

/// Longest value that is kept of an annotation that is not Plimsoll's own. One that means something is shorter.
const LONGEST: usize = 1024;

/// What is longer than anything that means something is cut, so that nobody fills records with it.
fn kept(annotated: At<'_, '_>) -> Labels {
    let mut kept = annotated.labels_where(is_read);
    // Costs are a pod's own; one that means nothing is kept for explanations only.
    let cost = annotated.get(model::pod::DELETION_COST).text();
    if let Some(cost) = cost.filter(|cost| annotations::deletion_cost(cost).is_none()) {
        kept.insert(model::pod::DELETION_COST.to_owned(), cost.to_owned());
    }
    for (key, value) in kept.iter_mut() {
        if value.len() > LONGEST && !key.starts_with("plimsoll.io/") {
            *value = value.chars().take(LONGEST / 4).chain(['…']).collect();
        }
    }
    kept
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

fn traits(spec: At<'_, '_>, annotated: At<'_, '_>) -> PodTraits {
    let annotation = |key| annotated.get(key).text();
    let protections = [annotations::DO_NOT_DISRUPT, annotations::OWN_DO_NOT_DISRUPT];
    let protections = protections.map(|key| annotation(key).and_then(annotations::protection));
    let spans = protections.iter().filter_map(|protection| match protection {
        Some(Protection::For(span)) => Some(*span),
        _ => None,
    });
    let evictable = annotation(annotations::SAFE_TO_EVICT).and_then(annotations::evictable);
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
        do_not_disrupt: protections.contains(&Some(Protection::Always)) || evictable == Some(Evictable::No),
        protected_for: spans.max(),
        safe_to_evict: evictable == Some(Evictable::Yes),
        on_completion: evictable == Some(Evictable::OnCompletion),
        moved_by_others: [annotations::REQUEST_EVICT_ONLY, annotations::EVICTION_IN_PROGRESS]
            .iter()
            .any(|key| annotation(key).is_some()),
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
    // As the Cluster Autoscaler splits it: nothing is trimmed.
    let safe = annotation(annotations::SAFE_VOLUMES).unwrap_or_default();
    let safe: Vec<&str> = safe.split(',').collect();
    for volume in spec.get("volumes").items() {
        traits.host_path |= volume.get("hostPath").is_there();
        traits.csi_volume |= volume.get("csi").is_there();
        traits.claims_volume |=
            volume.get("persistentVolumeClaim").is_there() || volume.get("ephemeral").is_there();
        let scratch = volume.get("emptyDir");
        let on_disk = scratch.is_there() && scratch.get("medium").text() != Some("Memory");
        let safe = volume.get("name").text().is_some_and(|name| safe.contains(&name));
        traits.local_storage |= on_disk && !safe;
        traits.local_path |= volume.get("hostPath").is_there() && !safe;
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
