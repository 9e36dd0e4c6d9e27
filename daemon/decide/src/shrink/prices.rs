//! What pods that run are worth, and what could be bought in place of their nodes.
//!
//! Duals of everything that may move, on everything that is for sale: no repack of a set of nodes saves more than
//! what they waste and the free room of others that it fills, so waste says where to look. Money is exact; worth
//! only steers.

use super::crew::Kind;
use super::fleet::Fleet;
use crate::class::Class;
use crate::constraints::Crowding;
use crate::demand;
use crate::fill::{self, Item, Taste};
use crate::fit::HOSTNAME;
use crate::market::Market;
use crate::number::{count, narrow, real, size};
use crate::space::{self, Vector};
use crate::spot::Pools;
use crate::table::{Sold, Table};
use model::aims::Aims;
use model::memory::Memory;
use model::pod::NearRule;
use model::selector::{NodeTerm, Requirement};
use packing::duals;
use std::collections::BTreeSet;
use std::sync::Arc;

/// See the module.
pub(super) struct Prices<'a> {
    pub(super) market: Market<'a>,
    pub(super) table: Table,
    /// By row of the table: what one pod pays, nano-dollars per hour.
    pub(super) pays: Vec<i64>,
    /// By row: a kind that stands for it, and its request in the fleet's dimensions.
    pub(super) kinds: Vec<(u32, Vector)>,
    /// By row: filters are asked where its pods may go; such rows have one kind each.
    pub(super) tied: Vec<bool>,
    /// By row: lone crowds that its pods are of; rows of such pods have one kind each.
    crowds: Vec<Vec<u32>>,
    /// By row: most that a new node is filled with.
    most: Vec<u32>,
    /// By kind: its rows, one for each domain that its rules tell apart; none for what must not move.
    rows_of: Vec<Vec<u32>>,
    /// Columns, what they cost for what they hold at best rising.
    pub(super) by_ratio: Vec<usize>,
    /// By column: what it costs for what it holds at best.
    pub(super) ratio: Vec<f64>,
    /// By column: what a new node of it counts on top.
    on_top: Vec<OnTop>,
    /// By bin: what it counts on top.
    bins_on_top: Vec<OnTop>,
}

/// What a node counts beside its price (`aims.spot`), nano-dollars per hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OnTop {
    /// For where it stands.
    node: i64,
    /// For each of its pods.
    pod: i64,
}

impl OnTop {
    /// With so many pods.
    pub(super) fn with(self, pods: u32) -> i64 {
        self.node.saturating_add(self.pod.saturating_mul(i64::from(pods)))
    }

    /// For so many more pods.
    pub(super) fn for_more(self, pods: u32) -> i64 {
        self.pod.saturating_mul(i64::from(pods))
    }
}

impl<'a> Prices<'a> {
    pub(super) fn new(fleet: &Fleet<'a>, memory: &Memory, aims: &Aims) -> Self {
        let mut counts = vec![0_u32; fleet.kinds.len()];
        for (kind, copies) in fleet.bins.iter().flat_map(|bin| &bin.load) {
            counts[size(*kind)] = counts[size(*kind)].saturating_add(*copies);
        }
        let parts = parts(fleet, &counts);
        let classes: Vec<Class> = (0_u32..)
            .zip(&parts)
            .map(|(at, part)| part.class(fleet, at))
            .collect();
        let market = Market::new(fleet.seen, memory, aims, &classes);
        let table = Table::new(&market, &classes, None);
        let by_class: Vec<u32> = parts.iter().map(|part| part.pods).collect();
        let counts = table.counts(&by_class);
        let duals = duals::search(&table.problem, &counts);
        let mut rows_of = vec![Vec::new(); fleet.kinds.len()];
        for (class, part) in parts.iter().enumerate() {
            rows_of[part.kind].push(count(table.row_of[class]));
        }
        let of_row = |row: &Vec<usize>| row.first().map_or(0, |class| parts[*class].kind);
        let kinds: Vec<usize> = table.classes.iter().map(of_row).collect();
        let mut prices = Self {
            pays: even(&duals.pays, &counts, &rows_of),
            market,
            tied: kinds.iter().map(|kind| fleet.kinds[*kind].tied).collect(),
            crowds: kinds
                .iter()
                .map(|kind| fleet.kinds[*kind].crowds.clone())
                .collect(),
            most: kinds
                .iter()
                .map(|kind| on_a_new_node(&fleet.kinds[*kind]))
                .collect(),
            kinds: kinds
                .iter()
                .map(|kind| (count(*kind), fleet.kinds[*kind].ask.clone()))
                .collect(),
            rows_of,
            by_ratio: (0..table.problem.columns.len()).collect(),
            ratio: Vec::new(),
            on_top: Vec::new(),
            bins_on_top: Vec::new(),
            table,
        };
        prices.count_on_top(fleet, aims);
        prices.rank(&counts);
        prices
    }

