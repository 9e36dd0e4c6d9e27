//! The made-up side of a View, for tests that run natively: reads a `testing::Picture` instead of asking a host.

use crate::columns::{Amount, Keyed, Number, Tables, Text};
use crate::level::Level;
use crate::testing::Picture;
use std::collections::BTreeMap;

/// The picture of a test.
pub(crate) type Source<'a> = &'a Picture;

pub(crate) fn now_ms(picture: Source<'_>) -> u64 {
    picture.now_ms
}

pub(crate) fn seed(picture: Source<'_>) -> u64 {
    picture.seed
}

pub(crate) fn cluster(picture: Source<'_>) -> u32 {
    picture.sym("test")
}

pub(crate) fn tables(picture: Source<'_>) -> Tables {
    Tables {
        classes: rows(&picture.classes),
        sets: rows(&picture.sets),
        workloads: rows(&picture.workloads),
        candidates: rows(&picture.candidates),
        movers: picture.candidates.iter().map(|row| rows(&row.movers)).sum(),
        steps: rows(&picture.steps),
        groups: rows(&picture.groups),
        offers: rows(&picture.offers),
        nodes: rows(&picture.nodes),
        pods: rows(&picture.pods),
        metrics: rows(&picture.metrics),
    }
}

pub(crate) fn intern(picture: Source<'_>, text: &str) -> u32 {
    picture.sym(text)
}

pub(crate) fn resolve(picture: Source<'_>, syms: &[u32]) -> Vec<String> {
    syms.iter().map(|sym| picture.word(*sym)).collect()
}

pub(crate) fn numbers(picture: Source<'_>, which: Number) -> Vec<u32> {
    use Number as N;
    let classes = |of: fn(&crate::testing::Class) -> u32| picture.classes.iter().map(of).collect();
    let sets = |of: fn(&crate::testing::Set) -> u32| picture.sets.iter().map(of).collect();
    let workloads = |of: fn(&crate::testing::Workload) -> u32| picture.workloads.iter().map(of).collect();
    let steps = |of: fn(&crate::testing::Step) -> u32| picture.steps.iter().map(of).collect();
    let candidates = |of: fn(&crate::testing::Candidate) -> u32| picture.candidates.iter().map(of).collect();
    let movers = |of: fn(&crate::testing::Mover) -> u32| picture.movers().map(|(_, row)| of(row)).collect();
    match which {
        N::ClassCpu => classes(|row| row.cpu_milli),
        N::ClassMemory => classes(|row| row.memory_mib),
        N::ClassPending => classes(|row| row.pending),
        N::ClassToCome => classes(|row| row.to_come),
        N::ClassHeadroom => classes(|row| row.headroom),
        N::SetKind => sets(|row| row.kind.code()),
        N::SetPurchase => sets(|row| row.purchase.code()),
        N::SetOffers => sets(|_| 1),
        N::SetNodes => sets(|row| row.nodes),
        N::SetCpuRequested => sets(|row| row.cpu_requested),
        N::SetMemoryRequested => sets(|row| row.memory_requested),
        N::SetCpuUsed => sets(|row| row.cpu_used.unwrap_or(u32::MAX)),
        N::SetMemoryUsed => sets(|row| row.memory_used.unwrap_or(u32::MAX)),
        N::SetBoot => sets(|row| row.boot_ms.unwrap_or(u32::MAX)),
        N::WorkloadReplicas => workloads(|row| row.replicas),
        N::WorkloadReady => workloads(|row| row.ready),
        N::WorkloadMin => workloads(|row| row.min),
        N::WorkloadMax => workloads(|row| row.max),
        N::WorkloadAge => workloads(|row| row.age_ms),
        N::WorkloadPods => workloads(|row| row.pods),
        N::WorkloadRecentMax => workloads(|row| row.recent_max),
        N::CandidateAge => candidates(|row| row.age_ms),
        N::CandidateMoves => candidates(|row| rows(&row.movers)),
        N::CandidateCpuRequested => candidates(|row| row.cpu_requested),
        N::CandidateMemoryRequested => candidates(|row| row.memory_requested),
        N::CandidateCpuUsed => candidates(|row| row.cpu_used.unwrap_or(u32::MAX)),
        N::CandidateMemoryUsed => candidates(|row| row.memory_used.unwrap_or(u32::MAX)),
        N::CandidateUnneeded => candidates(|row| row.unneeded_ms.unwrap_or(u32::MAX)),
        N::CandidateDue => candidates(crate::testing::Candidate::due_code),
        N::MoverCandidate => picture.movers().map(|(at, _)| at).collect(),
        N::MoverCpu => movers(|row| row.cpu_milli),
        N::MoverMemory => movers(|row| row.memory_mib),
        N::MoverAge => movers(|row| row.age_ms),
        N::StepFrom => steps(|row| row.from),
        N::StepTo => steps(|row| row.to),
        N::StepPods => steps(|row| row.pods),
        N::HistoryAge => picture.history.iter().map(|(age, _)| *age).collect(),
        N::HistoryPending => picture.history.iter().map(|(_, waiting)| *waiting).collect(),
        _ => cluster_numbers(picture, which),
    }
}

