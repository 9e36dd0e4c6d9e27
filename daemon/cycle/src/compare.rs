//! A cycle decided with a policy and without it: what it changes, in steps and in money.
//!
//! Pure: the same function that decided, on the picture that was recorded. Nothing is carried out.

use crate::policies::InForce;
use logbook::CycleRecord;
use model::advice::PolicyMode;
use model::notes::Notes;
use model::plan::{Plan, StepKind};
use model::{PolicyName, Refusal, Snapshot, UsdPerHour};
use std::borrow::Cow;

/// What a plan leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// What the nodes cost once the plan is carried out but for the steps that reviews hold: those there, those bought,
    /// without those given up.
    pub rate: UsdPerHour,
    /// Steps.
    pub steps: u32,
    /// Waiting pods without a place.
    pub refused: u32,
    /// Nodes bought, Fargate pods included.
    pub bought: u32,
    /// Nodes whose removal begins.
    pub removed: u32,
    /// Pods that have to move for it.
    pub evictions: u32,
}

/// A cycle with a policy in force and without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Cycle.
    pub cycle: u64,
    /// With its answers counting everywhere.
    pub with: Effects,
    /// With its answers counting nowhere.
    pub without: Effects,
    /// Whether the plans differ.
    pub differs: bool,
}

impl Comparison {
    /// What the policy adds to the bill.
    pub fn delta(&self) -> UsdPerHour {
        UsdPerHour(self.with.rate.0.saturating_sub(self.without.rate.0))
    }
}

/// Decides the record's cycle again with the policy enforced and in shadow, one of which the record may have already; `None`
/// where it is not among the policies or nothing was seen.
pub fn compare(record: &CycleRecord, policies: &InForce, policy: &PolicyName) -> Option<Comparison> {
    let mut entries = policies.set.entries.iter();
    let entry = entries.find(|entry| entry.name == *policy)?;
    if !record.has_seen() {
        return None;
    }
    let recorded = (record.policies == policies.uses()).then_some(entry.mode);
    let decided = |mode: PolicyMode| -> (Cow<'_, Plan>, Cow<'_, Notes>) {
        if recorded == Some(mode) {
            return (Cow::Borrowed(&record.plan), Cow::Borrowed(&record.notes));
        }
        let mut policies = policies.set.clone();
        for entry in policies.entries.iter_mut().filter(|entry| entry.name == *policy) {
            entry.mode = mode;
        }
        let again = decide::deliberate(&record.snapshot, &record.memory, &policies, &record.aims);
        (Cow::Owned(again.plan), Cow::Owned(again.notes))
    };
    let (with, without) = (decided(PolicyMode::Enforce), decided(PolicyMode::Shadow));
    Some(Comparison {
        cycle: record.cycle,
        with: effects(&record.snapshot, &with.0, &with.1),
        without: effects(&record.snapshot, &without.0, &without.1),
        differs: kinds(&with.0) != kinds(&without.0) || with.0.holds != without.0.holds,
    })
}

fn kinds(plan: &Plan) -> Vec<&StepKind> {
    plan.steps.iter().map(|step| &step.kind).collect()
}

/// What a plan leads to, read off it.
pub fn effects(seen: &Snapshot, plan: &Plan, notes: &Notes) -> Effects {
    let price = |node: &model::plan::PlannedNode| {
        let offer = seen.offer_ix(&node.offer).and_then(|ix| seen.offers.get(ix));
        offer.map_or(0, |offer| node.price(offer).0)
    };
    let mut rate = notes.running_rate.0.saturating_add(plan.cost.rate.0);
    rate = plan
        .replacements
        .iter()
        .map(price)
        .fold(rate, i64::saturating_add);
    let mut effects = Effects {
        steps: count(plan.steps.len()),
        bought: count(plan.nodes.len() + plan.replacements.len()),
        refused: count(
            plan.refusals
                .iter()
                .filter(|refusal| matches!(refusal, Refusal::Pod { .. }))
                .count(),
        ),
        ..Effects::default()
    };
    for step in &plan.steps {
        let held = plan.holds.iter().any(|hold| hold.step == step.id);
        match &step.kind {
            StepKind::GrowGroup { rate: bought, .. } if held => rate = rate.saturating_sub(bought.0),
            StepKind::Cordon { node, .. } if !held => {
                let saved = seen.node(node).and_then(|node| seen.node_price(node));
                rate = rate.saturating_sub(saved.map_or(0, |price| price.0));
                effects.removed += 1;
                effects.evictions = effects.evictions.saturating_add(step.reason.moves().unwrap_or(0));
            }
            _ => {}
        }
    }
    effects.rate = UsdPerHour(rate);
    effects
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
