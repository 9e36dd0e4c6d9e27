//! Dealing with regard to room, by any topology key, and what the bound says of it.

use super::*;
use model::money::UsdPerHour;
use model::node::Node;
use model::offer::Offer;
use std::collections::BTreeMap;

const CAPACITY: &str = "karpenter.sh/capacity-type";

/// One group for each zone, as many nodes as it may have.
fn by_zone(most: &[(&str, u32)]) -> Cluster {
    let mut cluster = Cluster::new();
    for (zone, most) in most {
        let name = format!("g-{zone}");
        cluster = cluster
            .group(&name, 0, *most)
            .offer(&name, "t", 3000, 3000, 100_000_000);
        let group = u32::try_from(cluster.seen.groups.len() - 1).unwrap();
        let there = |offer: &Offer| offer.group != group || offer.zone() == Some("a");
        cluster.seen.offers.retain(there);
        let offer = cluster.seen.offers.last_mut().unwrap();
        offer.id = model::ids::OfferId::new(format!("{name}:t/{zone}/on-demand"));
        offer.labels.insert(ZONE.to_owned(), (*zone).to_owned());
        if let model::offer::OfferKind::Ec2 { zone: of, .. } = &mut offer.kind {
            *of = (*zone).into();
        }
    }
    cluster
}

fn zones(seen: &Snapshot, done: &Deliberation) -> Vec<usize> {
    ["a", "b", "c"].map(|zone| in_zone(seen, done, zone)).into()
}

/// A pod that fills a third of a node.
fn third(name: &str, near: &[Near]) -> PodSpec {
    PodSpec {
        requests: asks(1000, 1000).requests,
        ..app(name, near)
    }
}

#[test]
fn what_one_zone_cannot_take_goes_to_the_others() {
    // Zone c takes three; the others may have one more each, and no more than that.
    let there = by_zone(&[("a", 9), ("b", 9), ("c", 1)]);
    let (seen, done) = planned(there.pending("web", 15, third("web", &[spread(ZONE, 1)])));
    assert_eq!(zones(&seen, &done), [4, 4, 3]);
    assert_eq!(refused(&done).len(), 4);
}

#[test]
fn only_those_above_the_skew_are_refused() {
    let there = by_zone(&[("a", 1), ("b", 1), ("c", 9)]);
    let (seen, done) = planned(there.pending("web", 30, third("web", &[spread(ZONE, 2)])));
    assert_eq!(zones(&seen, &done), [3, 3, 5]);
}

#[test]
fn a_zone_where_nothing_can_be_bought_and_nothing_is_is_none() {
    let there = by_zone(&[("a", 9), ("b", 9), ("c", 0)]);
    let (seen, done) = planned(there.pending("web", 12, third("web", &[spread(ZONE, 1)])));
    assert_eq!((zones(&seen, &done), refused(&done).len()), (vec![6, 6, 0], 0));
}

#[test]
fn a_zone_that_has_a_node_stays_one() {
    let mut there = by_zone(&[("a", 9), ("b", 9), ("c", 0)]);
    let offer = there.seen.offers.last().unwrap().id.clone();
    crate::fixture::join(&mut there.seen, &"n".into(), &offer);
    let there = there.last_node(|node| node.unschedulable = true);
    let (seen, done) = planned(there.pending("web", 12, third("web", &[spread(ZONE, 1)])));
    assert_eq!(
        zones(&seen, &done),
        [1, 1, 0],
        "the zone of the cordoned node counts none"
    );
}

#[test]
fn pods_that_somebody_counts_go_where_there_is_room() {
    let ruled = third("web", &[spread(ZONE, 1)]);
    let plain = PodSpec {
        requests: asks(900, 900).requests,
        ..app("web", &[])
    };
    let there = by_zone(&[("a", 9), ("b", 0), ("c", 0)]);
    let (seen, done) = planned(there.pending("web", 2, ruled).pending("old", 9, plain));
    assert_eq!((zones(&seen, &done), refused(&done).len()), (vec![11, 0, 0], 0));
}

/// On-demand and spot, at one price and half of it.
fn capacity_types() -> Cluster {
    let typed = |kind: &'static str| {
        move |offer: &mut Offer| drop(offer.labels.insert(CAPACITY.to_owned(), kind.to_owned()))
    };
    Cluster::new()
        .group("g", 0, 100)
        .offer("g", "t", 3000, 3000, 100_000_000)
        .last_offers(typed("on-demand"))
        .group("s", 0, 100)
        .offer("s", "t", 3000, 3000, 50_000_000)
        .last_offers(typed("spot"))
}

/// Pods by what the offers that they are on say of a key.
fn by_label(seen: &Snapshot, done: &Deliberation, key: &str) -> BTreeMap<String, usize> {
    let mut pods = BTreeMap::new();
    for node in &done.plan.nodes {
        let offer = seen.offers.iter().find(|offer| offer.id == node.offer).unwrap();
        let value = offer.labels.get(key).cloned().unwrap_or_default();
        *pods.entry(value).or_insert(0) += node.pods.len();
    }
    pods
}

fn counts(pods: &BTreeMap<String, usize>) -> Vec<(&str, usize)> {
    pods.iter().map(|(value, pods)| (value.as_str(), *pods)).collect()
}

#[test]
fn a_spread_over_capacity_types_is_dealt() {
    let (seen, done) = planned(capacity_types().pending("web", 9, app("web", &[spread(CAPACITY, 1)])));
    let pods = by_label(&seen, &done, CAPACITY);
    assert_eq!(counts(&pods), [("on-demand", 5), ("spot", 4)]);
    assert_eq!(done.plan.nodes.len(), 2, "the zones may be anything");
}

