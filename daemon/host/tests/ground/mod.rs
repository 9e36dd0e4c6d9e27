//! A small cluster in which every hook of scaler and placement has something to say.

use decide::SCALE_ANNOTATION;
use model::group::{FargateSelector, Group, GroupKind, GroupOptions, LaunchMode};
use model::ids::{GroupName, OfferId, PodKey, WorkloadKey};
use model::money::UsdPerHour;
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::pod::{Pod, PodPhase, PodSpec};
use model::resources::{MIB, Resources};
use model::selector::{LabelSelector, Labels};
use model::snapshot::{Freshness, Snapshot, Source};
use model::time::{Instant, Span};
use model::workload::{Metric, Workload};
use std::sync::Arc;

/// 2026-11-02 (a Monday) 09:30 UTC.
pub(crate) const NOW: Instant = Instant(1_793_611_800_000);

/// Waiting Jobs and Deployments of many sizes, Fargate and two types of EC2 for them, a workload to be scaled.
pub(crate) fn cluster() -> Snapshot {
    let mut seen = Snapshot {
        at: NOW,
        cycle: 42,
        seed: 7,
        cluster: "sample".to_owned(),
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
        .into_iter()
        .map(|source| (source, Freshness::Live))
        .collect(),
        groups: vec![
            group("fargate", GroupKind::FargateProfile),
            group("workers", GroupKind::Simulated),
        ],
        offers: offers(),
        ..Snapshot::default()
    };
    for n in 0..40_u32 {
        let kind = if n.is_multiple_of(3) { "Job" } else { "Deployment" };
        seen.specs.push(Arc::new(PodSpec {
            namespace: "shop".to_owned(),
            requests: Resources::new(i64::from(100 + n % 8 * 50), i64::from(128 + n % 5 * 256) * MIB),
            owner: Some(WorkloadKey::new(kind, "shop", format!("app-{n}"))),
            ..PodSpec::default()
        }));
        for pod in 0..=n % 4 {
            seen.pods.push(Pod {
                key: PodKey::new("shop", format!("app-{n}-{pod}")),
                spec: n,
                node: None,
                phase: PodPhase::Pending,
                created: NOW - Span::from_secs(300),
                usage: None,
                nominated: None,
                deletion_cost: 0,
                started: None,
            });
        }
    }
    seen.workloads.push(Workload {
        key: WorkloadKey::new("Deployment", "shop", "app-1"),
        replicas: 2,
        ready: 2,
        template: Some(1),
        owned_by: None,
        annotations: Labels::from([(SCALE_ANNOTATION.to_owned(), "cpu=60%".to_owned())]),
        generation: 1,
        selector: LabelSelector::default(),
        metrics: vec![Metric {
            name: "cpu".to_owned(),
            milli: 290_000,
            at: NOW - Span::from_secs(15),
            pods: 2,
        }],
    });
    seen.sort();
    seen
}

fn group(name: &str, kind: GroupKind) -> Group {
    let fargate = kind == GroupKind::FargateProfile;
    Group {
        name: GroupName::new(name),
        uid: None,
        kind,
        min: 0,
        max: if fargate { 0 } else { 50 },
        desired: 0,
        launch: LaunchMode::Direct,
        instances: Vec::new(),
        labels: Labels::new(),
        taints: Vec::new(),
        fargate_selectors: if fargate {
            vec![FargateSelector {
                namespace: "shop".to_owned(),
                labels: LabelSelector::default(),
            }]
        } else {
            Vec::new()
        },
        foreign: None,
        rolling: None,
        options: GroupOptions::default(),
    }
}

fn offers() -> Vec<Offer> {
    let fargate = [(250, 512), (500, 1024), (500, 2048), (1000, 3072)].map(|(cpu_milli, memory_mib)| Offer {
        id: OfferId::new(format!("fargate/{cpu_milli}m/{memory_mib}Mi")),
        group: 0,
        kind: OfferKind::Fargate {
            cpu_milli,
            memory_mib,
        },
        price: UsdPerHour(cpu_milli * 40_480 + memory_mib * 4_340),
        interruptions: None,
        confidence: Confidence::Listed,
        allocatable: Resources::new(cpu_milli, (memory_mib - 256) * MIB),
        max_pods: 1,
        labels: Labels::new(),
    });
    let ec2 = [
        ("m.large", 1930, 7000, 86_400_000),
        ("m.xlarge", 3920, 14_500, 172_800_000),
    ]
    .map(|(instance_type, cpu, mib, price)| Offer {
        id: OfferId::new(format!("workers:{instance_type}/a/on-demand")),
        group: 1,
        kind: OfferKind::Ec2 {
            instance_type: instance_type.to_owned(),
            zone: "a".to_owned(),
            purchase: Purchase::OnDemand,
            arch: "amd64".to_owned(),
        },
        price: UsdPerHour(price),
        interruptions: None,
        confidence: Confidence::Listed,
        allocatable: Resources::new(cpu, mib * MIB),
        max_pods: 58,
        labels: Labels::new(),
    });
    fargate.into_iter().chain(ec2).collect()
}
