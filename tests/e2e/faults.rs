//! Stories of trouble: the kill switch in the middle of a drain, an API server that is away, a daemon that is killed.

use crate::demand::told;
use crate::world::{App, PATIENCE, SHOP, World, aims, world};
use plimsoll_tests::Result;
use plimsoll_tests::daemon::Daemon;
use plimsoll_tests::kubelet::Machines;
use plimsoll_tests::proxy::Fault;
use plimsoll_tests::story::tell;
use plimsoll_tests::wait::{eventually, never};
use proto::v1::{PauseRequest, ResumeRequest};
use serde_json::json;
use std::time::{Duration, Instant};

const SHRINKING: &str = "TerminateInstanceInAutoScalingGroup";
const GROWING: &str = "SetDesiredCapacity";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kill_switch_stops_a_drain() {
    tell("f: the kill switch stops a drain", async {
        let Some(world) = world("the kill switch stops a drain", "act").await else {
            return Ok(());
        };
        let _machines = world.group("workers", (1, 4, 2)).await?;
        // A replacement takes ten seconds to be Ready: the budget lets one pod go at a time.
        let slow = App {
            pod_annotations: json!({"fakelet/start-after": "10s"}),
            ..App::new("slow", 4, 300)
        };
        world.shop(&slow).await?;
        let budget = json!({
            "metadata": {"name": "slow"},
            "spec": {"minAvailable": 3, "selector": {"matchLabels": {"app": "slow"}}},
        });
        world
            .api
            .create(
                &format!("/apis/policy/v1/namespaces/{SHOP}/poddisruptionbudgets"),
                budget,
            )
            .await?;
        world.spreads("slow", 4, 2).await?;
        let daemon = world.daemon("act", aims(&json!({})), json!([])).await?;
        pull(&world, &daemon)
            .await
            .map_err(|error| told(&*error, &daemon))
    })
    .await;
}

