//! Rows of a View: a class of demand, an offer set, a workload, a node that could be given up, a pod on it, a step
//! of the plan. What is there whatever the question is in `cluster`. Cheap to copy; every figure is read from its
//! column.

use crate::columns::Keyed;
use crate::view::{View, Word};

/// A class of demand: pods that no scheduling rule can tell apart.
#[derive(Clone, Copy)]
pub struct Class<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) row: u32,
}

/// All offers of a group that are bought alike.
#[derive(Clone, Copy)]
pub struct Set<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) row: u32,
}

/// A workload that may be scaled.
#[derive(Clone, Copy)]
pub struct Workload<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) row: u32,
}

/// A node that could be given up.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) row: u32,
}

/// A pod that would have to move.
#[derive(Clone, Copy)]
pub struct Mover<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) row: u32,
}

/// A step of the plan that begins something.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) row: u32,
}

/// Why another node should take a candidate's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Due {
    /// Nothing asks for it.
    #[default]
    No,
    /// It is as old as it may become.
    Expired,
    /// Its group would make it otherwise today.
    Drifted,
    /// For a reason that this SDK does not know.
    Other,
}

/// Kinds of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// Self-managed Auto Scaling group.
    Asg,
    /// EKS managed node group.
    ManagedNodeGroup,
    /// kops instance group.
    Kops,
    /// Plimsoll's fleet.
    Fleet,
    /// EKS Fargate profile.
    Fargate,
    /// ECS capacity provider.
    Ecs,
    /// kwok nodes.
    Kwok,
    /// The simulator's.
    Simulated,
    /// One that this SDK does not know: nodes of some kind.
    Other,
}

/// How instances are paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purchase {
    /// Several ways in one set.
    Mixed,
    /// On demand.
    OnDemand,
    /// Spot.
    Spot,
    /// Reserved.
    Reserved,
}

