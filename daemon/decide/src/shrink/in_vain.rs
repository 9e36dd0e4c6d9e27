//! Pods that were moved for nothing: where removals are given up half-way, one after the other, nothing that carries
//! pods is begun for a while, twice as long each time.
//!
//! Where kube-scheduler puts pods otherwise than was counted on, the next look may find the same saving again, and pods
//! would be moved to and fro for ever. Empty nodes go all the same. Why removals are given up is `continuing`'s.

use super::bins::Bin;
use model::aims::Aims;
use model::ids::GroupName;
use model::intent::EffectKind;
use model::memory::{InVain, Memory};
use model::node::Node;
use model::reason::Stays;
use model::snapshot::Snapshot;
use model::time::{Instant, Span};

/// So many removals in a row are borne: demand comes back now and then.
const BORNE: u32 = 1;
/// The first rest is as long as a node must have been unneeded, and no shorter than this.
const SHORTEST: Span = Span::from_secs(10);
/// Doubled up to this.
const LONGEST: Span = Span::from_secs(3600);

/// Removals by group and beginning.
type Begun<'b> = &'b [(GroupName, Instant)];

/// Notes removals that are being undone where pods have been moved for them, unless another has emptied its node since
/// then; forgets what is as long past as it was waited for.
pub(super) fn note(
    seen: &Snapshot,
    memory: &mut Memory,
    aims: &Aims,
    (emptied, given_up): (Begun<'_>, Begun<'_>),
) {
    let moved = |(group, begun): &&(GroupName, Instant)| moved(seen, group, *begun);
    for (group, _) in emptied.iter().filter(moved) {
        memory.in_vain.remove(group);
    }
    for (group, begun) in given_up.iter().filter(moved) {
        let known = memory.in_vain.get(group).copied();
        if known.is_some_and(|known| *begun <= known.begun) {
            continue;
        }
        let failures = known.map_or(0, |known| known.failures).saturating_add(1);
        let rest = if failures > BORNE {
            rest(failures, seen.options(Some(group)).unneeded_for(aims))
        } else {
            Span::ZERO
        };
        let noted = InVain {
            failures,
            begun: *begun,
            until: seen.at + rest,
        };
        memory.in_vain.insert(group.clone(), noted);
    }
    memory.in_vain.retain(|group, known| {
        let patience = seen.options(Some(group)).unneeded_for(aims);
        let forgotten = known.until + rest(known.failures, patience);
        seen.at < forgotten && seen.group(group).is_some()
    });
}

/// What keeps a node with pods while its group rests.
pub(super) fn rests(node: &Node, bin: &Bin, seen: &Snapshot, memory: &Memory) -> Option<Stays> {
    let known = memory.in_vain.get(node.group.as_ref()?)?;
    (bin.moves() > 0 && seen.at < known.until).then_some(Stays::MovedInVain {
        failures: known.failures,
        until: known.until,
    })
}

/// Whether pods of the group were asked to leave since.
fn moved(seen: &Snapshot, group: &GroupName, since: Instant) -> bool {
    let mut effects = seen.ledger.effects.iter();
    effects.any(|effect| {
        effect.group == *group && effect.at >= since && matches!(effect.kind, EffectKind::Evicted { .. })
    })
}

