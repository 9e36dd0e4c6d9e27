//! Two hundred policies over ten thousand workloads: what a cycle's decision takes, and what memory it takes beyond the
//! compiled code.
//!
//! Every policy is a component of its own (the shipped `target-utilisation`, told apart by a section that says nothing),
//! and every one answers for every workload: the most that 200 scalers can say. Time is the processor's, of the thread
//! that decides; memory is what is the process' own and resident.

#![expect(
    clippy::print_stdout,
    clippy::panic,
    reason = "a bench prints, and ends where it cannot measure"
)]

#[path = "../tests/resident/mod.rs"]
mod resident;

use cpu_time::ThreadTime;
use decide::{PolicyEntry, PolicySet, SCALE_ANNOTATION};
use host::{Engine, Limits};
use model::advice::PolicyMode;
use model::selector::{LabelSelector, Labels};
use model::workload::{Metric, Workload};
use model::{Aims, Freshness, Instant, Memory, PolicyName, PolicyScope, Snapshot, Source, Span, WorkloadKey};
use policy_build::Toolchain;
use std::path::Path;
use std::sync::Arc;

const POLICIES: u32 = 200;
const WORKLOADS: u32 = 10_000;
/// What the issue asks for.
const MOST_SECONDS: f64 = 1.0;
const MOST_MIB: u64 = 64;

fn main() {
    let toolchain = match Toolchain::find() {
        Ok(toolchain) => toolchain,
        Err(why) => {
            println!("skipped: {why}");
            return;
        }
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/target-utilisation");
    let built = policy_build::build_rust(&folder, &toolchain).unwrap_or_else(|why| panic!("{why}"));
    let before_code = resident::kib("RssAnon:");
    let set = loaded(&built.bytes);
    let seen = cluster();
    let code = resident::kib("RssAnon:");
    println!(
        "{POLICIES} policies of {} KiB each ({}, built in {:.1} s) compiled: {} MiB",
        built.bytes.len() / 1024,
        built.package,
        built.took.as_secs_f64(),
        (code - before_code) / 1024
    );
    let (aims, mut memory) = (Aims::default(), Memory::default());
    let (mut best, mut most) = (f64::INFINITY, 0);
    for cycle in 0..5 {
        let began = ThreadTime::now();
        let done = decide::deliberate(&seen, &memory, &set, &aims);
        let took = began.elapsed().as_secs_f64();
        let answered = done.notes.calls.iter().filter(|call| call.answer.is_ok()).count();
        assert_eq!(answered, POLICIES as usize, "{:?}", done.notes.calls[0].answer);
        best = best.min(took);
        most = most.max(resident::kib("RssAnon:").saturating_sub(code) / 1024);
        println!(
            "cycle {cycle}: {took:.3} s of CPU, {} MiB more than before the first",
            resident::kib("RssAnon:").saturating_sub(code) / 1024
        );
        memory = done.memory;
    }
    let verdict = |reached: bool| if reached { "reached" } else { "missed" };
    println!(
        "best cycle {best:.3} s, target < {MOST_SECONDS} s: {}",
        verdict(best < MOST_SECONDS)
    );
    println!(
        "memory {most} MiB beyond compiled code, target ≤ {MOST_MIB} MiB: {}",
        verdict(most <= MOST_MIB)
    );
}

fn loaded(bytes: &[u8]) -> PolicySet {
    let engine = Engine::new().unwrap_or_else(|why| panic!("{why}"));
    let entry = |n: u32| {
        let name = PolicyName::new(format!("policy-{n:03}"));
        let policy = engine
            .load(&told_apart(bytes, n), &name, "", &Limits::default())
            .unwrap_or_else(|why| panic!("{why}"));
        PolicyEntry {
            name,
            digest: policy.digest().to_owned(),
            mode: PolicyMode::Enforce,
            scope: PolicyScope::default(),
            policy: Arc::new(policy),
        }
    };
    PolicySet {
        entries: (0..POLICIES).map(entry).collect(),
    }
}

/// The same component with another digest: a custom section of its own at the end.
fn told_apart(bytes: &[u8], n: u32) -> Vec<u8> {
    let mut other = bytes.to_vec();
    // Section 0, its size, the length of its name, the name, four bytes.
    other.extend([0, 9, 4]);
    other.extend(b"copy");
    other.extend(n.to_le_bytes());
    other
}

/// Deployments that are scaled by their CPU, each a little out of step.
fn cluster() -> Snapshot {
    let now = Instant(1_793_611_800_000);
    let workload = |n: u32| Workload {
        key: WorkloadKey::new("Deployment", format!("team-{:03}", n % 200), format!("app-{n}")),
        replicas: 3 + n % 5,
        ready: 3 + n % 5,
        template: None,
        owned_by: None,
        annotations: Labels::from([(SCALE_ANNOTATION.to_owned(), "requests=100".to_owned())]),
        generation: 1,
        selector: LabelSelector::default(),
        metrics: vec![Metric {
            name: "requests".to_owned(),
            milli: i64::from(n % 700) * 1000,
            at: now - Span::from_secs(15),
            pods: 3 + n % 5,
        }],
    };
    let mut seen = Snapshot {
        at: now,
        cycle: 42,
        seed: 7,
        cluster: "large".to_owned(),
        sources: [
            Source::Pods,
            Source::Nodes,
            Source::Workloads,
            Source::Metrics,
            Source::Groups,
            Source::Offers,
        ]
        .into_iter()
        .map(|source| (source, Freshness::Live))
        .collect(),
        workloads: (0..WORKLOADS).map(workload).collect(),
        ..Snapshot::default()
    };
    seen.sort();
    seen
}
