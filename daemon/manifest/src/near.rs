//! Required rules about other pods, and host ports, as the API writes them.
//!
//! Source: core/v1 `PodAffinityTerm`, `TopologySpreadConstraint`, `ContainerPort`. Preferences are left out. What the
//! nouns cannot say (selecting namespaces by label, other inclusion policies) is a constraint that is not modelled.

use crate::selectors::label_selector;
use crate::sheet::At;
use model::pod::{HostPort, Near, NearRule, Unmodelled};
use model::selector::{LabelSelector, Labels, Operator, Requirement};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

/// The rules of a pod with these labels in this namespace, sorted.
pub(crate) fn rules(spec: At<'_, '_>, labels: &Labels, namespace: &str) -> Vec<Near> {
    let affinity = spec.get("affinity");
    let mut rules = Vec::new();
    for (kind, rule) in [
        ("podAffinity", NearRule::Together),
        ("podAntiAffinity", NearRule::Apart),
    ] {
        for term in affinity.at([kind, REQUIRED]).items() {
            rules.push(Near {
                key: text(term.get("topologyKey")),
                selector: selector(term, labels),
                namespaces: namespaces(term, namespace),
                rule,
            });
        }
    }
    for spread in hard_spread(spec) {
        let count = |key, default| {
            spread
                .get(key)
                .int()
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(default)
        };
        rules.push(Near {
            key: text(spread.get("topologyKey")),
            selector: selector(spread, labels),
            namespaces: Some(vec![namespace.to_owned()]),
            rule: NearRule::Spread {
                skew: count("maxSkew", 1).max(1),
                domains: count("minDomains", 1).max(1),
            },
        });
    }
    rules.sort();
    rules.dedup();
    rules
}

/// Constraints that [`rules`] cannot say.
pub(crate) fn not_modelled(spec: At<'_, '_>) -> Vec<Unmodelled> {
    let affinity = spec.get("affinity");
    let mut found = Vec::new();
    for (kind, constraint) in [
        ("podAffinity", Unmodelled::PodAffinity),
        ("podAntiAffinity", Unmodelled::PodAntiAffinity),
    ] {
        let odd = |term: At<'_, '_>| {
            let by_label = term.get("namespaceSelector");
            let everywhere = label_selector(by_label).requirements.is_empty();
            by_label.is_there() && !everywhere || term.get("mismatchLabelKeys").items().count() > 0
        };
        if affinity.at([kind, REQUIRED]).items().any(odd) {
            found.push(constraint);
        }
    }
    let odd = |spread: At<'_, '_>| {
        spread.get("nodeAffinityPolicy").text() == Some("Ignore")
            || spread.get("nodeTaintsPolicy").text() == Some("Honor")
    };
    if hard_spread(spec).any(odd) {
        found.push(Unmodelled::TopologySpread);
    }
    found
}

/// Ports that containers take of the host, sorted.
pub(crate) fn host_ports(spec: At<'_, '_>) -> Vec<HostPort> {
    let host_network = spec.get("hostNetwork").flag();
    let mut ports = Vec::new();
    for container in ["containers", "initContainers"]
        .into_iter()
        .flat_map(|key| spec.get(key).items())
    {
        for port in container.get("ports").items() {
            let asked = port.get("hostPort").int().filter(|number| *number > 0);
            // The API server sets hostPort to containerPort in pods on the host's network.
            let taken = asked.or_else(|| port.get("containerPort").int().filter(|_| host_network));
            if let Some(number) = taken.and_then(|number| u16::try_from(number).ok()) {
                let ip = port.get("hostIP").text().unwrap_or_default();
                ports.push(HostPort {
                    port: number,
                    protocol: port.get("protocol").text().unwrap_or("TCP").to_owned(),
                    ip: if ip == "0.0.0.0" {
                        String::new()
                    } else {
                        ip.to_owned()
                    },
                });
            }
        }
    }
    ports.sort();
    ports.dedup();
    ports
}

fn hard_spread<'t, 'p>(spec: At<'t, 'p>) -> impl Iterator<Item = At<'t, 'p>> {
    spec.get("topologySpreadConstraints").items().filter(|spread| {
        let when = spread.get("whenUnsatisfiable").text();
        when.is_none_or(|when| when == "DoNotSchedule")
    })
}

fn text(at: At<'_, '_>) -> String {
    at.text().unwrap_or_default().to_owned()
}

/// `labelSelector` with what `matchLabelKeys` adds: the pod's own values. No selector selects nothing.
fn selector(term: At<'_, '_>, labels: &Labels) -> LabelSelector {
    let at = term.get("labelSelector");
    if !at.is_there() {
        return LabelSelector {
            requirements: vec![Requirement {
                key: String::new(),
                operator: Operator::In(Vec::new()),
            }],
        };
    }
    let mut selector = label_selector(at);
    for key in term.get("matchLabelKeys").items().filter_map(At::text) {
        if let Some(value) = labels.get(key) {
            selector.requirements.push(Requirement {
                key: key.to_owned(),
                operator: Operator::In(vec![value.clone()]),
            });
        }
    }
    selector.requirements.sort();
    selector
}

/// Namespaces of a term: those named, else the pod's own; all where an empty selector asks for them.
fn namespaces(term: At<'_, '_>, own: &str) -> Option<Vec<String>> {
    let by_label = term.get("namespaceSelector");
    if by_label.is_there() && label_selector(by_label).requirements.is_empty() {
        return None;
    }
    let mut named: Vec<String> = term
        .get("namespaces")
        .items()
        .filter_map(At::text)
        .map(str::to_owned)
        .collect();
    if named.is_empty() {
        named.push(own.to_owned());
    }
    named.sort();
    named.dedup();
    Some(named)
}