    fn count_on_top(&mut self, fleet: &Fleet<'_>, aims: &Aims) {
        let pools = Pools::of(fleet.seen, aims);
        let market = &self.market;
        let column = |of: &Sold| {
            let offers = market.lots[of.lot].offers.iter();
            let more = |pools: &Pools| offers.map(|offer| pools.on_top_of_one_more(*offer)).min();
            OnTop {
                node: pools.as_ref().and_then(more).unwrap_or(0),
                pod: of.risk,
            }
        };
        let bin = |at: usize| {
            let offer = fleet.offer(at)?;
            Some(OnTop {
                node: pools.as_ref().map_or(0, |pools| pools.on_top(offer)),
                pod: crate::tariffs::risk(&fleet.seen.offers[offer], aims),
            })
        };
        self.on_top = self.table.sold.iter().map(column).collect();
        self.bins_on_top = (0..fleet.bins.len())
            .map(|at| bin(at).unwrap_or_default())
            .collect();
    }

    /// Price of a new node of the column with these pods, and what it counts on top.
    pub(super) fn counted(&self, column: usize, load: &[(u32, u32)]) -> i64 {
        let pods = load.iter().map(|(_, copies)| copies).sum();
        let on_top = self.on_top[column].with(pods);
        self.table.problem.columns[column].price.saturating_add(on_top)
    }

    /// Group that sells the column.
    pub(super) fn group(&self, column: usize) -> usize {
        self.table.problem.columns[column].group
    }

    /// What a bin counts on top of its price.
    pub(super) fn on_top(&self, bin: usize) -> OnTop {
        self.bins_on_top.get(bin).copied().unwrap_or_default()
    }

    /// Finds out what each column costs for what it holds, all pods there to choose from.
    fn rank(&mut self, counts: &[u32]) {
        let rows: Vec<u32> = (0..self.table.problem.rows.len()).map(count).collect();
        self.ratio = (0..self.table.problem.columns.len())
            .map(|column| {
                let load = self.filled(column, (&rows, counts), Taste::PLAIN);
                real(self.counted(column, &load)) / real(self.worth(&load)).max(1.0)
            })
            .collect();
        let ratio = &self.ratio;
        self.by_ratio
            .sort_by(|a, b| ratio[*a].total_cmp(&ratio[*b]).then(a.cmp(b)));
    }

    /// Row of a kind, the one that stands for all of its domains; none for what must not move.
    pub(super) fn row(&self, kind: u32) -> Option<u32> {
        self.rows(kind).first().copied()
    }

    /// Rows of a kind, one for each domain that its rules tell apart.
    pub(super) fn rows(&self, kind: u32) -> &[u32] {
        self.rows_of.get(size(kind)).map_or(&[], Vec::as_slice)
    }

    /// The row that stands for all domains of the kind that a row is of.
    pub(super) fn whole(&self, row: u32) -> u32 {
        let kind = self.kinds.get(size(row)).map(|(kind, _)| *kind);
        kind.and_then(|kind| self.row(kind)).unwrap_or(row)
    }

    /// An offer that a new node for pods of the row can be of.
    pub(super) fn offer_for(&self, row: u32) -> Option<usize> {
        let column = self.table.problem.fits.iter().position(|fits| fits[size(row)])?;
        let lot = &self.market.lots[self.table.sold[column].lot];
        lot.offers.first().copied()
    }

