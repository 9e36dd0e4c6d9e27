//! How large the part of an object is that rules read, and what is kept of a spec that is too large.
//!
//! A tenant may write a megabyte of labels or of affinity into every pod. Such a pod is one that could be read in part
//! only: what it asks for and whose it is are kept, it is left where it stands, and it is refused while it waits. Not here:
//! how much all of a namespace's objects may take together (`allowance`).

use model::footprint;
use model::pod::PodSpec;
use serde::Serialize;

/// Most bytes of one object, as they lie in memory. Those of pods with long rules are 5 KiB.
const MOST: usize = 16 << 10;

/// Why the labels and rules of an object are not kept, where they are too large.
pub(crate) fn too_large(rules: &impl Serialize) -> Option<String> {
    let told = || {
        format!(
            "its labels and rules take more than {} KiB: they are not kept",
            MOST >> 10
        )
    };
    (!footprint::is_within(rules, MOST)).then(told)
}

/// What is kept of a spec for which there is no room.
pub(crate) fn cut(spec: PodSpec) -> PodSpec {
    PodSpec {
        namespace: spec.namespace,
        requests: spec.requests,
        owner: spec.owner,
        scheduler: spec.scheduler,
        priority: spec.priority,
        traits: spec.traits,
        ..PodSpec::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Resources;
    use model::selector::{Labels, NodeTerm, Requirement};

    #[test]
    fn what_is_too_large_keeps_what_it_asks_for() {
        let labelled = |count: usize| PodSpec {
            namespace: "ns".to_owned(),
            requests: Resources::new(100, 200),
            priority: 7,
            labels: (0..count)
                .map(|n| (format!("key-{n:05}"), "v".repeat(63)))
                .collect(),
            ..PodSpec::default()
        };
        assert_eq!(too_large(&labelled(100)), None);
        assert!(too_large(&labelled(150)).unwrap().contains("16 KiB"));
        let kept = cut(labelled(150));
        assert_eq!(
            (kept.labels, kept.requests, kept.priority),
            (Labels::new(), Resources::new(100, 200), 7)
        );
    }

    /// Many short terms are little text and much memory.
    #[test]
    fn short_rules_weigh_what_they_take_in_memory() {
        let terms = |count: usize| {
            let term = |n| NodeTerm {
                labels: vec![Requirement::equal(format!("key-{n}"), "v")],
                fields: Vec::new(),
            };
            PodSpec {
                node_affinity: Some((0..count).map(term).collect()),
                ..PodSpec::default()
            }
        };
        assert!(serde_json::to_vec(&terms(120)).unwrap().len() < 12 << 10);
        assert_eq!(
            [50, 120].map(|count| too_large(&terms(count)).is_some()),
            [false, true]
        );
    }
}
