//! A small cluster in memory: Nodes that appear where the façade's machines join, pods of owners, the Eviction API.
//!
//! Not here: the cloud (`sim_aws`), the scheduler (`scheduler`), what controllers see of it (`picture`), who acts, and
//! what is a failure (`referee`).

use model::pod::{PodPhase, Taint, TaintEffect};
use model::selector::Labels;
use model::{InstanceId, Instant, NodeName, Outcome, PodKey, Resources, Span, WorkloadKey};
use sim_aws::catalogue::Types;
use sim_aws::{Account, Machine};
use std::collections::{BTreeMap, BTreeSet};

/// The API server calls a node NotReady this long after its kubelet fell silent (node-monitor-grace-period).
const SILENT: Span = Span::from_secs(40);
/// The cloud controller deletes the Node of an instance that is gone about this long after it ended.
const DELETED: Span = Span::from_secs(90);
/// Pods of a node that is NotReady are deleted after this (`tolerationSeconds` that every pod is given).
const TOLERATED: Span = Span::from_secs(300);
/// From bound to Running.
const STARTS: Span = Span::from_secs(5);
/// Namespace of everything.
pub(crate) const SPACE: &str = "default";

/// Who owns pods, and what each asks for.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// Name of the Deployment.
    pub(crate) name: String,
    /// Pods wanted.
    pub(crate) replicas: u32,
    /// Millicores of one.
    pub(crate) cpu_milli: i64,
    /// Memory of one.
    pub(crate) memory_mib: i64,
    /// Node label that it selects, where it selects one.
    pub(crate) selects: Option<(String, String)>,
    /// Key of a taint that its pods tolerate.
    pub(crate) tolerates: Option<String>,
    /// Its pods want a node each.
    pub(crate) apart: bool,
    /// EKS' webhook gives its pods to Fargate.
    pub(crate) fargate: bool,
    /// Pods that may be missing at once (a budget's `maxUnavailable`); `None`: no budget.
    pub(crate) spare: Option<u32>,
    /// Millicores that all its pods use together; `None`: nine tenths of what they ask for.
    pub(crate) work: Option<i64>,
    /// Value of the metric `queue`, in whole messages; `None`: it has none.
    pub(crate) queue: Option<i64>,
}

impl Owner {
    /// So many pods of 900 millicores, of which an m5.large holds two.
    pub(crate) fn of(name: &str, replicas: u32) -> Self {
        Self {
            name: name.to_owned(),
            replicas,
            cpu_milli: 900,
            memory_mib: 256,
            selects: None,
            tolerates: None,
            apart: false,
            fargate: false,
            spare: None,
            work: None,
            queue: None,
        }
    }

    /// The Deployment.
    pub(crate) fn key(&self) -> WorkloadKey {
        WorkloadKey::new("Deployment", SPACE, &self.name)
    }
}

/// What a controller does not see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cover {
    /// Pods that are not shown, in thousandths; the first by name are.
    pub(crate) pods_hidden_permille: u32,
    /// The watch says itself that its list is not complete.
    pub(crate) admitted: bool,
    /// Application metrics are not told.
    pub(crate) metrics_gone: bool,
}

/// A node of the model.
#[derive(Clone, Debug)]
pub(crate) struct ModelNode {
    /// Its instance.
    pub(crate) instance: String,
    /// Launch template's version that it was made from.
    pub(crate) version: usize,
    /// Cordoned.
    pub(crate) cordoned: bool,
    pub(crate) draining: bool,
    pub(crate) labels: Labels,
    /// That it registered with.
    pub(crate) taints: Vec<Taint>,
    pub(crate) allocatable: Resources,
    pub(crate) max_pods: u32,
    pub(crate) created: Instant,
    /// Since when its machine is no more.
    pub(crate) silent: Option<Instant>,
}

impl ModelNode {
    /// Name of its group; empty where it has none.
    pub(crate) fn group(&self) -> &str {
        self.labels.get("group").map_or("", String::as_str)
    }
}

