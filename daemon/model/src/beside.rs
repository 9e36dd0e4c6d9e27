//! What is read beside the cluster: ECS of the same account. It can be asked for and planned offline; nothing is decided
//! by it, and it is no part of a Snapshot, whose pods and limits are those of one cluster.

use crate::time::Instant;

/// Which clusters of ECS are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EcsClusters {
    /// All of the account's in its region.
    All,
    /// These, by name or ARN.
    Named(Vec<String>),
}

/// ECS as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EcsPicture {
    /// When it was read.
    pub at: Instant,
    /// Clusters in it.
    pub clusters: u32,
    /// Services.
    pub services: u32,
    /// Tasks.
    pub tasks: u32,
    /// Container instances.
    pub instances: u32,
    /// JSON as `aws ecs describe-…` prints it, one document a line, with only what a plan reads.
    pub documents: Vec<String>,
    /// What could not be read, in words; its last rows are in the documents.
    pub trouble: Vec<String>,
}
