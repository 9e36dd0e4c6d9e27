//! What keeps a pod off Fargate, what it should know about it, and which profile takes it.
//!
//! Source of the rules: EKS user guide, "Fargate considerations" and "Fargate profiles". A rule that the guide does
//! not tell apart (host namespaces, runtime classes, schedulers) is one here all the same: better on EC2 than waiting
//! for nothing. Sizes and prices are `model::fargate`'s.

use crate::fit::{Place, admits};
use model::fargate::{FargateCaution, FargateSize, MOST_EPHEMERAL};
use model::group::Group;
use model::offer::Offer;
use model::pod::{NearRule, PodSpec, Unmodelled};
use model::reason::{FargateBlock, Misfit};
use model::resources::{Resources, attach_driver};
use model::selector::{Labels, NodeTerm, Operator, Requirement, glob};

/// Label that asks for Fargate at admission.
pub const PLACEMENT_LABEL: &str = "plimsoll.io/placement";

/// Names of Fargate's own scheduler, which EKS gives to the pods it takes, and of none in particular.
const SCHEDULERS: [&str; 2] = ["", "fargate-scheduler"];

/// Labels by which nodes tell what they are, with the block that stands for each.
const TOLD_APART: [(&str, FargateBlock); 8] = [
    ("kubernetes.io/arch", FargateBlock::Architecture),
    ("beta.kubernetes.io/arch", FargateBlock::Architecture),
    ("kubernetes.io/os", FargateBlock::OperatingSystem),
    ("beta.kubernetes.io/os", FargateBlock::OperatingSystem),
    ("node.kubernetes.io/instance-type", FargateBlock::InstanceType),
    ("beta.kubernetes.io/instance-type", FargateBlock::InstanceType),
    ("karpenter.k8s.aws/instance-family", FargateBlock::InstanceType),
    ("karpenter.k8s.aws/instance-category", FargateBlock::InstanceType),
];

/// What keeps the pod off Fargate, whatever profile would take it; `labels` are those of a Fargate node.
pub fn rules(spec: &PodSpec, labels: &Labels) -> Vec<Misfit> {
    let traits = spec.traits;
    let of = |kind: &str| spec.owner.as_ref().is_some_and(|owner| &*owner.kind == kind);
    let stateful = of("StatefulSet") && traits.claims_volume;
    let mut extended = spec.requests.extended.iter();
    let devices = extended.any(|(name, amount)| *amount > 0 && attach_driver(name).is_none())
        || spec.unmodelled.contains(&Unmodelled::ResourceClaim);
    let inline = traits.csi_volume || spec.unmodelled.contains(&Unmodelled::InlineDisk);
    let scheduled_elsewhere = !SCHEDULERS.contains(&spec.scheduler.as_str());
    let table = [
        (of("DaemonSet"), FargateBlock::DaemonSet),
        (traits.privileged, FargateBlock::Privileged),
        (traits.host_network, FargateBlock::HostNetwork),
        (traits.host_pid, FargateBlock::HostPid),
        (traits.host_ipc, FargateBlock::HostIpc),
        (traits.host_port, FargateBlock::HostPort),
        (traits.host_path, FargateBlock::HostPath),
        (devices, FargateBlock::ExtendedResources),
        (stateful, FargateBlock::StatefulVolume),
        (
            traits.claims_volume && !traits.static_efs && !stateful,
            FargateBlock::Volume,
        ),
        (inline, FargateBlock::InlineVolume),
        (traits.runtime_class, FargateBlock::RuntimeClass),
        (scheduled_elsewhere, FargateBlock::OtherScheduler),
    ];
    let blocked = table.into_iter().filter(|(blocked, _)| *blocked);
    blocked
        .map(|(_, block)| block)
        .chain(off_labels(spec, labels))
        .chain(FargateSize::billed(&spec.requests).err())
        .map(Misfit::FargateExcluded)
        .collect()
}