/// A pod of the model.
#[derive(Clone, Debug)]
pub(crate) struct ModelPod {
    /// Whose: a place in the list of owners.
    pub(crate) owner: usize,
    /// Where it is bound.
    pub(crate) node: Option<String>,
    pub(crate) created: Instant,
    pub(crate) bound: Option<Instant>,
    pub(crate) nominated: Option<NodeName>,
    /// Deleted, on a node whose kubelet will never say that it has ended.
    pub(crate) leaving: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// The present instant.
    pub(crate) now: Instant,
    /// By name.
    pub(crate) nodes: BTreeMap<String, ModelNode>,
    /// By name.
    pub(crate) pods: BTreeMap<String, ModelPod>,
    /// In no order.
    pub(crate) owners: Vec<Owner>,
    /// What controllers do not see at present.
    pub(crate) cover: Cover,
    /// Node that the controller itself runs on.
    pub(crate) own_node: Option<String>,
    /// Pods moved by the Eviction API so far.
    pub(crate) evictions: u32,
    /// Pods that were bound to a node that was deleted, or whose machine ended, under them.
    pub(crate) lost: u32,
    /// What new nodes have of the type's usual CPU, in thousandths.
    pub(crate) room_permille: i64,
    /// The scheduler takes the emptiest node, as kube-scheduler does by default, else the first that has room.
    pub(crate) spreads: bool,
    /// A finalizer keeps the Nodes of instances that are gone.
    pub(crate) keeps_nodes: bool,
    serial: u32,
}

impl Cluster {
    /// One without nodes.
    pub(crate) fn new(now: Instant, owners: Vec<Owner>) -> Self {
        Self {
            now,
            nodes: BTreeMap::new(),
            pods: BTreeMap::new(),
            owners,
            cover: Cover::default(),
            own_node: None,
            evictions: 0,
            lost: 0,
            room_permille: 1000,
            spreads: false,
            keeps_nodes: false,
            serial: 0,
        }
    }

    /// Lets the cluster follow the machines of the account as they are now.
    pub(crate) fn follow(&mut self, account: &Account, types: &Types) {
        let (now, machines) = (account.now(), &account.machines);
        self.now = now;
        for machine in machines.values().filter(|m| m.joined && m.lives()) {
            if !self.nodes.contains_key(&machine.dns)
                && let Some(mut node) = self.node_of(machine, types)
            {
                registers(&mut node, machine, account);
                self.nodes.insert(machine.dns.clone(), node);
            }
        }
        for node in self.nodes.values_mut() {
            if !machines.get(&node.instance).is_some_and(Machine::lives) {
                node.silent = node.silent.or(Some(now));
            }
        }
        let deleted = |node: &ModelNode| node.silent.is_some_and(|since| now.since(since) >= DELETED);
        if !self.keeps_nodes {
            self.nodes.retain(|_, node| !deleted(node));
        }
        self.give_up_on_silent_nodes();
        self.settle();
    }

    /// What the node lifecycle controller does with pods that tolerate a silent node no longer.
    fn give_up_on_silent_nodes(&mut self) {
        let (now, nodes) = (self.now, &self.nodes);
        let is_over = |since: Instant| now.since(since) >= SILENT + TOLERATED;
        for pod in self.pods.values_mut() {
            let node = pod.node.as_ref().and_then(|name| nodes.get(name));
            pod.leaving |= node.and_then(|node| node.silent).is_some_and(is_over);
        }
    }

    fn node_of(&self, machine: &Machine, types: &Types) -> Option<ModelNode> {
        let info = types.get(&machine.instance_type)?;
        let pods = manifest::max_pods(i64::from(info.interfaces), i64::from(info.addresses));
        let memory = i64::try_from(info.memory_mib).unwrap_or(i64::MAX);
        let arch = if info.arch == "arm64" { "arm64" } else { "amd64" };
        let mut allocatable = manifest::usual_allocatable(i64::from(info.vcpu), memory, arch, pods);
        allocatable.cpu_milli = allocatable.cpu_milli * self.room_permille / 1000;
        let group = machine.group.clone().unwrap_or_default();
        let purchase = if machine.spot { "spot" } else { "on-demand" };
        let labels = [
            ("kubernetes.io/hostname", machine.dns.as_str()),
            ("kubernetes.io/arch", arch),
            ("kubernetes.io/os", "linux"),
            ("node.kubernetes.io/instance-type", &machine.instance_type),
            ("topology.kubernetes.io/zone", &machine.zone),
            ("plimsoll.io/purchase", purchase),
            ("group", &group),
        ];
        Some(ModelNode {
            instance: machine.id.clone(),
            version: machine.template.1,
            cordoned: false,
            draining: false,
            labels: labels
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            taints: Vec::new(),
            allocatable,
            max_pods: u32::try_from(pods).unwrap_or(0),
            created: self.now,
            silent: None,
        })
    }

