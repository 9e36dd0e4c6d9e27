//! Which pods stand on which node, looked up once for every stage that asks.
//!
//! Only pods that hold resources, and only nodes of the Snapshot: a pod whose node nobody has seen stands nowhere here.

use model::index::{count, size};
use model::snapshot::Snapshot;
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// Pods by node: both by their places in the Snapshot.
#[derive(Debug, Default)]
pub struct Tenants {
    /// By node of the Snapshot: where its pods end.
    ends: Vec<u32>,
    /// Indices into `Snapshot::pods`: those of the first node, of the second, and so on; rising within a node.
    pods: Vec<u32>,
}

impl Tenants {
    /// All pods of the Snapshot that hold resources on one of its nodes.
    pub fn of(seen: &Snapshot) -> Self {
        if seen.nodes.is_empty() {
            return Self::default();
        }
        let nodes = seen.nodes.iter().enumerate();
        let mut places: Vec<(u64, u32)> = nodes
            .map(|(at, node)| (fingerprint(node.name.as_str()), count(at)))
            .collect();
        places.sort_unstable();
        let place = |name: &str| {
            let print = fingerprint(name);
            let from = places.partition_point(|(known, _)| *known < print);
            let alike = places.iter().skip(from).take_while(|(known, _)| *known == print);
            let mut alike = alike.map(|(_, at)| *at);
            alike.find(|at| seen.nodes[size(*at)].name.as_str() == name)
        };
        let stands = seen.pods.iter().zip(0_u32..).filter_map(|(pod, at)| {
            let node = pod.node.as_ref().filter(|_| pod.holds_resources())?;
            Some((place(node.as_str())?, at))
        });
        let stands: Vec<(u32, u32)> = stands.collect();
        let mut ends = vec![0_u32; seen.nodes.len()];
        for (node, _) in &stands {
            ends[size(*node)] += 1;
        }
        let mut begins = 0;
        for end in &mut ends {
            begins += std::mem::replace(end, begins);
        }
        let mut pods = vec![0; stands.len()];
        for (node, pod) in stands {
            let end = &mut ends[size(node)];
            pods[size(*end)] = pod;
            *end += 1;
        }
        Self { ends, pods }
    }

    /// For each node of the Snapshot in turn, its pods: indices into `Snapshot::pods`, rising.
    pub fn by_node(&self) -> impl Iterator<Item = &[u32]> {
        let begins = std::iter::once(&0).chain(&self.ends);
        begins
            .zip(&self.ends)
            .map(|(begin, end)| self.pods.get(size(*begin)..size(*end)).unwrap_or_default())
    }

    /// The pods of one node, by its place in the Snapshot; none where there is no such node.
    pub fn of_node(&self, at: usize) -> &[u32] {
        let begin = at.checked_sub(1).and_then(|before| self.ends.get(before));
        let begin = begin.map_or(0, |end| size(*end));
        let end = self.ends.get(at).map_or(begin, |end| size(*end));
        self.pods.get(begin..end).unwrap_or_default()
    }
}

/// Of a name: compared sooner than the name itself, and the same in every run.
fn fingerprint(name: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(name.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Cluster, asks};
    use model::pod::PodPhase;
    use model::resources::{MIB, Resources};

    #[test]
    fn pods_are_found_on_their_nodes_in_their_order() {
        let mut seen = Cluster::new()
            .node("n-1", Resources::new(4000, 8192 * MIB))
            .node("n-2", Resources::new(4000, 8192 * MIB))
            .running("a", "n-2", asks(1, 1))
            .running("b", "n-1", asks(1, 1))
            .running("c", "n-2", asks(1, 1))
            .running("d", "elsewhere", asks(1, 1))
            .running("e", "n-2", asks(1, 1))
            .pending("w", 1, asks(1, 1))
            .seen();
        seen.pods[4].phase = PodPhase::Finished;
        let tenants = Tenants::of(&seen);
        assert_eq!(tenants.by_node().collect::<Vec<_>>(), [&[1_u32][..], &[0, 2]]);
    }
}
