//! Plays the machines of the façade's account in the cluster: a Node joins for every machine that has joined there, and
//! goes when its machine does; a Node of its own for every pod on Fargate.
//!
//! It sees how each machine was when it ended, which nobody can tell afterwards. The test cluster's fakelet makes the
//! Nodes Ready, runs their pods, and lets the pods of a deleted Node go. Not here: what is wanted.

use model::node::DRAIN_TAINT;
use plimsoll_tests::Result;
use plimsoll_tests::blue::{BATCH, CLUSTER};
use plimsoll_tests::cluster::Api;
use plimsoll_tests::eks::SCHEDULER;
use serde_json::{Value, json};
use sim_aws::{Account, Facade, Gone, Machine};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::{JoinHandle, JoinSet};

/// Calls to the API server at once.
const AT_ONCE: usize = 8;
/// From a pod bound for Fargate to its node.
const FARGATE_START: Duration = Duration::from_secs(4);

/// How machines ended, as the referee needs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Machines that became Nodes.
    pub(crate) joined: usize,
    /// Ended by name with a Node that was cordoned, tainted by us and empty.
    pub(crate) drained: usize,
    /// Ended by name without ever having been a Node.
    pub(crate) nodeless: usize,
    /// Taken back by AWS.
    pub(crate) reclaimed: usize,
    /// Ended otherwise: what must not be.
    pub(crate) wrong: Vec<String>,
    /// Pods that ran on Fargate.
    pub(crate) on_fargate: usize,
}

/// The machines; they stay as they are when it is dropped.
pub(crate) struct Machines {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Machines {
    /// Begins to play.
    pub(crate) fn play(facade: Arc<Facade>, api: Api) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut play = Play {
                facade,
                api,
                nodes: BTreeMap::new(),
                told: 0,
                waiting: BTreeMap::new(),
                seen: shared,
            };
            loop {
                // What the API server did not take is tried again in the next pass.
                let _ = play.pass().await;
                let _ = play.fargate().await;
                tokio::time::sleep(Duration::from_millis(400)).await;
            }
        });
        Self { seen, task }
    }

    /// What was seen so far.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Play {
    facade: Arc<Facade>,
    api: Api,
    /// Instance to Node.
    nodes: BTreeMap<String, String>,
    /// Ended machines that were told of.
    told: usize,
    /// Since when pods wait for Fargate.
    waiting: BTreeMap<String, Instant>,
    seen: Arc<Mutex<Seen>>,
}

impl Play {
    async fn pass(&mut self) -> Result<()> {
        let (joined, ended) = self.facade.account(|account| {
            let known = &self.nodes;
            let new = account
                .machines
                .values()
                .filter(|machine| machine.joined && machine.lives() && !known.contains_key(&machine.id));
            let joined: Vec<(String, String, Value)> = new
                .map(|machine| (machine.id.clone(), machine.dns.clone(), node(account, machine)))
                .collect();
            (
                joined,
                account.ended.get(self.told..).unwrap_or_default().to_vec(),
            )
        });
        self.told += ended.len();
        let api = self.api.clone();
        let gone = ended
            .into_iter()
            .map(|(id, why)| (self.nodes.remove(&id), id, why));
        let gone: Vec<_> = gone.collect();
        let ends = each(gone, |(node, id, why)| {
            let api = api.clone();
            async move {
                let how = how(&api, node.as_deref(), &id, why).await;
                if let Some(node) = &node {
                    removed(&api, node).await;
                }
                how
            }
        })
        .await;
        let made = each(joined, |(id, name, node)| {
            let api = api.clone();
            async move {
                let made = api.create("/api/v1/nodes", node).await;
                made.is_ok().then_some((id, name))
            }
        })
        .await;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for how in ends {
            match how {
                How::Drained => seen.drained += 1,
                How::Nodeless => seen.nodeless += 1,
                How::Reclaimed => seen.reclaimed += 1,
                How::Wrong(what) => seen.wrong.push(what),
            }
        }
        let made: Vec<_> = made.into_iter().flatten().collect();
        seen.joined += made.len();
        self.nodes.extend(made);
        Ok(())
    }

    /// Pods that EKS' webhook gave to Fargate get a node each; nodes without their pod go.
    async fn fargate(&mut self) -> Result<()> {
        let pods = self.api.list(&format!("/api/v1/namespaces/{BATCH}/pods")).await?;
        let mut there = BTreeMap::new();
        for pod in &pods {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            if pod["spec"]["schedulerName"] != SCHEDULER {
                continue;
            }
            let since = *self.waiting.entry(name.clone()).or_insert_with(Instant::now);
            let bound = !pod["spec"]["nodeName"].is_null();
            if !bound && pod["metadata"]["deletionTimestamp"].is_null() && since.elapsed() > FARGATE_START {
                self.bind(&name).await?;
            }
            there.insert(name, since);
        }
        let gone: Vec<String> = self
            .waiting
            .keys()
            .filter(|name| !there.contains_key(*name))
            .cloned()
            .collect();
        for name in gone {
            self.api
                .delete(&format!("/api/v1/nodes/{}", fargate_node(&name)))
                .await?;
            self.waiting.remove(&name);
        }
        Ok(())
    }

