//! Same Snapshot, same Memory, same policies: the same Plan, byte by byte, and the same fuel, a hundred times.
//!
//! With the shipped policies as WebAssembly, one for each hook. What two processes print is compared in sdk/cli/tests.
//! Needs a Rust toolchain for WebAssembly; where there is none the test says so and does nothing, except under CI.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop the test")]

mod ground;

use decide::{PolicyEntry, PolicySet};
use ground::cluster;
use host::{Engine, Limits};
use model::advice::PolicyMode;
use model::aims::Aims;
use model::ids::PolicyName;
use model::memory::Memory;
use policy_build::Toolchain;
use std::path::Path;
use std::sync::Arc;

const RUNS: usize = 100;
/// `ground::NOW` is within them.
const BUSINESS_HOURS: &str = r#"{"hours": [{"days": ["mon"], "from": "08:00", "to": "18:00", "pods": 4, "cpu_milli": 500, "memory_mib": 1024}]}"#;

#[test]
fn a_hundred_runs_give_the_same_bytes_and_fuel() {
    let toolchain = match Toolchain::find() {
        Ok(toolchain) => toolchain,
        Err(why) if std::env::var_os("CI").is_none() => {
            println!("skipped: {why}");
            return;
        }
        Err(why) => panic!("{why}"),
    };
    let built: Vec<(&str, &str, Vec<u8>)> = [
        ("target-utilisation", ""),
        ("fargate-or-ec2", ""),
        ("business-hours", BUSINESS_HOURS),
    ]
    .into_iter()
    .map(|(name, config)| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../plugins")
            .join(name);
        let built = policy_build::build_rust(&folder, &toolchain).unwrap();
        println!(
            "{}: {} bytes in {:?}",
            built.package,
            built.bytes.len(),
            built.took
        );
        (name, config, built.bytes)
    })
    .collect();
    let (seen, memory, aims) = (cluster(), Memory::default(), Aims::default());

    // The second engine compiles everything anew, and its policies have learned nothing about what they read.
    let engines = [loaded(&built), loaded(&built)];
    let mut first = None;
    for policies in &engines {
        for _ in 0..RUNS / engines.len() {
            let done = decide::deliberate(&seen, &memory, policies, &aims);
            let fuel: Vec<(String, u64)> = done
                .notes
                .calls
                .iter()
                .map(|call| {
                    assert!(call.answer.is_ok(), "{call:?}");
                    (call.policy.to_string(), call.fuel)
                })
                .collect();
            let bytes = [
                serde_json::to_vec(&done.plan).unwrap(),
                serde_json::to_vec(&done.notes).unwrap(),
                serde_json::to_vec(&done.memory).unwrap(),
            ];
            let (expected, spent) = first.get_or_insert_with(|| (bytes.clone(), fuel.clone()));
            assert_eq!(*spent, fuel);
            assert!(*expected == bytes, "the plan, its notes or its memory differ");
        }
    }
    let (bytes, fuel) = first.unwrap();
    println!("{RUNS} runs: a plan of {} bytes; fuel {fuel:?}", bytes[0].len());
    assert_eq!(fuel.len(), 3, "every policy was asked once: {fuel:?}");
    assert!(fuel.iter().all(|(_, fuel)| *fuel > 0), "{fuel:?}");
    assert!(bytes[0].len() > 1000, "a plan with next to nothing in it");
}

fn loaded(built: &[(&str, &str, Vec<u8>)]) -> PolicySet {
    let engine = Engine::new().unwrap();
    let entry = |(name, config, bytes): &(&str, &str, Vec<u8>)| {
        let policy = engine
            .load(bytes, &PolicyName::new(*name), config, &Limits::default())
            .unwrap();
        PolicyEntry {
            name: PolicyName::new(*name),
            digest: policy.digest().to_owned(),
            mode: PolicyMode::Enforce,
            scope: model::PolicyScope::default(),
            policy: Arc::new(policy),
        }
    };
    PolicySet {
        entries: built.iter().map(entry).collect(),
    }
}
