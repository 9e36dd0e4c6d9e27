//! Things with replicas, who scales them, and the budgets over their pods.

use crate::admission;
use crate::meta::{self, Controller, Meta};
use crate::pod::pod_spec;
use crate::problem::quoted;
use crate::selectors;
use crate::sheet::At;
use crate::tree::Tree;
use crate::volumes::{self, ClaimRef};
use model::ids::WorkloadKey;
use model::pod::{PodSpec, TaintEffect, Toleration};
use model::selector::LabelSelector;
use model::workload::Workload;

/// A workload as one object tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadObject {
    /// The workload; its `template` is not interned yet.
    pub workload: Workload,
    /// Spec of its next pod; `None` where the template is elsewhere (a Rollout's `workloadRef`).
    pub template: Option<PodSpec>,
    /// What admission looks at of the template, as it is written.
    pub written: Option<Tree>,
    /// Claims its pods mount, those of `volumeClaimTemplates` included.
    pub claims: Vec<ClaimRef>,
    /// Number of its first pod (StatefulSet, `ordinals.start`).
    pub first: u32,
    /// Its own controller: a ReplicaSet's Deployment, a Job's CronJob.
    pub controller: Option<Controller>,
}

/// Something that sets the replicas of a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalerObject {
    /// The workload.
    pub target: WorkloadKey,
    /// `HorizontalPodAutoscaler name`, `ScaledObject name`.
    pub by: String,
}

/// A PodDisruptionBudget as one object tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetObject {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Pods it covers; `None` covers nothing.
    pub selector: Option<LabelSelector>,
    /// `status.disruptionsAllowed`, where there is a status.
    pub allowed: Option<u32>,
    /// `spec.minAvailable`.
    pub min_available: Option<Amount>,
    /// `spec.maxUnavailable`.
    pub max_unavailable: Option<Amount>,
}

/// A number of pods, or a share of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many.
    Pods(u32),
    /// So many in a hundred.
    Percent(u32),
}

impl Amount {
    /// Of so many pods, rounded up (as upstream in budgets).
    pub fn of(self, pods: u32) -> u32 {
        match self {
            Self::Pods(count) => count,
            Self::Percent(percent) => {
                let pods = (u64::from(pods) * u64::from(percent)).div_ceil(100);
                u32::try_from(pods).unwrap_or(u32::MAX)
            }
        }
    }
}

/// Labels that its controller gives the pods of one revision of a workload of this kind.
const fn revision_labels(kind: &str) -> &'static [&'static str] {
    match kind.as_bytes() {
        b"Deployment" => &["pod-template-hash"],
        b"Rollout" => &["rollouts-pod-template-hash"],
        b"StatefulSet" | b"DaemonSet" => &["controller-revision-hash"],
        b"Job" => &["batch.kubernetes.io/controller-uid", "controller-uid"],
        _ => &[],
    }
}

/// Reads a workload of one of the kinds with a pod template.
pub(crate) fn workload(kind: &str, top: At<'_, '_>) -> WorkloadObject {
    let Meta {
        namespace,
        name,
        generation,
        ..
    } = meta::meta(top);
    let (spec, status) = (top.get("spec"), top.get("status"));
    let key = WorkloadKey::new(kind, &namespace, name);
    let template = spec.get("template");
    let mut claims = volumes::claims(template.get("spec"));
    claims.extend(volumes::claim_templates(spec));
    let pod = template.is_there().then(|| {
        let mut pod = pod_spec(template, &namespace, revision_labels(kind));
        pod.owner = Some(key.clone());
        pod.traits.claims_volume |= !claims.is_empty();
        if kind == "DaemonSet" {
            tolerate_node_conditions(&mut pod);
        }
        pod
    });
    let selector = match kind {
        "ReplicationController" => LabelSelector {
            requirements: selectors::equalities(spec.get("selector")),
        },
        _ => selectors::label_selector(spec.get("selector")),
    };
    let ready = match kind {
        "DaemonSet" => "numberReady",
        "Job" => "ready",
        _ => "readyReplicas",
    };
    WorkloadObject {
        workload: Workload {
            replicas: replicas(kind, spec, status),
            ready: status.get(ready).count().unwrap_or(0),
            template: None,
            owned_by: None,
            annotations: top
                .at(["metadata", "annotations"])
                .labels_where(|key| key.starts_with("plimsoll.io/")),
            generation,
            selector,
            metrics: Vec::new(),
            key,
        },
        claims,
        first: spec.at(["ordinals", "start"]).count().unwrap_or(0),
        written: template
            .is_there()
            .then(|| admission::trimmed(template.get("spec"))),
        template: pod,
        controller: meta::controller(top),
    }
}

