//! One policy on the shelf: its file, what is loaded of it, what was before, what is not wanted any more.
//!
//! Whatever goes wrong leaves what is loaded where it is. Not here: which policies there are, and in which order (`shelf`).

use crate::engine::Engine;
use crate::error::{LoadError, LoadFault};
use crate::kind::{Kind, Loaded};
use crate::limits::Limits;
use crate::past::Past;
use crate::policy::sha256;
use crate::shelf::{Source, Status};
use crate::timing::Timings;
use decide::PolicyEntry;
use model::advice::PolicyFault;
use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// What loading takes.
pub(crate) struct Tools<'s> {
    pub(crate) engine: &'s Engine,
    pub(crate) kinds: &'s [Box<dyn Kind>],
    pub(crate) limits: &'s Limits,
    pub(crate) past: Option<&'s Past>,
}

/// See the module.
pub(crate) struct Slot {
    pub(crate) source: Source,
    stamp: Option<Stamp>,
    loaded: Option<Loaded>,
    /// The one that was loaded before: what a roll-back brings back.
    before: Option<Loaded>,
    /// Digests that are not wanted any more.
    rejected: BTreeSet<String>,
    error: Option<LoadError>,
}

/// What a file looks like from outside; a ConfigMap's symlink is followed, so its swap shows in the inode. Whoever
/// copies a file with its old date changes at least `changed`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Seconds and nanoseconds of the last change, attributes and name included.
    changed: (i64, i64),
    inode: u64,
}

impl Slot {
    pub(crate) const fn new(source: Source) -> Self {
        Self {
            source,
            stamp: None,
            loaded: None,
            before: None,
            rejected: BTreeSet::new(),
            error: None,
        }
    }

    pub(crate) fn take(&mut self, policy: Loaded) {
        tracing::info!(policy = %self.source.name, digest = policy.digest, "policy loaded");
        let replaced = self.loaded.replace(policy);
        // What was rejected is not gone back to.
        let good = replaced.filter(|old| !self.rejected.contains(&old.digest));
        if good.is_some() {
            self.before = good;
        }
        self.error = None;
    }

    pub(crate) fn reject(&mut self, digest: &str, tools: &Tools<'_>) -> bool {
        self.rejected.insert(digest.to_owned());
        let is_it = |policy: &Option<Loaded>| policy.as_ref().is_some_and(|policy| policy.digest == digest);
        if is_it(&self.before) {
            self.before = None;
        }
        if !is_it(&self.loaded) {
            return false;
        }
        let Some(before) = self.before.take().or_else(|| self.recalled(tools)) else {
            tracing::warn!(policy = %self.source.name, digest, "nothing is known to go back to: it stays, in shadow");
            return false;
        };
        tracing::warn!(policy = %self.source.name, digest, to = before.digest, "policy rolled back");
        self.loaded = Some(before);
        true
    }

    /// The one before, out of what was kept by an earlier run.
    fn recalled(&self, tools: &Tools<'_>) -> Option<Loaded> {
        let most = u64::try_from(tools.limits.wasm_bytes).unwrap_or(u64::MAX);
        let bytes = match &self.source.before {
            Some(file) => file.is_file().then(|| self.read_before(file, tools)).flatten()?,
            None => tools
                .past?
                .before(self.source.name.as_str(), &self.rejected, most)
                .inspect_err(
                    |why| tracing::warn!(policy = %self.source.name, %why, "the component before is lost"),
                )
                .ok()??,
        };
        let loaded = self.made_of(&bytes, &self.file(), tools);
        let failed = |why: &LoadFault| {
            tracing::warn!(policy = %self.source.name, %why, "the component before cannot be loaded");
        };
        let loaded = loaded.inspect_err(failed).ok()?;
        (!self.rejected.contains(&loaded.digest)).then_some(loaded)
    }

    fn read_before(&self, file: &Path, tools: &Tools<'_>) -> Option<Vec<u8>> {
        let read = read(file, tools.limits).and_then(|bytes| {
            self.is_meant(&sha256(&bytes))?;
            Ok(bytes)
        });
        read.inspect_err(|why| tracing::warn!(file = %file.display(), %why, "the component before is lost"))
            .ok()
    }

