//! A sound plan has no flaw, and every way of spoiling it is found.

use super::*;
use crate::stage::{PRICE, Stage};
use model::UsdPerHour;
use model::notes::ClassNote;
use model::pod::{HostPort, Near, NearRule, TaintEffect};
use model::resources::attach_limit;
use model::selector::{LabelSelector, NodeTerm, Operator, Requirement};
use std::sync::Arc;

const GROWN: &str = "new-1";

/// The waiting pod on one new node, and nothing else.
fn sound() -> (Stage, Plan, Notes) {
    let stage = Stage::new();
    let offer = stage.seen.offers[0].clone();
    let group = stage.seen.groups[0].name.clone();
    let waiting = PodKey::new("ns", "w1");
    let spec = stage.seen.pod(&waiting).map(|pod| pod.spec);
    let plan = Plan {
        nodes: vec![PlannedNode {
            storage: UsdPerHour::ZERO,
            name: NodeName::new(GROWN),
            group,
            offer: offer.id,
            pods: vec![waiting.clone()],
        }],
        cost: model::plan::Cost {
            rate: PRICE,
            bound: UsdPerHour(PRICE.0 / 2),
            policy_rate: PRICE,
            policy_bound: UsdPerHour(PRICE.0 / 2),
        },
        pending: 1,
        ..Plan::default()
    };
    let notes = Notes {
        classes: vec![ClassNote {
            provisioned: None,
            spec,
            workload: None,
            late: false,
            bought: 1,
            pending: 1,
            to_come: 0,
            headroom: 0,
            pays: UsdPerHour(60_000_000),
            fargate: None,
            ec2: None,
            sample: waiting,
        }],
        waste: vec![(NodeName::new(GROWN), UsdPerHour(PRICE.0 - 60_000_000))],
        ..Notes::default()
    };
    (stage, plan, notes)
}

