//! DaemonSets that EKS clusters run, as their charts write them.
//!
//! Sources: aws/amazon-vpc-cni-k8s, aws-ebs-csi-driver and aws-efs-csi-driver (charts), prometheus-node-exporter, Cilium,
//! Datadog, aws-for-fluent-bit and NVIDIA's device plugin. Requests and ports are theirs where the charts tell them.

use crate::dice::Dice;
use serde_json::{Value, json};

/// A port of the host, as a chart declares it.
type Port = (u16, &'static str);

/// What a chart says, as far as placement reads it.
struct Agent {
    name: &'static str,
    host_network: bool,
    ports: &'static [Port],
    /// Containers with this many millicores and MiB each.
    containers: u32,
    cpu: u32,
    memory: u32,
    selector: &'static [(&'static str, &'static str)],
    expressions: &'static [(&'static str, &'static str, &'static [&'static str])],
    tolerates: Tolerates,
    critical: bool,
    alone: bool,
}

enum Tolerates {
    All,
    NoSchedule,
    Gpu,
    Nothing,
}

const USUAL: Agent = Agent {
    name: "",
    host_network: false,
    ports: &[],
    containers: 1,
    cpu: 0,
    memory: 0,
    selector: &[],
    expressions: &[],
    tolerates: Tolerates::All,
    critical: false,
    alone: false,
};

const ON_EC2: (&str, &str, &[&str]) = (
    "eks.amazonaws.com/compute-type",
    "NotIn",
    &["fargate", "hybrid", "auto"],
);
const LINUX: (&str, &str, &[&str]) = ("kubernetes.io/os", "In", &["linux"]);

/// On every EKS cluster.
const ALWAYS: [Agent; 2] = [
    Agent {
        name: "aws-node",
        host_network: true,
        ports: &[(61678, "TCP"), (8162, "TCP")],
        containers: 2,
        cpu: 25,
        expressions: &[LINUX, ("kubernetes.io/arch", "In", &["amd64", "arm64"]), ON_EC2],
        critical: true,
        ..USUAL
    },
    Agent {
        name: "kube-proxy",
        host_network: true,
        ports: &[(10249, "TCP")],
        cpu: 100,
        expressions: &[LINUX, ON_EC2],
        critical: true,
        ..USUAL
    },
];

/// On many.
const SOMETIMES: [Agent; 8] = [
    Agent {
        name: "ebs-csi-node",
        containers: 3,
        cpu: 10,
        memory: 40,
        selector: &[("kubernetes.io/os", "linux")],
        expressions: &[("eks.amazonaws.com/compute-type", "NotIn", &["fargate"])],
        critical: true,
        ..USUAL
    },
    Agent {
        name: "efs-csi-node",
        host_network: true,
        ports: &[(9809, "TCP")],
        selector: &[("kubernetes.io/os", "linux")],
        critical: true,
        ..USUAL
    },
    Agent {
        name: "node-exporter",
        host_network: true,
        ports: &[(9100, "TCP")],
        selector: &[("kubernetes.io/os", "linux")],
        tolerates: Tolerates::NoSchedule,
        ..USUAL
    },
    Agent {
        name: "cilium",
        host_network: true,
        ports: &[(4240, "TCP"), (9964, "TCP")],
        cpu: 100,
        memory: 128,
        selector: &[("kubernetes.io/os", "linux")],
        critical: true,
        alone: true,
        ..USUAL
    },
    Agent {
        name: "fluent-bit",
        cpu: 50,
        memory: 50,
        selector: &[("beta.kubernetes.io/os", "linux")],
        tolerates: Tolerates::Nothing,
        ..USUAL
    },
    Agent {
        name: "datadog",
        ports: &[(8125, "UDP")],
        cpu: 200,
        memory: 256,
        tolerates: Tolerates::Nothing,
        ..USUAL
    },
    Agent {
        name: "regional",
        cpu: 300,
        memory: 300,
        selector: &[("topology.kubernetes.io/region", "eu-central-1")],
        ..USUAL
    },
    Agent {
        name: "old-chart",
        cpu: 150,
        memory: 64,
        selector: &[("failure-domain.beta.kubernetes.io/region", "eu-central-1")],
        expressions: &[("beta.kubernetes.io/arch", "In", &["amd64"])],
        ..USUAL
    },
];

const GPU: Agent = Agent {
    name: "nvidia-device-plugin",
    expressions: &[("nvidia.com/gpu.present", "In", &["true"])],
    tolerates: Tolerates::Gpu,
    critical: true,
    ..USUAL
};

/// DaemonSets of one cluster.
pub(super) fn daemon_sets(dice: &mut Dice) -> Vec<Value> {
    let mut sets: Vec<Value> = ALWAYS.iter().map(daemon_set).collect();
    for agent in &SOMETIMES {
        if dice.percent(35) {
            sets.push(daemon_set(agent));
        }
    }
    sets.push(daemon_set(&GPU));
    sets
}

fn daemon_set(agent: &Agent) -> Value {
    let labels = json!({"k8s-app": agent.name});
    json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": agent.name, "namespace": "kube-system", "uid": format!("ds-{}", agent.name)},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec(agent)},
        },
    })
}

fn spec(agent: &Agent) -> Value {
    let ports: Vec<Value> = agent
        .ports
        .iter()
        .map(|(port, protocol)| json!({"containerPort": port, "hostPort": port, "protocol": protocol}))
        .collect();
    let containers: Vec<Value> = (0..agent.containers)
        .map(|number| {
            let mut container = json!({"name": format!("c{number}"), "image": "x"});
            if agent.cpu > 0 {
                container["resources"]["requests"]["cpu"] = json!(format!("{}m", agent.cpu));
            }
            if agent.memory > 0 {
                container["resources"]["requests"]["memory"] = json!(format!("{}Mi", agent.memory));
            }
            if number == 0 {
                container["ports"] = json!(ports);
            }
            container
        })
        .collect();
    let mut spec = json!({"containers": containers});
    if agent.host_network {
        spec["hostNetwork"] = json!(true);
    }
    for (key, value) in agent.selector {
        spec["nodeSelector"][key] = json!(value);
    }
    if !agent.expressions.is_empty() {
        let rules: Vec<Value> = agent
            .expressions
            .iter()
            .map(|(key, operator, values)| json!({"key": key, "operator": operator, "values": values}))
            .collect();
        spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
            json!({"nodeSelectorTerms": [{"matchExpressions": rules}]});
    }
    if agent.alone {
        spec["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = json!([{
            "topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchLabels": {"k8s-app": agent.name}},
        }]);
    }
    let tolerations = match agent.tolerates {
        Tolerates::All => json!([{"operator": "Exists"}]),
        Tolerates::NoSchedule => json!([{"operator": "Exists", "effect": "NoSchedule"}]),
        Tolerates::Gpu => json!([{"key": "nvidia.com/gpu", "operator": "Exists"}]),
        Tolerates::Nothing => json!([]),
    };
    spec["tolerations"] = tolerations;
    if agent.critical {
        spec["priorityClassName"] = json!("system-node-critical");
        spec["priority"] = json!(2_000_001_000);
    }
    spec
}
