//! Nodes and groups: how they stand, why they are bought, stay or go.

use super::answer::{Answer, FactKind};
use super::steps;
use model::annotations::ignored_of_node;
use model::disruption::DriftMode;
use model::intent::IntentKind;
use model::memory::CanaryStage;
use model::node::Node;
use model::plan::StepKind;
use model::reason::Stays;
use model::{Counted, Group, GroupName, NodeName, Refusal};

/// Everything about a node that is there, or that a plan would buy.
pub(super) fn node(answer: &mut Answer<'_>, name: &NodeName) {
    let record = answer.record;
    if let Some(node) = record.snapshot.node(name) {
        state(answer, node);
    }
    let bought = record.plan.nodes.iter().chain(&record.plan.replacements);
    for node in bought.filter(|node| node.name == *name) {
        let price = record.snapshot.offers.iter().find(|offer| offer.id == node.offer);
        let rate = price
            .map(|offer| format!(" at {}", node.price(offer)))
            .unwrap_or_default();
        answer.decided(
            FactKind::Placement,
            0,
            format_args!(
                "to be bought in {}: {}{rate}, for {}",
                node.group,
                node.offer,
                Counted(node.pods.len(), "pod")
            ),
        );
    }
    for (_, waste) in record.notes.waste.iter().filter(|(wasteful, _)| wasteful == name) {
        answer.decided(FactKind::Price, 1, format_args!("wastes {waste} of that"));
    }
    for (_, pods) in record.plan.existing.iter().filter(|(home, _)| home == name) {
        answer.decided(
            FactKind::Placement,
            0,
            format_args!("{} counted onto it", Counted(pods.len(), "waiting pod")),
        );
    }
    for (_, pods) in record.plan.moves.iter().filter(|(home, _)| home == name) {
        answer.decided(
            FactKind::Placement,
            0,
            format_args!(
                "{} to move onto it from nodes that go",
                Counted(pods.len(), "pod")
            ),
        );
    }
    for refusal in &record.plan.refusals {
        if matches!(refusal, Refusal::NodeStays { node, .. } if node == name) {
            answer.decided(FactKind::Refusal, 0, refusal);
        }
    }
    if let Some(since) = record.memory.unneeded_since.get(name) {
        answer.saw(
            FactKind::State,
            0,
            format_args!("unneeded or wasteful for {}", record.at.since(*since)),
        );
    }
    steps::about(answer, |step| {
        step.kind.node() == Some(name)
            || matches!(&step.kind, StepKind::GrowGroup { nodes, .. } if nodes.contains(name))
    });
    steps::intents(answer, |intent| match &intent.kind {
        IntentKind::Launch { planned, joined, .. } => planned.contains(name) || joined.contains(name),
        IntentKind::Remove { node, .. } => node == name,
    });
}

/// Who else has a say in a group.
fn owners(answer: &mut Answer<'_>, group: &Group) {
    if let Some(owner) = &group.foreign {
        answer.saw(FactKind::State, 1, format_args!("its size belongs to {owner}"));
    }
    if let Some(what) = &group.rolling {
        let said = format_args!("{what}: it may grow, and no node of it is removed");
        answer.saw(FactKind::State, 1, said);
    }
    let record = answer.record;
    let rivals = record.notes.rivals.iter();
    for rival in rivals.filter(|rival| rival.groups.contains(&group.name)) {
        answer.saw(FactKind::State, 1, rival.of_group());
    }
}

/// Everything about a group.
pub(super) fn group(answer: &mut Answer<'_>, name: &GroupName) {
    let record = answer.record;
    let Some(group) = record.snapshot.group(name) else {
        return;
    };
    answer.saw(
        FactKind::State,
        0,
        format_args!(
            "{:?}: {} desired, {} alive, between {} and {}",
            group.kind,
            group.desired,
            group.living(),
            group.min,
            group.max
        ),
    );
    owners(answer, group);
    for said in group.options.told() {
        answer.saw(FactKind::State, 1, said);
    }
    for said in group.options.told() {
        answer.saw(FactKind::State, 1, said);
    }
    usage(answer, name);
    if let Some(backoff) = record.memory.backoff.get(name).filter(|b| b.until > record.at) {
        answer.saw(
            FactKind::State,
            1,
            format_args!(
                "backs off for another {} after {} failed launches",
                backoff.until.since(record.at),
                backoff.failures
            ),
        );
    }
    unhelpful(answer, name);
    drift(answer, name);
    without_capacity(answer, name);
    for set in record
        .notes
        .sets
        .iter()
        .filter(|set| set.group == *name && set.factor != 1000)
    {
        answer.decided(
            FactKind::Policy,
            1,
            format_args!("policies price {} at {} thousandths", set.name, set.factor),
        );
    }
    stays(answer, name);
    steps::about(answer, |step| step.kind.group() == Some(name));
    steps::intents(answer, |intent| match &intent.kind {
        IntentKind::Launch { group, .. } | IntentKind::Remove { group, .. } => group == name,
    });
}

/// How much of the group is requested, and how long its last node took to join.
fn usage(answer: &mut Answer<'_>, name: &GroupName) {
    let record = answer.record;
    let used = record.memory.utilisation.get(name);
    if let Some(used) = used {
        answer.saw(
            FactKind::State,
            1,
            format_args!(
                "{}.{}% of its CPU and {}.{}% of its memory are requested",
                used.cpu_requested / 10,
                used.cpu_requested % 10,
                used.memory_requested / 10,
                used.memory_requested % 10
            ),
        );
    }
    if let Some(boot) = record.memory.boot_times.get(name).and_then(|times| times.last()) {
        answer.saw(
            FactKind::State,
            1,
            format_args!("its last node took {boot} to join"),
        );
    }
}

