//! The stations of one trip that are not decisions: laying out, reading the Ledger, acting, writing down.

use crate::book::Book;
use crate::desk::{Desk, Own, Shared};
use crate::lifecycle::{self, Move, Standings, governed};
use crate::policies::InForce;
use guard::{Act, Cleared, Verdicts, ledger};
use logbook::{CycleRecord, RECORD_VERSION, Trouble};
use model::advice::PolicyMode;
use model::fnv::fnv1a;
use model::intent::{Ledger, LedgerEvent};
use model::outcome::Outcome;
use model::plan::{Step, StepKind};
use model::{
    Aims, GroupName, HoldReason, Instant, Memory, ObserveError, PolicyName, Snapshot, Span, Standing,
    StrikeReason, Verdict,
};
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use tokio::sync::MutexGuard;

/// Longest look at the world.
const LOOK_TIME: Span = Span::from_secs(60);

/// Longest effect (the contract of `Act`).
const EFFECT_TIME: Span = Span::from_secs(10);

/// Effects begin within this time of the first; later ones wait for the next, so that a slow API does not
/// stand before a scale-up.
const ACT_TIME: Span = Span::from_secs(30);

/// The Memory is saved this often.
const MEMORY_RHYTHM: Span = Span::from_secs(60);

/// One trip under way.
pub(crate) struct Trip<'a> {
    shared: &'a Shared,
    own: MutexGuard<'a, Own>,
    began: Instant,
    pub(crate) aims: Arc<Aims>,
    pub(crate) policies: Arc<InForce>,
    pub(crate) record: CycleRecord,
    /// The record is in the log already, but for its end.
    is_written: bool,
}

impl<'a> Trip<'a> {
    /// Takes the desk for one cycle: policies that are ready take over, the Ledger is read back where that
    /// is needed.
    pub(crate) async fn begin(desk: &'a Desk) -> Self {
        let shared = &*desk.shared;
        let mut own = desk.own.lock().await;
        shared.show_sign();
        let began = shared.clock.now();
        let mut book = shared.book.lock().await;
        let trouble = match book.begin(shared.unsaved_pause()).await {
            Ok(memory) => {
                own.memory = memory.map_or_else(|| Arc::clone(&own.memory), Arc::new);
                None
            }
            Err(error) => Some(Trouble::LedgerUnread {
                why: error.to_string(),
            }),
        };
        if trouble.is_none() {
            shared.show(book.ledger());
            // Another replica may have put others in force; a refusal was told when they were offered.
            let _ = shared.take_aims(&mut book);
        }
        let aims = shared.aims.load_full();
        own.take_policies(shared, &mut book);
        let policies = shared.policies.load_full();
        let cycle = book.ledger().cycle;
        drop(book);
        let record = CycleRecord {
            version: RECORD_VERSION,
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            cycle,
            at: began,
            memory: Arc::clone(&own.memory),
            aims: Arc::clone(&aims),
            loosened: shared.loosened(),
            policies: policies.uses(),
            trouble,
            ..CycleRecord::default()
        };
        Self {
            shared,
            own,
            began,
            aims,
            policies,
            record,
            is_written: false,
        }
    }

    /// Waits for the eyes, but not for ever, and not at all once the Desk is told to stop. The picture is told
    /// by the cycle's clock, which never jumps: windows, deadlines and ages are all counted by it.
    pub(crate) async fn look(
        &self,
        look: impl Future<Output = Result<Snapshot, ObserveError>>,
    ) -> Result<Snapshot, ObserveError> {
        // Before anything is read, as the eyes do: nothing in it looks younger than it is.
        let at = self.shared.clock.now();
        let none = |why: String| ObserveError::Unreachable {
            source_name: "eyes".to_owned(),
            why,
        };
        let mut seen = tokio::select! {
            biased;
            seen = look => seen?,
            () = self.shared.stopped() => return Err(none("told to stop".to_owned())),
            () = self.shared.clock.sleep(LOOK_TIME) => {
                return Err(none(format!("no picture within {LOOK_TIME}")));
            }
        };
        seen.tell_by(at);
        Ok(seen)
    }

