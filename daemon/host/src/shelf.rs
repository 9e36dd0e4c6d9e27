//! The operator's policies as files: reads them, notices when one is replaced, keeps the last good one in force.
//!
//! Reading and compiling take time and belong on a thread of their own (`Watch`); `set` is what a cycle takes at its
//! boundary. Quarantine is not kept here: `decide` remembers faults by name, and a new digest is a new chance.

use crate::engine::Engine;
use crate::error::LoadError;
use crate::kind::{Kind, Loaded};
use crate::limits::Limits;
use crate::past::Past;
use crate::slot::{Slot, Tools};
use crate::timing::Timings;
use crate::vouch::Vouch;
use decide::PolicySet;
use model::advice::{Hook, PolicyMode};
use model::ids::PolicyName;
use model::standing::PolicyScope;
use std::path::{Path, PathBuf};

/// Where a policy comes from, and what is wanted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Name given by the operator; unique.
    pub name: PolicyName,
    /// The component's file, a folder that holds `<name>.wasm`, or a file of another kind; empty: none, it was put on the
    /// shelf.
    pub path: PathBuf,
    /// The policy itself, where it stands in the configuration: `path` is then no file and says only of which kind it is.
    pub text: Option<String>,
    /// Whether its answers count.
    pub mode: PolicyMode,
    /// JSON object handed to the policy; empty means `{}`.
    pub config: String,
    /// What its answers count for in canary mode.
    pub scope: PolicyScope,
    /// What it may use, never more than the shelf's limits; `None`: those.
    pub limits: Option<Limits>,
    /// The file in which whoever brings the component, and verifies it, keeps the one before it; `None`: the shelf keeps
    /// that itself, where it has a folder (`Shelf::keep_in`).
    pub before: Option<PathBuf>,
    /// Whose word it takes that the file, and the one before, are what was meant; `None`: whoever may write the file may
    /// decide.
    pub vouch: Option<Vouch>,
}

/// How a policy stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Name.
    pub name: PolicyName,
    /// The file.
    pub file: PathBuf,
    /// Mode in force; that of the source where nothing is loaded.
    pub mode: PolicyMode,
    /// SHA-256 of the component in force; empty where none ever loaded.
    pub digest: String,
    /// Hooks it answers.
    pub hooks: Vec<Hook>,
    /// Why the file as it is now is not in force; the last good one stays.
    pub error: Option<LoadError>,
}

/// See the module.
pub struct Shelf {
    engine: Engine,
    limits: Limits,
    kinds: Vec<Box<dyn Kind>>,
    slots: Vec<Slot>,
    timings: Timings,
    past: Option<Past>,
}

impl Shelf {
    /// A shelf of these policies, in the order in which they are asked; none gets more than these limits. Nothing is read
    /// before `refresh`.
    pub fn new(engine: Engine, limits: Limits, sources: Vec<Source>) -> Self {
        let slots = sources.into_iter().map(Slot::new).collect();
        Self {
            engine,
            limits,
            kinds: Vec::new(),
            slots,
            timings: Timings::default(),
            past: None,
        }
    }

    /// Keeps in this folder what comes into force, and what was before it: a roll-back after a restart has something to go
    /// back to. The folder is made; one that others may write to is refused.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn keep_in(&mut self, folder: &Path) -> std::io::Result<()> {
        self.past = Some(Past::open(folder)?);
        Ok(())
    }

    /// Files of this kind may stand there, too.
    #[must_use]
    pub fn with(mut self, kind: Box<dyn Kind>) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Goes back from this component of a policy to the one before it, where that is still known or was kept; its bytes are
    /// not taken again. Where there is none it stays, for whoever decides to leave it in shadow. Says whether `set` changed.
    pub fn reject(&mut self, policy: &PolicyName, digest: &str) -> bool {
        let mut slots = self.slots.iter_mut();
        let Some(slot) = slots.find(|slot| slot.source.name == *policy) else {
            return false;
        };
        let limits = limits_of(&slot.source, &self.limits);
        let tools = Tools {
            engine: &self.engine,
            kinds: &self.kinds,
            limits: &limits,
            past: self.past.as_ref(),
        };
        slot.reject(digest, &tools)
    }

    /// Puts a policy on the shelf that was loaded elsewhere, in place of the one of the same name.
    pub fn put(&mut self, source: Source, policy: Loaded) {
        let mut slots = self.slots.iter_mut();
        if let Some(slot) = slots.find(|slot| slot.source.name == source.name) {
            slot.source = source;
            slot.take(policy);
        } else {
            let mut slot = Slot::new(source);
            slot.take(policy);
            self.slots.push(slot);
        }
    }

    /// Reads what changed since the last time and compiles it. Says whether `set` or `status` changed.
    pub fn refresh(&mut self) -> bool {
        let mut changed = false;
        for slot in &mut self.slots {
            let limits = limits_of(&slot.source, &self.limits);
            changed |= slot.refresh(&Tools {
                engine: &self.engine,
                kinds: &self.kinds,
                limits: &limits,
                past: self.past.as_ref(),
            });
        }
        changed
    }

    /// The policies in force.
    pub fn set(&self) -> PolicySet {
        let entries = self.slots.iter().filter_map(|slot| slot.entry(&self.timings));
        PolicySet {
            entries: entries.collect(),
        }
    }

    /// How long the policies of its sets take.
    pub fn timings(&self) -> Timings {
        self.timings.clone()
    }

    /// How every policy stands, in order.
    pub fn status(&self) -> Vec<Status> {
        self.slots.iter().map(Slot::status).collect()
    }
}

/// What a policy may use.
fn limits_of(source: &Source, ceiling: &Limits) -> Limits {
    let own = source.limits.as_ref().map(|own| own.within(ceiling));
    own.unwrap_or_else(|| ceiling.clone())
}