fn rest(failures: u32, patience: Span) -> Span {
    let first = patience.max(SHORTEST).millis();
    let doubled = first.saturating_mul(1 << failures.saturating_sub(BORNE + 1).min(20));
    Span::from_millis(doubled.min(LONGEST.millis().max(first)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{long_unneeded, names, pair, small, stays};
    use super::*;
    use crate::fixture::{Cluster, NOW, asks, removal};
    use crate::{Deliberation, PolicySet, deliberate};
    use model::intent::{Effect, Intent, RemoveStage};

    const MINUTE: Span = Span::from_secs(60);

    fn after(seen: &Snapshot, memory: &Memory) -> Deliberation {
        deliberate(seen, memory, &PolicySet::default(), &Aims::default())
    }

    /// n2 was being emptied, and a pod waits that runs nowhere else.
    fn needed_again(begun: Instant, moved: bool) -> Snapshot {
        let mut seen = pair(small()).pending("late", 1, asks(850, 100)).seen();
        seen.groups[0].max = 2;
        seen.nodes[1].draining = true;
        seen.pods.retain(|pod| &*pod.key.name != "small");
        seen.ledger.intents.push(Intent {
            opened: begun,
            ..removal("n2", RemoveStage::Draining)
        });
        if moved {
            seen.ledger.effects.push(Effect {
                at: begun,
                group: "g".into(),
                kind: EffectKind::Evicted { count: 1 },
            });
        }
        seen
    }

    #[test]
    fn after_pods_were_moved_in_vain_only_empty_nodes_go() {
        let begun = NOW - MINUTE;
        let done = after(&needed_again(begun, true), &long_unneeded());
        assert!(names(&done)[0].contains("uncordon"), "{:?}", names(&done));
        let mut noted = InVain {
            failures: 1,
            begun,
            until: NOW,
        };
        assert_eq!(done.memory.in_vain[&"g".into()], noted, "once is borne");
        let before = InVain {
            begun: begun - MINUTE,
            ..noted
        };
        let mut memory = long_unneeded();
        memory.in_vain.insert("g".into(), before);
        let done = after(&needed_again(begun, true), &memory);
        (noted.failures, noted.until) = (2, NOW + Aims::default().shrink.unneeded_for);
        assert_eq!(done.memory.in_vain[&"g".into()], noted);
        let quiet = after(&needed_again(begun, false), &long_unneeded());
        assert!(quiet.memory.in_vain.is_empty(), "nobody was moved");

        let mut memory = long_unneeded();
        memory.in_vain.insert("g".into(), noted);
        let rests = after(&pair(small()).seen(), &memory);
        assert_eq!(names(&rests), [""; 0]);
        let why = Stays::MovedInVain {
            failures: 2,
            until: noted.until,
        };
        assert_eq!(stays(&rests, "n2"), Some(why));
        let mut empty = pair(small()).seen();
        empty.pods.retain(|pod| &*pod.key.name != "small");
        assert_eq!(names(&after(&empty, &memory)).len(), 1);
        memory.in_vain.insert("g".into(), InVain { until: NOW, ..noted });
        assert_eq!(names(&after(&pair(small()).seen(), &memory)).len(), 1);
        // The node is empty: it was not in vain.
        let mut emptied = needed_again(begun, true);
        emptied.pods.retain(|pod| &*pod.key.name != "late-0");
        let done = after(&emptied, &memory);
        assert!(names(&done)[0].contains("remove"), "{:?}", names(&done));
        assert!(done.memory.in_vain.is_empty());
    }

    #[test]
    fn each_time_in_a_row_rests_twice_as_long_and_is_forgotten_after_as_long_again() {
        let aims = Aims::default();
        let first = aims.shrink.unneeded_for;
        let mut memory = Memory::default();
        let mut seen = Cluster::new().group("g", 0, 9).seen();
        for (nth, spans) in (0_i64..).zip([0, 1, 2, 4]) {
            let begun = NOW + Span::from_secs(nth);
            seen.at = begun;
            seen.ledger.effects = needed_again(begun, true).ledger.effects;
            let given_up = [("g".into(), begun), ("g".into(), begun)];
            note(&seen, &mut memory, &aims, (&[], &given_up));
            note(&seen, &mut memory, &aims, (&[], &given_up));
            let until = memory.in_vain[&"g".into()].until;
            assert_eq!(until, begun + Span::from_millis(first.millis() * spans));
        }
        let last = memory.in_vain[&"g".into()];
        seen.at = last.until + Span::from_millis(first.millis() * 4 - 1);
        note(&seen, &mut memory, &aims, (&[], &[]));
        assert!(!memory.in_vain.is_empty());
        seen.at = seen.at + Span::from_millis(1);
        note(&seen, &mut memory, &aims, (&[], &[]));
        assert!(memory.in_vain.is_empty());
        assert_eq!(rest(u32::MAX, first), LONGEST.max(first));
    }
}
