//! The figures: what the webhook adds to creating a pod, and how fast it answers by itself.

use crate::load::{Times, open, post};
use crate::world::{BATCH, LABEL, NAME, SHOP, World, is_placed, pod, world};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_tests::Result;
use plimsoll_tests::daemon::Daemon;
use plimsoll_tests::https::{Server, Trust};
use plimsoll_tests::story::tell;
use serde_json::{Value, json};
use std::time::Duration;

/// Pods created a second.
pub(crate) const CREATES: u32 = 150;
/// Reviews a second.
const REVIEWS: u32 = 500;
/// Length of a turn: what else the machine does falls on all of them.
const TURN: f64 = 2.0;

/// Seconds for each part, and whether the targets are held against what comes out.
pub(crate) fn seconds() -> (f64, bool) {
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
        let answered = answering(&world, &daemon).await?;
        let added = creating(&world, &daemon).await?;
        daemon.kill()?;
        away(&world).await?;
        let (_, full) = seconds();
        // The short form runs beside other work, on few cores: what it holds is that nobody waits for a timeout.
        let limits = if full { (5.0, 15.0) } else { (500.0, 5000.0) };
        assert!(answered < limits.0, "p99 at the webhook: {answered:.2} ms");
        assert!(added < limits.1, "p99 added: {added:.2} ms");
        Ok(())
    })
    .await;
}

/// Seconds of CPU that the daemon has used.
fn cpu(daemon: &Daemon) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", daemon.pid()))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no stat")?;
    // utime and stime, in hundredths.
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    let ticks = ticks.sum::<Result<u32, _>>()?;
    Ok(f64::from(ticks) / 100.0)
}

fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
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
async fn answering(world: &World, daemon: &Daemon) -> Result<f64> {
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
    let before = cpu(daemon)?;
    let (answers, times) = post(here, (REVIEWS, seconds), (32, u32::MAX), body).await?;
    let (wrong, missed) = judged(&answers)?;
    println!(
        "  webhook, {REVIEWS}/s open loop: {}; {wrong} wrong, {missed} missed",
        times.shown()
    );
    println!(
        "  of the daemon's CPU: {:.0} µs a review",
        (cpu(daemon)? - before) * 1e6 / real(times.len())
    );
    let (_, anew) = post(here, (REVIEWS, seconds.min(5.0)), (32, 50), body).await?;
    println!("  the same, every 50th over a new connection: {}", anew.shown());
    assert_eq!(wrong, 0);
    assert!(
        missed * 10 < answers.len() && (missed == 0 || !full),
        "{missed} missed"
    );
    Ok(times.percentile(99.0))
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

/// Who is asked about a pod when it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// The daemon.
    Daemon,
    /// Nobody: the pod says that it is placed elsewhere.
    Nobody,
    /// A webhook in this process that allows and does nothing: what asking costs by itself, on this machine, now.
    Nothing,
}

/// Through the API server, turn by turn: what a webhook adds, and what ours adds to that.
async fn creating(world: &World, daemon: &Daemon) -> Result<f64> {
    let (seconds, full) = seconds();
    let _nothing = nothing(world).await?;
    let mut times = [Asked::Daemon, Asked::Nobody, Asked::Nothing].map(|asked| (asked, Times::default()));
    let (mut wrong, mut missed, mut turns) = (0, 0, 0.0);
    // Every class once: what is measured is the table.
    for n in 0..20 {
        let (namespace, metadata, spec, _) = kind(n);
        world.asks.create(namespace, pod(metadata, spec)).await?;
    }
    let before = cpu(daemon)?;
    while turns < seconds {
        times.rotate_left(1);
        for (asked, all) in &mut times {
            let asked = *asked;
            let (pods, taken) = open(CREATES, TURN, |n| {
                let asks = world.asks.clone();
                async move {
                    let (namespace, mut metadata, spec, expected) = kind(n);
                    match asked {
                        Asked::Daemon => {}
                        Asked::Nobody => metadata["labels"] = json!({LABEL.0: "ec2"}),
                        Asked::Nothing => metadata["labels"] = json!({LABEL.0: "ec2", "ask": "nothing"}),
                    }
                    let created = asks.create(namespace, pod(metadata, spec)).await?;
                    Ok((is_placed(&created), expected && asked == Asked::Daemon))
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
            *all = std::mem::take(all).merge(&taken);
        }
        turns += TURN;
    }
    for (asked, times) in &times {
        println!("  creates, {CREATES}/s, asked is {asked:?}: {}", times.shown());
    }
    times.sort_by_key(|(asked, _)| *asked as u8);
    let [daemons, nobodys, nothings] = times.map(|(_, times)| times);
    let added = |percent: f64| daemons.percentile(percent) - nobodys.percentile(percent);
    let by_asking = |percent: f64| nothings.percentile(percent) - nobodys.percentile(percent);
    println!(
        "  added: p50 {:.2} ms, p99 {:.2} ms; by a webhook that does nothing: p50 {:.2} ms, p99 {:.2} ms",
        added(50.0),
        added(99.0),
        by_asking(50.0),
        by_asking(99.0),
    );
    let pods = real(daemons.len() + nobodys.len() + nothings.len());
    println!(
        "  0 blocked, {wrong} wrong, {missed} missed; the daemon's CPU, watching included: {:.0} µs a pod",
        (cpu(daemon)? - before) * 1e6 / pods
    );
    println!("  in the daemon, of all reviews: {}", within(daemon).await?);
    assert_eq!(wrong, 0);
    // Who is too busy to answer in time leaves pods as they are.
    assert!(
        missed * 10 < daemons.len() && (missed == 0 || !full),
        "{missed} missed"
    );
    Ok(added(99.0))
}

/// A webhook that is asked about pods with the label `ask: nothing`.
async fn nothing(world: &World) -> Result<Server> {
    let server = Server::start(|body| {
        let review: Value = serde_json::from_slice(body).unwrap_or_default();
        let response = json!({"uid": review["request"]["uid"], "allowed": true});
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
            .to_string()
            .into_bytes()
    })
    .await?;
    let webhook = json!({
        "name": "nothing.plimsoll.io",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Ignore",
        "timeoutSeconds": 2,
        "objectSelector": {"matchLabels": {"ask": "nothing"}},
        "clientConfig": {
            "url": format!("https://{}/", server.address),
            "caBundle": STANDARD.encode(&server.certificate),
        },
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
    });
    let path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
    let configuration = json!({"metadata": {"name": "nothing.plimsoll.io"}, "webhooks": [webhook]});
    world.api.create(path, configuration).await?;
    // API servers hear of it within moments.
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(server)
}

/// The daemon's own word on how long it took: the share of reviews that were answered within so many seconds.
async fn within(daemon: &Daemon) -> Result<String> {
    let all = daemon.metric("plimsoll_admission_seconds_count", &[]).await?;
    let mut said = Vec::new();
    for seconds in ["0.0004", "0.0016", "0.0064"] {
        let bucket = format!("le=\"{seconds}\"");
        let count = daemon
            .metric("plimsoll_admission_seconds_bucket", &[&bucket])
            .await?;
        said.push(format!("{:.1} % within {seconds} s", count * 100.0 / all));
    }
    Ok(said.join(", "))
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
