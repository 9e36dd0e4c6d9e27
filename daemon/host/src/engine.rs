//! The compiler and the pool of instances: one for the whole process, cheap to clone.
//!
//! Cranelift only, no WASI, no threads, no garbage collection: what a policy does not need is not there. Not here: the
//! settings that say so (`engine_config`).

use crate::artefact::{Artefact, Fit, compatibility};
use crate::cache::{Cache, Found};
use crate::compiler::{CompileLimits, Compiling};
use crate::engine_config::{compile_config, pool_config};
use crate::error::{LoadError, LoadFault};
use crate::limits::Limits;
use crate::link;
use crate::mark::{Mark, Marked};
use crate::policy::{Compiled, WasmPolicy};
use crate::session::Session;
use crate::text::tame;
use crate::ticker::Ticker;
use crate::turns::{Turn, Turns};
use model::ids::PolicyName;
use std::sync::Arc;
use wasmtime::component::{Component, Linker};

/// See the module.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
    /// Somebody has told to try what is loaded, whatever came of it before.
    told: bool,
}

struct Inner {
    wasm: wasmtime::Engine,
    linker: Linker<Session>,
    ticker: Ticker,
    fit: Fit,
    compiling: Compiling,
    cache: Option<Cache>,
    turns: Turns,
    /// Of everything that artefacts depend on.
    compatibility: [u8; 32],
}

/// Where the machine code of a component came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// It was in the cache: nothing was compiled.
    pub cached: bool,
    /// What is wrong with the cache, one line: something in it was not believed, or it could not be written.
    pub complaint: Option<String>,
}

impl Engine {
    /// An engine that compiles in this process and keeps nothing: for tests, and for components that are trusted. What
    /// runs others' components takes `with`.
    ///
    /// # Errors
    /// See `with`.
    pub fn new() -> Result<Self, String> {
        Self::with(Compiling::InThisProcess, None)
    }

    /// Reserves the pool. Where the machine does not give the address space (32 GiB-class limits on virtual
    /// memory, emulators), instances are made on demand instead, which costs some 10 µs a call.
    ///
    /// # Errors
    /// A line that says why there can be no WebAssembly on this machine.
    pub fn with(compiling: Compiling, cache: Option<Cache>) -> Result<Self, String> {
        Self::in_turns(compiling, cache, Turns::default())
    }

    /// The same, where somebody else may have turns at compiling, or ends them all with the process.
    ///
    /// # Errors
    /// See `with`.
    pub fn in_turns(compiling: Compiling, cache: Option<Cache>, turns: Turns) -> Result<Self, String> {
        let pool = wasmtime::Engine::new(&pool_config());
        let fit = if pool.is_ok() { Fit::Pool } else { Fit::OnDemand };
        let wasm = match pool {
            Ok(engine) => engine,
            Err(why) => {
                tracing::warn!(%why, "no pool for policy instances; they are made on demand");
                wasmtime::Engine::new(&compile_config(Fit::OnDemand)).map_err(|why| why.to_string())?
            }
        };
        let linker = link::linker(&wasm).map_err(|why| format!("{why:#}"))?;
        let ticker = Ticker::start(wasm.clone()).map_err(|why| format!("no thread for deadlines: {why}"))?;
        Ok(Self {
            inner: Arc::new(Inner {
                compatibility: compatibility(&wasm),
                wasm,
                linker,
                ticker,
                fit,
                compiling,
                cache,
                turns,
            }),
            told: false,
        })
    }

