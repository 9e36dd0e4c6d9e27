//! DaemonSets on nodes that are bought or have just joined: their pods are there first, with ports of the host, labels,
//! anti-affinity and volumes.

use super::rest::{refused, rests, with_agents, would_take};
use super::{plain, shop};
use crate::fixture::{Cluster, asks};
use model::ids::WorkloadKey;
use model::pod::{HostPort, Near, NearRule, PodSpec, Taint, TaintEffect, Toleration};
use model::reason::{Misfit, Refusal};
use model::resources::attach_limit;
use model::selector::{LabelSelector, NodeTerm, Operator, Requirement};
use model::snapshot::Snapshot;
use packing::Random as Dice;

const ZONE: &str = "topology.kubernetes.io/zone";
const HOSTNAME: &str = "kubernetes.io/hostname";
const TYPE: &str = "node.kubernetes.io/instance-type";

fn port(port: u16, protocol: &str, ip: &str) -> HostPort {
    HostPort {
        port,
        protocol: protocol.to_owned(),
        ip: ip.to_owned(),
    }
}

fn agent(name: &str, spec: PodSpec) -> PodSpec {
    let mut agent = PodSpec {
        owner: Some(WorkloadKey::new("DaemonSet", "default", name)),
        ..spec
    };
    agent.labels.insert("app".into(), name.into());
    agent
}

fn app(name: &str, spec: PodSpec) -> PodSpec {
    let mut spec = PodSpec {
        owner: Some(WorkloadKey::new("ReplicaSet", "default", name)),
        ..spec
    };
    spec.labels.insert("app".into(), name.into());
    spec
}

fn near(rule: NearRule, key: &str, app: &str) -> Near {
    let selector = LabelSelector {
        requirements: vec![Requirement {
            key: "app".into(),
            operator: Operator::In(vec![app.into()]),
        }],
    };
    Near::new(key.into(), selector, None, rule)
}

fn with_ports(ports: &[HostPort], spec: PodSpec) -> PodSpec {
    PodSpec {
        host_ports: ports.to_vec(),
        ..spec
    }
}

fn why(seen: &Snapshot) -> Vec<Misfit> {
    let plan = plain(seen).plan;
    assert!(plan.nodes.is_empty() && plan.existing.is_empty(), "{plan:?}");
    let why = plan.refusals.into_iter().filter_map(|refusal| match refusal {
        Refusal::Pod { why, .. } => Some(why),
        _ => None,
    });
    why.collect()
}

#[test]
fn a_pod_with_the_host_port_of_an_agent_buys_no_node_and_is_told_whose_port_it_is() {
    let metrics = [port(9100, "TCP", "")];
    let seen = shop()
        .workload(
            "DaemonSet",
            "exporter",
            0,
            agent("exporter", with_ports(&metrics, asks(10, 10))),
        )
        .pending("web", 2, app("web", with_ports(&metrics, asks(500, 500))))
        .seen();
    let taken = Misfit::HostPortTaken {
        port: 9100,
        protocol: "TCP".into(),
        by: WorkloadKey::new("DaemonSet", "default", "exporter"),
    };
    assert_eq!(why(&seen), [taken.clone(), taken.clone()]);
    assert_eq!(
        taken.to_string(),
        "wants port 9100/TCP of the host, which DaemonSet default/exporter has on such nodes"
    );
}

#[test]
fn ports_clash_with_an_agents_as_node_ports_has_it() {
    let table = [
        (port(80, "TCP", ""), port(80, "TCP", ""), true),
        (port(80, "TCP", ""), port(80, "UDP", ""), false),
        (port(80, "TCP", ""), port(81, "TCP", ""), false),
        (port(80, "TCP", "10.0.0.1"), port(80, "TCP", "10.0.0.2"), false),
        (port(80, "TCP", "10.0.0.1"), port(80, "TCP", ""), true),
        (port(80, "SCTP", ""), port(80, "SCTP", "10.0.0.1"), true),
    ];
    for (own, theirs, clashes) in table {
        for young in [false, true] {
            let daemon = agent("agent", with_ports(std::slice::from_ref(&theirs), asks(10, 10)));
            let web = app("web", with_ports(std::slice::from_ref(&own), asks(500, 500)));
            let cluster = shop()
                .workload("DaemonSet", "agent", 0, daemon)
                .pending("web", 1, web);
            let (first, _) = rests(&with_young(cluster, young).seen());
            let refused = refused(&first.plan).len();
            assert_eq!(refused, usize::from(clashes), "{own:?} {theirs:?} {young}");
        }
    }
}

/// A node to which the agents are still to come.
fn with_young(cluster: Cluster, young: bool) -> Cluster {
    if young {
        cluster.node("n", "g", "large")
    } else {
        cluster
    }
}

