//! What the run asks for: Deployments of different shapes, one for each kind of group and some for any, with budgets,
//! pods for Fargate, and pods that nothing can run.
//!
//! Replicas are given for the top and scaled by a share (`blue::APPS`). Not here: who answers them.

use crate::Size;
use plimsoll_tests::Result;
use plimsoll_tests::blue::{APPS, App, BATCH, CART, DEDICATED, GATE, HOPELESS, ON_FARGATE, POOL, REPORT};
use plimsoll_tests::cluster::Api;
use serde_json::{Value, json};

pub(crate) const SHOP: &str = "shop";
/// Where the Deployment is.
fn namespace(app: &App) -> &'static str {
    if app.name == REPORT { BATCH } else { SHOP }
}

/// Further fields of its pods' spec.
fn more(app: &App) -> Value {
    match app.name {
        CART => over_zones(app.name),
        GATE => apart(app.name),
        _ => json!({}),
    }
}

fn over_zones(name: &str) -> Value {
    json!({"topologySpreadConstraints": [{
        "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app": name}},
    }]})
}

fn apart(name: &str) -> Value {
    json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
        "topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": name}},
    }]}}})
}

/// The Deployments on a control plane.
#[derive(Clone)]
pub(crate) struct Demand {
    api: Api,
    nodes: u32,
}

impl Demand {
    /// Makes them, without replicas, and a DaemonSet on every node.
    pub(crate) async fn create(api: &Api, size: Size) -> Result<Self> {
        for namespace in [SHOP, BATCH] {
            api.create("/api/v1/namespaces", json!({"metadata": {"name": namespace}}))
                .await?;
        }
        for app in &APPS {
            api.create(&collection(namespace(app)), deployment(app)).await?;
            if let Some(missing) = app.missing {
                let budgets = format!(
                    "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
                    namespace(app)
                );
                api.create(&budgets, budget(app.name, missing)).await?;
            }
        }
        api.create("/apis/apps/v1/namespaces/kube-system/daemonsets", agent())
            .await?;
        Ok(Self {
            api: api.clone(),
            nodes: size.nodes,
        })
    }

    /// Asks for this share of the top.
    pub(crate) async fn scale(&self, share: f64) -> Result<()> {
        for app in &APPS {
            let path = format!("{}/{}", collection(namespace(app)), app.name);
            let replicas = app.replicas(self.nodes, share);
            self.api
                .merge(&path, json!({"spec": {"replicas": replicas}}))
                .await?;
        }
        Ok(())
    }

    /// Whether all pods run that anything can run; an error tells who is missing.
    pub(crate) async fn all_run(&self) -> Result<Option<()>> {
        let mut missing = Vec::new();
        for namespace in [SHOP, BATCH] {
            for found in self.api.list(&collection(namespace)).await? {
                let name = found["metadata"]["name"].as_str().unwrap_or_default();
                let count = |value: &Value| value.as_u64().unwrap_or(0);
                let (wanted, ready, there) = (
                    count(&found["spec"]["replicas"]),
                    count(&found["status"]["readyReplicas"]),
                    count(&found["status"]["replicas"]),
                );
                let read = found["status"]["observedGeneration"] == found["metadata"]["generation"];
                if name != HOPELESS && !(read && ready == wanted && there == wanted) {
                    missing.push(format!("{name} {ready}/{wanted}"));
                }
            }
        }
        if missing.is_empty() {
            return Ok(Some(()));
        }
        Err(missing.join(", ").into())
    }
}

fn collection(namespace: &str) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/deployments")
}

fn budget(name: &str, missing: u32) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {"maxUnavailable": format!("{missing}%"), "selector": {"matchLabels": {"app": name}}},
    })
}

fn deployment(app: &App) -> Value {
    let mut labels = json!({"app": app.name});
    if app.name == REPORT {
        labels[ON_FARGATE.0] = json!(ON_FARGATE.1);
    }
    let (cpu, mib) = app.asks;
    let mut spec = json!({
        "terminationGracePeriodSeconds": 30,
        "tolerations": [{"key": DEDICATED, "operator": "Exists", "effect": "NoSchedule"}],
        "containers": [{
            "name": "main",
            "image": "none",
            "resources": {"requests": {"cpu": format!("{cpu}m"), "memory": format!("{mib}Mi")}},
        }],
    });
    if let Some(pool) = app.pool {
        spec["nodeSelector"] = json!({POOL: pool});
    }
    for (key, value) in more(app).as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    json!({
        "metadata": {"name": app.name},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": app.name}},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    })
}

/// On every node but Fargate's.
fn agent() -> Value {
    let labels = json!({"app": "agent"});
    json!({
        "metadata": {"name": "agent"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {
                "tolerations": [{"key": DEDICATED, "operator": "Exists", "effect": "NoSchedule"}],
                "containers": [{
                    "name": "main",
                    "image": "none",
                    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
                }],
            }},
        },
    })
}
