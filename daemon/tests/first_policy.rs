//! A first policy, as somebody new makes one: `policy new`, one line changed, `build`, `check`, `test`, then into a running
//! daemon, where it is shadow until told otherwise, and is seen to be asked. In the languages of the first class, each
//! within five minutes of machine time once its compiler is there.
//!
//! Time is CPU time of everything that was started, over all cores. A language without its compiler is skipped and says
//! so; under CI it fails. The daemon's world is simulated and does nothing: what policies do there is tested elsewhere.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests stop the test and say what was skipped"
)]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const SCENARIO: &str = "
name: still
duration: 1h
cycle: 1s
cluster: {name: here, zones: [a]}
groups: [{name: steady, types: [m6a.large], min: 1, max: 2}]
deployments:
- {name: web, namespace: shop, cpu: 200m, memory: 256Mi, replicas: 2, load: {low: 200m, high: 300m, peak: '12:00'}}
aims: {scale: [{workload: Deployment shop/web, min: 1, max: 4, metric: cpu, target: 60%}]}
";
/// Language, the policy's file, the line that is changed, and what it becomes.
const LANGUAGES: [(&str, &str, &str, &str); 4] = [
    (
        "rust",
        "src/lib.rs",
        "max_age_seconds: 120",
        "max_age_seconds: 90",
    ),
    ("go", "policy.go", "maxAgeSeconds: 120", "maxAgeSeconds: 90"),
    ("js", "policy.ts", "whole(120)", "whole(90)"),
    ("python", "policy.py", "U32 = 120", "U32 = 90"),
];
/// Machine time of each (issue 6).
const MOST: Duration = Duration::from_mins(5);
const PATIENCE: Duration = Duration::from_mins(2);

/// The command line, which is built beside the daemon.
fn plimsoll() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_plimsolld")).with_file_name("plimsoll")
}

#[test]
fn a_first_policy_takes_minutes_in_every_language() {
    let room = tempfile::tempdir().unwrap();
    if !plimsoll().is_file() {
        assert!(
            std::env::var_os("CI").is_none(),
            "{} is not built",
            plimsoll().display()
        );
        println!(
            "skipped: {} is not built (cargo build -p plimsoll)",
            plimsoll().display()
        );
        return;
    }
    for (language, file, was, is) in LANGUAGES {
        let before = machine_time();
        if !first_policy(room.path(), language, (file, was, is)) {
            continue;
        }
        let took = machine_time().checked_sub(before).unwrap();
        println!("{language}: {:.1} s of machine time", took.as_secs_f64());
        assert!(took <= MOST, "{language}: {took:?}");
    }
}

/// Everything that somebody new does; false where the compiler is missing.
fn first_policy(room: &Path, language: &str, (file, was, is): (&str, &str, &str)) -> bool {
    let name = format!("first-{language}");
    let folder = room.join(&name);
    done(room, &["new", &name, "--lang", language, "--hook", "scaler"]).unwrap();
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    assert_eq!(text.matches(was).count(), 1, "{language}: {was}");
    std::fs::write(folder.join(file), text.replace(was, is)).unwrap();
    let Some(built) = done(room, &["build", &name]) else {
        return false;
    };
    assert!(built.contains("plimsoll:policy/scaler@"), "{built}");
    let component = format!("{name}/{name}.wasm");
    done(room, &["check", &component]).unwrap();
    let tested = done(room, &["test", &name]).unwrap();
    assert!(tested.contains("cases passed, 0 failed"), "{tested}");
    let daemon = Daemon::start(room, &name, &component);
    let listed = daemon.asked(&name);
    assert_eq!(
        (&listed["mode"], &listed["faults"]),
        (&"shadow".into(), &0.into()),
        "{listed}"
    );
    true
}

/// What `plimsoll policy …` printed; `None` where a compiler is missing.
fn done(room: &Path, args: &[&str]) -> Option<String> {
    let mut command = Command::new(plimsoll());
    command.arg("policy").args(args).current_dir(room);
    command.env("CARGO_TARGET_DIR", room.join("target"));
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let said = String::from_utf8_lossy(&stderr);
    if !status.success() && said.contains("install") && std::env::var_os("CI").is_none() {
        println!("skipped: {args:?}: {said}");
        return None;
    }
    let out = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{args:?}: {out}\n{said}");
    Some(out)
}

/// Of all processes that were started and have ended.
fn machine_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // cutime and cstime, in hundredths of a second (proc(5)).
    let ticks: u64 = fields[13..15]
        .iter()
        .map(|field| field.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Ends when dropped.
struct Daemon {
    child: Child,
    grpc: String,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    fn start(room: &Path, name: &str, component: &str) -> Self {
        let free = || {
            TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .to_string()
        };
        let (grpc, http) = (free(), free());
        std::fs::write(room.join("still.yaml"), SCENARIO).unwrap();
        let config = format!(
            "cluster: here\nmode: observe\nprovider: {{simulated: {{scenario: {0}/still.yaml, pace: 1h}}}}\n\
             policies: [{{name: {name}, file: {0}/{component}}}]\ngrpc: {{bind: {grpc}}}\nhttp: {{bind: {http}}}\n",
            room.display()
        );
        std::fs::write(room.join("plimsolld.yaml"), config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsolld"));
        command
            .arg("--config")
            .arg(room.join("plimsolld.yaml"))
            .stderr(Stdio::null());
        command.env_remove("PLIMSOLL_POLICIES_DIR");
        Self {
            child: command.spawn().unwrap(),
            grpc,
        }
    }

    /// The policy in the list, once it has been asked.
    fn asked(&self, name: &str) -> serde_json::Value {
        let began = Instant::now();
        loop {
            let mut command = Command::new(plimsoll());
            command.args(["get", "policies", "-o", "json", "--server", &self.grpc]);
            let output = command.output().unwrap();
            let listed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let ours = listed["policies"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|policy| policy["name"] == name);
            if let Some(ours) = ours.filter(|ours| ours["calls"].as_u64() > Some(0)) {
                return ours.clone();
            }
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                began.elapsed() < PATIENCE,
                "{name} is not asked: {listed}\n{said}"
            );
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}
