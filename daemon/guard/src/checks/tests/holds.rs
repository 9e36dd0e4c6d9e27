//! What must wait.

use super::*;

#[test]
fn freshness_per_source_and_step() {
    let age = |source, seconds| {
        move |s: &mut Stage| {
            let age = Span::from_secs(seconds);
            s.seen.sources.insert(source, Freshness::Stale { age });
        }
    };
    let missing = |source| {
        move |s: &mut Stage| {
            s.seen.sources.remove(&source);
        }
    };
    assert_eq!(word(age(Source::Pods, 30), cordon("n1")), Verdict::Cleared);
    assert_eq!(
        word(age(Source::Pods, 31), cordon("n1")),
        stale(Source::Pods, Some(31), 30)
    );
    assert_eq!(
        word(age(Source::Budgets, 31), cordon("n1")),
        stale(Source::Budgets, Some(31), 30)
    );
    assert_eq!(
        word(missing(Source::Nodes), cordon("n1")),
        stale(Source::Nodes, None, 30)
    );
    assert_eq!(word(age(Source::Groups, 120), grow(4, 5)), Verdict::Cleared);
    assert_eq!(
        word(age(Source::Groups, 121), grow(4, 5)),
        stale(Source::Groups, Some(121), 120)
    );
    assert_eq!(word(age(Source::Offers, 999_999), grow(4, 5)), Verdict::Cleared);
    assert!(matches!(
        word(missing(Source::Offers), grow(4, 5)),
        Verdict::Held(HoldReason::StaleSource {
            source: Source::Offers,
            age: None,
            ..
        })
    ));
    assert_eq!(word(missing(Source::Load), scale(4, 5)), Verdict::Cleared);
    assert_eq!(
        word(missing(Source::Load), scale(4, 3)),
        stale(Source::Load, None, 30)
    );
    assert_eq!(
        word_draining(RemoveStage::Draining, missing(Source::Groups), evict("p1", "n1")),
        stale(Source::Groups, None, 30)
    );
    assert_eq!(
        word_draining(RemoveStage::Draining, |s| s.seen.sources.clear(), uncordon("n1")),
        Verdict::Cleared
    );
    for source in [Source::Pods, Source::Workloads, Source::Groups] {
        let old = |s: &mut Stage| {
            s.serverless();
            age(source, 31)(s);
        };
        assert_eq!(word(old, remake("w1")), stale(source, Some(31), 30));
    }
}

#[test]
fn modes_per_scope() {
    let only = |scope: &str| {
        held(HoldReason::ObserveOnly {
            scope: scope.to_owned(),
        })
    };
    assert_eq!(word(|s| s.aims.modes.cluster = None, grow(4, 5)), only("cluster"));
    let by_group = |s: &mut Stage| {
        s.aims.modes.groups.insert("web".into(), Mode::Observe);
    };
    assert_eq!(word(by_group, grow(4, 5)), only("group web"));
    assert_eq!(word(by_group, cordon("n1")), only("group web"));
    assert_eq!(word(by_group, scale(4, 5)), Verdict::Cleared);
    assert_eq!(
        word_draining(RemoveStage::Draining, by_group, evict("p1", "n1")),
        only("group web")
    );
    assert_eq!(
        word_draining(RemoveStage::Draining, by_group, uncordon("n1")),
        Verdict::Cleared
    );
    // Opening a node that has just started is no undoing.
    let start = |s: &mut Stage| s.node_mut("n1").taints.push(starting());
    assert_eq!(word(start, uncordon("n1")), Verdict::Cleared);
    let start_observed = |s: &mut Stage| {
        start(s);
        by_group(s);
    };
    assert_eq!(word(start_observed, uncordon("n1")), only("group web"));
    assert_eq!(
        word_draining(RemoveStage::Draining, start_observed, uncordon("n1")),
        Verdict::Cleared
    );
    let by_workload = |s: &mut Stage| {
        s.aims.modes.workloads.insert(key(), Mode::Observe);
    };
    assert_eq!(word(by_workload, scale(4, 5)), only("workload Deployment ns/app"));
    assert_eq!(
        word_draining(RemoveStage::Draining, by_workload, evict("p1", "n1")),
        only("workload Deployment ns/app")
    );
    // A drain that would meet a pod nobody may move does not begin; one under way goes on.
    let of_workload = only("workload Deployment ns/app");
    assert_eq!(word(by_workload, cordon("n1")), of_workload);
    let empty = |s: &mut Stage| {
        by_workload(s);
        s.seen.pods.retain(|pod| pod.node.is_none());
    };
    assert_eq!(word(empty, cordon("n1")), Verdict::Cleared);
    assert_eq!(
        word_draining(RemoveStage::Opened, by_workload, cordon("n1")),
        Verdict::Cleared
    );
    let by_hook = |s: &mut Stage| {
        s.aims.modes.hooks.insert(Hook::Scaler, Mode::Observe);
    };
    assert_eq!(word(by_hook, scale(4, 5)), only("hook scaler"));
    let unplaced = |s: &mut Stage| {
        s.serverless();
        s.aims.modes.hooks.insert(Hook::Placement, Mode::Observe);
    };
    assert_eq!(word(unplaced, remake("w1")), only("hook placement"));
    let kept = |s: &mut Stage| {
        s.serverless();
        by_workload(s);
    };
    assert_eq!(word(kept, remake("w1")), of_workload);
    // What was set at run time wins over the aims, both ways.
    assert_eq!(
        word(
            |s| {
                s.aims.modes.cluster = Some(Mode::Observe);
                s.ledger.modes.cluster = Some(Mode::Act);
            },
            grow(4, 5)
        ),
        Verdict::Cleared
    );
    assert_eq!(
        word(|s| s.ledger.modes.cluster = Some(Mode::Observe), grow(4, 5)),
        only("cluster")
    );
}

