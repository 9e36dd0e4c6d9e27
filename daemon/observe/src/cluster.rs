//! The watched kinds of a cluster: where they are, and the small rows that are kept of them.
//!
//! Reading objects is the work of `manifest`; here is what is left out of them, what is kept once, and how careful
//! to be with an object that could be read in part only: it is left alone, and so is what it stands on. A tenant
//! writes these objects, so none of them says anything about the others. Not here: putting the rows together
//! (`eyes`).

use crate::allowance::{Allowance, Taken};
use crate::bulk;
use crate::health::worse;
use crate::load::Roll;
use crate::specs::Specs;
use crate::storage::Kinds;
use crate::table::{Key, Table};
use crate::watch::{RHYTHM, Resource, follow};
use kube::Client;
use manifest::{ClaimRef, Controller, PodObject, Problems, ScalerObject, Tree, WorkloadObject};
use model::ids::{NodeName, PodKey, WorkloadKey};
use model::node::Node;
use model::pod::{PodPhase, PodSpec, Unmodelled};
use model::selector::LabelSelector;
use model::snapshot::Freshness;
use model::time::Instant;
use model::workload::{DisruptionBudget, Workload};
use serde::Serialize;
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
    /// What it asks for, its claims left out. Its owner is the Deployment, once that is known.
    pub(crate) spec: Arc<PodSpec>,
    /// The ReplicaSet that made it.
    pub(crate) replica_set: Option<WorkloadKey>,
    pub(crate) claims: Box<[ClaimRef]>,
    pub(crate) node: Option<NodeName>,
    pub(crate) phase: PodPhase,
    pub(crate) created: Instant,
    pub(crate) nominated: Option<NodeName>,
    pub(crate) deletion_cost: i32,
    pub(crate) started: Option<Instant>,
    /// Read in part only: what it asks for is not known.
    pub(crate) in_part: bool,
    /// Room of its claims.
    _taken: Option<Taken>,
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
    /// Room of its annotations, its selector and its claims.
    _taken: Option<Taken>,
}

/// What is kept of a PodDisruptionBudget.
pub(crate) struct BudgetRow {
    /// `None`: one that covers nothing.
    pub(crate) budget: Option<DisruptionBudget>,
    _taken: Option<Taken>,
}

/// Copies of a row that every picture has for itself: the row, the picture that is being made, and the last one.
const COPIES: usize = 3;

/// All watched kinds.
pub(crate) struct Cluster {
    pub(crate) pods: Table<PodRow>,
    pub(crate) nodes: Table<Node>,
    /// In the order of `WORKLOADS`.
    pub(crate) workloads: Vec<Table<WorkloadRow>>,
    pub(crate) budgets: Table<BudgetRow>,
    /// In the order of `SCALERS`; `None`: one that names no target.
    pub(crate) scalers: Vec<Table<Option<ScalerObject>>>,
    pub(crate) storage: Kinds,
    pub(crate) specs: Arc<Specs>,
}

