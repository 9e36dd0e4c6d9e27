//! `plimsoll plan --why` and `--bill` as somebody new would use them: the built command, its text and its JSON.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests stop the test"
)]

#[expect(dead_code, reason = "another test uses the others")]
mod command;

use command::{Run, folder, plimsoll};
use serde_json::Value;
use tempfile::TempDir;

const OFFERS: &str = "instance_type,vcpu,memory_mib,arch,od_usd_h,azs
m6a.xlarge,4,16384,x86_64,0.1728,use1-az1 use1-az2
m6a.2xlarge,8,32768,x86_64,0.3456,use1-az1
c6a.xlarge,4,8192,x86_64,0.153,use1-az1 use1-az2
";

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
kind: Pod
metadata: {name: huge, namespace: shop}
spec: {containers: [{resources: {requests: {cpu: 9, memory: 1Gi}}}]}
---
kind: Pod
metadata: {name: busy, namespace: shop}
spec: {nodeName: n1, containers: [{resources: {requests: {cpu: 500m, memory: 1Gi}}}]}
status: {phase: Running}
---
kind: Pod
metadata: {name: gated, namespace: shop}
spec: {schedulingGates: [{name: wait}], containers: [{resources: {requests: {cpu: 500m}}}]}
---
kind: Node
metadata: {name: n1, labels: {kubernetes.io/arch: amd64, topology.kubernetes.io/zone: us-east-1a}}
status: {allocatable: {cpu: '3', memory: 6Gi, pods: '20'}}
";

fn room() -> TempDir {
    folder(&[("c.yaml", CLUSTER), ("o.csv", OFFERS)])
}

fn plan(args: &[&str]) -> Run {
    let all = [&["plan", "--cluster", "c.yaml", "--offers", "o.csv"], args].concat();
    plimsoll(&room(), &all)
}

/// A pod that the plan puts in this part of the document.
fn pod_in(part: &str) -> String {
    let plan = plan(&["-o", "json"]).json();
    plan[part][0]["pods"][0].as_str().unwrap().to_owned()
}

