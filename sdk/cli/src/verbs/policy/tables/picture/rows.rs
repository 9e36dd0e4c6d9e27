//! Rows as written, and what each adds to a picture.

use super::{Picture, Written};
use decide::policy::{CandidateRow, ClassRow, MoverRow, SetRow, StepRow, WorkloadRow};
use model::aims::Aims;
use model::disruption::Cause;
use model::group::{Group, GroupKind, GroupOptions, LaunchMode};
use model::ids::{GroupName, NodeName, PodKey, StepId, WorkloadKey};
use model::memory::{GroupUse, Memory, PastValues};
use model::money::UsdPerHour;
use model::node::Node;
use model::offer::Purchase;
use model::pod::{Pod, PodPhase, PodSpec, SpecIx, Usage};
use model::resources::{MIB, Resources};
use model::selector::Labels;
use model::snapshot::Snapshot;
use model::time::{Instant, Span};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A Monday.
const AT: &str = "2026-11-02T09:30:00Z";
/// Kinds of steps that a review is shown.
const STEP_KINDS: [&str; 7] = [
    "ScaleWorkload",
    "GrowGroup",
    "SetBounds",
    "PlaceOnFargate",
    "Remake",
    "Cordon",
    "RemoveInstance",
];

/// A row as it may be written, with what it is where a field is left out.
macro_rules! row {
    ($name:ident { $($field:ident: $type:ty = $default:expr,)* }) => {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct $name { $($field: $type,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

pub(super) use row;

row!(Class {
    cpu_milli: u32 = 250,
    memory_mib: u32 = 512,
    pending: u32 = 1,
    to_come: u32 = 0,
    headroom: u32 = 0,
    ec2_price: Option<f64> = Some(0.009),
    fargate_price: Option<f64> = Some(0.0123),
    priority: i32 = 0,
    namespace: String = "default".to_owned(),
    owner_kind: String = "Deployment".to_owned(),
    owner_name: String = "app".to_owned(),
    labels: Labels = Labels::new(),
    annotations: Labels = Labels::new(),
    extended: BTreeMap<String, u32> = BTreeMap::new(),
});

// The group is named as the set, where nothing is said.
row!(Set {
    name: String = "workers".to_owned(),
    group: Option<String> = None,
    kind: Kind = Kind::Managed,
    arch: String = "amd64".to_owned(),
    purchase: Paid = Paid::OnDemand,
    offers: u32 = 1,
    min_price: f64 = 0.1,
    nodes: u32 = 10,
    cpu_requested: u32 = 500,
    memory_requested: u32 = 500,
    cpu_used: Option<u32> = None,
    memory_used: Option<u32> = None,
    boot_ms: Option<u32> = None,
    labels: Labels = Labels::new(),
});

row!(Workload {
    kind: String = "Deployment".to_owned(),
    namespace: String = "default".to_owned(),
    name: String = "app".to_owned(),
    replicas: u32 = 3,
    ready: u32 = 3,
    min: u32 = 1,
    max: u32 = 10,
    metric: String = "cpu".to_owned(),
    target: f64 = 0.6,
    value: Option<f64> = Some(450.0),
    age_ms: u32 = 15_000,
    pods: u32 = 3,
    request: f64 = 250.0,
    recent_max: u32 = 3,
    past: Vec<(u32, f64)> = Vec::new(),
    labels: Labels = Labels::new(),
    annotations: Labels = Labels::new(),
});

row!(Candidate {
    name: String = "node".to_owned(),
    group: String = "workers".to_owned(),
    price: Option<f64> = Some(0.1),
    age_ms: u32 = 86_400_000,
    cpu_requested: u32 = 500,
    memory_requested: u32 = 500,
    cpu_used: Option<u32> = None,
    memory_used: Option<u32> = None,
    unneeded_ms: Option<u32> = None,
    due: Due = Due::No,
    labels: Labels = Labels::new(),
    movers: Vec<Mover> = Vec::new(),
});

row!(Mover {
    namespace: String = "default".to_owned(),
    name: String = "app-0".to_owned(),
    owner_kind: String = "Deployment".to_owned(),
    owner_name: String = "app".to_owned(),
    cpu_milli: u32 = 250,
    memory_mib: u32 = 512,
    age_ms: u32 = 3_600_000,
    labels: Labels = Labels::new(),
    annotations: Labels = Labels::new(),
});

row!(Step {
    kind: String = "GrowGroup".to_owned(),
    group: String = "workers".to_owned(),
    namespace: String = String::new(),
    object: String = String::new(),
    from: u32 = 3,
    to: u32 = 4,
    pods: u32 = 2,
    adds: Option<f64> = Some(0.1),
    saves: Option<f64> = Some(0.0),
});

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Asg,
    Managed,
    Kops,
    Fleet,
    Fargate,
    Ecs,
    Kwok,
    Simulated,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Paid {
    Mixed,
    OnDemand,
    Spot,
    Reserved,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Due {
    No,
    Expired,
    Drifted,
}

impl Paid {
    /// `None`: several ways.
    pub(super) fn purchase(self) -> Option<Purchase> {
        match self {
            Self::Mixed => None,
            Self::OnDemand => Some(Purchase::OnDemand),
            Self::Spot => Some(Purchase::Spot),
            Self::Reserved => Some(Purchase::Reserved),
        }
    }
}

impl Picture {
    pub(super) fn empty(written: &Written) -> Result<Self, String> {
        let at = written.at.as_deref().unwrap_or(AT);
        let at: jiff::Timestamp = at.parse().map_err(|why| format!("picture.at: {why}"))?;
        let at = Instant(at.as_millisecond());
        let mut memory = Memory::default();
        let history = written.history.iter();
        memory.demand_history = history
            .map(|(ago, waited)| (at - millis(*ago), *waited))
            .collect();
        Ok(Self {
            snapshot: Snapshot {
                at,
                seed: written.seed,
                cluster: written.cluster.clone(),
                ..Snapshot::default()
            },
            memory,
            aims: Aims::default(),
            workloads: Vec::new(),
            classes: Vec::new(),
            sets: Vec::new(),
            candidates: Vec::new(),
            movers: Vec::new(),
            steps: Vec::new(),
        })
    }

    pub(super) fn set(&mut self, row: Set) {
        let name = GroupName::new(row.group.as_ref().unwrap_or(&row.name));
        let kind = group_kind(row.kind);
        if let Some(boot) = row.boot_ms {
            self.memory.boot_times.insert(name.clone(), vec![millis(boot)]);
        }
        let groups = &mut self.snapshot.groups;
        let known = groups.iter().position(|group| group.name == name);
        let group = known.unwrap_or_else(|| {
            groups.push(group(name, kind, row.labels));
            groups.len() - 1
        });
        self.sets.push(SetRow {
            name: row.name,
            group: place(group),
            kind,
            arch: (!row.arch.is_empty()).then_some(row.arch),
            purchase: row.purchase.purchase(),
            offers: row.offers,
            min_price: UsdPerHour::from_dollars(row.min_price).unwrap_or_default(),
            nodes: row.nodes,
            utilisation: GroupUse {
                cpu_requested: row.cpu_requested,
                memory_requested: row.memory_requested,
                cpu_used: row.cpu_used,
                memory_used: row.memory_used,
            },
        });
    }

    /// Groups are in the order of their names in a picture, sets in the order of the test.
    pub(super) fn settle_groups(&mut self) {
        let groups = &mut self.snapshot.groups;
        let names: Vec<GroupName> = groups.iter().map(|group| group.name.clone()).collect();
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        for set in &mut self.sets {
            let name = names.get(set.group as usize);
            let at = name.and_then(|name| groups.iter().position(|group| group.name == *name));
            set.group = at.map_or(u32::MAX, place);
        }
    }

    pub(super) fn class(&mut self, row: Class) -> Result<(), String> {
        let mut requests = Resources::new(i64::from(row.cpu_milli), i64::from(row.memory_mib) * MIB);
        let extended = row.extended.iter();
        requests.extended = extended
            .map(|(name, amount)| (name.clone(), i64::from(*amount)))
            .collect();
        let owner = owner(&row.owner_kind, &row.namespace, &row.owner_name);
        let spec = self.spec(PodSpec {
            namespace: row.namespace,
            priority: row.priority,
            requests: requests.clone(),
            labels: row.labels,
            annotations: row.annotations,
            owner: owner.clone(),
            ..PodSpec::default()
        });
        self.classes.push(ClassRow {
            spec: Some(spec),
            workload: owner,
            requests,
            pending: row.pending,
            to_come: row.to_come,
            headroom: row.headroom,
            ec2_price: price("ec2_price", row.ec2_price)?,
            fargate_price: price("fargate_price", row.fargate_price)?,
        });
        Ok(())
    }

    pub(super) fn workload(&mut self, row: Workload) -> Result<(), String> {
        let key = WorkloadKey::new(row.kind, row.namespace.as_str(), row.name);
        let spec = self.spec(PodSpec {
            namespace: row.namespace,
            labels: row.labels,
            annotations: row.annotations,
            owner: Some(key.clone()),
            ..PodSpec::default()
        });
        if !row.past.is_empty() {
            let at = self.snapshot.at;
            let past = row.past.iter();
            let past = past.map(|(ago, value)| Ok((at - millis(*ago), milli("past", *value)?)));
            let past = PastValues {
                metric: row.metric.clone(),
                values: past.collect::<Result<_, String>>()?,
            };
            self.memory.past_values.insert(key.clone(), past);
        }
        self.workloads.push(WorkloadRow {
            key,
            spec: Some(spec),
            replicas: row.replicas,
            ready: row.ready,
            min: row.min,
            max: row.max,
            metric: row.metric,
            target_milli: milli("target", row.target)?,
            value_milli: row.value.map(|value| milli("value", value)).transpose()?,
            age: millis(row.age_ms),
            pods: row.pods,
            request_milli: milli("request", row.request)?,
            recent_max: row.recent_max,
        });
        Ok(())
    }

    pub(super) fn candidate(&mut self, row: Candidate) -> Result<(), String> {
        let name = NodeName::new(&row.name);
        let nodes = &self.snapshot.nodes;
        let known = nodes.iter().position(|node| node.name == name);
        let (candidate, node) = (place(self.candidates.len()), place(known.unwrap_or(nodes.len())));
        self.candidates.push(CandidateRow {
            node,
            price: price("price", row.price)?,
            moves: place(row.movers.len()),
            cpu_requested: row.cpu_requested,
            memory_requested: row.memory_requested,
            unneeded: row.unneeded_ms.map(millis),
            due: match row.due {
                Due::No => None,
                Due::Expired => Some(Cause::Expired),
                Due::Drifted => Some(Cause::Drifted),
            },
        });
        for mover in &row.movers {
            self.mover(candidate, &name, mover);
        }
        if known.is_none() {
            self.node(name, row);
        }
        Ok(())
    }

    /// A node of a thousand of each resource, so that what is used is a share.
    fn node(&mut self, name: NodeName, row: Candidate) {
        let at = self.snapshot.at;
        let usage = row.cpu_used.or(row.memory_used).map(|_| Usage {
            cpu_milli: i64::from(row.cpu_used.unwrap_or(0)),
            memory_bytes: i64::from(row.memory_used.unwrap_or(0)) * MIB,
            at,
        });
        self.snapshot.nodes.push(Node {
            name,
            group: Some(GroupName::new(&row.group)),
            instance: None,
            offer: None,
            labels: row.labels,
            taints: Vec::new(),
            allocatable: Resources::new(1000, 1000 * MIB),
            max_pods: 110,
            ready: true,
            unschedulable: false,
            deleting: false,
            fargate: false,
            do_not_disrupt: false,
            draining: false,
            annotations: Labels::new(),
            unready: None,
            rate: None,
            created: at - millis(row.age_ms),
            usage,
            leaving: None,
            template: None,
        });
    }

    fn mover(&mut self, candidate: u32, node: &NodeName, row: &Mover) {
        let pod = place(self.snapshot.pods.len());
        let spec = self.spec(PodSpec {
            owner: owner(&row.owner_kind, &row.namespace, &row.owner_name),
            namespace: row.namespace.clone(),
            requests: Resources::new(i64::from(row.cpu_milli), i64::from(row.memory_mib) * MIB),
            labels: row.labels.clone(),
            annotations: row.annotations.clone(),
            ..PodSpec::default()
        });
        self.snapshot.pods.push(Pod {
            key: PodKey::new(&row.namespace, &row.name),
            spec,
            node: Some(node.clone()),
            phase: PodPhase::Running,
            created: self.snapshot.at - millis(row.age_ms),
            usage: None,
            nominated: None,
            deletion_cost: 0,
            started: None,
        });
        self.movers.push(MoverRow { candidate, pod });
    }

    pub(super) fn step(&mut self, row: Step) -> Result<(), String> {
        let kind = STEP_KINDS.into_iter().find(|known| *known == row.kind);
        let kind =
            kind.ok_or_else(|| format!("steps: kind: `{}` is none of {}", row.kind, STEP_KINDS.join(", ")))?;
        self.steps.push(StepRow {
            id: StepId {
                cycle: self.snapshot.cycle,
                ordinal: place(self.steps.len()),
            },
            kind,
            group: row.group,
            namespace: row.namespace,
            object: row.object,
            from: row.from,
            to: row.to,
            pods: row.pods,
            adds: price("adds", row.adds)?,
            saves: price("saves", row.saves)?,
        });
        Ok(())
    }

    pub(super) fn spec(&mut self, spec: PodSpec) -> SpecIx {
        self.snapshot.specs.push(Arc::new(spec));
        place(self.snapshot.specs.len() - 1)
    }
}

pub(super) fn group_kind(kind: Kind) -> GroupKind {
    match kind {
        Kind::Asg => GroupKind::Asg,
        Kind::Managed => GroupKind::ManagedNodeGroup,
        Kind::Kops => GroupKind::KopsInstanceGroup,
        Kind::Fleet => GroupKind::Fleet,
        Kind::Fargate => GroupKind::FargateProfile,
        Kind::Ecs => GroupKind::EcsCapacityProvider,
        Kind::Kwok => GroupKind::Kwok,
        Kind::Simulated => GroupKind::Simulated,
    }
}

fn group(name: GroupName, kind: GroupKind, labels: Labels) -> Group {
    Group {
        name,
        uid: None,
        kind,
        min: 0,
        max: 100,
        desired: 10,
        launch: LaunchMode::Desired,
        instances: Vec::new(),
        labels,
        taints: Vec::new(),
        fargate_selectors: Vec::new(),
        foreign: None,
        rolling: None,
        options: GroupOptions::default(),
    }
}

pub(super) fn owner(kind: &str, namespace: &str, name: &str) -> Option<WorkloadKey> {
    (!kind.is_empty()).then(|| WorkloadKey::new(kind, namespace, name))
}

pub(super) fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

pub(super) fn millis(millis: u32) -> Span {
    Span::from_millis(i64::from(millis))
}

pub(super) fn price(field: &str, dollars: Option<f64>) -> Result<Option<UsdPerHour>, String> {
    let read =
        |dollars| UsdPerHour::from_dollars(dollars).ok_or_else(|| format!("{field}: {dollars} is no price"));
    dollars.map(read).transpose()
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
pub(super) fn milli(field: &str, value: f64) -> Result<i64, String> {
    if (0.0..=1e15).contains(&value) {
        Ok((value * 1000.0).round() as i64)
    } else {
        Err(format!("{field}: {value} is out of range"))
    }
}
