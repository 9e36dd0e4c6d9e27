//! What the run asks for: Deployments of different shapes, one for each kind of group and some for any, with budgets,
//! pods for Fargate, and pods that nothing can run.
//!
//! Replicas are given for the top and scaled by a share. Not here: who answers them.

use crate::Size;
use plimsoll_tests::Result;
use plimsoll_tests::blue::{BATCH, DEDICATED, ON_FARGATE, POOL};
use plimsoll_tests::cluster::Api;
use serde_json::{Value, json};

pub(crate) const SHOP: &str = "shop";
/// The Deployment that nothing can run.
pub(crate) const HOPELESS: &str = "hopeless";

/// A Deployment at the top.
struct App {
    name: &'static str,
    namespace: &'static str,
    /// Thousandths of the run's nodes; at least two pods.
    per_node: u32,
    /// Millicores and MiB of a pod.
    asks: (u32, u32),
    /// Where it must run.
    pool: Option<&'static str>,
    /// Its budget: pods that may be missing.
    missing: Option<&'static str>,
    /// Further fields of the pods' spec.
    more: fn(&str) -> Value,
}

const fn on(pool: &'static str, name: &'static str, (per_node, cpu, mib): (u32, u32, u32)) -> App {
    App {
        name,
        namespace: SHOP,
        per_node,
        asks: (cpu, mib),
        pool: Some(pool),
        missing: None,
        more: |_| json!({}),
    }
}

fn apps() -> Vec<App> {
    vec![
        App {
            missing: Some("10%"),
            more: over_zones,
            ..on("workers", "cart", (1150, 950, 1700))
        },
        App {
            missing: Some("25%"),
            ..on("managed", "search", (600, 1250, 3000))
        },
        App {
            missing: Some("20%"),
            ..on("kops", "encode", (1200, 630, 900))
        },
        App {
            missing: Some("10%"),
            ..on("fleet", "web", (800, 940, 2600))
        },
        on("fleet", "api", (700, 470, 600)),
        App {
            pool: None,
            missing: Some("30%"),
            ..on("", "anywhere", (300, 310, 400))
        },
        App {
            pool: None,
            missing: Some("1"),
            more: apart,
            ..on("", "gate", (50, 200, 256))
        },
        App {
            namespace: BATCH,
            pool: None,
            more: |_| json!({}),
            ..on("", "report", (50, 250, 512))
        },
        on("nowhere", HOPELESS, (0, 100, 128)),
    ]
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
        for app in apps() {
            api.create(&collection(app.namespace), deployment(&app)).await?;
            if let Some(missing) = app.missing {
                let budgets = format!(
                    "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
                    app.namespace
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
        for app in apps() {
            let path = format!("{}/{}", collection(app.namespace), app.name);
            let replicas = if share <= 0.0 {
                0
            } else {
                self.replicas(&app, share)
            };
            self.api
                .merge(&path, json!({"spec": {"replicas": replicas}}))
                .await?;
        }
        Ok(())
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small positive numbers"
    )]
    fn replicas(&self, app: &App, share: f64) -> u32 {
        let top = f64::from(self.nodes * app.per_node / 1000).max(2.0);
        (top * share).round().max(1.0) as u32
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

fn budget(name: &str, missing: &str) -> Value {
    let most = missing
        .parse::<u32>()
        .map_or_else(|_| json!(missing), |count| json!(count));
    json!({
        "metadata": {"name": name},
        "spec": {"maxUnavailable": most, "selector": {"matchLabels": {"app": name}}},
    })
}

fn deployment(app: &App) -> Value {
    let mut labels = json!({"app": app.name});
    if app.namespace == BATCH {
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
    for (key, value) in (app.more)(app.name).as_object().into_iter().flatten() {
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
