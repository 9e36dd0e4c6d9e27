//! Where policies stand between shadow and enforce, what a canary has a say about, and how the answers of several
//! policies of one hook become one.
//!
//! Plain values: the Ledger keeps standings, `decide` narrows and composes, `cycle` moves policies from stage to stage.

use crate::advice::PolicyMode;
use crate::ids::GroupName;
use crate::selector::glob;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What a policy in canary mode has a say about: what is of one of the groups or of one of the namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyScope {
    /// Groups, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupName>,
    /// Namespaces (globs).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
}

impl PolicyScope {
    /// Nothing is named: a canary of it has no say at all.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.namespaces.is_empty()
    }

    /// Whether the group is named.
    pub fn has_group(&self, group: &str) -> bool {
        self.groups.iter().any(|named| named.as_str() == group)
    }

    /// Whether the namespace is named.
    pub fn has_namespace(&self, namespace: &str) -> bool {
        self.namespaces.iter().any(|pattern| glob(pattern, namespace))
    }
}

/// Where a policy stands, as it was set while the daemon ran: for one digest, and it wins over the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// SHA-256 of the component that it is about, hexadecimal; empty: none, `refused` alone speaks.
    pub digest: String,
    /// The mode set for it.
    pub mode: PolicyMode,
    /// Who set it: a caller, or a rule of the configuration.
    pub by: String,
    /// Why, in words.
    pub why: String,
    /// When.
    pub at: Instant,
    /// What was set for the component before this one: it comes back with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Earlier>,
    /// Digests that were rolled back, oldest first, at most [`Standing::MOST_REFUSED`]: they stay in shadow until
    /// somebody sets a mode for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
}

/// What was set for an earlier component of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// Its SHA-256, hexadecimal.
    pub digest: String,
    /// Its mode.
    pub mode: PolicyMode,
}

impl Standing {
    /// Digests remembered as rolled back, per policy.
    pub const MOST_REFUSED: usize = 8;

    /// This one in place of an earlier one: what was set before and what was rolled back stay known.
    #[must_use]
    pub fn after(mut self, old: Option<&Self>) -> Self {
        let Some(old) = old else { return self };
        self.refused.clone_from(&old.refused);
        self.refused.retain(|digest| *digest != self.digest);
        self.before = if old.digest == self.digest || old.digest.is_empty() {
            old.before.clone()
        } else {
            Some(Earlier {
                digest: old.digest.clone(),
                mode: old.mode,
            })
        };
        self
    }

    /// What stands once its component is rolled back: what was set before comes back.
    #[must_use]
    pub fn refusing(self, old: Option<&Self>) -> Self {
        let mut refused = old.map(|old| old.refused.clone()).unwrap_or_default();
        refused.retain(|digest| *digest != self.digest);
        refused.push(self.digest.clone());
        let surplus = refused.len().saturating_sub(Self::MOST_REFUSED);
        refused.drain(..surplus);
        // Another component than the one that stands may be refused: a new one that is only on trial.
        let stays = old.filter(|old| old.digest != self.digest && !old.digest.is_empty());
        let earlier = old.and_then(|old| old.before.clone());
        let (digest, mode) = match (stays, earlier) {
            (Some(old), _) => (old.digest.clone(), old.mode),
            (None, Some(earlier)) => (earlier.digest, earlier.mode),
            (None, None) => (String::new(), PolicyMode::Shadow),
        };
        Self {
            digest,
            mode,
            before: None,
            refused,
            ..self
        }
    }

    /// The mode of a component: as it was set, shadow where it was rolled back, else as it is configured.
    pub fn mode_of(&self, digest: &str, configured: PolicyMode) -> PolicyMode {
        if self.digest == digest && !digest.is_empty() {
            self.mode
        } else if self.refused.iter().any(|refused| refused == digest) {
            PolicyMode::Shadow
        } else {
            configured
        }
    }
}

/// How the answers of several policies become one, where there is a choice. The other hooks have one rule each:
/// placement factors multiply, addends add, a forbid wins; a denial of disruption wins; any hold of a review holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compose {
    /// Replicas.
    pub scaler: ScalerRule,
    /// Virtual pods.
    pub headroom: HeadroomRule,
}

impl Compose {
    /// As if nothing was said.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// Whose number of replicas counts, of those who answer for the workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScalerRule {
    /// The highest; of equal ones the first.
    #[default]
    Max,
    /// That of the first policy, in the order of the configuration.
    First,
    /// That of the last.
    Last,
}

impl ScalerRule {
    /// As written in aims.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::First => "first",
            Self::Last => "last",
        }
    }
}

/// How much room is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadroomRule {
    /// That of all policies together.
    #[default]
    Sum,
    /// That of the policy whose virtual pods ask for the most CPU together; of equal ones the most memory, then the
    /// first.
    Max,
}

impl HeadroomRule {
    /// As written in aims.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Max => "max",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_is_about_one_digest_and_remembers_what_was_rolled_back() {
        use PolicyMode::{Canary, Enforce, Shadow};
        let standing = Standing {
            digest: "b".to_owned(),
            mode: Canary,
            by: String::new(),
            why: String::new(),
            at: Instant(0),
            before: None,
            refused: vec!["a".to_owned()],
        };
        for (digest, mode) in [("a", Shadow), ("b", Canary), ("c", Enforce)] {
            assert_eq!(standing.mode_of(digest, Enforce), mode, "{digest}");
        }
        let again = Standing {
            digest: "a".to_owned(),
            ..standing
        };
        assert_eq!(again.mode_of("a", Enforce), Canary, "what somebody sets wins");
    }

    #[test]
    fn a_roll_back_brings_back_what_was_set_before() {
        use PolicyMode::{Enforce, Shadow};
        let set = |digest: &str, mode: PolicyMode| Standing {
            digest: digest.to_owned(),
            mode,
            by: String::new(),
            why: String::new(),
            at: Instant(0),
            before: None,
            refused: Vec::new(),
        };
        let modes = |standing: &Standing| ["a", "b", "c"].map(|digest| standing.mode_of(digest, Shadow));
        let a = set("a", Enforce).after(None);
        let b = set("b", Enforce).after(Some(&a));
        assert_eq!(modes(&b), [Shadow, Enforce, Shadow]);
        let back = set("b", Shadow).refusing(Some(&b));
        assert_eq!(modes(&back), [Enforce, Shadow, Shadow], "the one before");
        assert_eq!(back.refused, ["b"]);
        let trial = set("c", Shadow).refusing(Some(&a));
        assert_eq!(
            modes(&trial),
            [Enforce, Shadow, Shadow],
            "a trial ends, who stands stays"
        );
        let again = set("b", Enforce).after(Some(&back));
        assert!(again.refused.is_empty() && modes(&again)[1] == Enforce);
        let none = set("a", Shadow).refusing(None);
        assert_eq!(none.mode_of("a", Enforce), Shadow);
        assert_eq!(none.mode_of("b", Enforce), Enforce);
        let mut many = none;
        for n in 0..20 {
            many = set(&n.to_string(), Shadow).refusing(Some(&many));
        }
        assert_eq!(many.refused.len(), Standing::MOST_REFUSED);
    }
}
