//! Policies of the configuration: loaded before the first cycle, watched by a thread of their own, taken over
//! between two cycles.
//!
//! A policy that cannot be loaded is said loudly and left out: the built-in defaults answer, the daemon runs.

use crate::config::{Images, PolicyHost};
use crate::rules;
use crate::uploads::{self, Earlier, Known, Uploads};
use cycle::{InForce, Library, Loader, Rules};
use decide::PolicySet;
use host::{Cache, Compiling, Engine, Limits, Shelf, Source, Timings, Turns, Watch};
use model::PolicyName;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often policy files are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// Folder in `policies_store` of what was in force.
const PAST: &str = "past";

/// Keeps policies and their bytes together.
pub(crate) struct Policies {
    watch: Option<Arc<Watch>>,
    #[cfg(feature = "registry")]
    followers: Option<registry::Followers>,
    engine: Option<Engine>,
    ceiling: Limits,
    sources: Vec<Source>,
    rules: BTreeMap<PolicyName, Rules>,
    store: Option<PathBuf>,
    /// Policies that were handed in and cannot be used any more.
    lost: BTreeMap<PolicyName, String>,
    /// What is wrong with the folders in which policies are kept.
    alarms: Vec<String>,
    uploaded: Arc<Mutex<Known>>,
    shown: Vec<(String, &'static str)>,
    components: BTreeMap<String, Arc<[u8]>>,
    timings: Timings,
}

/// What is to be loaded, by which rules it moves, and where more is kept that is handed in.
#[derive(Clone)]
pub(crate) struct Wanted {
    /// Policies of the configuration, in the order they are asked.
    pub(crate) sources: Vec<Source>,
    /// Rules of those that have some.
    pub(crate) rules: BTreeMap<PolicyName, Rules>,
    /// Folder of components that are handed to the running daemon.
    pub(crate) store: Option<PathBuf>,
    /// Whether what comes into force is kept there, too.
    pub(crate) past: bool,
    /// What all of them may use of this machine.
    pub(crate) host: PolicyHost,
    /// Where they are compiled.
    pub(crate) compiling: Compiling,
    /// Those of them that come from registries.
    pub(crate) images: Images,
}

impl Wanted {
    /// Nothing is written but what registries bring: a check of a configuration may run on another machine than its daemon.
    pub(crate) fn kept_nowhere(&mut self) {
        self.host.cache = None;
        self.past = false;
    }
}

impl Policies {
    /// Loads what can be loaded. Blocks while registries answer and components compile, one at a time and until there are
    /// no turns any more.
    pub(crate) fn load(wanted: Wanted, turns: Turns) -> anyhow::Result<Self> {
        let mut sources = wanted.sources;
        let mut earlier = Earlier::default();
        if let Some(store) = &wanted.store {
            let taken = sources.iter().map(|source| source.name.clone()).collect();
            earlier = uploads::kept(store, &taken, wanted.past);
            sources.append(&mut earlier.sources);
        }
        let host = &wanted.host;
        #[cfg(not(feature = "registry"))]
        let Images { .. } = &wanted.images;
        let mut policies = Self {
            watch: None,
            // Before the shelf looks: what it finds is trusted then.
            #[cfg(feature = "registry")]
            followers: crate::images::follow(&wanted.images, &host.ceiling)?,
            engine: None,
            ceiling: Limits::default(),
            sources: sources.clone(),
            rules: wanted.rules,
            store: wanted.store,
            lost: earlier.lost,
            alarms: earlier.alarm.into_iter().collect(),
            uploaded: Arc::default(),
            shown: Vec::new(),
            components: BTreeMap::new(),
            timings: Timings::default(),
        };
        policies.vouch(&mut sources);
        let cache = policies.cache(host);
        let engine = match Engine::in_turns(wanted.compiling, cache, turns) {
            Ok(engine) => engine,
            Err(why) if sources.is_empty() => {
                tracing::warn!(%why, "policies cannot run on this machine; there are none");
                return Ok(policies);
            }
            Err(why) => anyhow::bail!("policies cannot run on this machine: {why}"),
        };
        let mut shelf =
            Shelf::new(engine.clone(), host.ceiling.clone(), sources).with(Box::new(rules::Rules));
        if let Some(store) = policies.store.clone().filter(|_| wanted.past)
            && let Err(why) = shelf.keep_in(&store.join(PAST))
        {
            policies.alarm(format!(
                "policies_store cannot be used: {}: {why}: a roll-back after a restart will find nothing to go back to",
                store.display()
            ));
        }
        policies.ceiling = host.ceiling.clone();
        policies.timings = shelf.timings();
        shelf.refresh();
        policies.watch = Some(Arc::new(Watch::start(shelf, EVERY)?));
        policies.engine = Some(engine);
        Ok(policies)
    }

