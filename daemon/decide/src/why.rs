//! Why one pod is where a plan puts it, or nowhere: what it pays, what else would run it and for how much, and
//! which rules leave it less choice.
//!
//! Read off the very deliberation that made the plan, so that both say the same. Nothing is decided here, and
//! nothing is put into words.

use crate::adjust::Adjust;
use crate::class::Class;
use crate::constraints::Company;
use crate::market::{Lot, Market};
use crate::number::{count, size};
use crate::placement::ec2_price;
use crate::refuse::Critic;
use crate::rooms::Demand;
use crate::space;
use crate::stage::Placed;
use model::ids::{GroupName, OfferId, PodKey};
use model::money::UsdPerHour;
use model::reason::{GroupBlock, Misfit};
use model::resources::Resources;
use std::collections::{BTreeMap, BTreeSet};

/// Why a pod is where the plan puts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// What it asks for.
    pub requests: Resources,
    /// Pods that no rule can tell from it, itself included.
    pub alike: u32,
    /// What it pays where it is on a new node: its class's dual price.
    pub pays: UsdPerHour,
    /// Offers that run it, one per kind of node, the least per pod first.
    pub alternatives: Vec<Alternative>,
    /// Offers that do not, counted by their first objection.
    pub ruled_out: BTreeMap<&'static str, u32>,
    /// Fargate beside EC2, where Fargate runs it.
    pub fargate: Option<FargateOrEc2>,
    /// What keeps it off Fargate, where there is any.
    pub not_on_fargate: Option<Misfit>,
    /// Zones are dealt to its like, and this is the one it got; `None` inside: there was none left for it.
    pub zone: Option<Option<String>>,
    /// How many of its like one new node may hold, where that is limited.
    pub per_node: Option<u32>,
    /// Offers of these groups would do, but the groups may not grow.
    pub blocked_groups: Vec<(GroupName, GroupBlock)>,
}

/// Equal offers that run a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alternative {
    /// The pod's share of a node, by what CPU, memory and pods are worth on it under the duals.
    pub per_pod: UsdPerHour,
    /// Price of a node.
    pub price: UsdPerHour,
    /// How many such pods an empty one holds; at least 1.
    pub holds: u32,
    /// The offers: most often one type in several zones.
    pub offers: Vec<OfferId>,
    /// The plan itself uses up what their group may still grow by.
    pub used_up: bool,
}

/// What one pod costs on Fargate and on EC2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FargateOrEc2 {
    /// The cheapest size that holds it.
    pub offer: OfferId,
    /// Price of that size.
    pub fargate: UsdPerHour,
    /// What the pod would pay on EC2 once idle room is paid for; `None`: nothing else runs it.
    pub ec2: Option<UsdPerHour>,
    /// It has waited too long to be placed there, which is done at admission.
    pub late: bool,
}

/// The account of a pod; `None` where the plan was not about it.
pub(crate) fn of(demand: &Demand<'_>, placed: &Placed, pod: &PodKey) -> Option<Why> {
    let ix = demand.classes.iter().position(|class| class.pods.contains(pod))?;
    let account = Account {
        market: demand.market,
        placed,
        class: &demand.classes[ix],
        ix,
    };
    let critic = Critic::new(demand.market, placed.adjust.as_ref(), &placed.purchase.left);
    Some(account.given(&critic))
}

struct Account<'a> {
    market: &'a Market<'a>,
    placed: &'a Placed,
    class: &'a Class,
    /// Its index.
    ix: usize,
}

