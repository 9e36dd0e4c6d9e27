//! Why a pod has no place and a group does not grow: the closest offers and what each lacks.

use crate::adjust::Adjust;
use crate::bought::Purchase;
use crate::class::Class;
use crate::constraints::Deal;
use crate::fargate;
use crate::fit::{self, Place};
use crate::market::Market;
use crate::naming::Names;
use crate::number::{real, size};
use crate::quotas::Left;
use crate::space::{PODS, Vector};
use model::aims::Aims;
use model::ids::{GroupName, OfferId};
use model::offer::Offer;
use model::pod::PodSpec;
use model::reason::{FargateBlock, GroupBlock, Misfit, Refusal};
use std::collections::{BTreeMap, BTreeSet};

/// Offers named in one refusal.
const CLOSEST: usize = 3;

/// Refusals for pods without a place, and for the groups that could have run them but do not grow.
pub(crate) fn pods(
    market: &Market<'_>,
    classes: &[Class],
    adjust: Option<&Adjust>,
    (purchase, aims): (&Purchase, &Aims),
) -> Vec<Refusal> {
    let unplaced = &purchase.unplaced;
    if unplaced.is_empty() {
        return Vec::new();
    }
    let critic = Critic::new(market, adjust, &purchase.left);
    let went = Went::of(market, classes, purchase);
    let mut known: BTreeMap<usize, Verdict> = BTreeMap::new();
    let mut refusals = Vec::new();
    for (class, pod) in unplaced {
        if let Some(reached) = purchase.over_quota.get(pod) {
            refusals.push(Refusal::Pod {
                pod: pod.clone(),
                why: Misfit::NamespaceQuota(reached.clone()),
                closest: Vec::new(),
            });
            continue;
        }
        let verdict = known.entry(*class).or_insert_with(|| {
            let of = &classes[*class];
            let verdict = critic.judge(*class, of);
            if of.expendable {
                verdict.of_expendable(of, aims)
            } else {
                went.before(of, verdict)
            }
        });
        refusals.push(Refusal::Pod {
            pod: pod.clone(),
            why: verdict.why.clone(),
            closest: verdict.closest.clone(),
        });
    }
    let blocked: BTreeSet<(usize, GroupBlock)> = known.into_values().flat_map(|v| v.blocked).collect();
    refusals.extend(blocked.into_iter().filter_map(|(group, why)| {
        let group = market.seen.groups.get(group)?.name.clone();
        Some(Refusal::GroupStays { group, why })
    }));
    refusals
}

/// Says what each offer lacks for a class.
pub(crate) struct Critic<'a> {
    market: &'a Market<'a>,
    adjust: Option<&'a Adjust>,
    /// By offer.
    rooms: Vec<Vector>,
    /// What quotas leave after the purchase.
    left: &'a Left,
}

struct Verdict {
    why: Misfit,
    closest: Vec<(OfferId, Misfit)>,
    /// Groups that would do but for themselves.
    blocked: BTreeSet<(usize, GroupBlock)>,
}

impl Verdict {
    /// Nothing was asked of any group.
    fn of_expendable(self, of: &Class, aims: &Aims) -> Self {
        let could_run = |why: &Misfit| matches!(why, Misfit::Group(_) | Misfit::NoOffers);
        let why = Misfit::Expendable {
            priority: of.body.priority,
            below: aims.priority.expendable_below,
        };
        let instead = |of: Misfit| if could_run(&of) { why.clone() } else { of };
        let closest = self.closest.into_iter().map(|(offer, of)| (offer, instead(of)));
        Self {
            closest: closest.collect(),
            why: instead(self.why),
            blocked: BTreeSet::new(),
        }
    }
}

/// Priorities that new nodes were bought for.
struct Went<'a> {
    market: &'a Market<'a>,
    of_group: BTreeMap<GroupName, BTreeSet<i32>>,
    all: BTreeSet<i32>,
}

impl<'a> Went<'a> {
    fn of(market: &'a Market<'a>, classes: &[Class], purchase: &Purchase) -> Self {
        let mut went = Self {
            market,
            of_group: BTreeMap::new(),
            all: BTreeSet::new(),
        };
        for node in &purchase.bought {
            if market.seen.offers[node.offer].is_fargate() {
                continue;
            }
            let real = node
                .classes
                .iter()
                .filter(|class| classes[**class].spec.is_some());
            let priorities: BTreeSet<i32> = real.map(|class| classes[*class].body.priority).collect();
            went.all.extend(&priorities);
            went.of_group
                .entry(node.node.group.clone())
                .or_default()
                .extend(priorities);
        }
        went
    }

