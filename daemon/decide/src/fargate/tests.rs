//! Tables of what Fargate takes and does not.

use super::*;
use crate::PolicySet;
use crate::fixture::{Cluster, asks};
use model::WorkloadKey;
use model::aims::Aims;
use model::memory::Memory;
use model::pod::Near;
use model::reason::Tie;
use model::resources::MIB;
use model::selector::LabelSelector;

fn is_in(key: &str, value: &str) -> Requirement {
    Requirement {
        key: key.into(),
        operator: Operator::In(vec![value.into()]),
    }
}

fn with(change: impl FnOnce(&mut PodSpec)) -> PodSpec {
    let mut spec = asks(100, 100);
    change(&mut spec);
    spec
}

/// Labels of a Fargate node.
fn labels() -> Labels {
    let labels = [
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/os", "linux"),
        ("eks.amazonaws.com/compute-type", "fargate"),
    ];
    labels
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn of(kind: &str) -> WorkloadKey {
    WorkloadKey::new(kind, "default", "w")
}

fn selecting(key: &str, value: &str) -> PodSpec {
    with(|s| {
        s.node_selector.insert(key.into(), value.into());
    })
}

/// Each inner list is a term.
fn requiring(terms: &[&[(&str, &str)]]) -> PodSpec {
    let term = |wanted: &&[(&str, &str)]| NodeTerm {
        labels: wanted.iter().map(|(key, value)| is_in(key, value)).collect(),
        fields: Vec::new(),
    };
    with(|s| s.node_affinity = Some(terms.iter().map(term).collect()))
}

/// Asserts, row by row, what keeps a pod off.
fn block_by_block(table: &[(&str, PodSpec, &[FargateBlock])]) {
    for (name, spec, expected) in table {
        let expected: Vec<Misfit> = expected
            .iter()
            .map(|block| Misfit::FargateExcluded(*block))
            .collect();
        assert_eq!(rules(spec, &labels()), expected, "{name}");
    }
}

#[test]
fn every_rule_has_a_reason_of_its_own() {
    use FargateBlock as Block;
    let extended = |name: &str| with(|s| s.requests.extended.extend([(name.to_owned(), 1)]));
    let claims = |efs, kind: &str| {
        with(|s| {
            (s.traits.claims_volume, s.traits.static_efs) = (true, efs);
            s.owner = Some(of(kind));
        })
    };
    block_by_block(&[
        ("plain", with(|_| {}), &[]),
        (
            "daemon",
            with(|s| s.owner = Some(of("DaemonSet"))),
            &[Block::DaemonSet],
        ),
        ("deployment", with(|s| s.owner = Some(of("Deployment"))), &[]),
        ("stateless set", with(|s| s.owner = Some(of("StatefulSet"))), &[]),
        (
            "privileged",
            with(|s| s.traits.privileged = true),
            &[Block::Privileged],
        ),
        (
            "network",
            with(|s| s.traits.host_network = true),
            &[Block::HostNetwork],
        ),
        ("pid", with(|s| s.traits.host_pid = true), &[Block::HostPid]),
        ("ipc", with(|s| s.traits.host_ipc = true), &[Block::HostIpc]),
        ("port", with(|s| s.traits.host_port = true), &[Block::HostPort]),
        ("path", with(|s| s.traits.host_path = true), &[Block::HostPath]),
        ("gpu", extended("nvidia.com/gpu"), &[Block::ExtendedResources]),
        (
            "neuron",
            extended("aws.amazon.com/neuron"),
            &[Block::ExtendedResources],
        ),
        ("counted volume", extended("attachable-volumes-csi-d"), &[]),
        (
            "devices by claim",
            with(|s| s.unmodelled = vec![Unmodelled::ResourceClaim]),
            &[Block::ExtendedResources],
        ),
        ("claim", claims(false, "Deployment"), &[Block::Volume]),
        ("claim on EFS", claims(true, "Deployment"), &[]),
        ("stateful", claims(false, "StatefulSet"), &[Block::StatefulVolume]),
        (
            "stateful on EFS",
            claims(true, "StatefulSet"),
            &[Block::StatefulVolume],
        ),
        (
            "csi",
            with(|s| s.traits.csi_volume = true),
            &[Block::InlineVolume],
        ),
        (
            "disk by id",
            with(|s| s.unmodelled = vec![Unmodelled::InlineDisk]),
            &[Block::InlineVolume],
        ),
        (
            "runtime class",
            with(|s| s.traits.runtime_class = true),
            &[Block::RuntimeClass],
        ),
        (
            "scheduler",
            with(|s| s.scheduler = "volcano".into()),
            &[Block::OtherScheduler],
        ),
        (
            "its scheduler",
            with(|s| s.scheduler = "fargate-scheduler".into()),
            &[],
        ),
    ]);
}

#[test]
fn labels_and_amounts_that_fargate_does_not_have_are_told_apart() {
    use FargateBlock as Block;
    const TYPE: &str = "node.kubernetes.io/instance-type";
    block_by_block(&[
        ("amd64", selecting("kubernetes.io/arch", "amd64"), &[]),
        (
            "arm64",
            selecting("kubernetes.io/arch", "arm64"),
            &[Block::Architecture],
        ),
        (
            "windows",
            selecting("kubernetes.io/os", "windows"),
            &[Block::OperatingSystem],
        ),
        ("type", selecting(TYPE, "m5.large"), &[Block::InstanceType]),
        (
            "zone",
            selecting("topology.kubernetes.io/zone", "a"),
            &[Block::NodeLabels],
        ),
        (
            "arm64 by affinity",
            requiring(&[&[("kubernetes.io/arch", "arm64")]]),
            &[Block::Architecture],
        ),
        (
            "any architecture",
            requiring(&[
                &[("kubernetes.io/arch", "arm64")],
                &[("kubernetes.io/arch", "amd64")],
            ]),
            &[],
        ),
        (
            "arm64, or a type",
            requiring(&[&[("kubernetes.io/arch", "arm64")], &[(TYPE, "m5.large")]]),
            &[Block::NodeLabels],
        ),
        (
            "types",
            requiring(&[&[(TYPE, "m5.large"), ("disk", "ssd")], &[(TYPE, "c5.large")]]),
            &[Block::InstanceType],
        ),
        ("disk", with(|s| s.requests.ephemeral_bytes = 175 << 30), &[]),
        (
            "more disk",
            with(|s| s.requests.ephemeral_bytes = (175 << 30) + 1),
            &[Block::TooMuchEphemeral],
        ),
        ("the largest", asks(16_000, 120 * 1024 - 256), &[]),
        ("more CPU", asks(16_001, 1), &[Block::TooMuchCpu]),
        ("more memory", asks(1, 120 * 1024 - 255), &[Block::TooMuchMemory]),
        (
            "two",
            with(|s| (s.traits.privileged, s.traits.host_pid) = (true, true)),
            &[Block::Privileged, Block::HostPid],
        ),
    ]);
}

#[test]
fn what_fargate_ignores_is_a_caution() {
    use FargateCaution as Caution;
    const ZONE: &str = "topology.kubernetes.io/zone";
    let near = |key: &str, rule| {
        with(|s| s.near = vec![Near::new(key.into(), LabelSelector::default(), None, rule)])
    };
    let spread = NearRule::Spread { skew: 1, domains: 1 };
    let table: [(&str, PodSpec, &[Caution]); 7] = [
        ("plain", with(|_| {}), &[]),
        ("over zones", near(ZONE, spread), &[Caution::SpreadIgnored]),
        ("over nodes", near("kubernetes.io/hostname", spread), &[]),
        (
            "apart by node",
            near("kubernetes.io/hostname", NearRule::Apart),
            &[],
        ),
        (
            "apart by zone",
            near(ZONE, NearRule::Apart),
            &[Caution::AffinityIgnored],
        ),
        (
            "together",
            near("kubernetes.io/hostname", NearRule::Together),
            &[Caution::AffinityIgnored],
        ),
        (
            "job",
            with(|s| s.owner = Some(of("Job"))),
            &[Caution::BilledUntilDeleted],
        ),
    ];
    for (name, spec, expected) in table {
        assert_eq!(cautions(&spec), expected, "{name}");
        assert_eq!(rules(&spec, &labels()), [], "{name}");
    }
}

#[test]
fn rules_about_zones_keep_a_pod_on_nodes_and_say_so() {
    let spread = NearRule::Spread { skew: 1, domains: 1 };
    let zone = "topology.kubernetes.io/zone".to_owned();
    let near = Near::new(zone, LabelSelector::default(), None, spread);
    let tie = Tie::own(&near);
    let seen = Cluster::new()
        .group("g", 0, 10)
        .offer("g", "small", 2000, 4000, 900_000_000)
        .profile("fp", "default")
        .pending("web", 2, with(|s| s.near = vec![near]))
        .seen();
    let pod = seen.pods[0].key.clone();
    let (policies, aims) = (PolicySet::default(), Aims::default());
    let (done, why) = crate::deliberate_and_explain(&seen, &Memory::default(), (&policies, &aims), &pod);
    assert!(done.plan.nodes.iter().all(|node| node.group.as_str() == "g"));
    let expected = Misfit::FargateIgnores { tie };
    assert_eq!(why.and_then(|why| why.not_on_fargate), Some(expected));
}

/// The size that the engine buys, where Fargate is all there is, is the one that is billed.
#[test]
fn the_engine_buys_the_size_that_is_billed() {
    let mut cluster = Cluster::new().profile("fp", "default");
    let mut shapes = Vec::new();
    for cpu in [0, 1, 250, 251, 900, 1000, 2000, 3999, 4001, 8000, 15_999, 16_000] {
        for mib in [
            0, 1, 256, 257, 768, 2048, 3840, 7936, 16_128, 30_465, 61_185, 114_432, 122_624,
        ] {
            let name = format!("p{cpu}-{mib}");
            cluster = cluster.pending(&name, 1, asks(cpu, mib));
            shapes.push((name, Resources::new(cpu, mib * MIB)));
        }
    }
    let seen = cluster.seen();
    let done = crate::deliberate(&seen, &Memory::default(), &PolicySet::default(), &Aims::default());
    for (name, requests) in shapes {
        let of_pod = |pod: &model::PodKey| pod.name.starts_with(&format!("{name}-"));
        let node = done.plan.nodes.iter().find(|node| node.pods.iter().any(of_pod));
        let size = FargateSize::billed(&requests).unwrap();
        let expected = format!("fp/{}m/{}Mi", size.cpu_milli, size.memory_mib);
        assert_eq!(
            node.map(|node| node.offer.as_str()),
            Some(expected.as_str()),
            "{name}"
        );
    }
}

#[test]
fn a_profile_takes_what_its_selector_says_and_no_more() {
    let mut profile = Cluster::new().profile("fp", "team-?").seen().groups.remove(0);
    let mut spec = asks(1, 1);
    assert_eq!(label(&spec, &profile), None, "other namespace");
    spec.namespace = "team-a".into();
    let own = label(&spec, &profile).unwrap();
    assert_eq!(
        own,
        Labels::from([(PLACEMENT_LABEL.to_owned(), "fargate".to_owned())])
    );
    profile.fargate_selectors[0].labels.requirements =
        vec![is_in("plimsoll.io/class", "burst"), is_in("app", "pay")];
    assert_eq!(
        label(&spec, &profile),
        None,
        "app is the pod's own label and it is missing"
    );
    spec.labels.insert("app".into(), "pay".into());
    let own = label(&spec, &profile).unwrap();
    assert_eq!(own.get("plimsoll.io/class").map(String::as_str), Some("burst"));
}
