//! The figures: what the webhook adds to creating a pod, and how fast it answers by itself.

use crate::load::{Times, open, post};
use crate::tell;
use crate::world::{BATCH, LABEL, NAME, SHOP, World, is_placed, pod, world};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_tests::Result;
use plimsoll_tests::https::Trust;
use serde_json::{Value, json};

/// Pods created a second.
const CREATES: u32 = 150;
/// Reviews a second.
const REVIEWS: u32 = 500;
/// One turn with the webhook, one without: what else the machine does falls on both.
const TURN: f64 = 2.0;

/// Seconds for each part, and whether the targets are held against what comes out.
fn seconds() -> (f64, bool) {
    let asked = std::env::var("PLIMSOLL_ADMISSION_SECONDS").ok();
    asked
        .and_then(|text| text.parse().ok())
        .map_or((4.0, false), |seconds| (seconds, true))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creating_pods_and_answering_reviews() {
    tell("creating pods and answering reviews", async {
        let Some(world) = world("the figures of admission", "webhook").await else {
            return Ok(());
        };
        let mut daemon = world.daemon_every("10s", "act", json!({})).await?;
        answering(&world).await?;
        creating(&world).await?;
        daemon.kill()?;
        away(&world).await
    })
    .await;
}

/// Of four kinds of pods two are to be placed.
fn kind(n: u32) -> (&'static str, Value, Value, bool) {
    let cpu = format!("{}m", 100 + n % 20 * 10);
    let main = |of_host: bool| {
        let volumes = if of_host {
            json!([{"name": "v", "hostPath": {"path": "/"}}])
        } else {
            json!([])
        };
        json!({"volumes": volumes, "containers": [{
            "name": "main",
            "image": "none",
            "resources": {"requests": {"cpu": cpu, "memory": "512Mi"}},
        }]})
    };
    let job = format!("job-{}", n % 20);
    let owner = json!({"ownerReferences": [
        {"apiVersion": "v1", "kind": "Job", "name": job, "uid": job, "controller": true},
    ]});
    match n % 4 {
        0 => (BATCH, json!({}), main(false), true),
        1 => (BATCH, owner, main(false), true),
        2 => (SHOP, json!({}), main(false), false),
        _ => (BATCH, json!({}), main(true), false),
    }
}

/// Straight at the webhook.
async fn answering(world: &World) -> Result<()> {
    let (seconds, full) = seconds();
    let trust = Trust::of(&world.asks.bundle().await?, NAME)?;
    let body = |n: u32| {
        let (namespace, metadata, spec, _) = kind(n);
        json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": n.to_string(),
                "namespace": namespace,
                "operation": "CREATE",
                "object": pod(metadata, spec),
            },
        })
        .to_string()
        .into_bytes()
    };
    // Every class once, so that what is measured is the table; then connections that last, then such that are made
    // anew now and then, as API servers do.
    let here = (world.webhook, || trust.clone());
    post(here, (50, 2.0), (4, u32::MAX), body).await?;
    let (answers, times) = post(here, (REVIEWS, seconds), (32, u32::MAX), body).await?;
    let (wrong, missed) = judged(&answers)?;
    println!(
        "  webhook, {REVIEWS}/s open loop: {}; {wrong} wrong, {missed} missed",
        times.shown()
    );
    let (_, anew) = post(here, (REVIEWS, seconds.min(5.0)), (32, 50), body).await?;
    println!("  the same, every 50th over a new connection: {}", anew.shown());
    assert_eq!((wrong, missed), (0, 0));
    let limit = if full { 5.0 } else { 250.0 };
    assert!(
        times.percentile(99.0) < limit,
        "p99 {:.2} ms",
        times.percentile(99.0)
    );
    Ok(())
}

/// Answers that place what must not be placed, and such that leave what should be.
fn judged(answers: &[Vec<u8>]) -> Result<(usize, usize)> {
    let (mut wrong, mut missed) = (0, 0);
    for answer in answers {
        let answer: Value = serde_json::from_slice(answer)?;
        let response = &answer["response"];
        assert_eq!(response["allowed"], true);
        let n: u32 = response["uid"].as_str().unwrap_or_default().parse()?;
        let patch = response["patch"]
            .as_str()
            .map(|patch| STANDARD.decode(patch))
            .transpose()?;
        let placed =
            patch.is_some_and(|patch| String::from_utf8_lossy(&patch).contains("plimsoll.io~1placement"));
        let expected = kind(n).3;
        wrong += usize::from(placed && !expected);
        missed += usize::from(!placed && expected);
    }
    Ok((wrong, missed))
}

/// Through the API server, turn by turn with and without the webhook: pods that say `ec2` already are not asked about.
async fn creating(world: &World) -> Result<()> {
    let (seconds, full) = seconds();
    let (mut with, mut without) = (Times::default(), Times::default());
    let (mut wrong, mut missed, mut turns) = (0, 0, 0.0);
    while turns < seconds {
        for asked in [true, false] {
            let (pods, times) = open(CREATES, TURN, |n| {
                let asks = world.asks.clone();
                async move {
                    let (namespace, mut metadata, spec, expected) = kind(n);
                    if !asked {
                        metadata["labels"] = json!({LABEL.0: "ec2"});
                    }
                    let created = asks.create(namespace, pod(metadata, spec)).await?;
                    Ok((is_placed(&created), expected && asked))
                }
            })
            .await?;
            wrong += pods
                .iter()
                .filter(|(placed, expected)| *placed && !expected)
                .count();
            missed += pods
                .iter()
                .filter(|(placed, expected)| !placed && *expected)
                .count();
            let side = if asked { &mut with } else { &mut without };
            *side = std::mem::take(side).merge(&times);
        }
        turns += TURN;
    }
    let added = with.percentile(99.0) - without.percentile(99.0);
    println!("  creates with the webhook, {CREATES}/s: {}", with.shown());
    println!("  creates without:          {CREATES}/s: {}", without.shown());
    println!(
        "  added: p50 {:.2} ms, p99 {added:.2} ms; 0 blocked, {wrong} wrong, {missed} missed",
        with.percentile(50.0) - without.percentile(50.0)
    );
    assert_eq!((wrong, missed), (0, 0));
    let limit = if full { 15.0 } else { 1000.0 };
    assert!(added < limit, "p99 added: {added:.2} ms");
    Ok(())
}

/// The daemon is gone: every pod is created as it is, and nobody waits for it.
async fn away(world: &World) -> Result<()> {
    let (pods, times) = open(CREATES, 2.0, |n| {
        let asks = world.asks.clone();
        async move {
            let (namespace, metadata, spec, _) = kind(n);
            asks.create(namespace, pod(metadata, spec)).await
        }
    })
    .await?;
    println!(
        "  creates with the daemon killed, {CREATES}/s: {}; 0 blocked",
        times.shown()
    );
    assert!(!pods.iter().any(is_placed));
    Ok(())
}
