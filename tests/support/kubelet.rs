//! Plays the machines of an Auto Scaling group: for every instance that the emulator shows, a Node joins, and it
//! goes when its instance does. The test cluster's fakelet makes the Nodes Ready and runs their pods.

use crate::Result;
use crate::aws::Account;
use crate::cluster::Api;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// The machines of some groups; they stay as they are when it is dropped.
pub struct Machines {
    held: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

/// What a machine of these groups is like.
#[derive(Clone, Debug)]
pub struct Machine {
    /// `node.kubernetes.io/instance-type`.
    pub instance_type: String,
    /// For the fakelet: `cpu=1930m,memory=6903Mi,pods=29`.
    pub capacity: String,
    /// Further labels.
    pub labels: BTreeMap<String, String>,
}

impl Machine {
    /// An m6a.large as EKS sets it up.
    pub fn m6a_large() -> Self {
        Self {
            instance_type: "m6a.large".to_owned(),
            capacity: "cpu=1930m,memory=6903Mi,pods=29".to_owned(),
            labels: BTreeMap::new(),
        }
    }
}

impl Machines {
    /// Machines of these groups begin to join and to go.
    pub fn play(account: Arc<Account>, api: Api, groups: &[&str], machine: Machine) -> Self {
        let held = Arc::new(AtomicBool::new(false));
        let groups: Vec<String> = groups.iter().map(|name| (*name).to_owned()).collect();
        let stopped = Arc::clone(&held);
        let task = tokio::spawn(async move {
            loop {
                if !stopped.load(Ordering::SeqCst) {
                    // Neither emulator nor API server need to be there all the time.
                    let _ = settle(&account, &api, &groups, &machine).await;
                }
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        });
        Self { held, task }
    }

    /// While held, nothing joins and nothing goes.
    pub fn hold(&self, held: bool) {
        self.held.store(held, Ordering::SeqCst);
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Name of the Node of an instance.
pub fn node_of(instance: &str) -> String {
    format!("ip-{}", instance.trim_start_matches("i-"))
}

async fn settle(account: &Account, api: &Api, groups: &[String], machine: &Machine) -> Result<()> {
    let mut wanted = BTreeMap::new();
    for group in groups {
        for (instance, zone) in account.instances(group).await? {
            wanted.insert(node_of(&instance), (instance, zone));
        }
    }
    let there = api.list("/api/v1/nodes?labelSelector=tests/machine=yes").await?;
    let there: Vec<&str> = there
        .iter()
        .filter_map(|node| node["metadata"]["name"].as_str())
        .collect();
    for name in &there {
        if !wanted.contains_key(*name) {
            api.delete(&format!("/api/v1/nodes/{name}")).await?;
        }
    }
    for (name, (instance, zone)) in &wanted {
        if !there.contains(&name.as_str()) {
            api.create("/api/v1/nodes", node(name, instance, zone, machine))
                .await?;
        }
    }
    Ok(())
}

fn node(name: &str, instance: &str, zone: &str, machine: &Machine) -> serde_json::Value {
    let mut labels = machine.labels.clone();
    for (key, value) in [
        ("tests/machine", "yes"),
        ("kubernetes.io/hostname", name),
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/os", "linux"),
        ("node.kubernetes.io/instance-type", machine.instance_type.as_str()),
        ("topology.kubernetes.io/zone", zone),
    ] {
        labels.insert(key.to_owned(), value.to_owned());
    }
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {"fakelet/capacity": machine.capacity},
        },
        "spec": {"providerID": format!("aws:///{zone}/{instance}")},
    })
}
