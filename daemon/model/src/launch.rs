//! How an Auto Scaling group is asked for capacity: the operator's word, else the group's description.
//!
//! One rule for eyes and hands, which both read the description themselves. Not here: reading it, and asking.

use crate::group::LaunchMode;

/// Codes of AWS that mean: there is none to be had now (Karpenter's list of unfulfillable capacity).
pub const NO_CAPACITY: [&str; 8] = [
    "InsufficientInstanceCapacity",
    "MaxSpotInstanceCountExceeded",
    "VcpuLimitExceeded",
    "UnfulfillableCapacity",
    "Unsupported",
    "InsufficientFreeAddressesInSubnet",
    "MaxFleetCountExceeded",
    "ReservationCapacityExceeded",
];

/// Whether a scaling activity failed for want of capacity: Auto Scaling writes a code, or a sentence in its place ("We
/// currently do not have sufficient m5.large capacity …", "There is no Spot capacity available …").
pub fn tells_no_capacity(words: &str) -> bool {
    let sentences = ["do not have sufficient", "no Spot capacity available"];
    NO_CAPACITY
        .iter()
        .chain(&sentences)
        .any(|sign| words.contains(sign))
}

/// The operator's word on how Auto Scaling groups are asked for capacity. Never switched in answer to an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Launch {
    /// By the group's description: `LaunchInstances` where its conditions are met, else desired capacity.
    #[default]
    Auto,
    /// `LaunchInstances` always.
    Instances,
    /// Desired capacity always (endpoints without `LaunchInstances`).
    Desired,
}

/// How a group pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// On demand only.
    OnDemand,
    /// Spot only.
    Spot,
    /// Both.
    Mixed,
}

/// What of a group's description decides how it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// It launches from a launch template (and not from a launch configuration).
    pub templated: bool,
    /// How it pays.
    pub share: Share,
    /// It has a warm pool.
    pub warm_pool: bool,
}

impl Share {
    /// Of an instances distribution: on-demand instances to begin with, and per cent on demand above these.
    pub const fn of(base: i32, percent_above: i32) -> Self {
        match (base, percent_above) {
            (_, 100) => Self::OnDemand,
            (0, 0) => Self::Spot,
            _ => Self::Mixed,
        }
    }
}

impl Launch {
    /// `LaunchInstances` needs a launch template, no warm pool, and a group that is all one purchase (EC2 Auto
    /// Scaling user guide, "Launch instances synchronously").
    pub fn mode(self, group: Described) -> LaunchMode {
        let can = group.templated && group.share != Share::Mixed && !group.warm_pool;
        match self {
            Self::Instances => LaunchMode::Instances,
            Self::Auto if can => LaunchMode::Instances,
            Self::Auto | Self::Desired => LaunchMode::Desired,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activities_tell_want_of_capacity_by_code_or_sentence() {
        for words in [
            "We currently do not have sufficient m5.large capacity in the Availability Zone you requested (us-east-1a).",
            "Could not launch Spot Instances. UnfulfillableCapacity - There is no capacity that matches your request.",
            "There is no Spot capacity available that matches your request. Launching EC2 instance failed.",
            "VcpuLimitExceeded: m5.large in us-east-1a",
        ] {
            assert!(tells_no_capacity(words), "{words}");
        }
        for words in [
            "The key pair 'k' does not exist. Launching EC2 instance failed.",
            "",
            "Rate exceeded",
        ] {
            assert!(!tells_no_capacity(words), "{words}");
        }
    }

    #[test]
    fn the_mode_follows_the_description_unless_told() {
        let plain = Described {
            templated: true,
            share: Share::OnDemand,
            warm_pool: false,
        };
        for (group, wanted) in [
            (plain, LaunchMode::Instances),
            (
                Described {
                    share: Share::of(0, 0),
                    ..plain
                },
                LaunchMode::Instances,
            ),
            (
                Described {
                    share: Share::of(1, 0),
                    ..plain
                },
                LaunchMode::Desired,
            ),
            (
                Described {
                    templated: false,
                    ..plain
                },
                LaunchMode::Desired,
            ),
            (
                Described {
                    warm_pool: true,
                    ..plain
                },
                LaunchMode::Desired,
            ),
        ] {
            assert_eq!(Launch::Auto.mode(group), wanted, "{group:?}");
            assert_eq!(Launch::Instances.mode(group), LaunchMode::Instances);
            assert_eq!(Launch::Desired.mode(group), LaunchMode::Desired);
        }
    }
}