#[test]
fn pause_and_fence_hold_everything() {
    let pause = |s: &mut Stage| {
        s.ledger.paused = Some(Pause {
            by: "ada".to_owned(),
            why: String::new(),
            at: NOW,
        });
    };
    let paused = held(HoldReason::Paused { by: "ada".to_owned() });
    for kind in [grow(4, 5), cordon("n1"), scale(4, 5), nominate()] {
        assert_eq!(word(pause, kind), paused);
    }
    assert_eq!(
        word_draining(RemoveStage::Draining, pause, uncordon("n1")),
        paused
    );
    let steps = vec![step(0, None, grow(4, 5))];
    assert_eq!(
        words_under(&Stage::new(), steps, &Fence::lost()),
        [held(HoldReason::NoFence)]
    );
}

#[test]
fn a_fault_of_an_enforced_policy_keeps_from_shrinking() {
    let fault = held(HoldReason::PolicyFault { hook: Hook::Scaler });
    let enforced = |s: &mut Stage| s.fault(PolicyMode::Enforce);
    assert_eq!(word(enforced, cordon("n1")), fault);
    assert_eq!(word(enforced, scale(4, 3)), fault);
    assert_eq!(word(enforced, scale(4, 5)), Verdict::Cleared);
    assert_eq!(word(enforced, grow(4, 5)), Verdict::Cleared);
    assert_eq!(
        word_draining(RemoveStage::Draining, enforced, evict("p1", "n1")),
        Verdict::Cleared
    );
    assert_eq!(
        word(|s| s.fault(PolicyMode::Shadow), cordon("n1")),
        Verdict::Cleared
    );
}

#[test]
fn a_review_holds_what_begins_and_nothing_else() {
    let reviewed = held(HoldReason::Reviewed {
        policy: "p".into(),
        code: 3,
        text: "not now".to_owned(),
    });
    for kind in [grow(4, 5), cordon("n1"), scale(4, 3), scale(4, 5)] {
        assert_eq!(word(Stage::hold_first, kind), reviewed);
    }
    assert_eq!(word(Stage::hold_first, nominate()), Verdict::Cleared);
    for (stage, kind) in [
        (RemoveStage::Opened, cordon("n1")),
        (RemoveStage::Draining, evict("p1", "n1")),
        (RemoveStage::Draining, uncordon("n1")),
    ] {
        let said = word_draining(stage, Stage::hold_first, kind.clone());
        assert_eq!(said, Verdict::Cleared, "{kind}");
    }
    let second = vec![step(0, None, grow(4, 5)), step(1, None, cordon("n1"))];
    let mut stage = Stage::new();
    stage.hold_first();
    assert_eq!(words(&stage, second), [reviewed, Verdict::Cleared]);
}

#[test]
fn one_piece_of_work_at_a_time() {
    let open = held(HoldReason::IntentOpen);
    let undecided = |s: &mut Stage| s.ledger.intents.push(launch("4-0", 3, 4, LaunchStage::Opened));
    assert_eq!(word(undecided, grow(4, 5)), open);
    let asked = |s: &mut Stage| s.ledger.intents.push(launch("4-0", 3, 4, LaunchStage::Asked));
    assert_eq!(word(asked, grow(4, 5)), Verdict::Cleared);
    // Growth from a size that an accepted launch has left behind would ask for its nodes again.
    let accepted = |s: &mut Stage| s.ledger.intents.push(launch("4-0", 4, 5, LaunchStage::Asked));
    assert_eq!(word(accepted, grow(4, 5)), open);
    let listed = |s: &mut Stage| {
        accepted(s);
        if let IntentKind::Launch { instances, .. } = &mut s.ledger.intents[0].kind {
            instances.push("i-n4".into());
        }
    };
    assert_eq!(word(listed, grow(4, 5)), Verdict::Cleared);
    let and_left = |s: &mut Stage| {
        accepted(s);
        s.ledger.effects.push(Effect {
            at: NOW,
            group: "web".into(),
            kind: EffectKind::Removed,
        });
    };
    assert_eq!(word(and_left, grow(4, 5)), Verdict::Cleared);
    assert_eq!(word_draining(RemoveStage::Undoing, |_| (), cordon("n1")), open);
    // The pods of an open launch are not bought for twice.
    let promised = |s: &mut Stage| {
        let mut intent = launch("4-0", 3, 4, LaunchStage::Asked);
        if let IntentKind::Launch { pods, .. } = &mut intent.kind {
            pods.push(PodKey::new("ns", "w1"));
        }
        s.ledger.intents.push(intent);
    };
    let mut again = grow(4, 5);
    if let StepKind::GrowGroup { pods, .. } = &mut again {
        pods.push(PodKey::new("ns", "w1"));
    }
    assert_eq!(word(promised, again), open);
    let stage = Stage::new();
    assert_eq!(
        words(
            &stage,
            vec![step(0, None, cordon("n1")), step(1, None, cordon("n1"))]
        ),
        [Verdict::Cleared, open.clone()]
    );
    assert_eq!(
        words(
            &stage,
            vec![step(0, None, scale(4, 5)), step(1, None, scale(4, 6))]
        ),
        [Verdict::Cleared, open]
    );
}

