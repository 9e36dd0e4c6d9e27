//! The Tally: what the windows have used, by effects written down and by steps cleared in this plan.
//!
//! Windows are counted from the Ledger alone, so that they outlive the process (I5). Not here: what one step comes to
//! (`step_effect`), and what is allowed (`checks`).

mod steps;

use crate::case::Case;
use crate::cleared::Counted;
use crate::fleet::{self, number};
use crate::watched::Explained;
use model::group::GroupKind;
use model::intent::{Effect, EffectKind, Intent, IntentKind, RemoveStage};
use model::quota::Usage;
use model::{GroupName, IntentId, NodeName, PodKey, StepId, UsdPerHour, WorkloadKey};
use std::collections::{BTreeMap, BTreeSet};

/// More than any limit. Half of what the type holds, so that the steps of a plan can be added to it.
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
    /// Removals that owners explain.
    pub(crate) explained: Explained,
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
    /// Nodes that this plan begins to remove, instances without a node by the name that stands for them.
    pub(crate) cordoned: BTreeSet<NodeName>,
    /// Pods that this plan evicts or has made anew.
    pub(crate) pods: BTreeSet<PodKey>,
    /// Workloads that this plan scales.
    pub(crate) workloads: BTreeSet<WorkloadKey>,
    /// Pods that this plan buys nodes for.
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

/// Nodes that open launches still bring, by group.
type Coming<'a> = BTreeMap<&'a GroupName, u32>;

impl Tally {
    /// What is used before the plan.
    pub(crate) fn before(case: &Case<'_>) -> Self {
        let mut tally = Self {
            nodes: fleet::size(case.seen),
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
            tally.add_effect(effect, case);
        }
        tally.forget(case);
        let mut coming = Coming::new();
        for intent in &case.ledger.intents {
            tally.add_intent(intent, case, &mut coming);
        }
        tally.add_unseen(&coming, case);
        tally
    }

    /// Adds an effect to every window that still reaches back to it.
    fn add_effect(&mut self, effect: &Effect, case: &Case<'_>) {
        let age = case.seen.at.since(effect.at);
        let limits = case.limits();
        // What is exactly as old as a window still counts: the bounds that `exposure` prints are worked out from that
        // (`per_hour`), and would be one removal short otherwise.
        let (short, long) = (age <= limits.window, age <= limits.long_window);
        match &effect.kind {
            EffectKind::Removed | EffectKind::RemovedFrom { .. } => {
                self.removed_long += u32::from(long);
                if short {
                    let zone = match &effect.kind {
                        EffectKind::RemovedFrom { zone } => zone.clone(),
                        _ => String::new(),
                    };
                    *self.removed_in.entry(zone).or_default() += 1;
                    *self.removed.entry(effect.group.clone()).or_default() += 1;
                }
            }
            EffectKind::Emptied { node } => {
                self.emptied += u32::from(age <= limits.emptied_window);
                // A node of the same name may have been removed before: only the open removal is meant.
                let open = case.ledger.removal_of(node);
                if open.is_some_and(|intent| intent.opened == effect.at) {
                    self.emptied_nodes.insert(node.clone());
                }
            }
            EffectKind::Explained { pods } => {
                self.explained.nodes += u32::from(age <= limits.emptied_window);
                if long {
                    self.explained.pods = self.explained.pods.saturating_add(*pods);
                }
            }
            EffectKind::Bought { count, rate, proof } if short => {
                self.bought = self.bought.saturating_add(count.saturating_sub(proof.nodes));
                self.added += UsdPerHour(rate.0.saturating_sub(proof.rate.0)).max(UsdPerHour::ZERO);
            }
            EffectKind::Evicted { count } | EffectKind::Remade { count, .. } if short => {
                self.evicted = self.evicted.saturating_add(*count);
            }
            EffectKind::Bought { .. }
            | EffectKind::Evicted { .. }
            | EffectKind::Remade { .. }
            | EffectKind::ScaledDown { .. } => {}
        }
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
            (self.emptied, self.explained.nodes) = (FULL, FULL);
        }
        if forgets(limits.long_window) {
            (self.removed_long, self.explained.pods) = (FULL, FULL);
        }
    }

    /// Adds what open work adds to the fleet, or takes from it.
    fn add_intent<'a>(&mut self, intent: &'a Intent, case: &Case<'_>, coming: &mut Coming<'a>) {
        match &intent.kind {
            IntentKind::Launch {
                group,
                offer,
                count,
                joined,
                ..
            } => {
                // I6: launches on their way count. A node counts as soon as it is seen, Ready or not, so some count twice
                // for a moment: on the safe side.
                let more = count.saturating_sub(number(joined.len()));
                let theirs = coming.entry(group).or_default();
                *theirs = theirs.saturating_add(more);
                self.nodes = self.nodes.saturating_add(more);
                let price = case.offer(offer).map(|offer| case.price(offer));
                self.rate += price.unwrap_or_default().times(u64::from(more));
            }
            // What neither cloud nor API server has takes nobody's place, though it is asked for a second time.
            IntentKind::Remove { gone: Some(_), .. } => {}
            IntentKind::Remove { stage, node, .. } => {
                let tight = *stage != RemoveStage::Undoing && !self.emptied_nodes.contains(node);
                self.leaving += u32::from(tight);
            }
        }
    }

    /// Adds instances that are no nodes yet and that no open launch stands for. A person may have asked for them, or a
    /// launch that was forgotten; of what offer they are nobody knows, so that each costs as much as the group's dearest.
    fn add_unseen(&mut self, coming: &Coming<'_>, case: &Case<'_>) {
        for group in &case.seen.groups {
            let coming = coming.get(&group.name).copied().unwrap_or(0);
            let unseen = case
                .size(group)
                .saturating_sub(case.nodes_of(&group.name).saturating_add(coming));
            // A profile has no size: its pods are its nodes, and are counted as such.
            if unseen > 0 && group.kind != GroupKind::FargateProfile {
                self.nodes = self.nodes.saturating_add(unseen);
                self.rate += case.dearest_of(group).times(u64::from(unseen));
            }
        }
    }
}
