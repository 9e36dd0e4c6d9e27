//! A real OCI registry (Debian's `docker-registry`) on loopback, with what it holds in a folder of its own.
//!
//! Its port stays the same when it is stopped and started again. It is of before OCI 1.1: it does not know of referrers.

use crate::port::Port;
use crate::process::Process;
use crate::wait::eventually;
use crate::{Result, tools, wire};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// A running registry; ends when dropped.
pub struct Registry {
    binary: PathBuf,
    room: TempDir,
    /// `127.0.0.1:PORT`.
    pub address: String,
    _port: Port,
    process: Option<Process>,
}

impl Registry {
    /// Starts an empty one. An error means that there is none on this machine.
    pub async fn start() -> Result<Self> {
        let binary = tools::docker_registry()?;
        let room = tempfile::tempdir()?;
        let port = Port::reserve()?;
        let address = port.address().to_string();
        let mut registry = Self {
            binary,
            room,
            address,
            _port: port,
            process: None,
        };
        registry.again().await?;
        Ok(registry)
    }

    /// Starts it again, with what it held.
    pub async fn again(&mut self) -> Result<()> {
        let file = self.room.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '{}'}}\n",
            self.room.path().join("blobs").display(),
            self.address
        );
        std::fs::write(&file, text)?;
        let mut command = Command::new(&self.binary);
        command.arg("serve").arg(&file);
        let log = self.room.path().join("log");
        self.process = Some(Process::start("docker-registry", &mut command, &log)?);
        let url = format!("http://{}/v2/", self.address);
        eventually("the registry answers", Duration::from_secs(20), async || {
            let answer = wire::get(&url).await;
            Ok(answer.ok().filter(|answer| answer.status == 200))
        })
        .await?;
        Ok(())
    }

    /// Ends it; what it holds stays.
    pub fn stop(&mut self) {
        self.process = None;
    }
}
