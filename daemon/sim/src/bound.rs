//! The lower bound of a whole run.
//!
//! Weak duality: prices under which no node's pods pay more than the node costs make what all pods pay a
//! bound, at every instant, whatever runs where. Such prices are `decide`'s (what a class pays, found without
//! policies, without nodes that are there and without limits of groups); here they are multiplied by the time
//! that pods existed, from creation until gone. Any set of such prices is valid at any time; they are found
//! anew every few minutes only to stay tight. What groups must keep at least is not in the bound.

use crate::scenario::Scenario;
use model::group::LaunchMode;
use model::pod::{Pod, PodPhase, SpecIx};
use model::selector::Labels;
use model::workload::Workload;
use model::{
    Aims, Freshness, Group, Instant, Memory, PodKey, PodSpec, Snapshot, Source, Span, Usd, UsdPerHour,
    WorkloadKey,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Prices are found anew at least this often while anything runs.
const REFRESH: Span = Span::from_secs(300);

/// Pod-milliseconds by spec.
pub(crate) type Demand = Vec<(Arc<PodSpec>, i64)>;

/// Adds up the bound of a run.
pub(crate) struct Bound {
    /// Groups without limits, all offers, DaemonSets; pods are filled in.
    market: Snapshot,
    /// What one pod of a spec pays, in nano-dollars per hour.
    prices: BTreeMap<PodSpec, i64>,
    priced: Option<Instant>,
    last: Instant,
    rate: UsdPerHour,
    total: Usd,
}

impl Bound {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            market: market(scenario),
            prices: BTreeMap::new(),
            priced: None,
            last: scenario.start,
            rate: UsdPerHour::ZERO,
            total: Usd::default(),
        }
    }

    /// Adds the demand since the last call.
    pub(crate) fn add(&mut self, demand: Demand, now: Instant) {
        let stretch = now.since(self.last);
        self.last = now;
        if stretch == Span::ZERO {
            return;
        }
        let mut by_spec: BTreeMap<PodSpec, i64> = BTreeMap::new();
        for (spec, time) in demand {
            *by_spec.entry(anonymous(&spec)).or_insert(0) += time;
        }
        let old = self.priced.is_none_or(|at| now.since(at) >= REFRESH);
        if old || by_spec.keys().any(|spec| !self.prices.contains_key(spec)) {
            self.price(&by_spec, stretch);
            self.priced = Some(now);
        }
        let paid: i128 = by_spec
            .iter()
            .map(|(spec, time)| {
                let price = self.prices.get(spec).copied().unwrap_or(0);
                i128::from(price.max(0)) * i128::from(*time)
            })
            .sum();
        let rate = i64::try_from(paid / i128::from(stretch.millis())).unwrap_or(i64::MAX);
        self.rate = UsdPerHour(rate);
        self.total += self.rate.over(stretch);
    }

    /// Rate of the last stretch.
    pub(crate) const fn rate(&self) -> UsdPerHour {
        self.rate
    }

    /// Sum so far.
    pub(crate) const fn total(&self) -> Usd {
        self.total
    }

    /// Finds prices for a demand: that of the mean number of pods, where every spec has at least one.
    fn price(&mut self, demand: &BTreeMap<PodSpec, i64>, stretch: Span) {
        let mut seen = self.market.clone();
        let own = seen.specs.len();
        for (spec, time) in demand {
            let number = SpecIx::try_from(seen.specs.len()).unwrap_or(SpecIx::MAX);
            seen.specs.push(Arc::new(spec.clone()));
            let count = (*time / stretch.millis().max(1)).clamp(1, 10_000);
            seen.pods.extend((0..count).map(|pod| waiting(spec, number, pod)));
        }
        seen.sort();
        let specs: Vec<Arc<PodSpec>> = seen.specs.clone();
        let decided = decide::deliberate(
            &seen,
            &Memory::default(),
            &decide::PolicySet::default(),
            &Aims::default(),
        );
        self.prices = decided
            .notes
            .classes
            .iter()
            .filter_map(|class| Some((class.spec? as usize, class.pays.0)))
            .filter(|(number, _)| *number >= own)
            .filter_map(|(number, pays)| Some((PodSpec::clone(specs.get(number)?), pays)))
            .collect();
        for spec in demand.keys() {
            // A spec that nothing can run pays nothing; noting it keeps it from being asked about every time.
            self.prices.entry(spec.clone()).or_insert(0);
        }
    }
}

/// The spec without what does not matter to where it runs.
fn anonymous(spec: &PodSpec) -> PodSpec {
    PodSpec {
        owner: None,
        annotations: Labels::new(),
        priority: 0,
        ..spec.clone()
    }
}

fn waiting(spec: &PodSpec, number: SpecIx, pod: i64) -> Pod {
    Pod {
        key: PodKey::new(&spec.namespace, format!("demand-{number}-{pod}")),
        spec: number,
        node: None,
        phase: PodPhase::Pending,
        created: Instant::default(),
        usage: None,
        nominated: None,
        deletion_cost: 0,
        started: None,
    }
}

/// Everything that is for sale in a scenario, and nothing that is there.
fn market(scenario: &Scenario) -> Snapshot {
    let groups = scenario.groups.iter().map(|plan| Group {
        name: plan.name.clone(),
        uid: None,
        kind: plan.kind,
        min: 0,
        max: u32::MAX,
        desired: 0,
        launch: LaunchMode::Direct,
        instances: Vec::new(),
        labels: plan.labels.clone(),
        taints: plan.taints.clone(),
        fargate_selectors: plan.selectors(),
        foreign: None,
        rolling: None,
        options: plan.options.clone(),
    });
    let daemons: Vec<Arc<PodSpec>> = scenario
        .daemon_sets
        .iter()
        .map(|set| Arc::new(set.pod.spec.clone()))
        .collect();
    let workloads = scenario
        .daemon_sets
        .iter()
        .zip(0..)
        .map(|(set, number): (_, SpecIx)| Workload {
            key: WorkloadKey::new("DaemonSet", &set.pod.spec.namespace, &set.name),
            replicas: 0,
            ready: 0,
            template: Some(number),
            owned_by: None,
            annotations: Labels::new(),
            generation: 1,
            selector: model::selector::LabelSelector::default(),
            metrics: Vec::new(),
        });
    let mut seen = Snapshot {
        at: scenario.start,
        cluster: scenario.cluster.clone(),
        sources: [
            Source::Pods,
            Source::Nodes,
            Source::Workloads,
            Source::Groups,
            Source::Offers,
        ]
        .map(|source| (source, Freshness::Live))
        .into(),
        groups: groups.collect(),
        offers: scenario.offers.clone(),
        workloads: workloads.collect(),
        specs: daemons,
        ..Snapshot::default()
    };
    seen.sort();
    seen
}

#[cfg(test)]
mod tests;
