//! e. A policy's file is replaced by one that never ends, and by a good one again, while the daemon runs.

use crate::components::{Policies, shipped};
use crate::demand::{figure, scaled, told, web};
use crate::world::{PATIENCE, World, world};
use plimsoll_tests::Result;
use plimsoll_tests::daemon::Daemon;
use plimsoll_tests::story::tell;
use plimsoll_tests::wait::eventually;
use proto::v1::{ListPoliciesRequest, PolicyState};

const NAME: &str = "target-utilisation";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_never_ends_is_cut_off() {
    tell("e: a policy that never ends is cut off", async {
        let Some(policies) = shipped(NAME) else {
            return Ok(());
        };
        let Some(world) = world("a policy that never ends is cut off", "act").await else {
            return Ok(());
        };
        let _machines = world.group("workers", (3, 3, 3)).await?;
        world.shop(&web()).await?;
        world.load("web", 600).await?;
        world.runs("web", 2).await?;
        let daemon = world.daemon("act", scaled(), policies.enforced(NAME)).await?;
        replace(&world, &daemon, &policies)
            .await
            .map_err(|error| told(&*error, &daemon))
    })
    .await;
}

async fn replace(world: &World, daemon: &Daemon, policies: &Policies) -> Result<()> {
    let pid = daemon.pid();
    figure(daemon, "web").await?;
    let good = state(daemon).await?;
    assert_eq!((good.faults, good.mode.as_str()), (0, "enforce"));
    let faults = async || {
        daemon
            .metric("plimsoll_policy_faults_total", &[&format!("policy=\"{NAME}\"")])
            .await
    };

    policies.put_endless()?;
    eventually(
        "the endless policy is cut off, and it shows",
        PATIENCE,
        async || {
            let state = state(daemon).await?;
            let shown = state.digest != good.digest && state.faults > 0 && !state.last_fault.is_empty();
            Ok((shown && faults().await? > 0.0).then_some(()))
        },
    )
    .await?;
    world.load("web", 2400).await?;
    eventually(
        "the default raises the replicas meanwhile",
        PATIENCE,
        async || Ok((world.replicas("web").await? == 8).then_some(())),
    )
    .await?;
    world.load("web", 600).await?;

    policies.put_good()?;
    let done = eventually("the good policy answers again", PATIENCE, async || {
        let cycles = daemon.cycles(1).await?;
        let calls = cycles
            .first()
            .map(|cycle| cycle.calls.clone())
            .unwrap_or_default();
        let answered = calls
            .iter()
            .any(|call| call.digest == good.digest && call.fault.is_empty());
        let state = state(daemon).await?;
        Ok((answered && state.quarantined_since_millis.is_none()).then_some(state))
    })
    .await?;
    assert_eq!((done.digest, done.mode), (good.digest, good.mode));
    // On faults replicas are only ever raised: that they fall shows that the policy counts again.
    eventually("the replicas fall again", PATIENCE, async || {
        Ok((world.replicas("web").await? == 2).then_some(()))
    })
    .await?;
    assert_eq!(daemon.pid(), pid, "without a restart");
    Ok(())
}

async fn state(daemon: &Daemon) -> Result<PolicyState> {
    let listed = daemon
        .policies()
        .await?
        .list(ListPoliciesRequest {})
        .await?
        .into_inner();
    let found = listed.policies.into_iter().find(|policy| policy.name == NAME);
    found.ok_or_else(|| "the policy is not listed".into())
}