#[test]
fn a_pod_on_a_new_node_is_told_what_it_pays_and_what_else_would_run_it() {
    let pod = pod_in("nodes");
    let text = plan(&["--why", &pod]).stdout;
    println!("{text}");
    for part in [
        "to be bought",
        "asks for     2000m CPU, 4096Mi memory; 5 pods are alike",
        "of the node's $",
        "shares with",
        "Fargate      is not offered",
        "ITS SHARE $/H",
        "chosen",
        "step: ",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let why = plan(&["--why", &pod, "-o", "json"]).json();
    assert_eq!(
        (&why["place"], &why["pod"]),
        (&Value::from("new"), &Value::from(pod))
    );
    let account = &why["why"];
    let others = account["alternatives"].as_array().unwrap();
    assert_eq!(others.iter().filter(|other| other["chosen"] == true).count(), 1);
    let shares: Vec<f64> = others
        .iter()
        .map(|o| o["usd_per_hour_per_pod"].as_f64().unwrap())
        .collect();
    assert!(shares.is_sorted() && shares.len() == 3, "{shares:?}");
    assert_eq!(account["pays_usd_per_hour"].as_f64(), shares.first().copied());
    assert_eq!(account["ruled_out"], serde_json::json!({}));
}

#[test]
fn a_pod_that_fits_on_a_node_pays_nothing() {
    let pod = pod_in("existing");
    let run = plan(&["--why", &pod]);
    assert!(
        run.stdout.contains("fits on n1, which is there"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("pays         nothing"), "{}", run.stdout);
    let why = plan(&["--why", &pod, "-o", "json"]).json();
    assert_eq!(
        (&why["place"], &why["existing"]),
        (&Value::from("existing"), &Value::from("n1"))
    );
    assert_eq!(why["why"]["pays_usd_per_hour"], 0.0);
}

#[test]
fn a_refused_pod_is_told_by_how_much_offers_fall_short_and_what_would_help() {
    let run = plan(&["--why", "shop/huge"]);
    println!("{}", run.stdout);
    assert_eq!(run.code, 1, "{}", run.stderr);
    for part in [
        "shop/huge has no place",
        "the closest offers",
        "m6a.2xlarge",
        "what would help: offer a larger type",
    ] {
        assert!(run.stdout.contains(part), "{part} is missing in\n{}", run.stdout);
    }
    let why = plan(&["--why", "shop/huge", "-o", "json"]).json();
    let closest = &why["refusal"]["closest"][0];
    assert_eq!(closest["reason"], "InsufficientCpu");
    // 8 cores less what the kubelet and the system keep.
    assert_eq!(closest["short"], 9000 - 7910);
    assert_eq!(
        why["why"]["next"],
        "offer a larger type, or let the pod ask for less"
    );
}

#[test]
fn huge_pages_are_told_in_mebibytes() {
    let pod = "
kind: Pod
metadata: {name: pages, namespace: shop}
spec: {containers: [{resources: {requests: {cpu: 1, memory: 1Gi, hugepages-2Mi: 64Mi}, limits: {hugepages-2Mi: 64Mi}}}]}
";
    let room = folder(&[("c.yaml", pod), ("o.csv", OFFERS)]);
    let run = plimsoll(
        &room,
        &[
            "plan",
            "--cluster",
            "c.yaml",
            "--offers",
            "o.csv",
            "--why",
            "shop/pages",
        ],
    );
    for part in [
        "shop/pages has no place: asks for 64Mi of hugepages-2Mi, 0 there",
        "asks for     1000m CPU, 1024Mi memory, 64Mi hugepages-2Mi",
    ] {
        assert!(run.stdout.contains(part), "{part} is missing in\n{}", run.stdout);
    }
}

#[test]
fn pods_that_do_not_wait_are_told_why() {
    for (pod, wanted) in [
        ("shop/busy", "shop/busy does not wait for a node: it is on n1"),
        (
            "shop/gated",
            "shop/gated does not wait for a node: scheduling gates hold it back",
        ),
    ] {
        let run = plan(&["--why", pod]);
        assert_eq!(run.stdout.trim_end(), wanted);
    }
}

/// One line, exit code 2, nothing on stdout, and the names that were probably meant.
#[test]
fn a_bad_name_is_told_with_those_that_come_near() {
    for (name, wanted) in [
        ("shop/hge", "there is no such pod in the input; near: shop/huge"),
        (
            "default/huge",
            "there is no such pod in the input; near: shop/huge",
        ),
        (
            "shop/web",
            "there is no such pod in the input; near: shop/web-0, shop/web-1, shop/web-2",
        ),
        ("huge", "NAMESPACE/POD is wanted; near: shop/huge"),
        ("/", "NAMESPACE/POD is wanted"),
        ("", "NAMESPACE/POD is wanted"),
        ("shop/", "NAMESPACE/POD is wanted"),
        ("nowhere/nothing", "there is no such pod in the input"),
        (
            "a/b\u{1b}[2J",
            "--why a/b\u{fffd}[2J: there is no such pod in the input",
        ),
    ] {
        let run = plan(&["--why", name]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{name}: {}", run.stderr);
        let said = run.stderr.lines().last().unwrap_or_default();
        assert!(
            said.starts_with("error: --why") && said.ends_with(wanted),
            "{name}: {said}"
        );
    }
    let both = plan(&["--why", "shop/huge", "--bill"]);
    assert_eq!(both.code, 2, "{}", both.stdout);
}

#[test]
fn a_bill_adds_up_to_the_nano_dollar() {
    let run = plan(&["--bill", "--verify"]);
    println!("{}", run.stdout);
    assert!(run.stdout.contains("Deployment shop/web"), "{}", run.stdout);
    let document = plan(&["--bill", "-o", "json"]).json();
    let bill = &document["bill"];
    let nanos = |value: &Value, field: &str| {
        value[field]
            .as_i64()
            .unwrap_or_else(|| panic!("{field} in {value}"))
    };
    let sum = |list: &str, field: &str| -> i64 {
        bill[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| nanos(row, field))
            .sum()
    };
    let whole = nanos(bill, "nano_usd_per_hour");
    assert_eq!(
        sum("classes", "nano_usd_per_hour") + sum("nodes", "wasted_nano_usd_per_hour"),
        whole
    );
    assert_eq!(sum("nodes", "nano_usd_per_hour"), whole);
    assert_eq!(
        sum("nodes", "paid_nano_usd_per_hour"),
        nanos(bill, "paid_nano_usd_per_hour")
    );
    let of_cost = document["cost"]["usd_per_hour"].as_f64().unwrap();
    assert_eq!(bill["usd_per_hour"].as_f64(), Some(of_cost));
    let told = run.stdout.lines().find(|line| line.starts_with("paid ")).unwrap();
    let parts: Vec<u64> = told
        .split_whitespace()
        .filter_map(|word| word.replace('.', "").parse().ok())
        .collect();
    assert_eq!(parts[0] + parts[1], parts[2], "{told}");
}

#[test]
fn nothing_is_wider_than_a_terminal_of_eighty_columns() {
    let bill = plan(&["--bill"]).stdout;
    let bill = bill.find("CLASS PAYS").map(|at| bill[at..].to_owned());
    let why = |pod: &str| plan(&["--why", pod]).stdout;
    for text in [bill.unwrap(), why(&pod_in("nodes")), why("shop/huge")] {
        for line in text.lines().filter(|line| !line.starts_with("step: ")) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
