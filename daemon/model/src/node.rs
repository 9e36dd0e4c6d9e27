//! Nodes as they stand.

use crate::annotations::{DO_NOT_DISRUPT, OWN_DO_NOT_DISRUPT, Protection, SCALE_DOWN_DISABLED, protection};
use crate::ids::{GroupName, InstanceId, NodeName, OfferId};
use crate::money::UsdPerHour;
use crate::offer::Confidence;
use crate::pod::{Taint, Usage};
use crate::reason::Stays;
use crate::registration::label;
use crate::resources::Resources;
use crate::selector::Labels;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Taint that Plimsoll sets before it drains a node.
pub const DRAIN_TAINT: &str = "plimsoll.io/removing";

/// Startup taint, which nodes register with where the operator wants plans realised as they are (kubelet's
/// `--register-with-taints`): only pods that were nominated to the node and let in come to it, until all of them have
/// come and Plimsoll takes the taint away. Taint and toleration count for nothing in where pods fit.
pub const STARTING_TAINT: &str = "plimsoll.io/starting";

/// Taint (`PreferNoSchedule`) of nodes that are to empty by themselves: kube-scheduler puts new pods elsewhere where
/// it can.
pub const EMPTYING_TAINT: &str = "plimsoll.io/emptying";

/// Taint of a node whose kubelet has fallen silent (the node lifecycle controller sets it where Ready is Unknown). A node
/// that has yet to come up has `node.kubernetes.io/not-ready` instead.
pub const UNREACHABLE_TAINT: &str = "node.kubernetes.io/unreachable";

/// One node of the cluster.
#[expect(
    clippy::struct_excessive_bools,
    reason = "conditions that the API server reports apart"
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Name.
    pub name: NodeName,
    /// The Group it belongs to, where one is known.
    pub group: Option<GroupName>,
    /// Cloud instance behind it, where one is known (`spec.providerID`).
    pub instance: Option<InstanceId>,
    /// The Offer it is an instance of, where the catalogue has it.
    pub offer: Option<OfferId>,
    /// Labels.
    pub labels: Labels,
    /// Taints.
    pub taints: Vec<Taint>,
    /// `status.allocatable` without pods.
    pub allocatable: Resources,
    /// `status.allocatable.pods`.
    pub max_pods: u32,
    /// Condition Ready is True.
    pub ready: bool,
    /// Cordoned (`spec.unschedulable`).
    pub unschedulable: bool,
    /// Has a deletion timestamp.
    pub deleting: bool,
    /// A virtual node for one Fargate pod: never removed by us, no capacity for others.
    pub fargate: bool,
    /// Annotated `plimsoll.io/do-not-disrupt` or `karpenter.sh/do-not-disrupt: "true"`.
    pub do_not_disrupt: bool,
    /// Cordoned and tainted by Plimsoll itself (`DRAIN_TAINT`).
    pub draining: bool,
    /// When it was created.
    pub created: Instant,
    /// Measured use; `None` where nothing is known.
    pub usage: Option<Usage>,
    /// The provider has told that its instance goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaving: Option<Leaving>,
    /// What its instance was made with, and would be made with today; `None` where one of both is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
    /// Annotations that are read (see [`annotations`](crate::annotations)).
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub annotations: Labels,
    /// Since when its condition Ready is not True; `None` where it is, or where the condition does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unready: Option<Instant>,
    /// What it is known or estimated to cost where none of the offers is what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

/// What a node costs of which no offer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Per hour.
    pub price: UsdPerHour,
    /// How far it can be trusted.
    pub confidence: Confidence,
}

/// A mark by which somebody else takes a node out of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark<'n> {
    /// Who, as far as it tells.
    pub who: &'static str,
    /// The taint's or label's key.
    pub key: &'n str,
}

