//! The bound against every plan there is, on instances small enough to try them all.

use crate::demand;
use crate::fit::{self, Place};
use crate::fixture::{Cluster, asks, policy, set};
use crate::{Deliberation, PolicySet, deliberate};
use model::advice::{Advice, Hook, PlacementAdvice, PolicyMode};
use model::aims::Aims;
use model::memory::Memory;
use model::pod::PodSpec;
use model::reason::Refusal;
use model::resources::Resources;
use model::snapshot::Snapshot;
use proptest::prelude::*;

/// Tries every way to place the pods; prices and addends as given by group.
struct BruteForce<'a> {
    seen: &'a Snapshot,
    pods: Vec<PodSpec>,
    /// By group: factor in thousandths, addend per pod.
    terms: Vec<(i64, i64)>,
    best: Option<i64>,
}

#[derive(Clone)]
struct Bin {
    free: Resources,
    slots: i64,
    group: usize,
    price: i64,
    existing: Option<usize>,
    offer: usize,
}

impl BruteForce<'_> {
    fn optimum(mut self) -> Option<i64> {
        let bins: Vec<Bin> = self
            .seen
            .nodes
            .iter()
            .enumerate()
            .map(|(ix, node)| Bin {
                free: node.allocatable.clone(),
                slots: i64::from(node.max_pods),
                group: self
                    .seen
                    .groups
                    .iter()
                    .position(|g| Some(&g.name) == node.group.as_ref())
                    .unwrap(),
                price: 0,
                existing: Some(ix),
                offer: 0,
            })
            .collect();
        let growth: Vec<u32> = self.seen.groups.iter().map(|g| g.max - g.desired).collect();
        self.descend(0, &bins, &growth);
        self.best
    }

    fn descend(&mut self, pod: usize, bins: &[Bin], growth: &[u32]) {
        let Some(spec) = self.pods.get(pod).cloned() else {
            let cost: i64 = bins.iter().map(|b| b.price.max(0)).sum();
            self.best = Some(self.best.map_or(cost, |best| best.min(cost)));
            return;
        };
        for at in 0..bins.len() {
            if let Some(bin) = self.put(&bins[at], &spec) {
                let mut next = bins.to_vec();
                next[at] = bin;
                self.descend(pod + 1, &next, growth);
            }
        }
        for (ix, offer) in self.seen.offers.iter().enumerate().filter(|(ix, _)| ix % 2 == 0) {
            let group = offer.group as usize;
            if growth[group] == 0 {
                continue;
            }
            let fresh = Bin {
                free: offer.allocatable.clone(),
                slots: i64::from(offer.max_pods),
                group,
                price: offer.price.scaled(self.terms[group].0).0,
                existing: None,
                offer: ix,
            };
            if let Some(bin) = self.put(&fresh, &spec) {
                let (mut next, mut growth) = (bins.to_vec(), growth.to_vec());
                next.push(bin);
                growth[group] -= 1;
                self.descend(pod + 1, &next, &growth);
            }
        }
    }

    fn put(&self, bin: &Bin, spec: &PodSpec) -> Option<Bin> {
        let place = match bin.existing {
            Some(ix) => Place::of_node(&self.seen.nodes[ix]),
            None => Place {
                labels: &self.seen.offers[bin.offer].labels,
                name: "",
                taints: &self.seen.groups[bin.group].taints,
            },
        };
        if !spec.requests.fits(&bin.free) || bin.slots < 1 || !fit::rules(spec, place).is_empty() {
            return None;
        }
        let mut bin = bin.clone();
        bin.free.sub(&spec.requests);
        bin.slots -= 1;
        bin.price += self.terms[bin.group].1;
        Some(bin)
    }
}

/// Pods that the plan placed: the demand its bound is about.
fn served(seen: &Snapshot, done: &Deliberation) -> Vec<PodSpec> {
    let refused: Vec<_> = done
        .plan
        .refusals
        .iter()
        .filter_map(|r| match r {
            Refusal::Pod { pod, .. } => Some(pod),
            _ => None,
        })
        .collect();
    let waits = |p: &&model::Pod| demand::waits(p, &seen.spec(p.spec), &Aims::default());
    let pods = seen
        .pods
        .iter()
        .filter(waits)
        .filter(|p| !refused.contains(&&p.key));
    pods.map(|p| (*seen.spec(p.spec)).clone()).collect()
}

#[derive(Clone, Debug)]
struct Tiny {
    pods: Vec<(i64, i64, bool)>,
    offers: Vec<(bool, i64, i64, i64)>,
    max: (u32, u32),
    node: Option<bool>,
    terms: [(u32, i64); 2],
}

fn tiny() -> impl Strategy<Value = Tiny> {
    let pod = (100..1500_i64, 100..1500_i64, any::<bool>());
    let offer = (any::<bool>(), 1000..4000_i64, 1000..4000_i64, 0..400_000_000_i64);
    let term = (500..2000_u32, -30_000_000..60_000_000_i64);
    (
        prop::collection::vec(pod, 1..5),
        prop::collection::vec(offer, 1..4),
        (0..4_u32, 1..9_u32),
        prop::option::of(any::<bool>()),
        [term.clone(), term],
    )
        .prop_map(|(pods, offers, max, node, terms)| Tiny {
            pods,
            offers,
            max,
            node,
            terms,
        })
}

