//! Pods whose place depends on other pods, host ports or volumes: they move wherever kube-scheduler would admit them
//! again, and what holds them elsewhere is told by its own name. Small clusters are held against every placement there
//! is.

use super::halves::at_once;
use super::{long_unneeded, names, stays};
use crate::filters::Filters;
use crate::fixture::{self, Cluster, asks};
use crate::{Deliberation, PolicySet, deliberate};
use model::aims::Aims;
use model::ids::{NodeName, OfferId, PodKey};
use model::memory::Memory;
use model::plan::StepKind;
use model::pod::{HostPort, Near, NearRule, PodSpec};
use model::reason::{Holds, Stays};
use model::selector::{LabelSelector, NodeTerm, Requirement};
use model::snapshot::Snapshot;
use packing::Random as Dice;
use std::collections::BTreeMap;

pub(super) const ZONE: &str = "topology.kubernetes.io/zone";
pub(super) const HOST: &str = "kubernetes.io/hostname";
pub(super) const SPREAD: NearRule = NearRule::Spread { skew: 1, domains: 1 };

pub(super) fn of(app: &str) -> PodSpec {
    let mut spec = asks(100, 100);
    spec.labels.insert("app".into(), app.into());
    spec
}

pub(super) fn near(mut spec: PodSpec, key: &str, app: &str, rule: NearRule) -> PodSpec {
    let selector = LabelSelector {
        requirements: vec![Requirement::equal("app", app)],
    };
    let namespaces = Some(vec![spec.namespace.clone()]);
    spec.near
        .push(Near::new(key.to_owned(), selector, namespaces, rule));
    spec.near.sort();
    spec
}

fn port(mut spec: PodSpec, port: u16) -> PodSpec {
    spec.host_ports.push(HostPort {
        port,
        protocol: "TCP".to_owned(),
        ip: String::new(),
    });
    spec
}

fn volume(mut spec: PodSpec, zone: &str) -> PodSpec {
    spec.traits.claims_volume = true;
    spec.reach = vec![vec![NodeTerm {
        labels: vec![Requirement::equal(ZONE, zone)],
        fields: Vec::new(),
    }]];
    spec
}

/// n1 in zone a and n3 in zone b stay, for what is on them must not be moved; n2 in zone a could go.
pub(super) fn three() -> Cluster {
    let mut stuck = asks(100, 100);
    stuck.traits.do_not_disrupt = true;
    let mut cluster = Cluster::new()
        .group("g", 3, 3)
        .offer("g", "s", 1000, 1000, 100_000_000);
    for (name, zone) in [("n1", "a"), ("n2", "a"), ("n3", "b")] {
        let offer = OfferId::new(format!("g:s/{zone}/on-demand"));
        fixture::join(&mut cluster.seen, &NodeName::new(name), &offer);
    }
    cluster
        .running("stuck-1", "n1", stuck.clone())
        .running("stuck-3", "n3", stuck)
}

pub(super) fn run(seen: &Snapshot) -> Deliberation {
    deliberate(seen, &long_unneeded(), &PolicySet::default(), &Aims::default())
}

pub(super) fn moves_to(done: &Deliberation, pod: &str) -> Option<String> {
    let key = PodKey::new("default", pod);
    let to = done.plan.moves.iter().find(|(_, pods)| pods.contains(&key));
    to.map(|(node, _)| node.to_string())
}

#[test]
fn a_node_is_given_up_whose_pod_may_run_elsewhere() {
    let wide = NearRule::Spread { skew: 2, domains: 1 };
    let cases = [
        ("zonal spread", near(of("web"), ZONE, "web", SPREAD)),
        ("hostname spread", near(of("web"), HOST, "web", SPREAD)),
        ("spread of skew 2", near(of("web"), ZONE, "web", wide)),
        (
            "zonal anti-affinity",
            near(of("web"), ZONE, "db", NearRule::Apart),
        ),
        (
            "affinity to itself",
            near(of("web"), ZONE, "web", NearRule::Together),
        ),
        ("host port", port(of("web"), 80)),
        ("volume", volume(of("web"), "a")),
        (
            "volume and spread",
            near(volume(of("web"), "a"), ZONE, "web", SPREAD),
        ),
    ];
    for (what, spec) in cases {
        let done = run(&three().running("mover", "n2", spec).seen());
        assert_eq!(names(&done).len(), 1, "{what}: {:?}", done.plan.refusals);
        assert!(names(&done)[0].starts_with("cordon n2"), "{what}");
        assert!(moves_to(&done, "mover").is_some(), "{what}");
    }
}