/// Taints of those who remove nodes, each with whose it is (keys, or beginnings of keys that end in `/`).
const REMOVAL_TAINTS: [(&str, &str); 8] = [
    ("ToBeDeletedByClusterAutoscaler", "the Cluster Autoscaler"),
    ("karpenter.sh/disrupted", "Karpenter"),
    ("karpenter.sh/disruption", "Karpenter"),
    (
        "aws-node-termination-handler/spot-itn",
        "the AWS Node Termination Handler",
    ),
    (
        "aws-node-termination-handler/scheduled-maintenance",
        "the AWS Node Termination Handler",
    ),
    (
        "aws-node-termination-handler/asg-lifecycle-termination",
        "the AWS Node Termination Handler",
    ),
    (
        "node.kubernetes.io/out-of-service",
        "whoever declared it out of service",
    ),
    (
        "node.cloudprovider.kubernetes.io/shutdown",
        "whoever stopped its instance",
    ),
];

/// Label that the AWS Node Termination Handler sets while it drains a node.
const HANDLER_LABEL: &str = "aws-node-termination-handler/action";

/// Taint (`PreferNoSchedule`) of nodes that the Cluster Autoscaler believes it can do without.
const CANDIDATE_TAINT: &str = "DeletionCandidateOfClusterAutoscaler";

/// A mark of the Cluster Autoscaler that is older than this was left behind: it gives up sooner itself (10 minutes of
/// termination, 2 of eviction, and its own loop).
const LEFT_BEHIND: Span = Span::from_secs(3600);

/// Whether nodes have a taint of this key only while somebody removes them or thinks of it: it says nothing about other
/// nodes of their group.
pub fn is_removal_mark(key: &str) -> bool {
    key == CANDIDATE_TAINT
        || key.starts_with("aws-node-termination-handler/")
        || REMOVAL_TAINTS.iter().any(|(known, _)| *known == key)
}

/// What an instance was made with beside what its group would make it with today, each in the provider's words: launch
/// template and version (`lt-0abc:3`), an image where that is told too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// What it was made with.
    pub made: String,
    /// What its group would make it with today.
    pub wanted: String,
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { made, wanted } = self;
        if made == wanted {
            write!(f, "made with {made}, as its group would today")
        } else {
            write!(f, "made with {made}, its group would use {wanted} today")
        }
    }
}

/// What a provider has told of an instance that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// Why.
    pub why: Leaves,
    /// When it was told.
    pub told: Instant,
}

/// Why an instance goes; the more certain and the sooner, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Leaves {
    /// Spot at elevated risk (rebalance recommendation): it may go, or not.
    AtRisk,
    /// It has stopped working and is given up (`repair`); told by no provider, and never in a picture that is recorded.
    Broken,
    /// A scheduled change of AWS Health: weeks ahead, at times.
    Retired,
    /// Spot, taken back two minutes after the notice.
    Interrupted,
    /// It is stopping or terminating already.
    Ending,
}

impl Leaves {
    /// It goes whatever is done.
    pub fn is_certain(self) -> bool {
        self > Self::AtRisk
    }

    /// It goes within minutes: limits on removals would only keep its pods from leaving in time.
    pub fn is_soon(self) -> bool {
        self > Self::Retired
    }
}

impl fmt::Display for Leaves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtRisk => "spot capacity at risk",
            Self::Broken => "it has stopped working",
            Self::Retired => "scheduled for retirement or maintenance",
            Self::Interrupted => "spot interruption",
            Self::Ending => "stopping or terminating",
        })
    }
}

impl Node {
    /// Whether new pods may be counted onto it.
    pub fn takes_pods(&self) -> bool {
        self.ready
            && !self.unschedulable
            && !self.deleting
            && !self.fargate
            && !self.draining
            && !self.goes()
            && self.removal_mark().is_none()
    }

