//! One trial: a control plane, pods that wait on it, the nodes of one plan, and who runs in the end.
//!
//! What is seen, decided, cleared and done is the product's: its eyes, its cycle, its hands (the kwok provider). More
//! nodes than the first plan has are beyond the guard's limit, so that nothing is bought after it. Not here: looking for
//! the slack (`slack`).

use crate::market::{groups, size, with_slack};
use crate::mix::{App, NAMESPACE, Rule, apps, rule_of};
use act::{CapacityHands, Hands, HandsConfig};
use cycle::{Desk, Ends, Fixed, MemoryStore, Parts, WallClock, run_cycle};
use decide::{PolicySet, deliberate};
use guard::Fence;
use model::aims::Mode;
use model::kwok::KwokGroup;
use model::node::{Node, STARTING_TAINT};
use model::observe::Observe;
use model::plan::{Plan, StepKind};
use model::pod::{Pod, PodPhase, Taint, TaintEffect};
use model::snapshot::Snapshot;
use model::{Aims, Memory, NodeName, PodKey, Span, UsdPerHour};
use observe::{Eyes, EyesConfig, LoadSource, Provider};
use plimsoll_tests::cluster::{Api, Cluster};
use plimsoll_tests::wait::eventually;
use plimsoll_tests::{Error, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Patience for one thing to happen on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);
/// Binding ends after this time, whoever waits: nodes open five minutes after they were created.
const LONGEST: Duration = Duration::from_mins(8);
/// Nothing has been bound for this long: kube-scheduler tries again within 10 s at most (`podMaxBackoffSeconds`).
const QUIET: Duration = Duration::from_secs(12);
/// From one cycle to the next: the daemon's gap when something has happened.
const GAP: Duration = Duration::from_secs(1);
const GLANCE: Duration = Duration::from_millis(200);

/// Who says where pods go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// kube-scheduler, by its scores.
    LeftAlone,
    /// The plan: nodes register with the startup taint, their pods are nominated and let in, and the taint goes once
    /// all have come.
    Nominated,
}

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Pods, about: shapes are drawn until there are so many.
    pub pods: usize,
    /// Of the pods' shapes.
    pub seed: u64,
    /// Thousandths of every new node's room that the plan leaves free.
    pub slack: i64,
    /// Who says where pods go.
    pub way: Way,
}

/// How it came out.
#[derive(Clone, Debug, Default)]
pub struct Outcomes {
    /// Pods that waited.
    pub pods: usize,
    /// Pods that run in the end, on the nodes of the one plan.
    pub running: usize,
    /// Pods that run on the node they were last nominated to.
    pub as_nominated: usize,
    /// Nominations of a pod to a node.
    pub nominations: usize,
    /// The same once more, because the pod had not come.
    pub again: usize,
    /// Nodes planned, and bought.
    pub nodes: u32,
    /// What they cost.
    pub rate: UsdPerHour,
    /// How far above its bound the plan is, percent.
    pub gap: f64,
    /// From the moment the nodes were Ready to the last startup taint that was taken away.
    pub opened: Duration,
    /// From the moment the nodes were Ready to the last pod that was bound.
    pub binding: Duration,
    /// Pods that run elsewhere than nominated or wait, by rule.
    pub elsewhere: BTreeMap<Rule, usize>,
    /// Why the first of those that wait still do, as kube-scheduler says it.
    pub waits: Vec<String>,
}

impl Outcomes {
    /// Share of the pods that run, in thousandths, rounded down.
    pub fn permille(&self) -> usize {
        self.running * 1000 / self.pods.max(1)
    }
}

/// Makes one trial on a control plane of its own, which is gone afterwards.
pub async fn run(setup: &Setup) -> Result<Outcomes> {
    Box::pin(one(setup)).await
}

async fn one(setup: &Setup) -> Result<Outcomes> {
    let cluster = Cluster::up(&["--default-scheduling", "--audit=false"]).await?;
    let apps = apps(setup.pods, setup.seed)?;
    let mut trial = Trial::begin(&cluster, setup).await?;
    trial.pods_wait(&apps).await?;
    let desk = Box::pin(trial.buy()).await?;
    let desk = (setup.way != Way::LeftAlone).then_some(&desk);
    trial.settle(desk).await?;
    trial.told.waits = waiting(&trial.api).await?;
    Ok(trial.told)
}

struct Trial {
    api: Api,
    ends: Ends<Eyes, Hands>,
    told: Outcomes,
    /// By pod: where it was nominated last.
    nominated: BTreeMap<PodKey, NodeName>,
}

