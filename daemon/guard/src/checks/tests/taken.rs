//! What the provider takes away within minutes is drained past what keeps removals slow, and past nothing else.

use super::*;
use model::node::{Leaves, Leaving};

type Change = fn(&mut Stage);

fn word_taken(why: Leaves, change: Change, kind: StepKind) -> Verdict {
    let edit = |stage: &mut Stage| {
        change(stage);
        stage.node_mut("n1").leaving = Some(Leaving { why, told: NOW });
    };
    word(edit, kind)
}

#[test]
fn what_slows_removals_down_does_not_keep_pods_where_they_perish() {
    let cases: [(&str, Change); 4] = [
        ("at its minimum", |s| s.group_mut().min = 4),
        ("annotated", |s| s.node_mut("n1").do_not_disrupt = true),
        ("rolling", |s| {
            s.group_mut().rolling = Some("EKS updates it".into());
        }),
        ("too many at once", |s| s.aims.limits.removals_at_once = 0),
    ];
    for (what, change) in cases {
        let of = |why| word_taken(why, change, cordon("n1"));
        assert_eq!(of(Leaves::Interrupted), Verdict::Cleared, "{what}");
        assert_eq!(of(Leaves::Ending), Verdict::Cleared, "{what}");
        for slow in [Leaves::Retired, Leaves::AtRisk] {
            assert_ne!(of(slow), Verdict::Cleared, "{what}: {slow}");
        }
    }
}

/// One message in a queue could say that an on-demand node is interrupted.
#[test]
fn what_is_not_spot_is_not_interrupted() {
    let at_minimum = |bought: &'static str| {
        let edit = move |s: &mut Stage| {
            s.group_mut().min = 4;
            let node = s.node_mut("n1");
            node.labels
                .insert("eks.amazonaws.com/capacityType".into(), bought.into());
            node.leaving = Some(Leaving {
                why: Leaves::Interrupted,
                told: NOW,
            });
        };
        word(edit, cordon("n1"))
    };
    assert_eq!(at_minimum("SPOT"), Verdict::Cleared);
    assert_eq!(
        at_minimum("ON_DEMAND"),
        struck(StrikeReason::BelowGroupMin { min: 4 })
    );
}

#[test]
fn what_protects_pods_and_the_daemon_still_does() {
    let cases: [(&str, Change, StepKind, StrikeReason); 2] = [
        (
            "its own node",
            |s| s.seen.own_node = Some("n1".into()),
            cordon("n1"),
            StrikeReason::OwnNode,
        ),
        (
            "an annotated pod",
            |s| s.respec("p1", |spec| spec.traits.do_not_disrupt = true),
            evict("p1", "n1"),
            StrikeReason::MustNotDisrupt,
        ),
    ];
    for (what, change, kind, why) in cases {
        assert_eq!(
            word_taken(Leaves::Interrupted, change, kind),
            struck(why),
            "{what}"
        );
    }
    let at_minimum = |s: &mut Stage| {
        s.group_mut().min = 4;
        s.node_mut("n1").leaving = Some(Leaving {
            why: Leaves::Interrupted,
            told: NOW,
        });
    };
    assert_eq!(
        word_draining(RemoveStage::Draining, at_minimum, remove("n1")),
        struck(StrikeReason::BelowGroupMin { min: 4 }),
        "what AWS takes from a group at its minimum, AWS replaces"
    );
    let held_by = word_taken(
        Leaves::Interrupted,
        |s| s.aims.modes.cluster = Some(Mode::Observe),
        cordon("n1"),
    );
    assert!(
        matches!(held_by, Verdict::Held(HoldReason::ObserveOnly { .. })),
        "{held_by:?}"
    );
}
