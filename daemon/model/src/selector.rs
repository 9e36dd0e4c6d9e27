//! Label selectors and node selector terms, and whether labels satisfy them.
//!
//! Source: apimachinery `labels.Selector` and component-helpers `nodeaffinity`. A `Requirement` holds parsed
//! values only; refusing malformed ones is the work of `manifest`.

use serde::{Deserialize, Serialize};
use std::fmt;

pub use crate::labels::Labels;

/// How a key's value is compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operator {
    /// The value is one of these.
    In(Vec<String>),
    /// The value is none of these, or the key is absent.
    NotIn(Vec<String>),
    /// The key is present.
    Exists,
    /// The key is absent.
    DoesNotExist,
    /// The value is an integer above this.
    Gt(i64),
    /// The value is an integer below this.
    Lt(i64),
}

/// One condition on one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Requirement {
    /// Label key; in `NodeTerm::fields` only `metadata.name` exists.
    pub key: String,
    /// Comparison.
    pub operator: Operator,
}

impl Requirement {
    /// The key has this value.
    pub fn equal(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            operator: Operator::In(vec![value.into()]),
        }
    }

    /// Whether a value (absent: `None`) satisfies the condition.
    pub fn matches(&self, value: Option<&str>) -> bool {
        match (&self.operator, value) {
            (Operator::In(values), Some(value)) => values.iter().any(|v| v == value),
            (Operator::NotIn(values), Some(value)) => values.iter().all(|v| v != value),
            (Operator::Exists, present) => present.is_some(),
            (Operator::NotIn(_) | Operator::DoesNotExist, None) => true,
            (Operator::DoesNotExist, Some(_)) => false,
            (Operator::Gt(bound), Some(value)) => value.parse::<i64>().is_ok_and(|v| v > *bound),
            (Operator::Lt(bound), Some(value)) => value.parse::<i64>().is_ok_and(|v| v < *bound),
            (Operator::In(_) | Operator::Gt(_) | Operator::Lt(_), None) => false,
        }
    }
}

/// All requirements must hold. An empty term of a node affinity matches nothing (as upstream).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeTerm {
    /// On node labels.
    pub labels: Vec<Requirement>,
    /// On node fields.
    pub fields: Vec<Requirement>,
}

impl NodeTerm {
    /// Whether a node with these labels and this name satisfies the term.
    pub fn matches(&self, labels: &Labels, name: &str) -> bool {
        !(self.labels.is_empty() && self.fields.is_empty())
            && self
                .labels
                .iter()
                .all(|r| r.matches(labels.get(&r.key).map(String::as_str)))
            && self
                .fields
                .iter()
                .all(|r| r.key == "metadata.name" && r.matches(Some(name)))
    }
}

/// A label selector of a PodDisruptionBudget or workload: empty matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LabelSelector {
    /// All must hold; `matchLabels` become `In` with one value.
    pub requirements: Vec<Requirement>,
}

/// As kubectl writes it: `app=web,tier in (a,b),!old`.
impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.requirements.is_empty() {
            return f.write_str("any labels");
        }
        for (at, requirement) in self.requirements.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            requirement.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.operator {
            Operator::In(values) => match values.as_slice() {
                [value] => write!(f, "{key}={value}"),
                values => write!(f, "{key} in ({})", values.join(",")),
            },
            Operator::NotIn(values) => match values.as_slice() {
                [value] => write!(f, "{key}!={value}"),
                values => write!(f, "{key} notin ({})", values.join(",")),
            },
            Operator::Exists => f.write_str(key),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::Gt(bound) => write!(f, "{key}>{bound}"),
            Operator::Lt(bound) => write!(f, "{key}<{bound}"),
        }
    }
}

impl LabelSelector {
    /// Wants these labels, as `matchLabels` does.
    pub fn equal(labels: &Labels) -> Self {
        let equal = |(key, value): (&String, &String)| Requirement::equal(key, value);
        Self {
            requirements: labels.iter().map(equal).collect(),
        }
    }

    /// Whether these labels are selected.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.requirements
            .iter()
            .all(|r| r.matches(labels.get(&r.key).map(String::as_str)))
    }
}

/// Whether `text` matches a pattern in which `*` stands for any run and `?` for one character:
/// namespaces as Fargate profiles name them.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // Two cursors with one remembered star: linear for one star, never exponential.
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    t = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_keys() {
        let not_in = Requirement {
            key: "a".into(),
            operator: Operator::NotIn(vec!["x".into()]),
        };
        assert!(not_in.matches(None));
        let gt = Requirement {
            key: "a".into(),
            operator: Operator::Gt(3),
        };
        assert!(!gt.matches(None) && gt.matches(Some("4")) && !gt.matches(Some("four")));
    }

    #[test]
    fn an_empty_term_matches_nothing_but_an_empty_selector_everything() {
        assert!(!NodeTerm::default().matches(&Labels::new(), "n"));
        assert!(LabelSelector::default().matches(&Labels::new()));
    }

    #[test]
    fn globs() {
        let cases = [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("", "a", false),
            ("?", "", false),
            ("b?tch", "batch", true),
            ("b*h", "batches", false),
            ("*-jobs*", "night-jobs-eu", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
