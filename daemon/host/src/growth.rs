//! Says no when an instance wants more memory or tables than its limits allow.

use crate::limits::Limits;
use crate::session::Broken;
use wasmtime::{ResourceLimiter, Result};

/// What is left of one evaluation's memory and tables, over all that the component has of them.
pub(crate) struct Growth {
    memory_left: usize,
    elements_left: usize,
}

impl Growth {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_left: limits.memory_bytes,
            elements_left: limits.table_elements,
        }
    }

    /// Bytes of linear memory that were taken of these limits. Memory never shrinks: the most there was.
    pub(crate) fn memory(&self, limits: &Limits) -> usize {
        limits.memory_bytes.saturating_sub(self.memory_left)
    }
}

impl ResourceLimiter for Growth {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        take(&mut self.memory_left, current, desired, "memory")
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        take(&mut self.elements_left, current, desired, "table elements")
    }

    fn instances(&self) -> usize {
        64
    }

    fn tables(&self) -> usize {
        64
    }

    fn memories(&self) -> usize {
        4
    }
}

/// An error and not a plain "no": a guest that goes on without the memory would answer at random.
fn take(left: &mut usize, current: usize, desired: usize, what: &'static str) -> Result<bool> {
    match left.checked_sub(desired.saturating_sub(current)) {
        Some(rest) => {
            *left = rest;
            Ok(true)
        }
        None => Err(wasmtime::Error::new(Broken::Limit(what))),
    }
}
