//! Any cluster at all, the same bytes twice, and large demands in time.

use super::plain;
use crate::checker::check;
use crate::fixture::{Cluster, asks};
use crate::{Deliberation, PolicySet, deliberate, fit};
use model::aims::Aims;
use model::group::GroupKind;
use model::memory::Memory;
use model::pod::{Near, NearRule, PodSpec, Taint, TaintEffect, Unmodelled};
use model::selector::{LabelSelector, Operator, Requirement};
use model::snapshot::Snapshot;
use proptest::prelude::*;

/// Any small cluster.
#[derive(Clone, Debug)]
pub(crate) struct Any {
    pods: Vec<(i64, i64, u32, u8)>,
    offers: Vec<(u8, i64, i64, i64)>,
    nodes: Vec<(u8, i64)>,
    replicas: u32,
    daemon: i64,
    profile: bool,
}

pub(crate) fn any_cluster() -> impl Strategy<Value = Any> {
    (
        prop::collection::vec((1..3000_i64, 1..6000_i64, 1..40_u32, 0..11_u8), 0..8),
        prop::collection::vec((0..3_u8, 1..16_000_i64, 1..32_000_i64, 0..900_000_000_i64), 1..8),
        prop::collection::vec((0..3_u8, 0..4000_i64), 0..5),
        0..9_u32,
        0..400_i64,
        any::<bool>(),
    )
        .prop_map(|(pods, offers, nodes, replicas, daemon, profile)| Any {
            pods,
            offers,
            nodes,
            replicas,
            daemon,
            profile,
        })
}

impl Any {
    pub(crate) fn seen(&self) -> Snapshot {
        let groups = ["g0", "g1", "g2"];
        let mut cluster = Cluster::new()
            .group("g0", 5, 7)
            .group("g1", 5, 60)
            .group("g2", 5, 400);
        cluster.seen.groups[1].taints.push(Taint {
            key: "team".into(),
            value: "ml".into(),
            effect: TaintEffect::NoSchedule,
        });
        for (ix, (group, cpu, mib, price)) in self.offers.iter().enumerate() {
            cluster = cluster.offer(groups[usize::from(*group)], &format!("t{ix}"), *cpu, *mib, *price);
        }
        for (ix, (group, used)) in self.nodes.iter().enumerate() {
            if let Some(kind) = self.offers.iter().position(|o| o.0 == *group) {
                let name = format!("n{ix}");
                cluster = cluster.node(&name, groups[usize::from(*group)], &format!("t{kind}"));
                let used = (*used).min(self.offers[kind].1);
                cluster = cluster.running(&format!("r{ix}"), &name, asks(used, 1));
            }
        }
        for (ix, (cpu, mib, count, flavour)) in self.pods.iter().enumerate() {
            let mut spec = asks(*cpu, *mib);
            match flavour {
                1 => drop(spec.node_selector.insert("group".into(), "g2".into())),
                2 => spec.tolerations.push(model::pod::Toleration {
                    key: None,
                    value: None,
                    effect: None,
                }),
                3 => drop(
                    spec.node_selector
                        .insert("topology.kubernetes.io/zone".into(), "b".into()),
                ),
                4 => spec.unmodelled.push(Unmodelled::TopologySpread),
                5 => drop(spec.requests.extended.insert("nvidia.com/gpu".into(), 1)),
                6 => near(&mut spec, ix, fit::HOSTNAME, NearRule::Apart),
                7 => near(&mut spec, ix, ZONE, NearRule::Spread { skew: 1, domains: 1 }),
                8 => near(
                    &mut spec,
                    ix,
                    fit::HOSTNAME,
                    NearRule::Spread { skew: 3, domains: 1 },
                ),
                9 => near(&mut spec, ix, ZONE, NearRule::Together),
                10 => spec.host_ports.push(model::pod::HostPort {
                    port: 80 + u16::from(*flavour),
                    protocol: "TCP".into(),
                    ip: String::new(),
                }),
                _ => {}
            }
            cluster = cluster.pending(&format!("p{ix}"), *count, spec);
        }
        let job = PodSpec {
            owner: Some(model::WorkloadKey::new("Job", "default", "job")),
            ..asks(700, 700)
        };
        cluster = cluster.workload("Job", "job", self.replicas, job);
        cluster = cluster.workload(
            "DaemonSet",
            "agent",
            0,
            PodSpec {
                owner: None,
                ..asks(self.daemon, 50)
            },
        );
        if self.profile {
            cluster.profile("fp", "default").seen()
        } else {
            cluster.seen()
        }
    }
}

