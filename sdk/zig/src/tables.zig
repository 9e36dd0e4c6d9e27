//! Every table and every column of the contract (sdk/wit/view.wit): a struct for each table, a field for each column.
//!
//! The type of a field is what a row gives: an optional where the value can be absent, a row where the column names a
//! row of another table, `By(T)` where it is asked for by a key. Nothing but the table; `view.zig` reads it.

const view = @import("view.zig");
const Row = view.Row;
const By = view.By;
const Text = []const u8;

/// Pods that no scheduling rule can tell apart (hooks placement and headroom; none elsewhere).
pub const Class = Row("class", "classes", struct {
    /// Request of one pod, millicores.
    cpu: u32,
    /// Request of one pod, MiB, rounded up.
    memory: u32,
    /// Request of one pod in units of the named extended resource; 0 where none.
    extended: By(u32),
    /// Pods that wait now.
    pending: u32,
    /// Replicas that are decided but have no pod yet.
    to_come: u32,
    /// Virtual pods that keep room.
    headroom: u32,
    /// Cheapest EC2 price of the share that one pod needs, on a node used to the full; null where none fits.
    ec2_price: ?f64,
    /// Price of the smallest Fargate size that holds one pod; null where Fargate cannot run it.
    fargate_price: ?f64,
    /// `spec.priority` of its pods.
    priority: i32,
    /// Namespace; empty for virtual pods.
    namespace: Text,
    /// Kind of the owner (`Deployment`, `Job`, …), ReplicaSets resolved to their Deployment; empty where none.
    owner_kind: Text,
    /// Name of the owner; empty where none.
    owner_name: Text,
    /// Value of one pod label; empty where absent.
    label: By(Text),
    /// Value of one `plimsoll.io/…` annotation of the pods; empty where absent.
    annotation: By(Text),
});

/// All offers of one group that are bought alike (hooks placement and headroom; none elsewhere).
pub const Set = Row("set", "sets", struct {
    /// `group` or `group/arch/purchase`.
    name: Text,
    /// Name of the group.
    group: Text,
    /// Kind of the group.
    kind: GroupKind,
    /// `amd64`, `arm64`, …; empty where it has several.
    arch: Text,
    /// How its instances are paid.
    purchase: Purchase,
    /// Offers in it.
    offers: u32,
    /// Price of its cheapest offer, dollars per hour.
    min_price: f64,
    /// Nodes that the group has.
    nodes: u32,
    /// Share of the group's CPU that is requested, thousandths; 0 where it has no nodes.
    cpu_requested: u32,
    /// Share of the group's memory that is requested, thousandths; 0 where it has no nodes.
    memory_requested: u32,
    /// Share of the group's CPU in use, thousandths.
    cpu_used: ?u32,
    /// Share of the group's memory in use, thousandths.
    memory_used: ?u32,
    /// Median of the group's last boot times, milliseconds.
    boot_ms: ?u32,
    /// Value of one label of the group's nodes; empty where absent.
    label: By(Text),
});

/// A workload that may be scaled (hook scaler; none elsewhere).
pub const Workload = Row("workload", "workloads", struct {
    /// `Deployment`, `StatefulSet`, …
    kind: Text,
    /// Namespace.
    namespace: Text,
    /// Name.
    name: Text,
    /// Replicas now.
    replicas: u32,
    /// Ready pods.
    ready: u32,
    /// Fewest replicas allowed. The engine clamps every answer to the bounds.
    min: u32,
    /// Most replicas allowed.
    max: u32,
    /// Metric to hold at the target: `cpu`, `memory`, or a name of the operator's.
    metric: Text,
    /// Share of the request for `cpu` and `memory` (0.6 is 60 %), else units per replica.
    target: f64,
    /// Value of the metric, summed over `pods`; null where it is missing.
    value: ?f64,
    /// Age of the value, milliseconds.
    age_ms: u32,
    /// Pods that contributed to the value.
    pods: u32,
    /// Request of one pod in the unit of the value; 0 for metrics other than `cpu` and `memory`.
    request: f64,
    /// Highest number of replicas recommended in the last five minutes; the replicas now where none was.
    recent_max: u32,
    /// Value of one label of its pods; empty where absent.
    label: By(Text),
    /// Value of one `plimsoll.io/…` annotation of its pods; empty where absent.
    annotation: By(Text),
});

