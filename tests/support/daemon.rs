//! The daemon as a child process, with its configuration, its metrics and its gRPC services.
//!
//! Its ports stay its own, so that a daemon started again answers where the first did. Not here: what it should do.

use crate::memory::MemoryLimit;
use crate::port::Port;
use crate::process::Process;
use crate::wait::eventually;
use crate::{Result, wire};
use proto::v1::control_client::ControlClient;
use proto::v1::explain_client::ExplainClient;
use proto::v1::policies_client::PoliciesClient;
use proto::v1::query_client::QueryClient;
use proto::v1::{Cycle, GetCycleRequest, ListCyclesRequest, Summary};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use tonic::transport::Channel;

/// What the chart limits it to (`resources.limits.memory`), in bytes.
const MEMORY: u64 = 512 << 20;

/// A running daemon, held to the memory that the chart gives it; ends when dropped.
pub struct Daemon {
    process: Process,
    dir: TempDir,
    env: Vec<(String, String)>,
    /// Where this machine lets a test make control groups. Dropped after the process.
    memory: Option<MemoryLimit>,
    grpc: String,
    http: String,
    _ports: [Port; 2],
}

/// The binary that was built together with this test.
pub fn plimsolld() -> Result<PathBuf> {
    built("plimsolld")
}

/// The command line that was built together with this test.
pub fn plimsoll() -> Result<PathBuf> {
    built("plimsoll")
}

fn built(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test
        .parent()
        .and_then(Path::parent)
        .ok_or("the test has no folder")?;
    let path = folder.join(name);
    if path.exists() {
        return Ok(path);
    }
    Err(format!(
        "{} is not built: cargo test --workspace builds it",
        path.display()
    )
    .into())
}

