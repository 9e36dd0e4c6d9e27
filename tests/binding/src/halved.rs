//! The row "live": 2,000 pods run on a real control plane, half of all replicas go, and what the daemon then gives back
//! is read from the API server every half minute, with what that cost in evictions.
//!
//! The product's eyes, cycle and hands at its own rhythm; the real kube-scheduler; the kwok provider. Not here: what is
//! for sale (`catalogue`), how a cluster is counted (`counted`), what held the daemon back (`cycles`).

mod catalogue;
mod counted;
mod cycles;

use crate::mix::{self, App, NAMESPACE, Rule, THIRD};
use crate::trial::{said, system_node};
use act::{CapacityHands, ConfigMapStore, Hands, HandsConfig};
use clap::{Args, ValueEnum};
use counted::Counted;
use cycle::{Desk, Ends, Fixed, Handle, Parts, Runner, WallClock};
use cycles::Cycles;
use decide::{PolicySet, deliberate};
use guard::Fence;
use model::aims::Mode;
use model::kwok::KwokGroup;
use model::pod::PodPhase;
use model::snapshot::Snapshot;
use model::{Aims, Ledger, Memory, Span, UsdPerHour};
use observe::{Eyes, EyesConfig, LoadSource, Provider};
use plimsoll_tests::cluster::{Api, Cluster};
use plimsoll_tests::skip::skip_without_data;
use plimsoll_tests::wait::eventually;
use plimsoll_tests::{Result, data};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Patience for the cluster to run.
const PATIENCE: Duration = Duration::from_mins(10);
/// From the moment that everybody runs to the cut.
const SETTLE: Duration = Duration::from_secs(10);
/// From one row to the next.
const ROW: Duration = Duration::from_secs(30);
/// Nodes are Ready so long after they were made.
const BOOT: &str = "2s";

/// Half of all replicas go.
#[derive(Args, Debug)]
pub struct Halved {
    /// Pods before.
    #[arg(long, default_value_t = 2000)]
    pods: usize,
    /// Of their shapes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds watched after the cut.
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// What the daemon is told.
    #[arg(long, value_enum, default_value_t = Told::Default)]
    aims: Told,
    /// Seconds that everybody has run before the cut.
    #[arg(long, default_value_t = SETTLE.as_secs())]
    settle: u64,
    /// Tells of every cycle what was done and what was held (standard error).
    #[arg(long)]
    cycles: bool,
    /// Keeps the recorded cycles in this folder.
    #[arg(long)]
    logbook: Option<PathBuf>,
}

/// What the daemon is told beside its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Told {
    /// Nothing: the product's own aims.
    Default,
    /// What Karpenter was raced with, as far as both have words for it: `consolidateAfter: 30s`, a budget of 100 %, and
    /// windows that hold nothing. Nothing is younger than it has to be there, either.
    Karpenter,
}

impl Told {
    fn aims(self) -> Aims {
        let mut aims = Aims::default();
        aims.modes.cluster = Some(Mode::Act);
        if self == Self::Karpenter {
            let limits = &mut aims.limits;
            limits.removed_per_window_permille = 1000;
            limits.removed_per_long_window_permille = 1000;
            limits.removed_per_zone_permille = None;
            limits.acknowledge_risk = true;
            limits.removals_at_once = 100;
            limits.bought_per_window = 10_000;
            limits.max_nodes = 10_000;
            limits.added_per_window = UsdPerHour(10_000_000_000_000);
            limits.max_rate = UsdPerHour(10_000_000_000_000);
            limits.evictions_per_window = 100_000;
            aims.shrink.unneeded_for = Span::from_secs(30);
            aims.shrink.min_age = Span::from_secs(30);
            aims.shrink.parallel = 10;
        }
        aims
    }
}

