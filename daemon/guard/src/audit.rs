//! Whether a plan is what it says, worked out from the Snapshot alone: every waiting pod once, no node over what it
//! has, every rule kept, groups within their maximum, and a bill that adds up.
//!
//! Shares no code with the engine, on purpose. It judges the plan as a purchase; whether a step may happen now is
//! `judge`'s question. Bounds are only held against the bill: that no cheaper plan exists it cannot say.

mod agents;
mod claims;
mod namespaces;
mod near;
mod rules;

use model::aims::Aims;
use model::fargate::FargateSize;
use model::ids::{GroupName, NodeName, OfferId, PodKey, WorkloadKey};
use model::money::UsdPerHour;
use model::node::Node;
use model::notes::Notes;
use model::offer::{Offer, OfferKind};
use model::plan::{Plan, PlannedNode, StepKind};
use model::pod::{Pod, PodPhase, PodSpec, Taint};
use model::provisioned::size_of;
use model::quota::{Amounts, Measure, NamespaceReached, Reached, Usage};
use model::reason::Refusal;
use model::resources::Resources;
use model::selector::Labels;
use model::snapshot::Snapshot;
use model::startup::as_coming;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Namespace of virtual pods: headroom is planned for and counted nowhere.
const HEADROOM: &str = "plimsoll.io/headroom";

/// Something in a plan that is not so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The pod has several places.
    Twice(PodKey),
    /// The pod waits and the plan does not know it.
    Forgotten(PodKey),
    /// The plan places a pod that does not wait and is no replica to come.
    Invented(PodKey),
    /// Pods that the plan says wait, and those it accounts for.
    Count(u32, usize),
    /// Two nodes have this name, or one that is there has it.
    Name(NodeName),
    /// The node or offer is in no Snapshot, or not of the group named.
    Unknown(String),
    /// The node holds more of this than it has: asked for, there.
    OverCommitted(NodeName, String, i64, i64),
    /// The pod may not run there: what objects.
    Forbidden(PodKey, NodeName, String),
    /// Nodes that the group would have, and its maximum.
    AboveMaximum(GroupName, u32, u32),
    /// A quota that this plan goes beyond, and how much there would be.
    AboveQuota(Reached, i64),
    /// Nodes are bought for pods of the namespace, and it would take more than its quota.
    AboveNamespaceQuota(String, NamespaceReached),
    /// A node is bought for a pod that is expendable.
    Expendable(PodKey, NodeName),
    /// The bill, and the sum of the prices.
    Bill(UsdPerHour, UsdPerHour),
    /// A bound is negative or above the bill.
    Bound(UsdPerHour, UsdPerHour),
    /// The node wastes less than nothing.
    Waste(NodeName, UsdPerHour),
    /// What pods pay and nodes waste, and the bill.
    Explanation(UsdPerHour, UsdPerHour),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice(pod) => write!(f, "pod {pod} has several places"),
            Self::Forgotten(pod) => write!(f, "pod {pod} waits and is not in the plan"),
            Self::Invented(pod) => write!(f, "pod {pod} is in the plan and does not wait"),
            Self::Count(said, found) => write!(f, "the plan says {said} pods wait and accounts for {found}"),
            Self::Name(node) => write!(f, "the name {node} stands for several nodes"),
            Self::Unknown(what) => write!(f, "{what} is not known"),
            Self::OverCommitted(node, what, asked, there) => {
                write!(f, "node {node} is over-committed: {asked} of {what} on {there}")
            }
            Self::Forbidden(pod, node, why) => write!(f, "pod {pod} may not run on {node}: {why}"),
            Self::AboveMaximum(group, size, max) => {
                write!(f, "group {group} would have {size} nodes, at most {max}")
            }
            Self::AboveQuota(reached, size) => {
                write!(f, "{reached} would be exceeded: {}", reached.measure.shown(*size))
            }
            Self::AboveNamespaceQuota(namespace, reached) => {
                write!(f, "of namespace {namespace:?}, {reached} would be exceeded")
            }
            Self::Expendable(pod, node) => {
                write!(f, "node {node} is bought for pod {pod}, which is expendable")
            }
            Self::Bill(said, sum) => write!(f, "the bill says {} and its nodes cost {}", said.0, sum.0),
            Self::Bound(bound, rate) => {
                write!(f, "the bound {} is above the bill {} or below 0", bound.0, rate.0)
            }
            Self::Waste(node, waste) => write!(f, "node {node} wastes {}", waste.0),
            Self::Explanation(sum, bill) => {
                write!(
                    f,
                    "what pods pay and nodes waste is {}, the bill {}",
                    sum.0, bill.0
                )
            }
        }
    }
}

