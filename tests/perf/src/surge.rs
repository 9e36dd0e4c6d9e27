//! S3: what Cluster Autoscaler's benchmarks measure, and surges of our own.
//!
//! The peer's inputs are told by their numbers in its benchmarks: pods and nodes are alike, a node holds a hundred pods.

use crate::catalogue::{self, Catalogue};
use crate::karpenter;
use crate::measure;
use crate::running;
use crate::snapshot::{self, add_spec};
use crate::suite::{self, Figures, Part, Peer, Row, Seeds, Try, Wanted};
use crate::workload::Source;
use anyhow::{Context, Result, bail};
use manifest::{ARCH, HOSTNAME, INSTANCE_TYPE, OS, ZONE, fleet_group};
use model::group::LaunchMode;
use model::offer::{Confidence, OfferKind, Purchase};
use model::pod::{Near, NearRule, NodeInclusion, PodPhase};
use model::selector::{LabelSelector, Labels, Operator, Requirement};
use model::{
    Aims, Group, GroupKind, GroupName, NodeName, Offer, OfferId, Plan, Pod, PodKey, PodSpec, Resources,
    Snapshot, UsdPerHour, WorkloadKey,
};

use std::collections::BTreeMap;

/// Cluster Autoscaler core `33c3f97bf274`, best setting, in seconds.
mod peer {
    /// Binpacking of 51,000 pods, fast path.
    pub(super) const BINPACKING: f64 = 0.0237;
    /// 2,000 pods that want each other off their nodes, fast path.
    pub(super) const APART: f64 = 0.0054;
    /// 2,000 pods spread over nodes; the fast path never applies.
    pub(super) const SPREAD: f64 = 0.586;
    /// 50,000 pods that nobody owns.
    pub(super) const BARE: f64 = 9.31;
    /// 50,000 pods of 50 owners, ten equal groups, fast path.
    pub(super) const GROUPS: f64 = 33.1;
}

/// The rows.
pub fn rows() -> Vec<Row> {
    let nodes = |wanted: Wanted, nodes| Wanted {
        nodes: Some(nodes),
        ..wanted
    };
    vec![
        row(
            "51,000 pods of two kinds",
            nodes(Wanted::within(10.0), 2595),
            |_| against(&binpacking(), peer::BINPACKING),
        ),
        row(
            "2,000 pods apart by hostname",
            nodes(Wanted::within(2.0), 2000),
            |_| against(&near(NearRule::Apart), peer::APART),
        ),
        row(
            "2,000 pods spread by hostname",
            nodes(Wanted::nothing(), 667),
            |_| against(&near(NearRule::Spread { skew: 1, domains: 1 }), peer::SPREAD),
        ),
        row("50,000 pods of nobody", nodes(Wanted::nothing(), 1000), |_| {
            against(&owned(0, 1), peer::BARE)
        }),
        row(
            "50,000 pods, 50 ReplicaSets × 10 groups",
            nodes(Wanted::within(250.0), 1000),
            |_| against(&owned(50, 10), peer::GROUPS),
        ),
        row(
            "50,000 pods in 50 groups apart by hostname, onto 5,000 nodes",
            Wanted::nothing(),
            surge,
        ),
        row(
            "0 → k8smix (synthetic) 30000 all, 3 zones",
            Wanted::nothing(),
            from_nothing,
        ),
        row(
            "k8smix (synthetic) +9000 on 1,000 nodes 70 % full",
            Wanted::nothing(),
            onto_full,
        ),
    ]
}

fn row(name: &str, wanted: Wanted, run: impl Fn(Seeds) -> Result<Figures> + 'static) -> Row {
    Row {
        name: name.to_owned(),
        part: Part::Surge,
        wanted,
        run: Box::new(run),
    }
}

fn against(seen: &Snapshot, seconds: f64) -> Result<Figures> {
    let mut figures = alone(seen)?;
    let taken = figures.tries.first().context("one try")?.taken;
    figures.peer = Some(Peer {
        name: "Cluster Autoscaler".to_owned(),
        faster: karpenter::times(seconds, &taken),
        cheaper: None,
    });
    Ok(figures)
}

