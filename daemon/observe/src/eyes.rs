//! Eyes on a live cluster: what the watches, the load and the provider tell, put together into one Snapshot.
//!
//! A look takes what is there and waits for nobody but the provider; how old each part is stands beside it.
//! Left to the cycle: the number and seed of the cycle, and the Ledger. Not here: any decision.

use crate::allowance;
use crate::capacity::{Capacity, Provider, WorkloadMetric};
use crate::cluster::{Cluster, PodRow, WorkloadRow, leave_alone};
use crate::health::worse;
use crate::identity::{self, Identity};
use crate::load::{self, LOAD_INTERVAL, Load, LoadSource, wall_clock};
use crate::membership;
use crate::others::{self, Others};
use crate::pulse::Pulse;
use crate::specs::Numbering;
use crate::storage::{self, Tied};
use crate::table::Key;
use kube::Client;
use manifest::Storage;
use model::ids::{NodeName, PodKey, WorkloadKey};
use model::node::Node;
use model::observe::{Observe, ObserveError};
use model::pod::{Pod, PodPhase, Usage};
use model::snapshot::{Freshness, Snapshot, Source};
use model::time::Instant;
use model::workload::{Metric, Workload};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How often `connect` looks whether the first lists are in.
const GLANCE: Duration = Duration::from_millis(20);

/// Who owns the replicas of a workload that could be read in part only.
const IN_PART: &str = "its own object, which could not be read";

/// What eyes need.
pub struct EyesConfig {
    /// Kubernetes, see `client`.
    pub client: Client,
    /// Name of the cluster, as Snapshots carry it.
    pub cluster: String,
    /// The pod this daemon runs in, where it runs in one: its node is `Snapshot::own_node`.
    pub own_pod: Option<PodKey>,
    /// The node this daemon runs on, where that is known by name; wins over `own_pod`.
    pub own_node: Option<NodeName>,
    /// Where load is read.
    pub load: LoadSource,
    /// From one reading of load to the next.
    pub load_every: Duration,
    /// Whose groups and offers there are.
    pub provider: Provider,
    /// How long `connect` waits for the first complete lists.
    pub patience: Duration,
    /// Most bytes of labels and rules of pods, workloads and budgets that are kept.
    pub bytes: usize,
}

impl EyesConfig {
    /// The usual settings: load from kubelets, 10 s of patience, not in a pod.
    pub fn new(client: Client, cluster: &str, provider: Provider) -> Self {
        Self {
            client,
            cluster: cluster.to_owned(),
            own_pod: None,
            own_node: None,
            load: LoadSource::default(),
            load_every: LOAD_INTERVAL,
            provider,
            patience: Duration::from_secs(10),
            bytes: allowance::BYTES,
        }
    }
}

/// Eyes on a live cluster; the watches end when they are dropped.
pub struct Eyes {
    cluster: Arc<Cluster>,
    load: Arc<Load>,
    others: Arc<Others>,
    identity: Arc<Identity>,
    provider: Provider,
    name: String,
    own_pod: Option<PodKey>,
    own_node: Option<NodeName>,
    _tasks: JoinSet<()>,
}

impl Eyes {
    /// Starts the watches and waits until every kind has been seen once, at most `patience`. What is missing then
    /// is marked missing in the looks and goes on being tried; an error only when nothing at all was seen.
    pub async fn connect(config: EyesConfig) -> Result<Self, ObserveError> {
        let mut tasks = JoinSet::new();
        let cluster = Arc::new(Cluster::unseen(config.bytes));
        cluster.follow(&config.client, &mut tasks);
        let load = Arc::new(Load::new(config.load_every));
        let others = Arc::new(Others::default());
        let (all, to) = (others.clone(), config.client.clone());
        tasks.spawn(async move { others::follow(to, &all).await });
        let identity = Arc::new(Identity::default());
        let (known, to) = (identity.clone(), config.client.clone());
        tasks.spawn(async move { identity::follow(to, &known).await });
        let (all, to, roll) = (load.clone(), config.client, cluster.clone());
        let source = config.load;
        tasks.spawn(async move { load::follow(to, source, &all, &*roll).await });
        let began = tokio::time::Instant::now();
        let is_known = || cluster.is_complete() && identity.is_told();
        while !is_known() && began.elapsed() < config.patience {
            sleep(GLANCE).await;
        }
        if let Some((name, trouble)) = cluster.missing().first() {
            tracing::warn!(kind = name, why = %trouble, "not seen yet");
            if !cluster.pods.is_complete() && !cluster.nodes.is_complete() && !config.patience.is_zero() {
                return Err(ObserveError::Unreachable {
                    source_name: "Kubernetes API server".to_owned(),
                    why: trouble.clone(),
                });
            }
        }
        Ok(Self {
            cluster,
            load,
            others,
            identity,
            provider: config.provider,
            name: config.cluster,
            own_pod: config.own_pod,
            own_node: config.own_node,
            _tasks: tasks,
        })
    }

