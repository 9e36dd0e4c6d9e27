//! A fixed number of cases of every mix, some seconds' worth; `cargo run -p plimsoll-referee` runs as many as one
//! likes. Needs the Go program that `make tools` builds.

#![expect(clippy::unwrap_used, reason = "what cannot be run fails the test")]

use manifest::PriceList;
use referee::generate::{Mix, SMALL, SOME_TO_BUY, for_sale};
use referee::run::{Order, Tally, run};
use referee::scheduler::{Scheduler, built};

/// Nothing without the program; with CI=true that is a failure.
fn scheduler() -> Option<Scheduler> {
    if let Err(why) = built() {
        skip::skip("referee", &why.to_string());
        return None;
    }
    Some(Scheduler::start(2).unwrap())
}

fn order(mix: Mix, cases: u64) -> Order {
    Order {
        mix,
        size: SMALL,
        seed: 11,
        from: 0,
        cases,
        plans: true,
        prices: PriceList::default(),
    }
}

fn admits_nothing_infeasible(tally: &Tally, mix: Mix) {
    assert_eq!(tally.admitting(), 0, "{mix}\n{tally}");
    let judged = tally.admitted * 50 > tally.pairs && !tally.plugins.is_empty();
    assert!(judged, "a mix in which nothing is at stake: {mix}\n{tally}");
}

#[test]
fn no_verdict_admits_what_kube_scheduler_rejects() {
    let Some(mut scheduler) = scheduler() else { return };
    for mix in Mix::ALL {
        let order = Order {
            plans: false,
            ..order(mix, 400)
        };
        admits_nothing_infeasible(&run(&order, &mut scheduler, |_| {}).unwrap(), mix);
    }
}

#[test]
fn no_plan_places_what_kube_scheduler_rejects() {
    let Some(mut scheduler) = scheduler() else { return };
    for mix in Mix::ALL {
        let tally = run(&order(mix, 200), &mut scheduler, |_| {}).unwrap();
        assert!(tally.placements > 30, "{tally}");
        admits_nothing_infeasible(&tally, mix);
    }
}

#[test]
fn no_plan_that_buys_places_what_kube_scheduler_rejects() {
    let Some(mut scheduler) = scheduler() else { return };
    for mix in Mix::ALL {
        let order = Order {
            size: SOME_TO_BUY,
            prices: for_sale().unwrap(),
            ..order(mix, 60)
        };
        let tally = run(&order, &mut scheduler, |_| {}).unwrap();
        assert!(tally.bought > 5, "{tally}");
        admits_nothing_infeasible(&tally, mix);
    }
}

#[test]
fn a_rule_that_is_overlooked_is_noticed() {
    let Some(mut scheduler) = scheduler() else { return };
    let mut noticed = 0;
    for number in 0..50 {
        let case = referee::generate::case(Mix::PodAffinity, SMALL, 11, number);
        let mut blind = case.clone();
        let pods = blind.pods.iter_mut().chain(&mut blind.pending);
        for pod in pods {
            pod["spec"]["affinity"] = serde_json::Value::Null;
        }
        let answer = scheduler.ask(&case).unwrap();
        let seen = blind
            .snapshot(&PriceList::default(), &model::aims::Aims::default())
            .unwrap();
        let differences = referee::compare::compare(&case, &seen, &answer).differences;
        noticed += usize::from(!differences.is_empty());
    }
    assert!(noticed > 10, "only {noticed} of 50 cases notice it");
}