    /// Reads the Ledger against what is seen, lets the Memory learn from it, and puts both into the picture.
    pub(crate) async fn read_ledger(&mut self, mut seen: Snapshot) {
        let mut book = self.shared.book.lock().await;
        if book.leave_other_cluster(&seen) {
            self.own.memory = Arc::default();
            self.shared.show(book.ledger());
        }
        let size = book.usual_size();
        let events = book.read_against(&seen, &self.aims);
        if book.usual_size() != size {
            // As with the first picture of all: what is decided on it is held by limits of its size.
            let _ = self.shared.take_aims(&mut book);
            self.aims = self.shared.aims.load_full();
            self.record.aims = Arc::clone(&self.aims);
        }
        seen.cycle = book.ledger().cycle;
        seen.seed = seed(&seen.cluster, seen.cycle);
        // The record has the aims already.
        seen.ledger = Ledger {
            aims: None,
            size: None,
            ..book.ledger().clone()
        };
        drop(book);
        self.record.at = seen.at;
        self.record.snapshot = Arc::new(seen);
        self.learn(&events);
        guard::watch(
            Arc::make_mut(&mut self.own.memory),
            &self.record.snapshot,
            &self.aims,
        );
        self.record.memory = Arc::clone(&self.own.memory);
        self.record.events = events;
    }

    /// The Ledger as the guard sees it: not as it was read, but as it stands, so that a pause or a change of
    /// mode since then voids the plan.
    pub(crate) async fn ledger(&self) -> Ledger {
        self.shared.book.lock().await.ledger().clone()
    }

    /// Takes policies back that are newly in quarantine or whose guard metric is breached: what this cycle does is not
    /// undone, with the next one they have no say.
    pub(crate) async fn take_back(&mut self) {
        let memories = (&*self.record.snapshot, &*self.record.memory, &*self.own.memory);
        let moves = lifecycle::breaches(memories, &self.policies);
        self.carry_over(moves).await;
    }

    /// Weighs policies on trial, once everything else of the cycle is done, and moves those whose rule says so.
    async fn weigh(&mut self) {
        let moves = self.own.trials.weigh(&self.record, &self.policies);
        self.carry_over(moves).await;
        self.shared.show_trials(self.own.trials.tallies());
    }

    /// Notes where policies stand from now on; saved with what else is.
    async fn carry_over(&mut self, moves: Vec<(PolicyName, Move)>) {
        if moves.is_empty() {
            return;
        }
        let mut book = self.shared.book.lock().await;
        for (policy, moved) in moves {
            match moved {
                Move::Promote(standing) => {
                    let mode = standing.mode.as_str();
                    tracing::warn!(%policy, mode, why = %standing.why, "policy promoted");
                    book.note(|ledger| lifecycle::set(ledger, &policy, standing));
                }
                Move::RollBack { digest, why } => {
                    let refused = Standing {
                        digest: digest.clone(),
                        mode: PolicyMode::Shadow,
                        by: lifecycle::RULE.to_owned(),
                        why,
                        at: self.record.at,
                        before: None,
                        refused: Vec::new(),
                    };
                    tracing::warn!(%policy, %digest, why = %refused.why, "policy rolled back");
                    book.note(|ledger| lifecycle::refuse(ledger, &policy, refused));
                    self.shared.reject(policy, digest);
                }
            }
        }
        self.shared.show(book.ledger());
    }

    /// What the guard needs to see of the right to act.
    pub(crate) fn fence(&self) -> &guard::Fence {
        &self.own.fence
    }

    /// Remembers what the decision wants remembered.
    pub(crate) fn remember(&mut self, memory: Memory) {
        self.own.memory = Arc::new(memory);
    }

    /// Writes down what is about to happen, then carries it out step by step. Where the record cannot be written or the
    /// Ledger not be saved, or is no longer the one that was judged by, nothing is carried out.
    pub(crate) async fn carry_out(&mut self, hands: &mut impl Act, verdicts: Verdicts) {
        self.record.verdicts = verdicts.all;
        if verdicts.cleared.is_empty() {
            return;
        }
        if let Err(why) = self.write() {
            tracing::error!(%why, "the record could not be written: nothing is carried out");
            self.not_cleared(&Verdict::Held(HoldReason::RecordNotWritten));
            self.record.trouble = Some(Trouble::RecordUnwritten { why });
            return;
        }
        let (seen, aims) = (Arc::clone(&self.record.snapshot), Arc::clone(&self.aims));
        let mut book = self.shared.book.lock().await;
        let opened = book
            .change_from(seen.ledger.generation, |ledger| {
                for step in &verdicts.cleared {
                    ledger::open(ledger, step, &seen, &aims);
                }
            })
            .await;
        drop(book);
        let opened = match opened {
            Ok(Some(generation)) => generation,
            Ok(None) => return self.not_cleared(&Verdict::Struck(StrikeReason::StaleGeneration)),
            Err(error) => return self.hold_all(&error.to_string()),
        };
        let began = self.shared.clock.now();
        let mut waiting = VecDeque::from(verdicts.cleared);
        while let Some(steps) = next_effect(hands, &mut waiting) {
            let late = self.shared.clock.now().since(began) > ACT_TIME;
            let instead = self.instead(opened, late).await;
            self.effect(hands, steps, instead).await;
        }
    }

