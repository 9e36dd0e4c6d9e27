//! Whether a pod may run in a place, read from the rules of kube-scheduler's NodeAffinity, TaintToleration,
//! VolumeBinding and VolumeZone and of EKS Fargate, once more and on its own. Attached volumes are counted with the
//! other amounts.

use model::node::STARTING_TAINT;
use model::pod::{PodSpec, Taint, TaintEffect};
use model::selector::{Labels, NodeTerm};

/// The first thing that objects to the pod in this place.
pub(super) fn objection(spec: &PodSpec, labels: &Labels, taints: &[Taint], name: &str) -> Option<String> {
    if let Some(constraint) = spec.unmodelled.first() {
        return Some(format!("{constraint:?} is not modelled"));
    }
    for (key, wanted) in &spec.node_selector {
        if labels.get(key) != Some(wanted) {
            return Some(format!("it wants {key}={wanted}"));
        }
    }
    if let Some(terms) = &spec.node_affinity
        && terms.iter().all(|term| !term.matches(labels, name))
    {
        return Some("no term of its node affinity matches".to_owned());
    }
    let far = |terms: &Vec<NodeTerm>| terms.iter().all(|term| !term.matches(labels, name));
    if spec.reach.iter().any(far) {
        return Some("its volume cannot be had there".to_owned());
    }
    // The startup taint goes before the pods come.
    let repelling = |taint: &&Taint| {
        taint.effect != TaintEffect::PreferNoSchedule
            && taint.key != STARTING_TAINT
            && spec.tolerations.iter().all(|t| !t.tolerates(taint))
    };
    let taint = taints.iter().find(repelling)?;
    Some(format!("it does not tolerate {}={}", taint.key, taint.value))
}

/// Whether a DaemonSet puts a pod there: its controller tolerates what the node itself reports.
pub(super) fn daemon_runs(spec: &PodSpec, labels: &Labels, taints: &[Taint]) -> bool {
    let own = |taint: &&Taint| !taint.key.starts_with("node.kubernetes.io/");
    let taints: Vec<Taint> = taints.iter().filter(own).cloned().collect();
    let spec = PodSpec {
        unmodelled: Vec::new(),
        ..spec.clone()
    };
    objection(&spec, labels, &taints, "").is_none()
}

/// What keeps the pod off Fargate, whatever the size (EKS user guide, "Fargate considerations").
pub(super) fn off_fargate(spec: &PodSpec) -> Option<&'static str> {
    let traits = &spec.traits;
    let of = |kind: &str| spec.owner.as_ref().is_some_and(|owner| &*owner.kind == kind);
    [
        (!spec.unmodelled.is_empty(), "a constraint is not modelled"),
        (traits.privileged, "it is privileged"),
        (
            traits.host_network || traits.host_pid || traits.host_ipc,
            "it shares the host's namespaces",
        ),
        (traits.host_port, "it has a host port"),
        (traits.host_path, "it mounts a host path"),
        (
            traits.claims_volume && (!traits.static_efs || of("StatefulSet")),
            "it claims a volume",
        ),
        (
            spec.requests.ephemeral_bytes > 175 << 30,
            "it asks for more than 175 GiB of disk",
        ),
        (traits.csi_volume, "a CSI driver makes a volume for it"),
        (traits.runtime_class, "it names a runtime class"),
        (of("DaemonSet"), "a DaemonSet owns it"),
        (
            !["", "fargate-scheduler"].contains(&spec.scheduler.as_str()),
            "another scheduler places it",
        ),
        (
            spec.requests.extended.values().any(|amount| *amount > 0),
            "it asks for an extended resource",
        ),
    ]
    .into_iter()
    .find_map(|(excluded, why)| excluded.then_some(why))
}
