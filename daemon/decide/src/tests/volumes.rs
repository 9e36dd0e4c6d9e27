//! Volumes: how many a node attaches, where they are, and what is wrong with a claim.

use crate::fixture::{Cluster, asks};
use model::pod::{PodSpec, Unmodelled};
use model::reason::Refusal;
use model::selector::{NodeTerm, Operator, Requirement};

#[test]
fn volumes_are_packed_by_how_many_a_node_attaches_and_where_they_are() {
    let limit = model::resources::attach_limit("ebs.csi.aws.com");
    let holding = |volumes: i64| {
        let mut spec = asks(100, 64);
        spec.requests.extended.insert(limit.clone(), volumes);
        spec
    };
    let mut far = holding(1);
    far.reach = vec![vec![NodeTerm {
        labels: vec![Requirement {
            key: "topology.kubernetes.io/zone".into(),
            operator: Operator::In(vec!["b".into()]),
        }],
        fields: Vec::new(),
    }]];
    let (seen, done) = Cluster::new()
        .group("g", 1, 50)
        .offer("g", "large", 8000, 16_384, 100)
        .last_offers(|offer| {
            offer.allocatable.extended.insert(limit.clone(), 4);
        })
        .node("n1", "g", "large")
        .running("old", "n1", holding(3))
        .pending("near", 9, holding(1))
        .pending("far", 3, far)
        .deliberate();
    let plan = done.plan;
    assert_eq!(plan.refusals, []);
    assert_eq!(plan.existing.len(), 1, "n1 attaches one more");
    assert_eq!(plan.existing[0].1.len(), 1);
    assert_eq!(plan.nodes.len(), 3, "eleven volumes, four a node");
    for node in &plan.nodes {
        let offer = seen.offers.iter().find(|offer| offer.id == node.offer).unwrap();
        assert!(node.pods.len() <= 4, "{node:?}");
        let far = node.pods.iter().any(|pod| pod.name.starts_with("far"));
        assert!(!far || offer.zone() == Some("b"), "{node:?}");
    }
}

#[test]
fn what_is_wrong_with_a_claim_is_told_by_its_own_name() {
    for (what, code, text) in [
        (Unmodelled::ClaimMissing, "VolumeClaimMissing", "does not exist"),
        (Unmodelled::ClaimUnbound, "VolumeClaimUnbound", "is not bound"),
        (Unmodelled::ClaimLost, "VolumeClaimLost", "was lost"),
        (Unmodelled::ClaimInUse, "VolumeClaimInUse", "another pod has it"),
        (Unmodelled::VolumeMissing, "VolumeMissing", "does not exist"),
        (Unmodelled::StorageClass, "StorageClass", "storage class"),
        (
            Unmodelled::ResourceClaim,
            "ResourceClaim",
            "dynamic resource allocation",
        ),
        (Unmodelled::PodAffinity, "UnmodelledConstraint", "pod affinity"),
    ] {
        let spec = PodSpec {
            unmodelled: vec![what],
            ..asks(1, 1)
        };
        let (_, done) = Cluster::new()
            .group("g", 0, 5)
            .offer("g", "large", 8000, 16_384, 100)
            .pending("p", 1, spec)
            .deliberate();
        let [Refusal::Pod { why, .. }] = &done.plan.refusals[..] else {
            panic!("{:?}", done.plan.refusals)
        };
        assert_eq!(why.code(), code);
        assert!(why.to_string().contains(text), "{why}");
    }
}