fn replicas(kind: &str, spec: At<'_, '_>, status: At<'_, '_>) -> u32 {
    match kind {
        "DaemonSet" => status.get("desiredNumberScheduled").count().unwrap_or(0),
        "Job" if spec.get("suspend").flag() || is_over(status) || is_anothers(spec) => 0,
        "Job" => {
            let parallel = spec.get("parallelism").count().unwrap_or(1);
            let done = status.get("succeeded").count().unwrap_or(0);
            match spec.get("completions").count() {
                Some(all) => all.saturating_sub(done).min(parallel),
                // Pods of a work queue are not replaced any more once one of them has succeeded.
                None if done > 0 => status.get("active").count().unwrap_or(0),
                None => parallel,
            }
        }
        _ => spec.get("replicas").count().unwrap_or(1),
    }
}

/// Whether another controller than Kubernetes' own makes the Job's pods, most often in another cluster (`managedBy`,
/// KEP-4368; MultiKueue): none of them is to be expected here.
fn is_anothers(spec: At<'_, '_>) -> bool {
    let by = spec.get("managedBy");
    by.is_there() && by.text() != Some("kubernetes.io/job-controller")
}

/// Whether a Job starts no pod any more: it succeeded, failed for good, or is about to be told so.
fn is_over(status: At<'_, '_>) -> bool {
    const LAST: [&str; 4] = ["Complete", "Failed", "FailureTarget", "SuccessCriteriaMet"];
    status.get("completionTime").is_there()
        || status.get("conditions").items().any(|condition| {
            condition.get("status").text() == Some("True")
                && condition
                    .get("type")
                    .text()
                    .is_some_and(|name| LAST.contains(&name))
        })
}

/// What the DaemonSet controller adds to its pods (upstream `AddOrUpdateDaemonPodTolerations`).
fn tolerate_node_conditions(pod: &mut PodSpec) {
    let conditions = [
        ("not-ready", TaintEffect::NoExecute),
        ("unreachable", TaintEffect::NoExecute),
        ("disk-pressure", TaintEffect::NoSchedule),
        ("memory-pressure", TaintEffect::NoSchedule),
        ("pid-pressure", TaintEffect::NoSchedule),
        ("unschedulable", TaintEffect::NoSchedule),
    ];
    let network = pod
        .traits
        .host_network
        .then_some(("network-unavailable", TaintEffect::NoSchedule));
    pod.tolerations.extend(
        conditions
            .into_iter()
            .chain(network)
            .map(|(name, effect)| Toleration {
                key: Some(format!("node.kubernetes.io/{name}")),
                value: None,
                effect: Some(effect),
            }),
    );
    pod.tolerations.sort();
    pod.tolerations.dedup();
}

/// Reads a HorizontalPodAutoscaler or a KEDA ScaledObject.
pub(crate) fn scaler(kind: &str, top: At<'_, '_>) -> Option<ScalerObject> {
    let Meta { namespace, name, .. } = meta::meta(top);
    let target = top.at(["spec", "scaleTargetRef"]);
    let target_kind = target.get("kind").text().unwrap_or("Deployment");
    let target = WorkloadKey::new(target_kind, namespace, target.get("name").name()?);
    Some(ScalerObject {
        target,
        by: format!("{kind} {name}"),
    })
}

/// Reads a PodDisruptionBudget.
pub(crate) fn budget(top: At<'_, '_>) -> BudgetObject {
    let Meta { namespace, name, .. } = meta::meta(top);
    let spec = top.get("spec");
    // An empty selector covers every pod of the namespace (policy/v1), an absent one covers none.
    let selector = spec.get("selector");
    BudgetObject {
        namespace,
        name,
        selector: selector.is_there().then(|| selectors::label_selector(selector)),
        allowed: top
            .at(["status", "disruptionsAllowed"])
            .int()
            .map(|n| u32::try_from(n.max(0)).unwrap_or(u32::MAX)),
        min_available: amount(spec.get("minAvailable")),
        max_unavailable: amount(spec.get("maxUnavailable")),
    }
}

fn amount(at: At<'_, '_>) -> Option<Amount> {
    let text = match at.tree()? {
        Tree::Null => return None,
        Tree::Text(text) => text,
        _ => return at.count().map(Amount::Pods),
    };
    let percent = text.strip_suffix('%').and_then(|number| number.parse().ok());
    if percent.is_none() {
        at.problem(format_args!(
            "{}: neither a number nor a percentage",
            quoted(text)
        ));
    }
    percent.map(Amount::Percent)
}
