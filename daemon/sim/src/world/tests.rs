//! The world on its own: plans made by hand, carried out, and looked at.

use super::state::State;
use crate::referee::ViolationKind;
use crate::scenario::{
    Amount, Arrivals, Budget, Curve, DaemonPlan, FargateSelect, Fault, FaultKind, GroupPlan, JobPlan, Load,
    PodPlan, Scenario, Scoring, WorkloadPlan,
};
use model::group::GroupOptions;
use model::node::STARTING_TAINT;
use model::offer::{Confidence, OfferKind, Purchase};
use model::pod::{PodPhase, Taint, TaintEffect, Toleration};
use model::resources::MIB;
use model::selector::Labels;
use model::time::Lag;
use model::{
    GroupKind, GroupName, InstanceId, Instant, NodeName, Offer, OfferId, Outcome, PodKey, PodSpec, Reason,
    Resources, Snapshot, Source, Span, Step, StepId, StepKind, UsdPerHour, WorkloadKey,
};
use std::collections::BTreeMap;
use std::sync::Arc;

const WEB: &str = "web";

fn web() -> WorkloadKey {
    WorkloadKey::new("Deployment", "shop", WEB)
}

fn pod(kind: &str, namespace: &str, name: &str, cpu: i64) -> PodPlan {
    PodPlan {
        spec: PodSpec {
            namespace: namespace.to_owned(),
            requests: Resources::new(cpu, 512 * MIB),
            labels: Labels::from([("app".to_owned(), name.to_owned())]),
            owner: Some(WorkloadKey::new(kind, namespace, name)),
            ..PodSpec::default()
        },
        start: Lag::secs(5, 10),
        grace: Lag::secs(2, 4),
    }
}

fn group(name: &str, kind: GroupKind, initial: u32) -> GroupPlan {
    GroupPlan {
        name: GroupName::new(name),
        kind,
        min: initial,
        max: 10,
        initial,
        labels: Labels::new(),
        taints: Vec::new(),
        selects: Vec::new(),
        options: GroupOptions::default(),
    }
}

fn fargate() -> GroupPlan {
    GroupPlan {
        selects: vec![FargateSelect {
            namespace: "batch".to_owned(),
            labels: Labels::from([("run-on".to_owned(), "fargate".to_owned())]),
        }],
        ..group("profile", GroupKind::FargateProfile, 0)
    }
}

fn large(purchase: Purchase) -> Offer {
    Offer {
        id: OfferId::new(format!("m.large/{}", purchase.as_str())),
        group: 0,
        kind: OfferKind::Ec2 {
            instance_type: "m.large".to_owned(),
            zone: "zone-a".to_owned(),
            purchase,
            arch: "amd64".to_owned(),
        },
        price: UsdPerHour(100_000_000),
        interruptions: None,
        confidence: Confidence::Listed,
        allocatable: Resources::new(1900, 7000 * MIB),
        max_pods: 29,
        labels: Labels::from([("kubernetes.io/arch".to_owned(), "amd64".to_owned())]),
    }
}

fn fargate_size() -> Offer {
    Offer {
        id: OfferId::new("fargate/500m/1024Mi"),
        group: 1,
        kind: OfferKind::Fargate {
            cpu_milli: 500,
            memory_mib: 1024,
        },
        price: UsdPerHour(25_000_000),
        interruptions: None,
        confidence: Confidence::Listed,
        allocatable: Resources::new(500, 768 * MIB),
        max_pods: 1,
        labels: Labels::new(),
    }
}

