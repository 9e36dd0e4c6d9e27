//! Small clusters for tests, built by hand.

use crate::policy::{Advised, Policy, PolicyEntry, PolicySet, View};
use model::advice::{Advice, Hook, PolicyFault, PolicyMode};
use model::aims::Aims;
use model::fargate::{FargateRates, FargateSize};
use model::group::{Group, GroupKind, GroupOptions, Instance, InstanceState, LaunchMode};
use model::ids::{GroupName, InstanceId, IntentId, NodeName, OfferId, PodKey, PolicyName, WorkloadKey};
use model::intent::{Intent, IntentKind, RemoveStage};
use model::memory::Memory;
use model::money::UsdPerHour;
use model::node::Node;
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::pod::{Pod, PodPhase, PodSpec};
use model::resources::{MIB, Resources};
use model::selector::{LabelSelector, Labels};
use model::snapshot::{Freshness, Snapshot, Source};
use model::standing::PolicyScope;
use model::time::{Instant, Span};
use model::workload::Workload;
use std::sync::Arc;

/// The time of every fixture.
pub(crate) const NOW: Instant = Instant(1_700_000_000_000);
/// Long before.
pub(crate) const OLD: Instant = Instant(1_600_000_000_000);

/// A snapshot under construction.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) seen: Snapshot,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let sources = [
            Source::Pods,
            Source::Nodes,
            Source::Workloads,
            Source::Budgets,
            Source::Load,
            Source::Metrics,
            Source::Groups,
            Source::Offers,
        ];
        Self {
            seen: Snapshot {
                at: NOW,
                cycle: 7,
                sources: sources.into_iter().map(|s| (s, Freshness::Live)).collect(),
                ..Snapshot::default()
            },
        }
    }

    /// A group of this name with room to grow.
    pub(crate) fn group(mut self, name: &str, desired: u32, max: u32) -> Self {
        self.seen
            .groups
            .push(group(name, GroupKind::Simulated, desired, max));
        self
    }

    /// A Fargate profile that selects a namespace, with all sizes.
    pub(crate) fn profile(mut self, name: &str, namespace: &str) -> Self {
        let mut profile = group(name, GroupKind::FargateProfile, 0, 0);
        profile.fargate_selectors.push(model::group::FargateSelector {
            namespace: namespace.into(),
            labels: LabelSelector::default(),
        });
        self.seen.groups.push(profile);
        let ix = self.seen.groups.len() - 1;
        for size in FargateSize::all() {
            let FargateSize {
                cpu_milli,
                memory_mib,
            } = size;
            self.seen.offers.push(Offer {
                id: OfferId::new(format!("{name}/{cpu_milli}m/{memory_mib}Mi")),
                group: u32::try_from(ix).unwrap(),
                kind: OfferKind::Fargate {
                    cpu_milli,
                    memory_mib,
                },
                price: FargateRates::US_EAST_1.of(size),
                interruptions: None,
                confidence: Confidence::Listed,
                allocatable: Resources::new(cpu_milli, (memory_mib - 256) * MIB),
                max_pods: 1,
                labels: Labels::new(),
            });
        }
        self
    }

    /// An offer of the group named, in two zones.
    #[expect(clippy::too_many_arguments, reason = "one row of a table of offers")]
    pub(crate) fn offer(mut self, group: &str, kind: &str, cpu: i64, mib: i64, nanos: i64) -> Self {
        let ix = self
            .seen
            .groups
            .iter()
            .position(|g| g.name.as_str() == group)
            .unwrap();
        for zone in ["a", "b"] {
            let labels = Labels::from([
                ("topology.kubernetes.io/zone".to_owned(), zone.to_owned()),
                ("node.kubernetes.io/instance-type".to_owned(), kind.to_owned()),
                ("group".to_owned(), group.to_owned()),
            ]);
            self.seen.offers.push(Offer {
                id: OfferId::new(format!("{group}:{kind}/{zone}/on-demand")),
                group: u32::try_from(ix).unwrap(),
                kind: OfferKind::Ec2 {
                    instance_type: kind.into(),
                    zone: zone.into(),
                    purchase: Purchase::OnDemand,
                    arch: "amd64".into(),
                },
                price: UsdPerHour(nanos),
                interruptions: None,
                confidence: Confidence::Listed,
                allocatable: Resources::new(cpu, mib * MIB),
                max_pods: 110,
                labels,
            });
        }
        self
    }

    /// Changes the last offers added.
    pub(crate) fn last_offers(mut self, change: impl Fn(&mut Offer)) -> Self {
        let from = self.seen.offers.len() - 2;
        self.seen.offers[from..].iter_mut().for_each(change);
        self
    }

    /// A Ready node bought by the group's offer of that type in zone a.
    pub(crate) fn node(mut self, name: &str, group: &str, kind: &str) -> Self {
        let id = OfferId::new(format!("{group}:{kind}/a/on-demand"));
        join(&mut self.seen, &NodeName::new(name), &id);
        self
    }

    /// Changes the last node added.
    pub(crate) fn last_node(mut self, change: impl FnOnce(&mut Node)) -> Self {
        change(self.seen.nodes.last_mut().unwrap());
        self
    }

    fn spec_ix(&mut self, spec: PodSpec) -> u32 {
        let at = self
            .seen
            .specs
            .iter()
            .position(|s| **s == spec)
            .unwrap_or_else(|| {
                self.seen.specs.push(Arc::new(spec));
                self.seen.specs.len() - 1
            });
        u32::try_from(at).unwrap()
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

    /// A workload with a template.
    pub(crate) fn workload(mut self, kind: &str, name: &str, replicas: u32, spec: PodSpec) -> Self {
        let ix = self.spec_ix(spec);
        self.seen.workloads.push(Workload {
            key: WorkloadKey::new(kind, "default", name),
            replicas,
            ready: replicas,
            template: Some(ix),
            owned_by: None,
            annotations: Labels::new(),
            generation: 1,
            selector: LabelSelector::default(),
            metrics: Vec::new(),
        });
        self
    }

    /// Changes the last workload added.
    pub(crate) fn last_workload(mut self, change: impl FnOnce(&mut Workload)) -> Self {
        change(self.seen.workloads.last_mut().unwrap());
        self
    }

    /// The finished snapshot.
    pub(crate) fn seen(mut self) -> Snapshot {
        self.seen.sort();
        self.seen
    }

    /// Deliberates without policies, memory or aims.
    pub(crate) fn deliberate(self) -> (Snapshot, crate::Deliberation) {
        let seen = self.seen();
        let policies = PolicySet::default();
        let done = crate::deliberate(&seen, &Memory::default(), &policies, &Aims::default());
        (seen, done)
    }
}

