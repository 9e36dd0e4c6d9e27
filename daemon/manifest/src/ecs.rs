//! What `aws ecs describe-…` prints: clusters, services, tasks, task definitions, container instances and capacity
//! providers, document by document.
//!
//! Source: the Amazon ECS API reference. What they come to as workloads, pods and nodes is the work of `join`. Not
//! read: deployments, load balancers, Fargate Spot, placement strategies (they only prefer).

mod join;

pub(crate) use join::Ecs;

use crate::node::{ARCH, INSTANCE_TYPE, OS, ZONE};
use crate::sheet::At;
use crate::tree::Tree;
use model::pod::{PodSpec, PodTraits, Unmodelled};
use model::resources::{GIB, MIB, Resources};
use model::selector::Labels;

/// Names of ECS' own capacity providers.
const FARGATE: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];
/// CPU units of a vCPU.
const UNITS: i64 = 1024;
/// Extended resource of a GPU.
const GPU: &str = "nvidia.com/gpu";

/// One thing that ECS describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EcsObject {
    /// A cluster.
    Cluster(EcsCluster),
    /// A service.
    Service(EcsService),
    /// A task.
    Task(EcsTask),
    /// A task definition.
    Definition(Box<EcsDefinition>),
    /// A container instance.
    Instance(EcsInstance),
    /// A capacity provider.
    Provider(EcsProvider),
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcsCluster {
    /// Name.
    pub name: String,
    /// It may run tasks on Fargate.
    pub fargate: bool,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcsService {
    /// Cluster, by name.
    pub cluster: String,
    /// Name.
    pub name: String,
    /// ARN of its task definition.
    pub definition: String,
    /// `desiredCount`.
    pub desired: u32,
    /// `runningCount`.
    pub running: u32,
    /// One task per instance (`schedulingStrategy: DAEMON`).
    pub daemon: bool,
    /// At most one task per instance (`distinctInstance`).
    pub distinct: bool,
    /// An expression says where tasks may go (`memberOf`): not modelled.
    pub constrained: bool,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcsTask {
    /// Cluster, by name.
    pub cluster: String,
    /// Last part of its ARN.
    pub id: String,
    /// Service that it belongs to.
    pub service: Option<String>,
    /// ARN of its task definition.
    pub definition: String,
    /// `lastStatus`.
    pub status: String,
    /// ARN of the container instance that it is on.
    pub instance: Option<String>,
    /// It runs on Fargate.
    pub fargate: bool,
}

/// A task definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcsDefinition {
    /// ARN.
    pub arn: String,
    /// What a task asks for; namespace and owner are not known here.
    pub spec: PodSpec,
}

/// A container instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcsInstance {
    /// ARN.
    pub arn: String,
    /// EC2 instance id.
    pub ec2: Option<String>,
    /// Capacity provider, where one started it.
    pub provider: Option<String>,
    /// Labels in Kubernetes' words.
    pub labels: Labels,
    /// What it registered.
    pub registered: Resources,
    /// What of that is free.
    pub remaining: Resources,
    /// Takes tasks (`ACTIVE`).
    pub active: bool,
    /// Its agent is connected.
    pub connected: bool,
}

/// A capacity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcsProvider {
    /// Name.
    pub name: String,
    /// ECS itself sets the size of its Auto Scaling group.
    pub managed: bool,
}

/// Reads one of a list.
type Reader = fn(At<'_, '_>) -> Option<EcsObject>;

