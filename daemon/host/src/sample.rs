//! Made-up Views, the same in every process: what `plimsoll policy check` shows a policy, and what tests and
//! benches measure with. Small, empty, large and extreme ones.

use crate::answer;
use decide::policy::{CandidateRow, ClassRow, MoverRow, SetRow, StepRow, WorkloadRow};
use decide::{Prepared, View};
use model::advice::Hook;
use model::aims::Aims;
use model::disruption::Cause;
use model::group::{Group, GroupKind, GroupOptions, LaunchMode};
use model::ids::{GroupName, NodeName, OfferId, PodKey, StepId, WorkloadKey};
use model::memory::{GroupUse, Memory, PastValues};
use model::money::UsdPerHour;
use model::node::Node;
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::pod::{Pod, PodPhase, PodSpec, Usage};
use model::resources::{MIB, Resources};
use model::selector::{LabelSelector, Labels};
use model::snapshot::Snapshot;
use model::time::{Instant, Span};
use model::workload::{Metric, Workload};
use std::sync::Arc;

/// 2026-11-02 (a Monday) 09:30 UTC.
const NOW: Instant = Instant(1_793_611_800_000);

/// One made-up picture.
pub struct Sample {
    /// What is special about it.
    pub name: &'static str,
    snapshot: Snapshot,
    memory: Memory,
    aims: Aims,
    workloads: Vec<WorkloadRow>,
    classes: Vec<ClassRow>,
    sets: Vec<SetRow>,
    candidates: Vec<CandidateRow>,
    movers: Vec<MoverRow>,
    steps: Vec<StepRow>,
}

impl Sample {
    /// Puts every list into the order that a real picture has.
    fn settle(&mut self) {
        let nodes = self.snapshot.nodes.iter().map(|node| node.name.clone());
        let pods = self.snapshot.pods.iter().map(|pod| pod.key.clone());
        let (nodes, pods): (Vec<_>, Vec<_>) = (nodes.collect(), pods.collect());
        let seen = &mut self.snapshot;
        seen.sort();
        let place =
            |found: Result<usize, usize>| u32::try_from(found.unwrap_or(usize::MAX)).unwrap_or(u32::MAX);
        for (row, name) in self.candidates.iter_mut().zip(nodes) {
            row.node = place(seen.nodes.binary_search_by(|node| node.name.cmp(&name)));
        }
        for (row, key) in self.movers.iter_mut().zip(pods) {
            row.pod = place(seen.pods.binary_search_by(|pod| pod.key.cmp(&key)));
        }
        self.workloads.sort_by(|a, b| a.key.cmp(&b.key));
    }

    /// The View of one hook.
    pub fn view(&self, hook: Hook) -> View<'_> {
        let (scaler, disruption) = (hook == Hook::Scaler, hook == Hook::Disruption);
        let places = matches!(hook, Hook::Placement | Hook::Headroom);
        View {
            hook,
            seen: &self.snapshot,
            memory: &self.memory,
            aims: &self.aims,
            workloads: if scaler { &self.workloads } else { &[] },
            classes: if places { &self.classes } else { &[] },
            sets: if places { &self.sets } else { &[] },
            candidates: if disruption { &self.candidates } else { &[] },
            movers: if disruption { &self.movers } else { &[] },
            steps: if hook == Hook::Review { &self.steps } else { &[] },
            prepared: Prepared::default(),
        }
    }
}

/// All samples that a policy is checked with.
pub fn all() -> Vec<Sample> {
    vec![
        named("nothing there", rows(0)),
        named("a few rows", rows(5)),
        named("a thousand rows", rows(1000)),
        named("extreme values", extreme()),
    ]
}

