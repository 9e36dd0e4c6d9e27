//! A small cluster for the tests of this room: group `web` (min 1, max 6) with nodes `n1`…`n4`, one pod
//! `ns/p1`…`ns/p4` on each, one waiting pod `ns/w1`, everything fresh, every mode Act.

use model::advice::{Hook, PolicyCall, PolicyFault, PolicyMode};
use model::aims::{Aims, Mode, Modes, ScaleAim};
use model::group::{Group, GroupKind, GroupOptions, Instance, InstanceState, LaunchMode};
use model::intent::{Intent, IntentKind, LaunchStage, Ledger, RemoveStage};
use model::node::{Node, STARTING_TAINT};
use model::notes::Notes;
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::plan::{Hold, Plan, Step, StepKind};
use model::pod::{Pod, PodPhase, PodSpec, Taint, TaintEffect};
use model::resources::Resources;
use model::selector::{LabelSelector, Labels};
use model::snapshot::Freshness;
use model::workload::{DisruptionBudget, Workload};
use model::{
    Instant, IntentId, NodeName, OfferId, PodKey, Reason, Snapshot, Source, Span, StepId, UsdPerHour,
    WorkloadKey,
};
use std::sync::Arc;

pub(crate) const NOW: Instant = Instant(10_000_000);
pub(crate) const PRICE: UsdPerHour = UsdPerHour(200_000_000);
pub(crate) const GENERATION: u64 = 7;

/// Everything a judgement needs.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) seen: Snapshot,
    pub(crate) ledger: Ledger,
    pub(crate) aims: Aims,
    pub(crate) notes: Notes,
    pub(crate) holds: Vec<Hold>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let names = ["n1", "n2", "n3", "n4"];
        let mut seen = Snapshot {
            at: NOW,
            cycle: 5,
            cluster: "test".to_owned(),
            specs: vec![Arc::new(spec())],
            nodes: names.iter().map(|name| node(name)).collect(),
            groups: vec![group_of(&names)],
            offers: vec![offer()],
            workloads: vec![workload()],
            budgets: vec![DisruptionBudget {
                namespace: "ns".to_owned(),
                name: "app".to_owned(),
                selector: LabelSelector::default(),
                allowed: 2,
            }],
            ..Snapshot::default()
        };
        for (number, name) in names.iter().enumerate() {
            seen.pods.push(pod(&format!("p{}", number + 1), Some(name)));
        }
        seen.pods.push(pod("w1", None));
        for source in [
            Source::Pods,
            Source::Nodes,
            Source::Workloads,
            Source::Budgets,
            Source::Load,
            Source::Metrics,
            Source::Groups,
            Source::Offers,
        ] {
            seen.sources.insert(source, Freshness::Live);
        }
        seen.sort();
        let mut aims = Aims {
            modes: Modes {
                cluster: Some(Mode::Act),
                ..Modes::default()
            },
            scale: vec![ScaleAim {
                workload: key(),
                min: 1,
                max: 9,
                target_milli: 700,
                metric: "cpu".to_owned(),
            }],
            ..Aims::default()
        };
        // Four nodes: the shares round down to one, so that the caps of the table below are what is tested.
        aims.limits.removed_per_window_permille = 500;
        aims.limits.removed_per_long_window_permille = 900;
        aims.limits.removed_per_zone_permille = Some(900);
        aims.limits.acknowledge_risk = true;
        Self {
            seen,
            ledger: Ledger {
                generation: GENERATION,
                ..Ledger::default()
            },
            aims,
            notes: Notes::default(),
            holds: Vec::new(),
        }
    }

    /// A Stage with a removal of `n1` at this stage, the node cordoned.
    pub(crate) fn draining(stage: RemoveStage) -> Self {
        let mut this = Self::new();
        this.ledger.intents.push(removal("4-0", "n1", stage));
        let node = this.node_mut("n1");
        node.unschedulable = true;
        node.draining = true;
        this
    }

    pub(crate) fn node_mut(&mut self, name: &str) -> &mut Node {
        self.seen
            .nodes
            .iter_mut()
            .find(|node| node.name.as_str() == name)
            .unwrap()
    }

    pub(crate) fn group_mut(&mut self) -> &mut Group {
        &mut self.seen.groups[0]
    }

    pub(crate) fn pod_mut(&mut self, name: &str) -> &mut Pod {
        self.seen
            .pods
            .iter_mut()
            .find(|pod| &*pod.key.name == name)
            .unwrap()
    }

    /// Makes the group a Fargate profile that waiting pods may be made anew for.
    pub(crate) fn serverless(&mut self) {
        self.group_mut().kind = GroupKind::FargateProfile;
        self.aims.move_to_fargate = vec!["n?".to_owned()];
    }

    /// Gives a pod a spec of its own.
    pub(crate) fn respec(&mut self, name: &str, edit: impl FnOnce(&mut PodSpec)) {
        let mut spec = spec();
        edit(&mut spec);
        self.seen.specs.push(Arc::new(spec));
        self.pod_mut(name).spec = u32::try_from(self.seen.specs.len() - 1).unwrap();
    }

    /// Lets a review hold the first step.
    pub(crate) fn hold_first(&mut self) {
        self.holds.push(Hold {
            step: StepId { cycle: 5, ordinal: 0 },
            policy: "p".into(),
            code: 3,
            text: "not now".to_owned(),
        });
    }

    /// Lets an enforced policy fault in this cycle.
    pub(crate) fn fault(&mut self, mode: PolicyMode) {
        self.notes.calls.push(PolicyCall {
            policy: "p".into(),
            digest: String::new(),
            hook: Hook::Scaler,
            mode,
            fuel: 0,
            answer: Err(PolicyFault::Trap("unreachable".to_owned())),
            log: Vec::new(),
            kept: None,
        });
    }
}