    /// The mark by which somebody else removes it, however old that is.
    pub fn removal_mark(&self) -> Option<Mark<'_>> {
        let taints = self.taints.iter().find_map(|taint| {
            let (_, who) = REMOVAL_TAINTS.iter().find(|(known, _)| *known == taint.key)?;
            Some(Mark { who, key: &taint.key })
        });
        taints.or_else(|| {
            let (key, _) = self.labels.get_key_value(HANDLER_LABEL)?;
            let who = "the AWS Node Termination Handler";
            Some(Mark { who, key })
        })
    }

    /// Who else removes it now, or is about to. Marks of the Cluster Autoscaler tell when they were made (Unix seconds):
    /// old ones were left behind by one that is gone.
    pub fn removed_by(&self, at: Instant) -> Option<Mark<'_>> {
        let candidate = || {
            let taint = self.taints.iter().find(|taint| taint.key == CANDIDATE_TAINT)?;
            Some(Mark {
                who: "the Cluster Autoscaler",
                key: &taint.key,
            })
        };
        let mark = self.removal_mark().or_else(candidate)?;
        let taint = self.taints.iter().find(|taint| taint.key == mark.key);
        let told = taint.and_then(|taint| taint.value.parse::<i64>().ok());
        let own = mark.key.ends_with("ClusterAutoscaler");
        let old = told.is_some_and(|told| at.since(Instant(told.saturating_mul(1000))) > LEFT_BEHIND);
        (!own || !old).then_some(mark)
    }

    /// Who else makes and removes nodes like it, as its labels tell.
    pub fn belongs_to(&self) -> Option<&'static str> {
        let kind = self
            .labels
            .get("eks.amazonaws.com/compute-type")
            .map(String::as_str);
        match kind {
            Some("auto") => return Some("EKS Auto Mode"),
            Some("hybrid") => return Some("EKS Hybrid Nodes"),
            _ => {}
        }
        let karpenter = ["karpenter.sh/nodepool", "karpenter.sh/provisioner-name"];
        let named = karpenter.iter().any(|key| self.labels.contains_key(*key));
        named.then_some("Karpenter")
    }

    /// What of its annotations keeps it from being given up now.
    pub fn held(&self, at: Instant) -> Option<Stays> {
        if self.do_not_disrupt {
            return Some(Stays::DoNotDisrupt);
        }
        let annotated = |key| self.annotations.get(key).map(String::as_str);
        if annotated(SCALE_DOWN_DISABLED) == Some("true") {
            return Some(Stays::ScaleDownDisabled);
        }
        let ends = |key| match protection(annotated(key)?)? {
            Protection::Always => None,
            Protection::For(span) => Some(self.created + span),
        };
        let until = ends(DO_NOT_DISRUPT).max(ends(OWN_DO_NOT_DISRUPT))?;
        (at < until).then_some(Stays::ProtectedUntil(until))
    }

    /// Whether it is still to come up, in so much time since its creation. One that was there and fell silent is not,
    /// however young: its instance may be gone, and its Node kept (karpenter-provider-aws #9226).
    pub fn is_booting(&self, now: Instant, within: Span) -> bool {
        let silent = || self.taints.iter().any(|taint| taint.key == UNREACHABLE_TAINT);
        !self.ready && now.since(self.created) <= within && !silent()
    }

    /// Whether it goes whatever is decided: its pods need another place.
    pub fn goes(&self) -> bool {
        self.leaving.is_some_and(|leaving| leaving.why.is_certain())
    }

    /// Whether it goes because it has stopped working.
    pub fn is_given_up(&self) -> bool {
        self.leaving.is_some_and(|leaving| leaving.why == Leaves::Broken)
    }

    /// Whether it goes within minutes.
    pub fn goes_soon(&self) -> bool {
        self.leaving.is_some_and(|leaving| leaving.why.is_soon())
    }

    /// Whether it is known to have been made otherwise than its group would make it today.
    pub fn is_drifted(&self) -> bool {
        self.template
            .as_ref()
            .is_some_and(|template| template.made != template.wanted)
    }

    /// Whether it is known to have been made with this.
    pub fn is_made_with(&self, wanted: &str) -> bool {
        self.template
            .as_ref()
            .is_some_and(|template| template.made == wanted)
    }

    /// Its zone by its labels; empty where they name none.
    pub fn zone(&self) -> &str {
        let named = [label::ZONE, label::BETA_ZONE]
            .iter()
            .find_map(|key| self.labels.get(*key));
        named.map_or("", String::as_str)
    }

    /// Whether it still has the startup taint.
    pub fn is_starting(&self) -> bool {
        self.taints.iter().any(|taint| taint.key == STARTING_TAINT)
    }

    /// Whether it carries [`EMPTYING_TAINT`].
    pub fn emptying(&self) -> bool {
        self.taints.iter().any(|taint| taint.key == EMPTYING_TAINT)
    }
}
