//! A real control plane, the chart's objects around admission, and the daemon under the chart's own roles. Nobody's
//! capacity: what a profile of the aims takes goes to Fargate, everything else waits.

use plimsoll_tests::cluster::{Api, Cluster};
use plimsoll_tests::daemon::Daemon;
use plimsoll_tests::port::Port;
use plimsoll_tests::wait::eventually;
use plimsoll_tests::{Result, process, root, story, tools};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) const SYSTEM: &str = "plimsoll-system";
/// The namespace that the profile takes.
pub(crate) const BATCH: &str = "batch";
/// A namespace of which no profile knows.
pub(crate) const SHOP: &str = "shop";
pub(crate) const PROFILE: &str = "serverless";
pub(crate) const LABEL: (&str, &str) = ("plimsoll.io/placement", "fargate");
/// The webhook, as its certificate has it.
pub(crate) const NAME: &str = "plimsoll.plimsoll-system.svc";
pub(crate) const REGISTRATION: &str =
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/0400-plimsoll-placement.plimsoll.io";
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

/// See the module.
pub(crate) struct World {
    _cluster: Cluster,
    pub(crate) api: Api,
    pub(crate) asks: Asks,
    /// Where the webhook listens.
    pub(crate) webhook: SocketAddr,
    _port: Port,
    login: PathBuf,
    mode: &'static str,
}

/// A world whose chart sets labels this way (`webhook`, `policy`); nothing where its tools cannot be had.
pub(crate) async fn world(story: &str, mode: &'static str) -> Option<World> {
    if !story::can_be_told(story, [tools::testcluster(), tools::kubectl_helm()]) {
        return None;
    }
    Some(
        World::new(mode)
            .await
            .unwrap_or_else(|error| panic!("{story}: no world: {error}")),
    )
}

impl World {
    async fn new(mode: &'static str) -> Result<Self> {
        let cluster = Cluster::up(&[]).await?;
        let api = cluster.api.clone();
        for namespace in [SYSTEM, BATCH, SHOP] {
            api.create("/api/v1/namespaces", json!({"metadata": {"name": namespace}}))
                .await?;
        }
        let port = Port::reserve()?;
        let webhook = port.address();
        // The API server of the test has no network to pods: the Service is one more name of this machine.
        let service = json!({
            "metadata": {"name": "plimsoll"},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        });
        api.create(&format!("/api/v1/namespaces/{SYSTEM}/services"), service)
            .await?;
        cluster.apply(&chart(&cluster, mode, webhook.port())?)?;
        let login = cluster.login(SYSTEM, "plimsoll")?;
        Ok(Self {
            _cluster: cluster,
            asks: Asks(api.clone()),
            api,
            webhook,
            _port: port,
            login,
            mode,
        })
    }

    /// The daemon in this mode (`observe`, `act`). `certificates` is that field of its configuration.
    pub(crate) async fn daemon(&self, mode: &str, certificates: Value) -> Result<Daemon> {
        self.daemon_every("500ms", mode, certificates).await
    }

    /// The same with cycles at this interval.
    pub(crate) async fn daemon_every(
        &self,
        interval: &str,
        mode: &str,
        certificates: Value,
    ) -> Result<Daemon> {
        self.start(interval, mode, (certificates, json!([]))).await
    }

    /// A daemon that may have waiting pods made anew for Fargate.
    pub(crate) async fn daemon_that_moves(&self) -> Result<Daemon> {
        self.start("500ms", "act", (json!({}), json!([BATCH]))).await
    }

    async fn start(
        &self,
        interval: &str,
        mode: &str,
        (certificates, moved): (Value, Value),
    ) -> Result<Daemon> {
        let labels = json!({LABEL.0: LABEL.1});
        let profile = json!({"profile": PROFILE, "namespaces": [BATCH], "labels": labels});
        let daemon = Daemon::start(
            json!({
                "cluster": "blue",
                "mode": mode,
                "interval": interval,
                "provider": {"none": {}},
                "kubernetes": {"kubeconfig": self.login, "load": "none"},
                "ledger": {"configmap": {"namespace": SYSTEM}},
                "aims": {"fargate": [profile], "move_to_fargate": moved},
                "admission": {"mode": self.mode, "bind": self.webhook, "certificates": certificates},
            }),
            &[],
        )
        .await?;
        if self.mode == "webhook" {
            self.heard(mode == "act").await?;
        }
        Ok(daemon)
    }

    /// Waits until the API server has been told whom to trust and, where pods are placed, has heard it.
    async fn heard(&self, places: bool) -> Result<()> {
        eventually("the webhook is trusted and asked", PATIENCE, async || {
            self.asks.bundle().await?;
            if !places {
                return Ok(Some(()));
            }
            let asked = self.asks.create(BATCH, pod(json!({}), json!({}))).await?;
            self.asks.remove(&asked).await?;
            Ok(is_placed(&asked).then_some(()))
        })
        .await
    }
}

/// What is asked of the API server, in any task.
#[derive(Clone)]
pub(crate) struct Asks(Api);

impl Asks {
    /// Roots by which the webhook is known, PEM.
    pub(crate) async fn bundle(&self) -> Result<String> {
        use base64::Engine as _;
        let found = self.0.get(REGISTRATION).await?;
        let text = found["webhooks"][0]["clientConfig"]["caBundle"]
            .as_str()
            .ok_or("no caBundle")?;
        Ok(String::from_utf8(
            base64::engine::general_purpose::STANDARD.decode(text)?,
        )?)
    }

    /// Creates a pod; gives it as it came out.
    pub(crate) async fn create(&self, namespace: &str, pod: Value) -> Result<Value> {
        self.0
            .create(&format!("/api/v1/namespaces/{namespace}/pods"), pod)
            .await
    }

    /// Takes a pod away again.
    pub(crate) async fn remove(&self, pod: &Value) -> Result<()> {
        let part = |key: &str| pod["metadata"][key].as_str().unwrap_or_default().to_owned();
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}?gracePeriodSeconds=0",
            part("namespace"),
            part("name")
        );
        self.0.delete(&path).await
    }
}

/// Whether a pod carries our label.
pub(crate) fn is_placed(pod: &Value) -> bool {
    pod["metadata"]["labels"][LABEL.0] == LABEL.1
}

/// A gated pod: the API server takes it, nobody schedules it. Both parts are laid over it.
pub(crate) fn pod(metadata: Value, spec: Value) -> Value {
    let mut pod = json!({
        "metadata": {"generateName": "p-", "labels": {"app": "load"}},
        "spec": {
            "schedulingGates": [{"name": "plimsoll.io/test"}],
            "containers": [{
                "name": "main",
                "image": "none",
                "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}},
            }],
        },
    });
    for (part, over) in [("metadata", metadata), ("spec", spec)] {
        for (key, value) in over.as_object().into_iter().flatten() {
            pod[part][key] = value.clone();
        }
    }
    pod
}

/// The chart's objects: account, roles, and what is about admission.
fn chart(cluster: &Cluster, mode: &str, port: u16) -> Result<String> {
    let mut helm = cluster.command("helm");
    helm.args(["template", "plimsoll"])
        .arg(root().join("deploy/chart"))
        .args(["-n", SYSTEM, "--set"])
        .arg(format!(
            "mode=act,load=none,cluster=blue,admission.mode={mode},admission.port={port}"
        ));
    for template in ["serviceaccount", "rbac-read", "rbac-act", "admission"] {
        helm.args(["--show-only", &format!("templates/{template}.yaml")]);
    }
    process::run(&mut helm)
}
