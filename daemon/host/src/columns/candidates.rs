//! Columns of the hook `disruption`: nodes that could be given up, and the pods that would have to move.
//!
//! Figures of a node or a pod are read from the picture itself; the rows only say which.

use super::key::{Keyed, Number, Text};
use super::values::{ABSENT, known, spec_of};
use decide::View;
use decide::policy::{CandidateRow, MoverRow};
use model::disruption::Cause;
use model::ids::WorkloadKey;
use model::node::Node;
use model::pod::{Pod, PodSpec};
use model::selector::Labels;
use std::sync::Arc;

/// A column of numbers of either table; empty for every other.
pub(super) fn numbers(view: &View<'_>, which: Number) -> Arc<[u32]> {
    use Number as N;
    let candidates = |of: &dyn Fn(&CandidateRow) -> u32| view.candidates.iter().map(of).collect();
    let movers = |of: &dyn Fn(&MoverRow) -> u32| view.movers.iter().map(of).collect();
    let at = view.seen.at;
    let asks = |row: &MoverRow, of: fn(&PodSpec) -> i64| spec(view, row).map_or(0, |spec| known(of(spec)));
    match which {
        N::CandidateAge => {
            candidates(&|row| node(view, row).map_or(0, |node| known(at.since(node.created).millis())))
        }
        N::CandidateMoves => candidates(&|row| row.moves.min(ABSENT - 1)),
        N::CandidateCpuRequested => candidates(&|row| row.cpu_requested.min(ABSENT - 1)),
        N::CandidateMemoryRequested => candidates(&|row| row.memory_requested.min(ABSENT - 1)),
        N::CandidateCpuUsed => candidates(&|row| {
            used(view, row, |node| {
                Some((node.usage?.cpu_milli, node.allocatable.cpu_milli))
            })
        }),
        N::CandidateMemoryUsed => candidates(&|row| {
            used(view, row, |node| {
                Some((node.usage?.memory_bytes, node.allocatable.memory_bytes))
            })
        }),
        N::CandidateUnneeded => {
            candidates(&|row| row.unneeded.map_or(ABSENT, |unneeded| known(unneeded.millis())))
        }
        N::CandidateDue => candidates(&|row| row.due.map_or(0, due_code)),
        N::MoverCandidate => movers(&|row| row.candidate),
        N::MoverCpu => movers(&|row| asks(row, |spec| spec.requests.cpu_milli)),
        N::MoverMemory => movers(&|row| asks(row, |spec| spec.requests.memory_mib_up())),
        N::MoverAge => movers(&|row| pod(view, row).map_or(0, |pod| known(at.since(pod.created).millis()))),
        _ => Arc::default(),
    }
}

/// A column of text of either table; empty for every other.
pub(super) fn texts<'v>(view: &'v View<'_>, which: Text) -> Box<dyn Iterator<Item = &'v str> + 'v> {
    use Text as T;
    let candidates = |of: fn(&Node) -> &str| {
        let nodes = view.candidates.iter().map(|row| node(view, row));
        nodes.map(move |node| node.map_or("", of))
    };
    let movers = |of: fn(&Pod) -> &str| {
        let pods = view.movers.iter().map(|row| pod(view, row));
        pods.map(move |pod| pod.map_or("", of))
    };
    let owners = |of: fn(&WorkloadKey) -> &str| {
        let specs = view.movers.iter().map(|row| spec(view, row));
        specs.map(move |spec| spec.and_then(|spec| spec.owner.as_ref()).map_or("", of))
    };
    match which {
        T::CandidateName => Box::new(candidates(|node| node.name.as_str())),
        T::CandidateGroup => Box::new(candidates(|node| {
            node.group.as_ref().map_or("", |group| group.as_str())
        })),
        T::MoverNamespace => Box::new(movers(|pod| &pod.key.namespace)),
        T::MoverName => Box::new(movers(|pod| &pod.key.name)),
        T::MoverOwnerKind => Box::new(owners(|owner| &owner.kind)),
        T::MoverOwnerName => Box::new(owners(|owner| &owner.name)),
        _ => Box::new(std::iter::empty()),
    }
}

/// What a column by key is read from, row by row; empty for every other.
pub(super) fn labels<'v>(
    view: &'v View<'_>,
    which: Keyed,
) -> Box<dyn Iterator<Item = Option<&'v Labels>> + 'v> {
    let specs = view.movers.iter().map(|row| spec(view, row));
    match which {
        Keyed::CandidateLabel => {
            let nodes = view.candidates.iter().map(|row| node(view, row));
            Box::new(nodes.map(|node| node.map(|node| &node.labels)))
        }
        Keyed::MoverLabel => Box::new(specs.map(|spec| spec.map(|spec| &spec.labels))),
        Keyed::MoverAnnotation => Box::new(specs.map(|spec| spec.map(|spec| &spec.annotations))),
        _ => Box::new(std::iter::empty()),
    }
}

fn node<'v>(view: &'v View<'_>, row: &CandidateRow) -> Option<&'v Node> {
    view.seen.nodes.get(usize::try_from(row.node).ok()?)
}

fn pod<'v>(view: &'v View<'_>, row: &MoverRow) -> Option<&'v Pod> {
    view.seen.pods.get(usize::try_from(row.pod).ok()?)
}

fn spec<'v>(view: &'v View<'_>, row: &MoverRow) -> Option<&'v PodSpec> {
    spec_of(view, Some(pod(view, row)?.spec))
}

/// Share in thousandths; absent where nobody measured, or nothing is there to be used.
fn used(view: &View<'_>, row: &CandidateRow, of: fn(&Node) -> Option<(i64, i64)>) -> u32 {
    let shares = node(view, row).and_then(of).filter(|(_, whole)| *whole > 0);
    shares.map_or(ABSENT, |(part, whole)| {
        known(part.max(0).saturating_mul(1000) / whole)
    })
}

/// The codes of `candidate-due`.
const fn due_code(cause: Cause) -> u32 {
    match cause {
        Cause::Empty | Cause::Underused => 0,
        Cause::Expired => 1,
        Cause::Drifted => 2,
    }
}
