//! The modelled cluster as controllers see it: its Nodes, and a Snapshot with what is covered left out.
//!
//! Not here: the cluster itself (`cluster`), groups and offers (`observe`).

use crate::cluster::{Cluster, ModelNode, ModelPod, Owner, SPACE};
use crate::scheduler::fargate_node;
use model::group::Group;
use model::node::{DRAIN_TAINT, UNREACHABLE_TAINT};
use model::offer::Offer;
use model::pod::{Near, NearRule, PodPhase, Taint, TaintEffect, Toleration, Usage};
use model::selector::{LabelSelector, Labels, Operator, Requirement};
use model::workload::{DisruptionBudget, Metric};
use model::{Freshness, Node, NodeName, Pod, PodKey, PodSpec, Resources, Snapshot, Source, Workload};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Scheduler that EKS' webhook names.
const FARGATE: &str = "fargate-scheduler";

/// What a controller sees.
impl Cluster {
    /// Pods that are shown: all, but for what is covered.
    pub(crate) fn shown(&self) -> Vec<(&String, &ModelPod)> {
        let hidden = self.pods.len() * self.cover.pods_hidden_permille as usize / 1000;
        self.pods.iter().skip(hidden).collect()
    }

    /// The nodes as the API server shows them.
    pub(crate) fn seen_nodes(&self) -> Vec<Node> {
        let shares = self.shares();
        let mut used: BTreeMap<&str, i64> = BTreeMap::new();
        for pod in self.pods.values() {
            if let Some(node) = &pod.node {
                *used.entry(node).or_default() += shares[pod.owner];
            }
        }
        let on_fargate = |pod: &ModelPod| self.owners[pod.owner].fargate && pod.node.is_some();
        let fargate = self.pods.iter().filter(|(_, pod)| on_fargate(pod));
        let fargate = fargate.map(|(name, pod)| Self::seen_fargate(name, pod));
        let nodes = self.nodes.iter().map(|(name, node)| {
            let ready = self.is_ready(node);
            Node {
                name: NodeName::new(name),
                group: None,
                instance: Some(node.instance.as_str().into()),
                offer: None,
                labels: node.labels.clone(),
                taints: seen_taints(node, ready),
                allocatable: node.allocatable.clone(),
                max_pods: node.max_pods,
                ready,
                unschedulable: node.cordoned,
                deleting: false,
                fargate: false,
                do_not_disrupt: false,
                draining: node.draining,
                annotations: Labels::new(),
                unready: None,
                rate: None,
                created: node.created,
                usage: ready.then_some(Usage {
                    cpu_milli: used.get(name.as_str()).copied().unwrap_or(0),
                    memory_bytes: 1 << 28,
                    at: self.now,
                }),
                leaving: None,
                template: None,
            }
        });
        nodes.chain(fargate).collect()
    }

    /// The node that Fargate makes for a pod.
    fn seen_fargate(pod: &str, bound: &ModelPod) -> Node {
        let name = fargate_node(pod);
        let labels = [
            ("kubernetes.io/hostname", name.as_str()),
            ("eks.amazonaws.com/compute-type", "fargate"),
        ];
        Node {
            name: NodeName::new(&name),
            group: None,
            instance: None,
            offer: None,
            labels: labels
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            taints: Vec::new(),
            allocatable: Resources::new(250, 1 << 29),
            max_pods: 1,
            ready: true,
            unschedulable: false,
            deleting: false,
            fargate: true,
            do_not_disrupt: false,
            draining: false,
            annotations: Labels::new(),
            unready: None,
            rate: None,
            created: bound.created,
            usage: None,
            leaving: None,
            template: None,
        }
    }

    /// By owner: what one of its pods uses, millicores.
    fn shares(&self) -> Vec<i64> {
        let mut running = vec![0_i64; self.owners.len()];
        for pod in self.pods.values().filter(|pod| pod.bound.is_some()) {
            running[pod.owner] += 1;
        }
        let share = |(owner, running): (&Owner, i64)| {
            owner
                .work
                .map_or(owner.cpu_milli * 9 / 10, |work| work / running.max(1))
        };
        self.owners.iter().zip(running).map(share).collect()
    }

