//! Aims: the whole schema, and every mistake at once.

use super::{aims, aims_from, duration};
use crate::documents::single;
use model::advice::Hook;
use model::aims::{Aims, Mode};
use model::ids::{GroupName, WorkloadKey};
use model::limits::Limits;
use model::quota::Quota;
use model::time::Span;

const WHOLE: &str = "
mode: act
modes:
  groups: {ng-1: observe}
  workloads: {Deployment shop/cart: observe}
  hooks: {scaler: act}
limits: {window: 5m, removed_per_window: 2.5%, max_rate: 12.5, max_nodes: 40, long_window: 1h30m}
scale:
- {workload: Deployment shop/cart, min: 2, max: 9, target: 75%}
- {workload: StatefulSet/shop/queue, max: 3, metric: depth, target: 12.5}
catalogue: {spot: true, burstable: true, max_vcpu: 32, types: [m6a, c7g.large], arch: [arm64]}
fargate:
- {profile: batch, namespaces: ['batch-*'], labels: {tier: batch}}
move_to_fargate: ['batch-*', web]
shrink: {enabled: false, unneeded_for: 15m, eviction_cost: 0.01, payback: 2h, yields: true}
spot: {interruption_cost: 0.5, interruptions: 7.5%, diversity: 10%}
reserved:
- {name: ri, type: m6a.large, zones: [us-east-1a], nodes: 4, price: 0.01}
- {name: odcr, nodes: 2}
schedulers: [mine]
groups: [ng-1]
bounds: {ng-1: {min: 2, max: 40}, ng-2: {max: 7}}
quotas: {total: {cpu: 640, memory: 2Ti}, groups: {ng-1: {cpu: 1500m, nodes: 8}, ng-2: {memory: 1048576}, ng-3: {cpu: 0.5}}}
weights: {ng-1: 10, ng-2: 0}
priority: {expendable_below: 0}
zones: {use1-az1: us-east-1a}
spread_defaults:
- {topologyKey: zone, maxSkew: 3, whenUnsatisfiable: DoNotSchedule}
- {topologyKey: kubernetes.io/hostname, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway}
";

