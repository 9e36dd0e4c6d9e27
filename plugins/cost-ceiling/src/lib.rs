//! Placement and review policy: what a namespace spends in an hour may not grow beyond its ceiling.
//!
//! A namespace spends, for each of its pods, the mean of the shares of CPU and memory that the pod asks of its node, of
//! the node's price; a Fargate pod all of its price. What nodes have left over is nobody's. Pods that would go beyond the
//! ceiling are bought no node (placement), and replicas beyond it are not begun (review). Nothing that runs is touched.

use plimsoll_sdk::{
    Holds, Level, Placement, Pod, Prices, Review, View, config, export_placement, export_review, log,
};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The namespace would spend more than its ceiling.
pub const OVER_CEILING: u16 = 1;

/// Stands for every namespace that is not named.
const EVERY: &str = "*";
/// Dollars per hour that rounding may make of nothing.
const NOTHING: f64 = 1e-9;

/// Configuration.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostCeiling {
    /// Dollars per hour by namespace; `*`: each namespace that is not named.
    usd_per_hour: BTreeMap<String, f64>,
}

impl CostCeiling {
    fn read(json: &str) -> Result<Self, String> {
        let policy: Self = config(json)?;
        if policy.usd_per_hour.is_empty() {
            return Err("usd_per_hour: names no namespace".to_owned());
        }
        for (namespace, usd) in &policy.usd_per_hour {
            if namespace.is_empty() {
                return Err("usd_per_hour: a namespace without a name".to_owned());
            }
            if !(0.0..=1e6).contains(usd) {
                return Err(format!("usd_per_hour.{namespace}: 0 to 1000000 is meant"));
            }
        }
        Ok(policy)
    }

    fn ceiling(&self, namespace: &str) -> Option<f64> {
        let named = self.usd_per_hour.get(namespace);
        named.or_else(|| self.usd_per_hour.get(EVERY)).copied()
    }
}

impl Placement for CostCeiling {
    fn configure(json: &str) -> Result<Self, String> {
        Self::read(json)
    }

    fn place(&self, view: &View<'_>) -> Result<Prices, String> {
        let mut spent = spending(view);
        let mut classes: Vec<_> = view
            .classes()
            .filter(|class| !class.namespace().is_empty())
            .collect();
        // What is worth more comes first.
        classes.sort_by_key(|class| (Reverse(class.priority()), class.row()));
        let mut prices = Prices::default();
        for class in classes {
            let namespace = class.namespace().to_string();
            let Some(ceiling) = self.ceiling(&namespace) else {
                continue;
            };
            let each = match (class.ec2_price(), class.fargate_price()) {
                (Some(ec2), Some(fargate)) => ec2.min(fargate),
                (ec2, fargate) => match ec2.or(fargate) {
                    Some(price) => price,
                    None => continue,
                },
            };
            let pods = class.pending().saturating_add(class.to_come());
            let adds = f64::from(pods) * each;
            let so_far = spent.entry(namespace.clone()).or_insert(0.0);
            if *so_far + adds <= ceiling + NOTHING {
                *so_far += adds;
                continue;
            }
            let why = words(&namespace, *so_far, adds, ceiling);
            prices.explain(class, OVER_CEILING, &why);
            for set in view.sets() {
                prices.forbid(class, set, OVER_CEILING);
            }
        }
        Ok(prices)
    }
}

impl Review for CostCeiling {
    fn configure(json: &str) -> Result<Self, String> {
        Self::read(json)
    }

    fn review(&self, view: &View<'_>) -> Result<Holds, String> {
        let mut spent = spending(view);
        let mut holds = Holds::default();
        for step in view
            .steps()
            .filter(|step| step.kind() == "ScaleWorkload" && step.to() > step.from())
        {
            let (namespace, name) = (step.namespace().to_string(), step.object());
            let Some(ceiling) = self.ceiling(&namespace) else {
                continue;
            };
            let mine = view
                .pods()
                .filter(|pod| pod.namespace() == namespace.as_str() && pod.owner_name() == name);
            let (pods, usd) = mine
                .filter_map(cost)
                .fold((0.0, 0.0), |(pods, sum), usd| (pods + 1.0, sum + usd));
            if pods == 0.0 {
                // What one of them costs is not known yet; placement will know.
                continue;
            }
            let adds = f64::from(step.to() - step.from()) * usd / pods;
            let so_far = spent.entry(namespace.clone()).or_insert(0.0);
            if *so_far + adds <= ceiling + NOTHING {
                *so_far += adds;
            } else {
                holds.hold_because(step, OVER_CEILING, &words(&namespace, *so_far, adds, ceiling));
            }
        }
        Ok(holds)
    }
}

/// What each namespace spends now, dollars per hour.
fn spending(view: &View<'_>) -> BTreeMap<String, f64> {
    let (mut spent, mut unknown) = (BTreeMap::new(), 0_u32);
    for pod in view.pods().filter(|pod| pod.node().is_some()) {
        match cost(pod) {
            Some(usd) => *spent.entry(pod.namespace().to_string()).or_insert(0.0) += usd,
            None => unknown += 1,
        }
    }
    if unknown > 0 {
        log(
            Level::Warning,
            &format!("{unknown} pods are on nodes of unknown price and not counted"),
        );
    }
    spent
}

/// What a pod takes of its node's price; `None` where it has no node or nobody knows the price.
fn cost(pod: Pod<'_>) -> Option<f64> {
    let node = pod.node()?;
    let price = node.price()?;
    if pod.phase() == plimsoll_sdk::Phase::Finished {
        return Some(0.0);
    }
    if node.is_fargate() {
        return Some(price);
    }
    let share = |asked: u32, has: u32| f64::from(asked) / f64::from(has.max(1));
    let cpu = share(pod.cpu_milli(), node.cpu_milli());
    let memory = share(pod.memory_mib(), node.memory_mib());
    Some(price * f64::midpoint(cpu, memory).min(1.0))
}

fn words(namespace: &str, spent: f64, adds: f64, ceiling: f64) -> String {
    format!(
        "{namespace} spends ${spent:.3} an hour; ${adds:.3} more would be beyond its ceiling of ${ceiling:.3}"
    )
}

export_placement!(CostCeiling);
export_review!(CostCeiling);

#[cfg(test)]
mod tests;
