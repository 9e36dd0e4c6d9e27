//! The kwok provider's hands: a group grows by creating Node objects and shrinks by deleting one of them.
//!
//! Idempotent by name: a node's name is derived from the intent that asks for it, so the same step carried out
//! twice creates once. Not here: making nodes Ready (a fake kubelet's work), pods, drains.

use crate::answer::{bounded, stale};
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use model::ids::{GroupName, InstanceId, IntentId, NodeName};
use model::kwok::{GROUP_LABEL, KwokGroup};
use model::outcome::Outcome;
use model::plan::{Step, StepKind};
use model::pod::{Taint, TaintEffect};
use serde_json::{Value, json};
use std::time::Duration;

/// Annotation that names the intent a node was created for.
pub const INTENT_ANNOTATION: &str = "plimsoll.io/intent";

/// One create, delete or read of a Node object.
const CALL: Duration = Duration::from_secs(5);
/// Nodes that one step creates at most: 10 s of calls; the rest is created when the step comes again.
const NODES_PER_STEP: u32 = 100;
/// All calls of one step together.
const STEP: Duration = Duration::from_secs(10);

/// Creates and deletes Node objects.
pub struct Hands {
    nodes: Box<Api<Node>>,
    groups: Vec<KwokGroup>,
}

impl Hands {
    /// Hands for the groups of the configuration.
    pub fn new(client: Client, groups: Vec<KwokGroup>) -> Self {
        Self {
            nodes: Box::new(Api::all(client)),
            groups,
        }
    }

    /// See `CapacityHands::grow`.
    pub(crate) async fn grow(&self, step: &Step) -> Outcome {
        let StepKind::GrowGroup { group, from, to, .. } = &step.kind else {
            return failed("not a step that grows a group");
        };
        let Some(intent) = &step.intent else {
            return failed("growing a group needs an intent to derive names from");
        };
        let Some(template) = self.groups.iter().find(|g| g.name == *group) else {
            return failed(&format!("group {group} is not configured"));
        };
        if *to > template.max {
            return failed(&format!("group {group} has a maximum of {}", template.max));
        }
        let count = to.saturating_sub(*from);
        match tokio::time::timeout(STEP, self.create(template, intent, *from, count)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Unknown {
                why: format!("growing {group} took longer than {}s", STEP.as_secs()),
            },
        }
    }

    async fn create(&self, template: &KwokGroup, intent: &IntentId, from: u32, count: u32) -> Outcome {
        if let Err(outcome) = self.has_at_most(&template.name, intent, from).await {
            return outcome;
        }
        let mut instances = Vec::new();
        for ordinal in 0..count.min(NODES_PER_STEP) {
            let name = node_name(&template.name, intent, ordinal);
            let made = match node_object(template, intent, &name) {
                Ok(node) => self.ensure(&name, intent, &node).await,
                Err(why) => Err(failed(&why)),
            };
            if let Err(outcome) = made {
                return outcome;
            }
            instances.push(InstanceId::new(name.as_str()));
        }
        if count > NODES_PER_STEP {
            return Outcome::Unknown {
                why: format!("{NODES_PER_STEP} of {count} nodes created, the rest when asked again"),
            };
        }
        Outcome::Done { instances }
    }

    /// Whether the group has at most `from` nodes, those of this intent not counted: a plan made from an older
    /// size must not lead above the group's maximum.
    async fn has_at_most(&self, group: &GroupName, intent: &IntentId, from: u32) -> Result<(), Outcome> {
        let params = ListParams::default().labels(&format!("{GROUP_LABEL}={group}"));
        let listed = bounded(CALL, self.nodes.list_metadata(&params)).await;
        let listed = listed.map_err(|error| error.unread(&format!("nodes of group {group}")))?;
        let others = listed
            .items
            .iter()
            .filter(|node| !carries(&node.metadata, intent));
        match u32::try_from(others.count()).unwrap_or(u32::MAX) {
            there if there > from => Err(stale(format!("group {group} has {there} nodes, not {from}"))),
            _ => Ok(()),
        }
    }

    /// Creates the node unless it is there. One that is there is ours when it carries the intent, and then at
    /// most its status is missing (an API server or webhook that keeps the status out of a create).
    async fn ensure(&self, name: &NodeName, intent: &IntentId, node: &Node) -> Result<(), Outcome> {
        let what = format!("node {name}");
        let there = match bounded(CALL, self.nodes.create(&PostParams::default(), node)).await {
            Err(error) if error.code() == Some(409) => bounded(CALL, self.nodes.get(name.as_str())).await,
            made => made,
        };
        let there = there.map_err(|error| error.outcome(&what))?;
        if !carries(&there.metadata, intent) {
            return Err(stale(format!("{what} is there and is not of intent {intent}")));
        }
        if is_sized(&there) {
            return Ok(());
        }
        let params = PatchParams::default();
        let patch = Patch::Merge(json!({ "status": node.status }));
        let patched = bounded(CALL, self.nodes.patch_status(name.as_str(), &params, &patch)).await;
        patched.map(|_| ()).map_err(|error| error.outcome(&what))
    }

