//! Namespaces whose owner means harm: ten thousand pods in shapes that fold into as many classes as there are pods, beside
//! neighbours who only want their pods placed.
//!
//! Each shape runs in a process of its own, so that its peak of memory is its own: what a cycle's deliberation takes, how
//! many of the neighbours' pods have a place after it, and what is bought for the hostile namespace. Not here: what it
//! takes to read such objects from an API server (the test `tenants`).

use crate::catalogue::{self, Catalogue};
use crate::measure;
use crate::running;
use crate::snapshot::{self, add_spec};
use crate::suite;
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use model::pod::{HostPort, Near, NearRule, PodPhase, Preference, Toleration};
use model::selector::{LabelSelector, Labels, NodeTerm, Operator, Requirement};
use model::{Aims, NodeName, Pod, PodKey, PodSpec, Resources, Snapshot, UsdPerHour, Workload, WorkloadKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Instant;

/// Namespace of the hostile pods.
pub const HOSTILE: &str = "hostile";
const ZONES: [&str; 3] = ["use1-az1", "use1-az2", "use1-az4"];
const ZONE: &str = "topology.kubernetes.io/zone";
const NODES: usize = 300;
const NEIGHBOURS: usize = 10;
const GIB: i64 = 1 << 30;

/// What the hostile pods are like: no two of them are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// Requests of their own.
    Requests,
    /// Spread over zones, each by a label of its own.
    Spread,
    /// Apart from their like by node, each by a label of its own.
    Apart,
    /// Apart by zone, each by a label of its own.
    ApartByZone,
    /// Together with their like by node.
    Together,
    /// Each apart from all the others of the namespace, with requests of their own.
    ApartFromAll,
    /// Selectors that no node matches.
    Selectors,
    /// Tolerations of their own.
    Tolerations,
    /// A hundred preferences each.
    Preferences,
    /// Ports of the host.
    Ports,
    /// Priorities of their own, above everybody.
    Priorities,
    /// A hundred terms of node affinity each.
    Terms,
    /// They run, each apart from its like by a label of its own.
    Standing,
    /// They run, each spread over zones by a label of its own, and half of the nodes are half empty.
    StandingSpread,
    /// Five hundred Deployments that want two million replicas each.
    Replicas,
    /// Ordinary pods that are many and large.
    Many,
}

/// Hostile namespaces.
#[derive(Args, Debug)]
pub struct Hostile {
    /// Only this shape, in this very process.
    #[arg(long)]
    shape: Option<Shape>,
    /// Pods of the hostile namespace.
    #[arg(long, default_value_t = 10_000)]
    pods: usize,
}

/// What a shape did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Harm {
    /// Seconds of the deliberation.
    pub seconds: f64,
    /// MiB that were there before it, with the Snapshot.
    pub before: f64,
    /// Peak of memory, in MiB.
    pub peak: f64,
    /// Pods of neighbours that wait, and how many of them have a place.
    pub neighbours: (usize, usize),
    /// Hostile pods that have a place.
    pub placed: usize,
    /// Nodes bought on which hostile pods stand.
    pub nodes: usize,
    /// Dollars per hour of those.
    pub dollars: f64,
}

/// Runs the shapes.
#[expect(clippy::print_stdout, reason = "the table is the result")]
pub fn run(args: &Hostile) -> Result<()> {
    if let Some(shape) = args.shape {
        let harm = harm(shape, args.pods)?;
        println!("{}", serde_json::to_string(&harm)?);
        return Ok(());
    }
    println!(
        "| shape | cycle s | before MiB | peak MiB | neighbours placed | hostile placed | nodes | $/h |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for shape in Shape::value_variants() {
        let name = shape.to_possible_value().context("a shape without a name")?;
        let ours = std::env::current_exe()?;
        let mut child = std::process::Command::new(&ours);
        child.args(["hostile", "--shape", name.get_name()]);
        child.args(["--pods", &args.pods.to_string()]);
        let done = child.output().with_context(|| ours.display().to_string())?;
        let said = String::from_utf8_lossy(&done.stderr);
        let harm: Harm = serde_json::from_slice(&done.stdout).with_context(|| said.trim().to_owned())?;
        println!(
            "| {} | {:.2} | {:.0} | {:.0} | {} of {} | {} | {} | {:.2} |",
            name.get_name(),
            harm.seconds,
            harm.before,
            harm.peak,
            harm.neighbours.1,
            harm.neighbours.0,
            harm.placed,
            harm.nodes,
            harm.dollars
        );
    }
    Ok(())
}

