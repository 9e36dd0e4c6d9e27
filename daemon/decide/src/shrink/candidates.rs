//! Which nodes may go, for how long they could have gone, and what becomes of those that go.
//!
//! What going would bring is found by `choose`; here stand the rules that hold whatever it brings.

use super::allowance::Allowance;
use super::annotated;
use super::choose::{self, Candidate, Reach};
use super::disruption::Says;
use super::fleet::Fleet;
use super::orders::{self, Orders};
use super::prices::Prices;
use super::search::{Found, Search, Terms, Tied};
use super::shrunk::Shrunk;
use super::ties::{Pool, Ties};
use super::{explained, in_vain, turnover, used};
use crate::fill::Taste;
use crate::number::{count, floor, real, size};
use crate::rooms::Housed;
use model::aims::Aims;
use model::critical::Critical;
use model::disruption::Cause;
use model::group::Group;
use model::ids::{GroupName, NodeName};
use model::intent::{EffectKind, Intent, IntentKind};
use model::memory::Memory;
use model::money::UsdPerHour;
use model::node::Node;
use model::reason::{PodStays, Refusal, Stays};
use model::registration::label;
use model::repair::Repair;
use model::snapshot::Snapshot;
use model::time::{Instant, Span};
use std::collections::BTreeMap;

/// What was decided before.
#[derive(Clone, Copy)]
pub(crate) struct Before<'b> {
    /// Where waiting pods and headroom were placed.
    pub(crate) housed: &'b Housed,
    /// Nodes bought for waiting pods, with the index of the offer.
    pub(crate) bought: &'b [(usize, NodeName)],
    /// Something new may be given up in this cycle.
    pub(crate) start: bool,
    /// Policies have a say on prices.
    pub(crate) priced: bool,
    /// What policies say of nodes that could be given up.
    pub(crate) says: &'b Says,
}

/// Nodes probed for the sake of an answer, beside those that could go.
const ANSWERED: usize = 50;

/// A node that wastes this part of its price, one divided by it, could do without some of it.
const WASTEFUL: i64 = 10;

/// What keeps a node before any policy is asked.
pub(crate) fn keeps(seen: &Snapshot, aims: &Aims, node: &Node) -> Option<Stays> {
    if seen.own_node.as_ref() == Some(&node.name) {
        return Some(Stays::OwnNode);
    }
    let group = node.group.as_ref().and_then(|name| seen.group(name));
    let theirs = || node.belongs_to().filter(|_| group.is_none()).map(str::to_owned);
    if let Some(who) = group.and_then(|group| group.foreign.clone()).or_else(theirs) {
        return Some(Stays::BelongsTo { who });
    }
    let named = |g: &&Group| aims.groups.is_empty() || aims.groups.contains(&g.name);
    let Some(group) = group.filter(|g| named(g) && node.instance.is_some()) else {
        return Some(Stays::NoGroup);
    };
    if group.rolling.is_some() {
        return Some(Stays::Rolling);
    }
    annotated::removed(seen, node).or_else(|| node.held(seen.at))
}

/// A node without a price: what moving its pods would bring cannot be told, so they are not moved.
fn unpriced(node: &Node) -> Stays {
    let instance_type = [label::INSTANCE_TYPE, label::BETA_INSTANCE_TYPE]
        .iter()
        .find_map(|key| node.labels.get(*key));
    instance_type.map_or(Stays::NoPrice, |own| Stays::NoPriceOf {
        instance_type: own.clone(),
    })
}

/// A node that may go, and since when it could.
#[derive(Clone, Copy, Debug)]
pub(super) struct May {
    pub(super) bin: usize,
    since: Option<Instant>,
}

/// See the module.
pub(super) struct Judge<'a, 'b> {
    seen: &'a Snapshot,
    aims: &'b Aims,
    allowance: Allowance<'b>,
    /// Nodes bought in place of those that have expired or drifted are among what was bought.
    pub(super) before: Before<'b>,
    /// By group: nodes that leave it, those of this plan included.
    leaving: BTreeMap<GroupName, u32>,
    /// Nodes on their way out.
    begun: u32,
    /// Pods whose moving owners explain who have lowered their replicas.
    explained: u32,
    critical: Critical<'a>,
    /// Nodes that are to go after those that do now, sorted.
    pub(super) next: Vec<usize>,
    pub(super) refusals: Vec<Refusal>,
}