macro_rules! figures {
    ($row:ident { $($(#[$doc:meta])* $name:ident: $type:ty = $of:ident($column:ident),)* }) => {
        impl $row<'_> {
            /// Number of the row.
            pub fn row(self) -> u32 {
                self.row
            }

            $($(#[$doc])* pub fn $name(self) -> $type {
                $of(self.view.$column(), self.row)
            })*
        }
    };
}

macro_rules! words {
    ($row:ident { $($(#[$doc:meta])* $name:ident = $column:ident,)* }) => {
        impl $row<'_> {
            $($(#[$doc])* pub fn $name(self) -> Word {
                self.view.text(self.view.$column(), self.row)
            })*
        }
    };
}

mod cluster;

pub use cluster::{Group, Metric, Node, Offer, Phase, Pod};

figures!(Class {
    /// Request of one pod, millicores.
    cpu_milli: u32 = number(class_cpu),
    /// Request of one pod, MiB, rounded up.
    memory_mib: u32 = number(class_memory),
    /// Pods that wait.
    pending: u32 = number(class_pending),
    /// Replicas that have no pod yet.
    to_come: u32 = number(class_to_come),
    /// Virtual pods.
    headroom: u32 = number(class_headroom),
    /// Cheapest EC2 price of one pod on a node used to the full, dollars per hour; `None` where none fits.
    ec2_price: Option<f64> = perhaps(class_ec2_price),
    /// Price of one pod on Fargate, dollars per hour; `None` where it cannot run there.
    fargate_price: Option<f64> = perhaps(class_fargate_price),
    /// `spec.priority`.
    priority: i32 = signed(class_priority),
});

words!(Class {
    /// Namespace; empty for virtual pods.
    namespace = class_namespace,
    /// Kind of the owner (`Deployment`, `Job`, …); empty where none.
    owner_kind = class_owner_kind,
    /// Name of the owner; empty where none.
    owner_name = class_owner_name,
});

impl Class<'_> {
    /// Value of a pod label; empty where absent.
    pub fn label(self, key: &str) -> Word {
        self.view.text(&self.view.keyed(Keyed::ClassLabel, key), self.row)
    }

    /// Value of a `plimsoll.io/…` annotation; empty where absent.
    pub fn annotation(self, key: &str) -> Word {
        self.view
            .text(&self.view.keyed(Keyed::ClassAnnotation, key), self.row)
    }

    /// Units of an extended resource that one pod asks for.
    pub fn extended(self, resource: &str) -> u32 {
        number(&self.view.keyed(Keyed::ClassExtended, resource), self.row)
    }
}

figures!(Set {
    /// Offers in it.
    offers: u32 = number(set_offers),
    /// Price of its cheapest offer, dollars per hour.
    min_price: f64 = amount(set_min_price),
    /// Nodes that its group has.
    nodes: u32 = number(set_nodes),
    /// Requested share of the group's CPU, thousandths.
    cpu_requested: u32 = number(set_cpu_requested),
    /// Requested share of the group's memory, thousandths.
    memory_requested: u32 = number(set_memory_requested),
    /// Used share of the group's CPU, thousandths.
    cpu_used: Option<u32> = known(set_cpu_used),
    /// Used share of the group's memory, thousandths.
    memory_used: Option<u32> = known(set_memory_used),
    /// Median of the group's last boot times, milliseconds.
    boot_ms: Option<u32> = known(set_boot_ms),
    /// Kind of its group.
    kind: GroupKind = kind(set_kind),
    /// How its instances are paid for.
    purchase: Purchase = purchase(set_purchase),
});

words!(Set {
    /// `group` or `group/arch/purchase`.
    name = set_name,
    /// Name of its group.
    group = set_group,
    /// `amd64`, `arm64`, …; empty where it has several.
    arch = set_arch,
});

impl Set<'_> {
    /// Value of a label of its group's nodes; empty where absent.
    pub fn label(self, key: &str) -> Word {
        self.view.text(&self.view.keyed(Keyed::SetLabel, key), self.row)
    }

    /// Whether pods run on Fargate there.
    pub fn is_fargate(self) -> bool {
        self.kind() == GroupKind::Fargate
    }
}

figures!(Workload {
    /// Replicas now.
    replicas: u32 = number(workload_replicas),
    /// Ready pods.
    ready: u32 = number(workload_ready),
    /// Fewest replicas.
    min: u32 = number(workload_min),
    /// Most replicas.
    max: u32 = number(workload_max),
    /// Target: share of the request for `cpu` and `memory`, else units per replica.
    target: f64 = amount(workload_target),
    /// Value of the metric, summed over `pods`; `None` where it is missing.
    value: Option<f64> = perhaps(workload_value),
    /// Age of the value, milliseconds.
    age_ms: u32 = number(workload_age_ms),
    /// Pods that contributed to the value.
    pods: u32 = number(workload_pods),
    /// Request of one pod in the unit of the value; 0 for metrics other than `cpu` and `memory`.
    request: f64 = amount(workload_request),
    /// Highest recommendation of the last five minutes; the replicas now where there was none.
    recent_max: u32 = number(workload_recent_max),
});

words!(Workload {
    /// Kind: `Deployment`, `StatefulSet`, …
    kind = workload_kind,
    /// Namespace.
    namespace = workload_namespace,
    /// Name.
    name = workload_name,
    /// Metric to hold at the target.
    metric = workload_metric,
});

impl Workload<'_> {
    /// Value of a label of its pods; empty where absent.
    pub fn label(self, key: &str) -> Word {
        self.view
            .text(&self.view.keyed(Keyed::WorkloadLabel, key), self.row)
    }

    /// Value of a `plimsoll.io/…` annotation of its pods; empty where absent.
    pub fn annotation(self, key: &str) -> Word {
        self.view
            .text(&self.view.keyed(Keyed::WorkloadAnnotation, key), self.row)
    }
}

figures!(Candidate {
    /// Age, milliseconds.
    age_ms: u32 = number(candidate_age_ms),
    /// Pods that would have to move.
    moves: u32 = number(candidate_moves),
    /// Requested share of CPU, thousandths.
    cpu_requested: u32 = number(candidate_cpu_requested),
    /// Requested share of memory, thousandths.
    memory_requested: u32 = number(candidate_memory_requested),
    /// Used share of CPU, thousandths.
    cpu_used: Option<u32> = known(candidate_cpu_used),
    /// Used share of memory, thousandths.
    memory_used: Option<u32> = known(candidate_memory_used),
    /// For how long it could have gone, milliseconds; `None`: it could not until now.
    unneeded_ms: Option<u32> = known(candidate_unneeded_ms),
    /// Price, dollars per hour; `None` where nobody knows it.
    price: Option<f64> = perhaps(candidate_price),
    /// Why another should take its place.
    due: Due = due(candidate_due),
});

words!(Candidate {
    /// Name of the node.
    name = candidate_name,
    /// Name of its group.
    group = candidate_group,
});

impl<'a> Candidate<'a> {
    /// Value of a label of the node; empty where absent.
    pub fn label(self, key: &str) -> Word {
        self.view
            .text(&self.view.keyed(Keyed::CandidateLabel, key), self.row)
    }

    /// Pods that would have to move for it.
    pub fn movers(self) -> impl Iterator<Item = Mover<'a>> + Clone {
        let rows = self.view.mover_candidate();
        let begin = rows.partition_point(|candidate| *candidate < self.row);
        let end = rows.partition_point(|candidate| *candidate <= self.row);
        let view = self.view;
        let row = |at| u32::try_from(at).unwrap_or(u32::MAX);
        (begin..end).map(move |at| Mover { view, row: row(at) })
    }
}

