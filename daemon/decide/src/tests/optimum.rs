//! The proven optimum of very small instances, by going through everything.
//!
//! Pods of few kinds, nodes of few types, amounts and pod counts only. No bound, no order of search, no code of the
//! engine: what it says is true because nothing was left out.

use std::collections::BTreeMap;

/// CPU and memory, and how many pods of the kind there are.
pub(super) type Kind = (i64, i64, u32);
/// CPU, memory, price.
pub(super) type Type = (i64, i64, i64);

/// Price of the cheapest nodes for all pods, free nodes used first; `None` where some pod fits nowhere.
pub(super) fn optimum(kinds: &[Kind], types: &[Type], free: &[(i64, i64)]) -> Option<i64> {
    let mut search = Search {
        kinds,
        types,
        known: BTreeMap::new(),
    };
    let counts: Vec<u32> = kinds.iter().map(|kind| kind.2).collect();
    let mut left = vec![counts];
    for room in free {
        // All that may be left after this node, whatever is put on it.
        let mut after: Vec<Vec<u32>> = left
            .iter()
            .flat_map(|counts| search.loads(counts, *room))
            .collect();
        after.sort();
        after.dedup();
        left = after;
    }
    left.iter().filter_map(|counts| search.cost(counts)).min()
}

struct Search<'a> {
    kinds: &'a [Kind],
    types: &'a [Type],
    known: BTreeMap<Vec<u32>, Option<i64>>,
}

impl Search<'_> {
    /// Price of new nodes for these pods.
    fn cost(&mut self, counts: &[u32]) -> Option<i64> {
        if counts.iter().all(|count| *count == 0) {
            return Some(0);
        }
        if let Some(known) = self.known.get(counts) {
            return *known;
        }
        let first = counts.iter().position(|count| *count > 0)?;
        let mut best: Option<i64> = None;
        for (cpu, memory, price) in self.types {
            for after in self.loads(counts, (*cpu, *memory)) {
                // Some node has a pod of the first kind; it is as well the first one.
                if after[first] == counts[first] {
                    continue;
                }
                if let Some(rest) = self.cost(&after) {
                    best = Some(best.map_or(rest + price, |best| best.min(rest + price)));
                }
            }
        }
        self.known.insert(counts.to_vec(), best);
        best
    }

    /// What is left after any load of one node.
    fn loads(&self, counts: &[u32], room: (i64, i64)) -> Vec<Vec<u32>> {
        let mut found = vec![(counts.to_vec(), room)];
        for (kind, (cpu, memory, _)) in self.kinds.iter().enumerate() {
            let mut more = Vec::new();
            for (left, (free_cpu, free_memory)) in &found {
                for copies in 0..=left[kind] {
                    let (takes_cpu, takes_memory) = (cpu * i64::from(copies), memory * i64::from(copies));
                    if takes_cpu > *free_cpu || takes_memory > *free_memory {
                        break;
                    }
                    let mut after = left.clone();
                    after[kind] -= copies;
                    more.push((after, (free_cpu - takes_cpu, free_memory - takes_memory)));
                }
            }
            found = more;
        }
        found.into_iter().map(|(left, _)| left).collect()
    }
}

#[test]
fn the_optimum_is_what_a_person_finds() {
    let types = [(4, 8, 10), (8, 16, 19)];
    assert_eq!(optimum(&[(4, 1, 2)], &types, &[]), Some(19));
    assert_eq!(optimum(&[(4, 1, 3)], &types, &[]), Some(29));
    assert_eq!(optimum(&[(4, 1, 3)], &types, &[(4, 8)]), Some(19));
    assert_eq!(optimum(&[(3, 1, 1), (1, 7, 1)], &types, &[]), Some(10));
    assert_eq!(optimum(&[(9, 1, 1)], &types, &[]), None);
}
