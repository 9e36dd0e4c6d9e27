//! Who a node belongs to: the provider's list first, labels second, nobody else.

use super::*;
use model::group::{GroupKind, GroupOptions, InstanceState, LaunchMode};
use model::ids::GroupName;
use model::money::UsdPerHour;
use model::offer::{Confidence, Purchase};
use model::resources::Resources;
use model::selector::Labels;

fn group(name: &str, kind: GroupKind, instances: &[&str]) -> Group {
    let instance = |id: &&str| Instance {
        id: InstanceId::new(id),
        instance_type: Some("m6a.large".to_owned()),
        zone: Some("a".to_owned()),
        state: InstanceState::InService,
        launched: None,
    };
    Group {
        name: GroupName::new(name),
        uid: None,
        kind,
        min: 0,
        max: 9,
        desired: 1,
        launch: LaunchMode::Desired,
        instances: instances.iter().map(instance).collect(),
        labels: Labels::new(),
        taints: Vec::new(),
        fargate_selectors: Vec::new(),
        foreign: None,
        rolling: None,
        options: GroupOptions::default(),
    }
}

fn offer(group: u32, zone: &str, purchase: Purchase) -> Offer {
    Offer {
        id: OfferId::new(format!("{group}/{zone}/{}", purchase.as_str())),
        group,
        kind: OfferKind::Ec2 {
            instance_type: "m6a.large".to_owned(),
            zone: zone.to_owned(),
            purchase,
            arch: "amd64".to_owned(),
        },
        price: UsdPerHour(1),
        interruptions: None,
        confidence: Confidence::Listed,
        allocatable: Resources::new(1, 1),
        max_pods: 1,
        labels: Labels::from([
            (INSTANCE_TYPE.to_owned(), "m6a.large".to_owned()),
            (ZONE.to_owned(), zone.to_owned()),
        ]),
    }
}

fn node(instance: Option<&str>, named: Option<&str>, labels: &[(&str, &str)]) -> Node {
    let labels = serde_json::json!(labels.iter().copied().collect::<BTreeMap<_, _>>());
    let json = serde_json::json!({"metadata": {"name": "n", "labels": labels}});
    let mut node = manifest::node_from(&serde_json::from_value(json).unwrap()).0.node;
    node.instance = instance.map(InstanceId::new);
    node.group = named.map(GroupName::new);
    node
}

#[test]
fn the_provider_is_the_first_witness_and_labels_the_second() {
    let capacity = Capacity {
        groups: vec![
            group("asg", GroupKind::Asg, &["i-1"]),
            group("pool", GroupKind::Kwok, &[]),
        ],
        offers: vec![
            offer(0, "a", Purchase::OnDemand),
            offer(0, "a", Purchase::Spot),
            offer(1, "b", Purchase::OnDemand),
        ],
        ..Capacity::default()
    };
    let spot = [("eks.amazonaws.com/capacityType", "SPOT")];
    let in_b = [(INSTANCE_TYPE, "m6a.large"), (ZONE, "b")];
    let cases = [
        (
            "listed",
            node(Some("i-1"), None, &[]),
            Some("asg"),
            Some("0/a/on-demand"),
        ),
        (
            "listed, bought as spot",
            node(Some("i-1"), None, &spot),
            Some("asg"),
            Some("0/a/spot"),
        ),
        (
            "label says another group",
            node(Some("i-1"), Some("pool"), &[]),
            Some("asg"),
            Some("0/a/on-demand"),
        ),
        (
            "not listed, label known",
            node(None, Some("pool"), &in_b),
            Some("pool"),
            Some("1/b/on-demand"),
        ),
        (
            "type without an offer",
            node(None, Some("pool"), &[(ZONE, "b")]),
            Some("pool"),
            None,
        ),
        (
            "purchase that is not sold",
            node(None, Some("pool"), &[in_b[0], in_b[1], spot[0]]),
            Some("pool"),
            None,
        ),
        (
            "label of no known group",
            node(Some("i-9"), Some("karpenter"), &in_b),
            None,
            None,
        ),
        ("nothing known", node(None, None, &[]), None, None),
    ];
    for (what, node, group, offer) in cases {
        let mut nodes = [node];
        assign(&mut nodes, &capacity);
        let [node] = nodes;
        assert_eq!(node.group.as_ref().map(GroupName::as_str), group, "{what}");
        assert_eq!(node.offer.as_ref().map(OfferId::as_str), offer, "{what}");
    }
}

