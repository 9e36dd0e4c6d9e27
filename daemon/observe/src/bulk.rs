//! How large the part of a pod is that rules read, and what is kept of one that is too large.
//!
//! A tenant may write a megabyte of labels or of affinity into every pod. Such a pod is one that could be read in part
//! only: what it asks for and whose it is are kept, it is left where it stands, and it is refused while it waits.

use model::pod::PodSpec;
use std::io::{self, Write};

/// Most bytes of a spec, about as they lie in memory. Those of pods with long rules are 5 KiB.
const MOST: usize = 16 << 10;

/// What a text, and what a list or an object takes beside its bytes as JSON: a hundred terms of node affinity with one
/// value each are 6 KiB of JSON and 40 KiB in memory.
const TEXT: usize = 24;
const LIST: usize = 32;

/// The spec itself, or what is kept of it and why.
pub(crate) fn cut(spec: PodSpec) -> (PodSpec, Option<String>) {
    let mut room = Room { left: MOST };
    if serde_json::to_writer(&mut room, &spec).is_ok() {
        return (spec, None);
    }
    let kept = PodSpec {
        namespace: spec.namespace,
        requests: spec.requests,
        owner: spec.owner,
        scheduler: spec.scheduler,
        priority: spec.priority,
        traits: spec.traits,
        ..PodSpec::default()
    };
    let why = format!(
        "its labels and rules take more than {} KiB: they are not kept",
        MOST >> 10
    );
    (kept, Some(why))
}

/// Takes so much and no more.
struct Room {
    left: usize,
}

/// What a byte of JSON stands for in memory.
const fn weight(byte: u8) -> usize {
    match byte {
        // One of two.
        b'"' => TEXT / 2,
        b'{' | b'[' => LIST,
        _ => 1,
    }
}

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let weight: usize = bytes.iter().copied().map(weight).sum();
        let left = self.left.checked_sub(weight);
        self.left = left.ok_or_else(|| io::Error::from(io::ErrorKind::StorageFull))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
        let small = labelled(100);
        assert_eq!(cut(small.clone()), (small, None));
        let (kept, why) = cut(labelled(150));
        assert_eq!(
            (kept.labels, kept.requests, kept.priority),
            (Labels::new(), Resources::new(100, 200), 7)
        );
        assert!(why.unwrap().contains("16 KiB"));
    }

    /// Many short terms are little JSON and much memory.
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
        assert!(serde_json::to_vec(&terms(60)).unwrap().len() < 6 << 10);
        assert_eq!([20, 60].map(|count| cut(terms(count)).1.is_some()), [false, true]);
    }
}
