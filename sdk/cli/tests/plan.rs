//! `plimsoll plan` as its users run it: the built command, files, exit codes, stdout and stderr.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests stop the test and say what was skipped"
)]

#[expect(dead_code, reason = "another test uses the others")]
mod command;

use command::{Run, data, folder, plimsoll, with_stdin};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::time::{Duration, Instant};

const CLUSTER: &str = "
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 5
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, resources: {requests: {cpu: 2, memory: 4Gi}}}]}
---
kind: Node
metadata: {name: n1, labels: {kubernetes.io/arch: amd64, topology.kubernetes.io/zone: us-east-1a}}
status: {allocatable: {cpu: '3', memory: 6Gi, pods: '20'}}
---
kind: ConfigMap
metadata: {name: ignored}
";

const OFFERS: &str = "instance_type,vcpu,memory_mib,arch,od_usd_h,azs
m6a.xlarge,4,16384,x86_64,0.1728,use1-az1 use1-az2
m6a.2xlarge,8,32768,x86_64,0.3456,use1-az1
";

#[test]
fn a_plan_can_be_verified() {
    let room = folder(&[("c.yaml", CLUSTER), ("o.csv", OFFERS)]);
    let asked = ["plan", "--cluster", "c.yaml", "--offers", "o.csv", "--verify"];
    let run = plimsoll(&room, &asked);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("verified: every pod once"), "{}", run.stdout);
    let run = plimsoll(&room, &[&asked[..], &["-o", "json"]].concat());
    assert_eq!(run.json()["flaws"], serde_json::json!([]));
}

#[test]
fn the_document_is_what_the_contract_says() {
    let room = folder(&[("c.yaml", CLUSTER), ("o.csv", OFFERS)]);
    let run = plimsoll(
        &room,
        &["plan", "--cluster", "c.yaml", "--offers", "o.csv", "-o", "json"],
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("1 ConfigMap"), "{}", run.stderr);
    let plan = run.json();
    assert_eq!(plan["version"], "plimsoll.plan/v1");
    assert_eq!(
        plan["pods"],
        serde_json::json!({"pending": 5, "placed": 5, "refused": 0})
    );
    assert_eq!(plan["existing"][0]["node"], "n1");
    assert_eq!(plan["existing"][0]["pods"].as_array().unwrap().len(), 1);
    let node = &plan["nodes"][0];
    assert_eq!(
        (&node["group"], &node["offer"]["kind"]),
        (&Value::from("fleet"), &Value::from("ec2"))
    );
    for field in [
        "/offer/type",
        "/offer/zone",
        "/offer/purchase",
        "/offer/usd_per_hour",
        "/requested/memory_bytes",
        "/allocatable/pods",
    ] {
        assert!(node.pointer(field).is_some(), "{field} is missing in {node}");
    }
    let cost = &plan["cost"];
    assert_eq!(cost["scope"], "purchase");
    assert!(cost["usd_per_hour"].as_f64().unwrap() >= cost["lower_bound_usd_per_hour"].as_f64().unwrap());
    assert!(
        plan["steps"]
            .as_array()
            .unwrap()
            .iter()
            .any(|step| step["kind"] == "GrowGroup")
    );
    assert_eq!(plan["policy_faults"], serde_json::json!([]));
    assert_each_pod_once(&plan);
}

#[test]
fn a_refused_pod_gives_exit_code_one_and_a_reason() {
    let pod = r#"{"kind":"Pod","metadata":{"name":"huge"},"spec":{"containers":[{"resources":{"requests":{"cpu":"1E"}}}]}}"#;
    let room = folder(&[]);
    let run = with_stdin(&room, &["plan", "--cluster", "-"], pod.as_bytes());
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(
        run.stdout.contains("InsufficientCpu") && run.stdout.contains("default/huge"),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains('\u{1b}'), "colours without a terminal");
    let why = with_stdin(
        &room,
        &["plan", "--cluster", "-", "--why", "default/huge", "-o", "json"],
        pod.as_bytes(),
    );
    assert_eq!(
        (why.code, why.json()["refusal"]["reason"].as_str()),
        (1, Some("InsufficientCpu"))
    );
}