    /// Whether its watches live, for whoever can begin them anew; it outlives the eyes.
    pub fn pulse(&self) -> Pulse {
        Pulse::of(self.cluster.clone())
    }

    fn own_node(&self) -> Option<NodeName> {
        let own_pod = self.own_pod.as_ref();
        let by_pod = || {
            let key = (own_pod?.namespace.clone(), own_pod?.name.clone());
            self.cluster.pods.with(|rows| rows.get(&key)?.node.clone())
        };
        self.own_node.clone().or_else(by_pod)
    }

    fn sources(&self, capacity: &Capacity) -> BTreeMap<Source, Freshness> {
        let nodes = self.cluster.nodes.freshness();
        let mut sources = capacity.sources.clone();
        if matches!(self.provider, Provider::Kwok(_)) {
            // Its groups are the nodes that were seen.
            let groups = sources.entry(Source::Groups).or_insert(Freshness::Missing);
            *groups = worse(*groups, nodes);
        }
        sources.extend([
            // Where pods may go is as old as what is known of their volumes.
            (
                Source::Pods,
                worse(self.cluster.pods.freshness(), self.cluster.storage.freshness()),
            ),
            (Source::Nodes, nodes),
            (Source::Workloads, self.cluster.workloads_freshness()),
            (Source::Budgets, self.cluster.budgets.freshness()),
            (Source::Load, self.load.freshness()),
        ]);
        sources
    }

    /// All rows, read in one go after the provider has answered: a cloud that takes its time leaves no gap
    /// between them. Ages come first, so that no row is older than its source says.
    fn picture(&self, at: Instant, capacity: Capacity) -> Snapshot {
        let sources = self.sources(&capacity);
        let (load_of_nodes, load_of_pods) = self.load.values(at);
        let mut snapshot = Snapshot {
            at,
            cluster: self.name.clone(),
            cluster_uid: self.identity.uid(),
            sources,
            nodes: nodes(&self.cluster, &load_of_nodes),
            own_node: self.own_node(),
            autoscalers: self.others.known(),
            ..Snapshot::default()
        };
        membership::assign(&mut snapshot.nodes, &capacity);
        let storage = known_storage(&self.cluster);
        self.cluster.settle_owners();
        let mut tied = Tied::new(storage.as_ref(), &self.cluster.specs);
        let mut numbering = Numbering::default();
        snapshot.pods = pods(&self.cluster, &load_of_pods, (&mut numbering, &mut tied));
        let sums = sums(&snapshot.pods, &numbering);
        snapshot.workloads = workloads(&self.cluster, (&mut numbering, &mut tied));
        attach(&mut snapshot.workloads, sums, capacity.metrics);
        snapshot.budgets = self
            .cluster
            .budgets
            .with(|rows| rows.values().filter_map(|row| row.budget.clone()).collect());
        snapshot.specs = numbering.into_specs();
        snapshot.groups = capacity.groups;
        snapshot.short = capacity.short;
        snapshot.notices = capacity.notices;
        snapshot.prices = capacity.prices;
        snapshot.offers = capacity.offers;
        if let Some(storage) = &storage {
            manifest::limit_volumes(&mut snapshot, storage.limits());
        }
        snapshot.sort();
        self.cluster.specs.forget_unused();
        snapshot
    }
}

impl Observe for Eyes {
    /// The time of the picture is taken before anything is read: nothing in it looks younger than it is.
    async fn look(&mut self) -> Result<Snapshot, ObserveError> {
        let at = wall_clock();
        let nodes = nodes(&self.cluster, &BTreeMap::new());
        let capacity = self.provider.capacity(at, &nodes).await;
        Ok(self.picture(at, capacity))
    }
}

/// Nodes as they stand. What a pod read in part takes of its node is not known: that node is left alone.
fn nodes(cluster: &Cluster, load: &BTreeMap<NodeName, Usage>) -> Vec<Node> {
    let in_doubt: BTreeSet<NodeName> = cluster.pods.with(|rows| {
        let in_part = rows.values().filter(|row| row.in_part);
        in_part.filter_map(|row| row.node.clone()).collect()
    });
    let mut nodes: Vec<Node> = cluster.nodes.with(|rows| rows.values().cloned().collect());
    for node in &mut nodes {
        node.usage = load.get(&node.name).copied();
        if in_doubt.contains(&node.name) {
            leave_alone(node);
        }
    }
    nodes
}

/// What is known of volumes, with the pods that have claims noted; `None` where that is not all there is.
fn known_storage(cluster: &Cluster) -> Option<Storage> {
    let mut known = cluster.storage.read()?;
    cluster.pods.with(|rows| {
        let living = rows.iter().filter(|(_, row)| row.phase != PodPhase::Finished);
        storage::note(
            &mut known,
            living.map(|(key, row)| (key, row.node.is_none(), &*row.claims)),
        );
    });
    Some(known)
}

