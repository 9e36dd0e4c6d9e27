//! What the daemon sees: the summary, and rows of groups, offers, nodes, workloads and pods.

use super::{count, mode, resources, workload_ref};
use cycle::Status;
use logbook::CycleRecord;
use model::aims::Modes;
use model::intent::{IntentKind, Pause};
use model::offer::{GroupIx, OfferKind};
use model::pod::PodPhase;
use model::{Freshness, Group, Intent, Node, Offer, Pod, Resources, Snapshot, Verdict, Workload};
use proto::v1;

/// One screen about the newest cycle.
pub(crate) fn summary(record: &CycleRecord, status: &Status) -> v1::Summary {
    let seen = &record.snapshot;
    let nodes = |want: fn(&Node) -> bool| count(seen.nodes.iter().filter(|node| want(node)).count());
    let pods = |want: fn(&Pod) -> bool| count(seen.pods.iter().filter(|pod| want(pod)).count());
    let by = |kind: fn(&Verdict) -> bool| count(record.verdicts.iter().filter(|(_, v)| kind(v)).count());
    v1::Summary {
        cluster: seen.cluster.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        cycle: record.cycle,
        at_millis: record.at.0,
        mode: mode(status.modes.of_cluster()),
        paused: status.paused.as_ref().map(pause),
        nodes: count(seen.nodes.len()),
        nodes_ready: nodes(|node| node.ready),
        nodes_fargate: nodes(|node| node.fargate),
        pods_running: pods(Pod::holds_resources),
        pods_pending: pods(waits),
        groups: count(seen.groups.len()),
        offers: count(seen.offers.len()),
        workloads: count(seen.workloads.len()),
        running_rate_nanos: record.notes.running_rate.0,
        unpriced_nodes: record.notes.unpriced_nodes,
        cost: Some(super::cost(&record.plan.cost)),
        sources: seen
            .sources
            .iter()
            .map(|(source, fresh)| source_age(&format!("{source:?}").to_lowercase(), *fresh))
            .collect(),
        intents: seen.ledger.intents.iter().map(intent).collect(),
        cleared: by(|v| matches!(v, Verdict::Cleared)),
        held: by(|v| matches!(v, Verdict::Held(_))),
        struck: by(|v| matches!(v, Verdict::Struck(_))),
        fault_count: super::cycle::faults(&record.notes),
        trouble: status
            .trouble
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        alarms: status.alarms(),
    }
}

/// Whether a pod waits for a node.
pub(crate) fn waits(pod: &Pod) -> bool {
    pod.node.is_none() && pod.phase == PodPhase::Pending
}

pub(crate) fn pause(pause: &Pause) -> v1::Pause {
    v1::Pause {
        by: pause.by.clone(),
        why: pause.why.clone(),
        at_millis: pause.at.0,
    }
}

fn source_age(source: &str, fresh: Freshness) -> v1::SourceAge {
    v1::SourceAge {
        source: source.to_owned(),
        live: fresh == Freshness::Live,
        missing: fresh == Freshness::Missing,
        age_millis: match fresh {
            Freshness::Stale { age } => Some(age.millis()),
            Freshness::Live | Freshness::Missing => None,
        },
    }
}

fn intent(intent: &Intent) -> v1::Intent {
    let mut message = v1::Intent {
        id: intent.id.to_string(),
        opened_millis: intent.opened.0,
        deadline_millis: intent.deadline.0,
        ..v1::Intent::default()
    };
    match &intent.kind {
        IntentKind::Launch {
            group, count, stage, ..
        } => {
            "Launch".clone_into(&mut message.kind);
            message.stage = format!("{stage:?}");
            message.group = group.to_string();
            message.count = *count;
        }
        IntentKind::Remove {
            group, node, stage, ..
        } => {
            "Remove".clone_into(&mut message.kind);
            message.stage = format!("{stage:?}");
            message.group = group.to_string();
            message.node = node.to_string();
        }
    }
    message
}

