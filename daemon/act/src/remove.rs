//! The last look before a node is given up (reliability.md, invariant I22).
//!
//! Read live, after the taint: the node is still that instance, tainted and cordoned, and only DaemonSet and static
//! pods are left on it, or it is given up because it has stopped working and still does not work; or the instance still
//! has no node. Not here: giving it up, which is the provider's.

use crate::answer::{CallError, bounded, stale};
use crate::node::{is_instance, is_ours, is_unschedulable};
use k8s_openapi::api::core::v1::Node;
use kube::Client;
use kube::api::{Api, ListParams};
use kube::core::Request;
use model::Counted;
use model::ids::{InstanceId, NodeName};
use model::node::UNREACHABLE_TAINT;
use model::outcome::Outcome;
use model::reason::Reason;
use model::repair::NOT_READY_TAINT;
use model::time::Span;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::time::Duration;

const CALL: Duration = Duration::from_secs(3);
/// More than a node can hold: a longer list is refused rather than read in part.
const MOST_PODS: u32 = 2000;
/// When to look again at a node whose last pods are on their way out.
const LOOK_AGAIN: Span = Span::from_secs(5);
/// Nodes read at once.
const PAGE: u32 = 500;
/// Label of Fargate's nodes.
const COMPUTE_TYPE: &str = "eks.amazonaws.com/compute-type";
const MIRROR: &str = "kubernetes.io/config.mirror";

/// Whether the node may be given up now; its UID, or the outcome that says why not. A Node object that is gone
/// already does not hold the instance back.
pub(crate) async fn may_go(
    client: &Client,
    (name, instance): (&NodeName, &InstanceId),
    why: &Reason,
) -> Result<Option<String>, Outcome> {
    let what = format!("node {name}");
    let api: Api<Node> = Api::all(client.clone());
    let node = match bounded(CALL, api.get_opt(name.as_str())).await {
        Ok(node) => node,
        Err(error) => return Err(error.unread(&what)),
    };
    if let Some(node) = &node {
        is_instance(node, instance).map_err(|why| stale(format!("{what} {why}")))?;
        if !is_ours(node) || !is_unschedulable(node) {
            return Err(stale(format!(
                "{what} is not cordoned and tainted by us any more"
            )));
        }
        // Nobody waits for pods of a node that does not work: the instance's end is theirs.
        if matches!(why, Reason::Broken { .. }) {
            return match still_works(node) {
                None => Ok(node.metadata.uid.clone()),
                Some(sign) => Err(stale(format!("{what} {sign}"))),
            };
        }
    }
    let pods = pods_on(client, name).await.map_err(|error| error.unread(&what))?;
    if pods.metadata.next.is_some_and(|token| !token.is_empty()) {
        return Err(stale(format!("{what} has more than {MOST_PODS} pods")));
    }
    let left: Vec<PodLeft> = pods.items.into_iter().filter(PodLeft::holds_the_node).collect();
    let Some(first) = left.iter().find(|pod| !pod.is_going()).or_else(|| left.first()) else {
        return Ok(node.and_then(|node| node.metadata.uid));
    };
    let why = format!(
        "{what} still has {}, {}/{} among them",
        Counted(left.len(), "pod"),
        first.metadata.namespace,
        first.metadata.name
    );
    if first.is_going() {
        return Err(Outcome::Refused {
            after: Some(LOOK_AGAIN),
            why,
        });
    }
    Err(stale(why))
}

/// What tells that a node works again that had stopped.
fn still_works(node: &Node) -> Option<&'static str> {
    let conditions = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref());
    let ready = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition.type_ == "Ready");
    let Some(ready) = ready else {
        return Some("does not tell whether it is Ready");
    };
    if ready.status == "True" {
        return Some("is Ready again");
    }
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref());
    let tainted = |key: &str| taints.into_iter().flatten().any(|taint| taint.key == key);
    let both = [UNREACHABLE_TAINT, NOT_READY_TAINT];
    (!both.into_iter().any(tainted)).then_some("is no longer tainted by the node lifecycle controller")
}

/// Whether no node is of this instance, and none is of an instance that nobody knows; or the outcome that says why not.
pub(crate) async fn never_joined(client: &Client, instance: &InstanceId) -> Result<(), Outcome> {
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = nodes(client, &params)
            .await
            .map_err(|error| error.unread("nodes"))?;
        for node in &page.items {
            match node.instance() {
                Some(id) if id == instance.as_str() => {
                    return Err(stale(format!(
                        "{instance} has become node {}",
                        node.metadata.name
                    )));
                }
                None if !node.is_fargate() => {
                    let name = &node.metadata.name;
                    return Err(stale(format!(
                        "node {name} has no providerID: it may be {instance}"
                    )));
                }
                _ => {}
            }
        }
        match page.metadata.next.filter(|token| !token.is_empty()) {
            Some(next) => params = params.continue_token(&next),
            None => return Ok(()),
        }
    }
}

async fn nodes(client: &Client, params: &ListParams) -> Result<Nodes, CallError> {
    let listed = async {
        let request = Request::new("/api/v1/nodes")
            .list(params)
            .map_err(kube::Error::BuildRequest)?;
        client.request(request).await
    };
    bounded(CALL, listed).await
}

#[derive(Deserialize)]
struct Nodes {
    metadata: ListMetadata,
    #[serde(default)]
    items: Vec<NodeThere>,
}

/// Of a node, what tells whose it is.
#[derive(Deserialize)]
struct NodeThere {
    metadata: NodeMetadata,
    #[serde(default)]
    spec: NodeSpec,
}

#[derive(Deserialize)]
struct NodeMetadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct NodeSpec {
    #[serde(rename = "providerID")]
    provider_id: Option<String>,
}

impl NodeThere {
    fn instance(&self) -> Option<&str> {
        self.spec.provider_id.as_deref()?.rsplit('/').next()
    }

    fn is_fargate(&self) -> bool {
        self.metadata
            .labels
            .get(COMPUTE_TYPE)
            .is_some_and(|kind| kind == "fargate")
    }
}

#[derive(Deserialize)]
struct Pods {
    metadata: ListMetadata,
    #[serde(default)]
    items: Vec<PodLeft>,
}

#[derive(Deserialize)]
struct ListMetadata {
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// Of a pod, what tells whether it holds its node.
#[derive(Deserialize)]
struct PodLeft {
    metadata: PodMetadata,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodMetadata {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    owner_references: Vec<Owner>,
    deletion_timestamp: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Owner {
    kind: String,
    #[serde(default)]
    controller: bool,
}

#[derive(Default, Deserialize)]
struct PodStatus {
    #[serde(default)]
    phase: String,
}

impl PodLeft {
    /// Everything but finished pods, DaemonSet pods and static pods.
    fn holds_the_node(&self) -> bool {
        let owners = &self.metadata.owner_references;
        let of_daemon_set = owners.iter().any(|o| o.controller && o.kind == "DaemonSet");
        let is_static = self.metadata.annotations.contains_key(MIRROR);
        let finished = matches!(self.status.phase.as_str(), "Succeeded" | "Failed");
        !(of_daemon_set || is_static || finished)
    }

    fn is_going(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }
}

async fn pods_on(client: &Client, name: &NodeName) -> Result<Pods, CallError> {
    let params = ListParams::default()
        .fields(&format!("spec.nodeName={name}"))
        .limit(MOST_PODS);
    let listed = async {
        let request = Request::new("/api/v1/pods")
            .list(&params)
            .map_err(kube::Error::BuildRequest)?;
        client.request(request).await
    };
    bounded(CALL, listed).await
}
