//! Growth over equal groups: one per zone, as the Cluster Autoscaler's guide has them.

use crate::constraints::ZONE;
use crate::fixture::{Cluster, asks};
use model::group::Group;
use model::money::UsdPerHour;
use model::offer::{Offer, OfferKind};
use model::pod::{Preference, Taint, TaintEffect};
use model::selector::{NodeTerm, Requirement};
use model::snapshot::Snapshot;
use model::{Aims, Memory, PodSpec};
use proptest::prelude::*;
use std::collections::BTreeMap;

pub(super) const PRICE: i64 = 100_000_000;

/// Groups of one zone each, with so many nodes of so many at most; what is sold is the same.
pub(super) fn per_zone(groups: &[(&str, u32, u32)]) -> Snapshot {
    let mut cluster = Cluster::new();
    for (name, nodes, max) in groups {
        cluster = cluster
            .group(name, *nodes, *max)
            .offer(name, "m", 4000, 16_000, PRICE)
            .last_offers(|offer| {
                offer.labels.remove("group");
            });
        for n in 0..*nodes {
            cluster = cluster.node(&format!("{name}-{n}"), name, "m");
        }
    }
    let mut seen = cluster.seen;
    // The fixture sells in two zones: one of them is the group's.
    seen.offers.retain(|offer| offer.zone() == Some("a"));
    let zone = |name: &str| format!("zone-{name}");
    for offer in &mut seen.offers {
        let own = zone(seen.groups[offer.group as usize].name.as_str());
        offer.labels.insert(ZONE.to_owned(), own.clone());
        if let OfferKind::Ec2 { zone, .. } = &mut offer.kind {
            *zone = own;
        }
    }
    for node in &mut seen.nodes {
        let own = zone(node.group.as_ref().unwrap().as_str());
        node.labels.insert(ZONE.to_owned(), own);
        node.allocatable = model::Resources::default();
    }
    seen
}

/// Nodes bought by group, for so many pods that each fill one.
fn bought(mut seen: Snapshot, pods: u32, spec: PodSpec) -> BTreeMap<String, u32> {
    let waiting = Cluster { seen };
    seen = waiting.pending("web", pods, spec).seen();
    let (memory, aims) = (Memory::default(), Aims::default());
    let done = crate::deliberate(&seen, &memory, &crate::PolicySet::default(), &aims);
    let flaws = guard_like(&seen, &done.plan);
    assert_eq!(flaws, Vec::<String>::new());
    let mut by_group = BTreeMap::new();
    for node in &done.plan.nodes {
        *by_group.entry(node.group.to_string()).or_insert(0) += 1;
    }
    by_group
}

/// Groups that are asked for more than they may have.
fn guard_like(seen: &Snapshot, plan: &model::Plan) -> Vec<String> {
    let of = |group: &Group| plan.nodes.iter().filter(|node| node.group == group.name).count();
    let over = |group: &&Group| of(group) > (group.max - group.desired) as usize;
    seen.groups
        .iter()
        .filter(over)
        .map(|group| group.name.to_string())
        .collect()
}

fn counts<const N: usize>(of: [(&str, u32); N]) -> BTreeMap<String, u32> {
    of.into_iter()
        .map(|(name, nodes)| (name.to_owned(), nodes))
        .collect()
}

pub(super) fn change(mut seen: Snapshot, group: &str, with: impl Fn(&mut Offer)) -> Snapshot {
    let at = seen
        .groups
        .iter()
        .position(|of| of.name.as_str() == group)
        .unwrap();
    let of_group = |offer: &&mut Offer| offer.group as usize == at;
    seen.offers.iter_mut().filter(of_group).for_each(with);
    seen
}

/// Regression: equal groups, one per zone, got all growth in the first by name.
#[test]
fn equal_groups_one_per_zone_grow_evenly() {
    let seen = per_zone(&[("a", 0, 99), ("b", 0, 99), ("c", 0, 99)]);
    assert_eq!(
        bought(seen, 9, asks(3000, 8000)),
        counts([("a", 3), ("b", 3), ("c", 3)])
    );
}

#[test]
fn what_is_there_and_what_is_on_its_way_counts() {
    let seen = per_zone(&[("a", 3, 99), ("b", 1, 99), ("c", 0, 99)]);
    assert_eq!(bought(seen, 5, asks(3000, 8000)), counts([("b", 2), ("c", 3)]));
    // Asked for and not joined yet.
    let mut seen = per_zone(&[("a", 0, 99), ("b", 0, 99)]);
    seen.groups[0].desired = 4;
    assert_eq!(bought(seen, 4, asks(3000, 8000)), counts([("b", 4)]));
}

#[test]
fn a_group_grows_to_its_maximum_and_the_others_take_the_rest() {
    let seen = per_zone(&[("a", 0, 99), ("b", 0, 1), ("c", 0, 2)]);
    assert_eq!(
        bought(seen, 9, asks(3000, 8000)),
        counts([("a", 6), ("b", 1), ("c", 2)])
    );
}

