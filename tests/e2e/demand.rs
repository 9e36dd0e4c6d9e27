//! Stories of demand: load rises and nodes come, load falls and the right node goes.

use crate::components::shipped;
use crate::world::{App, DAEMON, PATIENCE, SHOP, World, aims, world};
use plimsoll_tests::daemon::Daemon;
use plimsoll_tests::kubelet::{Machines, node_of};
use plimsoll_tests::story::tell;
use plimsoll_tests::wait::{eventually, never};
use plimsoll_tests::{Error, Result};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn load_rises_and_falls() {
    tell("a, b: load rises and falls", async {
        let Some(policies) = shipped("target-utilisation") else {
            return Ok(());
        };
        let Some(world) = world("load rises and falls", "act").await else {
            return Ok(());
        };
        let machines = world.group("workers", (1, 6, 1)).await?;
        world.shop(&web()).await?;
        world.load("web", 600).await?;
        world.runs("web", 2).await?;
        let daemon = world
            .daemon("act", scaled(), policies.enforced("target-utilisation"))
            .await?;
        let story = async {
            figure(&daemon, "web").await?;
            load_rises(&world, &machines).await?;
            load_falls(&world).await
        };
        story.await.map_err(|error: Error| told(&*error, &daemon))
    })
    .await;
}

/// a. Load on a Deployment rises: replicas through /scale, pods wait, the group grows, machines join, pods run.
async fn load_rises(world: &World, machines: &Machines) -> Result<()> {
    // While no machine joins, the pods can be seen waiting.
    machines.hold(true);
    world.load("web", 2400).await?;
    eventually("the Deployment asks for 8 replicas", PATIENCE, async || {
        Ok((world.replicas("web").await? == 8).then_some(()))
    })
    .await?;
    let scales =
        |row: &plimsoll_tests::cluster::Audited| row.resource == "deployments/scale" && row.is_mutating();
    assert!(
        world.cluster.audit(DAEMON)?.iter().any(scales),
        "it was the daemon, through /scale"
    );
    eventually("pods wait for a node", PATIENCE, async || {
        Ok(world
            .placed("web")
            .await?
            .iter()
            .any(|(_, node)| node.is_empty())
            .then_some(()))
    })
    .await?;
    eventually("the group grows to 3", PATIENCE, async || {
        Ok((world.account.desired("workers").await? == 3).then_some(()))
    })
    .await?;
    machines.hold(false);
    world.runs("web", 8).await?;
    assert_eq!(
        world.account.desired("workers").await?,
        3,
        "8 pods of 500m need three nodes of 1930m, no more"
    );
    assert_eq!(world.ready_nodes().await?.len(), 3);
    assert_eq!(world.proxy.count("LaunchInstances"), 0, "moto's mode is desired");
    Ok(())
}