impl Account<'_> {
    fn given(&self, critic: &Critic<'_>) -> Why {
        let class = self.class;
        let (table, duals) = self.placed.explaining();
        let mut running: Vec<&Lot> = self.market.lots.iter().filter(|lot| self.runs(lot)).collect();
        // What nobody knows the price of is taken only where nothing else will do.
        if running.iter().any(|lot| !lot.unknown) {
            running.retain(|lot| !lot.unknown);
        }
        let mut alternatives: Vec<Alternative> =
            running.into_iter().map(|lot| self.alternative(lot)).collect();
        alternatives.sort();
        let mut why = Why {
            requests: class.body.requests.clone(),
            alike: class.count(),
            pays: UsdPerHour(duals.pays[table.row_of[self.ix]]),
            alternatives,
            ruled_out: BTreeMap::new(),
            fargate: self.fargate(),
            not_on_fargate: None,
            zone: class
                .deal
                .as_ref()
                .filter(|deal| deal.is_nowhere() || deal.zone.is_some())
                .map(|deal| deal.zone.as_deref().map(str::to_owned)),
            per_node: Some(self.per_node()).filter(|most| *most < u32::MAX),
            blocked_groups: Vec::new(),
        };
        let runs: BTreeSet<&OfferId> = why.alternatives.iter().flat_map(|other| &other.offers).collect();
        let mut blocked = BTreeSet::new();
        let names = critic.names(class);
        for (ix, offer) in self.market.seen.offers.iter().enumerate() {
            if runs.contains(&offer.id) {
                continue;
            }
            let objection = critic.objection(self.ix, class, ix, offer);
            let objection = critic.named(&names, class, offer, objection);
            if offer.is_fargate() {
                why.not_on_fargate.get_or_insert(objection);
                continue;
            }
            let group = size(offer.group);
            let stands = self.market.stands(ix);
            let code = match &objection {
                Misfit::Group(block) if stands => {
                    blocked.insert((group, block.clone()));
                    objection.code()
                }
                Misfit::Group(_) => "UnknownPrice",
                _ => objection.code(),
            };
            *why.ruled_out.entry(code).or_insert(0) += 1;
        }
        if why.fargate.is_some() {
            why.not_on_fargate = None;
        }
        let name = |(group, block): (usize, GroupBlock)| {
            Some((self.market.seen.groups.get(group)?.name.clone(), block))
        };
        why.blocked_groups = blocked.into_iter().filter_map(name).collect();
        why
    }

    fn runs(&self, lot: &Lot) -> bool {
        let forbidden = |adjust: &Adjust| adjust.forbids.contains_key(&(self.ix, lot.set));
        lot.admits[self.market.rule_of[self.ix]]
            && self.class.body.unmodelled.is_empty()
            && space::holds(&lot.room, &self.market.asks[self.ix])
            && !self.placed.adjust.as_ref().is_some_and(forbidden)
            && self.sold(lot).next().is_some()
    }

    /// Offers of the lot in zones that the class may go to.
    fn sold<'l>(&'l self, lot: &'l Lot) -> impl Iterator<Item = usize> + 'l {
        let offers = lot.offers.iter().copied();
        offers.filter(|ix| !self.class.is_dealt_elsewhere(&self.market.seen.offers[*ix]))
    }

    /// How many of the class a new node may hold, amounts apart.
    fn per_node(&self) -> u32 {
        Company::of_new_node().more(&self.class.crowding)
    }

    fn alternative(&self, lot: &Lot) -> Alternative {
        let (table, duals) = self.placed.explaining();
        let row = table.row_of[self.ix];
        let room = table.project(&lot.room);
        let per_pod = duals.share_of(&table.problem, &room, lot.price.0, row);
        let holds = space::copies(&lot.room, &self.market.asks[self.ix], u32::MAX);
        let growth = self.market.growth.get(lot.group).copied().unwrap_or(0);
        let offers = &self.market.seen.offers;
        let bought = self.placed.purchase.bought.iter();
        let bought = bought.filter(|bought| size(offers[bought.offer].group) == lot.group);
        Alternative {
            per_pod: UsdPerHour(per_pod),
            price: lot.price,
            holds: holds.min(self.per_node()),
            used_up: count(bought.count()) >= growth,
            offers: self.sold(lot).map(|ix| offers[ix].id.clone()).collect(),
        }
    }

    fn fargate(&self) -> Option<FargateOrEc2> {
        let (table, duals) = self.placed.pricing();
        let row = table.row_of[self.ix];
        let (option, price) = table.fargate[row].as_ref()?;
        Some(FargateOrEc2 {
            offer: self.market.seen.offers[option.offer].id.clone(),
            fargate: UsdPerHour(*price),
            ec2: ec2_price(self.market, table, duals, row).map(|ec2| ec2.price),
            late: self.class.late,
        })
    }
}
