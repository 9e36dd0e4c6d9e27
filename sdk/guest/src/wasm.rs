//! The real side of a View: the functions that the host gives, and the few that it calls.
//!
//! Only what generated bindings and the public API do not say themselves; nothing here is for authors.

use crate::view::{Amount, Keyed, Number, Tables, Text, View};
use crate::{Holds, Level, Prices, Replicas, Room, Verdicts};
use imports::plimsoll::policy::host;
use imports::plimsoll::policy::view::View as Handle;
use std::any::Any;
use std::cell::OnceCell;

/// Whole column.
const ALL: u32 = u32::MAX;

/// The picture of this evaluation, lent by the host until the answer is given.
pub(crate) type Source<'a> = &'a Handle;

mod imports {
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

pub(crate) fn numbers(view: Source<'_>, which: Number) -> Vec<u32> {
    match which {
        Number::ClassCpu => view.class_cpu(0, ALL),
        Number::ClassMemory => view.class_memory(0, ALL),
        Number::ClassPending => view.class_pending(0, ALL),
        Number::ClassToCome => view.class_to_come(0, ALL),
        Number::ClassHeadroom => view.class_headroom(0, ALL),
        Number::SetKind => view.set_kind(0, ALL),
        Number::SetPurchase => view.set_purchase(0, ALL),
        Number::SetOffers => view.set_offers(0, ALL),
        Number::SetNodes => view.set_nodes(0, ALL),
        Number::SetCpuRequested => view.set_cpu_requested(0, ALL),
        Number::SetMemoryRequested => view.set_memory_requested(0, ALL),
        Number::SetCpuUsed => view.set_cpu_used(0, ALL),
        Number::SetMemoryUsed => view.set_memory_used(0, ALL),
        Number::SetBoot => view.set_boot_ms(0, ALL),
        Number::WorkloadReplicas => view.workload_replicas(0, ALL),
        Number::WorkloadReady => view.workload_ready(0, ALL),
        Number::WorkloadMin => view.workload_min(0, ALL),
        Number::WorkloadMax => view.workload_max(0, ALL),
        Number::WorkloadAge => view.workload_age_ms(0, ALL),
        Number::WorkloadPods => view.workload_pods(0, ALL),
        Number::WorkloadRecentMax => view.workload_recent_max(0, ALL),
        Number::CandidateAge => view.candidate_age_ms(0, ALL),
        Number::CandidateMoves => view.candidate_moves(0, ALL),
        Number::CandidateCpuRequested => view.candidate_cpu_requested(0, ALL),
        Number::CandidateMemoryRequested => view.candidate_memory_requested(0, ALL),
        Number::CandidateCpuUsed => view.candidate_cpu_used(0, ALL),
        Number::CandidateMemoryUsed => view.candidate_memory_used(0, ALL),
        Number::CandidateUnneeded => view.candidate_unneeded_ms(0, ALL),
        Number::CandidateDue => view.candidate_due(0, ALL),
        Number::MoverCandidate => view.mover_candidate(0, ALL),
        Number::MoverCpu => view.mover_cpu(0, ALL),
        Number::MoverMemory => view.mover_memory(0, ALL),
        Number::MoverAge => view.mover_age_ms(0, ALL),
        Number::StepFrom => view.step_from(0, ALL),
        Number::StepTo => view.step_to(0, ALL),
        Number::StepPods => view.step_pods(0, ALL),
        Number::HistoryAge => view.history_age_ms(0, ALL),
        Number::HistoryPending => view.history_pending(0, ALL),
        Number::GroupKind => view.group_kind(0, ALL),
        Number::GroupMin => view.group_min(0, ALL),
        Number::GroupMax => view.group_max(0, ALL),
        Number::GroupDesired => view.group_desired(0, ALL),
        Number::GroupNodes => view.group_nodes(0, ALL),
        Number::GroupForeign => view.group_foreign(0, ALL),
        Number::GroupCpuRequested => view.group_cpu_requested(0, ALL),
        Number::GroupMemoryRequested => view.group_memory_requested(0, ALL),
        Number::GroupCpuUsed => view.group_cpu_used(0, ALL),
        Number::GroupMemoryUsed => view.group_memory_used(0, ALL),
        Number::GroupBoot => view.group_boot_ms(0, ALL),
        Number::GroupShort => view.group_short_ms(0, ALL),
        Number::OfferGroup => view.offer_group(0, ALL),
        Number::OfferPurchase => view.offer_purchase(0, ALL),
        Number::OfferCpu => view.offer_cpu(0, ALL),
        Number::OfferMemory => view.offer_memory(0, ALL),
        Number::OfferPods => view.offer_pods(0, ALL),
        Number::OfferConfidence => view.offer_confidence(0, ALL),
        Number::OfferInterruptions => view.offer_interruptions(0, ALL),
        Number::OfferBarred => view.offer_barred_ms(0, ALL),
        Number::NodeGroup => view.node_group(0, ALL),
        Number::NodeOffer => view.node_offer(0, ALL),
        Number::NodeState => view.node_state(0, ALL),
        Number::NodeAge => view.node_age_ms(0, ALL),
        Number::NodeCpu => view.node_cpu(0, ALL),
        Number::NodeMemory => view.node_memory(0, ALL),
        Number::NodePods => view.node_pods(0, ALL),
        Number::NodeCpuUsed => view.node_cpu_used(0, ALL),
        Number::NodeMemoryUsed => view.node_memory_used(0, ALL),
        Number::PodNode => view.pod_node(0, ALL),
        Number::PodPhase => view.pod_phase(0, ALL),
        Number::PodAge => view.pod_age_ms(0, ALL),
        Number::PodCpu => view.pod_cpu(0, ALL),
        Number::PodMemory => view.pod_memory(0, ALL),
        Number::PodCpuUsed => view.pod_cpu_used(0, ALL),
        Number::PodMemoryUsed => view.pod_memory_used(0, ALL),
        Number::MetricAge => view.metric_age_ms(0, ALL),
        Number::MetricPods => view.metric_pods(0, ALL),
        Number::SampleWorkload => view.sample_workload(0, ALL),
        Number::SampleAge => view.sample_age_ms(0, ALL),
    }
}

pub(crate) fn amounts(view: Source<'_>, which: Amount) -> Vec<f64> {
    match which {
        Amount::ClassEc2Price => view.class_ec2_price(0, ALL),
        Amount::ClassFargatePrice => view.class_fargate_price(0, ALL),
        Amount::SetMinPrice => view.set_min_price(0, ALL),
        Amount::WorkloadTarget => view.workload_target(0, ALL),
        Amount::WorkloadValue => view.workload_value(0, ALL),
        Amount::WorkloadRequest => view.workload_request(0, ALL),
        Amount::CandidatePrice => view.candidate_price(0, ALL),
        Amount::StepAdds => view.step_adds(0, ALL),
        Amount::StepSaves => view.step_saves(0, ALL),
        Amount::OfferPrice => view.offer_price(0, ALL),
        Amount::NodePrice => view.node_price(0, ALL),
        Amount::MetricValue => view.metric_value(0, ALL),
        Amount::SampleValue => view.sample_value(0, ALL),
    }
}

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

pub(crate) fn texts(view: Source<'_>, which: Text) -> Vec<u32> {
    match which {
        Text::ClassNamespace => view.class_namespace(0, ALL),
        Text::ClassOwnerKind => view.class_owner_kind(0, ALL),
        Text::ClassOwnerName => view.class_owner_name(0, ALL),
        Text::SetName => view.set_name(0, ALL),
        Text::SetGroup => view.set_group(0, ALL),
        Text::SetArch => view.set_arch(0, ALL),
        Text::WorkloadKind => view.workload_kind(0, ALL),
        Text::WorkloadNamespace => view.workload_namespace(0, ALL),
        Text::WorkloadName => view.workload_name(0, ALL),
        Text::WorkloadMetric => view.workload_metric(0, ALL),
        Text::CandidateName => view.candidate_name(0, ALL),
        Text::CandidateGroup => view.candidate_group(0, ALL),
        Text::MoverNamespace => view.mover_namespace(0, ALL),
        Text::MoverName => view.mover_name(0, ALL),
        Text::MoverOwnerKind => view.mover_owner_kind(0, ALL),
        Text::MoverOwnerName => view.mover_owner_name(0, ALL),
        Text::StepKind => view.step_kind(0, ALL),
        Text::StepGroup => view.step_group(0, ALL),
        Text::StepNamespace => view.step_namespace(0, ALL),
        Text::StepObject => view.step_object(0, ALL),
        Text::GroupName => view.group_name(0, ALL),
        Text::OfferType => view.offer_type(0, ALL),
        Text::OfferZone => view.offer_zone(0, ALL),
        Text::OfferArch => view.offer_arch(0, ALL),
        Text::NodeName => view.node_name(0, ALL),
        Text::PodNamespace => view.pod_namespace(0, ALL),
        Text::PodName => view.pod_name(0, ALL),
        Text::PodOwnerKind => view.pod_owner_kind(0, ALL),
        Text::PodOwnerName => view.pod_owner_name(0, ALL),
        Text::MetricName => view.metric_name(0, ALL),
        Text::MetricKind => view.metric_kind(0, ALL),
        Text::MetricNamespace => view.metric_namespace(0, ALL),
        Text::MetricWorkload => view.metric_workload(0, ALL),
    }
}

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

thread_local! {
    /// The configured policies of this instance, one for each hook.
    static POLICIES: [OnceCell<Box<dyn Any>>; 5] = const { [const { OnceCell::new() }; 5] };
}

/// Keeps a policy for the question to come. Panics are logged from now on: a trap alone says little.
fn install<P: 'static>(hook: usize, policy: Result<P, String>) -> Result<(), String> {
    std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())));
    let policy: Box<dyn Any> = Box::new(policy?);
    POLICIES.with(|policies| match policies.get(hook).map(|cell| cell.set(policy)) {
        Some(Ok(())) => Ok(()),
        _ => Err("configured twice".to_owned()),
    })
}