    /// What comes from a registry is loaded only where it was verified.
    #[cfg(feature = "registry")]
    fn vouch(&self, sources: &mut [Source]) {
        let Some(followers) = &self.followers else {
            return;
        };
        for source in sources {
            let verified = followers.verified(source.name.as_str());
            source.vouch = verified
                .map(|verified| host::Vouch::new(move |digest| verified.has(digest)))
                .or_else(|| source.vouch.take());
        }
    }

    #[cfg(not(feature = "registry"))]
    #[expect(
        clippy::unused_self,
        reason = "a build without registries has nothing to vouch for"
    )]
    const fn vouch(&self, _: &mut [Source]) {}

    fn alarm(&mut self, what: String) {
        tracing::error!("{what}");
        self.alarms.push(what);
    }

    /// Where compiled code is kept, and marked what is being compiled: the daemon is started again whenever it dies, and
    /// must not die of the same component again. Without it a start takes longer, and everything works: so it is said and no
    /// more.
    fn cache(&mut self, host: &PolicyHost) -> Option<Cache> {
        let (folder, most) = host.cache.as_ref()?;
        let opened = Cache::open(folder, *most).map(Cache::with_marks);
        opened
            .inspect_err(|why| {
                self.alarm(format!(
                    "policy_cache cannot be used, and every start compiles the policies anew: {why}"
                ));
            })
            .ok()
    }

    /// Of what was handed in and is lost, whatever was not handed in again.
    fn lost(&self) -> Vec<(PolicyName, String)> {
        let again = self.uploaded();
        let lost = self
            .lost
            .iter()
            .filter(|(name, _)| !again.configs.contains_key(*name));
        lost.map(|(name, why)| (name.clone(), why.clone())).collect()
    }

    /// How long calls of them take.
    pub(crate) fn timings(&self) -> Timings {
        self.timings.clone()
    }

    /// Takes in what is handed to the running daemon; `None` where policies cannot run at all.
    pub(crate) fn loader(&self) -> Option<Arc<dyn Loader>> {
        let (engine, watch) = (self.engine.clone()?, Arc::clone(self.watch.as_ref()?));
        let taken = self.sources.iter().filter(|source| {
            let kept = self.store.as_ref();
            kept.is_none_or(|store| !source.path.starts_with(store))
        });
        let taken = taken.map(|source| source.name.clone()).collect();
        let (store, known) = (self.store.clone(), Arc::clone(&self.uploaded));
        Some(Arc::new(Uploads::new(
            (engine, self.ceiling.clone(), watch),
            taken,
            store.as_deref(),
            known,
        )))
    }

    /// Why policies are not in force as they are, one line each.
    pub(crate) fn troubles(&self) -> Vec<String> {
        let status = self
            .watch
            .as_ref()
            .map(|watch| watch.status())
            .unwrap_or_default();
        let files = status
            .into_iter()
            .filter_map(|policy| policy.error.map(|error| format!("{error}")));
        let outside = self.outside().into_iter().chain(self.lost());
        let outside = outside.map(|(name, trouble)| format!("policy {name}: {trouble}"));
        outside.chain(files).chain(self.alarms.iter().cloned()).collect()
    }

    /// What is wrong with the registries from which some of them come.
    #[cfg(feature = "registry")]
    fn outside(&self) -> Vec<(PolicyName, String)> {
        let followers = self.followers.as_ref();
        let standings = followers.map(registry::Followers::standings).unwrap_or_default();
        let troubles = standings.iter().filter_map(|standing| {
            let trouble = crate::images::trouble(standing)?;
            Some((PolicyName::new(standing.name.as_str()), trouble))
        });
        troubles.collect()
    }

    #[cfg(not(feature = "registry"))]
    #[expect(
        clippy::unused_self,
        reason = "a build without registries has nothing to say of them"
    )]
    const fn outside(&self) -> Vec<(PolicyName, String)> {
        Vec::new()
    }

    /// What is in force now.
    pub(crate) fn now(&mut self) -> InForce {
        let set = self
            .watch
            .as_ref()
            .map(|watch| watch.current())
            .unwrap_or_default();
        self.shown = shown(&set);
        self.keep_bytes(&set);
        let mut configs: BTreeMap<_, _> = self
            .sources
            .iter()
            .map(|source| (source.name.clone(), source.config.clone()))
            .collect();
        configs.extend(self.uploaded().configs.clone());
        InForce {
            configs,
            components: self.components.clone(),
            rules: self.rules.clone(),
            set,
        }
    }

    fn uploaded(&self) -> MutexGuard<'_, Known> {
        self.uploaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes for the log: those whose digest is the one in force. A file replaced meanwhile is not it.
    fn keep_bytes(&mut self, set: &PolicySet) {
        let mut kept = BTreeMap::new();
        for entry in &set.entries {
            let known = self.components.get(&entry.digest).cloned();
            if let Some(bytes) = known.or_else(|| self.uploaded().components.get(&entry.digest).cloned()) {
                kept.insert(entry.digest.clone(), bytes);
                continue;
            }
            let source = self.sources.iter().find(|source| source.name == entry.name);
            let bytes = source.and_then(|source| {
                let file = if source.text.is_none() && source.path.is_dir() {
                    source.path.join(format!("{}.wasm", source.name))
                } else {
                    source.path.clone()
                };
                rules::component(source, &file)
            });
            if let Some(bytes) = bytes
                && host::sha256(&bytes) == entry.digest
            {
                kept.insert(entry.digest.clone(), Arc::from(bytes));
            }
        }
        self.components = kept;
    }
}