/// Columns of what is there, which every hook is shown.
fn cluster_numbers(picture: Source<'_>, which: Number) -> Vec<u32> {
    use Number as N;
    let groups = |of: fn(&crate::testing::Group) -> u32| picture.groups.iter().map(of).collect();
    let offers = |of: fn(&crate::testing::Offer) -> u32| picture.offers.iter().map(of).collect();
    let nodes = |of: fn(&crate::testing::Node) -> u32| picture.nodes.iter().map(of).collect();
    let pods = |of: fn(&crate::testing::Pod) -> u32| picture.pods.iter().map(of).collect();
    let metrics = |of: fn(&crate::testing::Metric) -> u32| picture.metrics.iter().map(of).collect();
    match which {
        N::GroupKind => groups(|row| row.kind.code()),
        N::GroupMin => groups(|row| row.min),
        N::GroupMax => groups(|row| row.max),
        N::GroupDesired => groups(|row| row.desired),
        N::GroupNodes => picture.nodes_of_groups(),
        N::GroupForeign => groups(|row| u32::from(row.foreign)),
        N::GroupCpuRequested => groups(|row| row.cpu_requested),
        N::GroupMemoryRequested => groups(|row| row.memory_requested),
        N::GroupCpuUsed => groups(|row| row.cpu_used.unwrap_or(u32::MAX)),
        N::GroupMemoryUsed => groups(|row| row.memory_used.unwrap_or(u32::MAX)),
        N::GroupBoot => groups(|row| row.boot_ms.unwrap_or(u32::MAX)),
        N::GroupShort => groups(|row| row.short_ms.unwrap_or(u32::MAX)),
        N::OfferGroup => offers(|row| row.group),
        N::OfferPurchase => offers(|row| row.purchase.map_or(0, crate::Purchase::code)),
        N::OfferCpu => offers(|row| row.cpu_milli),
        N::OfferMemory => offers(|row| row.memory_mib),
        N::OfferPods => offers(|row| row.pods),
        N::OfferConfidence => offers(|row| row.confidence),
        N::OfferInterruptions => offers(|row| row.interruptions.unwrap_or(u32::MAX)),
        N::OfferBarred => offers(|row| row.barred_ms),
        N::NodeGroup => nodes(|row| row.group.unwrap_or(u32::MAX)),
        N::NodeOffer => nodes(|row| row.offer.unwrap_or(u32::MAX)),
        N::NodeState => nodes(|row| row.state),
        N::NodeAge => nodes(|row| row.age_ms),
        N::NodeCpu => nodes(|row| row.cpu_milli),
        N::NodeMemory => nodes(|row| row.memory_mib),
        N::NodePods => nodes(|row| row.pods),
        N::NodeCpuUsed => nodes(|row| row.cpu_used.unwrap_or(u32::MAX)),
        N::NodeMemoryUsed => nodes(|row| row.memory_used.unwrap_or(u32::MAX)),
        N::PodNode => pods(|row| row.node.unwrap_or(u32::MAX)),
        N::PodPhase => pods(|row| row.phase.code()),
        N::PodAge => pods(|row| row.age_ms),
        N::PodCpu => pods(|row| row.cpu_milli),
        N::PodMemory => pods(|row| row.memory_mib),
        N::PodCpuUsed => pods(|row| row.cpu_used.unwrap_or(u32::MAX)),
        N::PodMemoryUsed => pods(|row| row.memory_used.unwrap_or(u32::MAX)),
        N::MetricAge => metrics(|row| row.age_ms),
        N::MetricPods => metrics(|row| row.pods),
        N::SampleWorkload => picture.samples().map(|(at, _, _)| at).collect(),
        N::SampleAge => picture.samples().map(|(_, age, _)| age).collect(),
        // The columns of the hooks' own tables.
        _ => Vec::new(),
    }
}