fn harm(shape: Shape, pods: usize) -> Result<Harm> {
    let mut seen = neighbourhood()?;
    settle_in(&mut seen, shape, pods);
    seen.sort();
    let before = measure::mib(measure::resident());
    let began = Instant::now();
    let done = suite::decide(&seen, &Aims::default());
    let seconds = began.elapsed().as_secs_f64();
    let peak = measure::mib(measure::peak());
    let mut placed: BTreeSet<&PodKey> = done.plan.existing.iter().flat_map(|(_, pods)| pods).collect();
    placed.extend(done.plan.nodes.iter().flat_map(|node| &node.pods));
    let hostile = |pod: &PodKey| &*pod.namespace == HOSTILE;
    let waiting = seen
        .pods
        .iter()
        .filter(|pod| pod.node.is_none() && !hostile(&pod.key));
    let waiting: Vec<&PodKey> = waiting.map(|pod| &pod.key).collect();
    let theirs = done
        .plan
        .nodes
        .iter()
        .filter(|node| node.pods.iter().any(hostile));
    let rates = theirs.filter_map(|node| seen.offers.iter().find(|offer| offer.id == node.offer));
    let rates: Vec<UsdPerHour> = rates.map(|offer| offer.price).collect();
    Ok(Harm {
        seconds,
        before,
        peak,
        neighbours: (
            waiting.len(),
            waiting.iter().filter(|pod| placed.contains(**pod)).count(),
        ),
        placed: placed.iter().filter(|pod| hostile(pod)).count(),
        nodes: rates.len(),
        dollars: rates.iter().map(|rate| rate.dollars()).sum(),
    })
}

/// Three hundred nodes in three zones, half full of the pods of ten neighbours, each of whom has thirty pods that wait.
fn neighbourhood() -> Result<Snapshot> {
    let mut prices = catalogue::prices()?;
    for row in &mut prices.rows {
        row.zones = ZONES.map(str::to_owned).to_vec();
    }
    let mut seen = snapshot::empty(Catalogue::up_to(16).offers(&prices));
    let group = seen.groups[0].name.clone();
    let usual = seen
        .offers
        .iter()
        .filter(|offer| offer.instance_type() == Some("m6a.2xlarge"));
    let usual: Vec<_> = usual.cloned().collect();
    let specs: Vec<u32> = (0..NEIGHBOURS)
        .map(|of| add_spec(&mut seen, neighbour(of)))
        .collect();
    for n in 0..NODES {
        let offer = usual
            .get(n % usual.len())
            .context("m6a.2xlarge is not on the list")?;
        let name = NodeName::new(format!("there-{n:05}"));
        let node = running::node(&seen, &name, &group, offer);
        running::add(&mut seen, node);
        for pod in 0..4 {
            let of = (n + pod) % NEIGHBOURS;
            let key = PodKey::new(format!("shop-{of}"), format!("stands-{n:04}-{pod}"));
            let waiting = pod_of(&seen, key, specs[of]);
            seen.pods.push(Pod {
                node: Some(name.clone()),
                phase: PodPhase::Running,
                ..waiting
            });
        }
    }
    for (of, spec) in specs.iter().enumerate() {
        for n in 0..30 {
            let key = PodKey::new(format!("shop-{of}"), format!("waits-{n:04}"));
            let waiting = pod_of(&seen, key, *spec);
            seen.pods.push(waiting);
        }
    }
    Ok(seen)
}

fn neighbour(of: usize) -> PodSpec {
    let app = format!("shop-{of}");
    let cpu = [500, 750, 1000, 1500, 1900][of % 5];
    let mut spec = asks(&app, &app, cpu, cpu * GIB / 500);
    spec.owner = Some(WorkloadKey::new("ReplicaSet", &*app, "shop"));
    if of.is_multiple_of(3) {
        spec.near = vec![rule(&app, ZONE, NearRule::Spread { skew: 1, domains: 1 })];
    }
    spec
}

fn asks(namespace: &str, app: &str, cpu: i64, memory: i64) -> PodSpec {
    PodSpec {
        namespace: namespace.to_owned(),
        requests: Resources::new(cpu, memory),
        labels: Labels::from([("app".to_owned(), app.to_owned())]),
        ..PodSpec::default()
    }
}

fn rule(app: &str, key: &str, rule: NearRule) -> Near {
    let selector = LabelSelector {
        requirements: vec![Requirement::equal("app", app)],
    };
    Near::new(key.to_owned(), selector, None, rule)
}