impl Library for Policies {
    /// What has come into force since the last time.
    fn refresh(&mut self) -> Option<InForce> {
        let set = self.watch.as_ref()?.current();
        (shown(&set) != self.shown).then(|| self.now())
    }

    /// What its registry says comes before what is wrong with the file: it says why there is none.
    fn troubles(&self) -> BTreeMap<PolicyName, String> {
        let status = self.watch.as_ref().map(|watch| watch.status());
        let files = status.into_iter().flatten().filter_map(|policy| {
            let fault = policy.error?.fault;
            Some((policy.name, format!("{}: {fault}", policy.file.display())))
        });
        let mut troubles: BTreeMap<PolicyName, String> = files.collect();
        troubles.extend(self.lost());
        troubles.extend(self.outside());
        troubles
    }

    fn alarms(&self) -> Vec<String> {
        self.alarms.clone()
    }

    fn reject(&mut self, policy: &PolicyName, digest: &str) {
        if let Some(watch) = &self.watch {
            watch.reject(policy, digest);
        }
    }
}

/// What tells one set from another.
fn shown(set: &PolicySet) -> Vec<(String, &'static str)> {
    let entries = set.entries.iter();
    entries
        .map(|entry| (format!("{}@{}", entry.name, entry.digest), entry.mode.as_str()))
        .collect()
}