fn pods(
    cluster: &Cluster,
    load: &BTreeMap<PodKey, Usage>,
    (numbering, tied): (&mut Numbering, &mut Tied<'_>),
) -> Vec<Pod> {
    let mut row = |(namespace, name): &Key, row: &PodRow| {
        let key = PodKey {
            namespace: namespace.clone(),
            name: name.clone(),
        };
        let spec = tied.spec(&row.spec, (namespace, Some(name)), &row.claims);
        Pod {
            spec: numbering.number(&spec),
            node: row.node.clone(),
            phase: row.phase,
            created: row.created,
            usage: load.get(&key).copied(),
            nominated: row.nominated.clone(),
            deletion_cost: row.deletion_cost,
            started: row.started,
            key,
        }
    };
    cluster
        .pods
        .with(|rows| rows.iter().map(|(key, pod)| row(key, pod)).collect())
}

fn workloads(cluster: &Cluster, (numbering, tied): (&mut Numbering, &mut Tied<'_>)) -> Vec<Workload> {
    let mut scaled_by = BTreeMap::new();
    for table in &cluster.scalers {
        table.with(|rows| {
            for scaler in rows.values().flatten() {
                scaled_by.insert(scaler.target.clone(), scaler.by.clone());
            }
        });
    }
    let owner = |row: &WorkloadRow| {
        let scaler = scaled_by.get(&row.workload.key).cloned();
        scaler.or_else(|| row.in_part.then(|| IN_PART.to_owned()))
    };
    let mut template = |row: &WorkloadRow| {
        let namespace = &row.workload.key.namespace;
        let spec = tied.spec(row.template.as_ref()?, (namespace, None), &row.claims);
        Some(numbering.number(&spec))
    };
    let mut workloads = Vec::new();
    for table in &cluster.workloads {
        table.with(|rows| {
            // A ReplicaSet of a Deployment is the Deployment's.
            let own = rows
                .values()
                .filter(|row| row.controller.is_none() || &*row.workload.key.kind != "ReplicaSet");
            workloads.extend(own.map(|row| Workload {
                template: template(row),
                owned_by: owner(row),
                ..row.workload.clone()
            }));
        });
    }
    workloads
}

/// Load of a workload's pods, summed.
#[derive(Clone, Copy)]
struct Sum {
    cpu_milli: i64,
    memory_bytes: i64,
    oldest: Instant,
    pods: u32,
}

/// Sums of all pods that run and have a value, by owner. A pod without one does not count as zero: it does not
/// count, and the number of pods tells.
fn sums(pods: &[Pod], numbering: &Numbering) -> BTreeMap<WorkloadKey, Sum> {
    let mut sums: BTreeMap<WorkloadKey, Sum> = BTreeMap::new();
    for pod in pods {
        let running = matches!(pod.phase, PodPhase::Starting | PodPhase::Running);
        let owner = numbering.get(pod.spec).and_then(|spec| spec.owner.as_ref());
        let (Some(usage), Some(owner), true) = (pod.usage, owner, running) else {
            continue;
        };
        let none = Sum {
            cpu_milli: 0,
            memory_bytes: 0,
            oldest: usage.at,
            pods: 0,
        };
        let sum = match sums.get_mut(owner) {
            Some(sum) => sum,
            None => sums.entry(owner.clone()).or_insert(none),
        };
        sum.cpu_milli = sum.cpu_milli.saturating_add(usage.cpu_milli);
        sum.memory_bytes = sum.memory_bytes.saturating_add(usage.memory_bytes);
        sum.oldest = sum.oldest.min(usage.at);
        sum.pods += 1;
    }
    sums
}

/// Puts the figures to their workloads: `cpu` and `memory` from the pods, others as the provider tells them.
fn attach(workloads: &mut [Workload], sums: BTreeMap<WorkloadKey, Sum>, told: Vec<WorkloadMetric>) {
    let mut figures: BTreeMap<WorkloadKey, Vec<Metric>> = BTreeMap::new();
    for (key, sum) in sums {
        let figure = |name: &str, amount: i64| Metric {
            name: name.to_owned(),
            milli: amount.saturating_mul(1000),
            at: sum.oldest,
            pods: sum.pods,
        };
        let both = vec![figure("cpu", sum.cpu_milli), figure("memory", sum.memory_bytes)];
        figures.insert(key, both);
    }
    for row in told {
        figures.entry(row.workload).or_default().push(row.metric);
    }
    for workload in workloads {
        workload.metrics = figures.remove(&workload.key).unwrap_or_default();
        workload.metrics.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

#[cfg(test)]
mod tests;