/// Offers of the group that had no capacity and are not tried again yet.
fn without_capacity(answer: &mut Answer<'_>, name: &GroupName) {
    let record = answer.record;
    let offers = record
        .memory
        .no_capacity
        .iter()
        .filter(|(_, known)| known.until > record.at);
    let ix = record
        .snapshot
        .groups
        .iter()
        .position(|group| group.name == *name);
    for (id, known) in offers {
        let of = record
            .snapshot
            .offer_ix(id)
            .map(|at| record.snapshot.offers[at].group as usize);
        if of == ix {
            let wait = known.until.since(record.at);
            answer.saw(
                FactKind::State,
                1,
                format_args!("{id} had no capacity; tried again in {wait}"),
            );
        }
    }
}

/// Why the group does not grow.
fn stays(answer: &mut Answer<'_>, name: &GroupName) {
    for refusal in &answer.record.plan.refusals {
        if matches!(refusal, Refusal::GroupStays { group, .. } | Refusal::BoundsWait { group, .. } if group == name)
        {
            answer.decided(FactKind::Refusal, 0, refusal);
        }
    }
}

/// Whether the group rests because its nodes helped nobody.
fn unhelpful(answer: &mut Answer<'_>, name: &GroupName) {
    let record = answer.record;
    if let Some(backoff) = record.memory.unhelpful.get(name).filter(|b| b.until > record.at) {
        answer.saw(
            FactKind::State,
            1,
            format_args!(
                "backs off for another {}: {} launches in a row brought nodes, and the pods they were bought for wait on",
                backoff.until.since(record.at),
                backoff.failures
            ),
        );
    }
}

/// How many nodes of the group are made otherwise than it would make them today, and how their replacement fares.
fn drift(answer: &mut Answer<'_>, name: &GroupName) {
    let record = answer.record;
    if record.aims.disruption.drift_of(name) == DriftMode::Off {
        return;
    }
    let nodes = record.snapshot.nodes.iter();
    let drifted = nodes.filter(|node| node.group.as_ref() == Some(name) && node.is_drifted());
    let count = drifted.count();
    if count > 0 {
        let said = format_args!(
            "{} made otherwise than it would make them today",
            Counted(count, "node")
        );
        answer.saw(FactKind::State, 1, said);
    }
    if let Some(canary) = record.memory.canaries.get(name) {
        let wanted = &canary.wanted;
        let said = match canary.stage {
            CanaryStage::Awaited(since) => {
                format!("the first node made with {wanted} is awaited since {since}")
            }
            CanaryStage::Ready(since) => format!("a node made with {wanted} is Ready since {since}"),
            CanaryStage::Failed(at) => {
                format!("no node made with {wanted} became Ready until {at}: nothing more is replaced for it")
            }
        };
        answer.saw(FactKind::State, 1, said);
    }
}

/// What annotations and marks of others say of the node, and what of it says nothing.
fn marks(answer: &mut Answer<'_>, node: &Node) {
    let at = answer.record.snapshot.at;
    if let Some(held) = node.held(at).filter(|held| *held != Stays::DoNotDisrupt) {
        answer.saw(FactKind::State, 1, held);
    }
    if let Some(mark) = node.removed_by(at) {
        let said = format_args!(
            "{} is removing it ({}): it takes no pods and is left alone",
            mark.who, mark.key
        );
        answer.saw(FactKind::State, 1, said);
    }
    if let Some(since) = node.unready {
        answer.saw(FactKind::State, 1, format_args!("not Ready since {since}"));
    }
    for ignored in ignored_of_node(&node.annotations) {
        answer.saw(FactKind::State, 1, ignored);
    }
}

fn state(answer: &mut Answer<'_>, node: &Node) {
    let seen = &answer.record.snapshot;
    let mut words = vec![if node.ready { "Ready" } else { "not Ready" }];
    for (is, word) in [
        (node.unschedulable, "cordoned"),
        (node.draining, "being drained by Plimsoll"),
        (node.deleting, "being deleted"),
        (node.do_not_disrupt, "annotated do-not-disrupt"),
        (node.fargate, "a Fargate pod's own"),
    ] {
        if is {
            words.push(word);
        }
    }
    let leaving = node.leaving.map(|leaving| format!("leaving ({})", leaving.why));
    words.extend(leaving.as_deref());
    let pods = seen
        .pods
        .iter()
        .filter(|pod| pod.node.as_ref() == Some(&node.name))
        .count();
    let group = node.group.as_ref().map_or("no group", GroupName::as_str);
    let age = answer.record.at.since(node.created);
    let text = format!(
        "{}, of {group}, {}, created {age} ago",
        words.join(", "),
        Counted(pods, "pod")
    );
    let offer = node
        .offer
        .as_ref()
        .and_then(|id| seen.offers.iter().find(|offer| offer.id == *id));
    let price = offer.map(|offer| format!("{} at {}", offer.id, offer.price));
    answer.saw(FactKind::State, 0, text);
    marks(answer, node);
    if let Some(price) = price {
        answer.saw(FactKind::Price, 1, price);
    }
    let disruption = &answer.record.aims.disruption;
    let told = node.group.as_ref().map(|group| disruption.drift_of(group)) != Some(DriftMode::Off);
    let expires = disruption.expires(node);
    if let Some(template) = node.template.as_ref().filter(|_| told) {
        answer.saw(FactKind::State, 1, template);
    }
    if let Some(expires) = expires {
        answer.saw(FactKind::State, 1, format_args!("expires at {expires}"));
    }
}
