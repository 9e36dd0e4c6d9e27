//! What proves growth, and what proves that an empty node may go: a table of neighbours on both sides of each rule.

use super::*;
use crate::cleared::{Cleared, Counted, Fence};
use crate::judge::{Verdicts, judge};
use crate::ledger::{open, reconcile};
use crate::proposal::Proposal;
use crate::stage::{GENERATION, NOW, PRICE, Stage, cordon, evict, group_of, key, node, plan, pod, step};
use crate::watched::watch;
use model::intent::{Effect, IntentKind, LaunchStage, Spent};
use model::limits::Limits;
use model::memory::Memory;
use model::plan::{Step, StepKind};
use model::pod::{HostPort, Near, NearRule};
use model::resources::Resources;
use model::selector::LabelSelector;
use model::snapshot::Freshness;
use model::watch::{How, Watch};
use model::{HoldReason, Instant, NodeName, Source, Span, UsdPerHour, Verdict};
use std::sync::Arc;

const WAITING: u32 = 300;

/// 300 pods wait of which each fills nine tenths of a node; nothing else is in the way.
fn queue() -> Stage {
    let mut stage = Stage::new();
    stage.seen.pods.clear();
    stage.aims.scale.clear();
    stage.group_mut().max = 2000;
    let spec = Arc::make_mut(&mut stage.seen.specs[0]);
    spec.requests = Resources::new(1800, 7 << 30);
    for number in 0..WAITING {
        stage.seen.pods.push(pod(&format!("q{number:03}"), None));
    }
    stage.seen.sort();
    stage
}

fn names(count: u32) -> Vec<PodKey> {
    (0..count)
        .map(|number| PodKey::new("ns", format!("q{number:03}")))
        .collect()
}

fn buying(ordinal: u32, (from, to): (u32, u32), pods: Vec<PodKey>) -> Step {
    let kind = StepKind::GrowGroup {
        group: "web".into(),
        offer: "m6a.large/a/on-demand".into(),
        from,
        to,
        nodes: Vec::new(),
        pods,
        rate: PRICE.times(u64::from(to - from)),
    };
    step(ordinal, None, kind)
}

fn words(stage: &Stage, steps: Vec<Step>, watch: Option<&Watch>) -> Vec<Verdict> {
    let plan = plan(steps);
    let proposal = Proposal {
        plan: &plan,
        notes: &stage.notes,
        resumed: &[],
        watch,
    };
    let said = judge(&stage.seen, &stage.ledger, proposal, &stage.aims, &Fence::sole());
    said.all.into_iter().map(|(_, verdict)| verdict).collect()
}

fn grows(stage: &Stage) -> bool {
    words(stage, vec![buying(0, (4, 304), names(WAITING))], None) == [Verdict::Cleared]
}

#[test]
fn three_hundred_nodes_that_pods_wait_for_are_bought_at_once() {
    assert!(grows(&queue()));
}

#[test]
fn what_policies_can_invent_proves_nothing() {
    type Edit = fn(&mut Stage);
    let edits: [(&str, Edit); 10] = [
        ("replicas to come, headroom: no such pods", |s| {
            s.seen.pods.clear();
        }),
        ("pods of a workload in the aims", |s| {
            s.aims = Stage::new().aims;
        }),
        ("pods of an annotated workload", |s| {
            let annotations = &mut s.seen.workloads[0].annotations;
            annotations.insert("plimsoll.io/scale".to_owned(), "cpu=60%".to_owned());
        }),
        ("pods that run", |s| {
            for pod in &mut s.seen.pods {
                pod.node = Some("n1".into());
            }
        }),
        ("gated pods", |s| {
            for pod in &mut s.seen.pods {
                pod.phase = PodPhase::Gated;
            }
        }),
        ("pods of a DaemonSet", |s| {
            let spec = Arc::make_mut(&mut s.seen.specs[0]);
            spec.owner = Some(WorkloadKey::new("DaemonSet", "ns", "agent"));
        }),
        ("pods too large for the offer", |s| {
            Arc::make_mut(&mut s.seen.specs[0]).requests.cpu_milli = 2001;
        }),
        ("pods that need a third of what is bought", |s| {
            Arc::make_mut(&mut s.seen.specs[0]).requests = Resources::new(600, 2 << 30);
        }),
        ("pods for which a launch was made that has ended", |s| {
            s.ledger.spent.push(Spent {
                bought: None,
                at: NOW,
                pods: names(WAITING),
            });
        }),
        ("pods that may be those we moved", |s| {
            s.ledger.effects.push(Effect {
                at: NOW - Span::from_secs(3000),
                group: "web".into(),
                kind: EffectKind::Evicted { count: WAITING },
            });
        }),
    ];
    for (what, edit) in edits {
        let mut stage = queue();
        edit(&mut stage);
        let limit = stage.aims.limits.bought_per_window;
        let held = [Verdict::Held(HoldReason::PurchasesPerWindow { limit })];
        assert_eq!(
            words(&stage, vec![buying(0, (4, 304), names(WAITING))], None),
            held,
            "{what}"
        );
        // What nothing proves is not forbidden: the window lets in what it always did.
        let some = words(&stage, vec![buying(0, (4, 104), Vec::new())], None);
        assert_eq!(some, [Verdict::Cleared], "{what}");
    }
}