impl Daemon {
    /// Starts the daemon with this configuration, listeners and logbook added, and waits until it is ready.
    pub async fn start(mut config: Value, env: &[(&str, &str)]) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let ports = [Port::reserve()?, Port::reserve()?];
        let [grpc, http] = ports.each_ref().map(Port::address);
        config["grpc"]["bind"] = json!(grpc);
        config["http"] = json!({"bind": http});
        config["logbook"] = json!({"dir": dir.path().join("logbook")});
        config["log"] = json!({"level": "info"});
        std::fs::write(
            dir.path().join("plimsolld.yaml"),
            serde_json::to_string_pretty(&config)?,
        )?;
        let env: Vec<(String, String)> = env
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let memory = MemoryLimit::of(MEMORY).ok();
        let process = launch(dir.path(), &env, memory.as_ref())?;
        let mut daemon = Self {
            process,
            dir,
            env,
            memory,
            grpc: format!("http://{grpc}"),
            http: format!("http://{http}"),
            _ports: ports,
        };
        daemon.ready().await?;
        Ok(daemon)
    }

    /// Starts it again with the same configuration, after `kill`.
    pub async fn again(&mut self) -> Result<()> {
        self.process = launch(self.dir.path(), &self.env, self.memory.as_ref())?;
        self.ready().await
    }

    /// SIGKILL.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// SIGTERM: it finishes what is under way and ends with exit code 0.
    pub fn stop(&mut self) -> Result<()> {
        let status = self.process.stop(Duration::from_secs(20))?;
        if status.success() {
            return Ok(());
        }
        Err(format!("the daemon ended with {status}").into())
    }

    /// Its pid: the same as long as it was not started again.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The most memory that it has had at once, in bytes.
    pub fn peak(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.ok_or("the kernel tells no peak")?.parse::<u64>()? << 10)
    }

    /// How often the kernel has killed it for its memory; `None` where nothing limits it.
    pub fn kills(&self) -> Result<Option<u64>> {
        self.memory.as_ref().map(MemoryLimit::kills).transpose()
    }

    /// Where gRPC is served.
    pub fn grpc(&self) -> &str {
        &self.grpc
    }

    /// Folder of the recorded cycles.
    pub fn logbook(&self) -> PathBuf {
        self.dir.path().join("logbook")
    }

    /// The end of what it wrote on standard error, and whether the kernel ended it.
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        let mut lines: Vec<&str> = text.lines().collect();
        lines.drain(..lines.len().saturating_sub(60));
        if let Ok(Some(1..)) = self.kills() {
            lines.push("killed by the kernel: it took more memory than the chart gives it");
        }
        lines.join("\n")
    }

    /// `/metrics`.
    pub async fn metrics(&self) -> Result<String> {
        Ok(wire::get(&format!("{}/metrics", self.http)).await?.text)
    }

    /// Sum of the samples of one series whose labels contain all of `labels`.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> Result<f64> {
        let text = self.metrics().await?;
        let rows = text.lines().filter(|line| {
            let series = line.split(['{', ' ']).next() == Some(name);
            series && labels.iter().all(|label| line.contains(label))
        });
        Ok(rows
            .filter_map(|row| row.rsplit(' ').next()?.parse::<f64>().ok())
            .sum())
    }

    /// gRPC Query.
    pub async fn query(&self) -> Result<QueryClient<Channel>> {
        Ok(QueryClient::connect(self.grpc.clone())
            .await?
            .max_decoding_message_size(64 << 20))
    }

    /// gRPC Explain.
    pub async fn explain(&self) -> Result<ExplainClient<Channel>> {
        Ok(ExplainClient::connect(self.grpc.clone()).await?)
    }

    /// gRPC Control.
    pub async fn control(&self) -> Result<ControlClient<Channel>> {
        Ok(ControlClient::connect(self.grpc.clone()).await?)
    }

    /// gRPC Policies.
    pub async fn policies(&self) -> Result<PoliciesClient<Channel>> {
        Ok(PoliciesClient::connect(self.grpc.clone()).await?)
    }

    /// One screen.
    pub async fn summary(&self) -> Result<Summary> {
        let answer = self
            .query()
            .await?
            .get_summary(proto::v1::GetSummaryRequest {})
            .await?;
        Ok(answer.into_inner())
    }

    /// The newest cycles in full, newest first.
    pub async fn cycles(&self, most: u32) -> Result<Vec<Cycle>> {
        let mut query = self.query().await?;
        let request = ListCyclesRequest {
            page_size: most,
            page_token: String::new(),
        };
        let listed = query.list_cycles(request).await?.into_inner().cycles;
        let mut cycles = Vec::new();
        for cycle in listed {
            let number = cycle.number;
            // One may have been pushed out since it was listed.
            if let Ok(full) = query.get_cycle(GetCycleRequest { number }).await {
                cycles.push(full.into_inner());
            }
        }
        Ok(cycles)
    }

    async fn ready(&mut self) -> Result<()> {
        let url = format!("{}/readyz", self.http);
        let ready = eventually("the daemon is ready", Duration::from_mins(1), async || {
            if let Some(status) = self.process.ended()? {
                return Ok(Some(Err(format!("the daemon ended with {status}"))));
            }
            let answer = wire::get(&url).await?;
            Ok((answer.status == 200).then_some(Ok(())))
        });
        match ready.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(format!("{why}\n{}", self.log()).into()),
            Err(error) => Err(format!("{error}\n{}", self.log()).into()),
        }
    }
}

fn launch(dir: &Path, env: &[(String, String)], memory: Option<&MemoryLimit>) -> Result<Process> {
    let mut command = if let Some(memory) = memory {
        // It enters the group before it is what it becomes: it reads its limit when it starts.
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "echo $$ > \"$0\" && exec \"$@\""])
            .arg(memory.members())
            .arg(plimsolld()?);
        shell
    } else {
        Command::new(plimsolld()?)
    };
    command
        .arg("--config")
        .arg(dir.join("plimsolld.yaml"))
        .env("PLIMSOLL_NAMESPACE", "plimsoll-system")
        .env_remove("KUBECONFIG")
        .envs(env.iter().map(|(key, value)| (key, value)));
    Process::start("plimsolld", &mut command, &dir.join("log"))
}
