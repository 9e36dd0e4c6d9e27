//! c. A Job's pods are chosen for Fargate: the plan says so and why, and nothing is written.

use crate::components::shipped;
use crate::demand::told;
use crate::world::{PATIENCE, World, aims, world};
use plimsoll_tests::Result;
use plimsoll_tests::daemon::Daemon;
use plimsoll_tests::story::tell;
use plimsoll_tests::wait::{eventually, never};
use proto::v1::{Explanation, Step, StepRequest, WorkloadRequest};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_placed_on_fargate() {
    tell("c: a job is placed on Fargate", async {
        let Some(policies) = shipped("fargate-or-ec2") else {
            return Ok(());
        };
        let Some(world) = world("a job is placed on Fargate", "act").await else {
            return Ok(());
        };
        let _machines = world.group("workers", (0, 6, 0)).await?;
        world
            .api
            .create("/api/v1/namespaces", json!({"metadata": {"name": "batch"}}))
            .await?;
        world
            .api
            .create("/apis/batch/v1/namespaces/batch/jobs", job())
            .await?;
        let aims = aims(&json!({"fargate": [{"profile": "serverless", "namespaces": ["batch"]}]}));
        let daemon = world
            .daemon("act", aims, policies.enforced("fargate-or-ec2"))
            .await?;
        place(&world, &daemon)
            .await
            .map_err(|error| told(&*error, &daemon))
    })
    .await;
}

async fn place(world: &World, daemon: &Daemon) -> Result<()> {
    let step: Step = eventually(
        "the plan places the job's pods on Fargate",
        PATIENCE,
        async || {
            let cycles = daemon.cycles(5).await?;
            let mut steps = cycles.into_iter().flat_map(|cycle| cycle.steps);
            Ok(steps.find(|step| step.kind == "PlaceOnFargate" && step.pod_count == 3))
        },
    )
    .await?;
    assert_eq!(step.group, "serverless");
    assert_eq!(
        step.workload.as_ref().map(|w| (w.kind.as_str(), w.name.as_str())),
        Some(("Job", "report"))
    );
    assert_eq!(step.pods.len(), 3);
    assert!(
        step.labels.keys().any(|key| key.starts_with("plimsoll.io/")),
        "{:?}",
        step.labels
    );
    assert_eq!(step.reason_code, "FargateCheaper");
    assert!(step.reason.contains("fargate-or-ec2"), "{}", step.reason);

    let mut explain = daemon.explain().await?;
    let id = step.id.clone();
    let by_step = explain.step(StepRequest { id }).await?.into_inner();
    let said = words(&by_step);
    for word in ["report", "serverless", "fargate-or-ec2", "class "]
        .into_iter()
        .chain(step.labels.keys().map(String::as_str))
    {
        assert!(said.contains(word), "{word} is not in: {said}");
    }
    let request = WorkloadRequest {
        kind: "Job".to_owned(),
        namespace: "batch".to_owned(),
        name: "report".to_owned(),
        cycle: 0,
    };
    let by_workload = words(&explain.workload(request).await?.into_inner());
    assert!(by_workload.contains("Fargate"), "{by_workload}");

    never("something is written", Duration::from_secs(4), async || {
        let effects = world.effects()?;
        let asked = world.proxy.mutating();
        Ok((!effects.is_empty() || !asked.is_empty()).then_some((effects, asked)))
    })
    .await?;
    for pod in world.api.pods("batch", "job-name=report").await? {
        assert_eq!(pod["spec"]["nodeName"], Value::Null);
        let labels = pod["metadata"]["labels"].to_string();
        assert!(
            !labels.contains("plimsoll.io"),
            "the admission path comes later: {labels}"
        );
    }
    Ok(())
}

fn words(explanation: &Explanation) -> String {
    let facts = explanation.facts.iter().map(|fact| fact.text.as_str());
    std::iter::once(explanation.subject.as_str())
        .chain(facts)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Three pods at once that come and go.
fn job() -> Value {
    json!({
        "metadata": {"name": "report"},
        "spec": {
            "parallelism": 3,
            "completions": 3,
            "template": {"spec": {"restartPolicy": "Never", "containers": [{
                "name": "main",
                "image": "none",
                "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}},
            }]}},
        },
    })
}
