//! A case: objects as the API would show them, for the scheduler as they are and for us through `manifest`.

use anyhow::{Context as _, Result};
use manifest::{ClusterBuilder, PriceList};
use model::aims::Aims;
use model::ids::PodKey;
use model::snapshot::Snapshot;
use serde::Serialize;
use serde_json::{Value, json};

/// A small cluster, and pods to be judged one after another.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// Names it in reports.
    pub id: String,
    /// Nodes.
    pub nodes: Vec<Value>,
    /// Pods that are there.
    pub pods: Vec<Value>,
    /// Pods that wait, judged in this order.
    pub pending: Vec<Value>,
    /// Where each goes once it is judged; empty for nowhere.
    pub bind: Vec<String>,
    /// Bound in whatever order fits.
    #[serde(skip_serializing_if = "is_false")]
    pub any_order: bool,
    /// Namespaces.
    pub namespaces: Vec<Value>,
    /// PersistentVolumeClaims.
    pub pvcs: Vec<Value>,
    /// PersistentVolumes.
    pub pvs: Vec<Value>,
    /// StorageClasses.
    pub storage_classes: Vec<Value>,
    /// CSINodes.
    pub csi_nodes: Vec<Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde asks for")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Case {
    /// What `manifest` makes of the objects, with these types for sale.
    pub fn snapshot(&self, prices: &PriceList, aims: &Aims) -> Result<Snapshot> {
        self.snapshot_with(&[], prices, aims)
    }

    /// The same with objects that kube-scheduler does not look at: workloads and budgets.
    pub fn snapshot_with(&self, more: &[Value], prices: &PriceList, aims: &Aims) -> Result<Snapshot> {
        let mut cluster = ClusterBuilder::new();
        cluster
            .read("case.json", &serde_json::to_vec(&self.list(more))?)
            .map_err(|problems| anyhow::anyhow!("{problems}"))
            .with_context(|| format!("case {}", self.id))?;
        Ok(cluster.finish(prices, aims))
    }

    /// The objects as one `List`, with others that have their kind already.
    pub fn list(&self, more: &[Value]) -> Value {
        let kinds: [(&str, &str, &[Value]); 8] = [
            ("v1", "Namespace", &self.namespaces),
            ("v1", "Node", &self.nodes),
            ("v1", "Pod", &self.pods),
            ("v1", "Pod", &self.pending),
            ("v1", "PersistentVolumeClaim", &self.pvcs),
            ("v1", "PersistentVolume", &self.pvs),
            ("storage.k8s.io/v1", "StorageClass", &self.storage_classes),
            ("storage.k8s.io/v1", "CSINode", &self.csi_nodes),
        ];
        let mut items = Vec::new();
        for (version, kind, objects) in kinds {
            for object in objects {
                let mut object = object.clone();
                object["apiVersion"] = json!(version);
                object["kind"] = json!(kind);
                items.push(object);
            }
        }
        items.extend_from_slice(more);
        json!({"apiVersion": "v1", "kind": "List", "items": items})
    }

    /// Names of the nodes.
    pub fn node_names(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(name)
    }
}

/// `metadata.name`.
pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// Namespace and name of a pod.
pub fn key(pod: &Value) -> PodKey {
    PodKey::new(
        pod["metadata"]["namespace"].as_str().unwrap_or("default"),
        name(pod),
    )
}
