//! Stories of nodes that nothing on offer stands for: their price is known, estimated or not known.

use super::{names, pair, run, small, stays};
use crate::Deliberation;
use crate::fixture::{Cluster, asks};
use model::money::UsdPerHour;
use model::node::{Node, Rate};
use model::offer::Confidence;
use model::reason::{Reason, Stays};

const TYPE: &str = "node.kubernetes.io/instance-type";

fn of_type(node: &mut Node, instance_type: &str, nanos: Option<i64>) {
    node.offer = None;
    node.labels.insert(TYPE.into(), instance_type.into());
    node.rate = nanos.map(|nanos| Rate {
        price: UsdPerHour(nanos),
        confidence: Confidence::Estimated,
    });
}

/// Two nodes of which one could go; both are of a type that is not on offer.
fn off_the_list(instance_type: &str, nanos: Option<i64>) -> Deliberation {
    let mut seen = pair(small()).seen();
    for node in &mut seen.nodes {
        of_type(node, instance_type, nanos);
    }
    run(&seen)
}

#[test]
fn a_node_that_cannot_be_bought_any_more_is_given_up_for_what_it_costs() {
    for nanos in [1_000_000, 83_200_000, 4_000_000_000] {
        let done = off_the_list("t3.large", Some(nanos));
        assert_eq!(names(&done).len(), 1, "{:?}", done.plan.refusals);
        let saves = match &done.plan.steps[0].reason {
            Reason::Unneeded { saves, .. } => saves.0,
            other => panic!("{other:?}"),
        };
        assert_eq!(saves, nanos);
        assert_eq!(done.notes.unpriced_nodes, 0);
        assert_eq!(done.notes.running_rate.0, 2 * nanos);
    }
}

#[test]
fn a_node_of_unknown_price_stays_by_the_name_of_its_type_and_saves_nothing() {
    let done = off_the_list("m9z.large", None);
    assert_eq!(names(&done), Vec::<String>::new());
    let why = stays(&done, "n2").unwrap();
    assert_eq!(
        why.to_string(),
        "no price is known for m9z.large: add it to the offers file"
    );
    assert_eq!(done.notes.unpriced_nodes, 2);

    let mut seen = pair(small()).seen();
    for node in &mut seen.nodes {
        of_type(node, "m9z.large", None);
        node.labels.remove(TYPE);
    }
    assert_eq!(stays(&run(&seen), "n2"), Some(Stays::NoPrice));
}

#[test]
fn an_empty_node_goes_whatever_it_costs() {
    for nanos in [None, Some(1), Some(83_200_000)] {
        let cluster = Cluster::new()
            .group("g", 2, 9)
            .offer("g", "s", 1000, 1000, 100_000_000)
            .node("n1", "g", "s")
            .node("n2", "g", "s")
            .last_node(|node| of_type(node, "m9z.large", nanos))
            .running("big", "n1", asks(500, 500));
        let done = run(&cluster.seen());
        assert_eq!(names(&done).len(), 1, "{:?}", done.plan.refusals);
        assert!(names(&done)[0].contains("n2"), "{:?}", names(&done));
    }
}

/// Where one price is known and the other is not, only the node with the price is worth moving pods for.
#[test]
fn a_node_with_a_price_goes_before_one_without() {
    let mut seen = pair(asks(500, 500)).seen();
    of_type(&mut seen.nodes[0], "m9z.large", None);
    let done = run(&seen);
    assert_eq!(names(&done).len(), 1);
    assert!(names(&done)[0].contains("n2"), "{:?}", names(&done));
    assert!(matches!(stays(&done, "n1"), None | Some(Stays::NoPriceOf { .. })));
}

#[test]
fn a_node_of_karpenters_stays_because_it_is_karpenters() {
    for (key, who) in [
        ("karpenter.sh/nodepool", "Karpenter"),
        ("karpenter.sh/provisioner-name", "Karpenter"),
    ] {
        for nanos in [None, Some(83_200_000)] {
            let mut seen = pair(small()).seen();
            for node in &mut seen.nodes {
                of_type(node, "t3.large", nanos);
                node.group = None;
                node.labels.insert(key.into(), "pool".into());
            }
            let why = stays(&run(&seen), "n2");
            assert_eq!(why, Some(Stays::BelongsTo { who: who.into() }), "{key}");
        }
    }
}
