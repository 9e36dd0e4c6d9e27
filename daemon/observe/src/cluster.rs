//! The watched kinds of a cluster: where they are, and the small rows that are kept of them.
//!
//! Reading objects is the work of `manifest`; here is what is left out of them, what is kept once, and how careful
//! to be with an object that could be read in part only: it is left alone, and so is what it stands on. A tenant
//! writes these objects, so none of them says anything about the others. Not here: putting the rows together
//! (`eyes`).

use crate::bulk;
use crate::health::worse;
use crate::load::Roll;
use crate::specs::Specs;
use crate::storage::Kinds;
use crate::table::{Key, Table};
use crate::watch::{RHYTHM, Resource, follow};
use kube::Client;
use manifest::{ClaimRef, Controller, PodObject, Problems, ScalerObject, Tree, WorkloadObject};
use model::ids::{NodeName, PodKey};
use model::node::Node;
use model::pod::{PodPhase, PodSpec, Unmodelled};
use model::selector::LabelSelector;
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
    /// What it asks for, its claims left out.
    pub(crate) spec: Arc<PodSpec>,
    pub(crate) claims: Box<[ClaimRef]>,
    pub(crate) node: Option<NodeName>,
    pub(crate) phase: PodPhase,
    pub(crate) created: Instant,
    pub(crate) nominated: Option<NodeName>,
    pub(crate) deletion_cost: i32,
    pub(crate) started: Option<Instant>,
    /// Read in part only: what it asks for is not known.
    pub(crate) in_part: bool,
}

/// What is kept of a workload.
pub(crate) struct WorkloadRow {
    pub(crate) workload: Workload,
    /// What its next pod asks for, claims left out.
    pub(crate) template: Option<Arc<PodSpec>>,
    pub(crate) claims: Box<[ClaimRef]>,
    pub(crate) controller: Option<Controller>,
    /// Read in part only: its replicas are not ours to set.
    pub(crate) in_part: bool,
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
    pub(crate) storage: Kinds,
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
                let (mut object, problems) = manifest::workload_from(kind, tree);
                let cut = object.template.take().map(bulk::cut);
                let (template, large) = cut.map_or((None, None), |(template, large)| (Some(template), large));
                object.template = template;
                let in_part = large.or_else(|| told(&problems));
                (workload_row(object, in_part.is_some(), &specs), in_part)
            };
            Table::new(kind, RHYTHM, Box::new(read))
        });
        let scalers = SCALERS.into_iter().map(|(kind, ..)| {
            let read = move |tree: &Tree| {
                let (scaler, problems) = manifest::scaler_from(kind, tree);
                (scaler, told(&problems))
            };
            Table::new(kind, RHYTHM, Box::new(read))
        });
        let read_pod = move |tree: &Tree| {
            let (mut object, problems) = manifest::pod_from(tree);
            let (spec, large) = bulk::cut(object.spec);
            object.spec = spec;
            let in_part = large.or_else(|| told(&problems));
            (pod_row(object, in_part.is_some(), &of_pods), in_part)
        };
        Self {
            pods: Table::new("Pod", RHYTHM, Box::new(read_pod)),
            nodes: Table::new("Node", RHYTHM, Box::new(read_node)),
            workloads: workloads.collect(),
            budgets: Table::new("PodDisruptionBudget", RHYTHM, Box::new(read_budget)),
            scalers: scalers.collect(),
            storage: Kinds::unseen(),
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
        Kinds::follow(self, |all| &all.storage, client, tasks);
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
            && self.storage.is_complete()
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
        missing.extend(self.storage.missing());
        missing
    }

    /// The watches by name, with whether nothing has been heard of each for far longer than its rhythm.
    pub(crate) fn pulses(&self, now: std::time::Instant) -> Vec<(&'static str, bool)> {
        let ones = [
            self.pods.pulse(now),
            self.nodes.pulse(now),
            self.budgets.pulse(now),
        ];
        let workloads = self.workloads.iter().map(|table| table.pulse(now));
        let scalers = self.scalers.iter().map(|table| table.pulse(now));
        let all = ones.into_iter().chain(workloads).chain(scalers);
        all.chain(self.storage.pulses(now)).collect()
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

/// What could not be read, where there is anything.
fn told(problems: &Problems) -> Option<String> {
    (!problems.is_empty()).then(|| problems.to_string())
}

/// A node read in part takes no pods and is not taken away.
fn read_node(tree: &Tree) -> (Node, Option<String>) {
    let (object, problems) = manifest::node_from(tree);
    let mut node = object.node;
    if !problems.is_empty() {
        leave_alone(&mut node);
    }
    (node, told(&problems))
}

/// Neither takes this node pods in the picture, nor may it be disrupted.
pub(crate) const fn leave_alone(node: &mut Node) {
    (node.unschedulable, node.do_not_disrupt) = (true, true);
}

/// A budget without a status allows nothing yet: its controller has not counted. One read in part may cover any
/// pod of its namespace, and allows nothing.
fn read_budget(tree: &Tree) -> (Option<DisruptionBudget>, Option<String>) {
    let (object, problems) = manifest::budget_from(tree);
    let (selector, allowed) = if problems.is_empty() {
        (object.selector, object.allowed.unwrap_or(0))
    } else {
        (Some(LabelSelector::default()), 0)
    };
    let budget = selector.map(|selector| DisruptionBudget {
        namespace: object.namespace,
        name: object.name,
        selector,
        allowed,
    });
    (budget, told(&problems))
}

/// A pod read in part is not moved, and refused while it waits.
fn pod_row(object: PodObject, in_part: bool, specs: &Specs) -> PodRow {
    let mut spec = object.spec;
    if in_part {
        spec.traits.do_not_disrupt = true;
        add(&mut spec, Unmodelled::Unreadable);
    }
    PodRow {
        spec: specs.intern(spec),
        claims: object.claims.into(),
        node: object.node,
        phase: object.phase,
        created: object.created,
        nominated: object.nominated,
        deletion_cost: object.deletion_cost,
        started: object.started,
        in_part,
    }
}

/// A ReplicaSet's template is its Deployment's; it is not kept twice. Pods to come of a workload read in part
/// are refused; those of a DaemonSet come whether we can read it or not.
fn workload_row(object: WorkloadObject, in_part: bool, specs: &Specs) -> WorkloadRow {
    let own = object.controller.is_none() || &*object.workload.key.kind != "ReplicaSet";
    let template = object.template.filter(|_| own).map(|mut spec| {
        if in_part && !object.workload.is_daemon_set() {
            add(&mut spec, Unmodelled::Unreadable);
        }
        specs.intern(spec)
    });
    WorkloadRow {
        template,
        claims: object.claims.into(),
        workload: object.workload,
        controller: object.controller,
        in_part,
    }
}

fn add(spec: &mut PodSpec, constraint: Unmodelled) {
    if !spec.unmodelled.contains(&constraint) {
        spec.unmodelled.push(constraint);
        spec.unmodelled.sort();
    }
}
