//! The watched kinds of a cluster: where they are, and the small rows that are kept of them.
//!
//! Reading objects is the work of `manifest`; here is only what is left out of them and what is kept once.
//! Not here: putting the rows together (`eyes`).

use crate::health::worse;
use crate::load::Roll;
use crate::specs::Specs;
use crate::table::{Key, Table};
use crate::watch::{RHYTHM, Resource, follow};
use kube::Client;
use manifest::{Controller, PodObject, ScalerObject, Tree, WorkloadObject};
use model::ids::{NodeName, PodKey};
use model::node::Node;
use model::pod::{PodPhase, PodSpec, Unmodelled};
use model::snapshot::Freshness;
use model::time::Instant;
use model::workload::{DisruptionBudget, Workload};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Kinds with replicas or a template, by kind, path.
const WORKLOADS: [(&str, &str); 5] = [
    ("Deployment", "/apis/apps/v1/deployments"),
    ("StatefulSet", "/apis/apps/v1/statefulsets"),
    ("ReplicaSet", "/apis/apps/v1/replicasets"),
    ("DaemonSet", "/apis/apps/v1/daemonsets"),
    ("Job", "/apis/batch/v1/jobs"),
];

/// Kinds that set the replicas of others: kind, path, whether they may be unknown to the server.
const SCALERS: [(&str, &str, bool); 2] = [
    (
        "HorizontalPodAutoscaler",
        "/apis/autoscaling/v2/horizontalpodautoscalers",
        false,
    ),
    ("ScaledObject", "/apis/keda.sh/v1alpha1/scaledobjects", true),
];

/// What is kept of a pod; its key is that of the table.
pub(crate) struct PodRow {
    pub(crate) spec: Arc<PodSpec>,
    pub(crate) node: Option<NodeName>,
    pub(crate) phase: PodPhase,
    pub(crate) created: Instant,
    pub(crate) nominated: Option<NodeName>,
}

/// What is kept of a workload.
pub(crate) struct WorkloadRow {
    pub(crate) workload: Workload,
    pub(crate) template: Option<Arc<PodSpec>>,
    pub(crate) controller: Option<Controller>,
}

/// All watched kinds.
pub(crate) struct Cluster {
    pub(crate) pods: Table<PodRow>,
    pub(crate) nodes: Table<Node>,
    /// In the order of `WORKLOADS`.
    pub(crate) workloads: Vec<Table<WorkloadRow>>,
    /// `None`: a budget that covers nothing.
    pub(crate) budgets: Table<Option<DisruptionBudget>>,
    /// In the order of `SCALERS`; `None`: one that names no target.
    pub(crate) scalers: Vec<Table<Option<ScalerObject>>>,
    pub(crate) specs: Arc<Specs>,
}

impl Cluster {
    /// Tables without rows.
    pub(crate) fn unseen() -> Self {
        let specs = Arc::new(Specs::default());
        let (of_pods, of_workloads) = (specs.clone(), specs.clone());
        let workloads = WORKLOADS.into_iter().map(move |(kind, _)| {
            let specs = of_workloads.clone();
            let read = move |tree: &Tree| {
                let object = manifest::workload_from(kind, tree).map_err(|problems| problems.to_string())?;
                Ok(workload_row(object, &specs))
            };
            Table::new(kind, RHYTHM, Box::new(read))
        });
        let scalers = SCALERS.into_iter().map(|(kind, ..)| {
            let read =
                move |tree: &Tree| manifest::scaler_from(kind, tree).map_err(|problems| problems.to_string());
            Table::new(kind, RHYTHM, Box::new(read))
        });
        let read_pod = move |tree: &Tree| {
            let object = manifest::pod_from(tree).map_err(|problems| problems.to_string())?;
            Ok(pod_row(object, &of_pods))
        };
        Self {
            pods: Table::new("Pod", RHYTHM, Box::new(read_pod)),
            nodes: Table::new("Node", RHYTHM, Box::new(read_node)),
            workloads: workloads.collect(),
            budgets: Table::new("PodDisruptionBudget", RHYTHM, Box::new(read_budget)),
            scalers: scalers.collect(),
            specs,
        }
    }

    /// Follows every kind until the set is dropped.
    pub(crate) fn follow(self: &Arc<Self>, client: &Client, tasks: &mut JoinSet<()>) {
        let required = |path| Resource {
            path,
            optional: false,
        };
        let (all, to) = (self.clone(), client.clone());
        tasks.spawn(async move { follow(to, required("/api/v1/pods"), &all.pods).await });
        let (all, to) = (self.clone(), client.clone());
        tasks.spawn(async move { follow(to, required("/api/v1/nodes"), &all.nodes).await });
        let (all, to) = (self.clone(), client.clone());
        let budgets = required("/apis/policy/v1/poddisruptionbudgets");
        tasks.spawn(async move { follow(to, budgets, &all.budgets).await });
        for (ix, (_, path)) in WORKLOADS.into_iter().enumerate() {
            let (all, to) = (self.clone(), client.clone());
            tasks.spawn(async move {
                if let Some(table) = all.workloads.get(ix) {
                    follow(to, required(path), table).await;
                }
            });
        }
        for (ix, (_, path, optional)) in SCALERS.into_iter().enumerate() {
            let (all, to) = (self.clone(), client.clone());
            tasks.spawn(async move {
                if let Some(table) = all.scalers.get(ix) {
                    follow(to, Resource { path, optional }, table).await;
                }
            });
        }
    }

