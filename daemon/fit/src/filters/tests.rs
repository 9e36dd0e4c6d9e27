//! Counts that follow equal counts made anew, and what each check says. Whether the verdicts are kube-scheduler's is
//! tests/referee's question.

use super::{Filters, Objection, Plugin};
use crate::fixture::{Cluster, asks};
use crate::place::HOSTNAME;
use model::ids::NodeName;
use model::pod::{HostPort, Near, NearRule, NodeInclusion, PodPhase, PodSpec, Taint, TaintEffect};
use model::resources::{MIB, Resources};
use model::selector::{LabelSelector, Labels, Operator, Requirement};
use model::snapshot::Snapshot;
use proptest::prelude::*;

const ZONE: &str = "topology.kubernetes.io/zone";

fn means(app: &str, key: &str, rule: NearRule) -> Near {
    let requirements = vec![Requirement {
        key: "app".to_owned(),
        operator: Operator::In(vec![app.to_owned()]),
    }];
    let namespaces = Some(vec!["default".to_owned()]);
    Near::new(key.to_owned(), LabelSelector { requirements }, namespaces, rule)
}

fn pod(app: &str, near: Vec<Near>) -> PodSpec {
    PodSpec {
        labels: Labels::from([("app".to_owned(), app.to_owned())]),
        near,
        ..asks(100, 100)
    }
}

/// Four nodes in two zones; the last has no hostname and a taint.
fn cluster() -> Cluster {
    let mut cluster = Cluster::new();
    for (name, zone) in [("n0", "a"), ("n1", "a"), ("n2", "b"), ("n3", "b")] {
        cluster = cluster
            .node(name, Resources::new(1000, 4000 * MIB))
            .last_node(|node| {
                node.labels.insert(ZONE.to_owned(), zone.to_owned());
                if name == "n3" {
                    node.taints.push(Taint {
                        key: "odd".to_owned(),
                        value: String::new(),
                        effect: TaintEffect::NoSchedule,
                    });
                    node.labels.remove(HOSTNAME);
                }
            });
    }
    cluster
}

/// Specs with every sort of rule.
fn specs() -> Vec<PodSpec> {
    let spread = |skew, domains| NearRule::Spread { skew, domains };
    let mut tolerated = means("web", ZONE, spread(1, 1));
    tolerated.nodes = NodeInclusion {
        despite_affinity: true,
        only_tolerated: true,
    };
    let mut port = pod("port", Vec::new());
    port.host_ports.push(HostPort {
        port: 80,
        protocol: "TCP".to_owned(),
        ip: String::new(),
    });
    vec![
        pod("web", vec![means("web", HOSTNAME, NearRule::Apart)]),
        pod(
            "web",
            vec![
                means("web", ZONE, spread(1, 3)),
                means("web", HOSTNAME, spread(2, 1)),
            ],
        ),
        pod(
            "db",
            vec![
                means("web", ZONE, NearRule::Together),
                means("db", ZONE, NearRule::Together),
            ],
        ),
        pod("db", vec![means("web", HOSTNAME, NearRule::Apart), tolerated]),
        port,
    ]
}

const NODES: [&str; 4] = ["n0", "n1", "n2", "n3"];

/// A snapshot in which pods of these specs stand on these nodes; all specs are in it even where no pod is.
fn seen(standing: &[(usize, usize)]) -> Snapshot {
    let mut cluster = cluster();
    for (at, spec) in specs().into_iter().enumerate() {
        cluster = cluster.pending(&format!("waits-{at}"), 1, spec);
    }
    for (at, (spec, node)) in standing.iter().enumerate() {
        cluster = cluster.running(&format!("there-{at}"), NODES[*node], specs().swap_remove(*spec));
    }
    cluster.seen()
}

/// Every verdict there is.
fn verdicts(filters: &Filters<'_>) -> Vec<Vec<Objection>> {
    let specs = 0..specs().len();
    specs
        .flat_map(|spec| NODES.map(|node| (u32::try_from(spec).unwrap(), NodeName::new(node))))
        .map(|(spec, node)| {
            let all = filters.objections(spec, &node);
            assert_eq!(filters.judge(spec, &node).err(), all.first().cloned());
            all
        })
        .collect()
}

