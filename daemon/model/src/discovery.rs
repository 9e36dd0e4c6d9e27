//! By which tags an Auto Scaling group belongs to a cluster: one table for who looks for groups and for who writes what the
//! daemon may change, so that no group is found that may not be scaled and none may be scaled that is not found.
//!
//! Sources: Cluster Autoscaler's AWS README ("Auto-Discovery Setup": the tag alone, whatever its value), EKS' user guide,
//! kops `CloudTagsForInstanceGroup`. Not here: the calls, groups that are found and left alone.

use crate::fleet::CLUSTER_TAG;
use crate::group::{EKS_CLUSTER_TAG, KOPS_GROUP_TAG};

/// Whose tags they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Plimsoll's own.
    Plimsoll,
    /// Cluster Autoscaler's.
    ClusterAutoscaler,
    /// EKS' and eksctl's.
    Eks,
    /// kops'.
    Kops,
}

/// What a tag must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// Anything: that it is there is enough.
    Anything,
    /// This.
    This(String),
}

/// Tags that make a group one of the cluster's where all of them are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Who writes them.
    pub whose: &'static [Owner],
    /// Keys with what they say; the first tells clusters' groups from most others.
    pub tags: Vec<(String, Says)>,
}

impl Way {
    /// Whether a group has the tags; `value` is what one of its tags says, where it has that.
    pub fn holds<'t>(&self, value: impl Fn(&str) -> Option<&'t str>) -> bool {
        self.tags.iter().all(|(key, says)| match (value(key), says) {
            (Some(_), Says::Anything) => true,
            (Some(told), Says::This(wanted)) => told == wanted,
            (None, _) => false,
        })
    }
}

/// All ways for a cluster of this name.
pub fn ways(cluster: &str) -> [Way; 5] {
    let one = |whose, key: String, says| Way {
        whose,
        tags: vec![(key, says)],
    };
    let named = || Says::This(cluster.to_owned());
    [
        one(&[Owner::Plimsoll], CLUSTER_TAG.to_owned(), named()),
        one(
            &[Owner::ClusterAutoscaler],
            format!("k8s.io/cluster-autoscaler/{cluster}"),
            Says::Anything,
        ),
        one(
            &[Owner::Eks, Owner::Kops],
            format!("kubernetes.io/cluster/{cluster}"),
            Says::This("owned".to_owned()),
        ),
        one(&[Owner::Eks], EKS_CLUSTER_TAG.to_owned(), named()),
        Way {
            whose: &[Owner::Kops],
            tags: vec![
                (KOPS_GROUP_TAG.to_owned(), Says::Anything),
                ("KubernetesCluster".to_owned(), named()),
            ],
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn found(tags: &[(&str, &str)], cluster: &str) -> bool {
        let tags: BTreeMap<&str, &str> = tags.iter().copied().collect();
        ways(cluster)
            .iter()
            .any(|way| way.holds(|key| tags.get(key).copied()))
    }

    /// Every way with every value of its tags: of this cluster's or another's name, `owned`, `shared`, nothing at all.
    #[test]
    fn a_group_is_found_by_its_tags_and_no_others() {
        let values = ["blue", "green", "owned", "shared", "true", ""];
        for way in ways("blue") {
            for value in values {
                let mut tags: Vec<(&str, &str)> = way
                    .tags
                    .iter()
                    .map(|(key, says)| match says {
                        Says::Anything => (key.as_str(), value),
                        Says::This(wanted) => (key.as_str(), wanted.as_str()),
                    })
                    .collect();
                assert!(found(&tags, "blue"), "{tags:?}");
                assert!(!found(&tags, "green"), "{tags:?}");
                let (last, says) = way.tags.last().unwrap();
                if *says != Says::Anything && *says != Says::This(value.to_owned()) {
                    *tags.last_mut().unwrap() = (last, value);
                    assert!(!found(&tags, "blue"), "{tags:?}");
                }
                tags.pop();
                assert!(!found(&tags, "blue"), "{tags:?}");
            }
        }
        assert!(!found(&[("k8s.io/cluster-autoscaler/enabled", "true")], "blue"));
    }
}