figures!(Mover {
    /// Request, millicores.
    cpu_milli: u32 = number(mover_cpu),
    /// Request, MiB, rounded up.
    memory_mib: u32 = number(mover_memory),
    /// Age, milliseconds.
    age_ms: u32 = number(mover_age_ms),
});

words!(Mover {
    /// Namespace.
    namespace = mover_namespace,
    /// Name of the pod.
    name = mover_name,
    /// Kind of the owner (`Deployment`, `Job`, …); empty where none.
    owner_kind = mover_owner_kind,
    /// Name of the owner; empty where none.
    owner_name = mover_owner_name,
});

impl Mover<'_> {
    /// Value of a label; empty where absent.
    pub fn label(self, key: &str) -> Word {
        self.view.text(&self.view.keyed(Keyed::MoverLabel, key), self.row)
    }

    /// Value of a `plimsoll.io/…` annotation; empty where absent.
    pub fn annotation(self, key: &str) -> Word {
        self.view
            .text(&self.view.keyed(Keyed::MoverAnnotation, key), self.row)
    }
}

figures!(Step {
    /// Replicas, size or maximum before; 0 where it has none.
    from: u32 = number(step_from),
    /// The same after.
    to: u32 = number(step_to),
    /// Pods that it is for, or that would have to move.
    pods: u32 = number(step_pods),
    /// What it adds to the bill, dollars per hour; `None` where nobody knows.
    adds: Option<f64> = perhaps(step_adds),
    /// What it takes off the bill once it is through, dollars per hour; `None` where nobody knows.
    saves: Option<f64> = perhaps(step_saves),
});

words!(Step {
    /// Kind: `GrowGroup`, `Cordon`, `ScaleWorkload`, …
    kind = step_kind,
    /// Group or Fargate profile that it changes; empty where none.
    group = step_group,
    /// Namespace of the workload or pod that it is about; empty where none.
    namespace = step_namespace,
    /// Name of the workload, pod, node or instance that it is about; empty where it is about a group.
    object = step_object,
});

fn number(column: &[u32], row: u32) -> u32 {
    column.get(row as usize).copied().unwrap_or(0)
}

fn known(column: &[u32], row: u32) -> Option<u32> {
    Some(number(column, row)).filter(|value| *value != u32::MAX)
}

fn amount(column: &[f64], row: u32) -> f64 {
    column.get(row as usize).copied().unwrap_or(0.0)
}

fn perhaps(column: &[f64], row: u32) -> Option<f64> {
    Some(amount(column, row)).filter(|value| *value >= 0.0)
}

fn signed(column: &[i32], row: u32) -> i32 {
    column.get(row as usize).copied().unwrap_or(0)
}

fn kind(column: &[u32], row: u32) -> GroupKind {
    match number(column, row) {
        1 => GroupKind::Asg,
        2 => GroupKind::ManagedNodeGroup,
        3 => GroupKind::Kops,
        4 => GroupKind::Fleet,
        5 => GroupKind::Fargate,
        6 => GroupKind::Ecs,
        7 => GroupKind::Kwok,
        8 => GroupKind::Simulated,
        _ => GroupKind::Other,
    }
}

fn purchase(column: &[u32], row: u32) -> Purchase {
    match number(column, row) {
        1 => Purchase::OnDemand,
        2 => Purchase::Spot,
        3 => Purchase::Reserved,
        _ => Purchase::Mixed,
    }
}

fn due(column: &[u32], row: u32) -> Due {
    match number(column, row) {
        0 => Due::No,
        1 => Due::Expired,
        2 => Due::Drifted,
        _ => Due::Other,
    }
}
