//! The Desk: everything a cycle works with that is not its ends — policies, aims, Ledger, Memory, Logbook —
//! and the part of it that a `Handle` sees.

use crate::aims::{self, Offered, Unacknowledged};
use crate::book::Book;
use crate::clock::Clock;
use crate::handle::{Handle, PolicyStatus, Status};
use crate::lifecycle::{Standings, Trial, Trials, governed, refused};
use crate::placements::Placements;
use crate::policies::{InForce, Library, Loader};
use crate::ring::Ring;
use crate::unseen::Ground;
use arc_swap::{ArcSwap, ArcSwapOption};
use guard::{Fence, LedgerStore, StoreError};
use logbook::{CycleRecord, Trouble};
use model::advice::{PolicyFault, PolicyMode};
use model::aims::{Mode, Modes};
use model::beside::EcsPicture;
use model::intent::{Ledger, Pause};
use model::loosening::Loosening;
use model::{Aims, Instant, Memory, Notices, PolicyName, PolicyScope, Span, Standing};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, broadcast, watch};

/// A loop of cycles is stuck when nothing has been heard of it for so many times as long as makes it overdue, and for no
/// less than the time: a cycle of the largest cluster takes a few minutes on a machine that is busy.
const STUCK_TIMES: i64 = 5;
const STUCK_AFTER: Span = Span::from_secs(600);

/// Records that a slow watcher may fall behind.
const WATCH_BACKLOG: usize = 64;

/// What a Desk is made of.
pub struct Parts {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Policies to start with.
    pub policies: InForce,
    /// Aims to start with, where they loosen nothing of those in the Ledger.
    pub aims: Aims,
    /// Mode of the cluster where the aims name none.
    pub mode: Mode,
    /// Where Ledger and Memory are kept.
    pub store: Box<dyn LedgerStore>,
    /// Where records are written; `None` keeps them in memory only.
    pub log: Option<logbook::Writer>,
    /// Where new policies come from.
    pub library: Box<dyn Library>,
    /// Proof that this process may act.
    pub fence: Fence,
    /// Without a cycle for this long the daemon is not ready (reliability invariant I15).
    pub overdue: Span,
}

/// Everything a cycle works with that is not its ends. One cycle at a time.
pub struct Desk {
    pub(crate) shared: Arc<Shared>,
    pub(crate) own: tokio::sync::Mutex<Own>,
}

/// The part that only the cycle touches.
pub(crate) struct Own {
    pub(crate) memory: Arc<Memory>,
    pub(crate) memory_saved: Option<Instant>,
    pub(crate) log: Option<logbook::Writer>,
    pub(crate) library: Box<dyn Library>,
    pub(crate) fence: Fence,
    /// Policies as the library gave them.
    pub(crate) offered: InForce,
    /// Standings by which those in force were made of them.
    pub(crate) standings: Standings,
    pub(crate) trials: Trials,
}

/// The part that handles share with the cycle.
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    /// Aims in force, with the mode of the cluster.
    pub(crate) aims: ArcSwap<Aims>,
    offered: Mutex<Offered>,
    /// Waiting pods that one cycle has memory for, whatever the aims allow.
    pub(crate) most_pods: AtomicU32,
    pub(crate) policies: ArcSwap<InForce>,
    pub(crate) book: tokio::sync::Mutex<Book>,
    pub(crate) wake: Notify,
    overdue: Span,
    /// Components that are not wanted any more, for the library to be told of.
    pub(crate) rejected: Mutex<Vec<(PolicyName, String)>>,
    /// Takes components in, where that is wanted.
    pub(crate) loader: Mutex<Option<Arc<dyn Loader>>>,
    face: Mutex<Face>,
    ring: Mutex<Ring>,
    /// ECS as it was read last, where it is read.
    pub(crate) ecs: ArcSwapOption<EcsPicture>,
    placements: Mutex<Placements>,
    /// What pods that no plan knows are asked about on; one at a time.
    pub(crate) ground: Mutex<Ground>,
    /// Whether this process may act.
    pub(crate) fenced: bool,
    watchers: broadcast::Sender<Arc<CycleRecord>>,
    /// The kill switch as effects see it: set before anything else happens to it.
    pulled: AtomicBool,
    stopping: watch::Sender<bool>,
}

