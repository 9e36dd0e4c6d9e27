//! Intents, and the Ledger that keeps them across restarts.
//!
//! A plain value: advancing it against a Snapshot is done in `guard`, storing it in the ends.

mod effect;
mod event;
mod launches;

use crate::aims::Aims;
use crate::cluster_size::SizeHistory;
use crate::ids::{GroupName, InstanceId, IntentId, NodeName, OfferId, PodKey, PolicyName, StepId};
use crate::node::Node;
use crate::spending::Spending;
use crate::standing::Standing;
use crate::time::{Instant, Span};
pub use effect::{Bought, Effect, EffectKind, Proof, Spent};
pub use event::LedgerEvent;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Kubernetes cuts creation times to whole seconds: a node may seem this much older than it is.
const ROUNDING: Span = Span::from_secs(1);

/// Version that this build writes; it reads this one and the one before.
pub const LEDGER_VERSION: u32 = 2;

/// Version of the Installation that this build writes; it is counted with the Ledger's.
pub const INSTALLATION_VERSION: u32 = 2;

/// Open Intents and windowed counters; durable, read back before the first decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Format version.
    pub version: u32,
    /// Raised by one at every save; a save with an older one is refused by the store.
    pub generation: u64,
    /// Number of the last cycle begun.
    pub cycle: u64,
    /// Drawn at random when the Ledger was begun, and part of the id of every intent: numbers of cycles come again where
    /// a Ledger was lost, client tokens and tags do not. Empty in worlds that end with their Ledger.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub epoch: String,
    /// UID of the cluster it was written in (`Snapshot::cluster_uid`), once that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_uid: Option<String>,
    /// UIDs of the groups (`Group::uid`), as they were seen last: another one is another group of the same name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub group_uids: BTreeMap<GroupName, String>,
    /// What happened before this is not known, because the Ledger before this one was lost: every window that reaches
    /// further back counts as full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_since: Option<Instant>,
    /// Open intents, ordered by id.
    pub intents: Vec<Intent>,
    /// Effects within the longest window of the Limits, oldest first.
    pub effects: Vec<Effect>,
    /// The kill switch, latched across restarts.
    pub paused: Option<Pause>,
    /// Mode overrides set at run time; they win over the aims.
    pub modes: crate::aims::Modes,
    /// Where policies stand, as it was set at run time; one for each that ever was moved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<PolicyName, Standing>,
    /// SHA-256 of the component of a policy that runs in the configured mode, where that is one alone (`trust:
    /// first-digest`): another one in its place begins in shadow, over restarts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub trusted: BTreeMap<PolicyName, String>,
    /// Pods that waited on when the launch that was made for them had ended, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spent: Vec<Spent>,
    /// Aims in force, so that looser ones are noticed after a restart as well; in a Snapshot they are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aims: Option<Arc<Aims>>,
    /// How large the cluster has been; in a Snapshot it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Arc<SizeHistory>>,
    /// What it has cost this month, where there is a budget for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spending: Option<Spending>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            version: LEDGER_VERSION,
            generation: 0,
            cycle: 0,
            epoch: String::new(),
            cluster_uid: None,
            group_uids: BTreeMap::new(),
            known_since: None,
            intents: Vec::new(),
            effects: Vec::new(),
            paused: None,
            modes: crate::aims::Modes::default(),
            policies: BTreeMap::new(),
            trusted: BTreeMap::new(),
            spent: Vec::new(),
            aims: None,
            size: None,
            spending: None,
        }
    }
}

/// Kept apart from the Ledger and beside it: that there is one, whether it was paused, and by which aims. Where the Ledger
/// is missing or is another one, this tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// Format version.
    pub version: u32,
    /// The kill switch, as the Ledger should have it.
    pub paused: Option<Pause>,
    /// The aims in force: a Ledger that is lost lifts no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aims: Option<Arc<Aims>>,
}

impl Default for Installation {
    fn default() -> Self {
        Self {
            version: INSTALLATION_VERSION,
            paused: None,
            aims: None,
        }
    }
}

/// Who pulled the kill switch, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Caller.
    pub by: String,
    /// Free text from the caller, escaped where shown.
    pub why: String,
    /// When.
    pub at: Instant,
}

/// Work longer than one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Id; client tokens are derived from it, so that a repeated call is the same call.
    pub id: IntentId,
    /// What is under way.
    pub kind: IntentKind,
    /// When it was opened.
    pub opened: Instant,
    /// When it is given up.
    pub deadline: Instant,
    /// Ledger generation it was opened at.
    pub generation: u64,
}

/// Kinds of long work, with the stage they have reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IntentKind {
    /// Nodes on their way.
    Launch {
        /// Group that grows.
        group: GroupName,
        /// What is bought.
        offer: OfferId,
        /// How many.
        count: u32,
        /// Desired size before and after: a repeated call never adds twice.
        from: u32,
        /// See `from`.
        to: u32,
        /// Names the plan gave them, in order.
        planned: Vec<NodeName>,
        /// Pods planned onto them (so that a pod counts against one launch only).
        pods: Vec<PodKey>,
        /// How far it is.
        stage: LaunchStage,
        /// Instances known by id.
        instances: Vec<InstanceId>,
        /// Nodes that have joined.
        joined: Vec<NodeName>,
    },
    /// A node on its way out, or an instance that never became one (`nodeless`).
    Remove {
        /// Group it leaves.
        group: GroupName,
        /// Node.
        node: NodeName,
        /// Instance.
        instance: InstanceId,
        /// How far it is.
        stage: RemoveStage,
        /// Launch intents that must have joined first (replace, then remove). They stay open as long as this does:
        /// they tell which pods their nodes were bought for.
        #[serde(with = "launches")]
        after: Vec<IntentId>,
        /// When cloud and API server first said that it is gone, and have not said otherwise since.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gone: Option<Instant>,
    },
}

