//! A table: one small change to a healthy cluster, one step, one word.

use crate::cleared::Fence;
use crate::judge::{Proposal, judge};
use crate::stage::{NOW, PRICE, Stage, cordon, evict, grow, key, launch, plan, removal, remove, scale, step};
use model::advice::PolicyMode;
use model::aims::Mode;
use model::group::{GroupKind, InstanceState};
use model::intent::{Effect, EffectKind, IntentKind, LaunchStage, Pause, RemoveStage};
use model::offer::Confidence;
use model::plan::{Step, StepKind};
use model::snapshot::Freshness;
use model::{HoldReason, Hook, Instant, PodKey, Source, Span, StepId, StrikeReason, UsdPerHour, Verdict};
use std::sync::Arc;

fn words(stage: &Stage, steps: Vec<Step>) -> Vec<Verdict> {
    words_under(stage, steps, &Fence::sole())
}

fn words_under(stage: &Stage, steps: Vec<Step>, fence: &Fence) -> Vec<Verdict> {
    let plan = plan(steps);
    let proposal = Proposal {
        plan: &plan,
        notes: &stage.notes,
        resumed: &[],
    };
    let verdicts = judge(&stage.seen, &stage.ledger, proposal, &stage.aims, fence);
    let cleared: Vec<StepId> = verdicts.cleared.iter().map(|cleared| cleared.get().id).collect();
    let said: Vec<StepId> = verdicts
        .all
        .iter()
        .filter(|(_, verdict)| *verdict == Verdict::Cleared)
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(cleared, said, "the word and the proof go together");
    verdicts.all.into_iter().map(|(_, verdict)| verdict).collect()
}

fn word(edit: impl FnOnce(&mut Stage), kind: StepKind) -> Verdict {
    let mut stage = Stage::new();
    edit(&mut stage);
    words(&stage, vec![step(0, None, kind)]).remove(0)
}

/// The same on a cluster where `n1` is being drained by intent `4-0`.
fn word_draining(at: RemoveStage, edit: impl FnOnce(&mut Stage), kind: StepKind) -> Verdict {
    let mut stage = Stage::draining(at);
    edit(&mut stage);
    words(&stage, vec![step(0, Some("4-0"), kind)]).remove(0)
}

fn held(why: HoldReason) -> Verdict {
    Verdict::Held(why)
}

fn struck(why: StrikeReason) -> Verdict {
    Verdict::Struck(why)
}

fn stale(source: Source, age: Option<i64>, limit: i64) -> Verdict {
    held(HoldReason::StaleSource {
        source,
        age: age.map(Span::from_secs),
        limit: Span::from_secs(limit),
    })
}

fn uncordon(node: &str) -> StepKind {
    StepKind::Uncordon { node: node.into() }
}

fn nominate() -> StepKind {
    StepKind::Nominate {
        pod: PodKey::new("ns", "w1"),
        node: "n2".into(),
    }
}

#[test]
fn what_is_in_order_passes() {
    for kind in [grow(4, 6), cordon("n1"), scale(4, 9), scale(4, 1), nominate()] {
        assert_eq!(word(|_| (), kind.clone()), Verdict::Cleared, "{kind}");
    }
    for at in [RemoveStage::Cordoned, RemoveStage::Draining] {
        assert_eq!(word_draining(at, |_| (), evict("p1", "n1")), Verdict::Cleared);
        assert_eq!(word_draining(at, |_| (), uncordon("n1")), Verdict::Cleared);
        let empty = |stage: &mut Stage| stage.seen.pods.retain(|pod| &*pod.key.name != "p1");
        assert_eq!(word_draining(at, empty, remove("n1")), Verdict::Cleared);
    }
    // A cordon whose call ended unknown is asked for again, on the same intent.
    assert_eq!(
        word_draining(RemoveStage::Opened, |_| (), cordon("n1")),
        Verdict::Cleared
    );
}

