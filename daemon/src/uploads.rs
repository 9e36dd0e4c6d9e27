//! Components that are handed to the running daemon: compiled beside the cycles, put on the shelf in shadow, kept in a
//! folder where there is one.
//!
//! Not here: how it is kept (`store`), who may hand one in (`serve`), what becomes of it afterwards (`cycle`).

mod store;

use cycle::{Loader, Upload, Uploaded};
use host::{Engine, Limits, Loaded, Source, Vouch, Watch};
use model::advice::PolicyMode;
use model::{PolicyName, PolicyScope};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use store::Store;

/// Policies that can be handed in; more are a mistake.
const MOST: usize = 64;

/// See the module.
pub(crate) struct Uploads {
    engine: Engine,
    limits: Limits,
    watch: Arc<Watch>,
    /// Names of the configuration: they are not for others.
    taken: BTreeSet<PolicyName>,
    store: Option<Store>,
    known: Arc<Mutex<Known>>,
}

/// What was handed in, for whoever keeps configurations and bytes.
#[derive(Default)]
pub(crate) struct Known {
    /// Configuration by name.
    pub(crate) configs: BTreeMap<PolicyName, String>,
    /// Bytes by digest.
    pub(crate) components: BTreeMap<String, Arc<[u8]>>,
}

impl Uploads {
    pub(crate) fn new(
        (engine, limits, watch): (Engine, Limits, Arc<Watch>),
        taken: BTreeSet<PolicyName>,
        store: Option<&Path>,
        known: Arc<Mutex<Known>>,
    ) -> Self {
        Self {
            engine,
            limits,
            watch,
            taken,
            store: store.map(Store::new),
            known,
        }
    }

    fn admit(&self, name: &PolicyName) -> Result<(), String> {
        if self.taken.contains(name) {
            return Err("the configuration has a policy of this name: replace its file instead".to_owned());
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.configs.len() >= MOST && !known.configs.contains_key(name) {
            return Err(format!("{MOST} policies have been handed in already"));
        }
        Ok(())
    }
}

impl Loader for Uploads {
    fn load(&self, upload: Upload) -> Result<Uploaded, String> {
        let Upload {
            name,
            component,
            config,
        } = upload;
        self.admit(&name)?;
        // Somebody wants it to be tried, whatever came of it before.
        let loaded = self.engine.told().load(&component, &name, &config, &self.limits);
        let policy = loaded.map_err(|error| error.fault.to_string())?;
        let path = match &self.store {
            None => PathBuf::new(),
            Some(store) => store
                .keep(&name, &component, &config)
                .map_err(|why| format!("cannot be kept in {}: {why}", store.folder().display()))?,
        };
        let digest = policy.digest().to_owned();
        let hooks = decide::Policy::hooks(&policy).to_vec();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.configs.insert(name.clone(), config.clone());
        known.components.insert(digest.clone(), component.into());
        drop(known);
        let policy = Loaded {
            digest: digest.clone(),
            policy: Arc::new(policy),
        };
        let vouch = Vouch::only(&digest);
        self.watch.put(source(name, path, config, Some(vouch)), policy);
        Ok(Uploaded {
            digest,
            hooks,
            kept: self.store.is_some(),
        })
    }
}

/// What was kept by an earlier run.
#[derive(Default)]
pub(crate) struct Earlier {
    pub(crate) sources: Vec<Source>,
    /// What cannot be used, and why.
    pub(crate) lost: BTreeMap<PolicyName, String>,
    /// What is wrong with the folder itself.
    pub(crate) alarm: Option<String>,
}

/// What was kept by an earlier run. What cannot be used is left out, and told. `at_home`: by the daemon whose folder it is.
pub(crate) fn kept(store: &Path, taken: &BTreeSet<PolicyName>, at_home: bool) -> Earlier {
    let found = Store::new(store).read(taken, at_home);
    if let Some(alarm) = &found.alarm {
        tracing::error!("{alarm}");
    }
    let mut earlier = Earlier {
        sources: Vec::new(),
        lost: found.lost,
        alarm: found.alarm,
    };
    for (name, why) in &earlier.lost {
        tracing::error!(policy = %name, %why, "a policy that was handed in is lost");
    }
    for (name, kept) in found.kept {
        if earlier.sources.len() < MOST {
            let vouch = Vouch::only(&kept.digest);
            earlier
                .sources
                .push(source(name, kept.file, kept.config, Some(vouch)));
        } else {
            let why = format!("left out: {MOST} policies have been handed in already");
            earlier.lost.insert(name, why);
        }
    }
    earlier
}

/// Handed in means shadow: what it is moved to is in the Ledger.
fn source(name: PolicyName, path: PathBuf, config: String, vouch: Option<Vouch>) -> Source {
    Source {
        name,
        path,
        text: None,
        mode: PolicyMode::Shadow,
        config,
        scope: PolicyScope::default(),
        limits: None,
        before: None,
        vouch,
    }
}