fn alone(seen: &Snapshot) -> Result<Figures> {
    let aims = Aims::default();
    let (taken, done) = measure::best(|| suite::decide(seen, &aims));
    apart_by_hostname(seen, &done.plan)?;
    let housed: usize = done.plan.existing.iter().map(|(_, pods)| pods.len()).sum();
    let mut beside = Vec::new();
    if !seen.nodes.is_empty() {
        beside.push(format!("{housed} of them on nodes that are there"));
    }
    Ok(Figures {
        tries: vec![Try::of_ruled(taken, seen, &aims, &done)?],
        beside,
        ..Figures::default()
    })
}

/// Holds the one rule these pods have, about their like on their own node, against a plan.
fn apart_by_hostname(seen: &Snapshot, plan: &Plan) -> Result<()> {
    let bought = plan.nodes.iter().map(|node| (&node.name, &node.pods));
    let there = plan.existing.iter().map(|(node, pods)| (node, pods));
    for (node, pods) in bought.chain(there) {
        let specs = pods.iter().filter_map(|pod| Some(seen.pod(pod)?.spec));
        let mut alike: BTreeMap<u32, u32> = BTreeMap::new();
        for spec in specs {
            *alike.entry(spec).or_insert(0) += 1;
        }
        for (spec, many) in alike {
            let rules = &seen.spec(spec).near;
            // Of a spread, the node that holds fewest holds two.
            let most = rules
                .iter()
                .map(|near| if near.rule == NearRule::Apart { 1 } else { 3 });
            if let Some(most) = most.min().filter(|most| many > *most) {
                bail!("{node} holds {many} alike, at most {most}");
            }
        }
    }
    Ok(())
}

/// A cluster without nodes whose groups all sell one shape, for a dollar an hour.
fn one_shape(groups: u32, most: u32, shape: &Resources) -> Snapshot {
    let mut seen = snapshot::bare();
    for ix in 0..groups {
        let name = format!("group-{ix}");
        let labels = [
            (INSTANCE_TYPE, "shape"),
            (ARCH, "amd64"),
            (OS, "linux"),
            (ZONE, "zone-1"),
        ];
        seen.offers.push(Offer {
            id: OfferId::new(format!("shape/zone-1/{name}")),
            group: ix,
            kind: OfferKind::Ec2 {
                instance_type: "shape".to_owned(),
                zone: "zone-1".to_owned(),
                purchase: Purchase::OnDemand,
                arch: "amd64".to_owned(),
            },
            price: UsdPerHour(1_000_000_000),
            interruptions: None,
            confidence: Confidence::Listed,
            allocatable: shape.clone(),
            max_pods: 100,
            labels: labels
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
        });
        seen.groups.push(Group {
            name: GroupName::new(name),
            kind: GroupKind::Asg,
            max: most,
            launch: LaunchMode::Desired,
            ..fleet_group()
        });
    }
    seen
}

/// Pods of a spec that wait.
fn wait(seen: &mut Snapshot, prefix: &str, many: usize, spec: PodSpec) {
    let spec = add_spec(seen, spec);
    seen.pods.extend((0..many).map(|n| Pod {
        key: PodKey::new("default", format!("{prefix}-{n}")),
        spec,
        node: None,
        phase: PodPhase::Pending,
        created: seen.at,
        usage: None,
        nominated: None,
        deletion_cost: 0,
        started: None,
    }));
}

fn asks(cpu_milli: i64, memory_bytes: i64) -> PodSpec {
    PodSpec {
        namespace: "default".to_owned(),
        requests: Resources::new(cpu_milli, memory_bytes),
        ..PodSpec::default()
    }
}

/// `BenchmarkBinpackingEstimate`: 50,000 small pods and 1,000 larger ones, at most 3,000 nodes.
fn binpacking() -> Snapshot {
    let mut seen = one_shape(1, 3000, &Resources::new(1000, 5000));
    wait(&mut seen, "small", 50_000, asks(50, 100));
    wait(&mut seen, "larger", 1_000, asks(95, 190));
    seen.sort();
    seen
}

/// 2,000 pods with one rule about themselves and their nodes. For the spread there is a node that holds two of them and
/// no more, so that no other may hold four.
fn near(rule: NearRule) -> Snapshot {
    let mut seen = one_shape(1, 3000, &Resources::new(1000, 5000));
    if rule != NearRule::Apart {
        let small = Offer {
            allocatable: Resources::new(100, 200),
            ..seen.offers[0].clone()
        };
        let node = running::node(&seen, &NodeName::new("old"), &GroupName::new("group-0"), &small);
        running::add(&mut seen, node);
    }
    wait(
        &mut seen,
        "pod",
        2_000,
        with_rule(asks(50, 100), "estimatee", rule),
    );
    seen.sort();
    seen
}

