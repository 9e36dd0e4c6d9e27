//! What a tenant may write who means harm: objects of one namespace, no two of them alike.

use serde_json::{Value, json};

/// The namespace.
pub(crate) const HOSTILE: &str = "hostile";
/// Label of the nodes that its pods may go to.
pub(crate) const POOL: &str = "pool";
const ZONE: &str = "topology.kubernetes.io/zone";
const HOST: &str = "kubernetes.io/hostname";

/// What is done to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Requests of their own.
    Requests,
    /// Spread over zones, each by a label of its own.
    Spread,
    /// Apart from their like by node, each by a label of its own.
    Apart,
    /// Apart by zone, each by a label of its own.
    ApartByZone,
    /// Together with their like by node.
    Together,
    /// Each apart from all the others, with requests of its own.
    ApartFromAll,
    /// Selectors that no node matches.
    Selectors,
    /// Tolerations of their own.
    Tolerations,
    /// A hundred preferences each.
    Preferences,
    /// Ports of the host.
    Ports,
    /// A hundred terms of node affinity each.
    Terms,
    /// Forty labels of 63 characters each.
    Labels,
    /// A megabyte of environment in each twentieth pod, of which there are no others.
    Environment,
    /// They run, each apart from its like by a label of its own; three of four wait.
    Standing,
    /// Deployments that want two million replicas each, one for twenty pods.
    Replicas,
    /// As `Labels`, and of a ReplicaSet whose Deployment is known.
    Owned,
    /// As `Labels`, and the labels change all the time.
    Changing,
    /// A hundred claims with names of 150 characters each.
    Claims,
    /// Disruption budgets with a hundred labels each, over pods of which there are none.
    Budgets,
    /// Deployments without pods, with a hundred annotations for Plimsoll each.
    Annotations,
}

/// All there are.
pub(crate) const SHAPES: [Shape; 20] = [
    Shape::Requests,
    Shape::Spread,
    Shape::Apart,
    Shape::ApartByZone,
    Shape::Together,
    Shape::ApartFromAll,
    Shape::Selectors,
    Shape::Tolerations,
    Shape::Preferences,
    Shape::Ports,
    Shape::Terms,
    Shape::Labels,
    Shape::Environment,
    Shape::Standing,
    Shape::Replicas,
    Shape::Owned,
    Shape::Changing,
    Shape::Claims,
    Shape::Budgets,
    Shape::Annotations,
];

impl Shape {
    /// How many objects of it stand for so many pods.
    pub(crate) fn objects(self, pods: usize) -> usize {
        match self {
            Self::Environment | Self::Replicas => pods.div_ceil(20),
            _ => pods,
        }
    }

    /// Where its objects are created.
    pub(crate) fn path(self) -> String {
        match self {
            Self::Replicas | Self::Annotations => format!("/apis/apps/v1/namespaces/{HOSTILE}/deployments"),
            Self::Budgets => format!("/apis/policy/v1/namespaces/{HOSTILE}/poddisruptionbudgets"),
            _ => format!("/api/v1/namespaces/{HOSTILE}/pods"),
        }
    }

