//! Filling one room, on a node that is there or on one that could be bought, from pods that need a place.
//!
//! The pod whose request points most like the room that is left comes first, weighed by what it pays for its widest
//! share (Panigrahy's dot-product rule with prices). Amounts are compared exactly; ties go to the earlier row.

use crate::number::real;
use crate::space::{self, Vector};

/// How a filling weighs things. Different tastes find different packings; the cheapest is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taste {
    /// How much large pods are preferred.
    pub(crate) widest: f64,
    /// How strongly a pod's value for its share counts.
    pub(crate) keen: i32,
    /// A choice is taken for this fraction of the copies that fit, at least one.
    pub(crate) part: u32,
}

impl Taste {
    /// For nodes that are bought.
    pub(crate) const PLAIN: Self = Self {
        widest: 0.5,
        keen: 2,
        part: 4,
    };

    /// For free room on nodes that are there: gentler steps, for what is taken is not given back.
    pub(crate) const ON_FREE_ROOM: Self = Self {
        part: 8,
        ..Self::PLAIN
    };
}

/// Pods of one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    pub(crate) row: u32,
    pub(crate) ask: &'a Vector,
    /// What one pays, nano-dollars per hour.
    pub(crate) pays: i64,
    /// How many are there.
    pub(crate) left: u32,
}

struct Candidate<'a> {
    of: Item<'a>,
    /// What it pays for its widest share, of what the best pays; over the length of its request.
    scale: f64,
    /// The same for its width.
    bonus: f64,
    taken: u32,
}

/// Fills a room; rows and how many of each.
pub(crate) fn fill<'a>(room: &[i64], items: impl Iterator<Item = Item<'a>>, taste: Taste) -> Vec<(u32, u32)> {
    let mut most = 1e-12_f64;
    let mut open: Vec<Candidate<'_>> = items
        .filter(|item| space::holds(room, item.ask))
        .map(|item| {
            let (norm, widest) = shape(room, item.ask);
            let worth = real(item.pays.max(1)) / widest;
            most = most.max(worth);
            Candidate {
                of: item,
                scale: 1.0 / norm,
                bonus: widest,
                taken: 0,
            }
        })
        .collect();
    for candidate in &mut open {
        let worth = real(candidate.of.pays.max(1)) / candidate.bonus / most;
        let worth = worth.powi(taste.keen);
        candidate.scale *= worth;
        candidate.bonus *= worth * taste.widest;
    }
    take_best(room, open, taste)
}

/// Length and widest share of a request in a room.
fn shape(room: &[i64], ask: &[i64]) -> (f64, f64) {
    let (mut norm, mut widest) = (0.0_f64, 1e-9_f64);
    for (ask, room) in ask.iter().zip(room) {
        if *room > 0 {
            let share = real(*ask) / real(*room);
            norm += share * share;
            widest = widest.max(share);
        }
    }
    (norm.sqrt().max(1e-9), widest)
}

fn take_best(room: &[i64], mut open: Vec<Candidate<'_>>, taste: Taste) -> Vec<(u32, u32)> {
    let mut free = room.to_vec();
    let mut towards = vec![0.0; room.len()];
    let mut load = Vec::new();
    while !open.is_empty() {
        let mut norm = 1e-18;
        for ((way, free), room) in towards.iter_mut().zip(&free).zip(room) {
            let share = if *room > 0 { real(*free) / real(*room) } else { 0.0 };
            norm += share * share;
            *way = if *room > 0 { share / real(*room) } else { 0.0 };
        }
        let norm = 1.0 / norm.sqrt();
        let mut best = (f64::NEG_INFINITY, 0);
        for (at, candidate) in open.iter().enumerate() {
            let dot: f64 = candidate
                .of
                .ask
                .iter()
                .zip(&towards)
                .map(|(ask, way)| real(*ask) * way)
                .sum();
            let score = candidate.scale * dot * norm + candidate.bonus;
            if score > best.0 {
                best = (score, at);
            }
        }
        let Some(chosen) = open.get_mut(best.1) else { break };
        let fitting = space::copies(&free, chosen.of.ask, chosen.of.left - chosen.taken);
        let copies = (fitting / taste.part.max(1)).max(1);
        chosen.taken += copies;
        space::take(&mut free, chosen.of.ask, copies);
        open.retain(|candidate| {
            let stays = candidate.taken < candidate.of.left && space::holds(&free, candidate.of.ask);
            if !stays && candidate.taken > 0 {
                load.push((candidate.of.row, candidate.taken));
            }
            stays
        });
    }
    load.sort_unstable();
    load
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complementary_pods_share_a_room() {
        let (cpu, memory): (Vector, Vector) = (vec![3, 1], vec![1, 3]);
        let item = |row, ask| Item {
            row,
            ask,
            pays: 5,
            left: 9,
        };
        let load = fill(
            &[8, 8],
            [item(0, &cpu), item(1, &memory)].into_iter(),
            Taste::PLAIN,
        );
        assert_eq!(load, [(0, 2), (1, 2)]);
        assert!(fill(&[0, 8], [item(0, &cpu)].into_iter(), Taste::PLAIN).is_empty());
    }
}