impl Tiny {
    fn seen(&self) -> Snapshot {
        let mut cluster = Cluster::new().group("a", 0, self.max.0).group("b", 0, self.max.1);
        for (ix, (a, cpu, mib, price)) in self.offers.iter().enumerate() {
            let group = if *a { "a" } else { "b" };
            cluster = cluster.offer(group, &format!("t{ix}"), *cpu, *mib, *price);
        }
        if let Some(a) = self.node {
            let group = if a { "a" } else { "b" };
            let at = self.offers.iter().position(|o| o.0 == a);
            if let Some(ix) = at {
                cluster = cluster.node("n", group, &format!("t{ix}"));
            }
        }
        for (ix, (cpu, mib, picky)) in self.pods.iter().enumerate() {
            let mut spec = asks(*cpu, *mib);
            if *picky {
                spec.node_selector.insert("group".into(), "b".into());
            }
            cluster = cluster.pending(&format!("p{ix}"), 1, spec);
        }
        cluster.seen()
    }

    fn policies(&self) -> PolicySet {
        let terms = self.terms;
        set(vec![policy(
            "terms",
            Hook::Placement,
            PolicyMode::Enforce,
            move |view| {
                let mut advice = PlacementAdvice::default();
                for (set, row) in view.sets.iter().enumerate() {
                    let set = u32::try_from(set).unwrap();
                    let (factor, addend) = terms[row.group as usize];
                    advice.factors.push((set, factor));
                    for class in 0..view.classes.len() {
                        advice
                            .addends
                            .push((u32::try_from(class).unwrap(), set, addend, 0));
                    }
                }
                Ok(Advice::Placement(advice))
            },
        )])
    }
}

fn optimum(seen: &Snapshot, done: &Deliberation, terms: Vec<(i64, i64)>) -> i64 {
    let pods = served(seen, done);
    BruteForce {
        seen,
        pods,
        terms,
        best: None,
    }
    .optimum()
    .expect("the plan itself is a way")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_plan_undercuts_the_bound(tiny in tiny()) {
        let seen = tiny.seen();
        let done = deliberate(&seen, &Memory::default(), &PolicySet::default(), &Aims::default());
        crate::checker::check(&seen, &Aims::default(), &done);
        let best = optimum(&seen, &done, vec![(1000, 0); 2]);
        prop_assert!(done.plan.cost.bound.0 <= best, "{:?} against {best}", done.plan.cost);
        prop_assert!(best <= done.plan.cost.rate.0);
    }

    #[test]
    fn no_plan_undercuts_the_bound_under_policies(tiny in tiny()) {
        let seen = tiny.seen();
        let done = deliberate(&seen, &Memory::default(), &tiny.policies(), &Aims::default());
        crate::checker::check(&seen, &Aims::default(), &done);
        let terms = tiny.terms.iter().map(|(f, a)| (i64::from(*f), *a)).collect();
        let best = optimum(&seen, &done, terms);
        prop_assert!(done.plan.cost.policy_bound.0 <= best, "{:?} against {best}", done.plan.cost);
        prop_assert!(best <= done.plan.cost.policy_rate.0);
        let plain = optimum(&seen, &done, vec![(1000, 0); 2]);
        prop_assert!(done.plan.cost.bound.0 <= plain);
    }
}

#[test]
fn a_scarce_cheap_group_does_not_loosen_the_bound() {
    // Two cheap nodes are all there is; the rest must be dear. A bound blind to the limit would say 8 cheap.
    let (seen, done) = Cluster::new()
        .group("cheap", 0, 2)
        .group("dear", 0, 50)
        .offer("cheap", "c", 1000, 1000, 10_000_000)
        .offer("dear", "d", 1000, 1000, 100_000_000)
        .pending("p", 8, asks(1000, 100))
        .deliberate();
    crate::checker::check(&seen, &Aims::default(), &done);
    assert_eq!(done.plan.cost.rate.0, 620_000_000);
    assert!(done.plan.cost.gap_percent() < 0.01, "{:?}", done.plan.cost);
}

#[test]
fn free_room_is_worth_nothing_to_pods_it_cannot_hold() {
    let mut gpu = asks(100, 100);
    gpu.requests.extended.insert("nvidia.com/gpu".into(), 1);
    let (seen, done) = Cluster::new()
        .group("g", 1, 50)
        .offer("g", "plain", 8000, 8000, 50_000_000)
        .offer("g", "gpu", 8000, 8000, 500_000_000)
        .last_offers(|o| o.allocatable.extended = [("nvidia.com/gpu".to_owned(), 4)].into())
        .node("n", "g", "plain")
        .pending("gpu", 4, gpu)
        .pending("web", 4, asks(500, 500))
        .deliberate();
    crate::checker::check(&seen, &Aims::default(), &done);
    assert_eq!(
        done.plan
            .existing
            .iter()
            .map(|(_, pods)| pods.len())
            .sum::<usize>(),
        4
    );
    assert_eq!(done.plan.cost.rate.0, 500_000_000);
    assert!(done.plan.cost.gap_percent() < 0.01, "{:?}", done.plan.cost);
}
