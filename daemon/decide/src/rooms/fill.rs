//! Filling free room on one node: which pods, given what is left to place.
//!
//! Bin-centric: the pod whose request points most like the room that is left comes first, weighed by what it
//! pays for its share (Panigrahy's dot-product rule with prices). Deterministic; ties go to the lower row.

use crate::number::real;
use crate::space::{self, Vector};

/// How a construction weighs things. Different tastes find different packings; the cheapest is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taste {
    /// How much large pods are preferred.
    pub(super) widest: f64,
    /// How strongly a pod's value for its share counts.
    pub(super) keen: i32,
    /// A choice is taken for this fraction of the copies that fit, at least one.
    pub(super) part: u32,
}

/// Pods of one row that may go onto the node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub(super) row: usize,
    pub(super) ask: &'a Vector,
    /// Value density between 0 and 1.
    pub(super) worth: f64,
    /// How many are there.
    pub(super) left: u32,
}

struct Candidate<'a> {
    of: Item<'a>,
    /// Request as a share of the room.
    share: Vec<f64>,
    scale: f64,
    bonus: f64,
    taken: u32,
}

/// Fills a room; returns rows and copies, by row.
pub(super) fn fill(room: &[i64], items: &[Item<'_>], taste: Taste) -> Vec<(usize, u32)> {
    let inverse: Vec<f64> = room
        .iter()
        .map(|r| if *r > 0 { 1.0 / real(*r) } else { 0.0 })
        .collect();
    let mut open: Vec<Candidate<'_>> = items
        .iter()
        .filter(|item| item.left > 0 && space::holds(room, item.ask))
        .map(|item| candidate(*item, &inverse, taste))
        .collect();
    let mut free = room.to_vec();
    let mut taken: Vec<(usize, u32)> = Vec::new();
    let mut towards = vec![0.0; room.len()];
    while !open.is_empty() {
        let mut norm = 0.0;
        for ((way, free), inverse) in towards.iter_mut().zip(&free).zip(&inverse) {
            *way = real((*free).max(0)) * inverse;
            norm += *way * *way;
        }
        let norm = if norm > 0.0 { 1.0 / norm.sqrt() } else { 0.0 };
        let mut best = (f64::NEG_INFINITY, 0);
        for (ix, candidate) in open.iter().enumerate() {
            let dot: f64 = candidate.share.iter().zip(&towards).map(|(x, w)| x * w).sum();
            let score = candidate.scale * dot * norm + candidate.bonus;
            if score > best.0 {
                best = (score, ix);
            }
        }
        let chosen = &mut open[best.1];
        let fitting = space::copies(&free, chosen.of.ask, chosen.of.left - chosen.taken);
        let copies = (fitting / taste.part.max(1)).max(1);
        chosen.taken += copies;
        space::take(&mut free, chosen.of.ask, copies);
        open.retain(|candidate| {
            let stays = candidate.taken < candidate.of.left && space::holds(&free, candidate.of.ask);
            if !stays && candidate.taken > 0 {
                taken.push((candidate.of.row, candidate.taken));
            }
            stays
        });
    }
    taken.sort_unstable();
    taken
}

fn candidate<'a>(item: Item<'a>, inverse: &[f64], taste: Taste) -> Candidate<'a> {
    let share: Vec<f64> = item
        .ask
        .iter()
        .zip(inverse)
        .map(|(ask, inverse)| real(*ask) * inverse)
        .collect();
    let norm = share.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-9);
    let widest = share.iter().copied().fold(0.0, f64::max);
    let worth = item.worth.powi(taste.keen);
    Candidate {
        of: item,
        scale: worth / norm,
        bonus: worth * taste.widest * widest,
        share,
        taken: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complementary_pods_share_a_node() {
        let (cpu, memory): (Vector, Vector) = (vec![3, 1], vec![1, 3]);
        let item = |row, ask| Item {
            row,
            ask,
            worth: 1.0,
            left: 9,
        };
        let taste = Taste {
            widest: 0.5,
            keen: 2,
            part: 8,
        };
        let taken = fill(&[8, 8], &[item(0, &cpu), item(1, &memory)], taste);
        assert_eq!(taken, [(0, 2), (1, 2)]);
    }
}
