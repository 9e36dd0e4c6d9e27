//! Budgets of the aims: who counts, when they hold, and what they never hold.

use super::*;
use model::disruption::{Cause, Closed, NodeBudget, Share};
use model::node::{Leaves, Leaving};
use model::reason::Reason;
use model::schedule::{Ends, Schedule};

fn budget(nodes: Share) -> NodeBudget {
    NodeBudget {
        name: "b".to_owned(),
        groups: Vec::new(),
        causes: Vec::new(),
        nodes,
        schedule: None,
    }
}

type Change = fn(&mut Stage);

/// The first hours of every day; it is 02:46:40 on the Stage.
fn until(hour: i64) -> (Option<Schedule>, Option<Instant>) {
    let schedule = Schedule {
        starts: "0 0 * * *".to_owned(),
        ends: Ends::After(Span::from_secs(hour * 3600)),
        zone: "UTC".to_owned(),
    };
    (Some(schedule), Some(Instant(hour * 3_600_000)))
}

fn closed(nodes: u32, until: Option<Instant>) -> Verdict {
    held(HoldReason::NodeBudget(Closed {
        budget: "b".to_owned(),
        nodes,
        until,
    }))
}

fn under(budgets: Vec<NodeBudget>) -> impl FnOnce(&mut Stage) {
    move |stage| stage.aims.disruption.budgets = budgets
}

#[test]
fn a_budget_holds_while_its_window_stands_and_says_until_when() {
    let frozen = |hours| {
        let (schedule, opens) = until(hours);
        let budget = NodeBudget {
            schedule,
            ..budget(Share::Count(0))
        };
        (vec![budget], opens)
    };
    let (budgets, opens) = frozen(3);
    assert_eq!(word(under(budgets.clone()), cordon("n1")), closed(0, opens));
    assert_eq!(
        word_draining(RemoveStage::Draining, under(budgets), evict("p1", "n1")),
        closed(0, opens),
        "what has begun rests"
    );
    let (budgets, _) = frozen(2);
    assert_eq!(word(under(budgets.clone()), cordon("n1")), Verdict::Cleared);
    assert_eq!(
        word_draining(RemoveStage::Draining, under(budgets), evict("p1", "n1")),
        Verdict::Cleared
    );
}

#[test]
fn the_most_restrictive_of_those_that_speak_of_it_wins() {
    let of = |change: fn(&mut NodeBudget)| {
        let mut zero = budget(Share::Count(0));
        change(&mut zero);
        word(under(vec![budget(Share::Count(9)), zero]), cordon("n1"))
    };
    assert_eq!(of(|_| ()), closed(0, None));
    assert_eq!(of(|b| b.groups = vec!["web".into()]), closed(0, None));
    assert_eq!(of(|b| b.groups = vec!["db".into()]), Verdict::Cleared);
    assert_eq!(of(|b| b.causes = vec![Cause::Underused]), closed(0, None));
    assert_eq!(
        of(|b| b.causes = vec![Cause::Empty, Cause::Expired]),
        Verdict::Cleared
    );
}

#[test]
fn that_a_node_is_empty_is_seen_and_not_believed() {
    let why = Reason::Unneeded {
        since: Span::ZERO,
        saves: PRICE,
        moves: 0,
    };
    let only_empty = NodeBudget {
        causes: vec![Cause::Underused],
        ..budget(Share::Count(0))
    };
    let mut stage = Stage::new();
    stage.aims.disruption.budgets = vec![only_empty];
    let mut said = step(0, None, cordon("n1"));
    said.reason = why;
    assert_eq!(words(&stage, vec![said.clone()]), [closed(0, None)]);
    stage.seen.pods.retain(|pod| &*pod.key.name != "p1");
    assert_eq!(words(&stage, vec![said]), [Verdict::Cleared]);
}

#[test]
fn nodes_on_their_way_out_and_broken_ones_use_a_budget_up() {
    let half = || vec![budget(Share::Permille(300))];
    let cases: [(&str, Change, bool); 7] = [
        ("nobody", |_| (), false),
        (
            "a removal",
            |s| s.ledger.intents.push(removal("4-0", "n2", RemoveStage::Opened)),
            false,
        ),
        (
            "two removals",
            |s| {
                for (id, node) in [("4-0", "n2"), ("4-1", "n3")] {
                    s.ledger.intents.push(removal(id, node, RemoveStage::Draining));
                }
            },
            true,
        ),
        (
            "one removal is undone",
            |s| {
                s.ledger.intents.push(removal("4-0", "n2", RemoveStage::Undoing));
                s.ledger.intents.push(removal("4-1", "n3", RemoveStage::Draining));
            },
            false,
        ),
        (
            "one leaves, one is broken",
            |s| {
                s.node_mut("n2").ready = false;
                s.node_mut("n3").deleting = true;
            },
            true,
        ),
        (
            "one boots",
            |s| {
                s.node_mut("n2").ready = false;
                s.node_mut("n2").created = NOW;
                s.node_mut("n3").deleting = true;
            },
            false,
        ),
        (
            "one and the same",
            |s| {
                s.node_mut("n2").deleting = true;
                s.ledger.intents.push(removal("4-0", "n2", RemoveStage::Draining));
            },
            false,
        ),
    ];
    for (what, change, full) in cases {
        let edit = |stage: &mut Stage| {
            under(half())(stage);
            change(stage);
        };
        let expected = if full { closed(2, None) } else { Verdict::Cleared };
        assert_eq!(word(edit, cordon("n1")), expected, "{what}");
    }
}

#[test]
fn steps_of_one_plan_share_a_budget() {
    let mut stage = Stage::new();
    stage.aims.disruption.budgets = vec![budget(Share::Count(1))];
    let steps = vec![step(0, None, cordon("n1")), step(1, None, cordon("n2"))];
    assert_eq!(words(&stage, steps), [Verdict::Cleared, closed(1, None)]);
}

#[test]
fn what_the_provider_takes_is_never_held_by_a_budget() {
    for why in [Leaves::Retired, Leaves::Interrupted, Leaves::Ending] {
        let taken = |stage: &mut Stage| {
            under(vec![budget(Share::Count(0))])(stage);
            stage.node_mut("n1").leaving = Some(Leaving { why, told: NOW });
        };
        assert_eq!(word(taken, cordon("n1")), Verdict::Cleared, "{why}");
        assert_eq!(
            word_draining(RemoveStage::Draining, taken, evict("p1", "n1")),
            Verdict::Cleared,
            "{why}"
        );
    }
    let at_risk = |stage: &mut Stage| {
        under(vec![budget(Share::Count(0))])(stage);
        stage.node_mut("n1").leaving = Some(Leaving {
            why: Leaves::AtRisk,
            told: NOW,
        });
    };
    assert_eq!(word(at_risk, cordon("n1")), closed(0, None), "it may stay");
}

#[test]
fn a_removal_that_has_begun_is_finished_and_undone_whatever_budgets_say() {
    let frozen = || under(vec![budget(Share::Count(0))]);
    assert_eq!(
        word_draining(RemoveStage::Opened, frozen(), cordon("n1")),
        Verdict::Cleared
    );
    let empty = |stage: &mut Stage| {
        frozen()(stage);
        stage.seen.pods.retain(|pod| &*pod.key.name != "p1");
    };
    assert_eq!(
        word_draining(RemoveStage::Draining, empty, remove("n1")),
        Verdict::Cleared
    );
    assert_eq!(
        word_draining(RemoveStage::Draining, frozen(), uncordon("n1")),
        Verdict::Cleared
    );
}