pub(crate) fn amounts(picture: Source<'_>, which: Amount) -> Vec<f64> {
    let classes = |of: fn(&crate::testing::Class) -> Option<f64>| {
        picture
            .classes
            .iter()
            .map(|row| of(row).unwrap_or(-1.0))
            .collect()
    };
    match which {
        Amount::ClassEc2Price => classes(|row| row.ec2_price),
        Amount::ClassFargatePrice => classes(|row| row.fargate_price),
        Amount::SetMinPrice => picture.sets.iter().map(|row| row.min_price).collect(),
        Amount::WorkloadTarget => picture.workloads.iter().map(|row| row.target).collect(),
        Amount::WorkloadValue => {
            let value = |row: &crate::testing::Workload| row.value.unwrap_or(-1.0);
            picture.workloads.iter().map(value).collect()
        }
        Amount::WorkloadRequest => picture.workloads.iter().map(|row| row.request).collect(),
        Amount::CandidatePrice => {
            let price = |row: &crate::testing::Candidate| row.price.unwrap_or(-1.0);
            picture.candidates.iter().map(price).collect()
        }
        Amount::StepAdds => picture.steps.iter().map(|row| row.adds.unwrap_or(-1.0)).collect(),
        Amount::StepSaves => picture
            .steps
            .iter()
            .map(|row| row.saves.unwrap_or(-1.0))
            .collect(),
        Amount::OfferPrice => picture.offers.iter().map(|row| row.price).collect(),
        Amount::NodePrice => picture
            .nodes
            .iter()
            .map(|row| row.price.unwrap_or(-1.0))
            .collect(),
        Amount::MetricValue => picture.metrics.iter().map(|row| row.value).collect(),
        Amount::SampleValue => picture.samples().map(|(_, _, value)| value).collect(),
    }
}

pub(crate) fn priorities(picture: Source<'_>) -> Vec<i32> {
    picture.classes.iter().map(|row| row.priority).collect()
}

pub(crate) fn pod_priorities(picture: Source<'_>) -> Vec<i32> {
    picture.pods.iter().map(|row| row.priority).collect()
}

pub(crate) fn state(picture: Source<'_>) -> Vec<u8> {
    picture.state.clone()
}

pub(crate) fn keep(picture: Source<'_>, state: &[u8]) {
    picture.keep(state);
}

pub(crate) fn texts(picture: Source<'_>, which: Text) -> Vec<u32> {
    let classes = |of: fn(&crate::testing::Class) -> &String| {
        picture.classes.iter().map(|row| picture.sym(of(row))).collect()
    };
    let sets = |of: fn(&crate::testing::Set) -> &String| {
        picture.sets.iter().map(|row| picture.sym(of(row))).collect()
    };
    let workloads = |of: fn(&crate::testing::Workload) -> &String| {
        picture.workloads.iter().map(|row| picture.sym(of(row))).collect()
    };
    let steps = |of: fn(&crate::testing::Step) -> &String| {
        picture.steps.iter().map(|row| picture.sym(of(row))).collect()
    };
    let candidates = |of: fn(&crate::testing::Candidate) -> &String| {
        let rows = picture.candidates.iter();
        rows.map(|row| picture.sym(of(row))).collect()
    };
    let movers = |of: fn(&crate::testing::Mover) -> &String| {
        picture.movers().map(|(_, row)| picture.sym(of(row))).collect()
    };
    let groups = |of: fn(&crate::testing::Group) -> &String| {
        picture.groups.iter().map(|row| picture.sym(of(row))).collect()
    };
    let offers = |of: fn(&crate::testing::Offer) -> &String| {
        picture.offers.iter().map(|row| picture.sym(of(row))).collect()
    };
    let nodes = |of: fn(&crate::testing::Node) -> &String| {
        picture.nodes.iter().map(|row| picture.sym(of(row))).collect()
    };
    let pods = |of: fn(&crate::testing::Pod) -> &String| {
        picture.pods.iter().map(|row| picture.sym(of(row))).collect()
    };
    let metrics = |of: fn(&crate::testing::Metric) -> &String| {
        picture.metrics.iter().map(|row| picture.sym(of(row))).collect()
    };
    match which {
        Text::ClassNamespace => classes(|row| &row.namespace),
        Text::ClassOwnerKind => classes(|row| &row.owner_kind),
        Text::ClassOwnerName => classes(|row| &row.owner_name),
        Text::SetName => sets(|row| &row.name),
        Text::SetGroup => sets(|row| &row.group),
        Text::SetArch => sets(|row| &row.arch),
        Text::WorkloadKind => workloads(|row| &row.kind),
        Text::WorkloadNamespace => workloads(|row| &row.namespace),
        Text::WorkloadName => workloads(|row| &row.name),
        Text::WorkloadMetric => workloads(|row| &row.metric),
        Text::CandidateName => candidates(|row| &row.name),
        Text::CandidateGroup => candidates(|row| &row.group),
        Text::MoverNamespace => movers(|row| &row.namespace),
        Text::MoverName => movers(|row| &row.name),
        Text::MoverOwnerKind => movers(|row| &row.owner_kind),
        Text::MoverOwnerName => movers(|row| &row.owner_name),
        Text::StepKind => steps(|row| &row.kind),
        Text::StepGroup => steps(|row| &row.group),
        Text::StepNamespace => steps(|row| &row.namespace),
        Text::StepObject => steps(|row| &row.object),
        Text::GroupName => groups(|row| &row.name),
        Text::OfferType => offers(|row| &row.instance_type),
        Text::OfferZone => offers(|row| &row.zone),
        Text::OfferArch => offers(|row| &row.arch),
        Text::NodeName => nodes(|row| &row.name),
        Text::PodNamespace => pods(|row| &row.namespace),
        Text::PodName => pods(|row| &row.name),
        Text::PodOwnerKind => pods(|row| &row.owner_kind),
        Text::PodOwnerName => pods(|row| &row.owner_name),
        Text::MetricName => metrics(|row| &row.name),
        Text::MetricKind => metrics(|row| &row.kind),
        Text::MetricNamespace => metrics(|row| &row.namespace),
        Text::MetricWorkload => metrics(|row| &row.workload),
    }
}