#[test]
fn the_whole_schema() {
    let read = aims("aims.yaml", WHOLE.as_bytes()).unwrap();
    let cart = WorkloadKey::new("Deployment", "shop", "cart");
    assert_eq!(read.modes.cluster, Some(Mode::Act));
    assert_eq!(
        read.modes.groups.get(&GroupName::new("ng-1")),
        Some(&Mode::Observe)
    );
    assert_eq!(read.modes.workloads.get(&cart), Some(&Mode::Observe));
    assert_eq!(read.modes.hooks.get(&Hook::Scaler), Some(&Mode::Act));
    let limits = &read.limits;
    assert_eq!(
        (limits.window, limits.removed_per_window_permille),
        (Span::from_secs(300), 25)
    );
    assert_eq!((limits.max_rate.0, limits.max_nodes), (12_500_000_000, 40));
    assert_eq!(limits.bought_per_window, Limits::default().bought_per_window);
    let scale: Vec<_> = read
        .scale
        .iter()
        .map(|s| (s.min, s.max, s.target_milli, s.metric.as_str()))
        .collect();
    assert_eq!(scale, [(2, 9, 750, "cpu"), (1, 3, 12_500, "depth")]);
    assert_eq!(
        (read.catalogue.max_vcpu, read.catalogue.types.len()),
        (Some(32), 2)
    );
    assert_eq!(read.fargate[0].namespaces, ["batch-*"]);
    let bounds: Vec<_> = read.bounds.values().map(|aim| (aim.min, aim.max)).collect();
    assert_eq!(bounds, [(Some(2), Some(40)), (None, Some(7))]);
    let total = Quota {
        cpu_milli: Some(640_000),
        memory_bytes: Some(2 << 40),
        nodes: None,
    };
    assert_eq!(read.quotas.total, total);
    let quotas = read.quotas.groups.values();
    let quotas: Vec<_> = quotas
        .map(|of| (of.cpu_milli, of.memory_bytes, of.nodes))
        .collect();
    assert_eq!(
        quotas,
        [
            (Some(1500), None, Some(8)),
            (None, Some(1 << 20), None),
            (Some(500), None, None)
        ]
    );
    assert_eq!(
        ["ng-1", "ng-2", "ng-3"].map(|name| read.weight(&name.into())),
        [10, 0, 0]
    );
    assert_eq!(
        [-1, 0].map(|priority| read.is_expendable(priority)),
        [true, false]
    );
    assert_eq!(
        [-11, -10].map(|priority| Aims::default().is_expendable(priority)),
        [true, false]
    );
    let moves = ["batch-7", "web", "website", "batch"].map(|namespace| read.moves_to_fargate(namespace));
    assert_eq!(moves, [true, true, false, false]);
    assert!(!read.shrink.enabled);
    assert_eq!(read.shrink.eviction_cost_nanos, 10_000_000);
    assert!(read.shrink.yields && !model::aims::ShrinkAims::default().yields);
    let spot = &read.spot;
    let counted = (
        spot.interruption_cost_nanos,
        spot.interruptions_permille,
        spot.diversity_permille,
    );
    assert_eq!(counted, (500_000_000, 75, 100));
    let reserved = read
        .reserved
        .iter()
        .map(|r| (r.name.as_str(), r.instance_type.as_deref(), r.nodes, r.price.0));
    let reserved: Vec<_> = reserved.collect();
    assert_eq!(
        reserved,
        [("ri", Some("m6a.large"), 4, 10_000_000), ("odcr", None, 2, 0)]
    );
    assert_eq!(read.zones.get("use1-az1").map(String::as_str), Some("us-east-1a"));
    let spread: Vec<_> = read
        .spread_defaults
        .iter()
        .map(|s| (s.key.as_str(), s.skew))
        .collect();
    assert_eq!(spread, [("zone", 3)], "what holds no pod back is left out");
}

#[test]
fn nothing_said_means_the_defaults() {
    for text in ["{}", "limits: {}\nshrink:\n", "# only a comment\n{}"] {
        assert_eq!(aims("a", text.as_bytes()).unwrap(), Aims::default(), "{text}");
    }
}