    /// Names the priority of those who took what a limit allows, where it is higher.
    fn before(&self, of: &Class, verdict: Verdict) -> Verdict {
        let Misfit::Group(block) = &verdict.why else {
            return verdict;
        };
        let seller = |offer: &OfferId| {
            let offer = self.market.seen.offer_ix(offer)?;
            Some(self.market.group_of(offer))
        };
        let nearest = verdict.closest.first();
        let group = nearest.and_then(|(offer, _)| seller(offer));
        let took: BTreeSet<i32> = match block {
            GroupBlock::Quota(reached) if reached.group.is_none() => self.all.clone(),
            GroupBlock::Quota(_) | GroupBlock::AtMaximum => {
                let of_group = group.and_then(|group| self.of_group.get(&group));
                of_group.cloned().unwrap_or_default()
            }
            _ => return verdict,
        };
        let by = took.into_iter().find(|priority| *priority > of.body.priority);
        match by {
            Some(by) => Verdict {
                why: Misfit::Outranked {
                    block: block.clone(),
                    by,
                },
                ..verdict
            },
            None => verdict,
        }
    }
}

/// What settling made of the pods.
fn told(of: &Class) -> (&PodSpec, Option<&str>) {
    (&of.body, of.zone())
}

/// What keeps the pods from every offer alike.
fn everywhere(of: &Class) -> Option<Misfit> {
    if of.deal.as_ref().is_some_and(Deal::is_nowhere) {
        return Some(Misfit::NoZoneLeft);
    }
    of.body.unmodelled.first().map(|what| Misfit::Unmodelled(*what))
}

impl<'a> Critic<'a> {
    pub(crate) fn new(market: &'a Market<'a>, adjust: Option<&'a Adjust>, left: &'a Left) -> Self {
        let offers = market.seen.offers.iter();
        Self {
            market,
            adjust,
            left,
            rooms: offers.map(|offer| market.room_of(offer)).collect(),
        }
    }

    fn judge(&self, class: usize, of: &Class) -> Verdict {
        let mut verdict = Verdict {
            why: Misfit::NoOffers,
            closest: Vec::new(),
            blocked: BTreeSet::new(),
        };
        let names = self.names(of);
        let mut ranked: Vec<(u32, f64, usize)> = Vec::new();
        for (ix, offer) in self.market.seen.offers.iter().enumerate() {
            let (objections, shortfall) = self.distance(class, of, ix, offer);
            if objections == 0 && !offer.is_fargate() {
                verdict.blocked.insert((size(offer.group), self.block(ix, offer)));
            }
            let blocked = self.market.stands(ix);
            ranked.push((objections + u32::from(blocked), shortfall, ix));
        }
        ranked.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
        // One line per instance type: the same type in other zones objects to the same.
        let mut types = BTreeSet::new();
        for (_, _, ix) in ranked {
            let offer = &self.market.seen.offers[ix];
            let kind = offer.instance_type().unwrap_or(offer.id.as_str());
            if verdict.closest.len() < CLOSEST && types.insert((offer.group, kind)) {
                let objection = self.objection(class, of, ix, offer);
                let objection = self.named(&names, of, offer, objection);
                verdict.closest.push((offer.id.clone(), objection));
            }
        }
        let everywhere = everywhere(of).map(|why| names.named(told(of), None, why));
        if let Some(why) = everywhere.or_else(|| Some(verdict.closest.first()?.1.clone())) {
            verdict.why = why;
        }
        verdict
    }

    /// Rules by which what objects to pods of the class is named.
    pub(crate) fn names<'s>(&'s self, of: &'s Class) -> Names<'s> {
        Names::new(self.market.seen, self.own(of))
    }

    /// The pod as its author wrote it: settling may have written zones into the body.
    fn own<'s>(&'s self, of: &'s Class) -> &'s PodSpec {
        let own = of.spec.and_then(|ix| self.market.seen.specs.get(size(ix)));
        own.unwrap_or(&of.body)
    }

