//! Nodes that stay because they are well used: only where a tag of their group says to what part
//! (`scaledownutilizationthreshold`, `scaledowngpuutilizationthreshold`), as the Cluster Autoscaler counts it
//! (`pkg/simulator/utilization`, `pkg/core/scaledown/eligibility`): what pods ask for of what is allocatable, of CPU or
//! memory whichever is more, of GPUs alone where the node has any.
//!
//! Without such a tag nothing is kept for being used: what moving its pods is worth decides (`turnover`). Not here:
//! nodes that are replaced for their age.

use super::fleet::Fleet;
use crate::number::size;
use model::pod::PodSpec;
use model::reason::Stays;
use model::resources::Resources;
use model::startup::is_gpu;

/// A whole in millionths.
const WHOLE: i128 = 1_000_000;

/// What keeps the node of this bin for what its pods ask for.
pub(super) fn keeps(fleet: &Fleet<'_>, bin: usize) -> Option<Stays> {
    let seen = fleet.seen;
    let node = seen.nodes.get(bin)?;
    let options = seen.options(node.group.as_ref());
    let has_gpus = gpus(&node.allocatable) > 0;
    let threshold = if has_gpus {
        options.gpu_threshold
    } else {
        options.threshold
    }?;
    let spares = options.ignores_daemon_sets.unwrap_or(false);
    let pods = fleet.tenants.of_node(bin);
    let specs = pods
        .iter()
        .filter_map(|pod| seen.specs.get(size(seen.pods.get(size(*pod))?.spec)));
    let (mut asked, mut daemons) = ([0_i64; 3], [0_i64; 3]);
    for spec in specs {
        let to = if spares && is_daemon(spec) {
            &mut daemons
        } else {
            &mut asked
        };
        for (sum, amount) in to.iter_mut().zip(amounts(&spec.requests)) {
            *sum = sum.saturating_add(amount);
        }
    }
    let part = |dim: usize| {
        let there = amounts(&node.allocatable)[dim].saturating_sub(daemons[dim]);
        share(asked[dim], there)
    };
    let used = if has_gpus { part(2) } else { part(0).max(part(1)) };
    (used >= threshold).then_some(Stays::Used { used, threshold })
}

/// CPU, memory, GPUs.
fn amounts(of: &Resources) -> [i64; 3] {
    [of.cpu_milli, of.memory_bytes, gpus(of)]
}

fn gpus(of: &Resources) -> i64 {
    let devices = of.extended.iter().filter(|(name, _)| is_gpu(name));
    devices.fold(0, |sum, (_, amount)| sum.saturating_add(*amount))
}

fn is_daemon(spec: &PodSpec) -> bool {
    let owner = spec.owner.as_ref();
    owner.is_some_and(|owner| &*owner.kind == "DaemonSet")
}

