//! Signs of other autoscalers: leases of their leaders, the Cluster Autoscaler's status, Karpenter's node pools.
//!
//! The status is read as the Cluster Autoscaler 1.30 and later write it (YAML) and as those before did (lines of text);
//! what cannot be read of it is left out, for it is somebody else's. Other leases and ConfigMaps say nothing here. What is
//! at work is told by `model::autoscaler`.

use crate::documents::single;
use crate::meta::{self, Meta};
use crate::sheet::At;
use crate::tree::Tree;
use model::autoscaler::{Autoscaler, AutoscalerKind, LEASES, Lease, STATUS};
use model::time::{Instant, Span};
use std::collections::BTreeSet;

/// When the Cluster Autoscaler told its status last.
const LAST_UPDATED: &str = "cluster-autoscaler.kubernetes.io/last-updated";

/// `leaseDurationSeconds` where a lease does not tell: client-go's default.
const USUAL: i64 = 15;

/// One sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The lease of a leader.
    Lease(AutoscalerKind, Lease),
    /// The Cluster Autoscaler's status: when it was told, and the groups that it names.
    Status(Option<Instant>, Vec<String>),
    /// One of Karpenter's node pools.
    Pool(String),
}

/// Reads a Lease; `None` for those of others.
pub(crate) fn lease(top: At<'_, '_>) -> Option<Sign> {
    let (kind, _) = LEASES.into_iter().find(|(_, known)| is_named(top, known))?;
    let Meta { namespace, name, .. } = meta::meta(top);
    let spec = top.get("spec");
    let lease = Lease {
        name: format!("{namespace}/{name}"),
        holder: spec.get("holderIdentity").text().unwrap_or_default().to_owned(),
        renewed: meta::instant(spec.get("renewTime")).unwrap_or_default(),
        lasts: Span::from_secs(spec.get("leaseDurationSeconds").int().unwrap_or(USUAL)),
    };
    Some(Sign::Lease(kind, lease))
}

/// Reads a ConfigMap; `None` where it is not that status.
pub(crate) fn status(top: At<'_, '_>) -> Option<Sign> {
    if !is_named(top, STATUS) {
        return None;
    }
    let updated = top.at(["metadata", "annotations", LAST_UPDATED]).text();
    let text = top.at(["data", "status"]).text().unwrap_or_default();
    let tree = single(STATUS, text.as_bytes()).ok();
    let told = updated
        .or_else(|| tree.as_ref()?.get("time")?.text())
        .and_then(instant);
    Some(Sign::Status(told, groups(tree.as_ref(), text)))
}

/// Reads a NodePool; `None` where it is not Karpenter's.
pub(crate) fn pool(top: At<'_, '_>) -> Option<Sign> {
    let version = top.get("apiVersion").tree().and_then(Tree::text);
    let own = version.is_some_and(|version| version.starts_with("karpenter.sh/"));
    own.then(|| Sign::Pool(meta::meta(top).name))
}

/// Nothing else is read of objects of others, nor is anything a mistake in them.
fn is_named(top: At<'_, '_>, name: &str) -> bool {
    let own = top.at(["metadata", "name"]).tree();
    own.and_then(Tree::text) == Some(name)
}

/// Names of the groups that a status tells of, sorted.
fn groups(tree: Option<&Tree>, text: &str) -> Vec<String> {
    let listed = tree.and_then(|tree| tree.get("nodeGroups"));
    let names: BTreeSet<String> = if let Some(Tree::List(listed)) = listed {
        let named = listed.iter().filter_map(|group| group.get("name")?.text());
        named.map(str::to_owned).collect()
    } else {
        let after = text.split_once("NodeGroups:").map_or("", |(_, after)| after);
        let named = after.lines().filter_map(|line| line.trim().strip_prefix("Name:"));
        named.map(|name| name.trim().to_owned()).collect()
    };
    names.into_iter().filter(|name| !name.is_empty()).collect()
}

