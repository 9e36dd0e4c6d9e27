//! Amounts of CPU, memory, ephemeral storage and extended resources, as integers.
//!
//! Source: kube-scheduler's NodeResourcesFit counts milli-CPU and bytes. Parsing of quantities is in
//! `manifest`. Arithmetic saturates: a hostile request of 10¹⁸ cores must be refused, never wrap.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes in one MiB.
pub const MIB: i64 = 1 << 20;
/// Bytes in a GiB.
pub const GIB: i64 = 1 << 30;

/// Begins the names under which volumes are counted per CSI driver, as kube-scheduler once named them.
const ATTACH_LIMIT: &str = "attachable-volumes-csi-";
/// More volumes than any node will ever be asked to attach: what a node has whose driver tells no limit.
pub const ANY_VOLUMES: i64 = 1 << 20;

/// Name under which volumes of a CSI driver are counted among the extended resources: those a pod attaches, and
/// those a node may (NodeVolumeLimits). Pods have it only for drivers that some node limits; then every node and
/// offer of the Snapshot has it.
pub fn attach_limit(driver: &str) -> String {
    format!("{ATTACH_LIMIT}{driver}")
}

/// The CSI driver whose volumes an extended resource counts, where it counts volumes.
pub fn attach_driver(resource: &str) -> Option<&str> {
    resource.strip_prefix(ATTACH_LIMIT)
}

/// Whether the resource is huge pages of some size (`hugepages-2Mi`): bytes, as memory is.
pub fn is_huge_pages(resource: &str) -> bool {
    resource.starts_with("hugepages-")
}

/// A vector of amounts. Negative values mean over-committed and fit nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Resources {
    /// Millicores.
    pub cpu_milli: i64,
    /// Bytes.
    pub memory_bytes: i64,
    /// Bytes.
    pub ephemeral_bytes: i64,
    /// Extended resources and huge pages by name, in units; zero amounts are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extended: BTreeMap<String, i64>,
}

impl Resources {
    /// CPU and memory only.
    pub fn new(cpu_milli: i64, memory_bytes: i64) -> Self {
        Self {
            cpu_milli,
            memory_bytes,
            ..Self::default()
        }
    }

    /// Adds in place.
    pub fn add(&mut self, other: &Self) {
        self.cpu_milli = self.cpu_milli.saturating_add(other.cpu_milli);
        self.memory_bytes = self.memory_bytes.saturating_add(other.memory_bytes);
        self.ephemeral_bytes = self.ephemeral_bytes.saturating_add(other.ephemeral_bytes);
        for (name, amount) in &other.extended {
            let have = self.extended.entry(name.clone()).or_insert(0);
            *have = have.saturating_add(*amount);
        }
    }

    /// Subtracts in place; the result may be negative.
    pub fn sub(&mut self, other: &Self) {
        self.cpu_milli = self.cpu_milli.saturating_sub(other.cpu_milli);
        self.memory_bytes = self.memory_bytes.saturating_sub(other.memory_bytes);
        self.ephemeral_bytes = self.ephemeral_bytes.saturating_sub(other.ephemeral_bytes);
        for (name, amount) in &other.extended {
            let have = self.extended.entry(name.clone()).or_insert(0);
            *have = have.saturating_sub(*amount);
        }
    }

    /// Component-wise maximum in place (init containers against the sum of the others).
    pub fn max(&mut self, other: &Self) {
        self.cpu_milli = self.cpu_milli.max(other.cpu_milli);
        self.memory_bytes = self.memory_bytes.max(other.memory_bytes);
        self.ephemeral_bytes = self.ephemeral_bytes.max(other.ephemeral_bytes);
        for (name, amount) in &other.extended {
            let have = self.extended.entry(name.clone()).or_insert(0);
            *have = (*have).max(*amount);
        }
    }

    /// Component-wise minimum: what either has.
    #[must_use]
    pub fn least(&self, other: &Self) -> Self {
        let extended = self.extended.iter();
        let extended = extended.map(|(name, amount)| (name.clone(), (*amount).min(other.amount(name))));
        Self {
            cpu_milli: self.cpu_milli.min(other.cpu_milli),
            memory_bytes: self.memory_bytes.min(other.memory_bytes),
            ephemeral_bytes: self.ephemeral_bytes.min(other.ephemeral_bytes),
            extended: extended.filter(|(_, amount)| *amount > 0).collect(),
        }
    }

    /// Whether a request of `self` fits into `free`. A resource that is not asked for never objects, even
    /// where the node is over-committed in it (as NodeResourcesFit).
    pub fn fits(&self, free: &Self) -> bool {
        (self.cpu_milli <= 0 || self.cpu_milli <= free.cpu_milli)
            && (self.memory_bytes <= 0 || self.memory_bytes <= free.memory_bytes)
            && (self.ephemeral_bytes <= 0 || self.ephemeral_bytes <= free.ephemeral_bytes)
            && self
                .extended
                .iter()
                .all(|(name, amount)| *amount <= 0 || *amount <= free.amount(name))
    }

    /// Amount of an extended resource, 0 where absent.
    pub fn amount(&self, name: &str) -> i64 {
        self.extended.get(name).copied().unwrap_or(0)
    }

    /// Memory in MiB, rounded up: what a request costs at least.
    pub fn memory_mib_up(&self) -> i64 {
        self.memory_bytes.saturating_add(MIB - 1).div_euclid(MIB)
    }

    /// Memory in MiB, rounded down: what a node offers at most.
    pub fn memory_mib_down(&self) -> i64 {
        self.memory_bytes.div_euclid(MIB)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_amounts_saturate() {
        let mut sum = Resources::new(i64::MAX, i64::MAX);
        sum.add(&Resources::new(1, 1));
        assert_eq!(sum.cpu_milli, i64::MAX);
        assert!(!sum.fits(&Resources::new(64_000, 64 << 30)));
    }

    #[test]
    fn what_is_not_asked_for_never_objects() {
        let free = Resources::new(-5, 100);
        assert!(Resources::new(0, 100).fits(&free));
        assert!(!Resources::new(1, 100).fits(&free));
    }

    #[test]
    fn mib_rounds_requests_up_and_capacity_down() {
        let bytes = Resources::new(0, MIB + 1);
        assert_eq!((bytes.memory_mib_up(), bytes.memory_mib_down()), (2, 1));
    }
}