pub(crate) fn key() -> WorkloadKey {
    WorkloadKey::new("Deployment", "ns", "app")
}

fn spec() -> PodSpec {
    PodSpec {
        namespace: "ns".to_owned(),
        requests: Resources::new(500, 1 << 30),
        labels: Labels::from([("app".to_owned(), "app".to_owned())]),
        owner: Some(key()),
        ..PodSpec::default()
    }
}

pub(crate) fn pod(name: &str, node: Option<&str>) -> Pod {
    Pod {
        key: PodKey::new("ns", name),
        spec: 0,
        node: node.map(NodeName::new),
        phase: if node.is_some() {
            PodPhase::Running
        } else {
            PodPhase::Pending
        },
        created: Instant(1_000_000),
        usage: None,
        nominated: None,
        deletion_cost: 0,
        started: None,
    }
}

/// The startup taint.
pub(crate) fn starting() -> Taint {
    Taint {
        key: STARTING_TAINT.to_owned(),
        value: String::new(),
        effect: TaintEffect::NoSchedule,
    }
}

pub(crate) fn node(name: &str) -> Node {
    Node {
        name: name.into(),
        group: Some("web".into()),
        instance: Some(format!("i-{name}").as_str().into()),
        offer: Some("m6a.large/a/on-demand".into()),
        labels: Labels::new(),
        taints: Vec::new(),
        allocatable: Resources::new(2000, 8 << 30),
        max_pods: 29,
        ready: true,
        unschedulable: false,
        deleting: false,
        fargate: false,
        do_not_disrupt: false,
        draining: false,
        annotations: Labels::new(),
        unready: None,
        rate: None,
        created: Instant(1_000_000),
        usage: None,
        leaving: None,
        template: None,
    }
}

pub(crate) fn instance(id: &str, state: InstanceState) -> Instance {
    Instance {
        id: id.into(),
        instance_type: None,
        zone: None,
        state,
        launched: None,
    }
}

pub(crate) fn group_of(names: &[&str]) -> Group {
    let size = crate::fleet::number(names.len());
    Group {
        name: "web".into(),
        uid: None,
        kind: GroupKind::Asg,
        min: 1,
        max: size.max(6),
        desired: size,
        launch: LaunchMode::Desired,
        instances: names
            .iter()
            .map(|name| instance(&format!("i-{name}"), InstanceState::InService))
            .collect(),
        labels: Labels::new(),
        taints: Vec::new(),
        fargate_selectors: Vec::new(),
        foreign: None,
        rolling: None,
        options: GroupOptions::default(),
    }
}

