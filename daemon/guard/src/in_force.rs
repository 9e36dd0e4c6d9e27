//! The limits in force over a plan, how much of each is used, and which of them it runs into: for people.
//!
//! Counted as `judge` counts; nothing is cleared or held by it. Windows are left out: `plimsoll limits` tells them, and
//! what of them is used is in the Ledger alone.

use crate::case::Case;
use crate::cleared::Fence;
use crate::proposal::Proposal;
use crate::step_effect::purchase;
use crate::tally::Tally;
use model::aims::Aims;
use model::group::GroupKind;
use model::notes::Notes;
use model::plan::{Plan, StepKind};
use model::quota::{Amounts, Measure, Quota, Reached, Usage};
use model::reason::{GroupBlock, Misfit, Refusal};
use model::{GroupName, Snapshot};
use std::collections::BTreeSet;

/// What is limited.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limited {
    /// A quota of the aims.
    Quota {
        /// The group it is of; `None`: of all nodes.
        group: Option<GroupName>,
        /// Of what.
        measure: Measure,
    },
    /// Nodes of a group, by its maximum.
    Maximum(GroupName),
    /// Nodes of the cluster (`limits.max_nodes`).
    MaxNodes,
    /// What the cluster costs (`limits.max_rate`).
    MaxRate,
}

/// A limit in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// What it limits.
    pub of: Limited,
    /// How much there may be: millicores, bytes, nodes or nano-dollars per hour.
    pub limit: i64,
    /// How much there is, on its way included.
    pub used: i64,
    /// How much the plan adds.
    pub adds: i64,
    /// The plan runs into it.
    pub binds: bool,
}

/// Every limit in force, quotas first.
pub fn in_force(seen: &Snapshot, aims: &Aims, plan: &Plan, notes: &Notes) -> Vec<InForce> {
    let proposal = Proposal {
        plan,
        notes,
        resumed: &[],
        watch: None,
    };
    let fence = Fence::sole();
    let case = Case::new(seen, &seen.ledger, &proposal, aims, &fence);
    let tally = Tally::before(&case);
    let reached = reached(plan);
    let mut limits = quotas((seen, aims), &tally.used, plan, &reached);
    let (mut nodes, mut rate) = (0_i64, 0_i64);
    for step in &plan.steps {
        let (count, costs) = purchase(&step.kind, &case);
        nodes += i64::from(count);
        rate = rate.saturating_add(costs.0);
    }
    let bounded = |group: &&model::Group| group.max != u32::MAX && group.kind != GroupKind::FargateProfile;
    for group in seen.groups.iter().filter(bounded) {
        let adds = plan.steps.iter().filter_map(|step| match &step.kind {
            StepKind::GrowGroup {
                group: grows,
                from,
                to,
                ..
            } if *grows == group.name => Some(i64::from(to.saturating_sub(*from))),
            _ => None,
        });
        limits.push(InForce {
            limit: i64::from(group.max),
            used: i64::from(case.size(group)),
            adds: adds.sum(),
            binds: reached.at_maximum.contains(&group.name),
            of: Limited::Maximum(group.name.clone()),
        });
    }
    let ceiling = |of, limit: i64, used: i64, adds: i64| InForce {
        of,
        limit,
        used,
        adds,
        binds: adds > 0 && used.saturating_add(adds) > limit,
    };
    let most = i64::from(aims.limits.max_nodes);
    limits.push(ceiling(Limited::MaxNodes, most, i64::from(tally.nodes), nodes));
    limits.push(ceiling(
        Limited::MaxRate,
        aims.limits.max_rate.0,
        tally.rate.0,
        rate,
    ));
    limits
}

fn quotas((seen, aims): (&Snapshot, &Aims), used: &Usage, plan: &Plan, reached: &Run) -> Vec<InForce> {
    let mut after = used.clone();
    for node in plan.nodes.iter().chain(&plan.replacements) {
        let offer = seen.offers.iter().find(|offer| offer.id == node.offer);
        if let Some(offer) = offer.filter(|offer| !offer.is_fargate()) {
            after.add(Some(&node.group), &Amounts::of_node(&offer.allocatable), 1);
        }
    }
    let total = (None, &aims.quotas.total, used.total, after.total);
    let groups = aims.quotas.groups.iter();
    let groups = groups.map(|(name, quota)| (Some(name), quota, used.of_group(name), after.of_group(name)));
    let of = |(group, quota, used, after): (Option<&GroupName>, &Quota, Amounts, Amounts)| {
        let quota = *quota;
        let group = group.cloned();
        Measure::ALL.into_iter().filter_map(move |measure| {
            let limit = quota.of(measure)?;
            let of = Reached {
                group: group.clone(),
                measure,
                limit,
            };
            Some(InForce {
                limit,
                used: used.of(measure),
                adds: after.of(measure) - used.of(measure),
                binds: reached.quotas.contains(&of),
                of: Limited::Quota {
                    group: of.group,
                    measure,
                },
            })
        })
    };
    std::iter::once(total).chain(groups).flat_map(of).collect()
}

/// What the plan ran into.
#[derive(Default)]
struct Run {
    quotas: BTreeSet<Reached>,
    at_maximum: BTreeSet<GroupName>,
}

fn reached(plan: &Plan) -> Run {
    let mut run = Run::default();
    for refusal in &plan.refusals {
        match refusal {
            Refusal::GroupStays { group, why } => {
                if *why == GroupBlock::AtMaximum {
                    run.at_maximum.insert(group.clone());
                }
                run.note(why);
            }
            Refusal::Pod { why, closest, .. } => {
                for why in std::iter::once(why).chain(closest.iter().map(|(_, why)| why)) {
                    if let Misfit::Group(block) | Misfit::Outranked { block, .. } = why {
                        run.note(block);
                    }
                }
            }
            _ => {}
        }
    }
    run
}

impl Run {
    fn note(&mut self, block: &GroupBlock) {
        if let GroupBlock::Quota(reached) = block {
            self.quotas.insert(reached.clone());
        }
    }
}
