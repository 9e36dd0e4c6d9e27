//! Pods that wait for a node although Fargate would take them, were they made anew: EKS puts a pod into a profile when it
//! is created, and never after that.
//!
//! Source: EKS user guide, "AWS Fargate" ("you can delete pending Pods … to reschedule them onto Fargate"). Named, with
//! what they would cost there; which of them are made anew is `remake`'s, and no plan counts on it.

use crate::bought::Purchase;
use crate::class::Class;
use crate::fargate::{self, PLACEMENT_LABEL};
use crate::market::FargateOption;
use crate::number::size;
use crate::remake::Tries;
use crate::rooms::Demand;
use model::ids::{GroupName, PodKey};
use model::notes::{CouldMove, Missed};
use model::pod::PodSpec;
use model::provisioned::PROFILE_LABEL;
use std::collections::BTreeMap;

/// Pods that are named at most.
const NAMED: usize = 1000;

/// In the order of their keys.
pub(crate) fn pods(demand: &Demand<'_>, purchase: &Purchase) -> Vec<CouldMove> {
    let seen = demand.market.seen;
    let on_fargate = purchase
        .bought
        .iter()
        .filter(|bought| seen.offers[bought.offer].is_fargate());
    let planned: BTreeMap<&PodKey, usize> = on_fargate
        .filter_map(|bought| Some((bought.node.pods.first()?, bought.offer)))
        .collect();
    let tries = Tries::of(seen);
    let mut named: Vec<CouldMove> = Vec::new();
    for (ix, class) in demand.classes.iter().enumerate() {
        let spec = &class.body;
        if class.expendable || !is_left(spec) || demand.market.fargate[ix].is_empty() {
            continue;
        }
        let taken = taken(demand, ix);
        for pod in waiting(class) {
            let planned = || {
                let offer = planned.get(pod)?;
                let mut options = demand.market.fargate[ix].iter();
                options.find(|option| option.offer == *offer)
            };
            let labelled = spec.labels.contains_key(PLACEMENT_LABEL);
            let (option, why) = match taken {
                Some(option) if labelled => (Some(option), Missed::Labelled),
                Some(option) => (Some(option), Missed::Selected),
                None => (planned(), Missed::Unlabelled),
            };
            if let Some(option) = option {
                let offer = &seen.offers[option.offer];
                named.push(CouldMove {
                    pod: pod.clone(),
                    profile: profile(demand, option),
                    offer: offer.id.clone(),
                    price: option.price,
                    why,
                    remade: is_remade(spec),
                    tried: spec.owner.as_ref().map_or(0, |owner| tries.in_vain(owner)),
                });
            }
        }
    }
    named.sort_by(|a, b| a.pod.cmp(&b.pod));
    named.truncate(NAMED);
    named
}

/// Pods that are there, replicas to come left out.
fn waiting(class: &Class) -> &[PodKey] {
    class.pods.get(..class.pending as usize).unwrap_or_default()
}

/// Whether EKS has left it to the default scheduler.
fn is_left(spec: &PodSpec) -> bool {
    spec.scheduler.is_empty() && !spec.labels.contains_key(PROFILE_LABEL)
}

/// Whether a controller that does not mind would make it anew.
fn is_remade(spec: &PodSpec) -> bool {
    spec.is_interchangeable() && spec.held().is_none()
}

/// The option of the profile that would take the class as it is: of several the first by name.
fn taken<'d>(demand: &'d Demand<'_>, class: usize) -> Option<&'d FargateOption> {
    let seen = demand.market.seen;
    let spec = &demand.classes[class].body;
    let takes = |option: &&FargateOption| {
        let profile = seen.groups.get(size(seen.offers[option.offer].group));
        profile.is_some_and(|profile| fargate::selects(spec, profile))
    };
    let options = demand.market.fargate[class].iter().filter(takes);
    options.min_by_key(|option| profile(demand, option))
}

fn profile(demand: &Demand<'_>, option: &FargateOption) -> GroupName {
    demand.market.group_of(option.offer)
}

#[cfg(test)]
pub(crate) mod tests;
