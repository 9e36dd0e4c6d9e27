//! A policy's whole way: keys made, pushed and signed with the command line, followed by a daemon on a simulated world, replaced
//! while it runs, and in force again after a restart with no registry anywhere.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its world does"
)]

#[expect(dead_code, reason = "another test uses the rest")]
mod world;

use plimsoll_tests::process::{Process, run};
use plimsoll_tests::registry::Registry;
use plimsoll_tests::skip::skip;
use plimsoll_tests::wait::eventually;
use registry::Digest;
use serde_json::Value;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use world::front::{Front, PASSWORD};

const SCENARIO: &str = "
name: still
duration: 1h
cycle: 1s
cluster: {name: here, zones: [a]}
groups: [{name: steady, types: [m6a.large], min: 1, max: 2}]
";
const PATIENCE: Duration = Duration::from_mins(1);

/// A program that was built together with this test.
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join(name);
    assert!(
        program.exists(),
        "{} is not built: cargo test --workspace builds it",
        program.display()
    );
    program
}

fn free() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// `plimsoll` in a folder; gives what it printed.
fn plimsoll(room: &Path, args: &[&str]) -> Value {
    let mut command = Command::new(built("plimsoll"));
    command
        .current_dir(room)
        .args(args)
        .args(["-o", "json"])
        .env("DOCKER_CONFIG", room);
    serde_json::from_str(&run(&mut command).unwrap()).unwrap()
}

struct Daemon {
    process: Process,
    grpc: String,
}

impl Daemon {
    fn start(room: &Path, image: &str) -> Self {
        let grpc = free();
        std::fs::write(room.join("still.yaml"), SCENARIO).unwrap();
        let config = format!(
            "cluster: here\nprovider: {{simulated: {{scenario: still.yaml, pace: 1h}}}}\ngrpc: {{bind: {grpc}}}\n\
             http: {{bind: {}}}\nregistry: {{dir: images, every: 1s}}\nledger: {{folder: ledger}}\n\
             policies: [{{name: mine, image: {image}, keys: [team.pub], mode: enforce}}]\n",
            free()
        );
        std::fs::write(room.join("plimsolld.yaml"), config).unwrap();
        let mut command = Command::new(built("plimsolld"));
        command
            .current_dir(room)
            .args(["--config", "plimsolld.yaml"])
            .env("DOCKER_CONFIG", room);
        let process = Process::start("plimsolld", &mut command, &room.join("log")).unwrap();
        Self { process, grpc }
    }

    fn policies(&self) -> plimsoll_tests::Result<Value> {
        let mut command = Command::new(built("plimsoll"));
        command.args(["get", "policies", "-o", "json", "--server", &self.grpc]);
        Ok(serde_json::from_str(&run(&mut command)?)?)
    }

    /// Waits until a cycle has been decided with this component in force.
    async fn enforces(&self, room: &Path, component: &[u8]) {
        self.has(room, component, "enforce").await;
    }

