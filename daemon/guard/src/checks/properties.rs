//! Whatever a plan asks for, what is cleared stays within the limits. The figures are computed here from the
//! cleared steps alone, not by the guard's own tally.

use crate::cleared::Fence;
use crate::judge::judge;
use crate::proposal::Proposal;
use crate::stage::{
    GENERATION, NOW, PRICE, Stage, cordon, evict, grow, key, launch, plan, pod, removal, remove, scale, step,
};
use model::aims::Mode;
use model::group::GroupKind;
use model::intent::{Effect, EffectKind, LaunchStage, Pause, Proof, RemoveStage};
use model::limits::MOST_UNACKNOWLEDGED_PERMILLE;
use model::plan::{Step, StepKind};
use model::snapshot::Freshness;
use model::{NodeName, PodKey, Source, Span, UsdPerHour};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;

const NODES: [&str; 6] = ["n1", "n2", "n3", "n4", "n9", ""];

fn a_kind() -> impl Strategy<Value = StepKind> {
    let node = || prop::sample::select(NODES.to_vec());
    let pods = || prop::sample::select(vec!["p1", "p2", "p3", "p4", "x1", "x2", "w1", "none"]);
    prop_oneof![
        4 => (0_u32..12, prop_oneof![0_u32..14, Just(u32::MAX)]).prop_map(|(from, to)| grow(from, to)),
        4 => node().prop_map(cordon),
        4 => (pods(), node()).prop_map(|(pod, node)| evict(pod, node)),
        2 => pods().prop_map(|pod| StepKind::Remake { pod: PodKey::new("ns", pod), profile: "fp".into() }),
        2 => node().prop_map(remove),
        2 => (0_u32..9, prop_oneof![0_u32..14, Just(u32::MAX)]).prop_map(|(from, to)| scale(from, to)),
        1 => node().prop_map(|node| StepKind::Uncordon { node: NodeName::new(node) }),
    ]
}

prop_compose! {
    fn a_step()(kind in a_kind(), intent in prop::option::of(0_u32..6), old in prop::bool::weighted(0.1))
        -> (StepKind, Option<u32>, bool)
    {
        (kind, intent, old)
    }
}

#[derive(Clone, Debug)]
struct World {
    desired: u32,
    min: u32,
    max: u32,
    own: Option<usize>,
    paused: bool,
    held: bool,
    mode: Mode,
    stale: Option<Source>,
    draining: Vec<usize>,
    launches: Vec<(u32, bool)>,
    effects: Vec<(i64, u32)>,
    limits: [u32; 6],
    budget: u32,
    crowd: usize,
}

prop_compose! {
    fn a_world()(
        desired in 4_u32..8, min in 0_u32..5, max in 4_u32..12,
        own in prop::option::of(0_usize..4), paused in prop::bool::weighted(0.1),
        held in prop::bool::weighted(0.9), act in prop::bool::weighted(0.9),
        stale in prop::option::weighted(0.2, prop::sample::select(vec![Source::Pods, Source::Groups, Source::Load])),
        draining in vec(0_usize..4, 0..3), launches in vec((1_u32..4, any::<bool>()), 0..3),
        effects in vec((0_i64..4000, 1_u32..6), 0..8), limits in prop::array::uniform6(0_u32..12),
        budget in 0_u32..4, crowd in 0_usize..3,
    ) -> World {
        let mode = if act { Mode::Act } else { Mode::Observe };
        World { desired, min, max, own, paused, held, mode, stale, draining, launches, effects, limits, budget, crowd }
    }
}

