//! One-line rules as their users run them: checked, held against tables, planned, simulated and replayed with.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests stop the test and say what was skipped"
)]

#[expect(dead_code, reason = "another test uses the others")]
mod command;

use command::{folder, plimsoll};
use serde_json::json;

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

const LUNCH: &str = "
name: lunch
seed: 5
start: 2026-03-02T11:00:00Z
duration: 10m
groups:
  - {name: general, types: [m6a.large, m6a.xlarge], min: 1, max: 10}
deployments:
  - {name: kitchen, cpu: 500m, memory: 1Gi, replicas: 6}
";

/// The example that every SDK has passes its table as a rule, to the letter of a hundred thousand rows.
#[test]
fn a_rule_conforms_where_it_can_say_the_example() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let (rules, table) = (
        format!("{root}/daemon/rules/examples/within-bounds.rules"),
        format!("{root}/sdk/conformance/within-bounds"),
    );
    let run = plimsoll(&folder(&[]), &["policy", "test", &rules, "--tables", &table]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("4 cases passed, 0 failed"), "{}", run.stdout);
}

#[test]
fn a_plan_asks_rules_as_it_asks_programs() {
    let rules = "arm: placement: forbid any when set.arch == \"arm64\" && class.namespace == config.teams";
    let room = folder(&[
        ("c.yaml", CLUSTER),
        ("o.csv", OFFERS),
        ("no-arm.rules", rules),
        ("shop.json", r#"{"teams": "shop"}"#),
        ("mall.json", r#"{"teams": "mall"}"#),
    ]);
    for (config, wanted) in [("shop.json", "m6a.xlarge"), ("mall.json", "m6g.xlarge")] {
        let policy = format!("no-arm.rules={config}");
        let asked = [
            "plan",
            "--cluster",
            "c.yaml",
            "--offers",
            "o.csv",
            "--policy",
            &policy,
            "-o",
            "json",
        ];
        let run = plimsoll(&room, &asked);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let document = run.json();
        let nodes = document["nodes"].as_array().unwrap();
        assert!(
            !nodes.is_empty() && nodes.iter().all(|node| node["offer"]["type"] == wanted),
            "{document}"
        );
    }
}

#[test]
fn a_log_keeps_rules_and_replays_them() {
    let room = folder(&[
        ("lunch.yaml", LUNCH),
        (
            "dear.rules",
            "# a comment is not kept\nplacement: add 0.01 on ec2 when class.cpu_milli >= 500\n",
        ),
    ]);
    let run = plimsoll(
        &room,
        &[
            "simulate",
            "lunch.yaml",
            "--policy",
            "dear.rules",
            "--log",
            "log",
            "-o",
            "json",
        ],
    );
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let asked = run.json()["policy"].clone();
    assert!(
        asked["calls"].as_u64().unwrap() > 0 && asked["faults"] == 0,
        "{asked}"
    );
    let again = plimsoll(&room, &["replay", "log", "-o", "json"]);
    assert_eq!(again.code, 0, "{}{}", again.stdout, again.stderr);
    let report = again.json();
    assert_eq!(report["components"], json!(1), "{report}");
    assert!(report["identical"].as_u64().unwrap() > 0, "{report}");
}

#[test]
fn a_check_says_what_rules_answer_and_what_is_wrong() {
    let room = folder(&[
        (
            "good.rules",
            "big: placement: forbid fargate when class.memory_mib > 16384\nreview: hold when step.adds > 1\n",
        ),
        (
            "bad.rules",
            "placement: forbid fargate\n\nplacement: forbid spot when class.memry_mib > 1\n",
        ),
        (
            "zero.rules",
            "scaler: replicas 1 / (workload.pods - workload.pods)\n",
        ),
    ]);
    let run = plimsoll(&room, &["policy", "check", "good.rules", "-o", "json"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let report = run.json();
    assert_eq!(report["passed"], json!(true), "{report}");
    assert_eq!(
        report["rules"][0],
        json!({"number": 1, "hook": "placement", "label": "rule 1, big"})
    );
    assert_eq!(report["evaluations"].as_array().unwrap().len(), 8);

    let run = plimsoll(&room, &["policy", "check", "bad.rules"]);
    let said = "bad.rules: line 3, column 35: class has no memry_mib; did you mean memory_mib?";
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains(said), "{}", run.stderr);
    let run = plimsoll(
        &room,
        &["plan", "--cluster", "none.yaml", "--policy", "bad.rules"],
    );
    assert_eq!(run.code, 2);

    let run = plimsoll(&room, &["policy", "check", "zero.rules"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stdout.contains("divided by zero"), "{}", run.stdout);
}
