//! Other autoscalers at work in the same cluster, as their leases, their status and their node pools tell.
//!
//! Two that grow and shrink the same groups undo each other's work (cluster-autoscaler FAQ: one at a time). Nodes that
//! another one removes carry its mark (`node::Mark`) and are neither counted nor removed; here stands who it is. A lease
//! that was not renewed within its duration is that of a stopped one and says nothing. Sources: cluster-autoscaler `main.go`
//! (`--leader-elect-resource-name=cluster-autoscaler`, `--namespace=kube-system`, `--status-config-map-name`), Karpenter
//! `pkg/operator/operator.go` (`karpenter-leader-election`). Not here: reading any of it.

mod rival;

use crate::group::{Group, GroupKind};
use crate::time::{Instant, Span};
pub use rival::{Rival, rivals};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Leases that tell of one: whose, and how they are called.
pub const LEASES: [(AutoscalerKind, &str); 2] = [
    (AutoscalerKind::ClusterAutoscaler, "cluster-autoscaler"),
    (AutoscalerKind::Karpenter, "karpenter-leader-election"),
];

/// ConfigMap in which the Cluster Autoscaler tells what it does.
pub const STATUS: &str = "cluster-autoscaler-status";

/// Namespaces in which either is usually installed.
pub const NAMESPACES: [&str; 2] = ["kube-system", "karpenter"];

/// The Cluster Autoscaler tells its status in every loop (`--scan-interval`, 10 s; a loop takes a minute at worst): without
/// leader election that is the only sign of life.
const STATUS_LASTS: Span = Span::from_secs(120);

/// Which autoscaler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AutoscalerKind {
    /// kubernetes-sigs/cluster-autoscaler.
    ClusterAutoscaler,
    /// kubernetes-sigs/karpenter.
    Karpenter,
}

impl fmt::Display for AutoscalerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClusterAutoscaler => "the Cluster Autoscaler",
            Self::Karpenter => "Karpenter",
        })
    }
}

/// Another autoscaler, whether it works or has stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Autoscaler {
    /// Which.
    pub kind: AutoscalerKind,
    /// Its leader's lease, where there is one.
    pub lease: Option<Lease>,
    /// When it told its status last (Cluster Autoscaler).
    pub told: Option<Instant>,
    /// Groups that its status names, by the provider's names, sorted.
    pub groups: Vec<String>,
    /// Its node pools, sorted (Karpenter).
    pub pools: Vec<String>,
}

/// A leader's lease.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lease {
    /// `namespace/name`.
    pub name: String,
    /// Who holds it; empty where nobody does.
    pub holder: String,
    /// When it was renewed last.
    pub renewed: Instant,
    /// How long it is good without being renewed.
    pub lasts: Span,
}

impl Lease {
    fn holds(&self, at: Instant) -> bool {
        !self.holder.is_empty() && at.since(self.renewed) <= self.lasts
    }
}

impl Autoscaler {
    /// One that nothing is known of yet.
    pub fn new(kind: AutoscalerKind) -> Self {
        Self {
            kind,
            lease: None,
            told: None,
            groups: Vec::new(),
            pools: Vec::new(),
        }
    }

    /// Whether it is at work.
    pub fn works(&self, at: Instant) -> bool {
        let held = self.lease.as_ref().is_some_and(|lease| lease.holds(at));
        held || self.told.is_some_and(|told| at.since(told) <= STATUS_LASTS)
    }

    /// Whether its status names this group of ours, by the provider's name: that of an Auto Scaling group that EKS makes for a
    /// node group (`eks-<name>-<uuid>`) or kops for an instance group (`<name>.<cluster>`) begins with it.
    pub fn names(&self, group: &Group) -> bool {
        let own = group.name.as_str();
        self.groups.iter().any(|named| {
            let rest = |before: &str| named.strip_prefix(before).and_then(|rest| rest.strip_prefix(own));
            match group.kind {
                GroupKind::ManagedNodeGroup if named != own => {
                    let id = rest("eks-").and_then(|rest| rest.strip_prefix('-'));
                    id.is_some_and(is_uuid)
                }
                GroupKind::KopsInstanceGroup if named != own => {
                    rest("").is_some_and(|rest| rest.starts_with('.'))
                }
                _ => named == own,
            }
        })
    }
}

