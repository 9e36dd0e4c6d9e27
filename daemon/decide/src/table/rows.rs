//! Rows of a table: which classes are one row, and which limits on pods of a node packing keeps by itself.

use crate::adjust::Adjust;
use crate::class::Class;
use crate::market::{FargateOption, Market};
use crate::space::{PODS, Vector};
use packing::{NO_ZONE, Row};
use std::collections::BTreeMap;

/// Dimensions that somebody asks for; pods always.
fn dimensions(market: &Market<'_>) -> Vec<usize> {
    let len = market.space.capacity(&model::Resources::default(), 0).len();
    (0..len)
        .filter(|dim| *dim == PODS || market.asks.iter().any(|ask| ask[*dim] > 0))
        .collect()
}

/// What makes classes one row, but for crowds.
type Alike = (
    Vector,
    usize,
    Option<usize>,
    (bool, bool),
    Option<(FargateOption, i64)>,
    Vec<(usize, i64)>,
    Vec<usize>,
    Vec<FargateOption>,
);

fn alike(
    market: &Market<'_>,
    (ix, class): (usize, &Class),
    adjust: Option<&Adjust>,
    dims: &[usize],
) -> Alike {
    let zone = |name: &str| market.zone_at(name).unwrap_or(NO_ZONE);
    (
        dims.iter().map(|dim| market.asks[ix][*dim]).collect(),
        market.rule_of[ix],
        class.zone().map(zone),
        (class.body.unmodelled.is_empty(), class.late),
        fargate_of(market, None, ix, adjust),
        adjust.map_or_else(Vec::new, |a| a.addends_of(ix).collect()),
        adjust.map_or_else(Vec::new, |a| a.forbids_of(ix).collect()),
        // Groups of different weights are asked one after the other.
        if market.is_weighed() {
            market.fargate[ix].clone()
        } else {
            Vec::new()
        },
    )
}

/// How limits over crowds are kept while packing.
#[derive(Default)]
struct Holds {
    /// All pods of the crowd are alike: a limit on the row.
    caps: BTreeMap<u32, u32>,
    /// A dimension of which a pod takes one.
    dims: Vec<(u32, u32)>,
    /// Others are kept when pods get their nodes.
    guarded: bool,
}

/// Crowds that get a dimension of their own; the others would cost the search more than they are worth to it.
const MOST_DIMS: usize = 2;

/// A crowd as those who wait see it.
#[derive(Default)]
struct Seen {
    /// The limit, while all that are of it want the same and nobody else wants anything.
    limit: Option<u32>,
    uneven: bool,
    members: u32,
    pods: u64,
    guards: u32,
    /// What its pods are, while they are all alike.
    alike: Option<(Alike, Vec<u32>, Option<u32>)>,
    mixed: bool,
}

impl Holds {
    fn new(market: &Market<'_>, classes: &[Class], adjust: Option<&Adjust>, dims: &[usize]) -> Self {
        let mut crowds: BTreeMap<u32, Seen> = BTreeMap::new();
        for (ix, class) in classes.iter().enumerate().filter(|(_, c)| !c.crowding.is_free()) {
            for guard in &class.crowding.guards {
                let crowd = crowds.entry(guard.crowd).or_default();
                let same = *crowd.limit.get_or_insert(guard.new_node) == guard.new_node;
                crowd.uneven |= !same || !class.crowding.is_of(guard.crowd);
                crowd.guards += 1;
            }
            // Classes of different crowds are different rows, of which each would have the limit to itself.
            let key = (
                alike(market, (ix, class), adjust, dims),
                class.crowding.member.clone(),
                own_row(class),
            );
            for member in &class.crowding.member {
                let crowd = crowds.entry(*member).or_default();
                crowd.members += 1;
                crowd.pods += u64::from(class.count());
                crowd.mixed |= *crowd.alike.get_or_insert_with(|| key.clone()) != key;
            }
        }
        let mut holds = Self::default();
        let mut wide: Vec<(u64, u32, u32)> = Vec::new();
        for (crowd, seen) in crowds {
            let limit = seen.limit.unwrap_or(0);
            let even = !seen.uneven && seen.guards == seen.members && limit > 0;
            if even && !seen.mixed {
                holds.caps.insert(crowd, limit);
            } else if even {
                wide.push((seen.pods / u64::from(limit), crowd, limit));
            } else {
                holds.guarded = true;
            }
        }
        wide.sort_by_key(|(nodes, crowd, _)| (std::cmp::Reverse(*nodes), *crowd));
        holds.guarded |= wide.len() > MOST_DIMS;
        holds.dims = wide
            .into_iter()
            .take(MOST_DIMS)
            .map(|(_, crowd, limit)| (crowd, limit))
            .collect();
        holds
    }