/// An instant as Go prints it (`2026-01-01 00:00:00.123456789 +0000 UTC m=+0.1`), or by RFC 3339.
fn instant(text: &str) -> Option<Instant> {
    let mut parts = text.split_whitespace();
    let (date, time, offset) = (parts.next()?, parts.next(), parts.next());
    let written = match (time, offset) {
        (Some(time), Some(offset)) => {
            let (hours, minutes) = offset.split_at_checked(3)?;
            format!("{date}T{time}{hours}:{minutes}")
        }
        _ => date.to_owned(),
    };
    let told = written.parse::<jiff::Timestamp>().ok()?;
    Some(Instant(told.as_millisecond()))
}

/// What the signs come to, by kind: one for every lease, and what else is told beside the one that was renewed last.
pub fn autoscalers(signs: impl IntoIterator<Item = Sign>) -> Vec<Autoscaler> {
    let mut leases: Vec<(AutoscalerKind, Lease)> = Vec::new();
    let (mut told, mut groups, mut pools) = (None, BTreeSet::new(), BTreeSet::new());
    for sign in signs {
        match sign {
            Sign::Lease(kind, lease) => leases.push((kind, lease)),
            Sign::Status(at, names) => {
                told = told.max(at);
                groups.extend(names);
            }
            Sign::Pool(name) => drop(pools.insert(name)),
        }
    }
    let mut found = Vec::new();
    for kind in [AutoscalerKind::ClusterAutoscaler, AutoscalerKind::Karpenter] {
        let mut own: Vec<Lease> = Vec::new();
        own.extend(
            leases
                .iter()
                .filter(|(of, _)| *of == kind)
                .map(|(_, lease)| lease.clone()),
        );
        own.sort_by_key(|lease| std::cmp::Reverse(lease.renewed));
        let of_kind = |lease| Autoscaler {
            lease,
            ..Autoscaler::new(kind)
        };
        let mut own = own.into_iter();
        let mut first = of_kind(own.next());
        match kind {
            AutoscalerKind::ClusterAutoscaler => {
                (first.told, first.groups) = (told, groups.iter().cloned().collect());
            }
            AutoscalerKind::Karpenter => first.pools = pools.iter().cloned().collect(),
        }
        if first != Autoscaler::new(kind) {
            found.push(first);
        }
        found.extend(own.map(|lease| of_kind(Some(lease))));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClusterBuilder, PriceList};
    use model::aims::Aims;
    use model::autoscaler::rivals;
    use model::snapshot::Snapshot;

    const NEW: &str = "
apiVersion: v1
kind: ConfigMap
metadata:
  name: cluster-autoscaler-status
  namespace: kube-system
  annotations: {cluster-autoscaler.kubernetes.io/last-updated: '2026-01-01 00:09:58.123456789 +0000 UTC'}
data:
  status: |
    time: 2026-01-01 00:09:58.123456789 +0000 UTC
    autoscalerStatus: Running
    clusterWide: {health: {status: Healthy}}
    nodeGroups:
    - name: web
      health: {status: Healthy, cloudProviderTarget: 2, minSize: 1, maxSize: 10}
    - name: db
";

    const OLD: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: cluster-autoscaler-status, namespace: kube-system}
data:
  status: |
    Cluster-autoscaler status at 2026-01-01 00:09:58.123 +0000 UTC:
    Cluster-wide:
      Health:      Healthy (ready=3 unready=0 registered=3)
    NodeGroups:
      Name:        web
      Health:      Healthy (ready=2 cloudProviderTarget=2 (minSize=1, maxSize=10))
                   LastProbeTime:      2026-01-01 00:09:58
      Name:        db
      Health:      Healthy (ready=1)
";

    const NODE: &str = "
apiVersion: v1
kind: Node
metadata:
  name: n
  creationTimestamp: '2026-01-01T00:10:00Z'
  labels: {plimsoll.io/group: web}
