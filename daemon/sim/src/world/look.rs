//! How a world looks from outside: a Snapshot of its present instant, as the APIs would show it.

use crate::rng::Rng;
use crate::scenario::{FaultKind, WorkloadPlan};
use crate::world::state::{Owner, OwnerKind, SimNode, SimPod, State};
use model::group::{Instance, LaunchMode};
use model::node::{Leaves, Leaving};
use model::pod::{PodPhase, SpecIx, Usage};
use model::selector::LabelSelector;
use model::workload::{DisruptionBudget, Metric, Workload};
use model::{
    Freshness, Group, GroupKind, InstanceId, Node, NodeName, Pod, Snapshot, Source, Span, WorkloadKey,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The metrics pipeline delivers this often; values are as old as the last full interval.
const SCRAPE: Span = Span::from_secs(15);
/// Working set of a pod, in thousandths of its request.
const MEMORY_USED_PERMILLE: i64 = 700;
/// CPU of a pod without a load of its own, in thousandths of its request.
const CPU_USED_PERMILLE: i64 = 600;

const SOURCES: [Source; 8] = [
    Source::Pods,
    Source::Nodes,
    Source::Workloads,
    Source::Budgets,
    Source::Load,
    Source::Metrics,
    Source::Groups,
    Source::Offers,
];

impl State {
    /// The picture as the APIs show it now, faults included.
    pub(crate) fn picture(&mut self) -> Snapshot {
        let scenario = Arc::clone(&self.scenario);
        let now = self.now;
        let holding = || scenario.faults.iter().filter(|f| f.holds(scenario.start, now));
        let is_frozen = holding().any(|fault| fault.kind == FaultKind::Frozen);
        let missing = holding().filter_map(|fault| match &fault.kind {
            FaultKind::Missing { sources } => Some(sources),
            _ => None,
        });
        let mut seen = if is_frozen {
            let taken = self.frozen.take().unwrap_or_else(|| self.truth());
            let mut seen = taken.clone();
            let age = now.since(taken.at);
            self.frozen = Some(taken);
            seen.at = now;
            seen.sources = SOURCES.map(|source| (source, Freshness::Stale { age })).into();
            seen
        } else {
            self.frozen = None;
            self.truth()
        };
        for source in missing.flatten() {
            blank(&mut seen, *source);
        }
        seen
    }

    /// The picture without faults.
    fn truth(&self) -> Snapshot {
        let mut specs = Specs::default();
        let usage = self.usage();
        let pods: Vec<Pod> = self
            .pods
            .iter()
            .map(|(key, pod)| Pod {
                key: key.clone(),
                spec: specs.number(self, pod.spec),
                node: pod.node.clone(),
                phase: pod.phase,
                created: pod.created,
                usage: usage
                    .get(&pod.owner)
                    .and_then(|share| self.pod_usage(pod, *share)),
                nominated: pod.nominated.clone().filter(|_| pod.waits()),
                deletion_cost: pod.deletion_cost,
                started: None,
            })
            .collect();
        let nodes = self.seen_nodes(&pods);
        let workloads = self.seen_workloads(&usage, &mut specs);
        let mut seen = Snapshot {
            at: self.now,
            cycle: 0,
            seed: self.scenario.seed,
            cluster: self.scenario.cluster.clone(),
            cluster_uid: None,
            sources: SOURCES.map(|source| (source, Freshness::Live)).into(),
            specs: specs.list,
            pods,
            nodes,
            groups: self.seen_groups(),
            offers: self.scenario.offers.clone(),
            short: BTreeMap::new(),
            prices: model::prices::Prices::default(),
            workloads,
            budgets: self.seen_budgets(),
            ledger: model::Ledger::default(),
            own_node: None,
            autoscalers: Vec::new(),
            notices: None,
        };
        seen.sort();
        seen
    }

    /// CPU of one ready pod per owner, in millicores, as of the last scrape.
    fn usage(&self) -> BTreeMap<WorkloadKey, i64> {
        let mut ready: BTreeMap<&WorkloadKey, i64> = BTreeMap::new();
        for pod in self.pods.values().filter(|p| p.phase == PodPhase::Running) {
            *ready.entry(&pod.owner).or_insert(0) += 1;
        }
        let share = |key: &WorkloadKey, owner: &Owner| {
            let request = owner.pod.spec.requests.cpu_milli;
            let plain = request * CPU_USED_PERMILLE / 1000;
            let load = match owner.kind {
                OwnerKind::Deployment { plan, .. } => self.load_of(plan),
                OwnerKind::Job { .. } => return request * 950 / 1000,
                OwnerKind::Daemon => None,
            };
            load.map_or(plain, |(total, burst)| {
                let pods = ready.get(key).copied().unwrap_or(0).max(1);
                (total / pods).min(request * burst / 1000)
            })
        };
        self.owners
            .iter()
            .map(|(key, owner)| (key.clone(), share(key, owner)))
            .collect()
    }

    /// Load of a workload at the last scrape, and how far its pods can burst.
    fn load_of(&self, plan: usize) -> Option<(i64, i64)> {
        let load = self.scenario.workloads.get(plan)?.load.as_ref()?;
        let at = self.scraped();
        let value = load.curve.value(self.scenario.start, at);
        // Noise is a function of the instant, so that looking twice shows the same.
        let mut rng = Rng::seeded(self.scenario.seed ^ at.0.unsigned_abs() ^ (plan as u64) << 48);
        let noise = i64::from(load.noise_permille);
        let swing = rng.between(-noise, noise);
        Some((value + value * swing / 1000, load.burst_permille))
    }

    /// When the metrics pipeline last delivered.
    fn scraped(&self) -> model::Instant {
        let since = self.now.since(self.scenario.start).millis();
        self.now - Span::from_millis(since % SCRAPE.millis())
    }

    fn pod_usage(&self, pod: &SimPod, cpu_milli: i64) -> Option<Usage> {
        let running = pod.phase == PodPhase::Running;
        running.then(|| Usage {
            cpu_milli,
            memory_bytes: self.spec(pod.spec).requests.memory_bytes / 1000 * MEMORY_USED_PERMILLE,
            at: self.scraped(),
        })
    }

    fn seen_nodes(&self, pods: &[Pod]) -> Vec<Node> {
        let mut used: BTreeMap<&NodeName, (i64, i64)> = BTreeMap::new();
        for pod in pods {
            if let (Some(node), Some(usage)) = (&pod.node, pod.usage) {
                let sum = used.entry(node).or_default();
                *sum = (sum.0 + usage.cpu_milli, sum.1 + usage.memory_bytes);
            }
        }
        let there = self
            .nodes
            .iter()
            .filter_map(|(name, node)| node.joined.map(|at| (name, node, at)));
        there
            .map(|(name, node, created)| Node {
                name: name.clone(),
                group: Some(node.group.clone()),
                instance: Some(InstanceId::new(name.as_str())),
                offer: self.scenario.offers.get(node.offer).map(|o| o.id.clone()),
                labels: node.labels.clone(),
                taints: node.shown_taints(),
                allocatable: node.allocatable.clone(),
                max_pods: node.max_pods,
                ready: node.ready,
                unschedulable: node.cordoned,
                deleting: !node.lives(),
                fargate: node.fargate,
                do_not_disrupt: false,
                draining: node.draining,
                annotations: model::selector::Labels::new(),
                unready: node.silent,
                rate: None,
                created,
                usage: node.ready.then(|| {
                    let (cpu_milli, memory_bytes) = used.get(name).copied().unwrap_or_default();
                    Usage {
                        cpu_milli,
                        memory_bytes,
                        at: self.scraped(),
                    }
                }),
                leaving: node.noticed.map(|told| Leaving {
                    why: Leaves::Interrupted,
                    told,
                }),
                template: None,
            })
            .collect()
    }

    fn seen_groups(&self) -> Vec<Group> {
        self.scenario
            .groups
            .iter()
            .map(|plan| {
                let is_fargate = plan.kind == GroupKind::FargateProfile;
                let mine = |node: &&(&NodeName, &SimNode)| node.1.group == plan.name && !is_fargate;
                let all: Vec<(&NodeName, &SimNode)> = self.nodes.iter().collect();
                Group {
                    name: plan.name.clone(),
                    uid: None,
                    kind: plan.kind,
                    min: plan.min,
                    max: plan.max,
                    desired: if is_fargate { 0 } else { self.living(&plan.name) },
                    launch: if is_fargate {
                        LaunchMode::None
                    } else {
                        LaunchMode::Direct
                    },
                    instances: all
                        .iter()
                        .filter(mine)
                        .map(|(name, node)| self.instance(name, node))
                        .collect(),
                    labels: plan.labels.clone(),
                    taints: plan.taints.clone(),
                    fargate_selectors: plan.selectors(),
                    foreign: None,
                    rolling: None,
                    options: plan.options.clone(),
                }
            })
            .collect()
    }

    fn instance(&self, name: &NodeName, node: &SimNode) -> Instance {
        let offer = self.scenario.offers.get(node.offer);
        Instance {
            id: InstanceId::new(name.as_str()),
            instance_type: offer.and_then(|o| o.instance_type().map(str::to_owned)),
            zone: offer.and_then(|o| o.zone().map(str::to_owned)),
            state: node.state,
            launched: Some(node.launched),
        }
    }

    fn seen_workloads(&self, usage: &BTreeMap<WorkloadKey, i64>, specs: &mut Specs) -> Vec<Workload> {
        let mut counts: BTreeMap<&WorkloadKey, (u32, u32)> = BTreeMap::new();
        for pod in self.pods.values().filter(|p| p.stays()) {
            let count = counts.entry(&pod.owner).or_default();
            count.0 += 1;
            count.1 += u32::from(pod.phase == PodPhase::Running);
        }
        let seen = |(key, owner): (&WorkloadKey, &Owner)| {
            let (there, ready) = counts.get(key).copied().unwrap_or_default();
            let cpu = usage.get(key).copied().unwrap_or(0) * i64::from(ready);
            let (replicas, generation, plan) = match &owner.kind {
                OwnerKind::Deployment {
                    plan,
                    replicas,
                    generation,
                } => (*replicas, *generation, self.scenario.workloads.get(*plan)),
                OwnerKind::Job { waiting } => {
                    let owed = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
                    (there.saturating_add(owed), 1, None)
                }
                OwnerKind::Daemon => (there, 1, None),
            };
            Workload {
                key: key.clone(),
                replicas,
                ready,
                template: Some(specs.number(self, owner.spec)),
                owned_by: plan.and_then(|p| p.hpa.clone()),
                annotations: plan.map(|p| p.annotations.clone()).unwrap_or_default(),
                generation,
                selector: LabelSelector::equal(&owner.pod.spec.labels),
                metrics: self.metrics(cpu, ready, plan),
            }
        };
        self.owners.iter().map(seen).collect()
    }

    /// Nothing is measured of pods where none is ready: missing, not zero. What the application tells is told all the
    /// same.
    fn metrics(&self, cpu: i64, ready: u32, plan: Option<&WorkloadPlan>) -> Vec<Metric> {
        let cpu = Metric {
            name: "cpu".to_owned(),
            milli: cpu.saturating_mul(1000),
            at: self.scraped(),
            pods: ready,
        };
        let told = plan.into_iter().flat_map(|plan| &plan.metrics);
        let told = told.map(|figure| Metric {
            name: figure.name.clone(),
            milli: figure.curve.value(self.scenario.start, self.scraped()),
            at: self.scraped(),
            pods: ready,
        });
        let measured = plan.filter(|_| ready > 0).map(|_| cpu);
        measured.into_iter().chain(told).collect()
    }

    fn seen_budgets(&self) -> Vec<DisruptionBudget> {
        let budget = |plan: &WorkloadPlan| {
            let spec = &plan.pod.spec;
            let owner = WorkloadKey::new("Deployment", &spec.namespace, &plan.name);
            let (wanted, healthy) = self.health(&owner)?;
            Some(DisruptionBudget {
                namespace: spec.namespace.clone(),
                name: plan.name.clone(),
                selector: LabelSelector::equal(&spec.labels),
                allowed: healthy.saturating_sub(wanted),
            })
        };
        self.scenario.workloads.iter().filter_map(budget).collect()
    }
}

/// Specs in use, numbered anew for one Snapshot.
#[derive(Default)]
struct Specs {
    list: Vec<Arc<model::PodSpec>>,
    numbers: BTreeMap<SpecIx, SpecIx>,
}

impl Specs {
    fn number(&mut self, state: &State, ix: SpecIx) -> SpecIx {
        *self.numbers.entry(ix).or_insert_with(|| {
            self.list.push(state.spec(ix));
            SpecIx::try_from(self.list.len() - 1).unwrap_or(SpecIx::MAX)
        })
    }
}

/// A source that cannot be read: nothing of it is shown, and it says so.
fn blank(seen: &mut Snapshot, source: Source) {
    seen.sources.insert(source, Freshness::Missing);
    match source {
        Source::Pods => seen.pods.clear(),
        Source::Nodes => seen.nodes.clear(),
        Source::Workloads => seen.workloads.clear(),
        Source::Budgets => seen.budgets.clear(),
        Source::Groups => {
            seen.groups.clear();
            seen.offers.clear();
        }
        Source::Offers => seen.offers.clear(),
        Source::Metrics => seen.workloads.iter_mut().for_each(|w| w.metrics.clear()),
        Source::Load => {
            seen.pods.iter_mut().for_each(|p| p.usage = None);
            seen.nodes.iter_mut().for_each(|n| n.usage = None);
        }
    }
}
