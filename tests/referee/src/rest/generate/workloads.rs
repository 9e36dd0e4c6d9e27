//! Deployments, StatefulSets and Jobs with the rules that people give them.

use super::ZONES;
use crate::dice::Dice;
use crate::rest::registered::REGION;
use serde_json::{Value, json};

/// A workload before its pods are made.
pub(super) struct Workload {
    /// `Deployment`, `StatefulSet` or `Job`.
    pub(super) kind: &'static str,
    /// Its name, and what its pods are called after.
    pub(super) name: String,
    /// Pods' labels and spec.
    pub(super) template: Value,
    /// What its pods mount.
    pub(super) claims: Claims,
}

/// Volumes of the pods.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Claims {
    /// None.
    None,
    /// Each pod its own.
    Own,
    /// All pods the same one, unbound as yet.
    Shared,
}

const ZONE: &str = "topology.kubernetes.io/zone";
const HOSTNAME: &str = "kubernetes.io/hostname";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
/// Keys of domains other than zone and host.
const OTHER_KEYS: [&str; 5] = [
    "karpenter.sh/capacity-type",
    "eks.amazonaws.com/capacityType",
    "topology.kubernetes.io/region",
    "kubernetes.io/arch",
    "node.kubernetes.io/instance-type",
];

/// One workload; `others` are the names of those before it.
pub(super) fn workload(dice: &mut Dice, number: usize, others: &[String]) -> Workload {
    let name = format!("{}-{number}", dice.pick(&["web", "api", "db", "cache"]));
    let mut labels = json!({"app": name});
    let kind = match dice.below(10) {
        0..=5 => "Deployment",
        6..=8 => "StatefulSet",
        _ => "Job",
    };
    if kind == "Deployment" {
        labels["pod-template-hash"] = json!(format!("6c8f{number}"));
    }
    let cpu = dice.pick(&["100m", "250m", "500m", "1000m", "1500m"]);
    let memory = dice.pick(&["128Mi", "512Mi", "1024Mi", "3072Mi"]);
    let mut spec = json!({
        "containers": [{
            "name": "main", "image": "x",
            "resources": {"requests": {"cpu": cpu, "memory": memory}},
        }],
    });
    // Most pods have few rules: one that asks for everything at once can run nowhere.
    let rules = [0, 1, 1, 1, 2, 3][dice.below(6)];
    for _ in 0..rules {
        rule(dice, &mut spec, &name, others);
    }
    if dice.percent(25) {
        tolerations(dice, &mut spec);
    }
    if dice.percent(15) {
        spec["priorityClassName"] = json!("important");
        spec["priority"] = json!(1000);
    }
    if kind == "Job" {
        spec["restartPolicy"] = json!("Never");
    }
    let claims = match dice.below(20) {
        0..=4 if kind == "StatefulSet" => Claims::Own,
        0 if kind == "Deployment" => Claims::Shared,
        _ => Claims::None,
    };
    let template = json!({"metadata": {"labels": labels}, "spec": spec});
    Workload {
        kind,
        name,
        template,
        claims,
    }
}

fn rule(dice: &mut Dice, spec: &mut Value, own: &str, others: &[String]) {
    let selector = json!({"matchLabels": {"app": own}});
    match dice.below(24) {
        0..=4 => spread(dice, spec, ZONE, &selector),
        5..=7 => spread(dice, spec, HOSTNAME, &selector),
        8 => {
            let key = dice.pick(&OTHER_KEYS);
            spread(dice, spec, key, &selector);
        }
        9..=10 => near(spec, "podAntiAffinity", HOSTNAME, &selector),
        11 => near(spec, "podAntiAffinity", ZONE, &selector),
        12 => {
            let key = dice.pick(&[ZONE, HOSTNAME]);
            near(spec, "podAffinity", key, &selector);
        }
        13..=14 if !others.is_empty() => {
            let key = dice.pick(&[ZONE, ZONE, HOSTNAME]);
            let other = &others[dice.below(others.len())];
            let kind = dice.pick(&["podAffinity", "podAffinity", "podAntiAffinity"]);
            near(spec, kind, key, &json!({"matchLabels": {"app": other}}));
        }
        15 => {
            let agent = dice.pick(&["aws-node", "node-exporter", "cilium"]);
            near(
                spec,
                "podAffinity",
                HOSTNAME,
                &json!({"matchLabels": {"k8s-app": agent}}),
            );
            let terms = &mut spec["affinity"]["podAffinity"][REQUIRED];
            if let Some(last) = terms.as_array_mut().and_then(|terms| terms.last_mut()) {
                last["namespaces"] = json!(["kube-system"]);
            }
        }
        16..=17 => ports(dice, spec),
        18 if dice.percent(50) => {
            let main = &mut spec["containers"][0]["resources"];
            main["requests"]["nvidia.com/gpu"] = json!("1");
            main["limits"]["nvidia.com/gpu"] = json!("1");
            spec["tolerations"] = json!([{"key": "nvidia.com/gpu", "operator": "Exists"}]);
        }
        _ => selector_of_nodes(dice, spec),
    }
}

