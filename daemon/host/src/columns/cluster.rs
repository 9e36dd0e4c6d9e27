//! Columns of what is there, for every hook: groups, offers, nodes, pods. Read from the picture itself.

use super::key::{Extended, Keyed, Number, Text};
use super::values::{ABSENT, boot_time, kind_code, known, maybe, number, perhaps, purchase_code, spec_of};
use decide::View;
use model::group::Group;
use model::ids::WorkloadKey;
use model::memory::GroupUse;
use model::node::Node;
use model::offer::{Confidence, Offer, OfferKind};
use model::pod::{Pod, PodPhase, PodSpec, Usage};
use model::resources::Resources;
use model::selector::Labels;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A column of numbers of the group table; empty for every other.
pub(super) fn group_numbers(view: &View<'_>, which: Number) -> Arc<[u32]> {
    use Number as N;
    let seen = view.seen;
    let groups = |of: &dyn Fn(&Group) -> u32| seen.groups.iter().map(of).collect();
    let uses = |of: fn(&GroupUse) -> u32, none: u32| {
        groups(&|group| view.memory.utilisation.get(&group.name).map_or(none, of))
    };
    match which {
        N::GroupKind => groups(&|group| kind_code(group.kind)),
        N::GroupMin => groups(&|group| group.min.min(ABSENT - 1)),
        N::GroupMax => groups(&|group| group.max.min(ABSENT - 1)),
        N::GroupDesired => groups(&|group| group.desired.min(ABSENT - 1)),
        N::GroupNodes => {
            let mut nodes = BTreeMap::new();
            for group in seen.nodes.iter().filter_map(|node| node.group.as_ref()) {
                *nodes.entry(group).or_insert(0_usize) += 1;
            }
            groups(&|group| number(nodes.get(&group.name).copied().unwrap_or(0)))
        }
        N::GroupForeign => groups(&|group| u32::from(group.foreign.is_some())),
        N::GroupCpuRequested => uses(|shares| shares.cpu_requested.min(ABSENT - 1), 0),
        N::GroupMemoryRequested => uses(|shares| shares.memory_requested.min(ABSENT - 1), 0),
        N::GroupCpuUsed => uses(|shares| maybe(shares.cpu_used), ABSENT),
        N::GroupMemoryUsed => uses(|shares| maybe(shares.memory_used), ABSENT),
        N::GroupBoot => groups(&|group| boot_time(view, group)),
        N::GroupShort => groups(&|group| {
            let told = seen.short.get(&group.name);
            told.map_or(ABSENT, |told| known(seen.at.since(*told).millis()))
        }),
        _ => Arc::default(),
    }
}

/// A column of numbers of the offer table; empty for every other.
pub(super) fn offer_numbers(view: &View<'_>, which: Number) -> Arc<[u32]> {
    use Number as N;
    let offers = |of: &dyn Fn(&Offer) -> u32| view.seen.offers.iter().map(of).collect();
    match which {
        N::OfferGroup => offers(&|offer| offer.group),
        N::OfferPurchase => offers(&|offer| match &offer.kind {
            OfferKind::Ec2 { purchase, .. } => purchase_code(*purchase),
            OfferKind::Fargate { .. } => 0,
        }),
        N::OfferCpu => offers(&|offer| known(offer.allocatable.cpu_milli)),
        N::OfferMemory => offers(&|offer| known(offer.allocatable.memory_mib_down())),
        N::OfferPods => offers(&|offer| offer.max_pods.min(ABSENT - 1)),
        N::OfferConfidence => offers(&|offer| match offer.confidence {
            Confidence::Listed => 1,
            Confidence::BuiltIn => 2,
            Confidence::Estimated => 3,
            Confidence::Unknown => 4,
        }),
        N::OfferInterruptions => offers(&|offer| maybe(offer.interruptions)),
        N::OfferBarred => offers(&|offer| {
            let barred = view.memory.no_capacity.get(&offer.id);
            barred.map_or(0, |barred| known(barred.until.since(view.seen.at).millis()))
        }),
        _ => Arc::default(),
    }
}

/// A column of numbers of the node table; empty for every other.
pub(super) fn node_numbers(view: &View<'_>, which: Number) -> Arc<[u32]> {
    use Number as N;
    let seen = view.seen;
    let nodes = |of: &dyn Fn(&Node) -> u32| seen.nodes.iter().map(of).collect();
    match which {
        N::NodeGroup => nodes(&|node| {
            let group = node.group.as_ref();
            let at = |name| seen.groups.binary_search_by(|group| group.name.cmp(name)).ok();
            perhaps(group.and_then(at))
        }),
        N::NodeOffer => nodes(&|node| perhaps(node.offer.as_ref().and_then(|id| seen.offer_ix(id)))),
        N::NodeState => nodes(&state),
        N::NodeAge => nodes(&|node| known(seen.at.since(node.created).millis())),
        N::NodeCpu => nodes(&|node| known(node.allocatable.cpu_milli)),
        N::NodeMemory => nodes(&|node| known(node.allocatable.memory_mib_down())),
        N::NodePods => nodes(&|node| node.max_pods.min(ABSENT - 1)),
        N::NodeCpuUsed => nodes(&|node| cpu_used(node.usage)),
        N::NodeMemoryUsed => nodes(&|node| memory_used(node.usage)),
        _ => Arc::default(),
    }
}

