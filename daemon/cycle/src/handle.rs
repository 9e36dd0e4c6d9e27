//! `Handle`: what everybody outside the cycle may ask and tell it. Readers never wait for a cycle.

use crate::aims::Unacknowledged;
use crate::compare::{Comparison, compare};
use crate::desk::Shared;
use crate::lifecycle::{self, Trial};
use crate::placements::{self, Answer, Placed, Why};
use crate::policies::{Promotion, Upload, Uploaded};
use crate::unseen;
use decide::{Deliberation, what_if};
use guard::{Fence, StoreError};
use logbook::{CycleRecord, Trouble};
use model::advice::{Hook, PolicyFault, PolicyMode};
use model::aims::{Mode, Modes};
use model::beside::EcsPicture;
use model::intent::{Ledger, Pause};
use model::pod::PodSpec;
use model::{Aims, GroupName, Instant, Notices, PolicyName, PolicyScope, Span, Standing, WorkloadKey};
use std::sync::{Arc, PoisonError};
use tokio::sync::broadcast;

/// Longest text kept of who asked and why, in bytes.
const MAX_TEXT: usize = 256;

/// Asks and tells a running cycle; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

/// How things stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The kill switch, where it is pulled.
    pub paused: Option<Pause>,
    /// Modes in force: the aims' with the overrides set at run time.
    pub modes: Modes,
    /// When the last cycle began.
    pub last: Option<Instant>,
    /// Cycles since this process started.
    pub cycles: u64,
    /// A whole cycle has been made, and the next whole one is not overdue.
    pub ready: bool,
    /// What kept the last cycle from being whole.
    pub trouble: Option<Trouble>,
    /// Why the last record could not be written to the log.
    pub log_trouble: Option<String>,
    /// The Ledger was lost: what was done before this is not known, and windows that reach further back count as full.
    pub known_since: Option<Instant>,
    /// Nothing has been heard of the loop of cycles for this long, which is too long: only a restart helps (reliability
    /// invariant I15).
    pub stuck: Option<Span>,
    /// Why the aims that were offered last are not in force: others are.
    pub aims_refused: Option<Unacknowledged>,
    /// Why nothing could be read of the newest aims.
    pub aims_unread: Option<String>,
    /// What became of notices of instances that go, where any are read.
    pub notices: Option<Notices>,
    /// Policies in force, in the order they are asked, then those of which nothing could be loaded.
    pub policies: Vec<PolicyStatus>,
    /// What is wrong with the places where policies are kept.
    pub library_alarms: Vec<String>,
    /// Limits that nobody has named and that hold growth.
    pub held_by_default: Vec<String>,
}

impl Status {
    /// What a person has to see to while cycles go on.
    pub fn alarms(&self) -> Vec<String> {
        let refused = self.aims_refused.as_ref().map(ToString::to_string);
        // What cannot be read has come after what was refused.
        let aims = self.aims_unread.clone().or(refused);
        let aims = aims.map(|why| format!("the last good aims stay in force: {why}"));
        let log = self.log_trouble.as_ref();
        let log = log.map(|why| format!("the last record could not be written: {why}"));
        let lost = self.known_since.map(|since| {
            format!(
                "the Ledger was lost, or was another cluster's: what was done before {since} is not known, and windows count as full"
            )
        });
        let notices = self.notices.as_ref().map(Notices::alarms).unwrap_or_default();
        let alarms = aims.into_iter().chain(log).chain(lost).chain(notices);
        let policies = self.policies.iter().filter_map(|policy| {
            let trouble = policy.trouble.as_ref()?;
            Some(format!("policy {}: {trouble}", policy.name))
        });
        let library = self.library_alarms.iter().cloned();
        let held = self.held_by_default.iter().cloned();
        alarms.chain(library).chain(policies).chain(held).collect()
    }
}

/// How one policy does, since this process started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyStatus {
    /// Name.
    pub name: PolicyName,
    /// SHA-256 of its component; empty for built-ins.
    pub digest: String,
    /// Whether its answers count.
    pub mode: PolicyMode,
    /// What they count for in canary mode.
    pub scope: PolicyScope,
    /// What was set for it at run time, and which digests were rolled back.
    pub standing: Option<Standing>,
    /// The rule by which it rises.
    pub promotion: Option<Promotion>,
    /// How its trial goes, in this process.
    pub trial: Option<Trial>,
    /// Hooks it answers.
    pub hooks: Vec<Hook>,
    /// Calls.
    pub calls: u64,
    /// Fuel used by all of them.
    pub fuel: u64,
    /// Calls that ended in a fault.
    pub faults: u64,
    /// The last fault and when it happened.
    pub last_fault: Option<(Instant, PolicyFault)>,
    /// Why the newest of it is not in force, or none of it is: then the built-in answers.
    pub trouble: Option<String>,
}