/// Looks for everything that is wrong with a plan; empty when it holds. Notes are only read for the explanation
/// of the bill, and for what Fargate provisioned before.
pub fn audit(seen: &Snapshot, aims: &Aims, plan: &Plan, notes: &Notes) -> Vec<Flaw> {
    audit_within(seen, aims, plan, notes, u64::MAX)
}

/// The same within counted work: where rules about pods near each other, each held against every pod, are more than so
/// many comparisons, these rules are left out. Tenants decide how many there are, and nobody is to wait for them.
pub fn audit_within(seen: &Snapshot, aims: &Aims, plan: &Plan, notes: &Notes, most: u64) -> Vec<Flaw> {
    // Plans count on nodes that start as they will be once they are up.
    let seen = &*as_coming(seen, aims);
    let mut audit = Audit {
        seen,
        aims,
        specs: specs(seen, plan),
        agents: agents::there(seen),
        preempting: preempting(seen, plan),
        provisioned: notes
            .classes
            .iter()
            .filter_map(|class| Some((class.workload.as_ref()?, class.provisioned?)))
            .collect(),
        flaws: Vec::new(),
    };
    audit.each_pod_once(plan);
    audit.new_nodes(plan);
    audit.free_room(plan);
    if near::comparisons(seen) <= most {
        audit.neighbours(plan);
    }
    audit.claims_of_one(plan);
    audit.groups(plan);
    audit.quotas(plan);
    audit.namespaces(plan);
    audit.money(plan, notes);
    audit.flaws
}

struct Audit<'a> {
    seen: &'a Snapshot,
    aims: &'a Aims,
    /// Spec of every pod that the plan places or refuses; `None` where several workloads could be meant.
    specs: BTreeMap<&'a PodKey, Option<&'a PodSpec>>,
    /// By node: DaemonSets whose pods are there, and all specs of pods there that have ports of the host.
    agents: BTreeMap<&'a NodeName, agents::There<'a>>,
    /// By node: the highest priority of pods that would be on it and that kube-scheduler has nominated to it.
    preempting: BTreeMap<&'a NodeName, i32>,
    /// Sizes that Fargate provisioned before, by whose pods they were.
    provisioned: BTreeSet<(&'a WorkloadKey, FargateSize)>,
    flaws: Vec<Flaw>,
}

fn is_headroom(pod: &PodKey) -> bool {
    &*pod.namespace == HEADROOM
}

/// Pods of a plan with their specs: waiting ones by name, replicas to come (`<workload>-<number>`) by the workload.
fn specs<'a>(seen: &'a Snapshot, plan: &'a Plan) -> BTreeMap<&'a PodKey, Option<&'a PodSpec>> {
    let mut templates: BTreeMap<(&str, &str), Option<&PodSpec>> = BTreeMap::new();
    for workload in seen.workloads.iter().filter(|w| !w.is_daemon_set()) {
        let own = || {
            let of = |pod: &&Pod| {
                seen.specs.get(pod.spec as usize).and_then(|s| s.owner.as_ref()) == Some(&workload.key)
            };
            seen.pods.iter().find(of).map(|pod| pod.spec)
        };
        if let Some(spec) = workload
            .template
            .or_else(own)
            .and_then(|ix| seen.specs.get(ix as usize))
        {
            templates
                .entry((&workload.key.namespace, &workload.key.name))
                .and_modify(|known| *known = None)
                .or_insert(Some(&**spec));
        }
    }
    let placed = plan.nodes.iter().flat_map(|node| &node.pods);
    let housed = plan.existing.iter().flat_map(|(_, pods)| pods);
    let refused = plan.refusals.iter().filter_map(|refusal| match refusal {
        Refusal::Pod { pod, .. } => Some(pod),
        _ => None,
    });
    let mut specs = BTreeMap::new();
    for pod in placed.chain(housed).chain(refused) {
        let there = seen
            .pod(pod)
            .and_then(|found| seen.specs.get(found.spec as usize));
        let to_come = || {
            let (name, number) = pod.name.rsplit_once('-')?;
            number.parse::<u64>().ok()?;
            templates.get(&(&*pod.namespace, name)).copied()
        };
        if let Some(spec) = there.map(|spec| Some(&**spec)).or_else(to_come) {
            specs.insert(pod, spec);
        }
    }
    specs
}

