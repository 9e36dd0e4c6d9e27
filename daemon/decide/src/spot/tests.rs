//! Stories of spot capacity that counts more than it costs.

use super::*;
use crate::fixture::{Cluster, NOW, asks};
use crate::{Deliberation, PolicySet, deliberate};
use model::memory::Memory;
use model::offer::Confidence;
use model::offer::{Offer, OfferKind, Purchase};
use model::plan::StepKind;
use model::time::Span;
use proptest::prelude::{prop_assert, proptest};

/// An offer's chance to be interrupted within a month, in thousandths.
fn spot(monthly: u32) -> impl Fn(&mut Offer) {
    move |offer| {
        if let OfferKind::Ec2 { purchase, .. } = &mut offer.kind {
            *purchase = Purchase::Spot;
        }
        offer.interruptions = Some(monthly);
        offer.confidence = Confidence::Estimated;
    }
}

/// What an interruption counts, in dollars, and what a spot node does whose pool holds everything, in thousandths.
fn aims(interruption: i64, diversity: u32) -> Aims {
    let mut aims = Aims::default();
    aims.spot.interruption_cost_nanos = interruption * 1_000_000_000;
    aims.spot.diversity_permille = diversity;
    aims
}

fn decide(cluster: &Cluster, aims: &Aims) -> Deliberation {
    deliberate(
        &cluster.clone().seen(),
        &Memory::default(),
        &PolicySet::default(),
        aims,
    )
}

/// Nodes bought, by type and zone.
fn bought(done: &Deliberation) -> BTreeMap<String, usize> {
    let mut bought = BTreeMap::new();
    for node in &done.plan.nodes {
        let id = node.offer.as_str();
        let shape = id.split(':').nth(1).unwrap_or(id);
        *bought
            .entry(shape.trim_end_matches("/on-demand").to_owned())
            .or_insert(0) += 1;
    }
    bought
}

/// One type on demand for 10 cents, one on spot for 8.
fn choice(monthly: u32) -> Cluster {
    Cluster::new()
        .group("g", 0, 99)
        .offer("g", "safe", 1000, 1000, 100_000_000)
        .offer("g", "spot", 1000, 1000, 80_000_000)
        .last_offers(spot(monthly))
}

#[test]
fn spot_is_bought_while_interruptions_count_less_than_it_saves() {
    // 20 cents an hour of saving for ten pods a node: 2 cents / 10 pods × 730 h / 10 % = 14.60 dollars.
    for (dollars, kind) in [(0, "spot"), (14, "spot"), (15, "safe")] {
        let cluster = choice(100).pending("p", 10, asks(100, 100));
        let done = decide(&cluster, &aims(dollars, 0));
        let chosen: Vec<String> = bought(&done).into_keys().collect();
        assert!(
            chosen.len() == 1 && chosen[0].starts_with(kind),
            "{dollars}: {chosen:?}"
        );
        let cost = &done.plan.cost;
        let risk = if kind == "spot" { dollars * 136_986 * 10 } else { 0 };
        assert!(
            (cost.policy_rate.0 - cost.rate.0 - risk).abs() <= 10 * dollars,
            "{cost:?}: what counts is told beside the bill"
        );
        assert!(
            cost.bound <= cost.rate && cost.policy_bound <= cost.policy_rate,
            "{cost:?}"
        );
    }
}

#[test]
fn of_two_pools_the_calmer_one_is_bought() {
    let cluster = choice(250)
        .offer("g", "calm", 1000, 1000, 81_000_000)
        .last_offers(spot(25))
        .pending("p", 10, asks(100, 100));
    let of = |dollars| bought(&decide(&cluster, &aims(dollars, 0))).into_keys().next();
    assert!(of(0).is_some_and(|kind| kind.starts_with("spot")));
    assert!(of(1).is_some_and(|kind| kind.starts_with("calm")));
}

#[test]
fn a_calm_pool_does_not_hide_behind_a_risky_one_of_the_same_shape() {
    // The risky type is cheaper and as large: at plain prices it makes the others superfluous.
    let cluster = choice(250)
        .offer("g", "calm", 1000, 1000, 80_000_001)
        .last_offers(spot(25))
        .pending("p", 10, asks(100, 100));
    let chosen = bought(&decide(&cluster, &aims(1, 0)));
    assert!(chosen.keys().all(|kind| kind.starts_with("calm")), "{chosen:?}");
}

