//! Tenants who mean harm, on a real API server: the daemon in the memory that the chart gives it, beside a neighbour whose
//! pods wait.
//!
//! For each shape of `shapes`: no kill by the kernel, a peak that stays clear of the limit, no node above the quota of the
//! namespace, and the neighbour's nodes are asked for as if nobody else were there. `PLIMSOLL_TENANTS=10000` runs all shapes
//! (those of `PLIMSOLL_SHAPES=Ports,Terms`) with so many pods each and, with `PLIMSOLL_STRICT=1`, holds the neighbour to twice its time and a cycle to 3 s; without
//! it, three shapes with 600. Nobody binds pods here: what counts is when their nodes are asked for. Not here: what takes
//! the time of a cycle (`perf hostile`), other people's limits (`limits`).

#![expect(clippy::print_stdout, reason = "the figures of the run")]

mod shapes;

use plimsoll_tests::cluster::{Api, Cluster};
use plimsoll_tests::daemon::Daemon;
use plimsoll_tests::wait::eventually;
use plimsoll_tests::{Result, skip, story, tools};
use proto::v1::ListCyclesRequest;
use serde_json::{Value, json};
use shapes::{HOSTILE, POOL, SHAPES, Shape};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The neighbour's namespace.
const SHOP: &str = "shop";
/// Its pods, two to a node.
const WAITING: usize = 20;
/// How often they come; the median counts.
const WAVES: usize = 3;
/// Nodes that the hostile namespace may take.
const QUOTA: usize = 10;
/// What the daemon should stay within, of the 512 MiB that it has.
const WITHIN: u64 = 384 << 20;
/// Longest cycle, milliseconds.
const CYCLE: i64 = 3000;
/// Label of kwok's nodes.
const GROUP: &str = "plimsoll.io/group";
/// Objects that are created at once.
const TOGETHER: usize = 24;
/// How long labels change before the neighbour comes.
const CHANGING: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_mins(2);

