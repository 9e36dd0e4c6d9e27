//! Topology spread of pods that say nothing of it: kube-scheduler's cluster defaults, as the aims repeat them.
//!
//! Source: PodTopologySpread with `defaultingType: List`. Its selector is that of the pod's own ReplicaSet,
//! StatefulSet or ReplicationController (`DefaultSelector`); of a Deployment, which stands for its ReplicaSet, that
//! of the Deployment and the pod's own template hash. Services are not in a Snapshot: what they select besides is
//! left out, and a pod that has only a Service gets no default. How rules are kept is not decided here.

use model::aims::Aims;
use model::pod::{Near, NearRule, PodSpec};
use model::selector::{LabelSelector, Requirement};
use model::snapshot::Snapshot;
use std::sync::Arc;

const TEMPLATE_HASH: &str = "pod-template-hash";

/// The spec with the cluster's defaults, where it has no constraint of its own and something to spread by; else as
/// it is.
pub fn with_defaults(seen: &Snapshot, aims: &Aims, spec: &Arc<PodSpec>) -> Arc<PodSpec> {
    if aims.spread_defaults.is_empty() || spec.traits.spreads {
        return Arc::clone(spec);
    }
    let Some(selector) = default_selector(seen, spec) else {
        return Arc::clone(spec);
    };
    let mut spread = PodSpec::clone(spec);
    let near = aims.spread_defaults.iter().map(|default| {
        let rule = NearRule::Spread {
            skew: default.skew,
            domains: 1,
        };
        let namespaces = Some(vec![spec.namespace.clone()]);
        Near::new(default.key.clone(), selector.clone(), namespaces, rule)
    });
    spread.near.extend(near);
    spread.near.sort();
    spread.near.dedup();
    Arc::new(spread)
}

/// What the pod's controller selects its pods by; `None` where that is nothing.
fn default_selector(seen: &Snapshot, spec: &PodSpec) -> Option<LabelSelector> {
    let owner = spec.owner.as_ref()?;
    let spreads = matches!(
        &*owner.kind,
        "Deployment" | "Rollout" | "ReplicaSet" | "StatefulSet" | "ReplicationController"
    );
    let at = seen
        .workloads
        .binary_search_by(|workload| workload.key.cmp(owner))
        .ok()?;
    let mut selector = seen.workloads.get(at).filter(|_| spreads)?.selector.clone();
    if selector.requirements.is_empty() {
        return None;
    }
    if let ("Deployment" | "Rollout", Some(hash)) = (&*owner.kind, spec.labels.get(TEMPLATE_HASH)) {
        selector
            .requirements
            .push(Requirement::equal(TEMPLATE_HASH, hash));
        selector.requirements.sort();
        selector.requirements.dedup();
    }
    Some(selector)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::aims::SpreadDefault;
    use model::ids::WorkloadKey;
    use model::selector::{Labels, Operator};
    use model::workload::Workload;

    fn app(value: &str) -> Requirement {
        Requirement {
            key: "app".to_owned(),
            operator: Operator::In(vec![value.to_owned()]),
        }
    }

    fn cluster(kind: &str, requirements: Vec<Requirement>) -> Snapshot {
        Snapshot {
            workloads: vec![Workload {
                key: WorkloadKey::new(kind, "ns", "web"),
                replicas: 1,
                ready: 0,
                template: None,
                owned_by: None,
                annotations: Labels::new(),
                generation: 1,
                selector: LabelSelector { requirements },
                metrics: Vec::new(),
            }],
            ..Snapshot::default()
        }
    }

    fn pod(kind: &str, labels: &[(&str, &str)]) -> Arc<PodSpec> {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Arc::new(PodSpec {
            namespace: "ns".to_owned(),
            owner: Some(WorkloadKey::new(kind, "ns", "web")),
            labels: labels.collect(),
            ..PodSpec::default()
        })
    }

    fn aims() -> Aims {
        Aims {
            spread_defaults: vec![SpreadDefault {
                key: "zone".to_owned(),
                skew: 3,
            }],
            ..Aims::default()
        }
    }

    #[test]
    fn pods_without_a_word_on_it_spread_by_their_controllers_selector() {
        let plain = cluster("Deployment", vec![app("web")]);
        let labels = [("app", "web"), (TEMPLATE_HASH, "5f")];
        let spread = with_defaults(&plain, &aims(), &pod("Deployment", &labels));
        let [near] = &spread.near[..] else {
            panic!("{:?}", spread.near)
        };
        assert_eq!(
            (near.key.as_str(), near.rule),
            ("zone", NearRule::Spread { skew: 3, domains: 1 })
        );
        assert!(near.selects(&spread));
        assert!(!near.selects(&pod("Deployment", &[("app", "web"), (TEMPLATE_HASH, "60")])));
        let set = cluster("StatefulSet", vec![app("web")]);
        let spread = with_defaults(&set, &aims(), &pod("StatefulSet", &labels));
        assert!(spread.near[0].selects(&pod("StatefulSet", &[("app", "web")])));
    }

    #[test]
    fn the_others_stay_as_they_are() {
        let plain = cluster("Deployment", vec![app("web")]);
        let one = pod("Deployment", &[("app", "web")]);
        let mut own = PodSpec::clone(&one);
        own.traits.spreads = true;
        let job = cluster("Job", vec![app("web")]);
        for (name, seen, aims, spec) in [
            ("no default", &plain, &Aims::default(), &one),
            ("a constraint of its own", &plain, &aims(), &Arc::new(own)),
            ("no owner", &plain, &aims(), &Arc::default()),
            ("an owner nobody knows", &Snapshot::default(), &aims(), &one),
            (
                "a selector of nothing",
                &cluster("Deployment", Vec::new()),
                &aims(),
                &one,
            ),
            ("a Job", &job, &aims(), &pod("Job", &[("app", "web")])),
        ] {
            assert!(Arc::ptr_eq(&with_defaults(seen, aims, spec), spec), "{name}");
        }
    }
}