#[test]
fn a_pod_that_wants_a_node_to_itself_proves_one_whatever_it_asks_for() {
    let mut stage = queue();
    let spec = Arc::make_mut(&mut stage.seen.specs[0]);
    spec.requests = Resources::new(10, 1 << 20);
    assert!(!grows(&stage));
    let mut apart = stage.clone();
    let near = Near::new(
        "kubernetes.io/hostname".to_owned(),
        LabelSelector::default(),
        None,
        NearRule::Apart,
    );
    Arc::make_mut(&mut apart.seen.specs[0]).near.push(near);
    assert!(grows(&apart));
    let mut port = stage;
    Arc::make_mut(&mut port.seen.specs[0]).host_ports.push(HostPort {
        port: 80,
        protocol: "TCP".to_owned(),
        ip: String::new(),
    });
    assert!(grows(&port));
}

#[test]
fn dearer_nodes_than_needed_are_proven_up_to_the_play() {
    let mut stage = queue();
    let mut dear = stage.seen.offers[0].clone();
    dear.id = "m6a.metal/a/on-demand".into();
    for (price, proven) in [(PRICE.times(18).0 / 10, true), (PRICE.times(3).0, false)] {
        dear.price = UsdPerHour(price);
        stage.seen.offers = vec![stage.seen.offers[0].clone(), dear.clone()];
        stage.seen.sort();
        let mut bought = buying(0, (4, 304), names(WAITING));
        if let StepKind::GrowGroup { offer, .. } = &mut bought.kind {
            offer.clone_from(&dear.id);
        }
        let cleared = words(&stage, vec![bought], None) == [Verdict::Cleared];
        assert_eq!(
            cleared,
            proven && dear.price.times(300) < stage.aims.limits.max_rate
        );
    }
}

#[test]
fn absolute_ceilings_hold_whatever_waits() {
    let mut stage = queue();
    stage.aims.limits.max_nodes = 303;
    let held = |why| [Verdict::Held(why)];
    let grown = |stage: &Stage| words(stage, vec![buying(0, (4, 304), names(WAITING))], None);
    assert_eq!(grown(&stage), held(HoldReason::MaxNodes { limit: 303 }));
    stage.aims.limits.max_nodes = 1000;
    let limit = PRICE.times(303);
    stage.aims.limits.max_rate = limit;
    assert_eq!(grown(&stage), held(HoldReason::MaxRate { limit }));
}

#[test]
fn a_pod_proves_once_until_it_is_placed_or_an_hour_has_passed() {
    let mut stage = queue();
    let plan = plan(vec![buying(0, (4, 304), names(WAITING))]);
    let proposal = Proposal {
        plan: &plan,
        notes: &stage.notes,
        resumed: &[],
        watch: None,
    };
    let said = judge(&stage.seen, &stage.ledger, proposal, &stage.aims, &Fence::sole());
    assert!(matches!(said.cleared[0].counted(), Counted::Proven(proof) if proof.nodes == 300));
    open(&mut stage.ledger, &said.cleared[0], &stage.seen, &stage.aims);
    // It never joins, and is given up; the pods wait on.
    let limits = stage.aims.limits.clone();
    if let IntentKind::Launch { stage, .. } = &mut stage.ledger.intents[0].kind {
        *stage = LaunchStage::Asked;
    }
    stage.seen.at = NOW + Span::from_secs(901);
    reconcile(&mut stage.ledger, &stage.seen, &limits);
    assert_eq!(stage.ledger.spent[0].pods.len(), 300);
    assert!(!grows(&stage));
    // One that was placed meanwhile is forgotten, and may prove again when it waits again.
    let mut placed = stage.clone();
    placed.seen.pods[7].node = Some("n1".into());
    reconcile(&mut placed.ledger, &placed.seen, &limits);
    assert_eq!(placed.ledger.spent[0].pods.len(), 299);
    stage.seen.at = stage.seen.at + Span::from_secs(3601);
    reconcile(&mut stage.ledger, &stage.seen, &limits);
    assert!(stage.ledger.spent.is_empty() && grows(&stage));
}

