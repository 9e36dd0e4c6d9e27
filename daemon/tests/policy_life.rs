//! The life of a policy in a running daemon, by gRPC: handed in, in shadow, compared, enforced, over a restart, and back.
//!
//! With a shipped policy as WebAssembly, which `make policies` builds; without it the test says so and does nothing, except
//! under CI.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]

use proto::v1::policies_client::PoliciesClient;
use proto::v1::{
    ComparePolicyRequest, ListPoliciesRequest, LoadPolicyRequest, LoadPolicyResponse, PolicyState,
    RollbackPolicyRequest, SetPolicyModeRequest,
};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tonic::transport::Channel;
use tonic::{Code, Status};

const SCENARIO: &str = "
name: still
duration: 1h
cycle: 1s
cluster: {name: here, zones: [a]}
groups: [{name: steady, types: [m6a.large], min: 1, max: 9}]
";
/// Room for four pods at every hour: nodes have to be bought for it.
const ALWAYS: &str = r#"{"hours": [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00", "to": "23:59", "pods": 4, "cpu_milli": 1500, "memory_mib": 1024}]}"#;
const PATIENCE: Duration = Duration::from_mins(2);

/// Ends with the test.
struct Daemon {
    child: Child,
    grpc: String,
    http: String,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    fn start(dir: &Path) -> Self {
        let free = || {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().to_string()
        };
        let (grpc, http) = (free(), free());
        std::fs::write(dir.join("still.yaml"), SCENARIO).unwrap();
        let config = format!(
            "cluster: here\nmode: observe\nprovider: {{simulated: {{scenario: {0}/still.yaml, pace: 1h}}}}\n\
             policies_store: {0}/store\nledger: {{folder: {0}/ledger}}\n\
             grpc: {{bind: {grpc}}}\nhttp: {{bind: {http}}}\n",
            dir.display()
        );
        std::fs::write(dir.join("plimsolld.yaml"), config).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_plimsolld"))
            .arg("--config")
            .arg(dir.join("plimsolld.yaml"))
            .spawn()
            .unwrap();
        Self { child, grpc, http }
    }

    fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(&self.http).unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    async fn policies(&self) -> PoliciesClient<Channel> {
        let began = Instant::now();
        loop {
            if let Ok(client) = PoliciesClient::connect(format!("http://{}", self.grpc)).await {
                return client;
            }
            assert!(began.elapsed() < PATIENCE, "the daemon does not answer");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until the policy is as wanted.
    async fn becomes(&self, what: &str, wanted: impl Fn(&PolicyState) -> bool) -> PolicyState {
        let mut policies = self.policies().await;
        let began = Instant::now();
        loop {
            let list = policies.list(ListPoliciesRequest {}).await.unwrap().into_inner();
            let found = list.policies.into_iter().find(|policy| policy.name == "hours");
            if let Some(found) = found.clone().filter(|policy| wanted(policy)) {
                return found;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "not within {PATIENCE:?}: {what}: {found:?}"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn load(
    policies: &mut PoliciesClient<Channel>,
    name: &str,
    component: &[u8],
) -> Result<LoadPolicyResponse, Status> {
    let first = LoadPolicyRequest {
        name: name.to_owned(),
        piece: Vec::new(),
        config: ALWAYS.to_owned(),
    };
    let mut messages = vec![first];
    messages.extend(component.chunks(64 << 10).map(|piece| LoadPolicyRequest {
        piece: piece.to_vec(),
        ..LoadPolicyRequest::default()
    }));
    let answer = policies
        .load(tonic::codegen::tokio_stream::iter(messages))
        .await?;
    Ok(answer.into_inner())
}

fn mode(mode: &str, digest: &str) -> SetPolicyModeRequest {
    SetPolicyModeRequest {
        name: "hours".to_owned(),
        mode: mode.to_owned(),
        digest: digest.to_owned(),
        why: "the comparison looks good".to_owned(),
    }
}

#[tokio::test]
async fn handed_in_compared_enforced_kept_and_taken_back() {
    let built =
        std::env::var_os("PLIMSOLL_POLICIES_DIR").map(|dir| Path::new(&dir).join("business-hours.wasm"));
    let component = match built.map(std::fs::read) {
        Some(Ok(component)) => component,
        _ if std::env::var_os("CI").is_none() => {
            println!("skipped: no business-hours.wasm in PLIMSOLL_POLICIES_DIR; `make policies` builds it");
            return;
        }
        other => panic!("business-hours.wasm: {other:?}"),
    };
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path());
    let mut policies = daemon.policies().await;

    for (name, bytes, wanted) in [
        (
            "hours",
            &b"rubbish"[..],
            "hours was not taken in: not a WebAssembly file",
        ),
        ("../hours", &component, "name: must be"),
        ("", &component, "name: must be"),
    ] {
        let refused = load(&mut policies, name, bytes).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        assert!(refused.message().contains(wanted), "{refused:?}");
    }
    let loaded = load(&mut policies, "hours", &component).await.unwrap();
    assert!(loaded.kept && loaded.hooks == ["headroom"], "{loaded:?}");
    let seen = daemon.becomes("asked in shadow", |policy| policy.calls > 1).await;
    assert_eq!((seen.mode.as_str(), &seen.digest), ("shadow", &loaded.digest));
    let (metrics, series) = (
        daemon.metrics(),
        "plimsoll_policy_call_seconds_count{policy=\"hours\",hook=\"headroom\"} ",
    );
    let timed = metrics.lines().find_map(|line| line.strip_prefix(series));
    assert!(
        timed.is_some_and(|calls| calls.parse::<u64>().unwrap() > 1),
        "{metrics}"
    );

    let asked = ComparePolicyRequest {
        name: "hours".to_owned(),
        cycles: 2,
    };
    let compared = policies.compare(asked).await.unwrap().into_inner();
    assert_eq!((compared.cycles.len(), compared.differed), (2, 2), "{compared:?}");
    assert!(compared.mean_nanos.unwrap() > 0, "room costs: {compared:?}");

    let other = policies
        .set_mode(mode("enforce", &"0".repeat(64)))
        .await
        .unwrap_err();
    assert_eq!(
        other.code(),
        Code::FailedPrecondition,
        "another component is meant: {other:?}"
    );
    let nonsense = policies.set_mode(mode("maybe", "")).await.unwrap_err();
    assert_eq!(nonsense.code(), Code::InvalidArgument);
    policies.set_mode(mode("enforce", &loaded.digest)).await.unwrap();
    let enforced = daemon
        .becomes("enforced", |policy| policy.mode == "enforce")
        .await;
    let standing = enforced.standing.unwrap();
    assert_eq!(standing.why, "the comparison looks good");
    assert!(standing.by.starts_with("loopback"), "{standing:?}");

    drop(daemon);
    let daemon = Daemon::start(dir.path());
    let kept = daemon
        .becomes("kept over a restart", |policy| policy.mode == "enforce")
        .await;
    assert_eq!(kept.digest, loaded.digest);

    let mut policies = daemon.policies().await;
    let back = RollbackPolicyRequest {
        name: "hours".to_owned(),
        ..RollbackPolicyRequest::default()
    };
    let back = policies.rollback(back).await.unwrap().into_inner();
    assert_eq!(back.rolled_back, loaded.digest);
    let after = daemon
        .becomes("taken back", |policy| policy.mode == "shadow")
        .await;
    assert_eq!(after.standing.unwrap().refused, [loaded.digest]);
    let unknown = policies
        .rollback(RollbackPolicyRequest::default())
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}