/// The removal `3-0` of a node of group `g`, begun now.
pub(crate) fn removal(node: &str, stage: RemoveStage) -> Intent {
    Intent {
        id: IntentId::new("3-0"),
        kind: IntentKind::Remove {
            group: "g".into(),
            node: node.into(),
            instance: InstanceId::new(format!("i-{node}")),
            stage,
            after: Vec::new(),
            gone: None,
        },
        opened: NOW,
        deadline: NOW + Span::from_secs(1800),
        generation: 1,
    }
}

/// Adds a Ready node that was bought by this offer long ago, and its instance.
pub(crate) fn join(seen: &mut Snapshot, name: &NodeName, id: &OfferId) {
    let offer = seen.offers.iter().find(|offer| offer.id == *id).unwrap().clone();
    let OfferKind::Ec2 {
        instance_type, zone, ..
    } = offer.kind
    else {
        panic!("{id} is no node's");
    };
    let group = &mut seen.groups[offer.group as usize];
    let instance = InstanceId::new(format!("i-{name}"));
    group.instances.push(Instance {
        id: instance.clone(),
        instance_type: Some(instance_type),
        zone: Some(zone),
        state: InstanceState::InService,
        launched: Some(OLD),
    });
    let mut labels = offer.labels;
    labels.insert(fit::HOSTNAME.to_owned(), name.to_string());
    seen.nodes.push(Node {
        name: name.clone(),
        group: Some(group.name.clone()),
        instance: Some(instance),
        offer: Some(offer.id),
        labels,
        taints: Vec::new(),
        allocatable: offer.allocatable,
        max_pods: offer.max_pods,
        ready: true,
        unschedulable: false,
        deleting: false,
        fargate: false,
        do_not_disrupt: false,
        draining: false,
        annotations: Labels::new(),
        unready: None,
        rate: None,
        created: OLD,
        usage: None,
        leaving: None,
        template: None,
    });
}

fn group(name: &str, kind: GroupKind, desired: u32, max: u32) -> Group {
    Group {
        name: GroupName::new(name),
        uid: None,
        kind,
        min: 0,
        max,
        desired,
        launch: LaunchMode::Direct,
        instances: Vec::new(),
        labels: Labels::new(),
        taints: Vec::new(),
        fargate_selectors: Vec::new(),
        foreign: None,
        rolling: None,
        options: GroupOptions::default(),
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
        created: OLD,
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

type Answer = dyn Fn(&View<'_>) -> Result<Advice, PolicyFault> + Send + Sync;

/// A native policy that answers by a closure.
pub(crate) struct Scripted {
    hook: [Hook; 1],
    answer: Box<Answer>,
}

impl Policy for Scripted {
    fn hooks(&self) -> &[Hook] {
        &self.hook
    }

    fn advise(&self, view: &View<'_>, _: &[u8]) -> Advised {
        Advised {
            answer: (self.answer)(view),
            fuel: 0,
            log: Vec::new(),
            kept: None,
        }
    }
}

/// A policy entry that answers one hook.
pub(crate) fn policy(
    name: &str,
    hook: Hook,
    mode: PolicyMode,
    answer: impl Fn(&View<'_>) -> Result<Advice, PolicyFault> + Send + Sync + 'static,
) -> PolicyEntry {
    PolicyEntry {
        name: PolicyName::new(name),
        digest: String::new(),
        mode,
        scope: PolicyScope::default(),
        policy: Arc::new(Scripted {
            hook: [hook],
            answer: Box::new(answer),
        }),
    }
}

/// Policies in this order.
pub(crate) fn set(entries: Vec<PolicyEntry>) -> PolicySet {
    PolicySet { entries }
}