    /// Waits until a cycle has been decided with this component in this mode.
    async fn has(&self, room: &Path, component: &[u8], mode: &str) {
        let wanted = Digest::of(component);
        let seen = eventually("the policy is in force", PATIENCE, async || {
            let text = self.policies()?.to_string();
            Ok((text.contains(wanted.hex()) && text.contains(&format!("\"mode\":\"{mode}\""))).then_some(()))
        });
        if let Err(why) = seen.await {
            let log = std::fs::read_to_string(room.join("log")).unwrap_or_default();
            panic!("{why}\n{log}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_survives_its_registry() {
    let mut registry = match Registry::start().await {
        Ok(registry) => registry,
        Err(why) => return skip("a policy survives its registry", &why.to_string()),
    };
    let room = tempfile::tempdir().unwrap();
    let room = room.path();
    let image = format!("{}/acme/policies/mine:stable", registry.address);
    let (first, second) = (world::first().component, world::second().component);
    std::fs::write(room.join("mine.wasm"), &first).unwrap();
    let keys = plimsoll(room, &["policy", "sign", "--generate", "team"]);
    let pushed = plimsoll(
        room,
        &["policy", "push", "mine.wasm", &image, "--key", "team.key"],
    );
    assert_eq!(pushed["component"], Digest::of(&first).to_string());
    let verified = plimsoll(room, &["policy", "verify", &image, "--key", "team.pub"]);
    assert_eq!(
        (&verified["verified"], &verified["signer"]),
        (&Value::Bool(true), &keys["fingerprint"])
    );
    assert_eq!(verified["digest"], pushed["digest"]);
    plimsoll(
        room,
        &[
            "policy",
            "pull",
            &image,
            "--key",
            "team.pub",
            "--out",
            "back.wasm",
        ],
    );
    assert_eq!(std::fs::read(room.join("back.wasm")).unwrap(), first);

    let mut daemon = Daemon::start(room, &image);
    daemon.enforces(room, &first).await;

    std::fs::write(room.join("mine.wasm"), &second).unwrap();
    plimsoll(
        room,
        &["policy", "push", "mine.wasm", &image, "--key", "team.key"],
    );
    // Whoever may move the tag has shown something: what counts is for those to say who run the daemon.
    daemon.has(room, &second, "shadow").await;
    let server = ["--server", daemon.grpc.as_str()];
    plimsoll(
        room,
        &[&["policy", "mode", "mine", "enforce"][..], &server].concat(),
    );
    daemon.enforces(room, &second).await;

    registry.stop();
    let listed = daemon.policies().unwrap();
    assert_eq!(listed["policies"].as_array().map(Vec::len), Some(1), "{listed}");
    assert!(daemon.process.stop(Duration::from_secs(20)).unwrap().success());
    let mut daemon = Daemon::start(room, &image);
    daemon.enforces(room, &second).await;
    let log = std::fs::read_to_string(room.join("log")).unwrap();
    assert!(log.contains("policy not fetched"), "{log}");
    let shown = eventually("the trouble is shown", PATIENCE, async || {
        let listed = daemon.policies()?.to_string();
        Ok(listed
            .contains("sha256:")
            .then_some(())
            .filter(|()| listed.contains(" stays")))
    });
    shown.await.unwrap();

    // The one before was kept by an earlier process: it comes back, and stays through another start.
    plimsoll(
        room,
        &[
            "policy",
            "rollback",
            "mine",
            "--why",
            "too dear",
            "--server",
            &daemon.grpc,
        ],
    );
    daemon.enforces(room, &first).await;
    assert!(daemon.process.stop(Duration::from_secs(20)).unwrap().success());
    let daemon = Daemon::start(room, &image);
    daemon.enforces(room, &first).await;
}

/// As most do (a token for the password), and as ECR does (the password each time).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_are_dockers() {
    use std::os::unix::fs::PermissionsExt as _;
    let registry = match Registry::start().await {
        Ok(registry) => registry,
        Err(why) => return skip("logins are Docker's", &why.to_string()),
    };
    for asked in ["Bearer made-up-token", PASSWORD] {
        let front = Front::before(&registry.address, false).await.unwrap();
        front.ask_for(asked);
        let room = tempfile::tempdir().unwrap();
        let room = room.path();
        std::fs::write(room.join("mine.wasm"), world::first().component).unwrap();
        let image = format!("{}/acme/mine:v1", front.address);
        let push = |config: &str| {
            std::fs::write(room.join("config.json"), config).unwrap();
            let mut command = Command::new(built("plimsoll"));
            let path = std::env::var("PATH").unwrap_or_default();
            command
                .env("PATH", format!("{}:{path}", room.display()))
                .env("DOCKER_CONFIG", room);
            let done = command
                .current_dir(room)
                .args(["policy", "push", "mine.wasm", &image])
                .output()
                .unwrap();
            (done.status.code(), String::from_utf8(done.stderr).unwrap())
        };
        let (code, said) = push("{}");
        assert!(
            code == Some(3) && said.contains("not allowed") && said.contains("docker login"),
            "{said}"
        );
        let host = &front.address;
        let (code, said) = push(&format!(
            "{{\"auths\": {{\"{host}\": {{\"auth\": \"d3Jvbmc6d3Jvbmc=\"}}}}}}"
        ));
        assert!(code == Some(3) && said.contains("not allowed"), "{said}");
        let (code, said) = push(&format!(
            "{{\"auths\": {{\"{host}\": {{\"auth\": \"dXNlcjpwYXNz\"}}}}}}"
        ));
        assert_eq!(code, Some(0), "{said}");

        let program = room.join("docker-credential-test");
        let helped = format!("{{\"credHelpers\": {{\"{host}\": \"test\"}}}}");
        for (script, wanted) in [
            ("echo '{\"Username\": \"user\", \"Secret\": \"pass\"}'", Some(0)),
            ("echo 'secret words'; exit 1", Some(3)),
            ("echo 'credentials not found in native keychain'; exit 1", Some(3)),
        ] {
            std::fs::write(&program, format!("#!/bin/sh\ncat >/dev/null\n{script}\n")).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            let (code, said) = push(&helped);
            assert_eq!(code, wanted, "{script}: {said}");
            assert!(!said.contains("secret words"), "{said}");
        }
    }
}