pub(super) const ZONE: &str = "topology.kubernetes.io/zone";

/// A rule of a pod about its own kind.
pub(super) fn near(spec: &mut PodSpec, ix: usize, key: &str, rule: NearRule) {
    let app = format!("app-{ix}");
    spec.labels.insert("app".into(), app.clone());
    let requirements = vec![Requirement {
        key: "app".into(),
        operator: Operator::In(vec![app]),
    }];
    spec.near
        .push(Near::new(key.into(), LabelSelector { requirements }, None, rule));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_is_valid_and_the_same_twice(any in any_cluster()) {
        let seen = any.seen();
        let bytes = |done: &Deliberation| serde_json::to_vec(&(&done.plan, &done.notes, &done.memory)).unwrap();
        let (first, second) = (plain(&seen), plain(&seen.clone()));
        prop_assert_eq!(bytes(&first), bytes(&second));
    }
}

/// 1,400 types in four zones, some with GPUs; prices that no other type beats in everything.
fn catalogue(mut cluster: Cluster) -> Cluster {
    cluster = cluster.group("fleet", 0, 1_000_000);
    cluster.seen.groups[0].kind = GroupKind::Fleet;
    for n in 0..700_i64 {
        let cpu = 2000 << (n % 6);
        let per_core = 1800 + (n * 37) % 6400;
        let gpus = if n % 10 == 0 { 1 << (n % 4) } else { 0 };
        let price =
            cpu * 25_000 + cpu * per_core / 1000 * 2_000 + gpus * 400_000_000 + (n * 7919) % 9_000_000;
        for half in ["x", "y"] {
            let kind = format!("t{n}{half}");
            cluster = cluster
                .offer("fleet", &kind, cpu, cpu * per_core / 1000, price)
                .last_offers(|o| {
                    if gpus > 0 {
                        o.allocatable.extended.insert("nvidia.com/gpu".into(), gpus);
                    }
                });
        }
    }
    cluster
}

/// How near to its bound a plan for many pods is; how soon it is there is for the ratchet to say.
fn near_its_bound(seen: &Snapshot, name: &str) {
    let done = deliberate(seen, &Memory::default(), &PolicySet::default(), &Aims::default());
    let gap = done.plan.cost.gap_percent();
    assert!(gap < 15.0, "{name}: {gap:.2} %");
    check(seen, &Aims::default(), &done);
}

#[test]
fn large_demands_come_near_their_bounds() {
    let mut mixed = catalogue(Cluster::new());
    for n in 0..400_u32 {
        let mut spec = asks(
            i64::from(200 + (n * 91) % 9000),
            i64::from(300 + (n * 523) % 30_000),
        );
        if n % 3 == 0 {
            spec.requests.extended.insert("nvidia.com/gpu".into(), 1);
        }
        mixed = mixed.pending(&format!("p{n}"), 20, spec);
    }
    near_its_bound(&mixed.seen(), "8,000 pods of 400 classes");
    let mut few = catalogue(Cluster::new());
    for n in 0..50_u32 {
        let spec = asks(i64::from(50 + (n * 91) % 1500), i64::from(100 + (n * 523) % 4000));
        few = few.pending(&format!("p{n}"), 600, spec);
    }
    near_its_bound(&few.seen(), "30,000 pods of 50 classes");
}

#[test]
fn a_family_that_is_refused_leaves_room_that_is_dealt_once_more() {
    let any = Any {
        pods: vec![(1, 2328, 22, 7), (1257, 4110, 21, 7), (217, 771, 16, 0)],
        offers: vec![(0, 2603, 14019, 55_794_778), (1, 5654, 28_171, 0)],
        nodes: vec![(1, 0), (0, 0), (0, 0)],
        replicas: 0,
        daemon: 90,
        profile: true,
    };
    plain(&any.seen());
}

#[test]
fn a_zone_that_takes_no_more_gets_no_more() {
    let any = Any {
        pods: vec![(2237, 1, 16, 7)],
        offers: vec![(0, 15_283, 56, 0)],
        nodes: vec![(0, 0)],
        replicas: 0,
        daemon: 0,
        profile: false,
    };
    plain(&any.seen());
}
