//! What holds for every cluster: bounds against proven optima, more capacity, order of input, bans, the bill.

use super::large::{Any, any_cluster};
use super::optimum::{Kind, Type, optimum};
use super::{plain, run};
use crate::fixture::{Cluster, asks, policy, set};
use crate::{Deliberation, deliberate_and_explain};
use model::advice::{Advice, Hook, PlacementAdvice, PolicyMode};
use model::aims::Aims;
use model::ids::PodKey;
use model::memory::Memory;
use model::money::UsdPerHour;
use model::reason::Refusal;
use model::resources::MIB;
use model::snapshot::Snapshot;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use std::collections::BTreeSet;

/// Few pods of few kinds and few types, amounts only.
#[derive(Clone, Debug)]
struct Small {
    kinds: Vec<Kind>,
    types: Vec<Type>,
    free: Vec<(i64, i64)>,
}

fn small() -> impl Strategy<Value = Small> {
    (
        prop::collection::vec((100..4000_i64, 100..8000_i64, 1..6_u32), 1..5),
        prop::collection::vec((3000..9000_i64, 6000..20_000_i64, 50..400_i64), 1..4),
        prop::collection::vec((0..5000_i64, 0..9000_i64), 0..2),
    )
        .prop_map(|(kinds, types, free)| Small {
            // The largest pod fits everywhere.
            types: types
                .into_iter()
                .map(|(cpu, memory, price)| (cpu.max(4000), memory.max(8000), price * 1_000_000))
                .collect(),
            kinds,
            free,
        })
}

impl Small {
    fn seen(&self) -> Snapshot {
        let mut cluster = Cluster::new().group("g", 0, 1000);
        for (ix, (cpu, memory, price)) in self.types.iter().enumerate() {
            cluster = cluster.offer("g", &format!("t{ix}"), *cpu, *memory, *price);
        }
        for (ix, (cpu, memory)) in self.free.iter().enumerate() {
            cluster = cluster.node(&format!("n{ix}"), "g", "t0").last_node(|node| {
                node.allocatable.cpu_milli = *cpu;
                node.allocatable.memory_bytes = memory * MIB;
            });
        }
        for (ix, (cpu, memory, count)) in self.kinds.iter().enumerate() {
            cluster = cluster.pending(&format!("p{ix}"), *count, asks(*cpu, *memory));
        }
        cluster.seen()
    }

    fn optimum(&self) -> i64 {
        optimum(&self.kinds, &self.types, &self.free).unwrap()
    }

    /// The same with more capacity of some kind.
    fn grown(&self, how: u8) -> Self {
        let mut grown = self.clone();
        match how {
            0 => grown.types.push((16_000, 32_000, 700_000_000)),
            1 => grown.types.push((1000, 2000, 30_000_000)),
            2 => grown.free.push((2000, 4000)),
            3 => grown.types.iter_mut().for_each(|of| of.0 += 1000),
            _ => grown.types.iter_mut().for_each(|of| of.2 -= of.2 / 10),
        }
        grown
    }
}