/// In millionths, rounded down; where nothing is there to ask for, what is asked for fills it.
fn share(asked: i64, there: i64) -> u32 {
    if asked <= 0 {
        return 0;
    }
    if there <= 0 {
        return u32::MAX;
    }
    u32::try_from(i128::from(asked) * WHOLE / i128::from(there)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{long_unneeded, names, pair, small, stays};
    use super::*;
    use crate::{PolicySet, deliberate};
    use model::Aims;
    use model::group::GroupOptions;
    use model::group::options::PREFIX;
    use model::ids::WorkloadKey;
    use model::snapshot::Snapshot;
    use model::time::Span;

    /// A node that could be emptied, under these tags of its group.
    fn tagged(tags: &[(&str, &str)]) -> Snapshot {
        let mut seen = pair(small()).seen();
        tag(&mut seen, tags);
        seen
    }

    fn tag(seen: &mut Snapshot, tags: &[(&str, &str)]) {
        let tags: Vec<(String, &str)> = tags
            .iter()
            .map(|(key, value)| (format!("{PREFIX}{key}"), *value))
            .collect();
        let tags = tags.iter().map(|(key, value)| (key.as_str(), *value));
        seen.groups[0].options = GroupOptions::of_tags(tags);
        assert_eq!(seen.groups[0].options.ignored, []);
    }

    fn after(seen: &Snapshot) -> crate::Deliberation {
        deliberate(seen, &long_unneeded(), &PolicySet::default(), &Aims::default())
    }

    /// What keeps n2 for being used.
    fn told(done: &crate::Deliberation) -> Option<Stays> {
        stays(done, "n2").filter(|why| matches!(why, Stays::Used { .. }))
    }

    /// In millionths: what the pods of n2 ask for.
    fn used() -> u32 {
        let seen = pair(small()).seen();
        let asked = small().requests;
        let node = &seen.nodes[1].allocatable;
        share(asked.cpu_milli, node.cpu_milli).max(share(asked.memory_bytes, node.memory_bytes))
    }

    #[test]
    fn a_threshold_of_its_group_keeps_a_node_that_is_used_to_it() {
        assert_eq!(names(&after(&tagged(&[]))).len(), 1, "money says that it goes");
        let used = used();
        for (threshold, goes) in [
            (0, false),
            (used - 1, false),
            (used, false),
            (used + 1, true),
            (1_000_000, true),
        ] {
            let text = format!("{threshold}e-6");
            let done = after(&tagged(&[("scaledownutilizationthreshold", &text)]));
            assert_eq!(names(&done).len(), usize::from(goes), "{text}");
            let why = (!goes).then_some(Stays::Used { used, threshold });
            assert_eq!(told(&done), why, "{text}");
            if !goes {
                let known = done.memory.unneeded_since.contains_key(&"n2".into());
                assert!(!known, "the time in which it was used does not count");
            }
        }
        // Of a node without GPUs their threshold says nothing.
        let done = after(&tagged(&[("scaledowngpuutilizationthreshold", "0")]));
        assert_eq!(names(&done).len(), 1);
    }

    #[test]
    fn pods_of_daemon_sets_count_unless_a_tag_says_otherwise() {
        let mut agent = small();
        agent.owner = Some(WorkloadKey::new("DaemonSet", "default", "agent"));
        agent.requests.cpu_milli = 500;
        let seen = |tags: &[(&str, &str)]| {
            let mut seen = pair(small()).running("agent-1", "n2", agent.clone()).seen();
            tag(&mut seen, tags);
            seen
        };
        let threshold = ("scaledownutilizationthreshold", "0.5");
        let kept = |tags: &[(&str, &str)]| told(&after(&seen(tags))).is_some();
        assert!(
            kept(&[threshold]),
            "as the Cluster Autoscaler: they count where nobody says otherwise"
        );
        assert!(kept(&[threshold, ("ignoredaemonsetsutilization", "false")]));
        assert!(!kept(&[threshold, ("ignoredaemonsetsutilization", "true")]));
    }

    #[test]
    fn of_a_node_with_gpus_these_alone_count() {
        let seen = |asked: i64, tags: &[(&str, &str)]| {
            let mut pod = small();
            pod.requests
                .extended
                .extend((asked > 0).then(|| ("nvidia.com/gpu".to_owned(), asked)));
            let mut seen = pair(pod).seen();
            for node in &mut seen.nodes {
                node.allocatable.extended.insert("nvidia.com/gpu".to_owned(), 4);
            }
            for offer in &mut seen.offers {
                offer.allocatable.extended.insert("nvidia.com/gpu".to_owned(), 4);
            }
            tag(&mut seen, tags);
            seen
        };
        let gpus = ("scaledowngpuutilizationthreshold", "0.5");
        for (asked, keeps) in [(0, false), (1, false), (2, true), (3, true)] {
            let done = after(&seen(asked, &[gpus, ("scaledownutilizationthreshold", "0")]));
            let used = u32::try_from(asked * 250_000).unwrap();
            let why = keeps.then_some(Stays::Used {
                used,
                threshold: 500_000,
            });
            assert_eq!(told(&done), why, "{asked}");
        }
    }

    /// The time of the group, not that of the aims, is what a node waits.
    #[test]
    fn a_group_has_a_patience_of_its_own() {
        let waited = |tag: &str, minutes: i64| {
            let mut seen = tagged(&[("scaledownunneededtime", tag)]);
            let mut memory = long_unneeded();
            let since = seen.at - Span::from_secs(60 * minutes);
            for known in memory.unneeded_since.values_mut() {
                *known = since;
            }
            seen.groups[0].min = 0;
            let done = deliberate(&seen, &memory, &PolicySet::default(), &Aims::default());
            names(&done).len()
        };
        let usual = Aims::default().shrink.unneeded_for;
        assert_eq!(usual, Span::from_secs(600));
        for (tag, minutes, goes) in [
            ("10m", 9, false),
            ("10m", 10, true),
            ("2m", 1, false),
            ("2m", 2, true),
            ("1h", 59, false),
            ("1h", 60, true),
            ("0s", 0, true),
        ] {
            assert_eq!(
                waited(tag, minutes),
                usize::from(goes),
                "{tag} after {minutes} minutes"
            );
        }
    }
}