    /// Makes the nodes that are there a day old.
    pub(crate) fn age(&mut self) {
        for node in self.nodes.values_mut() {
            node.created = self.now - Span::from_secs(86_400);
        }
    }

    /// Owners make and delete pods, the scheduler binds.
    pub(crate) fn settle(&mut self) {
        let there: BTreeSet<&String> = self.nodes.keys().collect();
        let owners = &self.owners;
        let homeless = |pod: &ModelPod| {
            let lost = pod.node.as_ref().is_some_and(|node| !there.contains(node));
            lost && !owners[pod.owner].fargate
        };
        self.pods.retain(|_, pod| !homeless(pod));
        for owner in 0..self.owners.len() {
            let wanted = self.owners[owner].replicas as usize;
            let mut own: Vec<String> = self.pods_of(owner).cloned().collect();
            // Waiting pods go first, then the youngest.
            own.sort_by_key(|name| {
                let bound = self.pods[name].bound;
                (bound.is_some(), std::cmp::Reverse(bound), name.clone())
            });
            for name in own.iter().take(own.len().saturating_sub(wanted)) {
                self.pods.remove(name);
            }
            for _ in own.len()..wanted {
                self.create(owner, None);
            }
        }
        self.schedule();
    }

    fn create(&mut self, owner: usize, node: Option<String>) {
        self.serial += 1;
        let name = format!("{}-{:05}", self.owners[owner].name, self.serial);
        let pod = ModelPod {
            owner,
            bound: node.as_ref().map(|_| self.now),
            node,
            created: self.now,
            nominated: None,
            leaving: false,
        };
        self.pods.insert(name, pod);
    }

    /// Names of an owner's pods that are not deleted.
    pub(crate) fn pods_of(&self, owner: usize) -> impl Iterator<Item = &String> {
        self.pods
            .iter()
            .filter(move |(_, pod)| pod.owner == owner && !pod.leaving)
            .map(|(name, _)| name)
    }

    /// Names of the pods on a node.
    pub(crate) fn pods_on(&self, node: &str) -> Vec<String> {
        let on = self
            .pods
            .iter()
            .filter(|(_, pod)| pod.node.as_deref() == Some(node));
        on.map(|(name, _)| name.clone()).collect()
    }

    /// Pods that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.pods.values().filter(|pod| pod.node.is_none()).count()
    }

    /// Pods that are bound to a node whose machine lives, or to Fargate.
    pub(crate) fn served(&self) -> usize {
        let lives = |pod: &&ModelPod| {
            let node = pod.node.as_ref().and_then(|name| self.nodes.get(name));
            let on_fargate = pod.node.is_some() && self.owners[pod.owner].fargate;
            on_fargate || node.is_some_and(|node| node.silent.is_none())
        };
        self.pods.values().filter(lives).count()
    }

    /// Whether the API server shows the node as Ready.
    pub(crate) fn is_ready(&self, node: &ModelNode) -> bool {
        node.silent.is_none_or(|since| self.now.since(since) < SILENT)
    }

    /// A pod is bound to a node past every cordon, as one whose binding was under way already.
    pub(crate) fn bind_in_flight(&mut self, node: &str) {
        self.owners[0].replicas += 1;
        self.create(0, Some(node.to_owned()));
    }

    /// Deletes a Node object; its pods go with it.
    pub(crate) fn delete_node(&mut self, name: &str) {
        let gone = self.nodes.remove(name);
        if gone.is_some_and(|node| node.silent.is_none()) {
            self.lost += u32::try_from(self.pods_on(name).len()).unwrap_or(u32::MAX);
        }
        self.settle();
    }
}

/// What the API server does.
impl Cluster {
    /// Cordons and taints a node, or undoes both.
    pub(crate) fn cordon(&mut self, name: &NodeName, on: bool) -> Outcome {
        match self.nodes.get_mut(name.as_str()) {
            Some(node) => {
                (node.cordoned, node.draining) = (on, on);
                Outcome::done()
            }
            None => stale(format!("there is no node {name}")),
        }
    }

