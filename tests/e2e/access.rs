//! Who may pull the kill switch, by the cluster's own word: a token without the right is refused, one with it pauses, and
//! so does whoever may annotate the daemon's namespace.
//!
//! The daemon trusts no caller for being on this machine here. What is refused where is `serve`'s own test.

use crate::world::{PATIENCE, SYSTEM, World, aims, world};
use plimsoll_tests::Result;
use plimsoll_tests::daemon::Daemon;
use plimsoll_tests::story::tell;
use plimsoll_tests::wait::{eventually, never};
use proto::v1::{ControlState, GetSummaryRequest, PauseRequest, ResumeRequest, Summary};
use serde_json::json;
use std::num::NonZero;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::{Code, Request, Status};

/// Two accounts; one may pause, and nothing else.
const ACCOUNTS: &str = "
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ServiceAccount, metadata: {name: guest, namespace: default}}
  - {apiVersion: v1, kind: ServiceAccount, metadata: {name: operator, namespace: default}}
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: levers}
    rules: [{apiGroups: [plimsoll.io], resources: [actions], verbs: [update]}]
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: levers}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: levers}
    subjects: [{kind: ServiceAccount, name: operator, namespace: default}]
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_may_can_pause() {
    tell("i: only who may can pause", async {
        let Some(world) = world("only who may can pause", "observe").await else {
            return Ok(());
        };
        world.cluster.apply(ACCOUNTS)?;
        let more = json!({"grpc": {"trust_loopback": false}});
        let daemon = world.daemon_with("observe", aims(&json!({})), more).await?;
        pause(&world, &daemon)
            .await
            .map_err(|error| format!("{error}\n{}", daemon.log()).into())
    })
    .await;
}

async fn pause(world: &World, daemon: &Daemon) -> Result<()> {
    let guest = token(world, "guest")?;
    let operator = token(world, "operator")?;
    let refused =
        |answer: std::result::Result<ControlState, Status>| answer.err().map(|status| status.code());
    assert_eq!(refused(paused(daemon, None).await?), Some(Code::Unauthenticated));
    assert_eq!(
        refused(paused(daemon, Some("made.up.token")).await?),
        Some(Code::Unauthenticated)
    );
    assert_eq!(
        refused(paused(daemon, Some(&guest)).await?),
        Some(Code::PermissionDenied)
    );
    let state = paused(daemon, Some(&operator)).await??;
    let by = state.paused.map(|pause| pause.by).unwrap_or_default();
    assert_eq!(
        by, "system:serviceaccount:default:operator",
        "it is written down who did it"
    );
    // A right to the levers is none to look around.
    let looked = summary(daemon, &operator)
        .await?
        .err()
        .map(|status| status.code());
    assert_eq!(looked, Some(Code::PermissionDenied));
    let mut control = daemon.control().await?;
    control.resume(signed(ResumeRequest {}, Some(&operator))?).await?;
    annotated(world, daemon).await?;
    besieged(world, daemon).await
}

/// Whoever has kubectl needs no gRPC; and what somebody takes away resumes nothing.
async fn annotated(world: &World, daemon: &Daemon) -> Result<()> {
    let is = async |paused: bool| {
        let metric = daemon.metric("plimsoll_paused", &[]).await?;
        Ok::<_, plimsoll_tests::Error>(((metric > 0.5) == paused).then_some(()))
    };
    for (value, paused) in [
        (json!("true"), true),
        (json!(null), true),
        (json!("false"), false),
        (json!("looking into it"), true),
        (json!("false"), false),
    ] {
        let patch = json!({"metadata": {"annotations": {"plimsoll.io/pause": value}}});
        world
            .api
            .merge(&format!("/api/v1/namespaces/{SYSTEM}"), patch)
            .await?;
        let what = format!("the annotation {value} makes it {paused}");
        eventually(&what, PATIENCE, async || is(paused).await).await?;
        if value.is_null() {
            let still = Duration::from_secs(2);
            never("a resume by taking the annotation away", still, async || {
                is(false).await
            })
            .await?;
        }
    }
    Ok(())
}

/// Connections that say nothing, or one byte after the other, until they are dropped.
fn siege(target: &str) -> JoinSet<()> {
    let mut connections = JoinSet::new();
    for n in 0..1024 {
        let target = target.to_owned();
        connections.spawn(async move {
            loop {
                let made = TcpStream::connect(&target).await;
                if let Ok(mut stream) = made {
                    // Half of them begin HTTP/2 and never end it.
                    let bytes: &[u8] = if n % 2 == 0 {
                        b""
                    } else {
                        b"PRI * HTTP/2.0\r\n\r\nSM"
                    };
                    for byte in bytes {
                        if stream.write_all(&[*byte]).await.is_err() {
                            break;
                        }
                        tokio::time::sleep(Duration::from_millis(300)).await;
                    }
                    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_u8()).await;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
    }
    connections
}

/// The annotation comes through while gRPC is besieged and the machine is starved.
#[expect(clippy::print_stdout, reason = "what was measured is told")]
async fn besieged(world: &World, daemon: &Daemon) -> Result<()> {
    let siege = siege(daemon.grpc());
    let spinning = Arc::new(());
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    for _ in 0..4 * cores {
        let ends = Arc::downgrade(&spinning);
        std::thread::spawn(move || {
            while ends.strong_count() > 0 {
                std::hint::spin_loop();
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut took = Vec::new();
    for (value, paused) in [("under attack", 1.0), ("false", 0.0)].repeat(3) {
        let patch = json!({"metadata": {"annotations": {"plimsoll.io/pause": value}}});
        let path = format!("/api/v1/namespaces/{SYSTEM}");
        world.api.merge(&path, patch).await?;
        let began = Instant::now();
        eventually("the annotation comes through", PATIENCE, async || {
            let is = daemon.metric("plimsoll_paused", &[]).await?;
            Ok(((is > 0.5) == (paused > 0.5)).then_some(()))
        })
        .await?;
        took.push(began.elapsed().as_millis());
    }
    drop((siege, spinning));
    let (peak, kills) = (daemon.peak()? >> 20, daemon.kills()?.unwrap_or(0));
    println!("the annotation under attack, in ms: {took:?}; {peak} MiB at most, {kills} kills");
    assert_eq!(kills, 0);
    Ok(())
}

fn token(world: &World, account: &str) -> Result<String> {
    let token = world
        .cluster
        .run("kubectl", &["create", "token", account, "-n", "default"])?;
    Ok(token.trim().to_owned())
}

fn signed<T>(message: T, token: Option<&str>) -> Result<Request<T>> {
    let mut request = Request::new(message);
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse()?;
        request.metadata_mut().insert("authorization", value);
    }
    Ok(request)
}

async fn paused(daemon: &Daemon, token: Option<&str>) -> Result<std::result::Result<ControlState, Status>> {
    let request = signed(PauseRequest::default(), token)?;
    let answer = daemon.control().await?.pause(request).await;
    Ok(answer.map(tonic::Response::into_inner))
}

async fn summary(daemon: &Daemon, token: &str) -> Result<std::result::Result<Summary, Status>> {
    let request = signed(GetSummaryRequest {}, Some(token))?;
    let answer = daemon.query().await?.get_summary(request).await;
    Ok(answer.map(tonic::Response::into_inner))
}