#[test]
fn growth_on_top_of_held_growth_waits_with_it() {
    let mut stage = Stage::new();
    stage.group_mut().max = 99;
    let steps = || {
        vec![
            step(0, None, grow(4, 20)),
            step(1, None, grow(20, 21)),
            step(2, None, grow(4, 5)),
        ]
    };
    assert_eq!(words(&stage, steps())[..2], [Verdict::Cleared, Verdict::Cleared]);
    stage.aims.limits.bought_per_window = 10;
    assert_eq!(
        words(&stage, steps()),
        [
            held(HoldReason::PurchasesPerWindow { limit: 10 }),
            held(HoldReason::FollowsHeld),
            Verdict::Cleared
        ]
    );
}

#[test]
fn a_launch_resumed_is_not_counted_twice() {
    let mut stage = Stage::new();
    stage
        .ledger
        .intents
        .push(launch("4-0", 4, 6, LaunchStage::Opened));
    stage.group_mut().max = 9;
    stage.aims.limits.bought_per_window = 0;
    assert_eq!(
        words(&stage, vec![step(0, Some("4-0"), grow(4, 6))]),
        [Verdict::Cleared]
    );
    // The same intent for something else is refused.
    assert_eq!(
        words(&stage, vec![step(0, Some("4-0"), grow(4, 5))]),
        [held(HoldReason::IntentOpen)]
    );
}

type Change = fn(&mut Stage);

#[test]
fn nothing_begins_to_go_from_a_group_that_others_roll() {
    let what = "EKS updates it";
    let rolled = |s: &mut Stage| s.group_mut().rolling = Some(what.to_owned());
    let held = held(HoldReason::Rolling {
        what: what.to_owned(),
    });
    assert_eq!(word(rolled, cordon("n1")), held);
    assert_eq!(word(rolled, grow(4, 5)), Verdict::Cleared);
}

#[test]
fn a_replacement_comes_before_the_removal() {
    let after = |joined: Option<LaunchStage>| {
        move |s: &mut Stage| {
            if let IntentKind::Remove { after, .. } = &mut s.ledger.intents[0].kind {
                *after = vec!["3-1".into()];
            }
            if let Some(stage) = joined {
                s.ledger.intents.push(launch("3-1", 3, 4, stage));
            }
        }
    };
    let waits = held(HoldReason::ReplacementNotReady);
    let evict = || evict("p1", "n1");
    assert_eq!(
        word_draining(RemoveStage::Cordoned, after(Some(LaunchStage::Asked)), evict()),
        waits
    );
    assert_eq!(word_draining(RemoveStage::Cordoned, after(None), evict()), waits);
    assert_eq!(
        word_draining(RemoveStage::Cordoned, after(Some(LaunchStage::Joined)), evict()),
        Verdict::Cleared
    );
    // Its node has joined and is lost again, or is not Ready any more.
    let since = |lost: fn(&mut Stage)| {
        move |s: &mut Stage| {
            after(Some(LaunchStage::Joined))(s);
            if let Some(IntentKind::Launch { joined, .. }) = s.ledger.intents.last_mut().map(|i| &mut i.kind)
            {
                joined.push("n4".into());
            }
            lost(s);
        }
    };
    let lost: [(Change, Verdict); 4] = [
        (|_| {}, Verdict::Cleared),
        (|s| s.node_mut("n4").ready = false, waits.clone()),
        (|s| s.node_mut("n4").deleting = true, waits.clone()),
        (|s| s.seen.nodes.retain(|node| node.name.as_str() != "n4"), waits),
    ];
    for (lost, word) in lost {
        assert_eq!(word_draining(RemoveStage::Cordoned, since(lost), evict()), word);
    }
}