    /// The Eviction API.
    pub(crate) fn evict(&mut self, key: &PodKey, node: &NodeName) -> Outcome {
        let Some(pod) = self.pods.get(&*key.name) else {
            return stale(format!("there is no pod {key}"));
        };
        if pod.node.as_deref() != Some(node.as_str()) {
            return stale(format!("pod {key} is not on {node}"));
        }
        if self.owners[pod.owner].spare.is_some() && self.allowed(pod.owner) == 0 {
            return Outcome::Refused {
                after: None,
                why: "429: it would violate the pod's disruption budget".to_owned(),
            };
        }
        self.pods.remove(&*key.name);
        self.evictions += 1;
        self.settle();
        Outcome::done()
    }

    /// Says where a pod should go.
    pub(crate) fn nominate(&mut self, key: &PodKey, node: &NodeName) -> Outcome {
        match self.pods.get_mut(&*key.name).filter(|pod| pod.node.is_none()) {
            Some(pod) => {
                pod.nominated = Some(node.clone());
                Outcome::done()
            }
            None => stale(format!("pod {key} does not wait")),
        }
    }

    /// Sets replicas through `/scale`.
    pub(crate) fn scale(&mut self, key: &WorkloadKey, from: u32, to: u32) -> Outcome {
        match self.owners.iter_mut().find(|owner| owner.key() == *key) {
            Some(owner) if owner.replicas == from => {
                owner.replicas = to;
                self.settle();
                Outcome::done()
            }
            _ => stale(format!("{key} has not {from} replicas")),
        }
    }

    /// The last look before an instance is given up: what is in the way.
    pub(crate) fn may_go(&self, name: &NodeName) -> Result<(), Outcome> {
        let Some(node) = self.nodes.get(name.as_str()) else {
            return Ok(());
        };
        if !node.cordoned || !node.draining {
            return Err(stale(format!("node {name} is not cordoned by us")));
        }
        match self.pods_on(name.as_str()).first() {
            Some(pod) => Err(stale(format!("node {name} still has {pod}"))),
            None => Ok(()),
        }
    }

    /// The last look before an instance without a node is given up.
    pub(crate) fn never_joined(&self, instance: &InstanceId) -> Result<(), Outcome> {
        let node = self.nodes.values().any(|node| node.instance == instance.as_str());
        if node {
            return Err(stale(format!("{instance} has a node")));
        }
        Ok(())
    }

    /// `status.disruptionsAllowed` of an owner's budget.
    pub(crate) fn allowed(&self, owner: usize) -> u32 {
        let running = self
            .pods
            .values()
            .filter(|pod| pod.owner == owner && self.phase(pod) == PodPhase::Running);
        let wanted = self.owners[owner]
            .replicas
            .saturating_sub(self.owners[owner].spare.unwrap_or(0));
        u32::try_from(running.count()).unwrap_or(0).saturating_sub(wanted)
    }

    pub(crate) fn phase(&self, pod: &ModelPod) -> PodPhase {
        match pod.bound {
            _ if pod.leaving => PodPhase::Terminating,
            None => PodPhase::Pending,
            Some(since) if self.now.since(since) < STARTS => PodPhase::Starting,
            Some(_) => PodPhase::Running,
        }
    }
}

/// Labels and taints that the kubelet registers the node with, as launch template or node group has them.
fn registers(node: &mut ModelNode, machine: &Machine, account: &Account) {
    let made = account.templates.get(&machine.template.0).and_then(|v| v.first());
    node.labels
        .extend(made.iter().flat_map(|made| made.node_labels.clone()));
    let managed = account
        .node_groups
        .values()
        .find(|group| machine.group.as_ref() == Some(&group.group));
    if let Some(group) = managed {
        node.labels.extend(group.labels.clone());
        node.taints = group
            .taints
            .iter()
            .map(|(key, value, _)| Taint {
                key: key.clone(),
                value: value.clone(),
                effect: TaintEffect::NoSchedule,
            })
            .collect();
    }
}

const fn stale(why: String) -> Outcome {
    Outcome::Stale { why }
}