/// What one run showed.
struct Harm {
    peak: u64,
    kills: u64,
    longest: i64,
    placed: Duration,
    bought: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_namespace_harms_nobody_else() {
    if !story::can_be_told("tenants", [tools::testcluster(), tools::kubectl_helm()]) {
        return;
    }
    if let Err(error) = tell().await {
        panic!("{error}");
    }
}

async fn tell() -> Result<()> {
    let asked = std::env::var("PLIMSOLL_TENANTS").ok();
    let pods: usize = asked.as_deref().map_or(Ok(600), str::parse)?;
    let shapes = shapes(asked.is_some())?;
    let strict = std::env::var_os("PLIMSOLL_STRICT").is_some();
    let calm = run(None, pods).await?;
    println!(
        "| shape | peak MiB | kills | longest cycle s | neighbour's nodes asked for after s | nodes bought |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    row("nobody", &calm);
    let mut wrong = Vec::new();
    for shape in shapes {
        let name = format!("{shape:?}");
        let harm = run(Some(shape), pods)
            .await
            .map_err(|error| format!("{name}: {error}"))?;
        row(&name, &harm);
        let late = strict && harm.placed > calm.placed * 2;
        let slow = strict && harm.longest > CYCLE;
        if harm.kills > 0 || harm.peak > WITHIN || harm.bought > QUOTA || late || slow {
            wrong.push(name);
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("of {pods} pods, these shapes did harm: {}", wrong.join(", ")).into())
}

/// Those that are named, or all of them, or a few.
fn shapes(all: bool) -> Result<Vec<Shape>> {
    let Ok(names) = std::env::var("PLIMSOLL_SHAPES") else {
        let few = || vec![Shape::Terms, Shape::Environment, Shape::Standing];
        return Ok(if all { SHAPES.to_vec() } else { few() });
    };
    let named = |name: &str| {
        let shape = SHAPES.into_iter().find(|shape| format!("{shape:?}") == name);
        shape.ok_or_else(|| format!("PLIMSOLL_SHAPES: there is no {name:?} among {SHAPES:?}").into())
    };
    names.split(',').map(named).collect()
}

fn row(name: &str, harm: &Harm) {
    println!(
        "| {name} | {} | {} | {}.{:03} | {:.1} | {} |",
        harm.peak >> 20,
        harm.kills,
        harm.longest / 1000,
        harm.longest % 1000,
        harm.placed.as_secs_f32(),
        harm.bought
    );
}

/// One control plane and one daemon, to which these pods come first and the neighbour's then.
async fn run(shape: Option<Shape>, pods: usize) -> Result<Harm> {
    let cluster = Cluster::up(&[
        "--components=etcd,kube-apiserver,fakelet",
        "--audit=false",
        "--arg=kube-apiserver=--disable-admission-plugins=ServiceAccount",
    ])
    .await?;
    let api = &cluster.api;
    for name in [SHOP, HOSTILE] {
        api.create("/api/v1/namespaces", json!({"metadata": {"name": name}}))
            .await?;
    }
    if let Some(shape) = shape {
        settle_in(api, shape, pods).await?;
    }
    let ledger = tempfile::tempdir()?;
    let daemon = Daemon::start(config(&cluster, ledger.path()), &[]).await?;
    if daemon.kills()?.is_none() {
        skip::note("a limit that the kernel enforces", "no control group can be made");
    }
    let pace = Pace::default();
    eventually("three cycles have gone by", PATIENCE, async || {
        Ok((pace.look(&daemon).await? >= 3).then_some(()))
    })
    .await?;
    // Ends with this run.
    let mut changing = JoinSet::new();
    if shape == Some(Shape::Changing) {
        changing.spawn(change(api.clone(), pods));
        tokio::time::sleep(CHANGING).await;
    }
    let mut placed = Vec::new();
    for wave in 0..WAVES {
        let place = place(api, wave, async || pace.look(&daemon).await).await;
        placed.push(place.map_err(|error| format!("{error}\n{}", daemon.log()))?);
        // The launches end before the next are wanted.
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    placed.sort();
    Ok(Harm {
        peak: daemon.peak()?,
        kills: daemon.kills()?.unwrap_or(0),
        longest: pace.longest.into_inner(),
        placed: placed[WAVES / 2],
        bought: nodes(api, "batch").await?,
    })
}

/// More of the neighbour's pods come, all at once; gives how long after the last of them all of their nodes are there.
async fn place(api: &Api, wave: usize, look: impl AsyncFn() -> Result<u64>) -> Result<Duration> {
    let mut creating = JoinSet::new();
    for n in 0..WAITING {
        let (api, pod) = (api.clone(), neighbour(wave * WAITING + n));
        creating.spawn(async move {
            let made = api.create(&format!("/api/v1/namespaces/{SHOP}/pods"), pod).await;
            made.map_err(|error| error.to_string())
        });
    }
    while let Some(made) = creating.join_next().await {
        made??;
    }
    let began = Instant::now();
    eventually("the neighbour's nodes are asked for", PATIENCE, async || {
        let wanted = (wave + 1) * WAITING / 2;
        look().await?;
        Ok((nodes(api, "shop").await? >= wanted).then_some(()))
    })
    .await?;
    Ok(began.elapsed())
}

fn config(cluster: &Cluster, ledger: &std::path::Path) -> Value {
    let group = |name: &str| {
        json!({"name": name, "max": 500, "instance_type": "m6a.xlarge", "cpu": "4", "memory": "16Gi", "pods": 110,
            "zone": "a", "labels": {POOL: name}, "usd_per_hour": 0.1728})
    };
    json!({
        "cluster": "blue",
        "mode": "act",
        "interval": "1s",
        "provider": {"kwok": {"groups": [group("shop"), group("batch")]}},
        "kubernetes": {"kubeconfig": cluster.kubeconfig(), "load": "none"},
        "ledger": {"folder": ledger},
        "aims": {
            "limits": {"max_nodes": 400, "max_rate": 100.0, "bought_per_window": 400, "added_per_window": 100.0},
            "quotas": {"namespaces": {HOSTILE: {"nodes": QUOTA}}},
        },
    })
}

/// The hostile objects come, many at once.
async fn settle_in(api: &Api, shape: Shape, pods: usize) -> Result<()> {
    let mut nodes = Vec::new();
    if shape == Shape::Standing {
        for n in 0..pods.div_ceil(400) {
            let name = format!("stands-{n}");
            // No group's: they can neither be bought nor go.
            let node = json!({"metadata": {"name": name, "labels": {POOL: "batch"},
                "annotations": {"fakelet/capacity": "cpu=4,memory=16Gi,pods=110"}}});
            api.create("/api/v1/nodes", node).await?;
            nodes.push(name);
        }
    }
    if shape == Shape::Owned {
        let path = format!("/apis/apps/v1/namespaces/{HOSTILE}/replicasets");
        api.create(&path, shapes::replica_set()).await?;
    }
    let mut workers = JoinSet::new();
    for worker in 0..TOGETHER {
        let (api, nodes) = (api.clone(), nodes.clone());
        workers.spawn(async move {
            for of in (worker..shape.objects(pods)).step_by(TOGETHER) {
                let made = api.create(&shape.path(), shape.object(of, &nodes)).await;
                made.map_err(|error| error.to_string())?;
            }
            Ok::<(), String>(())
        });
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    Ok(())
}

/// Gives one pod after the other other labels, for ever: the specs of every cycle are others than those of the one before.
async fn change(api: Api, pods: usize) {
    for of in (0..pods).cycle().zip(pods..) {
        let labels = shapes::labels(of.1).map(|(key, value)| (key, json!(value)));
        let labels = Value::Object(labels.collect());
        let path = format!("/api/v1/namespaces/{HOSTILE}/pods/h-{}", of.0);
        // One that fails is as good as one that does not.
        let _ = api.merge(&path, json!({"metadata": {"labels": labels}})).await;
    }
}

fn neighbour(n: usize) -> Value {
    json!({
        "metadata": {"name": format!("web-{n}"), "labels": {"app": "web"}},
        "spec": {
            "nodeSelector": {POOL: "shop"},
            "automountServiceAccountToken": false,
            "containers": [{"name": "main", "image": "none",
                "resources": {"requests": {"cpu": "1900m", "memory": "2Gi"}}}],
        },
    })
}

/// How many nodes of a group there are.
async fn nodes(api: &Api, group: &str) -> Result<usize> {
    Ok(api
        .list(&format!("/api/v1/nodes?labelSelector={GROUP}%3D{group}"))
        .await?
        .len())
}

/// How fast cycles follow each other.
#[derive(Default)]
struct Pace {
    /// The longest of those that were seen, in milliseconds: large ones are not kept for long.
    longest: AtomicI64,
}

impl Pace {
    /// Looks at the last cycles; gives the number of the newest.
    async fn look(&self, daemon: &Daemon) -> Result<u64> {
        let request = ListCyclesRequest {
            page_size: 200,
            page_token: String::new(),
        };
        let mut query = daemon.query().await?;
        let listed = query.list_cycles(request).await?.into_inner().cycles;
        let longest = listed.iter().filter_map(|cycle| cycle.took_millis).max();
        self.longest.fetch_max(longest.unwrap_or(0), Ordering::Relaxed);
        Ok(listed.iter().map(|cycle| cycle.number).max().unwrap_or(0))
    }
}
