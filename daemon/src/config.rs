//! The configuration of `plimsolld`: one YAML file, read whole, every mistake reported at once with its path.
//!
//! Fields, meanings and defaults are documented in `daemon/README.md`. Not here: what the parts do with them.

mod admission;
mod ends;
mod files;
mod images;
mod lifecycle;
mod limits;
mod parts;
mod rules;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use admission::Admission;
#[cfg(feature = "live")]
pub(crate) use admission::AdmissionMode;
#[cfg(feature = "live")]
pub(crate) use ends::{Aws, AwsLaunch, LoadFrom};
pub(crate) use ends::{Kubernetes, Provider, Simulated};
pub(crate) use images::Images;
pub(crate) use limits::{Compiler, PolicyHost};
pub(crate) use parts::{Access, AimsFile, LedgerAt, Log, LogFormat, LogbookAt};

use cycle::Rules;
use files::Named;
use manifest::{At, Problems, Sheet, Tree};
use model::aims::Mode;
use model::{Aims, PolicyName, Span};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A configuration or aims file larger than this is not read.
pub(crate) const MAX_BYTES: u64 = 4 << 20;

const FIELDS: [&str; 22] = [
    "cluster",
    "mode",
    "interval",
    "overdue",
    "provider",
    "kubernetes",
    "policies",
    "policies_dir",
    "policies_store",
    "policy_cache",
    "policy_compiler",
    "policy_limits",
    "registry",
    "aims",
    "aims_file",
    "ledger",
    "logbook",
    "grpc",
    "http",
    "log",
    "pause_file",
    "admission",
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
    /// Without a cycle for this long the daemon is not ready; `None`: six times as long as a cycle takes.
    pub(crate) overdue: Option<Span>,
    /// Whose capacity is changed.
    pub(crate) provider: Provider,
    /// How the Kubernetes API is reached.
    pub(crate) kubernetes: Kubernetes,
    /// Policies in the order they are asked.
    pub(crate) policies: Vec<host::Source>,
    /// How they move between shadow and enforce.
    pub(crate) rules: BTreeMap<PolicyName, Rules>,
    /// Where components are kept that were handed to the running daemon; `None`: nowhere.
    pub(crate) policies_store: Option<PathBuf>,
    /// What policies may use of this machine.
    pub(crate) policy_host: PolicyHost,
    /// Those of them that come from registries.
    pub(crate) images: Images,
    /// What is wanted; `None`: the defaults, or what the scenario wants.
    pub(crate) aims: Option<Aims>,
    /// Where the aims are read again from when they change.
    pub(crate) aims_file: Option<AimsFile>,
    /// Mode of the cluster where the aims do not name one.
    pub(crate) mode: Mode,
    /// Where the ledger is kept.
    pub(crate) ledger: LedgerAt,
    /// Where records are written; `None`: in memory only.
    pub(crate) logbook: Option<LogbookAt>,
    /// Listeners.
    pub(crate) serve: serve::Options,
    /// Who is let in.
    pub(crate) access: Access,
    /// Logs.
    pub(crate) log: Log,
    /// While this file is there, nothing is carried out.
    pub(crate) pause_file: Option<PathBuf>,
    /// Placement at admission.
    pub(crate) admission: Admission,
    /// What stood in the other files that it names.
    pub(crate) named: Named,
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
    /// Reads a file, and every file that it names: what is wrong in any of them is said before anything runs.
    pub(crate) fn read(file: &Path) -> Result<Self, Refused> {
        let name = file.display().to_string();
        let bytes = bounded(file, MAX_BYTES).map_err(|why| Refused::Unreadable {
            file: name.clone(),
            why,
        })?;
        let mut config = Self::parse(&name, &bytes)?;
        config.named = Named::read(&name, &config)?;
        Ok(config)
    }

    /// Reads a document and the aims file that it names, but none of the others.
    pub(crate) fn parse(file: &str, bytes: &[u8]) -> Result<Self, Problems> {
        let tree = manifest::single(file, bytes)?;
        if !matches!(tree, Tree::Map(_)) {
            let what = "a configuration is a mapping of fields".to_owned();
            return Err(Problems::from(parts::problem(file, "", what)));
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
        let mode = values::word(
            top.get("mode"),
            &[("observe", Mode::Observe), ("act", Mode::Act)],
            Mode::Observe,
        );
        let aims_file = parts::aims_file(top, outside);
        let whole = parts::json(file, bytes).unwrap_or_else(|problems| {
            outside.extend(problems);
            serde_json::Value::Null
        });
        let overdue = top.get("overdue");
        let policy_host = limits::policy_host(top);
        let provider = ends::provider(top.get("provider"));
        let mut images = images::images(top.get("registry"));
        Self {
            cluster: top.get("cluster").name().unwrap_or_default().to_owned(),
            interval,
            overdue: overdue
                .is_there()
                .then(|| values::span(overdue, Span::from_secs(60), Span::from_secs(1))),
            kubernetes: ends::kubernetes(top.get("kubernetes")),
            policies: parts::policies(top, &whole, (&policy_host, &mut images)),
            rules: lifecycle::rules(top),
            policies_store: values::path(top.get("policies_store")),
            policy_host,
            images,
            aims: parts::aims(top, file, aims_file.as_ref(), outside),
            aims_file,
            mode,
            ledger: parts::ledger(top.get("ledger"), &provider),
            logbook: parts::logbook(top.get("logbook")),
            serve: parts::listeners(top),
            log: parts::log(top.get("log")),
            access: parts::access(top, &provider),
            pause_file: values::path(top.get("pause_file")),
            admission: admission::admission(top.get("admission"), &provider),
            named: Named::default(),
            provider,
        }
    }
}

/// The bytes of a file that has at most so many; also of one that does not say how many it has, like a pipe.
pub(crate) fn bounded(file: &Path, most: u64) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let mut parts = opened.take(most.saturating_add(1));
    parts.read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        return Err(format!("has more than {most} bytes, which are not read"));
    }
    Ok(bytes)
}