/// Reads a document without a kind; `None` where it is none of ECS'.
pub(crate) fn objects(top: At<'_, '_>) -> Option<Vec<EcsObject>> {
    let list = |key| top.get(key).items();
    if top.get("taskDefinition").is_there() {
        return Some(vec![EcsObject::Definition(Box::new(definition(
            top.get("taskDefinition"),
        )))]);
    }
    let readers: [(&'static str, Reader); 5] = [
        ("services", service),
        ("tasks", task),
        ("containerInstances", instance),
        ("capacityProviders", provider),
        ("clusters", cluster),
    ];
    let (key, read) = readers.into_iter().find(|(key, _)| top.get(key).is_there())?;
    Some(list(key).filter_map(read).collect())
}

impl EcsObject {
    /// The region that its ARN tells.
    pub(crate) fn region(&self) -> Option<String> {
        match self {
            Self::Definition(definition) => crate::region::of_arn(&definition.arn),
            Self::Instance(instance) => crate::region::of_arn(&instance.arn),
            Self::Cluster(_) | Self::Service(_) | Self::Task(_) | Self::Provider(_) => None,
        }
    }
}

/// The last part of an ARN.
fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn cluster(at: At<'_, '_>) -> Option<EcsObject> {
    let mut providers = at.get("capacityProviders").items().filter_map(At::text);
    Some(EcsObject::Cluster(EcsCluster {
        name: at.get("clusterName").name()?.to_owned(),
        fargate: providers.any(|name| FARGATE.contains(&name)),
    }))
}

fn service(at: At<'_, '_>) -> Option<EcsObject> {
    let types = |kind| {
        let mut all = at.get("placementConstraints").items();
        all.any(|constraint| constraint.get("type").text() == Some(kind))
    };
    Some(EcsObject::Service(EcsService {
        cluster: last(at.get("clusterArn").name()?).to_owned(),
        name: at.get("serviceName").name()?.to_owned(),
        definition: at.get("taskDefinition").name()?.to_owned(),
        desired: at.get("desiredCount").count().unwrap_or(0),
        running: at.get("runningCount").count().unwrap_or(0),
        daemon: at.get("schedulingStrategy").text() == Some("DAEMON"),
        distinct: types("distinctInstance"),
        constrained: types("memberOf"),
    }))
}

fn task(at: At<'_, '_>) -> Option<EcsObject> {
    let of_service = at
        .get("group")
        .text()
        .and_then(|group| group.strip_prefix("service:"));
    let provider = at.get("capacityProviderName").text();
    let on_fargate = at.get("launchType").text() == Some("FARGATE");
    Some(EcsObject::Task(EcsTask {
        cluster: last(at.get("clusterArn").name()?).to_owned(),
        id: last(at.get("taskArn").name()?).to_owned(),
        service: of_service.map(str::to_owned),
        definition: at.get("taskDefinitionArn").name()?.to_owned(),
        status: at.get("lastStatus").name()?.to_owned(),
        instance: at.get("containerInstanceArn").text().map(str::to_owned),
        fargate: on_fargate || provider.is_some_and(|name| FARGATE.contains(&name)),
    }))
}

fn provider(at: At<'_, '_>) -> Option<EcsObject> {
    let scaling = at.at(["autoScalingGroupProvider", "managedScaling", "status"]);
    let name = at.get("name").name()?;
    Some(EcsObject::Provider(EcsProvider {
        name: name.to_owned(),
        managed: scaling.text() == Some("ENABLED") || at.get("managedInstancesProvider").is_there(),
    }))
}

fn instance(at: At<'_, '_>) -> Option<EcsObject> {
    let mut labels = Labels::new();
    for attribute in at.get("attributes").items() {
        let value = attribute.get("value").text().unwrap_or_default();
        let (key, value) = match attribute.get("name").text() {
            Some("ecs.instance-type") => (INSTANCE_TYPE, value),
            Some("ecs.availability-zone") => (ZONE, value),
            Some("ecs.cpu-architecture") => (ARCH, architecture(value)),
            Some("ecs.os-type") => (OS, value),
            _ => continue,
        };
        labels.insert(key.to_owned(), value.to_owned());
    }
    Some(EcsObject::Instance(EcsInstance {
        arn: at.get("containerInstanceArn").name()?.to_owned(),
        ec2: at.get("ec2InstanceId").text().map(str::to_owned),
        provider: at.get("capacityProviderName").text().map(str::to_owned),
        labels,
        registered: resources(at.get("registeredResources")),
        remaining: resources(at.get("remainingResources")),
        active: at.get("status").text() == Some("ACTIVE"),
        connected: at.get("agentConnected").flag(),
    }))
}

/// Amounts of a container instance: CPU units, MiB, and GPUs by name.
fn resources(at: At<'_, '_>) -> Resources {
    let mut found = Resources::default();
    for amount in at.items() {
        let number = || amount.get("integerValue").int().unwrap_or(0);
        match amount.get("name").text() {
            // Rounded down: a node has no more than it registered.
            Some("CPU") => found.cpu_milli = number().saturating_mul(1000).div_euclid(UNITS),
            Some("MEMORY") => found.memory_bytes = number().saturating_mul(MIB),
            Some("GPU") => {
                let gpus = i64::try_from(amount.get("stringSetValue").items().count()).unwrap_or(0);
                if gpus > 0 {
                    found.extended.insert(GPU.to_owned(), gpus);
                }
            }
            _ => {}
        }
    }
    found
}

fn architecture(name: &str) -> &str {
    match name {
        "x86_64" | "X86_64" => "amd64",
        "ARM64" => "arm64",
        other => other,
    }
}

fn definition(at: At<'_, '_>) -> EcsDefinition {
    let arn = at.get("taskDefinitionArn").name().unwrap_or_default().to_owned();
    let mode = at.get("networkMode").text().unwrap_or("bridge");
    let is_host = |key| at.get(key).text() == Some("host");
    let mut traits = PodTraits {
        host_network: mode == "host",
        host_pid: is_host("pidMode"),
        host_ipc: is_host("ipcMode"),
        ..PodTraits::default()
    };
    let mut gpus = 0_i64;
    let (mut cpu, mut memory) = (0_i64, 0_i64);
    for container in at.get("containerDefinitions").items() {
        cpu = cpu.saturating_add(number(container.get("cpu")).unwrap_or(0));
        let soft = number(container.get("memoryReservation"));
        let hard = || number(container.get("memory"));
        memory = memory.saturating_add(soft.or_else(hard).unwrap_or(0));
        traits.privileged |= container.get("privileged").flag();
        for need in container.get("resourceRequirements").items() {
            if need.get("type").text() == Some("GPU") {
                gpus = gpus.saturating_add(number(need.get("value")).unwrap_or(0));
            }
        }
        // With a network of its own a task's ports are nobody else's.
        let mut ports = container.get("portMappings").items();
        traits.host_port |= mode == "bridge" && ports.any(|port| port.get("hostPort").int().unwrap_or(0) > 0);
    }
    for volume in at.get("volumes").items() {
        traits.host_path |= volume.at(["host", "sourcePath"]).is_there();
        traits.csi_volume |= volume.get("dockerVolumeConfiguration").is_there()
            || volume.get("fsxWindowsFileServerVolumeConfiguration").is_there();
    }
    let cpu = number(at.get("cpu")).unwrap_or(cpu);
    let memory = number(at.get("memory")).unwrap_or(memory);
    // Rounded up: a task gets no less than it asks for.
    let cpu_milli = cpu
        .saturating_mul(1000)
        .saturating_add(UNITS - 1)
        .div_euclid(UNITS);
    let mut requests = Resources::new(cpu_milli, memory.saturating_mul(MIB));
    // Of Fargate alone, and billed there above what is free; a container instance's disk is counted by nobody.
    let storage = number(at.at(["ephemeralStorage", "sizeInGiB"])).unwrap_or(0);
    requests.ephemeral_bytes = storage.saturating_mul(GIB);
    if gpus > 0 {
        requests.extended.insert(GPU.to_owned(), gpus);
    }
    let platform = at.get("runtimePlatform");
    let arch = architecture(platform.get("cpuArchitecture").text().unwrap_or("X86_64"));
    let system = platform.get("operatingSystemFamily").text().unwrap_or("LINUX");
    let system = if system.starts_with("WINDOWS") {
        "windows"
    } else {
        "linux"
    };
    let constrained = at.get("placementConstraints").items().count() > 0;
    let spec = PodSpec {
        requests,
        traits,
        node_selector: [(ARCH, arch), (OS, system)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        unmodelled: constrained
            .then_some(Unmodelled::Unreadable)
            .into_iter()
            .collect(),
        ..PodSpec::default()
    };
    EcsDefinition { arn, spec }
}

/// A whole number, written as one or as text; anything else is noted.
fn number(at: At<'_, '_>) -> Option<i64> {
    let text = match at.tree()? {
        Tree::Null => return None,
        Tree::Int(value) => return negative_is_nothing(at, *value),
        Tree::Text(text) => text,
        other => {
            at.problem(format_args!("must be a whole number, is {}", other.kind()));
            return None;
        }
    };
    let Ok(value) = text.trim().parse() else {
        at.problem(format_args!(
            "{}: must be a whole number",
            crate::problem::quoted(text)
        ));
        return None;
    };
    negative_is_nothing(at, value)
}

fn negative_is_nothing(at: At<'_, '_>, value: i64) -> Option<i64> {
    if value < 0 {
        at.problem(format_args!("{value}: must not be negative"));
        return None;
    }
    Some(value)
}

#[cfg(test)]
mod tests;
