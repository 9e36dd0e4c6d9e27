//! Nodes as kubelet, EKS and the AWS cloud provider register them, written down from their documentation and never
//! taken from an offer: what a plan believes a node will be is what is on trial.
//!
//! Sources: kubelet's `kubelet_node_status.go`, cloud-provider-aws' `instances_v2.go`, the EKS user guide on managed
//! node groups, kops' `pkg/nodelabels`, the EBS driver's `NodeGetInfo`.

use super::world::NodeGroup;
use serde_json::{Value, json};

/// An instance type: what is sold, and what its kubelet leaves for pods.
#[derive(Clone, Copy, Debug)]
pub struct InstanceType {
    /// Name.
    pub name: &'static str,
    /// vCPUs.
    pub vcpu: u32,
    /// Memory, MiB.
    pub memory: u32,
    /// As nodes say it.
    pub arch: &'static str,
    /// Dollars an hour, in thousandths.
    pub price: u32,
    /// Devices.
    pub gpus: u32,
    /// Millicores for pods.
    pub cpu_milli: u32,
    /// MiB for pods.
    pub memory_mib: u32,
    /// Pods.
    pub pods: u32,
}

const fn instance_type(
    name: &'static str,
    shape: (u32, u32, &'static str, u32),
    price: u32,
    left: (u32, u32, u32),
) -> InstanceType {
    InstanceType {
        name,
        vcpu: shape.0,
        memory: shape.1,
        arch: shape.2,
        gpus: shape.3,
        price,
        cpu_milli: left.0,
        memory_mib: left.1,
        pods: left.2,
    }
}

/// What there is to buy.
pub const TYPES: [InstanceType; 6] = [
    instance_type("m5.large", (2, 8192, "amd64", 0), 115, (1930, 7031, 29)),
    instance_type("m5.xlarge", (4, 16_384, "amd64", 0), 230, (3920, 14_862, 58)),
    instance_type("c5.2xlarge", (8, 16_384, "amd64", 0), 388, (7910, 14_862, 58)),
    instance_type("r5.large", (2, 16_384, "amd64", 0), 152, (1930, 15_162, 29)),
    instance_type("m6g.large", (2, 8192, "arm64", 0), 92, (1930, 7031, 29)),
    instance_type("g5.xlarge", (4, 16_384, "amd64", 1), 1258, (3920, 14_862, 58)),
];

/// The region.
pub const REGION: &str = "eu-central-1";
/// Volumes that the EBS driver says every one of these types may attach.
pub const EBS_VOLUMES: u32 = 25;

/// The type of this name; the first where nobody knows it.
pub fn type_of(name: &str) -> InstanceType {
    TYPES
        .into_iter()
        .find(|known| known.name == name)
        .unwrap_or(TYPES[0])
}

/// What a node is made of.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its group; `None` for the fleet's.
    pub group: Option<&'a NodeGroup>,
    /// Its type.
    pub kind: InstanceType,
    /// Its zone.
    pub zone: &'a str,
    /// When.
    pub created: &'a str,
}

/// The node once it is usable: every label, no passing taint, devices there.
pub fn usable(launch: Launch<'_>) -> Value {
    let mut node = registering(launch);
    let labels = &mut node["metadata"]["labels"];
    for (key, value) in [
        ("topology.kubernetes.io/zone", launch.zone),
        ("failure-domain.beta.kubernetes.io/zone", launch.zone),
        ("topology.kubernetes.io/region", REGION),
        ("failure-domain.beta.kubernetes.io/region", REGION),
        ("node.kubernetes.io/instance-type", launch.kind.name),
        ("beta.kubernetes.io/instance-type", launch.kind.name),
        ("topology.k8s.aws/zone-id", zone_id(launch.zone)),
        ("topology.ebs.csi.aws.com/zone", launch.zone),
    ] {
        labels[key] = json!(value);
    }
    for (key, value) in launch.group.iter().flat_map(|group| &group.late_labels) {
        labels[key] = json!(value);
    }
    node["spec"]["taints"] = json!(launch.group.map(|group| group.taints.clone()).unwrap_or_default());
    node["status"] = status(&launch, true);
    node
}