fn is_uuid(text: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    text.len() == 36 && text.bytes().all(hex)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::LaunchMode;
    use crate::selector::Labels;
    use crate::{Aims, Snapshot};

    const NOW: Instant = Instant(1_000_000_000);

    fn group(name: &str, kind: GroupKind) -> Group {
        Group {
            name: name.into(),
            uid: None,
            kind,
            min: 0,
            max: 9,
            desired: 1,
            launch: LaunchMode::Desired,
            instances: Vec::new(),
            labels: Labels::new(),
            taints: Vec::new(),
            fargate_selectors: Vec::new(),
            foreign: None,
            rolling: None,
            options: crate::group::GroupOptions::default(),
        }
    }

    fn lease(ago: i64, lasts: i64, holder: &str) -> Lease {
        Lease {
            name: "kube-system/cluster-autoscaler".to_owned(),
            holder: holder.to_owned(),
            renewed: NOW - Span::from_secs(ago),
            lasts: Span::from_secs(lasts),
        }
    }

    fn other(kind: AutoscalerKind, lease: impl Into<Option<Lease>>) -> Autoscaler {
        Autoscaler {
            lease: lease.into(),
            ..Autoscaler::new(kind)
        }
    }

    #[test]
    fn a_lease_that_is_not_renewed_is_that_of_a_stopped_one() {
        for kind in [AutoscalerKind::ClusterAutoscaler, AutoscalerKind::Karpenter] {
            for lasts in [1, 15, 60] {
                for ago in [-3600, 0, 1, 14, 15, 16, 60, 61, 86_400] {
                    let works = other(kind, lease(ago, lasts, "a-0")).works(NOW);
                    assert_eq!(works, ago <= lasts, "{kind} {ago} of {lasts}");
                    assert!(!other(kind, lease(ago, lasts, "")).works(NOW), "nobody holds it");
                }
            }
            assert!(!other(kind, None).works(NOW));
        }
        for (ago, works) in [(0, true), (120, true), (121, false)] {
            let mut told = other(AutoscalerKind::ClusterAutoscaler, lease(3600, 15, "a-0"));
            told.told = Some(NOW - Span::from_secs(ago));
            assert_eq!(told.works(NOW), works, "without leader election: {ago}");
        }
    }

    #[test]
    fn groups_are_known_by_the_names_that_the_provider_gives_them() {
        use GroupKind::{Asg, KopsInstanceGroup, ManagedNodeGroup};
        let uuid = "0cc5b3f6-1f2a-4d71-8a3c-0f7a6f4f2c11";
        for (named, own, kind, same) in [
            ("web".to_owned(), "web", Asg, true),
            (format!("eks-web-{uuid}"), "web", ManagedNodeGroup, true),
            (format!("eks-web-{uuid}"), "web", Asg, false),
            (format!("eks-web-b-{uuid}"), "web", ManagedNodeGroup, false),
            ("eks-web-b".to_owned(), "web", ManagedNodeGroup, false),
            (
                format!("eks-web-{uuid}"),
                &*format!("eks-web-{uuid}"),
                ManagedNodeGroup,
                true,
            ),
            ("web.k8s.example.com".to_owned(), "web", KopsInstanceGroup, true),
            (
                "web-2.k8s.example.com".to_owned(),
                "web",
                KopsInstanceGroup,
                false,
            ),
            ("web2".to_owned(), "web", Asg, false),
        ] {
            let mut other = other(AutoscalerKind::ClusterAutoscaler, lease(0, 15, "a-0"));
            other.groups = vec![named.clone()];
            assert_eq!(other.names(&group(own, kind)), same, "{named} {own} {kind:?}");
        }
    }

    #[test]
    fn what_both_would_grow_is_named() {
        let mut ca = other(AutoscalerKind::ClusterAutoscaler, lease(5, 15, "ca-0"));
        ca.groups = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let mut karpenter = other(AutoscalerKind::Karpenter, lease(3, 15, "karpenter-1"));
        karpenter.pools = (1..=7).map(|number| format!("pool-{number}")).collect();
        let stopped = other(AutoscalerKind::Karpenter, lease(16, 15, "karpenter-2"));
        let mut theirs = group("c", GroupKind::Asg);
        theirs.foreign = Some("Karpenter".to_owned());
        let seen = Snapshot {
            at: NOW,
            groups: vec![
                group("a", GroupKind::Asg),
                group("b", GroupKind::Asg),
                theirs,
                group("d", GroupKind::Asg),
            ],
            autoscalers: vec![ca.clone(), karpenter, stopped],
            ..Snapshot::default()
        };
        let told = |seen: &Snapshot, aims: &Aims| -> Vec<String> {
            rivals(seen, aims).iter().map(ToString::to_string).collect()
        };
        let mut aims = Aims::default();
        assert_eq!(
            told(&seen, &aims),
            [
                "the Cluster Autoscaler (ca-0) is at work beside Plimsoll, last seen at 1970-01-12T13:46:35Z: both grow and \
                 shrink a, b; leave each group to one of both (`groups` of the aims, its --nodes or discovery tags)",
                "Karpenter (karpenter-1) is at work beside Plimsoll, last seen at 1970-01-12T13:46:37Z: both buy for the \
                 same waiting pods; its node pools are pool-1, pool-2, pool-3, pool-4, pool-5 and 2 more",
            ]
        );
        aims.groups = vec!["b".into(), "d".into()];
        assert_eq!(rivals(&seen, &aims)[0].groups, ["b".into()]);
        ca.groups.clear();
        let untold = Snapshot {
            autoscalers: vec![ca],
            ..seen
        };
        assert!(told(&untold, &aims)[0].contains("which groups it grows is not known"));
    }
}
