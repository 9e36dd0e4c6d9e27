//! j. ECS beside the cluster: the daemon reads it, tells it to who asks, and changes nothing of it.

use crate::demand::told;
use crate::world::{CLUSTER, PATIENCE, World, world};
use manifest::ClusterBuilder;
use model::Aims;
use model::resources::GIB;
use plimsoll_tests::Result;
use plimsoll_tests::aws::REGION;
use plimsoll_tests::daemon::Daemon;
use plimsoll_tests::story::tell;
use plimsoll_tests::wait::eventually;
use proto::v1::{GetEcsRequest, GetEcsResponse};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ecs_is_told_beside_the_cluster() {
    tell("j: ECS is told beside the cluster", async {
        let Some(world) = world("ECS beside the cluster", "observe").await else {
            return Ok(());
        };
        serve(&world).await?;
        let provider = json!({"aws": {"region": REGION, "launch": "desired", "ecs": {"clusters": ["shop"]}}});
        let daemon = world
            .daemon_with("observe", json!({}), json!({"provider": provider}))
            .await?;
        ask(&world, &daemon).await.map_err(|error| told(&*error, &daemon))
    })
    .await;
}

/// A service of three tasks on Fargate with storage of its own.
async fn serve(world: &World) -> Result<()> {
    let placed = json!({"awsvpcConfiguration": world.account.network().await?});
    let web = json!({"family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "512", "memory": "1024", "ephemeralStorage": {"sizeInGiB": 120},
        "containerDefinitions": [{"name": "c", "image": "i", "memory": 512}]});
    let service = json!({"cluster": "shop", "serviceName": "web", "taskDefinition": "web", "desiredCount": 3,
        "launchType": "FARGATE", "networkConfiguration": placed});
    for (call, body) in [
        (
            "CreateCluster",
            json!({"clusterName": "shop", "capacityProviders": ["FARGATE"]}),
        ),
        ("RegisterTaskDefinition", web),
        ("CreateService", service),
    ] {
        world.account.ecs(call, &body).await?;
    }
    Ok(())
}

async fn ask(world: &World, daemon: &Daemon) -> Result<()> {
    let mut query = daemon.query().await?;
    let seen: GetEcsResponse = eventually("ECS has been read", PATIENCE, async || {
        let request = GetEcsRequest::default();
        Ok(query.get_ecs(request).await.ok().map(tonic::Response::into_inner))
    })
    .await?;
    assert_eq!(
        (seen.clusters, seen.services, seen.trouble.len()),
        (1, 1, 0),
        "{seen:?}"
    );
    assert_eq!(seen.next_page_token, "");
    // What was told is what `plan --cluster` reads.
    let mut builder = ClusterBuilder::new();
    let read = builder.read("ecs.json", seen.documents.join("\n").as_bytes());
    assert!(read.is_ok(), "{read:?}");
    let picture = builder.finish(&manifest::built_in(), &Aims::default());
    let service = &picture.workloads[0];
    assert_eq!(
        (service.key.to_string().as_str(), service.replicas),
        ("EcsService shop/web", 3)
    );
    let spec = &picture.specs[usize::try_from(service.template.unwrap_or_default())?];
    assert_eq!(
        (spec.requests.cpu_milli, spec.requests.ephemeral_bytes),
        (500, 120 * GIB)
    );
    // Kubernetes' own cluster knows nothing of it, and nothing was written.
    let summary = daemon.summary().await?;
    assert_eq!((summary.cluster.as_str(), summary.pods_pending), (CLUSTER, 0));
    assert_eq!(world.effects()?.len(), 0);
    let asked = world.proxy.mutating();
    assert!(asked.is_empty(), "{asked:?}");
    Ok(())
}
