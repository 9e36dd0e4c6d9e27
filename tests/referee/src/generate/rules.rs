//! Taints and tolerations, node selectors and node affinity.

use super::cluster::{HOSTNAME, LABELS};
use crate::dice::Dice;
use serde_json::{Value, json};

const KEYS: [&str; 3] = ["team", "gpu", "node.kubernetes.io/unschedulable"];
const VALUES: [&str; 3] = ["", "a", "b"];
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Up to three taints, and now and then a cordon with or without the taint that the control plane adds.
pub(super) fn taints(dice: &mut Dice, node: &mut Value) {
    let mut taints: Vec<Value> = Vec::new();
    for _ in 0..dice.below(4) {
        let mut taint = json!({"key": dice.pick(&KEYS), "effect": dice.pick(&EFFECTS)});
        if dice.percent(70) {
            taint["value"] = json!(dice.pick(&VALUES));
        }
        // The API server takes a key and effect once.
        let same = |other: &Value| other["key"] == taint["key"] && other["effect"] == taint["effect"];
        if !taints.iter().any(same) {
            taints.push(taint);
        }
    }
    if dice.percent(20) {
        node["spec"]["unschedulable"] = json!(true);
    }
    node["spec"]["taints"] = json!(taints);
}

/// Up to three tolerations of every shape.
pub(super) fn tolerations(dice: &mut Dice, pod: &mut Value) {
    let mut tolerations = Vec::new();
    for _ in 0..dice.below(4) {
        let mut toleration = json!({});
        let key = dice.percent(88);
        if key {
            toleration["key"] = json!(dice.pick(&KEYS));
        }
        if !key || dice.percent(40) {
            toleration["operator"] = json!("Exists");
        } else {
            if dice.percent(50) {
                toleration["operator"] = json!("Equal");
            }
            if dice.percent(80) {
                toleration["value"] = json!(dice.pick(&VALUES));
            }
        }
        if dice.percent(60) {
            let effect = dice.pick(&EFFECTS);
            toleration["effect"] = json!(effect);
            if effect == "NoExecute" && dice.percent(50) {
                toleration["tolerationSeconds"] = json!(30);
            }
        }
        tolerations.push(toleration);
    }
    pod["spec"]["tolerations"] = json!(tolerations);
}

/// A node selector, required terms, or both.
pub(super) fn node_affinity(dice: &mut Dice, pod: &mut Value) {
    if dice.percent(35) {
        let mut selector = json!({});
        for _ in 0..dice.between(1, 2) {
            let (key, values, _) = LABELS[dice.below(LABELS.len())];
            selector[key] = json!(dice.pick(values));
        }
        pod["spec"]["nodeSelector"] = selector;
    }
    if dice.percent(75) {
        let mut terms = Vec::new();
        for _ in 0..dice.between(1, 3) {
            terms.push(term(dice));
        }
        pod["spec"]["affinity"]["nodeAffinity"] = json!({
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}
        });
    }
}

fn term(dice: &mut Dice) -> Value {
    let mut term = json!({});
    let mut expressions = Vec::new();
    for _ in 0..dice.below(3) {
        expressions.push(expression(dice));
    }
    if !expressions.is_empty() {
        term["matchExpressions"] = json!(expressions);
    }
    if dice.percent(15) {
        let node = format!("n{}", dice.below(4));
        let operator = dice.pick(&["In", "NotIn"]);
        term["matchFields"] = json!([{"key": "metadata.name", "operator": operator, "values": [node]}]);
    }
    term
}

fn expression(dice: &mut Dice) -> Value {
    match dice.below(7) {
        0 => json!({"key": "cores", "operator": "Gt", "values": [dice.pick(&["3", "16", "0", "abc"])]}),
        1 => json!({"key": "cores", "operator": "Lt", "values": [dice.pick(&["16", "65", "0"])]}),
        2 => {
            let node = format!("n{}", dice.below(8));
            json!({"key": HOSTNAME, "operator": dice.pick(&["In", "NotIn"]), "values": [node]})
        }
        _ => {
            let (key, values, _) = LABELS[dice.below(LABELS.len())];
            let operator = dice.pick(&["In", "In", "NotIn", "Exists", "DoesNotExist"]);
            let mut expression = json!({"key": key, "operator": operator});
            if operator.ends_with("In") {
                expression["values"] = json!(dice.some(values, 1));
            }
            expression
        }
    }
}