fn pod_of(seen: &Snapshot, key: PodKey, spec: u32) -> Pod {
    Pod {
        key,
        spec,
        node: None,
        phase: PodPhase::Pending,
        created: seen.at,
        usage: None,
        nominated: None,
        deletion_cost: 0,
        started: None,
    }
}

/// The hostile pods come.
fn settle_in(seen: &mut Snapshot, shape: Shape, pods: usize) {
    if shape == Shape::Replicas {
        for of in 0..500 {
            workload(seen, of);
        }
        return;
    }
    let nodes: Vec<NodeName> = seen.nodes.iter().map(|node| node.name.clone()).collect();
    for of in 0..pods {
        let spec = add_spec(seen, hostile(shape, of));
        let mut pod = pod_of(seen, PodKey::new(HOSTILE, format!("p-{of:05}")), spec);
        if matches!(shape, Shape::Standing | Shape::StandingSpread) && of.is_multiple_of(4) {
            pod.node = nodes.get(of % nodes.len()).cloned();
            pod.phase = PodPhase::Running;
        }
        seen.pods.push(pod);
    }
}

fn workload(seen: &mut Snapshot, of: usize) {
    let template = add_spec(seen, hostile(Shape::Requests, of));
    seen.workloads.push(Workload {
        key: WorkloadKey::new("Deployment", HOSTILE, format!("d-{of:04}")),
        replicas: 2_000_000,
        ready: 0,
        template: Some(template),
        owned_by: None,
        annotations: Labels::new(),
        generation: 1,
        selector: LabelSelector::default(),
        metrics: Vec::new(),
    });
}

/// The spec of the hostile pod of this number.
fn hostile(shape: Shape, of: usize) -> PodSpec {
    let app = format!("h-{of}");
    let n = i64::try_from(of).unwrap_or(0);
    let own = asks(HOSTILE, &app, 500 + n % 900, (1024 + n / 900) << 20);
    let plain = || asks(HOSTILE, &app, 900, 2 * GIB);
    let ruled = |near: Near| PodSpec {
        near: vec![near],
        ..plain()
    };
    let spread = NearRule::Spread { skew: 1, domains: 1 };
    let host = manifest::HOSTNAME;
    match shape {
        Shape::Requests | Shape::Replicas => own,
        Shape::Spread | Shape::StandingSpread => ruled(rule(&app, ZONE, spread)),
        Shape::Apart | Shape::Standing => ruled(rule(&app, host, NearRule::Apart)),
        Shape::ApartByZone => ruled(rule(&app, ZONE, NearRule::Apart)),
        Shape::Together => ruled(rule(&app, host, NearRule::Together)),
        Shape::ApartFromAll => PodSpec {
            near: vec![Near {
                selector: LabelSelector::default(),
                namespaces: Some(vec![HOSTILE.to_owned()]),
                ..rule(&app, host, NearRule::Apart)
            }],
            ..own
        },
        Shape::Selectors => PodSpec {
            node_selector: Labels::from([(app.clone(), app.clone())]),
            ..plain()
        },
        Shape::Tolerations => PodSpec {
            tolerations: vec![Toleration {
                key: Some(app.clone()),
                value: None,
                effect: None,
            }],
            ..plain()
        },
        Shape::Preferences => PodSpec {
            prefers: (0..100)
                .map(|at| Preference {
                    term: term(&app, at),
                    weight: 1 + at % 100,
                })
                .collect(),
            ..plain()
        },
        Shape::Ports => PodSpec {
            host_ports: vec![HostPort {
                port: u16::try_from(1000 + of % 60_000).unwrap_or(1),
                protocol: "TCP".to_owned(),
                ip: String::new(),
            }],
            ..plain()
        },
        Shape::Priorities => PodSpec {
            priority: i32::try_from(1_000_000 + of).unwrap_or(0),
            ..plain()
        },
        Shape::Terms => PodSpec {
            node_affinity: Some((0..100).map(|at| term(&app, at)).collect()),
            ..plain()
        },
        Shape::Many => asks(HOSTILE, "h", 3_500, 12 * GIB),
    }
}

fn term(app: &str, at: i32) -> NodeTerm {
    NodeTerm {
        labels: vec![Requirement {
            key: format!("key-{at}"),
            operator: Operator::NotIn(vec![app.to_owned()]),
        }],
        fields: Vec::new(),
    }
}
