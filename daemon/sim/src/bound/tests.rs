//! The bound against cases whose best cost is known.

use super::*;

const TEXT: &str = "
name: small
duration: 1h
cluster: {zones: [a]}
groups:
  - {name: general, types: [m6a.large], max: 50}
  - {name: less, kind: fargate-profile, selects: [{namespace: batch, labels: {run-on: fargate}}]}
";

fn scenario() -> Scenario {
    let nothing = |_: &str| Err("nothing there".to_owned());
    Scenario::read("s.yaml", TEXT.as_bytes(), &nothing).unwrap()
}

fn spec(namespace: &str, cpu: i64) -> Arc<PodSpec> {
    Arc::new(PodSpec {
        namespace: namespace.to_owned(),
        requests: model::Resources::new(cpu, 1 << 28),
        ..PodSpec::default()
    })
}

#[test]
fn full_nodes_meet_their_price_and_no_demand_costs_nothing() {
    let scenario = scenario();
    let node = &scenario.offers.iter().find(|o| !o.is_fargate()).unwrap();
    let whole = spec("shop", node.allocatable.cpu_milli);
    let mut bound = Bound::new(&scenario);
    let hour = scenario.start + Span::from_secs(3600);
    bound.add(vec![(Arc::clone(&whole), 7 * 3_600_000)], hour);
    let exact = node.price.0 * 7;
    assert!(
        bound.total().0 <= exact,
        "never above what is possible: {} of {exact}",
        bound.total().0
    );
    assert!(
        bound.total().0 > exact * 99 / 100,
        "and close to it: {} of {exact}",
        bound.total().0
    );
    let before = bound.total();
    bound.add(Vec::new(), hour + Span::from_secs(600));
    assert_eq!((bound.total(), bound.rate()), (before, UsdPerHour::ZERO));
}

#[test]
fn a_lone_small_pod_pays_its_share_or_its_fargate_size() {
    let scenario = scenario();
    let mut bound = Bound::new(&scenario);
    let now = scenario.start + Span::from_secs(60);
    bound.add(vec![(spec("batch", 250), 60_000)], now);
    let fargate = scenario
        .offers
        .iter()
        .filter(|o| o.is_fargate())
        .map(|o| o.price)
        .min();
    assert!(
        bound.rate().0 > 0 && Some(bound.rate()) <= fargate,
        "{:?} of {fargate:?}",
        bound.rate()
    );
}

#[test]
fn half_the_time_is_half_the_bound() {
    let scenario = scenario();
    let now = scenario.start + Span::from_secs(60);
    let rate = |time: i64| {
        let mut bound = Bound::new(&scenario);
        bound.add(vec![(spec("shop", 400), time)], now);
        bound.rate().0
    };
    assert!((rate(60_000) - 2 * rate(30_000)).abs() <= 2);
}