#[test]
fn strikes() {
    let table: Vec<(&str, Verdict, StrikeReason)> = vec![
        (
            "below desired",
            word(|_| (), grow(2, 3)),
            StrikeReason::ShrinksByNumber,
        ),
        (
            "downwards",
            word(|_| (), grow(4, 3)),
            StrikeReason::ShrinksByNumber,
        ),
        ("nowhere", word(|_| (), grow(4, 4)), StrikeReason::ShrinksByNumber),
        (
            "above max",
            word(|_| (), grow(4, 7)),
            StrikeReason::AboveGroupMax { max: 6 },
        ),
        (
            "above max with a launch on its way",
            word(
                |s| s.ledger.intents.push(launch("4-0", 4, 6, LaunchStage::Asked)),
                grow(5, 6),
            ),
            StrikeReason::AboveGroupMax { max: 6 },
        ),
        (
            "below min",
            word(|s| s.group_mut().min = 4, cordon("n1")),
            StrikeReason::BelowGroupMin { min: 4 },
        ),
        (
            "below min with a removal on its way",
            word(
                |s| {
                    s.group_mut().min = 3;
                    s.ledger.intents.push(removal("4-0", "n2", RemoveStage::Draining));
                },
                cordon("n1"),
            ),
            StrikeReason::BelowGroupMin { min: 3 },
        ),
        (
            "min raised meanwhile",
            word_draining(RemoveStage::Draining, |s| s.group_mut().min = 4, remove("n1")),
            StrikeReason::BelowGroupMin { min: 4 },
        ),
        (
            "outside the aim",
            word(|_| (), scale(4, 10)),
            StrikeReason::OutsideBounds { min: 1, max: 9 },
        ),
        (
            "to zero",
            word(|_| (), scale(4, 0)),
            StrikeReason::OutsideBounds { min: 1, max: 9 },
        ),
        (
            "own node",
            word(|s| s.seen.own_node = Some("n1".into()), cordon("n1")),
            StrikeReason::OwnNode,
        ),
        (
            "own node, under way",
            word_draining(
                RemoveStage::Draining,
                |s| s.seen.own_node = Some("n1".into()),
                evict("p1", "n1"),
            ),
            StrikeReason::OwnNode,
        ),
        (
            "annotated node",
            word(|s| s.node_mut("n1").do_not_disrupt = true, cordon("n1")),
            StrikeReason::MustNotDisrupt,
        ),
        (
            "annotated pod on it",
            word(
                |s| s.respec("p1", |spec| spec.traits.do_not_disrupt = true),
                cordon("n1"),
            ),
            StrikeReason::MustNotDisrupt,
        ),
        (
            "pod without a controller",
            word_draining(
                RemoveStage::Draining,
                |s| s.respec("p1", |spec| spec.owner = None),
                evict("p1", "n1"),
            ),
            StrikeReason::MustNotDisrupt,
        ),
        (
            "budget spent",
            word_draining(
                RemoveStage::Draining,
                |s| s.seen.budgets[0].allowed = 0,
                evict("p1", "n1"),
            ),
            StrikeReason::MustNotDisrupt,
        ),
        (
            "an HPA's",
            word(|s| s.seen.workloads[0].owned_by = Some("hpa".into()), scale(4, 5)),
            StrikeReason::OwnedByHpa,
        ),
        (
            "not named to scale",
            word(|s| s.aims.scale.clear(), scale(4, 5)),
            StrikeReason::Foreign,
        ),
        (
            "no such workload",
            word(|s| s.seen.workloads.clear(), scale(4, 5)),
            StrikeReason::UnknownObject,
        ),
        (
            "no such node",
            word(|_| (), cordon("n9")),
            StrikeReason::UnknownObject,
        ),
        (
            "another instance by now",
            word(|s| s.node_mut("n1").instance = Some("i-new".into()), cordon("n1")),
            StrikeReason::UnknownObject,
        ),
        (
            "another group's node",
            word(|s| s.node_mut("n1").group = None, cordon("n1")),
            StrikeReason::Foreign,
        ),
        (
            "somebody else's group",
            word(|s| s.group_mut().foreign = Some("karpenter".into()), grow(4, 5)),
            StrikeReason::Foreign,
        ),
        (
            "a group that the aims do not name",
            word(|s| s.aims.groups = vec!["other".into()], grow(4, 5)),
            StrikeReason::Foreign,
        ),
        (
            "no such offer",
            word(|s| s.seen.offers.clear(), grow(4, 5)),
            StrikeReason::UnknownObject,
        ),
        (
            "a Fargate pod's node",
            word(|s| s.node_mut("n1").fargate = true, cordon("n1")),
            StrikeReason::Foreign,
        ),
        (
            "pod moved meanwhile",
            word_draining(
                RemoveStage::Draining,
                |s| s.pod_mut("p1").node = Some("n2".into()),
                evict("p1", "n1"),
            ),
            StrikeReason::UnknownObject,
        ),
        (
            "not ours to uncordon",
            word(|_| (), uncordon("n1")),
            StrikeReason::Foreign,
        ),
        (
            "never cordoned",
            word(|_| (), evict("p1", "n1")),
            StrikeReason::NotDrained,
        ),
        (
            "never drained",
            word(|_| (), remove("n1")),
            StrikeReason::NotDrained,
        ),
        (
            "not empty",
            word_draining(RemoveStage::Draining, |_| (), remove("n1")),
            StrikeReason::NotDrained,
        ),
        (
            "uncordoned by somebody",
            word_draining(
                RemoveStage::Draining,
                |s| {
                    s.node_mut("n1").unschedulable = false;
                    s.node_mut("n1").draining = false;
                },
                evict("p1", "n1"),
            ),
            StrikeReason::NotDrained,
        ),
        (
            "given up",
            word_draining(RemoveStage::Undoing, |_| (), evict("p1", "n1")),
            StrikeReason::NotDrained,
        ),
    ];
    for (what, said, why) in table {
        assert_eq!(said, struck(why), "{what}");
    }
}