    /// See `CapacityHands::remove`.
    pub(crate) async fn remove(&self, step: &Step) -> Outcome {
        let StepKind::RemoveNode { group, node, .. } = &step.kind else {
            return failed("not a step that removes a node");
        };
        let there = match bounded(CALL, self.nodes.get_opt(node.as_str())).await {
            Ok(Some(there)) => there,
            Ok(None) => return Outcome::done(),
            Err(error) => return error.unread(&format!("node {node}")),
        };
        let label = there
            .metadata
            .labels
            .as_ref()
            .and_then(|labels| labels.get(GROUP_LABEL));
        if label.map(String::as_str) != Some(group.as_str()) {
            return Outcome::Stale {
                why: format!("node {node} does not carry {GROUP_LABEL}={group}"),
            };
        }
        // This very object, as it was just read: a node that came back under the same name is another one.
        let params = DeleteParams::default().preconditions(Preconditions {
            uid: there.metadata.uid,
            resource_version: None,
        });
        match bounded(CALL, self.nodes.delete(node.as_str(), &params)).await {
            Ok(_) => Outcome::done(),
            Err(error) if error.code() == Some(404) => Outcome::done(),
            Err(error) => error.outcome(&format!("node {node}")),
        }
    }
}

fn carries(metadata: &ObjectMeta, intent: &IntentId) -> bool {
    let annotations = metadata.annotations.as_ref();
    annotations
        .and_then(|all| all.get(INTENT_ANNOTATION))
        .is_some_and(|id| id == intent.as_str())
}

fn is_sized(node: &Node) -> bool {
    let allocatable = node
        .status
        .as_ref()
        .and_then(|status| status.allocatable.as_ref());
    allocatable.is_some_and(|amounts| !amounts.is_empty())
}

/// Name of the nth node that an intent asks for: a DNS subdomain, the same whenever it is asked.
fn node_name(group: &GroupName, intent: &IntentId, ordinal: u32) -> NodeName {
    let text = format!("{group}-{intent}-{ordinal}").to_ascii_lowercase();
    let clean: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' || c == '.' {
                c
            } else {
                '-'
            }
        })
        .collect();
    NodeName::new(clean.trim_matches(['-', '.']))
}

fn node_object(template: &KwokGroup, intent: &IntentId, name: &NodeName) -> Result<Node, String> {
    let mut labels = template.node_labels();
    labels.insert("kubernetes.io/hostname".to_owned(), name.to_string());
    let amounts = amounts(template);
    serde_json::from_value(json!({
        "metadata": {
            "name": name.as_str(),
            "labels": labels,
            "annotations": { INTENT_ANNOTATION: intent.as_str(), "kwok.x-k8s.io/node": "fake" },
        },
        "spec": {
            "providerID": format!("kwok://{}/{name}", template.name),
            "taints": template.taints.iter().map(taint).collect::<Vec<_>>(),
        },
        "status": { "capacity": amounts, "allocatable": amounts },
    }))
    .map_err(|error| format!("group {}: {error}", template.name))
}

fn amounts(template: &KwokGroup) -> Value {
    let room = &template.allocatable;
    let mut amounts = json!({
        "cpu": format!("{}m", room.cpu_milli),
        "memory": room.memory_bytes.to_string(),
        "pods": template.max_pods.to_string(),
    });
    if let Some(map) = amounts.as_object_mut() {
        if room.ephemeral_bytes > 0 {
            map.insert(
                "ephemeral-storage".to_owned(),
                json!(room.ephemeral_bytes.to_string()),
            );
        }
        for (name, amount) in &room.extended {
            map.insert(name.clone(), json!(amount.to_string()));
        }
    }
    amounts
}

fn taint(taint: &Taint) -> Value {
    json!({
        "key": taint.key,
        "value": taint.value,
        "effect": effect(taint.effect),
    })
}

const fn effect(effect: TaintEffect) -> &'static str {
    match effect {
        TaintEffect::NoSchedule => "NoSchedule",
        TaintEffect::PreferNoSchedule => "PreferNoSchedule",
        TaintEffect::NoExecute => "NoExecute",
    }
}

fn failed(why: &str) -> Outcome {
    Outcome::Failed { why: why.to_owned() }
}
