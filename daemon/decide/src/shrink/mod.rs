//! Nodes that can be given up: whose pods fit on other nodes, long enough, and where it pays.
//!
//! Starts removals and carries open ones on, one stage at a time. Nothing here waits; budgets, annotations
//! and owners are respected, and what is not certain keeps the node. Replacing nodes by cheaper ones is not
//! done here.

mod continuing;
mod crew;

use crate::rooms::Housed;
use crew::{Crew, Receivers};
use model::aims::Aims;
use model::ids::NodeName;
use model::intent::IntentKind;
use model::memory::Memory;
use model::money::{Usd, UsdPerHour};
use model::node::Node;
use model::offer::Confidence;
use model::plan::StepKind;
use model::reason::{Reason, Refusal, Stays};
use model::snapshot::{Freshness, Snapshot, Source};
use model::time::Instant;
use std::collections::BTreeMap;

/// Nodes probed in one cycle, cheapest to empty first.
const PROBES: usize = 200;
/// Refusals listed.
const LISTED: usize = 50;

/// What came of the stage.
#[derive(Debug, Default)]
pub(crate) struct Shrunk {
    /// Removals undone.
    pub(crate) uncordons: Vec<Effect>,
    /// Pods asked to move.
    pub(crate) evictions: Vec<Effect>,
    /// Emptied nodes to remove.
    pub(crate) removals: Vec<Effect>,
    /// Removals begun.
    pub(crate) cordons: Vec<Effect>,
    pub(crate) refusals: Vec<Refusal>,
}

/// A step of this stage, with the intent it moves where there is one already.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) kind: StepKind,
    pub(crate) reason: Reason,
    pub(crate) intent: Option<model::IntentId>,
}

/// Decides on removals. `housed` is where waiting pods and headroom were placed; `start` is false when nothing
/// new may be given up in this cycle.
pub(crate) fn decide(
    seen: &Snapshot,
    memory: &mut Memory,
    aims: &Aims,
    housed: &Housed,
    start: bool,
) -> Shrunk {
    let mut shrunk = Shrunk::default();
    let blind = [Source::Pods, Source::Nodes, Source::Groups, Source::Budgets]
        .iter()
        .any(|source| seen.freshness(*source) == Freshness::Missing);
    let crew = Crew::new(seen);
    let mut receivers = Receivers::new(seen, &crew, housed);
    let mut budgets = crew.budgets();
    continuing::carry_on(&crew, &mut receivers, &mut budgets, housed, &mut shrunk);
    if blind || !aims.shrink.enabled {
        // A source that was never seen is not an empty one, and time unneeded does not count meanwhile.
        memory.unneeded_since.clear();
        return shrunk;
    }
    let mut probe = Probe {
        seen,
        aims,
        crew: &crew,
        housed,
        start,
        begun: open_removals(seen),
        shrinking: BTreeMap::new(),
    };
    let mut unneeded = BTreeMap::new();
    for node in probe.candidates() {
        match probe.judge(node, memory, &mut receivers, &budgets) {
            Judged::Goes(effect, since) => {
                unneeded.insert(node.name.clone(), since);
                shrunk.cordons.push(effect);
            }
            Judged::Stays(why, since) => {
                if let Some(since) = since {
                    unneeded.insert(node.name.clone(), since);
                }
                if shrunk.refusals.len() < LISTED {
                    shrunk.refusals.push(Refusal::NodeStays {
                        node: node.name.clone(),
                        why,
                    });
                }
            }
            Judged::Waits(since) => {
                unneeded.insert(node.name.clone(), since);
            }
        }
    }
    memory.unneeded_since = unneeded;
    shrunk
}

enum Judged {
    Goes(Effect, Instant),
    Stays(Stays, Option<Instant>),
    /// Could go, but no more can be begun now.
    Waits(Instant),
}

struct Probe<'a> {
    seen: &'a Snapshot,
    aims: &'a Aims,
    crew: &'a Crew<'a>,
    housed: &'a Housed,
    start: bool,
    /// Nodes on their way out.
    begun: u32,
    /// By group: removals begun in this plan.
    shrinking: BTreeMap<model::GroupName, u32>,
}

