//! What must hold: who is placed, who is left alone, what happens while the daemon rests, watches only, or is away, and
//! that certificates roll unnoticed.

use crate::load::open;
use crate::rows::{CREATES, seconds};
use crate::world::{BATCH, LABEL, NAME, PATIENCE, PROFILE, SHOP, SYSTEM, World, is_placed, pod, world};
use plimsoll_tests::Result;
use plimsoll_tests::daemon::Daemon;
use plimsoll_tests::eks::{Eks, PROFILE as EKS_LABEL, SCHEDULER};
use plimsoll_tests::https::{Connection, Trust};
use plimsoll_tests::story::tell;
use plimsoll_tests::wait::{eventually, never};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_are_placed_when_they_are_created() {
    tell("pods are placed when they are created", async {
        let Some(world) = world("placement at admission", "webhook").await else {
            return Ok(());
        };
        let mut daemon = world.daemon("act", json!({})).await?;
        let eks = Eks::with_profile(&world.api, PROFILE, BATCH, LABEL).await?;
        each_as_it_should(&world).await?;
        owners_of_real_pods(&world).await?;
        eks.leave().await?;
        nonsense(&world).await?;
        rests(&world, &daemon).await?;
        daemon.stop()?;
        let away = world.asks.create(BATCH, pod(json!({}), json!({}))).await?;
        assert!(
            !is_placed(&away),
            "nobody answers, and the pod is created all the same"
        );
        Ok(())
    })
    .await;
}

/// Owner of a kind; the API server asks nobody whether it is there.
fn owned(kind: &str) -> Value {
    json!({"ownerReferences": [{"apiVersion": "v1", "kind": kind, "name": "owner", "uid": "u-1", "controller": true}]})
}

fn container(more: &Value) -> Value {
    let mut container = json!({
        "name": "main",
        "image": "none",
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        container[key] = value.clone();
    }
    json!({"containers": [container]})
}

/// Name, namespace, metadata, spec, whether it is placed.
fn pods() -> Vec<(&'static str, &'static str, Value, Value, bool)> {
    let none = || json!({});
    let claim = json!({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]});
    let host = json!({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]});
    let asks = |resources: Value| {
        container(&json!({"resources": {"requests": resources.clone(), "limits": resources}}))
    };
    vec![
        ("a bare pod", BATCH, none(), none(), true),
        (
            "a pod without labels",
            BATCH,
            json!({"labels": null}),
            none(),
            true,
        ),
        ("a pod of a Job", BATCH, owned("Job"), none(), true),
        ("a pod of a ReplicaSet", BATCH, owned("ReplicaSet"), none(), true),
        ("where no profile looks", SHOP, none(), none(), false),
        (
            "the cluster's own namespace",
            "kube-system",
            none(),
            none(),
            false,
        ),
        ("the daemon's own namespace", SYSTEM, none(), none(), false),
        ("a DaemonSet's", BATCH, owned("DaemonSet"), none(), false),
        ("a StatefulSet's", BATCH, owned("StatefulSet"), none(), false),
        (
            "on its host's network",
            BATCH,
            none(),
            json!({"hostNetwork": true}),
            false,
        ),
        ("with a volume of its host", BATCH, none(), host, false),
        (
            "with a GPU",
            BATCH,
            none(),
            asks(json!({"nvidia.com/gpu": "1"})),
            false,
        ),
        ("too large", BATCH, none(), asks(json!({"cpu": "17"})), false),
        (
            "for arm64",
            BATCH,
            none(),
            json!({"nodeSelector": {"kubernetes.io/arch": "arm64"}}),
            false,
        ),
        (
            "with a scheduler of its own",
            BATCH,
            none(),
            json!({"schedulerName": "mine"}),
            false,
        ),
        ("with a volume claim", BATCH, none(), claim, false),
        (
            "placed elsewhere by its owner",
            BATCH,
            json!({"labels": {LABEL.0: "ec2"}}),
            none(),
            false,
        ),
    ]
}

