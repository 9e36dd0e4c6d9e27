//! The Tally: what the windows have used, by effects written down and by steps cleared in this plan.

use crate::case::Case;
use crate::cleared::Counted;
use crate::evidence::{explained, is_watched_empty};
use model::group::GroupKind;
use model::intent::{EffectKind, IntentKind, LaunchStage, Proof, RemoveStage, nodeless};
use model::plan::{Step, StepKind};
use model::quota::{Amounts, Usage};
use model::{GroupName, IntentId, NodeName, PodKey, Snapshot, StepId, UsdPerHour, WorkloadKey};
use std::collections::{BTreeMap, BTreeSet};

/// More than any limit, with room to count on.
const FULL: u32 = u32::MAX / 2;

/// Running totals; grows with every cleared step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Removals begun in the short window, by group.
    pub(crate) removed: BTreeMap<GroupName, u32>,
    /// Removals begun in the short window, by zone; none: by those that name none.
    pub(crate) removed_in: BTreeMap<String, u32>,
    /// Removals of nodes watched empty begun in their window.
    pub(crate) emptied: u32,
    /// Nodes whose open removal counts as that of an empty one.
    pub(crate) emptied_nodes: BTreeSet<NodeName>,
    /// Removals that owners explain begun in the window of the empty ones.
    pub(crate) explained: u32,
    /// Pods moved for such removals in the long window.
    pub(crate) explained_pods: u32,
    /// Removals begun in the long window.
    pub(crate) removed_long: u32,
    /// Removals under way.
    pub(crate) leaving: u32,
    /// Removals begun by this plan, by group.
    pub(crate) leaving_now: BTreeMap<GroupName, u32>,
    /// Nodes bought in the short window that nothing proved.
    pub(crate) bought: u32,
    /// What they add.
    pub(crate) added: UsdPerHour,
    /// Nodes added by this plan, by group.
    pub(crate) growing_now: BTreeMap<GroupName, u32>,
    /// Nodes there, instances and launches that are no nodes yet, and what this plan adds.
    pub(crate) nodes: u32,
    /// What all of these cost at most.
    pub(crate) rate: UsdPerHour,
    /// Evictions in the short window.
    pub(crate) evicted: u32,
    /// Replicas taken from workloads in the short window.
    pub(crate) scaled_down: u32,
    /// Evictions of this plan by budget (index in the Snapshot).
    pub(crate) budgets: BTreeMap<usize, u32>,
    /// Intents open.
    pub(crate) intents: u32,
    pub(crate) cordoned: BTreeSet<NodeName>,
    pub(crate) pods: BTreeSet<PodKey>,
    pub(crate) workloads: BTreeSet<WorkloadKey>,
    pub(crate) launches: BTreeSet<PodKey>,
    /// Waiting pods that may be such as we moved, and have not been set aside yet.
    pub(crate) doubt: u32,
    /// How the steps that were cleared count, where not tightly.
    pub(crate) counted: BTreeMap<StepId, Counted>,
    /// What quotas count, what this plan adds included; nothing where there are none.
    pub(crate) used: Usage,
    /// Launches begun by this plan.
    pub(crate) launching: BTreeSet<IntentId>,
}