    /// What becomes of a step that something stands against by now: a pause or a mode set since the Ledger was
    /// saved at this generation, the end of the process, or the time.
    async fn instead(&self, opened: u64, late: bool) -> Option<Outcome> {
        let stands = self.shared.book.lock().await.stands_at(opened);
        if !stands || !self.shared.may_act() {
            return Some(Outcome::Dropped);
        }
        late.then(|| Outcome::Refused {
            after: None,
            why: "this cycle has run out of time".to_owned(),
        })
    }

    /// Carries out the steps of one effect, unless their outcome is known without that, and settles the intent of each.
    async fn effect(&mut self, hands: &mut impl Act, cleared: Vec<Cleared<Step>>, instead: Option<Outcome>) {
        let steps: Vec<Step> = cleared.iter().map(|step| step.get().clone()).collect();
        let outcomes = if let Some(outcome) = instead {
            vec![outcome; steps.len()]
        } else {
            tokio::select! {
                biased;
                outcomes = carried_out(hands, cleared) => outcomes,
                () = self.shared.clock.sleep(EFFECT_TIME) => Vec::new(),
            }
        };
        let untold = std::iter::repeat_with(|| Outcome::Unknown {
            why: format!("no answer within {EFFECT_TIME}"),
        });
        let seen = Arc::clone(&self.record.snapshot);
        for (step, outcome) in steps.into_iter().zip(outcomes.into_iter().chain(untold)) {
            let mut book = self.shared.book.lock().await;
            let events = book.note(|ledger| ledger::settle(ledger, &step, &outcome, &seen));
            drop(book);
            self.learn(&events);
            self.record.events.extend(events);
            self.record.outcomes.push((step.id, outcome));
        }
    }

    /// Saves, writes the record and shows it.
    pub(crate) async fn close(mut self) -> Arc<CycleRecord> {
        let took = self.shared.clock.now().since(self.began).millis();
        self.record.took_ms = u64::try_from(took).unwrap_or(0);
        self.weigh().await;
        let mut book = self.shared.book.lock().await;
        // What could not be read is not saved.
        let unread = matches!(self.record.trouble, Some(Trouble::LedgerUnread { .. }));
        if !unread && let Err(error) = book.settle().await {
            let why = error.to_string();
            tracing::error!(%why, "the ledger could not be saved after the effects");
            self.record.trouble.get_or_insert(Trouble::LedgerLate { why });
        }
        let now = self.shared.clock.now();
        let due = self
            .own
            .memory_saved
            .is_none_or(|at| now.since(at) >= MEMORY_RHYTHM);
        if due && self.record.trouble.is_none() {
            match book.save_memory(&self.own.memory).await {
                Ok(()) => self.own.memory_saved = Some(now),
                Err(error) => tracing::warn!(%error, "the memory could not be saved"),
            }
        }
        drop(book);
        let written = self.write();
        if let Err(why) = &written {
            tracing::error!(%why, cycle = self.record.cycle, "the record could not be written");
        }
        self.shared.show_log(written.err());
        let record = Arc::new(self.record);
        self.shared.publish(&record);
        record
    }

    /// Writes the record, or the end of one that is written already.
    fn write(&mut self) -> Result<(), String> {
        let Some(log) = &mut self.own.log else {
            return Ok(());
        };
        let written = if self.is_written {
            log.complete(&self.record)
        } else {
            for (digest, bytes) in &self.policies.components {
                log.component(digest, bytes);
            }
            log.append(&self.record)
        };
        self.is_written |= written.is_ok();
        written.map_err(|error| error.to_string())
    }

    /// Ends a trip on which nothing could be seen.
    pub(crate) async fn unseen(mut self, error: &ObserveError) -> Arc<CycleRecord> {
        self.record.trouble = Some(match error {
            ObserveError::Ended => Trouble::Ended,
            ObserveError::Unreachable { .. } => Trouble::Unseen {
                why: error.to_string(),
            },
        });
        self.close().await
    }