#[test]
fn two_spreads_hold_at_once() {
    let both = app("web", &[spread(CAPACITY, 1), spread(ZONE, 1)]);
    let (seen, done) = planned(capacity_types().pending("web", 10, both));
    assert_eq!(
        counts(&by_label(&seen, &done, CAPACITY)),
        [("on-demand", 5), ("spot", 5)]
    );
    assert_eq!(counts(&by_label(&seen, &done, ZONE)), [("a", 5), ("b", 5)]);
}

#[test]
fn a_key_that_only_others_name_tells_nothing_apart() {
    let typed = app("web", &[spread(CAPACITY, 1)]);
    let zonal = app(
        "api",
        &[near(ZONE, "api", NearRule::Spread { skew: 1, domains: 1 })],
    );
    let (seen, done) = planned(
        capacity_types()
            .pending("web", 2, typed)
            .pending("api", 20, zonal),
    );
    assert_eq!(counts(&by_label(&seen, &done, ZONE)).len(), 2);
    assert_eq!(
        done.plan.nodes.len(),
        3,
        "one a zone, and one more for the other capacity type"
    );
}

#[test]
fn apart_and_together_hold_by_any_key() {
    let apart = app("web", &[near(CAPACITY, "web", NearRule::Apart)]);
    let (seen, done) = planned(capacity_types().pending("web", 3, apart));
    assert_eq!(
        counts(&by_label(&seen, &done, CAPACITY)),
        [("on-demand", 1), ("spot", 1)]
    );
    assert_eq!(refused(&done), [&Misfit::NoZoneLeft]);
    let together = app("web", &[near(CAPACITY, "web", NearRule::Together)]);
    let (seen, done) = planned(capacity_types().pending("web", 70, together));
    assert_eq!(by_label(&seen, &done, CAPACITY).len(), 1);
    assert_eq!(loads(&done).iter().sum::<usize>(), 70);
    // Who is on spot already draws the others there.
    let there = capacity_types().node("n", "s", "t");
    let typed = |node: &mut Node| drop(node.labels.insert(CAPACITY.to_owned(), "spot".to_owned()));
    let there = there.last_node(typed).running("db-x", "n", app("db", &[]));
    let with = third("web", &[near(CAPACITY, "db", NearRule::Together)]);
    let (seen, done) = planned(there.pending("web", 9, with));
    assert_eq!(counts(&by_label(&seen, &done, CAPACITY)).len(), 1);
    assert!(by_label(&seen, &done, CAPACITY).contains_key("spot"));
}

#[test]
fn a_label_that_nothing_has_keeps_nobody_apart() {
    let rack = |rule| app("web", &[near("rack", "web", rule)]);
    let (_, done) = planned(cluster().pending("web", 3, rack(NearRule::Apart)));
    assert_eq!((loads(&done), refused(&done).len()), (vec![3], 0));
    for rule in [NearRule::Together, NearRule::Spread { skew: 1, domains: 1 }] {
        let (_, done) = planned(cluster().pending("web", 3, rack(rule)));
        assert_eq!((loads(&done).len(), refused(&done).len()), (0, 3), "{rule:?}");
    }
}

#[test]
fn chains_of_company_are_in_one_zone() {
    let cache = app("cache", &[near(ZONE, "web", NearRule::Together)]);
    let web = app("web", &[near(ZONE, "db", NearRule::Together)]);
    let there = cluster().pending("cache", 40, cache).pending("web", 40, web);
    let (seen, done) = planned(there.pending("db", 1, app("db", &[])));
    let pods = [in_zone(&seen, &done, "a"), in_zone(&seen, &done, "b")];
    assert!(pods == [81, 0] || pods == [0, 81], "{pods:?}");
}

#[test]
fn who_wants_to_be_with_an_agent_finds_it_on_every_new_node() {
    let agent = app("agent", &[]);
    let there = cluster().workload("DaemonSet", "agent", 0, agent);
    let with = app("web", &[near(ZONE, "agent", NearRule::Together)]);
    let (_, done) = planned(there.pending("web", 3, with));
    assert_eq!((loads(&done), refused(&done).len()), (vec![3], 0));
}

#[test]
fn who_shares_a_claim_that_waits_goes_to_one_zone() {
    let sharing = |name: &str, claims: &[&str]| PodSpec {
        shares: claims.iter().map(|claim| (*claim).to_owned()).collect(),
        ..third(name, &[])
    };
    let there = cluster().pending("web", 7, sharing("web", &["data"]));
    let there = there.pending("job", 5, sharing("job", &["data", "more"]));
    let (seen, done) = planned(there.pending("tail", 2, sharing("tail", &["more"])));
    let pods = [in_zone(&seen, &done, "a"), in_zone(&seen, &done, "b")];
    assert!(pods == [14, 0] || pods == [0, 14], "{pods:?}");
    assert!(refused(&done).is_empty());
}

#[test]
fn no_plan_costs_less_than_the_bound_whatever_was_dealt() {
    // Zone b is twice as dear: one pod may be anywhere, and was dealt a zone only because somebody counts it.
    let dear = |offer: &mut Offer| {
        if offer.zone() == Some("b") {
            offer.price = UsdPerHour(offer.price.0 * 2);
        }
    };
    let there = cluster().last_offers(dear);
    let counted = third("web", &[]);
    let ruled = third("web", &[spread(ZONE, 3)]);
    let (_, done) = planned(there.pending("old", 1, counted).pending("web", 2, ruled));
    assert!(refused(&done).is_empty());
    assert!(
        done.plan.cost.bound.0 <= 100_000_000,
        "all three fit on one node of zone a: {:?}",
        done.plan.cost
    );
}
