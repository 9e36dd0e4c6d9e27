//! Rows of what is there whatever the question: groups, offers, nodes, pods, metrics. Groups, nodes and pods are in the
//! order of their names in a picture, offers in the order of the test.

use super::Picture;
use super::rows::{Kind, Paid, group_kind, milli, millis, owner, place, price, row};
use model::group::{Group as ModelGroup, GroupOptions, LaunchMode};
use model::ids::{GroupName, NodeName, OfferId, PodKey, WorkloadKey};
use model::memory::{Backoff, GroupUse};
use model::node::{Leaves, Leaving, Node as ModelNode};
use model::offer::{Confidence, Offer as ModelOffer, OfferKind, Purchase};
use model::pod::{Pod as ModelPod, PodPhase, PodSpec, Usage};
use model::resources::{MIB, Resources};
use model::selector::{LabelSelector, Labels};
use model::workload::{Metric as ModelMetric, Workload as ModelWorkload};
use serde::Deserialize;
use std::collections::BTreeMap;

row!(Group {
    name: String = "workers".to_owned(),
    kind: Kind = Kind::Managed,
    min: u32 = 0,
    max: u32 = 100,
    desired: u32 = 10,
    foreign: bool = false,
    cpu_requested: u32 = 500,
    memory_requested: u32 = 500,
    cpu_used: Option<u32> = None,
    memory_used: Option<u32> = None,
    boot_ms: Option<u32> = None,
    short_ms: Option<u32> = None,
    labels: Labels = Labels::new(),
});

// Without an instance type it is a Fargate size.
row!(Offer {
    group: String = "workers".to_owned(),
    instance_type: String = "m6a.large".to_owned(),
    zone: String = "us-east-1a".to_owned(),
    arch: String = "amd64".to_owned(),
    purchase: Paid = Paid::OnDemand,
    cpu_milli: u32 = 1930,
    memory_mib: u32 = 7000,
    pods: u32 = 29,
    price: f64 = 0.0864,
    confidence: u32 = 1,
    interruptions: Option<u32> = None,
    barred_ms: u32 = 0,
    extended: BTreeMap<String, u32> = BTreeMap::new(),
    labels: Labels = Labels::new(),
});

// The offer is a place in the list of offers; where there is none, its price is not known.
row!(Node {
    name: String = "node".to_owned(),
    group: Option<String> = Some("workers".to_owned()),
    offer: Option<u32> = Some(0),
    state: u32 = 1,
    age_ms: u32 = 86_400_000,
    cpu_milli: u32 = 1930,
    memory_mib: u32 = 7000,
    pods: u32 = 29,
    cpu_used: Option<u32> = None,
    memory_used: Option<u32> = None,
    extended: BTreeMap<String, u32> = BTreeMap::new(),
    labels: Labels = Labels::new(),
});

row!(Pod {
    namespace: String = "default".to_owned(),
    name: String = "app-0".to_owned(),
    node: Option<String> = Some("node".to_owned()),
    phase: Phase = Phase::Running,
    age_ms: u32 = 3_600_000,
    cpu_milli: u32 = 250,
    memory_mib: u32 = 512,
    cpu_used: Option<u32> = None,
    memory_used: Option<u32> = None,
    priority: i32 = 0,
    owner_kind: String = "Deployment".to_owned(),
    owner_name: String = "app".to_owned(),
    extended: BTreeMap<String, u32> = BTreeMap::new(),
    labels: Labels = Labels::new(),
    annotations: Labels = Labels::new(),
});

row!(Metric {
    name: String = "requests".to_owned(),
    kind: String = "Deployment".to_owned(),
    namespace: String = "default".to_owned(),
    workload: String = "app".to_owned(),
    value: f64 = 100.0,
    age_ms: u32 = 15_000,
    pods: u32 = 3,
});

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Phase {
    Pending,
    Gated,
    Starting,
    Running,
    Terminating,
    Finished,
}