/// A picture with so many classes, workloads and nodes with a pod each. Every third class is a Job's.
pub fn rows(count: u32) -> Sample {
    let mut sample = Sample {
        name: "rows",
        snapshot: Snapshot {
            at: NOW,
            cycle: 42,
            seed: 7,
            cluster: "sample".to_owned(),
            groups: groups(),
            ..Snapshot::default()
        },
        memory: Memory::default(),
        aims: Aims::default(),
        workloads: Vec::new(),
        classes: Vec::new(),
        sets: sets(),
        candidates: Vec::new(),
        movers: Vec::new(),
        steps: Vec::new(),
    };
    for minute in 0..60 {
        let at = NOW - Span::from_secs((60 - minute) * 60);
        sample
            .memory
            .demand_history
            .push((at, u32::try_from(minute % 7).unwrap_or(0)));
    }
    sample.memory.boot_times.insert(
        GroupName::new("workers"),
        vec![Span::from_secs(55), Span::from_secs(70), Span::from_secs(61)],
    );
    for n in 0..count {
        let key = WorkloadKey::new(
            if n.is_multiple_of(3) { "Job" } else { "Deployment" },
            format!("team-{}", n % 17),
            format!("app-{n}"),
        );
        sample.snapshot.specs.push(Arc::new(spec(n, &key)));
        sample.classes.push(class(n, &key));
        sample.snapshot.offers.push(offer(n));
        sample.snapshot.workloads.push(known_workload(n, &key));
        sample.snapshot.nodes.push(node(n));
        sample.snapshot.pods.push(pod(n, &key));
        sample.candidates.push(candidate(n));
        sample.movers.push(MoverRow { candidate: n, pod: n });
        sample.steps.push(step(n, &key));
        if n < 200 {
            sample.memory.past_values.insert(key.clone(), past_values(n));
        }
        sample.workloads.push(workload(n, key));
    }
    sample.settle();
    sample
}

fn past_values(n: u32) -> PastValues {
    let value = |minute: i64| {
        (
            NOW - Span::from_secs((8 - minute) * 60),
            i64::from(n) * 1000 + minute,
        )
    };
    PastValues {
        metric: "cpu".to_owned(),
        values: (0..8).map(value).collect(),
    }
}

fn named(name: &'static str, sample: Sample) -> Sample {
    Sample { name, ..sample }
}

fn spec(n: u32, key: &WorkloadKey) -> PodSpec {
    let labels: [(&str, String); 4] = [
        ("app.kubernetes.io/name", key.name.to_string()),
        ("app.kubernetes.io/part-of", format!("product-{}", n % 23)),
        ("team", key.namespace.to_string()),
        (
            "tier",
            if n.is_multiple_of(2) { "front" } else { "back" }.to_owned(),
        ),
    ];
    PodSpec {
        namespace: key.namespace.to_string(),
        requests: requests(n),
        labels: labels.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        owner: Some(key.clone()),
        ..PodSpec::default()
    }
}

fn requests(n: u32) -> Resources {
    Resources::new(i64::from(100 + n % 40 * 50), i64::from(128 + n % 64 * 64) * MIB)
}

fn class(n: u32, key: &WorkloadKey) -> ClassRow {
    let requests = requests(n);
    let fargate = requests.cpu_milli * 40_480 + requests.memory_mib_up() * 4_340;
    ClassRow {
        spec: Some(n),
        workload: Some(key.clone()),
        pending: n % 5,
        to_come: n % 3,
        headroom: 0,
        ec2_price: (n % 11 != 10).then_some(UsdPerHour(fargate * 7 / 10)),
        fargate_price: (n % 7 != 6).then_some(UsdPerHour(fargate)),
        requests,
    }
}

fn workload(n: u32, key: WorkloadKey) -> WorkloadRow {
    let request = i64::from(100 + n % 40 * 50) * 1000;
    WorkloadRow {
        key,
        spec: Some(n),
        replicas: 1 + n % 9,
        ready: 1 + n % 8,
        min: 1,
        max: 20,
        metric: "cpu".to_owned(),
        target_milli: 600,
        value_milli: (n % 13 != 12).then_some(request * i64::from(1 + n % 9) * i64::from(20 + n % 100) / 100),
        age: Span::from_secs(15),
        pods: 1 + n % 9,
        request_milli: request,
        recent_max: 1 + n % 12,
    }
}