pub(crate) fn group(record: &CycleRecord, modes: &Modes, ix: GroupIx, group: &Group) -> v1::Group {
    let seen = &record.snapshot;
    let used = record.memory.utilisation.get(&group.name);
    v1::Group {
        name: group.name.to_string(),
        kind: format!("{:?}", group.kind),
        min: group.min,
        max: group.max,
        desired: group.desired,
        living: group.living(),
        nodes: count(
            seen.nodes
                .iter()
                .filter(|n| n.group.as_ref() == Some(&group.name))
                .count(),
        ),
        cpu_requested_permille: used.map(|u| u.cpu_requested),
        memory_requested_permille: used.map(|u| u.memory_requested),
        cpu_used_permille: used.and_then(|u| u.cpu_used),
        memory_used_permille: used.and_then(|u| u.memory_used),
        mode: mode(modes.of_group(&group.name)),
        foreign: group.foreign.clone().unwrap_or_default(),
        backoff_until_millis: record
            .memory
            .backs_off(&group.name, record.at)
            .or_else(|| record.memory.backoff.get(&group.name))
            .map(|b| b.until.0),
        offers: count(seen.offers.iter().filter(|offer| offer.group == ix).count()),
    }
}

pub(crate) fn offer(seen: &Snapshot, offer: &Offer) -> v1::Offer {
    let group = seen.groups.get(offer.group as usize);
    let mut message = v1::Offer {
        id: offer.id.to_string(),
        group: group.map(|g| g.name.to_string()).unwrap_or_default(),
        rate_nanos: offer.price.0,
        confidence: format!("{:?}", offer.confidence),
        allocatable: Some(resources(&offer.allocatable)),
        max_pods: offer.max_pods,
        ..v1::Offer::default()
    };
    match &offer.kind {
        OfferKind::Ec2 {
            instance_type,
            zone,
            purchase,
            arch,
        } => {
            "ec2".clone_into(&mut message.kind);
            instance_type.clone_into(&mut message.instance_type);
            zone.clone_into(&mut message.zone);
            purchase.as_str().clone_into(&mut message.purchase);
            arch.clone_into(&mut message.arch);
        }
        OfferKind::Fargate { .. } => "fargate".clone_into(&mut message.kind),
    }
    message
}

/// A node; `pods` are how many hold resources on it and what they ask for together.
pub(crate) fn node(record: &CycleRecord, node: &Node, pods: &(u32, Resources)) -> v1::Node {
    let price = record.snapshot.node_price(node).map(|price| price.0);
    v1::Node {
        name: node.name.to_string(),
        group: node.group.as_ref().map(ToString::to_string).unwrap_or_default(),
        instance: node
            .instance
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        offer: node.offer.as_ref().map(ToString::to_string).unwrap_or_default(),
        rate_nanos: price,
        ready: node.ready,
        unschedulable: node.unschedulable,
        draining: node.draining,
        fargate: node.fargate,
        pods: pods.0,
        max_pods: node.max_pods,
        allocatable: Some(resources(&node.allocatable)),
        requested: Some(resources(&pods.1)),
        cpu_used_milli: node.usage.map(|u| u.cpu_milli),
        memory_used_bytes: node.usage.map(|u| u.memory_bytes),
        created_millis: node.created.0,
        unneeded_since_millis: record.memory.unneeded_since.get(&node.name).map(|at| at.0),
    }
}

/// A workload; `pending` pods of it wait.
pub(crate) fn workload(
    record: &CycleRecord,
    modes: &Modes,
    workload: &Workload,
    pending: u32,
) -> v1::Workload {
    let wanted = record
        .notes
        .scale
        .iter()
        .find(|note| note.workload == workload.key);
    v1::Workload {
        workload: Some(workload_ref(&workload.key)),
        replicas: workload.replicas,
        ready: workload.ready,
        pending,
        owned_by: workload.owned_by.clone().unwrap_or_default(),
        wanted: wanted.map(|note| note.to),
        metrics: workload
            .metrics
            .iter()
            .map(|metric| v1::Metric {
                name: metric.name.clone(),
                value_milli: metric.milli,
                at_millis: metric.at.0,
                pods: metric.pods,
            })
            .collect(),
        mode: mode(modes.of_workload(&workload.key)),
    }
}

pub(crate) fn pod(seen: &Snapshot, pod: &Pod) -> v1::Pod {
    let spec = seen.spec(pod.spec);
    v1::Pod {
        namespace: pod.key.namespace.to_string(),
        name: pod.key.name.to_string(),
        node: pod.node.as_ref().map(ToString::to_string).unwrap_or_default(),
        phase: format!("{:?}", pod.phase),
        requests: Some(resources(&spec.requests)),
        owner: spec.owner.as_ref().map(workload_ref),
        created_millis: pod.created.0,
        nominated: pod
            .nominated
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}
