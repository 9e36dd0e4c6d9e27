//! What can be bought, and for how much.

use crate::ids::OfferId;
use crate::money::UsdPerHour;
use crate::resources::Resources;
use crate::selector::Labels;
use serde::{Deserialize, Serialize};

/// Index into `Snapshot::groups`.
pub type GroupIx = u32;

/// One thing that can be bought in one Group: an instance type in a zone, or a Fargate size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Unique within a Snapshot.
    pub id: OfferId,
    /// The Group that buys it.
    pub group: GroupIx,
    /// What it is.
    pub kind: OfferKind,
    /// Price of one, per hour.
    pub price: UsdPerHour,
    /// Chance that it is taken back within a month, in thousandths; `None` where nobody knows. Of spot offers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interruptions: Option<u32>,
    /// How far the price can be trusted; `Unknown` never wins.
    pub confidence: Confidence,
    /// What pods can use on one such node, before DaemonSets (a Fargate size: what the pod may ask for).
    pub allocatable: Resources,
    /// Pods on one such node, DaemonSet pods included (a Fargate size: 1).
    pub max_pods: u32,
    /// Labels of a node bought this way: the group's, with instance type, zone, arch and os.
    pub labels: Labels,
}

/// Kinds of things for sale.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OfferKind {
    /// An EC2 instance (or a node of a kwok or simulated group).
    Ec2 {
        /// Instance type, `m6a.xlarge`.
        instance_type: String,
        /// Zone name.
        zone: String,
        /// How it is bought.
        purchase: Purchase,
        /// `amd64` or `arm64`.
        arch: String,
    },
    /// One Fargate pod of this billed size.
    Fargate {
        /// Billed millicores.
        cpu_milli: i64,
        /// Billed MiB.
        memory_mib: i64,
    },
}

/// How an instance is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Purchase {
    /// By the second, never taken back.
    OnDemand,
    /// Cheap, may be interrupted.
    Spot,
    /// Already paid for.
    Reserved,
}

impl Purchase {
    /// As written in labels and output: `on-demand`, `spot`, `reserved`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Spot => "spot",
            Self::Reserved => "reserved",
        }
    }
}

/// Where a price comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Confidence {
    /// Read from the provider or from the operator's file.
    Listed,
    /// From the built-in table.
    BuiltIn,
    /// An estimate (spot without history).
    Estimated,
    /// Nobody knows; the price is the dearest known of the family and the offer never wins by money.
    Unknown,
}

impl Offer {
    /// Whether this is a Fargate size.
    pub const fn is_fargate(&self) -> bool {
        matches!(self.kind, OfferKind::Fargate { .. })
    }

    /// Zone of an EC2 offer.
    pub fn zone(&self) -> Option<&str> {
        match &self.kind {
            OfferKind::Ec2 { zone, .. } => Some(zone),
            OfferKind::Fargate { .. } => None,
        }
    }

    /// Instance type of an EC2 offer.
    pub fn instance_type(&self) -> Option<&str> {
        match &self.kind {
            OfferKind::Ec2 { instance_type, .. } => Some(instance_type),
            OfferKind::Fargate { .. } => None,
        }
    }
}
