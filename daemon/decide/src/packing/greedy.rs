//! One construction: node after node, always the column whose filling costs least for what it holds.
//!
//! A filled pattern is bought as often as the demand repeats it, so that work grows with rows, not pods.

use super::fill::{Bench, Taste};
use super::growth::Growth;
use super::shop::{Load, Shop};
use super::{Batch, Packing};

/// The constructions that are tried.
pub(super) const TASTES: [Taste; 6] = [
    taste(0.5, 2, 8),
    taste(0.0, 2, 8),
    taste(1.0, 2, 4),
    taste(0.25, 8, 16),
    taste(2.0, 4, 2),
    taste(0.5, 0, 8),
];

const fn taste(widest: f32, keen: i32, part: u32) -> Taste {
    Taste {
        widest,
        keen,
        part,
        noise: 0.0,
        even: false,
    }
}

/// The construction for a crowd that sets how many nodes there are.
pub(super) const EVEN: Taste = Taste {
    even: true,
    ..taste(0.5, 2, 8)
};

/// Columns filled afresh for one node.
const FILLS_A_NODE: u32 = 6;

/// A filled column as last seen.
#[derive(Clone, Default)]
struct Quote {
    /// Price for value; lower is better.
    key: f64,
    /// Round it was made in.
    round: u32,
    load: Load,
}

struct State<const D: usize> {
    /// By row: pods without a place.
    left: Vec<u32>,
    /// Rows that have some.
    rows: Vec<u32>,
    /// What those pods take and pay together.
    total: Amounts64<D>,
    value: f64,
    growth: Growth,
    quotes: Vec<Quote>,
    round: u32,
}

/// Amounts that may be larger than a node's.
type Amounts64<const D: usize> = [f64; D];

/// Packs pods by row, with room to grow.
pub(super) fn pack<const D: usize>(
    shop: &Shop<'_, D>,
    (counts, growth): (&[u32], Growth),
    taste: Taste,
    bench: &mut Bench<D>,
) -> Packing {
    let mut state = State::new(shop, counts, growth);
    let mut batches = Vec::new();
    while let Some(column) = next_column(shop, &mut state, taste, bench) {
        let load = std::mem::take(&mut state.quotes[column].load);
        let used = shop.amounts(&load);
        let column = shop.cheapest(&state.growth, &used, &load).unwrap_or(column);
        if let Some(batch) = all_in_one(shop, &state, column, &load) {
            batches.push(batch);
            state.left.fill(0);
            break;
        }
        let repeats = load
            .iter()
            .map(|(row, n)| state.left[*row as usize] / n)
            .min()
            .unwrap_or(1);
        let copies = state.growth.most(shop.table, column, repeats).max(1);
        state.buy(shop, column, &load, copies);
        batches.push(Batch {
            column,
            copies,
            pods: load,
        });
    }
    Packing {
        batches,
        left: state.left,
    }
}

impl<const D: usize> State<D> {
    fn new(shop: &Shop<'_, D>, counts: &[u32], growth: Growth) -> Self {
        let rows: Vec<u32> = (0_u32..)
            .zip(counts)
            .filter(|(_, count)| **count > 0)
            .map(|(row, _)| row)
            .collect();
        let mut state = Self {
            left: counts.to_vec(),
            total: [0.0; D],
            value: 0.0,
            growth,
            quotes: shop
                .ratio
                .iter()
                .map(|ratio| Quote {
                    key: 1.0 / ratio.max(1e-9),
                    ..Quote::default()
                })
                .collect(),
            round: 0,
            rows,
        };
        for row in &state.rows {
            let count = f64::from(counts[*row as usize]);
            state.value += shop.pays[*row as usize] * count;
            for (dim, total) in state.total.iter_mut().enumerate() {
                *total += f64::from(shop.ask[dim][*row as usize]) * count;
            }
        }
        state
    }

    fn buy(&mut self, shop: &Shop<'_, D>, column: usize, load: &[(u32, u32)], copies: u32) {
        self.growth.buy(shop.table, column, copies);
        for (row, n) in load {
            let pods = n * copies;
            self.left[*row as usize] -= pods;
            self.value -= shop.pays[*row as usize] * f64::from(pods);
            for (dim, total) in self.total.iter_mut().enumerate() {
                *total -= f64::from(shop.ask[dim][*row as usize]) * f64::from(pods);
            }
        }
        let left = &self.left;
        self.rows.retain(|row| left[*row as usize] > 0);
    }
}

/// Sizes of node that are tried for an even share, in hundredths of it.
const SHARES: [f64; 6] = [0.6, 0.8, 1.0, 1.25, 1.6, 2.2];

