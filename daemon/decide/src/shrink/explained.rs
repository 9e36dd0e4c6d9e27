//! Owners that have lowered their replicas explain why there is room: nodes need not wait as long as in a lull, for as many
//! pods as those owners have let go of, and pods of theirs that were moved for it are not lightly moved again.
//!
//! What the guard has watched says so (`model::watch`); it counts once more, on its own. Which nodes go is not asked here.

use super::bins::Bin;
use crate::number::size;
use model::aims::Aims;
use model::intent::EffectKind;
use model::memory::Memory;
use model::pod::Pod;
use model::snapshot::Snapshot;
use model::time::Span;

/// Pods that may still be moved on the word of owners that have lowered their replicas; none where that makes no
/// difference.
pub(super) fn pods(seen: &Snapshot, memory: &Memory, aims: &Aims) -> u32 {
    let (limits, watch) = (&aims.limits, &memory.watch);
    if aims.shrink.explained_for <= Span::ZERO || watch.at != Some(seen.at) {
        return 0;
    }
    let effects = seen.ledger.effects.iter();
    let lately = effects.filter(|effect| seen.at.since(effect.at) <= limits.long_window);
    let moved = lately.map(|effect| match &effect.kind {
        EffectKind::Explained { pods } => *pods,
        _ => 0,
    });
    watch
        .released()
        .saturating_sub(moved.fold(0, u32::saturating_add))
}

/// Evictions that moving a pod once more counts as.
const AGAIN: i64 = 20;

/// What giving up a node must bring for those of its pods that were made anew since their owners lowered their replicas,
/// beside what any eviction counts: nano-dollars per hour. Most of them were moved for that.
pub(super) fn again(seen: &Snapshot, bin: &Bin, (memory, aims): (&Memory, &Aims)) -> i64 {
    let lowered = &memory.watch.lowered;
    if lowered.is_empty() {
        return 0;
    }
    let anew = |pod: &&Pod| {
        let owner = seen
            .specs
            .get(size(pod.spec))
            .and_then(|spec| spec.owner.as_ref());
        let at = owner.and_then(|owner| lowered.get(owner));
        at.is_some_and(|at| pod.created > *at)
    };
    let pods = bin.pods.iter().filter_map(|pod| seen.pods.get(size(*pod)));
    let pods = i64::try_from(pods.filter(anew).count()).unwrap_or(i64::MAX);
    let shrink = &aims.shrink;
    let each = i128::from(shrink.eviction_cost_nanos.max(0)) * i128::from(AGAIN - 1) * 3_600_000;
    let all = each * i128::from(pods) / i128::from(shrink.payback.millis().max(1));
    i64::try_from(all).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{names, pair, small, stays};
    use super::*;
    use crate::fixture::NOW;
    use crate::{PolicySet, deliberate};
    use model::intent::Effect;
    use model::reason::Stays;

    const WAITED: Span = Span::from_secs(60);

    fn remembered(waited: Span, released: u32) -> Memory {
        let mut memory = Memory::default();
        for name in ["n1", "n2"] {
            memory.unneeded_since.insert(name.into(), NOW - waited);
        }
        memory.watch.at = Some(NOW);
        memory.watch.released = vec![(NOW - waited, released)];
        memory
    }

    #[test]
    fn nodes_wait_a_minute_where_owners_let_go_of_as_many_pods() {
        let short = Span::from_secs(59);
        let (mut unwatched, mut off) = (remembered(WAITED, 9), Aims::default());
        unwatched.watch.at = Some(NOW - WAITED);
        off.shrink.explained_for = Span::ZERO;
        let usual = Aims::default();
        let table = [
            (
                "one pod let go of, and one to move",
                remembered(WAITED, 1),
                &usual,
                1,
            ),
            ("nobody let go of any", remembered(WAITED, 0), &usual, 0),
            ("not for as long", remembered(short, 9), &usual, 0),
            ("a picture that nobody watched", unwatched, &usual, 0),
            ("where that makes no difference", remembered(WAITED, 9), &off, 0),
        ];
        for (what, memory, aims, expected) in table {
            let done = deliberate(&pair(small()).seen(), &memory, &PolicySet::default(), aims);
            assert_eq!(names(&done).len(), expected, "{what}: {:?}", names(&done));
        }
        let mut used = pair(small()).seen();
        used.ledger.effects.push(Effect {
            at: NOW - WAITED,
            group: "g".into(),
            kind: EffectKind::Explained { pods: 1 },
        });
        let done = deliberate(&used, &remembered(WAITED, 1), &PolicySet::default(), &usual);
        let waits = Stays::NotUnneededLongEnough { since: WAITED };
        assert_eq!(stays(&done, "n2"), Some(waits), "another was moved for it");
    }

    #[test]
    fn a_young_node_is_old_enough_by_then() {
        let mut seen = pair(small()).seen();
        seen.nodes[1].created = NOW - WAITED;
        let of = |released| {
            deliberate(
                &seen,
                &remembered(WAITED, released),
                &PolicySet::default(),
                &Aims::default(),
            )
        };
        assert_eq!(stays(&of(0), "n2"), Some(Stays::TooYoung));
        assert_eq!(names(&of(1)).len(), 1);
    }
}