impl<'a, 'b> Judge<'a, 'b> {
    pub(super) fn new(
        (seen, allowance): (&'a Snapshot, Allowance<'b>),
        aims: &'b Aims,
        before: Before<'b>,
    ) -> Self {
        let mut leaving: BTreeMap<GroupName, u32> = BTreeMap::new();
        let mut begun = 0;
        let began_empty = |intent: &Intent, of: &NodeName| {
            seen.ledger.effects.iter().any(|effect| {
                effect.at == intent.opened
                    && matches!(&effect.kind, EffectKind::Emptied { node } if node == of)
            })
        };
        for intent in &seen.ledger.intents {
            // What is gone, as far as anybody can see, is in no group's size any more.
            if let IntentKind::Remove {
                group,
                node,
                gone: None,
                ..
            } = &intent.kind
            {
                *leaving.entry(group.clone()).or_insert(0) += 1;
                begun += u32::from(!began_empty(intent, node));
            }
        }
        Self {
            seen,
            aims,
            allowance,
            before,
            leaving,
            begun,
            explained: 0,
            critical: Critical::of(seen, &seen.ledger),
            next: Vec::new(),
            refusals: Vec::new(),
        }
    }

    /// Ready nodes that nothing keeps and that nobody counts on.
    pub(super) fn candidates(&mut self, fleet: &Fleet<'_>, memory: &Memory, budgets: &[u32]) -> Vec<May> {
        let mut candidates = Vec::new();
        let repair = Repair::new(self.seen, self.aims);
        let aims = self.aims;
        self.explained = explained::pods(self.seen, memory, aims);
        for (at, node) in self.seen.nodes.iter().enumerate() {
            let bin = &fleet.bins[at];
            if !bin.receives || bin.awaited {
                if let Some(why) = annotated::out_of_service(self.seen, &repair, node) {
                    self.stays(node, why);
                }
                continue;
            }
            let young = self.patience(aims.shrink.min_age, bin.moves());
            let why = self
                .must_stay(node, young)
                .or_else(|| in_vain::rests(node, bin, self.seen, memory))
                .or_else(|| fleet.pods_must_stay(bin, budgets))
                .or_else(|| used::keeps(fleet, at));
            match why {
                Some(why) => self.stays(node, why),
                None => candidates.push(May {
                    bin: at,
                    since: memory.unneeded_since.get(&node.name).copied(),
                }),
            }
        }
        candidates
    }

    pub(super) fn stays(&mut self, node: &Node, why: Stays) {
        self.refusals.push(Refusal::NodeStays {
            node: node.name.clone(),
            why,
        });
    }

