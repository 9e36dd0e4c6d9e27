//! Settings of the WebAssembly engine: for a pool of instances, and for compiling.
//!
//! The features of the machine that give different results on different machines are off or made to agree. Not here:
//! the engine itself (`engine`), limits on single policies (`limits`).

use crate::artefact::Fit;
use crate::limits::Limits;
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

/// Settings of an engine whose instances come out of a pool.
pub(crate) fn pool_config() -> Config {
    let mut config = compile_config(Fit::Pool);
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
    config
}

/// Settings that decide what code comes out, without a pool of instances: the compiler's process reserves nothing.
pub(crate) fn compile_config(fit: Fit) -> Config {
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
        .native_unwind_info(false)
        .allocation_strategy(InstanceAllocationStrategy::OnDemand);
    if fit == Fit::OnDemand {
        config.memory_reservation(Limits::POOL_MEMORY_BYTES as u64);
    }
    config
}