/// One node, a DaemonSet, three web pods that fill most of it, a job after ten minutes.
fn scenario() -> Scenario {
    let mut agent = pod("DaemonSet", "kube-system", "agent", 100);
    agent.spec.tolerations = vec![Toleration {
        key: None,
        value: None,
        effect: None,
    }];
    Scenario {
        name: "test".to_owned(),
        about: String::new(),
        seed: 11,
        start: Instant(1_000_000_000_000),
        duration: Span::from_secs(3600),
        cycle: Span::from_secs(30),
        cluster: "test".to_owned(),
        boot: Lag::secs(30, 90),
        scoring: Scoring::default(),
        fargate_start: Lag::secs(45, 60),
        placement_ttl: Span::from_secs(900),
        groups: vec![group("general", GroupKind::Asg, 1), fargate()],
        offers: vec![large(Purchase::OnDemand), fargate_size()],
        daemon_sets: vec![DaemonPlan {
            pod: agent,
            name: "agent".to_owned(),
        }],
        workloads: vec![WorkloadPlan {
            name: WEB.to_owned(),
            pod: pod("Deployment", "shop", WEB, 500),
            replicas: 3,
            sizes: Vec::new(),
            load: Some(Load {
                curve: Curve::Even(900),
                noise_permille: 0,
                burst_permille: 2000,
            }),
            budget: Some(Budget::MaxUnavailable(Amount::Count(1))),
            hpa: None,
            metrics: Vec::new(),
            annotations: Labels::new(),
        }],
        arrivals: vec![Arrivals::Burst {
            job: JobPlan {
                name: "report".to_owned(),
                pod: pod("Job", "batch", "report", 400),
                pods: (2, 2),
                runs: Lag::secs(100, 100),
            },
            first: Span::from_secs(600),
            every: None,
            jitter: Span::ZERO,
        }],
        faults: Vec::new(),
        aims: model::Aims::default(),
    }
}

struct Play {
    state: State,
    step: u32,
}

impl Play {
    fn of(scenario: Scenario) -> Self {
        Self {
            state: State::begin(&Arc::new(scenario)),
            step: 0,
        }
    }

    fn wait(&mut self, seconds: i64) -> Snapshot {
        self.state.advance(self.state.now + Span::from_secs(seconds));
        self.state.picture()
    }

    fn act(&mut self, kind: StepKind) -> Outcome {
        self.step += 1;
        self.state.carry_out(&Step {
            id: StepId {
                cycle: 1,
                ordinal: self.step,
            },
            intent: None,
            generation: 0,
            kind,
            reason: Reason::Planned,
        })
    }

    fn grow(&mut self, from: u32, to: u32) -> Outcome {
        self.act(StepKind::GrowGroup {
            group: GroupName::new("general"),
            offer: OfferId::new("m.large/on-demand"),
            from,
            to,
            nodes: Vec::new(),
            pods: Vec::new(),
            rate: UsdPerHour::ZERO,
        })
    }

    fn scale(&mut self, from: u32, to: u32) -> Outcome {
        self.act(StepKind::ScaleWorkload {
            workload: web(),
            from,
            to,
        })
    }

    fn remove(&mut self, node: &str) -> Outcome {
        self.act(StepKind::RemoveNode {
            group: GroupName::new("general"),
            node: NodeName::new(node),
            instance: InstanceId::new(node),
        })
    }

    fn cordon(&mut self, node: &str) -> Outcome {
        self.act(StepKind::Cordon {
            node: NodeName::new(node),
            group: GroupName::new("general"),
            instance: InstanceId::new(node),
            after: Vec::new(),
        })
    }

    fn breaches(&self) -> Vec<ViolationKind> {
        self.state.violations.iter().map(|v| v.kind).collect()
    }
}

fn count(seen: &Snapshot, app: &str, phase: PodPhase) -> usize {
    seen.pods
        .iter()
        .filter(|p| p.phase == phase && seen.spec(p.spec).labels.get("app").is_some_and(|a| a == app))
        .count()
}

#[test]
fn a_quiet_hour() {
    let mut play = Play::of(scenario());
    let seen = play.wait(60);
    assert_eq!((seen.nodes.len(), seen.pods.len()), (1, 4));
    assert_eq!(count(&seen, WEB, PodPhase::Running), 3);
    let node = &seen.nodes[0];
    assert!(node.ready && node.takes_pods());
    assert_eq!(node.name.as_str(), "general-0001");
    let workload = seen.workloads.iter().find(|w| w.key == web()).unwrap();
    assert_eq!((workload.replicas, workload.ready), (3, 3));
    assert_eq!(
        workload.metrics[0].milli, 900_000,
        "the load of 900m, shared by three"
    );
    assert_eq!(seen.budgets[0].allowed, 1);
    // 1 node at $0.10/h for an hour.
    play.wait(3540);
    assert_eq!(play.state.sums().cost.0, 100_000_000);
    assert!(play.breaches().is_empty());
}