/// A fleet of 100 nodes on which a workload runs, a pod each.
fn batch() -> Stage {
    let mut stage = Stage::new();
    stage.aims.scale.clear();
    stage.aims.limits = Limits::default();
    let names: Vec<String> = (0..100).map(|number| format!("b{number:02}")).collect();
    stage.seen.nodes = names.iter().map(|name| node(name)).collect();
    stage.seen.groups = vec![group_of(&names.iter().map(String::as_str).collect::<Vec<_>>())];
    stage.group_mut().min = 0;
    stage.seen.pods = names
        .iter()
        .map(|name| pod(&format!("on-{name}"), Some(name)))
        .collect();
    stage.seen.workloads[0].replicas = 100;
    stage.seen.sort();
    stage
}

/// Watches `before`, then what an edit makes of it, for as long as a node must have been unneeded.
fn watched(edit: impl Fn(&mut Stage)) -> (Stage, Memory) {
    let mut stage = batch();
    let mut memory = Memory::default();
    watch(&mut memory, &stage.seen, &stage.aims);
    edit(&mut stage);
    for _ in 0..21 {
        stage.seen.at = stage.seen.at + Span::from_secs(30);
        watch(&mut memory, &stage.seen, &stage.aims);
    }
    (stage, memory)
}

fn gone(stage: &Stage, memory: &Memory) -> usize {
    let names = stage.seen.nodes.iter().map(|node| node.name.as_str().to_owned());
    let steps = names
        .zip(0..)
        .map(|(name, number)| step(number, None, cordon(&name)));
    let words = words(stage, steps.collect(), Some(&memory.watch));
    words.into_iter().filter(|word| *word == Verdict::Cleared).count()
}

/// `scaledownunneededtime` of the group wins over the aims: the nodes have been empty for ten minutes and a half. Until then
/// owners that lowered their replicas let as many go as may go at once.
#[test]
fn a_group_has_a_patience_of_its_own() {
    for (own, expected) in [(60, 25), (600, 25), (630, 10), (1200, 10)] {
        let (stage, memory) = watched(|s| {
            s.seen.workloads[0].replicas = 0;
            s.seen.pods.clear();
            s.group_mut().options.unneeded_for = Some(Span::from_secs(own));
        });
        assert_eq!(gone(&stage, &memory), expected, "{own} s");
    }
}

