//! Nodes that have stopped working: what they may go past, and on what evidence alone.

use super::*;
use model::node::UNREACHABLE_TAINT;
use model::pod::{PodPhase, Taint, TaintEffect};
use model::reason::Reason;
use model::repair::{Among, Doubt};

const LONG: Span = Span::from_secs(1800);

fn break_down(stage: &mut Stage, name: &str) {
    let node = stage.node_mut(name);
    (node.ready, node.unready) = (false, Some(NOW - LONG));
    node.taints.push(Taint {
        key: UNREACHABLE_TAINT.to_owned(),
        value: String::new(),
        effect: TaintEffect::NoExecute,
    });
}

/// With a pod on `n1` that is annotated do-not-disrupt.
fn protected(stage: &mut Stage) {
    stage.respec("p1", |spec| spec.traits.do_not_disrupt = true);
}

fn removal_word(stage: &Stage, why: Reason) -> Verdict {
    let mut step = step(0, Some("4-0"), remove("n1"));
    step.reason = why;
    words(stage, vec![step]).remove(0)
}

#[test]
fn evidence_alone_lets_a_node_go_past_pods_that_must_not_be_moved() {
    type Change = fn(&mut Stage);
    let cases: [(Change, bool); 6] = [
        (|s| break_down(s, "n1"), true),
        (|_| (), false),
        (|s| s.node_mut("n1").ready = false, false),
        (
            |s| {
                break_down(s, "n1");
                s.node_mut("n1").unready = Some(NOW - Span::from_secs(1799));
            },
            false,
        ),
        (
            |s| {
                break_down(s, "n1");
                s.node_mut("n1").taints.clear();
            },
            false,
        ),
        (
            |s| {
                break_down(s, "n1");
                s.group_mut().instances.clear();
            },
            false,
        ),
    ];
    for (number, (change, cleared)) in cases.into_iter().enumerate() {
        let edit = |stage: &mut Stage| {
            protected(stage);
            change(stage);
        };
        let wanted = if cleared {
            Verdict::Cleared
        } else {
            struck(StrikeReason::MustNotDisrupt)
        };
        assert_eq!(word(edit, cordon("n1")), wanted, "case {number}");
    }
    // The node's own mark is somebody's who wants to look at it.
    let marked = |stage: &mut Stage| {
        break_down(stage, "n1");
        stage.node_mut("n1").do_not_disrupt = true;
    };
    assert_eq!(word(marked, cordon("n1")), struck(StrikeReason::MustNotDisrupt));
}

#[test]
fn it_goes_with_its_pods_only_for_that_reason_and_after_they_were_asked() {
    let stage = |phase, asked: i64| {
        let mut stage = Stage::draining(RemoveStage::Draining);
        break_down(&mut stage, "n1");
        stage.pod_mut("p1").phase = phase;
        stage.ledger.intents[0].opened = NOW - Span::from_secs(asked);
        stage
    };
    let broken = || Reason::Broken { since: NOW - LONG };
    let not = struck(StrikeReason::NotDrained);
    for (phase, asked, wanted) in [
        (PodPhase::Terminating, 0, Verdict::Cleared),
        (PodPhase::Running, 0, not.clone()),
        (PodPhase::Running, 299, not.clone()),
        (PodPhase::Running, 300, Verdict::Cleared),
    ] {
        let seen = stage(phase, asked);
        assert_eq!(removal_word(&seen, broken()), wanted, "{phase:?} {asked}");
        let plain = Reason::Continues { intent: "4-0".into() };
        assert_eq!(removal_word(&seen, plain), not, "for no other reason");
    }
    let mut works = stage(PodPhase::Terminating, 600);
    works.node_mut("n1").ready = true;
    assert_eq!(removal_word(&works, broken()), not, "it works again");
    let mut stale = stage(PodPhase::Terminating, 600);
    stale.seen.sources.remove(&Source::Groups);
    assert_eq!(removal_word(&stale, broken()), not, "a witness is missing");
}

#[test]
fn only_budgets_that_freeze_everything_keep_it() {
    use model::disruption::{Cause, NodeBudget, Share};
    let budget = |causes: &[Cause], count| NodeBudget {
        name: "b".to_owned(),
        groups: Vec::new(),
        causes: causes.to_vec(),
        nodes: Share::Count(count),
        schedule: None,
    };
    for (budget, cleared) in [
        (budget(&[], 1), true),
        (budget(&[Cause::Underused], 0), true),
        (budget(&[], 0), false),
    ] {
        let edit = |stage: &mut Stage| {
            break_down(stage, "n1");
            stage.aims.disruption.budgets.push(budget);
        };
        assert_eq!(word(edit, cordon("n1")) == Verdict::Cleared, cleared);
    }
}

#[test]
fn within_a_freeze_its_pods_do_not_end_with_it() {
    use model::disruption::{NodeBudget, Share};
    for (nodes, cleared) in [(0, false), (1, true)] {
        let mut stage = Stage::draining(RemoveStage::Draining);
        break_down(&mut stage, "n1");
        stage.pod_mut("p1").phase = PodPhase::Terminating;
        stage.aims.disruption.budgets.push(NodeBudget {
            name: "b".to_owned(),
            groups: Vec::new(),
            causes: Vec::new(),
            nodes: Share::Count(nodes),
            schedule: None,
        });
        let word = removal_word(&stage, Reason::Broken { since: NOW - LONG });
        assert_eq!(word == Verdict::Cleared, cleared, "{word:?}");
    }
}

#[test]
fn no_removal_begins_while_much_of_the_cluster_is_not_ready() {
    let mut stage = Stage::new();
    let mut more: Vec<_> = (5..9)
        .map(|number| crate::stage::node(&format!("n{number}")))
        .collect();
    stage.seen.nodes.append(&mut more);
    stage.seen.groups = vec![crate::stage::group_of(&[
        "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8",
    ])];
    for broken in 0..=8_u32 {
        if broken > 0 {
            break_down(&mut stage, &format!("n{}", 9 - broken));
        }
        let wanted = if broken > 3 {
            held(HoldReason::Implausible {
                doubt: Doubt::TooMany {
                    broken,
                    of: 8,
                    among: Among::Cluster,
                },
            })
        } else {
            Verdict::Cleared
        };
        assert_eq!(
            words(&stage, vec![step(0, None, cordon("n1"))]).remove(0),
            wanted,
            "{broken} of 8"
        );
    }
}
