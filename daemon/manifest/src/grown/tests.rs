//! Stories of groups and what their nodes tell of those to come.

use crate::offers::price_list;
use crate::{ClusterBuilder, PriceList};
use model::aims::Aims;
use model::ids::GroupName;
use model::offer::Offer;
use model::snapshot::Snapshot;
use proptest::prelude::*;
use rstest::rstest;

const OLD: &str = "2026-11-20T08:00:00Z";
const NEW: &str = "2026-11-24T08:00:00Z";

fn prices() -> PriceList {
    let csv = "instance_type,vcpu,memory_mib,arch,od_usd_h,gpu_count,azs,spot_usd_h_est\n\
        m5.large,2,8192,amd64,0.096,,us-east-1a,0.04\n\
        g5.xlarge,4,16384,amd64,1.006,1,us-east-1a,\n";
    price_list("o.csv", csv.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A node of the managed node group `ng`, of `m5.large` where nothing else is said.
#[derive(Clone, Copy)]
struct Told<'t> {
    name: &'t str,
    created: &'t str,
    labels: &'t str,
    taints: &'t [&'t str],
    allocatable: &'t str,
}

const USUAL: Told<'_> = Told {
    name: "a",
    created: OLD,
    labels: "node.kubernetes.io/instance-type: m5.large",
    taints: &[],
    allocatable: "cpu: 1930m, memory: 7Gi, pods: 29",
};

fn written(node: &Told<'_>) -> String {
    let Told {
        name,
        created,
        labels,
        taints,
        allocatable,
    } = node;
    let taints: Vec<String> = taints
        .iter()
        .map(|key| format!("{{key: {key}, effect: NoSchedule}}"))
        .collect();
    format!(
        "---\nkind: Node\nmetadata: {{name: {name}, creationTimestamp: '{created}', labels: {{\
         eks.amazonaws.com/nodegroup: ng, topology.kubernetes.io/zone: us-east-1a, {labels}}}}}\n\
         spec: {{providerID: 'aws:///us-east-1a/i-{name}', taints: [{}]}}\n\
         status: {{allocatable: {{{allocatable}}}, conditions: [{{type: Ready, status: 'True'}}]}}\n",
        taints.join(", ")
    )
}

