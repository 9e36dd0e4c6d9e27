//! Pods and workloads: where they run or are planned to run, what they pay, what policies said.

use super::answer::{Answer, FactKind};
use super::policies::{said_by_placers, said_by_scalers};
use super::steps;
use crate::fargate;
use model::annotations::ignored_of_pod;
use model::intent::IntentKind;
use model::notes::ClassNote;
use model::plan::StepKind;
use model::pod::{Pod, PodPhase};
use model::provisioned::{Billed, FargateBills, PROVISIONED, Said};
use model::{Counted, PodKey, Refusal, UsdPerHour, WorkloadKey};

/// Characters of somebody else's text that are shown.
const SHOWN: usize = 64;

/// Everything about a pod.
pub(super) fn pod(answer: &mut Answer<'_>, key: &PodKey) {
    let record = answer.record;
    let seen = record.snapshot.pod(key);
    if let Some(pod) = seen {
        state(answer, pod);
    }
    for node in record.plan.nodes.iter().filter(|node| node.pods.contains(key)) {
        let price = record.snapshot.offers.iter().find(|offer| offer.id == node.offer);
        let rate = price
            .map(|offer| format!(" at {}", node.price(offer)))
            .unwrap_or_default();
        answer.decided(
            FactKind::Placement,
            0,
            format_args!(
                "planned onto new node {} of {}: {}{rate}, shared by {}",
                node.name,
                node.group,
                node.offer,
                Counted(node.pods.len(), "pod")
            ),
        );
    }
    for (node, _) in record.plan.existing.iter().filter(|(_, pods)| pods.contains(key)) {
        answer.decided(
            FactKind::Placement,
            0,
            format_args!("fits on node {node}, which is there or on its way"),
        );
    }
    for refusal in &record.plan.refusals {
        if let Refusal::Pod { pod, closest, .. } = refusal
            && pod == key
        {
            answer.decided(FactKind::Refusal, 0, refusal);
            for (offer, misfit) in closest {
                answer.decided(FactKind::Refusal, 1, format_args!("{offer}: {misfit}"));
            }
        }
    }
    for moved in record.notes.could_move.iter().filter(|moved| moved.pod == *key) {
        answer.decided(FactKind::Placement, 0, moved);
    }
    steps::about(answer, |step| match &step.kind {
        StepKind::GrowGroup { pods, .. } | StepKind::PlaceOnFargate { pods, .. } => pods.contains(key),
        StepKind::Nominate { pod, .. }
        | StepKind::Yield { pod, .. }
        | StepKind::Evict { pod, .. }
        | StepKind::Remake { pod, .. } => pod == key,
        StepKind::ScaleWorkload { .. }
        | StepKind::SetBounds { .. }
        | StepKind::Avoid { .. }
        | StepKind::Cordon { .. }
        | StepKind::RemoveNode { .. }
        | StepKind::RemoveInstance { .. }
        | StepKind::Uncordon { .. } => false,
    });
    steps::intents(
        answer,
        |intent| matches!(&intent.kind, IntentKind::Launch { pods, .. } if pods.contains(key)),
    );
    if let Some(pod) = seen.filter(|pod| pod.node.is_none()) {
        // A spec has two classes where some of its pods have waited for long.
        let late = record.memory.waits_late(key, record.snapshot.at);
        let class = record
            .notes
            .classes
            .iter()
            .position(|class| class.spec == Some(pod.spec) && class.late == late);
        if let Some(class) = class {
            prices(answer, 0, &record.notes.classes[class]);
            said_by_placers(answer, 0, class);
        }
    }
}

/// Everything about a workload.
pub(super) fn workload(answer: &mut Answer<'_>, key: &WorkloadKey) {
    let record = answer.record;
    replicas(answer, key);
    said_by_scalers(answer, key);
    for note in record.notes.scale.iter().filter(|note| note.workload == *key) {
        let how = if note.forecast {
            "forecast only"
        } else {
            "after bounds"
        };
        answer.decided(
            FactKind::Placement,
            0,
            format_args!(
                "{} now, {} asked for, {} {how}",
                Counted(note.from, "replica"),
                note.asked,
                note.to
            ),
        );
    }
    for refusal in &record.plan.refusals {
        match refusal {
            Refusal::OwnedByHpa { workload, .. } | Refusal::UnreadableAnnotation { workload, .. }
                if workload == key =>
            {
                answer.decided(FactKind::Refusal, 0, refusal);
            }
            _ => {}
        }
    }
    steps::about(answer, |step| match &step.kind {
        StepKind::ScaleWorkload { workload, .. } => workload == key,
        StepKind::PlaceOnFargate { workload, .. } => workload.as_ref() == Some(key),
        _ => false,
    });
    for (row, class) in record.notes.classes.iter().enumerate() {
        if class.workload.as_ref() == Some(key) {
            answer.decided(
                FactKind::Placement,
                0,
                format_args!(
                    "{} waiting, {} to come",
                    Counted(class.pending, "pod"),
                    Counted(class.to_come, "replica")
                ),
            );
            prices(answer, 1, class);
            said_by_placers(answer, 1, row);
        }
    }
}