/// A node that could be given up (hook disruption; none elsewhere).
pub const Candidate = Row("candidate", "candidates", struct {
    /// Name of the node.
    name: Text,
    /// Name of its group.
    group: Text,
    /// Price of the node, dollars per hour; null where nobody knows it.
    price: ?f64,
    /// Age of the node, milliseconds.
    age_ms: u32,
    /// Pods that would have to move.
    moves: u32,
    /// Requested share of the node's CPU, thousandths.
    cpu_requested: u32,
    /// Requested share of the node's memory, thousandths.
    memory_requested: u32,
    /// Share of the node's CPU in use, thousandths.
    cpu_used: ?u32,
    /// Share of the node's memory in use, thousandths.
    memory_used: ?u32,
    /// For how long it could have gone so far, milliseconds; null where it could not until now.
    unneeded_ms: ?u32,
    /// Why another should take its place.
    due: Due,
    /// Value of one label of the node; empty where absent.
    label: By(Text),
});

/// A pod that would have to move, in the order of the candidates (hook disruption; none elsewhere).
pub const Mover = Row("mover", "movers", struct {
    /// Candidate of its node; never falls from row to row.
    candidate: Candidate,
    /// Namespace.
    namespace: Text,
    /// Name of the pod.
    name: Text,
    /// Kind of the owner (`Deployment`, `Job`, …), ReplicaSets resolved to their Deployment; empty where none.
    owner_kind: Text,
    /// Name of the owner; empty where none.
    owner_name: Text,
    /// Request, millicores.
    cpu: u32,
    /// Request, MiB, rounded up.
    memory: u32,
    /// Age of the pod, milliseconds.
    age_ms: u32,
    /// Value of one label of the pod; empty where absent.
    label: By(Text),
    /// Value of one `plimsoll.io/…` annotation of the pod; empty where absent.
    annotation: By(Text),
});

/// A step of the plan that begins something (hook review; none elsewhere).
pub const Step = Row("step", "steps", struct {
    /// `ScaleWorkload`, `GrowGroup`, `SetBounds`, `PlaceOnFargate`, `Remake`, `Cordon`, `RemoveInstance`, …
    kind: Text,
    /// Group or Fargate profile that it changes; empty where none.
    group: Text,
    /// Namespace of the workload or pod that it is about; empty where none.
    namespace: Text,
    /// Name of the workload, pod, node or instance that it is about; empty where it is about a group.
    object: Text,
    /// Replicas, size or maximum before; 0 elsewhere.
    from: u32,
    /// The same after.
    to: u32,
    /// Pods that it is for, or that would have to move.
    pods: u32,
    /// What it adds to the bill, dollars per hour; null where nobody knows.
    adds: ?f64,
    /// What it takes off the bill once it is through, dollars per hour; null where nobody knows.
    saves: ?f64,
});

/// Whatever capacity is changed in, Fargate profiles among them, sorted by name (every hook).
pub const Group = Row("group", "groups", struct {
    /// Name.
    name: Text,
    /// Kind.
    kind: GroupKind,
    /// Fewest instances.
    min: u32,
    /// Most instances.
    max: u32,
    /// Instances that the provider was asked for last.
    desired: u32,
    /// Nodes of it that are in the cluster.
    nodes: u32,
    /// Whether somebody else owns its size, so that Plimsoll never changes it.
    foreign: bool,
    /// Share of its CPU that is requested, thousandths, smoothed over cycles; 0 where it has no nodes.
    cpu_requested: u32,
    /// Share of its memory that is requested, the same way.
    memory_requested: u32,
    /// Share of its CPU in use, thousandths, smoothed over cycles.
    cpu_used: ?u32,
    /// Share of its memory in use, the same way.
    memory_used: ?u32,
    /// Median of its last boot times, milliseconds.
    boot_ms: ?u32,
    /// For how long it has had fewer instances than it was asked for, for want of capacity; null: nothing is wanting.
    short_ms: ?u32,
    /// Value of one label of its nodes; empty where absent.
    label: By(Text),
});

/// What can be bought in which group: an instance type in a zone or a Fargate size (every hook).
pub const Offer = Row("offer", "offers", struct {
    /// Group.
    group: Group,
    /// Instance type (`m6a.xlarge`); empty for a Fargate size.
    type: Text,
    /// Zone; empty for a Fargate size.
    zone: Text,
    /// `amd64` or `arm64`; empty for a Fargate size.
    arch: Text,
    /// How it is paid; `several_ways` for a Fargate size.
    purchase: Purchase,
    /// What pods can use of one, millicores.
    cpu: u32,
    /// What pods can use of one, MiB, rounded down.
    memory: u32,
    /// Most pods on one; 1 for a Fargate size.
    pods: u32,
    /// What pods can use of one of the named extended resource; 0 where none.
    extended: By(u32),
    /// Price, dollars per hour.
    price: f64,
    /// How far the price can be trusted.
    confidence: Confidence,
    /// Chance that it is taken back within a month, thousandths; null where nobody knows.
    interruptions: ?u32,
    /// For how long it will not be bought, milliseconds; 0 where it may be.
    barred_ms: u32,
    /// Value of one label of a node bought so; empty where absent.
    label: By(Text),
});