impl Cluster {
    /// Tables without rows, for as many bytes of labels and rules as this.
    pub(crate) fn unseen(bytes: usize) -> Self {
        let allowance = Allowance::new(bytes);
        let specs = Arc::new(Specs::new(allowance.clone()));
        let workloads = WORKLOADS.into_iter().map(|(kind, _)| {
            let (specs, room) = (specs.clone(), allowance.clone());
            let read = move |tree: &Tree| {
                let (object, problems) = manifest::workload_from(kind, tree);
                workload_row(object, unread(&problems), &specs, &room)
            };
            Table::new(kind, RHYTHM, Box::new(read)).within(&allowance)
        });
        let scalers = SCALERS.into_iter().map(|(kind, ..)| {
            let read = move |tree: &Tree| {
                let (scaler, problems) = manifest::scaler_from(kind, tree);
                (scaler, told(&problems))
            };
            Table::new(kind, RHYTHM, Box::new(read))
        });
        let (of_pods, room) = (specs.clone(), allowance.clone());
        let read_pod = move |tree: &Tree| {
            let (object, problems) = manifest::pod_from(tree);
            pod_row(object, unread(&problems), &of_pods, &room)
        };
        let room = allowance.clone();
        let read_budget = move |tree: &Tree| budget_row(tree, &room);
        Self {
            pods: Table::new("Pod", RHYTHM, Box::new(read_pod)).within(&allowance),
            nodes: Table::new("Node", RHYTHM, Box::new(read_node)),
            workloads: workloads.collect(),
            budgets: Table::new("PodDisruptionBudget", RHYTHM, Box::new(read_budget)).within(&allowance),
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

    /// Gives the pods of ReplicaSets to the Deployments (or Rollouts) behind them, as far as these are known, and back to
    /// the ReplicaSet where there is none any more. The spec takes the place of the one that it was: a namespace whose pods
    /// are all different would have each of them twice.
    pub(crate) fn settle_owners(&self) {
        // Pods of one ReplicaSet follow each other by name.
        let mut last: Option<(WorkloadKey, WorkloadKey)> = None;
        self.pods.with_each(|row| {
            let Some(set) = &row.replica_set else {
                return;
            };
            let owner = match &last {
                Some((same, owner)) if same == set => owner.clone(),
                _ => self.owner_of(set),
            };
            last = Some((set.clone(), owner.clone()));
            if row.spec.owner.as_ref() != Some(&owner) {
                let mut settled = PodSpec::clone(&row.spec);
                settled.owner = Some(owner);
                self.specs.put(&mut row.spec, settled);
            }
        });
    }

    fn owner_of(&self, set: &WorkloadKey) -> WorkloadKey {
        let key = (set.namespace.clone(), set.name.clone());
        let controller = self.controller_of_replica_set(&key);
        controller.map_or_else(
            || set.clone(),
            |controller| WorkloadKey::new(controller.kind, &set.namespace, controller.name),
        )
    }

    /// The controller of a ReplicaSet, where both are known.
    fn controller_of_replica_set(&self, key: &Key) -> Option<Controller> {
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

/// The same of a pod or a template, with what that makes of it.
fn unread(problems: &Problems) -> Option<Unread> {
    told(problems).map(|why| (Unmodelled::Unreadable, why))
}

/// What is missing of an object that is read in part.
type Unread = (Unmodelled, String);

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
fn budget_row(tree: &Tree, allowance: &Arc<Allowance>) -> (BudgetRow, Option<String>) {
    let (object, problems) = manifest::budget_from(tree);
    let (taken, unkept) = room_for(&object.namespace, &object.selector, allowance);
    let unread = told(&problems).or_else(|| unkept.map(|(_, why)| why));
    let (selector, allowed) = if unread.is_none() {
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
    (
        BudgetRow {
            budget,
            _taken: taken,
        },
        unread,
    )
}

/// A pod read in part is not moved, and refused while it waits.
fn pod_row(
    object: PodObject,
    unread: Option<Unread>,
    specs: &Specs,
    allowance: &Arc<Allowance>,
) -> (PodRow, Option<String>) {
    let (taken, unkept) = if object.claims.is_empty() {
        (None, None)
    } else {
        room_for(&object.spec.namespace, &object.claims, allowance)
    };
    let claims = if unkept.is_none() {
        object.claims
    } else {
        Vec::new()
    };
    let leave = |spec: &mut PodSpec, constraint| {
        spec.traits.do_not_disrupt = true;
        add(spec, constraint);
    };
    let (spec, unread) = kept(object.spec, unread.or(unkept), leave, specs);
    let row = PodRow {
        replica_set: spec.owner.clone().filter(|owner| &*owner.kind == "ReplicaSet"),
        spec,
        claims: claims.into(),
        node: object.node,
        phase: object.phase,
        created: object.created,
        nominated: object.nominated,
        deletion_cost: object.deletion_cost,
        started: object.started,
        in_part: unread.is_some(),
        _taken: taken,
    };
    (row, unread.map(|(_, why)| why))
}

/// A ReplicaSet's template is its Deployment's; it is not kept twice. Pods to come of a workload read in part
/// are refused; those of a DaemonSet come whether we can read it or not.
fn workload_row(
    object: WorkloadObject,
    unread: Option<Unread>,
    specs: &Specs,
    allowance: &Arc<Allowance>,
) -> (WorkloadRow, Option<String>) {
    let (mut workload, mut claims) = (object.workload, object.claims);
    let rules = (&workload.annotations, &workload.selector, &claims);
    let (taken, unkept) = room_for(&workload.key.namespace, &rules, allowance);
    if unkept.is_some() {
        workload.annotations.clear();
        workload.selector = LabelSelector::default();
        claims.clear();
    }
    let mut unread = unread.or(unkept);
    let own = object.controller.is_none() || &*workload.key.kind != "ReplicaSet";
    let is_daemon_set = workload.is_daemon_set();
    let leave = |spec: &mut PodSpec, constraint| {
        if !is_daemon_set {
            add(spec, constraint);
        }
    };
    let template = object.template.filter(|_| own).map(|spec| {
        let (spec, why) = kept(spec, unread.take(), leave, specs);
        unread = why;
        spec
    });
    let row = WorkloadRow {
        template,
        claims: claims.into(),
        workload,
        controller: object.controller,
        in_part: unread.is_some(),
        _taken: taken,
    };
    (row, unread.map(|(_, why)| why))
}

/// Room for what an object says beside its spec, or why it has none.
fn room_for(
    namespace: &str,
    rules: &impl Serialize,
    allowance: &Arc<Allowance>,
) -> (Option<Taken>, Option<Unread>) {
    let unkept = |why| (None, Some((Unmodelled::TooLarge, why)));
    if let Some(why) = bulk::too_large(rules) {
        return unkept(why);
    }
    match allowance.take(namespace, rules, COPIES) {
        Ok(taken) => (Some(taken), None),
        Err(why) => unkept(why),
    }
}

/// The spec as it is kept, and what is missing of it: what is marked is how careful one is to be with it then.
fn kept(
    mut spec: PodSpec,
    unread: Option<Unread>,
    mark: impl Fn(&mut PodSpec, Unmodelled),
    specs: &Specs,
) -> (Arc<PodSpec>, Option<Unread>) {
    if let Some((constraint, _)) = &unread {
        mark(&mut spec, *constraint);
    }
    let (spec, why) = match bulk::too_large(&spec) {
        Some(why) => (spec, why),
        None => match specs.keep(spec) {
            Ok(spec) => return (spec, unread),
            Err((spec, why)) => (*spec, why),
        },
    };
    let mut spec = bulk::cut(spec);
    mark(&mut spec, Unmodelled::TooLarge);
    (specs.intern(spec), unread.or(Some((Unmodelled::TooLarge, why))))
}

fn add(spec: &mut PodSpec, constraint: Unmodelled) {
    if !spec.unmodelled.contains(&constraint) {
        spec.unmodelled.push(constraint);
        spec.unmodelled.sort();
    }
}
