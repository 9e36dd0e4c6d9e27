//! The Snapshot: cluster and cloud at one instant, with an age for every source.
//!
//! Built by an Observe, never changed afterwards. Unknown is not zero: what is missing says so.

mod source;

use crate::aims::Aims;
use crate::autoscaler::Autoscaler;
use crate::group::options::NOTHING_SAID;
use crate::group::{Group, GroupOptions};
use crate::ids::{GroupName, NodeName, OfferId, PodKey};
use crate::intent::Ledger;
use crate::money::UsdPerHour;
use crate::node::Node;
use crate::notices::Notices;
use crate::offer::{Confidence, Offer};
use crate::pod::{Pod, PodSpec, SpecIx};
use crate::prices::Prices;
use crate::time::Instant;
use crate::workload::{DisruptionBudget, Workload};
use serde::{Deserialize, Serialize};
pub use source::{Freshness, Source};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Cluster and cloud at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When the picture was taken.
    pub at: Instant,
    /// Number of the cycle it was taken for; greater than that of every earlier cycle of this Ledger.
    pub cycle: u64,
    /// Seed for policies; recorded, the only randomness there is.
    pub seed: u64,
    /// Name of the cluster.
    pub cluster: String,
    /// UID of its namespace kube-system, which no other cluster of this name has; `None` where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_uid: Option<String>,
    /// Age of each source.
    pub sources: BTreeMap<Source, Freshness>,
    /// Distinct pod specs; pods and workloads point here.
    pub specs: Vec<Arc<PodSpec>>,
    /// Pods, sorted by key.
    pub pods: Vec<Pod>,
    /// Nodes, sorted by name.
    pub nodes: Vec<Node>,
    /// Groups, sorted by name.
    pub groups: Vec<Group>,
    /// Offers of all groups, sorted by id.
    pub offers: Vec<Offer>,
    /// Groups that have fewer instances than they were asked for, for want of capacity: when the provider said so last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub short: BTreeMap<GroupName, Instant>,
    /// Region, and whose prices these are; prices of single offers stand in them.
    #[serde(default, skip_serializing_if = "Prices::are_default")]
    pub prices: Prices,
    /// Workloads, sorted by key.
    pub workloads: Vec<Workload>,
    /// PodDisruptionBudgets, sorted by namespace and name.
    pub budgets: Vec<DisruptionBudget>,
    /// Open intents and windowed counters, as read back.
    pub ledger: Ledger,
    /// The node this daemon runs on, where it runs on one.
    pub own_node: Option<NodeName>,
    /// Other autoscalers, by kind and lease, those that have stopped included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub autoscalers: Vec<Autoscaler>,
    /// What became of notices of instances that go; `None` where nobody reads any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notices: Option<Notices>,
}

impl Snapshot {
    /// The spec behind an index; indices come from this Snapshot, an unknown one is a defect and gives an
    /// empty spec rather than a panic.
    pub fn spec(&self, ix: SpecIx) -> Arc<PodSpec> {
        self.specs.get(ix as usize).cloned().unwrap_or_default()
    }

    /// The group of this name.
    pub fn group(&self, name: &GroupName) -> Option<&Group> {
        self.groups
            .binary_search_by(|g| g.name.cmp(name))
            .ok()
            .and_then(|ix| self.groups.get(ix))
    }

    /// What the tags of a group say of how it is scaled; of one that is not there, nothing.
    pub fn options(&self, group: Option<&GroupName>) -> &GroupOptions {
        group
            .and_then(|name| self.group(name))
            .map_or(&NOTHING_SAID, |group| &group.options)
    }

    /// Whether a node is not Ready and still within the time that its group or the aims let it boot.
    pub fn is_booting(&self, node: &Node, aims: &Aims) -> bool {
        let within = || self.options(node.group.as_ref()).startup_time(aims);
        !node.ready && node.is_booting(self.at, within())
    }

    /// The node of this name.
    pub fn node(&self, name: &NodeName) -> Option<&Node> {
        self.nodes
            .binary_search_by(|n| n.name.cmp(name))
            .ok()
            .and_then(|ix| self.nodes.get(ix))
    }

    /// Place of the offer of this id.
    pub fn offer_ix(&self, id: &OfferId) -> Option<usize> {
        self.offers.binary_search_by(|offer| offer.id.cmp(id)).ok()
    }

    /// What the node costs per hour; `None` where nobody knows.
    pub fn node_price(&self, node: &Node) -> Option<UsdPerHour> {
        let offer = node.offer.as_ref().and_then(|id| self.offer_ix(id));
        let offer = offer.map(|ix| &self.offers[ix]);
        let told = offer.filter(|offer| offer.confidence != Confidence::Unknown);
        let rate = || node.rate.map(|rate| rate.price);
        told.map(|offer| offer.price).or_else(rate)
    }

    /// The pod of this key.
    pub fn pod(&self, key: &PodKey) -> Option<&Pod> {
        self.pods
            .binary_search_by(|p| p.key.cmp(key))
            .ok()
            .and_then(|ix| self.pods.get(ix))
    }

    /// How fresh a source is; a source nobody reported is missing.
    pub fn freshness(&self, source: Source) -> Freshness {
        self.sources.get(&source).copied().unwrap_or(Freshness::Missing)
    }