/// The spec with a label of its own and a rule about it, by hostname.
fn with_rule(spec: PodSpec, app: &str, rule: NearRule) -> PodSpec {
    let requirement = Requirement {
        key: "app".to_owned(),
        operator: Operator::In(vec![app.to_owned()]),
    };
    PodSpec {
        labels: Labels::from([("app".to_owned(), app.to_owned())]),
        near: vec![Near {
            key: HOSTNAME.to_owned(),
            selector: LabelSelector {
                requirements: vec![requirement],
            },
            namespaces: Some(vec!["default".to_owned()]),
            namespace_selector: None,
            nodes: NodeInclusion::default(),
            rule,
        }],
        ..spec
    }
}

/// `BenchmarkRunOnceScaleUp`: 50,000 pods, fifty to a node; of so many ReplicaSets (none: of nobody).
fn owned(owners: usize, groups: u32) -> Snapshot {
    let mut seen = one_shape(groups, 10_000, &Resources::new(10_000, 10_000));
    for owner in 0..owners.max(1) {
        let name = format!("set-{owner:02}");
        let spec = PodSpec {
            owner: (owners > 0).then(|| WorkloadKey::new("ReplicaSet", "default", &*name)),
            ..asks(200, 200)
        };
        wait(&mut seen, &name, 50_000 / owners.max(1), spec);
    }
    seen.sort();
    seen
}

const GIB: i64 = 1 << 30;

/// So many nodes of a usual type, each with one pod that fills it to a share in percent.
fn usual_nodes(many: usize, percent: i64) -> Result<Snapshot> {
    let offers = Catalogue::up_to(64).offers(&catalogue::prices()?);
    let mut seen = snapshot::empty(offers);
    let usual = seen
        .offers
        .iter()
        .find(|offer| offer.instance_type() == Some("m6a.4xlarge"));
    let usual = usual.context("m6a.4xlarge is not on the list")?.clone();
    let part = |whole: i64| whole / 100 * percent;
    let share = asks(
        part(usual.allocatable.cpu_milli),
        part(usual.allocatable.memory_bytes),
    );
    let spec = add_spec(&mut seen, share);
    let group = seen.groups[0].name.clone();
    for n in 0..many {
        let name = NodeName::new(format!("there-{n:05}"));
        let node = running::node(&seen, &name, &group, &usual);
        running::add(&mut seen, node);
        running::stand(&mut seen, format!("filling-{n:05}"), spec, &name);
    }
    Ok(seen)
}

/// Fifty workloads of a thousand replicas, each pod of which wants a node without its like, come upon 5,000 nodes that
/// have two fifths of their room left: what does not fit there is bought for.
fn surge(_: Seeds) -> Result<Figures> {
    let mut seen = usual_nodes(5_000, 60)?;
    for of in 0..50 {
        let name = format!("surge-{of:02}");
        let cpu = [250, 500, 750, 1000, 1500][of % 5];
        let memory = [1, 2, 4][of % 3] * GIB * cpu / 1000;
        wait(
            &mut seen,
            &name,
            1_000,
            with_rule(asks(cpu, memory), &name, NearRule::Apart),
        );
    }
    seen.sort();
    alone(&seen)
}

/// 30,000 pods wait in an empty cluster of three zones.
fn from_nothing(seeds: Seeds) -> Result<Figures> {
    let mut prices = catalogue::prices()?;
    for row in &mut prices.rows {
        row.zones = ["use1-az1", "use1-az2", "use1-az4"].map(str::to_owned).into();
    }
    let offers = Catalogue::all().offers(&prices);
    let seed = seeds.each().next().context("no seed")?;
    alone(&snapshot::waiting(&Source::K8smix.draw(30_000, seed)?, offers))
}

/// 9,000 pods come upon 1,000 nodes that have three tenths of their room left.
fn onto_full(seeds: Seeds) -> Result<Figures> {
    let mut seen = usual_nodes(1_000, 70)?;
    let seed = seeds.each().next().context("no seed")?;
    for (at, (cpu, memory, many)) in Source::K8smix.draw(9_000, seed)?.into_iter().enumerate() {
        wait(
            &mut seen,
            &format!("more-{at:03}"),
            many as usize,
            asks(cpu, memory),
        );
    }
    seen.sort();
    alone(&seen)
}