status: {allocatable: {cpu: '4', memory: 8Gi, pods: '110'}, conditions: [{type: Ready, status: 'True'}]}
";

    fn lease_of(name: &str, namespace: &str, renewed: &str) -> String {
        format!(
            "
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{holderIdentity: pod-0, leaseDurationSeconds: 15, renewTime: '{renewed}'}}
"
        )
    }

    fn seen(parts: &[&str]) -> Snapshot {
        let mut cluster = ClusterBuilder::new();
        let text = [NODE]
            .iter()
            .chain(parts)
            .copied()
            .collect::<Vec<_>>()
            .join("\n---\n");
        cluster.read("cluster.yaml", text.as_bytes()).unwrap();
        cluster.finish(&PriceList::default(), &Aims::default())
    }

    #[test]
    fn a_status_is_read_as_old_and_new_ones_write_it() {
        for (text, told) in [(NEW, Some(1_767_226_198_123)), (OLD, None)] {
            let seen = seen(&[text]);
            let [other] = &seen.autoscalers[..] else {
                panic!("{:?}", seen.autoscalers);
            };
            assert_eq!(other.groups, ["db", "web"]);
            assert_eq!(other.told, told.map(Instant));
            assert_eq!(other.kind, AutoscalerKind::ClusterAutoscaler);
        }
        // What nobody can read names no group, and is no mistake of the input.
        let garbage = NEW.replace("nodeGroups:", "nodeGroup: [}");
        assert_eq!(seen(&[&garbage]).autoscalers[0].groups, Vec::<String>::new());
    }

    #[test]
    fn leases_of_others_say_nothing_and_those_of_autoscalers_whether_they_live() {
        let at_work = |parts: &[&str]| -> Vec<AutoscalerKind> {
            let seen = seen(parts);
            let told = rivals(&seen, &Aims::default());
            told.iter().map(|rival| rival.kind).collect()
        };
        let of = |name: &str, renewed: &str| lease_of(name, "kube-system", renewed);
        for (name, kind) in [
            ("cluster-autoscaler", AutoscalerKind::ClusterAutoscaler),
            ("karpenter-leader-election", AutoscalerKind::Karpenter),
        ] {
            assert_eq!(at_work(&[&of(name, "2026-01-01T00:09:55.000000Z")]), [kind]);
            assert_eq!(at_work(&[&of(name, "2026-01-01T00:12:00.000000Z")]), [kind]);
            assert_eq!(at_work(&[&of(name, "2026-01-01T00:09:44.000000Z")]), []);
        }
        for name in ["kube-scheduler", "n", "plimsoll", "cluster-autoscaler-2"] {
            assert_eq!(at_work(&[&of(name, "2026-01-01T00:09:55.000000Z")]), []);
        }
        assert_eq!(
            at_work(&[NEW]),
            [AutoscalerKind::ClusterAutoscaler],
            "without a leader"
        );
    }

    #[test]
    fn node_pools_and_groups_are_told_beside_the_lease_that_lives() {
        let pool = |name: &str, api: &str| {
            format!("apiVersion: {api}\nkind: NodePool\nmetadata: {{name: {name}}}\n")
        };
        let old = lease_of(
            "karpenter-leader-election",
            "karpenter",
            "2025-12-01T00:00:00.000000Z",
        );
        let new = lease_of(
            "karpenter-leader-election",
            "kube-system",
            "2026-01-01T00:10:00.000000Z",
        );
        let ca = lease_of("cluster-autoscaler", "kube-system", "2026-01-01T00:09:59.000000Z");
        let pools = [
            pool("general", "karpenter.sh/v1"),
            pool("gpu", "karpenter.sh/v1beta1"),
            pool("other", "example.com/v1"),
        ];
        let seen = seen(&[&old, &pools[0], &new, &pools[1], NEW, &pools[2], &ca]);
        assert_eq!(
            seen.autoscalers.len(),
            3,
            "a lease that was left behind is one too"
        );
        let told = rivals(&seen, &Aims::default());
        assert_eq!(told.len(), 2);
        assert_eq!(told[0].groups, ["web".into()], "both grow it");
        assert_eq!(told[1].pools, ["general", "gpu"]);
    }
}
