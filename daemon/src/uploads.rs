//! Components that are handed to the running daemon: compiled beside the cycles, put on the shelf in shadow, kept in a
//! folder where there is one.
//!
//! Not here: who may hand one in (`serve`), what becomes of it afterwards (`cycle`).

use cycle::{Loader, Upload, Uploaded};
use host::{Engine, Limits, Loaded, Source, Trust, Watch};
use model::advice::PolicyMode;
use model::{PolicyName, PolicyScope};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Policies that can be handed in; more are a mistake.
const MOST: usize = 64;

/// See the module.
pub(crate) struct Uploads {
    engine: Engine,
    limits: Limits,
    watch: Arc<Watch>,
    /// Names of the configuration: they are not for others.
    taken: BTreeSet<PolicyName>,
    store: Option<PathBuf>,
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
        store: Option<PathBuf>,
        known: Arc<Mutex<Known>>,
    ) -> Self {
        Self {
            engine,
            limits,
            watch,
            taken,
            store,
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
            Some(store) => keep(store, &name, &component, &config)
                .map_err(|why| format!("cannot be kept in {}: {why}", store.display()))?,
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
        self.watch.put(source(name, path, config), policy);
        Ok(Uploaded {
            digest,
            hooks,
            kept: self.store.is_some(),
        })
    }
}

/// What was kept by an earlier run. What cannot be read is left out, and said.
pub(crate) fn kept(store: &Path, taken: &BTreeSet<PolicyName>) -> Vec<Source> {
    let files = match std::fs::read_dir(store) {
        Ok(files) => files,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            tracing::error!(folder = %store.display(), %error, "policies that were handed in cannot be read");
            return Vec::new();
        }
    };
    let paths = files.flatten().map(|entry| entry.path());
    let components = paths.filter(|path| path.extension().is_some_and(|kind| kind == "wasm"));
    let named = components.filter_map(|path| {
        let name = PolicyName::new(path.file_stem()?.to_str()?);
        (!taken.contains(&name)).then_some((name, path))
    });
    let mut sources: Vec<Source> = named
        .map(|(name, path)| {
            let config = std::fs::read_to_string(path.with_extension("json")).unwrap_or_default();
            source(name, path, config)
        })
        .collect();
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources.truncate(MOST);
    sources
}

/// Handed in means shadow: what it is moved to is in the Ledger.
fn source(name: PolicyName, path: PathBuf, config: String) -> Source {
    Source {
        name,
        path,
        text: None,
        mode: PolicyMode::Shadow,
        config,
        trust: Trust::Always,
        scope: PolicyScope::default(),
        limits: None,
        before: None,
    }
}

/// Writes configuration and component, each whole or not at all, the component last.
fn keep(store: &Path, name: &PolicyName, component: &[u8], config: &str) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(store)?;
    let file = store.join(format!("{name}.wasm"));
    for (path, bytes) in [
        (file.with_extension("json"), config.as_bytes()),
        (file.clone(), component),
    ] {
        let mut whole = tempfile::NamedTempFile::new_in(store)?;
        whole.write_all(bytes)?;
        whole.persist(path).map_err(|error| error.error)?;
    }
    Ok(file)
}