    async fn bind(&self, pod: &str) -> Result<()> {
        let name = fargate_node(pod);
        let there = self.api.find(&format!("/api/v1/nodes/{name}")).await?;
        let Some(there) = there else {
            let labels = json!({
                "kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
                "eks.amazonaws.com/compute-type": "fargate", "topology.kubernetes.io/zone": "us-east-1a",
            });
            let node = json!({
                "metadata": {
                    "name": name, "labels": labels,
                    "annotations": {"fakelet/capacity": "cpu=250m,memory=512Mi,pods=1"},
                },
                "spec": {
                    "providerID": format!("aws:///us-east-1a/fargate/{name}"),
                    "taints": [{"key": "eks.amazonaws.com/compute-type", "value": "fargate", "effect": "NoSchedule"}],
                },
            });
            self.api.create("/api/v1/nodes", node).await?;
            return Ok(());
        };
        // As on EKS: a pod that is bound before the fakelet has seen its node is never started.
        if !is_ready(&there) {
            return Ok(());
        }
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod},
            "target": {"apiVersion": "v1", "kind": "Node", "name": name},
        });
        self.api
            .create(&format!("/api/v1/namespaces/{BATCH}/pods/{pod}/binding"), binding)
            .await?;
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .on_fargate += 1;
        Ok(())
    }
}

fn is_ready(node: &Value) -> bool {
    let mut conditions = node["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

fn fargate_node(pod: &str) -> String {
    format!("fargate-{pod}")
}

/// Does the same for each, a few at a time.
async fn each<I, T, F>(items: Vec<I>, work: impl Fn(I) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let mut items = items.into_iter();
    let mut under_way = JoinSet::new();
    let mut done = Vec::new();
    loop {
        while under_way.len() < AT_ONCE {
            let Some(item) = items.next() else { break };
            under_way.spawn(work(item));
        }
        match under_way.join_next().await {
            Some(Ok(one)) => done.push(one),
            Some(Err(_)) => {}
            None => return done,
        }
    }
}

/// How a machine ended.
enum How {
    Drained,
    Nodeless,
    Reclaimed,
    Wrong(String),
}

async fn how(api: &Api, node: Option<&str>, id: &str, why: Gone) -> How {
    match (why, node) {
        (Gone::Reclaimed, _) => How::Reclaimed,
        (Gone::Named, None) => How::Nodeless,
        (Gone::Named, Some(node)) => match full(api, node).await {
            Ok(None) => How::Drained,
            Ok(Some(what)) => How::Wrong(format!("{id} was ended by name while {node} {what}")),
            Err(error) => How::Wrong(format!(
                "{id} was ended by name and {node} cannot be read: {error}"
            )),
        },
        (other, _) => How::Wrong(format!("{id} ended as {other:?}")),
    }
}

/// What stands against ending a node's machine.
async fn full(api: &Api, node: &str) -> Result<Option<String>> {
    let found = api.get(&format!("/api/v1/nodes/{node}")).await?;
    let taints = found["spec"]["taints"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if found["spec"]["unschedulable"] != true || !taints.iter().any(|taint| taint["key"] == DRAIN_TAINT) {
        return Ok(Some("was not cordoned by us".to_owned()));
    }
    let pods = api
        .list(&format!("/api/v1/pods?fieldSelector=spec.nodeName={node}"))
        .await?;
    let held = |pod: &&Value| {
        pod["metadata"]["ownerReferences"][0]["kind"] != "DaemonSet"
            && pod["status"]["phase"] != "Succeeded"
            && pod["status"]["phase"] != "Failed"
    };
    let left = pods.iter().filter(held).count();
    Ok((left > 0).then(|| format!("had {left} pods")))
}

async fn removed(api: &Api, node: &str) {
    for _ in 0..5 {
        if api.delete(&format!("/api/v1/nodes/{node}")).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The Node that the kubelet of a machine registers, with what AWS' cloud provider adds.
fn node(account: &Account, machine: &Machine) -> Value {
    let made = account.templates.get(&machine.template.0).and_then(|v| v.first());
    let mut labels: BTreeMap<String, String> = made.map(|made| made.node_labels.clone()).unwrap_or_default();
    let mut taints = Vec::new();
    let managed = account
        .node_groups
        .values()
        .find(|group| machine.group.as_ref() == Some(&group.group));
    if let Some(group) = managed {
        labels.extend(group.labels.clone());
        labels.insert("eks.amazonaws.com/nodegroup".to_owned(), group.name.clone());
        for (key, value, _) in &group.taints {
            taints.push(json!({"key": key, "value": value, "effect": "NoSchedule"}));
        }
    }
    let purchase = if machine.spot { "spot" } else { "on-demand" };
    for (key, value) in [
        ("kubernetes.io/hostname", machine.dns.as_str()),
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/os", "linux"),
        ("node.kubernetes.io/instance-type", &machine.instance_type),
        ("topology.kubernetes.io/zone", &machine.zone),
        ("topology.kubernetes.io/region", "us-east-1"),
        ("plimsoll.io/purchase", purchase),
        ("tests/cluster", CLUSTER),
    ] {
        labels.insert(key.to_owned(), value.to_owned());
    }
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": machine.dns,
            "labels": labels,
            "annotations": {"fakelet/capacity": capacity(&machine.instance_type)},
        },
        "spec": {"providerID": format!("aws:///{}/{}", machine.zone, machine.id), "taints": taints},
    })
}

/// What a kubelet of EKS' image offers on a type.
fn capacity(instance_type: &str) -> String {
    let types = sim_aws::catalogue::built_in();
    let Some(info) = types.get(instance_type) else {
        return String::new();
    };
    let pods = manifest::max_pods(info.interfaces.into(), info.addresses.into());
    let memory = i64::try_from(info.memory_mib).unwrap_or(0);
    let there = manifest::usual_allocatable(info.vcpu.into(), memory, "amd64", pods);
    format!(
        "cpu={}m,memory={},ephemeral-storage={},pods={pods}",
        there.cpu_milli, there.memory_bytes, there.ephemeral_bytes
    )
}
