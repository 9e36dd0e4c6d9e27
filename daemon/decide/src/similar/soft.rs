//! What pods would rather have (`ScheduleAnyway`, preferred affinity) among equal offers, beside pods of all kinds.

use super::tests::{PRICE, change, per_zone};
use crate::constraints::ZONE;
use crate::fixture::{Cluster, asks};
use model::money::UsdPerHour;
use model::pod::{Near, NearRule, Preference};
use model::selector::{LabelSelector, Labels, NodeTerm, Requirement};
use model::snapshot::Snapshot;
use model::{Aims, Memory, Plan, PodSpec};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The pods of `app` would rather be spread over the values of this label.
pub(super) fn wish(spec: &mut PodSpec, key: &str, app: &str) {
    let labels = Labels::from([("app".to_owned(), app.to_owned())]);
    let selector = LabelSelector::equal(&labels);
    spec.labels = labels;
    let rule = NearRule::Spread { skew: 1, domains: 1 };
    let namespaces = Some(vec![spec.namespace.clone()]);
    spec.soft_spread
        .push(Near::new(key.to_owned(), selector, namespaces, rule));
}

/// A pod that fills a node, and would rather be spread so.
fn spreads(key: &str) -> PodSpec {
    let mut spec = asks(3000, 8000);
    wish(&mut spec, key, "own");
    spec
}

fn in_zone(zone: &str) -> PodSpec {
    let mut spec = asks(3000, 8000);
    spec.node_selector.insert(ZONE.to_owned(), zone.to_owned());
    spec
}

fn plan(seen: &Snapshot) -> Plan {
    crate::deliberate(
        seen,
        &Memory::default(),
        &crate::PolicySet::default(),
        &Aims::default(),
    )
    .plan
}

/// Where the pods of this name are placed, by label of the offer of their node.
fn placed(seen: &Snapshot, plan: &Plan, name: &str, key: &str) -> BTreeMap<String, u32> {
    let mut placed = BTreeMap::new();
    for node in &plan.nodes {
        let own = node.pods.iter().filter(|pod| pod.name.starts_with(name));
        let offer = seen.offer_ix(&node.offer).map(|ix| &seen.offers[ix]);
        let value = offer.and_then(|offer| offer.labels.get(key)).cloned();
        let count = u32::try_from(own.count()).unwrap();
        if count > 0 {
            *placed.entry(value.unwrap_or_default()).or_insert(0) += count;
        }
    }
    placed
}

fn counts<const N: usize>(of: [(&str, u32); N]) -> BTreeMap<String, u32> {
    of.map(|(name, count)| (name.to_owned(), count)).into()
}

/// Regression: a pod with a zone of its own made zones different offers, and all others were bought in one of them.
#[test]
fn pods_that_want_a_zone_leave_the_balance_of_the_others_alone() {
    let group = || {
        Cluster::new()
            .group("g", 0, 99)
            .offer("g", "m", 4000, 16_000, PRICE)
    };
    for zone in ["a", "b"] {
        for spec in [asks(3000, 8000), spreads(ZONE)] {
            let seen = group()
                .pending("tied", 1, in_zone(zone))
                .pending("web", 6, spec)
                .seen();
            let plan = plan(&seen);
            let all = placed(&seen, &plan, "", ZONE);
            assert_eq!(all.values().sum::<u32>(), 7);
            assert!(all.values().all(|nodes| *nodes >= 3), "{zone}: {all:?}");
            assert_eq!(placed(&seen, &plan, "tied", ZONE), counts([(zone, 1)]));
        }
    }
    for zone in ["zone-a", "zone-b", "zone-c"] {
        let groups = per_zone(&[("a", 0, 99), ("b", 0, 99), ("c", 0, 99)]);
        let seen = Cluster { seen: groups }
            .pending("tied", 1, in_zone(zone))
            .pending("web", 5, asks(3000, 8000))
            .seen();
        let plan = plan(&seen);
        let own = placed(&seen, &plan, "web", ZONE);
        let most = own.values().max().copied();
        assert_eq!((own.len(), most), (3, Some(2)), "{zone}: {own:?}");
        assert_eq!(placed(&seen, &plan, "tied", ZONE), counts([(zone, 1)]));
    }
}