#[test]
fn equal_pools_get_equal_shares() {
    let mut cluster = Cluster::new().group("g", 0, 99);
    for kind in ["a1", "b1", "c1", "d1"] {
        cluster = cluster
            .offer("g", kind, 1000, 1000, 80_000_000)
            .last_offers(spot(50));
    }
    let cluster = cluster.pending("p", 16, asks(900, 900));
    let crowded = bought(&decide(&cluster, &aims(0, 0)));
    assert_eq!(crowded.len(), 2, "one type in two zones: {crowded:?}");
    let done = decide(&cluster, &aims(0, 100));
    let spread = bought(&done);
    assert_eq!(spread.len(), 8, "{spread:?}");
    assert!(spread.values().all(|nodes| *nodes == 2), "{spread:?}");
    let cost = &done.plan.cost;
    assert_eq!(cost.rate.0, 16 * 80_000_000, "the bill is the same");
    assert_eq!(
        cost.policy_rate, cost.rate,
        "and so is what it is held against its bound by"
    );
}

#[test]
fn diversity_is_worth_what_the_aims_say_and_no_more() {
    let cluster = Cluster::new()
        .group("g", 0, 99)
        .offer("g", "cheap", 1000, 1000, 80_000_000)
        .last_offers(spot(50))
        .offer("g", "other", 1000, 1000, 84_000_000)
        .last_offers(spot(50))
        .pending("p", 20, asks(900, 900));
    for (permille, others) in [(10, 0..=0), (100, 1..=9), (1000, 9..=10)] {
        let of = bought(&decide(&cluster, &aims(0, permille)));
        let other = of.iter().filter(|(kind, _)| kind.starts_with("other"));
        let other: usize = other.map(|(_, nodes)| nodes).sum();
        assert!(others.contains(&other), "{permille}: {of:?}");
    }
}

#[test]
fn nodes_that_run_are_part_of_their_pool() {
    let mut cluster = Cluster::new()
        .group("g", 0, 99)
        .offer("g", "a1", 1000, 1000, 80_000_000)
        .last_offers(spot(50))
        .offer("g", "b1", 1000, 1000, 80_000_000)
        .last_offers(spot(50));
    for at in 0..6 {
        let name = format!("n{at}");
        cluster = cluster
            .node(&name, "g", "a1")
            .running(&format!("w{at}"), &name, asks(900, 900));
    }
    let cluster = cluster.pending("p", 3, asks(900, 900));
    let of = bought(&decide(&cluster, &aims(0, 100)));
    assert_eq!(of.get("a1/a"), None, "six are there already: {of:?}");
    assert_eq!(of.values().sum::<usize>(), 3);
}

#[test]
fn other_pools_are_used_only_where_their_groups_may_grow_and_pods_may_run() {
    let cluster = |most| {
        Cluster::new()
            .group("g", 0, 99)
            .offer("g", "a1", 1000, 1000, 80_000_000)
            .last_offers(spot(50))
            .group("h", 0, most)
            .offer("h", "b1", 1000, 1000, 80_000_000)
            .last_offers(spot(50))
    };
    let of = bought(&decide(
        &cluster(1).pending("p", 8, asks(900, 900)),
        &aims(0, 100),
    ));
    let there = |of: &BTreeMap<String, usize>| -> usize {
        let other = of.iter().filter(|(kind, _)| kind.starts_with("b1"));
        other.map(|(_, nodes)| nodes).sum()
    };
    assert_eq!(there(&of), 1, "{of:?}");
    let mut only = asks(900, 900);
    only.node_selector.insert("group".into(), "g".into());
    let of = bought(&decide(&cluster(99).pending("p", 8, only), &aims(0, 100)));
    assert_eq!(there(&of), 0, "{of:?}");
}

/// Cordons and new nodes of one node that could go.
fn shrinks(cluster: &Cluster, aims: &Aims) -> Vec<String> {
    let mut memory = Memory::default();
    memory
        .unneeded_since
        .insert("n1".into(), NOW - Span::from_secs(100_000));
    let done = deliberate(&cluster.clone().seen(), &memory, &PolicySet::default(), aims);
    let steps = done.plan.steps.iter();
    let told = steps.filter(|step| matches!(step.kind, StepKind::Cordon { .. } | StepKind::GrowGroup { .. }));
    told.map(|step| step.kind.to_string()).collect()
}

