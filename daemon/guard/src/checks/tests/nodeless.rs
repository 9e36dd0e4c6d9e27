//! Instances that never became nodes: what lets them go, and what keeps them.

use super::*;
use crate::cleared::Counted;
use crate::ledger::{open_as, reconcile, settle};
use model::intent::{LedgerEvent, nodeless};
use model::{InstanceId, Outcome};

const LOST: &str = "i-lost";

fn lost() -> StepKind {
    StepKind::RemoveInstance {
        group: "web".into(),
        instance: LOST.into(),
    }
}

fn listed(state: InstanceState) -> impl Fn(&mut Stage) {
    move |stage: &mut Stage| {
        stage.group_mut().instances.push(instance(LOST, state));
        stage.group_mut().desired = 5;
    }
}

fn word_on(edit: impl Fn(&mut Stage)) -> Verdict {
    word(
        |stage| {
            listed(InstanceState::InService)(stage);
            edit(stage);
        },
        lost(),
    )
}

#[test]
fn one_that_its_group_lists_and_no_node_is_of_goes() {
    assert_eq!(word_on(|_| {}), Verdict::Cleared);
    assert_eq!(word(|_| {}, lost()), struck(StrikeReason::UnknownObject));
    for state in [InstanceState::Terminating, InstanceState::Other] {
        assert_eq!(word(listed(state), lost()), struck(StrikeReason::UnknownObject));
    }
}

#[test]
fn a_node_that_is_or_may_be_of_it_keeps_it() {
    let not_drained = struck(StrikeReason::NotDrained);
    assert_eq!(
        word_on(|s| s.node_mut("n1").instance = Some(LOST.into())),
        not_drained
    );
    assert_eq!(word_on(|s| s.node_mut("n1").instance = None), not_drained);
}

#[test]
fn the_bounds_of_every_removal_hold() {
    let word = word_on(|s| s.group_mut().min = 5);
    assert_eq!(word, struck(StrikeReason::BelowGroupMin { min: 5 }));
    let word = word_on(|s| s.group_mut().foreign = Some("x".to_owned()));
    assert_eq!(word, struck(StrikeReason::Foreign));
    let word = word_on(|s| s.group_mut().rolling = Some("x".to_owned()));
    assert!(
        matches!(word, Verdict::Held(HoldReason::Rolling { .. })),
        "{word:?}"
    );
    let word = word_on(|s| s.fault(PolicyMode::Enforce));
    assert!(
        matches!(word, Verdict::Held(HoldReason::PolicyFault { .. })),
        "{word:?}"
    );
    for source in [Source::Nodes, Source::Groups] {
        let word = word_on(|s| {
            s.seen.sources.insert(
                source,
                Freshness::Stale {
                    age: Span::from_secs(31),
                },
            );
        });
        assert!(
            matches!(word, Verdict::Held(HoldReason::StaleSource { .. })),
            "{word:?}"
        );
    }
    let word = word_on(|s| {
        s.aims.limits.removed_per_window_permille = 200;
        let (at, group) = (NOW - Span::from_secs(30), "web".into());
        let kind = EffectKind::Removed;
        s.ledger.effects.push(Effect { at, group, kind });
    });
    assert_eq!(word, held(HoldReason::RemovalsPerWindow { limit: 1 }));
    let word = word_on(|s| s.aims.limits.removals_at_once = 0);
    assert_eq!(word, held(HoldReason::RemovalsAtOnce { limit: 0 }));
}

#[test]
fn a_launch_that_may_still_bring_it_is_waited_for() {
    let waiting = |named: &[&str], stage| {
        word_on(|s| {
            let mut open = launch("3-0", 4, 5, stage);
            if let IntentKind::Launch { instances, .. } = &mut open.kind {
                instances.extend(named.iter().map(|id| InstanceId::new(*id)));
            }
            s.ledger.intents.push(open);
        })
    };
    let open = held(HoldReason::IntentOpen);
    assert_eq!(
        waiting(&[], LaunchStage::Asked),
        open,
        "nobody knows what it brings"
    );
    assert_eq!(waiting(&[LOST], LaunchStage::Asked), open);
    assert_eq!(waiting(&["i-other"], LaunchStage::Asked), Verdict::Cleared);
    assert_eq!(waiting(&[], LaunchStage::Joined), Verdict::Cleared);
}

