//! Load of nodes and pods: kubelets' resource metrics through the API server, `metrics.k8s.io` as the fallback.
//!
//! Counters become rates over two scrapes; a value that is missing stays missing. Every value carries the time
//! it was measured at. A kubelet speaks for itself and for the pods bound to its node only, in so many bytes and
//! so much time: one that is wrong, wordy or silent costs nobody else their load. Not here: what the load of a
//! workload is (`eyes`), decisions on it.

use crate::body;
use crate::exposition::{self, Reading, Scrape};
use crate::health::Health;
use crate::metrics_api;
use futures::StreamExt;
use futures::stream;
use kube::Client;
use model::fnv::fnv1a;
use model::ids::{NodeName, PodKey};
use model::pod::Usage;
use model::snapshot::Freshness;
use model::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{sleep, timeout};

/// From the beginning of one round to the next, where nothing else is said.
pub const LOAD_INTERVAL: Duration = Duration::from_secs(15);
/// The second round comes sooner: without it there is no rate.
const SECOND_ROUND: Duration = Duration::from_secs(5);
/// Rounds that may fail to come before load counts as old.
const ROUNDS_LATE: u32 = 4;
/// One node's answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Nodes asked at once.
const AT_ONCE: usize = 16;
/// Longest answer of a kubelet; 250 pods tell 200 KiB.
const LONGEST_ANSWER: usize = 16 << 20;
/// Intervals that one round of all kubelets may take: two of them, with the fallback, are over before the load of
/// the last one counts as old.
const ROUND: u32 = 2;
/// A value older than this says nothing about now and is dropped.
const FORGET: i64 = 300_000;
/// A value from further ahead than this comes from a clock that is wrong.
const AHEAD: i64 = 60_000;

/// Where load is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadSource {
    /// `/metrics/resource` of every kubelet, through the API server's node proxy; nodes that do not answer are
    /// looked up in `metrics.k8s.io`.
    #[default]
    Kubelet,
    /// `metrics.k8s.io` only.
    MetricsServer,
    /// Nowhere: load is missing.
    None,
}

/// What is known about load.
pub(crate) struct Load {
    interval: Duration,
    state: Mutex<State>,
}

struct State {
    nodes: BTreeMap<NodeName, NodeLoad>,
    health: Health,
}

/// Last values of one node, and the counters they were reckoned from.
#[derive(Default)]
struct NodeLoad {
    last: Scrape,
    usage: Option<Usage>,
    pods: BTreeMap<PodKey, Usage>,
}

impl Load {
    /// Load that is read round after round at this interval.
    pub(crate) fn new(interval: Duration) -> Self {
        Self {
            interval,
            state: Mutex::new(State {
                nodes: BTreeMap::new(),
                health: Health::unseen(interval.saturating_mul(ROUNDS_LATE)),
            }),
        }
    }

    /// How fresh the last round is.
    pub(crate) fn freshness(&self) -> Freshness {
        self.lock().health.freshness(std::time::Instant::now())
    }

    /// Values of all nodes and of their pods, without those too old to say anything at `now`.
    pub(crate) fn values(&self, now: Instant) -> (BTreeMap<NodeName, Usage>, BTreeMap<PodKey, Usage>) {
        let fresh = |usage: &Usage| {
            let ahead = usage.at.0.saturating_sub(now.0);
            ahead <= AHEAD && now.since(usage.at).millis() <= FORGET
        };
        let state = self.lock();
        let nodes = state.nodes.iter();
        let of_nodes = nodes
            .filter_map(|(name, load)| Some((name.clone(), load.usage.filter(&fresh)?)))
            .collect();
        let mut of_pods: BTreeMap<PodKey, Usage> = BTreeMap::new();
        let pods = state.nodes.values().flat_map(|load| &load.pods);
        for (name, usage) in pods.filter(|(_, usage)| fresh(usage)) {
            // A pod that came back under its name on another node was told of by both.
            let known = of_pods.get(name).copied();
            of_pods.insert(name.clone(), newer(known, *usage));
        }
        (of_nodes, of_pods)
    }

