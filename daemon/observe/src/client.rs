//! The one way a Kubernetes client is made, for eyes and hands alike: explicit time-outs, no hidden retries.
//!
//! Retries belong to whoever knows what a call means: an eviction answered with 429 is an answer, not a fault.
//! Not here: any call.

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use std::path::Path;
use std::time::Duration;

/// Until a connection must stand.
const CONNECT: Duration = Duration::from_secs(5);
/// Silence on a connection that is waited on; above the longest silence of a healthy watch.
const READ: Duration = Duration::from_secs(30);
/// Until a request must be written.
const WRITE: Duration = Duration::from_secs(10);

/// No client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The kubeconfig cannot be used.
    #[error("kubeconfig {path}: {why}")]
    Kubeconfig {
        /// File.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// No kubeconfig was named, and this is not a pod with a service account.
    #[error("no kubeconfig is named and this is not a pod of a cluster: {0}")]
    NotInCluster(String),
    /// TLS or authentication cannot be set up.
    #[error("Kubernetes client: {0}")]
    Setup(String),
}

/// A client for the kubeconfig of this path, else for the cluster this process is a pod of.
pub async fn client(kubeconfig: Option<&Path>) -> Result<Client, ClientError> {
    let mut config = match kubeconfig {
        Some(path) => from_file(path).await?,
        None => Config::incluster().map_err(|error| ClientError::NotInCluster(error.to_string()))?,
    };
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(READ);
    config.reset_reader_on_write = true;
    config.write_timeout = Some(WRITE);
    config.default_retry = false;
    Client::try_from(config).map_err(|error| ClientError::Setup(error.to_string()))
}

async fn from_file(path: &Path) -> Result<Config, ClientError> {
    let refused = |why: String| ClientError::Kubeconfig {
        path: path.display().to_string(),
        why,
    };
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| refused(error.to_string()))?;
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| refused(error.to_string()))
}