/// What a mode is set for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole cluster.
    Cluster,
    /// One group.
    Group(GroupName),
    /// One workload.
    Workload(WorkloadKey),
    /// One hook.
    Hook(Hook),
}

/// Why something told did not become durable. A pause holds in this process all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The pause holds, but a restart would forget it.
    #[error("paused, but a restart would forget it: {0}")]
    PausedHereOnly(StoreError),
    /// Nothing was changed.
    #[error("nothing was changed: {0}")]
    NotSaved(StoreError),
}

/// Why a policy was not moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// No policy of this name is loaded.
    #[error("no policy {0} is loaded")]
    Unknown(PolicyName),
    /// It has no component to go back from.
    #[error("{0} is built in: there is nothing to roll back")]
    BuiltIn(PolicyName),
    /// A canary needs to be told what it may touch.
    #[error("{0} has no scope: name groups or namespaces under `canary` in its configuration first")]
    NoScope(PolicyName),
    /// The caller meant another component than the one that is loaded.
    #[error("{policy} is {loaded} now, not {meant}")]
    OtherDigest {
        /// Which policy.
        policy: PolicyName,
        /// Digest that is loaded.
        loaded: String,
        /// Digest that was meant.
        meant: String,
    },
    /// It was not taken in.
    #[error("{policy} was not taken in: {why}")]
    NotLoaded {
        /// Which policy.
        policy: PolicyName,
        /// Why.
        why: String,
    },
    /// It could not be made durable.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// Why a what-if has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhatIfError {
    /// No cycle has seen anything yet.
    #[error("nothing has been seen yet")]
    NothingSeen,
    /// The change names something that is not there.
    #[error(transparent)]
    UnknownName(#[from] what_if::UnknownName),
}

impl Handle {
    /// The last record.
    pub fn latest(&self) -> Option<Arc<CycleRecord>> {
        self.shared.ring().latest()
    }

    /// The record of this cycle, where it is still kept.
    pub fn record(&self, cycle: u64) -> Option<Arc<CycleRecord>> {
        self.shared.ring().record(cycle)
    }

    /// Records kept in memory, newest first: at most 256, fewer where the cluster is large.
    pub fn records(&self) -> Vec<Arc<CycleRecord>> {
        self.shared.ring().newest_first()
    }

    /// Every record from now on. A reader that falls 64 behind is told how many it missed.
    pub fn watch(&self) -> broadcast::Receiver<Arc<CycleRecord>> {
        self.shared.watch()
    }

    /// How things stand.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Aims in force.
    pub fn aims(&self) -> Arc<Aims> {
        self.shared.aims.load_full()
    }

    /// ECS as it was read last; `None` where it is not read, or has not been yet. No cycle looks at it.
    pub fn ecs(&self) -> Option<Arc<EcsPicture>> {
        self.shared.ecs.load_full()
    }

    /// Keeps what was read of ECS, for whoever asks.
    pub fn keep_ecs(&self, picture: EcsPicture) {
        self.shared.ecs.store(Some(Arc::new(picture)));
    }

    /// Offers new aims: they are in force from the next cycle on, unless they loosen something that they do not
    /// acknowledge.
    ///
    /// # Errors
    /// What they would loosen; the aims in force stay.
    pub async fn offer_aims(&self, aims: Aims) -> Result<(), Unacknowledged> {
        let mut book = self.shared.book.lock().await;
        self.shared.show_aims_unread(None);
        self.shared.offered().aims = Arc::new(aims);
        let taken = self.shared.take_aims(&mut book);
        drop(book);
        self.wake();
        taken
    }

    /// Tells that nothing can be read of the aims that somebody wants; those in force stay.
    pub fn aims_unread(&self, why: &str) {
        self.shared.show_aims_unread(Some(cut(why)));
    }

    /// Pulls the kill switch: no effect begins after this call has begun, and when it has returned `Ok`, a
    /// restart keeps it pulled.
    pub async fn pause(&self, by: &str, why: &str) -> Result<Pause, ControlError> {
        let pause = Pause {
            by: cut(by),
            why: cut(why),
            at: self.shared.clock.now(),
        };
        self.shared.pull(pause.clone());
        let mut book = self.shared.book.lock().await;
        let kept = book.pause(&pause).await;
        if kept.is_ok() {
            // Whoever held the book meanwhile may have released it.
            self.shared.kept(&pause);
        }
        drop(book);
        tracing::warn!(by = %pause.by, why = %pause.why, durable = kept.is_ok(), "paused");
        kept.map_err(ControlError::PausedHereOnly)?;
        Ok(pause)
    }