#[test]
fn a_burst_waits_for_a_node_and_finishes() {
    let mut play = Play::of(scenario());
    let seen = play.wait(601);
    assert_eq!(count(&seen, "report", PodPhase::Pending), 2);
    let grown = play.grow(1, 2);
    assert_eq!(
        grown,
        Outcome::Done {
            instances: vec![InstanceId::new("general-0002")]
        }
    );
    let seen = play.wait(1);
    assert_eq!(seen.nodes.len(), 1, "it boots for at least thirty seconds");
    assert_eq!(seen.groups[0].desired, 2);
    let seen = play.wait(100);
    assert_eq!(seen.nodes.len(), 2);
    assert_eq!(count(&seen, "report", PodPhase::Pending), 0);
    let seen = play.wait(150);
    assert_eq!(count(&seen, "report", PodPhase::Running), 0);
    assert!(
        seen.workloads.iter().all(|w| &*w.key.kind != "Job"),
        "a finished job goes"
    );
    let sums = play.state.sums();
    assert_eq!((sums.tally.launches, sums.tally.pods), (1, 5));
    assert!(sums.tally.waits.iter().filter(|w| **w >= 30_000).count() == 2);
}

#[test]
fn a_node_that_starts_lets_in_whom_it_was_told_and_everybody_once_it_is_open() {
    let mut scenario = scenario();
    scenario.groups[0].taints = vec![Taint {
        key: STARTING_TAINT.to_owned(),
        value: String::new(),
        effect: TaintEffect::NoSchedule,
    }];
    let mut play = Play::of(scenario);
    let seen = play.wait(60);
    assert_eq!(count(&seen, WEB, PodPhase::Pending), 3);
    let (node, pod) = (seen.nodes[0].name.clone(), waiting(&seen));
    let told = StepKind::Nominate {
        pod,
        node: node.clone(),
        starting: true,
    };
    assert_eq!(play.act(told), Outcome::done());
    let seen = play.wait(60);
    assert_eq!(count(&seen, WEB, PodPhase::Running), 1);
    assert!(seen.nodes[0].is_starting());
    assert_eq!(play.act(StepKind::Uncordon { node }), Outcome::done());
    let seen = play.wait(60);
    assert_eq!(count(&seen, WEB, PodPhase::Running), 3);
    assert!(!seen.nodes[0].is_starting());
    assert!(play.breaches().is_empty());
}

fn waiting(seen: &Snapshot) -> PodKey {
    let pod = seen.pods.iter().find(|pod| pod.phase == PodPhase::Pending);
    pod.unwrap().key.clone()
}

#[test]
fn the_same_call_is_made_once() {
    let mut play = Play::of(scenario());
    let step = Step {
        id: StepId { cycle: 1, ordinal: 0 },
        intent: Some("1-0".into()),
        generation: 0,
        kind: StepKind::GrowGroup {
            group: GroupName::new("general"),
            offer: OfferId::new("m.large/on-demand"),
            from: 1,
            to: 3,
            nodes: Vec::new(),
            pods: Vec::new(),
            rate: UsdPerHour::ZERO,
        },
        reason: Reason::Planned,
    };
    let first = play.state.carry_out(&step);
    assert_eq!(first, play.state.carry_out(&step));
    assert_eq!(play.state.picture().groups[0].desired, 3);
}

#[test]
fn bounds_are_the_providers_and_asking_beyond_them_is_noted() {
    let mut play = Play::of(scenario());
    assert!(matches!(play.grow(1, 11), Outcome::Failed { .. }));
    assert!(matches!(play.remove("general-0001"), Outcome::Failed { .. }));
    assert_eq!(play.breaches(), [ViolationKind::GroupBounds; 2]);
    assert_eq!(play.state.picture().groups[0].desired, 1);
}