/// A pod of today tells what time it is.
fn seen(nodes: &[Told<'_>], aims: &str) -> Snapshot {
    let mut aims: Aims =
        crate::aims("aims.yaml", aims.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
    aims.groups = vec![GroupName::new("ng")];
    let mut text: String = nodes.iter().map(written).collect();
    text += "---\nkind: Pod\nmetadata: {name: p, namespace: d, creationTimestamp: '";
    text += NEW;
    text += "'}\nspec: {containers: []}\n";
    let mut builder = ClusterBuilder::new();
    builder
        .read("c.yaml", text.as_bytes())
        .unwrap_or_else(|problems| panic!("{problems}"));
    builder.finish(&prices(), &aims)
}

fn only(seen: &Snapshot) -> &Offer {
    assert_eq!(seen.offers.len(), 1, "{:?}", seen.offers);
    &seen.offers[0]
}

#[test]
fn offers_of_a_managed_group_have_every_label_that_its_nodes_have() {
    let labels = "node.kubernetes.io/instance-type: m5.large, team: shop, topology.k8s.aws/zone-id: use1-az4, \
                  eks.amazonaws.com/nodegroup-image: ami-1, kubernetes.io/hostname: a";
    let seen = seen(&[Told { labels, ..USUAL }], "{}");
    let labels = &only(&seen).labels;
    let labels: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    assert_eq!(
        labels,
        [
            "beta.kubernetes.io/arch=amd64",
            "beta.kubernetes.io/instance-type=m5.large",
            "beta.kubernetes.io/os=linux",
            "eks.amazonaws.com/capacityType=ON_DEMAND",
            "eks.amazonaws.com/nodegroup=ng",
            "failure-domain.beta.kubernetes.io/region=us-east-1",
            "failure-domain.beta.kubernetes.io/zone=us-east-1a",
            "kubernetes.io/arch=amd64",
            "kubernetes.io/os=linux",
            "node.kubernetes.io/instance-type=m5.large",
            "team=shop",
            "topology.ebs.csi.aws.com/zone=us-east-1a",
            "topology.k8s.aws/zone-id=use1-az4",
            "topology.kubernetes.io/region=us-east-1",
            "topology.kubernetes.io/zone=us-east-1a",
        ]
    );
}

#[rstest]
#[case::ebs("ebs.csi.aws.com/agent-not-ready")]
#[case::efs("efs.csi.aws.com/agent-not-ready")]
#[case::cilium("node.cilium.io/agent-not-ready")]
#[case::startup("startup-taint.cluster-autoscaler.kubernetes.io/x")]
#[case::ignored("ignore-taint.cluster-autoscaler.kubernetes.io/x")]
#[case::uninitialized("node.cloudprovider.kubernetes.io/uninitialized")]
#[case::rule("readiness.k8s.io/x")]
#[case::own("example.com/vpn-down")]
fn a_passing_taint_is_never_the_groups(#[case] key: &str) {
    let aims = "startup_taints: [example.com/*]";
    // However many young nodes, in whatever order, beside an old one or alone.
    for young in 1..4 {
        for old in [None, Some(0), Some(young)] {
            let names = ["b", "c", "d"];
            let taints = [key, "dedicated"];
            let tainted = |name| Told {
                name,
                created: NEW,
                taints: &taints,
                allocatable: "cpu: 1, memory: 1Gi, pods: 4",
                ..USUAL
            };
            let mut nodes: Vec<Told<'_>> = names[..young].iter().map(|name| tainted(name)).collect();
            let dedicated = ["dedicated"];
            if let Some(at) = old {
                nodes.insert(
                    at,
                    Told {
                        taints: &dedicated,
                        ..USUAL
                    },
                );
            }
            let seen = seen(&nodes, aims);
            let taints: Vec<&str> = seen.groups[0].taints.iter().map(|taint| &*taint.key).collect();
            assert_eq!(taints, ["dedicated"], "{young} young, old at {old:?}");
            let believed = only(&seen).allocatable.cpu_milli;
            assert!(believed > 1900, "amounts of young nodes: {believed}");
        }
    }
}

#[test]
fn a_young_gpu_node_does_not_take_the_gpu_from_its_group() {
    let gpu = |name, created, allocatable| Told {
        name,
        created,
        labels: "node.kubernetes.io/instance-type: g5.xlarge",
        allocatable,
        ..USUAL
    };
    let without = "cpu: 3920m, memory: 14Gi, pods: 58";
    let with = "cpu: 3920m, memory: 14Gi, pods: 58, nvidia.com/gpu: 1";
    for (nodes, amount) in [
        (&[gpu("a", NEW, without)][..], 1),
        (&[gpu("a", OLD, with), gpu("b", NEW, without)], 1),
        (&[gpu("b", NEW, without), gpu("a", OLD, with)], 1),
        // Nobody installs the plugin: the list promises what never comes.
        (&[gpu("a", OLD, without)], 0),
    ] {
        let seen = seen(nodes, "{}");
        assert_eq!(only(&seen).allocatable.amount("nvidia.com/gpu"), amount);
    }
}

#[test]
fn the_smallest_node_that_is_up_tells_what_its_type_can_carry() {
    let node = |name, allocatable| Told {
        name,
        allocatable,
        ..USUAL
    };
    let one = node(
        "a",
        "cpu: 1900m, memory: 6Gi, pods: 17, hugepages-2Mi: 1Gi, ephemeral-storage: 80Gi",
    );
    let other = node(
        "b",
        "cpu: 1800m, memory: 7Gi, pods: 29, hugepages-2Mi: 2Gi, ephemeral-storage: 90Gi",
    );
    for nodes in [[one, other], [other, one]] {
        let seen = seen(&nodes, "{}");
        let offer = only(&seen);
        let there = &offer.allocatable;
        assert_eq!(
            (there.cpu_milli, there.memory_bytes, offer.max_pods),
            (1800, 6 << 30, 17)
        );
        assert_eq!(
            (there.ephemeral_bytes, there.amount("hugepages-2Mi")),
            (80 << 30, 1 << 30)
        );
    }
}

#[test]
fn a_label_that_some_nodes_have_is_not_promised_but_follows_from_how_they_were_bought() {
    let bought = |name, how| Told {
        name,
        labels: how,
        ..USUAL
    };
    let nodes = [
        bought(
            "a",
            "node.kubernetes.io/instance-type: m5.large, node.kubernetes.io/lifecycle: normal, by: hand",
        ),
        bought(
            "b",
            "node.kubernetes.io/instance-type: m5.large, node.kubernetes.io/lifecycle: spot",
        ),
    ];
    let seen = seen(&nodes, "catalogue: {spot: true}");
    assert_eq!(seen.offers.len(), 2);
    for (offer, lifecycle) in seen.offers.iter().zip(["normal", "spot"]) {
        assert_eq!(offer.labels["node.kubernetes.io/lifecycle"], lifecycle);
        assert!(!offer.labels.contains_key("by"));
    }
}

#[test]
fn windows_groups_sell_windows() {
    let windows = "node.kubernetes.io/instance-type: m5.large, kubernetes.io/os: windows, \
                   node.kubernetes.io/windows-build: 10.0.20348";
    let seen = seen(
        &[Told {
            labels: windows,
            ..USUAL
        }],
        "{}",
    );
    let labels = &only(&seen).labels;
    for (key, value) in [
        ("kubernetes.io/os", "windows"),
        ("beta.kubernetes.io/os", "windows"),
        ("node.kubernetes.io/windows-build", "10.0.20348"),
    ] {
        assert_eq!(labels.get(key).map(String::as_str), Some(value), "{key}");
    }
}

#[test]
fn a_node_that_the_cloud_provider_has_not_described_is_where_its_provider_id_says() {
    let object = serde_json::json!({"metadata": {"name": "n"}, "spec": {"providerID": "aws:///us-west-2-lax-1a/i-1",
        "taints": [{"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}]}});
    let tree = serde_json::from_value(object).unwrap();
    let labels = crate::node_from(&tree).0.node.labels;
    for (key, value) in [
        ("topology.kubernetes.io/zone", "us-west-2-lax-1a"),
        ("failure-domain.beta.kubernetes.io/zone", "us-west-2-lax-1a"),
        ("topology.kubernetes.io/region", "us-west-2"),
    ] {
        assert_eq!(labels.get(key).map(String::as_str), Some(value), "{key}");
    }
}

/// What a generated node tells: thousandths of a CPU, GiB of memory, pods, GiB of huge pages and of storage.
type Amounts = (u32, u32, u32, u32, u32);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever nodes a group has, more or less of everything than the price list says, a new one is promised what the
    /// least of those that are up has; one that agents hold back or that is not of the type says nothing, and where none is
    /// up the list counts.
    #[test]
    fn what_nodes_that_are_up_have_wins_over_the_list(
        nodes in proptest::collection::vec(((100_u32..9000, 1_u32..40, 1_u32..250, 0_u32..4, 1_u32..200), 0_usize..3), 1..6),
    ) {
        let names = ["a", "b", "c", "d", "e"];
        let written: Vec<String> = nodes
            .iter()
            .map(|((cpu, memory, pods, pages, storage), _)| format!(
                "cpu: {cpu}m, memory: {memory}Gi, pods: {pods}, hugepages-2Mi: {pages}Gi, ephemeral-storage: {storage}Gi"
            ))
            .collect();
        let stands = |kind: usize| match kind {
            0 => USUAL,
            1 => Told { created: NEW, taints: &["node.cilium.io/agent-not-ready"], ..USUAL },
            _ => Told { labels: "node.kubernetes.io/instance-type: g5.xlarge, nvidia.com/gpu.present: 'false'", ..USUAL },
        };
        let told = nodes.iter().zip(&names).zip(&written);
        let told: Vec<Told<'_>> = told
            .map(|(((_, kind), name), allocatable)| Told { name, allocatable, ..stands(*kind) })
            .collect();
        let seen = seen(&told, "{}");
        let up = |wanted: usize| -> Vec<Amounts> {
            let of = nodes.iter().filter(|(_, kind)| *kind == wanted);
            of.map(|(amounts, _)| *amounts).collect()
        };
        let offer = seen.offers.iter().find(|offer| offer.instance_type() == Some("m5.large"));
        let usual = up(0);
        let Some(offer) = offer else {
            prop_assert!(usual.is_empty() && up(1).is_empty());
            return Ok(());
        };
        let there = &offer.allocatable;
        if usual.is_empty() {
            let listed = &prices().rows[0];
            prop_assert_eq!(there, &listed.allocatable);
            prop_assert_eq!(offer.max_pods, listed.max_pods);
            return Ok(());
        }
        let least = |part: fn(&Amounts) -> u32| i64::from(usual.iter().map(part).min().unwrap_or(0));
        prop_assert_eq!(there.cpu_milli, least(|of| of.0));
        prop_assert_eq!(there.memory_bytes, least(|of| of.1) << 30);
        prop_assert_eq!(i64::from(offer.max_pods), least(|of| of.2));
        prop_assert_eq!(there.amount("hugepages-2Mi"), least(|of| of.3) << 30);
        prop_assert_eq!(there.ephemeral_bytes, least(|of| of.4) << 30);
    }
}