/// Runs the row; the table is printed as it grows.
#[expect(clippy::print_stdout, reason = "the table is the result")]
pub async fn run(args: &Halved) -> Result<ExitCode> {
    if data(catalogue::FILE).is_none() {
        skip_without_data("halved", &format!("no {} (PLIMSOLL_DATA)", catalogue::FILE));
        return Ok(ExitCode::SUCCESS);
    }
    let groups = catalogue::groups()?;
    let apps = mix::dealt(args.pods, args.seed, &THIRD)?;
    let pods = |rule: Option<Rule>| -> u32 {
        let of = apps.iter().filter(|app| rule.is_none_or(|rule| app.rule == rule));
        of.map(|app| app.replicas).sum()
    };
    println!(
        "{} pods of k8smix (synthetic) in {} Deployments, seed {}, {} of them spread over zones; {} types in {} zones; \
         {:?} aims",
        pods(None),
        apps.len(),
        args.seed,
        pods(Some(Rule::Spread)),
        groups.len() / catalogue::ZONES.len(),
        catalogue::ZONES.len(),
        args.aims,
    );
    let cluster = Cluster::up(&["--default-scheduling"]).await?;
    let boots = json!({"apiVersion": "v1", "kind": "List", "items": boots()});
    cluster.apply(&boots.to_string())?;
    cluster
        .api
        .create("/api/v1/namespaces", json!({"metadata": {"name": NAMESPACE}}))
        .await?;
    cluster.api.create("/api/v1/nodes", system_node()).await?;
    let (desk, mut ends) = daemon(&cluster, &groups, args).await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let runner = Runner::default();
    let runs = runner.run(&mut ends, &desk, async {
        let _ = stopped.await;
    });
    let script = async {
        let done = Script {
            cluster: &cluster,
            api: &cluster.api,
            handle: desk.handle(),
            groups: &groups,
            apps: &apps,
            args,
        }
        .play()
        .await;
        let _ = stop.send(());
        done
    };
    let (ended, played) = tokio::join!(runs, script);
    ended.map_err(said)?;
    played?;
    Ok(ExitCode::SUCCESS)
}

/// The product's ends and desk, its Ledger in the cluster.
async fn daemon(cluster: &Cluster, groups: &[KwokGroup], args: &Halved) -> Result<(Desk, Ends<Eyes, Hands>)> {
    let client = observe::client(Some(&cluster.kubeconfig())).await?;
    let hands = Hands::new(HandsConfig {
        client: client.clone(),
        capacity: CapacityHands::Kwok(act::kwok::Hands::new(client.clone(), groups.to_vec())),
        instance: "halved".to_owned(),
        events: true,
    });
    let shown = observe::kwok::Groups::new(groups.to_vec());
    let mut eyes = EyesConfig::new(client.clone(), "halved", Provider::Kwok(shown));
    eyes.load = LoadSource::None;
    let eyes = Eyes::connect(eyes).await?;
    let log = args.logbook.as_ref().map(logbook::Settings::new);
    let desk = Desk::open(Parts {
        clock: Arc::new(WallClock::start()),
        policies: PolicySet::default().into(),
        aims: args.aims.aims(),
        mode: Mode::Observe,
        store: Box::new(ConfigMapStore::new(client, "kube-system")),
        log: log.map(logbook::Writer::open).transpose()?,
        library: Box::new(Fixed),
        fence: Fence::sole(),
        overdue: Span::from_secs(600),
    })
    .await;
    Ok((desk, Ends { eyes, hands }))
}

/// What happens to the cluster, and what is seen of it.
struct Script<'a> {
    cluster: &'a Cluster,
    api: &'a Api,
    handle: Handle,
    groups: &'a [KwokGroup],
    apps: &'a [App],
    args: &'a Halved,
}

