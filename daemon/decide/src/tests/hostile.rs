//! Snapshots that nobody means well: refused with a reason, never a panic, in bounded time.

use super::run;
use crate::PolicySet;
use crate::fixture::{Cluster, asks};
use model::ids::NodeName;
use model::offer::Confidence;
use model::pod::{HostPort, Near, NearRule, PodSpec};
use model::reason::Refusal;
use model::resources::Resources;
use model::selector::{LabelSelector, Operator, Requirement};
use model::snapshot::Snapshot;
use std::time::{Duration, Instant};

/// Far more than any of these takes, with room for a slow machine.
const PATIENCE: Duration = Duration::from_secs(10);
const HOST: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// Plans, audits the plan, and counts the pods without a place.
fn refused(name: &str, seen: &Snapshot) -> usize {
    let begun = Instant::now();
    let done = run(seen, &PolicySet::default());
    let took = begun.elapsed();
    assert!(took < PATIENCE, "{name}: {took:?}");
    let pods = done
        .plan
        .refusals
        .iter()
        .filter(|r| matches!(r, Refusal::Pod { .. }));
    pods.count()
}

fn shop() -> Cluster {
    Cluster::new()
        .group("g", 0, 50)
        .offer("g", "small", 2000, 4096, 50_000_000)
        .offer("g", "large", 8000, 16384, 180_000_000)
}

#[test]
fn requests_without_sense_are_refused_or_count_as_nothing() {
    let gpu = |amount| {
        let mut spec = asks(1, 1);
        spec.requests.extended.insert("nvidia.com/gpu".into(), amount);
        spec
    };
    let disk = |amount| PodSpec {
        requests: Resources {
            ephemeral_bytes: amount,
            ..Resources::new(1, 1)
        },
        ..asks(1, 1)
    };
    let bytes = |cpu, memory| PodSpec {
        requests: Resources::new(cpu, memory),
        ..asks(1, 1)
    };
    let table = [
        ("all CPU there can be", bytes(i64::MAX, 1), 3),
        ("all memory there can be", bytes(1, i64::MAX), 3),
        ("both", bytes(i64::MAX, i64::MAX), 3),
        ("nearly all", bytes(i64::MAX - 1, i64::MAX - 1), 3),
        ("all disk", disk(i64::MAX), 3),
        ("all GPUs", gpu(i64::MAX), 3),
        ("less than nothing", bytes(-1, -1), 0),
        ("least of all", bytes(i64::MIN, i64::MIN), 0),
        ("less than no disk", disk(i64::MIN), 0),
        ("less than no GPUs", gpu(i64::MIN), 0),
        ("nothing", bytes(0, 0), 0),
    ];
    for (name, spec, expected) in table {
        assert_eq!(
            refused(name, &shop().pending("p", 3, spec).seen()),
            expected,
            "{name}"
        );
    }
}

/// What is done to an offer.
type Change = (&'static str, &'static dyn Fn(&mut model::Offer));

#[test]
fn offers_without_sense_neither_win_nor_break_anything() {
    let with = |change: &dyn Fn(&mut model::Offer)| {
        shop()
            .offer("g", "odd", 4000, 8192, 90_000_000)
            .last_offers(change)
            .pending("p", 20, asks(900, 900))
            .pending("q", 1, asks(7000, 900))
            .seen()
    };
    let table: [Change; 12] = [
        ("free", &|o| o.price.0 = 0),
        ("below free", &|o| o.price.0 = -1),
        ("as far below as can be", &|o| o.price.0 = i64::MIN),
        ("a million times the price", &|o| o.price.0 *= 1_000_000),
        ("all the money there is", &|o| o.price.0 = i64::MAX),
        ("no CPU", &|o| o.allocatable.cpu_milli = 0),
        ("less than no CPU", &|o| o.allocatable.cpu_milli = i64::MIN),
        ("no room at all", &|o| o.allocatable = Resources::default()),
        ("no pods", &|o| o.max_pods = 0),
        ("more pods than there can be", &|o| o.max_pods = u32::MAX),
        ("room without end", &|o| {
            o.allocatable = Resources::new(i64::MAX, i64::MAX);
        }),
        ("a group that is not there", &|o| o.group = u32::MAX),
    ];
    for (name, change) in table {
        assert_eq!(refused(name, &with(change)), 0, "{name}");
    }
    // Only nonsense is for sale.
    let only = |change: &dyn Fn(&mut model::Offer)| {
        Cluster::new()
            .group("g", 0, 50)
            .offer("g", "odd", 4000, 8192, 90_000_000)
            .last_offers(change)
            .pending("p", 20, asks(900, 900))
            .seen()
    };
    for (name, change, expected) in [
        (
            "below free",
            (&|o: &mut model::Offer| o.price.0 = -1) as &dyn Fn(&mut model::Offer),
            20,
        ),
        ("all the money there is", &|o| o.price.0 = i64::MAX, 0),
        ("an unknown price", &|o| o.confidence = Confidence::Unknown, 0),
        ("no room", &|o| o.allocatable = Resources::default(), 20),
        ("free", &|o| o.price.0 = 0, 0),
    ] {
        assert_eq!(refused(name, &only(change)), expected, "{name}");
    }
}

