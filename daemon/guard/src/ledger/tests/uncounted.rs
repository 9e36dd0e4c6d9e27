//! What is taken back out of the windows, and from when what was counted otherwise counts.

use super::*;

fn opens(stage: &mut Stage, step: &Step, counted: Counted) {
    open_as(&mut stage.ledger, step, counted, &stage.seen, &stage.aims);
}

fn failed() -> Outcome {
    Outcome::Failed { why: String::new() }
}

fn removed(stage: &Stage) -> Vec<Instant> {
    let effects = stage.ledger.effects.iter();
    let removed = effects.filter(|effect| matches!(effect.kind, EffectKind::Removed));
    removed.map(|effect| effect.at).collect()
}

#[test]
fn a_node_that_was_empty_counts_as_filled_from_the_first_pod_that_is_moved() {
    let mut stage = Stage::new();
    opens(&mut stage, &step(0, Some("5-0"), cordon("n1")), Counted::Emptied);
    assert_eq!(removed(&stage), []);
    stage.seen.at = LATER;
    opens(
        &mut stage,
        &step(1, Some("5-0"), evict("p1", "n1")),
        Counted::Filled,
    );
    assert_eq!(removed(&stage), [LATER]);
    let emptied = |effect: &Effect| matches!(effect.kind, EffectKind::Emptied { .. });
    assert!(!stage.ledger.effects.iter().any(emptied));
}

#[test]
fn a_removal_that_fails_takes_back_none_of_another_that_was_counted_otherwise() {
    let mut stage = Stage::new();
    let explained = step(0, Some("5-0"), cordon("n1"));
    opens(&mut stage, &explained, Counted::Explained(1));
    opens(&mut stage, &step(1, Some("5-1"), cordon("n2")), Counted::Tight);
    settle_one(&mut stage, &explained, &failed());
    assert_eq!(removed(&stage), [NOW]);
}

#[test]
fn a_launch_that_fails_takes_back_no_more_than_it_may_have_counted() {
    for outcome in [
        failed(),
        Outcome::Partly {
            instances: Vec::new(),
            missing: 2,
            no_capacity: false,
            why: String::new(),
        },
    ] {
        let mut stage = Stage::new();
        let proof = Proof {
            nodes: 2,
            rate: PRICE.times(2),
        };
        let proven = step(0, Some("5-0"), grow(4, 6));
        opens(&mut stage, &proven, Counted::Proven(proof));
        opens(&mut stage, &step(1, Some("5-1"), grow(6, 8)), Counted::Tight);
        settle_one(&mut stage, &proven, &outcome);
        let unproven = stage.ledger.effects.iter().map(|effect| match &effect.kind {
            EffectKind::Bought { count, proof, .. } => count - proof.nodes,
            _ => 0,
        });
        assert_eq!(unproven.sum::<u32>(), 2, "{outcome:?}");
    }
}
