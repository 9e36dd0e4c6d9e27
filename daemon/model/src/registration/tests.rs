//! The table of labels, row by row, and what zones tell of their region.

use super::*;

fn zone() -> Zone {
    Zones::new(&BTreeMap::from([(
        "use1-az4".to_owned(),
        "us-east-1a".to_owned(),
    )]))
    .zone("us-east-1a")
}

fn table(bootstrap: Bootstrap<'_>, purchase: Purchase, os: &OperatingSystem) -> Vec<String> {
    let registration = Registration {
        instance_type: Some("m6a.large"),
        zone: Some(&zone()),
        arch: "amd64",
        os,
        purchase,
        bootstrap,
    };
    let labels = registration.labels();
    labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect()
}

/// What every node on EC2 registers with, sorted.
const EVERY: [&str; 12] = [
    "beta.kubernetes.io/arch=amd64",
    "beta.kubernetes.io/instance-type=m6a.large",
    "beta.kubernetes.io/os=linux",
    "failure-domain.beta.kubernetes.io/region=us-east-1",
    "failure-domain.beta.kubernetes.io/zone=us-east-1a",
    "kubernetes.io/arch=amd64",
    "kubernetes.io/os=linux",
    "node.kubernetes.io/instance-type=m6a.large",
    "topology.ebs.csi.aws.com/zone=us-east-1a",
    "topology.k8s.aws/zone-id=use1-az4",
    "topology.kubernetes.io/region=us-east-1",
    "topology.kubernetes.io/zone=us-east-1a",
];

fn with(more: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = EVERY
        .iter()
        .chain(more)
        .map(|label| (*label).to_owned())
        .collect();
    all.sort();
    all
}

/// The golden list: one node of each kind of group.
#[test]
fn what_a_node_of_each_kind_of_group_registers_as() {
    use Purchase::{OnDemand, Reserved, Spot};
    let linux = OperatingSystem::Linux;
    for (bootstrap, purchase, more) in [
        (Bootstrap::Own, OnDemand, &[][..]),
        (Bootstrap::Own, Spot, &[]),
        (
            Bootstrap::Eks("ng-1"),
            OnDemand,
            &[
                "eks.amazonaws.com/capacityType=ON_DEMAND",
                "eks.amazonaws.com/nodegroup=ng-1",
            ],
        ),
        (
            Bootstrap::Eks("ng-1"),
            Spot,
            &[
                "eks.amazonaws.com/capacityType=SPOT",
                "eks.amazonaws.com/nodegroup=ng-1",
            ],
        ),
        (
            Bootstrap::Kops("nodes-a"),
            OnDemand,
            &[
                "kops.k8s.io/instancegroup=nodes-a",
                "node-role.kubernetes.io/node=",
            ],
        ),
        (
            Bootstrap::Kops("nodes-a"),
            Spot,
            &[
                "kops.k8s.io/instancegroup=nodes-a",
                "node-role.kubernetes.io/node=",
                "node-role.kubernetes.io/spot-worker=true",
            ],
        ),
        (Bootstrap::Karpenter, Spot, &["karpenter.sh/capacity-type=spot"]),
        (
            Bootstrap::Karpenter,
            Reserved,
            &["karpenter.sh/capacity-type=reserved"],
        ),
    ] {
        assert_eq!(
            table(bootstrap, purchase, &linux),
            with(more),
            "{bootstrap:?} {purchase:?}"
        );
    }
    let windows = OperatingSystem::Windows(Some("10.0.20348".to_owned()));
    let mut expected = with(&["node.kubernetes.io/windows-build=10.0.20348"]);
    for label in &mut expected {
        *label = label.replace("=linux", "=windows");
    }
    assert_eq!(table(Bootstrap::Own, OnDemand, &windows), expected);
}

#[test]
fn what_is_not_known_is_not_promised() {
    let registration = Registration {
        instance_type: None,
        zone: None,
        arch: "arm64",
        os: &OperatingSystem::Windows(None),
        purchase: Purchase::OnDemand,
        bootstrap: Bootstrap::Own,
    };
    let labels = registration.labels();
    let labels: Vec<(&str, &str)> = labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(
        labels,
        [
            ("beta.kubernetes.io/arch", "arm64"),
            ("beta.kubernetes.io/os", "windows"),
            ("kubernetes.io/arch", "arm64"),
            ("kubernetes.io/os", "windows"),
        ]
    );
}

