//! A small picture with something of everything that rules can ask for, and answers as one line of text.

use decide::policy::{CandidateRow, ClassRow, MoverRow, SetRow, StepRow, WorkloadRow};
use decide::{Prepared, View};
use model::advice::{Advice, Hook, ScaleRow};
use model::aims::Aims;
use model::disruption::Cause;
use model::group::{Group, GroupKind, GroupOptions, LaunchMode};
use model::ids::{GroupName, NodeName, PodKey, StepId, WorkloadKey};
use model::memory::{GroupUse, Memory};
use model::money::UsdPerHour;
use model::node::Node;
use model::offer::Purchase;
use model::pod::{Pod, PodPhase, PodSpec, Usage};
use model::resources::{MIB, Resources};
use model::selector::{LabelSelector, Labels};
use model::snapshot::Snapshot;
use model::time::{Instant, Span};
use model::workload::{Metric, Workload};
use std::sync::Arc;

/// 2026-11-02 (a Monday) 09:30 UTC.
const NOW: Instant = Instant(1_793_611_800_000);

/// See the module.
pub(crate) struct Picture {
    pub(crate) snapshot: Snapshot,
    pub(crate) memory: Memory,
    pub(crate) aims: Aims,
    pub(crate) workloads: Vec<WorkloadRow>,
    pub(crate) classes: Vec<ClassRow>,
    pub(crate) sets: Vec<SetRow>,
    pub(crate) candidates: Vec<CandidateRow>,
    pub(crate) movers: Vec<MoverRow>,
    pub(crate) steps: Vec<StepRow>,
}

impl Picture {
    pub(crate) fn view(&self, hook: Hook) -> View<'_> {
        View {
            hook,
            seen: &self.snapshot,
            memory: &self.memory,
            aims: &self.aims,
            workloads: &self.workloads,
            classes: &self.classes,
            sets: &self.sets,
            candidates: &self.candidates,
            movers: &self.movers,
            steps: &self.steps,
            prepared: Prepared::default(),
        }
    }

    /// Two kinds of pods and one of virtual ones; three groups; two workloads, nodes and pods; three steps.
    pub(crate) fn small() -> Self {
        let mut memory = Memory::default();
        let boots = [55, 70, 61].map(Span::from_secs);
        memory
            .boot_times
            .insert(GroupName::new("workers"), boots.to_vec());
        Self {
            snapshot: snapshot(),
            memory,
            aims: Aims::default(),
            workloads: workloads(),
            classes: classes(),
            sets: sets(),
            candidates: candidates(),
            movers: (0..2).map(|pod| MoverRow { candidate: 0, pod }).collect(),
            steps: steps(),
        }
    }

    /// So many classes and workloads, in the sets of the small one.
    pub(crate) fn of_rows(count: u32) -> Self {
        let mut picture = Self::small();
        let class = picture.classes[0].clone();
        picture.classes = (0..count)
            .map(|n| {
                let requests =
                    Resources::new(100 + i64::from(n % 40) * 50, i64::from(128 + n % 64 * 512) * MIB);
                ClassRow {
                    spec: Some(n % 2),
                    requests,
                    ..class.clone()
                }
            })
            .collect();
        let workload = picture.workloads[0].clone();
        picture.workloads = (0..count)
            .map(|n| WorkloadRow {
                key: WorkloadKey::new("Deployment", "shop", format!("app-{n:06}")),
                replicas: n % 11,
                ..workload.clone()
            })
            .collect();
        picture
    }
}

fn snapshot() -> Snapshot {
    let keys = [
        WorkloadKey::new("Job", "team-a", "import"),
        WorkloadKey::new("Deployment", "shop", "web"),
    ];
    let spec = |key: &WorkloadKey, requests, labels: &[(&str, &str)], annotations: &[(&str, &str)]| PodSpec {
        namespace: key.namespace.to_string(),
        requests,
        labels: table(labels),
        annotations: table(annotations),
        owner: Some(key.clone()),
        priority: if labels.is_empty() { 0 } else { 100 },
        ..PodSpec::default()
    };
    let requests = classes()
        .into_iter()
        .map(|class| class.requests)
        .collect::<Vec<_>>();
    let specs = [
        spec(
            &keys[0],
            requests[0].clone(),
            &[("team", "ml"), ("app.kubernetes.io/name", "import")],
            &[("plimsoll.io/keep", "yes")],
        ),
        spec(&keys[1], requests[1].clone(), &[], &[]),
    ];
    Snapshot {
        at: NOW,
        cluster: "prod".to_owned(),
        groups: vec![
            group("workers", GroupKind::Asg),
            group("fargate", GroupKind::FargateProfile),
            group("fleet", GroupKind::Fleet),
        ],
        specs: specs.map(Arc::new).to_vec(),
        nodes: vec![node("n0", "a", Some(1000)), node("n1", "b", None)],
        pods: (0..).zip(&keys).map(|(spec, key)| pod(spec, key)).collect(),
        workloads: vec![known_workload()],
        ..Snapshot::default()
    }
}