/// What a status shows, kept apart so that nobody waits for the Ledger.
#[derive(Default)]
struct Face {
    paused: Option<Pause>,
    /// The pause is not in the stored Ledger yet.
    unsaved: bool,
    /// How often the kill switch was pulled in this process.
    pulls: u64,
    overrides: Modes,
    /// What happened before this is not known: the Ledger was lost.
    known_since: Option<Instant>,
    cycles: u64,
    /// When the last whole cycle looked.
    last_whole: Option<Instant>,
    /// When a cycle began or ended last; nothing before the first and after the last of all.
    last_sign: Option<Instant>,
    log_trouble: Option<String>,
    /// Why the aims that were offered last are not in force.
    aims_refused: Option<Unacknowledged>,
    /// Why nothing could be read of the aims that somebody wants.
    aims_unread: Option<String>,
    /// What the last picture told of notices.
    notices: Option<Notices>,
    /// What aims have loosened since the last record.
    loosened: Vec<Loosening>,
    tallies: BTreeMap<PolicyName, Tally>,
    standings: BTreeMap<PolicyName, Standing>,
    trials: BTreeMap<PolicyName, Trial>,
    policy_troubles: BTreeMap<PolicyName, String>,
    /// What is wrong with the places where policies are kept.
    library_alarms: Vec<String>,
}

#[derive(Default)]
struct Tally {
    calls: u64,
    fuel: u64,
    faults: u64,
    last_fault: Option<(Instant, PolicyFault)>,
}

impl Desk {
    /// Reads Ledger and Memory back and lays everything out. The kill switch stays as it was left. Where they cannot be
    /// read, every cycle tries again, and none carries anything out before.
    pub async fn open(parts: Parts) -> Self {
        let (mut book, memory) = Book::open(parts.store, Arc::clone(&parts.clock)).await;
        book.note_trusted(&parts.policies);
        let standings = Standings::of(book.ledger());
        let shared = Shared {
            clock: parts.clock,
            aims: ArcSwap::default(),
            offered: Mutex::new(Offered {
                aims: Arc::new(parts.aims),
                mode: parts.mode,
            }),
            most_pods: AtomicU32::new(u32::MAX),
            policies: ArcSwap::from_pointee(governed(&parts.policies, &standings)),
            wake: Notify::new(),
            overdue: parts.overdue,
            rejected: Mutex::new(refused(&parts.policies, &standings.set)),
            loader: Mutex::default(),
            face: Mutex::default(),
            ring: Mutex::default(),
            ecs: ArcSwapOption::empty(),
            placements: Mutex::default(),
            ground: Mutex::default(),
            fenced: parts.fence.is_held(),
            watchers: broadcast::Sender::new(WATCH_BACKLOG),
            pulled: AtomicBool::new(false),
            stopping: watch::Sender::new(false),
            book: tokio::sync::Mutex::new(book),
        };
        {
            let mut book = shared.book.lock().await;
            shared.show(book.ledger());
            // What is refused is shown; the last good aims are in force.
            let _ = shared.take_aims(&mut book);
        }
        Self {
            shared: Arc::new(shared),
            own: tokio::sync::Mutex::new(Own {
                memory: Arc::new(memory),
                memory_saved: None,
                log: parts.log,
                library: parts.library,
                fence: parts.fence,
                offered: parts.policies,
                standings,
                trials: Trials::default(),
            }),
        }
    }

    /// A handle on it.
    pub fn handle(&self) -> Handle {
        Handle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Lets handles hand components to this loader.
    #[must_use]
    pub fn with_loader(self, loader: Arc<dyn Loader>) -> Self {
        *self.shared.loader.lock().unwrap_or_else(PoisonError::into_inner) = Some(loader);
        self
    }

    /// A cycle looks at no more waiting pods and replicas to come than this, whatever `search.pods` of the aims says: there is
    /// no memory for more. From the next cycle on.
    #[must_use]
    pub fn with_pods_at_most(self, most: u32) -> Self {
        self.shared.most_pods.store(most, Ordering::SeqCst);
        self
    }

    /// Keeps no more than so many bytes of the last records in memory.
    #[must_use]
    pub fn with_records_of_at_most(self, bytes: usize) -> Self {
        self.shared.ring().keep_at_most(bytes);
        self
    }

    /// The clock it runs by.
    pub fn clock(&self) -> &dyn Clock {
        &*self.shared.clock
    }

    /// No effect begins from now on; the one under way is finished.
    pub fn stop(&self) {
        self.shared.stopping.send_replace(true);
    }

    /// Saves the Memory and what the Ledger still holds back; called last.
    pub async fn park(&self) -> Result<(), StoreError> {
        let own = self.own.lock().await;
        let mut book = self.shared.book.lock().await;
        book.settle().await?;
        book.save_memory(&own.memory).await
    }
}

impl Shared {
    /// Whether an effect may begin.
    pub(crate) fn may_act(&self) -> bool {
        !self.pulled.load(Ordering::SeqCst) && !*self.stopping.borrow()
    }

