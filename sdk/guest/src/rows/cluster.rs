//! Rows of what is there, whatever the question: groups, offers, nodes, pods, metrics, and past values of a workload.

use super::{GroupKind, Purchase, Workload, amount, kind, known, number, perhaps, signed};
use crate::columns::Keyed;
use crate::view::{View, Word};

/// A set of nodes that grows and shrinks by one knob, or a Fargate profile.
#[derive(Clone, Copy)]
pub struct Group<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) row: u32,
}

/// One thing that can be bought in one group.
#[derive(Clone, Copy)]
pub struct Offer<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) row: u32,
}

/// A node of the cluster.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) row: u32,
}

/// A pod of the cluster.
#[derive(Clone, Copy)]
pub struct Pod<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) row: u32,
}

/// A figure about a workload.
#[derive(Clone, Copy)]
pub struct Metric<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) row: u32,
}

/// Where a pod stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Waits for a node.
    Pending,
    /// Held back by scheduling gates.
    Gated,
    /// Bound to a node, not ready yet.
    Starting,
    /// Ready.
    #[default]
    Running,
    /// On its way out.
    Terminating,
    /// Succeeded or failed.
    Finished,
    /// One that this SDK does not know.
    Other,
}

figures!(Group {
    /// Kind.
    kind: GroupKind = kind(group_kind),
    /// Fewest instances.
    min: u32 = number(group_min),
    /// Most instances.
    max: u32 = number(group_max),
    /// Instances that the provider was asked for last.
    desired: u32 = number(group_desired),
    /// Nodes of it that are in the cluster.
    nodes: u32 = number(group_nodes),
    /// Somebody else owns its size.
    is_foreign: bool = flag(group_foreign),
    /// Requested share of CPU, thousandths.
    cpu_requested: u32 = number(group_cpu_requested),
    /// Requested share of memory, thousandths.
    memory_requested: u32 = number(group_memory_requested),
    /// Used share of CPU, thousandths.
    cpu_used: Option<u32> = known(group_cpu_used),
    /// Used share of memory, thousandths.
    memory_used: Option<u32> = known(group_memory_used),
    /// Median of its last boot times, milliseconds.
    boot_ms: Option<u32> = known(group_boot_ms),
    /// Milliseconds since the provider said last that it wants for capacity; `None` where it does not.
    short_ms: Option<u32> = known(group_short_ms),
});

words!(Group {
    /// Name.
    name = group_name,
});

figures!(Offer {
    /// What pods can use of one, millicores.
    cpu_milli: u32 = number(offer_cpu),
    /// What pods can use of one, MiB.
    memory_mib: u32 = number(offer_memory),
    /// Most pods on one; 1 for a Fargate size.
    pods: u32 = number(offer_pods),
    /// Price, dollars per hour.
    price: f64 = amount(offer_price),
    /// How it is paid; `None` for a Fargate size.
    purchase: Option<Purchase> = paid(offer_purchase),
    /// How far the price can be trusted: 1 read, 2 built in, 3 estimated, 4 nobody knows.
    confidence: u32 = number(offer_confidence),
    /// Chance that it is taken back within a month, thousandths.
    interruptions: Option<u32> = known(offer_interruptions),
    /// For how long it is not bought, for want of capacity, milliseconds; 0 where it may be.
    barred_ms: u32 = number(offer_barred_ms),
});

words!(Offer {
    /// Instance type; empty for a Fargate size.
    instance_type = offer_type,
    /// Zone; empty for a Fargate size.
    zone = offer_zone,
    /// `amd64` or `arm64`; empty for a Fargate size.
    arch = offer_arch,
});

figures!(Node {
    /// Price, dollars per hour; `None` where nobody knows it.
    price: Option<f64> = perhaps(node_price),
    /// Age, milliseconds.
    age_ms: u32 = number(node_age_ms),
    /// What pods can use, millicores.
    cpu_milli: u32 = number(node_cpu),
    /// What pods can use, MiB.
    memory_mib: u32 = number(node_memory),
    /// Most pods.
    max_pods: u32 = number(node_pods),
    /// CPU in use, millicores.
    cpu_used: Option<u32> = known(node_cpu_used),
    /// Memory in use, MiB.
    memory_used: Option<u32> = known(node_memory_used),
    /// Its state, the contract's sum.
    state: u32 = number(node_state),
});

words!(Node {
    /// Name.
    name = node_name,
});

figures!(Pod {
    /// Where it stands in its life.
    phase: Phase = phase(pod_phase),
    /// Age, milliseconds.
    age_ms: u32 = number(pod_age_ms),
    /// Request, millicores.
    cpu_milli: u32 = number(pod_cpu),
    /// Request, MiB, rounded up.
    memory_mib: u32 = number(pod_memory),
    /// CPU in use, millicores.
    cpu_used: Option<u32> = known(pod_cpu_used),
    /// Memory in use, MiB.
    memory_used: Option<u32> = known(pod_memory_used),
    /// `spec.priority`.
    priority: i32 = signed(pod_priority),
});