#[test]
fn limits_in_force_are_shown_and_the_one_that_binds_is_named() {
    let aims = "quotas: {total: {cpu: 8, memory: 1Ti}}\n";
    let room = folder(&[("c.yaml", CLUSTER), ("o.csv", OFFERS), ("a.yaml", aims)]);
    let asked = [
        "plan",
        "--cluster",
        "c.yaml",
        "--offers",
        "o.csv",
        "--aims",
        "a.yaml",
        "--verify",
    ];
    let run = plimsoll(&room, &asked);
    assert_eq!(run.code, 1, "{}", run.stderr);
    for wanted in [
        "quota in total",
        "8 CPUs",
        "binds",
        "max_nodes",
        "max_rate",
        "LimitReached",
    ] {
        assert!(run.stdout.contains(wanted), "{wanted} in {}", run.stdout);
    }
    let plan = plimsoll(&room, &[&asked[..], &["-o", "json"]].concat()).json();
    let limits = plan["limits"].as_array().unwrap();
    let cpu = limits.iter().find(|limit| limit["unit"] == "cpu_milli").unwrap();
    assert_eq!(
        *cpu,
        serde_json::json!({"limit": "quota", "unit": "cpu_milli", "allowed": 8000, "used": 3000, "adds": 4000, "binds": true})
    );
    let binding = limits.iter().filter(|limit| limit["binds"] == true);
    assert_eq!(binding.count(), 1, "{limits:?}");
    assert_eq!(plan["refusals"][0]["reason"], "LimitReached");
    assert_eq!(plan["flaws"], serde_json::json!([]));
}

