//! What one policy may use. Every limit is on by default; none can be switched off, only set.

use std::time::Duration;

const MIB: usize = 1 << 20;

/// See the module. `Default` is what the daemon runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of a component file, bytes.
    pub wasm_bytes: usize,
    /// Size of a configuration, bytes.
    pub config_bytes: usize,
    /// Size of one function body, bytes: the compiler's time and memory grow faster than linearly with it. The largest
    /// of a CPython is 417 KiB.
    pub function_bytes: usize,
    /// Functions in all modules of a component.
    pub functions: u32,
    /// Linear memory of one instance, bytes; capped by what the pool reserves (64 MiB).
    pub memory_bytes: usize,
    /// Table elements of one instance.
    pub table_elements: usize,
    /// Resource handles alive at once.
    pub handles: usize,
    /// Bytes that may pass from guest to host in one call, the answer included.
    pub hostcall_bytes: usize,
    /// Fuel of one evaluation, before rows.
    pub fuel: u64,
    /// Fuel for each row of the View, on top.
    pub fuel_per_row: u64,
    /// Wall-clock guard of one evaluation. Fuel is set to run out first, so that cut-offs replay.
    pub deadline: Duration,
    /// Log lines and explanations kept of one evaluation.
    pub said_lines: usize,
    /// Their bytes.
    pub said_bytes: usize,
    /// Columns by key (labels, annotations, extended resources) in one evaluation.
    pub keyed_columns: usize,
    /// Bytes of text that a guest may add to the dictionary in one evaluation.
    pub interned_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wasm_bytes: 32 * MIB,
            config_bytes: MIB / 4,
            function_bytes: MIB / 2,
            functions: 200_000,
            memory_bytes: Self::POOL_MEMORY_BYTES,
            table_elements: Self::POOL_TABLE_ELEMENTS,
            handles: 16,
            hostcall_bytes: 16 * MIB,
            fuel: 50_000_000,
            fuel_per_row: 20_000,
            deadline: Duration::from_secs(1),
            said_lines: 64,
            said_bytes: MIB / 16,
            keyed_columns: 64,
            interned_bytes: MIB,
        }
    }
}

impl Limits {
    /// Linear memory of a slot of the pool.
    pub(crate) const POOL_MEMORY_BYTES: usize = 64 * MIB;
    /// Table elements of a slot of the pool.
    pub(crate) const POOL_TABLE_ELEMENTS: usize = 100_000;

    /// Fuel of one evaluation over so many rows.
    pub fn budget(&self, rows: usize) -> u64 {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        self.fuel.saturating_add(self.fuel_per_row.saturating_mul(rows))
    }
}
