//! A policy out of a component: checked and compiled once, asked once for each hook and cycle.

use crate::columns::Key;
use crate::engine::{Engine, Origin};
use crate::error::LoadFault;
use crate::evaluate;
use crate::inspect::{Inspection, inspect};
use crate::limits::Limits;
use crate::session::Session;
use crate::text::tame;
use decide::policy::Advised;
use decide::{Policy, View};
use model::advice::{Hook, PolicyFault};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre};

/// See the module. Safe to share between threads; evaluations do not know of each other.
pub struct WasmPolicy {
    pub(crate) engine: Engine,
    pub(crate) pre: InstancePre<Session>,
    pub(crate) config: String,
    pub(crate) limits: Arc<Limits>,
    hooks: Vec<Hook>,
    entries: Vec<Entry>,
    inspection: Inspection,
    digest: String,
}

/// The two functions of a hook, and what its last evaluation read.
pub(crate) struct Entry {
    pub(crate) hook: Hook,
    pub(crate) configure: ComponentExportIndex,
    pub(crate) question: ComponentExportIndex,
    /// Columns that the last evaluation asked for: the next one will want them too. Only ever a hint, an
    /// evaluation that asks for more gets more.
    reads: Mutex<Arc<BTreeSet<Key>>>,
}

impl Entry {
    pub(crate) fn reads(&self) -> Arc<BTreeSet<Key>> {
        Arc::clone(&self.reads.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn learn(&self, touched: BTreeSet<Key>) {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        if **reads != touched {
            *reads = Arc::new(touched);
        }
    }
}

/// A component that was compiled: a policy for each configuration costs no compiling.
pub struct Compiled {
    engine: Engine,
    component: Component,
    inspection: Inspection,
    digest: String,
    origin: Origin,
}

impl Compiled {
    pub(crate) fn new(engine: &Engine, bytes: &[u8], limits: &Limits) -> Result<Self, LoadFault> {
        survived(|| {
            let inspection = inspect(bytes, limits)?;
            let digest = sha256(bytes);
            let (component, origin) = engine.component(bytes, &digest)?;
            Ok(Self {
                engine: engine.clone(),
                component,
                inspection,
                digest,
                origin,
            })
        })
    }

    /// A policy of it, configured: one instance has read the configuration.
    ///
    /// `config_json` is a JSON object; empty means `{}`.
    ///
    /// # Errors
    /// See `LoadFault`.
    pub fn configured(&self, config_json: &str, limits: &Limits) -> Result<WasmPolicy, LoadFault> {
        survived(|| self.with(config_json, limits))
    }

    fn with(&self, config_json: &str, limits: &Limits) -> Result<WasmPolicy, LoadFault> {
        let config = checked_config(config_json, limits)?;
        let linked = self.engine.linker().instantiate_pre(&self.component);
        let hooks = self.inspection.hooks.iter();
        let entries = hooks
            .map(|(hook, export)| entry(&self.component, *hook, export))
            .collect::<Result<Vec<_>, _>>()?;
        let policy = WasmPolicy {
            engine: self.engine.clone(),
            pre: linked.map_err(mismatch)?,
            config,
            limits: Arc::new(limits.clone()),
            hooks: entries.iter().map(|entry| entry.hook).collect(),
            entries,
            inspection: self.inspection.clone(),
            digest: self.digest.clone(),
        };
        for entry in &policy.entries {
            evaluate::rehearse(&policy, entry)?;
            evaluate::foresee(&policy, entry);
        }
        Ok(policy)
    }

    /// SHA-256 of the component, hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What could be seen of it from outside.
    pub fn inspection(&self) -> &Inspection {
        &self.inspection
    }

    /// Where its machine code came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl WasmPolicy {
    /// SHA-256 of the component, hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What could be seen of it from outside.
    pub fn inspection(&self) -> &Inspection {
        &self.inspection
    }

    /// Asks as `advise` does, and tells beside the answer how many bytes of linear memory the instance had in the end;
    /// `None` where the policy has no such hook.
    pub fn weigh(&self, view: &View<'_>, kept: &[u8]) -> Option<(Advised, usize)> {
        let entry = self.entries.iter().find(|entry| entry.hook == view.hook)?;
        Some(evaluate::weighed(self, entry, view, kept))
    }

    /// Makes one instance and drops it: the part of an evaluation that comes before any function is called.
    ///
    /// # Errors
    /// The fault that an evaluation would end with.
    pub fn start(&self) -> Result<(), PolicyFault> {
        evaluate::start(self)
    }
}

impl Policy for WasmPolicy {
    fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    fn advise(&self, view: &View<'_>, kept: &[u8]) -> Advised {
        let Some(entry) = self.entries.iter().find(|entry| entry.hook == view.hook) else {
            let why = format!("it has no hook {}", view.hook);
            return fault(PolicyFault::Declined(why));
        };
        // As in `survived`.
        catch_unwind(AssertUnwindSafe(|| evaluate::evaluate(self, entry, view, kept)))
            .unwrap_or_else(|_| fault(PolicyFault::Trap(ENGINE_FAILED.to_owned())))
    }
}

const ENGINE_FAILED: &str = "the WebAssembly engine failed";

/// Parser, compiler and engine are large and other people's: a defect in them refuses a policy and ends nothing.
fn survived<T>(load: impl FnOnce() -> Result<T, LoadFault>) -> Result<T, LoadFault> {
    catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|_| Err(LoadFault::Compile(ENGINE_FAILED.to_owned())))
}

fn fault(fault: PolicyFault) -> Advised {
    Advised {
        answer: Err(fault),
        fuel: 0,
        log: Vec::new(),
        kept: None,
    }
}

fn entry(component: &Component, hook: Hook, export: &str) -> Result<Entry, LoadFault> {
    let missing = |what: &str| LoadFault::Mismatch(format!("{export} has no function {what}"));
    let instance = component
        .get_export_index(None, export)
        .ok_or_else(|| missing("at all"))?;
    let function = |name: &str| {
        component
            .get_export_index(Some(&instance), name)
            .ok_or_else(|| missing(name))
    };
    Ok(Entry {
        hook,
        configure: function("configure")?,
        question: function(match hook {
            Hook::Scaler => "scale",
            Hook::Placement => "place",
            Hook::Headroom => "reserve",
            Hook::Disruption => "judge",
            Hook::Review => "review",
        })?,
        reads: Mutex::default(),
    })
}

fn checked_config(config_json: &str, limits: &Limits) -> Result<String, LoadFault> {
    if config_json.len() > limits.config_bytes {
        return Err(LoadFault::ConfigText(format!(
            "{} bytes are more than the {} allowed",
            config_json.len(),
            limits.config_bytes
        )));
    }
    if config_json.trim().is_empty() {
        return Ok("{}".to_owned());
    }
    match serde_json::from_str::<serde_json::Value>(config_json) {
        Ok(serde_json::Value::Object(_)) => Ok(config_json.to_owned()),
        Ok(_) => Err(LoadFault::ConfigText("not a JSON object".to_owned())),
        Err(why) => Err(LoadFault::ConfigText(tame(&why.to_string()))),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(crate) fn mismatch(why: wasmtime::Error) -> LoadFault {
    LoadFault::Mismatch(tame(&format!("{why:#}")))
}

/// SHA-256 of bytes, hexadecimal: the digest by which components are known.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_of_the_compiler_refuses_the_policy_and_ends_nothing() {
        let refused = survived(|| -> Result<(), LoadFault> { panic!("an assertion of the compiler") });
        assert_eq!(refused, Err(LoadFault::Compile(ENGINE_FAILED.to_owned())));
    }
}