    /// The worst of the workloads and of those that scale them: without the latter nobody knows whose replicas
    /// they are.
    pub(crate) fn workloads_freshness(&self) -> Freshness {
        let workloads = self.workloads.iter().map(Table::freshness);
        let scalers = self.scalers.iter().map(Table::freshness);
        workloads.chain(scalers).fold(Freshness::Live, worse)
    }

    /// Whether every kind has been seen completely once.
    pub(crate) fn is_complete(&self) -> bool {
        self.pods.is_complete()
            && self.nodes.is_complete()
            && self.budgets.is_complete()
            && self.workloads.iter().all(Table::is_complete)
            && self.scalers.iter().all(Table::is_complete)
    }

    /// Kinds that have never been seen completely, with what broke them last.
    pub(crate) fn missing(&self) -> Vec<(&'static str, String)> {
        let mut missing = Vec::new();
        let mut check = |name, complete: bool, trouble: String| {
            if !complete {
                missing.push((name, trouble));
            }
        };
        check(self.pods.name, self.pods.is_complete(), self.pods.trouble());
        check(self.nodes.name, self.nodes.is_complete(), self.nodes.trouble());
        check(
            self.budgets.name,
            self.budgets.is_complete(),
            self.budgets.trouble(),
        );
        for table in &self.workloads {
            check(table.name, table.is_complete(), table.trouble());
        }
        for table in &self.scalers {
            check(table.name, table.is_complete(), table.trouble());
        }
        missing
    }

    /// The controller of a ReplicaSet, where both are known.
    pub(crate) fn controller_of_replica_set(&self, key: &Key) -> Option<Controller> {
        let ix = WORKLOADS.iter().position(|(kind, _)| *kind == "ReplicaSet")?;
        let sets = self.workloads.get(ix)?;
        sets.with(|rows| rows.get(key)?.controller.clone())
    }
}

impl Roll for Cluster {
    fn nodes(&self) -> Option<Vec<NodeName>> {
        if !self.nodes.is_complete() {
            return None;
        }
        // A virtual node for one Fargate pod answers too, through its own kubelet.
        let names =
            |rows: &std::collections::BTreeMap<Key, Node>| rows.values().map(|n| n.name.clone()).collect();
        Some(self.nodes.with(names))
    }

    fn node_of(&self, pod: &PodKey) -> Option<NodeName> {
        let key = (pod.namespace.clone(), pod.name.clone());
        self.pods.with(|rows| rows.get(&key)?.node.clone())
    }
}

fn read_node(tree: &Tree) -> Result<Node, String> {
    let object = manifest::node_from(tree).map_err(|problems| problems.to_string())?;
    Ok(object.node)
}

/// A budget without a status allows nothing yet: its controller has not counted.
fn read_budget(tree: &Tree) -> Result<Option<DisruptionBudget>, String> {
    let object = manifest::budget_from(tree).map_err(|problems| problems.to_string())?;
    Ok(object.selector.map(|selector| DisruptionBudget {
        namespace: object.namespace,
        name: object.name,
        selector,
        allowed: object.allowed.unwrap_or(0),
    }))
}

fn pod_row(object: PodObject, specs: &Specs) -> PodRow {
    PodRow {
        spec: specs.intern(with_claims(object.spec, !object.claims.is_empty())),
        node: object.node,
        phase: object.phase,
        created: object.created,
        nominated: object.nominated,
    }
}

/// A ReplicaSet's template is its Deployment's; it is not kept twice.
fn workload_row(object: WorkloadObject, specs: &Specs) -> WorkloadRow {
    let own = object.controller.is_none() || &*object.workload.key.kind != "ReplicaSet";
    let claims = object.claim_templates || !object.claims.is_empty();
    WorkloadRow {
        template: object
            .template
            .filter(|_| own)
            .map(|spec| specs.intern(with_claims(spec, claims))),
        workload: object.workload,
        controller: object.controller,
    }
}

/// Volumes are not watched, so every claim counts as tied to a place.
fn with_claims(mut spec: PodSpec, claims: bool) -> PodSpec {
    if claims && !spec.unmodelled.contains(&Unmodelled::VolumeClaim) {
        spec.unmodelled.push(Unmodelled::VolumeClaim);
        spec.unmodelled.sort();
    }
    spec
}
