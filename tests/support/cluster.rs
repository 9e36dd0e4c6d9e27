//! A real Kubernetes control plane for a test (tests/cluster), and its API as the cluster's administrator.
//!
//! Objects are plain JSON here: what a test writes and reads is what the API server has. Not here: what plays the
//! nodes of a cloud (`kubelet`), the daemon.

use crate::process::{self, Process};
use crate::{Result, tools};
use kube::Client;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// A running control plane; ends when dropped.
pub struct Cluster {
    process: Process,
    dir: TempDir,
    tools: PathBuf,
    /// Its API, as administrator.
    pub api: Api,
}

/// One audited request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// Who asked.
    pub user: String,
    /// `create`, `patch`, …
    pub verb: String,
    /// `pods`, `nodes`, …; with the subresource as `pods/eviction`.
    pub resource: String,
    /// Namespace and name of the object, as far as the request named them.
    pub object: String,
    /// Status code of the answer.
    pub code: u64,
    /// When the request came in, RFC 3339 in UTC: sorts as text.
    pub at: String,
}

impl Audited {
    /// Whether the request could change something.
    pub fn is_mutating(&self) -> bool {
        !["get", "list", "watch"].contains(&self.verb.as_str())
    }
}

impl Cluster {
    /// Starts one. `args` are flags of `testcluster up`, `--metrics-api` for instance. An error means that the
    /// tools are missing or that it did not start.
    pub async fn up(args: &[&str]) -> Result<Self> {
        let binary = tools::testcluster()?;
        let kubectl = tools::kubectl_helm()?;
        let dir = tempfile::tempdir()?;
        let mut command = Command::new(binary);
        command
            .arg("up")
            .arg("--dir")
            .arg(dir.path())
            .arg("--stdin")
            .args(args);
        let process = Process::start("testcluster", &mut command, &dir.path().join("testcluster.log"))?;
        let said = process.line(Duration::from_mins(2))?;
        if !said.starts_with("READY ") {
            return Err(format!("testcluster said {said}").into());
        }
        let kubeconfig = dir.path().join("kubeconfig");
        let client = observe::client(Some(&kubeconfig)).await?;
        Ok(Self {
            process,
            dir,
            tools: kubectl,
            api: Api { client },
        })
    }

    /// Where its files are.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Kubeconfig of the administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }

    /// Sends `stop apiserver`, `start apiserver`, `restart …` and waits for its end.
    pub fn tell(&mut self, command: &str) -> Result<()> {
        self.process.say(command)?;
        let said = self.process.line(Duration::from_secs(90))?;
        if said.starts_with("OK") {
            return Ok(());
        }
        Err(format!("{command}: {said}").into())
    }

    /// `kubectl` or `helm` as administrator.
    pub fn command(&self, tool: &str) -> Command {
        let mut command = Command::new(self.tools.join(tool));
        command
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", self.dir.path());
        command
    }

    /// Runs `kubectl` or `helm` to its end and gives what it said.
    pub fn run(&self, tool: &str, args: &[&str]) -> Result<String> {
        process::run(self.command(tool).args(args))
    }

    /// `kubectl apply` of YAML or JSON text.
    pub fn apply(&self, manifests: &str) -> Result<()> {
        let file = self.dir.path().join("apply.yaml");
        std::fs::write(&file, manifests)?;
        self.run("kubectl", &["apply", "-f", &file.to_string_lossy()])?;
        Ok(())
    }

    /// A kubeconfig for a service account, with a token of its own; gives its path.
    pub fn login(&self, namespace: &str, account: &str) -> Result<PathBuf> {
        let token = self.run(
            "kubectl",
            &["create", "token", account, "-n", namespace, "--duration=2h"],
        )?;
        let state: Value =
            serde_json::from_str(&std::fs::read_to_string(self.dir.path().join("state.json"))?)?;
        let server = state["server"].as_str().ok_or("state.json names no server")?;
        let ca = state["caCert"].as_str().ok_or("state.json names no caCert")?;
        let config = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority": ca}}],
            "users": [{"name": "u", "user": {"token": token.trim()}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        });
        let path = self.dir.path().join(format!("{account}.kubeconfig"));
        std::fs::write(&path, config.to_string())?;
        Ok(path)
    }

