//! Two processes, the same files, a real WebAssembly policy: the same plan, byte by byte.
//!
//! `engine` is left out of the comparison: it says how long planning took. A hundred runs within one process are
//! compared in daemon/host/tests. Needs a Rust toolchain for WebAssembly; where there is none the test says so and does
//! nothing, except under CI.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop the test")]

use policy_build::Toolchain;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// Pods of a Job and of a Deployment.
const CLUSTER: &str = "
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 9
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, resources: {requests: {cpu: 700m, memory: 1Gi}}}]}
---
kind: Job
metadata: {name: report, namespace: shop}
spec:
  parallelism: 6
  completions: 6
  template:
    metadata: {labels: {job: report}}
    spec: {containers: [{name: c, resources: {requests: {cpu: 250m, memory: 512Mi}}}]}
";

const OFFERS: &str = "instance_type,vcpu,memory_mib,arch,od_usd_h,azs
m6a.large,2,8192,x86_64,0.0864,use1-az1 use1-az2
m6a.xlarge,4,16384,x86_64,0.1728,use1-az1 use1-az2
";

#[test]
fn two_processes_make_the_same_plan_with_a_wasm_policy() {
    let toolchain = match Toolchain::find() {
        Ok(toolchain) => toolchain,
        Err(why) if std::env::var_os("CI").is_none() => {
            println!("skipped: {why}");
            return;
        }
        Err(why) => panic!("{why}"),
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/fargate-or-ec2");
    let policy = policy_build::build_rust(&folder, &toolchain).unwrap();
    println!(
        "{}: {} bytes in {:?}",
        policy.package,
        policy.bytes.len(),
        policy.took
    );
    let room = tempfile::tempdir().unwrap();
    std::fs::write(room.path().join("fargate-or-ec2.wasm"), policy.bytes).unwrap();
    std::fs::write(room.path().join("c.yaml"), CLUSTER).unwrap();
    std::fs::write(room.path().join("o.csv"), OFFERS).unwrap();

    let (first, bytes) = plan(room.path());
    assert_eq!(first["policy_faults"], serde_json::json!([]));
    assert_eq!(first["pods"]["refused"], 0, "{first}");
    assert!(first["pods"]["placed"].as_u64().unwrap() >= 9, "{first}");
    let (second, again) = plan(room.path());
    assert_eq!(bytes, again);
    assert_eq!(first, second);
}

/// Runs the built command once: the document without `engine`, and its bytes up to there.
fn plan(room: &Path) -> (Value, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["plan", "--cluster", "c.yaml", "--offers", "o.csv", "-o", "json"])
        .args(["--policy", "fargate-or-ec2.wasm"])
        .current_dir(room)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8(run.stdout).unwrap();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    // The last field of the document.
    let (before, _) = text.rsplit_once("\"engine\":").unwrap();
    assert!(document.as_object_mut().unwrap().remove("engine").is_some());
    (document, before.to_owned())
}