    fn hold_all(&mut self, why: &str) {
        tracing::error!(%why, "the ledger could not be saved: nothing is carried out");
        self.not_cleared(&Verdict::Held(HoldReason::LedgerNotSaved));
        self.record.trouble = Some(Trouble::LedgerUnsaved { why: why.to_owned() });
    }

    /// The last word on every step that had been cleared.
    fn not_cleared(&mut self, word: &Verdict) {
        for (_, verdict) in &mut self.record.verdicts {
            if *verdict == Verdict::Cleared {
                verdict.clone_from(word);
            }
        }
    }

    fn learn(&mut self, events: &[LedgerEvent]) {
        if !events.is_empty() {
            let mut memory = Memory::clone(&self.own.memory);
            ledger::learn(&mut memory, events, self.record.at, &self.aims.limits);
            for event in events {
                if let LedgerEvent::Unhelpful { intent, group } = event {
                    tracing::warn!(%intent, %group, "its nodes have joined, and the pods they were bought for wait on");
                }
            }
            self.own.memory = Arc::new(memory);
        }
    }
}

impl Own {
    /// Policies that are ready take over, and all stand as the Ledger has it.
    fn take_policies(&mut self, shared: &Shared, book: &mut Book) {
        let rejected = std::mem::take(&mut *shared.rejected.lock().unwrap_or_else(PoisonError::into_inner));
        for (policy, digest) in &rejected {
            self.library.reject(policy, digest);
        }
        let fresh = self.library.refresh();
        let is_fresh = fresh.is_some();
        if let Some(offered) = fresh {
            self.offered = offered;
        }
        book.note_trusted(&self.offered);
        let standings = Standings::of(book.ledger());
        let mut troubles = lifecycle::replaced(&self.offered, &standings);
        troubles.extend(lifecycle::gone(&self.offered, &standings));
        troubles.extend(self.library.troubles());
        shared.show_policy_troubles(troubles, self.library.alarms());
        if !is_fresh && self.standings == standings {
            return;
        }
        self.standings = standings;
        let mut refused = lifecycle::refused(&self.offered, &self.standings.set);
        refused.retain(|one| !rejected.contains(one));
        for (policy, digest) in &refused {
            self.library.reject(policy, digest);
        }
        shared
            .policies
            .store(Arc::new(governed(&self.offered, &self.standings)));
    }
}

/// What the audit of a plan may take of a cycle: about a tenth of a second.
pub(crate) const COMPARISONS: u64 = 2_000_000;

/// Flaws of one plan that are told each.
const TOLD: usize = 5;

/// Tells what is wrong with a plan: each is a mistake of the engine.
pub(crate) fn tell(flaws: &[guard::Flaw]) {
    for flaw in flaws.iter().take(TOLD) {
        tracing::error!(%flaw, of = flaws.len(), "the plan has a flaw");
    }
}

/// The next step, and the removals of the same run from the same group that the hands carry out together with it: in
/// whatever order nodes go, each goes by itself.
fn next_effect(hands: &impl Act, waiting: &mut VecDeque<Cleared<Step>>) -> Option<Vec<Cleared<Step>>> {
    let first = waiting.pop_front()?;
    let group = removed_from(first.get()).cloned();
    let most = match &group {
        Some(_) => hands.most_together(first.get()),
        None => 1,
    };
    let mut effect = vec![first];
    let mut at = 0;
    while effect.len() < most
        && let Some(other) = waiting.get(at).and_then(|step| removed_from(step.get()))
    {
        if Some(other) == group.as_ref() {
            effect.extend(waiting.remove(at));
        } else {
            at += 1;
        }
    }
    Some(effect)
}

/// The group that the step removes a node from.
const fn removed_from(step: &Step) -> Option<&GroupName> {
    match &step.kind {
        StepKind::RemoveNode { group, .. } => Some(group),
        _ => None,
    }
}

async fn carried_out(hands: &mut impl Act, mut steps: Vec<Cleared<Step>>) -> Vec<Outcome> {
    match steps.pop() {
        Some(only) if steps.is_empty() => vec![hands.carry_out(only).await],
        last => {
            steps.extend(last);
            hands.carry_out_together(steps).await
        }
    }
}

/// The only randomness there is: from the name of the cluster and the number of the cycle (FNV-1a).
fn seed(cluster: &str, cycle: u64) -> u64 {
    fnv1a(cluster.bytes().chain(cycle.to_le_bytes()))
}