/// What the pod should know about Fargate that does not keep it off.
pub fn cautions(spec: &PodSpec) -> Vec<FargateCaution> {
    let near = |found: &dyn Fn(&NearRule, &str) -> bool| {
        spec.near.iter().any(|near| found(&near.rule, near.key.as_str()))
    };
    // Every pod there has a node of its own.
    let zonal = |key: &str| key != fit::HOSTNAME;
    let spread = near(&|rule, key| matches!(rule, NearRule::Spread { .. }) && zonal(key))
        || spec.unmodelled.contains(&Unmodelled::TopologySpread);
    let affinity = near(&|rule, key| match rule {
        NearRule::Together => true,
        NearRule::Apart => zonal(key),
        NearRule::Spread { .. } => false,
    });
    let job = spec.owner.as_ref().is_some_and(|owner| &*owner.kind == "Job");
    [
        (spread, FargateCaution::SpreadIgnored),
        (affinity, FargateCaution::AffinityIgnored),
        (job, FargateCaution::BilledUntilDeleted),
    ]
    .into_iter()
    .filter(|(holds, _)| *holds)
    .map(|(_, caution)| caution)
    .collect()
}

/// Which label of a node the pod asks for that Fargate does not have: the one that tells most.
fn off_labels(spec: &PodSpec, labels: &Labels) -> Option<FargateBlock> {
    let place = Place {
        labels,
        name: "",
        taints: &[],
    };
    if admits(spec, place) {
        return None;
    }
    let missing = |key: &String, value: &String| labels.get(key) != Some(value);
    let mut wanted = spec
        .node_selector
        .iter()
        .filter(|(key, value)| missing(key, value));
    let told = |key: &str| {
        TOLD_APART
            .iter()
            .find(|(own, _)| *own == key)
            .map(|(_, block)| *block)
    };
    let by_selector = wanted.find_map(|(key, _)| told(key));
    let terms = spec.node_affinity.as_deref().unwrap_or_default();
    let by_affinity = || {
        let mut blocks = TOLD_APART.iter().map(|(_, block)| *block);
        blocks.find(|block| !terms.is_empty() && terms.iter().all(|term| fails_by(term, labels, *block)))
    };
    Some(
        by_selector
            .or_else(by_affinity)
            .unwrap_or(FargateBlock::NodeLabels),
    )
}

/// Whether the term does not match because of a label that the block stands for.
fn fails_by(term: &NodeTerm, labels: &Labels, block: FargateBlock) -> bool {
    let stands_for = |wanted: &&Requirement| TOLD_APART.contains(&(wanted.key.as_str(), block));
    let mut wanted = term.labels.iter().filter(stands_for);
    wanted.any(|wanted| !wanted.matches(labels.get(&wanted.key).map(String::as_str)))
}

/// Whether a Fargate offer holds the pod: what Fargate takes of its memory is not among what can be had of it.
pub fn holds(requests: &Resources, offer: &Offer) -> bool {
    let there = &offer.allocatable;
    offer.is_fargate()
        && requests.cpu_milli <= there.cpu_milli
        && requests.memory_bytes <= there.memory_bytes
        && requests.ephemeral_bytes <= MOST_EPHEMERAL
}

/// The label a pod needs so that the profile takes it; `None` when the profile cannot select the pod.
///
/// A pod must carry what the selector wants, except labels under `plimsoll.io/`, which admission sets.
pub fn label(spec: &PodSpec, profile: &Group) -> Option<Labels> {
    profile.fargate_selectors.iter().find_map(|selector| {
        if !glob(&selector.namespace, &spec.namespace) {
            return None;
        }
        let mut label = Labels::from([(PLACEMENT_LABEL.to_owned(), "fargate".to_owned())]);
        for wanted in &selector.labels.requirements {
            if !satisfied(spec, wanted) {
                return None;
            }
            if let Operator::In(values) = &wanted.operator
                && let [value] = values.as_slice()
            {
                label.insert(wanted.key.clone(), value.clone());
            }
        }
        Some(label)
    })
}

/// Whether the profile selects the pod as it is, without any label that admission might add.
pub fn selects(spec: &PodSpec, profile: &Group) -> bool {
    let carries = |wanted: &Requirement| wanted.matches(spec.labels.get(&wanted.key).map(String::as_str));
    let mut selectors = profile.fargate_selectors.iter();
    selectors.any(|selector| {
        glob(&selector.namespace, &spec.namespace) && selector.labels.requirements.iter().all(carries)
    })
}

/// Whether the pod carries what is wanted, or admission may set it.
fn satisfied(spec: &PodSpec, wanted: &Requirement) -> bool {
    let value = spec.labels.get(&wanted.key).map(String::as_str);
    let single = matches!(&wanted.operator, Operator::In(values) if values.len() == 1);
    let settable = value.is_none() && wanted.key.starts_with("plimsoll.io/") && single;
    settable || wanted.matches(value)
}

#[cfg(test)]
mod tests;
