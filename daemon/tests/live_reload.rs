//! A running daemon takes new aims over without a restart: when the file changes, also by a ConfigMap's swap of
//! folders, and on SIGHUP; aims that cannot be used leave the last good ones in force. Seen through gRPC and metrics.
//!
//! Its world is simulated and slow: what is decided is tested elsewhere.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]

use proto::v1::query_client::QueryClient;
use proto::v1::{GetSummaryRequest, Mode, Summary};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const SCENARIO: &str = "
name: still
duration: 1h
cycle: 1s
cluster: {name: here, zones: [a]}
groups: [{name: steady, types: [m6a.large], min: 1, max: 2}]
";
const PATIENCE: Duration = Duration::from_mins(1);

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
        let (grpc, http) = (free(), free());
        std::fs::write(dir.join("still.yaml"), SCENARIO).unwrap();
        let config = format!(
            "cluster: here\nmode: observe\nprovider: {{simulated: {{scenario: {0}/still.yaml, pace: 1h}}}}\n\
             aims_file: {0}/aims.yaml\ngrpc: {{bind: {grpc}}}\nhttp: {{bind: {http}}}\n",
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

    /// The summary; `None` before anything was seen.
    async fn summary(&self) -> Option<Summary> {
        let mut query = QueryClient::connect(format!("http://{}", self.grpc)).await.ok()?;
        let answer = query.get_summary(GetSummaryRequest {}).await.ok()?;
        Some(answer.into_inner())
    }

    /// The mode of the cluster in force.
    async fn mode(&self) -> Option<Mode> {
        Some(self.summary().await?.mode())
    }

    /// What a person has to see to, as gRPC and `/readyz` tell it.
    async fn alarms(&self) -> Vec<String> {
        let alarms = self.summary().await.unwrap().alarms;
        let ready = self.page("/readyz").unwrap();
        assert!(
            alarms.iter().all(|alarm| ready.contains(alarm.as_str())),
            "{ready}"
        );
        alarms
    }

    async fn becomes(&self, mode: Mode) {
        eventually(&format!("the mode is {mode:?}"), async || {
            self.mode().await == Some(mode)
        })
        .await;
    }

    /// How many reloads ended like this.
    fn reloads(&self, result: &str) -> u32 {
        let series = format!("plimsoll_aims_reloads_total{{result=\"{result}\"}} ");
        let text = self.page("/metrics").unwrap_or_default();
        let value = text.lines().find_map(|line| line.strip_prefix(series.as_str()));
        value.map_or(0, |value| value.parse().unwrap())
    }

    async fn reloaded(&self, result: &str, times: u32) {
        eventually(&format!("{times} reloads are {result}"), async || {
            self.reloads(result) == times
        })
        .await;
    }

    fn page(&self, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.http)?;
        let asked = format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
        stream.write_all(asked.as_bytes())?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }
}

fn free() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !done().await {
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn aims(mode: &str) -> String {
    // The mark that acting needs means nothing where it is not needed.
    format!("mode: {mode}\nacknowledge: [mode from observe to act]\n")
}

#[tokio::test]
async fn aims_are_taken_over_while_the_daemon_runs() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("aims.yaml");
    std::fs::write(&file, aims("observe")).unwrap();
    let daemon = Daemon::start(dir.path());
    daemon.becomes(Mode::Observe).await;
    assert_eq!(daemon.reloads("good"), 0, "nothing has changed yet");

    std::fs::write(&file, aims("act")).unwrap();
    daemon.becomes(Mode::Act).await;
    std::fs::write(&file, "mode: perhaps\n").unwrap();
    daemon.reloaded("refused", 1).await;
    assert_eq!(daemon.mode().await, Some(Mode::Act), "the last good aims stay");
    let alarms = daemon.alarms().await;
    assert!(
        alarms.len() == 1 && alarms[0].contains("must be observe or act"),
        "{alarms:?}"
    );
    // Five growths and two removals once followed.
    std::fs::write(&file, "").unwrap();
    daemon.reloaded("refused", 2).await;
    let alarms = daemon.alarms().await;
    assert!(
        alarms.len() == 1 && alarms[0].contains("`aims removed`"),
        "{alarms:?}"
    );
    assert_eq!(daemon.mode().await, Some(Mode::Act));

    std::fs::write(&file, aims("observe")).unwrap();
    daemon.becomes(Mode::Observe).await;
    std::fs::write(&file, "mode: act\n").unwrap();
    daemon.reloaded("refused", 3).await;
    assert_eq!(daemon.mode().await, Some(Mode::Observe), "nobody said so");
    std::fs::write(&file, aims("observe")).unwrap();
    eventually("nothing is refused", async || daemon.alarms().await.is_empty()).await;
    let before = daemon.reloads("good");
    let hup = Command::new("kill")
        .args(["-HUP", &daemon.child.id().to_string()])
        .status()
        .unwrap();
    assert!(hup.success());
    daemon.reloaded("good", before + 1).await;
}

/// The kubelet writes a new folder and swaps one symlink: the file keeps its name, and what it points at moves.
#[tokio::test]
async fn a_config_map_is_followed_through_its_symlinks() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let here = |name: &str| dir.path().join(name);
    for (folder, mode) in [("..1", "observe"), ("..2", "act")] {
        std::fs::create_dir(here(folder)).unwrap();
        std::fs::write(here(folder).join("aims.yaml"), aims(mode)).unwrap();
    }
    symlink("..1", here("..data")).unwrap();
    symlink("..data/aims.yaml", here("aims.yaml")).unwrap();
    let daemon = Daemon::start(dir.path());
    daemon.becomes(Mode::Observe).await;
    symlink("..2", here("..data_tmp")).unwrap();
    std::fs::rename(here("..data_tmp"), here("..data")).unwrap();
    std::fs::remove_dir_all(here("..1")).unwrap();
    daemon.becomes(Mode::Act).await;
}