fn table(rows: &[(&str, &str)]) -> Labels {
    rows.iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn group(name: &str, kind: GroupKind) -> Group {
    Group {
        name: GroupName::new(name),
        uid: None,
        kind,
        min: 0,
        max: 100,
        desired: 10,
        launch: LaunchMode::Desired,
        instances: Vec::new(),
        labels: table(&[("pool", name)]),
        taints: Vec::new(),
        fargate_selectors: Vec::new(),
        foreign: None,
        rolling: None,
        options: GroupOptions::default(),
    }
}

fn node(name: &str, zone: &str, cpu_used: Option<i64>) -> Node {
    Node {
        name: NodeName::new(name),
        group: Some(GroupName::new("workers")),
        instance: None,
        offer: None,
        labels: table(&[("zone", zone)]),
        taints: Vec::new(),
        allocatable: Resources::new(4000, 16_000 * MIB),
        max_pods: 58,
        ready: true,
        unschedulable: false,
        deleting: false,
        fargate: false,
        do_not_disrupt: false,
        draining: false,
        annotations: Labels::new(),
        unready: None,
        rate: None,
        created: NOW - Span::from_secs(3600),
        usage: cpu_used.map(|cpu_milli| Usage {
            cpu_milli,
            memory_bytes: 4000 * MIB,
            at: NOW,
        }),
        leaving: None,
        template: None,
    }
}

fn pod(spec: u32, key: &WorkloadKey) -> Pod {
    Pod {
        key: PodKey::new(&key.namespace, format!("{}-0", key.name)),
        spec,
        node: Some(NodeName::new("n0")),
        phase: PodPhase::Running,
        created: NOW - Span::from_secs(7200),
        usage: None,
        nominated: None,
        deletion_cost: 0,
        started: None,
    }
}

fn known_workload() -> Workload {
    Workload {
        key: WorkloadKey::new("Deployment", "shop", "mails"),
        replicas: 1,
        ready: 1,
        template: Some(0),
        owned_by: None,
        annotations: Labels::new(),
        generation: 1,
        selector: LabelSelector::default(),
        metrics: vec![Metric {
            name: "lag".to_owned(),
            milli: 42_500,
            at: NOW,
            pods: 1,
        }],
    }
}

fn workloads() -> Vec<WorkloadRow> {
    let mails = WorkloadRow {
        key: WorkloadKey::new("Deployment", "shop", "mails"),
        spec: Some(0),
        replicas: 1,
        ready: 1,
        min: 0,
        max: 20,
        metric: "queue".to_owned(),
        target_milli: 100_000,
        value_milli: Some(250_000),
        age: Span::from_secs(15),
        pods: 1,
        request_milli: 0,
        recent_max: 4,
    };
    let web = WorkloadRow {
        key: WorkloadKey::new("Deployment", "shop", "web"),
        spec: Some(1),
        replicas: 3,
        ready: 2,
        min: 2,
        metric: "cpu".to_owned(),
        target_milli: 600,
        value_milli: None,
        age: Span::from_secs(300),
        request_milli: 2_000_000,
        ..mails.clone()
    };
    vec![mails, web]
}

fn classes() -> Vec<ClassRow> {
    let import = ClassRow {
        spec: Some(0),
        workload: Some(WorkloadKey::new("Job", "team-a", "import")),
        requests: Resources::new(500, 1024 * MIB),
        pending: 12,
        to_come: 8,
        headroom: 0,
        ec2_price: Some(UsdPerHour(9_000_000)),
        fargate_price: Some(UsdPerHour(12_000_000)),
    };
    let mut requests = Resources::new(2000, 32_768 * MIB);
    requests.extended.insert("nvidia.com/gpu".to_owned(), 1);
    let web = ClassRow {
        spec: Some(1),
        workload: Some(WorkloadKey::new("Deployment", "shop", "web")),
        requests,
        pending: 1,
        to_come: 0,
        ec2_price: Some(UsdPerHour(200_000_000)),
        fargate_price: None,
        ..import.clone()
    };
    let room = ClassRow {
        spec: None,
        workload: None,
        requests: Resources::new(100, 128 * MIB),
        pending: 0,
        to_come: 0,
        headroom: 3,
        ec2_price: None,
        ..web.clone()
    };
    vec![import, web, room]
}

fn sets() -> Vec<SetRow> {
    let workers = SetRow {
        name: "workers".to_owned(),
        group: 0,
        kind: GroupKind::Asg,
        arch: Some("amd64".to_owned()),
        purchase: Some(Purchase::OnDemand),
        offers: 12,
        min_price: UsdPerHour(100_000_000),
        nodes: 10,
        utilisation: GroupUse {
            cpu_requested: 500,
            memory_requested: 400,
            cpu_used: Some(300),
            memory_used: None,
        },
    };
    let fargate = SetRow {
        name: "fargate".to_owned(),
        group: 1,
        kind: GroupKind::FargateProfile,
        arch: None,
        purchase: None,
        nodes: 0,
        utilisation: GroupUse::default(),
        ..workers.clone()
    };
    let spot = SetRow {
        name: "fleet/arm64/spot".to_owned(),
        group: 2,
        kind: GroupKind::Fleet,
        arch: Some("arm64".to_owned()),
        purchase: Some(Purchase::Spot),
        ..workers.clone()
    };
    vec![workers, fargate, spot]
}

fn candidates() -> Vec<CandidateRow> {
    let used = CandidateRow {
        node: 0,
        price: Some(UsdPerHour(100_000_000)),
        moves: 2,
        cpu_requested: 100,
        memory_requested: 200,
        unneeded: Some(Span::from_secs(600)),
        due: None,
    };
    let unknown = CandidateRow {
        node: 1,
        price: None,
        moves: 0,
        unneeded: None,
        due: Some(Cause::Expired),
        ..used.clone()
    };
    vec![used, unknown]
}

fn steps() -> Vec<StepRow> {
    let grow = StepRow {
        id: StepId {
            cycle: 42,
            ordinal: 0,
        },
        kind: "GrowGroup",
        group: "workers".to_owned(),
        namespace: String::new(),
        object: String::new(),
        from: 10,
        to: 12,
        pods: 20,
        adds: Some(UsdPerHour(200_000_000)),
        saves: None,
    };
    let cordon = StepRow {
        id: StepId {
            cycle: 42,
            ordinal: 1,
        },
        kind: "Cordon",
        object: "n0".to_owned(),
        pods: 2,
        adds: None,
        saves: Some(UsdPerHour(100_000_000)),
        ..grow.clone()
    };
    let scale = StepRow {
        id: StepId {
            cycle: 42,
            ordinal: 2,
        },
        kind: "ScaleWorkload",
        group: String::new(),
        namespace: "shop".to_owned(),
        object: "mails".to_owned(),
        from: 1,
        to: 3,
        adds: None,
        ..grow.clone()
    };
    vec![grow, cordon, scale]
}

/// An answer as one line: `row:what#code`.
pub(crate) fn shown(picture: &Picture, advice: &Advice) -> String {
    let lines: Vec<String> = match advice {
        Advice::Scale(wanted) => {
            let told = |row: ScaleRow<'_>| {
                let workload = &picture.workloads[row.row as usize].key;
                format!("{}={}#{}", workload.name, row.replicas, row.code)
            };
            wanted.iter().map(told).collect()
        }
        Advice::Placement(prices) => {
            let factors = prices
                .factors
                .iter()
                .map(|(set, milli)| format!("x{set}={milli}"));
            let bans = prices
                .forbids
                .iter()
                .map(|(class, set, code)| format!("{class}!{set}#{code}"));
            let adds = prices
                .addends
                .iter()
                .map(|(class, set, nanos, code)| format!("{class}+{set}={nanos}#{code}"));
            factors.chain(bans).chain(adds).collect()
        }
        Advice::Headroom(kinds) => {
            let told = |kind: &model::advice::HeadroomAdvice| {
                let (cpu, mib) = (kind.requests.cpu_milli, kind.requests.memory_mib_up());
                format!("{}x{cpu}m/{mib}Mi#{}", kind.count, kind.code)
            };
            kinds.iter().map(told).collect()
        }
        Advice::Disruption(verdicts) => {
            let denials = verdicts
                .denials
                .iter()
                .map(|denial| format!("{}!#{}", denial.row, denial.code));
            let adds = verdicts
                .addends
                .iter()
                .map(|(row, nanos, code)| format!("{row}+{nanos}#{code}"));
            denials.chain(adds).collect()
        }
        Advice::Review(holds) => holds
            .iter()
            .map(|hold| format!("{}!#{}", hold.step.ordinal, hold.code))
            .collect(),
    };
    lines.join(" ")
}
