//! Policies of the configuration: loaded before the first cycle, watched by a thread of their own, taken over
//! between two cycles.
//!
//! A policy that cannot be loaded is said loudly and left out: the built-in defaults answer, the daemon runs.

use cycle::InForce;
use decide::PolicySet;
use host::{Engine, Limits, Shelf, Source, Watch};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How often policy files are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Keeps policies and their bytes together.
pub(crate) struct Policies {
    watch: Option<Watch>,
    sources: Vec<Source>,
    shown: Vec<(String, &'static str)>,
    components: BTreeMap<String, Arc<[u8]>>,
}

impl Policies {
    /// Loads what can be loaded. Blocks while components compile.
    pub(crate) fn load(sources: Vec<Source>) -> anyhow::Result<Self> {
        let mut policies = Self {
            watch: None,
            sources: sources.clone(),
            shown: Vec::new(),
            components: BTreeMap::new(),
        };
        if sources.is_empty() {
            return Ok(policies);
        }
        let engine =
            Engine::new().map_err(|why| anyhow::anyhow!("policies cannot run on this machine: {why}"))?;
        let mut shelf = Shelf::new(engine, Limits::default(), sources);
        shelf.refresh();
        policies.watch = Some(Watch::start(shelf, EVERY)?);
        Ok(policies)
    }

    /// Why policies are not in force as they are, one line each.
    pub(crate) fn troubles(&self) -> Vec<String> {
        let status = self.watch.as_ref().map(Watch::status).unwrap_or_default();
        status
            .into_iter()
            .filter_map(|policy| policy.error.map(|error| format!("{error}")))
            .collect()
    }

    /// What is in force now.
    pub(crate) fn now(&mut self) -> InForce {
        let set = self.watch.as_ref().map(Watch::current).unwrap_or_default();
        self.shown = shown(&set);
        self.keep_bytes(&set);
        InForce {
            configs: self
                .sources
                .iter()
                .map(|source| (source.name.clone(), source.config.clone()))
                .collect(),
            components: self.components.clone(),
            set,
        }
    }

    /// What has come into force since the last time.
    pub(crate) fn refresh(&mut self) -> Option<InForce> {
        let set = self.watch.as_ref()?.current();
        (shown(&set) != self.shown).then(|| self.now())
    }

    /// Bytes for the log: those whose digest is the one in force. A file replaced meanwhile is not it.
    fn keep_bytes(&mut self, set: &PolicySet) {
        let mut kept = BTreeMap::new();
        for entry in &set.entries {
            if let Some(bytes) = self.components.get(&entry.digest) {
                kept.insert(entry.digest.clone(), Arc::clone(bytes));
                continue;
            }
            let source = self.sources.iter().find(|source| source.name == entry.name);
            let file = source.map(|source| {
                if source.path.is_dir() {
                    source.path.join(format!("{}.wasm", source.name))
                } else {
                    source.path.clone()
                }
            });
            if let Some(bytes) = file.and_then(|file| std::fs::read(file).ok())
                && digest(&bytes) == entry.digest
            {
                kept.insert(entry.digest.clone(), Arc::from(bytes));
            }
        }
        self.components = kept;
    }
}

/// What tells one set from another.
fn shown(set: &PolicySet) -> Vec<(String, &'static str)> {
    let entries = set.entries.iter();
    entries
        .map(|entry| (format!("{}@{}", entry.name, entry.digest), entry.mode.as_str()))
        .collect()
}

fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
