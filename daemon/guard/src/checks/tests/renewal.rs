//! Nodes are replaced for age or making only where they are due, and one first.

use super::*;
use model::disruption::{Cause, DriftMode};
use model::node::Template;
use model::reason::Reason;

const WANTED: &str = "lt-a:2";

fn template(made: &str) -> Template {
    Template {
        made: made.to_owned(),
        wanted: WANTED.to_owned(),
    }
}

/// All nodes drifted, where drift is replaced; `n1` and then `n2` go, each after a launch of its own.
fn drifted() -> Stage {
    let mut stage = Stage::new();
    stage.aims.disruption.drift = DriftMode::Replace;
    stage
        .seen
        .nodes
        .iter_mut()
        .for_each(|node| node.template = Some(template("lt-a:1")));
    stage
}

fn renewal(ordinal: u32, node: &str, cause: Cause) -> Vec<Step> {
    let launch = format!("5-{ordinal}");
    let from = 4 + ordinal / 2;
    let grown = step(ordinal, Some(&launch), grow(from, from + 1));
    let mut gone = step(ordinal + 1, None, cordon(node));
    if let StepKind::Cordon { after, .. } = &mut gone.kind {
        after.push(launch.as_str().into());
    }
    gone.reason = Reason::Renewed {
        cause,
        by: "new-1".into(),
        moves: 1,
    };
    vec![grown, gone]
}

fn on(stage: &Stage, cause: Cause) -> Verdict {
    words(stage, renewal(0, "n1", cause)).remove(1)
}

fn canary_first() -> Verdict {
    held(HoldReason::CanaryFirst {
        wanted: WANTED.to_owned(),
    })
}

#[test]
fn only_what_is_due_is_replaced_for_it() {
    let due = Stage::new();
    assert_eq!(
        on(&due, Cause::Expired),
        struck(StrikeReason::NotDue),
        "no age is too old"
    );
    assert_eq!(
        on(&due, Cause::Drifted),
        struck(StrikeReason::NotDue),
        "nobody knows"
    );
    assert_eq!(on(&drifted(), Cause::Drifted), Verdict::Cleared);
    let mut told = drifted();
    told.aims.disruption.drift = DriftMode::Report;
    assert_eq!(on(&told, Cause::Drifted), struck(StrikeReason::NotDue));
    let mut managed = drifted();
    managed.group_mut().kind = GroupKind::ManagedNodeGroup;
    assert_eq!(
        on(&managed, Cause::Drifted),
        struck(StrikeReason::NotDue),
        "EKS updates it"
    );
    // Nodes of the Stage are two and a half hours old.
    let mut old = Stage::new();
    old.aims.disruption.expire_after = Some(Span::from_secs(2 * 3600));
    assert_eq!(on(&old, Cause::Expired), Verdict::Cleared);
    old.aims.disruption.expire_after = Some(Span::from_secs(3 * 3600));
    assert_eq!(on(&old, Cause::Expired), struck(StrikeReason::NotDue));
}

#[test]
fn a_node_that_is_due_goes_only_after_its_successor() {
    let mut steps = renewal(0, "n1", Cause::Drifted);
    if let StepKind::Cordon { after, .. } = &mut steps[1].kind {
        after.clear();
    }
    assert_eq!(words(&drifted(), steps)[1], struck(StrikeReason::NotDue));
}

/// A group at its minimum could never have been renewed: the successor was not counted.
#[test]
fn a_group_at_its_minimum_is_renewed_by_growing_first() {
    let mut stage = drifted();
    stage.group_mut().min = 4;
    assert_eq!(on(&stage, Cause::Drifted), Verdict::Cleared);
    let below = StrikeReason::BelowGroupMin { min: 4 };
    assert_eq!(words(&stage, vec![step(0, None, cordon("n1"))]), [struck(below)]);
}

#[test]
fn one_node_goes_first_and_others_when_its_successor_is_ready_and_settled() {
    let both = |stage: &Stage| {
        let steps = [renewal(0, "n1", Cause::Drifted), renewal(2, "n2", Cause::Drifted)].concat();
        words(stage, steps)
    };
    let follows = |stage: &Stage| {
        let said = both(stage);
        (said[1].clone(), said[3].clone())
    };
    assert_eq!(follows(&drifted()), (Verdict::Cleared, canary_first()));
    let mut begun = drifted();
    begun
        .ledger
        .intents
        .push(removal("4-0", "n3", RemoveStage::Draining));
    assert_eq!(follows(&begun), (canary_first(), canary_first()));
    // `n4` is made as the group would make it today.
    let made = |created: Instant, ready: bool| {
        let mut stage = drifted();
        let node = stage.node_mut("n4");
        (node.template, node.created, node.ready) = (Some(template(WANTED)), created, ready);
        follows(&stage)
    };
    let (young, old) = (NOW - Span::from_secs(599), NOW - Span::from_secs(600));
    assert_eq!(made(young, true), (canary_first(), canary_first()));
    assert_eq!(made(old, false), (canary_first(), canary_first()));
    assert_eq!(made(old, true), (Verdict::Cleared, Verdict::Cleared));
}
