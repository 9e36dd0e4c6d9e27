//! How a world carries out a cleared step. Preconditions only: what to do was decided elsewhere.

use crate::referee::{Violation, ViolationKind};
use crate::scenario::{Api, FaultKind};
use crate::world::cloud::{NoCapacity, group_max};
use crate::world::owners::within;
use crate::world::scheduler;
use crate::world::state::{OwnerKind, Placement, State};
use crate::world::watch::What;
use model::node::STARTING_TAINT;
use model::pod::PodPhase;
use model::selector::{Labels, glob};
use model::{
    GroupName, InstanceId, NodeName, OfferId, Outcome, PodKey, Resources, Span, Step, StepKind, WorkloadKey,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a throttled call says about when to come back.
const RETRY_AFTER: Span = Span::from_secs(5);
/// Pods of a node whose kubelet has been silent for so long run no longer, for all that anybody knows: removing it with
/// them breaks nothing.
const BROKEN: Span = Span::from_secs(900);

impl State {
    /// Carries out one step at the present instant; what it sets off happens when time passes.
    pub(crate) fn carry_out(&mut self, step: &Step) -> Outcome {
        let api = api_of(&step.kind);
        if self.rolls(|kind| matches!(kind, FaultKind::Throttled { api: hit, .. } if covers(*hit, api))) {
            return Outcome::Refused {
                after: Some(RETRY_AFTER),
                why: "Throttling: rate exceeded".to_owned(),
            };
        }
        self.watch(step);
        let outcome = self.apply(step);
        self.settle();
        let lost =
            self.rolls(|kind| matches!(kind, FaultKind::AnswerLost { api: hit, .. } if covers(*hit, api)));
        if lost && outcome.is_done() {
            return Outcome::Unknown {
                why: "the answer was lost".to_owned(),
            };
        }
        outcome
    }

    fn apply(&mut self, step: &Step) -> Outcome {
        match &step.kind {
            StepKind::ScaleWorkload { workload, from, to } => self.scale(workload, *from, *to),
            StepKind::GrowGroup {
                group,
                offer,
                from,
                to,
                pods,
                ..
            } => {
                let token = Self::token(step.intent.as_ref(), step.id);
                self.grow((group, offer), to.saturating_sub(*from), pods, token)
            }
            StepKind::SetBounds { .. } => Outcome::Failed {
                why: "bounds of the simulator's groups are the scenario's".to_owned(),
            },
            StepKind::PlaceOnFargate {
                workload,
                profile,
                label,
                pods,
                ..
            } => {
                self.place_on_fargate(workload.as_ref(), profile, label, pods);
                Outcome::Recorded
            }
            StepKind::Nominate { pod, node, starting } => self.nominate(pod, node, *starting),
            StepKind::Yield { pod, node, cost } => self.set_deletion_cost(pod, node, *cost),
            StepKind::Avoid { node, on } => self.avoid(node, *on),
            StepKind::Cordon { node, instance, .. } => self.cordon(node, Some(instance), true),
            StepKind::Uncordon { node } => self.cordon(node, None, false),
            StepKind::Evict { pod, node } => self.evict(pod, node),
            StepKind::Remake { pod, profile } => self.remake(pod, profile),
            StepKind::RemoveNode {
                group,
                node,
                instance,
            } => self.remove(group, node, instance),
            StepKind::RemoveInstance { group, instance } => {
                self.remove(group, &NodeName::new(instance.as_str()), instance)
            }
        }
    }

    /// Whether one of the faults in force hits this call.
    fn rolls(&mut self, hits: impl Fn(&FaultKind) -> bool) -> bool {
        let scenario = Arc::clone(&self.scenario);
        let mut hit = false;
        for fault in &scenario.faults {
            if let FaultKind::Throttled { share_permille, .. } | FaultKind::AnswerLost { share_permille, .. } =
                &fault.kind
                && fault.holds(scenario.start, self.now)
                && hits(&fault.kind)
            {
                hit |= self.rng.chance(*share_permille);
            }
        }
        hit
    }

    fn scale(&mut self, workload: &WorkloadKey, from: u32, to: u32) -> Outcome {
        match self.owners.get_mut(workload).map(|o| &mut o.kind) {
            Some(OwnerKind::Deployment {
                replicas, generation, ..
            }) => {
                if *replicas != from {
                    return stale(format!("{workload} has {replicas} replicas, not {from}"));
                }
                *replicas = to;
                *generation += 1;
                self.dirty = true;
                Outcome::done()
            }
            _ => stale(format!("there is no {workload} with replicas")),
        }
    }

    fn grow(
        &mut self,
        (group, offer): (&GroupName, &OfferId),
        count: u32,
        pods: &[PodKey],
        token: String,
    ) -> Outcome {
        if let Some(known) = self.tokens.get(&token) {
            return launched(known);
        }
        let max = group_max(&self.scenario, group);
        if self.living(group).saturating_add(count) > max {
            self.breach(Violation::bounds(self.now, group, "above its maximum"));
            return Outcome::Failed {
                why: format!("ValidationError: {group} would be above its maximum of {max}"),
            };
        }
        let sold = self.scenario.offers.iter().position(|o| o.id == *offer);
        let Some(sold) = sold.filter(|&ix| self.sells(group, ix)) else {
            return stale(format!("{group} does not sell {offer}"));
        };
        match self.launch(group, sold, count) {
            Ok(nodes) => {
                let outcome = launched(&nodes);
                let price = self.scenario.offers.get(sold).map(|offer| offer.price);
                let rate = price.unwrap_or_default().times(nodes.len() as u64);
                let count = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
                let needed = self.needed_for(pods, sold).min(count);
                self.did(group, What::Bought { count, rate, needed });
                self.tokens.insert(token, nodes);
                outcome
            }
            Err(NoCapacity(why)) => Outcome::NoCapacity { why },
        }
    }

    fn sells(&self, group: &GroupName, offer: usize) -> bool {
        let offer = self.scenario.offers.get(offer);
        let seller = offer.and_then(|o| self.scenario.groups.get(o.group as usize));
        seller.is_some_and(|g| g.name == *group) && offer.is_some_and(|o| !o.is_fargate())
    }

    /// The admission model: from now on the owner's pods carry the label, and those that wait are made anew.
    fn place_on_fargate(
        &mut self,
        workload: Option<&WorkloadKey>,
        profile: &GroupName,
        label: &Labels,
        pods: &[PodKey],
    ) {
        let owners: Vec<WorkloadKey> = match workload {
            Some(workload) => vec![workload.clone()],
            None => pods
                .iter()
                .filter_map(|key| self.pods.get(key).map(|p| p.owner.clone()))
                .collect(),
        };
        let until = self.now + self.scenario.placement_ttl;
        for key in owners {
            let selected = self.selects(profile, &key, label);
            if let Some(owner) = self.owners.get_mut(&key).filter(|_| selected) {
                owner.placement = Some(Placement {
                    label: label.clone(),
                    until,
                });
            }
        }
        for key in pods {
            let placed = self.pods.get(key).is_some_and(|pod| {
                self.owners
                    .get(&pod.owner)
                    .is_some_and(|o| o.placement.as_ref().is_some_and(|p| p.until > self.now))
            });
            if placed {
                self.readmit(key);
            }
        }
    }

    /// Whether the profile would select the owner's pods once they carry the label.
    fn selects(&self, profile: &GroupName, owner: &WorkloadKey, label: &Labels) -> bool {
        let Some(mut labels) = self.owners.get(owner).map(|o| o.pod.spec.labels.clone()) else {
            return false;
        };
        labels.extend(label.clone());
        let mut profiles = self.scenario.groups.iter().filter(|g| g.name == *profile);
        profiles.any(|g| {
            g.selects
                .iter()
                .any(|s| glob(&s.namespace, &owner.namespace) && within(&s.labels, &labels))
        })
    }

    fn nominate(&mut self, key: &PodKey, name: &NodeName, starting: bool) -> Outcome {
        let Some(node) = self.nodes.get(name).filter(|n| n.joined.is_some() && n.lives()) else {
            return stale(format!("there is no node {name}"));
        };
        let Some(pod) = self.pods.get(key).filter(|p| p.waits()) else {
            return stale(format!("pod {key} does not wait"));
        };
        let spec = self.spec(pod.spec);
        let mut empty = node.clone();
        (empty.used, empty.count) = (Resources::default(), 0);
        let possible =
            scheduler::allows(&spec, &empty, name, starting) && scheduler::holds(&spec.requests, &empty);
        if let Some(pod) = self.pods.get_mut(key) {
            pod.nominated = Some(name.clone());
            pod.let_in |= starting;
        }
        if !possible {
            let what = format!("was planned onto {name}, which could never run it");
            let kind = ViolationKind::CannotRunThere;
            self.breach(Violation::of_pod(self.now, kind, key, &what));
        }
        self.dirty = true;
        Outcome::done()
    }

    fn set_deletion_cost(&mut self, key: &PodKey, name: &NodeName, cost: i32) -> Outcome {
        match self.pods.get_mut(key) {
            Some(pod) if pod.node.as_ref() == Some(name) && pod.stays() => {
                pod.deletion_cost = cost;
                Outcome::done()
            }
            _ => stale(format!("there is no pod {key} on {name}")),
        }
    }

    fn avoid(&mut self, name: &NodeName, on: bool) -> Outcome {
        match self
            .nodes
            .get_mut(name)
            .filter(|n| n.joined.is_some() && n.lives())
        {
            Some(node) => {
                node.emptying = on;
                Outcome::done()
            }
            None => stale(format!("there is no node {name}")),
        }
    }

    fn cordon(&mut self, name: &NodeName, instance: Option<&InstanceId>, on: bool) -> Outcome {
        if instance.is_some_and(|id| id.as_str() != name.as_str()) {
            return stale(format!("node {name} is another instance now"));
        }
        let Some(node) = self
            .nodes
            .get_mut(name)
            .filter(|n| n.joined.is_some() && n.lives())
        else {
            return stale(format!("there is no node {name}"));
        };
        // What the provider takes in any case is no removal of the daemon's.
        let begun = (on && !node.draining && node.noticed.is_none()).then(|| node.group.clone());
        node.cordoned = on || node.doomed;
        node.draining = on;
        if !on {
            node.taints.retain(|taint| taint.key != STARTING_TAINT);
        }
        self.dirty = true;
        if let Some(group) = begun {
            let apart = self.scenario.aims.limits.emptied_per_window_permille > 0;
            let what = if apart && self.is_empty(name) {
                What::Emptied
            } else {
                What::Begun
            };
            self.did(&group, what);
        }
        Outcome::done()
    }

    /// The Eviction API: 429 where a budget would be broken, gone after its grace otherwise.
    fn evict(&mut self, key: &PodKey, name: &NodeName) -> Outcome {
        let Some(pod) = self.pods.get(key) else {
            return stale(format!("there is no pod {key}"));
        };
        if pod.node.as_ref() != Some(name) {
            return stale(format!("pod {key} is not on {name}"));
        }
        if !pod.stays() {
            return Outcome::done();
        }
        let (owner, runs, ready) = (pod.owner.clone(), pod.runs, pod.phase == PodPhase::Running);
        let must_stay = self.spec(pod.spec).traits.do_not_disrupt;
        if let Some((wanted, healthy)) = self.health(&owner) {
            // An unready pod may go as long as the budget is kept without it (`IfHealthyBudget`).
            let kept = if ready {
                healthy > wanted
            } else {
                healthy >= wanted
            };
            if !kept {
                return Outcome::Refused {
                    after: None,
                    why: "429: Cannot evict pod as it would violate the pod's disruption budget.".to_owned(),
                };
            }
        }
        self.delete_pod(key);
        self.owe_again(&owner, runs);
        self.tally.evictions += 1;
        if let Some(group) = self.nodes.get(name).map(|node| node.group.clone()) {
            self.did(&group, What::Evicted);
        }
        if must_stay {
            let kind = ViolationKind::MustNotMove;
            self.breach(Violation::of_pod(
                self.now,
                kind,
                key,
                "is annotated do-not-disrupt and was evicted",
            ));
        }
        Outcome::done()
    }

    /// The Eviction API on a pod that waits, for which no budget is asked.
    fn remake(&mut self, key: &PodKey, profile: &GroupName) -> Outcome {
        let Some(pod) = self.pods.get(key) else {
            return stale(format!("there is no pod {key}"));
        };
        if !pod.waits() {
            return stale(format!("pod {key} does not wait"));
        }
        let (owner, runs) = (pod.owner.clone(), pod.runs);
        self.delete_pod(key);
        self.owe_again(&owner, runs);
        self.tally.evictions += 1;
        self.did(profile, What::Evicted);
        Outcome::done()
    }

    /// `TerminateInstanceInAutoScalingGroup` with decrement.
    fn remove(&mut self, group: &GroupName, name: &NodeName, instance: &InstanceId) -> Outcome {
        if instance.as_str() != name.as_str() {
            return stale(format!("node {name} is another instance now"));
        }
        let Some(node) = self.nodes.get(name).filter(|n| n.group == *group && !n.fargate) else {
            return stale(format!("{group} has no instance {instance}"));
        };
        if !node.lives() {
            return Outcome::done();
        }
        let min = self
            .scenario
            .groups
            .iter()
            .find(|g| g.name == *group)
            .map_or(0, |g| g.min);
        if self.living(group) <= min {
            self.breach(Violation::bounds(self.now, group, "below its minimum"));
            return Outcome::Failed {
                why: format!("ValidationError: {group} would be below its minimum of {min}"),
            };
        }
        let on_it: Vec<PodKey> = self
            .pods
            .iter()
            .filter(|(_, p)| p.node.as_ref() == Some(name) && !p.daemon && p.phase != PodPhase::Finished)
            .map(|(key, _)| key.clone())
            .collect();
        let silent = node.silent.map(|since| self.now.since(since));
        if !on_it.is_empty() && silent.is_none_or(|silent| silent < BROKEN) {
            self.breach(Violation::removed(self.now, name, &on_it));
            self.check_budgets(name, &on_it);
        }
        self.tally.removals += 1;
        self.did(group, What::Removed);
        self.terminate(name);
        Outcome::done()
    }

    /// Removals go past the Eviction API: nobody answers 429 for the pods that are still there.
    fn check_budgets(&mut self, node: &NodeName, on_it: &[PodKey]) {
        let mut ready: BTreeMap<WorkloadKey, u32> = BTreeMap::new();
        for pod in on_it.iter().filter_map(|key| self.pods.get(key)) {
            if pod.phase == PodPhase::Running {
                *ready.entry(pod.owner.clone()).or_default() += 1;
            }
        }
        for (owner, going) in ready {
            if let Some((wanted, healthy)) = self.health(&owner)
                && healthy.saturating_sub(going) < wanted
            {
                let left = (wanted, healthy.saturating_sub(going));
                self.breach(Violation::budget(self.now, node, &owner, left));
            }
        }
    }
}

fn launched(nodes: &[NodeName]) -> Outcome {
    Outcome::Done {
        instances: nodes.iter().map(|n| InstanceId::new(n.as_str())).collect(),
    }
}

const fn stale(why: String) -> Outcome {
    Outcome::Stale { why }
}

const fn api_of(kind: &StepKind) -> Api {
    match kind {
        StepKind::GrowGroup { .. } | StepKind::RemoveNode { .. } | StepKind::RemoveInstance { .. } => {
            Api::Cloud
        }
        _ => Api::Cluster,
    }
}

fn covers(hit: Api, called: Api) -> bool {
    hit == Api::All || hit == called
}