#[test]
fn two_runs_print_the_same_bytes() {
    let room = folder(&[("c.yaml", CLUSTER), ("o.csv", OFFERS)]);
    let once = || {
        let run = plimsoll(
            &room,
            &["plan", "--cluster", "c.yaml", "--offers", "o.csv", "-o", "json"],
        );
        run.stdout
            .split("\"engine\"")
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let first = once();
    assert!(first.len() > 500);
    assert_eq!(first, once());
}

/// The row "real input" of the first issue's table.
#[test]
fn the_openb_trace_is_planned_within_five_seconds() {
    let Some((trace, offers)) =
        data("traces/openb_pod_list_default.csv.zst").zip(data("ec2_us-east-1.csv.gz"))
    else {
        return;
    };
    let room = folder(&[]);
    let pods = File::create(room.path().join("pods.json")).unwrap();
    assert_eq!(openb::convert(File::open(trace).unwrap(), pods).unwrap(), 8152);
    let begun = Instant::now();
    let run = plimsoll(
        &room,
        &[
            "plan",
            "--cluster",
            "pods.json",
            "--offers",
            offers.to_str().unwrap(),
            "-o",
            "json",
        ],
    );
    let took = begun.elapsed();
    assert!(run.code <= 1, "{}", run.stderr);
    let plan = run.json();
    assert_eq!(plan["pods"]["pending"], 8152);
    assert_each_pod_once(&plan);
    println!(
        "openb: {} placed, {} refused, {} nodes, gap {:.2} %, {took:?}",
        plan["pods"]["placed"],
        plan["pods"]["refused"],
        plan["nodes"].as_array().unwrap().len(),
        plan["cost"]["gap_percent"].as_f64().unwrap(),
    );
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// The same path on a committed handful of the trace's columns, for machines without the data.
#[test]
fn a_handful_of_openb_rows_is_planned() {
    let rows = "name,cpu_milli,memory_mib,num_gpu,gpu_milli\na,12000,16384,1,1000\nb,6000,12288,1,460\nc,4000,1024,0,0\n";
    let room = folder(&[(
        "o.csv",
        "instance_type,vcpu,memory_mib,arch,od_usd_h,gpu_count\ng,32,131072,arm64,1.5,2\n",
    )]);
    let pods = File::create(room.path().join("pods.json")).unwrap();
    assert_eq!(openb::convert(rows.as_bytes(), pods).unwrap(), 3);
    let plan = plimsoll(
        &room,
        &[
            "plan",
            "--cluster",
            "pods.json",
            "--offers",
            "o.csv",
            "-o",
            "json",
        ],
    )
    .json();
    assert_eq!(plan["pods"]["placed"], 3);
    assert_eq!(plan["nodes"][0]["requested"]["extended"]["nvidia.com/gpu"], 2);
}

fn assert_each_pod_once(plan: &Value) {
    let mut seen = BTreeSet::new();
    let lists = ["nodes", "existing"]
        .iter()
        .flat_map(|key| plan[*key].as_array().unwrap());
    let placed = lists.flat_map(|node| node["pods"].as_array().unwrap());
    let refused = plan["refusals"].as_array().unwrap().iter().map(|refusal| {
        assert!(!refusal["message"].as_str().unwrap().is_empty());
        &refusal["pod"]
    });
    for pod in placed.chain(refused) {
        assert!(seen.insert(pod.as_str().unwrap()), "{pod} stands there twice");
    }
    assert_eq!(seen.len() as u64, plan["pods"]["pending"].as_u64().unwrap());
}

fn complaint(run: &Run) -> &str {
    assert_eq!(run.code, 2, "stdout: {}\nstderr: {}", run.stdout, run.stderr);
    assert_eq!(run.stdout, "", "nothing but results belongs on stdout");
    run.stderr.trim_end()
}

/// The row "bad input" of the first issue's table: one clear line that names file and field.
#[test]
fn bad_input_is_told_in_one_line() {
    let pod = |body: &str| format!("kind: Pod\nmetadata: {{name: a, namespace: n}}\nspec: {body}\n");
    let request = |cpu: &str| {
        pod(&format!(
            "{{containers: [{{resources: {{requests: {{cpu: '{cpu}'}}}}}}]}}"
        ))
    };
    let table = [
        ("a: [unclosed\n  b: : {", "bad.yaml:"),
        ("{\"kind\": \"Pod\", \"metadata\"", "bad.yaml:"),
        ("[1, 2]", "bad.yaml:"),
        (
            "kind: List\nitems: [7]",
            "bad.yaml: items[0]: not a Kubernetes object",
        ),
        (
            "kind: ConfigMap\nmetadata: {name: a}",
            "bad.yaml: holds nothing that a plan reads, only 1 ConfigMap",
        ),
        (
            &request("-1"),
            "bad.yaml: Pod n/a: spec.containers[0].resources.requests.cpu: \"-1\": must not be negative",
        ),
        (
            &request("5 apples"),
            "bad.yaml: Pod n/a: spec.containers[0].resources.requests.cpu: \"5 apples\": unknown unit",
        ),
        (
            &format!("{0}---\n{0}", pod("{containers: [{}]}")),
            "bad.yaml: Pod n/a: metadata.name: stands there twice",
        ),
        ("", "bad.yaml: holds no objects"),
        (
            "kind: Pod\nmetadata: {name: 5}\nspec: {containers: [{}]}",
            "bad.yaml: Pod: metadata.name: must be text, is a number",
        ),
    ];
    for (text, wanted) in table {
        let room = folder(&[("bad.yaml", text)]);
        let run = plimsoll(&room, &["plan", "--cluster", "bad.yaml"]);
        let line = complaint(&run);
        assert!(
            line.starts_with(&format!("error: {wanted}")),
            "{text}\n  wanted {wanted}\n  got    {line}"
        );
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}

#[test]
fn other_files_are_named_as_well() {
    let room = folder(&[
        ("c.yaml", CLUSTER),
        ("no-price.csv", "instance_type,vcpu\nm,2\n"),
        (
            "letters.csv",
            "instance_type,vcpu,memory_mib,arch,od_usd_h\nm,two,1024,amd64,1\n",
        ),
        ("aims.yaml", "limits: {window: soon, bogus: 1}\nshrink: 5\n"),
        ("text.wasm", "not wasm"),
    ]);
    let table: [(&[&str], &[&str]); 6] = [
        (
            &["--offers", "no-price.csv"],
            &[
                "no-price.csv:1: column memory_mib is missing",
                "column arch",
                "column od_usd_h",
            ],
        ),
        (
            &["--offers", "letters.csv"],
            &["letters.csv:2: vcpu: \"two\": not a number"],
        ),
        (&["--offers", "absent.csv"], &["absent.csv: No such file"]),
        (
            &["--aims", "aims.yaml"],
            &[
                "limits.window: \"soon\": not a duration",
                "limits.bogus: unknown field",
                "shrink: must be a mapping",
            ],
        ),
        (&["--policy", "text.wasm"], &["text.wasm: not a WebAssembly file"]),
        (&["--why", "shop/nobody"], &["shop/nobody: there is no such pod"]),
    ];
    for (args, wanted) in table {
        let all: Vec<&str> = ["plan", "--cluster", "c.yaml"]
            .iter()
            .chain(args)
            .copied()
            .collect();
        let run = plimsoll(&room, &all);
        let text = complaint(&run);
        for part in wanted {
            assert!(text.contains(part), "wanted {part}\ngot {text}");
        }
    }
}

/// A component that imports WASI is refused before anything is compiled.
#[test]
fn a_component_that_imports_wasi_is_refused() {
    let room = folder(&[("c.yaml", CLUSTER)]);
    std::fs::write(room.path().join("wasi.wasm"), command::component_importing_wasi()).unwrap();
    let run = plimsoll(&room, &["plan", "--cluster", "c.yaml", "--policy", "wasi.wasm"]);
    let line = complaint(&run);
    assert!(
        line.contains("wasi.wasm: imports wasi:clocks/monotonic-clock"),
        "{line}"
    );
}
