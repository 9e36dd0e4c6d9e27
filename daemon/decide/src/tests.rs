//! Whole deliberations: buying, Fargate, launches under way, policies, refusals, determinism, speed.

use crate::checker::check;
use crate::demand::is_headroom;
use crate::fixture::{Cluster, NOW, asks, policy, set};
use crate::{Deliberation, PolicySet, deliberate, faults_name};
use model::advice::{Advice, HeadroomAdvice, Hook, PlacementAdvice, PolicyFault, PolicyMode};
use model::aims::Aims;
use model::group::GroupKind;
use model::ids::{IntentId, NodeName, PodKey};
use model::intent::{Intent, IntentKind, LaunchStage};
use model::memory::{Backoff, Memory};
use model::money::UsdPerHour;
use model::offer::Confidence;
use model::plan::StepKind;
use model::pod::{PodSpec, Taint, TaintEffect, Unmodelled};
use model::reason::{GroupBlock, Misfit, Reason, Refusal};
use model::resources::{MIB, Resources};
use model::snapshot::Snapshot;
use model::time::Span;
use proptest::prelude::*;

fn run(seen: &Snapshot, policies: &PolicySet) -> Deliberation {
    let done = deliberate(seen, &Memory::default(), policies, &Aims::default());
    check(seen, &Aims::default(), &done);
    done
}

fn plain(seen: &Snapshot) -> Deliberation {
    run(seen, &PolicySet::default())
}

fn shop() -> Cluster {
    Cluster::new()
        .group("g", 0, 50)
        .offer("g", "small", 2000, 4096, 50_000_000)
        .offer("g", "large", 8000, 16384, 180_000_000)
}

#[test]
fn pods_that_wait_get_the_cheapest_nodes() {
    let done = plain(&shop().pending("web", 16, asks(500, 1024)).seen());
    assert_eq!(done.plan.cost.rate.0, 180_000_000);
    assert!(done.plan.cost.gap_percent() < 0.01);
    let step = &done.plan.steps[0];
    assert!(matches!(&step.kind, StepKind::GrowGroup { from: 0, to: 1, pods, .. } if pods.len() == 16));
    assert!(matches!(
        step.reason,
        Reason::Demand {
            pods: 16,
            pending: 16,
            ..
        }
    ));
    assert_eq!(step.intent, Some(IntentId::new("7-0")));
}

#[test]
fn equal_nodes_are_dealt_over_the_zones() {
    let done = plain(&shop().pending("web", 4, asks(8000, 1024)).seen());
    let in_zone = |zone: &str| {
        done.plan
            .nodes
            .iter()
            .filter(|n| n.offer.as_str().contains(zone))
            .count()
    };
    assert_eq!((in_zone("/a/"), in_zone("/b/")), (2, 2));
    let grown: Vec<(u32, u32)> = done
        .plan
        .steps
        .iter()
        .filter_map(|s| match s.kind {
            StepKind::GrowGroup { from, to, .. } => Some((from, to)),
            _ => None,
        })
        .collect();
    assert_eq!(
        grown,
        [(0, 2), (2, 4)],
        "the second step starts where the first ends"
    );
}

#[test]
fn a_zone_that_is_asked_for_is_bought_in() {
    let mut spec = asks(500, 500);
    spec.node_selector
        .insert("topology.kubernetes.io/zone".into(), "b".into());
    let done = plain(&shop().pending("web", 3, spec).seen());
    assert!(done.plan.nodes.iter().all(|n| n.offer.as_str().contains("/b/")));
}

#[test]
fn new_nodes_carry_their_daemon_pods_first() {
    let daemon = PodSpec {
        owner: None,
        ..asks(300, 300)
    };
    let picky = PodSpec {
        node_selector: [("group".to_owned(), "other".to_owned())].into(),
        ..asks(8000, 1)
    };
    let seen = shop()
        .workload("DaemonSet", "agent", 0, daemon)
        .workload("DaemonSet", "elsewhere", 0, picky)
        .pending("web", 4, asks(500, 100))
        .seen();
    let done = plain(&seen);
    // 2,000 − 300 hold three; the fourth needs a second small node, still cheaper than one large.
    assert_eq!(done.plan.nodes.len(), 2);
}