/// The column of the next node: around an even share where a crowd sets how many nodes there are, else the one that
/// gives most for its price.
fn next_column<const D: usize>(
    shop: &Shop<'_, D>,
    state: &mut State<D>,
    taste: Taste,
    bench: &mut Bench<D>,
) -> Option<usize> {
    let even = taste.even.then(|| even_share(shop, state)).flatten();
    match even {
        Some(share) => column_near(shop, state, (&share, taste), bench),
        None => None,
    }
    .or_else(|| best_column(shop, state, taste, bench))
}

/// What is left for each node, by dimension, where the scarcest crowd gets as many as it needs.
fn even_share<const D: usize>(shop: &Shop<'_, D>, state: &State<D>) -> Option<[f64; D]> {
    let first = shop.table.dims.len();
    let nodes = shop
        .table
        .crowds
        .iter()
        .zip(first..)
        .map(|((_, most), dim)| state.total[dim] / f64::from((*most).max(1)))
        .fold(0.0, f64::max);
    (nodes >= 1.0).then(|| {
        let mut share = state.total.map(|total| total / nodes);
        share[first..].fill(0.0);
        share
    })
}

/// The column that gives most for its price among those that hold about this share.
fn column_near<const D: usize>(
    shop: &Shop<'_, D>,
    state: &mut State<D>,
    (share, taste): (&[f64; D], Taste),
    bench: &mut Bench<D>,
) -> Option<usize> {
    let mut tried: Vec<usize> = Vec::with_capacity(SHARES.len());
    let mut best: Option<(f64, usize)> = None;
    for part in SHARES {
        let holds = |column: &usize| {
            let room = shop.room[*column].iter().zip(share);
            state.growth.open(shop.table, *column)
                && room
                    .into_iter()
                    .all(|(room, share)| f64::from(*room) >= share * part)
        };
        // Columns come cheapest first.
        let Some(column) = (0..shop.room.len()).find(holds) else {
            break;
        };
        if tried.contains(&column) {
            continue;
        }
        tried.push(column);
        let value = shop.fill(column, (&state.rows, &state.left), taste, bench);
        if bench.load.is_empty() {
            continue;
        }
        let key = shop.node_price(column, &bench.load) / value;
        if best.is_none_or(|(least, _)| key < least) {
            best = Some((key, column));
            state.quotes[column].load.clone_from(&bench.load);
        }
    }
    best.map(|(_, column)| column)
}

/// The column that gives most for its price now; quotes of earlier rounds are renewed best first.
fn best_column<const D: usize>(
    shop: &Shop<'_, D>,
    state: &mut State<D>,
    taste: Taste,
    bench: &mut Bench<D>,
) -> Option<usize> {
    state.round += 1;
    if state.rows.is_empty() {
        return None;
    }
    let mut fills = 0;
    let mut best_fresh: Option<usize> = None;
    loop {
        let best = (0..state.quotes.len())
            .filter(|column| state.growth.open(shop.table, *column))
            .min_by(|a, b| {
                let key = |column: &usize| state.quotes[*column].key;
                key(a).total_cmp(&key(b)).then(a.cmp(b))
            })?;
        if state.quotes[best].round == state.round {
            return state.quotes[best].key.is_finite().then_some(best);
        }
        if fills >= FILLS_A_NODE && best_fresh.is_some() {
            return best_fresh;
        }
        fills += 1;
        let value = shop.fill(best, (&state.rows, &state.left), taste, bench);
        let mut key = f64::INFINITY;
        if !bench.load.is_empty() {
            let column = shop
                .cheapest(&state.growth, &bench.used, &bench.load)
                .unwrap_or(best);
            key = shop.node_price(column, &bench.load) / value;
            if best_fresh.is_none_or(|fresh| key < state.quotes[fresh].key) {
                best_fresh = Some(best);
            }
        }
        let quote = &mut state.quotes[best];
        quote.key = key;
        quote.round = state.round;
        quote.load.clear();
        quote.load.extend_from_slice(&bench.load);
    }
}

/// Everything that is left on one node, where that costs no more than this node and the value of the rest.
fn all_in_one<const D: usize>(
    shop: &Shop<'_, D>,
    state: &State<D>,
    column: usize,
    load: &[(u32, u32)],
) -> Option<Batch> {
    let fits = |room: &[f32; D]| {
        room.iter()
            .zip(&state.total)
            .all(|(room, total)| *total <= f64::from(*room))
    };
    if !shop.room.iter().any(fits) {
        return None;
    }
    let rest: Load = state
        .rows
        .iter()
        .map(|row| (*row, state.left[*row as usize]))
        .collect();
    if !shop.within_caps(&rest) {
        return None;
    }
    let whole = shop.cheapest(&state.growth, &shop.amounts(&rest), &rest)?;
    let beyond = (state.value - shop.value(load)).max(0.0);
    let here = shop.node_price(column, load) + beyond;
    (shop.node_price(whole, &rest) <= here).then_some(Batch {
        column: whole,
        copies: 1,
        pods: rest,
    })
}
