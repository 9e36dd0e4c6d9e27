//! `metrics.k8s.io/v1beta1`: ready-made rates of nodes and pods, as metrics-server or its like tells them.
//!
//! Values that cannot be read are left out. Not here: which of them are wanted.

use crate::load::Roll;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use manifest::quantity;
use model::ids::{NodeName, PodKey};
use model::pod::Usage;
use model::time::Instant;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One answer.
pub(crate) struct Told {
    /// By node.
    pub(crate) nodes: Vec<(NodeName, Usage)>,
    /// By the node the pod is bound to, and its name.
    pub(crate) pods: Vec<(NodeName, PodKey, Usage)>,
}

#[derive(Deserialize)]
struct List<T> {
    items: Option<Vec<T>>,
}

#[derive(Deserialize)]
struct Row {
    metadata: Metadata,
    timestamp: String,
    /// Nodes.
    usage: Option<BTreeMap<String, String>>,
    /// Pods.
    containers: Option<Vec<Container>>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
}

#[derive(Deserialize)]
struct Container {
    usage: BTreeMap<String, String>,
}

/// Reads both lists.
pub(crate) async fn read(client: &Client, roll: &dyn Roll) -> Result<Told, String> {
    let mut told = Told {
        nodes: Vec::new(),
        pods: Vec::new(),
    };
    for row in list(client, "nodes").await? {
        let usage = row.usage.iter();
        if let Some(usage) = sum(usage, &row.timestamp) {
            told.nodes.push((NodeName::new(row.metadata.name), usage));
        }
    }
    for row in list(client, "pods").await? {
        let containers = row.containers.iter().flatten().map(|container| &container.usage);
        let Some(usage) = sum(containers, &row.timestamp) else {
            continue;
        };
        let name = PodKey::new(row.metadata.namespace, row.metadata.name);
        if let Some(node) = roll.node_of(&name) {
            told.pods.push((node, name, usage));
        }
    }
    Ok(told)
}

async fn list(client: &Client, what: &str) -> Result<Vec<Row>, String> {
    let request = http::Request::get(format!("/apis/metrics.k8s.io/v1beta1/{what}"))
        .body(Vec::new())
        .map_err(|error| error.to_string())?;
    let list: List<Row> = client.request(request).await.map_err(|error| error.to_string())?;
    Ok(list.items.unwrap_or_default())
}

/// Sum over containers; `None` when there is none, or when one of them cannot be read (a part is not the whole).
fn sum<'r>(usages: impl Iterator<Item = &'r BTreeMap<String, String>>, timestamp: &str) -> Option<Usage> {
    let at: Timestamp = timestamp.parse().ok()?;
    let mut total: Option<Usage> = None;
    for usage in usages {
        let so_far = total.get_or_insert(Usage {
            cpu_milli: 0,
            memory_bytes: 0,
            at: Instant(at.as_millisecond()),
        });
        let cpu = quantity::milli(usage.get("cpu")?).ok()?;
        let memory = quantity::whole(usage.get("memory")?).ok()?;
        so_far.cpu_milli = so_far.cpu_milli.saturating_add(cpu);
        so_far.memory_bytes = so_far.memory_bytes.saturating_add(memory);
    }
    total
}