async fn pull(world: &World, daemon: &Daemon) -> Result<()> {
    eventually("the drain has begun", PATIENCE, async || {
        let evicted = world
            .effects()?
            .into_iter()
            .any(|row| row.resource == "pods/eviction" && row.code == 201);
        Ok(evicted.then_some(()))
    })
    .await?;
    let mut control = daemon.control().await?;
    let asked = Instant::now();
    let why = "told by a story".to_owned();
    let state = control.pause(PauseRequest { why }).await?.into_inner();
    assert!(state.paused.is_some());
    tokio::time::sleep(Duration::from_secs(1).saturating_sub(asked.elapsed())).await;
    let (effects, calls) = (world.effects()?, world.proxy.mutating());
    // Two more pods would have left in this time, and the node with them.
    never(
        "something happens under the kill switch",
        Duration::from_secs(20),
        async || {
            let more = world.effects()?.split_off(effects.len());
            let asked = world.proxy.mutating().split_off(calls.len());
            Ok((!more.is_empty() || !asked.is_empty()).then_some((more, asked)))
        },
    )
    .await?;
    assert_eq!(world.account.desired("workers").await?, 2);
    let cordoned = |nodes: usize| async move {
        Ok::<_, plimsoll_tests::Error>(world.ready_nodes().await?.len() == nodes)
    };
    assert!(cordoned(1).await?, "the drain stands where it stood");

    control.resume(ResumeRequest {}).await?;
    eventually("the drain is finished or undone", PATIENCE, async || {
        let finished = world.account.desired("workers").await? == 1 && world.api.nodes().await?.len() == 1;
        let undone = world.account.desired("workers").await? == 2 && cordoned(2).await?;
        Ok((finished || undone).then_some(()))
    })
    .await?;
    world.runs("slow", 4).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_server_that_is_away_costs_no_node() {
    tell("g: an API server that is away costs no node", async {
        let Some(mut world) = world("an API server that is away costs no node", "act").await else {
            return Ok(());
        };
        let _machines = world.group("workers", (0, 4, 1)).await?;
        world.shop(&App::new("full", 3, 600)).await?;
        world.runs("full", 3).await?;
        world.account.set_desired("workers", 2).await?;
        eventually("a second node joins", PATIENCE, async || {
            Ok((world.ready_nodes().await?.len() == 2).then_some(()))
        })
        .await?;
        // The empty node's time comes while nobody can be asked.
        let patient = json!({"shrink": {"unneeded_for": "40s", "min_age": "0s", "drain_timeout": "30m"}});
        let daemon = world.daemon("act", aims(&patient), json!([])).await?;
        away(&mut world, &daemon)
            .await
            .map_err(|error| told(&*error, &daemon))
    })
    .await;
}

async fn away(world: &mut World, daemon: &Daemon) -> Result<()> {
    let busy: Vec<String> = world
        .placed("full")
        .await?
        .into_iter()
        .map(|(_, node)| node)
        .collect();
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.cluster.tell("stop apiserver")?;
    never(
        "something is asked of AWS while nothing can be seen",
        Duration::from_mins(1),
        async || {
            let asked = world.proxy.mutating();
            Ok((!asked.is_empty()).then_some(asked))
        },
    )
    .await?;
    world.cluster.tell("start apiserver")?;
    world
        .cluster
        .tell("restart controller-manager scheduler fakelet")?;
    never(
        "pods move for what happened in the gap",
        Duration::from_secs(10),
        async || {
            let nodes: Vec<String> = world
                .placed("full")
                .await?
                .into_iter()
                .map(|(_, node)| node)
                .collect();
            Ok((nodes != busy || world.proxy.count(SHRINKING) > 1).then_some(nodes))
        },
    )
    .await?;
    let calls = world.proxy.calls();
    assert!(
        calls.iter().filter(|call| call.action == SHRINKING).count() <= 1,
        "only the empty node may go"
    );

    let more = json!({"spec": {"replicas": 7}});
    world
        .api
        .merge(&format!("/apis/apps/v1/namespaces/{SHOP}/deployments/full"), more)
        .await?;
    world.runs("full", 7).await?;
    assert!(daemon.summary().await?.cycle > 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_daemon_launches_nothing_twice() {
    tell("kill: a killed daemon launches nothing twice", async {
        let Some(world) = world("a killed daemon launches nothing twice", "act").await else {
            return Ok(());
        };
        let machines = world.group("workers", (0, 6, 0)).await?;
        machines.hold(true);
        // Five pods of 500m are two nodes. The call takes effect, but its answer never comes.
        world.proxy.fault(GROWING, Fault::Mute);
        world.shop(&App::new("web", 5, 500)).await?;
        let mut daemon = world.daemon("act", aims(&json!({})), json!([])).await?;
        let story = killed(&world, &mut daemon, &machines).await;
        story.map_err(|error| told(&*error, &daemon))
    })
    .await;
}

async fn killed(world: &World, daemon: &mut Daemon, machines: &Machines) -> Result<()> {
    eventually("the group has been asked to grow", PATIENCE, async || {
        Ok((world.account.desired("workers").await? == 2).then_some(()))
    })
    .await?;
    daemon.kill()?;
    daemon.again().await?;
    let began = daemon.summary().await?.cycle;
    never(
        "the same demand is bought again",
        Duration::from_secs(12),
        async || {
            let desired = world.account.desired("workers").await?;
            Ok((desired != 2 || world.proxy.count(GROWING) != 1).then_some(desired))
        },
    )
    .await?;
    assert!(
        daemon.summary().await?.cycle > began + 2,
        "it has thought about it"
    );

    // Three pods more are one node more. Killed before the call has any effect: it must be asked again.
    world.proxy.fault(GROWING, Fault::Hang);
    let more = json!({"spec": {"replicas": 8}});
    world
        .api
        .merge(&format!("/apis/apps/v1/namespaces/{SHOP}/deployments/web"), more)
        .await?;
    eventually("the daemon asks for one more", PATIENCE, async || {
        Ok((world.proxy.count(GROWING) == 2).then_some(()))
    })
    .await?;
    assert_eq!(world.account.desired("workers").await?, 2);
    daemon.kill()?;
    daemon.again().await?;
    eventually("what was written down is asked for", PATIENCE, async || {
        Ok((world.account.desired("workers").await? == 3).then_some(()))
    })
    .await?;
    machines.hold(false);
    world.runs("web", 8).await?;
    assert_eq!(world.account.desired("workers").await?, 3);
    assert_eq!(world.account.instances("workers").await?.len(), 3);
    assert_eq!(world.proxy.count(GROWING), 3);
    Ok(())
}