#[test]
fn a_budget_answers_429_and_a_drained_node_goes() {
    let mut play = Play::of(scenario());
    play.grow(1, 2);
    play.wait(120);
    assert!(play.cordon("general-0001").is_done());
    let on_first: Vec<PodKey> = play
        .state
        .picture()
        .pods
        .iter()
        .filter(|p| p.key.namespace.as_ref() == "shop")
        .map(|p| p.key.clone())
        .collect();
    let node = NodeName::new("general-0001");
    let mut answers = on_first.iter().map(|pod| {
        play.act(StepKind::Evict {
            pod: pod.clone(),
            node: node.clone(),
        })
    });
    assert!(answers.next().unwrap().is_done());
    assert!(
        matches!(answers.next().unwrap(), Outcome::Refused { .. }),
        "one may be unavailable"
    );
    drop(answers);
    for pod in &on_first[1..] {
        play.wait(30);
        let evicted = play.act(StepKind::Evict {
            pod: pod.clone(),
            node: node.clone(),
        });
        assert!(evicted.is_done(), "{evicted:?}");
    }
    let seen = play.wait(30);
    assert_eq!(count(&seen, WEB, PodPhase::Running), 3);
    assert!(play.remove("general-0001").is_done());
    assert!(play.remove("general-0001").is_done(), "asked twice, removed once");
    let seen = play.wait(120);
    assert_eq!(
        seen.nodes.iter().map(|n| n.name.as_str()).collect::<Vec<_>>(),
        ["general-0002"]
    );
    let sums = play.state.sums();
    assert_eq!((sums.tally.removals, sums.tally.evictions), (1, 3));
    assert!(play.breaches().is_empty(), "{:?}", play.state.violations);
}

#[test]
fn a_removal_over_running_pods_is_a_breach_and_nothing_is_lost_for_good() {
    let mut play = Play::of(scenario());
    play.grow(1, 2);
    play.wait(120);
    play.remove("general-0001");
    assert_eq!(
        play.breaches(),
        [ViolationKind::RemovedWithPods, ViolationKind::DisruptionBudget],
        "three of three, where one may be unavailable"
    );
    let seen = play.wait(60);
    assert_eq!(count(&seen, WEB, PodPhase::Running), 3);
}

/// What the referee says of removing things while this fault has lasted for so long.
fn removing_under(kind: FaultKind, seconds: i64) -> Vec<ViolationKind> {
    let mut world = scenario();
    world.faults = vec![Fault {
        at: Span::from_secs(200),
        lasts: Span::from_secs(300),
        kind,
    }];
    let mut play = Play::of(world);
    play.grow(1, 2);
    play.wait(200);
    let seen = play.wait(seconds);
    let on_first = |pod: &&model::Pod| pod.node.as_ref().is_some_and(|n| n.as_str() == "general-0001");
    let pod = seen.pods.iter().find(on_first).map(|pod| pod.key.clone());
    play.cordon("general-0002");
    play.act(StepKind::Evict {
        pod: pod.unwrap_or_else(|| PodKey::new("shop", "gone")),
        node: NodeName::new("general-0001"),
    });
    play.remove("general-0002");
    play.breaches()
}

#[test]
fn removing_on_an_old_or_incomplete_picture_is_a_breach() {
    let blind = [ViolationKind::ActedBlind; 3];
    assert_eq!(removing_under(FaultKind::Frozen, 30), []);
    assert_eq!(removing_under(FaultKind::Frozen, 31), blind);
    let missing = |source| FaultKind::Missing {
        sources: vec![Source::Offers, source],
    };
    assert_eq!(removing_under(missing(Source::Load), 1), []);
    for source in [Source::Pods, Source::Nodes, Source::Budgets, Source::Groups] {
        assert_eq!(removing_under(missing(source), 1), blind, "{source:?}");
    }
}

