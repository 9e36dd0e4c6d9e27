//! What a pod asks for, from its containers.
//!
//! Source: component-helpers `resource.PodRequests` and the API server's defaults (`SetDefaults_Pod`): a limit
//! without a request is its own request; init containers count by their maximum, sidecars (restartable init
//! containers) add to everything that starts after them; pod-level resources replace the sum; overhead comes
//! on top.

use crate::quantity;
use crate::sheet::At;
use crate::tree::Tree;
use model::resources::Resources;
use std::collections::BTreeMap;

/// Amounts by resource name: millicores for `cpu`, whole units for everything else.
type Amounts = BTreeMap<String, i64>;

/// The effective request of a pod with this `spec`.
pub(crate) fn pod_requests(spec: At<'_, '_>) -> Resources {
    let mut requests = containers(spec);
    pod_level(spec.get("resources"), &mut requests);
    add(&mut requests, &amounts(spec.get("overhead")));
    resources(requests)
}

/// Amounts as written in a `ResourceList`, such as a node's allocatable; `pods` is among the extended ones.
pub(crate) fn resource_list(at: At<'_, '_>) -> Resources {
    resources(amounts(at))
}

fn containers(spec: At<'_, '_>) -> Amounts {
    let mut sum = Amounts::new();
    for container in spec.get("containers").items() {
        add(&mut sum, &container_requests(container));
    }
    let mut sidecars = Amounts::new();
    let mut init_peak = Amounts::new();
    for container in spec.get("initContainers").items() {
        let asks = container_requests(container);
        if container.get("restartPolicy").text() == Some("Always") {
            add(&mut sum, &asks);
            add(&mut sidecars, &asks);
            raise(&mut init_peak, &sidecars);
        } else {
            let mut here = asks;
            add(&mut here, &sidecars);
            raise(&mut init_peak, &here);
        }
    }
    raise(&mut sum, &init_peak);
    sum
}

fn container_requests(container: At<'_, '_>) -> Amounts {
    let resources = container.get("resources");
    let mut limits = amounts(resources.get("limits"));
    limits.append(&mut amounts(resources.get("requests")));
    limits
}

/// `spec.resources`: what it requests replaces the containers' sum; its limits stand in where neither the pod
/// nor a container requests anything.
fn pod_level(resources: At<'_, '_>, requests: &mut Amounts) {
    let counts = |name: &str| name == "cpu" || name == "memory" || name.starts_with("hugepages-");
    for (name, amount) in amounts(resources.get("limits")) {
        if counts(&name) {
            requests.entry(name).or_insert(amount);
        }
    }
    for (name, amount) in amounts(resources.get("requests")) {
        if counts(&name) {
            requests.insert(name, amount);
        }
    }
}

fn amounts(list: At<'_, '_>) -> Amounts {
    let entries = list.entries();
    entries
        .filter_map(|(name, at)| Some((name.to_owned(), amount(name, at)?)))
        .collect()
}

fn amount(name: &str, at: At<'_, '_>) -> Option<i64> {
    let number;
    let text = match at.tree() {
        None | Some(Tree::Null) => return None,
        Some(Tree::Text(text)) => text.as_str(),
        Some(Tree::Int(value)) => {
            number = value.to_string();
            &number
        }
        Some(Tree::Float(value)) => {
            number = value.to_string();
            &number
        }
        Some(other) => {
            at.problem(format_args!("must be a quantity, is {}", other.kind()));
            return None;
        }
    };
    let read = if name == "cpu" {
        quantity::milli(text)
    } else {
        quantity::whole(text)
    };
    match read {
        Ok(amount) if amount < 0 => {
            at.problem(format_args!(
                "{}: must not be negative",
                crate::problem::quoted(text)
            ));
            None
        }
        Ok(amount) => Some(amount),
        Err(what) => {
            at.problem(what);
            None
        }
    }
}

fn add(sum: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let have = sum.entry(name.clone()).or_insert(0);
        *have = have.saturating_add(*amount);
    }
}

fn raise(peak: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        let have = peak.entry(name.clone()).or_insert(0);
        *have = (*have).max(*amount);
    }
}

fn resources(mut amounts: Amounts) -> Resources {
    let mut take = |name: &str| amounts.remove(name).unwrap_or(0);
    let (cpu_milli, memory_bytes) = (take("cpu"), take("memory"));
    let ephemeral_bytes = take("ephemeral-storage");
    amounts.retain(|_, amount| *amount != 0);
    Resources {
        cpu_milli,
        memory_bytes,
        ephemeral_bytes,
        extended: amounts,
    }
}