/// The rules of the Cluster Autoscaler's comparison.
#[test]
fn groups_that_differ_are_not_balanced() {
    let three = || per_zone(&[("a", 0, 99), ("b", 0, 99)]);
    let all = counts([("a", 6)]);
    let both = counts([("a", 3), ("b", 3)]);
    let label = |key: &'static str| {
        change(three(), "b", move |offer| {
            drop(offer.labels.insert(key.into(), "x".into()));
        })
    };
    for name in super::NAMES {
        // A zone of another name is a zone all the same.
        assert_eq!(bought(label(name), 6, asks(3000, 8000)), both, "{name}");
    }
    assert_eq!(
        bought(label("team"), 6, asks(3000, 8000)),
        all,
        "a label of its own"
    );
    let dearer = change(three(), "b", |offer| offer.price = UsdPerHour(PRICE + 1));
    assert_eq!(bought(dearer, 6, asks(3000, 8000)), all, "a nano-dollar dearer");
    let near = change(three(), "b", |offer| offer.allocatable.cpu_milli = 3900);
    assert_eq!(bought(near, 6, asks(3000, 8000)), both, "2.5 % less CPU");
    let far = change(three(), "b", |offer| offer.allocatable.cpu_milli = 3600);
    assert_eq!(bought(far, 6, asks(3000, 8000)), all, "10 % less CPU");
    let mut tainted = three();
    tainted.groups[1].taints.push(soft());
    assert_eq!(bought(tainted, 6, asks(3000, 8000)), all, "a taint of its own");
}

fn soft() -> Taint {
    Taint {
        key: "slow".to_owned(),
        value: String::new(),
        effect: TaintEffect::PreferNoSchedule,
    }
}

/// Taints with `PreferNoSchedule` and preferred affinity break ties among equal prices, and only those.
#[test]
fn what_pods_would_rather_have_breaks_ties_and_costs_nothing() {
    let mut seen = per_zone(&[("a", 0, 99), ("b", 0, 99)]);
    seen.groups[0].taints.push(soft());
    assert_eq!(
        bought(seen.clone(), 6, asks(3000, 8000)),
        counts([("b", 6)]),
        "the soft taint"
    );
    let cheaper = change(seen, "a", |offer| offer.price = UsdPerHour(PRICE - 1));
    assert_eq!(
        bought(cheaper, 6, asks(3000, 8000)),
        counts([("a", 6)]),
        "money first"
    );
    let seen = change(per_zone(&[("a", 0, 99), ("b", 0, 99)]), "b", |offer| {
        offer.labels.insert("disk".to_owned(), "fast".to_owned());
    });
    let mut likes = asks(3000, 8000);
    likes.prefers.push(Preference {
        weight: 1,
        term: NodeTerm {
            labels: vec![Requirement::equal("disk", "fast")],
            ..NodeTerm::default()
        },
    });
    assert_eq!(bought(seen, 6, likes), counts([("b", 6)]), "the preferred label");
}

/// `ScheduleAnyway` over zones: of equal groups the pods' own zones count before those of nodes.
#[test]
fn pods_that_would_rather_be_spread_go_where_few_of_them_are() {
    let mut spreads = asks(3000, 8000);
    super::soft::wish(&mut spreads, ZONE, "own");
    let mut seen = per_zone(&[("a", 2, 99), ("b", 1, 99)]);
    let there = Cluster { seen };
    seen = there.running("own-1", "b-0", spreads.clone()).seen;
    assert_eq!(bought(seen.clone(), 1, spreads), counts([("a", 1)]));
    assert_eq!(
        bought(seen, 1, asks(3000, 8000)),
        counts([("b", 1)]),
        "others balance nodes"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the groups have and may have: the bill stays what it was, no group passes its maximum, and of two groups
    /// that both could take one more, none that got a node ends more than one above the other.
    #[test]
    fn balance_costs_nothing_and_keeps_every_maximum(
        groups in proptest::collection::vec((0_u32..5, 0_u32..6), 1..5),
        pods in 0_u32..16,
    ) {
        let names = ["a", "b", "c", "d"];
        let told: Vec<(&str, u32, u32)> =
            names.iter().zip(&groups).map(|(name, (nodes, more))| (*name, *nodes, nodes + more)).collect();
        let got = bought(per_zone(&told), pods, asks(3000, 8000));
        let room: u32 = groups.iter().map(|(_, more)| more).sum();
        prop_assert_eq!(got.values().sum::<u32>(), pods.min(room));
        for (name, nodes, _) in &told {
            let own = got.get(*name).copied().unwrap_or(0);
            for (other, others, most) in &told {
                let there = others + got.get(*other).copied().unwrap_or(0);
                if own > 0 && there < *most {
                    prop_assert!(nodes + own <= there + 1, "{name} {own}, {other}: {got:?} of {told:?}");
                }
            }
        }
    }
}
