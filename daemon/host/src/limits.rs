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

    /// The lesser of both, limit by limit: what remains of a wish under a ceiling.
    #[must_use]
    pub fn within(&self, ceiling: &Self) -> Self {
        let mut within = self.clone();
        for limit in &Limit::ALL {
            let most = (limit.get)(ceiling);
            if (limit.get)(self) > most {
                (limit.set)(&mut within, most);
            }
        }
        within
    }

    /// Fuel of one evaluation over so many rows.
    pub fn budget(&self, rows: usize) -> u64 {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        self.fuel.saturating_add(self.fuel_per_row.saturating_mul(rows))
    }
}

/// One of the limits under the name and in the unit in which an operator sets it.
pub struct Limit {
    /// Name, with its unit where it has one.
    pub name: &'static str,
    /// Least that makes sense.
    pub least: u64,
    /// Most that this version can give.
    pub most: u64,
    /// Reads it, in its unit.
    pub get: fn(&Limits) -> u64,
    /// Sets it, in its unit.
    pub set: fn(&mut Limits, u64),
}

impl Limit {
    /// Every limit that may be set.
    pub const ALL: [Self; 15] = [
        limit("fuel", 1_000_000, 1 << 50, |l| l.fuel, |l, n| l.fuel = n),
        limit(
            "fuel_per_row",
            0,
            1 << 40,
            |l| l.fuel_per_row,
            |l, n| l.fuel_per_row = n,
        ),
        limit("deadline_ms", 10, 60_000, millis, |l, n| {
            l.deadline = Duration::from_millis(n);
        }),
        limit(
            "memory_mib",
            1,
            64,
            |l| mib(l.memory_bytes),
            |l, n| l.memory_bytes = bytes(n << 20),
        ),
        limit(
            "table_elements",
            0,
            100_000,
            |l| wide(l.table_elements),
            |l, n| l.table_elements = bytes(n),
        ),
        limit(
            "handles",
            1,
            1024,
            |l| wide(l.handles),
            |l, n| l.handles = bytes(n),
        ),
        limit(
            "hostcall_kib",
            1,
            64 << 10,
            |l| kib(l.hostcall_bytes),
            |l, n| l.hostcall_bytes = bytes(n << 10),
        ),
        limit(
            "log_lines",
            0,
            4096,
            |l| wide(l.said_lines),
            |l, n| l.said_lines = bytes(n),
        ),
        limit(
            "log_kib",
            0,
            1024,
            |l| kib(l.said_bytes),
            |l, n| l.said_bytes = bytes(n << 10),
        ),
        limit(
            "keyed_columns",
            0,
            1024,
            |l| wide(l.keyed_columns),
            |l, n| l.keyed_columns = bytes(n),
        ),
        limit(
            "dictionary_kib",
            0,
            16 << 10,
            |l| kib(l.interned_bytes),
            |l, n| l.interned_bytes = bytes(n << 10),
        ),
        limit(
            "wasm_kib",
            1,
            64 << 10,
            |l| kib(l.wasm_bytes),
            |l, n| l.wasm_bytes = bytes(n << 10),
        ),
        limit(
            "config_kib",
            1,
            4096,
            |l| kib(l.config_bytes),
            |l, n| l.config_bytes = bytes(n << 10),
        ),
        limit(
            "function_kib",
            1,
            2048,
            |l| kib(l.function_bytes),
            |l, n| l.function_bytes = bytes(n << 10),
        ),
        limit(
            "functions",
            1,
            1_000_000,
            |l| u64::from(l.functions),
            |l, n| {
                l.functions = u32::try_from(n).unwrap_or(u32::MAX);
            },
        ),
    ];
}

const fn limit(
    name: &'static str,
    least: u64,
    most: u64,
    get: fn(&Limits) -> u64,
    set: fn(&mut Limits, u64),
) -> Limit {
    Limit {
        name,
        least,
        most,
        get,
        set,
    }
}

fn millis(limits: &Limits) -> u64 {
    u64::try_from(limits.deadline.as_millis()).unwrap_or(u64::MAX)
}

fn wide(amount: usize) -> u64 {
    u64::try_from(amount).unwrap_or(u64::MAX)
}

fn kib(bytes: usize) -> u64 {
    wide(bytes) >> 10
}

fn mib(bytes: usize) -> u64 {
    wide(bytes) >> 20
}

fn bytes(amount: u64) -> usize {
    usize::try_from(amount).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_read_as_it_was_set_and_its_default_is_within_its_range() {
        let default = Limits::default();
        for limit in &Limit::ALL {
            let usual = (limit.get)(&default);
            assert!(
                (limit.least..=limit.most).contains(&usual),
                "{}: {usual}",
                limit.name
            );
            for amount in [limit.least, limit.most] {
                let mut limits = default.clone();
                (limit.set)(&mut limits, amount);
                assert_eq!((limit.get)(&limits), amount, "{}", limit.name);
                let others = Limit::ALL.iter().filter(|other| other.name != limit.name);
                let changed = others.filter(|other| (other.get)(&limits) != (other.get)(&default));
                assert_eq!(changed.count(), 0, "{} sets another", limit.name);
            }
        }
    }

    #[test]
    fn nothing_rises_above_a_ceiling() {
        let default = Limits::default();
        let (mut low, mut high) = (default.clone(), default.clone());
        for limit in &Limit::ALL {
            (limit.set)(&mut low, limit.least);
            (limit.set)(&mut high, limit.most);
        }
        assert_eq!(high.within(&low), low);
        assert_eq!(low.within(&high), low);
        assert_eq!(default.within(&default), default);
    }
}