/// By node: the highest priority of pods that would be on it and that kube-scheduler has nominated to it.
fn preempting<'a>(seen: &'a Snapshot, plan: &'a Plan) -> BTreeMap<&'a NodeName, i32> {
    let mut preempting = BTreeMap::new();
    for (node, pods) in &plan.existing {
        let there = pods.iter().filter_map(|pod| seen.pod(pod));
        let nominated = there.filter(|pod| pod.nominated.as_ref() == Some(node));
        let priorities = nominated.filter_map(|pod| Some(seen.specs.get(pod.spec as usize)?.priority));
        if let Some(highest) = priorities.max() {
            preempting.insert(node, highest);
        }
    }
    preempting
}

impl<'a> Audit<'a> {
    /// Whether the pod ends to make room for one of higher priority (kube-scheduler's DefaultPreemption).
    fn is_victim(&self, pod: &Pod) -> bool {
        let spec = self.seen.specs.get(pod.spec as usize);
        let highest = pod.node.as_ref().and_then(|node| self.preempting.get(node));
        let below = |spec: &std::sync::Arc<PodSpec>| highest.is_some_and(|highest| spec.priority < *highest);
        pod.phase == PodPhase::Terminating && spec.is_some_and(below)
    }

    fn waits(&self, pod: &Pod) -> bool {
        let Some(spec) = self.seen.specs.get(pod.spec as usize) else {
            return false;
        };
        let scheduler = spec.scheduler.as_str();
        let ours = matches!(scheduler, "" | "default-scheduler")
            || self.aims.schedulers.iter().any(|s| s == scheduler);
        let daemon = spec
            .owner
            .as_ref()
            .is_some_and(|owner| &*owner.kind == "DaemonSet");
        pod.phase == PodPhase::Pending && pod.node.is_none() && ours && !daemon
    }

    fn each_pod_once(&mut self, plan: &'a Plan) {
        let mut places: BTreeMap<&PodKey, u32> = BTreeMap::new();
        let refused = plan.refusals.iter().filter_map(|refusal| match refusal {
            Refusal::Pod { pod, .. } => Some(pod),
            _ => None,
        });
        let placed = plan.nodes.iter().flat_map(|node| &node.pods);
        let housed = plan.existing.iter().flat_map(|(_, pods)| pods);
        for pod in placed
            .chain(housed)
            .chain(refused)
            .filter(|pod| !is_headroom(pod))
        {
            *places.entry(pod).or_insert(0) += 1;
        }
        for (pod, times) in &places {
            if *times > 1 {
                self.flaws.push(Flaw::Twice((*pod).clone()));
            }
            let known = match self.seen.pod(pod) {
                Some(found) => self.waits(found),
                None => self.specs.contains_key(pod),
            };
            if !known {
                self.flaws.push(Flaw::Invented((*pod).clone()));
            }
        }
        for pod in &self.seen.pods {
            if self.waits(pod) && !places.contains_key(&pod.key) {
                self.flaws.push(Flaw::Forgotten(pod.key.clone()));
            }
        }
        if places.len() != plan.pending as usize {
            self.flaws.push(Flaw::Count(plan.pending, places.len()));
        }
    }

    fn new_nodes(&mut self, plan: &Plan) {
        let offers: BTreeMap<&OfferId, &Offer> =
            self.seen.offers.iter().map(|offer| (&offer.id, offer)).collect();
        let mut names = BTreeSet::new();
        for node in &plan.nodes {
            if !names.insert(&node.name) || self.seen.node(&node.name).is_some() {
                self.flaws.push(Flaw::Name(node.name.clone()));
            }
            let Some(offer) = offers.get(&node.offer) else {
                self.flaws.push(Flaw::Unknown(format!("offer {}", node.offer)));
                continue;
            };
            for pod in &node.pods {
                let spec = self.specs.get(pod).copied().flatten();
                if spec.is_some_and(|spec| self.aims.is_expendable(spec.priority)) {
                    self.flaws.push(Flaw::Expendable(pod.clone(), node.name.clone()));
                }
            }
            let group = self.seen.groups.get(offer.group as usize);
            let Some(group) = group.filter(|group| group.name == node.group) else {
                self.flaws.push(Flaw::Unknown(format!(
                    "group {} of node {}",
                    node.group, node.name
                )));
                continue;
            };
            match &offer.kind {
                OfferKind::Ec2 { .. } => self.new_node(node, offer, &group.taints),
                OfferKind::Fargate { .. } => self.fargate_pod(node, offer),
            }
        }
    }

