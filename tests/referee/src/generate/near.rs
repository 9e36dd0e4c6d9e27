//! Rules about other pods: affinity, anti-affinity, topology spread.

use super::cluster::{HOSTNAME, POD_LABELS, ZONE};
use crate::dice::Dice;
use serde_json::{Value, json};

const KEYS: [&str; 3] = [HOSTNAME, ZONE, "rack"];

/// Required terms of either sort, sometimes of both; preferred ones, which filter nothing, stand beside them.
pub(super) fn affinity(dice: &mut Dice, pod: &mut Value) {
    let chosen = match dice.below(10) {
        0..=3 => &["podAffinity"][..],
        4..=7 => &["podAntiAffinity"],
        8 => &["podAffinity", "podAntiAffinity"],
        _ => return,
    };
    for kind in chosen {
        let mut terms = Vec::new();
        for _ in 0..dice.between(1, 2) {
            terms.push(term(dice));
        }
        let rules = &mut pod["spec"]["affinity"][*kind];
        rules["requiredDuringSchedulingIgnoredDuringExecution"] = json!(terms);
        if dice.percent(15) {
            rules["preferredDuringSchedulingIgnoredDuringExecution"] =
                json!([{"weight": 10, "podAffinityTerm": term(dice)}]);
        }
    }
}

fn term(dice: &mut Dice) -> Value {
    let mut term = json!({"topologyKey": dice.pick(&KEYS)});
    let selected = label_selector(dice, &mut term);
    if dice.percent(25) {
        term["namespaces"] = json!(dice.some(&["default", "shop", "lab"], 1));
    }
    if dice.percent(35) {
        term["namespaceSelector"] = namespace_selector(dice);
    }
    if selected && dice.percent(20) {
        let keys = dice.pick(&["matchLabelKeys", "mismatchLabelKeys"]);
        term[keys] = json!(["rev"]);
    }
    term
}

/// `labelSelector`, over every label but `rev`; false where there is none.
fn label_selector(dice: &mut Dice, rule: &mut Value) -> bool {
    let free = &POD_LABELS[..2];
    match dice.below(12) {
        0 => return false,
        1 => rule["labelSelector"] = json!({}),
        2..=8 => {
            let (key, values, _) = free[dice.below(free.len())];
            rule["labelSelector"] = json!({"matchLabels": {key: dice.pick(values)}});
        }
        _ => {
            let mut expressions = Vec::new();
            for _ in 0..dice.between(1, 2) {
                let (key, values, _) = free[dice.below(free.len())];
                let operator = dice.pick(&["In", "NotIn", "Exists", "DoesNotExist"]);
                let mut expression = json!({"key": key, "operator": operator});
                if operator.ends_with("In") {
                    expression["values"] = json!(dice.some(values, 1));
                }
                expressions.push(expression);
            }
            rule["labelSelector"] = json!({"matchExpressions": expressions});
        }
    }
    true
}

fn namespace_selector(dice: &mut Dice) -> Value {
    match dice.below(7) {
        0 => json!({}),
        1 => json!({"matchLabels": {"kubernetes.io/metadata.name": dice.pick(&["shop", "lab", "nowhere"])}}),
        2 => json!({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["a"]}]}),
        3 => json!({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}),
        4 => json!({"matchExpressions": [{"key": "stage", "operator": "Exists"}]}),
        _ => json!({"matchLabels": {"team": dice.pick(&["a", "b"])}}),
    }
}

/// One to three constraints, each key at most once hard and once soft (as the API server wants it).
pub(super) fn spread(dice: &mut Dice, pod: &mut Value) {
    let mut constraints: Vec<Value> = Vec::new();
    for _ in 0..dice.between(1, 3) {
        let hard = dice.percent(85);
        let when = if hard { "DoNotSchedule" } else { "ScheduleAnyway" };
        let mut constraint = json!({
            "topologyKey": dice.pick(&KEYS),
            "whenUnsatisfiable": when,
            "maxSkew": dice.between(1, 3),
        });
        let selected = label_selector(dice, &mut constraint);
        if hard && dice.percent(30) {
            constraint["minDomains"] = json!(dice.between(1, 4));
        }
        if dice.percent(35) {
            constraint["nodeAffinityPolicy"] = json!(dice.pick(&["Honor", "Ignore"]));
        }
        if dice.percent(35) {
            constraint["nodeTaintsPolicy"] = json!(dice.pick(&["Honor", "Ignore"]));
        }
        if selected && dice.percent(20) {
            constraint["matchLabelKeys"] = json!(["rev"]);
        }
        let same = |other: &Value| {
            other["topologyKey"] == constraint["topologyKey"]
                && other["whenUnsatisfiable"] == constraint["whenUnsatisfiable"]
        };
        if !constraints.iter().any(same) {
            constraints.push(constraint);
        }
    }
    pod["spec"]["topologySpreadConstraints"] = json!(constraints);
}