    /// Returns once the Desk is told to stop.
    pub(crate) async fn stopped(&self) {
        // The sender lives as long as this does.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// Pulls the kill switch in this process, before anything is known of its being saved.
    pub(crate) fn pull(&self, pause: Pause) {
        let mut face = self.face();
        self.pulled.store(true, Ordering::SeqCst);
        face.paused = Some(pause);
        face.unsaved = true;
        face.pulls = face.pulls.saturating_add(1);
    }

    /// How often it was pulled so far.
    pub(crate) fn pulls(&self) -> u64 {
        self.face().pulls
    }

    /// The stored Ledger has no pause any more: releases the kill switch, unless it was pulled again since it
    /// had been pulled this often. Gives back what it was pulled with.
    pub(crate) fn release(&self, pulls: u64) -> Option<Pause> {
        let mut face = self.face();
        if face.pulls != pulls {
            return None;
        }
        face.unsaved = false;
        self.pulled.store(false, Ordering::SeqCst);
        face.paused.take()
    }

    /// The pause that the stored Ledger does not know of.
    pub(crate) fn unsaved_pause(&self) -> Option<Pause> {
        let face = self.face();
        face.paused.clone().filter(|_| face.unsaved)
    }

    /// The pause is in the stored Ledger: it holds, whatever happened meanwhile.
    pub(crate) fn kept(&self, pause: &Pause) {
        let mut face = self.face();
        self.pulled.store(true, Ordering::SeqCst);
        face.paused = Some(pause.clone());
        face.unsaved = false;
    }

    /// Shows the Ledger's modes, and takes over its kill switch where this process has no unsaved word on it.
    pub(crate) fn show(&self, ledger: &Ledger) {
        let mut face = self.face();
        face.overrides = ledger.modes.clone();
        face.known_since = ledger.known_since;
        face.standings.clone_from(&ledger.policies);
        if !face.unsaved {
            self.pulled.store(ledger.paused.is_some(), Ordering::SeqCst);
            face.paused.clone_from(&ledger.paused);
        }
    }

    /// Where a policy stands by the Ledger, if it ever was moved.
    pub(crate) fn standing(&self, policy: &PolicyName) -> Option<Standing> {
        self.face().standings.get(policy).cloned()
    }

    /// Shows how the trials of policies go.
    pub(crate) fn show_trials(&self, trials: &BTreeMap<PolicyName, Trial>) {
        self.face().trials.clone_from(trials);
    }

    /// Shows why the newest of policies are not in force, and what is wrong where they are kept.
    pub(crate) fn show_policy_troubles(&self, troubles: BTreeMap<PolicyName, String>, alarms: Vec<String>) {
        let mut face = self.face();
        face.policy_troubles = troubles;
        face.library_alarms = alarms;
    }

    /// Tells the library that a component is not wanted any more, with the next cycle.
    pub(crate) fn reject(&self, policy: PolicyName, digest: String) {
        let mut rejected = self.rejected.lock().unwrap_or_else(PoisonError::into_inner);
        rejected.push((policy, digest));
    }

    /// What was offered last.
    pub(crate) fn offered(&self) -> MutexGuard<'_, Offered> {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows why offered aims are not in force, or that they are; keeps what they have loosened for the next record.
    pub(crate) fn show_aims(&self, refused: Option<Unacknowledged>, loosened: Vec<Loosening>) {
        let mut face = self.face();
        face.aims_refused = refused;
        face.loosened.extend(loosened);
    }

    /// Shows why nothing can be read of wanted aims, or that it can.
    pub(crate) fn show_aims_unread(&self, why: Option<String>) {
        self.face().aims_unread = why;
    }

    /// What aims have loosened since this was asked last.
    pub(crate) fn loosened(&self) -> Vec<Loosening> {
        std::mem::take(&mut self.face().loosened)
    }

    /// Shows that the last record could not be written, or that it could.
    pub(crate) fn show_log(&self, trouble: Option<String>) {
        self.face().log_trouble = trouble;
    }

    /// A cycle begins.
    pub(crate) fn show_sign(&self) {
        let now = self.clock.now();
        self.face().last_sign = Some(now);
    }

    /// For how long nothing has been heard of the loop of cycles, where that is too long.
    fn stuck(&self, last_sign: Option<Instant>) -> Option<Span> {
        let silent = self.clock.now().since(last_sign?);
        let most = Span::from_millis(self.overdue.millis().saturating_mul(STUCK_TIMES)).max(STUCK_AFTER);
        (silent > most).then_some(silent)
    }

    /// Keeps and announces a record.
    pub(crate) fn publish(&self, record: &Arc<CycleRecord>) {
        {
            let mut face = self.face();
            face.cycles = face.cycles.saturating_add(1);
            // A loop that has come to its end is not stuck.
            let ended = matches!(record.trouble, Some(Trouble::Ended));
            face.last_sign = (!ended).then(|| self.clock.now());
            // A cycle without a picture knows nothing of them.
            if record.snapshot.notices.is_some() {
                face.notices.clone_from(&record.snapshot.notices);
            }
            if record.trouble.is_none() {
                face.last_whole = Some(record.at);
            }
            for call in record.calls() {
                let tally = face.tallies.entry(call.policy.clone()).or_default();
                tally.calls = tally.calls.saturating_add(1);
                tally.fuel = tally.fuel.saturating_add(call.fuel);
                if let Err(fault) = &call.answer {
                    tally.faults = tally.faults.saturating_add(1);
                    tally.last_fault = Some((record.at, fault.clone()));
                }
            }
        }
        self.placements().take(record, self.clock.now());
        self.ring().push(Arc::clone(record));
        // Nobody watching is no error.
        let _ = self.watchers.send(Arc::clone(record));
    }

    pub(crate) fn watch(&self) -> broadcast::Receiver<Arc<CycleRecord>> {
        self.watchers.subscribe()
    }

    /// Where pods should go that are yet to be created.
    pub(crate) fn placements(&self) -> MutexGuard<'_, Placements> {
        self.placements.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no whole cycle has been made for too long.
    pub(crate) fn is_overdue(&self) -> bool {
        let now = self.clock.now();
        self.face()
            .last_whole
            .is_none_or(|at| now.since(at) > self.overdue)
    }

    pub(crate) fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> Status {
        let latest = self.ring().latest();
        let aims = self.aims.load();
        let policies = self.policies.load();
        let face = self.face();
        let last = latest.as_ref().map(|record| record.at);
        let held_by_default = latest.as_deref().map(aims::held_by_default);
        let held_by_default = held_by_default.unwrap_or_default();
        let now = self.clock.now();
        Status {
            paused: face.paused.clone(),
            modes: aims.modes.with(&face.overrides),
            last,
            cycles: face.cycles,
            ready: face.last_whole.is_some_and(|at| now.since(at) <= self.overdue),
            trouble: latest.and_then(|record| record.trouble.clone()),
            log_trouble: face.log_trouble.clone(),
            known_since: face.known_since,
            stuck: self.stuck(face.last_sign),
            aims_refused: face.aims_refused.clone(),
            aims_unread: face.aims_unread.clone(),
            notices: face.notices.clone(),
            policies: policy_statuses(&policies, &face),
            library_alarms: face.library_alarms.clone(),
            held_by_default,
        }
    }

    fn face(&self) -> MutexGuard<'_, Face> {
        self.face.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Policies in force, in their order, then those of which none is, by name.
fn policy_statuses(policies: &InForce, face: &Face) -> Vec<PolicyStatus> {
    let entries = &policies.set.entries;
    let in_force = entries.iter().map(|entry| {
        let tally = face.tallies.get(&entry.name);
        let rules = policies.rules.get(&entry.name);
        let trial = face.trials.get(&entry.name);
        PolicyStatus {
            name: entry.name.clone(),
            digest: entry.digest.clone(),
            mode: entry.mode,
            scope: entry.scope.clone(),
            standing: face.standings.get(&entry.name).cloned(),
            promotion: rules.and_then(|rules| rules.promotion.clone()),
            trial: trial.filter(|trial| trial.digest == entry.digest).cloned(),
            hooks: entry.policy.hooks().to_vec(),
            calls: tally.map_or(0, |t| t.calls),
            fuel: tally.map_or(0, |t| t.fuel),
            faults: tally.map_or(0, |t| t.faults),
            last_fault: tally.and_then(|t| t.last_fault.clone()),
            trouble: face.policy_troubles.get(&entry.name).cloned(),
        }
    });
    let troubles = face.policy_troubles.iter();
    let missing = troubles.filter(|(name, _)| entries.iter().all(|entry| entry.name != **name));
    let missing = missing.map(|(name, trouble)| PolicyStatus {
        name: name.clone(),
        digest: String::new(),
        mode: PolicyMode::Shadow,
        scope: PolicyScope::default(),
        standing: face.standings.get(name).cloned(),
        promotion: None,
        trial: None,
        hooks: Vec::new(),
        calls: 0,
        fuel: 0,
        faults: 0,
        last_fault: None,
        trouble: Some(trouble.clone()),
    });
    in_force.chain(missing).collect()
}
