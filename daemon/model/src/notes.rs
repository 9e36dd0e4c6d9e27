//! Notes: how a plan came about, stage by stage; what Explain reads.

use crate::advice::PolicyCall;
use crate::autoscaler::Rival;
use crate::fargate::FargateSize;
use crate::ids::{GroupName, NodeName, OfferId, PodKey, WorkloadKey};
use crate::money::UsdPerHour;
use crate::pod::SpecIx;
use crate::startup::Overdue;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a plan came about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// Every call of every policy, in order.
    pub calls: Vec<PolicyCall>,
    /// Desired replicas and what they came from.
    pub scale: Vec<ScaleNote>,
    /// Demand folded into classes; row numbers of placement answers.
    pub classes: Vec<ClassNote>,
    /// Offer sets; row numbers of placement answers.
    pub sets: Vec<SetNote>,
    /// What each bought node wastes (price less the value of its pods under the duals).
    pub waste: Vec<(NodeName, UsdPerHour)>,
    /// Prices that addends would have pushed below zero and that were held at zero: (offer, class row).
    pub clamped: Vec<(OfferId, u32)>,
    /// What the nodes that are there cost, where their offers are known.
    pub running_rate: UsdPerHour,
    /// Nodes whose price nobody knows.
    pub unpriced_nodes: u32,
    /// Nodes that should have become usable by now and have not; at most 100, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overdue: Vec<Overdue>,
    /// Other autoscalers at work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rivals: Vec<Rival>,
    /// Pods that wait for a node although Fargate would take them, were they made anew; at most 1,000, in the order of
    /// their keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub could_move: Vec<CouldMove>,
}

impl Notes {
    /// Workloads that scalers were asked about, in the order of the rows of their answers.
    pub fn scaled(&self) -> impl Iterator<Item = &ScaleNote> {
        self.scale.iter().filter(|note| !note.forecast)
    }

    /// Row of a workload in the answers of scalers.
    pub fn scaled_row(&self, workload: &WorkloadKey) -> Option<u32> {
        let at = self.scaled().position(|note| note.workload == *workload)?;
        u32::try_from(at).ok()
    }
}

/// A pod that waits for a node and that a Fargate profile would take, were it made anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouldMove {
    /// Which.
    pub pod: PodKey,
    /// The profile that would take it.
    pub profile: GroupName,
    /// The size that it would be billed as.
    pub offer: OfferId,
    /// Price there, ephemeral storage included.
    pub price: UsdPerHour,
    /// Why it is not there already.
    pub why: Missed,
    /// Deleted, it would be made anew by its controller, which does not mind: a ReplicaSet's or a
    /// ReplicationController's, and not marked do-not-disrupt.
    pub remade: bool,
    /// How often pods of its workload were made anew of late, without any being taken by Fargate since.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tried: u32,
}

/// Why a pod that Fargate would take waits for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Missed {
    /// It was placed on Fargate by our label, and EKS' webhook did not see it.
    Labelled,
    /// A profile selects it as it is: it is older than the profile, or EKS' webhook did not see it.
    Selected,
    /// It was created before the plan wanted it there: without the label.
    Unlabelled,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Missed {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Labelled, Self::Selected, Self::Unlabelled];

    /// Short code for tools.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Labelled => "Labelled",
            Self::Selected => "Selected",
            Self::Unlabelled => "Unlabelled",
        }
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Labelled => "it carries our label, and EKS' webhook did not see it",
            Self::Selected => "the profile selects it, and EKS did not put it there when it was created",
            Self::Unlabelled => "it was created before a plan wanted it there",
        })
    }
}

impl fmt::Display for CouldMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remedy = if self.remade {
            "deleted, its controller makes it anew there"
        } else {
            "it has to be made anew by hand"
        };
        let (profile, price, why) = (&self.profile, self.price, self.why);
        write!(
            f,
            "Fargate profile {profile} would take it for {price}: {why}; {remedy}"
        )?;
        match self.tried {
            0 => Ok(()),
            tried => write!(f, "; {tried} made anew of late, and Fargate took none since"),
        }
    }
}

/// Desired replicas of a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleNote {
    /// Which.
    pub workload: WorkloadKey,
    /// Replicas now.
    pub from: u32,
    /// What was asked for.
    pub asked: u32,
    /// What it became after bounds.
    pub to: u32,
    /// Forecast only: somebody else sets these replicas.
    pub forecast: bool,
}

/// One class of waiting pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassNote {
    /// Spec of its pods; `None` for headroom.
    pub spec: Option<SpecIx>,
    /// Owner, where the pods have one.
    pub workload: Option<WorkloadKey>,
    /// Pods waiting now.
    pub pending: u32,
    /// Replicas to come.
    pub to_come: u32,
    /// Virtual pods.
    pub headroom: u32,
    /// Dual price of one pod: what it pays.
    pub pays: UsdPerHour,
    /// Where Fargate or EC2 was chosen by money: the two prices.
    pub fargate: Option<UsdPerHour>,
    /// See `fargate`.
    pub ec2: Option<UsdPerHour>,
    /// First pod, for reading.
    pub sample: PodKey,
    /// Its pods have waited so long that they are of a class of their own (`Memory::waits_late`).
    #[serde(default)]
    pub late: bool,
    /// Pods on new nodes, virtual ones included: those that pay. Together with what the nodes waste, what they pay is
    /// the bill.
    #[serde(default)]
    pub bought: u32,
    /// What Fargate provisioned last for such pods: the size that they are priced as there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<FargateSize>,
}

/// One offer set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetNote {
    /// `group` or `group/arch/purchase`.
    pub name: String,
    /// Its group.
    pub group: GroupName,
    /// Offers in it.
    pub offers: u32,
    /// Factor applied, in thousandths.
    pub factor: u32,
}