/// Balanced over both zones: the pod that leaves zone a may come back to zone a only.
#[test]
fn a_spread_is_counted_without_the_pod_that_leaves() {
    let web = near(of("web"), ZONE, "web", SPREAD);
    let cluster = three()
        .running("mover", "n2", web.clone())
        .running("there", "n3", web);
    let done = run(&cluster.clone().seen());
    assert_eq!(names(&done), ["cordon n2"]);
    assert_eq!(moves_to(&done, "mover").as_deref(), Some("n1"));

    let full = asks(850, 500);
    let done = run(&cluster.running("full", "n1", full).seen());
    assert_eq!(names(&done), [""; 0]);
    let why = stays(&done, "n2").unwrap();
    assert!(
        matches!(
            &why,
            Stays::PodHeld {
                by: Holds::Spread { .. },
                ..
            }
        ),
        "{why}"
    );
    assert_eq!(
        why.to_string(),
        "pod default/mover cannot move: topology spread over topology.kubernetes.io/zone with app=web: \
         maxSkew 1 allows it no other node with room"
    );
}

#[test]
fn what_holds_a_pod_is_told_by_its_own_name() {
    let db = of("db");
    let cases: Vec<(PodSpec, PodSpec, &str)> = vec![
        (
            near(of("web"), ZONE, "db", NearRule::Apart),
            db.clone(),
            "pod anti-affinity over topology.kubernetes.io/zone with app=db",
        ),
        (
            of("web"),
            near(db.clone(), ZONE, "web", NearRule::Apart),
            "pod anti-affinity of other pods",
        ),
        (port(of("web"), 80), port(db, 80), "host port 80/TCP"),
    ];
    for (mover, there, told) in cases {
        let cluster = three()
            .running("mover", "n2", mover)
            .running("there-1", "n1", there.clone())
            .running("there-3", "n3", there);
        let done = run(&cluster.seen());
        assert_eq!(names(&done), [""; 0], "{told}");
        let why = stays(&done, "n2").unwrap().to_string();
        assert!(why.contains(told), "{why}");
    }
}

/// A pod as the family draws it.
fn drawn(dice: &mut Dice) -> PodSpec {
    let app = dice.one_of(["a", "b", "c"]);
    let mut spec = of(app);
    spec.requests.cpu_milli = dice.one_of([100, 200, 300]);
    let zone = dice.one_of(["a", "b", "c"]);
    let other = dice.one_of(["a", "b", "c"]);
    match dice.below(9) {
        0 | 1 => near(spec, ZONE, app, SPREAD),
        2 => near(spec, HOST, app, SPREAD),
        3 => near(spec, HOST, app, NearRule::Apart),
        4 => near(spec, ZONE, other, NearRule::Apart),
        5 => near(spec, ZONE, app, NearRule::Together),
        6 => port(spec, 80),
        7 => volume(spec, zone),
        _ => spec,
    }
}

/// Up to six nodes in three zones with up to twelve pods, each where kube-scheduler admits it.
fn small_cluster(seed: u64) -> Snapshot {
    let mut dice = Dice::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let nodes = 2 + dice.below(5);
    let many = u32::try_from(nodes).unwrap();
    let mut cluster = Cluster::new()
        .group("g", many, many)
        .offer("g", "s", 1000, 4000, 100_000_000);
    for at in 0..nodes {
        let zone = dice.one_of(["a", "b", "c"]);
        let offer = OfferId::new("g:s/a/on-demand");
        fixture::join(&mut cluster.seen, &NodeName::new(format!("n{at}")), &offer);
        cluster = cluster.last_node(|node| {
            node.labels.insert(ZONE.to_owned(), zone.to_owned());
        });
    }
    for pod in 0..=dice.below(12) {
        let spec = drawn(&mut dice);
        let first = dice.below(nodes);
        for at in 0..nodes {
            let node = format!("n{}", (first + at) % nodes);
            let tried = cluster.clone().pending("tried", 1, spec.clone()).seen();
            let kind = tried.pods.iter().find(|pod| pod.node.is_none()).unwrap().spec;
            if Filters::new(&tried)
                .judge(kind, &NodeName::new(node.as_str()))
                .is_ok()
            {
                cluster = cluster.running(&format!("p{pod}"), &node, spec);
                break;
            }
        }
    }
    cluster.seen()
}

/// Whether the pods can be placed on these nodes one after the other, whatever the order and wherever.
fn placeable(filters: &mut Filters<'_>, pods: &[u32], nodes: &[&NodeName]) -> bool {
    if pods.is_empty() {
        return true;
    }
    for (at, spec) in pods.iter().enumerate() {
        if pods[..at].contains(spec) {
            continue;
        }
        let mut rest = pods.to_vec();
        rest.remove(at);
        for node in nodes {
            if filters.judge(*spec, node).is_ok() {
                filters.put(*spec, node);
                let all = placeable(filters, &rest, nodes);
                filters.take(*spec, node);
                if all {
                    return true;
                }
            }
        }
    }
    false
}