#[test]
fn daemon_pods_that_are_not_there_yet_keep_their_room() {
    let seen = shop()
        .node("n", "g", "small")
        .workload("DaemonSet", "agent", 1, asks(300, 300))
        .pending("web", 4, asks(500, 100))
        .seen();
    let done = plain(&seen);
    assert_eq!(done.plan.existing[0].1.len(), 3);
}

#[test]
fn free_room_comes_first_and_pods_are_nominated_to_it() {
    let mut cluster = shop().node("n", "g", "small").pending("web", 3, asks(500, 100));
    cluster.seen.pods[1].nominated = Some(NodeName::new("n"));
    let done = plain(&cluster.seen());
    assert!(done.plan.nodes.is_empty());
    assert_eq!(
        (done.plan.cost.rate, done.plan.cost.bound),
        (UsdPerHour::ZERO, UsdPerHour::ZERO)
    );
    let nominated = done
        .plan
        .steps
        .iter()
        .filter(|s| matches!(s.kind, StepKind::Nominate { .. }))
        .count();
    assert_eq!(nominated, 2, "one is nominated already");
}

fn launch(count: u32, pods: &[&str]) -> Intent {
    Intent {
        id: IntentId::new("6-0"),
        kind: IntentKind::Launch {
            group: "g".into(),
            offer: "g:small/a/on-demand".into(),
            count,
            from: 0,
            to: count,
            planned: (1..=count).map(|n| NodeName::new(format!("new-6-{n}"))).collect(),
            pods: pods.iter().map(|p| PodKey::new("default", p)).collect(),
            stage: LaunchStage::Asked,
            instances: Vec::new(),
            joined: Vec::new(),
        },
        opened: NOW,
        deadline: NOW + Span::from_secs(900),
        generation: 0,
    }
}

#[test]
fn what_a_launch_is_bringing_is_not_bought_again() {
    let waiting = || shop().pending("web", 8, asks(500, 1024));
    let bought = plain(&waiting().seen());
    assert_eq!(bought.plan.nodes.len(), 2);
    for stage in [LaunchStage::Opened, LaunchStage::Asked] {
        let mut seen = waiting().seen();
        let mut intent = launch(
            2,
            &[
                "web-0", "web-1", "web-2", "web-3", "web-4", "web-5", "web-6", "web-7",
            ],
        );
        if let IntentKind::Launch { stage: at, .. } = &mut intent.kind {
            *at = stage;
        }
        seen.ledger.intents.push(intent);
        let done = plain(&seen);
        assert!(
            done.plan.nodes.is_empty() && done.plan.steps.is_empty(),
            "{stage:?}: {:?}",
            done.plan
        );
        assert_eq!(done.plan.existing.len(), 2, "on the two nodes on their way");
    }
    // A node has joined under its own name, not Ready yet: it and the one still missing count, no third.
    let mut joined = waiting().node("ip-10", "g", "small").last_node(|n| {
        n.created = NOW + Span::from_secs(5);
        n.ready = false;
        n.taints.push(Taint {
            key: "node.kubernetes.io/not-ready".into(),
            value: String::new(),
            effect: TaintEffect::NoSchedule,
        });
    });
    joined.seen.at = NOW + Span::from_secs(10);
    joined.seen.ledger.intents.push(launch(2, &[]));
    let done = plain(&joined.clone().seen());
    assert!(done.plan.nodes.is_empty(), "{:?}", done.plan);
    // Past its deadline nothing is on its way any more.
    joined.seen.at = NOW + Span::from_secs(901);
    assert!(!plain(&joined.seen()).plan.nodes.is_empty());
}

#[test]
fn an_open_launch_takes_its_share_of_the_maximum() {
    let mut cluster = shop().pending("web", 3, asks(8000, 1024));
    cluster.seen.groups[0].max = 3;
    cluster.seen.ledger.intents.push(launch(2, &[]));
    let done = plain(&cluster.seen());
    assert_eq!(done.plan.nodes.len(), 1);
    let refused: Vec<_> = done
        .plan
        .refusals
        .iter()
        .filter(|r| matches!(r, Refusal::Pod { .. }))
        .collect();
    assert_eq!(refused.len(), 2);
}

