//! d. Observing only: the same decisions, and not one write to the cluster or to AWS.

use crate::components::shipped;
use crate::demand::{figure, scaled, told, web};
use crate::world::{DAEMON, PATIENCE, World, world};
use plimsoll_tests::Result;
use plimsoll_tests::daemon::Daemon;
use plimsoll_tests::story::tell;
use plimsoll_tests::wait::eventually;
use proto::v1::verdict::Kind;
use proto::v1::{Cycle, Step};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn observing_changes_nothing() {
    tell("d: observing changes nothing", async {
        let Some(policies) = shipped("target-utilisation") else {
            return Ok(());
        };
        let Some(world) = world("observing changes nothing", "observe").await else {
            return Ok(());
        };
        let _machines = world.group("workers", (1, 6, 1)).await?;
        world.shop(&web()).await?;
        world.load("web", 600).await?;
        world.runs("web", 2).await?;
        let daemon = world
            .daemon("observe", scaled(), policies.enforced("target-utilisation"))
            .await?;
        observe(&world, &daemon)
            .await
            .map_err(|error| told(&*error, &daemon))
    })
    .await;
}

async fn observe(world: &World, daemon: &Daemon) -> Result<()> {
    figure(daemon, "web").await?;
    world.load("web", 2400).await?;
    let cycle: Cycle = eventually("the plan has 8 replicas and 3 nodes", PATIENCE, async || {
        let cycles = daemon.cycles(5).await?;
        let found =
            |cycle: &Cycle| to(cycle, "ScaleWorkload") == Some(8) && to(cycle, "GrowGroup") == Some(3);
        Ok(cycles.into_iter().find(found))
    })
    .await?;
    for step in &cycle.steps {
        let verdict = step.verdict.clone().unwrap_or_default();
        assert_eq!(
            (verdict.kind(), verdict.code.as_str()),
            (Kind::Held, "ObserveOnly"),
            "{step:?}"
        );
        assert_eq!(step.outcome, None);
    }
    assert!(
        cycle
            .calls
            .iter()
            .any(|call| call.policy == "target-utilisation" && call.fault.is_empty())
    );

    assert_eq!(world.replicas("web").await?, 2);
    assert_eq!(world.account.desired("workers").await?, 1);
    let own = [
        "configmaps",
        "leases",
        "tokenreviews",
        "subjectaccessreviews",
        "selfsubjectaccessreviews",
    ];
    let mut writes = world.cluster.audit(DAEMON)?;
    assert!(
        writes.iter().any(|row| row.verb == "list"),
        "the audit log knows the daemon"
    );
    writes.retain(|row| row.is_mutating() && !own.contains(&row.resource.as_str()));
    assert_eq!(writes, [], "nothing is written to the cluster, not even tried");
    assert_eq!(world.proxy.mutating(), [], "nothing is asked of AWS");
    assert!(
        world.proxy.count("DescribeAutoScalingGroups") > 0,
        "the proxy sees the daemon"
    );
    Ok(())
}

/// What the first step of this kind aims at.
fn to(cycle: &Cycle, kind: &str) -> Option<u32> {
    let of_kind = |step: &&Step| step.kind == kind;
    cycle.steps.iter().find(of_kind)?.to
}
