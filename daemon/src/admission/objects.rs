//! The few objects of the API server that placement at admission keeps: a Secret, a field of the webhook's
//! registration, a ConfigMap. By paths and JSON; every write is under the version that was read, or of our own fields.

use super::authority::Root;
use super::table::Table;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::Client;
use serde_json::{Value, json};
use std::time::Duration;

/// Name of the webhook's registration: sorts before `0500-amazon-eks-fargate-mutation.amazonaws.com`, because the API
/// server asks webhooks by name.
pub(super) const REGISTRATION: &str = "0400-plimsoll-placement.plimsoll.io";
/// Secret with the authority.
const SECRET: &str = "plimsoll-admission";
/// ConfigMap with the policy's table.
const TABLE: &str = "plimsoll-placements";
/// In the Secret: the roots with their keys.
const ROOTS: &str = "roots.json";
/// In the Secret: what is trusted, for reading.
const BUNDLE: &str = "ca.crt";

const CALL: Duration = Duration::from_secs(5);

/// Why something could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The API server's answer.
    #[error("{what}: {error}")]
    Api {
        /// What was asked for.
        what: String,
        /// What it said.
        error: kube::Error,
    },
    /// No answer.
    #[error("{0}: no answer within 5 s")]
    Silent(String),
    /// The request cannot be made.
    #[error("{0}")]
    Request(#[from] http::Error),
    /// No certificate could be made.
    #[error("no certificate could be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The certificate that was made is not usable.
    #[error(transparent)]
    Unusable(#[from] serve::ServeError),
}

impl Trouble {
    fn code(&self) -> Option<u16> {
        match self {
            Self::Api {
                error: kube::Error::Api(status),
                ..
            } => Some(status.code),
            _ => None,
        }
    }
}

/// Roots as they were read.
pub(super) struct Kept {
    pub(super) roots: Vec<Root>,
    /// Version of the Secret; `None`: there is none.
    version: Option<String>,
}

/// Reads and writes them.
pub(super) struct Objects {
    client: Client,
    namespace: String,
}

impl Objects {
    pub(super) fn new(client: Client, namespace: &str) -> Self {
        Self {
            client,
            namespace: namespace.to_owned(),
        }
    }

    /// The roots that are kept; none where they cannot be read as ours.
    pub(super) async fn roots(&self) -> Result<Kept, Trouble> {
        let Some(secret) = self.find(&self.path("secrets", SECRET)).await? else {
            return Ok(Kept {
                roots: Vec::new(),
                version: None,
            });
        };
        let roots = secret["data"][ROOTS].as_str().and_then(|text| {
            let bytes = STANDARD.decode(text).ok()?;
            serde_json::from_slice(&bytes).ok()
        });
        if roots.is_none() {
            tracing::warn!(
                secret = SECRET,
                "the authority of the webhook cannot be read and is made anew"
            );
        }
        Ok(Kept {
            roots: roots.unwrap_or_default(),
            version: Some(text(&secret["metadata"]["resourceVersion"])),
        })
    }

    /// Keeps roots instead of those that were read; `false` where somebody else was faster.
    pub(super) async fn keep(&self, kept: &Kept, roots: &[Root], bundle: &str) -> Result<bool, Trouble> {
        let mut secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": SECRET, "namespace": self.namespace},
            "data": {
                ROOTS: STANDARD.encode(json!(roots).to_string()),
                BUNDLE: STANDARD.encode(bundle),
            },
        });
        let written = if let Some(version) = &kept.version {
            secret["metadata"]["resourceVersion"] = json!(version);
            let path = self.path("secrets", SECRET);
            self.send("PUT", &path, Some((&secret, "json"))).await
        } else {
            let path = format!("/api/v1/namespaces/{}/secrets", self.namespace);
            self.send("POST", &path, Some((&secret, "json"))).await
        };
        match written {
            Ok(_) => Ok(true),
            Err(trouble) if trouble.code() == Some(409) => Ok(false),
            Err(trouble) => Err(trouble),
        }
    }

    /// Has every webhook of the registration trust these roots; `false` where it is not there or somebody else was
    /// faster.
    pub(super) async fn trust(&self, bundle: &str) -> Result<bool, Trouble> {
        let path =
            format!("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{REGISTRATION}");
        let Some(found) = self.find(&path).await? else {
            return Ok(false);
        };
        let wanted = STANDARD.encode(bundle);
        let webhooks = found["webhooks"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let other = (0..)
            .zip(webhooks)
            .filter(|(_, webhook)| webhook["clientConfig"]["caBundle"] != wanted.as_str());
        let adds = other.map(|(at, _): (usize, _)| {
            json!({"op": "add", "path": format!("/webhooks/{at}/clientConfig/caBundle"), "value": wanted})
        });
        let adds: Vec<Value> = adds.collect();
        if adds.is_empty() {
            return Ok(!webhooks.is_empty());
        }
        let version = json!({"op": "test", "path": "/metadata/resourceVersion", "value": found["metadata"]["resourceVersion"]});
        let patch: Value = std::iter::once(version).chain(adds).collect();
        match self.send("PATCH", &path, Some((&patch, "json-patch+json"))).await {
            Ok(_) => Ok(true),
            Err(trouble) if matches!(trouble.code(), Some(409 | 422)) => Ok(false),
            Err(trouble) => Err(trouble),
        }
    }

    /// Writes the policy's table.
    pub(super) async fn apply_table(&self, table: &Table) -> Result<(), Trouble> {
        let map = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": TABLE, "namespace": self.namespace},
            "data": table,
        });
        let path = format!(
            "{}?fieldManager=plimsoll&force=true",
            self.path("configmaps", TABLE)
        );
        self.send("PATCH", &path, Some((&map, "apply-patch+yaml")))
            .await
            .map(drop)
    }

    fn path(&self, resource: &str, name: &str) -> String {
        format!("/api/v1/namespaces/{}/{resource}/{name}", self.namespace)
    }

    async fn find(&self, path: &str) -> Result<Option<Value>, Trouble> {
        match self.send("GET", path, None).await {
            Ok(found) => Ok(Some(found)),
            Err(trouble) if trouble.code() == Some(404) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    async fn send(&self, method: &str, path: &str, body: Option<(&Value, &str)>) -> Result<Value, Trouble> {
        let what = format!("{method} {path}");
        let kind = body.map_or("json", |(_, kind)| kind);
        let bytes = body.map(|(body, _)| body.to_string().into_bytes());
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", format!("application/{kind}"))
            .body(bytes.unwrap_or_default())?;
        match tokio::time::timeout(CALL, self.client.request::<Value>(request)).await {
            Ok(answer) => answer.map_err(|error| Trouble::Api { what, error }),
            Err(_) => Err(Trouble::Silent(what)),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