#[test]
fn fargate_takes_what_it_runs_for_less() {
    let done = plain(
        &shop()
            .profile("fp", "default")
            .pending("job", 1, asks(200, 200))
            .seen(),
    );
    // One pod: a quarter vCPU costs less than the smallest node.
    assert_eq!(done.plan.nodes[0].group.as_str(), "fp");
    let StepKind::PlaceOnFargate {
        label, offer, pods, ..
    } = &done.plan.steps[0].kind
    else {
        panic!("{:?}", done.plan.steps);
    };
    assert_eq!((offer.as_str(), pods.len()), ("fp/250m/512Mi", 1));
    assert_eq!(
        label.get("plimsoll.io/placement").map(String::as_str),
        Some("fargate")
    );
    assert!(matches!(
        done.plan.steps[0].reason,
        Reason::FargateCheaper { ec2: Some(_), .. }
    ));
    // Many pods fill nodes, which is cheaper.
    let done = plain(
        &shop()
            .profile("fp", "default")
            .pending("job", 16, asks(500, 1024))
            .seen(),
    );
    assert!(done.plan.nodes.iter().all(|n| n.group.as_str() == "g"));
}

#[test]
fn idle_groups_make_fargate_the_cheaper_one() {
    // The same pods, but the group's nodes are measured to be nearly empty and reserved for others.
    let mut cluster = shop()
        .profile("fp", "default")
        .node("n", "g", "small")
        .last_node(|n| n.unschedulable = true)
        .pending("job", 16, asks(200, 250));
    cluster.seen.nodes[0].ready = true;
    let seen = cluster.seen();
    let done = plain(&seen);
    assert!(
        done.plan.nodes.iter().all(|n| n.group.as_str() == "fp"),
        "{:?}",
        done.notes.classes
    );
}

/// A placement policy that answers about the set of this name.
fn about(
    name: &'static str,
    set_name: &'static str,
    advice: impl Fn(u32) -> PlacementAdvice + Send + Sync + 'static,
) -> crate::PolicyEntry {
    policy(name, Hook::Placement, PolicyMode::Enforce, move |view| {
        let set = view.sets.iter().position(|s| s.name == set_name).unwrap();
        Ok(Advice::Placement(advice(u32::try_from(set).unwrap())))
    })
}

fn two_groups() -> Cluster {
    Cluster::new()
        .group("a", 0, 50)
        .group("b", 0, 50)
        .offer("a", "s", 2000, 4096, 50_000_000)
        .offer("b", "s", 2000, 4096, 60_000_000)
        .pending("web", 4, asks(500, 512))
}

#[test]
fn placement_answers_add_up() {
    let group = |policies: Vec<crate::PolicyEntry>| {
        let done = run(&two_groups().seen(), &set(policies));
        (done.plan.nodes[0].group.to_string(), done.plan.cost)
    };
    let factor = |f| {
        move |set| PlacementAdvice {
            factors: vec![(set, f)],
            ..PlacementAdvice::default()
        }
    };
    let addend = |a| {
        move |set| PlacementAdvice {
            addends: vec![(0, set, a, 4)],
            ..PlacementAdvice::default()
        }
    };
    let forbid = |set| PlacementAdvice {
        forbids: vec![(0, set, 9)],
        ..PlacementAdvice::default()
    };
    assert_eq!(group(vec![]).0, "a");
    assert_eq!(group(vec![about("x", "a", factor(1100))]).0, "a");
    let (chosen, cost) = group(vec![about("x", "a", factor(1100)), about("y", "a", factor(1100))]);
    assert_eq!(chosen, "b", "factors multiply");
    assert_eq!((cost.rate.0, cost.policy_rate.0), (60_000_000, 60_000_000));
    assert!(cost.bound.0 <= 50_000_000, "without policies it could cost less");
    assert_eq!(group(vec![about("x", "a", addend(2_000_000))]).0, "a");
    let twice = vec![
        about("x", "a", addend(2_000_000)),
        about("y", "a", addend(1_000_000)),
    ];
    assert_eq!(group(twice).0, "b", "addends add");
    assert_eq!(
        group(vec![about("x", "a", forbid), about("y", "a", factor(1))]).0,
        "b",
        "a forbid wins"
    );
    let (chosen, cost) = group(vec![about("x", "b", addend(-20_000_000))]);
    assert_eq!(
        (chosen.as_str(), cost.rate.0, cost.policy_rate.0),
        ("b", 60_000_000, 0),
        "never below zero"
    );
}

