//! Rules about pods near each other, as refusals name them: by kind, topology key and the pods that are meant.
//!
//! Not here: what becomes of such a rule; only how a person who wrote it finds it again.

use crate::pod::{Near, NearRule};
use crate::selector::LabelSelector;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A rule about pods near each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tie {
    /// `topologySpreadConstraints` with `DoNotSchedule`.
    Spread {
        /// Its `topologyKey`.
        key: String,
        /// Pods that it counts.
        of: LabelSelector,
        /// Its `maxSkew`.
        skew: u32,
    },
    /// Required pod affinity.
    Affinity {
        /// Its `topologyKey`.
        key: String,
        /// Pods that it must be with.
        with: LabelSelector,
    },
    /// Required pod anti-affinity, its own.
    AntiAffinity {
        /// Its `topologyKey`.
        key: String,
        /// Pods that it must be apart from.
        from: LabelSelector,
    },
    /// Required pod anti-affinity of other pods, which means this one.
    Unwanted {
        /// Its `topologyKey`.
        key: String,
        /// Pods that it means, this one among them.
        of: LabelSelector,
    },
}

impl Tie {
    /// A pod's own rule.
    pub fn own(near: &Near) -> Self {
        let (key, selector) = (near.key.clone(), near.selector.clone());
        match near.rule {
            NearRule::Together => Self::Affinity { key, with: selector },
            NearRule::Apart => Self::AntiAffinity { key, from: selector },
            NearRule::Spread { skew, .. } => Self::Spread {
                key,
                of: selector,
                skew,
            },
        }
    }

    /// The anti-affinity of somebody else.
    pub fn of_others(near: &Near) -> Self {
        Self::Unwanted {
            key: near.key.clone(),
            of: near.selector.clone(),
        }
    }

    /// Short code for tools.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Spread { .. } => "TopologySpread",
            Self::Affinity { .. } => "PodAffinity",
            Self::AntiAffinity { .. } | Self::Unwanted { .. } => "PodAntiAffinity",
        }
    }
}

/// Pods that a selector means.
struct Pods<'s>(&'s LabelSelector);

impl fmt::Display for Pods<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.requirements.is_empty() {
            f.write_str("any pod")
        } else {
            self.0.fmt(f)
        }
    }
}

impl fmt::Display for Tie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spread { key, of, skew } => {
                write!(f, "topology spread of {} over {key} (maxSkew {skew})", Pods(of))
            }
            Self::Affinity { key, with } => write!(f, "pod affinity to {} over {key}", Pods(with)),
            Self::AntiAffinity { key, from } => write!(f, "pod anti-affinity to {} over {key}", Pods(from)),
            Self::Unwanted { key, of } => {
                write!(f, "other pods' anti-affinity to {} over {key}", Pods(of))
            }
        }
    }
}