/// The replicas of a workload as they were seen, and its metrics.
fn replicas(answer: &mut Answer<'_>, key: &WorkloadKey) {
    let record = answer.record;
    if let Some(workload) = record.snapshot.workloads.iter().find(|w| w.key == *key) {
        answer.saw(
            FactKind::State,
            0,
            format_args!(
                "{} wanted, {} ready",
                Counted(workload.replicas, "replica"),
                workload.ready
            ),
        );
        if let Some(owner) = &workload.owned_by {
            answer.saw(
                FactKind::State,
                1,
                format_args!("its replicas are set by {owner}"),
            );
        }
        for metric in &workload.metrics {
            answer.saw(
                FactKind::State,
                1,
                format_args!(
                    "{} is {}.{:03} over {}, {} old",
                    metric.name,
                    metric.milli / 1000,
                    (metric.milli % 1000).abs(),
                    Counted(metric.pods, "pod"),
                    record.at.since(metric.at)
                ),
            );
        }
    }
}

fn state(answer: &mut Answer<'_>, pod: &Pod) {
    let age = answer.record.at.since(pod.created);
    match (&pod.node, pod.phase) {
        (None, PodPhase::Gated) => {
            answer.saw(
                FactKind::State,
                0,
                format_args!("gated, created {age} ago: no demand yet"),
            );
        }
        (None, _) => {
            let since = answer.record.memory.waiting_since.get(&pod.key);
            let waits = since.map_or(age, |since| answer.record.at.since(since));
            answer.saw(FactKind::State, 0, format_args!("waiting for {waits}"));
        }
        (Some(node), phase) => {
            answer.saw(
                FactKind::State,
                0,
                format_args!("{phase:?} on node {node}, created {age} ago"),
            );
        }
    }
    on_fargate(answer, pod);
    let requests = &answer.record.snapshot.spec(pod.spec).requests;
    answer.saw(
        FactKind::State,
        1,
        format_args!(
            "asks for {}m CPU, {} MiB",
            requests.cpu_milli,
            requests.memory_mib_up()
        ),
    );
    annotated(answer, pod);
}

/// What its annotations come to, and which of them mean nothing.
fn annotated(answer: &mut Answer<'_>, pod: &Pod) {
    let seen = &answer.record.snapshot;
    let (at, spec) = (seen.at, seen.spec(pod.spec));
    if let Some(held) = pod.held(&spec, at) {
        answer.saw(FactKind::State, 1, format_args!("must not be moved: {held}"));
    }
    let waits = spec
        .waits_for(at.since(pod.created))
        .filter(|_| pod.node.is_none());
    if let Some(waits) = waits {
        answer.saw(FactKind::Refusal, 1, waits);
    }
    for ignored in ignored_of_pod(&spec.annotations) {
        answer.saw(FactKind::State, 1, ignored);
    }
}

/// Whether EKS took a pod that was placed on Fargate, and as what.
fn on_fargate(answer: &mut Answer<'_>, pod: &Pod) {
    let seen = &answer.record.snapshot;
    let spec = seen.spec(pod.spec);
    if let Some((profile, provisioned)) = fargate::taken(&spec) {
        let billed = provisioned.unwrap_or("nothing provisioned yet");
        answer.saw(
            FactKind::State,
            1,
            format_args!("in Fargate profile {profile}: {billed}"),
        );
    }
    if let Some(bill) = FargateBills::new(seen).of(pod) {
        sizing(answer, pod, &bill);
    }
    if let Some(doubt) = fargate::doubt(seen, pod) {
        answer.saw(FactKind::State, 1, doubt);
    }
}

/// What it is billed there, and whether that is what it asks for.
fn sizing(answer: &mut Answer<'_>, pod: &Pod, bill: &Billed) {
    if let (Some(size), Some(price)) = (bill.size(), bill.price) {
        let storage = match bill.storage {
            UsdPerHour::ZERO => String::new(),
            storage => format!(", {storage} of it for ephemeral storage"),
        };
        answer.saw(
            FactKind::Price,
            1,
            format_args!("billed as {size}: {price}{storage}"),
        );
    }
    if let Some((computed, provisioned)) = bill.differs() {
        let computed = computed.map_or_else(|| "no size".to_owned(), |size| size.to_string());
        answer.saw(
            FactKind::Price,
            1,
            format_args!("Fargate provisioned {provisioned}, where what it asks for comes to {computed}"),
        );
    }
    let spec = answer.record.snapshot.spec(pod.spec);
    if let Said::Unreadable(text) = Said::of(&spec) {
        let text: String = text.chars().take(SHOWN).collect();
        answer.saw(
            FactKind::State,
            1,
            format_args!(
                "pod {}: annotation {PROVISIONED}: {text:?} is no size; it is ignored",
                pod.key
            ),
        );
    }
}

fn prices(answer: &mut Answer<'_>, depth: u32, class: &ClassNote) {
    answer.decided(
        FactKind::Price,
        depth,
        format_args!("one such pod pays {}", class.pays),
    );
    let price = |price: Option<UsdPerHour>| {
        price.map_or_else(|| "no offer can run it".to_owned(), |price| price.to_string())
    };
    if class.fargate.is_some() {
        answer.decided(
            FactKind::Price,
            depth,
            format_args!("Fargate: {}; EC2: {}", price(class.fargate), price(class.ec2)),
        );
    }
    if let Some(size) = class.provisioned {
        answer.decided(
            FactKind::Price,
            depth,
            format_args!("Fargate provisioned {size} for its like last: it is priced as that there"),
        );
    }
}