fn stage(world: &World) -> Stage {
    let mut stage = Stage::new();
    let group = stage.group_mut();
    (group.desired, group.min, group.max) = (world.desired, world.min, world.max);
    stage.seen.own_node = world.own.map(|ix| NODES[ix].into());
    stage.seen.budgets[0].allowed = world.budget;
    stage.aims.modes.cluster = Some(world.mode);
    if let Some(source) = world.stale {
        stage.seen.sources.insert(source, Freshness::Missing);
    }
    stage.ledger.paused = world.paused.then(|| Pause {
        by: "ada".to_owned(),
        why: String::new(),
        at: NOW,
    });
    for (number, ix) in world.draining.iter().enumerate() {
        if stage.ledger.removal_of(&NODES[*ix].into()).is_none() {
            let id = format!("4-{number}");
            stage
                .ledger
                .intents
                .push(removal(&id, NODES[*ix], RemoveStage::Draining));
            let node = stage.node_mut(NODES[*ix]);
            (node.unschedulable, node.draining) = (true, true);
        }
    }
    for (number, (count, asked)) in world.launches.iter().enumerate() {
        let at = if *asked {
            LaunchStage::Asked
        } else {
            LaunchStage::Opened
        };
        stage
            .ledger
            .intents
            .push(launch(&format!("4-{}", number + 3), 4, 4 + count, at));
    }
    for (age, count) in &world.effects {
        let kind = match count {
            1 | 2 => EffectKind::Removed,
            3 => EffectKind::Evicted { count: *count },
            4 => EffectKind::Remade {
                workload: key(),
                count: *count,
            },
            _ => EffectKind::Bought {
                count: *count,
                rate: PRICE.times(u64::from(*count)),
                proof: Proof::default(),
            },
        };
        stage.ledger.effects.push(Effect {
            at: NOW - Span::from_secs(*age),
            group: "web".into(),
            kind,
        });
    }
    let mut profile = stage.seen.groups[0].clone();
    profile.name = "fp".into();
    profile.kind = GroupKind::FargateProfile;
    profile.instances.clear();
    stage.seen.groups.push(profile);
    stage.aims.move_to_fargate = vec!["ns".to_owned()];
    for n in 0..world.crowd {
        stage.seen.pods.push(pod(&format!("x{}", n + 1), Some("n1")));
    }
    stage.seen.sort();
    let [bought, nodes, removals, evictions, rate, share] = world.limits;
    let limits = &mut stage.aims.limits;
    limits.bought_per_window = bought;
    limits.max_nodes = nodes + 3;
    limits.removals_at_once = removals;
    limits.evictions_per_window = evictions;
    limits.scaled_down_per_window = (evictions > 0).then_some(evictions);
    limits.added_per_window = PRICE.times(u64::from(rate));
    limits.max_rate = PRICE.times(u64::from(rate) + 4);
    limits.removed_per_window_permille = share * 100;
    limits.acknowledge_risk = false;
    stage
}

/// Figures of the effects within the short window: removed, evicted, bought, added.
fn used(stage: &Stage) -> (u32, u32, u32, i64) {
    let mut used = (0, 0, 0, 0);
    for effect in &stage.ledger.effects {
        if NOW.since(effect.at) <= stage.aims.limits.window {
            match &effect.kind {
                EffectKind::Removed | EffectKind::RemovedFrom { .. } => used.0 += 1,
                EffectKind::Emptied { .. } | EffectKind::Explained { .. } | EffectKind::ScaledDown { .. } => {
                }
                EffectKind::Evicted { count } | EffectKind::Remade { count, .. } => used.1 += count,
                EffectKind::Bought { count, rate, .. } => {
                    used.2 += count;
                    used.3 += rate.0;
                }
            }
        }
    }
    used
}