impl Picture {
    pub(super) fn group(&mut self, row: Group) {
        let name = GroupName::new(&row.name);
        let use_of_it = GroupUse {
            cpu_requested: row.cpu_requested,
            memory_requested: row.memory_requested,
            cpu_used: row.cpu_used,
            memory_used: row.memory_used,
        };
        self.memory.utilisation.insert(name.clone(), use_of_it);
        if let Some(boot) = row.boot_ms {
            self.memory.boot_times.insert(name.clone(), vec![millis(boot)]);
        }
        if let Some(short) = row.short_ms {
            let told = self.snapshot.at - millis(short);
            self.snapshot.short.insert(name.clone(), told);
        }
        self.snapshot.groups.push(ModelGroup {
            name,
            uid: None,
            kind: group_kind(row.kind),
            min: row.min,
            max: row.max,
            desired: row.desired,
            launch: LaunchMode::Desired,
            instances: Vec::new(),
            labels: row.labels,
            taints: Vec::new(),
            fargate_selectors: Vec::new(),
            foreign: row.foreign.then(|| "somebody".to_owned()),
            rolling: None,
            options: GroupOptions::default(),
        });
    }

    /// After the groups are in their order.
    pub(super) fn offer(&mut self, row: Offer) -> Result<(), String> {
        let groups = &self.snapshot.groups;
        let group = groups.iter().position(|group| group.name.as_str() == row.group);
        let group = group.ok_or_else(|| format!("offers: group: `{}` is no group here", row.group))?;
        // Their ids keep them in the order of the test.
        let id = OfferId::new(format!("{:06}", self.snapshot.offers.len()));
        if row.barred_ms > 0 {
            let backoff = Backoff {
                failures: 1,
                until: self.snapshot.at + millis(row.barred_ms),
            };
            self.memory.no_capacity.insert(id.clone(), backoff);
        }
        self.snapshot.offers.push(ModelOffer {
            id,
            group: place(group),
            kind: if row.instance_type.is_empty() {
                OfferKind::Fargate {
                    cpu_milli: i64::from(row.cpu_milli),
                    memory_mib: i64::from(row.memory_mib),
                }
            } else {
                OfferKind::Ec2 {
                    instance_type: row.instance_type,
                    zone: row.zone,
                    purchase: row.purchase.purchase().unwrap_or(Purchase::OnDemand),
                    arch: row.arch,
                }
            },
            price: price("offers: price", Some(row.price))?.unwrap_or_default(),
            interruptions: row.interruptions,
            confidence: match row.confidence {
                1 => Confidence::Listed,
                2 => Confidence::BuiltIn,
                3 => Confidence::Estimated,
                _ => Confidence::Unknown,
            },
            allocatable: resources(row.cpu_milli, row.memory_mib, row.extended),
            max_pods: row.pods,
            labels: row.labels,
        });
        Ok(())
    }

    pub(super) fn plain_node(&mut self, row: Node) {
        let at = self.snapshot.at;
        let is = |bit: u32| row.state & bit != 0;
        let offer = row
            .offer
            .and_then(|offer| self.snapshot.offers.get(offer as usize));
        let node = ModelNode {
            name: NodeName::new(&row.name),
            group: row.group.map(GroupName::new),
            instance: None,
            offer: offer.map(|offer| offer.id.clone()),
            labels: row.labels,
            taints: Vec::new(),
            allocatable: resources(row.cpu_milli, row.memory_mib, row.extended),
            max_pods: row.pods,
            ready: is(1),
            unschedulable: is(2),
            deleting: is(4),
            fargate: is(8),
            do_not_disrupt: is(16),
            draining: is(32),
            annotations: Labels::new(),
            unready: None,
            rate: None,
            created: at - millis(row.age_ms),
            usage: self.usage(row.cpu_used, row.memory_used),
            leaving: is(64).then_some(Leaving {
                why: Leaves::Interrupted,
                told: at,
            }),
            template: None,
        };
        self.snapshot.nodes.push(node);
    }