impl Tally {
    /// What is used before the plan.
    pub(crate) fn before(case: &Case<'_>) -> Self {
        let mut on_their_way: BTreeMap<&GroupName, u32> = BTreeMap::new();
        let mut tally = Self {
            nodes: number(case.seen.nodes.iter().filter(|node| !node.fargate).count()),
            rate: case.running_rate(),
            intents: number(case.ledger.intents.len()),
            doubt: case.evidence.moved(),
            scaled_down: case.ledger.scaled_down(case.seen.at, case.limits().window),
            ..Self::default()
        };
        if !case.aims.quotas.is_none() {
            tally.used = Usage::of(case.seen, case.ledger);
        }
        for effect in &case.ledger.effects {
            let age = case.seen.at.since(effect.at);
            let (short, long) = (age <= case.limits().window, age <= case.limits().long_window);
            match &effect.kind {
                EffectKind::Removed | EffectKind::RemovedFrom { .. } => {
                    tally.removed_long += u32::from(long);
                    if short {
                        let zone = match &effect.kind {
                            EffectKind::RemovedFrom { zone } => zone.clone(),
                            _ => String::new(),
                        };
                        *tally.removed_in.entry(zone).or_default() += 1;
                        *tally.removed.entry(effect.group.clone()).or_default() += 1;
                    }
                }
                EffectKind::Emptied { node } => {
                    tally.emptied += u32::from(age <= case.limits().emptied_window);
                    let open = case.ledger.removal_of(node);
                    if open.is_some_and(|intent| intent.opened == effect.at) {
                        tally.emptied_nodes.insert(node.clone());
                    }
                }
                EffectKind::Explained { pods } => {
                    tally.explained += u32::from(age <= case.limits().emptied_window);
                    if long {
                        tally.explained_pods = tally.explained_pods.saturating_add(*pods);
                    }
                }
                EffectKind::Bought { count, rate, proof } if short => {
                    tally.bought = tally.bought.saturating_add(count.saturating_sub(proof.nodes));
                    tally.added += UsdPerHour(rate.0.saturating_sub(proof.rate.0)).max(UsdPerHour::ZERO);
                }
                EffectKind::Evicted { count } | EffectKind::Remade { count, .. } if short => {
                    tally.evicted = tally.evicted.saturating_add(*count);
                }
                EffectKind::Bought { .. }
                | EffectKind::Evicted { .. }
                | EffectKind::Remade { .. }
                | EffectKind::ScaledDown { .. } => {}
            }
        }
        tally.forget(case);
        for intent in &case.ledger.intents {
            match &intent.kind {
                IntentKind::Launch {
                    group,
                    offer,
                    count,
                    joined,
                    ..
                } => {
                    // A node counts as soon as it is seen, Ready or not, so some count twice for a moment:
                    // on the safe side.
                    let coming = count.saturating_sub(number(joined.len()));
                    let theirs = on_their_way.entry(group).or_default();
                    *theirs = theirs.saturating_add(coming);
                    tally.nodes = tally.nodes.saturating_add(coming);
                    let price = case.offer(offer).map(|offer| case.price(offer));
                    tally.rate += price.unwrap_or_default().times(u64::from(coming));
                }
                // What neither cloud nor API server has takes nobody's place, though it is asked for a second time.
                IntentKind::Remove { gone: Some(_), .. } => {}
                IntentKind::Remove { stage, node, .. } => {
                    let tight = *stage != RemoveStage::Undoing && !tally.emptied_nodes.contains(node);
                    tally.leaving += u32::from(tight);
                }
            }
        }
        for group in &case.seen.groups {
            let coming = on_their_way.get(&group.name).copied().unwrap_or(0);
            let unseen = case
                .size(group)
                .saturating_sub(case.nodes_of(&group.name).saturating_add(coming));
            if unseen > 0 && group.kind != GroupKind::FargateProfile {
                tally.nodes = tally.nodes.saturating_add(unseen);
                tally.rate += case.dearest_of(group).times(u64::from(unseen));
            }
        }
        tally
    }

    /// Counts windows as full that reach further back than the Ledger knows (reliability invariant I5).
    fn forget(&mut self, case: &Case<'_>) {
        let limits = case.limits();
        let forgets = |window| case.ledger.forgets(case.seen.at, window);
        if forgets(limits.window) {
            let groups = case.seen.groups.iter().map(|group| group.name.clone());
            self.removed.extend(groups.map(|group| (group, FULL)));
            (self.bought, self.evicted, self.scaled_down) = (FULL, FULL, FULL);
            self.added = UsdPerHour(i64::MAX / 2);
        }
        if forgets(limits.emptied_window) {
            (self.emptied, self.explained) = (FULL, FULL);
        }
        if forgets(limits.long_window) {
            (self.removed_long, self.explained_pods) = (FULL, FULL);
        }
    }

