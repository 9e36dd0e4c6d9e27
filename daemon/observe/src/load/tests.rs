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
    load.scraped(&"n1".into(), exposition::parse(text, Instant(0)), &Names);
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
        match &*pod.name {
            "unbound" => None,
            "elsewhere" => Some("n2".into()),
            _ => Some("n1".into()),
        }
    }
}

#[test]
fn a_kubelet_speaks_for_its_own_pods_only() {
    let load = Load::new(LOAD_INTERVAL);
    for (seconds, millis) in [(1.0, 10_000), (2.0, 20_000)] {
        let pods = [("a", seconds), ("elsewhere", seconds), ("unbound", seconds)];
        take(&load, &exposition(seconds, millis, &pods));
    }
    let (_, pods) = load.values(Instant(20_000));
    assert_eq!(pods.keys().collect::<Vec<_>>(), [&pod("a")]);
}

#[test]
fn of_two_values_of_a_pod_the_newer_counts_and_none_from_the_future() {
    let load = Load::new(LOAD_INTERVAL);
    let usage = |cpu_milli, at| Usage {
        cpu_milli,
        memory_bytes: 1,
        at: Instant(at),
    };
    // `n2` comes after `n1`; the pod was on `n2` before.
    load.told(
        metrics_api::Told {
            nodes: vec![("n1".into(), usage(1, 30_000 + AHEAD + 1))],
            pods: vec![
                ("n1".into(), pod("a"), usage(100, 30_000)),
                ("n2".into(), pod("a"), usage(900, 20_000)),
            ],
        },
        &|_| true,
    );
    let (nodes, pods) = load.values(Instant(30_000));
    assert_eq!(pods.get(&pod("a")), Some(&usage(100, 30_000)));
    assert!(nodes.is_empty(), "a clock that is wrong: {nodes:?}");
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_the_end() {
    let endless = futures::io::repeat(b'x');
    let told = timeout(Duration::from_secs(10), read(endless, 1000))
        .await
        .unwrap();
    assert_eq!(told.unwrap_err(), "more than 1000 bytes");
    let short = futures::io::Cursor::new(vec![b'x'; 1000]);
    assert_eq!(read(short, 1000).await.unwrap().len(), 1000);
}

#[tokio::test]
async fn hanging_kubelets_end_with_the_round_and_are_asked_last() {
    let asked: std::sync::Arc<Mutex<Vec<String>>> = std::sync::Arc::default();
    let log = asked.clone();
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let path = request.uri().path().to_owned();
        let hangs = path.contains("/bad-");
        log.lock().unwrap().push(path);
        async move {
            if hangs {
                sleep(Duration::from_hours(1)).await;
            }
            let text = "node_cpu_usage_seconds_total 1 1000\n".as_bytes().to_vec();
            Ok::<_, std::io::Error>(http::Response::new(kube::client::Body::from(text)))
        }
    });
    let client = Client::new(service, "default");
    let names = |kind: &str, count: usize| (0..count).map(|n| NodeName::new(format!("{kind}-{n}"))).collect();
    let (bad, good): (Vec<NodeName>, Vec<NodeName>) = (names("bad", 200), names("good", 3));
    let all = [bad.clone(), good.clone()].concat();
    // Shorter than the time that one kubelet is given to answer.
    let load = Load::new(Duration::from_millis(200));
    let began = tokio::time::Instant::now();
    let silent = ask_kubelets(&client, &load, (&Names, &all), &Round::default()).await;
    assert!(began.elapsed() < ANSWER, "{:?}", began.elapsed());
    assert!(bad.iter().all(|node| silent.contains(node)));
    asked.lock().unwrap().clear();
    let next = Round {
        number: 1,
        silent: bad.into_iter().collect(),
    };
    let silent = ask_kubelets(&client, &load, (&Names, &all), &next).await;
    assert!(good.iter().all(|node| !silent.contains(node)));
    let first: Vec<String> = asked.lock().unwrap().iter().take(3).cloned().collect();
    assert!(first.iter().all(|path| path.contains("/good-")), "{first:?}");
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
    let silent = ask_kubelets(&script.client(), &load, (&Names, &all), &Round::default()).await;
    assert_eq!(silent, all.into_iter().collect());
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
    let delays: BTreeSet<Duration> = (0..50)
        .map(|n| delay(&NodeName::new(format!("n{n}")), 3, spread))
        .collect();
    assert!(delays.len() > 45, "{delays:?}");
    assert!(delays.iter().all(|delay| *delay <= spread));
}