    pub(super) fn pod(&mut self, row: Pod) {
        let spec = self.spec(PodSpec {
            owner: owner(&row.owner_kind, &row.namespace, &row.owner_name),
            namespace: row.namespace.clone(),
            priority: row.priority,
            requests: resources(row.cpu_milli, row.memory_mib, row.extended),
            labels: row.labels,
            annotations: row.annotations,
            ..PodSpec::default()
        });
        let pod = ModelPod {
            key: PodKey::new(&row.namespace, &row.name),
            spec,
            node: row.node.map(NodeName::new),
            phase: match row.phase {
                Phase::Pending => PodPhase::Pending,
                Phase::Gated => PodPhase::Gated,
                Phase::Starting => PodPhase::Starting,
                Phase::Running => PodPhase::Running,
                Phase::Terminating => PodPhase::Terminating,
                Phase::Finished => PodPhase::Finished,
            },
            created: self.snapshot.at - millis(row.age_ms),
            usage: self.usage(row.cpu_used, row.memory_used),
            nominated: None,
            deletion_cost: 0,
            started: None,
        };
        self.snapshot.pods.push(pod);
    }

    pub(super) fn metric(&mut self, row: Metric) -> Result<(), String> {
        let key = WorkloadKey::new(row.kind, row.namespace.as_str(), row.workload);
        let metric = ModelMetric {
            name: row.name,
            milli: milli("metrics: value", row.value)?,
            at: self.snapshot.at - millis(row.age_ms),
            pods: row.pods,
        };
        let workloads = &mut self.snapshot.workloads;
        let known = workloads.iter_mut().find(|workload| workload.key == key);
        if let Some(workload) = known {
            workload.metrics.push(metric);
            return Ok(());
        }
        workloads.push(ModelWorkload {
            key,
            replicas: row.pods,
            ready: row.pods,
            template: None,
            owned_by: None,
            annotations: Labels::new(),
            generation: 1,
            selector: LabelSelector::equal(&Labels::new()),
            metrics: vec![metric],
        });
        Ok(())
    }

    /// Nodes, pods and workloads in the order of their names; candidates and movers go on pointing to theirs.
    pub(super) fn settle(&mut self) {
        let nodes = order(&self.snapshot.nodes, |node| &node.name);
        for candidate in &mut self.candidates {
            candidate.node = nodes.get(candidate.node as usize).copied().unwrap_or(u32::MAX);
        }
        let pods = order(&self.snapshot.pods, |pod| &pod.key);
        for mover in &mut self.movers {
            mover.pod = pods.get(mover.pod as usize).copied().unwrap_or(u32::MAX);
        }
        self.snapshot.sort();
    }

    fn usage(&self, cpu_milli: Option<u32>, memory_mib: Option<u32>) -> Option<Usage> {
        cpu_milli.or(memory_mib).map(|_| Usage {
            cpu_milli: i64::from(cpu_milli.unwrap_or(0)),
            memory_bytes: i64::from(memory_mib.unwrap_or(0)) * MIB,
            at: self.snapshot.at,
        })
    }
}

/// Where each row will be once they are sorted; rows that are alike keep their order.
fn order<'a, T, K: Ord + 'a>(rows: &'a [T], key: impl Fn(&'a T) -> &'a K) -> Vec<u32> {
    let mut sorted: Vec<usize> = (0..rows.len()).collect();
    sorted.sort_by_key(|at| key(&rows[*at]));
    let mut places = vec![0; rows.len()];
    for (new, old) in sorted.into_iter().enumerate() {
        places[old] = place(new);
    }
    places
}

fn resources(cpu_milli: u32, memory_mib: u32, extended: BTreeMap<String, u32>) -> Resources {
    let mut resources = Resources::new(i64::from(cpu_milli), i64::from(memory_mib) * MIB);
    let extended = extended.into_iter();
    resources.extended = extended.map(|(name, amount)| (name, i64::from(amount))).collect();
    resources
}
