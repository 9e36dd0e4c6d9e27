//! Small clusters for tests, built by hand: nodes and pods, no groups and no offers.

use model::ids::{NodeName, PodKey, WorkloadKey};
use model::node::Node;
use model::pod::{Pod, PodPhase, PodSpec};
use model::resources::{MIB, Resources};
use model::selector::Labels;
use model::snapshot::Snapshot;
use model::time::Instant;
use std::sync::Arc;

/// A snapshot under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cluster {
    seen: Snapshot,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A Ready node for up to 110 pods, with no labels but its hostname.
    pub(crate) fn node(mut self, name: &str, allocatable: Resources) -> Self {
        self.seen.nodes.push(Node {
            name: NodeName::new(name),
            group: None,
            instance: None,
            offer: None,
            labels: Labels::from([(crate::HOSTNAME.to_owned(), name.to_owned())]),
            taints: Vec::new(),
            allocatable,
            max_pods: 110,
            ready: true,
            unschedulable: false,
            deleting: false,
            fargate: false,
            do_not_disrupt: false,
            draining: false,
            annotations: Labels::new(),
            unready: None,
            rate: None,
            created: Instant(0),
            usage: None,
            leaving: None,
            template: None,
        });
        self
    }

    /// Changes the last node added.
    pub(crate) fn last_node(mut self, change: impl FnOnce(&mut Node)) -> Self {
        change(self.seen.nodes.last_mut().unwrap());
        self
    }

    /// Waiting pods `prefix-0…`.
    pub(crate) fn pending(mut self, prefix: &str, count: u32, spec: PodSpec) -> Self {
        let ix = self.spec_ix(spec);
        for n in 0..count {
            self.seen.pods.push(pod(&format!("{prefix}-{n}"), ix, None));
        }
        self
    }

    /// A running pod.
    pub(crate) fn running(mut self, name: &str, node: &str, spec: PodSpec) -> Self {
        let ix = self.spec_ix(spec);
        self.seen.pods.push(pod(name, ix, Some(NodeName::new(node))));
        self
    }

    fn spec_ix(&mut self, spec: PodSpec) -> u32 {
        let known = self.seen.specs.iter().position(|known| **known == spec);
        let at = known.unwrap_or_else(|| {
            self.seen.specs.push(Arc::new(spec));
            self.seen.specs.len() - 1
        });
        u32::try_from(at).unwrap()
    }

    /// The finished snapshot.
    pub(crate) fn seen(mut self) -> Snapshot {
        self.seen.sort();
        self.seen
    }
}

fn pod(name: &str, spec: u32, node: Option<NodeName>) -> Pod {
    Pod {
        key: PodKey::new("default", name),
        spec,
        phase: if node.is_some() {
            PodPhase::Running
        } else {
            PodPhase::Pending
        },
        node,
        created: Instant(0),
        usage: None,
        nominated: None,
        deletion_cost: 0,
        started: None,
    }
}

/// A spec that asks for CPU and memory and belongs to a Deployment.
pub(crate) fn asks(cpu: i64, mib: i64) -> PodSpec {
    PodSpec {
        namespace: "default".into(),
        requests: Resources::new(cpu, mib * MIB),
        owner: Some(WorkloadKey::new("Deployment", "default", "web")),
        ..PodSpec::default()
    }
}
