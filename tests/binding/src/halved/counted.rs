//! A cluster counted by what the API server says: nodes and what they cost, pods, and evictions that were granted.
//!
//! Nothing is asked of the daemon. Evictions are those of the audit log, where every write is.

use crate::mix::NAMESPACE;
use model::UsdPerHour;
use model::kwok::{GROUP_LABEL, KwokGroup};
use plimsoll_tests::Result;
use plimsoll_tests::cluster::{Api, Cluster};

/// Who the daemon is there.
const DAEMON: &str = "admin";

/// One count.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    /// Nodes that somebody pays for.
    pub(super) nodes: usize,
    /// Nodes of these that are cordoned.
    pub(super) leaving: usize,
    /// What they cost.
    pub(super) rate: UsdPerHour,
    /// Pods that run.
    pub(super) running: usize,
    /// Pods that do not run yet.
    pub(super) waiting: usize,
    /// Evictions granted since the cluster began.
    pub(super) evictions: usize,
}

impl Counted {
    pub(super) async fn now(api: &Api, cluster: &Cluster, groups: &[KwokGroup]) -> Result<Self> {
        let mut counted = Self::default();
        for node in api.list("/api/v1/nodes").await? {
            let name = node["metadata"]["labels"][GROUP_LABEL].as_str();
            let Some(group) = groups.iter().find(|group| name == Some(group.name.as_str())) else {
                continue;
            };
            counted.nodes += 1;
            counted.leaving += usize::from(node["spec"]["unschedulable"] == true);
            counted.rate += group.price;
        }
        for pod in api.list(&format!("/api/v1/namespaces/{NAMESPACE}/pods")).await? {
            if pod["metadata"]["deletionTimestamp"].is_null() {
                let runs = pod["status"]["phase"] == "Running";
                counted.running += usize::from(runs);
                counted.waiting += usize::from(!runs);
            }
        }
        let granted = cluster.audit(DAEMON)?.into_iter();
        let granted = granted.filter(|row| row.resource == "pods/eviction" && (200..300).contains(&row.code));
        counted.evictions = granted.count();
        Ok(counted)
    }
}