#[test]
fn anti_affinity_with_an_agent_holds_whoever_has_it() {
    for key in [HOSTNAME, ZONE] {
        for (own, young) in [(true, false), (true, true), (false, false), (false, true)] {
            let (mut daemon, mut web) = (agent("agent", asks(10, 10)), app("web", asks(500, 500)));
            if own {
                web.near.push(near(NearRule::Apart, key, "agent"));
            } else {
                daemon.near.push(near(NearRule::Apart, key, "web"));
            }
            let cluster = shop()
                .workload("DaemonSet", "agent", 0, daemon)
                .pending("web", 1, web);
            let apart = Misfit::ApartFromDaemonSet {
                by: WorkloadKey::new("DaemonSet", "default", "agent"),
                key: key.to_owned(),
            };
            assert_eq!(
                why(&with_young(cluster, young).seen()),
                [apart],
                "{key} {own} {young}"
            );
        }
    }
}

/// Only what runs on a node counts there: the pod goes where the agent does not.
#[test]
fn an_agent_that_does_not_run_on_a_node_takes_nothing_there() {
    let large = || Requirement {
        key: TYPE.into(),
        operator: Operator::In(vec!["large".into()]),
    };
    let narrow: [fn(&mut PodSpec, Requirement); 2] = [
        |agent, _| drop(agent.node_selector.insert(TYPE.into(), "large".into())),
        |agent, large| {
            let labels = vec![large];
            let fields = Vec::new();
            agent.node_affinity = Some(vec![NodeTerm { labels, fields }]);
        },
    ];
    for narrow in narrow {
        let metrics = [port(9100, "TCP", "")];
        let mut daemon = agent("agent", with_ports(&metrics, asks(10, 10)));
        narrow(&mut daemon, large());
        let seen = shop()
            .workload("DaemonSet", "agent", 0, daemon)
            .pending("web", 3, app("web", with_ports(&metrics, asks(500, 500))))
            .seen();
        let (first, _) = rests(&seen);
        assert_eq!(first.plan.nodes.len(), 3);
        assert!(
            first
                .plan
                .nodes
                .iter()
                .all(|node| node.offer.as_str().contains("small"))
        );
    }
}

#[test]
fn an_agent_that_does_not_tolerate_a_groups_taint_takes_nothing_there() {
    let metrics = [port(9100, "TCP", "")];
    let taint = Taint {
        key: "dedicated".into(),
        value: "web".into(),
        effect: TaintEffect::NoSchedule,
    };
    let mut web = app("web", with_ports(&metrics, asks(500, 500)));
    web.tolerations.push(Toleration {
        key: Some("dedicated".into()),
        value: None,
        effect: None,
    });
    let mut seen = shop()
        .workload(
            "DaemonSet",
            "agent",
            0,
            agent("agent", with_ports(&metrics, asks(10, 10))),
        )
        .pending("web", 2, web)
        .seen();
    seen.groups[0].taints.push(taint);
    let (first, _) = rests(&seen);
    assert_eq!((first.plan.nodes.len(), refused(&first.plan).len()), (2, 0));
}

#[test]
fn volumes_of_agents_count_against_what_a_new_node_attaches() {
    let limit = attach_limit("ebs.csi.aws.com");
    let attaching = |volumes: i64, mut spec: PodSpec| {
        spec.requests.extended.insert(limit.clone(), volumes);
        spec
    };
    let seen = shop()
        .last_offers(|offer| {
            offer.allocatable.extended.insert(limit.clone(), 4);
        })
        .workload(
            "DaemonSet",
            "agent",
            0,
            agent("agent", attaching(3, asks(10, 10))),
        )
        .pending("web", 3, app("web", attaching(1, asks(100, 100))))
        .seen();
    let (first, _) = rests(&seen);
    assert_eq!(first.plan.nodes.len(), 3);
}

/// A port that a running pod has keeps the agent off its node, and nothing else off for the agent's sake.
#[test]
fn an_agent_that_cannot_come_to_a_node_does_not_count_there() {
    let (metrics, probe) = (port(9100, "TCP", ""), port(9101, "TCP", ""));
    let daemon = agent(
        "agent",
        with_ports(&[metrics.clone(), probe.clone()], asks(10, 10)),
    );
    let seen = shop()
        .node("n", "g", "large")
        .running("old", "n", app("old", with_ports(&[metrics], asks(100, 100))))
        .workload("DaemonSet", "agent", 0, daemon)
        .pending("web", 1, app("web", with_ports(&[probe], asks(500, 500))))
        .seen();
    let (first, _) = rests(&seen);
    assert_eq!(first.plan.existing.len(), 1);
}

