//! Zones, dealt: each pod to the zone that has fewest, and once more where a zone could not take its share.

use super::{add, in_zones};
use crate::demand::Class;
use model::ids::PodKey;
use model::pod::Unmodelled;
use model::selector::Operator;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How uneven zones may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// So much above the zone with fewest; none counts as having any while there are fewer than `domains`.
    Skew { skew: u32, domains: u32 },
    /// One pod a zone.
    One,
}

/// The zone that a class was dealt, among the zones of its family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deal {
    /// Which of the zones; `None` for pods that no zone may have.
    pub(crate) zone: Option<String>,
    /// What the zone can take, once that is known.
    full: Option<u32>,
    /// Name of the family: the class it was split from.
    family: PodKey,
    /// By zone: pods that run there.
    there: Arc<BTreeMap<String, u32>>,
    limit: Limit,
}

/// Zones that are being dealt to.
struct Table {
    /// By zone: pods that run there or were dealt.
    counts: BTreeMap<String, u32>,
    /// Zones that take no more than they have.
    full: BTreeMap<String, u32>,
    limit: Limit,
}

impl Table {
    fn most(&self) -> u32 {
        match self.limit {
            Limit::One => 1,
            Limit::Skew { skew, domains } => {
                let few = self.counts.len() < domains as usize;
                let fewest = self.counts.values().copied().min().unwrap_or(0);
                if few { skew } else { fewest.saturating_add(skew) }
            }
        }
    }

    /// The zone of the next pod; `None` where none may have it.
    fn next(&mut self) -> Option<String> {
        let most = self.most();
        let open = |zone: &String, count: u32| self.full.get(zone).is_none_or(|full| count < *full);
        let chosen = self
            .counts
            .iter()
            .filter(|(zone, count)| **count < most && open(zone, **count))
            .min_by(|a, b| a.1.cmp(b.1).then(a.0.cmp(b.0)))
            .map(|(zone, _)| zone.clone())?;
        *self.counts.entry(chosen.clone()).or_insert(0) += 1;
        Some(chosen)
    }
}

/// Splits a class by zone; what no zone may have stays together and is refused.
pub(super) fn split(
    zones: Vec<String>,
    class: &Class,
    (there, limit): (BTreeMap<String, u32>, Limit),
) -> Vec<Class> {
    let there: BTreeMap<String, u32> = zones
        .into_iter()
        .map(|zone| {
            let count = there.get(&zone).copied().unwrap_or(0);
            (zone, count)
        })
        .collect();
    let mut table = Table {
        counts: there.clone(),
        full: BTreeMap::new(),
        limit,
    };
    let mut hands: BTreeMap<String, Vec<usize>> =
        there.keys().map(|zone| (zone.clone(), Vec::new())).collect();
    let mut over = Vec::new();
    for pod in 0..class.pods.len() {
        match table.next() {
            Some(zone) => hands.entry(zone).or_default().push(pod),
            None => over.push(pod),
        }
    }
    let there = Arc::new(there);
    let deal = |zone: Option<&String>| {
        class.pods.first().map(|first| Deal {
            zone: zone.cloned(),
            full: None,
            family: first.clone(),
            there: Arc::clone(&there),
            limit,
        })
    };
    let mut parts = Vec::with_capacity(hands.len() + 1);
    for (zone, pods) in hands {
        let mut part = class.part(&pods);
        part.deal = deal(Some(&zone));
        add(Arc::make_mut(&mut part.body), &in_zones(Operator::In(vec![zone])));
        parts.push(part);
    }
    let mut rest = class.part(&over);
    rest.deal = deal(None);
    // It is kept from every node; why is what its deal says.
    Arc::make_mut(&mut rest.body).unmodelled.push(match limit {
        Limit::Skew { .. } => Unmodelled::TopologySpread,
        Limit::One => Unmodelled::PodAntiAffinity,
    });
    parts.push(rest);
    parts
}

/// Deals anew where a zone could not take its share and others would have too many above it; `unplaced` counts by
/// class. From then on the zone gets no more than it took, so that dealing ends. `last` is the last chance: families
/// that still do not come out even are refused whole. Returns whether anything changed.
pub(crate) fn redeal(classes: &mut [Class], unplaced: &[u32], last: bool) -> bool {
    let mut families: BTreeMap<PodKey, Vec<usize>> = BTreeMap::new();
    for (ix, class) in classes.iter().enumerate() {
        if let Some(deal) = class.deal.as_ref().filter(|deal| deal.limit != Limit::One) {
            families.entry(deal.family.clone()).or_default().push(ix);
        }
    }
    let mut changed = false;
    for members in families.into_values() {
        if is_even(classes, &members, unplaced) {
            continue;
        }
        changed = true;
        if last {
            for ix in members {
                Arc::make_mut(&mut classes[ix].body)
                    .unmodelled
                    .push(Unmodelled::TopologySpread);
            }
        } else {
            deal_again(classes, &members, unplaced);
        }
    }
    changed
}

fn table_of(classes: &[Class], members: &[usize]) -> Option<Table> {
    let deal = classes.get(*members.first()?)?.deal.as_ref()?;
    Some(Table {
        counts: (*deal.there).clone(),
        full: BTreeMap::new(),
        limit: deal.limit,
    })
}

fn zone_of(class: &Class) -> Option<String> {
    class.deal.as_ref().and_then(|deal| deal.zone.clone())
}

fn is_even(classes: &[Class], members: &[usize], unplaced: &[u32]) -> bool {
    let Some(mut table) = table_of(classes, members) else {
        return true;
    };
    let mut grown = Vec::new();
    for ix in members {
        let Some(zone) = zone_of(&classes[*ix]) else {
            continue;
        };
        let placed = classes[*ix].count().saturating_sub(unplaced[*ix]);
        *table.counts.entry(zone.clone()).or_insert(0) += placed;
        if placed > 0 {
            grown.push(zone);
        }
    }
    let most = table.most();
    grown.iter().all(|zone| table.counts[zone] <= most)
}

fn deal_again(classes: &mut [Class], members: &[usize], unplaced: &[u32]) {
    let Some(mut table) = table_of(classes, members) else {
        return;
    };
    let mut pool = classes[members[0]].part(&[]);
    pool.late = false;
    for ix in members {
        pool.absorb(&classes[*ix]);
        let placed = classes[*ix].count().saturating_sub(unplaced[*ix]);
        let Some((deal, zone)) = classes[*ix].deal.as_mut().and_then(|deal| {
            let zone = deal.zone.clone()?;
            Some((deal, zone))
        }) else {
            continue;
        };
        if unplaced[*ix] > 0 {
            deal.full = Some(deal.full.map_or(placed, |full| full.min(placed)));
        }
        if let Some(full) = deal.full {
            let there = table.counts.get(&zone).copied().unwrap_or(0);
            table.full.insert(zone, there + full);
        }
    }
    let mut hands: BTreeMap<Option<String>, Vec<usize>> = BTreeMap::new();
    for pod in 0..pool.pods.len() {
        hands.entry(table.next()).or_default().push(pod);
    }
    for ix in members {
        let own = hands.remove(&zone_of(&classes[*ix])).unwrap_or_default();
        let part = pool.part(&own);
        let class = &mut classes[*ix];
        (class.pods, class.pending, class.to_come) = (part.pods, part.pending, part.to_come);
    }
}
