//! Rates over two scrapes, what is missing, and the fallback.

use super::*;
use crate::script::{Script, status};
use model::ids::PodKey;

fn exposition(seconds: f64, millis: i64, pods: &[(&str, f64)]) -> String {
    let of_node = [
        format!("node_cpu_usage_seconds_total {seconds} {millis}"),
        format!("node_memory_working_set_bytes 1000 {millis}"),
    ];
    let of_pods = pods.iter().flat_map(|(pod, seconds)| {
        let labels = format!(r#"{{namespace="ns",pod="{pod}"}}"#);
        [
            format!("pod_cpu_usage_seconds_total{labels} {seconds} {millis}"),
            format!("pod_memory_working_set_bytes{labels} 500 {millis}"),
        ]
    });
    of_node.into_iter().chain(of_pods).collect::<Vec<_>>().join("\n")
}

fn take(load: &Load, text: &str) {
    load.scraped(&"n1".into(), exposition::parse(text, Instant(0)));
}

fn pod(name: &str) -> PodKey {
    PodKey::new("ns", name)
}

#[test]
fn a_rate_needs_two_scrapes_and_a_counter_that_goes_forward() {
    let load = Load::new(LOAD_INTERVAL);
    take(&load, &exposition(100.0, 10_000, &[("a", 5.0), ("b", 7.0)]));
    let (nodes, pods) = load.values(Instant(10_000));
    assert!(nodes.is_empty() && pods.is_empty(), "one reading is no rate");
    take(&load, &exposition(110.0, 20_000, &[("a", 7.5), ("c", 1.0)]));
    let (nodes, pods) = load.values(Instant(20_000));
    let at = Instant(20_000);
    let usage = |cpu_milli, memory_bytes| Usage {
        cpu_milli,
        memory_bytes,
        at,
    };
    assert_eq!(nodes.get(&"n1".into()), Some(&usage(1000, 1000)));
    assert_eq!(pods.get(&pod("a")), Some(&usage(250, 500)));
    assert_eq!(
        pods.get(&pod("b")),
        None,
        "a pod the kubelet no longer tells of has no load"
    );
    assert_eq!(pods.get(&pod("c")), None, "a new pod has none yet");
    // The counter went back: the pod was restarted. The last good value stays, with its own time.
    take(&load, &exposition(120.0, 30_000, &[("a", 0.5)]));
    let (_, pods) = load.values(Instant(30_000));
    assert_eq!(pods.get(&pod("a")), Some(&usage(250, 500)));
}

#[test]
fn a_value_that_is_too_old_is_dropped_rather_than_shown() {
    let load = Load::new(LOAD_INTERVAL);
    take(&load, &exposition(100.0, 10_000, &[]));
    take(&load, &exposition(110.0, 20_000, &[]));
    assert_eq!(load.values(Instant(20_000 + FORGET)).0.len(), 1);
    assert_eq!(load.values(Instant(20_001 + FORGET)).0.len(), 0);
}

struct Names;

impl Roll for Names {
    fn nodes(&self) -> Option<Vec<NodeName>> {
        Some(vec!["n1".into()])
    }

    fn node_of(&self, pod: &PodKey) -> Option<NodeName> {
        (&*pod.name != "unbound").then(|| "n1".into())
    }
}

#[tokio::test]
async fn a_silent_kubelet_is_looked_up_in_the_metrics_api() {
    let row = |name: &str, namespace: &str, usage: &str| {
        format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"{namespace}"}},"timestamp":"2026-11-21T10:00:00Z",{usage}}}"#
        )
    };
    let one = r#"{"cpu":"250m","memory":"1Mi"}"#;
    let nodes = row("n1", "", r#""usage":{"cpu":"1500000000n","memory":"2Ki"}"#);
    let whole = row(
        "a",
        "ns",
        &format!(r#""containers":[{{"usage":{one}}},{{"usage":{one}}}]"#),
    );
    let broken = row(
        "b",
        "ns",
        &format!(r#""containers":[{{"usage":{one}}},{{"usage":{{"cpu":"x"}}}}]"#),
    );
    let elsewhere = row("unbound", "ns", &format!(r#""containers":[{{"usage":{one}}}]"#));
    let script = Script::new([
        status(503, "ServiceUnavailable"),
        (200, format!(r#"{{"items":[{nodes}]}}"#)),
        (200, format!(r#"{{"items":[{whole},{broken},{elsewhere}]}}"#)),
    ]);
    let load = Load::new(LOAD_INTERVAL);
    let all = Names.nodes().unwrap();
    let silent = ask_kubelets(&script.client(), &load, &all, 0).await;
    assert_eq!(silent, all);
    assert!(ask_metrics_api(&script.client(), &load, &Names, &silent).await);
    assert_eq!(script.lines()[0], "/api/v1/nodes/n1/proxy/metrics/resource");
    let at = Instant(1_795_255_200_000);
    let (nodes, pods) = load.values(at);
    let usage = |cpu_milli, memory_bytes| Usage {
        cpu_milli,
        memory_bytes,
        at,
    };
    assert_eq!(nodes.get(&"n1".into()), Some(&usage(1500, 2048)));
    assert_eq!(pods.get(&pod("a")), Some(&usage(500, 2 << 20)));
    assert_eq!(
        pods.len(),
        1,
        "a pod whose containers cannot all be read has no load: {pods:?}"
    );
}

#[test]
fn nodes_are_asked_at_different_times_within_the_spread() {
    let spread = Duration::from_secs(7);
    let delays: std::collections::BTreeSet<Duration> = (0..50)
        .map(|n| delay(&NodeName::new(format!("n{n}")), 3, spread))
        .collect();
    assert!(delays.len() > 45, "{delays:?}");
    assert!(delays.iter().all(|delay| *delay <= spread));
}