    /// What the API server has written down of one user's requests, oldest first.
    pub fn audit(&self, user: &str) -> Result<Vec<Audited>> {
        let log = std::fs::read_to_string(self.dir.path().join("audit.log"))?;
        let rows = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let audited = rows.map(|row| {
            let of = &row["objectRef"];
            let resource = match of["subresource"].as_str() {
                Some(sub) => format!("{}/{sub}", text(&of["resource"])),
                None => text(&of["resource"]),
            };
            Audited {
                user: text(&row["user"]["username"]),
                verb: text(&row["verb"]),
                resource,
                object: format!("{}/{}", text(&of["namespace"]), text(&of["name"])),
                code: row["responseStatus"]["code"].as_u64().unwrap_or(0),
                at: text(&row["requestReceivedTimestamp"]),
            }
        });
        Ok(audited.filter(|row| row.user == user).collect())
    }
}

/// The API server, by paths and JSON.
#[derive(Clone)]
pub struct Api {
    client: Client,
}

impl Api {
    /// One object or a list.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.send("GET", path, None, "application/json").await
    }

    /// One object; `None` where it is not there.
    pub async fn find(&self, path: &str) -> Result<Option<Value>> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if is_not_found(&*error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The items of a list.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let mut list = self.get(path).await?;
        Ok(list["items"]
            .as_array_mut()
            .map(std::mem::take)
            .unwrap_or_default())
    }

    /// Creates an object in the collection at `path`.
    pub async fn create(&self, path: &str, object: Value) -> Result<Value> {
        self.send("POST", path, Some(object), "application/json").await
    }

    /// Changes an object by a merge patch.
    pub async fn merge(&self, path: &str, patch: Value) -> Result<Value> {
        self.send("PATCH", path, Some(patch), "application/merge-patch+json")
            .await
    }

    /// Deletes an object; one that is not there is deleted.
    pub async fn delete(&self, path: &str) -> Result<()> {
        match self.send("DELETE", path, None, "application/json").await {
            Err(error) if !is_not_found(&*error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Pods of a namespace with these labels (`app=web`).
    pub async fn pods(&self, namespace: &str, labels: &str) -> Result<Vec<Value>> {
        let pods = self
            .list(&format!(
                "/api/v1/namespaces/{namespace}/pods?labelSelector={labels}"
            ))
            .await?;
        Ok(pods
            .into_iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
            .collect())
    }

    /// How many pods with these labels run on a Ready node.
    pub async fn running(&self, namespace: &str, labels: &str) -> Result<usize> {
        let pods = self.pods(namespace, labels).await?;
        Ok(pods
            .iter()
            .filter(|pod| pod["status"]["phase"] == "Running")
            .count())
    }

    /// Names of all nodes.
    pub async fn nodes(&self) -> Result<Vec<String>> {
        let nodes = self.list("/api/v1/nodes").await?;
        Ok(nodes
            .iter()
            .filter_map(|node| node["metadata"]["name"].as_str().map(str::to_owned))
            .collect())
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>, kind: &str) -> Result<Value> {
        let bytes = body
            .map(|value| value.to_string().into_bytes())
            .unwrap_or_default();
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", kind)
            .body(bytes)?;
        let answer = self.client.request::<Value>(request).await;
        answer.map_err(|error| match error {
            kube::Error::Api(_) => error.into(),
            other => format!("{method} {path}: {other}").into(),
        })
    }
}

fn is_not_found(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(error.downcast_ref::<kube::Error>(), Some(kube::Error::Api(status)) if status.code == 404)
}