impl Trial {
    async fn begin(cluster: &Cluster, setup: &Setup) -> Result<Self> {
        let starting = Taint {
            key: STARTING_TAINT.to_owned(),
            value: String::new(),
            effect: TaintEffect::NoSchedule,
        };
        let taints = match setup.way {
            Way::LeftAlone => Vec::new(),
            Way::Nominated => vec![starting],
        };
        let real: Vec<KwokGroup> = groups(&taints);
        let shown = observe::kwok::Groups::new(with_slack(&real, setup.slack));
        let client = observe::client(Some(&cluster.kubeconfig())).await?;
        let hands = Hands::new(HandsConfig {
            client: client.clone(),
            capacity: CapacityHands::Kwok(act::kwok::Hands::new(client.clone(), real)),
            instance: "binding".to_owned(),
            events: false,
        });
        let mut eyes = EyesConfig::new(client, "binding", Provider::Kwok(shown));
        eyes.load = LoadSource::None;
        let eyes = Eyes::connect(eyes).await?;
        Ok(Self {
            api: cluster.api.clone(),
            ends: Ends { eyes, hands },
            told: Outcomes::default(),
            nominated: BTreeMap::new(),
        })
    }

    /// Creates the pods, and a node that none of them may use: kube-scheduler has tried and refused each of them.
    async fn pods_wait(&mut self, apps: &[App]) -> Result<()> {
        self.api
            .create("/api/v1/namespaces", json!({"metadata": {"name": NAMESPACE}}))
            .await?;
        self.api.create("/api/v1/nodes", system_node()).await?;
        let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/replicasets");
        for app in apps {
            self.api.create(&path, app.replica_set()).await?;
        }
        let wanted: usize = apps.iter().map(|app| app.replicas as usize).sum();
        let eyes = &mut self.ends.eyes;
        eventually("all pods are there", PATIENCE, async || {
            let seen = eyes.look().await.map_err(said)?;
            Ok((shop(&seen).count() == wanted).then_some(()))
        })
        .await?;
        eventually("all pods were tried", PATIENCE, async || {
            tokio::time::sleep(GAP).await;
            let tried = self.api.pods(NAMESPACE, "app").await?;
            let refused = |pod: &&Value| refusal(pod).is_some();
            Ok((tried.iter().filter(refused).count() == wanted).then_some(()))
        })
        .await?;
        self.told.pods = wanted;
        Ok(())
    }

    /// Plans once and lets the cycle buy exactly that; returns when all nodes are Ready.
    async fn buy(&mut self) -> Result<Desk> {
        let seen = self.look().await?;
        let plan = deliberate(&seen, &Memory::default(), &PolicySet::default(), &aims(u32::MAX)).plan;
        self.told.nodes = u32::try_from(plan.nodes.len())?;
        self.told.rate = plan.cost.rate;
        self.told.gap = plan.cost.gap_percent();
        if !plan.refusals.is_empty() {
            return Err(format!("the plan refuses: {:?}", plan.refusals.first()).into());
        }
        let desk = Desk::open(Parts {
            clock: Arc::new(WallClock::start()),
            policies: PolicySet::default().into(),
            aims: aims(self.told.nodes),
            mode: Mode::Observe,
            store: Box::new(MemoryStore::default()),
            log: None,
            library: Box::new(Fixed),
            fence: Fence::sole(),
            overdue: Span::from_secs(600),
        })
        .await;
        let record = run_cycle(&mut self.ends, &desk).await;
        let undone = record.outcomes.iter().find(|(_, outcome)| !outcome.is_done());
        if undone.is_some() || bought(&record.plan) != self.told.nodes {
            return Err(format!("{} nodes planned, {undone:?}", bought(&record.plan)).into());
        }
        let (eyes, wanted) = (&mut self.ends.eyes, self.told.nodes);
        eventually("the nodes are Ready", PATIENCE, async || {
            let seen = eyes.look().await.map_err(said)?;
            let ready = seen.nodes.iter().filter(|node| is_up(node)).count();
            Ok((size(&seen.groups) == wanted && ready == wanted as usize + 1).then_some(()))
        })
        .await?;
        Ok(desk)
    }

    /// Waits until everybody runs and all nodes are open, or nobody has been bound to open nodes for a while; counts. With
    /// nominations the cycle goes on meanwhile, as the daemon's does; left alone, nothing of ours does anything.
    async fn settle(&mut self, desk: Option<&Desk>) -> Result<()> {
        let began = Instant::now();
        let (mut bound, mut last, mut closed) = (0, began, began);
        loop {
            if let Some(desk) = desk {
                self.cycle(desk).await?;
            }
            let seen = self.look().await?;
            let open = !seen.nodes.iter().any(Node::is_starting);
            if !open {
                closed = Instant::now();
            }
            let now = shop(&seen).filter(|pod| pod.node.is_some()).count();
            if now != bound {
                (bound, last) = (now, Instant::now());
            }
            let quiet = last.max(closed).elapsed() > QUIET;
            self.told.running = shop(&seen).filter(|pod| pod.phase == PodPhase::Running).count();
            let everybody = open && self.told.running == self.told.pods;
            let over = began.elapsed() > LONGEST;
            if everybody || over || self.told.running == bound && quiet {
                self.told.binding = last.duration_since(began);
                self.told.opened = closed.duration_since(began);
                return self.count(&seen);
            }
            tokio::time::sleep(if desk.is_some() { GAP } else { GLANCE }).await;
        }
    }

