//! The loader of components: whatever bytes come, they are refused in words or load; the host does not panic, and needs
//! neither much time nor much memory.
//!
//! Compiles in this process, within tight limits: a process for each input would find a thousandth.

#![no_main]

use decide::Policy;
use host::{Engine, Limits, sample};
use libfuzzer_sys::fuzz_target;
use model::ids::PolicyName;
use std::sync::LazyLock;
use std::time::Duration;

static ENGINE: LazyLock<Option<Engine>> = LazyLock::new(|| Engine::new().ok());

fn tight() -> Limits {
    Limits {
        wasm_bytes: 64 << 10,
        function_bytes: 4 << 10,
        functions: 100,
        memory_bytes: 4 << 20,
        fuel: 100_000,
        fuel_per_row: 0,
        deadline: Duration::from_millis(50),
        ..Limits::default()
    }
}

fuzz_target!(|data: &[u8]| {
    let limits = tight();
    let Some(engine) = ENGINE.as_ref() else {
        return;
    };
    let Ok(policy) = engine.load(data, &PolicyName::new("fuzz"), "", &limits) else {
        return;
    };
    let rows = sample::rows(2);
    for hook in policy.hooks() {
        let _ = policy.advise(&rows.view(*hook), b"");
    }
});