#[test]
fn more_within_a_window_than_the_aims_allow_is_a_breach() {
    let over = [ViolationKind::OverLimit];
    let limited = |edit: fn(&mut model::limits::Limits)| {
        let mut world = scenario();
        edit(&mut world.aims.limits);
        let mut play = Play::of(world);
        play.wait(60);
        play
    };
    let mut nodes = limited(|limits| limits.bought_per_window = 2);
    nodes.grow(1, 3);
    assert_eq!(nodes.breaches(), []);
    nodes.wait(600);
    nodes.grow(3, 4);
    assert_eq!(nodes.breaches(), over, "ten minutes are still one window");
    let mut dollars = limited(|limits| limits.added_per_window = UsdPerHour(250_000_000));
    dollars.grow(1, 3);
    assert_eq!(dollars.breaches(), []);
    dollars.grow(3, 4);
    assert_eq!(dollars.breaches(), over);
    let mut drains = limited(|limits| {
        (
            limits.removed_per_window_permille,
            limits.emptied_per_window_permille,
        ) = (500, 0);
    });
    drains.grow(1, 3);
    drains.wait(120);
    drains.cordon("general-0002");
    drains.cordon("general-0002");
    assert_eq!(drains.breaches(), [], "half of three is one");
    drains.cordon("general-0003");
    assert_eq!(drains.breaches(), over);
    let mut evictions = limited(|limits| limits.evictions_per_window = 0);
    let pod = evictions.state.picture().pods[1].key.clone();
    let evicted = evictions.act(StepKind::Evict {
        pod,
        node: NodeName::new("general-0001"),
    });
    assert_eq!((evicted.is_done(), &evictions.breaches()[..]), (true, &over[..]));
}

#[test]
fn replicas_follow_and_a_stale_step_is_refused() {
    let mut play = Play::of(scenario());
    assert!(play.scale(3, 1).is_done());
    assert!(matches!(play.scale(3, 5), Outcome::Stale { .. }));
    let seen = play.wait(30);
    assert_eq!(count(&seen, WEB, PodPhase::Running), 1);
    let workload = seen.workloads.iter().find(|w| w.key == web()).unwrap();
    assert_eq!(
        workload.metrics[0].milli, 900_000,
        "one pod carries all of it, below its burst limit"
    );
}

#[test]
fn placement_on_fargate_counts_at_admission() {
    let mut play = Play::of(scenario());
    let seen = play.wait(601);
    let waiting: Vec<PodKey> = seen
        .pods
        .iter()
        .filter(|p| p.phase == PodPhase::Pending)
        .map(|p| p.key.clone())
        .collect();
    let outcome = play.act(StepKind::PlaceOnFargate {
        class: 0,
        workload: Some(WorkloadKey::new("Job", "batch", "report-001")),
        profile: GroupName::new("profile"),
        offer: OfferId::new("fargate/500m/1024Mi"),
        label: Labels::from([("run-on".to_owned(), "fargate".to_owned())]),
        pods: waiting,
    });
    assert_eq!(outcome, Outcome::Recorded);
    let seen = play.wait(30);
    assert_eq!(
        count(&seen, "report", PodPhase::Pending),
        2,
        "Fargate takes 45 s at least"
    );
    let seen = play.wait(60);
    assert_eq!(count(&seen, "report", PodPhase::Running), 2);
    assert_eq!(seen.nodes.iter().filter(|n| n.fargate).count(), 2);
    let seen = play.wait(200);
    assert!(
        seen.nodes.iter().all(|n| !n.fargate),
        "a Fargate node goes with its pod"
    );
    // One EC2 node and two pods of 100 s.
    let (sums, pods) = (play.state.sums(), 2 * 25_000_000 * 100 / 3600);
    let extra = sums.cost.0 - 100_000_000 * sums.at.since(play.state.scenario.start).secs() / 3600;
    assert!((extra - pods).abs() < pods / 5, "{extra} beside {pods}");
    assert_eq!(sums.tally.fargate, 2);
}