    /// The row of classes that are alike in this, and of these crowds.
    fn row(&self, (ask, _, zone, ..): &Alike, crowds: &[u32]) -> Row {
        let crowded = self
            .dims
            .iter()
            .map(|(crowd, _)| i64::from(crowds.contains(crowd)));
        let caps = crowds.iter().filter_map(|crowd| self.caps.get(crowd));
        Row {
            ask: ask.iter().copied().chain(crowded).collect(),
            alone_price: None,
            cap: caps.min().copied(),
            zone: *zone,
        }
    }
}

/// Classes folded into kinds of pods.
pub(super) struct Folded {
    /// Without prices of Fargate.
    pub(super) rows: Vec<Row>,
    /// By row: classes behind it.
    pub(super) classes: Vec<Vec<usize>>,
    /// By class: its row.
    pub(super) row_of: Vec<usize>,
    /// Dimensions of the market's space that somebody asks for.
    pub(super) dims: Vec<usize>,
    /// Limits that are a dimension: how many pods a new node holds.
    pub(super) shared_caps: Vec<u32>,
    /// Rules about pods on one node are left that rows cannot say.
    pub(super) guarded: bool,
}

impl Folded {
    pub(super) fn new(market: &Market<'_>, classes: &[Class], adjust: Option<&Adjust>) -> Self {
        let dims = dimensions(market);
        let holds = Holds::new(market, classes, adjust, &dims);
        let mut found: BTreeMap<(Alike, Vec<u32>, Option<u32>), usize> = BTreeMap::new();
        let mut built = Self {
            rows: Vec::new(),
            classes: Vec::new(),
            row_of: Vec::with_capacity(classes.len()),
            shared_caps: holds.dims.iter().map(|(_, most)| *most).collect(),
            guarded: holds.guarded,
            dims,
        };
        for (ix, class) in classes.iter().enumerate() {
            let key = alike(market, (ix, class), adjust, &built.dims);
            let held =
                |crowd: &u32| holds.caps.contains_key(crowd) || holds.dims.iter().any(|(of, _)| of == crowd);
            let crowds: Vec<u32> = class.crowding.member.iter().copied().filter(held).collect();
            let key = (key, crowds, own_row(class));
            let row = found.get(&key).copied().unwrap_or_else(|| {
                built.rows.push(holds.row(&key.0, &key.1));
                built.classes.push(Vec::new());
                built.rows.len() - 1
            });
            found.insert(key, row);
            built.classes[row].push(ix);
            built.row_of.push(row);
        }
        for (row, of) in built.rows.iter_mut().zip(&built.classes) {
            row.cap = row.cap.into_iter().chain(limit_of(of, classes)).min();
        }
        built
    }
}

/// The crowd that keeps a class from sharing a row with others, where it has many more pods than a node may hold.
fn own_row(class: &Class) -> Option<u32> {
    let many = own_limit(class).filter(|(_, most)| class.count() / 32 > *most);
    many.map(|(crowd, _)| crowd)
}

/// The crowd of its own pods that a class wants fewest of on a node, and how many.
fn own_limit(class: &Class) -> Option<(u32, u32)> {
    let guards = class.crowding.guards.iter();
    let own = guards.filter(|guard| class.crowding.is_of(guard.crowd));
    own.map(|guard| (guard.crowd, guard.new_node))
        .min_by_key(|(crowd, most)| (*most, *crowd))
}

/// What limits of all classes of a row together leave on one node; `None` where one of them has none.
fn limit_of(row: &[usize], classes: &[Class]) -> Option<u32> {
    let limits: Option<BTreeMap<u32, u32>> = row.iter().map(|class| own_limit(&classes[*class])).collect();
    let limits = limits.filter(|limits| !limits.is_empty())?;
    Some(limits.values().fold(0, |sum, most| sum.saturating_add(*most)))
}

/// The cheapest Fargate option of a class, of profiles of one weight or of all, priced plain or as policies have it,
/// never below zero.
pub(super) fn fargate_of(
    market: &Market<'_>,
    weight: Option<u32>,
    class: usize,
    adjust: Option<&Adjust>,
) -> Option<(FargateOption, i64)> {
    market.fargate[class]
        .iter()
        .filter(|option| weight.is_none_or(|weight| market.weight_of(option) == weight))
        .filter_map(|option| match adjust {
            None => Some((option.price.0, option)),
            Some(adjust) => adjust.fargate_price(class, option).map(|price| (price.0, option)),
        })
        .min_by(|a, b| (a.0, a.1.offer).cmp(&(b.0, b.1.offer)))
        .map(|(price, option)| (option.clone(), price))
}
