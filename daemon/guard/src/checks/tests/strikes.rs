//! What must never happen.

use super::*;

/// What a case is called, the word on it, and the strike it should be.
type Case = (&'static str, Verdict, StrikeReason);

fn all_struck(table: Vec<Case>) {
    for (what, said, why) in table {
        assert_eq!(said, struck(why), "{what}");
    }
}

#[test]
fn outside_the_bounds() {
    all_struck(vec![
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
    ]);
}

#[test]
fn an_instance_that_goes_away_is_subtracted_once() {
    let going = |s: &mut Stage| {
        s.group_mut().min = 2;
        s.group_mut().desired = 3;
        s.group_mut().instances[3].state = InstanceState::Terminating;
        s.ledger
            .intents
            .push(removal("4-0", "n4", RemoveStage::Terminating));
    };
    assert_eq!(word(going, cordon("n1")), Verdict::Cleared);
    // Asked for, and the provider has not begun: it still has to be taken off.
    let asked = |s: &mut Stage| {
        going(s);
        s.group_mut().instances[3].state = InstanceState::InService;
    };
    assert_eq!(
        word(asked, cordon("n1")),
        struck(StrikeReason::BelowGroupMin { min: 2 })
    );
}

#[test]
fn what_waits_to_be_let_go_makes_no_group_smaller() {
    let waits = |s: &mut Stage| {
        s.seen.pods.clear();
        s.group_mut().min = 4;
        s.group_mut().instances[0].state = InstanceState::Waiting;
    };
    for at in [RemoveStage::Draining, RemoveStage::Terminating] {
        assert_eq!(word_draining(at, waits, remove("n1")), Verdict::Cleared);
        let unwanted = |s: &mut Stage| {
            waits(s);
            s.group_mut().instances[0].state = InstanceState::InService;
        };
        assert_eq!(
            word_draining(at, unwanted, remove("n1")),
            struck(StrikeReason::BelowGroupMin { min: 4 })
        );
    }
}

#[test]
fn what_is_not_ours_to_disturb() {
    all_struck(vec![
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
    ]);
}

#[test]
fn objects_that_are_not_as_named() {
    all_struck(vec![
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
    ]);
}

#[test]
fn cordon_then_drain_then_remove() {
    all_struck(vec![
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
    ]);
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
            spec.owner = Some(WorkloadKey::new("DaemonSet", "ns", "agent"));
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
fn a_waiting_pod_is_made_anew_for_fargate_where_the_aims_let_it() {
    use StrikeReason::{Foreign, MustNotDisrupt, UnknownObject};
    let word = |change: &dyn Fn(&mut Stage), pod: &str| {
        let stage = |s: &mut Stage| {
            s.serverless();
            change(s);
        };
        word(stage, remake(pod))
    };
    let owned = |kind: &'static str| {
        move |s: &mut Stage| s.respec("w1", |spec| spec.owner = Some(WorkloadKey::new(kind, "ns", "w")))
    };
    assert_eq!(word(&|_| (), "w1"), Verdict::Cleared);
    assert_eq!(
        word(
            &|s| s.seen.budgets.iter_mut().for_each(|budget| budget.allowed = 0),
            "w1"
        ),
        Verdict::Cleared,
        "it is not running"
    );
    let taken = |s: &mut Stage| {
        s.respec("w1", |spec| {
            spec.labels.insert(PROFILE_LABEL.to_owned(), "web".to_owned());
        });
    };
    all_struck(vec![
        ("it runs", word(&|_| (), "p1"), UnknownObject),
        ("it is gone", word(&|_| (), "w9"), UnknownObject),
        (
            "not let go",
            word(&|s| s.aims.move_to_fargate.clear(), "w1"),
            Foreign,
        ),
        (
            "no profile",
            word(&|s| s.group_mut().kind = GroupKind::Simulated, "w1"),
            Foreign,
        ),
        ("Fargate has it", word(&taken, "w1"), Foreign),
        ("a DaemonSet's", word(&owned("DaemonSet"), "w1"), MustNotDisrupt),
        (
            "a StatefulSet's",
            word(&owned("StatefulSet"), "w1"),
            MustNotDisrupt,
        ),
        ("a Job's", word(&owned("Job"), "w1"), MustNotDisrupt),
        (
            "nobody's",
            word(&|s| s.respec("w1", |spec| spec.owner = None), "w1"),
            MustNotDisrupt,
        ),
        (
            "do-not-disrupt",
            word(
                &|s| s.respec("w1", |spec| spec.traits.do_not_disrupt = true),
                "w1",
            ),
            MustNotDisrupt,
        ),
    ]);
}

#[test]
fn bounds_are_set_towards_the_aims_and_around_the_size() {
    let bound = |min, max| StepKind::SetBounds {
        group: "web".into(),
        from: Bounds { min: 1, max: 6 },
        to: Bounds { min, max },
    };
    let word = |change: &dyn Fn(&mut Stage), kind| {
        let stage = |s: &mut Stage| {
            let aim = BoundsAim {
                min: Some(3),
                max: Some(20),
            };
            s.aims.bounds.insert("web".into(), aim);
            change(s);
        };
        word(stage, kind)
    };
    let plain = |_: &mut Stage| ();
    for (min, max) in [(3, 20), (2, 6), (1, 8)] {
        assert_eq!(word(&plain, bound(min, max)), Verdict::Cleared, "{min} {max}");
    }
    let low = |s: &mut Stage| {
        let aim = BoundsAim {
            min: Some(9),
            max: Some(3),
        };
        s.aims.bounds.insert("web".into(), aim);
    };
    let leaving = |s: &mut Stage| {
        for (at, node) in ["n1", "n2"].into_iter().enumerate() {
            s.ledger
                .intents
                .push(removal(&format!("4-{at}"), node, RemoveStage::Draining));
        }
    };
    let launching = |s: &mut Stage| {
        low(s);
        s.ledger.intents.push(launch("4-0", 4, 5, LaunchStage::Asked));
    };
    all_struck(vec![
        ("past the aims", word(&plain, bound(4, 20)), StrikeReason::Foreign),
        ("away from them", word(&plain, bound(0, 6)), StrikeReason::Foreign),
        (
            "nobody asked",
            word(&|s| s.aims.bounds.clear(), bound(3, 20)),
            StrikeReason::Foreign,
        ),
        (
            "kops'",
            word(
                &|s| s.group_mut().kind = GroupKind::KopsInstanceGroup,
                bound(3, 20),
            ),
            StrikeReason::Foreign,
        ),
        (
            "others are there",
            word(&|s| s.group_mut().max = 7, bound(3, 20)),
            StrikeReason::UnknownObject,
        ),
        (
            "it would end one",
            word(&low, bound(1, 3)),
            StrikeReason::ShrinksByNumber,
        ),
        (
            "one more is coming",
            word(&launching, bound(1, 4)),
            StrikeReason::ShrinksByNumber,
        ),
        (
            "it would launch",
            word(&low, bound(5, 6)),
            StrikeReason::BelowGroupMin { min: 5 },
        ),
        (
            "two are going",
            word(&leaving, bound(3, 20)),
            StrikeReason::BelowGroupMin { min: 3 },
        ),
    ]);
    let updated = |s: &mut Stage| s.group_mut().rolling = Some("EKS updates it".to_owned());
    let what = "EKS updates it".to_owned();
    assert_eq!(word(&updated, bound(3, 20)), held(HoldReason::Rolling { what }));
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

#[test]
fn letting_a_node_empty_by_itself() {
    let avoid = |on| StepKind::Avoid {
        node: "n1".into(),
        on,
    };
    let taint = |s: &mut Stage| {
        s.node_mut("n1").taints.push(model::pod::Taint {
            key: model::node::EMPTYING_TAINT.to_owned(),
            value: String::new(),
            effect: model::pod::TaintEffect::PreferNoSchedule,
        });
    };
    assert_eq!(word(|_| (), avoid(true)), Verdict::Cleared);
    assert_eq!(word(taint, avoid(false)), Verdict::Cleared);
    // Taking our own taint away is right whatever was annotated since, and however old the picture is.
    let annotated = |s: &mut Stage| {
        taint(s);
        s.node_mut("n1").do_not_disrupt = true;
        s.seen.sources.insert(Source::Pods, Freshness::Missing);
    };
    assert_eq!(word(annotated, avoid(false)), Verdict::Cleared);
    let observed = word(
        |s| {
            let _ = s.aims.modes.groups.insert("web".into(), Mode::Observe);
        },
        avoid(true),
    );
    assert!(
        matches!(observed, Verdict::Held(HoldReason::ObserveOnly { .. })),
        "{observed:?}"
    );
    all_struck(vec![
        (
            "a node that must not be disrupted",
            word(|s| s.node_mut("n1").do_not_disrupt = true, avoid(true)),
            StrikeReason::MustNotDisrupt,
        ),
        (
            "a node of somebody else",
            word(
                |s| s.group_mut().foreign = Some("karpenter".to_owned()),
                avoid(true),
            ),
            StrikeReason::Foreign,
        ),
        (
            "a taint that is not there",
            word(|_| (), avoid(false)),
            StrikeReason::Foreign,
        ),
        (
            "no such node",
            word(
                |_| (),
                StepKind::Avoid {
                    node: "n9".into(),
                    on: true,
                },
            ),
            StrikeReason::UnknownObject,
        ),
    ]);
}

#[test]
fn marking_a_pod_to_go_first() {
    let marks = |cost| StepKind::Yield {
        pod: PodKey::new("ns", "p1"),
        node: "n1".into(),
        cost,
    };
    let ours = deletion_cost(3);
    assert_eq!(word(|_| (), marks(ours)), Verdict::Cleared);
    assert_eq!(
        word(|s| s.pod_mut("p1").deletion_cost = ours, marks(0)),
        Verdict::Cleared
    );
    // Somebody who wants the pod kept may have our own mark taken away.
    assert_eq!(
        word(|s| s.node_mut("n1").do_not_disrupt = true, marks(0)),
        Verdict::Cleared
    );
    let observed = word(
        |s| {
            let _ = s.aims.modes.workloads.insert(key(), Mode::Observe);
        },
        marks(ours),
    );
    assert!(
        matches!(observed, Verdict::Held(HoldReason::ObserveOnly { .. })),
        "{observed:?}"
    );
    all_struck(vec![
        (
            "a cost of somebody else",
            word(|s| s.pod_mut("p1").deletion_cost = 100, marks(ours)),
            StrikeReason::Foreign,
        ),
        (
            "a cost that is not ours to set",
            word(|_| (), marks(-1)),
            StrikeReason::Foreign,
        ),
        (
            "a pod on another node",
            word(|s| s.pod_mut("p1").node = Some("n2".into()), marks(ours)),
            StrikeReason::UnknownObject,
        ),
        (
            "a node that must not be disrupted",
            word(|s| s.node_mut("n1").do_not_disrupt = true, marks(ours)),
            StrikeReason::MustNotDisrupt,
        ),
        (
            "a pod that must not be disrupted",
            word(
                |s| s.respec("p1", |spec| spec.traits.do_not_disrupt = true),
                marks(ours),
            ),
            StrikeReason::MustNotDisrupt,
        ),
    ]);
}