    /// The objection in the words of the pod's own rules.
    pub(crate) fn named(&self, names: &Names<'_>, of: &Class, offer: &Offer, why: Misfit) -> Misfit {
        names.named(told(of), Some(self.place(offer)), why)
    }

    /// How many things object, and how far amounts fall short, without naming them.
    fn distance(&self, class: usize, of: &Class, ix: usize, offer: &Offer) -> (u32, f64) {
        if offer.is_fargate() {
            return (
                u32::try_from(self.fargate(of, offer).len()).unwrap_or(u32::MAX),
                0.0,
            );
        }
        let forbidden = self.forbidden(class, ix).is_some();
        let rules = !fit::admits(&of.body, self.place(offer));
        let clash = self.market.clash(class, offer).is_some();
        let elsewhere = of.is_dealt_elsewhere(offer);
        let elsewhere = elsewhere || !of.body.unmodelled.is_empty();
        let mut objections =
            u32::from(forbidden) + u32::from(rules) + u32::from(elsewhere) + u32::from(clash);
        let mut shortfall = 0.0;
        for (ask, there) in self.market.asks[class].iter().zip(&self.rooms[ix]) {
            if *ask > 0 && ask > there {
                objections += 1;
                shortfall += real(*ask - (*there).max(0)) / real(*ask);
            }
        }
        (objections, shortfall)
    }

    fn place<'o>(&'o self, offer: &'o Offer) -> Place<'o> {
        let taints = self
            .market
            .seen
            .groups
            .get(size(offer.group))
            .map_or(&[][..], |g| &g.taints);
        Place {
            labels: &offer.labels,
            name: "",
            taints,
        }
    }

    fn forbidden(&self, class: usize, ix: usize) -> Option<Misfit> {
        let (by, code) = self.adjust?.forbids.get(&(class, self.market.set_of[ix]))?;
        Some(Misfit::Forbidden {
            by: by.clone(),
            code: *code,
        })
    }

    fn fargate(&self, of: &Class, offer: &Offer) -> Vec<Misfit> {
        let own = self.own(of);
        let mut objections = fargate::rules(own, &offer.labels);
        let profile = self.market.seen.groups.get(size(offer.group));
        if profile.is_none_or(|p| fargate::label(&of.body, p).is_none()) {
            objections.push(Misfit::NoFargateProfile);
        }
        if of.deal.is_some() || own.node_affinity != of.body.node_affinity {
            objections.push(Misfit::FargateExcluded(FargateBlock::ZoneRules));
        }
        if !fargate::holds(&of.body.requests, offer) {
            objections.push(Misfit::FargateExcluded(FargateBlock::TooLarge));
        }
        objections
    }

    /// Why a group whose offers would do does not grow; in this plan it was used up if nothing else.
    fn block(&self, ix: usize, offer: &Offer) -> GroupBlock {
        let block = self.market.blocks.get(size(offer.group)).cloned().flatten();
        let short = || self.market.short[ix].then_some(GroupBlock::NoCapacity);
        let each = self.left.each(offer);
        let quota = || self.left.reached(size(offer.group), &each).map(GroupBlock::Quota);
        block
            .or_else(short)
            .or_else(quota)
            .unwrap_or(GroupBlock::AtMaximum)
    }

    /// The first objection of an offer; when there is none, the group itself is the reason.
    pub(crate) fn objection(&self, class: usize, of: &Class, ix: usize, offer: &Offer) -> Misfit {
        if offer.is_fargate() {
            return self
                .fargate(of, offer)
                .into_iter()
                .next()
                .unwrap_or(Misfit::FargateExcluded(FargateBlock::AlreadyAdmitted));
        }
        let there = self.market.space.resources(&self.rooms[ix]);
        let pods = self.rooms[ix].get(PODS).copied().unwrap_or(0);
        fit::rules(&of.body, self.place(offer))
            .into_iter()
            .chain(self.market.clash(class, offer))
            .chain(fit::amounts(&of.body.requests, &there, pods))
            .chain(self.forbidden(class, ix))
            .chain(of.is_dealt_elsewhere(offer).then_some(Misfit::NoZoneLeft))
            .chain(everywhere(of))
            .next()
            .unwrap_or_else(|| Misfit::Group(self.block(ix, offer)))
    }
}