#[test]
fn it_is_given_up_once_and_counted_once() {
    let mut stage = Stage::new();
    listed(InstanceState::InService)(&mut stage);
    let said = words(&stage, vec![step(0, None, lost()), step(1, None, lost())]);
    assert_eq!(said, [Verdict::Cleared, held(HoldReason::IntentOpen)]);
}

fn begun() -> (Stage, Step) {
    let mut stage = Stage::new();
    listed(InstanceState::InService)(&mut stage);
    let step = step(0, Some("5-0"), lost());
    open_as(&mut stage.ledger, &step, Counted::Tight, &stage.seen, &stage.aims);
    (stage, step)
}

fn stage_of(stage: &Stage) -> Option<RemoveStage> {
    let intent = stage.ledger.removal_of(&nodeless(&LOST.into()))?;
    match &intent.kind {
        IntentKind::Remove { stage, .. } => Some(*stage),
        IntentKind::Launch { .. } => None,
    }
}

#[test]
fn its_intent_closes_when_the_cloud_no_longer_lists_it() {
    let (mut stage, step) = begun();
    assert_eq!(stage_of(&stage), Some(RemoveStage::Opened));
    assert_eq!(stage.ledger.effects.len(), 1, "it counts against the windows");
    settle(&mut stage.ledger, &step, &Outcome::done(), &stage.seen);
    assert_eq!(stage_of(&stage), Some(RemoveStage::Terminating));
    let limits = stage.aims.limits.clone();
    assert_eq!(reconcile(&mut stage.ledger, &stage.seen, &limits), []);
    stage.group_mut().instances.pop();
    assert_eq!(reconcile(&mut stage.ledger, &stage.seen, &limits), []);
    stage.seen.at = stage.seen.at + Span::from_secs(60);
    let events = reconcile(&mut stage.ledger, &stage.seen, &limits);
    assert!(matches!(&events[..], [LedgerEvent::Removed { .. }]), "{events:?}");
    assert!(stage.ledger.intents.is_empty());
}

#[test]
fn what_did_not_happen_is_undone_and_what_nobody_heard_of_is_not() {
    let why = || "x".to_owned();
    let (mut stage, step) = begun();
    settle(
        &mut stage.ledger,
        &step,
        &Outcome::Unknown { why: why() },
        &stage.seen,
    );
    assert_eq!(stage_of(&stage), Some(RemoveStage::Opened));
    stage.seen.at = NOW + Span::from_secs(1);
    let refused = Outcome::Refused {
        after: None,
        why: why(),
    };
    settle(&mut stage.ledger, &step, &refused, &stage.seen);
    assert_eq!(
        stage_of(&stage),
        Some(RemoveStage::Opened),
        "the first try may have gone through"
    );
    for outcome in [
        Outcome::Stale { why: why() },
        Outcome::Failed { why: why() },
        Outcome::Refused {
            after: None,
            why: why(),
        },
        Outcome::Recorded,
    ] {
        let (mut stage, step) = begun();
        let events = settle(&mut stage.ledger, &step, &outcome, &stage.seen);
        assert!(
            matches!(&events[..], [LedgerEvent::Undone { .. }]),
            "{outcome:?}: {events:?}"
        );
        assert_eq!((stage.ledger.intents.len(), stage.ledger.effects.len()), (0, 0));
    }
}

/// An open removal takes a place among those at once, until neither cloud nor API server has its instance: it stays open
/// until both have been asked again.
#[test]
fn what_is_gone_as_far_as_anybody_sees_takes_nobodys_place() {
    for (since, expected) in [
        (None, held(HoldReason::RemovalsAtOnce { limit: 1 })),
        (Some(NOW), Verdict::Cleared),
    ] {
        let word = word_on(|s| {
            s.aims.limits.removals_at_once = 1;
            let mut open = removal("4-0", "n9", RemoveStage::Terminating);
            if let IntentKind::Remove { gone, .. } = &mut open.kind {
                *gone = since;
            }
            s.ledger.intents.push(open);
        });
        assert_eq!(word, expected, "{since:?}");
    }
}