#[test]
fn a_pod_that_waits_is_made_anew() {
    let mut play = Play::of(scenario());
    let seen = play.wait(601);
    let of = |seen: &Snapshot, phase| -> Vec<PodKey> {
        let pods = seen.pods.iter().filter(|pod| pod.phase == phase);
        pods.map(|pod| pod.key.clone()).collect()
    };
    let (waiting, running) = (of(&seen, PodPhase::Pending), of(&seen, PodPhase::Running));
    let remake = |pod: &PodKey| StepKind::Remake {
        pod: pod.clone(),
        profile: GroupName::new("profile"),
    };
    assert_eq!(play.act(remake(&waiting[0])), Outcome::done());
    let runs = play.act(remake(&running[0]));
    assert!(matches!(runs, Outcome::Stale { .. }), "{runs:?}");
    let seen = play.wait(30);
    let now = of(&seen, PodPhase::Pending);
    assert!(!now.contains(&waiting[0]), "{now:?}");
    assert_eq!(now.len(), waiting.len());
    assert_eq!(play.state.sums().tally.evictions, 1);
}

#[test]
fn faults_strike() {
    let at = |kind| Fault {
        at: Span::from_secs(60),
        lasts: Span::from_secs(300),
        kind,
    };
    let mut world = scenario();
    world.faults = vec![at(FaultKind::NoCapacity {
        groups: Vec::new(),
        types: vec!["m.large".to_owned()],
        zones: Vec::new(),
    })];
    let mut play = Play::of(world);
    play.wait(100);
    assert!(matches!(play.grow(1, 2), Outcome::NoCapacity { .. }));
    play.wait(300);
    assert!(play.grow(1, 2).is_done());

    let mut world = scenario();
    world.offers[0] = large(Purchase::Spot);
    world.faults = vec![at(FaultKind::SpotInterruption {
        groups: Vec::new(),
        share_permille: 500,
        told: false,
    })];
    let mut play = Play::of(world);
    assert!(play.wait(100).nodes[0].unschedulable, "the notice cordons");
    let seen = play.wait(200);
    assert_eq!((seen.nodes.len(), count(&seen, WEB, PodPhase::Pending)), (0, 3));
    assert!(play.breaches().is_empty(), "nobody asked for it");

    let mut world = scenario();
    world.faults = vec![at(FaultKind::Frozen)];
    let mut play = Play::of(world);
    let before = play.wait(60);
    let frozen = play.wait(240);
    assert_eq!(before.pods, frozen.pods);
    assert_eq!(
        frozen.freshness(Source::Pods),
        model::Freshness::Stale {
            age: Span::from_secs(240)
        }
    );
    assert_eq!(play.wait(120).freshness(Source::Pods), model::Freshness::Live);

    let mut world = scenario();
    world.faults = vec![at(FaultKind::Missing {
        sources: vec![Source::Metrics],
    })];
    let mut play = Play::of(world);
    let seen = play.wait(90);
    assert_eq!(seen.freshness(Source::Metrics), model::Freshness::Missing);
    assert!(seen.workloads.iter().all(|w| w.metrics.is_empty()));
}

#[test]
fn somebody_else_sets_replicas_and_a_replica_set_gives_up_doubled_pods_first() {
    let mut day = scenario();
    day.workloads[0].budget = None;
    day.workloads[0].sizes = vec![(Span::from_secs(200), 5), (Span::from_secs(400), 2)];
    let mut play = Play::of(day);
    assert_eq!(count(&play.wait(100), WEB, PodPhase::Running), 3);
    let _ = play.grow(1, 2);
    // Three fill the first node: the two that come later run on the second.
    let seen = play.wait(299);
    assert_eq!(count(&seen, WEB, PodPhase::Running), 5);
    let on = |seen: &Snapshot, node: &str| {
        let there =
            |pod: &&model::Pod| pod.node == Some(NodeName::new(node)) && &*pod.key.namespace == "shop";
        seen.pods.iter().filter(there).count()
    };
    assert_eq!((on(&seen, "general-0001"), on(&seen, "general-0002")), (3, 2));
    let seen = play.wait(30);
    assert_eq!(count(&seen, WEB, PodPhase::Running), 2);
    assert_eq!(
        (on(&seen, "general-0001"), on(&seen, "general-0002")),
        (0, 2),
        "of the fullest node first, though its pods are the oldest"
    );
}