#[test]
fn a_node_is_replaced_by_spot_only_where_that_is_worth_the_risk() {
    let cluster = Cluster::new()
        .group("g", 1, 99)
        .offer("g", "safe", 1000, 1000, 100_000_000)
        .offer("g", "spot", 500, 500, 40_000_000)
        .last_offers(spot(100))
        .node("n1", "g", "safe")
        .running("a", "n1", asks(200, 200))
        .running("b", "n1", asks(200, 200));
    assert_eq!(
        shrinks(&cluster, &aims(0, 0)),
        ["grow g 1 -> 2 (g:spot/b/on-demand)", "cordon n1"]
    );
    // Six cents an hour are saved: 3 a pod, × 730 h / 10 % = 219 dollars.
    assert_eq!(shrinks(&cluster, &aims(210, 0)).len(), 2);
    assert!(shrinks(&cluster, &aims(230, 0)).is_empty());
}

#[test]
fn a_spot_node_is_left_for_a_dearer_safe_one_where_interruptions_count() {
    let mut cluster = Cluster::new()
        .group("g", 1, 99)
        .offer("g", "risky", 1000, 1000, 100_000_000)
        .last_offers(spot(250))
        .offer("g", "safe", 500, 500, 90_000_000)
        .node("n1", "g", "risky");
    for name in ["a", "b", "c", "d"] {
        cluster = cluster.running(name, "n1", asks(100, 100));
    }
    let mut calm = aims(0, 0);
    calm.shrink.eviction_cost_nanos = 5_000_000;
    assert!(
        shrinks(&cluster, &calm).is_empty(),
        "one cent does not pay for four evictions"
    );
    calm.spot.interruption_cost_nanos = 100_000_000_000;
    assert_eq!(shrinks(&cluster, &calm).len(), 2);
}

#[test]
fn absurd_prices_and_costs_are_counted_without_a_panic() {
    let dear = i64::MAX / 4;
    let mut cluster = Cluster::new()
        .group("g", 0, 300)
        .offer("g", "a1", 1000, 1000, dear)
        .last_offers(spot(u32::MAX))
        .offer("g", "b1", 1000, 1000, dear - 1)
        .last_offers(spot(1000));
    for at in 0..100 {
        let name = format!("n{at}");
        cluster = cluster
            .node(&name, "g", "a1")
            .running(&format!("w{at}"), &name, asks(900, 900));
    }
    let cluster = cluster.pending("p", 100, asks(900, 900));
    let mut aims = aims(0, u32::MAX);
    aims.spot.interruption_cost_nanos = i64::MAX;
    let done = decide(&cluster, &aims);
    assert_eq!(done.plan.nodes.len(), 100);
    shrinks(&cluster, &aims);
}

proptest! {
    /// Whatever is counted on top, plain and counted cost stay above their bounds, and all pods get a place.
    #[test]
    fn what_counts_on_top_never_breaks_a_plan(
        monthly in proptest::collection::vec(0_u32..=1000, 4),
        price in proptest::collection::vec(10_000_000_i64..200_000_000, 4),
        (dollars, diversity) in (0_i64..200, 0_u32..=1000),
        pods in 1_u32..30,
    ) {
        let mut cluster = Cluster::new().group("g", 0, 60);
        for (at, (monthly, price)) in monthly.iter().zip(&price).enumerate() {
            let kind = format!("t{at}");
            cluster = cluster.offer("g", &kind, 1000, 1000, *price);
            if at > 0 {
                cluster = cluster.last_offers(spot(*monthly));
            }
        }
        let aims = aims(dollars, diversity);
        let cluster = cluster.pending("p", pods, asks(300, 200));
        let done = decide(&cluster, &aims);
        let placed: usize = done.plan.nodes.iter().map(|node| node.pods.len()).sum();
        prop_assert!(placed == pods as usize);
        let cost = &done.plan.cost;
        prop_assert!(cost.bound <= cost.rate, "{cost:?}");
        prop_assert!(cost.policy_bound <= cost.policy_rate, "{cost:?}");
        prop_assert!(cost.rate <= cost.policy_rate, "{cost:?}");
        let again = decide(&cluster, &aims);
        prop_assert!(done.plan.nodes == again.plan.nodes);
    }
}