    /// The same engine for somebody who has been told to try again: it compiles also what a process died at before
    /// (`Cache::with_marks`).
    #[must_use]
    pub fn told(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            told: true,
        }
    }

    /// Whether instances come out of a pool.
    pub fn pooled(&self) -> bool {
        self.inner.fit == Fit::Pool
    }

    /// Checks, compiles and configures a policy. Takes as long as compiling takes (0.1 s for 100 KiB): not for the
    /// thread that runs cycles.
    ///
    /// `config_json` is a JSON object; empty means `{}`.
    ///
    /// # Errors
    /// See `LoadFault`.
    pub fn load(
        &self,
        bytes: &[u8],
        name: &PolicyName,
        config_json: &str,
        limits: &Limits,
    ) -> Result<WasmPolicy, LoadError> {
        let compiled = self.compile(bytes, limits);
        let loaded = compiled.and_then(|compiled| compiled.configured(config_json, limits));
        loaded.map_err(|fault| LoadError {
            policy: name.clone(),
            file: None,
            fault,
        })
    }

    /// The first half of `load`, for callers that configure a component more than once.
    ///
    /// # Errors
    /// See `LoadFault`.
    pub fn compile(&self, bytes: &[u8], limits: &Limits) -> Result<Compiled, LoadFault> {
        Compiled::new(self, bytes, limits)
    }

    /// Machine code of a component that was looked into already, out of the cache or the compiler.
    pub(crate) fn component(&self, bytes: &[u8], digest: &str) -> Result<(Component, Origin), LoadFault> {
        let mut origin = Origin::default();
        if let Some(component) = self.kept(digest, &mut origin) {
            return Ok((component, origin));
        }
        let turn = self.inner.turns.take(self.limits().wall)?;
        // Meanwhile it may have been compiled for somebody else.
        if turn.waited
            && let Some(component) = self.kept(digest, &mut origin)
        {
            return Ok((component, origin));
        }
        self.mark(&turn, digest)?;
        let component = self.compiled(bytes, digest, &mut origin)?;
        Ok((component, origin))
    }

    /// What the cache has of it, if it can be believed.
    fn kept(&self, digest: &str, origin: &mut Origin) -> Option<Component> {
        let cache = self.inner.cache.as_ref()?;
        match cache.find(digest, &self.inner.compatibility, self.limits().artefact_bytes) {
            Found::Kept(code) => match code.component(&self.inner.wasm) {
                Ok(component) => {
                    *origin = Origin {
                        cached: true,
                        complaint: None,
                    };
                    return Some(component);
                }
                Err(why) => origin.complaint = Some(tame(&format!("compiled code of {digest}: {why:#}"))),
            },
            Found::Nothing => {}
            Found::Distrusted(why) => origin.complaint = Some(why),
        }
        if let Some(why) = &origin.complaint {
            tracing::warn!(%why, "compiled code is not believed; the policy is compiled again");
        }
        None
    }

    /// Marks what is compiled in this turn, where there are marks, or refuses it: a process died at it.
    fn mark(&self, turn: &Turn<'_>, digest: &str) -> Result<(), LoadFault> {
        let Some(mark) = self.inner.cache.as_ref().and_then(|cache| cache.mark(digest)) else {
            return Ok(());
        };
        match Mark::make(&mark, self.told) {
            Ok(Marked::Ours(mark)) => turn.keep(mark),
            Ok(Marked::Died) => return Err(LoadFault::DiedCompiling { mark }),
            // Its mark tells, should it come to a bad end.
            Ok(Marked::Elsewhere) => {}
            Err(why) => {
                tracing::warn!(mark = %mark.display(), %why, "cannot be marked: should the daemon die of compiling it, it is tried again");
            }
        }
        Ok(())
    }

    fn compiled(&self, bytes: &[u8], digest: &str, origin: &mut Origin) -> Result<Component, LoadFault> {
        let said = |why: wasmtime::Error| LoadFault::Compile(tame(&format!("{why:#}")));
        let inner = &self.inner;
        let code = match (&inner.compiling, &inner.cache) {
            (Compiling::InThisProcess, None) => return Component::new(&inner.wasm, bytes).map_err(said),
            (Compiling::InThisProcess, Some(_)) => {
                Artefact::made(inner.wasm.precompile_component(bytes).map_err(said)?)
            }
            (Compiling::Disposable(compiler), _) => compiler.compile(bytes, inner.fit, &inner.turns)?,
        };
        let component = code.component(&inner.wasm).map_err(said)?;
        if let Some(Err(why)) = inner
            .cache
            .as_ref()
            .map(|cache| cache.keep(digest, &inner.compatibility, &code))
        {
            tracing::warn!(%why, "compiled code is not kept; the next start compiles the policy again");
            origin.complaint = Some(format!("compiled code is not kept: {why}"));
        }
        Ok(component)
    }

    /// Of compiling; where it is done in this process, of what it is not held to.
    fn limits(&self) -> CompileLimits {
        match &self.inner.compiling {
            Compiling::InThisProcess => CompileLimits::default(),
            Compiling::Disposable(compiler) => compiler.limits,
        }
    }

    pub(crate) fn wasm(&self) -> &wasmtime::Engine {
        &self.inner.wasm
    }

    pub(crate) fn linker(&self) -> &Linker<Session> {
        &self.inner.linker
    }

    pub(crate) fn ticker(&self) -> &Ticker {
        &self.inner.ticker
    }
}