words!(Pod {
    /// Namespace.
    namespace = pod_namespace,
    /// Name.
    name = pod_name,
    /// Kind of the owner (`Deployment`, `Job`, …); empty where none.
    owner_kind = pod_owner_kind,
    /// Name of the owner; empty where none.
    owner_name = pod_owner_name,
});

figures!(Metric {
    /// Value, summed over `pods`: millicores for `cpu`, bytes for `memory`, else the metric's unit.
    value: f64 = amount(metric_value),
    /// Age of the value, milliseconds.
    age_ms: u32 = number(metric_age_ms),
    /// Pods that contributed to it.
    pods: u32 = number(metric_pods),
});

words!(Metric {
    /// `cpu`, `memory`, or a name of the operator's.
    name = metric_name,
    /// Kind of the workload.
    kind = metric_kind,
    /// Namespace of the workload.
    namespace = metric_namespace,
    /// Name of the workload.
    workload = metric_workload,
});

impl Group<'_> {
    /// Value of a label of its nodes; empty where absent.
    pub fn label(self, key: &str) -> Word {
        self.view.text(&self.view.keyed(Keyed::GroupLabel, key), self.row)
    }
}

impl<'a> Offer<'a> {
    /// The group that buys it.
    pub fn group(self) -> Group<'a> {
        let row = number(self.view.offer_group(), self.row);
        Group { view: self.view, row }
    }

    /// Units of an extended resource that pods can use of one.
    pub fn extended(self, resource: &str) -> u32 {
        number(&self.view.keyed(Keyed::OfferExtended, resource), self.row)
    }

    /// Value of a label of a node bought so; empty where absent.
    pub fn label(self, key: &str) -> Word {
        self.view.text(&self.view.keyed(Keyed::OfferLabel, key), self.row)
    }
}

impl<'a> Node<'a> {
    /// Its group, where it has one.
    pub fn group(self) -> Option<Group<'a>> {
        let row = known(self.view.node_group(), self.row)?;
        Some(Group { view: self.view, row })
    }

    /// What it is an instance of, where that is known.
    pub fn offer(self) -> Option<Offer<'a>> {
        let row = known(self.view.node_offer(), self.row)?;
        Some(Offer { view: self.view, row })
    }

    /// Ready.
    pub fn is_ready(self) -> bool {
        self.is(1)
    }

    /// Cordoned.
    pub fn is_cordoned(self) -> bool {
        self.is(2)
    }

    /// The node of one Fargate pod.
    pub fn is_fargate(self) -> bool {
        self.is(8)
    }

    /// Going: deleted, drained by Plimsoll, or taken by the provider.
    pub fn goes(self) -> bool {
        self.is(4 | 32 | 64)
    }

    /// Units of an extended resource that pods can use.
    pub fn extended(self, resource: &str) -> u32 {
        number(&self.view.keyed(Keyed::NodeExtended, resource), self.row)
    }

    /// Value of a label; empty where absent.
    pub fn label(self, key: &str) -> Word {
        self.view.text(&self.view.keyed(Keyed::NodeLabel, key), self.row)
    }

    fn is(self, codes: u32) -> bool {
        self.state() & codes != 0
    }
}

impl<'a> Pod<'a> {
    /// Where it runs or is bound; `None` while it waits.
    pub fn node(self) -> Option<Node<'a>> {
        let row = known(self.view.pod_node(), self.row)?;
        Some(Node { view: self.view, row })
    }

    /// Units of an extended resource that it asks for.
    pub fn extended(self, resource: &str) -> u32 {
        number(&self.view.keyed(Keyed::PodExtended, resource), self.row)
    }

    /// Value of a label; empty where absent.
    pub fn label(self, key: &str) -> Word {
        self.view.text(&self.view.keyed(Keyed::PodLabel, key), self.row)
    }

    /// Value of a `plimsoll.io/…` annotation; empty where absent.
    pub fn annotation(self, key: &str) -> Word {
        self.view
            .text(&self.view.keyed(Keyed::PodAnnotation, key), self.row)
    }
}

impl Workload<'_> {
    /// What the value was in recent minutes, oldest first: how many milliseconds ago, and the value.
    pub fn past(self) -> impl Iterator<Item = (u32, f64)> {
        let rows = self.view.sample_workload();
        let begin = rows.partition_point(|workload| *workload < self.row);
        let end = rows.partition_point(|workload| *workload <= self.row);
        let ages = self.view.sample_age_ms().get(begin..end).unwrap_or_default();
        let values = self.view.sample_value().get(begin..end).unwrap_or_default();
        ages.iter().copied().zip(values.iter().copied())
    }
}

fn flag(column: &[u32], row: u32) -> bool {
    number(column, row) != 0
}

fn paid(column: &[u32], row: u32) -> Option<Purchase> {
    match number(column, row) {
        1 => Some(Purchase::OnDemand),
        2 => Some(Purchase::Spot),
        3 => Some(Purchase::Reserved),
        _ => None,
    }
}

fn phase(column: &[u32], row: u32) -> Phase {
    match number(column, row) {
        0 => Phase::Pending,
        1 => Phase::Gated,
        2 => Phase::Starting,
        3 => Phase::Running,
        4 => Phase::Terminating,
        5 => Phase::Finished,
        _ => Phase::Other,
    }
}