    /// The picture, with what the provider tells of groups and offers.
    pub(crate) fn picture(&self, (groups, offers): (Vec<Group>, Vec<Offer>), nodes: Vec<Node>) -> Snapshot {
        let mut sources: BTreeMap<Source, Freshness> = [
            Source::Pods,
            Source::Nodes,
            Source::Workloads,
            Source::Budgets,
            Source::Load,
        ]
        .map(|source| (source, Freshness::Live))
        .into();
        if self.cover.admitted {
            sources.insert(Source::Pods, Freshness::Missing);
        }
        let metrics = if self.cover.metrics_gone {
            Freshness::Missing
        } else {
            Freshness::Live
        };
        sources.insert(Source::Metrics, metrics);
        let shares = self.shares();
        let pods = self.shown().into_iter().map(|(name, pod)| Pod {
            key: PodKey::new(SPACE, name),
            spec: u32::try_from(pod.owner).unwrap_or(u32::MAX),
            node: pod.node.as_ref().map(NodeName::new),
            phase: self.phase(pod),
            created: pod.created,
            usage: (self.phase(pod) == PodPhase::Running).then(|| Usage {
                cpu_milli: shares[pod.owner],
                memory_bytes: 1 << 27,
                at: self.now,
            }),
            nominated: pod.nominated.clone().filter(|_| pod.node.is_none()),
            deletion_cost: 0,
            started: None,
        });
        let own_node = self
            .own_node
            .as_ref()
            .filter(|name| self.nodes.contains_key(*name));
        Snapshot {
            at: self.now,
            cluster: crate::CLUSTER.to_owned(),
            sources,
            specs: self.owners.iter().map(|owner| Arc::new(spec(owner))).collect(),
            pods: pods.collect(),
            nodes,
            groups,
            offers,
            workloads: (0..self.owners.len()).map(|ix| self.workload(ix)).collect(),
            budgets: (0..self.owners.len()).filter_map(|ix| self.budget(ix)).collect(),
            own_node: own_node.map(NodeName::new),
            ..Snapshot::default()
        }
    }

    fn workload(&self, ix: usize) -> Workload {
        let owner = &self.owners[ix];
        let running: Vec<&ModelPod> = self
            .pods
            .values()
            .filter(|pod| pod.owner == ix && self.phase(pod) == PodPhase::Running)
            .collect();
        let ready = u32::try_from(running.len()).unwrap_or(u32::MAX);
        let metric = |name: &str, milli: i64| Metric {
            name: name.to_owned(),
            milli,
            at: self.now,
            pods: ready,
        };
        let cpu: i64 = self.shares()[ix] * 1000 * i64::from(ready);
        let queue = owner.queue.filter(|_| !self.cover.metrics_gone);
        let metrics = [
            Some(metric("cpu", cpu)),
            queue.map(|length| metric("queue", length * 1000)),
        ];
        Workload {
            key: owner.key(),
            replicas: owner.replicas,
            ready,
            template: u32::try_from(ix).ok(),
            owned_by: None,
            annotations: Labels::new(),
            generation: 1,
            selector: selector(owner),
            metrics: metrics.into_iter().flatten().collect(),
        }
    }

    fn budget(&self, ix: usize) -> Option<DisruptionBudget> {
        self.owners[ix].spare.map(|_| DisruptionBudget {
            namespace: SPACE.to_owned(),
            name: self.owners[ix].name.clone(),
            selector: selector(&self.owners[ix]),
            allowed: self.allowed(ix),
        })
    }
}

/// Its own, and those of controllers: a node that was Ready and fell silent is unreachable.
fn seen_taints(node: &ModelNode, ready: bool) -> Vec<Taint> {
    let taint = |key: &str| Taint {
        key: key.to_owned(),
        value: String::new(),
        effect: TaintEffect::NoSchedule,
    };
    let draining = node.draining.then(|| taint(DRAIN_TAINT));
    let silent = (!ready).then(|| taint(UNREACHABLE_TAINT));
    node.taints
        .iter()
        .cloned()
        .chain(draining)
        .chain(silent)
        .collect()
}

fn selector(owner: &Owner) -> LabelSelector {
    LabelSelector {
        requirements: vec![Requirement {
            key: "app".to_owned(),
            operator: Operator::In(vec![owner.name.clone()]),
        }],
    }
}

fn tolerates(key: &str) -> Toleration {
    Toleration {
        key: Some(key.to_owned()),
        value: None,
        effect: None,
    }
}

fn apart(owner: &Owner) -> Near {
    let (key, own) = ("kubernetes.io/hostname".to_owned(), vec![SPACE.to_owned()]);
    Near::new(key, selector(owner), Some(own), NearRule::Apart)
}

fn spec(owner: &Owner) -> PodSpec {
    PodSpec {
        namespace: SPACE.to_owned(),
        requests: Resources::new(owner.cpu_milli, owner.memory_mib << 20),
        labels: Labels::from([("app".to_owned(), owner.name.clone())]),
        owner: Some(owner.key()),
        node_selector: owner.selects.iter().cloned().collect(),
        tolerations: owner.tolerates.as_deref().map(tolerates).into_iter().collect(),
        scheduler: if owner.fargate {
            FARGATE.to_owned()
        } else {
            String::new()
        },
        near: owner.apart.then(|| apart(owner)).into_iter().collect(),
        ..PodSpec::default()
    }
}
