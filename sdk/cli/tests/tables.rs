//! Tables of a policy over what the engine finds: manifests, cycles of a log, moments of a scenario. One-line rules stand
//! for policies of any language: what is asked of them is asked of components the same way.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests stop the test and say what was skipped"
)]

#[expect(dead_code, reason = "another test uses the others")]
mod command;

use command::{Run, folder, plimsoll};
use tempfile::TempDir;

const CLUSTER: &str = "
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, resources: {requests: {cpu: 2, memory: 4Gi}}}]}
";

const OFFERS: &str = "instance_type,vcpu,memory_mib,arch,od_usd_h,azs
m6a.xlarge,4,16384,x86_64,0.1728,use1-az1
m6g.xlarge,4,16384,arm64,0.154,use1-az1
";

const QUEUE: &str = "
name: queue
seed: 5
start: 2026-03-02T11:00:00Z
duration: 20m
groups:
  - {name: general, types: [m6a.large, m6a.xlarge], min: 1, max: 10}
deployments:
  - name: kitchen
    cpu: 500m
    memory: 1Gi
    replicas: 2
    metrics:
      - name: queue
        points: [{at: 0s, value: 0}, {at: 10m, value: 0}, {at: 11m, value: 500}, {at: 20m, value: 500}]
aims:
  scale:
    - {workload: Deployment default/kitchen, min: 1, max: 40, metric: queue, target: 25}
";

const RULES: &str = "
deep: scaler: replicas min(workload.value / 25, workload.max) when workload.value > 100
arm: placement: forbid any when set.arch == \"arm64\"
dear: review: hold when step.adds > 0.01
";

fn room(table: &str) -> TempDir {
    folder(&[
        ("cluster.yaml", CLUSTER),
        ("offers.csv", OFFERS),
        ("queue.yaml", QUEUE),
        ("p.rules", RULES),
        ("table.yaml", table),
    ])
}

fn held(room: &TempDir, more: &[&str]) -> Run {
    let args = ["policy", "test", "p.rules", "--tables", "table.yaml"];
    plimsoll(room, &[&args, more].concat())
}

#[test]
fn a_case_over_manifests_sees_what_a_plan_sees() {
    let room = room(
        "
hook: placement
cases:
- name: arm is for sale
  snapshot: {cluster: [cluster.yaml], offers: offers.csv}
  expect: {bans: [{workload: Deployment/shop/web, set_name: fleet/arm64/on-demand, cpu_milli: 2000, code: 2}]}
- name: nothing waits
  hook: review
  snapshot: {cluster: [cluster.yaml], offers: offers.csv}
  expect: {holds: [{kind: GrowGroup, text: dear}]}
",
    );
    let run = held(&room, &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("2 cases passed, 0 failed"), "{}", run.stdout);
}

