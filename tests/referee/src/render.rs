//! Nodes and pods of `model` as the API would show them: for nodes that a plan buys, and pods that only a Snapshot knows.
//!
//! Writes what scheduling reads and nothing else.

use model::node::Node;
use model::offer::Offer;
use model::pod::{HostPort, Near, NearRule, PodSpec, Taint, Toleration};
use model::resources::Resources;
use model::selector::{LabelSelector, Labels, NodeTerm, Operator, Requirement};
use serde_json::{Value, json};

const HOSTNAME: &str = "kubernetes.io/hostname";

/// A node that is there.
pub fn node(node: &Node) -> Value {
    let mut shown = shown(node.name.as_str(), &node.labels, &node.taints);
    shown["spec"]["unschedulable"] = json!(node.unschedulable);
    shown["status"]["allocatable"] = allocatable(&node.allocatable, node.max_pods);
    shown
}

/// A node that an offer becomes: its labels with its own name as hostname, and its group's taints.
pub fn bought(name: &str, offer: &Offer, taints: &[Taint]) -> Value {
    let mut labels = offer.labels.clone();
    labels.insert(HOSTNAME.to_owned(), name.to_owned());
    let mut shown = shown(name, &labels, taints);
    shown["status"]["allocatable"] = allocatable(&offer.allocatable, offer.max_pods);
    shown
}

fn shown(name: &str, labels: &Labels, taints: &[Taint]) -> Value {
    let taints = taints.iter().map(
        |taint| json!({"key": taint.key, "value": taint.value, "effect": format!("{:?}", taint.effect)}),
    );
    json!({
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": taints.collect::<Vec<_>>()},
        "status": {},
    })
}

fn allocatable(amounts: &Resources, pods: u32) -> Value {
    let mut list = resources(amounts);
    list["pods"] = json!(pods.to_string());
    list
}

fn resources(amounts: &Resources) -> Value {
    let mut list = json!({});
    for (name, amount) in &amounts.extended {
        list[name] = json!(amount.to_string());
    }
    list["cpu"] = json!(format!("{}m", amounts.cpu_milli));
    list["memory"] = json!(amounts.memory_bytes.to_string());
    list["ephemeral-storage"] = json!(amounts.ephemeral_bytes.to_string());
    list
}

/// A pod of this spec, on a node where one is named.
pub fn pod(namespace: &str, name: &str, spec: &PodSpec, node: Option<&str>) -> Value {
    let asked = resources(&spec.requests);
    let ports: Vec<Value> = spec.host_ports.iter().map(port).collect();
    let mut body = json!({
        "containers": [{
            "name": "main",
            "image": "x",
            // Extended resources cannot be over-committed: the limit is the request.
            "resources": {"requests": asked, "limits": asked},
            "ports": ports,
        }],
        "nodeSelector": spec.node_selector,
        "tolerations": spec.tolerations.iter().map(toleration).collect::<Vec<_>>(),
        "affinity": affinity(spec),
        "topologySpreadConstraints": spreads(spec),
    });
    if let Some(node) = node {
        body["nodeName"] = json!(node);
    }
    json!({
        "metadata": {"name": name, "namespace": namespace, "labels": spec.labels},
        "spec": body,
    })
}

fn port(port: &HostPort) -> Value {
    let mut shown = json!({"containerPort": port.port, "hostPort": port.port, "protocol": port.protocol});
    if !port.ip.is_empty() {
        shown["hostIP"] = json!(port.ip);
    }
    shown
}

fn toleration(toleration: &Toleration) -> Value {
    let mut shown = json!({"operator": if toleration.value.is_some() { "Equal" } else { "Exists" }});
    if let Some(key) = &toleration.key {
        shown["key"] = json!(key);
    }
    if let Some(value) = &toleration.value {
        shown["value"] = json!(value);
    }
    if let Some(effect) = toleration.effect {
        shown["effect"] = json!(format!("{effect:?}"));
    }
    shown
}

fn affinity(spec: &PodSpec) -> Value {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    let mut shown = json!({});
    if let Some(terms) = &spec.node_affinity {
        let terms: Vec<Value> = terms.iter().map(node_term).collect();
        shown["nodeAffinity"] = json!({REQUIRED: {"nodeSelectorTerms": terms}});
    }
    for (kind, rule) in [
        ("podAffinity", NearRule::Together),
        ("podAntiAffinity", NearRule::Apart),
    ] {
        let terms: Vec<Value> = spec
            .near
            .iter()
            .filter(|near| near.rule == rule)
            .map(term)
            .collect();
        if !terms.is_empty() {
            shown[kind] = json!({REQUIRED: terms});
        }
    }
    shown
}

fn node_term(term: &NodeTerm) -> Value {
    json!({
        "matchExpressions": term.labels.iter().map(requirement).collect::<Vec<_>>(),
        "matchFields": term.fields.iter().map(requirement).collect::<Vec<_>>(),
    })
}

fn requirement(requirement: &Requirement) -> Value {
    let key = &requirement.key;
    match &requirement.operator {
        // A choice among nothing is how a bound that is no number was read.
        Operator::In(values) if values.is_empty() => {
            json!({"key": key, "operator": "Gt", "values": ["none"]})
        }
        Operator::In(values) => json!({"key": key, "operator": "In", "values": values}),
        Operator::NotIn(values) => json!({"key": key, "operator": "NotIn", "values": values}),
        Operator::Exists => json!({"key": key, "operator": "Exists"}),
        Operator::DoesNotExist => json!({"key": key, "operator": "DoesNotExist"}),
        Operator::Gt(bound) => json!({"key": key, "operator": "Gt", "values": [bound.to_string()]}),
        Operator::Lt(bound) => json!({"key": key, "operator": "Lt", "values": [bound.to_string()]}),
    }
}

fn term(near: &Near) -> Value {
    let mut shown = json!({"topologyKey": near.key});
    select(&near.selector, &mut shown);
    match &near.namespaces {
        None => shown["namespaceSelector"] = json!({}),
        Some(names) => shown["namespaces"] = json!(names),
    }
    shown
}

/// `labelSelector`; none where nothing can match.
fn select(selector: &LabelSelector, rule: &mut Value) {
    let nothing = |requirement: &Requirement| matches!(&requirement.operator, Operator::In(values) if values.is_empty());
    if !selector.requirements.iter().any(nothing) {
        let expressions: Vec<Value> = selector.requirements.iter().map(requirement).collect();
        rule["labelSelector"] = json!({"matchExpressions": expressions});
    }
}

fn spreads(spec: &PodSpec) -> Vec<Value> {
    let policy = |ignores| if ignores { "Ignore" } else { "Honor" };
    let mut shown = Vec::new();
    for near in &spec.near {
        if let NearRule::Spread { skew, domains } = near.rule {
            let mut constraint = json!({
                "topologyKey": near.key,
                "whenUnsatisfiable": "DoNotSchedule",
                "maxSkew": skew,
                "minDomains": domains,
                "nodeAffinityPolicy": policy(near.nodes.despite_affinity),
                "nodeTaintsPolicy": policy(!near.nodes.only_tolerated),
            });
            select(&near.selector, &mut constraint);
            shown.push(constraint);
        }
    }
    shown
}