    /// What these pods pay together.
    pub(super) fn worth(&self, load: &[(u32, u32)]) -> i64 {
        load.iter()
            .map(|(row, copies)| self.pays[size(*row)].saturating_mul(i64::from(*copies)))
            .sum()
    }

    /// Price of a bin less what its pods pay; none where some of them have no price.
    pub(super) fn waste(&self, fleet: &Fleet<'_>, bin: usize) -> Option<i64> {
        let bin = &fleet.bins[bin];
        let mut paid = 0_i64;
        for (kind, copies) in &bin.load {
            let row = size(self.row(*kind)?);
            if !self.table.problem.has_column(row) {
                return None;
            }
            paid = paid.saturating_add(self.pays[row].saturating_mul(i64::from(*copies)));
        }
        Some(bin.price.saturating_sub(paid))
    }

    /// A new node of the column, filled from what is left of the rows.
    pub(super) fn filled(
        &self,
        column: usize,
        (rows, left): (&[u32], &[u32]),
        taste: Taste,
    ) -> Vec<(u32, u32)> {
        let of = &self.table.problem.columns[column];
        let items = rows.iter().filter_map(|row| {
            let at = size(*row);
            (left[at] > 0 && self.table.problem.fits[column][at]).then(|| Item {
                row: *row,
                ask: &self.table.problem.rows[at].ask,
                pays: self.pays[at],
                left: left[at].min(self.most[at]),
            })
        });
        let mut load = fill::fill(&of.capacity, items, taste);
        let mut there: Vec<u32> = Vec::new();
        load.retain(|(row, _)| self.joins(&mut there, *row));
        load
    }

    /// Whether these pods may be on one node, as far as they are kept apart from each other.
    pub(super) fn get_on(&self, load: &[(u32, u32)]) -> bool {
        let mut there: Vec<u32> = Vec::new();
        load.iter()
            .all(|(row, copies)| *copies <= self.most[size(*row)] && self.joins(&mut there, *row))
    }

    /// Whether a pod of the row may join these lone crowds; they are counted then.
    fn joins(&self, there: &mut Vec<u32>, row: u32) -> bool {
        let crowds = &self.crowds[size(row)];
        let joins = !crowds.iter().any(|crowd| there.contains(crowd));
        if joins {
            there.extend(crowds);
        }
        joins
    }

    /// Whether a new node of the column holds pods that take `total` together.
    pub(super) fn holds(&self, column: usize, rows: &[u32], total: &[i64]) -> bool {
        space::holds(&self.table.problem.columns[column].capacity, total)
            && rows.iter().all(|row| self.table.problem.fits[column][size(*row)])
    }
}

/// Pods of a kind in one of the domains that its rules tell apart.
struct Part {
    kind: usize,
    /// What tells the domain, empty where none is told apart.
    domain: Vec<Requirement>,
    /// How many are there now.
    pods: u32,
}

/// Domains that pods of one kind are told apart by, at most; where there are more, the filters choose alone.
const DOMAINS: usize = 16;
/// Rows of such pods, at most, for the same reason.
const DOMAIN_ROWS: usize = 600;
/// No limit on pods of a kind on one node.
const ANY: u32 = 100_000;

/// Kinds that may move, by domain where their rules look at domains.
fn parts(fleet: &Fleet<'_>, counts: &[u32]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut rows = 0;
    let movable = |kind: &usize| counts[*kind] > 0 && fleet.kinds[*kind].unmodelled.is_none();
    for kind in (0..counts.len()).filter(movable) {
        let domains = domains(fleet, &fleet.kinds[kind]);
        rows += domains.len();
        let whole = Part {
            kind,
            domain: Vec::new(),
            pods: counts[kind],
        };
        if domains.is_empty() || rows > DOMAIN_ROWS {
            parts.push(whole);
            continue;
        }
        let first = parts.len();
        parts.extend(domains.into_iter().map(|domain| Part {
            kind,
            domain,
            pods: 0,
        }));
        for (at, bin) in fleet.bins.iter().enumerate() {
            let load = bin.load.iter().filter(|(of, _)| size(*of) == kind);
            for (_, copies) in load {
                let labels = fleet.node(at).map(|node| &node.labels);
                let own = parts[first..].iter().position(|part| {
                    labels.is_some_and(|labels| {
                        let value = |of: &Requirement| of.matches(labels.get(&of.key).map(String::as_str));
                        part.domain.iter().all(value)
                    })
                });
                parts[first + own.unwrap_or(0)].pods += copies;
            }
        }
    }
    parts
}

