//! Why a node is not given up that has not been Ready for long.
//!
//! Not here: who doubts (`repair`).

use crate::group::InstanceState;
use crate::ids::GroupName;
use crate::snapshot::Source;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a node is not given up that has not been Ready for long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Doubt {
    /// The node lifecycle controller has not tainted it.
    NotTainted,
    /// Its kubelet has answered since.
    KubeletAnswers {
        /// When.
        at: Instant,
    },
    /// The provider does not list its instance as one in service.
    NotInService {
        /// As what it lists it.
        state: Option<InstanceState>,
    },
    /// A witness was not asked of late.
    Unheard {
        /// Which.
        source: Source,
    },
    /// Too many say the same at once.
    TooMany {
        /// Nodes that are not Ready.
        broken: u32,
        /// Of so many.
        of: u32,
        /// Where.
        among: Among,
    },
}

/// Whose nodes are counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Among {
    /// All.
    Cluster,
    /// Those of a group.
    Group(GroupName),
    /// Those in a zone.
    Zone(String),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTainted => f.write_str("the node lifecycle controller has not tainted it"),
            Self::KubeletAnswers { at } => write!(f, "its kubelet still answered at {at}"),
            Self::NotInService { state: None } => f.write_str("its group does not list its instance"),
            Self::NotInService { state: Some(state) } => {
                write!(f, "its group lists its instance as {}", word(*state))
            }
            Self::Unheard { source } => write!(f, "source {source:?} is stale or missing"),
            Self::TooMany { broken, of, among } => write!(
                f,
                "{broken} of {of} nodes {among} are not Ready, which is more likely a fault of the network or of what is \
                 seen: none is removed for it"
            ),
        }
    }
}

impl fmt::Display for Among {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("of the cluster"),
            Self::Group(group) => write!(f, "of group {group}"),
            Self::Zone(zone) => write!(f, "in zone {zone}"),
        }
    }
}

const fn word(state: InstanceState) -> &'static str {
    match state {
        InstanceState::Pending => "pending",
        InstanceState::InService => "in service",
        InstanceState::Terminating => "terminating",
        InstanceState::Terminated => "terminated",
        InstanceState::Other => "neither in service nor gone (standby)",
        InstanceState::Waiting => "terminating, at our lifecycle hook",
    }
}