/// The node that kubelet has just registered: the cloud provider has not been there, nor any agent.
pub fn registering(launch: Launch<'_>) -> Value {
    let windows = launch.group.is_some_and(|group| group.windows);
    let os = if windows { "windows" } else { "linux" };
    let mut labels = json!({
        "kubernetes.io/hostname": launch.name,
        "kubernetes.io/os": os,
        "beta.kubernetes.io/os": os,
        "kubernetes.io/arch": launch.kind.arch,
        "beta.kubernetes.io/arch": launch.kind.arch,
    });
    if windows {
        labels["node.kubernetes.io/windows-build"] = json!("10.0.20348");
    }
    if launch.kind.gpus > 0 {
        labels["nvidia.com/gpu.present"] = json!("true");
    }
    let mut taints = vec![
        json!({"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}),
        json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}),
        json!({"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}),
    ];
    if let Some(group) = launch.group {
        for (key, value) in &group.labels {
            labels[key] = json!(value);
        }
        taints.extend(group.taints.iter().cloned());
        taints.extend(group.startup.iter().cloned());
    }
    json!({
        "metadata": {"name": launch.name, "labels": labels, "creationTimestamp": launch.created},
        "spec": {"taints": taints, "providerID": provider_id(&launch)},
        "status": status(&launch, false),
    })
}

/// The node between the two: the cloud provider has been there and kubelet is Ready; agents' taints are still on it,
/// and devices have not been counted.
pub fn starting(launch: Launch<'_>) -> Value {
    let mut node = usable(launch);
    let startup = launch
        .group
        .map(|group| group.startup.clone())
        .unwrap_or_default();
    if let Some(taints) = node["spec"]["taints"].as_array_mut() {
        taints.extend(startup);
    }
    for list in ["allocatable", "capacity"] {
        if launch.kind.gpus > 0 {
            node["status"][list]["nvidia.com/gpu"] = json!("0");
        }
    }
    node
}

/// What its volumes drivers say about it.
pub fn csi_node(name: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {"drivers": [{
            "name": "ebs.csi.aws.com",
            "nodeID": name,
            "topologyKeys": ["kubernetes.io/os", "topology.ebs.csi.aws.com/zone", "topology.kubernetes.io/zone"],
            "allocatable": {"count": EBS_VOLUMES},
        }]},
    })
}

fn provider_id(launch: &Launch<'_>) -> String {
    let sum = launch.name.bytes().fold(7_u64, |sum, byte| {
        sum.wrapping_mul(1_099_511_628_211).wrapping_add(u64::from(byte))
    });
    format!("aws:///{}/i-{sum:016x}", launch.zone)
}

/// Zone names of an account are dealt anew in every account.
fn zone_id(zone: &str) -> &'static str {
    match zone.as_bytes().last() {
        Some(b'a') => "euc1-az2",
        Some(b'b') => "euc1-az3",
        Some(b'c') => "euc1-az1",
        _ => "euc1-az4",
    }
}

fn status(launch: &Launch<'_>, ready: bool) -> Value {
    let kind = &launch.kind;
    let mut allocatable = json!({
        "cpu": format!("{}m", kind.cpu_milli),
        "memory": format!("{}Mi", kind.memory_mib),
        "ephemeral-storage": "18Gi",
        "pods": kind.pods.to_string(),
    });
    let mut capacity = json!({
        "cpu": kind.vcpu.to_string(),
        "memory": format!("{}Mi", kind.memory),
        "ephemeral-storage": "20Gi",
        "pods": kind.pods.to_string(),
    });
    if kind.gpus > 0 && ready {
        allocatable["nvidia.com/gpu"] = json!(kind.gpus.to_string());
        capacity["nvidia.com/gpu"] = allocatable["nvidia.com/gpu"].clone();
    }
    let ready = if ready { "True" } else { "False" };
    json!({
        "allocatable": allocatable,
        "capacity": capacity,
        "conditions": [{"type": "Ready", "status": ready}],
    })
}
