//! The engine of policies as every verb has it: components are compiled in a process of their own, and what comes of it is
//! kept in the user's cache, so that the second `policy check` of a component compiles nothing.

use crate::output;
use host::{Cache, CompileLimits, Compiling, Engine};
use machine::MemoryLimit;

/// Of all components together.
const CACHE_BYTES: u64 = 1 << 30;

/// What this program itself may come to beside its compiler, bytes.
const OWN: u64 = 128 << 20;

/// Starts it. A cache that cannot be used is said, and done without.
///
/// # Errors
/// A line that says why there can be no WebAssembly on this machine.
pub(crate) fn start() -> Result<Engine, String> {
    let usual = CompileLimits::default();
    // The program of unit tests is not `plimsoll`.
    let compiling = if cfg!(test) {
        Compiling::InThisProcess
    } else {
        // Somebody waits for it.
        Compiling::by_this_program(CompileLimits {
            nice: 0,
            memory_bytes: MemoryLimit::of_this_process()
                .map_or(usual.memory_bytes, |limit| CompileLimits::share(limit.bytes, OWN)),
            ..usual
        })
    };
    let opened = policy_build::cache().and_then(|folder| Cache::open(&folder, CACHE_BYTES));
    let cache = opened.inspect_err(|why| output::say(format_args!("compiled policies are not kept: {why}")));
    Engine::with(compiling, cache.ok())
}