fn spread(dice: &mut Dice, spec: &mut Value, key: &str, selector: &Value) {
    let known = spec["topologySpreadConstraints"].as_array();
    if known.is_some_and(|all| all.iter().any(|one| one["topologyKey"] == key)) {
        return;
    }
    let mut constraint = json!({
        "topologyKey": key,
        "maxSkew": dice.pick(&[&1, &1, &2]),
        "whenUnsatisfiable": dice.pick(&["DoNotSchedule", "DoNotSchedule", "DoNotSchedule", "ScheduleAnyway"]),
        "labelSelector": selector,
    });
    let hard = constraint["whenUnsatisfiable"] == "DoNotSchedule";
    if hard && dice.percent(10) {
        constraint["minDomains"] = json!(dice.between(2, 3));
    }
    if dice.percent(15) {
        constraint["nodeTaintsPolicy"] = json!("Honor");
    }
    if dice.percent(10) {
        constraint["matchLabelKeys"] = json!(["pod-template-hash"]);
    }
    if !spec["topologySpreadConstraints"].is_array() {
        spec["topologySpreadConstraints"] = json!([]);
    }
    if let Some(all) = spec["topologySpreadConstraints"].as_array_mut() {
        all.push(constraint);
    }
}

fn near(spec: &mut Value, kind: &str, key: &str, selector: &Value) {
    let terms = &mut spec["affinity"][kind][REQUIRED];
    if !terms.is_array() {
        *terms = json!([]);
    }
    if let Some(terms) = terms.as_array_mut() {
        terms.push(json!({"topologyKey": key, "labelSelector": selector}));
    }
}

/// A port of the workload's own, or one that an agent may have.
fn ports(dice: &mut Dice, spec: &mut Value) {
    let (port, protocol) = *dice.pick(&[
        &(8080, "TCP"),
        &(8080, "TCP"),
        &(9100, "TCP"),
        &(9100, "UDP"),
        &(9809, "TCP"),
        &(8125, "UDP"),
        &(10249, "TCP"),
    ]);
    spec["containers"][0]["ports"] = json!([{"containerPort": port, "hostPort": port, "protocol": protocol}]);
}

fn selector_of_nodes(dice: &mut Dice, spec: &mut Value) {
    let zone = format!("{REGION}{}", dice.pick(&ZONES));
    let (key, value): (&str, &str) = match dice.below(11) {
        0 => ("topology.kubernetes.io/region", REGION),
        1 => ("failure-domain.beta.kubernetes.io/region", REGION),
        2 => (ZONE, &zone),
        3 => ("failure-domain.beta.kubernetes.io/zone", &zone),
        4 => ("kubernetes.io/arch", dice.pick(&["amd64", "arm64"])),
        5 => ("beta.kubernetes.io/arch", dice.pick(&["amd64", "arm64"])),
        6 => (
            "kubernetes.io/os",
            dice.pick(&["linux", "linux", "linux", "windows"]),
        ),
        7 => ("beta.kubernetes.io/os", "linux"),
        8 => (
            "node.kubernetes.io/instance-type",
            dice.pick(&["m5.large", "m5.xlarge"]),
        ),
        9 => (
            "beta.kubernetes.io/instance-type",
            dice.pick(&["m5.large", "m5.xlarge"]),
        ),
        _ => (
            "eks.amazonaws.com/capacityType",
            dice.pick(&["ON_DEMAND", "SPOT"]),
        ),
    };
    spec["nodeSelector"][key] = json!(value);
}

fn tolerations(dice: &mut Dice, spec: &mut Value) {
    let mut all = spec["tolerations"].as_array().cloned().unwrap_or_default();
    all.push(match dice.below(4) {
        0 => json!({"operator": "Exists", "effect": "NoSchedule"}),
        1 => json!({"key": "os", "value": "windows", "effect": "NoSchedule"}),
        _ => json!({"key": "dedicated", "operator": "Exists"}),
    });
    spec["tolerations"] = json!(all);
}
