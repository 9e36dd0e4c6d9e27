//! Required rules about other pods, and host ports, as the API writes them.
//!
//! Source: core/v1 `PodAffinityTerm`, `TopologySpreadConstraint`, `ContainerPort`, and what the API server does to
//! a pod at creation (label keys merged into selectors, ports of pods on the host's network). Of preferences only soft
//! topology spread is read. Which namespaces a selector means is `namespaces`' work: a pod alone does not tell.

use crate::selectors::label_selector;
use crate::sheet::At;
use model::pod::{HostPort, Near, NearRule, NodeInclusion, Unmodelled};
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
            let (namespaces, namespace_selector) = namespaces(term, namespace);
            rules.push(Near {
                namespace_selector,
                ..Near::new(
                    text(term.get("topologyKey")),
                    selector(term, labels),
                    namespaces,
                    rule,
                )
            });
        }
    }
    rules.extend(hard_spread(spec).map(|at| spread(at, labels, namespace)));
    rules.sort();
    rules.dedup();
    rules
}

/// Topology spread with `ScheduleAnyway`, sorted.
pub(crate) fn soft_spread(spec: At<'_, '_>, labels: &Labels, namespace: &str) -> Vec<Near> {
    let constraints = spec.get("topologySpreadConstraints").items();
    let soft = constraints.filter(|at| at.get("whenUnsatisfiable").text() == Some("ScheduleAnyway"));
    let soft = soft.filter(|at| at.get("topologyKey").text().is_some());
    let mut rules: Vec<Near> = soft.map(|at| spread(at, labels, namespace)).collect();
    rules.sort();
    rules.dedup();
    rules
}

fn spread(at: At<'_, '_>, labels: &Labels, namespace: &str) -> Near {
    let count = |key, default| {
        at.get(key)
            .int()
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(default)
    };
    let rule = NearRule::Spread {
        skew: count("maxSkew", 1).max(1),
        domains: count("minDomains", 1).max(1),
    };
    Near {
        nodes: NodeInclusion {
            despite_affinity: at.get("nodeAffinityPolicy").text() == Some("Ignore"),
            only_tolerated: at.get("nodeTaintsPolicy").text() == Some("Honor"),
        },
        ..Near::new(
            text(at.get("topologyKey")),
            selector(at, labels),
            Some(vec![namespace.to_owned()]),
            rule,
        )
    }
}

/// What rules cannot say as long as nobody knows the labels of namespaces.
pub(crate) fn not_modelled(rules: &[Near]) -> Vec<Unmodelled> {
    let open = rules.iter().filter(|near| near.namespace_selector.is_some());
    open.map(|near| match near.rule {
        NearRule::Together => Unmodelled::PodAffinity,
        NearRule::Apart => Unmodelled::PodAntiAffinity,
        NearRule::Spread { .. } => Unmodelled::TopologySpread,
    })
    .collect()
}

/// Whether a rule goes by the pod's own value of this label (`matchLabelKeys`, `mismatchLabelKeys`).
pub(crate) fn goes_by(spec: At<'_, '_>, key: &str) -> bool {
    let affinity = spec.get("affinity");
    let terms = ["podAffinity", "podAntiAffinity"].into_iter();
    let terms = terms.flat_map(|kind| affinity.at([kind, REQUIRED]).items());
    let mut terms = terms.chain(spec.get("topologySpreadConstraints").items());
    terms.any(|term| {
        let keys = ["matchLabelKeys", "mismatchLabelKeys"].into_iter();
        let mut keys = keys.flat_map(|keys| term.get(keys).items());
        keys.any(|named| named.text() == Some(key))
    })
}

/// Ports that containers take of the host, sorted.
pub(crate) fn host_ports(spec: At<'_, '_>) -> Vec<HostPort> {
    let host_network = spec.get("hostNetwork").flag();
    let mut ports = Vec::new();
    // Of init containers only those that stay (sidecars) keep a port.
    let stays = |init: &At<'_, '_>| init.get("restartPolicy").text() == Some("Always");
    let sidecars = spec.get("initContainers").items().filter(stays);
    for container in spec.get("containers").items().chain(sidecars) {
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

/// `labelSelector` with what `matchLabelKeys` and `mismatchLabelKeys` add: the pod's own values. No selector selects
/// nothing, whatever the keys.
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
    for (keys, selects) in [("matchLabelKeys", true), ("mismatchLabelKeys", false)] {
        for key in term.get(keys).items().filter_map(At::text) {
            if let Some(value) = labels.get(key) {
                let values = vec![value.clone()];
                selector.requirements.push(Requirement {
                    key: key.to_owned(),
                    operator: if selects {
                        Operator::In(values)
                    } else {
                        Operator::NotIn(values)
                    },
                });
            }
        }
    }
    selector.requirements.sort();
    selector.requirements.dedup();
    selector
}

/// Namespaces of a term: those named, and those of its selector; the pod's own where the term has neither. All where
/// an empty selector asks for them.
fn namespaces(term: At<'_, '_>, own: &str) -> (Option<Vec<String>>, Option<LabelSelector>) {
    let by_label = term.get("namespaceSelector");
    let by_label = by_label.is_there().then(|| label_selector(by_label));
    if by_label
        .as_ref()
        .is_some_and(|selector| selector.requirements.is_empty())
    {
        return (None, None);
    }
    let mut named: Vec<String> = term
        .get("namespaces")
        .items()
        .filter_map(At::text)
        .map(str::to_owned)
        .collect();
    if named.is_empty() && by_label.is_none() {
        named.push(own.to_owned());
    }
    named.sort();
    named.dedup();
    (Some(named), by_label)
}