/// Stages of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LaunchStage {
    /// Written down; the call may or may not have been made.
    Opened,
    /// The provider accepted it.
    Asked,
    /// All nodes are there and Ready; the intent closes.
    Joined,
}

/// Stages of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RemoveStage {
    /// Written down.
    Opened,
    /// Cordoned and tainted.
    Cordoned,
    /// Pods are leaving.
    Draining,
    /// Termination was asked for.
    Terminating,
    /// Given up: to be uncordoned.
    Undoing,
}

impl Intent {
    /// A node that was created before this is of no launch that this intent is.
    pub fn earliest(&self) -> Instant {
        self.opened - ROUNDING
    }

    /// Whether a node is certainly of this launch: it has joined it, or the provider named its instance.
    pub fn names(&self, node: &Node) -> bool {
        let IntentKind::Launch {
            instances, joined, ..
        } = &self.kind
        else {
            return false;
        };
        joined.contains(&node.name) || node.instance.as_ref().is_some_and(|id| instances.contains(id))
    }

    /// Whether a node may be of this launch: one it names, and as long as the provider has not named them all,
    /// any node of the group that is no older. Several launches may claim such a node: who counts it first has
    /// it.
    pub fn claims(&self, node: &Node) -> bool {
        let IntentKind::Launch {
            group,
            count,
            instances,
            joined,
            ..
        } = &self.kind
        else {
            return false;
        };
        let fresh = instances.len().max(joined.len()) < *count as usize
            && node.group.as_ref() == Some(group)
            && node.created >= self.earliest();
        self.names(node) || fresh
    }
}

/// How the Ledger names an instance that never became a node, where it names nodes.
pub fn nodeless(instance: &InstanceId) -> NodeName {
    NodeName::new(instance.as_str())
}

impl Ledger {
    /// Replicas taken from workloads within a window.
    pub fn scaled_down(&self, at: Instant, window: Span) -> u32 {
        let lately = self.effects.iter().filter(|effect| at.since(effect.at) <= window);
        let counts = lately.map(|effect| match &effect.kind {
            EffectKind::ScaledDown { count } => *count,
            _ => 0,
        });
        counts.fold(0, u32::saturating_add)
    }

    /// The id of the intent that this step opens.
    pub fn intent_of(&self, step: StepId) -> IntentId {
        let StepId { cycle, ordinal } = step;
        if self.epoch.is_empty() {
            IntentId::new(format!("{cycle}-{ordinal}"))
        } else {
            IntentId::new(format!("{}-{cycle}-{ordinal}", self.epoch))
        }
    }

    /// Whether what happened within this time before `at` may be unknown.
    pub fn forgets(&self, at: Instant, window: Span) -> bool {
        self.known_since.is_some_and(|since| at.since(since) <= window)
    }

    /// The open intent of this id.
    pub fn intent(&self, id: &IntentId) -> Option<&Intent> {
        self.intents.iter().find(|i| i.id == *id)
    }

    /// The open removal of a node.
    pub fn removal_of(&self, name: &NodeName) -> Option<&Intent> {
        self.intents
            .iter()
            .find(|i| matches!(&i.kind, IntentKind::Remove { node, .. } if node == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Resources;
    use crate::selector::Labels;

    fn node(name: &str, group: &str, created: i64) -> Node {
        Node {
            name: name.into(),
            group: Some(group.into()),
            instance: Some(format!("i-{name}").as_str().into()),
            offer: None,
            labels: Labels::new(),
            taints: Vec::new(),
            allocatable: Resources::new(1, 1),
            max_pods: 1,
            ready: true,
            unschedulable: false,
            deleting: false,
            fargate: false,
            do_not_disrupt: false,
            draining: false,
            annotations: Labels::new(),
            unready: None,
            rate: None,
            created: Instant(created),
            usage: None,
            leaving: None,
            template: None,
        }
    }

    #[test]
    fn a_launch_claims_what_it_names_and_what_may_be_its_own() {
        let launch = |instances: &[&str], joined: &[&str]| Intent {
            id: "4-0".into(),
            kind: IntentKind::Launch {
                group: "g".into(),
                offer: "o".into(),
                count: 2,
                from: 0,
                to: 2,
                planned: Vec::new(),
                pods: Vec::new(),
                stage: LaunchStage::Asked,
                instances: instances.iter().map(|id| InstanceId::new(*id)).collect(),
                joined: joined.iter().map(|name| NodeName::new(*name)).collect(),
            },
            opened: Instant(10_500),
            deadline: Instant(900_000),
            generation: 1,
        };
        let (old, new) = (node("old", "g", 9_000), node("new", "g", 10_000));
        let any = launch(&[], &[]);
        assert!(any.claims(&new), "Kubernetes cuts to whole seconds");
        assert!(!any.names(&new) && !any.claims(&old));
        assert!(!any.claims(&node("new", "other", 10_000)));
        let all = launch(&["i-a", "i-b"], &[]);
        assert!(!all.claims(&new) && all.claims(&node("a", "g", 0)) && all.names(&node("a", "g", 0)));
        assert!(launch(&["i-a"], &[]).claims(&new), "one is not named yet");
        assert!(launch(&["i-a", "i-b"], &["old"]).names(&old));
        assert!(!launch(&[], &["old", "older"]).claims(&new), "all have joined");
    }
}
