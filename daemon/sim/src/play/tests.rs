//! Whole runs: the same day twice is the same, nothing is broken, and what is reported is what happened.

use super::*;
use crate::report;

fn nothing(path: &str) -> Result<Vec<u8>, String> {
    Err(format!("{path}: no such file"))
}

fn day(hours: i64) -> Scenario {
    let text = include_bytes!("../../scenarios/day.yaml");
    let mut day = Scenario::read("day.yaml", text, &nothing).unwrap();
    day.start = day.start + Span::from_secs(3600 * 6);
    day.duration = Span::from_secs(3600 * hours);
    day
}

fn run(scenario: Scenario) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut nobody = |_: Moment<'_>| ();
    let played = play(scenario, InForce::default(), Options::default(), &mut nobody);
    runtime.block_on(played).unwrap()
}

#[test]
fn the_same_scenario_and_seed_play_the_same_to_the_byte() {
    let (one, two) = (run(day(3)), run(day(3)));
    let json = |played: &Played| serde_json::to_string(&played.scorecard).unwrap();
    assert_eq!(json(&one), json(&two));
    assert_eq!(one.series, two.series);
    assert_eq!(report(&day(3), &one), report(&day(3), &two));
    let mut other = day(3);
    other.seed += 1;
    assert_ne!(json(&one), json(&run(other)), "another seed is another day");
}

/// A small world in which anything may happen: every draw comes from proptest.
fn small(seed: u64, replicas: u32, burst: u32, faults: &str) -> Scenario {
    let text = format!(
        "
name: small
seed: {seed}
duration: 90m
cycle: 30s
cluster: {{zones: [a, b], boot: {{min: 20s, max: 70s}}}}
groups:
  - {{name: general, types: [m6a.large, c6a.xlarge], min: 1, max: 8}}
  - {{name: cheap, types: [m6a.large], purchase: spot, max: 8}}
  - {{name: less, kind: fargate-profile, max: 20, selects: [{{namespace: batch, labels: {{run-on: fargate}}}}]}}
daemon_sets:
  - {{name: agent, cpu: 100m, memory: 64Mi}}
deployments:
  - name: web
    cpu: 400m
    memory: 600Mi
    replicas: {replicas}
    load: {{points: [{{at: 0s, cpu: 2}}, {{at: 25m, cpu: 5}}, {{at: 45m, cpu: 1}}], noise: 10%}}
    budget: {{max_unavailable: 1}}
  - {{name: pinned, cpu: 300m, memory: 600Mi, replicas: 2, do_not_disrupt: true}}
jobs:
  - {{name: work, namespace: batch, cpu: 700m, memory: 1Gi, pods: {burst}, runs: {{min: 1m, max: 6m}}, every: 17m}}
faults:{faults}
aims:
  scale: [{{workload: Deployment default/web, min: 2, max: 16, metric: cpu, target: 60%}}]
  shrink: {{unneeded_for: 2m, min_age: 2m, parallel: 4}}
  limits: {{removed_per_window: 90%, removed_per_long_window: 90%, acknowledge_risk: true}}
"
    );
    Scenario::read("small.yaml", text.as_bytes(), &nothing).unwrap()
}

const FAULTS: [&str; 10] = [
    "no-capacity, types: [m6a.large]",
    "spot-interruption, share: 60%",
    "node-failure, count: 1",
    "node-silence, share: 20%",
    "slow-boot, boot: {min: 2m, max: 6m}",
    "never-joins, groups: [general]",
    "throttled, share: 50%",
    "answer-lost, share: 60%",
    "frozen",
    "missing, sources: [nodes, metrics]",
];

fn fault((kind, at, lasts): (usize, u32, u32)) -> String {
    let what = FAULTS[kind];
    let blow = what.starts_with("spot") || what.starts_with("node");
    let lasts = if blow {
        String::new()
    } else {
        format!(", for: {lasts}s")
    };
    format!("  - {{kind: {what}, at: {at}m{lasts}}}\n")
}

/// A few cases in every run of the tests; `PROPTEST_CASES` asks for more.
fn few() -> proptest::test_runner::Config {
    let mut config = proptest::test_runner::Config::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 24;
    }
    config
}

#[test]
fn a_storm_breaks_nothing() {
    let text = include_bytes!("../../scenarios/storm.yaml");
    let played = run(Scenario::read("storm.yaml", text, &nothing).unwrap());
    let card = &played.scorecard;
    assert_eq!((card.still_waiting, &card.violations[..]), (0, &[][..]), "{card}");
    assert!(card.interruptions > 3 && card.launches > 10, "{card}");
}

proptest::proptest! {
    #![proptest_config(few())]

    #[test]
    fn whatever_goes_wrong_nothing_is_broken(
        seed in 0_u64..1_000_000,
        replicas in 1_u32..10,
        burst in 0_u32..9,
        faults in proptest::collection::vec((0_usize..10, 0_u32..60, 30_u32..900), 1..5),
    ) {
        let faults: String = faults.into_iter().map(fault).collect();
        let faults = format!("\n{faults}");
        let scenario = small(seed, replicas, burst, &faults);
        let nodes = scenario.offers.iter().filter(|offer| !offer.is_fargate());
        let cheapest = nodes.map(|offer| offer.price.0).min().unwrap_or(0);
        let played = run(scenario);
        proptest::prop_assert_eq!(&played.scorecard.violations, &[], "{}", faults);
        let card = &played.scorecard;
        // A pod that waits is in the bound and not on the bill. Each would fit the cheapest node by itself, so
        // that it pays no more than that; two hundredths are for what a lost node's pods run on unpaid.
        let waited = i128::from(cheapest) * i128::from(card.pending_sum_ms) / 3_600_000;
        let (cost, bound) = (i128::from(card.cost.0), i128::from(card.lower_bound.0));
        proptest::prop_assert!(bound > 0 && cost + waited >= bound * 98 / 100, "{} {}", card, faults);
        proptest::prop_assert!(cost >= i128::from(cheapest) * 3 / 2 * 98 / 100, "one node stays for 90 minutes");
    }
}

#[test]
fn a_burst_is_placed_on_nodes_that_are_bought_and_given_back() {
    let played = run(small(1, 4, 8, " []"));
    let card = &played.scorecard;
    assert!(card.launches > 0 && card.removals > 0, "{card}");
    assert_eq!((card.still_waiting, card.violations.len()), (0, 0), "{card}");
    assert!(card.pods >= 4 + 2 + 8 * 5, "{card}");
    assert!(card.lower_bound.0 > 0 && card.cost > card.lower_bound, "{card}");
    assert_eq!(card.cycles, 180);
    let bought = played
        .series
        .decisions
        .iter()
        .find(|d| d.kind == "GrowGroup")
        .unwrap();
    assert!(
        bought.reason.contains("pods") && bought.outcome.starts_with("done"),
        "{bought:?}"
    );
}