/// Asks the policy that was kept.
fn ask<P: 'static, A>(hook: usize, question: impl FnOnce(&P) -> Result<A, String>) -> Result<A, String> {
    POLICIES.with(|policies| {
        let kept = policies.get(hook).and_then(OnceCell::get);
        match kept.and_then(|policy| policy.downcast_ref::<P>()) {
            Some(policy) => question(policy),
            None => Err("not configured".to_owned()),
        }
    })
}

/// Generates the bindings of one hook, and the type that stands for a policy behind them.
macro_rules! hook {
    ($ordinal:literal, $world:literal, $macro_name:literal, $module:ident, $hook:ident, $question:ident, $shape:ty) => {
        pub mod $module {
            use super::{Handle, View, ask, install};

            wit_bindgen::generate!({
                path: "../wit",
                world: $world,
                with: {
                    "plimsoll:policy/view@0.2.0": crate::bridge::imports::plimsoll::policy::view,
                    "plimsoll:policy/host@0.2.0": crate::bridge::imports::plimsoll::policy::host,
                },
                pub_export_macro: true,
                export_macro_name: $macro_name,
            });

            /// A policy as a component exports it.
            pub struct Exported<P>(std::marker::PhantomData<P>);

            impl<P: crate::$hook> exports::plimsoll::policy::$module::Guest for Exported<P> {
                fn configure(config_json: String) -> Result<(), String> {
                    install($ordinal, P::configure(&config_json))
                }

                fn $question(picture: &Handle) -> Result<$shape, String> {
                    ask($ordinal, |policy: &P| policy.$question(&View::new(picture))).map(super::$question)
                }
            }
        }
    };
}

