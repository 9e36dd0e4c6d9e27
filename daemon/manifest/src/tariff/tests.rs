//! Every node has a price, or its type has none that anybody could tell.

use super::*;
use crate::offers::price_list;
use crate::{ClusterBuilder, PriceList, built_in};
use model::snapshot::Snapshot;

/// Prices that are linear in the size, as AWS' are.
fn listed() -> PriceList {
    let csv = "instance_type,vcpu,memory_mib,arch,od_usd_h,azs,spot_usd_h_est\n\
        m6a.large,2,8192,amd64,0.0864,us-east-1a,0.03\n\
        m6a.8xlarge,32,131072,amd64,1.3824,us-east-1a,\n\
        t3.large,2,8192,amd64,0.0832,us-east-1a,\n\
        m7i.xlarge,4,16384,amd64,0.2016,us-east-1a,\n\
        g5.xlarge,4,16384,amd64,1.006,us-east-1a,0.4\n";
    price_list("o.csv", csv.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn labels(instance_type: &str, purchase: &str) -> Labels {
    [
        ("node.kubernetes.io/instance-type", instance_type),
        ("eks.amazonaws.com/capacityType", purchase),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

fn rate(tariff: &Tariff, instance_type: &str, purchase: &str) -> Option<(i64, Confidence)> {
    let rate = tariff.rate(&labels(instance_type, purchase))?;
    Some((rate.price.0, rate.confidence))
}

#[test]
fn a_type_is_priced_by_the_list_else_by_its_family_else_by_the_nearest_generation() {
    use Confidence::{Estimated, Listed};
    let tariff = Tariff::of(&listed());
    for (instance_type, purchase, told) in [
        ("m6a.large", "ON_DEMAND", Some((86_400_000, Listed))),
        ("m6a.large", "SPOT", Some((30_000_000, Estimated))),
        ("m6a.8xlarge", "SPOT", Some((138_240_000, Estimated))),
        // The family, whatever the size.
        ("m6a.2xlarge", "ON_DEMAND", Some((345_600_000, Estimated))),
        ("m6a.medium", "ON_DEMAND", Some((43_200_000, Estimated))),
        ("m6a.metal-48xl", "ON_DEMAND", Some((8_294_400_000, Estimated))),
        ("t3.nano", "ON_DEMAND", Some((5_200_000, Estimated))),
        ("g5.2xlarge", "ON_DEMAND", Some((2_012_000_000, Estimated))),
        // The class: the same attributes first, then the nearest generation.
        ("m5a.large", "ON_DEMAND", Some((86_400_000, Estimated))),
        ("m9z.large", "ON_DEMAND", Some((100_800_000, Estimated))),
        ("m5.large", "ON_DEMAND", Some((86_400_000, Estimated))),
        ("t4g.small", "ON_DEMAND", Some((20_800_000, Estimated))),
        // Nothing is like these.
        ("g6.xlarge", "ON_DEMAND", None),
        ("p5.48xlarge", "SPOT", None),
        ("z1d.large", "ON_DEMAND", None),
        ("c6i.large", "ON_DEMAND", None),
        ("m6a.metal", "ON_DEMAND", None),
        ("m6a.0xlarge", "ON_DEMAND", None),
        ("m6a", "ON_DEMAND", None),
        ("standard-4", "ON_DEMAND", None),
        ("", "ON_DEMAND", None),
    ] {
        assert_eq!(
            rate(&tariff, instance_type, purchase),
            told,
            "{instance_type} {purchase}"
        );
    }
    assert_eq!(tariff.rate(&Labels::new()), None);
}

#[test]
fn the_built_in_list_knows_families_that_it_does_not_sell() {
    let tariff = Tariff::of(&built_in());
    assert_eq!(
        rate(&tariff, "m6a.large", "ON_DEMAND"),
        Some((86_400_000, Confidence::BuiltIn))
    );
    for (instance_type, nanos) in [
        ("t3.medium", 41_600_000),
        ("t3a.micro", 9_400_000),
        ("m5.4xlarge", 768_000_000),
        ("c5.large", 85_000_000),
    ] {
        let told = rate(&tariff, instance_type, "ON_DEMAND");
        assert_eq!(told, Some((nanos, Confidence::Estimated)), "{instance_type}");
    }
    assert_eq!(rate(&tariff, "p4d.24xlarge", "ON_DEMAND"), None);
}

#[test]
fn a_price_of_nothing_tells_nothing() {
    let mut tariff = Tariff::default();
    tariff.add("m6a.large", UsdPerHour::ZERO, Confidence::Listed);
    tariff.add("m6a.xlarge", UsdPerHour(5), Confidence::Unknown);
    tariff.add_spot("m6a.large", UsdPerHour::ZERO);
    assert_eq!(tariff, Tariff::default());
    tariff.add("m6a.24xlarge", UsdPerHour(3), Confidence::Listed);
    assert_eq!(rate(&tariff, "m6a.nano", "SPOT").map(|told| told.0), Some(1));
}

const TYPES: [&str; 7] = [
    "m6a.large",
    "m6a.2xlarge",
    "m6a.8xlarge",
    "t3.large",
    "t3.medium",
    "g5.xlarge",
    "m5.large",
];
const PURCHASES: [&str; 3] = ["ON_DEMAND", "SPOT", "CAPACITY_BLOCK"];
const AIMS: [&str; 7] = [
    "{}",
    "spot: true",
    "burstable: true",
    "max_vcpu: 8",
    "types: [c6a]",
    "arch: [arm64]",
    "{types: [m6a.large], spot: true, max_vcpu: 2}",
];

fn cluster(aims: &str, prices: &PriceList, group: &str) -> Snapshot {
    let mut builder = ClusterBuilder::new();
    for instance_type in TYPES {
        for purchase in PURCHASES {
            let text = format!(
                "kind: Node\nmetadata: {{name: {}-{}, labels: {{{group}node.kubernetes.io/instance-type: \
                 {instance_type}, eks.amazonaws.com/capacityType: {purchase}, topology.kubernetes.io/zone: \
                 us-east-1a}}}}\nstatus: {{allocatable: {{cpu: 1930m, memory: 7Gi, pods: 29}}}}\n",
                instance_type.replace('.', "-"),
                purchase.to_lowercase().replace('_', "-"),
            );
            builder
                .read("nodes.yaml", text.as_bytes())
                .unwrap_or_else(|problems| panic!("{problems}"));
        }
    }
    let offers = if aims.starts_with('{') {
        aims.to_owned()
    } else {
        format!("{{{aims}}}")
    };
    let aims = crate::aims("aims.yaml", format!("catalogue: {offers}\n").as_bytes())
        .unwrap_or_else(|problems| panic!("{problems}"));
    builder.finish(prices, &aims)
}

/// What the aims want to buy changes nothing about what runs.
#[test]
fn every_node_costs_the_same_whatever_may_be_bought() {
    for group in ["", "eks.amazonaws.com/nodegroup: web, "] {
        for prices in [listed(), built_in()] {
            let tariff = Tariff::of(&prices);
            for aims in AIMS {
                let seen = cluster(aims, &prices, group);
                assert_eq!(seen.nodes.len(), TYPES.len() * PURCHASES.len());
                for node in &seen.nodes {
                    let told = tariff.rate(&node.labels).map(|rate| rate.price);
                    assert_eq!(seen.node_price(node), told, "{} under {aims}", node.name);
                    assert_ne!(told, Some(UsdPerHour::ZERO), "{}", node.name);
                    assert_eq!(
                        told.is_none(),
                        prices.built_in && node.labels[INSTANCE_TYPE] == "g5.xlarge",
                        "{}",
                        node.name
                    );
                }
            }
        }
    }
}

#[test]
fn a_list_of_another_region_tells_no_price_here() {
    let mut builder = ClusterBuilder::new();
    let text = "kind: Node\nmetadata: {name: a, labels: {node.kubernetes.io/instance-type: t3.large, \
                topology.kubernetes.io/zone: eu-west-1a}}\n";
    builder
        .read("nodes.yaml", text.as_bytes())
        .unwrap_or_else(|problems| panic!("{problems}"));
    let seen = builder.finish(&built_in(), &model::aims::Aims::default());
    assert_eq!(seen.node_price(&seen.nodes[0]), None);
}
