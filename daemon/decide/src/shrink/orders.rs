//! From what was found to steps: which pod goes where, what the new nodes are called and where they stand.

use super::fleet::Fleet;
use super::prices::Prices;
use super::search::{Found, New};
use super::shrunk::{Effect, Shrunk, Swap};
use crate::number::{count, size};
use model::ids::{NodeName, PodKey};
use model::intent::IntentKind;
use model::money::UsdPerHour;
use model::plan::{PlannedNode, StepKind};
use model::reason::Reason;
use model::snapshot::Snapshot;
use model::time::Span;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const ZONE: &str = "topology.kubernetes.io/zone";

/// Gives names and zones.
pub(super) struct Orders<'o, 'a> {
    seen: &'a Snapshot,
    prices: &'o Prices<'a>,
    taken: BTreeSet<NodeName>,
    number: usize,
    /// By group and zone: nodes there are and would be.
    zones: BTreeMap<(usize, String), u32>,
}

impl<'o, 'a> Orders<'o, 'a> {
    /// `bought` is what waiting pods get, with the index of the offer.
    pub(super) fn new(seen: &'a Snapshot, prices: &'o Prices<'a>, bought: &[(usize, NodeName)]) -> Self {
        let mut taken: BTreeSet<NodeName> = seen.nodes.iter().map(|node| node.name.clone()).collect();
        for intent in &seen.ledger.intents {
            if let IntentKind::Launch { planned, .. } = &intent.kind {
                taken.extend(planned.iter().cloned());
            }
        }
        taken.extend(bought.iter().map(|(_, name)| name.clone()));
        let mut zones = BTreeMap::new();
        for node in &seen.nodes {
            let group = node
                .group
                .as_ref()
                .and_then(|name| seen.groups.binary_search_by(|group| group.name.cmp(name)).ok());
            if let (Some(group), Some(zone)) = (group, node.labels.get(ZONE)) {
                *zones.entry((group, zone.clone())).or_insert(0) += 1;
            }
        }
        for (offer, _) in bought {
            let offer = &seen.offers[*offer];
            let zone = offer.zone().unwrap_or_default().to_owned();
            *zones.entry((size(offer.group), zone)).or_insert(0) += 1;
        }
        Self {
            number: bought.len(),
            seen,
            prices,
            taken,
            zones,
        }
    }

    /// A node of the column with these pods: of this offer, or in the zone where its group has fewest.
    fn node(
        &mut self,
        (column, offer): (usize, Option<usize>),
        pods: Vec<PodKey>,
    ) -> Option<(usize, PlannedNode)> {
        let lot = &self.prices.market.lots[self.prices.table.sold[column].lot];
        let zone = |offer: usize| self.seen.offers[offer].zone().unwrap_or_default().to_owned();
        let many = |offer: &usize| self.zones.get(&(lot.group, zone(*offer))).copied();
        let offers = lot.offers.iter().copied();
        let offer = offer.or_else(|| offers.min_by_key(|offer| (many(offer).unwrap_or(0), *offer)))?;
        *self.zones.entry((lot.group, zone(offer))).or_insert(0) += 1;
        let node = PlannedNode {
            name: self.name(),
            group: self.seen.groups.get(lot.group)?.name.clone(),
            offer: self.seen.offers[offer].id.clone(),
            pods,
            storage: UsdPerHour::ZERO,
        };
        Some((offer, node))
    }

    /// A name that nothing has, in the manner of those bought for waiting pods.
    pub(super) fn name(&mut self) -> NodeName {
        loop {
            self.number += 1;
            let name = match self.seen.cycle {
                0 => NodeName::new(format!("new-{}", self.number)),
                cycle => NodeName::new(format!("new-{cycle}-{}", self.number)),
            };
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// Turns what was found into steps; `waited` is for how long a node could have gone.
pub(super) fn order(
    orders: &mut Orders<'_, '_>,
    fleet: &Fleet<'_>,
    found: &Found,
    waited: &dyn Fn(usize) -> Span,
    shrunk: &mut Shrunk,
) {
    let mut movers = Movers::of(fleet, orders.prices, &found.ruined);
    let nodes: Vec<(usize, PlannedNode)> = found
        .bought
        .iter()
        .filter_map(|New { column, load, offer }| {
            let pods = load
                .iter()
                .flat_map(|(row, copies)| movers.take(orders.prices.whole(*row), *copies));
            let pods = pods.collect();
            orders.node((*column, *offer), pods)
        })
        .collect();
    for put in &found.puts {
        let Some(row) = orders.prices.row(put.kind) else {
            continue;
        };
        let pods = movers.take(row, put.copies);
        let name = &fleet.bins[size(put.bin)].name;
        match shrunk.moves.iter_mut().find(|(node, _)| node == name) {
            Some((_, known)) => known.extend(pods),
            None => shrunk.moves.push((name.clone(), pods)),
        }
    }
    let saves = UsdPerHour(found.saves);
    let by: Vec<NodeName> = nodes.iter().map(|(_, node)| node.name.clone()).collect();
    let cordons = found.ruined.iter().filter_map(|bin| {
        let moves = fleet.bins[*bin].moves();
        let since = waited(*bin);
        let reason = if by.is_empty() {
            Reason::Unneeded {
                since,
                saves: UsdPerHour(fleet.bins[*bin].price),
                moves,
            }
        } else {
            Reason::Replaced {
                since,
                by: by.clone(),
                saves,
                moves,
            }
        };
        cordon(fleet, *bin, reason)
    });
    let cordons: Vec<Effect> = cordons.collect();
    if nodes.is_empty() {
        shrunk.cordons.extend(cordons);
        return;
    }
    let gone = found.ruined.iter().map(|bin| fleet.bins[*bin].name.clone());
    shrunk.swaps.push(Swap {
        nodes,
        why: Reason::Replaces {
            nodes: gone.collect(),
            saves,
            evictions: found.moves,
        },
        cordons,
    });
}

fn cordon(fleet: &Fleet<'_>, bin: usize, reason: Reason) -> Option<Effect> {
    let node = fleet.node(bin)?;
    Some(Effect {
        kind: StepKind::Cordon {
            node: node.name.clone(),
            group: node.group.clone()?,
            instance: node.instance.clone()?,
            after: Vec::new(),
        },
        reason,
        intent: None,
    })
}

/// Pods that move, by row, in the order of their nodes.
struct Movers(Vec<VecDeque<PodKey>>);

impl Movers {
    fn of(fleet: &Fleet<'_>, prices: &Prices<'_>, ruined: &[usize]) -> Self {
        let mut movers = vec![VecDeque::new(); prices.table.problem.rows.len()];
        for bin in ruined {
            for (key, kind) in fleet.movers(*bin) {
                if let Some(row) = prices.row(kind) {
                    movers[size(row)].push_back(key.clone());
                }
            }
        }
        Self(movers)
    }

    fn take(&mut self, row: u32, copies: u32) -> Vec<PodKey> {
        let of = &mut self.0[size(row)];
        let copies = copies.min(count(of.len()));
        of.drain(..size(copies)).collect()
    }
}
