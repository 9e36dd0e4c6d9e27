//! The real side of a View: the functions that the host gives.
//!
//! Not here: the functions that the host calls (`bridge`).

use crate::columns::{Amount, Keyed, Number, Tables, Text};
use crate::level::Level;
use imports::plimsoll::policy::host;
use imports::plimsoll::policy::view::View as Handle;

/// Whole column.
const ALL: u32 = u32::MAX;

/// The picture of this evaluation, lent by the host until the answer is given.
pub(crate) type Source<'a> = &'a Handle;

pub(crate) mod imports {
    wit_bindgen::generate!({ path: "../wit", world: "imports", generate_all });
}

pub(crate) fn now_ms(view: Source<'_>) -> u64 {
    view.now_ms()
}

pub(crate) fn seed(view: Source<'_>) -> u64 {
    view.seed()
}

pub(crate) fn cluster(view: Source<'_>) -> u32 {
    view.cluster()
}

pub(crate) fn tables(view: Source<'_>) -> Tables {
    Tables {
        classes: view.classes(),
        sets: view.sets(),
        workloads: view.workloads(),
        candidates: view.candidates(),
        movers: view.movers(),
        steps: view.steps(),
        groups: view.groups(),
        offers: view.offers(),
        nodes: view.nodes(),
        pods: view.pods(),
        metrics: view.metrics(),
    }
}

pub(crate) fn intern(view: Source<'_>, text: &str) -> u32 {
    view.intern(text)
}

pub(crate) fn resolve(view: Source<'_>, syms: &[u32]) -> Vec<String> {
    view.resolve(syms)
}

/// Fetches whole columns of one kind: which function of the contract each is.
macro_rules! columns {
    ($fetch:ident: $kind:ident -> $content:ty { $($variant:ident = $function:ident,)* }) => {
        pub(crate) fn $fetch(view: Source<'_>, which: $kind) -> Vec<$content> {
            match which {
                $($kind::$variant => view.$function(0, ALL),)*
            }
        }
    };
}

columns!(numbers: Number -> u32 {
    ClassCpu = class_cpu,
    ClassMemory = class_memory,
    ClassPending = class_pending,
    ClassToCome = class_to_come,
    ClassHeadroom = class_headroom,
    SetKind = set_kind,
    SetPurchase = set_purchase,
    SetOffers = set_offers,
    SetNodes = set_nodes,
    SetCpuRequested = set_cpu_requested,
    SetMemoryRequested = set_memory_requested,
    SetCpuUsed = set_cpu_used,
    SetMemoryUsed = set_memory_used,
    SetBoot = set_boot_ms,
    WorkloadReplicas = workload_replicas,
    WorkloadReady = workload_ready,
    WorkloadMin = workload_min,
    WorkloadMax = workload_max,
    WorkloadAge = workload_age_ms,
    WorkloadPods = workload_pods,
    WorkloadRecentMax = workload_recent_max,
    CandidateAge = candidate_age_ms,
    CandidateMoves = candidate_moves,
    CandidateCpuRequested = candidate_cpu_requested,
    CandidateMemoryRequested = candidate_memory_requested,
    CandidateCpuUsed = candidate_cpu_used,
    CandidateMemoryUsed = candidate_memory_used,
    CandidateUnneeded = candidate_unneeded_ms,
    CandidateDue = candidate_due,
    MoverCandidate = mover_candidate,
    MoverCpu = mover_cpu,
    MoverMemory = mover_memory,
    MoverAge = mover_age_ms,
    StepFrom = step_from,
    StepTo = step_to,
    StepPods = step_pods,
    HistoryAge = history_age_ms,
    HistoryPending = history_pending,
    GroupKind = group_kind,
    GroupMin = group_min,
    GroupMax = group_max,
    GroupDesired = group_desired,
    GroupNodes = group_nodes,
    GroupForeign = group_foreign,
    GroupCpuRequested = group_cpu_requested,
    GroupMemoryRequested = group_memory_requested,
    GroupCpuUsed = group_cpu_used,
    GroupMemoryUsed = group_memory_used,
    GroupBoot = group_boot_ms,
    GroupShort = group_short_ms,
    OfferGroup = offer_group,
    OfferPurchase = offer_purchase,
    OfferCpu = offer_cpu,
    OfferMemory = offer_memory,
    OfferPods = offer_pods,
    OfferConfidence = offer_confidence,
    OfferInterruptions = offer_interruptions,
    OfferBarred = offer_barred_ms,
    NodeGroup = node_group,
    NodeOffer = node_offer,
    NodeState = node_state,
    NodeAge = node_age_ms,
    NodeCpu = node_cpu,
    NodeMemory = node_memory,
    NodePods = node_pods,
    NodeCpuUsed = node_cpu_used,
    NodeMemoryUsed = node_memory_used,
    PodNode = pod_node,
    PodPhase = pod_phase,
    PodAge = pod_age_ms,
    PodCpu = pod_cpu,
    PodMemory = pod_memory,
    PodCpuUsed = pod_cpu_used,
    PodMemoryUsed = pod_memory_used,
    MetricAge = metric_age_ms,
    MetricPods = metric_pods,
    SampleWorkload = sample_workload,
    SampleAge = sample_age_ms,
});