/// One cluster of the neighbourhood: agents and pods with ports, anti-affinity, tolerations, selectors and volumes.
fn neighbourhood(seed: u64) -> Snapshot {
    let mut dice = Dice::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x17);
    let limit = attach_limit("ebs.csi.aws.com");
    let mut cluster = Cluster::new();
    for group in 0..=dice.below(2) {
        let name = format!("g{group}");
        cluster = cluster.group(&name, 0, 500);
        for (kind, cpu, price) in [("small", 2000, 50), ("large", 8000, 190)] {
            let (arch, spot) = (dice.below(3) == 0, dice.below(3) == 0);
            let limit = limit.clone();
            cluster = cluster
                .offer(&name, kind, cpu, cpu * 2, price * 1_000_000)
                .last_offers(move |offer| {
                    let labels = &mut offer.labels;
                    labels.insert(
                        "kubernetes.io/arch".into(),
                        if arch { "arm64" } else { "amd64" }.into(),
                    );
                    labels.insert("capacity".into(), if spot { "spot" } else { "on-demand" }.into());
                    offer.allocatable.extended.insert(limit.clone(), 5);
                });
        }
        if dice.below(4) == 0 {
            cluster.seen.groups.last_mut().unwrap().taints.push(Taint {
                key: "dedicated".into(),
                value: String::new(),
                effect: TaintEffect::NoSchedule,
            });
        }
    }
    for node in 0..dice.below(4) {
        let kind = ["small", "large"][dice.below(2)];
        cluster = cluster.node(&format!("n{node}"), "g0", kind);
        let group = cluster.seen.groups[0].taints.clone();
        cluster = cluster.last_node(|node| node.taints = group);
    }
    let mut agents: Vec<PodSpec> = Vec::new();
    for ix in 0..dice.below(5) {
        let name = format!("agent{ix}");
        let spec = agent(&name, drawn(&mut dice, &limit, 50));
        // Of two that keep each other off, nobody can tell which comes.
        if !agents.iter().any(|other| keep_apart(other, &spec)) {
            agents.push(spec.clone());
            cluster = cluster.workload("DaemonSet", &name, 0, spec);
        }
    }
    if dice.below(2) == 0 {
        // On some nodes agents run already, on others they are still to come.
        cluster.seen = with_agents(cluster.clone().seen());
        let mut at = 0;
        cluster.seen.pods.retain(|_| {
            at += 1;
            at % 3 != 0
        });
    }
    for ix in 0..=dice.below(5) {
        let name = format!("app{ix}");
        let spec = app(&name, drawn(&mut dice, &limit, 900));
        let count = 1 + u32::try_from(dice.below(4)).unwrap();
        cluster = cluster.pending(&name, count, spec);
    }
    cluster.seen()
}

fn keep_apart(one: &PodSpec, other: &PodSpec) -> bool {
    let apart = |of: &PodSpec, from: &PodSpec| of.near.iter().any(|near| near.selects(from));
    let taken = |port: &HostPort| other.host_ports.iter().any(|own| own.conflicts(port));
    apart(one, other) || apart(other, one) || one.host_ports.iter().any(taken)
}

fn drawn(dice: &mut Dice, limit: &str, cpu: usize) -> PodSpec {
    let amount = i64::try_from(1 + dice.below(cpu)).unwrap();
    let mut spec = asks(amount, amount);
    if dice.below(2) == 0 {
        let number = 9000 + u16::try_from(dice.below(3)).unwrap();
        let protocol = ["TCP", "TCP", "UDP"][dice.below(3)];
        let ip = ["", "", "10.0.0.1", "127.0.0.1"][dice.below(4)];
        spec.host_ports.push(port(number, protocol, ip));
    }
    if dice.below(3) == 0 {
        let selectors = [
            (ZONE, "a"),
            (TYPE, "large"),
            (TYPE, "small"),
            ("kubernetes.io/arch", "arm64"),
            ("capacity", "spot"),
        ];
        let (key, value) = selectors[dice.below(selectors.len())];
        spec.node_selector.insert(key.into(), value.into());
    }
    if dice.below(3) == 0 {
        spec.tolerations.push(Toleration {
            key: None,
            value: None,
            effect: None,
        });
    }
    if dice.below(3) == 0 {
        let whom = ["app0", "app1", "agent0", "agent1"][dice.below(4)];
        spec.near.push(near(NearRule::Apart, HOSTNAME, whom));
    }
    if dice.below(4) == 0 {
        let volumes = i64::try_from(1 + dice.below(2)).unwrap();
        spec.requests.extended.insert(limit.to_owned(), volumes);
    }
    spec
}

/// Nothing is bought for a pod that does not fit beside the agents, everything planned is admitted by kube-scheduler's
/// filters, the second plan has nothing to do, and whoever is refused would be refused by every empty node.
#[test]
fn plans_beside_agents_come_to_rest() {
    let (mut bought, mut housed, mut turned_away) = (0, 0, 0);
    let mut wrong = Vec::new();
    for seed in 0..600 {
        let seen = neighbourhood(seed);
        let (first, next) = rests(&seen);
        bought += first.plan.nodes.len();
        housed += first.plan.existing.len();
        for pod in refused(&first.plan) {
            let spec = seen.spec(seen.pod(&pod).unwrap().spec);
            let offers = would_take(&next, &spec);
            if let Some(offer) = offers.first() {
                wrong.push(format!("{seed}: {pod} is refused and fits {}", offer.id));
            }
            turned_away += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("{bought} nodes bought, {housed} nodes filled, {turned_away} pods refused");
    assert!(bought > 600 && housed > 100 && turned_away > 100);
}
