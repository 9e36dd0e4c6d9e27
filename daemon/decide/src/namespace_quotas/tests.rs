//! What is bought for a namespace, by its quota.

use super::*;
use crate::fixture::{Cluster, asks};
use crate::tests::large::any_cluster;
use crate::{PolicySet, deliberate};
use model::Memory;
use model::aims::Aims;
use model::plan::Plan;
use model::pod::{Near, NearRule, PodSpec};
use model::reason::{Misfit, Refusal};
use model::selector::{LabelSelector, Labels};
use model::snapshot::Snapshot;
use proptest::prelude::*;

/// A node costs 1000; these many pods, four of which fill a node, wait in each namespace.
fn cluster(counts: &[(&str, u32)]) -> Snapshot {
    waiting(counts, |_| asks(900, 500))
}

fn waiting(counts: &[(&str, u32)], spec: impl Fn(&str) -> PodSpec) -> Snapshot {
    let mut cluster = Cluster::new()
        .group("g", 0, 1000)
        .offer("g", "large", 3900, 8192, 1000);
    for (namespace, count) in counts {
        let spec = PodSpec {
            namespace: (*namespace).to_owned(),
            owner: None,
            ..spec(namespace)
        };
        cluster = cluster.pending(namespace, *count, spec);
    }
    let mut seen = cluster.seen();
    for pod in &mut seen.pods {
        let namespace = pod.key.name.split('-').next().unwrap_or_default().to_owned();
        pod.key.namespace = Arc::from(namespace);
    }
    seen.sort();
    seen
}

fn quotas(of: &[(&str, Option<u32>, Option<i64>)]) -> Aims {
    let mut aims = Aims::default();
    for (namespace, nodes, rate) in of {
        let quota = NamespaceQuota {
            nodes: *nodes,
            rate: rate.map(UsdPerHour),
        };
        aims.quotas.namespaces.insert((*namespace).to_owned(), quota);
    }
    aims
}

fn plan(seen: &Snapshot, aims: &Aims) -> Plan {
    let done = deliberate(seen, &Memory::default(), &PolicySet::default(), aims);
    crate::checker::check(seen, aims, &done);
    done.plan
}

/// Pods of the namespace that have a new node, and those that its quota leaves none.
fn counts(plan: &Plan, namespace: &str) -> (usize, usize) {
    let placed = plan.nodes.iter().flat_map(|node| &node.pods);
    let refused = plan.refusals.iter().filter(|refusal| match refusal {
        Refusal::Pod { pod, why, .. } => {
            &*pod.namespace == namespace && matches!(why, Misfit::NamespaceQuota(_))
        }
        _ => false,
    });
    (
        placed.filter(|pod| &*pod.namespace == namespace).count(),
        refused.count(),
    )
}

/// Quotas, and how many pods of `a` and of `b` have a new node.
type Case = (&'static [(&'static str, Option<u32>, Option<i64>)], usize, usize);

#[test]
fn nothing_is_bought_above_a_quota_and_neighbours_have_all_of_theirs() {
    let seen = cluster(&[("a", 40), ("b", 8)]);
    let cases: [Case; 8] = [
        (&[], 40, 8),
        (&[("a", Some(10), None)], 40, 8),
        (&[("a", Some(3), None)], 12, 8),
        (&[("a", None, Some(5000))], 20, 8),
        (&[("a", Some(3), Some(1000))], 4, 8),
        (&[("a", Some(0), None)], 0, 8),
        // Every other one, and one that is named beside it.
        (&[("*", Some(2), None)], 8, 8),
        (&[("*", Some(1), None), ("b", Some(2), None)], 4, 8),
    ];
    for (of, a, b) in cases {
        let plan = plan(&seen, &quotas(of));
        assert_eq!(counts(&plan, "a"), (a, 40 - a), "{of:?}");
        assert_eq!(counts(&plan, "b"), (b, 8 - b), "{of:?}");
        assert_eq!(
            plan.cost.rate.0,
            1000 * i64::try_from(plan.nodes.len()).unwrap_or(0)
        );
        assert!(plan.cost.bound <= plan.cost.rate, "{:?}", plan.cost);
    }
}