fn cost(of: &Small) -> (i64, i64) {
    let done = plain(&of.seen());
    let refused = done
        .plan
        .refusals
        .iter()
        .filter(|r| matches!(r, Refusal::Pod { .. }));
    assert_eq!(refused.count(), 0);
    (done.plan.cost.bound.0, done.plan.cost.rate.0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Up to 20 pods: the bound never passes the optimum, nor the plan falls below it; more capacity never raises
    /// the optimum, and so never lifts a bound above what was optimal without it.
    #[test]
    fn a_bound_stays_below_the_optimum_and_more_capacity_never_raises_it(of in small(), how in 0..5_u8) {
        let (bound, rate) = cost(&of);
        let best = of.optimum();
        prop_assert!(bound <= best && best <= rate, "{bound} {best} {rate}");
        let grown = of.grown(how);
        let (more_bound, more_rate) = cost(&grown);
        let more_best = grown.optimum();
        prop_assert!(more_best <= best, "{more_best} {best}");
        prop_assert!(more_bound <= more_best && more_best <= more_rate, "{more_bound} {more_best} {more_rate}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// A plan that was held back is planned again: the same demand never costs more than the last time, whatever the
    /// last plan was found with; nor does less demand cost more than the same nodes would.
    #[test]
    fn a_warm_start_never_gets_dearer(any in any_cluster(), gone in any::<prop::sample::Index>()) {
        let mut seen = any.seen();
        let (policies, aims) = (crate::PolicySet::default(), Aims::default());
        let first = crate::deliberate(&seen, &Memory::default(), &policies, &aims);
        seen.cycle += 1;
        let second = crate::deliberate(&seen, &first.memory, &policies, &aims);
        crate::checker::check(&seen, &aims, &second);
        // Which of two orders of the same classes finds a place for everybody is luck where groups are full: a plan that
        // places more may cost more.
        let placed = |done: &Deliberation| {
            let bought: usize = done.plan.nodes.iter().map(|node| node.pods.len()).sum();
            bought + done.plan.existing.iter().map(|(_, pods)| pods.len()).sum::<usize>()
        };
        prop_assert!(second.plan.cost.policy_rate <= first.plan.cost.policy_rate || placed(&second) > placed(&first));
        let waiting: Vec<_> = seen.pods.iter().filter(|pod| pod.node.is_none()).map(|pod| pod.key.clone()).collect();
        if !waiting.is_empty() {
            let gone = &waiting[gone.index(waiting.len())];
            seen.pods.retain(|pod| pod.key != *gone);
            let third = crate::deliberate(&seen, &second.memory, &policies, &aims);
            crate::checker::check(&seen, &aims, &third);
        }
    }
}

/// A last plan that is better than anything search finds is kept: here, one that nobody would find.
#[test]
fn a_better_last_plan_is_taken_again() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut better = 0;
    for _ in 0..60 {
        let of = small().new_tree(&mut runner).unwrap().current();
        let seen = of.seen();
        let (policies, aims) = (crate::PolicySet::default(), Aims::default());
        let first = crate::deliberate(&seen, &Memory::default(), &policies, &aims);
        let waiting = seen.pods.iter().filter(|pod| pod.node.is_none()).count();
        // The last plan may come from a cycle with fewer offers, in which search went another way.
        for at in 0..of.types.len() {
            let mut fewer = seen.clone();
            fewer
                .offers
                .retain(|offer| !offer.id.as_str().contains(&format!(":t{at}/")));
            let last = crate::deliberate(&fewer, &Memory::default(), &policies, &aims);
            let warm = crate::deliberate(&seen, &last.memory, &policies, &aims);
            crate::checker::check(&seen, &aims, &warm);
            assert!(warm.plan.cost.rate <= first.plan.cost.rate);
            if last.plan.nodes.iter().map(|node| node.pods.len()).sum::<usize>() == waiting {
                assert!(warm.plan.cost.rate <= last.plan.cost.rate);
                better += u32::from(last.plan.cost.rate < first.plan.cost.rate);
            }
        }
    }
    println!("{better} last plans were better");
}

/// How near the engine comes to the optimum of such instances: a ratchet, on fixed draws.
#[test]
fn small_optima_are_mostly_found() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut equal, mut over) = (0, 0.0);
    for _ in 0..60 {
        let of = small().new_tree(&mut runner).unwrap().current();
        let (_, rate) = cost(&of);
        let best = of.optimum();
        equal += u32::from(rate == best);
        if best > 0 {
            over += UsdPerHour(rate - best).dollars() / UsdPerHour(best).dollars();
        }
    }
    println!(
        "{equal} of 60 equal, {:.2} % above on average",
        over / 60.0 * 100.0
    );
    assert!(equal >= 40 && over / 60.0 <= 0.03, "{equal} {over}");
}

/// Shuffled by a seed.
fn shuffled<T>(list: &mut [T], seed: &mut u64) {
    for at in (1..list.len()).rev() {
        *seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(*seed >> 33).unwrap() % (at + 1);
        list.swap(at, other);
    }
}

/// Pods, nodes, offers, groups, workloads and specs in another order; sorted again as every source does.
fn reordered(seen: &Snapshot, mut seed: u64) -> Snapshot {
    let mut other = seen.clone();
    shuffled(&mut other.pods, &mut seed);
    shuffled(&mut other.nodes, &mut seed);
    shuffled(&mut other.offers, &mut seed);
    shuffled(&mut other.workloads, &mut seed);
    let mut order: Vec<usize> = (0..other.specs.len()).collect();
    shuffled(&mut order, &mut seed);
    other.specs = order.iter().map(|old| seen.specs[*old].clone()).collect();
    let place = |old: u32| {
        let new = order.iter().position(|at| *at == old as usize).unwrap();
        u32::try_from(new).unwrap()
    };
    other.pods.iter_mut().for_each(|pod| pod.spec = place(pod.spec));
    for workload in &mut other.workloads {
        workload.template = workload.template.map(place);
    }
    let mut groups: Vec<usize> = (0..other.groups.len()).collect();
    shuffled(&mut groups, &mut seed);
    other.groups = groups.iter().map(|old| seen.groups[*old].clone()).collect();
    for offer in &mut other.offers {
        let new = groups.iter().position(|at| *at == offer.group as usize).unwrap();
        offer.group = u32::try_from(new).unwrap();
    }
    other.sort();
    other
}