#[test]
fn a_plan_from_another_ledger_is_void() {
    let stage = Stage::new();
    for generation in [6, 8] {
        let mut old = step(0, None, grow(4, 5));
        old.generation = generation;
        assert_eq!(words(&stage, vec![old]), [struck(StrikeReason::StaleGeneration)]);
    }
}

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
    let by_workload = |s: &mut Stage| {
        s.aims.modes.workloads.insert(key(), Mode::Observe);
    };
    assert_eq!(word(by_workload, scale(4, 5)), only("workload Deployment ns/app"));
    assert_eq!(
        word_draining(RemoveStage::Draining, by_workload, evict("p1", "n1")),
        only("workload Deployment ns/app")
    );
    let by_hook = |s: &mut Stage| {
        s.aims.modes.hooks.insert(Hook::Scaler, Mode::Observe);
    };
    assert_eq!(word(by_hook, scale(4, 5)), only("hook scaler"));
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
fn one_piece_of_work_at_a_time() {
    let open = held(HoldReason::IntentOpen);
    let undecided = |s: &mut Stage| s.ledger.intents.push(launch("4-0", 3, 4, LaunchStage::Opened));
    assert_eq!(word(undecided, grow(4, 5)), open);
    let asked = |s: &mut Stage| s.ledger.intents.push(launch("4-0", 3, 4, LaunchStage::Asked));
    assert_eq!(word(asked, grow(4, 5)), Verdict::Cleared);
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

#[test]
fn a_replacement_comes_before_the_removal() {
    let after = |joined: Option<LaunchStage>| {
        move |s: &mut Stage| {
            if let IntentKind::Remove { after, .. } = &mut s.ledger.intents[0].kind {
                *after = Some("3-1".into());
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
}

#[test]
fn windows() {
    let effect = |seconds: i64, kind| {
        move |s: &mut Stage| {
            s.ledger.effects.push(Effect {
                at: NOW - Span::from_secs(seconds),
                group: "web".into(),
                kind,
            });
        }
    };
    let bought = EffectKind::Bought {
        count: 99,
        rate: UsdPerHour(1),
    };
    assert_eq!(word(effect(600, bought), grow(4, 5)), Verdict::Cleared);
    assert_eq!(
        word(effect(600, bought), grow(4, 6)),
        held(HoldReason::PurchasesPerWindow { limit: 100 })
    );
    assert_eq!(word(effect(601, bought), grow(4, 6)), Verdict::Cleared);
    let dear = EffectKind::Bought {
        count: 1,
        rate: UsdPerHour(49_900_000_000),
    };
    let limit = UsdPerHour(50_000_000_000);
    assert_eq!(
        word(effect(5, dear), grow(4, 5)),
        held(HoldReason::RatePerWindow { limit })
    );
    let once = |s: &mut Stage| {
        s.aims.limits.removed_per_window_permille = 250;
        effect(30, EffectKind::Removed)(s);
    };
    assert_eq!(
        word(once, cordon("n1")),
        held(HoldReason::RemovalsPerWindow { limit: 1 })
    );
    let long = |s: &mut Stage| {
        s.aims.limits.removed_per_long_window_permille = 250;
        effect(3000, EffectKind::Removed)(s);
    };
    assert_eq!(
        word(long, cordon("n1")),
        held(HoldReason::RemovalsPerWindow { limit: 1 })
    );
    let evicted = EffectKind::Evicted { count: 1000 };
    assert_eq!(
        word_draining(RemoveStage::Draining, effect(9, evicted), evict("p1", "n1")),
        held(HoldReason::EvictionsPerWindow { limit: 1000 })
    );
    let at_once = |s: &mut Stage| {
        s.aims.limits.removals_at_once = 1;
        s.ledger.intents.push(removal("4-0", "n2", RemoveStage::Draining));
    };
    assert_eq!(
        word(at_once, cordon("n1")),
        held(HoldReason::RemovalsAtOnce { limit: 1 })
    );
}

#[test]
fn totals() {
    assert_eq!(
        word(|s| s.aims.limits.max_nodes = 4, grow(4, 5)),
        held(HoldReason::MaxNodes { limit: 4 })
    );
    let five = |s: &mut Stage| s.aims.limits.max_rate = PRICE.times(5);
    assert_eq!(word(five, grow(4, 5)), Verdict::Cleared);
    assert_eq!(
        word(five, grow(4, 6)),
        held(HoldReason::MaxRate {
            limit: PRICE.times(5)
        })
    );
    // A node that no offer explains costs as much as the dearest.
    let unpriced = |s: &mut Stage| {
        five(s);
        s.node_mut("n1").offer = None;
        let mut dear = s.seen.offers[0].clone();
        dear.id = "x9.metal/a/on-demand".into();
        dear.price = PRICE.times(3);
        s.seen.offers.push(dear);
    };
    assert_eq!(
        word(unpriced, grow(4, 5)),
        held(HoldReason::MaxRate {
            limit: PRICE.times(5)
        })
    );
    // An offer without a price is bought at the price of the dearest of its family.
    let nameless = |s: &mut Stage| {
        five(s);
        s.seen.offers[0].confidence = Confidence::Unknown;
        let mut sibling = s.seen.offers[0].clone();
        sibling.id = "m6a.xlarge/a/on-demand".into();
        sibling.price = PRICE.times(2);
        sibling.confidence = Confidence::Listed;
        s.seen.offers.push(sibling);
    };
    assert_eq!(
        word(nameless, grow(4, 5)),
        held(HoldReason::MaxRate {
            limit: PRICE.times(5)
        })
    );
}

#[test]
fn all_of_a_group_needs_acknowledgement() {
    let all = |s: &mut Stage| {
        s.aims.limits.removed_per_window_permille = 1000;
        s.aims.limits.removed_per_long_window_permille = 1000;
    };
    let steps = || {
        (0..3)
            .map(|n| step(n, None, cordon(["n1", "n2", "n3"][n as usize])))
            .collect::<Vec<_>>()
    };
    let mut stage = Stage::new();
    all(&mut stage);
    let one = held(HoldReason::RemovalsPerWindow { limit: 1 });
    assert_eq!(words(&stage, steps()), [Verdict::Cleared, one.clone(), one]);
    stage.aims.limits.acknowledge_risk = true;
    assert_eq!(
        words(&stage, steps()),
        [Verdict::Cleared, Verdict::Cleared, Verdict::Cleared]
    );
}

#[test]
fn budgets_count_across_the_plan() {
    let mut stage = Stage::draining(RemoveStage::Draining);
    for pod in ["p2", "p3"] {
        stage.pod_mut(pod).node = Some("n1".into());
    }
    let steps = ["p1", "p2", "p3"]
        .iter()
        .zip(0..)
        .map(|(pod, n)| step(n, Some("4-0"), evict(pod, "n1")))
        .collect();
    assert_eq!(
        words(&stage, steps),
        [
            Verdict::Cleared,
            Verdict::Cleared,
            struck(StrikeReason::MustNotDisrupt)
        ]
    );
}

#[test]
fn daemon_and_static_pods_do_not_keep_a_node() {
    let leave = |s: &mut Stage| {
        s.respec("p1", |spec| {
            spec.owner = Some(model::WorkloadKey::new("DaemonSet", "ns", "agent"));
            spec.traits.do_not_disrupt = true;
        });
    };
    assert_eq!(word(leave, cordon("n1")), Verdict::Cleared);
    assert_eq!(
        word_draining(RemoveStage::Draining, leave, remove("n1")),
        Verdict::Cleared
    );
    let fixed = |s: &mut Stage| s.respec("p1", |spec| spec.traits.mirror = true);
    assert_eq!(
        word_draining(RemoveStage::Draining, fixed, remove("n1")),
        Verdict::Cleared
    );
    assert_eq!(
        word_draining(RemoveStage::Draining, fixed, evict("p1", "n1")),
        struck(StrikeReason::MustNotDisrupt)
    );
}

#[test]
fn fargate_goes_through_a_profile() {
    let place = || StepKind::PlaceOnFargate {
        class: 0,
        workload: Some(key()),
        profile: "web".into(),
        offer: "m6a.large/a/on-demand".into(),
        label: model::selector::Labels::new(),
        pods: vec![PodKey::new("ns", "w1")],
    };
    assert_eq!(word(|_| (), place()), struck(StrikeReason::Foreign));
    assert_eq!(
        word(|s| s.group_mut().kind = GroupKind::FargateProfile, place()),
        Verdict::Cleared
    );
}

#[test]
fn the_ledger_stays_bounded() {
    let full = |s: &mut Stage| {
        for n in 0..crate::ledger::MAX_INTENTS {
            s.ledger
                .intents
                .push(removal(&format!("1-{n}"), &format!("x{n}"), RemoveStage::Undoing));
        }
    };
    assert_eq!(
        word(full, grow(4, 5)),
        held(HoldReason::TooManyIntents {
            limit: crate::ledger::MAX_INTENTS
        })
    );
}

#[test]
fn an_empty_snapshot_clears_nothing() {
    let mut stage = Stage::new();
    stage.seen = model::Snapshot {
        at: Instant(1),
        ..model::Snapshot::default()
    };
    for kind in [
        grow(4, 5),
        cordon("n1"),
        evict("p1", "n1"),
        remove("n1"),
        scale(4, 5),
        nominate(),
    ] {
        assert_ne!(words(&stage, vec![step(0, None, kind)]), [Verdict::Cleared]);
    }
    stage = Stage::new();
    stage.seen.groups[0].instances[0].state = InstanceState::Terminating;
    stage.seen.specs = vec![Arc::default()];
    assert_eq!(words(&stage, vec![step(0, None, grow(4, 5))]), [Verdict::Cleared]);
}