/// Domains of new nodes that rules of a kind over other keys than the hostname tell apart; none where there are none,
/// or too many.
fn domains(fleet: &Fleet<'_>, kind: &Kind<'_>) -> Vec<Vec<Requirement>> {
    let keys = kind.body.near.iter().map(|near| near.key.as_str());
    let keys: BTreeSet<&str> = keys.filter(|key| kind.tied && *key != HOSTNAME).collect();
    if keys.is_empty() {
        return Vec::new();
    }
    let offers = fleet.seen.offers.iter().filter(|offer| !offer.is_fargate());
    let values = offers.filter_map(|offer| {
        let values = keys.iter().map(|key| offer.labels.get(*key).map(String::as_str));
        values.collect::<Option<Vec<&str>>>()
    });
    let values: BTreeSet<Vec<&str>> = values.collect();
    if values.len() > DOMAINS {
        return Vec::new();
    }
    let equal = |(key, value): (&&str, &str)| Requirement::equal(*key, value);
    let domain = |values: Vec<&str>| keys.iter().zip(values).map(equal).collect();
    values.into_iter().map(domain).collect()
}

/// How many pods of a kind a new node is filled with at most.
fn on_a_new_node(kind: &Kind<'_>) -> u32 {
    if !kind.crowds.is_empty() || !kind.body.host_ports.is_empty() {
        return 1;
    }
    let own = kind
        .body
        .near
        .iter()
        .filter(|near| near.key == HOSTNAME && near.selects(&kind.body));
    let most = own.filter_map(|near| match near.rule {
        NearRule::Apart => Some(1),
        NearRule::Spread { skew, .. } => Some(skew.max(1)),
        NearRule::Together => None,
    });
    most.min().unwrap_or(ANY)
}

impl Part {
    /// Nobody queues: a class without pods, whose number is told apart.
    fn class(&self, fleet: &Fleet<'_>, at: u32) -> Class {
        let kind = &fleet.kinds[self.kind];
        let mut class = demand::virtual_class(model::Resources::default(), 0, 0);
        class.body = Arc::clone(&fleet.seen.specs[self.kind]);
        if !self.domain.is_empty() {
            let affinity = &mut Arc::make_mut(&mut class.body).node_affinity;
            // An empty term matches nothing, and would match something with a condition added.
            if let Some(terms) = affinity {
                terms.retain(|term| *term != NodeTerm::default());
            }
            for term in affinity.get_or_insert_with(|| vec![NodeTerm::default()]) {
                term.labels.extend(self.domain.iter().cloned());
            }
        }
        // Rows of their own: filters must know who moves.
        if kind.tied || kind.counted || !kind.crowds.is_empty() {
            class.crowding = Arc::new(Crowding::at_most(at, on_a_new_node(kind)));
        }
        class
    }
}

/// What pods pay, the same for all domains of a kind: on the average of those that are there now.
fn even(pays: &[i64], counts: &[u32], rows_of: &[Vec<u32>]) -> Vec<i64> {
    let mut even = pays.to_vec();
    for rows in rows_of.iter().filter(|rows| rows.len() > 1) {
        let of = |row: &u32| i128::from(pays[size(*row)]) * i128::from(counts[size(*row)]);
        let pods: i128 = rows.iter().map(|row| i128::from(counts[size(*row)])).sum();
        let paid: i128 = rows.iter().map(of).sum();
        for row in rows {
            even[size(*row)] = narrow(paid / pods.max(1));
        }
    }
    even
}
