//! The compiler and the pool of instances: one for the whole process, cheap to clone.
//!
//! Cranelift only, no WASI, no threads, no garbage collection: what a policy does not need is not there. The
//! features of the machine that give different results on different machines are off or made to agree.

use crate::error::{LoadError, LoadFault};
use crate::limits::Limits;
use crate::link;
use crate::policy::{Compiled, WasmPolicy};
use crate::session::Session;
use crate::ticker::Ticker;
use model::ids::PolicyName;
use std::sync::Arc;
use wasmtime::component::Linker;
use wasmtime::{Config, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy};

/// Evaluations that can run at the same time out of the pool.
const SLOTS: u32 = 32;
/// Core modules of one component: componentize-py makes about 30.
const CORE_INSTANCES: u32 = 64;
const STACK_BYTES: usize = 512 << 10;
const INSTANCE_BYTES: usize = 2 << 20;
/// Memory that stays with a slot and is wiped page by page, only where it was written to (kernels from 6.7 on; older
/// ones wipe the whole of it). Saves the page faults of the next call: 30 µs at 10,000 rows.
const KEEP: usize = 512 << 10;

/// See the module.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    wasm: wasmtime::Engine,
    linker: Linker<Session>,
    ticker: Ticker,
    pooled: bool,
}

impl Engine {
    /// Reserves the pool. Where the machine does not give the address space (32 GiB-class limits on virtual
    /// memory, emulators), instances are made on demand instead, which costs some 10 µs a call.
    ///
    /// # Errors
    /// A line that says why there can be no WebAssembly on this machine.
    pub fn new() -> Result<Self, String> {
        let pool = wasmtime::Engine::new(&config(true));
        let pooled = pool.is_ok();
        let wasm = match pool {
            Ok(engine) => engine,
            Err(why) => {
                tracing::warn!(%why, "no pool for policy instances; they are made on demand");
                wasmtime::Engine::new(&config(false)).map_err(|why| why.to_string())?
            }
        };
        let linker = link::linker(&wasm).map_err(|why| format!("{why:#}"))?;
        let ticker = Ticker::start(wasm.clone()).map_err(|why| format!("no thread for deadlines: {why}"))?;
        Ok(Self {
            inner: Arc::new(Inner {
                wasm,
                linker,
                ticker,
                pooled,
            }),
        })
    }

    /// Whether instances come out of a pool.
    pub fn pooled(&self) -> bool {
        self.inner.pooled
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

fn config(pooled: bool) -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .concurrency_support(false)
        .consume_fuel(true)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_tail_call(false)
        .wasm_multi_memory(false)
        .wasm_custom_page_sizes(false)
        .max_wasm_stack(STACK_BYTES)
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false);
    if pooled {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(SLOTS)
            .max_component_instance_size(INSTANCE_BYTES)
            .max_core_instances_per_component(CORE_INSTANCES)
            .max_memories_per_component(4)
            .max_tables_per_component(CORE_INSTANCES)
            .total_core_instances(SLOTS * 4)
            .max_core_instance_size(INSTANCE_BYTES)
            .total_memories(SLOTS)
            .max_memory_size(Limits::POOL_MEMORY_BYTES)
            .linear_memory_keep_resident(KEEP)
            .pagemap_scan(wasmtime::Enabled::Auto)
            .total_tables(SLOTS * 4)
            .table_elements(Limits::POOL_TABLE_ELEMENTS);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    } else {
        config
            .allocation_strategy(InstanceAllocationStrategy::OnDemand)
            .memory_reservation(Limits::POOL_MEMORY_BYTES as u64);
    }
    config
}
