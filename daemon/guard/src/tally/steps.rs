//! What the steps of this plan use up of the windows, once they are cleared.
//!
//! Counted before the next step is looked at: a plan of many steps may ask for no more than one of them could.

use super::Tally;
use crate::case::Case;
use crate::cleared::Counted;
use crate::proof::proven;
use crate::step_effect::{continues, purchase, scaled_down, zone_left};
use crate::watched::{explained, is_watched_empty, most_emptied};
use model::intent::nodeless;
use model::plan::{Step, StepKind};
use model::quota::Amounts;
use model::{GroupName, NodeName, PodKey, UsdPerHour};

impl Tally {
    /// Adds a cleared step.
    pub(crate) fn count(&mut self, step: &Step, case: &Case<'_>) {
        match &step.kind {
            StepKind::GrowGroup { .. } => self.grows(step, case),
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
            StepKind::Evict { pod, node } => self.evicts(pod, node, step, case),
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

    /// Adds a launch.
    fn grows(&mut self, step: &Step, case: &Case<'_>) {
        let StepKind::GrowGroup {
            group, offer, pods, ..
        } = &step.kind
        else {
            return;
        };
        // Whoever waits for it may go on waiting for a launch that is taken up again.
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
        // What pods prove takes no room of the windows; the ceilings have it all (`max_nodes`, `max_rate`).
        self.bought = self.bought.saturating_add(count.saturating_sub(proof.nodes));
        self.added += UsdPerHour(rate.0.saturating_sub(proof.rate.0));
        self.nodes = self.nodes.saturating_add(count);
        self.rate += rate;
        self.intents += 1;
        let growing = self.growing_now.entry(group.clone()).or_default();
        *growing = growing.saturating_add(count);
        if let Some(offer) = case.offer(offer) {
            let each = Amounts::of_node(&offer.allocatable);
            self.used.add(Some(group), &each, count);
        }
        self.launches.extend(pods.iter().cloned());
    }

    /// Adds an eviction.
    fn evicts(&mut self, pod: &PodKey, node: &NodeName, step: &Step, case: &Case<'_>) {
        // A node that went as an empty one and got a pod all the same is removed with a pod from here on. Counted from where
        // its removal began it would be forgotten too early: a search found eleven such nodes in an hour that allows eight.
        if self.emptied_nodes.remove(node) {
            self.counted.insert(step.id, Counted::Filled);
            self.leaving += 1;
            let group = case.seen.node(node).and_then(|node| node.group.as_ref());
            self.goes(group, step, case);
        }
        self.evicted = self.evicted.saturating_add(1);
        for budget in case.budgets_of(pod) {
            *self.budgets.entry(budget).or_default() += 1;
        }
        self.pods.insert(pod.clone());
    }

    /// Adds a removal that is begun.
    fn leaves(&mut self, group: &GroupName, step: &Step, case: &Case<'_>) {
        if continues(step, case) {
            return;
        }
        self.intents += 1;
        *self.leaving_now.entry(group.clone()).or_default() += 1;
        if let StepKind::Cordon { node, .. } = &step.kind
            && self.emptied < most_emptied(case)
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
            && let Some(pods) = explained(node, case, self.explained)
        {
            self.explained.nodes += 1;
            self.explained.pods = self.explained.pods.saturating_add(pods);
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