hook!(
    0,
    "scaler-policy",
    "__export_scaler",
    scaler,
    Scaler,
    scale,
    super::Scale
);
hook!(
    1,
    "placement-policy",
    "__export_placement",
    placement,
    Placement,
    place,
    super::Place
);
hook!(
    2,
    "headroom-policy",
    "__export_headroom",
    headroom,
    Headroom,
    reserve,
    super::Reserve
);
hook!(
    3,
    "disruption-policy",
    "__export_disruption",
    disruption,
    Disruption,
    judge,
    super::Judge
);
hook!(
    4,
    "review-policy",
    "__export_review",
    review,
    Review,
    review,
    super::Reviewed
);

type Scale = (Vec<u32>, Vec<u32>, Vec<u16>);
type Place = (
    Vec<u32>,
    Vec<f64>,
    Vec<u32>,
    Vec<u32>,
    Vec<u16>,
    Vec<u32>,
    Vec<u32>,
    Vec<f64>,
    Vec<u16>,
);
type Reserve = (Vec<u32>, Vec<u32>, Vec<u32>, Vec<u16>);
type Judge = (Vec<u32>, Vec<u16>, Vec<u32>, Vec<f64>, Vec<u16>);
type Reviewed = (Vec<u32>, Vec<u16>);

fn scale(answer: Replicas) -> Scale {
    (answer.rows, answer.wanted, answer.codes)
}

fn place(answer: Prices) -> Place {
    (
        answer.factor_sets,
        answer.factors,
        answer.ban_classes,
        answer.ban_sets,
        answer.ban_codes,
        answer.add_classes,
        answer.add_sets,
        answer.add_usd,
        answer.add_codes,
    )
}

fn reserve(answer: Room) -> Reserve {
    (answer.counts, answer.cpus, answer.memories, answer.codes)
}

fn judge(answer: Verdicts) -> Judge {
    (
        answer.denied,
        answer.denial_codes,
        answer.add_candidates,
        answer.add_usd,
        answer.add_codes,
    )
}

fn review(answer: Holds) -> Reviewed {
    (answer.rows, answer.codes)
}