fn offer() -> Offer {
    Offer {
        id: "m6a.large/a/on-demand".into(),
        group: 0,
        kind: OfferKind::Ec2 {
            instance_type: "m6a.large".to_owned(),
            zone: "a".to_owned(),
            purchase: Purchase::OnDemand,
            arch: "amd64".to_owned(),
        },
        price: PRICE,
        interruptions: None,
        confidence: Confidence::Listed,
        allocatable: Resources::new(2000, 8 << 30),
        max_pods: 29,
        labels: Labels::new(),
    }
}

fn workload() -> Workload {
    Workload {
        key: key(),
        replicas: 4,
        ready: 4,
        template: Some(0),
        owned_by: None,
        annotations: Labels::new(),
        generation: 1,
        selector: LabelSelector::default(),
        metrics: Vec::new(),
    }
}

pub(crate) fn step(ordinal: u32, intent: Option<&str>, kind: StepKind) -> Step {
    Step {
        id: StepId { cycle: 5, ordinal },
        intent: intent.map(IntentId::new),
        generation: GENERATION,
        kind,
        reason: Reason::Planned,
    }
}

pub(crate) fn plan(steps: Vec<Step>) -> Plan {
    Plan {
        steps,
        ..Plan::default()
    }
}

pub(crate) fn grow(from: u32, to: u32) -> StepKind {
    let count = to.saturating_sub(from);
    StepKind::GrowGroup {
        group: "web".into(),
        offer: "m6a.large/a/on-demand".into(),
        from,
        to,
        nodes: (0..count.min(100))
            .map(|n| NodeName::new(format!("new-{n}")))
            .collect(),
        pods: Vec::new(),
        rate: PRICE.times(u64::from(count)),
    }
}

pub(crate) fn cordon(node: &str) -> StepKind {
    StepKind::Cordon {
        node: node.into(),
        group: "web".into(),
        instance: format!("i-{node}").as_str().into(),
        after: Vec::new(),
    }
}

pub(crate) fn evict(pod: &str, node: &str) -> StepKind {
    StepKind::Evict {
        pod: PodKey::new("ns", pod),
        node: node.into(),
    }
}

pub(crate) fn remake(pod: &str) -> StepKind {
    StepKind::Remake {
        pod: PodKey::new("ns", pod),
        profile: "web".into(),
    }
}

pub(crate) fn remove(node: &str) -> StepKind {
    StepKind::RemoveNode {
        group: "web".into(),
        node: node.into(),
        instance: format!("i-{node}").as_str().into(),
    }
}

pub(crate) fn scale(from: u32, to: u32) -> StepKind {
    StepKind::ScaleWorkload {
        workload: key(),
        from,
        to,
    }
}

pub(crate) fn removal(id: &str, node: &str, stage: RemoveStage) -> Intent {
    Intent {
        id: id.into(),
        kind: IntentKind::Remove {
            group: "web".into(),
            node: node.into(),
            instance: format!("i-{node}").as_str().into(),
            stage,
            after: Vec::new(),
            gone: None,
        },
        opened: NOW - Span::from_secs(60),
        deadline: NOW + Span::from_secs(1800),
        generation: 1,
    }
}

pub(crate) fn launch(id: &str, from: u32, to: u32, stage: LaunchStage) -> Intent {
    Intent {
        id: id.into(),
        kind: IntentKind::Launch {
            group: "web".into(),
            offer: OfferId::new("m6a.large/a/on-demand"),
            count: to - from,
            from,
            to,
            planned: Vec::new(),
            pods: Vec::new(),
            stage,
            instances: Vec::new(),
            joined: Vec::new(),
        },
        opened: NOW - Span::from_secs(60),
        deadline: NOW + Span::from_secs(840),
        generation: 1,
    }
}