    fn new_node(&mut self, node: &PlannedNode, offer: &Offer, taints: &[Taint]) {
        let mut load = Load::default();
        for agent in self.agents_coming_to(&node.name, (&offer.labels, taints)) {
            load.add(&agent.requests);
        }
        self.carry(&node.name, &node.pods, (&offer.labels, taints), &mut load);
        self.hold(
            &node.name,
            (&Load::default(), &load),
            (&offer.allocatable, offer.max_pods),
        );
    }

    /// Adds pods to a node's load and holds the node's rules against them.
    fn carry(
        &mut self,
        node: &NodeName,
        pods: &[PodKey],
        (labels, taints): (&Labels, &[Taint]),
        load: &mut Load,
    ) {
        for pod in pods.iter().filter(|pod| !is_headroom(pod)) {
            let Some(spec) = self.specs.get(pod).copied().flatten() else {
                continue;
            };
            load.add(&spec.requests);
            if let Some(why) = rules::objection(spec, labels, taints, node.as_str()) {
                self.flaws.push(Flaw::Forbidden(pod.clone(), node.clone(), why));
            }
        }
    }

    /// Holds a load against the room, where the plan adds to what was there before.
    fn hold(&mut self, node: &NodeName, (before, load): (&Load, &Load), (room, max_pods): (&Resources, u32)) {
        let was: BTreeMap<String, i128> = before
            .against(room)
            .map(|(what, (asked, _))| (what, asked))
            .collect();
        let pods = i64::from(max_pods);
        if load.pods > pods {
            self.flaws.push(Flaw::OverCommitted(
                node.clone(),
                "pods".to_owned(),
                load.pods,
                pods,
            ));
        }
        for (what, (asked, there)) in load.against(room) {
            // What no new pod asks for is not this plan's doing (NodeResourcesFit).
            let added = asked > was.get(&what).copied().unwrap_or(0);
            if added && asked > i128::from(there) {
                let asked = i64::try_from(asked).unwrap_or(i64::MAX);
                self.flaws
                    .push(Flaw::OverCommitted(node.clone(), what, asked, there));
            }
        }
    }

    fn fargate_pod(&mut self, node: &PlannedNode, offer: &Offer) {
        let [pod] = node.pods.as_slice() else {
            let pods = i64::try_from(node.pods.len()).unwrap_or(i64::MAX);
            self.flaws
                .push(Flaw::OverCommitted(node.name.clone(), "pods".to_owned(), pods, 1));
            return;
        };
        let Some(spec) = self.specs.get(pod).copied().flatten() else {
            return;
        };
        // What Fargate takes for itself is not among what can be had of a size. A size that it gave before, it gives.
        let (asked, there) = (&spec.requests, &offer.allocatable);
        let own = spec.owner.as_ref().zip(size_of(offer));
        let gave = own.is_some_and(|own| self.provisioned.contains(&own));
        let too_much = [
            ("cpu", asked.cpu_milli, there.cpu_milli),
            ("memory", asked.memory_bytes, there.memory_bytes),
        ];
        for (what, asked, there) in too_much {
            if asked > there && !gave {
                self.flaws.push(Flaw::OverCommitted(
                    node.name.clone(),
                    what.to_owned(),
                    asked,
                    there,
                ));
            }
        }
        if let Some(why) = rules::off_fargate(spec) {
            self.flaws
                .push(Flaw::Forbidden(pod.clone(), node.name.clone(), why.to_owned()));
        }
    }

