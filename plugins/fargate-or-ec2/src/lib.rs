//! Placement policy: jobs and bursts go to Fargate while the EC2 groups run below break-even utilisation.
//!
//! EC2 is bought in nodes and paid for whether used or not: a pod really costs its share of a node divided by how full
//! nodes get. Below a utilisation of (EC2 price ÷ Fargate price) Fargate is cheaper for what comes and goes. What stays,
//! stays on EC2. Says nothing about pods that only one of the two can run.

use plimsoll_sdk::{Class, Placement, Prices, View, config, export_placement};
use std::collections::BTreeSet;

/// Runs better on Fargate now.
pub const CHEAPER_ON_FARGATE: u16 = 1;
/// Long-lived: EC2.
pub const STAYS_ON_EC2: u16 = 2;
/// The operator's label says so.
pub const LABELLED: u16 = 3;

/// Configuration, with its defaults.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FargateOrEc2 {
    /// Kinds of owners whose pods come and go.
    job_kinds: Vec<String>,
    /// From this many pods without a place in one class on, they are a burst; 0: never.
    burst_pods: u32,
    /// Utilisation to reckon with while there are no EC2 nodes to measure, percent.
    assumed_utilisation_percent: f64,
    /// Whether everything else is kept off Fargate, or left to the price.
    others_stay_on_ec2: bool,
    /// Pods with this label, `key=value`, never go to Fargate; empty: none.
    ec2_label: String,
}

impl Default for FargateOrEc2 {
    fn default() -> Self {
        Self {
            job_kinds: vec!["Job".to_owned()],
            burst_pods: 20,
            assumed_utilisation_percent: 65.0,
            others_stay_on_ec2: true,
            ec2_label: String::new(),
        }
    }
}

impl Placement for FargateOrEc2 {
    fn configure(json: &str) -> Result<Self, String> {
        let policy: Self = config(json)?;
        if !(1.0..=100.0).contains(&policy.assumed_utilisation_percent) {
            return Err("assumed_utilisation_percent must be between 1 and 100".to_owned());
        }
        if !policy.ec2_label.is_empty() && policy.label().is_none() {
            return Err("ec2_label: `key=value` is meant".to_owned());
        }
        Ok(policy)
    }

    fn place(&self, view: &View<'_>) -> Result<Prices, String> {
        let (utilisation, label) = (self.utilisation(view), self.label());
        let mut prices = Prices::default();
        for class in view.classes() {
            let (Some(ec2), Some(fargate)) = (class.ec2_price(), class.fargate_price()) else {
                continue;
            };
            let passing = self.comes_and_goes(class);
            let labelled = label.is_some_and(|(key, value)| class.label(key) == value);
            for set in view.sets().filter(|set| set.is_fargate()) {
                if labelled {
                    prices.forbid(class, set, LABELLED);
                } else if passing && utilisation < ec2 / fargate {
                    // Priced a hair below a node used to the full: wins against any node that would be bought.
                    prices.add(class, set, ec2 * 0.999 - fargate, CHEAPER_ON_FARGATE);
                } else if !passing && self.others_stay_on_ec2 {
                    prices.forbid(class, set, STAYS_ON_EC2);
                }
            }
        }
        Ok(prices)
    }
}

impl FargateOrEc2 {
    /// Key and value of the label that keeps pods on EC2.
    fn label(&self) -> Option<(&str, &str)> {
        self.ec2_label.split_once('=').filter(|(key, _)| !key.is_empty())
    }

    fn comes_and_goes(&self, class: Class<'_>) -> bool {
        let waiting = class.pending().saturating_add(class.to_come());
        let kind = class.owner_kind();
        self.job_kinds.iter().any(|job| kind == job.as_str())
            || (self.burst_pods > 0 && waiting >= self.burst_pods)
    }

    /// Share of the EC2 groups that is requested, by their scarcer resource, weighted by nodes. Nodes and shares are
    /// the group's: of a group with several sets (a fleet) the first one tells them.
    fn utilisation(&self, view: &View<'_>) -> f64 {
        let mut counted = BTreeSet::new();
        let groups = view
            .sets()
            .filter(|set| !set.is_fargate() && counted.insert(set.group()));
        let (nodes, used) = groups.fold((0.0, 0.0), |(nodes, used), set| {
            let share = f64::from(set.cpu_requested().max(set.memory_requested())) / 1000.0;
            (
                nodes + f64::from(set.nodes()),
                used + f64::from(set.nodes()) * share,
            )
        });
        if nodes > 0.0 {
            used / nodes
        } else {
            self.assumed_utilisation_percent / 100.0
        }
    }
}

export_placement!(FargateOrEc2);

#[cfg(test)]
mod tests;