/// Other keys than zones count as well, and what differs in them is not alike for that.
#[test]
fn soft_spread_goes_by_its_own_key() {
    let racks = || {
        let mut seen = per_zone(&[("a", 0, 99), ("b", 0, 99), ("c", 0, 99)]);
        for (group, rack) in [("a", "r1"), ("b", "r2"), ("c", "r2")] {
            seen = change(seen, group, |offer| {
                offer.labels.insert("rack".to_owned(), rack.to_owned());
            });
        }
        seen
    };
    let bought = |spec: PodSpec, key: &str| {
        let seen = Cluster { seen: racks() }.pending("own", 6, spec).seen();
        placed(&seen, &plan(&seen), "own", key)
    };
    assert_eq!(bought(spreads("rack"), "rack"), counts([("r1", 3), ("r2", 3)]));
    assert_eq!(
        bought(spreads(ZONE), ZONE),
        counts([("zone-a", 2), ("zone-b", 2), ("zone-c", 2)])
    );
    assert_eq!(
        bought(asks(3000, 8000), "rack"),
        counts([("r1", 6)]),
        "without a wish groups of other labels are others"
    );
    // Of pods that other constraints count only those are counted.
    let mut others = spreads(ZONE);
    others.labels.insert("app".to_owned(), "other".to_owned());
    let seen = per_zone(&[("a", 1, 99), ("b", 1, 99)]);
    let there = Cluster { seen }
        .running("x-1", "a-0", others.clone())
        .running("x-2", "a-0", others)
        .running("own-9", "b-0", spreads(ZONE))
        .pending("own", 1, spreads(ZONE))
        .seen();
    assert_eq!(
        placed(&there, &plan(&there), "own", ZONE),
        counts([("zone-a", 1)])
    );
}

/// Of two types at one price the one that pods like is bought, in a group that sells both.
#[test]
fn a_preferred_type_of_the_same_price_is_bought() {
    for (liked, memory) in [("m", 16_000), ("n", 16_000), ("m", 15_000), ("n", 15_000)] {
        let mut spec = asks(3000, 8000);
        spec.prefers.push(Preference {
            weight: 1,
            term: NodeTerm {
                labels: vec![Requirement::equal("node.kubernetes.io/instance-type", liked)],
                ..NodeTerm::default()
            },
        });
        let seen = Cluster::new()
            .group("g", 0, 99)
            .offer("g", "m", 4000, 16_000, PRICE)
            .offer("g", "n", 4000, memory, PRICE)
            .pending("web", 4, spec)
            .seen();
        let types = placed(&seen, &plan(&seen), "web", "node.kubernetes.io/instance-type");
        assert_eq!(types, counts([(liked, 4)]), "{memory}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Wherever their like run and whatever else waits: pods with soft spread go where fewest of them are, so far as groups
    /// may grow and as long as it costs nothing; what is bought costs the same without the wish.
    #[test]
    fn soft_spread_is_even_where_that_is_free(
        zones in proptest::collection::vec((0_u32..4, 0_u32..5, 0_i64..2), 2..5),
        pods in 1_u32..9,
        tied in proptest::option::of(0_usize..4),
    ) {
        let names = ["a", "b", "c", "d"];
        let told: Vec<(&str, u32, u32)> = names
            .iter()
            .zip(&zones)
            .map(|(name, (there, more, _))| (*name, *there, there + more + 1))
            .collect();
        let mut seen = per_zone(&told);
        for (name, (_, _, dearer)) in names.iter().zip(&zones) {
            seen = change(seen, name, |offer| offer.price = UsdPerHour(PRICE + dearer));
        }
        let mut cluster = Cluster { seen };
        for (name, there, _) in &told {
            for n in 0..*there {
                cluster = cluster.running(&format!("own-{name}-{n}"), &format!("{name}-{n}"), spreads(ZONE));
            }
        }
        if let Some(zone) = tied.and_then(|ix| names.get(ix)).filter(|name| told.iter().any(|of| of.0 == **name)) {
            cluster = cluster.pending("tied", 1, in_zone(&format!("zone-{zone}")));
        }
        let with = |spec: PodSpec| {
            let seen = Cluster { seen: cluster.seen.clone() }.pending("new", pods, spec).seen();
            let plan = plan(&seen);
            (placed(&seen, &plan, "new", ZONE), placed(&seen, &plan, "", ZONE), plan.cost.rate)
        };
        let (own, all, added) = with(spreads(ZONE));
        let mut unwished = spreads(ZONE);
        unwished.soft_spread.clear();
        let (_, _, plain) = with(unwished);
        prop_assert_eq!(added, plain, "the wish costs nothing");
        let zone = |name: &str| format!("zone-{name}");
        let got = |of: &BTreeMap<String, u32>, name: &str| of.get(&zone(name)).copied().unwrap_or(0);
        for ((name, there, _), (_, _, price)) in told.iter().zip(&zones) {
            for ((other, others, most), (_, _, theirs)) in told.iter().zip(&zones) {
                let open = others + got(&all, other) < *most;
                if got(&own, name) > 0 && price == theirs && open {
                    let (here, elsewhere) = (there + got(&own, name), others + got(&own, other));
                    prop_assert!(here <= elsewhere + 1, "{} {} {}: {:?} of {:?}", name, here, elsewhere, own, told);
                }
            }
        }
    }
}
