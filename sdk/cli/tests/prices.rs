//! Whose prices a plan goes by: another region's are never taken for the cluster's own, and the answer names what it used.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests stop the test"
)]

#[expect(dead_code, reason = "another test uses the others")]
mod command;

use command::{Run, folder, plimsoll};
use serde_json::{Value, json};

/// Four pods that a profile takes, and a node that says where it is.
fn cluster(node: &str) -> String {
    format!(
        "
kind: Deployment
metadata: {{name: web, namespace: shop}}
spec:
  replicas: 4
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: c, resources: {{requests: {{cpu: '1', memory: 1792Mi, ephemeral-storage: 30Gi}}}}}}]}}
---
kind: FargateProfile
metadata: {{name: p}}
spec: {{selectors: [{{namespace: shop}}]}}
---
kind: Node
metadata: {{name: n1, labels: {{kubernetes.io/arch: amd64{node}}}}}
status: {{allocatable: {{cpu: '0', memory: 0, pods: '0'}}}}
"
    )
}

const FRANKFURT: &str = ", topology.kubernetes.io/region: eu-central-1";
const RATES: &str = "region,vcpu_usd_h,gb_usd_h,storage_gb_usd_h,source,date
eu-central-1,0.04656,0.00511,0.000133,AWS pricing page,2026-07-07
";
/// Dearer than any Fargate.
const OFFERS: &str = "instance_type,vcpu,memory_mib,arch,od_usd_h
m6a.xlarge,4,16384,x86_64,9
";

fn plan(files: &[(&str, &str)], args: &[&str]) -> Run {
    let room = folder(files);
    plimsoll(
        &room,
        &[&["plan", "--cluster", "c.yaml", "-o", "json"], args].concat(),
    )
}

/// A plan in one region, with its own list of EC2.
fn in_region(node: &str, args: &[&str]) -> Value {
    let cluster = cluster(node);
    let files = [("c.yaml", &*cluster), ("r.csv", RATES), ("o.csv", OFFERS)];
    let run = plan(&files, &[&["--offers", "o.csv"], args].concat());
    assert!(run.code < 2, "{}", run.stderr);
    run.json()
}

#[test]
fn the_same_pods_cost_on_fargate_what_their_region_asks() {
    let cases = [
        ("", "us-east-1", 0.040_48, 0.004_445, 0.000_111),
        (FRANKFURT, "eu-central-1", 0.046_56, 0.005_11, 0.000_133),
    ];
    for (node, region, cpu, memory, storage) in cases {
        let plan = in_region(node, &["--fargate-rates", "r.csv"]);
        assert_eq!(plan["prices"]["region"], region);
        // 1 vCPU and 2 GB, with 10 GiB above what is free.
        let each = cpu + 2.0 * memory + 10.0 * storage;
        let bill = plan["cost"]["usd_per_hour"].as_f64().unwrap();
        assert!(
            (bill - 4.0 * each).abs() < 1e-6,
            "{region}: {bill} is not {}",
            4.0 * each
        );
        let fargate = &plan["prices"]["fargate"];
        assert_eq!(
            (&fargate["vcpu_usd_h"], &fargate["gb_usd_h"]),
            (&json!(cpu), &json!(memory))
        );
        let (source, date) = match region {
            "us-east-1" => ("built-in", "2026-03-10"),
            _ => ("r.csv (AWS pricing page)", "2026-07-07"),
        };
        assert_eq!(
            (&fargate["source"], &fargate["date"]),
            (&json!(source), &json!(date))
        );
        assert_eq!(plan["prices"]["ec2"], json!({"source": "o.csv", "date": null}));
        assert_eq!(
            plan["prices"]["assumed"],
            if node.is_empty() { json!(true) } else { Value::Null }
        );
    }
}

#[test]
fn rates_stand_in_the_offers_file_as_well() {
    let offers =
        "instance_type,vcpu,memory_mib,arch,od_usd_h,region,vcpu_usd_h,gb_usd_h,storage_gb_usd_h,date
m6a.xlarge,4,16384,x86_64,9,eu-central-1,,,,2026-07-01
fargate,,,x86_64,,eu-central-1,0.04656,0.00511,0.000133,2026-07-07
";
    let cluster = cluster(FRANKFURT);
    let run = plan(&[("c.yaml", &cluster), ("o.csv", offers)], &["--offers", "o.csv"]);
    let prices = &run.json()["prices"];
    assert_eq!(prices["ec2"], json!({"source": "o.csv", "date": "2026-07-01"}));
    assert_eq!(prices["fargate"]["date"], "2026-07-07");
}