columns!(amounts: Amount -> f64 {
    ClassEc2Price = class_ec2_price,
    ClassFargatePrice = class_fargate_price,
    SetMinPrice = set_min_price,
    WorkloadTarget = workload_target,
    WorkloadValue = workload_value,
    WorkloadRequest = workload_request,
    CandidatePrice = candidate_price,
    StepAdds = step_adds,
    StepSaves = step_saves,
    OfferPrice = offer_price,
    NodePrice = node_price,
    MetricValue = metric_value,
    SampleValue = sample_value,
});

pub(crate) fn priorities(view: Source<'_>) -> Vec<i32> {
    view.class_priority(0, ALL)
}

pub(crate) fn pod_priorities(view: Source<'_>) -> Vec<i32> {
    view.pod_priority(0, ALL)
}

pub(crate) fn state(view: Source<'_>) -> Vec<u8> {
    view.state()
}

pub(crate) fn keep(_: Source<'_>, state: &[u8]) {
    host::keep(state);
}

columns!(texts: Text -> u32 {
    ClassNamespace = class_namespace,
    ClassOwnerKind = class_owner_kind,
    ClassOwnerName = class_owner_name,
    SetName = set_name,
    SetGroup = set_group,
    SetArch = set_arch,
    WorkloadKind = workload_kind,
    WorkloadNamespace = workload_namespace,
    WorkloadName = workload_name,
    WorkloadMetric = workload_metric,
    CandidateName = candidate_name,
    CandidateGroup = candidate_group,
    MoverNamespace = mover_namespace,
    MoverName = mover_name,
    MoverOwnerKind = mover_owner_kind,
    MoverOwnerName = mover_owner_name,
    StepKind = step_kind,
    StepGroup = step_group,
    StepNamespace = step_namespace,
    StepObject = step_object,
    GroupName = group_name,
    OfferType = offer_type,
    OfferZone = offer_zone,
    OfferArch = offer_arch,
    NodeName = node_name,
    PodNamespace = pod_namespace,
    PodName = pod_name,
    PodOwnerKind = pod_owner_kind,
    PodOwnerName = pod_owner_name,
    MetricName = metric_name,
    MetricKind = metric_kind,
    MetricNamespace = metric_namespace,
    MetricWorkload = metric_workload,
});

pub(crate) fn keyed(view: Source<'_>, which: Keyed, key: &str) -> Vec<u32> {
    match which {
        Keyed::ClassLabel => view.class_label(key, 0, ALL),
        Keyed::ClassAnnotation => view.class_annotation(key, 0, ALL),
        Keyed::ClassExtended => view.class_extended(key, 0, ALL),
        Keyed::SetLabel => view.set_label(key, 0, ALL),
        Keyed::WorkloadLabel => view.workload_label(key, 0, ALL),
        Keyed::WorkloadAnnotation => view.workload_annotation(key, 0, ALL),
        Keyed::CandidateLabel => view.candidate_label(key, 0, ALL),
        Keyed::MoverLabel => view.mover_label(key, 0, ALL),
        Keyed::MoverAnnotation => view.mover_annotation(key, 0, ALL),
        Keyed::GroupLabel => view.group_label(key, 0, ALL),
        Keyed::OfferLabel => view.offer_label(key, 0, ALL),
        Keyed::OfferExtended => view.offer_extended(key, 0, ALL),
        Keyed::NodeLabel => view.node_label(key, 0, ALL),
        Keyed::NodeExtended => view.node_extended(key, 0, ALL),
        Keyed::PodLabel => view.pod_label(key, 0, ALL),
        Keyed::PodAnnotation => view.pod_annotation(key, 0, ALL),
        Keyed::PodExtended => view.pod_extended(key, 0, ALL),
    }
}

pub(crate) fn log(level: Level, message: &str) {
    let level = match level {
        Level::Debug => 0,
        Level::Info => 1,
        Level::Warning => 2,
        Level::Error => 3,
    };
    host::log(level, message);
}

pub(crate) fn explain(row: u32, code: u16, text: &str) {
    host::explain(row, code, text);
}