/// What each class pays and each node wastes, added up.
fn explained(done: &Deliberation) -> i128 {
    let paid = done
        .notes
        .classes
        .iter()
        .map(|c| i128::from(c.pays.0) * i128::from(c.bought));
    let wasted = done.notes.waste.iter().map(|(_, waste)| i128::from(waste.0));
    paid.sum::<i128>() + wasted.sum::<i128>()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_input_never_matters(any in any_cluster(), seed in any::<u64>()) {
        let seen = any.seen();
        let (one, other) = (plain(&seen), plain(&reordered(&seen, seed)));
        prop_assert_eq!(one.plan, other.plan);
        prop_assert_eq!(one.notes.waste, other.notes.waste);
    }

    #[test]
    fn what_is_paid_and_wasted_is_the_bill(any in any_cluster()) {
        let done = plain(&any.seen());
        prop_assert_eq!(explained(&done), i128::from(done.plan.cost.rate.0));
        prop_assert!(done.notes.waste.iter().all(|(_, waste)| waste.0 >= 0));
    }

    /// Bans under which the same pods have a place never make the bill smaller than what it was bound to be without
    /// them.
    #[test]
    fn a_forbid_never_lowers_the_price_below_the_bound_without_it(any in any_cluster(), mask in any::<u32>()) {
        let seen = any.seen();
        let free = plain(&seen);
        let ban = policy("ban", Hook::Placement, PolicyMode::Enforce, move |view| {
            let classes = u32::try_from(view.classes.len()).unwrap();
            let sets = u32::try_from(view.sets.len()).unwrap();
            let all = (0..classes).flat_map(|class| (0..sets).map(move |set| (class, set, 1)));
            let forbids = all.filter(|(class, set, _)| mask >> ((class * 5 + set * 3) % 32) & 1 == 1).collect();
            Ok(Advice::Placement(PlacementAdvice { forbids, ..PlacementAdvice::default() }))
        });
        let banned = run(&seen, &set(vec![ban]));
        let refused = |done: &Deliberation| -> BTreeSet<PodKey> {
            let pods = done.plan.refusals.iter().filter_map(|refusal| match refusal {
                Refusal::Pod { pod, .. } => Some(pod.clone()),
                _ => None,
            });
            pods.collect()
        };
        if refused(&free) == refused(&banned) {
            prop_assert!(banned.plan.cost.policy_rate >= free.plan.cost.bound);
            prop_assert!(banned.plan.cost.rate >= free.plan.cost.bound);
        }
    }

    /// An account of a pod says what the plan says, and the least share of any offer is what the pod pays.
    #[test]
    fn an_account_of_a_pod_agrees_with_its_plan(any in any_cluster(), which in any::<prop::sample::Index>()) {
        agrees(&any, which)?;
    }
}

fn agrees(any: &Any, which: prop::sample::Index) -> Result<(), TestCaseError> {
    let seen = any.seen();
    let waiting: Vec<_> = seen.pods.iter().filter(|pod| pod.node.is_none()).collect();
    if waiting.is_empty() {
        return Ok(());
    }
    let pod = &waiting[which.index(waiting.len())].key;
    let (done, why) = deliberate_and_explain(
        &seen,
        &Memory::default(),
        (&crate::PolicySet::default(), &Aims::default()),
        pod,
    );
    prop_assert_eq!(&done, &plain(&seen));
    let Some(why) = why else {
        return Err(TestCaseError::fail(format!(
            "{pod} waits and nothing is known of it"
        )));
    };
    let least = why.alternatives.first().map(|other| other.per_pod);
    let fargate = why.fargate.as_ref().map(|fargate| fargate.fargate);
    let pays = [least, fargate].into_iter().flatten().min();
    prop_assert_eq!(pays.unwrap_or_default(), why.pays);
    prop_assert!(
        why.alternatives
            .iter()
            .all(|other| other.holds > 0 && !other.offers.is_empty())
    );
    if let Some(node) = done.plan.nodes.iter().find(|node| node.pods.contains(pod)) {
        let on_fargate = why
            .fargate
            .as_ref()
            .is_some_and(|fargate| fargate.offer == node.offer);
        let listed = why
            .alternatives
            .iter()
            .any(|other| other.offers.contains(&node.offer));
        prop_assert!(
            listed || on_fargate,
            "{} is not among what runs {pod}",
            node.offer
        );
    }
    let offers = why
        .alternatives
        .iter()
        .map(|other| other.offers.len())
        .sum::<usize>();
    let out: u32 = why.ruled_out.values().sum();
    let ec2 = seen.offers.iter().filter(|offer| !offer.is_fargate()).count();
    prop_assert_eq!(offers + out as usize, ec2);
    Ok(())
}
