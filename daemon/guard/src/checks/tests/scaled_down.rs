//! Replicas that go are pods that go: how many of them within a window, for all workloads together.

use super::*;
use crate::ledger;
use model::Outcome;

/// Two more workloads of four replicas, and a limit.
fn three(limit: Option<u32>) -> Stage {
    let mut stage = Stage::new();
    for name in ["b", "c"] {
        let mut other = stage.seen.workloads[0].clone();
        other.key.name = name.into();
        let mut aim = stage.aims.scale[0].clone();
        aim.workload = other.key.clone();
        stage.seen.workloads.push(other);
        stage.aims.scale.push(aim);
    }
    stage.seen.sort();
    stage.aims.limits.scaled_down_per_window = limit;
    stage
}

fn of(ordinal: u32, name: &str, from: u32, to: u32) -> Step {
    let workload = WorkloadKey::new("Deployment", "ns", name);
    step(ordinal, None, StepKind::ScaleWorkload { workload, from, to })
}

fn all_to_one() -> Vec<Step> {
    vec![of(0, "app", 4, 1), of(1, "b", 4, 1), of(2, "c", 4, 1)]
}

fn full(limit: u32) -> Verdict {
    held(HoldReason::ScaledDownPerWindow { limit })
}

// All workloads could be brought to their minimum in one cycle, past every window.
#[test]
fn all_workloads_share_one_window() {
    let pass = Verdict::Cleared;
    let table = [
        (None, [pass.clone(), pass.clone(), pass.clone()]),
        (Some(9), [pass.clone(), pass.clone(), pass.clone()]),
        (Some(8), [pass.clone(), pass.clone(), full(8)]),
        (Some(3), [pass.clone(), full(3), full(3)]),
        (Some(2), [full(2), full(2), full(2)]),
        (Some(0), [full(0), full(0), full(0)]),
    ];
    for (limit, expected) in table {
        assert_eq!(words(&three(limit), all_to_one()), expected, "{limit:?}");
    }
    let mixed = vec![of(0, "app", 4, 9), of(1, "b", 4, 3), of(2, "c", 4, 2)];
    let expected = [Verdict::Cleared, Verdict::Cleared, full(2)];
    assert_eq!(
        words(&three(Some(2)), mixed),
        expected,
        "what grows makes no room"
    );
}

#[test]
fn replicas_are_counted_from_what_is_there() {
    // The plan says that two of four are there already.
    for (from, to, expected) in [
        (2, 1, full(2)),
        (9, 1, full(2)),
        (2, 4, Verdict::Cleared),
        (0, 9, Verdict::Cleared),
    ] {
        let said = words(&three(Some(2)), vec![of(0, "app", from, to)]);
        assert_eq!(said, std::slice::from_ref(&expected), "{from} to {to}");
    }
}

#[test]
fn the_window_outlives_the_cycle_and_the_process() {
    let mut stage = three(Some(4));
    let lower = of(0, "app", 4, 1);
    assert_eq!(words(&stage, vec![lower.clone()]), [Verdict::Cleared]);
    let open = |stage: &mut Stage| {
        let (cleared, seen) = (
            crate::Cleared::new(lower.clone(), &Fence::sole()),
            stage.seen.clone(),
        );
        ledger::open(&mut stage.ledger, &cleared, &seen, &stage.aims);
    };
    open(&mut stage);
    // It is read back as it was written.
    let kept = ledger::encode_ledger(&stage.ledger).unwrap();
    stage.ledger = ledger::decode_ledger(&kept).unwrap();
    for (seconds, expected) in [(0, full(4)), (600, full(4)), (601, Verdict::Cleared)] {
        let mut later = stage.clone();
        later.seen.at = NOW + Span::from_secs(seconds);
        let said = words(&later, vec![of(1, "b", 4, 1)]);
        assert_eq!(said, std::slice::from_ref(&expected), "after {seconds} s");
    }
    // What certainly did not happen is not counted; what may have happened is.
    let outcomes = [
        (Outcome::done(), full(4)),
        (Outcome::Unknown { why: String::new() }, full(4)),
        (Outcome::Dropped, Verdict::Cleared),
        (Outcome::Recorded, Verdict::Cleared),
        (Outcome::Stale { why: String::new() }, Verdict::Cleared),
    ];
    for (outcome, expected) in outcomes {
        let mut after = stage.clone();
        ledger::settle(&mut after.ledger, &lower, &outcome, &stage.seen);
        let said = words(&after, vec![of(1, "b", 4, 1)]);
        assert_eq!(said, [expected], "{outcome:?}");
    }
    // Of one cycle there is one entry, however many workloads.
    open(&mut stage);
    let kinds: Vec<_> = stage.ledger.effects.iter().map(|effect| &effect.kind).collect();
    assert_eq!(kinds, [&EffectKind::ScaledDown { count: 6 }]);
}

#[test]
fn a_ledger_that_is_lost_leaves_the_window_full() {
    for (seconds, expected) in [(0, full(9)), (600, full(9)), (601, Verdict::Cleared)] {
        let mut stage = three(Some(9));
        stage.ledger.known_since = Some(NOW - Span::from_secs(seconds));
        let said = words(&stage, vec![of(0, "app", 4, 3), of(1, "b", 4, 5)]);
        assert_eq!(said, [expected, Verdict::Cleared], "{seconds} s");
    }
}