    /// What budgets of the aims still let go.
    pub(super) fn allowance(&mut self) -> &mut Allowance<'b> {
        &mut self.allowance
    }

    /// Counts a removal that is begun, whose node another takes the place of.
    pub(super) fn begins(&mut self, group: &GroupName) {
        *self.leaving.entry(group.clone()).or_insert(0) += 1;
        self.begun += 1;
    }

    /// What keeps the node from being given up whatever its pods are.
    fn must_stay(&self, node: &Node, min_age: Span) -> Option<Stays> {
        if let Some(why) = self.keeps(node) {
            return Some(why);
        }
        if self.seen.at.since(node.created) < min_age {
            return Some(Stays::TooYoung);
        }
        let group = node.group.as_ref()?;
        (self.spare(group) == 0).then_some(Stays::GroupAtMinimum)
    }

    /// Whether the node is as old as any has to be.
    fn is_grown(&self, fleet: &Fleet<'_>, bin: usize) -> bool {
        let node = fleet.node(bin);
        node.is_some_and(|node| self.seen.at.since(node.created) >= self.aims.shrink.min_age)
    }

    /// How long a node with so many pods must have been unneeded, or there, where `usual` is what the aims say.
    fn patience(&self, usual: Span, moves: u32) -> Span {
        if moves.max(1) <= self.explained {
            usual.min(self.aims.shrink.explained_for)
        } else {
            usual
        }
    }

    /// What keeps the node whatever its pods are, its age, and what its group can do without.
    pub(super) fn keeps(&self, node: &Node) -> Option<Stays> {
        let last = || {
            let (_, pod) = self.critical.last_on(&node.name, |_| false)?;
            Some(Stays::PodMustStay {
                pod: pod.clone(),
                why: PodStays::LastReady,
            })
        };
        keeps(self.seen, self.aims, node)
            .or_else(last)
            .or_else(|| self.before.says.denied(&node.name))
    }

    /// How long a node with so many pods must have been unneeded: what its group says for itself nothing shortens.
    fn patience_with(&self, bin: usize, moves: u32) -> Span {
        let group = self.seen.nodes.get(bin).and_then(|node| node.group.as_ref());
        match self.seen.options(group).unneeded_for {
            Some(own) => own,
            None => self.patience(self.aims.shrink.unneeded_for, moves),
        }
    }

    /// How long a node must have been unneeded, as its group or the aims say.
    fn unneeded_for(&self, bin: usize) -> Span {
        let group = self.seen.nodes.get(bin).and_then(|node| node.group.as_ref());
        self.seen.options(group).unneeded_for(self.aims)
    }

    /// Nodes that the group can still lose.
    pub(super) fn spare(&self, name: &GroupName) -> u32 {
        let leaving = self.leaving.get(name).copied().unwrap_or(0);
        let group = self.seen.group(name);
        group.map_or(0, |g| g.desired.saturating_sub(leaving).saturating_sub(g.min))
    }

    /// Chooses among the candidates and says what keeps the others; returns since when each could have gone.
    pub(super) fn judge(
        &mut self,
        fleet: &mut Fleet<'a>,
        prices: &Prices<'a>,
        (candidates, memory): (&[May], &Memory),
        shrunk: &mut Shrunk,
    ) -> BTreeMap<NodeName, Instant> {
        let now = self.seen.at;
        let shrink = &self.aims.shrink;
        let room = turnover::refilled(fleet, prices, (memory, self.aims));
        let terms = Terms {
            cost: real(shrink.eviction_cost_nanos),
            hours: turnover::in_hours(shrink.payback),
            room,
            lost: turnover::lost(fleet.seen, memory, self.aims),
            same_set: self.before.priced,
            taste: Taste::PLAIN,
        };
        let waste = |fleet: &Fleet<'_>, may: &May| prices.waste(fleet, may.bin);
        // Since when a node wastes much.
        let mut since: BTreeMap<NodeName, Instant> = BTreeMap::new();
        let (mut able, mut later): (Vec<Candidate>, Vec<Candidate>) = (Vec::new(), Vec::new());
        for may in candidates {
            let bin = &fleet.bins[may.bin];
            let waste = waste(fleet, may);
            let much = |waste: i64| waste.saturating_mul(WASTEFUL) >= bin.price;
            let wasteful = bin.moves() == 0 || waste.is_some_and(much);
            if wasteful {
                since.insert(bin.name.clone(), may.since.unwrap_or(now));
            }
            let waited = now.since(may.since.unwrap_or(now));
            let patience = self.patience_with(may.bin, bin.moves());
            let able_to = wasteful || may.since.is_some() || patience <= Span::ZERO;
            let open = self.budgeted(fleet, may.bin).is_none_or(|left| left > 0);
            let candidate = Candidate {
                bin: may.bin,
                waste: waste.unwrap_or(0),
                hours: turnover::hours(room, waited, self.aims),
                settled: waited >= shrink.unneeded_for && self.is_grown(fleet, may.bin),
            };
            if able_to && open {
                let list = if waited >= patience { &mut able } else { &mut later };
                list.push(candidate);
            }
        }
        let left = if self.before.start {
            size(shrink.parallel.saturating_sub(self.begun))
        } else {
            0
        };
        let growth = self.growth(prices);
        let pool = Pool::of(fleet).filter(|_| !candidates.is_empty());
        let ties = pool
            .as_ref()
            .map(|pool| Ties::new(fleet, pool, Some(self.before.housed)));
        let mut search = Search::new(fleet, prices, growth);
        search.ties = ties;
        search.quotas = prices.market.left.clone();
        let bought = self.before.bought.iter().map(|(offer, _)| *offer);
        search.quotas.take_offers(self.seen, bought);
        let groups = self.seen.groups.iter();
        search.spare = groups.map(|group| self.spare(&group.name)).collect();
        let empties = self.empties();
        let (empty, mut able): (Vec<Candidate>, Vec<Candidate>) = able
            .into_iter()
            .partition(|of| empties > 0 && search.fleet.bins[of.bin].is_bare());
        let mut chosen = choose::choose(&mut search, &empty, terms, Reach::alone(empties));
        // What the share of empty nodes has no room for goes by the window of all others.
        let receives = |of: &Candidate| search.fleet.bins[of.bin].receives;
        able.extend(empty.into_iter().filter(receives));
        chosen.extend(self.choose(&mut search, &able, (terms, left)));
        chosen.retain(|found| self.within_budgets(search.fleet, found));
        for may in candidates {
            if let Some(known) = may.since.filter(|_| !search.fleet.bins[may.bin].receives) {
                since.insert(search.fleet.bins[may.bin].name.clone(), known);
            }
        }
        self.answer(&mut search, candidates, (terms, &chosen), &mut since);
        let moves = self.begun > 0 || chosen.iter().any(|found| found.moves > 0);
        if self.before.start && moves {
            // Those too that have not been unneeded for long enough yet: until then they would be filled.
            able.extend(later);
            self.next = choose::next(&mut search, &able, terms);
        }
        let mut orders = Orders::new(self.seen, prices, self.before.bought);
        for found in &chosen {
            let times = |bin: usize| {
                let known = since.get(&fleet.bins[bin].name).copied();
                now.since(known.unwrap_or(now))
            };
            orders::order(&mut orders, fleet, found, &times, shrunk);
        }
        since
    }

    /// Empty nodes that may go beside those that are drained: nobody is moved by it, and the guard has a window of its own
    /// for them.
    fn empties(&self) -> usize {
        let limits = &self.aims.limits;
        if !self.before.start || limits.emptied_per_window_permille == 0 {
            return 0;
        }
        let nodes = self.seen.nodes.iter().filter(|node| !node.fargate).count();
        let share = (nodes * size(limits.emptied_per_window_permille.min(1000)) / 1000).max(1);
        let begun = self.seen.ledger.effects.iter().filter(|effect| {
            matches!(effect.kind, EffectKind::Emptied { .. })
                && self.seen.at.since(effect.at) <= limits.emptied_window
        });
        share.saturating_sub(begun.count())
    }

    /// Nodes that groups can still be grown by once what was bought for waiting pods has been.
    fn growth(&self, prices: &Prices<'_>) -> Vec<u32> {
        let mut growth = prices.table.problem.stock.clone();
        for (offer, _) in self.before.bought {
            let group = size(self.seen.offers[*offer].group);
            if let Some(left) = growth.get_mut(group) {
                *left = left.saturating_sub(1);
            }
        }
        growth
    }

    fn choose(
        &self,
        search: &mut Search<'_, 'a>,
        able: &[Candidate],
        (terms, left): (Terms, usize),
    ) -> Vec<Found> {
        if left == 0 || able.is_empty() {
            return Vec::new();
        }
        let budgeted = able.iter().map(|of| self.budgeted(search.fleet, of.bin));
        let budgeted = budgeted.map(|left| left.map_or(usize::MAX, size)).max();
        let reach = Reach {
            nodes: left,
            together: left.min(self.together()).min(budgeted.unwrap_or(0)),
            probes: choose::probes(left),
        };
        choose::choose(search, able, terms, reach)
    }

    /// Group of a node, and for what it would go.
    fn cause<'f>(fleet: &'f Fleet<'_>, bin: usize) -> Option<(&'f GroupName, Cause)> {
        let group = fleet.node(bin)?.group.as_ref()?;
        let empty = fleet.bins[bin].is_bare();
        Some((group, if empty { Cause::Empty } else { Cause::Underused }))
    }

    /// Nodes like this one that budgets still let go; `None` where none speaks of it.
    fn budgeted(&self, fleet: &Fleet<'_>, bin: usize) -> Option<u32> {
        let (group, cause) = Self::cause(fleet, bin)?;
        self.allowance.left(group, cause)
    }

    /// Whether budgets let all of these go; they are counted then.
    fn within_budgets(&mut self, fleet: &Fleet<'_>, found: &Found) -> bool {
        let causes = found.ruined.iter().filter_map(|bin| Self::cause(fleet, *bin));
        self.allowance.take(&causes.collect::<Vec<_>>())
    }

    /// Nodes that the guard's windows let go at once: more of them in one replacement would be held for ever.
    fn together(&self) -> usize {
        let limits = &self.aims.limits;
        let share = |of: usize, permille: u32| (of * size(permille.min(1000)) / 1000).max(1);
        let largest = self.seen.groups.iter().map(|group| size(group.desired)).max();
        share(largest.unwrap_or(0), limits.removed_per_window_permille)
            .min(share(
                self.seen.nodes.len(),
                limits.removed_per_long_window_permille,
            ))
            .min(size(limits.removals_at_once))
    }

    /// Says what keeps the nodes that stay, as far as there is time to find out.
    fn answer(
        &mut self,
        search: &mut Search<'_, 'a>,
        candidates: &[May],
        (terms, chosen): (Terms, &[Found]),
        since: &mut BTreeMap<NodeName, Instant>,
    ) {
        let now = self.seen.at;
        let chosen: usize = chosen.iter().map(|found| found.ruined.len()).sum();
        let begun = self.begun.saturating_add(count(chosen));
        search.tied = Tied::Foreseen;
        let mut asked: Vec<(u32, i64, May)> = candidates
            .iter()
            .filter(|may| search.fleet.bins[may.bin].receives)
            .map(|may| {
                let bin = &search.fleet.bins[may.bin];
                (bin.moves(), -bin.price, *may)
            })
            .collect();
        asked.sort_by_key(|(moves, price, may)| (*moves, *price, may.bin));
        for (moves, _, may) in asked.into_iter().take(ANSWERED) {
            let Some(node) = search.fleet.node(may.bin) else {
                continue;
            };
            let price = search.fleet.bins[may.bin].price;
            let known = may.since.unwrap_or(now);
            let hours = turnover::hours(terms.room, now.since(known), self.aims);
            let terms = Terms { hours, ..terms };
            let again = search.fleet.bins[may.bin].again;
            let counted = terms.evictions(moves) + real(again);
            // What the evictions count once room has been wasted for as long as they may take to pay.
            let payback = turnover::in_hours(self.aims.shrink.payback);
            let at_best = Terms {
                hours: payback.max(hours),
                ..terms
            };
            let at_best = at_best.evictions(moves) + real(again);
            let addend = search.fleet.bins[may.bin].addend;
            let worth_less = Stays::CostsMore {
                price: UsdPerHour(price),
                wastes: search.prices.waste(search.fleet, may.bin).map(UsdPerHour),
                moves,
                counts: UsdPerHour(floor(at_best)),
                addend: UsdPerHour(addend),
            };
            if !search.can_spare(&[may.bin]) {
                self.stays(node, Stays::GroupAtMinimum);
            } else if let Some(found) = search.probe(&[may.bin], terms) {
                since.insert(node.name.clone(), known);
                let waited = now.since(known);
                let closed =
                    Self::cause(search.fleet, may.bin).and_then(|of| self.allowance.closed(of.0, of.1));
                let patience = if found.bought.is_empty() {
                    self.patience_with(may.bin, moves)
                } else {
                    self.unneeded_for(may.bin)
                };
                if waited < patience {
                    self.stays(node, Stays::NotUnneededLongEnough { since: waited });
                } else if let Some(closed) = closed {
                    self.stays(node, closed);
                } else if search.fleet.bins[may.bin].awaited {
                    self.stays(node, Stays::PodsExpected);
                } else {
                    self.stays(node, Stays::AwaitsRemovals { begun });
                }
            } else if moves > 0 && !search.fleet.bins[may.bin].priced {
                self.stays(node, unpriced(node));
            } else if real(price) <= at_best + real(addend) {
                self.stays(node, worth_less);
            } else if real(price) <= counted + real(addend) {
                let since = now.since(known);
                self.stays(node, Stays::NotUnneededLongEnough { since });
            } else if let Some((pod, by)) = search.first_left(may.bin) {
                let why = by.map_or_else(
                    || Stays::PodsDoNotFit { pod: pod.clone() },
                    |by| Stays::PodHeld { pod: pod.clone(), by },
                );
                self.stays(node, why);
            } else if let Some(budget) = search.by_turns(&[may.bin]) {
                let budget = &self.seen.budgets[budget];
                let budget = format!("{}/{}", budget.namespace, budget.name);
                self.stays(node, Stays::DisruptionBudget { budget });
            } else {
                self.stays(node, worth_less);
            }
        }
    }
}