    /// Releases the kill switch; gives back what it was pulled with. A pause that comes meanwhile holds.
    pub async fn resume(&self, by: &str) -> Result<Option<Pause>, ControlError> {
        let pulls = self.shared.pulls();
        let mut book = self.shared.book.lock().await;
        book.resume().await.map_err(ControlError::NotSaved)?;
        let was = self.shared.release(pulls);
        drop(book);
        tracing::warn!(by = %cut(by), "resumed");
        self.wake();
        Ok(was)
    }

    /// Sets a mode at run time; it wins over the aims and survives a restart.
    pub async fn set_mode(&self, scope: Scope, mode: Mode, by: &str) -> Result<(), ControlError> {
        tracing::warn!(by = %cut(by), ?scope, ?mode, "mode set");
        let mut book = self.shared.book.lock().await;
        book.change(|ledger| match scope {
            Scope::Cluster => ledger.modes.cluster = Some(mode),
            Scope::Group(group) => drop(ledger.modes.groups.insert(group, mode)),
            Scope::Workload(workload) => drop(ledger.modes.workloads.insert(workload, mode)),
            Scope::Hook(hook) => drop(ledger.modes.hooks.insert(hook, mode)),
        })
        .await
        .map_err(ControlError::NotSaved)?;
        self.shared.show(book.ledger());
        drop(book);
        self.wake();
        Ok(())
    }

    /// Puts the component of a policy that is loaded now into a mode; it wins over the configuration and survives a
    /// restart, and another component of the policy is not meant by it. `digest` is the one that the caller means; empty:
    /// whichever is loaded. What is not there any more can be put into shadow: nobody misses it then.
    ///
    /// # Errors
    /// See `PolicyError`.
    pub async fn set_policy_mode(
        &self,
        policy: &PolicyName,
        digest: &str,
        mode: PolicyMode,
        (by, why): (&str, &str),
    ) -> Result<(), PolicyError> {
        let (loaded, scope) = match self.loaded(policy, digest) {
            Err(PolicyError::Unknown(_)) if mode == PolicyMode::Shadow => {
                (self.stood(policy)?, PolicyScope::default())
            }
            loaded => loaded?,
        };
        if mode == PolicyMode::Canary && scope.is_empty() {
            return Err(PolicyError::NoScope(policy.clone()));
        }
        let standing = self.standing(loaded, mode, (by, why));
        tracing::warn!(%policy, mode = mode.as_str(), by = %standing.by, "policy mode set");
        self.write(|ledger| lifecycle::set(ledger, policy, standing))
            .await?;
        Ok(())
    }

    /// Takes the component of a policy that is loaded now back: it is in shadow from the next cycle on, and the one
    /// before it comes back, where this process still knows it.
    ///
    /// # Errors
    /// See `PolicyError`.
    pub async fn roll_back(
        &self,
        policy: &PolicyName,
        digest: &str,
        (by, why): (&str, &str),
    ) -> Result<String, PolicyError> {
        let (loaded, _) = self.loaded(policy, digest)?;
        if loaded.is_empty() {
            return Err(PolicyError::BuiltIn(policy.clone()));
        }
        let standing = self.standing(loaded.clone(), PolicyMode::Shadow, (by, why));
        tracing::warn!(%policy, digest = loaded, by = %standing.by, "policy rolled back");
        self.write(|ledger| lifecycle::refuse(ledger, policy, standing))
            .await?;
        self.shared.reject(policy.clone(), loaded.clone());
        Ok(loaded)
    }

    /// Takes a component in; it runs in shadow from one of the next cycles on. Blocks while it compiles: an async caller
    /// moves it off.
    ///
    /// # Errors
    /// `PolicyError::NotLoaded`.
    pub fn load_policy(&self, upload: Upload) -> Result<Uploaded, PolicyError> {
        let policy = upload.name.clone();
        // Not locked while it compiles: how many wait for that, and for how long, is the loader's affair.
        let loader = self.shared.loader.lock();
        let loader = loader.unwrap_or_else(PoisonError::into_inner).clone();
        let taken = match loader {
            Some(loader) => loader.load(upload),
            None => Err("this daemon takes none in while it runs".to_owned()),
        };
        let taken = taken.map_err(|why| PolicyError::NotLoaded { policy, why })?;
        self.wake();
        Ok(taken)
    }

    fn loaded(&self, policy: &PolicyName, meant: &str) -> Result<(String, PolicyScope), PolicyError> {
        let policies = self.shared.policies.load();
        let mut entries = policies.set.entries.iter();
        let entry = entries
            .find(|entry| entry.name == *policy)
            .ok_or_else(|| PolicyError::Unknown(policy.clone()))?;
        if !meant.is_empty() && entry.digest != meant {
            return Err(PolicyError::OtherDigest {
                policy: policy.clone(),
                loaded: entry.digest.clone(),
                meant: cut(meant),
            });
        }
        Ok((entry.digest.clone(), entry.scope.clone()))
    }