#[test]
fn clamped_prices_are_reported_and_shadows_change_nothing() {
    let pull = |set| PlacementAdvice {
        addends: vec![(0, set, -20_000_000, 4)],
        ..PlacementAdvice::default()
    };
    let done = run(&two_groups().seen(), &set(vec![about("x", "b", pull)]));
    assert_eq!(done.notes.clamped.len(), 1);
    let mut shadow = about("x", "b", pull);
    shadow.mode = PolicyMode::Shadow;
    let done = run(&two_groups().seen(), &set(vec![shadow]));
    assert_eq!(done.plan.nodes[0].group.as_str(), "a");
    assert_eq!(
        (done.notes.calls.len(), done.notes.calls[0].mode),
        (1, PolicyMode::Shadow)
    );
}

#[test]
fn a_pod_that_policies_forbid_everywhere_is_refused_by_their_name() {
    let ban = |set| PlacementAdvice {
        forbids: vec![(0, set, 9)],
        ..PlacementAdvice::default()
    };
    let done = run(
        &two_groups().seen(),
        &set(vec![about("x", "a", ban), about("y", "b", ban)]),
    );
    let Some(Refusal::Pod { why, closest, .. }) = done.plan.refusals.first() else {
        panic!("{:?}", done.plan.refusals);
    };
    assert_eq!(
        *why,
        Misfit::Forbidden {
            by: "x".into(),
            code: 9
        }
    );
    assert_eq!(closest.len(), 2);
}

#[test]
fn headroom_is_bought_once_and_gives_way_to_pods() {
    let room = |count| {
        policy("room", Hook::Headroom, PolicyMode::Enforce, move |_| {
            let requests = Resources::new(500, 512 * MIB);
            Ok(Advice::Headroom(vec![HeadroomAdvice {
                count,
                requests,
                code: 1,
            }]))
        })
    };
    let done = run(
        &shop().pending("web", 2, asks(500, 512)).seen(),
        &set(vec![room(2)]),
    );
    assert_eq!(
        (
            done.plan.nodes.len(),
            done.plan.pending,
            done.plan.nodes[0].pods.len()
        ),
        (1, 2, 4)
    );
    let on_free = run(&shop().node("n", "g", "small").seen(), &set(vec![room(2)]));
    assert!(on_free.plan.nodes.is_empty() && on_free.plan.existing.is_empty());
    let mut tight = shop().pending("web", 4, asks(2000, 512));
    tight.seen.offers.retain(|o| o.id.as_str().contains("small"));
    tight.seen.groups[0].max = 4;
    let done = run(&tight.seen(), &set(vec![room(3)]));
    let real = done
        .plan
        .nodes
        .iter()
        .flat_map(|n| &n.pods)
        .filter(|p| !is_headroom(p))
        .count();
    assert_eq!((real, done.plan.nodes.len()), (4, 4));
}