async fn each_as_it_should(world: &World) -> Result<()> {
    for (name, namespace, metadata, spec, expected) in pods() {
        // Both webhooks fail open: on a busy machine either may answer too late for a pod. Its like find the answer.
        eventually(name, PATIENCE, async || {
            let created = world
                .asks
                .create(namespace, pod(metadata.clone(), spec.clone()))
                .await?;
            world.asks.remove(&created).await?;
            let (ours, theirs) = (is_placed(&created), is_taken_up(&created));
            assert!(expected || !ours, "{name}: {}", created["metadata"]);
            // EKS comes after us, and takes up what we have set, and nothing else.
            assert!(ours || !theirs, "{name}: {}", created["metadata"]);
            Ok((ours == expected && theirs == expected).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// Whether EKS has given the pod to its profile: both of what it sets, or neither.
fn is_taken_up(pod: &Value) -> bool {
    let scheduler = pod["spec"]["schedulerName"] == SCHEDULER;
    let profile = pod["metadata"]["labels"][EKS_LABEL] == PROFILE;
    assert_eq!(scheduler, profile, "{}", pod["metadata"]);
    scheduler
}

/// Controllers make their pods by themselves, at once.
async fn owners_of_real_pods(world: &World) -> Result<()> {
    let template = |labels: Value| {
        let mut made = pod(json!({"labels": labels}), json!({}));
        made["metadata"]
            .as_object_mut()
            .map(|meta| meta.remove("generateName"));
        made
    };
    let mut job = template(json!({"app": "job"}));
    job["spec"]["restartPolicy"] = json!("Never");
    let job =
        json!({"metadata": {"name": "job"}, "spec": {"parallelism": 5, "completions": 5, "template": job}});
    world
        .api
        .create(&format!("/apis/batch/v1/namespaces/{BATCH}/jobs"), job)
        .await?;
    let web = json!({"metadata": {"name": "web"}, "spec": {
        "replicas": 5,
        "selector": {"matchLabels": {"app": "web"}},
        "template": template(json!({"app": "web"})),
    }});
    world
        .api
        .create(&format!("/apis/apps/v1/namespaces/{BATCH}/deployments"), web)
        .await?;
    for app in ["job", "web"] {
        // Some may come before the policies have spoken, or while nobody answers in time: their owner makes others.
        eventually("five pods of one owner, all placed", PATIENCE, async || {
            let pods = world.api.pods(BATCH, &format!("app={app}")).await?;
            let (placed, late): (Vec<_>, Vec<_>) = pods.iter().partition(|pod| is_placed(pod));
            for pod in late {
                world.asks.remove(pod).await?;
            }
            Ok((placed.len() == 5).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// What is no review is refused where nobody could be answered, and answered otherwise; too much is not read.
async fn nonsense(world: &World) -> Result<()> {
    let trust = Trust::of(&world.asks.bundle().await?, NAME)?;
    let large = format!(
        "{{\"request\": {{\"uid\": \"u\", \"object\": \"{}\"}}}}",
        "x".repeat(4 << 20)
    );
    for (body, expected) in [
        ("", 400),
        ("{\"request\": {}}", 400),
        ("{\"request\": {\"uid\": \"u\", \"object\": 7}}", 200),
        ("{\"request\": {\"uid\": \"u\", \"operation\": [1]}}", 200),
        (large.as_str(), 413),
    ] {
        let mut connection = Connection::open(world.webhook, &trust).await?;
        let posted = connection.post("/admit/v1/pods", body.as_bytes()).await;
        // Who sends too much may find the connection closed before the answer.
        let Ok((status, answer)) = posted else {
            assert_eq!(expected, 413);
            continue;
        };
        assert_eq!(status, expected, "{}", body.get(..60).unwrap_or(body));
        if status == 200 {
            let answer: Value = serde_json::from_slice(&answer)?;
            assert_eq!(answer["response"], json!({"uid": "u", "allowed": true}));
        }
    }
    Ok(())
}

/// A pulled kill switch places nothing, within a second; and what it says of itself is true.
async fn rests(world: &World, daemon: &Daemon) -> Result<()> {
    let mut control = daemon.control().await?;
    let why = "a test".to_owned();
    control.pause(proto::v1::PauseRequest { why }).await?;
    let paused = world.asks.create(BATCH, pod(json!({}), json!({}))).await?;
    assert!(!is_placed(&paused));
    control.resume(proto::v1::ResumeRequest {}).await?;
    let resumed = eventually("pods are placed again", PATIENCE, async || {
        let created = world.asks.create(BATCH, pod(json!({}), json!({}))).await?;
        Ok(is_placed(&created).then_some(created))
    })
    .await?;
    // EKS is gone: what is placed now is taken by nobody, and that is said.
    eventually("pods that EKS did not take are counted", PATIENCE, async || {
        let doubted = daemon.metric("plimsoll_admission_doubts", &["NotTaken"]).await?;
        Ok((doubted >= 1.0).then_some(()))
    })
    .await?;
    let name = resumed["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let asked = proto::v1::PodRequest {
        namespace: BATCH.to_owned(),
        name,
        cycle: 0,
    };
    let explained = daemon.explain().await?.pod(asked).await?.into_inner();
    let said = |fact: &proto::v1::Fact| fact.text.contains("EKS has put it into no profile");
    assert!(explained.facts.iter().any(said), "{explained:?}");
    for (outcome, least) in [("placed", 14.0), ("excluded", 3.0), ("paused", 1.0)] {
        let label = format!("outcome=\"{outcome}\"");
        let counted = daemon
            .metric("plimsoll_admission_reviews_total", &[&label])
            .await?;
        assert!(counted >= least, "{outcome}: {counted}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn observing_only_changes_no_pod() {
    tell("observing only changes no pod", async {
        let Some(world) = world("placement while observing", "webhook").await else {
            return Ok(());
        };
        let daemon = world.daemon("observe", json!({})).await?;
        eventually("it says what it would do", PATIENCE, async || {
            let created = world.asks.create(BATCH, pod(json!({}), json!({}))).await?;
            assert!(!is_placed(&created));
            world.asks.remove(&created).await?;
            let would = daemon
                .metric("plimsoll_admission_reviews_total", &["would_place"])
                .await?;
            Ok((would >= 1.0).then_some(()))
        })
        .await
    })
    .await;
}

/// Roots that live for nine seconds and certificates that live for four, pods all the while: at the full rate where
/// figures are asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_roll_unnoticed() {
    tell("certificates roll unnoticed", async {
        let Some(world) = world("certificates", "webhook").await else {
            return Ok(());
        };
        let _daemon = world
            .daemon("act", json!({"authority": "9s", "leaf": "4s"}))
            .await?;
        let bundles = Arc::new(Mutex::new(BTreeSet::new()));
        let watching = tokio::spawn({
            let (asks, bundles) = (world.asks.clone(), Arc::clone(&bundles));
            async move {
                loop {
                    if let (Ok(bundle), Ok(mut bundles)) = (asks.bundle().await, bundles.lock()) {
                        bundles.insert(bundle);
                    }
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        });
        let rate = if seconds().1 { CREATES } else { 20 };
        let (pods, times) = open(rate, 16.0, |_| {
            let asks = world.asks.clone();
            async move { asks.create(BATCH, pod(json!({}), json!({}))).await }
        })
        .await?;
        watching.abort();
        let missed = pods.iter().filter(|pod| !is_placed(pod)).count();
        println!("  rolling, {rate}/s: {}; {missed} not placed", times.shown());
        assert_eq!(missed, 0, "of {} pods", pods.len());
        let bundles = bundles.lock().map_err(|_| "a look at a bundle panicked")?;
        let roots = |bundle: &String| bundle.matches("BEGIN CERTIFICATE").count();
        assert!(bundles.len() >= 3, "roots rolled: {} bundles", bundles.len());
        assert!(
            bundles.iter().any(|bundle| roots(bundle) == 2),
            "both roots were trusted"
        );
        Ok(())
    })
    .await;
}

/// Pods that came while nobody placed them, and pods that EKS does not take.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_that_wait_are_made_anew_for_fargate() {
    tell("pods that wait are made anew for Fargate", async {
        let Some(world) = world("pods made anew", "webhook").await else {
            return Ok(());
        };
        deployment(&world, "early", 4).await?;
        deployment(&world, "kept", 1).await?;
        let before = names(&world, "early", 4).await?;
        let kept = names(&world, "kept", 1).await?;
        let eks = Eks::with_profile(&world.api, PROFILE, BATCH, LABEL).await?;
        let daemon = world.daemon_that_moves().await?;
        eventually("Fargate has taken all of them", PATIENCE, async || {
            let pods = world.api.pods(BATCH, "app=early").await?;
            let taken = |pod: &&Value| pod["metadata"]["labels"][EKS_LABEL] == PROFILE;
            Ok((pods.len() == 4 && pods.iter().filter(taken).count() == 4).then_some(()))
        })
        .await?;
        let after = names(&world, "early", 4).await?;
        assert!(before.is_disjoint(&after), "{before:?} {after:?}");
        assert_eq!(rounds(&daemon, "early").await?, [1, 3], "one of them first");
        assert_eq!(names(&world, "kept", 1).await?, kept, "it must not be disturbed");

        // Nobody takes what is placed now: one comes back as it was, and the others are left alone.
        eks.leave().await?;
        deployment(&world, "late", 3).await?;
        let before = names(&world, "late", 3).await?;
        let left = eventually("one was tried", PATIENCE, async || {
            let now = names(&world, "late", 3).await?;
            Ok((now != before).then_some(now))
        })
        .await?;
        assert_eq!(before.intersection(&left).count(), 2);
        never("a second is tried", Duration::from_secs(12), async || {
            let now = names(&world, "late", 3).await?;
            Ok((now != left).then_some(now))
        })
        .await?;
        let name = left.first().cloned().unwrap_or_default();
        let asked = proto::v1::PodRequest {
            namespace: BATCH.to_owned(),
            name,
            cycle: 0,
        };
        let explained = daemon.explain().await?.pod(asked).await?.into_inner();
        let said = |fact: &proto::v1::Fact| {
            fact.text
                .contains("1 made anew of late, and Fargate took none since")
        };
        assert!(explained.facts.iter().any(said), "{explained:?}");
        Ok(())
    })
    .await;
}

/// A Deployment of this many pods that ask for nothing in particular; one that is `kept` may not be disturbed.
async fn deployment(world: &World, app: &str, replicas: u32) -> Result<()> {
    let stays = json!({"plimsoll.io/do-not-disrupt": (app == "kept").to_string()});
    let meta = json!({"labels": {"app": app}, "annotations": stays});
    let mut template = pod(meta, json!({"schedulingGates": []}));
    template["metadata"]
        .as_object_mut()
        .map(|meta| meta.remove("generateName"));
    let deployment = json!({"metadata": {"name": app}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": {"app": app}}, "template": template,
    }});
    let deployments = format!("/apis/apps/v1/namespaces/{BATCH}/deployments");
    world.api.create(&deployments, deployment).await?;
    Ok(())
}

/// The names of an app's pods, once there are as many.
async fn names(world: &World, app: &str, count: usize) -> Result<BTreeSet<String>> {
    eventually("as many pods", PATIENCE, async || {
        let pods = world.api.pods(BATCH, &format!("app={app}")).await?;
        let live = pods
            .iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        let names: BTreeSet<String> = live
            .filter_map(|pod| Some(pod["metadata"]["name"].as_str()?.to_owned()))
            .collect();
        Ok((names.len() == count).then_some(names))
    })
    .await
}

/// How many pods of the app each cycle had made anew, in their order.
async fn rounds(daemon: &Daemon, app: &str) -> Result<Vec<usize>> {
    let mut cycles = daemon.cycles(100).await?;
    cycles.sort_by_key(|cycle| cycle.number);
    let made = |step: &&proto::v1::Step| {
        step.kind == "Remake"
            && step
                .pods
                .iter()
                .any(|pod| pod.starts_with(&format!("{BATCH}/{app}")))
    };
    let rounds = cycles.iter().map(|cycle| cycle.steps.iter().filter(made).count());
    Ok(rounds.filter(|round| *round > 0).collect())
}

/// The same decisions without a call: the API server's own policy, by the table that the daemon keeps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_servers_policy_places_by_the_table() {
    tell("the API server's policy places by the table", async {
        let Some(world) = world("the admission policy", "policy").await else {
            return Ok(());
        };
        let mut daemon = world.daemon("act", json!({})).await?;
        let deployments = format!("/apis/apps/v1/namespaces/{BATCH}/deployments");
        let mut template = pod(json!({"labels": {"app": "web"}}), json!({"schedulingGates": []}));
        template["metadata"]
            .as_object_mut()
            .map(|meta| meta.remove("generateName"));
        let web = json!({"metadata": {"name": "web"}, "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template,
        }});
        world.api.create(&deployments, web).await?;
        let table = async || -> Result<usize> {
            let map = format!("/api/v1/namespaces/{SYSTEM}/configmaps/plimsoll-placements");
            let map = world.api.find(&map).await?.unwrap_or_default();
            Ok(map["data"].as_object().map_or(0, serde_json::Map::len))
        };
        eventually(
            "the Deployment's ReplicaSet is in the table",
            PATIENCE,
            async || Ok((table().await? == 1).then_some(())),
        )
        .await?;
        // What waits stays as it was created; what comes is placed.
        eventually("the next of its pods are placed", PATIENCE, async || {
            for pod in world.api.pods(BATCH, "app=web").await? {
                if !is_placed(&pod) {
                    world.asks.remove(&pod).await?;
                }
            }
            let pods = world.api.pods(BATCH, "app=web").await?;
            Ok((pods.len() == 2 && pods.iter().all(is_placed)).then_some(()))
        })
        .await?;
        let bare = world.asks.create(BATCH, pod(json!({}), json!({}))).await?;
        assert!(!is_placed(&bare), "of a bare pod no table knows");
        let daemons = world
            .asks
            .create(BATCH, pod(owned("DaemonSet"), json!({})))
            .await?;
        assert!(!is_placed(&daemons));
        daemon.stop()?;
        assert_eq!(table().await?, 0, "nobody keeps the table any more");
        Ok(())
    })
    .await;
}