#[test]
fn a_kwok_node_without_a_provider_goes_by_its_name() {
    let capacity = Capacity {
        groups: vec![group("pool", GroupKind::Kwok, &[])],
        ..Capacity::default()
    };
    let mut nodes = [node(None, Some("pool"), &[])];
    assign(&mut nodes, &capacity);
    assert_eq!(nodes[0].instance, Some(InstanceId::new("n")));
}

#[test]
fn where_the_provider_chooses_one_offer_stands_for_all() {
    let open = |id: &str, purchase, promised: &[&str]| {
        let mut offer = offer(0, "a", purchase);
        offer.id = OfferId::new(id);
        offer.labels.retain(|key, _| promised.contains(&key.as_str()));
        offer
    };
    let capacity = Capacity {
        groups: vec![group("asg", GroupKind::Asg, &["i-1"])],
        offers: vec![
            open("any", Purchase::OnDemand, &[]),
            open("any-spot", Purchase::Spot, &[]),
            open("any-zone", Purchase::Reserved, &[INSTANCE_TYPE]),
        ],
        ..Capacity::default()
    };
    let (spot, reserved) = ("plimsoll.io/purchase", ("plimsoll.io/purchase", "reserved"));
    let big = (INSTANCE_TYPE, "m6a.4xlarge");
    for (labels, wanted) in [
        (vec![(ZONE, "c")], Some("any")),
        (vec![(ZONE, "c"), big], Some("any")),
        (vec![big, (spot, "spot")], Some("any-spot")),
        (vec![(ZONE, "c"), reserved], Some("any-zone")),
        // The group's type was another once: what this node costs, nobody knows.
        (vec![big, reserved], None),
    ] {
        let mut nodes = [node(Some("i-1"), None, &labels)];
        assign(&mut nodes, &capacity);
        assert_eq!(nodes[0].offer.as_ref().map(OfferId::as_str), wanted, "{labels:?}");
    }
}

/// Types that no group sells any more cost what the list says; Karpenter's nodes have a price too.
#[test]
fn a_node_that_no_offer_stands_for_is_told_what_it_costs() {
    let mut tariff = manifest::Tariff::default();
    tariff.add("m6a.large", UsdPerHour(8), Confidence::Listed);
    let mut unpriced = offer(0, "a", Purchase::OnDemand);
    unpriced.confidence = Confidence::Unknown;
    let of = |kind: &'static str, zone: &'static str| [(INSTANCE_TYPE, kind), (ZONE, zone)];
    for (offers, named, labels, price) in [
        (
            vec![offer(0, "a", Purchase::OnDemand)],
            "pool",
            of("m6a.large", "a"),
            None,
        ),
        (vec![unpriced], "pool", of("m6a.large", "a"), Some(8)),
        (Vec::new(), "pool", of("m6a.xlarge", "a"), Some(16)),
        (Vec::new(), "karpenter", of("m5.large", "b"), Some(8)),
        (Vec::new(), "pool", of("p5.48xlarge", "a"), None),
    ] {
        let capacity = Capacity {
            groups: vec![group("pool", GroupKind::Asg, &[])],
            offers,
            tariff: tariff.clone(),
            ..Capacity::default()
        };
        let mut nodes = [node(Some("i-9"), Some(named), &labels)];
        assign(&mut nodes, &capacity);
        assert_eq!(nodes[0].rate.map(|rate| rate.price.0), price, "{labels:?}");
    }
}
