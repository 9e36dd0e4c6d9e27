//! The ordered list of steps, with ids, intents and reasons.
//!
//! Order: scale, grow, place on Fargate, nominate, uncordon, evict, remove, cordon: what adds capacity comes
//! before what takes it away.

use crate::demand::Class;
use crate::fit;
use crate::market::Market;
use crate::number::{count, size};
use crate::placement::Adjust;
use crate::purchase::{Bought, Purchase};
use crate::rooms::{Housed, Room, Stand};
use crate::shrink::{Effect, Shrunk};
use model::ids::{GroupName, IntentId, OfferId, PodKey, StepId};
use model::money::UsdPerHour;
use model::plan::{Step, StepKind};
use model::reason::Reason;
use model::snapshot::Snapshot;
use std::collections::BTreeMap;

/// Nominations in one plan: each is a call, and the next cycle continues.
const NOMINATIONS: usize = 200;

/// Numbers steps as they are added.
pub(crate) struct Steps<'a> {
    seen: &'a Snapshot,
    steps: Vec<Step>,
}

impl<'a> Steps<'a> {
    pub(crate) const fn new(seen: &'a Snapshot) -> Self {
        Self {
            seen,
            steps: Vec::new(),
        }
    }

    pub(crate) fn finish(self) -> Vec<Step> {
        self.steps
    }

    /// Adds a step. Growing and cordoning open an intent unless they continue one.
    pub(crate) fn add(&mut self, kind: StepKind, reason: Reason, intent: Option<IntentId>) {
        let id = StepId {
            cycle: self.seen.cycle,
            ordinal: count(self.steps.len()),
        };
        let opens = matches!(kind, StepKind::GrowGroup { .. } | StepKind::Cordon { .. });
        let own = || opens.then(|| IntentId::new(format!("{}-{}", id.cycle, id.ordinal)));
        self.steps.push(Step {
            id,
            intent: intent.or_else(own),
            generation: self.seen.ledger.generation,
            kind,
            reason,
        });
    }

    /// One step per group and offer.
    pub(crate) fn grow(&mut self, purchase: &Purchase) {
        let mut orders: BTreeMap<(GroupName, OfferId), Vec<&Bought>> = BTreeMap::new();
        for bought in &purchase.bought {
            if !self.seen.offers[bought.offer].is_fargate() {
                let key = (bought.node.group.clone(), bought.node.offer.clone());
                orders.entry(key).or_default().push(bought);
            }
        }
        let mut desired: BTreeMap<GroupName, u32> = BTreeMap::new();
        for ((group, offer), bought) in orders {
            let from = *desired
                .entry(group.clone())
                .or_insert_with(|| self.seen.group(&group).map_or(0, |g| g.desired));
            let to = from.saturating_add(count(bought.len()));
            desired.insert(group.clone(), to);
            let price = self.seen.offers[bought[0].offer].price;
            let rate = price.times(bought.len() as u64);
            let pods: Vec<PodKey> = bought.iter().flat_map(|b| b.node.pods.iter().cloned()).collect();
            let reason = Reason::Demand {
                pods: count(pods.len()),
                pending: bought.iter().map(|b| b.waiting).sum(),
                rate,
            };
            let kind = StepKind::GrowGroup {
                group,
                offer,
                from,
                to,
                nodes: bought.iter().map(|b| b.node.name.clone()).collect(),
                pods,
                rate,
            };
            self.add(kind, reason, None);
        }
    }

    /// One step per class and size.
    pub(crate) fn place_on_fargate(
        &mut self,
        market: &Market<'_>,
        classes: &[Class],
        adjust: Option<&Adjust>,
        purchase: &Purchase,
    ) {
        let mut orders: BTreeMap<(usize, usize), Vec<&Bought>> = BTreeMap::new();
        for bought in &purchase.bought {
            if let (true, Some(class)) = (
                self.seen.offers[bought.offer].is_fargate(),
                bought.classes.first(),
            ) {
                orders.entry((*class, bought.offer)).or_default().push(bought);
            }
        }
        for ((class, offer), bought) in orders {
            let of = &self.seen.offers[offer];
            let Some(profile) = self.seen.groups.get(size(of.group)) else {
                continue;
            };
            let spec = &classes[class].body;
            let voice = adjust.and_then(|a| a.voice(class, market.set_of[offer]));
            let reason = Reason::FargateCheaper {
                fargate: UsdPerHour(bought[0].policy_price),
                ec2: bought[0].instead,
                by: voice.as_ref().map(|(name, _)| name.clone()),
                code: voice.map_or(0, |(_, code)| code),
            };
            let kind = StepKind::PlaceOnFargate {
                class: count(class),
                workload: spec.owner.clone(),
                profile: profile.name.clone(),
                offer: of.id.clone(),
                label: fit::fargate_label(spec, profile).unwrap_or_default(),
                pods: bought.iter().flat_map(|b| b.node.pods.iter().cloned()).collect(),
            };
            self.add(kind, reason, None);
        }
    }

    /// Nominations of waiting pods to nodes that are Ready, where they are not nominated there already.
    pub(crate) fn nominate(&mut self, rooms: &[Room], housed: &Housed) {
        let mut left = NOMINATIONS;
        for room in rooms.iter().filter(|room| room.stand == Stand::Ready) {
            for (_, key) in housed.pods.get(&room.name).into_iter().flatten() {
                let Some(pod) = self.seen.pod(key) else {
                    continue;
                };
                if left > 0 && pod.nominated.as_ref() != Some(&room.name) {
                    left -= 1;
                    let kind = StepKind::Nominate {
                        pod: key.clone(),
                        node: room.name.clone(),
                    };
                    self.add(kind, Reason::Planned, None);
                }
            }
        }
    }

    /// What giving up nodes takes.
    pub(crate) fn shrink(&mut self, shrunk: Shrunk) {
        let in_order = [
            shrunk.uncordons,
            shrunk.evictions,
            shrunk.removals,
            shrunk.cordons,
        ];
        for Effect { kind, reason, intent } in in_order.into_iter().flatten() {
            self.add(kind, reason, intent);
        }
    }
}
