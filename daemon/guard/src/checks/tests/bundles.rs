//! Stories of steps that make sense only together.

use super::*;

/// Two launches, and two cordons that wait for both.
fn bundle() -> Vec<Step> {
    let waiting = |ordinal: u32, node: &str| {
        let mut cordon = step(ordinal, None, cordon(node));
        if let StepKind::Cordon { after, .. } = &mut cordon.kind {
            *after = vec!["5-0".into(), "5-1".into()];
        }
        cordon
    };
    let later = StepKind::GrowGroup {
        group: "web".into(),
        offer: "m6a.large/a/on-demand".into(),
        from: 5,
        to: 6,
        nodes: vec!["new-9".into()],
        pods: Vec::new(),
        rate: PRICE,
    };
    vec![
        step(0, None, grow(4, 5)),
        step(1, None, later),
        waiting(2, "n1"),
        waiting(3, "n2"),
    ]
}

fn roomy() -> Stage {
    let mut stage = Stage::new();
    stage.group_mut().max = 9;
    stage
}

#[test]
fn a_replacement_in_order_is_cleared_whole() {
    assert_eq!(words(&roomy(), bundle()), vec![Verdict::Cleared; 4]);
}

#[test]
fn a_removal_that_is_held_holds_what_was_to_replace_it() {
    let follows = || held(HoldReason::FollowsHeld);
    let mut stage = roomy();
    stage.aims.limits.removals_at_once = 1;
    let limit = held(HoldReason::RemovalsAtOnce { limit: 1 });
    assert_eq!(words(&stage, bundle()), [follows(), follows(), follows(), limit]);
    let mut stage = roomy();
    stage.node_mut("n1").do_not_disrupt = true;
    assert_eq!(
        words(&stage, bundle()),
        [
            follows(),
            follows(),
            struck(StrikeReason::MustNotDisrupt),
            follows()
        ]
    );
}

#[test]
fn a_launch_that_is_held_holds_the_removals_and_uses_up_nothing() {
    let mut stage = roomy();
    stage.aims.limits.bought_per_window = 1;
    let mut steps = bundle();
    steps.push(step(4, None, cordon("n3")));
    let said = words(&stage, steps);
    assert_eq!(said[1], held(HoldReason::PurchasesPerWindow { limit: 1 }));
    assert!(said[..4].iter().all(|word| *word != Verdict::Cleared));
    assert_eq!(said[4], Verdict::Cleared);
}

#[test]
fn a_cordon_that_waits_for_a_launch_nobody_knows_is_held() {
    let mut steps = bundle();
    steps.truncate(3);
    steps.remove(1);
    let said = words(&roomy(), steps);
    assert_eq!(
        said,
        [held(HoldReason::FollowsHeld), held(HoldReason::FollowsHeld)]
    );
}