#[test]
fn refusals_say_what_the_closest_offers_lack() {
    let mut picky = asks(500, 500);
    picky.node_selector.insert("disk".into(), "ssd".into());
    let mut odd = asks(500, 500);
    odd.unmodelled.push(Unmodelled::PodAntiAffinity);
    let mut gpu = asks(500, 500);
    gpu.requests.extended.insert("nvidia.com/gpu".into(), 1);
    let mib = |n: i64| n * MIB;
    let cases = [
        (
            asks(9000, 1),
            Misfit::InsufficientCpu {
                asked: 9000,
                there: 8000,
            },
        ),
        (
            asks(1, 20_000),
            Misfit::InsufficientMemory {
                asked: mib(20_000),
                there: mib(16384),
            },
        ),
        (
            picky,
            Misfit::NodeSelector {
                wants: "disk=ssd".into(),
            },
        ),
        (odd, Misfit::Unmodelled(Unmodelled::PodAntiAffinity)),
        (
            gpu,
            Misfit::InsufficientExtended {
                resource: "nvidia.com/gpu".into(),
                asked: 1,
                there: 0,
            },
        ),
        (
            asks(1_000_000_000_000_000_000, 1),
            Misfit::InsufficientCpu {
                asked: 10_i64.pow(18),
                there: 8000,
            },
        ),
    ];
    for (spec, expected) in cases {
        let done = plain(&shop().pending("p", 1, spec).seen());
        let Some(Refusal::Pod { why, .. }) = done.plan.refusals.first() else {
            panic!("{:?}", done.plan);
        };
        assert_eq!(*why, expected);
    }
    let nothing = plain(&Cluster::new().pending("p", 1, asks(1, 1)).seen());
    assert!(
        matches!(&nothing.plan.refusals[0], Refusal::Pod { why: Misfit::NoOffers, closest, .. } if closest.is_empty())
    );
}

#[test]
fn groups_that_may_not_grow_say_why() {
    let blocked = |change: &dyn Fn(&mut Snapshot, &mut Memory, &mut Aims)| {
        let (mut seen, mut memory, mut aims) = (
            shop().pending("web", 1, asks(500, 500)).seen(),
            Memory::default(),
            Aims::default(),
        );
        change(&mut seen, &mut memory, &mut aims);
        let done = deliberate(&seen, &memory, &PolicySet::default(), &aims);
        check(&seen, &aims, &done);
        done.plan.refusals.iter().find_map(|r| match r {
            Refusal::GroupStays { why, .. } => Some(why.clone()),
            _ => None,
        })
    };
    assert_eq!(blocked(&|_, _, _| ()), None);
    assert_eq!(
        blocked(&|s, _, _| s.groups[0].max = 0),
        Some(GroupBlock::AtMaximum)
    );
    assert_eq!(
        blocked(&|s, _, _| s.groups[0].foreign = Some("karpenter".into())),
        Some(GroupBlock::Foreign)
    );
    assert_eq!(
        blocked(&|_, _, a| a.groups.push("other".into())),
        Some(GroupBlock::NotInAims)
    );
    let back_off = Backoff {
        failures: 3,
        until: NOW + Span::from_secs(60),
    };
    assert_eq!(
        blocked(&|_, m, _| m.backoff = [("g".into(), back_off)].into()),
        Some(GroupBlock::BacksOff)
    );
}

#[test]
fn offers_of_unknown_price_never_win_but_serve_what_nothing_else_runs() {
    let unknown = |cluster: Cluster| cluster.last_offers(|o| o.confidence = Confidence::Unknown);
    let dear = shop()
        .pending("web", 1, asks(500, 500))
        .offer("g", "mystery", 2000, 4096, 1);
    let done = plain(&unknown(dear).seen());
    assert!(!done.plan.nodes[0].offer.as_str().contains("mystery"));
    let large = shop()
        .pending("web", 1, asks(9000, 500))
        .offer("g", "mystery", 16000, 4096, 1);
    let done = plain(&unknown(large).seen());
    assert!(done.plan.nodes[0].offer.as_str().contains("mystery"));
}