    /// One cycle of the product.
    async fn cycle(&mut self, desk: &Desk) -> Result<()> {
        let record = run_cycle(&mut self.ends, desk).await;
        if let Some(trouble) = &record.trouble {
            return Err(format!("{trouble:?}").into());
        }
        let outcomes: BTreeMap<_, _> = record
            .outcomes
            .iter()
            .map(|(id, outcome)| (*id, outcome))
            .collect();
        for step in &record.plan.steps {
            let done = outcomes.get(&step.id).is_some_and(|outcome| outcome.is_done());
            if let (StepKind::Nominate { pod, node, .. }, true) = (&step.kind, done) {
                let before = self.nominated.insert(pod.clone(), node.clone());
                let again = before.is_some_and(|before| before == *node);
                self.told.again += usize::from(again);
                self.told.nominations += usize::from(!again);
            }
        }
        Ok(())
    }

    fn count(&mut self, seen: &Snapshot) -> Result<()> {
        let home = |pod: &&Pod| pod.node.is_some() && self.nominated.get(&pod.key) == pod.node.as_ref();
        self.told.as_nominated = shop(seen).filter(home).count();
        for pod in shop(seen).filter(|pod| !home(pod)) {
            *self.told.elsewhere.entry(rule_of(&pod.key)).or_insert(0) += 1;
        }
        if size(&seen.groups) == self.told.nodes {
            return Ok(());
        }
        Err(format!("{} nodes, not {}", size(&seen.groups), self.told.nodes).into())
    }

    async fn look(&mut self) -> Result<Snapshot> {
        self.ends.eyes.look().await.map_err(said)
    }
}

/// Aims that allow so many nodes to be bought, and nothing to be removed.
fn aims(nodes: u32) -> Aims {
    let mut aims = Aims::default();
    aims.modes.cluster = Some(Mode::Act);
    aims.shrink.enabled = false;
    aims.limits.bought_per_window = nodes;
    aims.limits.max_nodes = u32::MAX;
    aims.limits.added_per_window = UsdPerHour(i64::MAX);
    aims.limits.max_rate = UsdPerHour(i64::MAX);
    aims
}

pub(crate) fn said(error: impl std::fmt::Display) -> Error {
    error.to_string().into()
}

fn shop(seen: &Snapshot) -> impl Iterator<Item = &Pod> {
    seen.pods.iter().filter(|pod| *pod.key.namespace == *NAMESPACE)
}

/// Ready, and without the taints that a booting node has.
fn is_up(node: &Node) -> bool {
    node.ready
        && !node
            .taints
            .iter()
            .any(|taint| taint.key.starts_with("node.kubernetes.io/"))
}

fn bought(plan: &Plan) -> u32 {
    let grown = plan.steps.iter().map(|step| match &step.kind {
        StepKind::GrowGroup { from, to, .. } => to - from,
        _ => 0,
    });
    grown.sum()
}

/// A node that is there already, as every cluster has one, and takes none of the pods.
pub(crate) fn system_node() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "system", "labels": {"kubernetes.io/hostname": "system"}},
        "spec": {"taints": [{"key": "CriticalAddonsOnly", "effect": "NoSchedule"}]},
    })
}

/// Why kube-scheduler found no node for a pod.
fn refusal(pod: &Value) -> Option<&str> {
    let conditions = pod["status"]["conditions"].as_array()?;
    let tried = conditions
        .iter()
        .find(|c| c["type"] == "PodScheduled" && c["status"] == "False")?;
    tried["message"].as_str()
}

/// What kube-scheduler says of the first few pods that wait.
async fn waiting(api: &Api) -> Result<Vec<String>> {
    let pods = api.pods(NAMESPACE, "app").await?;
    let waits = pods.iter().filter(|pod| pod["spec"]["nodeName"].is_null());
    let told = waits.map(|pod| {
        let request = &pod["spec"]["containers"][0]["resources"]["requests"];
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        format!("{name} {request}: {}", refusal(pod).unwrap_or_default())
    });
    Ok(told.take(3).collect())
}