    /// Takes in what a node's kubelet told: a pod it no longer tells of has no load, and one that is not bound to
    /// the node is none of its business.
    fn scraped(&self, node: &NodeName, mut scrape: Scrape, roll: &dyn Roll) {
        scrape
            .pods
            .retain(|pod, _| roll.node_of(pod).as_ref() == Some(node));
        let mut state = self.lock();
        let load = state.nodes.entry(node.clone()).or_default();
        load.usage = rate(&load.last.node, &scrape.node).or(load.usage);
        let mut pods = BTreeMap::new();
        for (name, reading) in &scrape.pods {
            let before = load.last.pods.get(name).copied().unwrap_or_default();
            if let Some(usage) = rate(&before, reading).or_else(|| load.pods.get(name).copied()) {
                pods.insert(name.clone(), usage);
            }
        }
        load.pods = pods;
        load.last = scrape;
    }

    /// Takes in ready-made rates, where they are newer than what is known. Pods whose node is not known are kept
    /// under the node of that row.
    fn told(&self, told: metrics_api::Told, wanted: &dyn Fn(&NodeName) -> bool) {
        let mut state = self.lock();
        for (node, usage) in told.nodes {
            if wanted(&node) {
                let load = state.nodes.entry(node).or_default();
                load.usage = Some(newer(load.usage, usage));
            }
        }
        for (node, name, usage) in told.pods {
            if wanted(&node) {
                let load = state.nodes.entry(node).or_default();
                let known = load.pods.get(&name).copied();
                load.pods.insert(name, newer(known, usage));
            }
        }
    }

    fn keep_only(&self, nodes: &[NodeName]) {
        self.lock()
            .nodes
            .retain(|name, _| nodes.binary_search(name).is_ok());
    }