    /// Whether these bytes are what was meant, where somebody can tell.
    fn is_meant(&self, digest: &str) -> Result<(), LoadFault> {
        match &self.source.vouch {
            Some(vouch) if !vouch.is_meant(digest) => Err(LoadFault::NotMeant {
                found: digest.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Keeps what came into force for later runs. Without it the daemon runs as well: so it is said and no more.
    fn keep(&self, digest: &str, bytes: &[u8], past: Option<&Past>) {
        let Some(past) = past.filter(|_| self.source.text.is_none() && self.source.before.is_none()) else {
            return;
        };
        let kept = past.keep(self.source.name.as_str(), digest, bytes, &self.rejected);
        if let Err(why) = kept {
            tracing::warn!(policy = %self.source.name, %why, "not kept for later runs: a roll-back after a restart will not find it");
        }
    }

    pub(crate) fn refresh(&mut self, tools: &Tools<'_>) -> bool {
        if self.source.path.as_os_str().is_empty() {
            // It was put here, and no file is behind it.
            return false;
        }
        let file = self.file();
        let stamp = match self.stamp_of(&file) {
            Ok(stamp) => stamp,
            Err(fault) => {
                self.stamp = None;
                return self.fail(&file, fault);
            }
        };
        if self.stamp.as_ref() == Some(&stamp) && !self.is_told() {
            return false;
        }
        self.stamp = Some(stamp);
        match self.load(&file, tools) {
            Ok(Some(policy)) => {
                self.take(policy);
                true
            }
            // The same bytes under a new date.
            Ok(None) => self.error.take().is_some(),
            Err(fault) => {
                if may_pass(&fault) {
                    self.stamp = None;
                }
                self.fail(&file, fault)
            }
        }
    }

    /// Whether it may be tried again: the mark of a process that died at it is gone.
    fn is_told(&self) -> bool {
        let fault = self.error.as_ref().map(|error| &error.fault);
        matches!(fault, Some(LoadFault::DiedCompiling { mark }) if !mark.exists())
    }

    /// What tells the file from one that replaces it; a text never changes.
    fn stamp_of(&self, file: &Path) -> Result<Stamp, LoadFault> {
        if self.source.text.is_some() {
            return Ok(Stamp::default());
        }
        let metadata = fs::metadata(file).map_err(|why| LoadFault::Io(why.to_string()))?;
        // Opening a pipe would wait for its writer.
        if !metadata.is_file() {
            return Err(LoadFault::Io("not a regular file".to_owned()));
        }
        Ok(Stamp::of(&metadata))
    }

    /// `None`: what is in force already, or was rolled back.
    fn load(&self, file: &Path, tools: &Tools<'_>) -> Result<Option<Loaded>, LoadFault> {
        let bytes = match &self.source.text {
            Some(text) => text.clone().into_bytes(),
            None => read(file, tools.limits)?,
        };
        let in_force = |digest: &str| self.loaded.as_ref().is_some_and(|policy| policy.digest == digest);
        let digest = sha256(&bytes);
        self.is_meant(&digest)?;
        if self.is_rejected(&digest) {
            return Ok(None);
        }
        if in_force(&digest) {
            self.keep(&digest, &bytes, tools.past);
            return Ok(None);
        }
        let policy = self.made_of(&bytes, file, tools)?;
        if self.is_rejected(&policy.digest) {
            return Ok(None);
        }
        self.keep(&policy.digest, &bytes, tools.past);
        Ok(Some(policy).filter(|new| !in_force(&new.digest)))
    }

    /// A policy out of the bytes of such a file.
    fn made_of(&self, bytes: &[u8], file: &Path, tools: &Tools<'_>) -> Result<Loaded, LoadFault> {
        let config = &self.source.config;
        if let Some(kind) = tools.kinds.iter().find(|kind| kind.takes(file)) {
            return kind.load(bytes, config).map_err(LoadFault::Kind);
        }
        let loaded = tools.engine.load(bytes, &self.source.name, config, tools.limits);
        let policy = loaded.map_err(|why| why.fault)?;
        Ok(Loaded {
            digest: policy.digest().to_owned(),
            policy: Arc::new(policy),
        })
    }

    /// Whether it was rolled back in favour of the one that is loaded.
    fn is_rejected(&self, digest: &str) -> bool {
        self.loaded.is_some() && self.rejected.contains(digest)
    }

    fn fail(&mut self, file: &Path, fault: LoadFault) -> bool {
        let error = LoadError {
            policy: self.source.name.clone(),
            file: Some(file.to_owned()),
            fault,
        };
        if self.error.as_ref() == Some(&error) {
            return false;
        }
        tracing::warn!(%error, kept = self.loaded.is_some(), "policy not loaded");
        self.error = Some(error);
        true
    }

    fn file(&self) -> PathBuf {
        if self.source.text.is_none() && self.source.path.is_dir() {
            self.source.path.join(format!("{}.wasm", self.source.name))
        } else {
            self.source.path.clone()
        }
    }

    pub(crate) fn entry(&self, timings: &Timings) -> Option<PolicyEntry> {
        let policy = self.loaded.as_ref()?;
        Some(PolicyEntry {
            name: self.source.name.clone(),
            digest: policy.digest.clone(),
            mode: self.source.mode,
            scope: self.source.scope.clone(),
            policy: timings.timed(&self.source.name, Arc::clone(&policy.policy)),
        })
    }

    pub(crate) fn status(&self) -> Status {
        Status {
            name: self.source.name.clone(),
            file: self.file(),
            mode: self.source.mode,
            digest: self
                .loaded
                .as_ref()
                .map_or_else(String::new, |policy| policy.digest.clone()),
            hooks: self
                .loaded
                .as_ref()
                .map_or_else(Vec::new, |policy| policy.policy.hooks().to_vec()),
            error: self.error.clone(),
        }
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        }
    }
}

/// Whether the same file may load the next time: what failed was the machine, not the policy.
const fn may_pass(fault: &LoadFault) -> bool {
    matches!(
        fault,
        LoadFault::Io(_)
            | LoadFault::NotMeant { .. }
            | LoadFault::NoCompiler(_)
            | LoadFault::CompilerBusy { .. }
            | LoadFault::Config {
                fault: PolicyFault::Deadline { .. },
                ..
            }
    )
}

fn read(file: &Path, limits: &Limits) -> Result<Vec<u8>, LoadFault> {
    let io = |why: std::io::Error| LoadFault::Io(why.to_string());
    let opened = File::open(file).map_err(io)?;
    let metadata = opened.metadata().map_err(io)?;
    let limit = u64::try_from(limits.wasm_bytes).unwrap_or(u64::MAX);
    if metadata.len() > limit {
        return Err(LoadFault::TooLarge {
            bytes: metadata.len(),
            limit,
        });
    }
    let mut bytes = Vec::new();
    opened
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(io)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::advice::Hook;
    use model::time::Span;

    #[test]
    fn only_what_the_machine_did_is_tried_again() {
        let configured = |fault| LoadFault::Config {
            hook: Hook::Scaler,
            fault,
        };
        let limit = Span::from_secs(1);
        for (fault, again) in [
            (LoadFault::Io("input/output error".to_owned()), true),
            (configured(PolicyFault::Deadline { limit }), true),
            (configured(PolicyFault::Fuel { limit: 9 }), false),
            (configured(PolicyFault::Config("no target".to_owned())), false),
            (LoadFault::NotWasm, false),
            (LoadFault::NoCompiler("too many processes".to_owned()), true),
            (
                LoadFault::CompileTime {
                    limit: std::time::Duration::from_secs(1),
                },
                false,
            ),
            (LoadFault::Compile("too large".to_owned()), false),
        ] {
            assert_eq!(may_pass(&fault), again, "{fault}");
        }
    }
}