#[test]
fn every_mistake_comes_at_once_with_its_path() {
    let text = "
mode: maybe
bogus: 1
limits: {window: soon, removed_per_window: 100%, max_rate: -1, max_nodes: -4, long_window: 1s}
scale:
- {workload: cart, min: 5, max: 2}
- {workload: Deployment a/b, max: 1, metric: depth}
- {workload: Deployment a/b, max: 1, target: 60}
catalogue: {arch: [mips], spot: 1}
fargate: [{profile: p}]
spot: {diversity: 120%, interruptions: often, interruption_cost: -1, price: 3}
reserved: [{name: a, nodes: 1}, {name: a, nodes: 1, price: x}, {type: m6a.large}]
modes: {hooks: {shrinker: act}}
compose: {scaler: highest, headroom: max, review: any}
bounds: {a: {min: 3, max: 2}, b: {}, c: {min: -1}}
quotas: {total: {cpu: 4x, memory: -1Gi, pods: 3, nodes: -1}, groups: {a: {}, b: {cpu: [1]}}, of: 1}
weights: {a: 101, b: heavy, c: -1}
priority: {expendable_below: 2147483648, cutoff: 1}
spread_defaults: [{topologyKey: zone, maxSkew: 0, whenUnsatisfiable: Never}]
";
    let problems = aims("a.yaml", text.as_bytes()).unwrap_err().to_string();
    for wanted in [
        "a.yaml: mode: \"maybe\": must be observe or act",
        "a.yaml: bogus: unknown field",
        "limits.window: \"soon\": not a duration",
        "limits.removed_per_window: more than 50% needs acknowledge_risk: true",
        "limits.max_rate: must be dollars",
        "limits.max_nodes: must be between 0",
        "limits.long_window: must not be shorter than window",
        "scale[0].workload: \"cart\": must be `Kind namespace/name`",
        "scale[0].max: is below min (5)",
        "scale[1].target: is missing",
        "scale[2].workload: is named twice",
        "scale[2].target: must be a share of the request",
        "catalogue.arch: [0] \"mips\": must be amd64 or arm64",
        "catalogue.spot: must be true or false",
        "fargate[0].namespaces: must name at least one namespace",
        "spot.diversity: must be 100% at most",
        "spot.interruptions: \"often\": not a share such as 5%",
        "spot.interruption_cost: must be dollars",
        "spot.price: unknown field",
        "reserved[1].name: is named twice",
        "reserved[1].price: must be a number",
        "reserved[2].name: is missing",
        "modes.hooks.shrinker: unknown hook",
        "compose.scaler: \"highest\": must be max or first or last",
        "compose.review: unknown field",
        "bounds.a: min must not be above max",
        "bounds.b: min or max is wanted",
        "bounds.c.min: must be between 0",
        "quotas.total.cpu: \"4x\": unknown unit",
        "quotas.total.memory: must not be negative",
        "quotas.total.nodes: must be between 0",
        "quotas.total.pods: unknown field; known are cpu, memory, nodes",
        "quotas.groups.a: cpu, memory or nodes is wanted",
        "quotas.groups.b.cpu: must be a quantity, is a list",
        "quotas.of: unknown field",
        "weights.a: must be a whole number from 0 to 100",
        "weights.b: must be a whole number",
        "weights.c: must be a whole number from 0 to 100",
        "priority.expendable_below: must be between",
        "priority.cutoff: unknown field",
        "spread_defaults[0].maxSkew: must be 1 or more",
        "spread_defaults[0].whenUnsatisfiable: \"Never\": must be",
    ] {
        assert!(problems.contains(wanted), "wanted {wanted}\ngot\n{problems}");
    }
}

#[test]
fn aims_inside_a_larger_file_keep_their_path() {
    let config = single("c.yaml", b"aims: {limits: {window: x}}").unwrap();
    let problems = aims_from("c.yaml", "aims", config.get("aims").unwrap()).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "c.yaml: aims.limits.window: \"x\": not a duration such as 30s, 10m, 1h30m"
    );
}

#[test]
fn durations() {
    let table = [
        ("0", Some(0)),
        ("250ms", Some(250)),
        ("90s", Some(90_000)),
        ("1h30m", Some(5_400_000)),
        ("2d", Some(172_800_000)),
        ("", None),
        ("5", None),
        ("-5s", None),
        ("1.5h", None),
        ("5 m", None),
        ("99999999999999999999s", None),
        ("9223372036854775807d", None),
    ];
    for (text, millis) in table {
        assert_eq!(duration(text).map(Span::millis), millis, "{text}");
    }
}

#[test]
fn who_lets_more_of_a_group_go_means_its_zone_too() {
    let zone = |text: &str| {
        let text = format!("limits: {{{text}}}");
        let read = aims("aims.yaml", text.as_bytes()).unwrap();
        read.limits.removed_per_zone_permille
    };
    let table = [
        ("max_nodes: 9", 100),
        ("removed_per_window: 2%", 100),
        ("removed_per_window: 30%", 300),
        ("removed_per_window: 30%, removed_per_zone: 1%", 10),
        ("removed_per_zone: 50%", 500),
        ("removed_per_window: 100%, acknowledge_risk: true", 1000),
    ];
    for (text, expected) in table {
        assert_eq!(zone(text), Some(expected), "{text}");
    }
    let refused = aims("aims.yaml", b"limits: {removed_per_zone: 51%}").unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("limits.removed_per_zone: more than 50%"),
        "{refused}"
    );
    let down = |text: &str| {
        aims("aims.yaml", text.as_bytes())
            .unwrap()
            .limits
            .scaled_down_per_window
    };
    assert_eq!(down("limits: {max_nodes: 9}"), Some(1000));
    assert_eq!(down("limits: {scaled_down_per_window: 0}"), Some(0));
}
