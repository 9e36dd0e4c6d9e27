//! Notes: how a plan came about, stage by stage; what Explain reads.

use crate::advice::PolicyCall;
use crate::ids::{GroupName, NodeName, OfferId, PodKey, WorkloadKey};
use crate::money::UsdPerHour;
use crate::pod::SpecIx;
use serde::{Deserialize, Serialize};

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