fn standing() -> impl Strategy<Value = Vec<(usize, usize)>> {
    proptest::collection::vec((0..5_usize, 0..4_usize), 0..10)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counts_that_follow_are_counts_made_anew(was in standing(), is in standing(), dropped in 0..4_usize) {
        let (before, after) = (seen(&was), seen(&is));
        let mut filters = Filters::new(&before);
        for (spec, node) in &is {
            filters.put(u32::try_from(*spec).unwrap(), &NodeName::new(NODES[*node]));
        }
        for (spec, node) in &was {
            filters.take(u32::try_from(*spec).unwrap(), &NodeName::new(NODES[*node]));
        }
        let anew = Filters::new(&after);
        prop_assert_eq!(verdicts(&filters), verdicts(&anew));

        // A node that goes takes its pods along; one that comes back is empty.
        let gone = &before.nodes[dropped];
        filters.drop_node(&gone.name);
        let nobody = |(_, node): &&(usize, usize)| *node != dropped;
        let rest: Vec<(usize, usize)> = is.iter().filter(nobody).copied().collect();
        let mut without = seen(&rest);
        without.nodes.remove(dropped);
        prop_assert_eq!(verdicts(&filters), verdicts(&Filters::new(&without)));
        filters.add_node(gone);
        prop_assert_eq!(verdicts(&filters), verdicts(&Filters::new(&seen(&rest))));
    }

    #[test]
    fn a_spec_that_is_learnt_late_is_judged_as_if_always_known(was in standing()) {
        let known = seen(&was);
        let always = Filters::new(&known);
        let mut late = known.clone();
        late.pods.retain(|pod| pod.node.is_some());
        let specs = late.specs.clone();
        // Their pods stay; only the specs of waiting pods are unknown at first.
        let carried: Vec<u32> = late.pods.iter().map(|pod| pod.spec).collect();
        let kept: Vec<usize> = (0..specs.len())
            .filter(|ix| carried.contains(&u32::try_from(*ix).unwrap()))
            .collect();
        late.specs = kept.iter().map(|ix| specs[*ix].clone()).collect();
        for pod in &mut late.pods {
            pod.spec = u32::try_from(kept.iter().position(|ix| *ix == pod.spec as usize).unwrap()).unwrap();
        }
        let mut filters = Filters::new(&late);
        for (ix, spec) in specs.iter().enumerate() {
            let learnt = filters.learn(spec);
            for node in NODES.map(NodeName::new) {
                let known = u32::try_from(ix).unwrap();
                prop_assert_eq!(filters.objections(learnt, &node), always.objections(known, &node));
            }
        }
    }
}

fn plugins(standing: &[(usize, usize)], spec: u32, node: &str) -> Vec<Plugin> {
    let seen = seen(standing);
    let objections = Filters::new(&seen).objections(spec, &NodeName::new(node));
    objections.iter().filter_map(Objection::plugin).collect()
}

#[test]
fn everything_that_objects_is_named_in_the_schedulers_order() {
    // The node carries a web pod; the taint and the missing hostname are its own.
    assert_eq!(
        plugins(&[(0, 3)], 1, "n3"),
        [Plugin::TaintToleration, Plugin::PodTopologySpread]
    );
    assert_eq!(plugins(&[(0, 0)], 0, "n0"), [Plugin::InterPodAffinity]);
    assert_eq!(plugins(&[(4, 0)], 4, "n0"), [Plugin::NodePorts]);
    assert_eq!(plugins(&[], 4, "n0"), []);
}

#[test]
fn a_pod_on_its_way_out_is_not_spread_over_but_kept_apart_from() {
    let mut seen = seen(&[(0, 0)]);
    for pod in seen.pods.iter_mut().filter(|pod| pod.node.is_some()) {
        pod.phase = PodPhase::Terminating;
    }
    let filters = Filters::new(&seen);
    let node = NodeName::new("n0");
    // Anti-affinity of the same app counts it; the spread of spec 1 does not.
    assert!(matches!(
        filters.judge(0, &node),
        Err(Objection::SomebodyNear { there: 1, .. })
    ));
    let spread = |objection: &Objection| objection.plugin() == Some(Plugin::PodTopologySpread);
    assert!(!filters.objections(1, &node).iter().any(spread));
}

#[test]
fn a_node_that_nobody_knows_takes_nothing() {
    let seen = seen(&[]);
    let node = NodeName::new("nowhere");
    assert_eq!(
        Filters::new(&seen).judge(0, &node),
        Err(Objection::NoSuchNode(node))
    );
}
