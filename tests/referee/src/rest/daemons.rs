//! Which nodes a DaemonSet's controller makes pods for, and what those are: the controller's own rules
//! (`NodeShouldRunDaemonPod` and `AddOrUpdateDaemonPodTolerations` of kubernetes/pkg/controller/daemon), read anew here
//! so that the plan's reading of them is held against another.

use crate::case;
use serde_json::{Value, json};

/// The pod that a DaemonSet runs on the node; `None` where its controller makes none.
pub fn pod(daemon_set: &Value, node: &Value) -> Option<Value> {
    let template = &daemon_set["spec"]["template"];
    let mut spec = template["spec"].clone();
    let name = case::name(node);
    let tolerations = with_own(&spec);
    spec["tolerations"] = json!(tolerations);
    if !selects(&spec, node) || !tolerates(&spec, node) {
        return None;
    }
    // The controller pins the pod and lets the scheduler bind it.
    spec["affinity"]["nodeAffinity"] = json!({"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]}]
    }});
    spec["nodeName"] = json!(name);
    let set = case::name(daemon_set);
    Some(json!({
        "metadata": {
            "name": format!("{set}-{name}"),
            "namespace": daemon_set["metadata"]["namespace"],
            "labels": template["metadata"]["labels"],
            "annotations": template["metadata"]["annotations"],
            "creationTimestamp": node["metadata"]["creationTimestamp"],
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "DaemonSet", "name": set,
                "uid": format!("ds-{set}"), "controller": true,
            }],
        },
        "spec": spec,
        "status": {"phase": "Running"},
    }))
}

fn with_own(spec: &Value) -> Vec<Value> {
    let mut all = spec["tolerations"].as_array().cloned().unwrap_or_default();
    for key in ["not-ready", "unreachable"] {
        all.push(json!({
            "key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": "NoExecute",
        }));
    }
    let mut keys = vec![
        "disk-pressure",
        "memory-pressure",
        "pid-pressure",
        "unschedulable",
    ];
    if spec["hostNetwork"] == true {
        keys.push("network-unavailable");
    }
    for key in keys {
        all.push(json!({
            "key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": "NoSchedule",
        }));
    }
    all
}

/// Node selector and required node affinity.
pub fn selects(spec: &Value, node: &Value) -> bool {
    let labels = &node["metadata"]["labels"];
    let wanted = spec["nodeSelector"].as_object();
    if !wanted
        .into_iter()
        .flatten()
        .all(|(key, value)| labels.get(key) == Some(value))
    {
        return false;
    }
    let path = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let Some(terms) = spec.pointer(path).and_then(Value::as_array) else {
        return true;
    };
    terms.iter().any(|term| {
        let rules = |field: &str| term[field].as_array().cloned().unwrap_or_default();
        rules("matchExpressions").iter().all(|rule| holds(rule, labels))
            && rules("matchFields")
                .iter()
                .all(|rule| holds(rule, &json!({"metadata.name": case::name(node)})))
    })
}

fn holds(rule: &Value, labels: &Value) -> bool {
    let key = rule["key"].as_str().unwrap_or_default();
    let label = labels.get(key);
    let named = || {
        rule["values"]
            .as_array()
            .is_some_and(|values| values.iter().any(|value| Some(value) == label))
    };
    match rule["operator"].as_str() {
        Some("In") => named(),
        Some("NotIn") => !named(),
        Some("Exists") => label.is_some(),
        Some("DoesNotExist") => label.is_none(),
        _ => false,
    }
}

/// Whether every taint that keeps pods away is tolerated, a cordon's included.
pub fn tolerates(spec: &Value, node: &Value) -> bool {
    let mut taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
    if node["spec"]["unschedulable"] == true {
        taints.push(json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}));
    }
    let tolerations = spec["tolerations"].as_array().cloned().unwrap_or_default();
    taints
        .iter()
        .filter(|taint| taint["effect"] != "PreferNoSchedule")
        .all(|taint| tolerations.iter().any(|toleration| covers(toleration, taint)))
}

fn covers(toleration: &Value, taint: &Value) -> bool {
    let unsaid = |field: &str| toleration[field].as_str().unwrap_or_default().is_empty();
    let any_value = toleration["operator"] == "Exists";
    let value = |of: &Value| of["value"].as_str().unwrap_or_default().to_owned();
    (unsaid("effect") || toleration["effect"] == taint["effect"])
        && (if unsaid("key") {
            any_value
        } else {
            toleration["key"] == taint["key"]
        })
        && (any_value || value(toleration) == value(taint))
}