/// A small pod that keeps all others off its node takes the node.
#[test]
fn pods_that_keep_others_off_take_whole_nodes() {
    let seen = waiting(&[("a", 20)], |_| {
        let labels = Labels::from([("app".to_owned(), "a".to_owned())]);
        let selector = LabelSelector::equal(&labels);
        let key = "kubernetes.io/hostname".to_owned();
        PodSpec {
            labels,
            near: vec![Near::new(key, selector, None, NearRule::Apart)],
            ..asks(1, 1)
        }
    });
    let plan = plan(&seen, &quotas(&[("a", Some(7), None)]));
    assert_eq!(counts(&plan, "a"), (7, 13));
}

/// Pods that are together with none but themselves come one by one, behind those that a node was packed with.
#[test]
fn pods_that_come_one_by_one_are_taken_back_too() {
    let together = |app: &str| {
        let labels = Labels::from([("app".to_owned(), app.to_owned())]);
        let selector = LabelSelector::equal(&labels);
        let key = "kubernetes.io/hostname".to_owned();
        PodSpec {
            labels,
            near: vec![Near::new(key, selector, None, NearRule::Together)],
            ..asks(900, 500)
        }
    };
    let mut seen = cluster(&[("b", 6)]);
    for n in 0..12_u32 {
        let own = waiting(&[("a", 1)], |_| together(&format!("a-{n}")));
        let mut pod = own.pods[0].clone();
        pod.key = PodKey::new("a", format!("a-{n}"));
        pod.spec = u32::try_from(seen.specs.len()).unwrap();
        seen.specs.push(Arc::clone(&own.specs[0]));
        seen.pods.push(pod);
    }
    seen.sort();
    let (all, _) = counts(&plan(&seen, &Aims::default()), "a");
    assert_eq!(all, 12);
    for nodes in 0..4_u32 {
        let plan = plan(&seen, &quotas(&[("a", Some(nodes), None)]));
        let (placed, refused) = counts(&plan, "a");
        assert_eq!(placed + refused, 12, "{nodes}");
        assert!(
            placed <= 4 * nodes as usize && placed >= nodes as usize,
            "{placed} on {nodes}"
        );
        assert_eq!(counts(&plan, "b"), (6, 0), "{nodes}");
    }
}

/// What is there counts: the quota is reached once, not in every cycle anew.
#[test]
fn what_stands_there_counts_and_stays() {
    let aims = quotas(&[("a", Some(3), None)]);
    let mut seen = cluster(&[("a", 40)]);
    for _ in 0..3 {
        let plan = plan(&seen, &aims);
        for node in &plan.nodes {
            crate::fixture::join(&mut seen, &node.name, &node.offer);
            for pod in &mut seen.pods {
                if node.pods.contains(&pod.key) {
                    pod.node = Some(node.name.clone());
                    pod.phase = model::pod::PodPhase::Running;
                }
            }
        }
        seen.sort();
    }
    let standing = seen.pods.iter().filter(|pod| pod.node.is_some()).count();
    assert_eq!((seen.nodes.len(), standing), (3, 12));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever waits and stands where, the guard's audit counts what namespaces take as the engine does, and so it does
    /// once the first nodes of the plan are on their way.
    #[test]
    fn the_audit_counts_what_namespaces_take_alike(
        any in any_cluster(),
        nodes in prop::option::of(0..4_u32),
        rate in prop::option::of(0..400_000_000_i64),
        deal in prop::collection::vec(0..3_usize, 7),
    ) {
        let mut seen = any.seen();
        let dealt = |spec: usize| ["a", "b", "c"][deal[spec % deal.len()]];
        for (at, spec) in seen.specs.iter_mut().enumerate() {
            Arc::make_mut(spec).namespace = dealt(at).to_owned();
        }
        for pod in &mut seen.pods {
            pod.key.namespace = Arc::from(dealt(pod.spec as usize));
        }
        seen.sort();
        let aims = quotas(&[("a", nodes, rate), ("*", rate.is_some().then_some(2), None)]);
        let first = plan(&seen, &aims);
        for node in first.nodes.iter().take(2) {
            let offer = &seen.offers[seen.offer_ix(&node.offer).unwrap()];
            if matches!(offer.kind, model::offer::OfferKind::Ec2 { .. }) {
                crate::fixture::join(&mut seen, &node.name, &node.offer);
            }
        }
        seen.sort();
        seen.cycle += 1;
        plan(&seen, &aims);
    }
}
