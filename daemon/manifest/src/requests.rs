//! What a pod asks for, from its containers.
//!
//! Source: component-helpers `resource.PodRequests` and the API server's defaults (`SetDefaults_Pod`): a limit
//! without a request is its own request; init containers count by their maximum, sidecars (restartable init
//! containers) add to everything that starts after them; pod-level resources replace the sum; overhead comes
//! on top. While a running pod is resized in place, the larger of what it asks for and what it still has counts.

use crate::quantity::{self, narrow, whole_of_milli};
use crate::sheet::At;
use crate::tree::Tree;
use model::resources::{Resources, is_huge_pages};
use std::collections::BTreeMap;

/// Amounts by resource name, in thousandths: quantities are rounded once they are added up.
pub(crate) type Amounts = BTreeMap<String, i128>;

/// The effective request of a pod with this `spec` and `status`; a template has none.
pub(crate) fn pod_requests<'t>(spec: At<'_, 't>, status: At<'_, 't>) -> Resources {
    let infeasible = status.get("conditions").items().any(|condition| {
        condition.get("type").text() == Some("PodResizePending")
            && condition.get("reason").text() == Some("Infeasible")
    });
    let resizing = Resizing {
        status: Some(status),
        infeasible,
        defaults: None,
    };
    let mut requests = containers(spec, resizing);
    pod_level(spec, resizing, &mut requests);
    add(&mut requests, &amounts(spec.get("overhead")));
    resources(requests)
}

/// The request of a pod of a template, once admission has given its containers these defaults and itself this overhead.
pub(crate) fn template_requests(
    spec: At<'_, '_>,
    defaults: &Amounts,
    overhead: Option<&Amounts>,
) -> Resources {
    let created = Resizing {
        status: None,
        infeasible: false,
        defaults: Some(defaults),
    };
    let mut requests = containers(spec, created);
    pod_level(spec, created, &mut requests);
    add(&mut requests, &amounts(spec.get("overhead")));
    if let Some(overhead) = overhead {
        add(&mut requests, overhead);
    }
    resources(requests)
}

/// Amounts as written in a `ResourceList`, such as a node's allocatable; `pods` is among the extended ones.
pub(crate) fn resource_list(at: At<'_, '_>) -> Resources {
    resources(amounts(at))
}

/// What the status of a pod tells about resources that change while it runs (in-place vertical scaling).
#[derive(Clone, Copy)]
struct Resizing<'s, 't> {
    /// `None`: as the pod was created.
    status: Option<At<'s, 't>>,
    /// The wish cannot be met on this node and does not count.
    infeasible: bool,
    /// What a container requests that says nothing of a resource.
    defaults: Option<&'s Amounts>,
}

impl<'s, 't> Resizing<'s, 't> {
    /// The larger of what is asked for, in force and allocated, where the status tells the latter two.
    fn effective(self, asks: Amounts, told: At<'s, 't>, allocated: At<'s, 't>) -> Amounts {
        if !told.is_there() {
            return asks;
        }
        let mut effective = if self.infeasible { Amounts::new() } else { asks };
        raise(&mut effective, &amounts(told.get("requests")));
        raise(&mut effective, &amounts(allocated));
        effective
    }

    fn of_container(self, asks: Amounts, container: At<'_, 't>, list: &'t str) -> Amounts {
        let name = container.get("name").text();
        let mut told = self
            .status
            .into_iter()
            .flat_map(|status| status.get(list).items());
        match told.find(|status| name.is_some() && status.get("name").text() == name) {
            Some(status) => self.effective(asks, status.get("resources"), status.get("allocatedResources")),
            None => asks,
        }
    }
}

fn containers<'t>(spec: At<'_, 't>, resizing: Resizing<'_, 't>) -> Amounts {
    let mut sum = Amounts::new();
    for container in spec.get("containers").items() {
        let asks = container_requests(container, resizing.defaults);
        add(
            &mut sum,
            &resizing.of_container(asks, container, "containerStatuses"),
        );
    }
    let mut sidecars = Amounts::new();
    let mut init_peak = Amounts::new();
    for container in spec.get("initContainers").items() {
        let asks = container_requests(container, resizing.defaults);
        if container.get("restartPolicy").text() == Some("Always") {
            let asks = resizing.of_container(asks, container, "initContainerStatuses");
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

fn container_requests(container: At<'_, '_>, defaults: Option<&Amounts>) -> Amounts {
    let resources = container.get("resources");
    let mut requests = defaults.cloned().unwrap_or_default();
    requests.append(&mut amounts(resources.get("limits")));
    requests.append(&mut amounts(resources.get("requests")));
    requests
}

/// `spec.resources`: what it requests replaces the containers' sum. Where it has limits, what containers requested of
/// CPU and memory when the pod was created became its own requests, and a limit that neither made a request of became
/// one; so did limits of huge pages, which cannot be over-committed.
fn pod_level<'t>(spec: At<'_, 't>, resizing: Resizing<'_, 't>, requests: &mut Amounts) {
    let resources = spec.get("resources");
    let plain = |name: &str| name == "cpu" || name == "memory";
    let counts = |name: &str| plain(name) || is_huge_pages(name);
    let (limits, asked) = (
        amounts(resources.get("limits")),
        amounts(resources.get("requests")),
    );
    if limits.is_empty() && asked.is_empty() {
        return;
    }
    let created = Resizing {
        status: None,
        infeasible: false,
        defaults: resizing.defaults,
    };
    // Huge pages of containers became a limit of the pod where it said anything about itself.
    let mut own = containers(spec, created);
    if limits.is_empty() && own.keys().all(|name| plain(name) || !counts(name)) {
        own.clear();
    }
    own.retain(|name, _| plain(name));
    for (name, limit) in limits {
        own.entry(name).or_insert(limit);
    }
    own.extend(asked);
    own.retain(|name, _| counts(name));
    let names: Vec<String> = own.keys().cloned().collect();
    if let Some(status) = resizing.status {
        own = resizing.effective(own, status.get("resources"), status.get("allocatedResources"));
    }
    for name in names {
        let amount = own.remove(&name).unwrap_or(0);
        requests.insert(name, amount);
    }
}

pub(crate) fn amounts(list: At<'_, '_>) -> Amounts {
    let entries = list.entries();
    entries
        .filter_map(|(name, at)| Some((name.to_owned(), amount(at)?)))
        .collect()
}

fn amount(at: At<'_, '_>) -> Option<i128> {
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
    match quantity::exact_milli(text) {
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
    let cpu_milli = narrow(amounts.remove("cpu").unwrap_or(0));
    let mut whole = |name: &str| whole_of_milli(amounts.remove(name).unwrap_or(0));
    let (memory_bytes, ephemeral_bytes) = (whole("memory"), whole("ephemeral-storage"));
    let extended = amounts
        .into_iter()
        .map(|(name, milli)| (name, whole_of_milli(milli)))
        .filter(|(_, amount)| *amount != 0);
    Resources {
        cpu_milli,
        memory_bytes,
        ephemeral_bytes,
        extended: extended.collect(),
    }
}