fn flaws((stage, plan, notes): &(Stage, Plan, Notes)) -> Vec<String> {
    audit(&stage.seen, &stage.aims, plan, notes)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_sound_plan_has_no_flaw() {
    assert_eq!(flaws(&sound()), Vec::<String>::new());
}

type Spoil = fn(&mut (Stage, Plan, Notes));

#[test]
fn pods_out_of_place_are_found() {
    found(&[
        ("pod ns/w1 has several places", |(_, plan, _)| {
            plan.existing
                .push((NodeName::new("n1"), plan.nodes[0].pods.clone()));
        }),
        ("pod ns/w1 waits and is not in the plan", |(_, plan, _)| {
            plan.nodes[0].pods.clear();
        }),
        ("pod ns/p1 is in the plan and does not wait", |(_, plan, _)| {
            plan.nodes[0].pods.push(PodKey::new("ns", "p1"));
        }),
        (
            "pod ns/nobody is in the plan and does not wait",
            |(_, plan, _)| {
                plan.nodes[0].pods.push(PodKey::new("ns", "nobody"));
            },
        ),
        ("the plan says 2 pods wait and accounts for 1", |(_, plan, _)| {
            plan.pending = 2;
        }),
        ("the name n1 stands for several nodes", |(_, plan, _)| {
            plan.nodes[0].name = NodeName::new("n1");
        }),
        ("offer nothing is not known", |(_, plan, _)| {
            plan.nodes[0].offer = OfferId::new("nothing");
        }),
        ("group other of node new-1 is not known", |(_, plan, _)| {
            plan.nodes[0].group = GroupName::new("other");
        }),
    ]);
}

#[test]
fn rules_limits_and_money_that_do_not_hold_are_found() {
    found(&[
        ("node new-1 is over-committed: ", |(stage, _, _)| {
            stage.seen.offers[0].allocatable.cpu_milli = 1;
        }),
        ("node new-1 is over-committed: 1 of pods on 0", |(stage, _, _)| {
            stage.seen.offers[0].max_pods = 0;
        }),
        ("node n1 is over-committed: ", |(stage, plan, _)| {
            let node = stage
                .seen
                .nodes
                .iter_mut()
                .find(|node| node.name.as_str() == "n1");
            if let Some(node) = node {
                node.allocatable.memory_bytes = 1;
            }
            plan.existing
                .push((NodeName::new("n1"), std::mem::take(&mut plan.nodes[0].pods)));
        }),
        (
            "pod ns/w1 may not run on new-1: it does not tolerate team=ml",
            |(stage, _, _)| {
                stage.seen.groups[0].taints.push(Taint {
                    key: "team".to_owned(),
                    value: "ml".to_owned(),
                    effect: TaintEffect::NoSchedule,
                });
            },
        ),
        (
            "pod ns/w1 may not run on new-1: it wants disk=fast",
            |(stage, _, _)| {
                let mut spec = (*stage.seen.specs[0]).clone();
                spec.node_selector.insert("disk".to_owned(), "fast".to_owned());
                stage.seen.specs[0] = Arc::new(spec);
            },
        ),
        ("group web would have 99 nodes, at most 6", |(stage, plan, _)| {
            plan.steps.push(model::Step {
                id: model::StepId { cycle: 5, ordinal: 0 },
                intent: None,
                generation: 7,
                kind: StepKind::GrowGroup {
                    group: stage.seen.groups[0].name.clone(),
                    offer: stage.seen.offers[0].id.clone(),
                    from: 4,
                    to: 99,
                    nodes: Vec::new(),
                    pods: Vec::new(),
                    rate: PRICE,
                },
                reason: model::Reason::Planned,
            });
        }),
        ("the bill says 7 and its nodes cost 200000000", |(_, plan, _)| {
            plan.cost.rate = UsdPerHour(7);
        }),
        (
            "the bound 200000001 is above the bill 200000000",
            |(_, plan, _)| {
                plan.cost.bound = UsdPerHour(PRICE.0 + 1);
            },
        ),
        (
            "what pods pay and nodes waste is 200000001, the bill 200000000",
            |(_, _, notes)| {
                notes.waste[0].1.0 += 1;
            },
        ),
    ]);
}

const ZONE: &str = "topology.kubernetes.io/zone";

fn in_zone(zone: &str) -> NodeTerm {
    NodeTerm {
        labels: vec![Requirement {
            key: ZONE.to_owned(),
            operator: Operator::In(vec![zone.to_owned()]),
        }],
        fields: Vec::new(),
    }
}

#[test]
fn volumes_out_of_reach_and_too_many_are_found() {
    found(&[
        (
            "node new-1 is over-committed: 2 of attachable-volumes-csi-d on 1",
            |(stage, _, _)| {
                respec(stage, |spec| {
                    spec.requests.extended.insert(attach_limit("d"), 2);
                });
                stage.seen.offers[0]
                    .allocatable
                    .extended
                    .insert(attach_limit("d"), 1);
            },
        ),
        (
            "node n1 is over-committed: 4 of attachable-volumes-csi-d on 3",
            |(stage, plan, _)| {
                respec(stage, |spec| {
                    spec.requests.extended.insert(attach_limit("d"), 2);
                });
                for node in &mut stage.seen.nodes {
                    node.allocatable.extended.insert(attach_limit("d"), 3);
                }
                beside(plan);
            },
        ),
        (
            "pod ns/w1 may not run on new-1: ns/p4 has claim c for itself",
            |(stage, _, _)| {
                respec(stage, |spec| spec.exclusive.push("c".to_owned()));
            },
        ),
        (
            "pod ns/w1 may not run on new-1: its volume cannot be had there",
            |(stage, _, _)| {
                respec(stage, |spec| spec.reach.push(vec![in_zone("z")]));
                stage.seen.offers[0]
                    .labels
                    .insert(ZONE.to_owned(), "a".to_owned());
            },
        ),
    ]);
}

#[test]
fn what_was_too_much_before_is_not_the_plans_doing() {
    let (mut stage, mut plan, notes) = sound();
    let mut hungry = (*stage.seen.specs[0]).clone();
    hungry.requests.extended.insert(attach_limit("d"), 5);
    stage.seen.specs.push(Arc::new(hungry));
    stage.pod_mut("p1").spec = 1;
    for node in &mut stage.seen.nodes {
        node.allocatable.extended.insert(attach_limit("d"), 3);
    }
    beside(&mut plan);
    plan.nodes.clear();
    let found: Vec<String> = flaws(&(stage, plan, notes))
        .into_iter()
        .filter(|flaw| flaw.contains("over-committed"))
        .collect();
    assert_eq!(found, Vec::<String>::new());
}

fn rule(spec: &mut PodSpec, key: &str, rule: NearRule) {
    // A spread counts nobody by an empty selector.
    let everybody = LabelSelector {
        requirements: vec![Requirement {
            key: "app".to_owned(),
            operator: Operator::NotIn(vec!["nobody".to_owned()]),
        }],
    };
    spec.near.push(Near::new(key.to_owned(), everybody, None, rule));
}

fn respec(stage: &mut Stage, change: impl Fn(&mut PodSpec)) {
    let mut spec = (*stage.seen.specs[0]).clone();
    change(&mut spec);
    stage.seen.specs[0] = Arc::new(spec);
}

/// Puts the waiting pod where `p1` runs.
fn beside(plan: &mut Plan) {
    plan.existing
        .push((NodeName::new("n1"), std::mem::take(&mut plan.nodes[0].pods)));
}

#[test]
fn pods_that_are_too_near_or_too_far_are_found() {
    const HOSTNAME: &str = "kubernetes.io/hostname";
    found(&[
        (
            "pod ns/w1 may not run on n1: 1 pods it must be apart",
            |(stage, plan, _)| {
                respec(stage, |spec| rule(spec, HOSTNAME, NearRule::Apart));
                beside(plan);
            },
        ),
        (
            "pod ns/w1 may not run on new-1: no pod that it must be with",
            |(stage, _, _)| {
                respec(stage, |spec| rule(spec, HOSTNAME, NearRule::Together));
            },
        ),
        (
            "pod ns/w1 may not run on n1: kubernetes.io/hostname has more",
            |(stage, plan, _)| {
                respec(stage, |spec| {
                    rule(spec, HOSTNAME, NearRule::Spread { skew: 1, domains: 1 });
                });
                stage.pod_mut("p2").node = Some(NodeName::new("n1"));
                beside(plan);
            },
        ),
        (
            "pod ns/w1 may not run on new-1: the node has no label rack",
            |(stage, _, _)| {
                respec(stage, |spec| rule(spec, "rack", NearRule::Together));
            },
        ),
        (
            "pod ns/w1 may not run on n1: port 80 of the host is taken",
            |(stage, plan, _)| {
                respec(stage, |spec| {
                    spec.host_ports.push(HostPort {
                        port: 80,
                        protocol: "TCP".to_owned(),
                        ip: String::new(),
                    });
                });
                beside(plan);
            },
        ),
    ]);
}

/// A DaemonSet `ns/agent` that runs on every node and of which no pod is there yet.
fn daemon(stage: &mut Stage, change: impl Fn(&mut PodSpec)) {
    let mut spec = PodSpec {
        owner: Some(WorkloadKey::new("DaemonSet", "ns", "agent")),
        ..PodSpec::default()
    };
    spec.namespace = "ns".to_owned();
    spec.labels.insert("app".to_owned(), "agent".to_owned());
    change(&mut spec);
    stage.seen.specs.push(Arc::new(spec));
    let mut workload = stage.seen.workloads[0].clone();
    workload.key = WorkloadKey::new("DaemonSet", "ns", "agent");
    workload.template = u32::try_from(stage.seen.specs.len() - 1).ok();
    stage.seen.workloads.push(workload);
    stage.seen.sort();
}

#[test]
fn agents_of_daemon_sets_are_on_a_node_before_the_plans_pods() {
    const HOSTNAME: &str = "kubernetes.io/hostname";
    let port = || HostPort {
        port: 9100,
        protocol: "TCP".to_owned(),
        ip: String::new(),
    };
    let ported = move |spec: &mut PodSpec| spec.host_ports.push(port());
    let on_port: Spoil = |(stage, _, _)| {
        let port = || HostPort {
            port: 9100,
            protocol: "TCP".to_owned(),
            ip: String::new(),
        };
        respec(stage, |spec| spec.host_ports.push(port()));
        daemon(stage, |spec| spec.host_ports.push(port()));
    };
    found(&[
        (
            "pod ns/w1 may not run on new-1: port 9100 of the host is taken",
            on_port,
        ),
        (
            "pod ns/w1 may not run on new-1: 1 pods near want it away",
            |(stage, _, _)| daemon(stage, |spec| rule(spec, HOSTNAME, NearRule::Apart)),
        ),
        (
            "pod ns/w1 may not run on new-1: 1 pods it must be apart",
            |(stage, _, _)| {
                respec(stage, |spec| rule(spec, HOSTNAME, NearRule::Apart));
                daemon(stage, |_| {});
            },
        ),
        ("node new-1 is over-committed: ", |(stage, _, _)| {
            daemon(stage, |spec| spec.requests.cpu_milli = 3_000);
        }),
    ]);
    // On a node that is there as well, unless the DaemonSet keeps off it or cannot come.
    let flaws_with = |change: fn(&mut Stage)| {
        let (mut stage, mut plan, notes) = sound();
        respec(&mut stage, ported);
        stage.seen.specs.push(Arc::new(PodSpec::default()));
        for pod in ["p1", "p2", "p3", "p4"] {
            stage.pod_mut(pod).spec = 1;
        }
        daemon(&mut stage, ported);
        change(&mut stage);
        beside(&mut plan);
        let mut found = flaws(&(stage, plan, notes));
        found.retain(|flaw| flaw.contains("of the host is taken"));
        found.len()
    };
    assert_eq!(flaws_with(|_| {}), 1);
    let elsewhere = |stage: &mut Stage| {
        let spec = Arc::make_mut(stage.seen.specs.last_mut().unwrap());
        spec.node_selector.insert("disk".to_owned(), "ssd".to_owned());
    };
    assert_eq!(flaws_with(elsewhere), 0);
}

/// Kind by kind, not pod by pod: pair by pair this takes minutes.
#[test]
fn twenty_thousand_pods_with_every_rule_are_audited_at_once() {
    const HOSTNAME: &str = "kubernetes.io/hostname";
    const ZONE: &str = "topology.kubernetes.io/zone";
    let (mut stage, mut plan, notes) = sound();
    stage.seen.offers[0]
        .labels
        .insert(ZONE.to_owned(), "a".to_owned());
    for kind in 0..20 {
        let app = format!("app-{kind}");
        let selector = LabelSelector {
            requirements: vec![Requirement {
                key: "app".to_owned(),
                operator: Operator::In(vec![app.clone()]),
            }],
        };
        let mut spec = (*stage.seen.specs[0]).clone();
        spec.labels.insert("app".to_owned(), app.clone());
        for (key, rule) in [
            (HOSTNAME, NearRule::Apart),
            (HOSTNAME, NearRule::Spread { skew: 1, domains: 1 }),
            (ZONE, NearRule::Together),
        ] {
            spec.near
                .push(Near::new(key.to_owned(), selector.clone(), None, rule));
        }
        stage.seen.specs.push(Arc::new(spec));
        for number in 0..1000 {
            let mut pod = crate::stage::pod(&format!("{app}-{number}"), None);
            pod.spec = kind + 1;
            stage.seen.pods.push(pod);
        }
    }
    stage.seen.pods.sort_by(|a, b| a.key.cmp(&b.key));
    let of = &plan.nodes[0];
    let node = |number: usize| PlannedNode {
        name: NodeName::new(format!("many-{number}")),
        pods: (0..20)
            .map(|kind| PodKey::new("ns", format!("app-{kind}-{number}")))
            .collect(),
        ..of.clone()
    };
    plan.nodes = (0..1000).map(node).collect();
    let near = |plan: &Plan| {
        let mut flaws = audit(&stage.seen, &stage.aims, plan, &notes);
        flaws.retain(|flaw| matches!(flaw, Flaw::Forbidden(..)));
        flaws.iter().map(ToString::to_string).collect::<Vec<String>>()
    };
    assert_eq!(near(&plan), Vec::<String>::new());
    let stray = plan.nodes[0].pods.remove(0);
    plan.nodes[1].pods.push(stray);
    let flaws = near(&plan);
    assert_eq!(flaws.len(), 2, "{flaws:?}");
    assert!(
        flaws
            .iter()
            .all(|flaw| flaw.contains("on many-1: 1 pods it must be apart"))
    );
}

fn found(ways: &[(&str, Spoil)]) {
    for (expected, spoil) in ways {
        let mut plan = sound();
        for node in &mut plan.0.seen.nodes {
            let name = node.name.as_str().to_owned();
            node.labels.insert("kubernetes.io/hostname".to_owned(), name);
        }
        spoil(&mut plan);
        let found = flaws(&plan);
        assert!(
            found.iter().any(|flaw| flaw.starts_with(expected)),
            "{expected}: {found:?}"
        );
    }
}

fn of_namespace(stage: &mut Stage, namespace: &str, nodes: Option<u32>, rate: Option<UsdPerHour>) {
    let quota = model::quota::NamespaceQuota { nodes, rate };
    stage.aims.quotas.namespaces.insert(namespace.to_owned(), quota);
}

#[test]
fn quotas_and_pods_that_nothing_is_bought_for_are_found() {
    found(&[
        (
            "the quota of 4 nodes in total would be exceeded: 5 nodes",
            |(stage, _, _)| {
                stage.aims.quotas.total.nodes = Some(4);
            },
        ),
        (
            "the quota of 1 CPU of group web would be exceeded",
            |(stage, _, _)| {
                let quota = model::quota::Quota {
                    cpu_milli: Some(1000),
                    ..model::quota::Quota::default()
                };
                stage.aims.quotas.groups.insert("web".into(), quota);
            },
        ),
        (
            "of namespace \"ns\", the quota of 1 node of its namespace would be exceeded",
            |(stage, _, _)| {
                of_namespace(stage, "ns", Some(1), None);
            },
        ),
        ("of namespace \"ns\", the quota of ", |(stage, _, _)| {
            of_namespace(stage, "*", None, Some(UsdPerHour(1)));
        }),
        (
            "node new-1 is bought for pod ns/w1, which is expendable",
            |(stage, _, _)| {
                stage.aims.priority.expendable_below = 1;
            },
        ),
    ]);
    let mut enough = sound();
    enough.0.aims.quotas.total.nodes = Some(5);
    of_namespace(&mut enough.0, "ns", Some(5), Some(PRICE.times(5)));
    of_namespace(&mut enough.0, "*", Some(0), None);
    assert_eq!(flaws(&enough), Vec::<String>::new());
    // What is above a quota already is nobody's doing, as long as nothing is added.
    let (stage, plan, notes) = &mut enough;
    stage.aims.quotas.total.nodes = Some(1);
    of_namespace(stage, "ns", Some(1), None);
    plan.existing = vec![(NodeName::new("n1"), std::mem::take(&mut plan.nodes[0].pods))];
    plan.nodes.clear();
    plan.cost = model::plan::Cost::default();
    notes.classes[0].bought = 0;
    notes.waste.clear();
    assert_eq!(flaws(&enough), Vec::<String>::new());
}

// Tens of thousands of rules take minutes; whoever may make pods decides how many there are.
#[test]
fn rules_beyond_the_work_that_is_allowed_are_left_out() {
    let (mut stage, mut plan, notes) = sound();
    for node in &mut stage.seen.nodes {
        let name = node.name.as_str().to_owned();
        node.labels.insert("kubernetes.io/hostname".to_owned(), name);
    }
    respec(&mut stage, |spec| {
        rule(spec, "kubernetes.io/hostname", NearRule::Apart);
    });
    beside(&mut plan);
    let forbidden = |most: u64| {
        let flaws = audit_within(&stage.seen, &stage.aims, &plan, &notes, most);
        flaws.iter().any(|flaw| matches!(flaw, Flaw::Forbidden(..)))
    };
    let comparisons = near::comparisons(&stage.seen);
    assert_eq!(comparisons, stage.seen.pods.len() as u64);
    let table = [u64::MAX, comparisons, comparisons - 1, 0];
    assert_eq!(table.map(forbidden), [true, true, false, false]);
}