#[test]
fn a_group_knows_its_own_labels_best_and_the_table_the_nodes() {
    let own = Labels::from(
        [
            ("karpenter.sh/capacity-type", "on-demand"),
            ("team", "shop"),
            ("topology.kubernetes.io/zone", "elsewhere"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    let registration = Registration {
        instance_type: Some("m6a.large"),
        zone: Some(&zone()),
        arch: "amd64",
        os: &OperatingSystem::Linux,
        purchase: Purchase::Spot,
        bootstrap: Bootstrap::Karpenter,
    };
    let labels = registration.labels_with(&own);
    assert_eq!(labels["karpenter.sh/capacity-type"], "on-demand");
    assert_eq!(labels["team"], "shop");
    assert_eq!(labels["topology.kubernetes.io/zone"], "us-east-1a");
    assert_eq!(labels["failure-domain.beta.kubernetes.io/zone"], "us-east-1a");
}

#[test]
fn regions_are_read_off_zone_names_of_every_form() {
    for (zone, region) in [
        ("us-east-1a", Some("us-east-1")),
        ("eu-central-1c", Some("eu-central-1")),
        ("ap-southeast-12b", Some("ap-southeast-12")),
        ("us-gov-west-1a", Some("us-gov-west-1")),
        ("us-west-2-lax-1a", Some("us-west-2")),
        ("us-east-1-wl1-bos-wlz-1", Some("us-east-1")),
        ("us-gov-east-1-abc-1a", Some("us-gov-east-1")),
        // Neither zone ids nor regions nor invented zones tell one.
        ("use1-az4", None),
        ("usw2-lax1-az1", None),
        ("us-east-1", None),
        ("us-east-1ab", None),
        ("us-east-1a-", None),
        ("us-central1-a", None),
        ("any", None),
        ("zone-a", None),
        ("a", None),
        ("z1", None),
        ("", None),
        ("-", None),
        ("---1", None),
        ("é-è-1a", None),
        ("us-east-é", None),
    ] {
        assert_eq!(region_of(zone), region, "{zone}");
    }
}

#[test]
fn a_zone_id_without_a_map_tells_no_region_unless_the_cluster_does() {
    let mut zones = Zones::default();
    let alone = zones.zone("use1-az4");
    assert_eq!((alone.name.as_str(), alone.region.as_deref()), ("use1-az4", None));
    assert_eq!(alone.id.as_deref(), Some("use1-az4"));
    zones.learn(&Labels::from([(
        label::REGION.to_owned(),
        "us-east-1".to_owned(),
    )]));
    assert_eq!(zones.zone("use1-az4").region.as_deref(), Some("us-east-1"));
    zones.learn(&Labels::from([
        (label::ZONE.to_owned(), "us-east-1f".to_owned()),
        (label::ZONE_ID.to_owned(), "use1-az4".to_owned()),
    ]));
    assert_eq!(zones.zone("use1-az4"), zones.zone("us-east-1f"));
    assert_eq!(zones.zone("us-east-1b").id, None, "nobody has told it");
}

#[test]
fn ami_types_tell_the_operating_system() {
    let build = |build: &str| Some(OperatingSystem::Windows(Some(build.to_owned())));
    for (ami_type, os) in [
        ("AL2023_x86_64_STANDARD", Some(OperatingSystem::Linux)),
        ("AL2_ARM_64", Some(OperatingSystem::Linux)),
        ("BOTTLEROCKET_x86_64_NVIDIA", Some(OperatingSystem::Linux)),
        ("WINDOWS_CORE_2019_x86_64", build("10.0.17763")),
        ("WINDOWS_FULL_2022_x86_64", build("10.0.20348")),
        ("WINDOWS_CORE_2025_x86_64", build("10.0.26100")),
        ("WINDOWS_CORE_2031_x86_64", Some(OperatingSystem::Windows(None))),
        ("CUSTOM", None),
        ("", None),
    ] {
        assert_eq!(OperatingSystem::of_ami_type(ami_type), os, "{ami_type}");
    }
}

#[test]
fn aliases_are_added_in_both_directions() {
    for (stable, beta) in ALIASES {
        for (there, missing) in [(stable, beta), (beta, stable)] {
            let mut labels = Labels::from([(there.to_owned(), "x".to_owned())]);
            add_aliases(&mut labels);
            assert_eq!(labels.get(missing).map(String::as_str), Some("x"), "{there}");
        }
    }
}