/// A column of numbers of the pod table; empty for every other.
pub(super) fn pod_numbers(view: &View<'_>, which: Number) -> Arc<[u32]> {
    use Number as N;
    let seen = view.seen;
    let pods = |of: &dyn Fn(&Pod) -> u32| seen.pods.iter().map(of).collect();
    let asked = |of: fn(&PodSpec) -> i64| {
        specs(view)
            .map(|spec| spec.map_or(0, |spec| known(of(spec))))
            .collect()
    };
    match which {
        N::PodNode => pods(&|pod| {
            let at = |name| seen.nodes.binary_search_by(|node| node.name.cmp(name)).ok();
            perhaps(pod.node.as_ref().and_then(at))
        }),
        N::PodPhase => pods(&|pod| phase_code(pod.phase)),
        N::PodAge => pods(&|pod| known(seen.at.since(pod.created).millis())),
        N::PodCpu => asked(|spec| spec.requests.cpu_milli),
        N::PodMemory => asked(|spec| spec.requests.memory_mib_up()),
        N::PodCpuUsed => pods(&|pod| cpu_used(pod.usage)),
        N::PodMemoryUsed => pods(&|pod| memory_used(pod.usage)),
        _ => Arc::default(),
    }
}

/// A column of an extended resource of offers, nodes or pods; empty for every other.
pub(super) fn extended(view: &View<'_>, which: Extended, name: &str) -> Arc<[u32]> {
    match which {
        Extended::Offer => {
            let offers = view.seen.offers.iter();
            offers
                .map(|offer| known(offer.allocatable.amount(name)))
                .collect()
        }
        Extended::Node => {
            let nodes = view.seen.nodes.iter();
            nodes.map(|node| known(node.allocatable.amount(name))).collect()
        }
        Extended::Pod => {
            let amount = |spec: &PodSpec| known(spec.requests.amount(name));
            specs(view).map(|spec| spec.map_or(0, amount)).collect()
        }
        Extended::Class => Arc::default(),
    }
}

/// A column of text of these tables; empty for every other.
pub(super) fn texts<'v>(view: &'v View<'_>, which: Text) -> Box<dyn Iterator<Item = &'v str> + 'v> {
    use Text as T;
    let seen = view.seen;
    let owners = |of: fn(&WorkloadKey) -> &str| {
        specs(view).map(move |spec| spec.and_then(|spec| spec.owner.as_ref()).map_or("", of))
    };
    match which {
        T::GroupName => Box::new(seen.groups.iter().map(|group| group.name.as_str())),
        T::OfferType => Box::new(
            seen.offers
                .iter()
                .map(|offer| offer.instance_type().unwrap_or("")),
        ),
        T::OfferZone => Box::new(seen.offers.iter().map(|offer| offer.zone().unwrap_or(""))),
        T::OfferArch => Box::new(seen.offers.iter().map(|offer| match &offer.kind {
            OfferKind::Ec2 { arch, .. } => arch.as_str(),
            OfferKind::Fargate { .. } => "",
        })),
        T::NodeName => Box::new(seen.nodes.iter().map(|node| node.name.as_str())),
        T::PodNamespace => Box::new(seen.pods.iter().map(|pod| &*pod.key.namespace)),
        T::PodName => Box::new(seen.pods.iter().map(|pod| &*pod.key.name)),
        T::PodOwnerKind => Box::new(owners(|owner| &owner.kind)),
        T::PodOwnerName => Box::new(owners(|owner| &owner.name)),
        _ => Box::new(std::iter::empty()),
    }
}

/// What a column by key is read from, row by row; empty for every other.
pub(super) fn labels<'v>(
    view: &'v View<'_>,
    which: Keyed,
) -> Box<dyn Iterator<Item = Option<&'v Labels>> + 'v> {
    let seen = view.seen;
    match which {
        Keyed::GroupLabel => Box::new(seen.groups.iter().map(|group| Some(&group.labels))),
        Keyed::OfferLabel => Box::new(seen.offers.iter().map(|offer| Some(&offer.labels))),
        Keyed::NodeLabel => Box::new(seen.nodes.iter().map(|node| Some(&node.labels))),
        Keyed::PodLabel => Box::new(specs(view).map(|spec| spec.map(|spec| &spec.labels))),
        Keyed::PodAnnotation => Box::new(specs(view).map(|spec| spec.map(|spec| &spec.annotations))),
        _ => Box::new(std::iter::empty()),
    }
}

/// The spec of each pod.
pub(super) fn specs<'v>(view: &'v View<'_>) -> impl Iterator<Item = Option<&'v PodSpec>> {
    view.seen.pods.iter().map(|pod| spec_of(view, Some(pod.spec)))
}

/// The sum of `node-state`.
fn state(node: &Node) -> u32 {
    [
        (node.ready, 1),
        (node.unschedulable, 2),
        (node.deleting, 4),
        (node.fargate, 8),
        (node.do_not_disrupt, 16),
        (node.draining, 32),
        (node.goes(), 64),
    ]
    .into_iter()
    .map(|(is, code)| u32::from(is) * code)
    .sum()
}

/// The codes of `pod-phase`.
const fn phase_code(phase: PodPhase) -> u32 {
    match phase {
        PodPhase::Pending => 0,
        PodPhase::Gated => 1,
        PodPhase::Starting => 2,
        PodPhase::Running => 3,
        PodPhase::Terminating => 4,
        PodPhase::Finished => 5,
    }
}

fn cpu_used(usage: Option<Usage>) -> u32 {
    usage.map_or(ABSENT, |usage| known(usage.cpu_milli))
}

fn memory_used(usage: Option<Usage>) -> u32 {
    let up = |usage: Usage| Resources::new(0, usage.memory_bytes).memory_mib_up();
    usage.map_or(ABSENT, |usage| known(up(usage)))
}
