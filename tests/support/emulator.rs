//! AWS emulators as child processes (tests/emulators/start.sh): moto for Auto Scaling and EC2, ministack for
//! CloudWatch.

use crate::process::Process;
use crate::{Result, root};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// A running emulator; ends when dropped.
pub struct Emulator {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    _process: Process,
    _dir: TempDir,
}

impl Emulator {
    /// moto.
    pub fn moto() -> Result<Self> {
        Self::start("moto")
    }

    /// ministack.
    pub fn ministack() -> Result<Self> {
        Self::start("ministack")
    }

    fn start(name: &str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let log = dir.path().join("log");
        let mut command = Command::new("bash");
        command.arg(root().join("tests/emulators/start.sh")).arg(name);
        let process = Process::start(name, &mut command, &log)?;
        let said = process.line(Duration::from_mins(1)).map_err(|error| {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            format!("{error}: {log}")
        })?;
        let url = said
            .strip_prefix("READY ")
            .ok_or_else(|| format!("{name} said {said}"))?;
        Ok(Self {
            url: url.to_owned(),
            _process: process,
            _dir: dir,
        })
    }
}