fn offer(n: u32) -> Offer {
    Offer {
        id: OfferId::new(format!("workers/m{n}.large")),
        group: 1,
        kind: OfferKind::Ec2 {
            instance_type: format!("m{n}.large"),
            zone: format!("us-east-1{}", ["a", "b", "c"][n as usize % 3]),
            purchase: if n.is_multiple_of(2) {
                Purchase::OnDemand
            } else {
                Purchase::Spot
            },
            arch: "amd64".to_owned(),
        },
        price: UsdPerHour(i64::from(40 + n % 50) * 1_000_000),
        interruptions: (!n.is_multiple_of(2)).then_some(n % 250),
        confidence: Confidence::Listed,
        allocatable: Resources::new(3920, 14_000 * MIB),
        max_pods: 58,
        labels: Labels::from([("pool".to_owned(), "workers".to_owned())]),
    }
}

fn known_workload(n: u32, key: &WorkloadKey) -> Workload {
    Workload {
        key: key.clone(),
        replicas: 1 + n % 9,
        ready: 1 + n % 8,
        template: Some(n),
        owned_by: None,
        annotations: Labels::new(),
        generation: 1,
        selector: LabelSelector::default(),
        metrics: vec![Metric {
            name: "queue".to_owned(),
            milli: i64::from(n % 700) * 1000,
            at: NOW - Span::from_secs(i64::from(n % 90)),
            pods: 1 + n % 9,
        }],
    }
}

fn node(n: u32) -> Node {
    let zone = format!("us-east-1{}", ["a", "b", "c"][n as usize % 3]);
    Node {
        name: NodeName::new(format!("node-{n}")),
        group: Some(GroupName::new("workers")),
        instance: Some(format!("i-{n:017x}").as_str().into()),
        offer: None,
        labels: Labels::from([("topology.kubernetes.io/zone".to_owned(), zone)]),
        taints: Vec::new(),
        allocatable: Resources::new(3920, 14_000 * MIB),
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
        created: NOW - Span::from_secs(i64::from(n % 500) * 3600),
        usage: (!n.is_multiple_of(4)).then(|| Usage {
            cpu_milli: i64::from(n % 3900),
            memory_bytes: i64::from(n % 13_000) * MIB,
            at: NOW,
        }),
        leaving: None,
        template: None,
    }
}

fn pod(n: u32, key: &WorkloadKey) -> Pod {
    Pod {
        key: PodKey::new(&key.namespace, format!("{}-0", key.name)),
        spec: n,
        node: Some(NodeName::new(format!("node-{n}"))),
        phase: PodPhase::Running,
        created: NOW - Span::from_secs(i64::from(n % 90) * 60),
        usage: None,
        nominated: None,
        deletion_cost: 0,
        started: None,
    }
}

fn candidate(n: u32) -> CandidateRow {
    CandidateRow {
        node: n,
        price: (n % 9 != 8).then_some(UsdPerHour(i64::from(40 + n % 50) * 1_000_000)),
        moves: 1,
        cpu_requested: n % 1000,
        memory_requested: (n * 3) % 1000,
        unneeded: n
            .is_multiple_of(2)
            .then(|| Span::from_secs(i64::from(n % 60) * 60)),
        due: match n % 10 {
            8 => Some(Cause::Expired),
            9 => Some(Cause::Drifted),
            _ => None,
        },
    }
}

