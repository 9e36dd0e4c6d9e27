//! Stories of capacity that is paid for already.

use super::unmet;
use crate::offers::price_list;
use crate::{ClusterBuilder, PriceList};
use model::aims::Aims;
use model::snapshot::Snapshot;

fn prices() -> PriceList {
    let csv = "instance_type,vcpu,memory_mib,arch,od_usd_h,azs\n\
        m.large,2,8192,amd64,0.1,z-az1 z-az2\n\
        c.large,2,4096,amd64,0.08,z-az1\n";
    price_list("o.csv", csv.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn node(name: &str, kind: &str, zone: &str, more: &str) -> String {
    format!(
        "---\nkind: Node\nmetadata:\n  name: {name}\n  labels: {{node.kubernetes.io/instance-type: {kind}, \
         topology.kubernetes.io/zone: {zone}{more}}}\nspec: {{providerID: 'aws:///x/i-{name}'}}\nstatus: {{allocatable: {{cpu: 2, memory: 8Gi, \
         pods: 29}}}}\n"
    )
}

fn seen(nodes: &[String], aims: &str) -> (Snapshot, Aims) {
    let aims = crate::aims("aims.yaml", aims.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
    let mut builder = ClusterBuilder::new();
    if !nodes.is_empty() {
        builder
            .read("c.yaml", nodes.concat().as_bytes())
            .unwrap_or_else(|problems| panic!("{problems}"));
    }
    (builder.finish(&prices(), &aims), aims)
}

/// By offer of the group: id and price in nano-dollars; and how far it may grow.
fn sold(seen: &Snapshot, name: &str) -> (Vec<(String, i64)>, u32) {
    let at = seen.groups.iter().position(|group| group.name.as_str() == name);
    let at = at.unwrap_or_else(|| panic!("no group {name}"));
    let own = seen.offers.iter().filter(|offer| offer.group as usize == at);
    let own = own.map(|offer| (offer.id.to_string(), offer.price.0)).collect();
    (own, seen.groups[at].max)
}

fn offer_of<'s>(seen: &'s Snapshot, name: &str) -> Option<&'s str> {
    let node = seen.nodes.iter().find(|node| node.name.as_str() == name);
    node.and_then(|node| node.offer.as_ref())
        .map(model::ids::OfferId::as_str)
}

#[test]
fn a_reservation_is_a_group_with_its_own_bound_and_price() {
    let (seen, aims) = seen(
        &[],
        "reserved: [{name: ri, type: m.large, nodes: 3, price: 0.01}]",
    );
    let both = [
        ("ri/m.large/z-az1/reserved".to_owned(), 10_000_000),
        ("ri/m.large/z-az2/reserved".to_owned(), 10_000_000),
    ];
    assert_eq!(sold(&seen, "ri"), (both.to_vec(), 3));
    assert!(unmet(&seen, &aims.reserved).is_empty());
    assert_eq!(sold(&seen, "fleet").0.len(), 3, "and everything else as before");
}

#[test]
fn instances_that_run_use_the_reservation_up() {
    let spot = ", karpenter.sh/capacity-type: spot";
    let nodes = [
        node("n1", "m.large", "z-az1", ""),
        node("n2", "m.large", "z-az2", ""),
        node("n3", "m.large", "z-az1", spot),
        node("n4", "c.large", "z-az1", ""),
        node("n5", "m.large", "z-az1", ""),
        node("n6", "m.large", "z-az1", ""),
    ];
    let (seen, _) = seen(
        &nodes,
        "reserved: [{name: one, type: m.large, zones: [z-az1], nodes: 1}, {name: rest, type: m.large, nodes: 3}]",
    );
    assert_eq!(offer_of(&seen, "n1"), Some("one/m.large/z-az1/reserved"));
    assert_eq!(offer_of(&seen, "n2"), Some("rest/m.large/z-az2/reserved"));
    assert_eq!(offer_of(&seen, "n5"), Some("rest/m.large/z-az1/reserved"));
    assert_eq!(offer_of(&seen, "n6"), Some("rest/m.large/z-az1/reserved"));
    assert_eq!(
        offer_of(&seen, "n3"),
        None,
        "spot is no reserved instance, and not for sale"
    );
    assert_eq!(offer_of(&seen, "n4"), Some("c.large/z-az1/on-demand"));
    assert_eq!((sold(&seen, "one").1, sold(&seen, "rest").1), (0, 0));
}

#[test]
fn a_group_that_buys_from_a_reservation_costs_what_the_aims_say() {
    let group = ", eks.amazonaws.com/nodegroup: ng";
    let nodes = [node("n1", "m.large", "z-az1", group)];
    let (seen, aims) = seen(&nodes, "groups: [ng, fleet]\nreserved: [{name: ng, nodes: 5}]");
    let own = [("ng/m.large/z-az1/on-demand".to_owned(), 0)];
    assert_eq!(sold(&seen, "ng"), (own.to_vec(), 5));
    assert_eq!(
        offer_of(&seen, "n1"),
        Some("ng/m.large/z-az1/on-demand"),
        "and its node is one"
    );
    assert!(unmet(&seen, &aims.reserved).is_empty());
}

#[test]
fn what_nobody_sells_is_told() {
    let (seen, aims) = seen(
        &[],
        "reserved: [{name: x, type: z9.huge, nodes: 3}, {name: y, nodes: 1}]",
    );
    let names: Vec<String> = unmet(&seen, &aims.reserved)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["x", "y"]);
}