#[test]
fn offers_of_one_name_are_no_trouble() {
    let mut seen = shop()
        .offer("g", "small", 2000, 4096, 40_000_000)
        .pending("p", 5, asks(900, 900))
        .seen();
    seen.sort();
    let done = crate::deliberate(
        &seen,
        &model::Memory::default(),
        &PolicySet::default(),
        &model::Aims::default(),
    );
    assert!(done.plan.refusals.is_empty());
    let placed: usize = done.plan.nodes.iter().map(|node| node.pods.len()).sum();
    assert_eq!(placed, 5);
}

/// Pods labelled `app`, with rules about pods of other labels.
fn named(app: &str, rules: &[(&str, &str, NearRule)]) -> PodSpec {
    let mut spec = asks(500, 500);
    spec.labels.insert("app".into(), app.into());
    spec.near = rules
        .iter()
        .map(|(about, key, rule)| Near {
            selector: LabelSelector {
                requirements: vec![Requirement {
                    key: "app".into(),
                    operator: Operator::In(vec![(*about).to_owned()]),
                }],
            },
            ..near(key, *rule)
        })
        .collect();
    spec.near.sort();
    spec
}

fn near(key: &str, rule: NearRule) -> Near {
    let mut spec = PodSpec::default();
    super::large::near(&mut spec, 0, key, rule);
    spec.near.remove(0)
}

/// Rules that contradict each other or chase their own tails: whatever is placed keeps them (the audit says), and
/// what cannot be placed is told. How many are refused is the engine's to improve; that none may be placed is not.
/// Any number of refusals will do.
const ANY: usize = usize::MAX;

/// Rules that contradict each other or go round in a circle, four pods of each spec, and how many are refused.
fn contradictions() -> Vec<(&'static str, Vec<PodSpec>, usize)> {
    use NearRule::{Apart, Spread, Together};
    let a = |rules: &[(&str, &str, NearRule)]| named("a", rules);
    let b = |rules: &[(&str, &str, NearRule)]| named("b", rules);
    let c = |rules: &[(&str, &str, NearRule)]| named("c", rules);
    let none = ANY;
    vec![
        (
            "a with b, b without a",
            vec![a(&[("b", ZONE, Together)]), b(&[("a", ZONE, Apart)])],
            none,
        ),
        (
            "a with and without itself",
            vec![a(&[("a", ZONE, Together), ("a", ZONE, Apart)])],
            none,
        ),
        (
            "a with and without itself on a node",
            vec![a(&[("a", HOST, Together), ("a", HOST, Apart)])],
            none,
        ),
        (
            "a with b, b with a",
            vec![a(&[("b", ZONE, Together)]), b(&[("a", ZONE, Together)])],
            none,
        ),
        (
            "a circle of three",
            vec![
                a(&[("b", HOST, Together)]),
                b(&[("c", HOST, Together)]),
                c(&[("a", HOST, Together)]),
            ],
            none,
        ),
        (
            "with what is not there",
            vec![a(&[("nobody", ZONE, Together)])],
            4,
        ),
        (
            "with what is not there, on a node",
            vec![a(&[("nobody", HOST, Together)])],
            4,
        ),
        (
            "more zones than there are",
            vec![a(&[("a", ZONE, Spread { skew: 1, domains: 99 })])],
            none,
        ),
        (
            "no zone at all",
            vec![a(&[("a", ZONE, Spread { skew: 0, domains: 0 })])],
            none,
        ),
        (
            "as uneven as can be, over as many as can be",
            vec![a(&[(
                "a",
                ZONE,
                Spread {
                    skew: u32::MAX,
                    domains: u32::MAX,
                },
            )])],
            none,
        ),
        (
            "by a label that no node has",
            vec![a(&[("a", "rack", Spread { skew: 1, domains: 1 })])],
            none,
        ),
        (
            "apart by a label that no node has",
            vec![a(&[("a", "rack", Apart)])],
            none,
        ),
        ("an empty label", vec![a(&[("a", "", Together)])], none),
        (
            "spread two ways at once",
            vec![a(&[
                ("a", ZONE, Spread { skew: 1, domains: 3 }),
                ("a", HOST, Spread { skew: 1, domains: 5 }),
                ("a", ZONE, Together),
            ])],
            none,
        ),
    ]
}