impl<'a> Probe<'a> {
    /// Ready nodes of their own that no waiting pod was placed on, fewest moves first, dearest among equals.
    fn candidates(&self) -> Vec<&'a Node> {
        let mut candidates: Vec<(usize, i64, &Node)> = self
            .seen
            .nodes
            .iter()
            .filter(|node| node.takes_pods() && self.seen.ledger.removal_of(&node.name).is_none())
            .filter(|node| !self.is_awaited(&node.name))
            .map(|node| {
                (
                    self.crew.moves(&node.name).len(),
                    -price_of(self.seen, node).0.0,
                    node,
                )
            })
            .collect();
        candidates.sort_by(|a, b| (a.0, a.1, &a.2.name).cmp(&(b.0, b.1, &b.2.name)));
        candidates.truncate(PROBES);
        candidates.into_iter().map(|(_, _, node)| node).collect()
    }

    /// Whether a real pod waits to run there.
    fn is_awaited(&self, name: &NodeName) -> bool {
        self.housed
            .pods
            .get(name)
            .is_some_and(|pods| pods.iter().any(|(_, pod)| !crate::demand::is_headroom(pod)))
    }

    fn judge(
        &mut self,
        node: &Node,
        memory: &Memory,
        receivers: &mut Receivers<'_>,
        budgets: &[u32],
    ) -> Judged {
        if let Some(why) = self.must_stay(node) {
            return Judged::Stays(why, None);
        }
        if let Some(why) = self.crew.pods_must_stay(&node.name, budgets) {
            return Judged::Stays(why, None);
        }
        let (Some(group), Some(instance)) = (node.group.clone(), node.instance.clone()) else {
            return Judged::Stays(Stays::NoGroup, None);
        };
        let moved = match receivers.rehouse(self.crew, &node.name, self.housed) {
            Ok(moved) => moved,
            Err(pod) => return Judged::Stays(Stays::PodsDoNotFit { pod }, None),
        };
        let now = self.seen.at;
        let since = memory.unneeded_since.get(&node.name).copied().unwrap_or(now);
        let waited = now.since(since);
        let moves = self.crew.moves(&node.name).len();
        let (saves, known) = price_of(self.seen, node);
        let verdict = if !self.worth_it(saves, known, moves) {
            Some(Judged::Stays(Stays::NotWorthIt, Some(since)))
        } else if waited < self.aims.shrink.unneeded_for {
            let why = Stays::NotUnneededLongEnough { since: waited };
            Some(Judged::Stays(why, Some(since)))
        } else {
            let no_more = !self.start || self.begun >= self.aims.shrink.parallel;
            no_more.then_some(Judged::Waits(since))
        };
        if let Some(verdict) = verdict {
            receivers.undo(moved);
            return verdict;
        }
        receivers.close(&node.name);
        self.begun += 1;
        *self.shrinking.entry(group.clone()).or_insert(0) += 1;
        let effect = Effect {
            kind: StepKind::Cordon {
                node: node.name.clone(),
                group,
                instance,
            },
            reason: Reason::Unneeded {
                since: waited,
                saves,
                moves: crate::number::count(moves),
            },
            intent: None,
        };
        Judged::Goes(effect, since)
    }

    /// What keeps the node whatever its pods are.
    fn must_stay(&self, node: &Node) -> Option<Stays> {
        if self.seen.own_node.as_ref() == Some(&node.name) {
            return Some(Stays::OwnNode);
        }
        let group = node.group.as_ref().and_then(|name| self.seen.group(name));
        let Some(group) = group.filter(|g| {
            let named = self.aims.groups.is_empty() || self.aims.groups.contains(&g.name);
            g.foreign.is_none() && named && node.instance.is_some()
        }) else {
            return Some(Stays::NoGroup);
        };
        if node.do_not_disrupt {
            return Some(Stays::DoNotDisrupt);
        }
        let now = self.seen.at;
        if now.since(node.created) < self.aims.shrink.min_age {
            return Some(Stays::TooYoung);
        }
        let leaving =
            removals_of(self.seen, &group.name) + self.shrinking.get(&group.name).copied().unwrap_or(0);
        (group.desired.saturating_sub(leaving) <= group.min).then_some(Stays::GroupAtMinimum)
    }

    /// Whether what is saved within the payback time exceeds what the evictions count. An empty node is always
    /// worth it; one whose price nobody knows never is, unless it is empty.
    fn worth_it(&self, saves: UsdPerHour, known: bool, moves: usize) -> bool {
        let cost = self
            .aims
            .shrink
            .eviction_cost_nanos
            .saturating_mul(i64::try_from(moves).unwrap_or(i64::MAX));
        moves == 0 || (known && saves.over(self.aims.shrink.payback) > Usd(cost))
    }
}

fn open_removals(seen: &Snapshot) -> u32 {
    let open = seen
        .ledger
        .intents
        .iter()
        .filter(|i| matches!(i.kind, IntentKind::Remove { .. }));
    crate::number::count(open.count())
}

/// Open removals whose node still counts in its group's desired size.
fn removals_of(seen: &Snapshot, name: &model::GroupName) -> u32 {
    let open = seen
        .ledger
        .intents
        .iter()
        .filter(|i| matches!(&i.kind, IntentKind::Remove { group, .. } if group == name));
    crate::number::count(open.count())
}

/// What a node costs per hour, and whether that is known.
pub(crate) fn price_of(seen: &Snapshot, node: &Node) -> (UsdPerHour, bool) {
    let offer = node
        .offer
        .as_ref()
        .and_then(|id| seen.offers.binary_search_by(|offer| offer.id.cmp(id)).ok())
        .map(|ix| &seen.offers[ix]);
    offer
        .filter(|offer| offer.confidence != Confidence::Unknown)
        .map_or((UsdPerHour::ZERO, false), |offer| (offer.price, true))
}

#[cfg(test)]
mod tests;