/// Whether the nodes of this set (bits) can all be emptied into the others; and how many pods that moves.
fn empties(seen: &Snapshot, set: u32) -> Option<usize> {
    let gone = |at: usize| set & (1 << at) != 0;
    let mut filters = Filters::new(seen);
    let mut pods = Vec::new();
    for pod in &seen.pods {
        let node = pod.node.as_ref()?;
        let at = seen.nodes.iter().position(|known| known.name == *node)?;
        if gone(at) {
            filters.take(pod.spec, node);
            pods.push(pod.spec);
        }
    }
    let stay = seen.nodes.iter().enumerate().filter(|(at, _)| !gone(*at));
    let stay: Vec<&NodeName> = stay.map(|(_, node)| &node.name).collect();
    placeable(&mut filters, &pods, &stay).then_some(pods.len())
}

/// Whether each pod is admitted where it is to go, in some order.
fn in_some_order(filters: &mut Filters<'_>, open: &[(u32, &NodeName)]) -> bool {
    if open.is_empty() {
        return true;
    }
    for (at, (spec, node)) in open.iter().enumerate() {
        if open[..at].contains(&open[at]) || filters.judge(*spec, node).is_err() {
            continue;
        }
        let mut rest = open.to_vec();
        rest.remove(at);
        filters.put(*spec, node);
        let all = in_some_order(filters, &rest);
        filters.take(*spec, node);
        if all {
            return true;
        }
    }
    false
}

/// Carries out a plan that only moves pods: each must be admitted in some order. Returns how many moved.
fn carry_out(seen: &mut Snapshot, plan: &model::Plan) -> usize {
    let mut to: BTreeMap<PodKey, NodeName> = BTreeMap::new();
    for (node, pods) in &plan.moves {
        for pod in pods {
            assert!(
                to.insert(pod.clone(), node.clone()).is_none(),
                "{pod} moves twice"
            );
        }
    }
    let before = seen.clone();
    let mut filters = Filters::new(&before);
    let mut open: Vec<(u32, &NodeName)> = Vec::new();
    for (pod, node) in &to {
        let pod = before.pod(pod).unwrap();
        filters.take(pod.spec, pod.node.as_ref().unwrap());
        open.push((pod.spec, node));
    }
    assert!(
        in_some_order(&mut filters, &open),
        "not admitted: {:?}",
        plan.moves
    );
    for pod in &mut seen.pods {
        if let Some(node) = to.get(&pod.key) {
            pod.node = Some(node.clone());
        }
    }
    for step in &plan.steps {
        let StepKind::Cordon { node, instance, .. } = &step.kind else {
            continue;
        };
        assert!(
            seen.pods.iter().all(|pod| pod.node.as_ref() != Some(node)),
            "{node}"
        );
        seen.nodes.retain(|known| known.name != *node);
        let group = &mut seen.groups[0];
        group.desired -= 1;
        group.max -= 1;
        group.instances.retain(|known| known.id != *instance);
    }
    seen.cycle += 1;
    to.len()
}

/// At rest hardly a node could be emptied that kube-scheduler would have let go, and little more was evicted than had to be.
#[test]
fn small_clusters_come_to_rest_with_hardly_anything_more_to_empty() {
    let aims = at_once(1000);
    let (mut moved, mut fewest, mut left) = (0, 0, Vec::new());
    for seed in 0..250_u64 {
        let mut seen = small_cluster(seed);
        let start = seen.clone();
        let mut evicted = 0;
        loop {
            let plan = deliberate(&seen, &Memory::default(), &PolicySet::default(), &aims).plan;
            assert_eq!(plan.replacements, [], "seed {seed}");
            if !plan
                .steps
                .iter()
                .any(|step| matches!(step.kind, StepKind::Cordon { .. }))
            {
                break;
            }
            evicted += carry_out(&mut seen, &plan);
        }
        let probes = 0..seen.nodes.len();
        if let Some(at) = probes.clone().find(|at| empties(&seen, 1 << at).is_some()) {
            left.push((seed, seen.nodes[at].name.clone()));
        }
        let went = u32::try_from(start.nodes.len() - seen.nodes.len()).unwrap();
        let sets = (0..1_u32 << start.nodes.len()).filter(|set| set.count_ones() == went);
        if let Some(least) = sets.filter_map(|set| empties(&start, set)).min() {
            (moved, fewest) = (moved + evicted, fewest + least);
        }
    }
    println!("{moved} evictions, {fewest} at least; could still be emptied: {left:?}");
    // What its own search misses in one cluster of some hundred, another order of removals would find.
    assert!(left.len() <= 1, "{left:?}");
    assert!(moved * 10 <= fewest * 11, "{moved} evictions where {fewest} do");
}