    /// Tells the picture by another clock that reads `at` when this one reads its own `at`: what is in it keeps
    /// its age. Moves by whole seconds, which is what Kubernetes writes, so that two clocks that agree but for
    /// the moment between two readings leave the times of things alone.
    pub fn tell_by(&mut self, at: Instant) {
        let apart = at.0.saturating_sub(self.at.0) / 1000 * 1000;
        self.at = at;
        if apart == 0 {
            return;
        }
        let moved = |time: &mut Instant| time.0 = time.0.saturating_add(apart);
        for pod in &mut self.pods {
            moved(&mut pod.created);
            pod.usage.iter_mut().for_each(|usage| moved(&mut usage.at));
            pod.started.iter_mut().for_each(moved);
        }
        for node in &mut self.nodes {
            moved(&mut node.created);
            node.usage.iter_mut().for_each(|usage| moved(&mut usage.at));
            node.unready.iter_mut().for_each(moved);
        }
        for instance in self.groups.iter_mut().flat_map(|group| &mut group.instances) {
            instance.launched.iter_mut().for_each(moved);
        }
        for other in &mut self.autoscalers {
            other.told.iter_mut().for_each(moved);
            other.lease.iter_mut().for_each(|lease| moved(&mut lease.renewed));
        }
        for metric in self
            .workloads
            .iter_mut()
            .flat_map(|workload| &mut workload.metrics)
        {
            moved(&mut metric.at);
        }
    }

    /// Puts every list into its documented order; an Observe calls this last.
    pub fn sort(&mut self) {
        self.pods.sort_by(|a, b| a.key.cmp(&b.key));
        self.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        self.workloads.sort_by(|a, b| a.key.cmp(&b.key));
        self.autoscalers
            .sort_by(|a, b| (a.kind, &a.lease).cmp(&(b.kind, &b.lease)));
        self.budgets
            .sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        order.sort_by(|&a, &b| self.groups[a].name.cmp(&self.groups[b].name));
        let mut place = vec![0_u32; order.len()];
        for (new, &old) in order.iter().enumerate() {
            place[old] = u32::try_from(new).unwrap_or(u32::MAX);
        }
        self.groups.sort_by(|a, b| a.name.cmp(&b.name));
        for offer in &mut self.offers {
            offer.group = place.get(offer.group as usize).copied().unwrap_or(offer.group);
        }
        self.offers.sort_by(|a, b| a.id.cmp(&b.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoscaler::{AutoscalerKind, Lease};
    use crate::group::{Group, GroupKind, Instance, InstanceState, LaunchMode};
    use crate::pod::{PodPhase, Usage};
    use crate::selector::{LabelSelector, Labels};
    use crate::time::Span;
    use crate::workload::Metric;
    use crate::{Resources, WorkloadKey};

    /// A picture in which every time there can be is 90 s before its own.
    fn picture(at: Instant) -> Snapshot {
        let before = at - Span::from_secs(90);
        let usage = Some(Usage {
            cpu_milli: 1,
            memory_bytes: 1,
            at: before,
        });
        Snapshot {
            at,
            pods: vec![Pod {
                key: PodKey::new("ns", "p"),
                spec: 0,
                node: None,
                phase: PodPhase::Pending,
                created: before,
                usage,
                nominated: None,
                deletion_cost: 0,
                started: Some(before),
            }],
            nodes: vec![Node {
                name: "n".into(),
                group: None,
                instance: None,
                offer: None,
                labels: Labels::new(),
                taints: Vec::new(),
                allocatable: Resources::new(1, 1),
                max_pods: 1,
                ready: true,
                unschedulable: false,
                deleting: false,
                fargate: false,
                do_not_disrupt: false,
                draining: false,
                annotations: Labels::new(),
                unready: Some(before),
                rate: None,
                created: before,
                usage,
                leaving: None,
                template: None,
            }],
            groups: vec![Group {
                name: "g".into(),
                uid: None,
                kind: GroupKind::Asg,
                min: 0,
                max: 1,
                desired: 1,
                launch: LaunchMode::Desired,
                instances: vec![Instance {
                    id: "i".into(),
                    instance_type: None,
                    zone: None,
                    state: InstanceState::InService,
                    launched: Some(before),
                }],
                labels: Labels::new(),
                taints: Vec::new(),
                fargate_selectors: Vec::new(),
                foreign: None,
                rolling: None,
                options: GroupOptions::default(),
            }],
            workloads: vec![Workload {
                key: WorkloadKey::new("Deployment", "ns", "w"),
                replicas: 1,
                ready: 1,
                template: None,
                owned_by: None,
                annotations: Labels::new(),
                generation: 1,
                selector: LabelSelector::default(),
                metrics: vec![Metric {
                    name: "cpu".to_owned(),
                    milli: 1,
                    at: before,
                    pods: 1,
                }],
            }],
            autoscalers: vec![Autoscaler {
                lease: Some(Lease {
                    name: "kube-system/cluster-autoscaler".to_owned(),
                    holder: "a".to_owned(),
                    renewed: before,
                    lasts: Span::from_secs(15),
                }),
                told: Some(before),
                ..Autoscaler::new(AutoscalerKind::ClusterAutoscaler)
            }],
            ..Snapshot::default()
        }
    }

    #[test]
    fn a_picture_told_by_another_clock_keeps_every_age() {
        let (wall, ours) = (Instant(1_007_200_000), Instant(1_000_000_000));
        let mut seen = picture(wall);
        seen.tell_by(ours);
        assert_eq!(seen, picture(ours));
        // Two readings of clocks that agree leave the times of things as they were written.
        seen.tell_by(ours + Span::from_millis(999));
        assert_eq!(seen.at, ours + Span::from_millis(999));
        assert_eq!(seen.pods, picture(ours).pods);
    }
}
