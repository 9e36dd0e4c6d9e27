//! Bounds of groups as the aims want them, as far as the groups' sizes let them be set: a minimum above its size would
//! launch instances, and a maximum below it end them by number, neither of which is decided here.

use model::aims::Aims;
use model::group::{Bounds, Group};
use model::plan::StepKind;
use model::reason::{Reason, Refusal};
use model::snapshot::Snapshot;

/// Steps, in the order of the groups' names, and what of the aims waits.
pub(crate) fn decide(seen: &Snapshot, aims: &Aims) -> (Vec<(StepKind, Reason)>, Vec<Refusal>) {
    let (mut steps, mut waits) = (Vec::new(), Vec::new());
    for (name, aim) in &aims.bounds {
        let known = seen.group(name).filter(|group| group.has_bounds());
        let Some(group) = known.filter(|group| group.foreign.is_none()) else {
            continue;
        };
        let (from, wanted) = (group.bounds(), aim.over(group.bounds()));
        let to = around_size(group, wanted);
        if to != wanted {
            waits.push(Refusal::BoundsWait {
                group: name.clone(),
                wanted,
                size: group.desired,
            });
        }
        if to != from && to.min <= to.max {
            let group = name.clone();
            steps.push((StepKind::SetBounds { group, from, to }, Reason::Bounds { wanted }));
        }
    }
    (steps, waits)
}

/// The nearest bounds that the group's size is within.
fn around_size(group: &Group, wanted: Bounds) -> Bounds {
    Bounds {
        min: wanted.min.min(group.desired),
        max: wanted.max.max(group.desired),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Cluster;
    use model::aims::BoundsAim;
    use model::group::GroupKind;

    /// A group of five, bounded by none and nine.
    fn five(kind: GroupKind) -> Snapshot {
        let mut seen = Cluster::new().group("g", 5, 9).seen();
        seen.groups[0].kind = kind;
        seen
    }

    fn set(seen: &Snapshot, min: Option<u32>, max: Option<u32>) -> (Option<(u32, u32)>, usize) {
        let mut aims = Aims::default();
        aims.bounds.insert("g".into(), BoundsAim { min, max });
        aims.bounds.insert("nobody".into(), BoundsAim { min, max });
        let (steps, waits) = decide(seen, &aims);
        let to = steps.first().map(|(kind, _)| match kind {
            StepKind::SetBounds { to, .. } => (to.min, to.max),
            other => panic!("{other}"),
        });
        (to, waits.len())
    }

    #[test]
    fn bounds_go_as_far_as_the_size_lets_them() {
        let seen = five(GroupKind::ManagedNodeGroup);
        for (min, max, to, waits) in [
            (None, Some(40), Some((0, 40)), 0),
            (Some(2), None, Some((2, 9)), 0),
            (Some(0), Some(9), None, 0),
            (Some(7), Some(20), Some((5, 20)), 1),
            (None, Some(3), Some((0, 5)), 1),
            (Some(5), Some(5), Some((5, 5)), 0),
        ] {
            assert_eq!(set(&seen, min, max), (to, waits), "{min:?} {max:?}");
        }
    }

    #[test]
    fn bounds_that_are_not_ours_stay() {
        for kind in [
            GroupKind::KopsInstanceGroup,
            GroupKind::Fleet,
            GroupKind::FargateProfile,
        ] {
            assert_eq!(set(&five(kind), None, Some(40)), (None, 0), "{kind:?}");
        }
        let mut foreign = five(GroupKind::Asg);
        foreign.groups[0].foreign = Some("Karpenter".to_owned());
        assert_eq!(set(&foreign, None, Some(40)), (None, 0));
        let mut unknown = five(GroupKind::ManagedNodeGroup);
        unknown.groups[0].max = u32::MAX;
        assert_eq!(set(&unknown, None, Some(40)), (None, 0), "manifests tell none");
    }
}