/// Where nobody told what Fargate costs it is not offered, the plan says so by name, and no other region's rates count.
#[test]
fn a_region_without_rates_is_told_by_name_and_never_priced_as_another() {
    let paris = ", topology.kubernetes.io/region: eu-west-3";
    for args in [&[][..], &["--fargate-rates", "r.csv"]] {
        let plan = in_region(paris, args);
        assert!(plan["prices"]["fargate"].is_null(), "{plan}");
        let said = plan["prices"]["fargate_missing"].as_str().unwrap();
        assert!(
            said.contains("eu-west-3") && said.contains("--fargate-rates"),
            "{said}"
        );
        let nodes = plan["nodes"].as_array().unwrap();
        assert!(nodes.iter().all(|node| node["offer"]["kind"] == "ec2"), "{plan}");
    }
    let cluster = cluster(paris);
    let room = folder(&[("c.yaml", &cluster), ("o.csv", OFFERS)]);
    for args in [
        &["fargate", "size", "--cluster", "c.yaml"][..],
        &["fargate", "compare", "--cluster", "c.yaml", "--offers", "o.csv"],
    ] {
        let run = plimsoll(&room, args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert!(
            run.stderr.contains("Fargate has no rates for eu-west-3"),
            "{}",
            run.stderr
        );
    }
    let table = plimsoll(&room, &["plan", "--cluster", "c.yaml", "--offers", "o.csv"]).stdout;
    assert!(
        table.contains("prices eu-west-3: EC2 o.csv, undated; not offered: Fargate has no rates"),
        "{table}"
    );
}

/// The built-in list is us-east-1's: for a cluster elsewhere the plan is refused in one line, whatever tells the region.
#[test]
fn a_list_of_another_region_is_refused() {
    for (node, region) in [
        (FRANKFURT, "eu-central-1"),
        (
            ", failure-domain.beta.kubernetes.io/region: eu-west-1",
            "eu-west-1",
        ),
        (", topology.kubernetes.io/zone: ap-southeast-2b", "ap-southeast-2"),
        (", topology.k8s.aws/zone-id: euw3-az1", "eu-west-3"),
        (", topology.kubernetes.io/region: europe-west4", "europe-west4"),
    ] {
        let cluster = cluster(node);
        let run = plan(&[("c.yaml", &cluster)], &[]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{node}");
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        for part in [region, "us-east-1", "--offers", "--region us-east-1"] {
            assert!(run.stderr.contains(part), "{part} is not in {}", run.stderr);
        }
        let all_the_same = plan(&[("c.yaml", &cluster)], &["--region", "us-east-1"]);
        assert_eq!(all_the_same.code, 0, "{}", all_the_same.stderr);
        assert_eq!(all_the_same.json()["prices"]["region"], "us-east-1");
    }
    let by_zone =
        "instance_type,vcpu,memory_mib,arch,od_usd_h,azs\nm6a.xlarge,4,16384,x86_64,1,use1-az1 use1-az2\n";
    let by_column =
        "instance_type,vcpu,memory_mib,arch,od_usd_h,region\nm6a.xlarge,4,16384,x86_64,1,us-east-1\n";
    for offers in [by_zone, by_column] {
        let cluster = cluster(FRANKFURT);
        let run = plan(&[("c.yaml", &cluster), ("o.csv", offers)], &["--offers", "o.csv"]);
        assert_eq!(run.code, 2, "{}", run.stdout);
        assert!(
            run.stderr.contains("o.csv tells the prices of us-east-1"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn the_provider_id_tells_the_region_and_several_want_a_word() {
    let node = |name: &str, zone: &str| {
        format!(
            "---\nkind: Node\nmetadata: {{name: {name}}}\nspec: {{providerID: 'aws:///{zone}/i-0{name}'}}\n"
        )
    };
    let one = cluster("") + &node("a", "eu-west-1c");
    let run = plan(&[("c.yaml", &one)], &[]);
    assert!(
        run.code == 2 && run.stderr.contains("its region is eu-west-1"),
        "{}",
        run.stderr
    );
    let two = one + &node("b", "eu-west-2a");
    let run = plan(&[("c.yaml", &two)], &[]);
    assert_eq!(run.code, 2, "{}", run.stdout);
    for part in ["eu-west-1 and eu-west-2", "--region"] {
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
}

/// A hand-written cluster tells no region: the plan says what it assumed, and how old the figures are.
#[test]
fn without_any_region_the_plan_says_what_it_assumed() {
    let cluster = cluster("");
    let room = folder(&[("c.yaml", &cluster)]);
    let table = plimsoll(&room, &["plan", "--cluster", "c.yaml"]).stdout;
    for part in [
        "prices us-east-1: EC2 built-in of 2026-07-20",
        "days old)",
        "assumed",
    ] {
        assert!(table.contains(part), "{part} is not in\n{table}");
    }
    let size = plimsoll(
        &room,
        &["fargate", "size", "--cluster", "c.yaml", "--region", "us-east-1"],
    )
    .stdout;
    assert!(
        size.contains("prices us-east-1: Fargate built-in of 2026-03-10"),
        "{size}"
    );
    assert!(!size.contains("assumed"), "{size}");
}

#[test]
fn a_rates_file_that_is_wrong_is_told_in_one_line() {
    let cluster = cluster("");
    let run = plan(
        &[
            ("c.yaml", &cluster),
            ("r.csv", "region,vcpu_usd_h,gb_usd_h,storage_gb_usd_h\nx,a,1,1\n"),
        ],
        &["--fargate-rates", "r.csv"],
    );
    assert_eq!(run.code, 2);
    assert_eq!(
        run.stderr.trim(),
        "error: r.csv:2: vcpu_usd_h: \"a\": not a number"
    );
}
