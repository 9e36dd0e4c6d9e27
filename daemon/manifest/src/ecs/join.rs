//! What ECS describes as workloads, pods and nodes: a service is a workload, a task a pod, a container instance a node,
//! a capacity provider a group; the cluster is the namespace.
//!
//! Amounts are those that ECS itself counts by: no kubelet takes its share. Each task of a network of its own takes an
//! interface of its instance; that limit is not modelled.

use super::{EcsDefinition, EcsInstance, EcsObject, EcsService, EcsTask};
use crate::node::{HOSTNAME, NodeObject};
use crate::pod::PodObject;
use crate::profile::ProfileObject;
use crate::workload::WorkloadObject;
use model::group::{FargateSelector, GroupKind};
use model::ids::{GroupName, InstanceId, NodeName, PodKey, WorkloadKey};
use model::node::Node;
use model::pod::{Near, NearRule, PodPhase, PodSpec, Unmodelled};
use model::resources::Resources;
use model::selector::{LabelSelector, Labels, Requirement};
use model::time::Instant;
use model::workload::Workload;
use std::collections::{BTreeMap, BTreeSet};

/// Name of the group that stands for ECS' Fargate.
pub(crate) const FARGATE_GROUP: &str = "FARGATE";
/// Label of the tasks of a service, and of nodes in a cluster.
const SERVICE: &str = "ecs.service";
const CLUSTER: &str = "ecs.cluster";
/// Kind of a service.
const KIND: &str = "EcsService";
/// Storage of an instance that ECS does not count by: more than its tasks could ask for.
const UNCOUNTED: i64 = 1 << 50;
/// No instance takes so many tasks.
const MOST_TASKS: u32 = 1000;

/// Everything of ECS in the input.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ecs {
    definitions: BTreeMap<String, EcsDefinition>,
    services: BTreeMap<(String, String), EcsService>,
    tasks: BTreeMap<(String, String), EcsTask>,
    instances: BTreeMap<String, EcsInstance>,
    managed: BTreeSet<String>,
    fargate: BTreeSet<String>,
}

/// The same in Kubernetes' words.
#[derive(Default)]
pub(crate) struct Joined {
    pub(crate) workloads: Vec<WorkloadObject>,
    pub(crate) pods: Vec<PodObject>,
    pub(crate) nodes: Vec<NodeObject>,
    pub(crate) profile: Option<ProfileObject>,
}

impl Ecs {
    /// Adds one; what is described twice counts once.
    pub(crate) fn add(&mut self, object: EcsObject) {
        match object {
            EcsObject::Cluster(cluster) if cluster.fargate => drop(self.fargate.insert(cluster.name)),
            EcsObject::Cluster(_) => {}
            EcsObject::Service(service) => {
                let key = (service.cluster.clone(), service.name.clone());
                self.services.insert(key, service);
            }
            EcsObject::Task(task) => {
                if task.fargate {
                    self.fargate.insert(task.cluster.clone());
                }
                self.tasks.insert((task.cluster.clone(), task.id.clone()), task);
            }
            EcsObject::Definition(definition) => {
                self.definitions.insert(definition.arn.clone(), *definition);
            }
            EcsObject::Instance(instance) => {
                self.instances.insert(instance.arn.clone(), instance);
            }
            EcsObject::Provider(provider) if provider.managed => drop(self.managed.insert(provider.name)),
            EcsObject::Provider(_) => {}
        }
    }

    /// Task definitions that services or tasks name and the input lacks, each with who names it.
    pub(crate) fn missing(&self) -> Vec<String> {
        let services = self.services.values();
        let services = services.map(|own| (&own.definition, format!("service {}/{}", own.cluster, own.name)));
        let tasks = self.tasks.values();
        let tasks = tasks.map(|own| (&own.definition, format!("task {}/{}", own.cluster, own.id)));
        let missing = services.chain(tasks);
        let missing = missing.filter(|(definition, _)| !self.definitions.contains_key(*definition));
        missing
            .map(|(definition, who)| format!("{who}: its task definition {definition} is not in the input"))
            .collect()
    }

    /// What they come to; who lacks a task definition is left out.
    pub(crate) fn join(self) -> Joined {
        let mut joined = Joined::default();
        for service in self.services.values() {
            joined.workloads.extend(self.workload(service));
        }
        let mut used: BTreeMap<&str, Resources> = BTreeMap::new();
        for task in self.tasks.values() {
            let Some(pod) = self.pod(task) else { continue };
            if let Some(instance) = task
                .instance
                .as_deref()
                .filter(|_| pod.phase != PodPhase::Finished)
            {
                used.entry(instance).or_default().add(&pod.spec.requests);
            }
            if task.fargate
                && let Some(node) = &pod.node
            {
                joined.nodes.push(virtual_node(node, &task.cluster, &pod.spec));
            }
            joined.pods.push(pod);
        }
        for instance in self.instances.values() {
            joined
                .nodes
                .push(self.node(instance, used.get(instance.arn.as_str())));
        }
        let selector = |cluster: &String| FargateSelector {
            namespace: cluster.clone(),
            labels: LabelSelector::default(),
        };
        joined.profile = (!self.fargate.is_empty()).then(|| ProfileObject {
            name: FARGATE_GROUP.to_owned(),
            selectors: self.fargate.iter().map(selector).collect(),
            of_ecs: true,
        });
        joined
    }

