//! `Planner`: what would be decided if. One at a time, on a thread of its own; nothing is carried out.

use crate::authorise::{Object, Verb};
use crate::desk::Desk;
use crate::messages::fitting;
use crate::query::pod_of;
use crate::{limits, messages};
use cycle::what_if::Change;
use cycle::{Deliberation, WhatIfError};
use model::pod::PodSpec;
use model::{NodeName, OfferId, PodKey, Resources, Snapshot, UsdPerHour, WorkloadKey};
use proto::v1;
use proto::v1::planner_server::Planner;
use std::collections::BTreeMap;
use std::sync::Arc;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl Planner for Desk {
    async fn what_if(
        &self,
        request: Request<v1::WhatIfRequest>,
    ) -> Result<Response<v1::WhatIfResponse>, Status> {
        self.admit(&request, Verb::Simulate, Object::Decisions).await?;
        let place = Arc::clone(&self.what_ifs)
            .try_acquire_owned()
            .map_err(|_| Status::resource_exhausted("another what-if is being thought through"))?;
        let record = self.seen()?;
        let change = change(request.into_inner(), &record.snapshot)?;
        let handle = self.handle.clone();
        let thought = tokio::task::spawn_blocking(move || {
            let decided = handle.what_if(&change);
            drop(place);
            (decided, change)
        });
        let (decided, change) = thought
            .await
            .map_err(|error| Status::internal(format!("the what-if ended early: {error}")))?;
        let decided = decided.map_err(|error| match error {
            WhatIfError::NothingSeen => Status::unavailable(error.to_string()),
            WhatIfError::UnknownName(_) => Status::invalid_argument(error.to_string()),
        })?;
        Ok(Response::new(answer(
            record.cycle,
            &record.snapshot,
            &decided,
            &change,
        )))
    }
}

fn answer(cycle: u64, seen: &Snapshot, decided: &Deliberation, change: &Change) -> v1::WhatIfResponse {
    use messages::count;
    let plan = &decided.plan;
    let mut nodes = messages::planned_nodes(plan, seen);
    for (prefix, rate) in &change.prices {
        for node in nodes.iter_mut().filter(|n| n.offer.starts_with(prefix.as_str())) {
            node.rate_nanos = rate.0;
        }
    }
    v1::WhatIfResponse {
        cycle,
        steps: fitting(plan.steps.iter().map(messages::step), limits::STEPS_BYTES),
        refusals: messages::refusals(plan),
        nodes,
        cost: Some(messages::cost(&plan.cost)),
        pending: plan.pending,
        calls: messages::calls(&decided.notes),
        step_count: count(plan.steps.len()),
        refusal_count: count(plan.refusals.len()),
        planned_node_count: count(plan.nodes.len()),
        call_count: count(decided.notes.calls.len()),
    }
}

/// Reads a request; every mistake names its field.
fn change(asked: v1::WhatIfRequest, seen: &Snapshot) -> Result<Change, Status> {
    for (list, entries) in [
        ("add_pods", asked.add_pods.len()),
        ("remove_pods", asked.remove_pods.len()),
        ("replicas", asked.replicas.len()),
        ("remove_nodes", asked.remove_nodes.len()),
        ("prices", asked.prices.len()),
    ] {
        if entries > limits::WHAT_IF_CHANGES {
            let most = limits::WHAT_IF_CHANGES;
            return Err(wrong(&format!(
                "{list}: {entries} entries, at most {most} are taken"
            )));
        }
    }
    let added = asked
        .add_pods
        .iter()
        .fold(0_u32, |sum, add| sum.saturating_add(add.count));
    if added > limits::WHAT_IF_PODS {
        return Err(wrong(&format!(
            "add_pods: {added} pods, at most {} can be added",
            limits::WHAT_IF_PODS
        )));
    }
    let mut change = Change::default();
    for (at, add) in asked.add_pods.into_iter().enumerate() {
        change
            .add_pods
            .push(pods(add, seen).map_err(|why| wrong(&format!("add_pods[{at}].{why}")))?);
    }
    for (at, name) in asked.remove_pods.iter().enumerate() {
        let key =
            pod_of(name).ok_or_else(|| wrong(&format!("remove_pods[{at}]: namespace/name is wanted")))?;
        change.remove_pods.push(key);
    }
    for (at, set) in asked.replicas.iter().enumerate() {
        let workload = set
            .workload
            .as_ref()
            .ok_or_else(|| wrong(&format!("replicas[{at}].workload is missing")))?;
        if set.replicas > limits::WHAT_IF_PODS {
            return Err(wrong(&format!(
                "replicas[{at}].replicas: at most {}",
                limits::WHAT_IF_PODS
            )));
        }
        let key = WorkloadKey::new(&workload.kind, &workload.namespace, &workload.name);
        change.replicas.push((key, set.replicas));
    }
    change.remove_nodes = asked.remove_nodes.iter().map(NodeName::new).collect();
    for (at, price) in asked.prices.iter().enumerate() {
        if price.rate_nanos < 0 || price.offer.is_empty() {
            return Err(wrong(&format!(
                "prices[{at}]: an offer and a rate that is not negative are wanted"
            )));
        }
        change
            .prices
            .push((OfferId::new(&price.offer), UsdPerHour(price.rate_nanos)));
    }
    Ok(change)
}