    /// Adds a cleared step.
    pub(crate) fn count(&mut self, step: &Step, case: &Case<'_>) {
        match &step.kind {
            StepKind::GrowGroup { group, offer, .. } => {
                self.launching.extend(step.intent.clone());
                if continues(step, case) {
                    return;
                }
                let (count, rate) = purchase(&step.kind, case);
                let (proof, doubt) = proven(&step.kind, case, self.doubt);
                self.doubt = doubt;
                if !proof.is_none() {
                    self.counted.insert(step.id, Counted::Proven(proof));
                }
                self.bought = self.bought.saturating_add(count.saturating_sub(proof.nodes));
                self.nodes = self.nodes.saturating_add(count);
                self.added += UsdPerHour(rate.0.saturating_sub(proof.rate.0));
                self.rate += rate;
                self.intents += 1;
                let growing = self.growing_now.entry(group.clone()).or_default();
                *growing = growing.saturating_add(count);
                if let Some(offer) = case.offer(offer) {
                    self.used
                        .add(Some(group), &Amounts::of_node(&offer.allocatable), count);
                }
                if let StepKind::GrowGroup { pods, .. } = &step.kind {
                    self.launches.extend(pods.iter().cloned());
                }
            }
            StepKind::PlaceOnFargate { .. } => {
                let (_, rate) = purchase(&step.kind, case);
                self.added += rate;
                self.rate += rate;
            }
            StepKind::Cordon { node, group, .. } => {
                self.cordoned.insert(node.clone());
                self.leaves(group, step, case);
            }
            StepKind::RemoveInstance { group, instance } => {
                self.cordoned.insert(nodeless(instance));
                self.leaves(group, step, case);
            }
            StepKind::Evict { pod, node } => {
                if self.emptied_nodes.remove(node) {
                    self.counted.insert(step.id, Counted::Filled);
                    self.leaving += 1;
                    self.goes(
                        case.seen.node(node).and_then(|node| node.group.as_ref()),
                        step,
                        case,
                    );
                }
                self.evicted = self.evicted.saturating_add(1);
                for budget in crate::checks::budgets_of(pod, case) {
                    *self.budgets.entry(budget).or_default() += 1;
                }
                self.pods.insert(pod.clone());
            }
            // No budget covers a pod that waits: the Eviction API asks none for it either.
            StepKind::Remake { pod, .. } => {
                self.evicted = self.evicted.saturating_add(1);
                self.pods.insert(pod.clone());
            }
            StepKind::ScaleWorkload { workload, .. } => {
                self.workloads.insert(workload.clone());
                let lowered = scaled_down(&step.kind, case.seen);
                self.scaled_down = self.scaled_down.saturating_add(lowered);
            }
            StepKind::SetBounds { .. }
            | StepKind::Nominate { .. }
            | StepKind::Yield { .. }
            | StepKind::Avoid { .. }
            | StepKind::RemoveNode { .. }
            | StepKind::Uncordon { .. } => {}
        }
    }

    /// Adds a removal that is begun.
    fn leaves(&mut self, group: &GroupName, step: &Step, case: &Case<'_>) {
        if continues(step, case) {
            return;
        }
        self.intents += 1;
        *self.leaving_now.entry(group.clone()).or_default() += 1;
        if let StepKind::Cordon { node, .. } = &step.kind
            && self.emptied < crate::checks::most_emptied(case)
            && is_watched_empty(node, case)
        {
            self.emptied += 1;
            self.counted.insert(step.id, Counted::Emptied);
            return;
        }
        self.leaving += 1;
        // Watched empty nodes beyond their own window take the room of the tight ones alone.
        if let StepKind::Cordon { node, .. } = &step.kind
            && !is_watched_empty(node, case)
            && let Some(pods) = explained(node, case, self)
        {
            self.explained += 1;
            self.explained_pods = self.explained_pods.saturating_add(pods);
            self.counted.insert(step.id, Counted::Explained(pods));
            return;
        }
        self.goes(Some(group), step, case);
    }

    /// Counts a node that goes against the windows of its group, its zone and the cluster.
    fn goes(&mut self, group: Option<&GroupName>, step: &Step, case: &Case<'_>) {
        self.removed_long += 1;
        let zone = zone_left(&step.kind, case.seen).to_owned();
        *self.removed_in.entry(zone).or_default() += 1;
        if let Some(group) = group {
            *self.removed.entry(group.clone()).or_default() += 1;
        }
    }
}

