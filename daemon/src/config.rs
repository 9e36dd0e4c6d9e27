//! The configuration of `plimsolld`: one YAML file, read whole, every mistake reported at once with its path.
//!
//! Fields, meanings and defaults are documented in `daemon/README.md`. Not here: what the parts do with them.

mod ends;
mod parts;
#[cfg(test)]
mod tests;
mod values;

#[cfg(feature = "live")]
pub(crate) use ends::{Aws, AwsLaunch, LoadFrom};
pub(crate) use ends::{Kubernetes, Provider, Simulated};
pub(crate) use parts::{LedgerAt, Log, LogFormat, LogbookAt};

use manifest::{At, Problem, Problems, Sheet, Tree};
use model::aims::Mode;
use model::{Aims, Span};
use std::path::{Path, PathBuf};

/// A configuration or aims file larger than this is not read.
const MAX_BYTES: u64 = 4 << 20;

const FIELDS: [&str; 16] = [
    "cluster",
    "mode",
    "interval",
    "overdue",
    "provider",
    "kubernetes",
    "policies",
    "policies_dir",
    "aims",
    "aims_file",
    "ledger",
    "logbook",
    "grpc",
    "http",
    "log",
    "pause_file",
];

/// Everything the daemon is told.
#[cfg_attr(
    not(feature = "live"),
    expect(dead_code, reason = "some fields are for live clusters only")
)]
pub(crate) struct Config {
    /// Name of the cluster.
    pub(crate) cluster: String,
    /// From the end of one cycle to the beginning of the next.
    pub(crate) interval: Span,
    /// Without a cycle for this long the daemon is not ready.
    pub(crate) overdue: Span,
    /// Whose capacity is changed.
    pub(crate) provider: Provider,
    /// How the Kubernetes API is reached.
    pub(crate) kubernetes: Kubernetes,
    /// Policies in the order they are asked.
    pub(crate) policies: Vec<host::Source>,
    /// What is wanted; `None`: the defaults, or what the scenario wants.
    pub(crate) aims: Option<Aims>,
    /// Where the aims are read again from when they change.
    pub(crate) aims_file: Option<PathBuf>,
    /// Mode of the cluster where the aims do not name one.
    pub(crate) mode: Mode,
    /// Where the ledger is kept.
    pub(crate) ledger: LedgerAt,
    /// Where records are written; `None`: in memory only.
    pub(crate) logbook: Option<LogbookAt>,
    /// Listeners.
    pub(crate) serve: serve::Options,
    /// Logs.
    pub(crate) log: Log,
    /// While this file is there, nothing is carried out.
    pub(crate) pause_file: Option<PathBuf>,
}

/// Why there is no configuration; `Display` is one line for each mistake, file and path first.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The file cannot be read.
    #[error("{file}: {why}")]
    Unreadable {
        /// Which.
        file: String,
        /// What the system said.
        why: String,
    },
    /// Everything that is wrong with it.
    #[error(transparent)]
    Mistakes(#[from] Problems),
}

impl Config {
    /// Reads a file, and the aims file that it names.
    pub(crate) fn read(file: &Path) -> Result<Self, Refused> {
        let name = file.display().to_string();
        let bytes = bounded(file).map_err(|why| Refused::Unreadable {
            file: name.clone(),
            why,
        })?;
        Ok(Self::parse(&name, &bytes)?)
    }

    /// Reads a document; the aims file that it names is read, too.
    pub(crate) fn parse(file: &str, bytes: &[u8]) -> Result<Self, Problems> {
        let tree = manifest::single(file, bytes)?;
        if !matches!(tree, Tree::Map(_)) {
            return Err(Problems::from(Problem {
                file: file.to_owned(),
                line: None,
                object: String::new(),
                path: String::new(),
                what: "a configuration is a mapping of fields".to_owned(),
            }));
        }
        let sheet = Sheet::new(file, String::new());
        let mut outside = Problems::default();
        let config = Self::from(sheet.top(&tree), file, bytes, &mut outside);
        match sheet.close(config) {
            Ok(config) => outside.or(config),
            Err(mut problems) => {
                problems.extend(outside);
                Err(problems)
            }
        }
    }

    fn from(top: At<'_, '_>, file: &str, bytes: &[u8], outside: &mut Problems) -> Self {
        top.only(&FIELDS);
        let interval = values::span(top.get("interval"), Span::from_secs(10), Span::from_millis(100));
        let overdue = Span::from_millis(interval.millis().saturating_mul(6).max(30_000));
        let mode = values::word(
            top.get("mode"),
            &[("observe", Mode::Observe), ("act", Mode::Act)],
            Mode::Observe,
        );
        let aims_file = values::path(top.get("aims_file"));
        let provider = ends::provider(top.get("provider"));
        Self {
            cluster: top.get("cluster").name().unwrap_or_default().to_owned(),
            interval,
            overdue: values::span(top.get("overdue"), overdue, Span::from_secs(1)),
            kubernetes: ends::kubernetes(top.get("kubernetes")),
            policies: parts::policies(top, bytes),
            aims: parts::aims(top, file, aims_file.as_deref(), outside),
            aims_file,
            mode,
            ledger: parts::ledger(top.get("ledger"), &provider),
            logbook: parts::logbook(top.get("logbook")),
            serve: parts::listeners(top),
            log: parts::log(top.get("log")),
            pause_file: values::path(top.get("pause_file")),
            provider,
        }
    }
}

/// The bytes of a file that is not absurdly large.
pub(crate) fn bounded(file: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let size = std::fs::metadata(file).map_err(unreadable)?.len();
    if size > MAX_BYTES {
        return Err(format!("has {size} bytes, at most {MAX_BYTES} are read"));
    }
    std::fs::read(file).map_err(unreadable)
}