fn check(stage: &Stage, world: &World, cleared: &[Step]) -> Result<(), TestCaseError> {
    let is_open = |step: &Step| {
        step.intent
            .as_ref()
            .is_some_and(|id| stage.ledger.intent(id).is_some())
    };
    let limits = &stage.aims.limits;
    let (removed, evicted, bought, added) = used(stage);
    let mut new_nodes = 0;
    let mut cordons = BTreeSet::new();
    let mut new_cordons = 0;
    let (mut evictions, mut remade, mut lowered) = (0, 0, 0);
    for step in cleared {
        prop_assert!(
            !world.paused && world.held,
            "nothing passes a pause or a lost fence"
        );
        prop_assert_eq!(step.generation, GENERATION);
        let undoes = matches!(step.kind, StepKind::Uncordon { .. });
        prop_assert!(undoes || world.mode == Mode::Act);
        match &step.kind {
            StepKind::GrowGroup { from, to, rate, .. } => {
                prop_assert!(*to > *from && *to >= world.desired && *to <= world.max);
                prop_assert!(world.stale.is_none_or(|s| s == Source::Load));
                if !is_open(step) {
                    new_nodes += to - from;
                    prop_assert!(*rate >= UsdPerHour::ZERO);
                }
            }
            StepKind::Cordon { node, .. } => {
                prop_assert!(stage.seen.own_node.as_ref() != Some(node));
                prop_assert!(cordons.insert(node.clone()), "one node, one cordon");
                new_cordons += u32::from(!is_open(step));
            }
            StepKind::Evict { pod, node } => {
                prop_assert!(stage.seen.own_node.as_ref() != Some(node));
                prop_assert!(stage.ledger.removal_of(node).is_some());
                prop_assert!(stage.seen.pod(pod).is_some());
                evictions += 1;
            }
            StepKind::Remake { pod, .. } => {
                prop_assert!(stage.seen.pod(pod).is_some_and(|pod| pod.node.is_none()));
                prop_assert!(world.stale.is_none_or(|s| s == Source::Load));
                remade += 1;
            }
            StepKind::RemoveNode { node, .. } => {
                prop_assert!(stage.seen.own_node.as_ref() != Some(node));
                prop_assert!(stage.seen.pods.iter().all(|pod| pod.node.as_ref() != Some(node)));
                prop_assert!(stage.ledger.removal_of(node).is_some());
            }
            StepKind::ScaleWorkload { from, to, .. } => {
                prop_assert!((1..=9).contains(to));
                lowered += from.max(&4).saturating_sub(*to);
            }
            _ => {}
        }
    }
    let on_their_way: u32 = stage.ledger.intents.iter().map(in_flight).sum();
    let leaving = u32::try_from(world.draining.iter().collect::<BTreeSet<_>>().len()).unwrap_or(0);
    if new_nodes > 0 {
        prop_assert!(bought + new_nodes <= limits.bought_per_window);
        prop_assert!(4 + on_their_way + new_nodes <= limits.max_nodes);
        prop_assert!(world.desired + new_nodes <= world.max);
        let adds = PRICE.times(u64::from(new_nodes)).0;
        prop_assert!(added + adds <= limits.added_per_window.0);
        prop_assert!(PRICE.times(4 + u64::from(on_their_way)).0 + adds <= limits.max_rate.0);
    }
    if new_cordons > 0 {
        // More than half without acknowledgement falls back to the default share.
        let permille = if limits.removed_per_window_permille > MOST_UNACKNOWLEDGED_PERMILLE {
            50
        } else {
            limits.removed_per_window_permille
        };
        let share = (world.desired * permille / 1000).max(1);
        prop_assert!(removed + new_cordons <= share);
        prop_assert!(leaving + new_cordons <= limits.removals_at_once);
        prop_assert!(4_u32.min(world.desired) >= world.min + leaving + new_cordons);
    }
    if evictions + remade > 0 {
        prop_assert!(evicted + evictions + remade <= limits.evictions_per_window);
    }
    prop_assert!(limits.scaled_down_per_window.is_none_or(|limit| lowered <= limit));
    prop_assert!(evictions <= world.budget, "one budget covers every pod");
    Ok(())
}

fn in_flight(intent: &model::Intent) -> u32 {
    match &intent.kind {
        model::IntentKind::Launch { count, .. } => *count,
        model::IntentKind::Remove { .. } => 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_cleared_exceeds_a_limit(world in a_world(), steps in vec(a_step(), 0..24)) {
        let stage = stage(&world);
        let steps: Vec<Step> = steps
            .into_iter()
            .zip(0..)
            .map(|((kind, intent, old), ordinal)| {
                let intent = intent.map(|n| format!("4-{n}"));
                let mut step = step(ordinal, intent.as_deref(), kind);
                step.generation -= u64::from(old);
                step
            })
            .collect();
        let plan = plan(steps);
        let fence = if world.held { Fence::sole() } else { Fence::lost() };
        let proposal = Proposal { plan: &plan, notes: &stage.notes, resumed: &[], watch: None };
        let verdicts = judge(&stage.seen, &stage.ledger, proposal, &stage.aims, &fence);
        prop_assert_eq!(verdicts.all.len(), plan.steps.len());
        let cleared: Vec<Step> = verdicts.cleared.into_iter().map(crate::Cleared::into_inner).collect();
        check(&stage, &world, &cleared)?;
    }
}
