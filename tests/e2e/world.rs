//! The world that a story plays in: a real control plane, an AWS account on moto behind a proxy that writes every
//! call down, machines that join for its instances, and the daemon under the chart's own RBAC.

use plimsoll_tests::aws::{Account, NewGroup, REGION};
use plimsoll_tests::cluster::{Api, Audited, Cluster};
use plimsoll_tests::daemon::Daemon;
use plimsoll_tests::emulator::Emulator;
use plimsoll_tests::kubelet::{Machine, Machines};
use plimsoll_tests::process;
use plimsoll_tests::proxy::Proxy;
use plimsoll_tests::wait::eventually;
use plimsoll_tests::{Result, root, story, tools};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Name of the cluster.
pub(crate) const CLUSTER: &str = "blue";
/// The namespace of the stories' workloads.
pub(crate) const SHOP: &str = "shop";
/// The daemon, as the API server knows it.
pub(crate) const DAEMON: &str = "system:serviceaccount:plimsoll-system:plimsoll";
pub(crate) const SYSTEM: &str = "plimsoll-system";

/// See the module. Parts are dropped in this order.
pub(crate) struct World {
    pub(crate) proxy: Proxy,
    pub(crate) account: Arc<Account>,
    pub(crate) cluster: Cluster,
    pub(crate) api: Api,
    login: PathBuf,
    _moto: Emulator,
}

/// What may hold a story up: seconds of patience for one thing to happen on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A world in this mode (`observe`, `act`); nothing where its tools cannot be had.
pub(crate) async fn world(story: &str, mode: &str) -> Option<World> {
    if !story::can_be_told(
        story,
        [tools::testcluster(), tools::kubectl_helm(), tools::emulators()],
    ) {
        return None;
    }
    Some(
        World::new(mode)
            .await
            .unwrap_or_else(|error| panic!("{story}: no world: {error}")),
    )
}

impl World {
    async fn new(mode: &str) -> Result<Self> {
        let moto = Emulator::moto()?;
        let proxy = Proxy::before(&moto.url).await?;
        let account = Arc::new(Account::at(&moto.url).await);
        let cluster = Cluster::up(&[]).await?;
        let api = cluster.api.clone();
        api.create("/api/v1/namespaces", json!({"metadata": {"name": SYSTEM}}))
            .await?;
        cluster.apply(&rbac(&cluster, mode)?)?;
        let login = cluster.login(SYSTEM, "plimsoll")?;
        Ok(Self {
            proxy,
            account,
            cluster,
            api,
            login,
            _moto: moto,
        })
    }

    /// A group of m6a.large, whose price is built in, and machines for its instances.
    pub(crate) async fn group(&self, name: &str, (min, max, desired): (i32, i32, i32)) -> Result<Machines> {
        let mut group = NewGroup::of(CLUSTER, name).sized(min, max, desired);
        group.instance_type = String::from("m6a.large");
        self.account.create(&group).await?;
        let machines = Machines::play(
            Arc::clone(&self.account),
            self.api.clone(),
            &[name],
            Machine::m6a_large(),
        );
        let wanted = usize::try_from(desired)?;
        eventually("the first machines are Ready", PATIENCE, async || {
            Ok((self.ready_nodes().await?.len() == wanted).then_some(()))
        })
        .await?;
        Ok(machines)
    }

    /// Starts the daemon on this world. `mode` is `observe` or `act`; `aims` and `policies` as in its configuration.
    pub(crate) async fn daemon(&self, mode: &str, aims: Value, policies: Value) -> Result<Daemon> {
        self.daemon_with(mode, aims, json!({"policies": policies})).await
    }