type Vanishing = (&'static str, fn(&mut Stage), usize);

/// How pods leave their nodes, and how many of those nodes may go at once.
fn vanishings() -> [Vanishing; 11] {
    // Tight: 5 % of the group. Wide: 20 % of the fleet, and what the tight window takes besides.
    let (tight, wide) = (5, 25);
    [
        (
            "replicas lowered",
            |s| {
                s.seen.workloads[0].replicas = 0;
                s.seen.pods.clear();
            },
            wide,
        ),
        (
            "pods seen to finish",
            |s| {
                for pod in &mut s.seen.pods {
                    pod.phase = PodPhase::Finished;
                }
            },
            wide,
        ),
        (
            "finished, and their Job gone at once",
            |s| {
                s.seen.workloads.clear();
                for pod in &mut s.seen.pods {
                    pod.phase = PodPhase::Finished;
                }
            },
            wide,
        ),
        (
            "an API server that returns an empty list of pods",
            |s| s.seen.pods.clear(),
            tight,
        ),
        (
            "a namespace that is seen no more",
            |s| {
                s.seen.pods.clear();
                s.seen.workloads.clear();
            },
            tight,
        ),
        (
            "replicas lowered by less than what went",
            |s| {
                s.seen.workloads[0].replicas = 90;
                s.seen.pods.clear();
            },
            tight,
        ),
        (
            "six of a hundred gone unexplained",
            |s| {
                s.seen.workloads[0].replicas = 6;
                s.seen.pods.clear();
            },
            tight,
        ),
        (
            "five of a hundred gone unexplained",
            |s| {
                s.seen.workloads[0].replicas = 5;
                s.seen.pods.clear();
            },
            wide,
        ),
        (
            "replicas that a policy may set",
            |s| {
                s.seen.workloads[0].replicas = 0;
                s.seen.pods.clear();
                s.aims.scale = Stage::new().aims.scale;
            },
            wide,
        ),
        (
            "a wide limit that is off",
            |s| {
                s.seen.workloads[0].replicas = 0;
                s.seen.pods.clear();
                s.aims.limits.emptied_per_window_permille = 0;
                s.aims.limits.explained_per_window_permille = 0;
            },
            tight,
        ),
        (
            "pods that were seen on no node",
            |s| {
                s.seen.workloads[0].replicas = 100;
                for pod in &mut s.seen.pods {
                    pod.node = None;
                    pod.phase = PodPhase::Pending;
                }
            },
            wide,
        ),
    ]
}

#[test]
fn nodes_watched_empty_go_by_share_of_the_fleet_where_the_owners_explain_it() {
    for (what, edit, expected) in vanishings() {
        let (stage, memory) = watched(edit);
        assert_eq!(
            gone(&stage, &memory),
            expected,
            "{what}: {:?}",
            memory.watch.vanished
        );
    }
}

/// How a workload of a hundred pods, one on each node, lowers its replicas, and how many nodes with pods may go at once.
fn lowerings() -> [Vanishing; 9] {
    fn to(s: &mut Stage, replicas: u32) {
        s.seen.workloads[0].replicas = replicas;
        s.seen.pods.truncate(replicas as usize);
        s.aims.limits.removals_at_once = 100;
    }
    // 5 % of the group, and what is explained on top.
    let (tight, share) = (5, 20);
    [
        ("by half", |s| to(s, 50), tight + share),
        ("not at all", |s| to(s, 100), tight),
        ("by as many pods as may be moved", |s| to(s, 97), tight + 3),
        (
            "by half, and no more at once than usual",
            |s| {
                to(s, 50);
                s.aims.limits.removals_at_once = 7;
            },
            7,
        ),
        (
            "by its scaler",
            |s| {
                to(s, 50);
                s.seen.workloads[0].owned_by = Some("hpa".to_owned());
            },
            tight,
        ),
        (
            "by a policy",
            |s| {
                to(s, 50);
                s.aims.scale = Stage::new().aims.scale;
            },
            tight,
        ),
        (
            "by half, with more gone than it says",
            |s| {
                to(s, 50);
                s.seen.pods.truncate(40);
            },
            tight,
        ),
        (
            "by half, where that makes no difference",
            |s| {
                to(s, 50);
                s.aims.limits.explained_per_window_permille = 0;
            },
            tight,
        ),
        (
            "by going altogether",
            |s| {
                to(s, 50);
                s.seen.workloads.clear();
            },
            tight,
        ),
    ]
}

#[test]
fn nodes_with_pods_go_by_share_of_the_fleet_where_as_many_pods_were_let_go_of() {
    for (what, edit, expected) in lowerings() {
        let (stage, memory) = watched(edit);
        // Those that were watched empty go by a limit of their own.
        let filled: BTreeSet<&NodeName> = stage
            .seen
            .pods
            .iter()
            .filter_map(|pod| pod.node.as_ref())
            .collect();
        let steps = filled
            .iter()
            .zip(0..)
            .map(|(name, number)| step(number, None, cordon(name.as_str())));
        let words = words(&stage, steps.collect(), Some(&memory.watch));
        let gone = words.into_iter().filter(|word| *word == Verdict::Cleared).count();
        assert_eq!(gone, expected, "{what}: {:?}", memory.watch.released);
    }
}

#[test]
fn what_owners_take_back_explains_nothing_and_what_was_moved_for_it_counts() {
    let (mut stage, mut memory) = watched(|s| {
        s.seen.workloads[0].replicas = 90;
        s.seen.pods.truncate(90);
    });
    assert_eq!(memory.watch.released(), 10);
    stage.seen.workloads[0].replicas = 96;
    stage.seen.at = stage.seen.at + Span::from_secs(30);
    watch(&mut memory, &stage.seen, &stage.aims);
    assert_eq!(memory.watch.released(), 4);
    stage.aims.limits.removals_at_once = 100;
    let judged = |stage: &Stage, from: u32| {
        let steps = (from..from + 20).map(|number| step(number, None, cordon(&format!("b{number:02}"))));
        let plan = plan(steps.collect());
        let proposal = Proposal {
            plan: &plan,
            notes: &stage.notes,
            resumed: &[],
            watch: Some(&memory.watch),
        };
        judge(&stage.seen, &stage.ledger, proposal, &stage.aims, &Fence::sole()).cleared
    };
    let cleared = judged(&stage, 0);
    let explained = cleared
        .iter()
        .filter(|step| step.counted() == Counted::Explained(1));
    assert_eq!((explained.count(), cleared.len()), (4, 9));
    for step in &cleared {
        open(&mut stage.ledger, step, &stage.seen, &stage.aims);
    }
    assert!(judged(&stage, 20).is_empty(), "all of it is used up");
    // An hour later nobody remembers who had let go of what.
    stage.seen.at = stage.seen.at + Span::from_secs(3601);
    watch(&mut memory, &stage.seen, &stage.aims);
    assert_eq!(memory.watch.released(), 0);
}

#[test]
fn a_job_that_has_run_explains_no_moves() {
    for (kind, released) in [("Deployment", 10), ("Job", 0)] {
        let mut stage = batch();
        let known = stage.seen.workloads[0].key.clone();
        let key = WorkloadKey {
            kind: kind.into(),
            ..known.clone()
        };
        stage.seen.workloads[0].key = key.clone();
        for spec in stage.seen.specs.iter_mut().map(Arc::make_mut) {
            if spec.owner.as_ref() == Some(&known) {
                spec.owner = Some(key.clone());
            }
        }
        let mut memory = Memory::default();
        watch(&mut memory, &stage.seen, &stage.aims);
        stage.seen.workloads[0].replicas = 90;
        stage.seen.pods.truncate(90);
        stage.seen.at = stage.seen.at + Span::from_secs(30);
        watch(&mut memory, &stage.seen, &stage.aims);
        assert_eq!(memory.watch.released(), released, "{kind}");
    }
}

#[test]
fn pods_of_scaled_workloads_leave_their_nodes_to_the_tight_limit() {
    let mut stage = batch();
    stage.aims.scale = Stage::new().aims.scale;
    let mut memory = Memory::default();
    watch(&mut memory, &stage.seen, &stage.aims);
    stage.seen.workloads[0].replicas = 0;
    stage.seen.pods.clear();
    for _ in 0..21 {
        stage.seen.at = stage.seen.at + Span::from_secs(30);
        watch(&mut memory, &stage.seen, &stage.aims);
    }
    assert_eq!(gone(&stage, &memory), 5);
}

#[test]
fn a_memory_that_is_lost_or_old_or_incomplete_means_tight_limits() {
    let (mut stage, memory) = watched(|s| {
        s.seen.workloads[0].replicas = 0;
        s.seen.pods.clear();
    });
    assert_eq!(gone(&stage, &memory), 25);
    // Lost: what it was before nobody knows, however long it is watched from now on.
    let mut lost = Memory::default();
    for _ in 0..40 {
        stage.seen.at = stage.seen.at + Span::from_secs(30);
        watch(&mut lost, &stage.seen, &stage.aims);
    }
    assert_eq!(gone(&stage, &lost), 5);
    // Not of this picture.
    assert_eq!(gone(&stage, &memory), 5);
    // A gap longer than a window.
    let mut late = memory.clone();
    watch(&mut late, &stage.seen, &stage.aims);
    assert_eq!(
        late.watch.empty.values().filter(|e| e.how == How::Unseen).count(),
        100
    );
    // A picture without workloads is none.
    let mut stale = memory.clone();
    stage.seen.sources.insert(Source::Workloads, Freshness::Missing);
    watch(&mut stale, &stage.seen, &stage.aims);
    assert_eq!(stale.watch, memory.watch);
    // What is written is what is read.
    let bytes = crate::ledger::encode_memory(&memory).unwrap();
    assert_eq!(crate::ledger::decode_memory(&bytes).unwrap(), memory);
}

/// What is said of removing so many of the nodes.
fn judged(stage: &Stage, memory: &Memory, nodes: u32) -> Verdicts {
    let steps = (0..nodes).map(|number| step(number, None, cordon(&format!("b{number:02}"))));
    let plan = plan(steps.collect());
    let proposal = Proposal {
        plan: &plan,
        notes: &stage.notes,
        resumed: &[],
        watch: Some(&memory.watch),
    };
    judge(&stage.seen, &stage.ledger, proposal, &stage.aims, &Fence::sole())
}

/// Regression: an empty node was held once the window of empty nodes was used up, though one that has pods could have gone.
#[test]
fn empty_nodes_go_as_any_other_once_their_window_is_used_up() {
    let (mut stage, memory) = watched(|s| {
        s.seen.workloads[0].replicas = 0;
        s.seen.pods.clear();
    });
    let said = judged(&stage, &memory, 26);
    let counted: Vec<Counted> = said.cleared.iter().map(Cleared::counted).collect();
    assert_eq!(counted.len(), 25);
    assert!(
        counted
            .iter()
            .take(20)
            .all(|counted| *counted == Counted::Emptied)
    );
    assert!(counted.iter().skip(20).all(|counted| *counted == Counted::Tight));
    let held = Verdict::Held(HoldReason::EmptiedPerWindow { limit: 20 });
    assert_eq!(said.all[25].1, held);
    for cleared in &said.cleared {
        open(&mut stage.ledger, cleared, &stage.seen, &stage.aims);
    }
    let removed = |kind: &EffectKind| matches!(kind, EffectKind::Removed);
    let effects = stage.ledger.effects.iter();
    assert_eq!(effects.filter(|effect| removed(&effect.kind)).count(), 5);
    // Once the minute is over the share of the fleet is there again, and the ten minutes of all others are not.
    stage.seen.at = stage.seen.at + stage.aims.limits.emptied_window + Span::from_millis(1);
    stage
        .seen
        .nodes
        .retain(|node| stage.ledger.removal_of(&node.name).is_none());
    let mut later = memory.clone();
    watch(&mut later, &stage.seen, &stage.aims);
    let names: Vec<String> = stage
        .seen
        .nodes
        .iter()
        .map(|node| node.name.as_str().to_owned())
        .collect();
    let steps = names
        .iter()
        .zip(0..)
        .map(|(name, number)| step(number, None, cordon(name)));
    let words = words(&stage, steps.collect(), Some(&later.watch));
    let cleared = words.iter().filter(|word| **word == Verdict::Cleared).count();
    assert_eq!(cleared, 15, "a fifth of 75");
}

#[test]
fn empty_nodes_wait_for_their_window_and_a_pod_that_came_is_moved_by_the_tight_one() {
    let (mut stage, memory) = watched(|s| {
        s.seen.workloads[0].replicas = 0;
        s.seen.pods.clear();
    });
    let said = judged(&stage, &memory, 20);
    assert_eq!(said.cleared.len(), 20);
    for cleared in &said.cleared {
        assert_eq!(cleared.counted(), Counted::Emptied);
        open(&mut stage.ledger, cleared, &stage.seen, &stage.aims);
    }
    assert_eq!(stage.ledger.generation, GENERATION);
    // Pods have come to six of them all the same: they are moved as from any node, 5 % of the group.
    let came: Vec<String> = (0..6).map(|number| format!("b{number:02}")).collect();
    for name in &came {
        stage.seen.pods.push(pod(&format!("late-{name}"), Some(name)));
        let node = stage.node_mut(name);
        (node.unschedulable, node.draining) = (true, true);
    }
    for intent in &mut stage.ledger.intents {
        if let IntentKind::Remove { stage, .. } = &mut intent.kind {
            *stage = model::intent::RemoveStage::Cordoned;
        }
    }
    stage.seen.budgets.clear();
    stage.seen.sort();
    let steps = came
        .iter()
        .zip(0..)
        .map(|(name, number)| step(number, None, evict(&format!("late-{name}"), name)));
    let words = words(&stage, steps.collect(), Some(&memory.watch));
    let cleared = words.iter().filter(|word| **word == Verdict::Cleared).count();
    assert_eq!(
        (cleared, &words[5]),
        (5, &Verdict::Held(HoldReason::RemovalsPerWindow { limit: 5 }))
    );
    let _ = (key(), Instant(0));
}