    fn free_room(&mut self, plan: &Plan) {
        let mut there: BTreeMap<&NodeName, Vec<&Pod>> = BTreeMap::new();
        let stays = |pod: &&Pod| pod.holds_resources() && !self.is_victim(pod);
        for pod in self.seen.pods.iter().filter(stays) {
            if let Some(node) = &pod.node {
                there.entry(node).or_default().push(pod);
            }
        }
        for (name, pods) in &plan.existing {
            // A node on its way is not in the Snapshot; its launch was audited when it was planned.
            let Some(node) = self.seen.node(name) else {
                continue;
            };
            let mut load = Load::default();
            for pod in there.get(name).into_iter().flatten() {
                if let Some(spec) = self.seen.specs.get(pod.spec as usize) {
                    load.add(&spec.requests);
                }
            }
            let taints = lasting(node);
            for agent in self.agents_coming_to(name, (&node.labels, &taints)) {
                load.add(&agent.requests);
            }
            let before = load.clone();
            self.carry(name, pods, (&node.labels, &taints), &mut load);
            self.hold(name, (&before, &load), (&node.allocatable, node.max_pods));
        }
    }

    fn groups(&mut self, plan: &Plan) {
        let mut sizes: BTreeMap<&GroupName, u32> = BTreeMap::new();
        for step in &plan.steps {
            let StepKind::GrowGroup { group, to, .. } = &step.kind else {
                continue;
            };
            let size = sizes.entry(group).or_insert(0);
            *size = (*size).max(*to);
        }
        for (name, size) in sizes {
            match self.seen.group(name) {
                Some(group) if size > group.max => {
                    self.flaws.push(Flaw::AboveMaximum(name.clone(), size, group.max));
                }
                Some(_) => {}
                None => self.flaws.push(Flaw::Unknown(format!("group {name}"))),
            }
        }
    }

    /// Quotas that the plan adds to hold all that is there, on its way and bought, what replaces others included.
    fn quotas(&mut self, plan: &Plan) {
        if self.aims.quotas.is_none() {
            return;
        }
        let before = Usage::of(self.seen, &self.seen.ledger);
        let mut after = before.clone();
        for node in plan.nodes.iter().chain(&plan.replacements) {
            if let Some(offer) = self.offer(&node.offer).filter(|offer| !offer.is_fargate()) {
                after.add(Some(&node.group), &Amounts::of_node(&offer.allocatable), 1);
            }
        }
        let of_groups = self.aims.quotas.groups.iter().map(|(name, quota)| {
            let used = (before.of_group(name), after.of_group(name));
            (quota, Some(name), used)
        });
        let total = (&self.aims.quotas.total, None, (before.total, after.total));
        for (quota, group, (before, after)) in of_groups.chain([total]) {
            for measure in Measure::ALL {
                let (was, is) = (before.of(measure), after.of(measure));
                if let Some(limit) = quota.of(measure).filter(|limit| is > was && is > *limit) {
                    let reached = Reached {
                        group: group.cloned(),
                        measure,
                        limit,
                    };
                    self.flaws.push(Flaw::AboveQuota(reached, is));
                }
            }
        }
    }

    fn money(&mut self, plan: &Plan, notes: &Notes) {
        let bill: UsdPerHour = plan.nodes.iter().map(|node| self.price(node)).sum();
        if bill != plan.cost.rate {
            self.flaws.push(Flaw::Bill(plan.cost.rate, bill));
        }
        let cost = &plan.cost;
        for (bound, rate) in [(cost.bound, cost.rate), (cost.policy_bound, cost.policy_rate)] {
            if bound.0 < 0 || bound > rate {
                self.flaws.push(Flaw::Bound(bound, rate));
            }
        }
        let mut wasted: BTreeMap<&NodeName, UsdPerHour> = BTreeMap::new();
        for (node, waste) in &notes.waste {
            if waste.0 < 0 {
                self.flaws.push(Flaw::Waste(node.clone(), *waste));
            }
            wasted.insert(node, *waste);
        }
        self.explanation(plan, notes, bill);
    }

    /// What a node of the plan costs.
    fn price(&self, node: &PlannedNode) -> UsdPerHour {
        let offer = self.offer(&node.offer);
        offer.map_or(UsdPerHour::ZERO, |offer| offer.price + self.storage(node, offer))
    }