#[test]
fn contradictions_and_cycles_end() {
    for (name, specs, expected) in contradictions() {
        for there in [false, true] {
            let mut cluster = shop();
            if there {
                cluster = cluster
                    .node("n", "g", "small")
                    .running("r", "n", specs[0].clone());
            }
            for (ix, spec) in specs.iter().enumerate() {
                cluster = cluster.pending(&format!("p{ix}"), 4, spec.clone());
            }
            let found = refused(name, &cluster.seen());
            assert!(expected == ANY || found == expected, "{name}: {found} refused");
            assert!(found <= specs.len() * 4, "{name}");
        }
    }
}

#[test]
fn namespaces_that_are_not_there_hold_no_pods() {
    let mut spec = named("a", &[("a", ZONE, NearRule::Together)]);
    spec.near[0].namespaces = Some(vec!["nowhere".into()]);
    let found = refused(
        "with pods of nowhere",
        &shop().pending("p", 3, spec.clone()).seen(),
    );
    assert_eq!(found, 3);
    spec.near[0].rule = NearRule::Apart;
    assert_eq!(
        refused(
            "away from pods of nowhere",
            &shop().pending("p", 3, spec.clone()).seen()
        ),
        0
    );
    spec.near[0].namespaces = Some(Vec::new());
    assert_eq!(
        refused(
            "away from pods of no namespace",
            &shop().pending("p", 3, spec).seen()
        ),
        0
    );
}

#[test]
fn more_replicas_than_can_be_are_planned_for_bit_by_bit() {
    let cluster = shop().workload("Deployment", "web", u32::MAX, asks(100, 100));
    let found = refused("4 billion replicas", &cluster.seen());
    assert!(found > 0, "50 nodes do not hold 20,000 pods");
}

#[test]
fn names_that_point_nowhere_are_followed_nowhere() {
    let mut seen = shop()
        .node("n", "g", "small")
        .running("r", "n", asks(100, 100))
        .workload("Deployment", "web", 3, asks(100, 100))
        .pending("p", 3, asks(100, 100))
        .seen();
    seen.pods[0].spec = u32::MAX;
    seen.pods[1].nominated = Some(NodeName::new("nowhere"));
    seen.workloads[0].template = Some(u32::MAX);
    seen.nodes[0].group = Some("nowhere".into());
    seen.nodes[0].offer = Some("nothing".into());
    let begun = Instant::now();
    let done = crate::deliberate(
        &seen,
        &model::Memory::default(),
        &PolicySet::default(),
        &model::Aims::default(),
    );
    assert!(begun.elapsed() < PATIENCE && !done.plan.existing.is_empty());
}

#[test]
fn thousands_of_rules_end_in_time() {
    let mut cluster = shop();
    cluster.seen.groups[0].max = 1_000_000;
    for n in 0..300_usize {
        let mut spec = asks(100, 100);
        for key in [HOST, ZONE] {
            super::large::near(&mut spec, n, key, NearRule::Apart);
        }
        spec.host_ports = (0..50)
            .map(|port| HostPort {
                port: 1000 + port,
                protocol: "TCP".into(),
                ip: String::new(),
            })
            .collect();
        cluster = cluster.pending(&format!("p{n}"), 3, spec);
    }
    refused("900 pods with 100 ports and rules", &cluster.seen());
}