/// Growth, a removal and a workload in turn.
fn step(n: u32, key: &WorkloadKey) -> StepRow {
    let (kind, group, about) = match n % 3 {
        0 => ("GrowGroup", "workers", (String::new(), String::new())),
        1 => ("Cordon", "workers", (String::new(), format!("node-{n}"))),
        _ => (
            "ScaleWorkload",
            "",
            (key.namespace.to_string(), key.name.to_string()),
        ),
    };
    let (namespace, object) = about;
    let dollars = i64::from(n % 20) * 50_000_000;
    StepRow {
        id: StepId {
            cycle: 42,
            ordinal: n,
        },
        kind,
        group: group.to_owned(),
        namespace,
        object,
        from: n % 7,
        to: n % 11,
        pods: n % 13,
        adds: (!n.is_multiple_of(5)).then_some(UsdPerHour(dollars)),
        saves: (n % 3 == 1).then_some(UsdPerHour(dollars)),
    }
}

fn groups() -> Vec<Group> {
    [
        ("fargate", GroupKind::FargateProfile),
        ("workers", GroupKind::ManagedNodeGroup),
    ]
    .into_iter()
    .map(|(name, kind)| Group {
        name: GroupName::new(name),
        uid: None,
        kind,
        min: 0,
        max: 100,
        desired: 10,
        launch: LaunchMode::Desired,
        instances: Vec::new(),
        labels: Labels::from([("pool".to_owned(), name.to_owned())]),
        taints: Vec::new(),
        fargate_selectors: Vec::new(),
        foreign: None,
        rolling: None,
        options: GroupOptions::default(),
    })
    .collect()
}

fn sets() -> Vec<SetRow> {
    let set = |name: &str, group: u32, kind: GroupKind| SetRow {
        name: name.to_owned(),
        group,
        kind,
        arch: Some("amd64".to_owned()),
        purchase: (kind != GroupKind::FargateProfile).then_some(Purchase::OnDemand),
        offers: 12,
        min_price: UsdPerHour(41_600_000),
        nodes: if kind == GroupKind::FargateProfile { 0 } else { 10 },
        utilisation: GroupUse {
            cpu_requested: 450,
            memory_requested: 380,
            cpu_used: Some(210),
            memory_used: None,
        },
    };
    vec![
        set("fargate", 0, GroupKind::FargateProfile),
        set("workers", 1, GroupKind::ManagedNodeGroup),
    ]
}

/// Values at the ends of their ranges, and rows that point nowhere.
fn extreme() -> Sample {
    let mut sample = rows(4);
    sample.snapshot.at = Instant(0);
    sample.snapshot.seed = u64::MAX;
    sample.snapshot.cluster = String::new();
    for row in &mut sample.classes {
        row.requests = Resources::new(i64::MAX, i64::MAX);
        row.pending = u32::MAX;
        row.to_come = u32::MAX;
        row.ec2_price = Some(UsdPerHour(i64::MAX));
        row.fargate_price = None;
        row.spec = Some(u32::MAX);
        row.workload = None;
    }
    for row in &mut sample.workloads {
        row.replicas = u32::MAX;
        row.min = 0;
        // What an answer may be at most: a policy that keeps within it answers well.
        row.max = answer::REPLICAS;
        row.value_milli = Some(i64::MAX);
        row.request_milli = 0;
        row.target_milli = 0;
        row.pods = 0;
        row.recent_max = u32::MAX;
        row.spec = None;
        row.metric = String::new();
    }
    for row in &mut sample.candidates {
        row.node = u32::MAX;
        row.price = Some(UsdPerHour(i64::MAX));
        row.moves = u32::MAX;
        row.cpu_requested = u32::MAX;
        row.unneeded = Some(Span::from_secs(i64::MAX / 1000));
    }
    sample.movers.iter_mut().for_each(|row| row.pod = u32::MAX);
    for row in &mut sample.steps {
        (row.from, row.to, row.pods) = (u32::MAX, u32::MAX, u32::MAX);
        row.adds = Some(UsdPerHour(i64::MAX));
    }
    for row in &mut sample.sets {
        row.group = u32::MAX;
        row.arch = None;
        row.nodes = u32::MAX;
        row.utilisation = GroupUse::default();
    }
    sample
}