pub(crate) fn keyed(picture: Source<'_>, which: Keyed, key: &str) -> Vec<u32> {
    let amount = |of: &BTreeMap<String, u32>| of.get(key).copied().unwrap_or(0);
    let sym = |labels: &crate::testing::Labels| labels.get(key).map_or(0, |value| picture.sym(value));
    match which {
        Keyed::ClassLabel => picture.classes.iter().map(|row| sym(&row.labels)).collect(),
        Keyed::ClassAnnotation => picture.classes.iter().map(|row| sym(&row.annotations)).collect(),
        Keyed::ClassExtended => picture.classes.iter().map(|row| amount(&row.extended)).collect(),
        Keyed::SetLabel => picture.sets.iter().map(|row| sym(&row.labels)).collect(),
        Keyed::WorkloadLabel => picture.workloads.iter().map(|row| sym(&row.labels)).collect(),
        Keyed::WorkloadAnnotation => picture
            .workloads
            .iter()
            .map(|row| sym(&row.annotations))
            .collect(),
        Keyed::CandidateLabel => picture.candidates.iter().map(|row| sym(&row.labels)).collect(),
        Keyed::MoverLabel => picture.movers().map(|(_, row)| sym(&row.labels)).collect(),
        Keyed::MoverAnnotation => picture.movers().map(|(_, row)| sym(&row.annotations)).collect(),
        Keyed::GroupLabel => picture.groups.iter().map(|row| sym(&row.labels)).collect(),
        Keyed::OfferLabel => picture.offers.iter().map(|row| sym(&row.labels)).collect(),
        Keyed::NodeLabel => picture.nodes.iter().map(|row| sym(&row.labels)).collect(),
        Keyed::PodLabel => picture.pods.iter().map(|row| sym(&row.labels)).collect(),
        Keyed::PodAnnotation => picture.pods.iter().map(|row| sym(&row.annotations)).collect(),
        Keyed::OfferExtended => picture.offers.iter().map(|row| amount(&row.extended)).collect(),
        Keyed::NodeExtended => picture.nodes.iter().map(|row| amount(&row.extended)).collect(),
        Keyed::PodExtended => picture.pods.iter().map(|row| amount(&row.extended)).collect(),
    }
}

#[expect(
    clippy::print_stdout,
    reason = "cargo test shows it beside the test that wrote it"
)]
pub(crate) fn log(level: Level, message: &str) {
    println!("{level:?}: {message}");
}

#[expect(
    clippy::print_stdout,
    reason = "cargo test shows it beside the test that wrote it"
)]
pub(crate) fn explain(row: u32, code: u16, text: &str) {
    println!("row {row}, code {code}: {text}");
}

fn rows<T>(table: &[T]) -> u32 {
    u32::try_from(table.len()).unwrap_or(u32::MAX)
}