/// The zone of the node or the instance that goes; empty where nobody knows it.
pub(crate) fn zone_left<'s>(kind: &StepKind, seen: &'s Snapshot) -> &'s str {
    match kind {
        StepKind::Cordon { node, .. } | StepKind::Evict { node, .. } => {
            seen.node(node).map_or("", |node| node.zone())
        }
        StepKind::RemoveInstance { group, instance } => {
            let instances = seen.group(group).map_or(&[][..], |group| &group.instances);
            let listed = instances.iter().find(|listed| listed.id == *instance);
            listed.and_then(|listed| listed.zone.as_deref()).unwrap_or("")
        }
        _ => "",
    }
}

/// Whether a step takes up an intent that is open already: then nothing is counted twice.
pub(crate) fn continues(step: &Step, case: &Case<'_>) -> bool {
    let open = step.intent.as_ref().and_then(|id| case.ledger.intent(id));
    match (&step.kind, open.map(|intent| &intent.kind)) {
        (
            StepKind::GrowGroup {
                group,
                offer,
                from,
                to,
                ..
            },
            Some(IntentKind::Launch {
                group: theirs,
                offer: bought,
                from: was,
                to: wanted,
                stage,
                ..
            }),
        ) => {
            group == theirs && offer == bought && (from, to) == (was, wanted) && *stage == LaunchStage::Opened
        }
        (
            StepKind::Cordon { node, instance, .. },
            Some(IntentKind::Remove {
                node: theirs,
                instance: very,
                stage,
                ..
            }),
        ) => node == theirs && instance == very && *stage != RemoveStage::Undoing,
        (
            StepKind::RemoveInstance { instance, .. },
            Some(IntentKind::Remove {
                node: theirs,
                instance: very,
                stage,
                ..
            }),
        ) => nodeless(instance) == *theirs && instance == very && *stage != RemoveStage::Undoing,
        _ => false,
    }
}

/// Nodes and rate that a step adds: the guard's own price or the plan's, whichever is higher; never a credit.
pub(crate) fn purchase(kind: &StepKind, case: &Case<'_>) -> (u32, UsdPerHour) {
    match kind {
        StepKind::GrowGroup {
            offer,
            from,
            to,
            rate,
            ..
        } => {
            let count = to.saturating_sub(*from);
            let price = case
                .offer(offer)
                .map(|offer| case.price(offer))
                .unwrap_or_default();
            let rate = price.times(u64::from(count)).max(*rate);
            (count, rate.max(UsdPerHour::ZERO))
        }
        StepKind::PlaceOnFargate { offer, pods, .. } => {
            let price = case
                .offer(offer)
                .map(|offer| case.price(offer))
                .unwrap_or_default();
            let storage: UsdPerHour = pods.iter().map(|pod| case.storage(pod)).sum();
            (0, price.times(pods.len() as u64) + storage)
        }
        _ => (0, UsdPerHour::ZERO),
    }
}

/// What waiting pods prove of a step that buys, and the doubt that is left.
pub(crate) fn proven(kind: &StepKind, case: &Case<'_>, doubt: u32) -> (Proof, u32) {
    let StepKind::GrowGroup {
        offer,
        from,
        to,
        pods,
        ..
    } = kind
    else {
        return (Proof::default(), doubt);
    };
    let count = to.saturating_sub(*from);
    match case.offer(offer) {
        Some(offer) => case.evidence.proves((offer, count), pods, (case, doubt)),
        None => (Proof::default(), doubt),
    }
}

/// Replicas that a step takes from its workload: counted from what is there or what the plan says is there, whichever is
/// more.
pub(crate) fn scaled_down(kind: &StepKind, seen: &Snapshot) -> u32 {
    let StepKind::ScaleWorkload { workload, from, to } = kind else {
        return 0;
    };
    let there = seen.workloads.iter().find(|of| of.key == *workload);
    there
        .map_or(*from, |of| of.replicas.max(*from))
        .saturating_sub(*to)
}

pub(crate) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