    fn workload(&self, service: &EcsService) -> Option<WorkloadObject> {
        let spec = self.spec(&service.definition, &service.cluster, Some(&service.name))?;
        Some(WorkloadObject {
            first: 0,
            workload: Workload {
                key: spec.owner.clone()?,
                replicas: service.desired,
                ready: service.running,
                template: None,
                owned_by: None,
                annotations: Labels::new(),
                generation: 0,
                selector: LabelSelector::default(),
                metrics: Vec::new(),
            },
            template: Some(spec),
            written: None,
            claims: Vec::new(),
            controller: None,
        })
    }

    /// The spec of a task of this definition.
    fn spec(&self, definition: &str, cluster: &str, service: Option<&str>) -> Option<PodSpec> {
        let mut spec = self.definitions.get(definition)?.spec.clone();
        cluster.clone_into(&mut spec.namespace);
        let Some(name) = service else { return Some(spec) };
        let service = self.services.get(&(cluster.to_owned(), name.to_owned()));
        let daemon = service.is_some_and(|service| service.daemon);
        spec.owner = Some(WorkloadKey::new(
            if daemon { "DaemonSet" } else { KIND },
            cluster,
            name,
        ));
        spec.labels.insert(SERVICE.to_owned(), name.to_owned());
        if service.is_some_and(|service| service.distinct) {
            let own = LabelSelector {
                requirements: vec![Requirement::equal(SERVICE, name)],
            };
            let here = Some(vec![cluster.to_owned()]);
            spec.near = vec![Near::new(HOSTNAME.to_owned(), own, here, NearRule::Apart)];
        }
        if service.is_some_and(|service| service.constrained) && spec.unmodelled.is_empty() {
            spec.unmodelled.push(Unmodelled::Unreadable);
        }
        Some(spec)
    }

    fn pod(&self, task: &EcsTask) -> Option<PodObject> {
        let spec = self.spec(&task.definition, &task.cluster, task.service.as_deref())?;
        let node = match &task.instance {
            Some(arn) => Some(
                self.instances
                    .get(arn)
                    .map_or_else(|| NodeName::new(super::last(arn)), name),
            ),
            None if task.fargate && task.status != "PROVISIONING" => {
                Some(NodeName::new(format!("fargate-{}", task.id)))
            }
            None => None,
        };
        Some(PodObject {
            priority_class: None,
            key: PodKey::new(&task.cluster, &task.id),
            uid: String::new(),
            resource_version: String::new(),
            phase: phase(&task.status, node.is_some()),
            spec,
            node,
            created: Instant::default(),
            nominated: None,
            deletion_cost: 0,
            started: None,
            claims: Vec::new(),
            replica_set: None,
        })
    }

    /// What the instance has is what is free and what its known tasks take: tasks that the input leaves out are taken
    /// off for good.
    fn node(&self, instance: &EcsInstance, used: Option<&Resources>) -> NodeObject {
        let mut allocatable = instance.remaining.clone();
        allocatable.ephemeral_bytes = UNCOUNTED;
        if let Some(used) = used {
            allocatable.add(used);
        }
        let name = name(instance);
        let mut labels = instance.labels.clone();
        labels.insert(HOSTNAME.to_owned(), name.to_string());
        let managed = instance
            .provider
            .as_ref()
            .is_some_and(|own| self.managed.contains(own));
        NodeObject {
            foreign: managed.then_some("ECS managed scaling"),
            group_kind: instance.provider.as_ref().map(|_| GroupKind::EcsCapacityProvider),
            node: Node {
                group: instance.provider.as_ref().map(GroupName::new),
                instance: instance.ec2.as_ref().map(InstanceId::new),
                allocatable,
                ready: instance.connected,
                unschedulable: !instance.active,
                ..bare(name, labels)
            },
            ..object()
        }
    }
}

/// The instance's id, else the last part of its ARN.
fn name(instance: &EcsInstance) -> NodeName {
    let last = super::last(&instance.arn);
    NodeName::new(instance.ec2.as_deref().unwrap_or(last))
}

fn virtual_node(name: &NodeName, cluster: &str, spec: &PodSpec) -> NodeObject {
    let mut labels = spec.node_selector.clone();
    labels.insert(CLUSTER.to_owned(), cluster.to_owned());
    NodeObject {
        group_kind: Some(GroupKind::FargateProfile),
        node: Node {
            group: Some(GroupName::new(FARGATE_GROUP)),
            allocatable: spec.requests.clone(),
            max_pods: 1,
            fargate: true,
            ..bare(name.clone(), labels)
        },
        ..object()
    }
}

fn object() -> NodeObject {
    NodeObject {
        uid: String::new(),
        resource_version: String::new(),
        node: bare(NodeName::new(""), Labels::new()),
        ready_known: true,
        group_kind: None,
        foreign: None,
        region: None,
    }
}

fn bare(name: NodeName, labels: Labels) -> Node {
    Node {
        name,
        group: None,
        instance: None,
        offer: None,
        labels,
        taints: Vec::new(),
        allocatable: Resources::default(),
        max_pods: MOST_TASKS,
        ready: true,
        unschedulable: false,
        deleting: false,
        fargate: false,
        do_not_disrupt: false,
        draining: false,
        annotations: Labels::new(),
        unready: None,
        rate: None,
        created: Instant::default(),
        usage: None,
        leaving: None,
        template: None,
    }
}

/// `lastStatus` of a task.
fn phase(status: &str, placed: bool) -> PodPhase {
    match status {
        "STOPPED" | "DELETED" => PodPhase::Finished,
        "DEACTIVATING" | "STOPPING" | "DEPROVISIONING" => PodPhase::Terminating,
        "RUNNING" => PodPhase::Running,
        _ if placed => PodPhase::Starting,
        _ => PodPhase::Pending,
    }
}