fn pods(add: v1::AddPods, seen: &Snapshot) -> Result<(PodKey, PodSpec, u32), String> {
    let mut spec = if add.like_pod.is_empty() {
        PodSpec {
            namespace: add.namespace.clone(),
            ..PodSpec::default()
        }
    } else {
        let pod = pod_of(&add.like_pod)
            .and_then(|key| seen.pod(&key))
            .ok_or_else(|| format!("like_pod: {} is not in the snapshot", add.like_pod))?;
        (*seen.spec(pod.spec)).clone()
    };
    if add.name.is_empty() {
        return Err("name is missing".to_owned());
    }
    // Each is held once for every pod that is added.
    short("name", &add.name, limits::NAME_BYTES)?;
    short("namespace", &add.namespace, limits::LABEL_BYTES)?;
    small("labels", &add.labels)?;
    small("node_selector", &add.node_selector)?;
    if !add.namespace.is_empty() {
        spec.namespace.clone_from(&add.namespace);
    }
    if spec.namespace.is_empty() {
        "default".clone_into(&mut spec.namespace);
    }
    if let Some(requests) = add.requests {
        spec.requests = amounts(requests)?;
    }
    spec.labels.extend(add.labels);
    spec.node_selector.extend(add.node_selector);
    let key = PodKey::new(&spec.namespace, &add.name);
    Ok((key, spec, add.count))
}

fn amounts(asked: v1::Resources) -> Result<Resources, String> {
    small_names("requests.extended", asked.extended.keys())?;
    let negative = asked.cpu_milli < 0
        || asked.memory_bytes < 0
        || asked.ephemeral_bytes < 0
        || asked.extended.values().any(|amount| *amount < 0);
    if negative {
        return Err("requests: amounts are not negative".to_owned());
    }
    Ok(Resources {
        cpu_milli: asked.cpu_milli,
        memory_bytes: asked.memory_bytes,
        ephemeral_bytes: asked.ephemeral_bytes,
        extended: asked.extended.into_iter().filter(|(_, n)| *n > 0).collect(),
    })
}

/// Refuses text that Kubernetes would not take for a name.
fn short(field: &str, text: &str, most: usize) -> Result<(), String> {
    if text.len() > most {
        return Err(format!("{field}: {} bytes, at most {most} are taken", text.len()));
    }
    Ok(())
}

/// Refuses labels that Kubernetes would not take, and more of them than a pod has use for.
fn small(field: &str, labels: &BTreeMap<String, String>) -> Result<(), String> {
    small_names(field, labels.keys())?;
    labels
        .values()
        .try_for_each(|value| short(field, value, limits::LABEL_BYTES))
}

fn small_names<'a>(field: &str, names: impl ExactSizeIterator<Item = &'a String>) -> Result<(), String> {
    let (count, most) = (names.len(), limits::WHAT_IF_LABELS);
    if count > most {
        return Err(format!("{field}: {count} entries, at most {most} are taken"));
    }
    names
        .into_iter()
        .try_for_each(|name| short(field, name, limits::LABEL_KEY_BYTES))
}

fn wrong(text: &str) -> Status {
    Status::invalid_argument(text.to_owned())
}