    fn offer(&self, id: &OfferId) -> Option<&'a Offer> {
        self.seen.offers.get(self.seen.offer_ix(id)?)
    }

    /// What the ephemeral storage of a pod on Fargate costs; of a pod that nobody can tell what the plan says.
    fn storage(&self, node: &PlannedNode, offer: &Offer) -> UsdPerHour {
        let pod = node.pods.first().filter(|_| offer.is_fargate());
        let spec = pod.map(|pod| self.specs.get(pod).copied().flatten());
        let of = |spec: &PodSpec| {
            let price = self.seen.prices.fargate_storage(spec.requests.ephemeral_bytes);
            price.unwrap_or_default()
        };
        spec.map_or(UsdPerHour::ZERO, |spec| spec.map_or(node.storage, of))
    }

    /// Every pod on a new node pays what its class pays, every new node wastes something once, and together that is
    /// the bill, to the nano-dollar.
    fn explanation(&mut self, plan: &Plan, notes: &Notes, bill: UsdPerHour) {
        if notes.classes.is_empty() {
            return;
        }
        let mut paying: BTreeMap<Option<u32>, i64> = BTreeMap::new();
        let mut paid = 0_i128;
        for class in &notes.classes {
            *paying.entry(class.spec).or_insert(0) += i64::from(class.bought);
            paid += i128::from(class.pays.0) * i128::from(class.bought);
        }
        let templates: BTreeMap<*const PodSpec, u32> = (0_u32..)
            .zip(&self.seen.specs)
            .map(|(ix, spec)| (std::sync::Arc::as_ptr(spec), ix))
            .collect();
        for pod in plan.nodes.iter().flat_map(|node| &node.pods) {
            let spec = match (self.seen.pod(pod), self.specs.get(pod).copied().flatten()) {
                (Some(there), _) => Some(there.spec),
                (None, Some(spec)) => templates.get(&std::ptr::from_ref(spec)).copied(),
                // Virtual pods pay too.
                (None, None) if is_headroom(pod) => None,
                // Which of several workloads of one name it is to come of, nobody can tell.
                (None, None) => return,
            };
            *paying.entry(spec).or_insert(0) -= 1;
        }
        let wasted: i128 = notes.waste.iter().map(|(_, waste)| i128::from(waste.0)).sum();
        let nodes: BTreeSet<&NodeName> = notes.waste.iter().map(|(node, _)| node).collect();
        let each = nodes.len() == plan.nodes.len()
            && notes.waste.len() == nodes.len()
            && plan.nodes.iter().all(|node| nodes.contains(&node.name));
        let told = paying.values().all(|left| *left == 0);
        // A bill beyond all money is held at the end of the numbers, and so is its explanation.
        let sum = i64::try_from(paid + wasted).unwrap_or(i64::MAX);
        if !each || !told || sum != bill.0 {
            self.flaws.push(Flaw::Explanation(UsdPerHour(sum), bill));
        }
    }
}

/// Taints that will still be there when the pod comes: not those of a node that is starting or being emptied.
fn lasting(node: &Node) -> Vec<Taint> {
    let passing = |taint: &&Taint| {
        let condition =
            taint.key.starts_with("node.kubernetes.io/") && taint.key != model::node::UNREACHABLE_TAINT;
        let starting = condition || taint.key == "node.cloudprovider.kubernetes.io/uninitialized";
        !node.ready && starting
            || taint.key == model::node::DRAIN_TAINT
            || taint.key == "node.kubernetes.io/unschedulable"
    };
    node.taints
        .iter()
        .filter(|taint| !passing(taint))
        .cloned()
        .collect()
}

/// Sums that cannot overflow.
#[derive(Clone, Default)]
struct Load {
    pods: i64,
    cpu: i128,
    memory: i128,
    ephemeral: i128,
    extended: BTreeMap<String, i128>,
}

impl Load {
    fn add(&mut self, asked: &Resources) {
        self.pods += 1;
        self.cpu += i128::from(asked.cpu_milli.max(0));
        self.memory += i128::from(asked.memory_bytes.max(0));
        self.ephemeral += i128::from(asked.ephemeral_bytes.max(0));
        for (name, amount) in &asked.extended {
            *self.extended.entry(name.clone()).or_insert(0) += i128::from((*amount).max(0));
        }
    }

    fn against<'r>(&'r self, room: &'r Resources) -> impl Iterator<Item = (String, (i128, i64))> + 'r {
        let plain = [
            ("millicores".to_owned(), (self.cpu, room.cpu_milli)),
            ("bytes of memory".to_owned(), (self.memory, room.memory_bytes)),
            (
                "bytes of ephemeral storage".to_owned(),
                (self.ephemeral, room.ephemeral_bytes),
            ),
        ];
        let extended = self
            .extended
            .iter()
            .map(|(name, asked)| (name.clone(), (*asked, room.amount(name))));
        plain.into_iter().chain(extended)
    }
}

#[cfg(test)]
mod tests;
