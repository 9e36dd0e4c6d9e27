//! Logs on standard error, as text or JSON. Standard output belongs to what a person asked to see.

use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Environment variable that wins over the configuration's level.
const LEVEL: &str = "PLIMSOLL_LOG";

/// Starts logging; called once.
pub(crate) fn start(log: &Log) {
    let level = std::env::var(LEVEL).unwrap_or_else(|_| log.level.clone());
    // The configuration's level has been checked; the environment's falls back to it, then to errors only.
    let filter = EnvFilter::builder()
        .parse(&level)
        .or_else(|_| EnvFilter::builder().parse(&log.level))
        .unwrap_or_default();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    let started = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    if let Err(error) = started {
        tracing::error!(%error, "logging was started already");
    }
}