impl Script<'_> {
    async fn play(&self) -> Result<()> {
        self.grow().await?;
        tokio::time::sleep(Duration::from_secs(self.args.settle)).await;
        let mut cycles = Cycles::follow(&self.handle, self.args.cycles);
        cycles.forget();
        self.row("before", None).await?;
        let cut = Instant::now();
        self.cut().await?;
        for row in 1..=self.args.seconds.div_ceil(ROW.as_secs()) {
            let at = Duration::from_secs((row * ROW.as_secs()).min(self.args.seconds));
            while cut.elapsed() < at {
                tokio::time::sleep(Duration::from_secs(1).min(at.saturating_sub(cut.elapsed()))).await;
                cycles.take_in(cut);
            }
            self.row(&format!("{} s", at.as_secs()), Some(cut)).await?;
        }
        self.bound();
        cycles.tell();
        Ok(())
    }

    /// Creates everything and waits until all pods run.
    async fn grow(&self) -> Result<()> {
        let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments");
        for app in self.apps {
            self.api.create(&path, app.deployment()).await?;
        }
        let wanted: usize = self.apps.iter().map(|app| app.replicas as usize).sum();
        let began = Instant::now();
        eventually("all pods run", PATIENCE, async || {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let seen = self.handle.latest().ok_or("no cycle yet")?;
            let pods = seen.snapshot.pods.iter();
            let runs = pods.filter(|pod| pod.phase == PodPhase::Running && *pod.key.namespace == *NAMESPACE);
            let runs = runs.count();
            if runs == wanted {
                return Ok(Some(()));
            }
            Err(format!("{runs} of {wanted} run").into())
        })
        .await?;
        self.heading(began.elapsed());
        Ok(())
    }

    #[expect(clippy::print_stdout, reason = "the table")]
    fn heading(&self, grown: Duration) {
        println!(
            "all {} pods run after {:.0} s",
            self.args.pods,
            grown.as_secs_f32()
        );
        println!(
            "| after the cut | $/h | nodes (leaving) | pods run (wait) | evictions |\n|---|---|---|---|---|"
        );
    }

    async fn cut(&self) -> Result<()> {
        for app in self.apps {
            let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{}", app.name());
            let half = app.replicas.div_ceil(2);
            self.api.merge(&path, json!({"spec": {"replicas": half}})).await?;
        }
        Ok(())
    }

    #[expect(clippy::print_stdout, reason = "a row")]
    async fn row(&self, when: &str, cut: Option<Instant>) -> Result<()> {
        let told = Counted::now(self.api, self.cluster, self.groups).await?;
        let late = cut.map(|cut| format!(" ({:.1})", cut.elapsed().as_secs_f32()));
        println!(
            "| {when}{} | {:.2} | {} ({}) | {} ({}) | {} |",
            late.unwrap_or_default(),
            told.rate.dollars(),
            told.nodes,
            told.leaving,
            told.running,
            told.waiting,
            told.evictions,
        );
        Ok(())
    }

    /// What the pods that are left could cost at best, packed anew, and what our own plan for that costs.
    #[expect(clippy::print_stdout, reason = "a row")]
    fn bound(&self) {
        let Some(latest) = self.handle.latest() else {
            return;
        };
        let seen = as_waiting(&latest.snapshot);
        let anew = deliberate(&seen, &Memory::default(), &PolicySet::default(), &Aims::default());
        println!(
            "packed anew: bound {:.2} $/h, a plan at {:.2} $/h on {} nodes for {} pods",
            anew.plan.cost.bound.dollars(),
            anew.plan.cost.rate.dollars(),
            anew.plan.nodes.len(),
            anew.plan.pending,
        );
    }
}

/// The pods of a picture as they would wait in an empty cluster.
fn as_waiting(seen: &Snapshot) -> Snapshot {
    let mut seen = Snapshot {
        nodes: Vec::new(),
        ledger: Ledger::default(),
        ..seen.clone()
    };
    seen.pods
        .retain(|pod| matches!(pod.phase, PodPhase::Running | PodPhase::Pending));
    for pod in &mut seen.pods {
        (pod.node, pod.phase, pod.nominated) = (None, PodPhase::Pending, None);
    }
    for group in &mut seen.groups {
        group.desired = 0;
        group.instances.clear();
    }
    seen
}

/// Nodes boot for a moment, whoever makes them.
fn boots() -> [serde_json::Value; 2] {
    let set = format!(
        "Object{{metadata: Object.metadata{{annotations: {{\"fakelet/ready-after\": \"{BOOT}\"}}}}}}"
    );
    let api = "admissionregistration.k8s.io/v1";
    let nodes = json!([{
        "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["nodes"],
    }]);
    [
        json!({
            "apiVersion": api, "kind": "MutatingAdmissionPolicy", "metadata": {"name": "boot"},
            "spec": {
                "matchConstraints": {"resourceRules": nodes},
                "failurePolicy": "Fail",
                "reinvocationPolicy": "Never",
                "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": set}}],
            },
        }),
        json!({
            "apiVersion": api, "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": "boot"},
            "spec": {"policyName": "boot"},
        }),
    ]
}
