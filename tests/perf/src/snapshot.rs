//! From shapes and offers to the Snapshot of an empty cluster with one DaemonSet.

use crate::workload::Shapes;
use model::pod::PodPhase;
use model::selector::{LabelSelector, Labels};
use model::{
    Freshness, Instant, Offer, Pod, PodKey, PodSpec, Resources, Snapshot, Source, Workload, WorkloadKey,
};
use std::sync::Arc;

/// What the DaemonSet's pod takes of every node: 180 millicores and 300 MiB.
pub const DAEMON: (i64, i64) = (180, 300 << 20);

/// A cluster without nodes in which these pods wait.
pub fn waiting(shapes: &Shapes, offers: Vec<Offer>) -> Snapshot {
    let mut seen = empty(offers);
    for (at, (cpu, memory, many)) in shapes.iter().enumerate() {
        let spec = add_spec(
            &mut seen,
            PodSpec {
                namespace: "default".to_owned(),
                requests: Resources::new(*cpu, *memory),
                ..PodSpec::default()
            },
        );
        let namespace: Arc<str> = Arc::from("default");
        for n in 0..*many {
            seen.pods.push(Pod {
                key: PodKey {
                    namespace: Arc::clone(&namespace),
                    name: Arc::from(format!("p{at}-{n}")),
                },
                spec,
                node: None,
                phase: PodPhase::Pending,
                created: seen.at,
                usage: None,
                nominated: None,
                deletion_cost: 0,
                started: None,
            });
        }
    }
    seen.sort();
    seen
}

/// A picture of nothing, every source of which is live.
pub fn bare() -> Snapshot {
    Snapshot {
        at: Instant(1_700_000_000_000),
        sources: [
            Source::Pods,
            Source::Nodes,
            Source::Workloads,
            Source::Budgets,
            Source::Load,
            Source::Metrics,
            Source::Groups,
            Source::Offers,
        ]
        .map(|source| (source, Freshness::Live))
        .into(),
        ..Snapshot::default()
    }
}

/// A cluster with offers and a DaemonSet, and nothing else.
pub fn empty(offers: Vec<Offer>) -> Snapshot {
    let mut seen = Snapshot {
        groups: vec![manifest::fleet_group()],
        offers,
        ..bare()
    };
    let template = add_spec(
        &mut seen,
        PodSpec {
            namespace: "kube-system".to_owned(),
            requests: Resources::new(DAEMON.0, DAEMON.1),
            ..PodSpec::default()
        },
    );
    seen.workloads.push(Workload {
        key: WorkloadKey::new("DaemonSet", "kube-system", "agent"),
        replicas: 0,
        ready: 0,
        template: Some(template),
        owned_by: None,
        annotations: Labels::new(),
        generation: 1,
        selector: LabelSelector::default(),
        metrics: Vec::new(),
    });
    seen
}

/// Adds a spec; returns its index.
pub fn add_spec(seen: &mut Snapshot, spec: PodSpec) -> u32 {
    seen.specs.push(Arc::new(spec));
    u32::try_from(seen.specs.len() - 1).unwrap_or(u32::MAX)
}
