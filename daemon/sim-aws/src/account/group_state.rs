//! Auto Scaling groups as they stand: their sizes, lifecycle hooks and history.
//!
//! Not here: what calls do to them (`groups`, `hooks`) and what they do by themselves (`reconcile`).

use crate::settings::NewGroup;
use model::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet};

/// A group as it stands.
#[derive(Clone, Debug)]
pub struct GroupState {
    /// What it was made as.
    pub made: NewGroup,
    /// Name of its launch template.
    pub template: String,
    /// Fewest instances.
    pub min: u32,
    /// Most instances.
    pub max: u32,
    /// Wanted.
    pub desired: u32,
    /// Names of its zones.
    pub zones: Vec<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Suspended processes.
    pub suspended: BTreeSet<String>,
    /// Lifecycle hooks by name.
    pub hooks: BTreeMap<String, Hook>,
    /// Version of its launch template.
    pub version: usize,
    /// It names `$Latest` instead: instances get the newest version there is.
    pub latest: bool,
    /// Made at.
    pub created: Instant,
    /// Newest last.
    pub activities: Vec<Activity>,
    pub(super) failing: u32,
}

/// One line of a group's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Id.
    pub id: String,
    /// What.
    pub description: String,
    /// Why.
    pub cause: String,
    /// `Successful`, `Failed`, `InProgress`.
    pub status: &'static str,
    /// What went wrong.
    pub message: Option<String>,
    /// When.
    pub at: Instant,
}

/// A lifecycle hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// At launches (true) or terminations (false).
    pub launching: bool,
    /// How long an instance waits at most, from the last heartbeat.
    pub timeout: Span,
    /// Whether its default result is `ABANDON`, as it is where nobody says: an instance whose time is up at its launch
    /// ends.
    pub abandons: bool,
}

/// Sizes of a group that a call gives; `None`: it stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScalingConfig {
    /// Fewest instances.
    pub(crate) min: Option<u32>,
    /// Most instances.
    pub(crate) max: Option<u32>,
    /// Instances wanted.
    pub(crate) desired: Option<u32>,
}