#[test]
fn a_policy_that_keeps_failing_is_no_longer_asked_until_it_changes() {
    let traps = || {
        policy("p", Hook::Headroom, PolicyMode::Enforce, |_| {
            Err(PolicyFault::Trap("x".into()))
        })
    };
    let nonsense = about("q", "g", |set| PlacementAdvice {
        factors: vec![(set + 9, 1)],
        ..PlacementAdvice::default()
    });
    let mut seen = shop().pending("web", 1, asks(1, 1)).seen();
    let mut memory = Memory::default();
    let policies = set(vec![traps(), nonsense]);
    for _ in 0..3 {
        let done = deliberate(&seen, &memory, &policies, &Aims::default());
        assert!(
            done.notes
                .calls
                .iter()
                .all(|c| c.mode == PolicyMode::Enforce && c.answer.is_err())
        );
        memory = done.memory;
        seen.at = seen.at + Span::from_secs(60);
    }
    assert_eq!(memory.quarantine.len(), 2);
    let done = deliberate(&seen, &memory, &policies, &Aims::default());
    assert!(done.notes.calls.iter().all(|c| c.mode == PolicyMode::Shadow));
    let mut better = policy("p", Hook::Headroom, PolicyMode::Enforce, |_| {
        Ok(Advice::Headroom(vec![]))
    });
    better.digest = "0123456789abcdef".into();
    assert_eq!(faults_name(&better).as_str(), "p@0123456789ab");
    let done = deliberate(&seen, &memory, &set(vec![better]), &Aims::default());
    assert!(done.notes.calls[0].answer.is_ok());
    assert!(!done.memory.quarantine.contains_key(&"p".into()));
}

#[test]
fn memory_is_bounded_and_follows_the_cluster() {
    let seen = shop()
        .node("n", "g", "small")
        .running("r", "n", asks(1000, 1024))
        .pending("w", 3, asks(9000, 1))
        .seen();
    let mut memory = Memory::default();
    for n in 0..200 {
        let mut now = seen.clone();
        now.at = NOW + Span::from_secs(n);
        memory = deliberate(&now, &memory, &PolicySet::default(), &Aims::default()).memory;
    }
    assert_eq!(memory.demand_history.len(), 128);
    assert_eq!(
        memory.waiting_since.get(&PodKey::new("default", "w-0")),
        Some(&NOW)
    );
    let used = memory.utilisation[&"g".into()];
    assert_eq!(
        (used.cpu_requested, used.memory_requested, used.cpu_used),
        (500, 250, None)
    );
    let empty = Cluster::new().seen();
    memory = deliberate(&empty, &memory, &PolicySet::default(), &Aims::default()).memory;
    assert!(memory.waiting_since.is_empty() && memory.utilisation.is_empty());
}

#[derive(Clone, Debug)]
struct Any {
    pods: Vec<(i64, i64, u32, u8)>,
    offers: Vec<(u8, i64, i64, i64)>,
    nodes: Vec<(u8, i64)>,
    replicas: u32,
    daemon: i64,
    profile: bool,
}

fn any_cluster() -> impl Strategy<Value = Any> {
    (
        prop::collection::vec((1..3000_i64, 1..6000_i64, 1..40_u32, 0..6_u8), 0..8),
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
    fn seen(&self) -> Snapshot {
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

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

fn timed(seen: &Snapshot, name: &str, limit_ms: u128) {
    let start = std::time::Instant::now();
    let done = deliberate(seen, &Memory::default(), &PolicySet::default(), &Aims::default());
    let took = start.elapsed().as_millis();
    println!(
        "{name}: {} pods, {} classes, {} offers -> {} nodes, gap {:.2} %, {took} ms",
        done.plan.pending,
        done.notes.classes.len(),
        seen.offers.len(),
        done.plan.nodes.len(),
        done.plan.cost.gap_percent()
    );
    assert!(took < limit_ms, "{name} took {took} ms");
    assert!(done.plan.cost.gap_percent() < 15.0);
    check(seen, &Aims::default(), &done);
}

#[test]
fn large_demands_are_decided_quickly() {
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
    timed(&mixed.seen(), "8,000 pods of 400 classes", 4000);
    let mut few = catalogue(Cluster::new());
    for n in 0..50_u32 {
        let spec = asks(i64::from(50 + (n * 91) % 1500), i64::from(100 + (n * 523) % 4000));
        few = few.pending(&format!("p{n}"), 600, spec);
    }
    timed(&few.seen(), "30,000 pods of 50 classes", 4000);
}