    /// Starts the daemon with further fields of its configuration.
    pub(crate) async fn daemon_with(&self, mode: &str, aims: Value, more: Value) -> Result<Daemon> {
        let mut config = json!({
            "cluster": CLUSTER,
            "mode": mode,
            "interval": "1s",
            "provider": {"aws": {"region": REGION, "launch": "desired"}},
            "kubernetes": {"kubeconfig": self.login, "load": "kubelet"},
            "ledger": {"configmap": {"namespace": SYSTEM}},
            "aims": aims,
        });
        for (field, value) in more.as_object().into_iter().flatten() {
            config[field] = value.clone();
        }
        let env = [
            ("AWS_ENDPOINT_URL", self.proxy.url.as_str()),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", REGION),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        Daemon::start(config, &env).await
    }

    /// Names of the nodes that are Ready and can take pods, sorted.
    pub(crate) async fn ready_nodes(&self) -> Result<Vec<String>> {
        let nodes = self.api.list("/api/v1/nodes").await?;
        let ready = |node: &&Value| {
            let conditions = node["status"]["conditions"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            let taints = node["spec"]["taints"].as_array();
            let shut =
                taints.is_some_and(|taints| taints.iter().any(|taint| taint["effect"] == "NoSchedule"));
            // A node that has just become Ready keeps its not-ready taint for some moments: kube-scheduler passes it by.
            node["spec"]["unschedulable"] != true
                && !shut
                && conditions
                    .iter()
                    .any(|c| c["type"] == "Ready" && c["status"] == "True")
        };
        let names = nodes
            .iter()
            .filter(ready)
            .filter_map(|node| node["metadata"]["name"].as_str());
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort();
        Ok(names)
    }

    /// Writes of the daemon to the cluster's objects. Its own Ledger and Memory, its Lease, reviews of its callers
    /// and Events about what it does are no effects.
    pub(crate) fn effects(&self) -> Result<Vec<Audited>> {
        let own = [
            "configmaps",
            "leases",
            "tokenreviews",
            "subjectaccessreviews",
            "selfsubjectaccessreviews",
            "events",
        ];
        let audited = self.cluster.audit(DAEMON)?.into_iter();
        Ok(audited
            .filter(|row| row.is_mutating() && !own.contains(&row.resource.as_str()))
            .collect())
    }

    /// Sets the CPU use of a load group in the shop, millicores.
    pub(crate) async fn load(&self, group: &str, millicores: u32) -> Result<()> {
        let annotations = json!({format!("fakelet/load.{group}"): millicores.to_string()});
        let patch = json!({"metadata": {"annotations": annotations}});
        self.api
            .merge(&format!("/api/v1/namespaces/{SHOP}"), patch)
            .await?;
        Ok(())
    }

    /// Replicas that a Deployment of the shop asks for.
    pub(crate) async fn replicas(&self, name: &str) -> Result<u64> {
        let found = self
            .api
            .get(&format!("/apis/apps/v1/namespaces/{SHOP}/deployments/{name}"))
            .await?;
        found["spec"]["replicas"]
            .as_u64()
            .ok_or_else(|| "no replicas".into())
    }

    /// Makes the shop with a Deployment whose pods share the load of the group of its name, and waits until they
    /// run.
    pub(crate) async fn shop(&self, app: &App<'_>) -> Result<()> {
        let shop = json!({"metadata": {"name": SHOP}});
        if self
            .api
            .find(&format!("/api/v1/namespaces/{SHOP}"))
            .await?
            .is_none()
        {
            self.api.create("/api/v1/namespaces", shop).await?;
        }
        self.api
            .create(
                &format!("/apis/apps/v1/namespaces/{SHOP}/deployments"),
                app.deployment(),
            )
            .await?;
        Ok(())
    }

    /// Waits until so many pods of an app run.
    pub(crate) async fn runs(&self, app: &str, pods: usize) -> Result<()> {
        eventually(&format!("{pods} pods of {app} run"), PATIENCE, async || {
            let running = self.api.running(SHOP, &format!("app={app}")).await?;
            if running == pods {
                Ok(Some(()))
            } else {
                Err(format!("{running} run").into())
            }
        })
        .await
    }

    /// Waits until so many pods of an app run and stand on so many nodes. kube-scheduler learns of a node some moments
    /// after everyone else does: what it put elsewhere by then is put once more.
    pub(crate) async fn spreads(&self, app: &str, pods: usize, nodes: usize) -> Result<()> {
        eventually(&format!("{app} stands on {nodes} nodes"), PATIENCE, async || {
            self.runs(app, pods).await?;
            let placed = self.placed(app).await?;
            let on: BTreeSet<&str> = placed.iter().map(|(_, node)| node.as_str()).collect();
            if on.len() == nodes {
                return Ok(Some(()));
            }
            for (pod, _) in &placed {
                self.api
                    .delete(&format!("/api/v1/namespaces/{SHOP}/pods/{pod}"))
                    .await?;
            }
            Ok(None)
        })
        .await
    }

    /// Pods of an app with the node they are on; empty where they wait.
    pub(crate) async fn placed(&self, app: &str) -> Result<Vec<(String, String)>> {
        let pods = self.api.pods(SHOP, &format!("app={app}")).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(pods
            .iter()
            .map(|pod| (text(&pod["metadata"]["name"]), text(&pod["spec"]["nodeName"])))
            .collect())
    }
}

/// A Deployment of the shop.
pub(crate) struct App<'a> {
    pub(crate) name: &'a str,
    pub(crate) replicas: u32,
    /// Request of one pod, millicores.
    pub(crate) cpu: u32,
    /// Annotations of the Deployment.
    pub(crate) annotations: Value,
    /// Annotations of its pods, beside the load group.
    pub(crate) pod_annotations: Value,
}

impl<'a> App<'a> {
    pub(crate) fn new(name: &'a str, replicas: u32, cpu: u32) -> Self {
        Self {
            name,
            replicas,
            cpu,
            annotations: json!({}),
            pod_annotations: json!({}),
        }
    }

    fn deployment(&self) -> Value {
        let labels = json!({"app": self.name});
        let mut annotations = self.pod_annotations.clone();
        annotations["fakelet/load-group"] = json!(self.name);
        json!({
            "metadata": {"name": self.name, "annotations": self.annotations},
            "spec": {
                "replicas": self.replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels, "annotations": annotations},
                    "spec": {"terminationGracePeriodSeconds": 60, "containers": [{
                        "name": "main",
                        "image": "none",
                        "resources": {"requests": {"cpu": format!("{}m", self.cpu), "memory": "128Mi"}},
                    }]},
                },
            },
        })
    }
}

/// Aims in a hurry: what takes minutes in life takes seconds here. `more` is laid over them.
pub(crate) fn aims(more: &Value) -> Value {
    let mut aims = json!({
        "limits": {
            "window": "10m",
            "removed_per_window": "100%",
            "removed_per_long_window": "100%",
            "acknowledge_risk": true,
        },
        "shrink": {"unneeded_for": "3s", "min_age": "0s", "drain_timeout": "30m"},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        aims[key] = value.clone();
    }
    aims
}

/// Service account and roles as the chart has them for a mode.
fn rbac(cluster: &Cluster, mode: &str) -> Result<String> {
    let mut helm = cluster.command("helm");
    helm.args(["template", "plimsoll"])
        .arg(root().join("deploy/chart"))
        .args(["-n", SYSTEM]);
    helm.args(["--set", &format!("mode={mode},load=kubelet,cluster={CLUSTER}")]);
    helm.args([
        "--show-only",
        "templates/serviceaccount.yaml",
        "--show-only",
        "templates/rbac-read.yaml",
    ]);
    if mode == "act" {
        helm.args(["--show-only", "templates/rbac-act.yaml"]);
    }
    process::run(&mut helm)
}