    fn round_done(&self, answered: bool) {
        let health = &mut self.lock().health;
        if answered {
            health.completed(std::time::Instant::now());
        } else {
            health.broke();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a round needs to know of the cluster.
pub(crate) trait Roll: Send + Sync {
    /// Names of the nodes to ask, sorted; `None` while they are not known.
    fn nodes(&self) -> Option<Vec<NodeName>>;

    /// The node each pod is bound to.
    fn node_of(&self, pod: &PodKey) -> Option<NodeName>;
}

/// Reads load for ever, round after round.
pub(crate) async fn follow(client: Client, source: LoadSource, load: &Load, roll: &dyn Roll) {
    if source == LoadSource::None {
        return;
    }
    let mut round = Round::default();
    loop {
        let began = tokio::time::Instant::now();
        if let Some(nodes) = roll.nodes() {
            load.keep_only(&nodes);
            round.silent = match source {
                LoadSource::Kubelet => ask_kubelets(&client, load, (roll, &nodes), &round).await,
                LoadSource::MetricsServer | LoadSource::None => nodes.iter().cloned().collect(),
            };
            let mut answered = round.silent.len() < nodes.len() || nodes.is_empty();
            if !round.silent.is_empty() {
                answered |= ask_metrics_api(&client, load, roll, &round.silent).await;
            }
            load.round_done(answered);
            let until_next = if round.number == 0 {
                load.interval.min(SECOND_ROUND)
            } else {
                load.interval
            };
            round.number += 1;
            sleep(until_next.saturating_sub(began.elapsed())).await;
        } else {
            sleep(Duration::from_millis(200)).await;
        }
    }
}

/// One round, and what the one before left.
#[derive(Default)]
struct Round {
    number: u64,
    /// Nodes that did not answer in the last round: asked after all others.
    silent: BTreeSet<NodeName>,
}

/// Asks every node's kubelet, spread over half an interval so that they do not all answer at once; the first
/// two rounds are not spread. Gives the nodes that did not answer, those whose turn did not come among them.
async fn ask_kubelets(
    client: &Client,
    load: &Load,
    (roll, nodes): (&dyn Roll, &[NodeName]),
    round: &Round,
) -> BTreeSet<NodeName> {
    let began = tokio::time::Instant::now();
    let spread = if round.number < 2 {
        Duration::ZERO
    } else {
        load.interval / 2
    };
    let mut order: Vec<(bool, Duration, NodeName)> = nodes
        .iter()
        .map(|node| {
            let last = round.silent.contains(node);
            (last, delay(node, round.number, spread), node.clone())
        })
        .collect();
    order.sort();
    let asked = stream::iter(order).map(|(_, delay, node)| async move {
        sleep(delay.saturating_sub(began.elapsed())).await;
        match scrape(client, &node).await {
            Ok(scrape) => {
                load.scraped(&node, scrape, roll);
                Some(node)
            }
            Err(why) => {
                tracing::debug!(%node, %why, "the kubelet tells no load");
                None
            }
        }
    });
    let answered: BTreeSet<NodeName> = asked
        .buffer_unordered(AT_ONCE)
        .take_until(sleep(load.interval * ROUND))
        .filter_map(std::future::ready)
        .collect()
        .await;
    let silent = nodes.iter().filter(|node| !answered.contains(*node));
    silent.cloned().collect()
}

async fn scrape(client: &Client, node: &NodeName) -> Result<Scrape, String> {
    let path = format!("/api/v1/nodes/{node}/proxy/metrics/resource");
    let request = http::Request::get(path)
        .body(Vec::new())
        .map_err(|error| error.to_string())?;
    let told = async {
        let answer = client.request_stream(request).await;
        read(answer.map_err(|error| error.to_string())?, LONGEST_ANSWER).await
    };
    match timeout(ANSWER, told).await {
        Ok(text) => Ok(exposition::parse(&text?, wall_clock())),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

/// All that comes, where it is no more than `longest` bytes of text.
async fn read(answer: impl futures::AsyncRead, longest: usize) -> Result<String, String> {
    let read = body::whole(answer, longest).await;
    let text = read.map_err(|error| error.to_string())?;
    let text = text.ok_or_else(|| format!("more than {longest} bytes"))?;
    String::from_utf8(text).map_err(|error| error.to_string())
}

async fn ask_metrics_api(client: &Client, load: &Load, roll: &dyn Roll, silent: &BTreeSet<NodeName>) -> bool {
    match timeout(ANSWER, metrics_api::read(client, roll)).await {
        Ok(Ok(told)) => {
            load.told(told, &|node| silent.contains(node));
            true
        }
        Ok(Err(why)) => {
            tracing::debug!(%why, "metrics.k8s.io tells no load");
            false
        }
        Err(_) => false,
    }
}

/// A rate between two readings of one counter; a counter that went back, or did not move on in time, gives none.
fn rate(before: &Reading, after: &Reading) -> Option<Usage> {
    let (from, began) = before.cpu?;
    let (to, at) = after.cpu?;
    let millis = at.since(began).millis();
    if millis <= 0 || to < from {
        return None;
    }
    Some(Usage {
        cpu_milli: milli_cores(to - from, millis),
        memory_bytes: after.memory?,
        at,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "seconds of CPU between two scrapes; saturates"
)]
fn milli_cores(seconds: f64, millis: i64) -> i64 {
    (seconds * 1_000_000.0 / millis as f64).round() as i64
}

fn newer(known: Option<Usage>, told: Usage) -> Usage {
    match known {
        Some(known) if known.at > told.at => known,
        _ => told,
    }
}

/// When in a round a node is asked: the same mixing for all, another place for each node and round (FNV-1a).
fn delay(node: &NodeName, round: u64, spread: Duration) -> Duration {
    let bytes = node.as_str().bytes().chain(round.to_le_bytes());
    let part = u32::try_from(fnv1a(bytes) >> 48).unwrap_or(0);
    spread * part / 0xffff
}

/// Now, as Snapshots tell it.
pub(crate) fn wall_clock() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