    /// The component for which a mode was set last, whether it is there or not.
    fn stood(&self, policy: &PolicyName) -> Result<String, PolicyError> {
        let standing = self.shared.standing(policy);
        standing
            .map(|standing| standing.digest)
            .ok_or_else(|| PolicyError::Unknown(policy.clone()))
    }

    fn standing(&self, digest: String, mode: PolicyMode, (by, why): (&str, &str)) -> Standing {
        Standing {
            digest,
            mode,
            by: cut(by),
            why: cut(why),
            at: self.shared.clock.now(),
            before: None,
            refused: Vec::new(),
        }
    }

    async fn write(&self, edit: impl FnOnce(&mut Ledger)) -> Result<(), ControlError> {
        let mut book = self.shared.book.lock().await;
        book.change(edit).await.map_err(ControlError::NotSaved)?;
        self.shared.show(book.ledger());
        drop(book);
        self.wake();
        Ok(())
    }

    /// Decides the last cycles again with the policy and without it, newest first; cycles that saw nothing are left out.
    /// Runs on the calling thread for two decisions a cycle: an async caller moves it off.
    ///
    /// # Errors
    /// No such policy is loaded.
    pub fn compare(&self, policy: &PolicyName, cycles: usize) -> Result<Vec<Comparison>, PolicyError> {
        self.loaded(policy, "")?;
        let policies = self.shared.policies.load_full();
        let records = self.records();
        let compared = records
            .iter()
            .filter_map(|record| compare(record, &policies, policy))
            .take(cycles);
        Ok(compared.collect())
    }

    /// Deliberates on the latest snapshot as it would be with the change; nothing is recorded or carried
    /// out. Runs on the calling thread for as long as a decision takes: an async caller moves it off.
    pub fn what_if(&self, change: &what_if::Change) -> Result<Deliberation, WhatIfError> {
        let latest = self.shared.ring().latest_seen().ok_or(WhatIfError::NothingSeen)?;
        let seen = what_if::apply(&latest.snapshot, change)?;
        let policies = self.shared.policies.load_full();
        let aims = self.shared.aims.load_full();
        Ok(decide::deliberate(&seen, &latest.memory, &policies.set, &aims))
    }

    /// What becomes of a pod of this spec that is about to be created, by the last plans. Never waits for a cycle.
    pub fn placement(&self, spec: &Arc<PodSpec>) -> Answer {
        if let Some(why) = placements::barred(spec).or_else(|| self.rests()) {
            return Answer::Leave(why);
        }
        self.shared.placements().answer(spec, self.shared.clock.now())
    }

    /// Asks the policies about a pod of which no plan knows, on the last picture, and remembers what they say for its
    /// like. Runs on the calling thread, for milliseconds where there are few offers; one at a time.
    pub fn place_unseen(&self, spec: &Arc<PodSpec>) -> Answer {
        let Ok(mut ground) = self.shared.ground.try_lock() else {
            return Answer::Leave(Why::Busy);
        };
        // Somebody may have asked about its like meanwhile.
        let known = self.placement(spec);
        if known != Answer::Unseen {
            return known;
        }
        let Some(latest) = self.shared.ring().latest_seen() else {
            return Answer::Leave(Why::Overdue);
        };
        ground.lay(&latest, &self.shared.aims.load());
        let fence = if self.shared.fenced {
            Fence::sole()
        } else {
            Fence::lost()
        };
        let place = ground.place(spec, &self.shared.policies.load(), &fence);
        drop(ground);
        let now = self.shared.clock.now();
        unseen::answer(place.as_ref(), spec, &mut self.shared.placements(), now)
    }

    /// Controllers whose pods are to be placed from now on, in order; none while nothing may be done.
    pub fn placed(&self) -> Vec<Placed> {
        if self.rests().is_some() {
            return Vec::new();
        }
        self.shared.placements().placed(self.shared.clock.now())
    }

    /// Why no pod is placed at all.
    fn rests(&self) -> Option<Why> {
        if !self.shared.may_act() {
            return Some(Why::Paused);
        }
        self.shared.is_overdue().then_some(Why::Overdue)
    }

    /// Asks for a cycle soon: something has happened.
    pub fn wake(&self) {
        self.shared.wake.notify_one();
    }
}

/// The text, cut at a character boundary.
fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_TEXT);
    text.get(..end).unwrap_or_default().to_owned()
}
