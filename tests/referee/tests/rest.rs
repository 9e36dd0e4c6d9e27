//! Some hundred clusters as AWS has them: a plan that was made true leaves nothing to do, no bound is above the price
//! of a placement that kube-scheduler admits, and once half of the workloads are gone no node is kept that kube-scheduler
//! would have let empty. `cargo run -p plimsoll-referee -- rest` (`bound`, `emptied`) runs as many as one likes.
//!
//! `rest.csv` says how many clusters of each kind of failure are known and not mended yet. It is a ratchet: more fail
//! the test, and who mends some lowers the figure. The aim is 0 everywhere.

#![expect(clippy::unwrap_used, reason = "what cannot be run fails the test")]

use referee::rest::run::{Order, Tally, run};
use referee::rest::{TINY, USUAL};
use referee::rest::{bound, emptied, world};
use referee::scheduler::{Scheduler, built};
use std::collections::BTreeMap;

/// Nothing without the program; with CI=true that is a failure.
fn scheduler() -> Option<Scheduler> {
    if let Err(why) = built() {
        skip::skip("referee", &why.to_string());
        return None;
    }
    Some(Scheduler::start(1).unwrap())
}

fn known() -> BTreeMap<&'static str, u64> {
    let lines = include_str!("rest.csv").lines().skip(1);
    let line = |line: &'static str| {
        let (kind, most) = line.split_once(',').unwrap();
        (kind, most.parse().unwrap())
    };
    lines.map(line).collect()
}

#[test]
fn no_more_plans_than_known_leave_anything_to_do() {
    let Some(mut scheduler) = scheduler() else { return };
    let order = Order {
        seed: 11,
        from: 0,
        cases: 150,
        kept: 0,
        about: String::new(),
    };
    let tally: Tally = run(&order, &mut scheduler).unwrap();
    assert_eq!(tally.invalid, 0, "{tally}");
    assert!(
        tally.placed > 300 && tally.bought > 100,
        "too little is at stake: {tally}"
    );
    let known = known();
    for (kind, count) in &tally.failing {
        let most = known.get(kind.name()).copied().unwrap_or(0);
        assert!(
            *count <= most,
            "{}: {count} clusters, {most} are known\n{tally}",
            kind.name()
        );
    }
}

#[test]
fn no_bound_is_above_what_another_solver_finds() {
    let Some(mut scheduler) = scheduler() else { return };
    let tally = bound::run(11, 0..300, &mut scheduler).unwrap();
    assert!(tally.solved > 25, "too little is solved: {tally}");
    let most = known().get("bound too high").copied().unwrap_or(0);
    assert!(tally.wrong.len() as u64 <= most, "{most} are known\n{tally}");
}

#[test]
fn no_node_is_kept_that_kube_scheduler_would_have_let_empty() {
    let Some(mut scheduler) = scheduler() else { return };
    let order = emptied::run::Order {
        size: USUAL,
        seed: 11,
        from: 0,
        cases: 40,
        counts: true,
        kept: 0,
        about: String::new(),
    };
    let tally = emptied::run::run(&order, &mut scheduler).unwrap();
    assert!(
        tally.sum.removed > 80 && tally.sum.probed > 30 && tally.compared.0 > 20,
        "too little is at stake: {tally}"
    );
    let known = known();
    for (kind, count) in &tally.failing {
        let most = known.get(kind.name()).copied().unwrap_or(0);
        assert!(
            *count <= most,
            "{}: {count} clusters, {most} are known\n{tally}",
            kind.name()
        );
    }
    let (evictions, fewest) = tally.sum.fewest.unwrap();
    assert!(
        evictions * 10 <= fewest * 11,
        "{evictions} evictions where {fewest} do\n{tally}"
    );
}

#[test]
fn the_same_number_is_the_same_cluster() {
    for size in [TINY, USUAL] {
        assert_eq!(world(size, 3, 7).shown(), world(size, 3, 7).shown());
        assert_ne!(world(size, 3, 7).shown(), world(size, 3, 8).shown());
    }
}