    /// The object of this number; pods that stand share these nodes.
    pub(crate) fn object(self, of: usize, nodes: &[String]) -> Value {
        let app = format!("h-{of}");
        let asked = match self {
            Self::Requests | Self::ApartFromAll | Self::Replicas => requests(of),
            _ => json!({"cpu": "900m", "memory": "2Gi"}),
        };
        let mut pod = pod(&app, &asked);
        let spec = &mut pod["spec"];
        let like = json!({"matchLabels": {"app": app}});
        match self {
            Self::Requests => {}
            Self::Spread => {
                spec["topologySpreadConstraints"] = json!([{"maxSkew": 1, "topologyKey": ZONE,
                    "whenUnsatisfiable": "DoNotSchedule", "labelSelector": like}]);
            }
            Self::Apart | Self::Standing => spec["affinity"] = apart(HOST, &like),
            Self::ApartByZone => spec["affinity"] = apart(ZONE, &like),
            Self::ApartFromAll => spec["affinity"] = apart(HOST, &json!({})),
            Self::Together => {
                let term = json!([{"topologyKey": HOST, "labelSelector": like}]);
                spec["affinity"] =
                    json!({"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": term}});
            }
            Self::Selectors => spec["nodeSelector"] = json!({&app: app}),
            Self::Tolerations => spec["tolerations"] = json!([{"key": app, "operator": "Exists"}]),
            Self::Preferences => {
                let rows: Vec<Value> = (0..100)
                    .map(|at| json!({"weight": 1 + at % 100, "preference": term(&app, at)}))
                    .collect();
                spec["affinity"] =
                    json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": rows}});
            }
            Self::Terms => {
                let rows: Vec<Value> = (0..100).map(|at| term(&app, at)).collect();
                spec["affinity"] = json!({"nodeAffinity":
                    {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": rows}}});
            }
            Self::Ports => {
                spec["containers"][0]["ports"] = json!([{"containerPort": 80, "hostPort": 1000 + of}]);
            }
            Self::Labels | Self::Owned | Self::Changing => {
                for (key, value) in labels(of) {
                    pod["metadata"]["labels"][key] = json!(value);
                }
                if self == Self::Owned {
                    pod["metadata"]["ownerReferences"] = owner("ReplicaSet", OWNER);
                }
            }
            Self::Claims => {
                let claims = (0..100).map(|at| {
                    json!({"name": format!("v-{at}"),
                        "persistentVolumeClaim": {"claimName": format!("{app}-{at:0140}")}})
                });
                spec["volumes"] = claims.collect();
            }
            Self::Budgets => {
                return json!({"metadata": {"name": app},
                    "spec": {"maxUnavailable": 1, "selector": {"matchLabels": hundred("", of)}}});
            }
            Self::Annotations => {
                let mut deployment = deployment(&app, &pod);
                deployment["metadata"]["annotations"] = hundred("plimsoll.io/", of);
                deployment["spec"]["replicas"] = json!(0);
                return deployment;
            }
            Self::Environment => {
                let value = "x".repeat(1 << 20);
                spec["containers"][0]["env"] = json!([{"name": "BULK", "value": value}]);
            }
            Self::Replicas => return deployment(&app, &pod),
        }
        if self == Self::Standing && of.is_multiple_of(4) {
            pod["spec"]["nodeName"] = json!(nodes.get(of / 4 % nodes.len().max(1)));
            pod["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "10m", "memory": "10Mi"}});
        }
        pod
    }
}

/// Name of the ReplicaSet and the Deployment of `Shape::Owned`.
const OWNER: &str = "owner";

/// What there has to be before the first pod of `Shape::Owned`.
pub(crate) fn replica_set() -> Value {
    let labels = json!({"matchLabels": {"of": OWNER}});
    let mut template = pod(OWNER, &json!({}));
    template["metadata"] = json!({"labels": {"of": OWNER}});
    json!({
        "metadata": {"name": OWNER, "labels": {"of": OWNER}, "ownerReferences": owner("Deployment", OWNER)},
        "spec": {"replicas": 0, "selector": labels, "template": template},
    })
}

fn owner(kind: &str, name: &str) -> Value {
    json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "0", "controller": true}])
}

/// Forty labels of 63 characters each.
pub(crate) fn labels(of: usize) -> impl Iterator<Item = (String, String)> {
    (0..40).map(move |at| (format!("key-{at}"), format!("{of:063}")))
}

/// A hundred of them, by a key that begins so.
fn hundred(before: &str, of: usize) -> Value {
    let pairs = (0..100).map(|at| (format!("{before}key-{at}"), json!(format!("{of:063}"))));
    Value::Object(pairs.collect())
}

/// A thousand pods and more ask for something else each.
fn requests(of: usize) -> Value {
    json!({"cpu": format!("{}m", 500 + of % 900), "memory": format!("{}Mi", 1024 + of / 900)})
}

fn pod(app: &str, requests: &Value) -> Value {
    json!({
        "metadata": {"name": app, "labels": {"app": app}},
        "spec": {
            "nodeSelector": {POOL: "batch"},
            "automountServiceAccountToken": false,
            "containers": [{"name": "main", "image": "none", "resources": {"requests": requests}}],
        },
    })
}

fn deployment(app: &str, pod: &Value) -> Value {
    let metadata = json!({"labels": pod["metadata"]["labels"]});
    json!({
        "metadata": {"name": app},
        "spec": {
            "replicas": 2_000_000,
            "selector": {"matchLabels": {"app": app}},
            "template": {"metadata": metadata, "spec": pod["spec"]},
        },
    })
}

fn apart(key: &str, from: &Value) -> Value {
    let term = json!([{"topologyKey": key, "labelSelector": from}]);
    json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": term}})
}

fn term(app: &str, at: usize) -> Value {
    json!({"matchExpressions": [{"key": format!("key-{at}"), "operator": "NotIn", "values": [app]}]})
}
