//! Label selectors, node affinity, tolerations and taints as the API writes them.
//!
//! Source: apimachinery `LabelSelectorAsSelector`, core/v1 `NodeSelector`, `Toleration`, `Taint`. Whether
//! labels match is `model`'s work.

use crate::problem::quoted;
use crate::sheet::At;
use model::node::STARTING_TAINT;
use model::pod::{Preference, Taint, TaintEffect, Toleration};
use model::selector::{LabelSelector, NodeTerm, Operator, Requirement};

/// `matchLabels` and `matchExpressions`.
pub(crate) fn label_selector(at: At<'_, '_>) -> LabelSelector {
    let mut requirements = equalities(at.get("matchLabels"));
    requirements.extend(at.get("matchExpressions").items().filter_map(requirement));
    requirements.sort();
    LabelSelector { requirements }
}

/// A plain mapping of labels as a selector (ReplicationController).
pub(crate) fn equalities(at: At<'_, '_>) -> Vec<Requirement> {
    let labels = at.labels().into_iter();
    labels
        .map(|(key, value)| Requirement::equal(key, value))
        .collect()
}

/// `requiredDuringSchedulingIgnoredDuringExecution` of a node affinity, or a volume's `required`.
pub(crate) fn node_terms(at: At<'_, '_>) -> Option<Vec<NodeTerm>> {
    at.is_there()
        .then(|| at.get("nodeSelectorTerms").items().map(node_term).collect())
}

fn node_term(term: At<'_, '_>) -> NodeTerm {
    NodeTerm {
        labels: term
            .get("matchExpressions")
            .items()
            .filter_map(requirement)
            .collect(),
        fields: term.get("matchFields").items().filter_map(requirement).collect(),
    }
}

/// `preferredDuringSchedulingIgnoredDuringExecution` of a node affinity (`at`), sorted; terms that weigh or say
/// nothing count for nothing (component-helpers `NewPreferredSchedulingTerms`).
pub(crate) fn preferences(at: At<'_, '_>) -> Vec<Preference> {
    let terms = at.get("preferredDuringSchedulingIgnoredDuringExecution").items();
    let preference = |at: At<'_, '_>| {
        let weight = at.get("weight").count().unwrap_or(0);
        let term = node_term(at.get("preference"));
        let says = weight > 0 && term != NodeTerm::default();
        says.then(|| Preference {
            term,
            weight: i32::try_from(weight).unwrap_or(i32::MAX),
        })
    };
    let mut all: Vec<Preference> = terms.filter_map(preference).collect();
    all.sort();
    all
}

fn requirement(at: At<'_, '_>) -> Option<Requirement> {
    let key = at.get("key").name()?.to_owned();
    let operator = match at.get("operator").name()? {
        "In" => Operator::In(some_values(at)?),
        "NotIn" => Operator::NotIn(some_values(at)?),
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        "Gt" => compared(at, Operator::Gt)?,
        "Lt" => compared(at, Operator::Lt)?,
        other => {
            at.get("operator")
                .problem(format_args!("unknown operator {}", quoted(other)));
            return None;
        }
    };
    Some(Requirement { key, operator })
}

fn values(at: At<'_, '_>) -> Vec<String> {
    let texts = at.get("values").items().filter_map(At::text);
    texts.map(str::to_owned).collect()
}

fn some_values(at: At<'_, '_>) -> Option<Vec<String>> {
    let values = values(at);
    if values.is_empty() {
        at.get("values").problem("must name at least one value");
        return None;
    }
    Some(values)
}

/// `Gt` or `Lt`. The API server asks for one value and does not look into it. A bound that is no whole number
/// is met by nothing (component-helpers passes over such a term), and so is a choice among no values.
fn compared(at: At<'_, '_>, with: fn(i64) -> Operator) -> Option<Operator> {
    let values = values(at);
    let [bound] = &values[..] else {
        at.get("values").problem("must be one value");
        return None;
    };
    Some(bound.parse().map_or_else(|_| Operator::In(Vec::new()), with))
}

/// Tolerations of a pod. Those with operators newer than `Equal` and `Exists` are left out: the pod then
/// tolerates less, which is safe. Those of the startup taint, which counts for nothing in where pods fit, as well: a
/// pod that was let in is like the others of its class.
pub(crate) fn tolerations(at: At<'_, '_>) -> Vec<Toleration> {
    let all = at.items().filter_map(toleration);
    let mut all: Vec<_> = all
        .filter(|toleration| toleration.key.as_deref() != Some(STARTING_TAINT))
        .collect();
    all.sort();
    all.dedup();
    all
}

fn toleration(at: At<'_, '_>) -> Option<Toleration> {
    let key = at
        .get("key")
        .text()
        .filter(|key| !key.is_empty())
        .map(str::to_owned);
    let value = at.get("value").text().unwrap_or_default();
    let effect = match at.get("effect").text() {
        None | Some("") => None,
        Some(_) => Some(effect(at.get("effect"))?),
    };
    let value = match at.get("operator").text().unwrap_or_default() {
        "Exists" => None,
        "" | "Equal" if key.is_none() => {
            at.get("key")
                .problem("is missing; only operator Exists may go without");
            return None;
        }
        "" | "Equal" => Some(value.to_owned()),
        "Lt" | "Gt" => return None,
        other => {
            at.get("operator")
                .problem(format_args!("unknown operator {}", quoted(other)));
            return None;
        }
    };
    Some(Toleration { key, value, effect })
}

/// `spec.taints` of a node.
pub(crate) fn taints(at: At<'_, '_>) -> Vec<Taint> {
    let taint = |at: At<'_, '_>| {
        Some(Taint {
            key: at.get("key").name()?.to_owned(),
            value: at.get("value").text().unwrap_or_default().to_owned(),
            effect: effect(at.get("effect"))?,
        })
    };
    let mut all: Vec<_> = at.items().filter_map(taint).collect();
    all.sort();
    all
}

fn effect(at: At<'_, '_>) -> Option<TaintEffect> {
    match at.name()? {
        "NoSchedule" => Some(TaintEffect::NoSchedule),
        "PreferNoSchedule" => Some(TaintEffect::PreferNoSchedule),
        "NoExecute" => Some(TaintEffect::NoExecute),
        other => {
            at.problem(format_args!("unknown effect {}", quoted(other)));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::Sheet;
    use crate::tree::Tree;

    #[test]
    fn a_bound_that_is_no_number_is_read_and_met_by_nothing() {
        let text = r#"{"nodeSelectorTerms": [{"matchExpressions": [
            {"key": "cores", "operator": "Gt", "values": ["abc"]}]}]}"#;
        let tree: Tree = serde_json::from_str(text).unwrap();
        let sheet = Sheet::new("f", String::new());
        let terms = node_terms(sheet.top(&tree)).unwrap();
        assert!(sheet.noted().is_empty(), "the API server takes it");
        for value in ["4", "abc", ""] {
            let labels = [("cores".to_owned(), value.to_owned())].into();
            assert!(!terms[0].matches(&labels, "n"), "{value}");
        }
    }
}