/// A node, sorted by name (every hook).
pub const Node = Row("node", "nodes", struct {
    /// Name.
    name: Text,
    /// Group.
    group: ?Group,
    /// Offer.
    offer: ?Offer,
    /// State.
    state: NodeState,
    /// Price, dollars per hour; null where nobody knows it.
    price: ?f64,
    /// Age, milliseconds.
    age_ms: u32,
    /// What pods can use, millicores.
    cpu: u32,
    /// What pods can use, MiB, rounded down.
    memory: u32,
    /// Most pods.
    pods: u32,
    /// What pods can use of the named extended resource; 0 where none.
    extended: By(u32),
    /// CPU in use, millicores.
    cpu_used: ?u32,
    /// Memory in use, MiB, rounded up.
    memory_used: ?u32,
    /// Value of one label; empty where absent.
    label: By(Text),
});

/// A pod, sorted by namespace and name, finished ones among them (every hook).
pub const Pod = Row("pod", "pods", struct {
    /// Namespace.
    namespace: Text,
    /// Name.
    name: Text,
    /// Node; null where it has none.
    node: ?Node,
    /// Phase.
    phase: Phase,
    /// Age, milliseconds.
    age_ms: u32,
    /// Request, millicores.
    cpu: u32,
    /// Request, MiB, rounded up.
    memory: u32,
    /// Request of the named extended resource; 0 where none.
    extended: By(u32),
    /// CPU in use, millicores.
    cpu_used: ?u32,
    /// Memory in use, MiB, rounded up.
    memory_used: ?u32,
    /// `spec.priority`.
    priority: i32,
    /// Kind of the owner (`Deployment`, `Job`, …), ReplicaSets resolved to their Deployment; empty where none.
    owner_kind: Text,
    /// Name of the owner; empty where none.
    owner_name: Text,
    /// Value of one label; empty where absent.
    label: By(Text),
    /// Value of one `plimsoll.io/…` annotation; empty where absent.
    annotation: By(Text),
});

/// A figure that is known about a workload, whether or not the workload is scaled (every hook).
pub const Metric = Row("metric", "metrics", struct {
    /// `cpu`, `memory`, or a name of the operator's.
    name: Text,
    /// Kind of the workload.
    kind: Text,
    /// Namespace of the workload.
    namespace: Text,
    /// Name of the workload.
    workload: Text,
    /// Value, summed over `pods`.
    value: f64,
    /// Age of the value, milliseconds.
    age_ms: u32,
    /// Pods that contributed to it.
    pods: u32,
});

/// A past value of a workload, in the order of the workloads, oldest first (hook scaler; none elsewhere).
pub const Sample = Row("sample", "samples", struct {
    /// Workload; never falls from row to row.
    workload: Workload,
    /// How long before now it was measured, milliseconds.
    age_ms: u32,
    /// The value, in the unit of the workload's.
    value: f64,
});

/// Demand of a recent cycle, oldest first (every hook).
pub const History = Row("history", "history", struct {
    /// How long before now, milliseconds.
    age_ms: u32,
    /// Pods that waited.
    pending: u32,
});

/// Kind of a group. Later versions may show more; treat what you do not know as EC2.
pub const GroupKind = enum(u32) {
    asg = 1,
    managed_node_group,
    kops,
    fleet,
    fargate,
    ecs,
    kwok,
    simulated,
    _,
};

/// How instances are paid.
pub const Purchase = enum(u32) { several_ways, on_demand, spot, reserved, _ };

/// Why another node should take a candidate's place. Later versions may show more.
pub const Due = enum(u32) { nothing, expired, drifted, _ };

/// How far a price can be trusted: `read` from the provider or the operator's file.
pub const Confidence = enum(u32) { read = 1, built_in, estimated, nobody_knows, _ };

/// Phase of a pod. Later versions may show more.
pub const Phase = enum(u32) { pending, running, terminating, finished, _ };

/// State of a node. Later versions may show more.
pub const NodeState = packed struct(u32) {
    ready: bool,
    cordoned: bool,
    being_deleted: bool,
    of_fargate: bool,
    kept: bool,
    drained: bool,
    taken_away: bool,
    later: u25,
};