#[test]
fn a_case_at_a_moment_of_a_scenario_sees_what_has_come_about() {
    let room = room(
        "
hook: scaler
cases:
- {name: before, scenario: {file: queue.yaml, after: 5m}, expect: {replicas: [], at: \"2026-03-02T11:05:00Z\"}}
- name: as it comes
  scenario: {file: queue.yaml, after: 12m}
  expect: {replicas: [{workload: Deployment/default/kitchen, wanted: 20, text: deep}]}
- name: the nodes for it wait
  hook: review
  scenario: {file: queue.yaml, after: 12m}
",
    );
    let run = held(&room, &["--bless"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains("2 cases passed, 0 failed, 1 blessed"),
        "{}",
        run.stdout
    );
    let blessed = std::fs::read_to_string(room.path().join("table.answers.yaml")).unwrap();
    assert!(
        blessed.contains("kind: GrowGroup") && blessed.contains("group: general"),
        "{blessed}"
    );
    let again = held(&room, &[]);
    assert!(
        again.stdout.contains("3 cases passed, 0 failed"),
        "{}{}",
        again.stdout,
        again.stderr
    );
}

#[test]
fn a_case_over_a_recorded_cycle_sees_its_picture() {
    let room = room("cases: []");
    let played = plimsoll(&room, &["simulate", "queue.yaml", "--log", "log"]);
    assert_eq!(played.code, 0, "{}", played.stderr);
    // Cycle 23 is the one at 11 minutes: no node is launched before it.
    let table = "
cases:
- {name: quiet, hook: review, snapshot: {log: log, cycle: 5}, expect: {asked: false}}
- name: busy
  hook: scaler
  snapshot: {log: log, cycle: 25}
  expect: {at: \"2026-03-02T11:12:00Z\", replicas: [{wanted: 20}]}
";
    std::fs::write(room.path().join("table.yaml"), table).unwrap();
    let run = held(&room, &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("2 cases passed, 0 failed"), "{}", run.stdout);
}

#[test]
fn a_case_that_cannot_be_asked_says_why() {
    for (case, why) in [
        (
            "snapshot: {log: log}",
            "either `cluster`, with `offers` and `aims`, or `log` and `cycle` are meant",
        ),
        ("snapshot: {log: nowhere, cycle: 3}", "nowhere"),
        (
            "snapshot: {cluster: [nowhere.yaml]}",
            "nowhere.yaml: No such file",
        ),
        (
            "scenario: {file: queue.yaml, after: soon}",
            "`soon` is no time such as 90s",
        ),
        (
            "scenario: {file: queue.yaml, after: 20m}",
            "the scenario ends after 20m",
        ),
        ("scenario: {file: cluster.yaml, after: 1m}", "cluster.yaml"),
        (
            "state: x\n  scenario: {file: queue.yaml, after: 1m}",
            "state: what it keeps in a scenario",
        ),
        (
            "picture: {}\n  scenario: {file: queue.yaml, after: 1m}",
            "more than one of `picture`, `snapshot` and `scenario`",
        ),
        (
            "scenario: {files: queue.yaml, after: 1m}",
            "unknown field `files`",
        ),
    ] {
        let room = room(&format!(
            "hook: scaler\ncases:\n- name: odd\n  expect: {{asked: false}}\n  {case}\n"
        ));
        let run = held(&room, &[]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{case}: {}", run.stderr);
        assert!(
            run.stderr.contains(why) && run.stderr.contains("table.yaml"),
            "{case}: {}",
            run.stderr
        );
    }
}

/// Rules go wherever components do: measured, looked at, held against a log.
#[test]
fn rules_are_measured_and_looked_at_as_components_are() {
    let room = room("cases: []");
    let seen = plimsoll(&room, &["policy", "inspect", "p.rules", "-o", "json"]).json();
    assert_eq!(
        seen["hooks"],
        serde_json::json!(["scaler", "placement", "review"])
    );
    assert_eq!(seen["rules"][1]["label"], "rule 2, arm");
    let run = plimsoll(
        &room,
        &[
            "policy", "bench", "p.rules", "--rows", "100", "--hook", "scaler", "-o", "json",
        ],
    );
    let measured = run.json();
    let row = &measured["policies"][0];
    assert_eq!(row["digest"], seen["digest"], "{measured}");
    assert!(
        row["fuel"].as_u64().unwrap() > 0 && row["memory_bytes"].is_null(),
        "{measured}"
    );
    assert!(
        row["call_microseconds"]["best"].as_f64().unwrap() > 0.0,
        "{measured}"
    );

    let played = plimsoll(&room, &["simulate", "queue.yaml", "--log", "log"]);
    assert_eq!(played.code, 0, "{}", played.stderr);
    let run = plimsoll(
        &room,
        &["policy", "test", "p.rules", "--log", "log", "-o", "json"],
    );
    let report = run.json();
    assert_eq!(report["digest"], seen["digest"], "{report}");
    assert!(
        report["calls"].as_u64().unwrap() > 0 && report["changed"].as_u64().unwrap() > 0,
        "{report}"
    );
}