/// b. Load falls: fewer replicas, a node is emptied by evictions that a budget allows, and that very instance goes.
async fn load_falls(world: &World) -> Result<()> {
    world.proxy.forget();
    let budgets = format!("/apis/policy/v1/namespaces/{SHOP}/poddisruptionbudgets");
    let budget = json!({
        "metadata": {"name": "web"},
        // Replicas may fall by steps, as one kubelet after another tells of less load: nothing is evicted meanwhile.
        "spec": {"minAvailable": "100%", "selector": {"matchLabels": {"app": "web"}}},
    });
    world.api.create(&budgets, budget).await?;
    let survivors = spare_one_pod_on_two_nodes(world).await?;
    let before: BTreeSet<String> = world
        .account
        .instances("workers")
        .await?
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    world.load("web", 600).await?;
    eventually("the Deployment asks for 2 replicas", PATIENCE, async || {
        Ok((world.replicas("web").await? == 2).then_some(()))
    })
    .await?;

    eventually(
        "the node that has become empty is given back",
        PATIENCE,
        async || Ok((world.account.desired("workers").await? == 2).then_some(())),
    )
    .await?;
    let there: BTreeSet<String> = instances(world).await?.iter().map(|id| node_of(id)).collect();
    assert_eq!(there, survivors, "the two with pods on them are still there");
    never(
        "a node goes against the budget",
        Duration::from_secs(8),
        async || {
            let desired = world.account.desired("workers").await?;
            Ok((desired != 2 || evictions(world)? > 0).then_some(desired))
        },
    )
    .await?;

    let relaxed = json!({"spec": {"minAvailable": 1}});
    world.api.merge(&format!("{budgets}/web"), relaxed).await?;
    eventually("a second node is emptied and given back", PATIENCE, async || {
        Ok((world.account.desired("workers").await? == 1).then_some(()))
    })
    .await?;
    world.runs("web", 2).await?;
    assert!(evictions(world)? >= 1, "its pod left by the Eviction API");
    let deletes = |row: &plimsoll_tests::cluster::Audited| row.resource == "pods" && row.verb == "delete";
    assert!(!world.effects()?.iter().any(deletes), "no pod is deleted");
    let left = instances(world).await?;
    assert_eq!(
        left.len(),
        1,
        "that very instance went, and nothing was put in its place"
    );
    for id in before.difference(&left) {
        let state = world.account.instance_state(id).await?;
        assert!(
            ["shutting-down", "terminated"].contains(&state.as_str()),
            "{id} is {state}"
        );
    }
    let home: BTreeSet<String> = world
        .placed("web")
        .await?
        .into_iter()
        .map(|(_, node)| node)
        .collect();
    assert_eq!(
        home,
        left.iter().map(|id| node_of(id)).collect(),
        "the pods are on the node that stayed"
    );
    assert_eq!(world.proxy.count("TerminateInstanceInAutoScalingGroup"), 2);
    assert_eq!(
        world.proxy.count("SetDesiredCapacity"),
        0,
        "a group is never shrunk by number"
    );
    Ok(())
}

async fn instances(world: &World) -> Result<BTreeSet<String>> {
    Ok(world
        .account
        .instances("workers")
        .await?
        .into_iter()
        .map(|(id, _)| id)
        .collect())
}

/// Evictions that the daemon was granted.
fn evictions(world: &World) -> Result<usize> {
    let granted = |row: &plimsoll_tests::cluster::Audited| row.resource == "pods/eviction" && row.code == 201;
    Ok(world.effects()?.into_iter().filter(granted).count())
}

/// Marks one pod on each of two nodes as the last to go when the Deployment shrinks; gives these nodes.
async fn spare_one_pod_on_two_nodes(world: &World) -> Result<BTreeSet<String>> {
    let mut nodes = BTreeSet::new();
    for (pod, node) in world.placed("web").await? {
        if nodes.len() < 2 && nodes.insert(node) {
            let cost =
                json!({"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "1000"}}});
            world
                .api
                .merge(&format!("/api/v1/namespaces/{SHOP}/pods/{pod}"), cost)
                .await?;
        }
    }
    Ok(nodes)
}

/// Two pods of 500m, scaled by their CPU.
pub(crate) fn web() -> App<'static> {
    App {
        annotations: json!({"plimsoll.io/scale-down-after-seconds": "5"}),
        ..App::new("web", 2, 500)
    }
}

/// Aims that scale `web` to 60% of its requests.
pub(crate) fn scaled() -> Value {
    aims(&json!({
        "scale": [{"workload": format!("Deployment {SHOP}/web"), "min": 2, "max": 8, "metric": "cpu", "target": "60%"}],
    }))
}

/// Waits until the daemon has a figure of CPU for all pods of a Deployment: two scrapes of their kubelets.
pub(crate) async fn figure(daemon: &Daemon, name: &str) -> Result<()> {
    eventually("the load is measured", PATIENCE, async || {
        let request = proto::v1::ListWorkloadsRequest {
            namespace: SHOP.to_owned(),
            ..Default::default()
        };
        let listed = daemon
            .query()
            .await?
            .list_workloads(request)
            .await?
            .into_inner()
            .workloads;
        let of = listed
            .iter()
            .find(|row| row.workload.as_ref().is_some_and(|w| w.name == name));
        Ok(of
            .and_then(|row| {
                row.metrics
                    .iter()
                    .find(|m| m.name == "cpu" && m.pods == row.replicas)
            })
            .map(|_| ()))
    })
    .await
}

/// An error with the end of the daemon's log.
pub(crate) fn told(error: &(dyn std::error::Error + Send + Sync), daemon: &Daemon) -> Error {
    format!("{error}\n--- plimsolld\n{}", daemon.log()).into()
}