#[test]
fn a_replica_set_gives_up_pods_of_lower_deletion_cost_first() {
    let mut day = scenario();
    day.workloads[0].budget = None;
    day.workloads[0].sizes = vec![(Span::from_secs(200), 5), (Span::from_secs(400), 2)];
    let mut play = Play::of(day);
    let _ = play.wait(100);
    let _ = play.grow(1, 2);
    let seen = play.wait(299);
    let of_node = |node: &str| {
        let on = seen
            .pods
            .iter()
            .filter(|pod| pod.node == Some(NodeName::new(node)));
        let mine: Vec<PodKey> = on
            .filter(|pod| &*pod.key.namespace == "shop")
            .map(|pod| pod.key.clone())
            .collect();
        mine
    };
    let (first, second) = (of_node("general-0001"), of_node("general-0002"));
    assert_eq!((first.len(), second.len()), (3, 2));
    let yields = |pod: &PodKey, node: &str| StepKind::Yield {
        pod: pod.clone(),
        node: NodeName::new(node),
        cost: -7,
    };
    for pod in &second {
        assert_eq!(play.act(yields(pod, "general-0002")), Outcome::done());
    }
    let elsewhere = play.act(yields(&second[0], "general-0001"));
    assert!(matches!(elsewhere, Outcome::Stale { .. }), "{elsewhere:?}");
    let seen = play.wait(30);
    let left: Vec<&PodKey> = seen
        .pods
        .iter()
        .map(|pod| &pod.key)
        .filter(|key| &*key.namespace == "shop")
        .collect();
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|key| first.contains(key)), "{left:?}");
}

#[test]
fn new_pods_avoid_a_node_that_is_to_empty_while_they_find_room_elsewhere() {
    let mut day = scenario();
    day.groups[0].initial = 2;
    day.workloads[0].replicas = 2;
    day.workloads[0].sizes = vec![(Span::from_secs(60), 3), (Span::from_secs(120), 9)];
    let mut play = Play::of(day);
    let on_second = |seen: &Snapshot| {
        let on = seen.pods.iter().filter(|pod| &*pod.key.namespace == "shop");
        on.filter(|pod| pod.node == Some(NodeName::new("general-0002")))
            .count()
    };
    assert_eq!(on_second(&play.wait(30)), 1);
    let avoid = |on| StepKind::Avoid {
        node: NodeName::new("general-0002"),
        on,
    };
    assert_eq!(play.act(avoid(true)), Outcome::done());
    let seen = play.wait(60);
    assert!(seen.nodes.iter().any(model::Node::emptying));
    assert_eq!(on_second(&seen), 1, "there is room on the other node");
    assert!(on_second(&play.wait(60)) > 1, "and now there is none");
    assert_eq!(play.act(avoid(false)), Outcome::done());
    assert!(!play.wait(1).nodes.iter().any(model::Node::emptying));
}

#[test]
fn the_scheduler_fills_the_emptiest_or_the_fullest_node() {
    for (scoring, spread) in [
        (Scoring::LeastAllocated, [2, 2]),
        (Scoring::MostAllocated, [3, 1]),
    ] {
        let mut day = scenario();
        day.scoring = scoring;
        day.groups[0].initial = 2;
        day.workloads[0].replicas = 4;
        let seen = Play::of(day).wait(30);
        let mut on: BTreeMap<&NodeName, usize> = BTreeMap::new();
        for pod in seen.pods.iter().filter(|pod| &*pod.key.namespace == "shop") {
            *on.entry(pod.node.as_ref().unwrap()).or_default() += 1;
        }
        assert_eq!(on.into_values().collect::<Vec<_>>(), spread, "{scoring:?}");
    }
}
