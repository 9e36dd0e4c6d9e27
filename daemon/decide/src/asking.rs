//! Asking the policies: who is asked, what is recorded, what a fault leads to.
//!
//! Shadow policies are asked and recorded but count for nothing. A fault is remembered; three within ten
//! minutes put the policy in quarantine, where it is no longer asked until its component changes or half an
//! hour has passed. How answers are combined is the work of the stage that asked.

use crate::policy::{PolicyEntry, PolicySet, View};
use model::advice::{Advice, Hook, PolicyCall, PolicyFault, PolicyMode, ReviewAdvice};
use model::aims::Mode;
use model::ids::PolicyName;
use model::memory::Memory;
use model::snapshot::Snapshot;
use model::time::{Instant, Span};

/// Faults within this time are counted together.
const FAULT_WINDOW: Span = Span::from_secs(600);
/// So many put a policy in quarantine.
const FAULTS_TO_QUARANTINE: usize = 3;
/// Faults remembered per policy.
const FAULTS_KEPT: usize = 8;
/// After this long a policy in quarantine is tried again.
const QUARANTINE: Span = Span::from_secs(1800);

/// Under which name the faults of a policy are remembered: its name, with the start of its digest where it
/// has one, so that a new component starts with a clean sheet. Quarantine is remembered by the plain name.
pub fn faults_name(entry: &PolicyEntry) -> PolicyName {
    match entry.digest.get(..12) {
        Some(short) => PolicyName::new(format!("{}@{short}", entry.name)),
        None => entry.name.clone(),
    }
}

/// What came of asking one hook.
pub(crate) struct Answers {
    /// Answers that count, in the order of the policies.
    pub(crate) counted: Vec<(PolicyName, Advice)>,
    /// A policy that counts gave no usable answer: the built-in default answers in its place.
    pub(crate) faulted: bool,
    /// Some policy of this hook counts, whether or not it answered.
    pub(crate) enforced: bool,
}

/// Asks, records and remembers faults for the length of one deliberation.
pub(crate) struct Asking<'a> {
    policies: &'a PolicySet,
    at: Instant,
    /// Every call so far.
    pub(crate) calls: Vec<PolicyCall>,
    /// A policy that counts has faulted in this cycle.
    pub(crate) faulted: bool,
}

impl<'a> Asking<'a> {
    pub(crate) fn new(seen: &Snapshot, policies: &'a PolicySet) -> Self {
        Self {
            policies,
            at: seen.at,
            calls: Vec::new(),
            faulted: false,
        }
    }

    /// Whether anybody would be asked.
    pub(crate) fn anybody(&self, hook: Hook) -> bool {
        self.policies
            .entries
            .iter()
            .any(|e| e.policy.hooks().contains(&hook))
    }

    /// Asks every policy of the View's hook.
    pub(crate) fn ask(&mut self, view: &View<'_>, memory: &mut Memory) -> Answers {
        let mut answers = Answers {
            counted: Vec::new(),
            faulted: false,
            enforced: false,
        };
        let watched = only_watched(view);
        for entry in &self.policies.entries {
            if !entry.policy.hooks().contains(&view.hook) {
                continue;
            }
            let mode = if watched { PolicyMode::Shadow } else { entry.mode };
            let counts = mode == PolicyMode::Enforce;
            answers.enforced |= counts;
            if in_quarantine(memory, entry, self.at) {
                answers.faulted |= counts;
                self.calls.push(skipped(entry, view.hook));
                continue;
            }
            let advised = entry.policy.advise(view);
            let answer = advised.answer.and_then(|advice| checked(advice, view));
            match &answer {
                Ok(advice) if counts => answers.counted.push((entry.name.clone(), advice.clone())),
                Ok(_) => {}
                Err(_) => {
                    remember_fault(memory, entry, self.at);
                    answers.faulted |= counts;
                    self.faulted |= counts;
                }
            }
            self.calls.push(PolicyCall {
                policy: entry.name.clone(),
                digest: entry.digest.clone(),
                hook: view.hook,
                mode,
                fuel: advised.fuel,
                answer,
                log: advised.log,
            });
        }
        answers
    }
}

/// Whether the hook's answers are only looked at: in a cluster that acts, what placement, headroom,
/// disruption and review policies say must neither buy nor keep nodes nor hold steps while their hook is in Observe. In a cluster that only observes, the whole picture is
/// wanted; what the other hooks lead to is held step by step.
fn only_watched(view: &View<'_>) -> bool {
    let modes = view.aims.modes.with(&view.seen.ledger.modes);
    matches!(
        view.hook,
        Hook::Headroom | Hook::Placement | Hook::Disruption | Hook::Review
    ) && modes.of_cluster() == Mode::Act
        && modes.of_hook(view.hook) == Mode::Observe
}

/// The record of a policy in quarantine. It is recorded in shadow mode: it has no say, and its silence is
/// not a new fault.
fn skipped(entry: &PolicyEntry, hook: Hook) -> PolicyCall {
    PolicyCall {
        policy: entry.name.clone(),
        digest: entry.digest.clone(),
        hook,
        mode: PolicyMode::Shadow,
        fuel: 0,
        answer: Err(PolicyFault::Declined("in quarantine, not asked".into())),
        log: Vec::new(),
    }
}

/// Whether the policy is in quarantine for what this very component did; if not, it leaves it.
fn in_quarantine(memory: &mut Memory, entry: &PolicyEntry, at: Instant) -> bool {
    let Some(since) = memory.quarantine.get(&entry.name).copied() else {
        return false;
    };
    let faults = faults_name(entry);
    if at.since(since) < QUARANTINE && memory.faults.contains_key(&faults) {
        return true;
    }
    memory.quarantine.remove(&entry.name);
    memory.faults.remove(&faults);
    false
}

fn remember_fault(memory: &mut Memory, entry: &PolicyEntry, at: Instant) {
    let faults = memory.faults.entry(faults_name(entry)).or_default();
    faults.push(at);
    let surplus = faults.len().saturating_sub(FAULTS_KEPT);
    faults.drain(..surplus);
    let recent = faults.iter().filter(|f| at.since(**f) <= FAULT_WINDOW).count();
    if recent >= FAULTS_TO_QUARANTINE {
        memory.quarantine.entry(entry.name.clone()).or_insert(at);
    }
}

/// Forgets faults and quarantines that are over, so that replaced policies leave no trace.
pub(crate) fn forget(memory: &mut Memory, at: Instant) {
    memory
        .faults
        .retain(|_, faults| faults.iter().any(|f| at.since(*f) <= QUARANTINE));
    memory.quarantine.retain(|_, since| at.since(*since) < QUARANTINE);
}

/// An answer of the wrong kind, or about rows that were not shown, is a fault.
fn checked(advice: Advice, view: &View<'_>) -> Result<Advice, PolicyFault> {
    let (classes, sets) = (view.classes.len(), view.sets.len());
    let row = |what: &str, row: u32, of: usize| {
        if (row as usize) < of {
            Ok(())
        } else {
            Err(PolicyFault::Nonsense(format!("{what} row {row} of {of}")))
        }
    };
    match (&advice, view.hook) {
        (Advice::Scale(rows), Hook::Scaler) => {
            if let Some(odd) = rows
                .iter()
                .find(|r| !view.workloads.iter().any(|w| w.key == r.workload))
            {
                return Err(PolicyFault::Nonsense(format!("{} was not shown", odd.workload)));
            }
        }
        (Advice::Placement(placement), Hook::Placement) => {
            for (set, _) in &placement.factors {
                row("offer set", *set, sets)?;
            }
            for (class, set, _) in &placement.forbids {
                row("class", *class, classes)?;
                row("offer set", *set, sets)?;
            }
            for (class, set, _, _) in &placement.addends {
                row("class", *class, classes)?;
                row("offer set", *set, sets)?;
            }
        }
        (Advice::Headroom(_), Hook::Headroom) => {}
        (Advice::Disruption(advice), Hook::Disruption) => {
            let denied = advice.denials.iter().map(|denial| denial.row);
            for named in denied.chain(advice.addends.iter().map(|(named, _, _)| *named)) {
                row("candidate", named, view.candidates.len())?;
            }
        }
        (Advice::Review(holds), Hook::Review) => {
            let shown = |hold: &&ReviewAdvice| view.steps.iter().any(|row| row.id == hold.step);
            if let Some(odd) = holds.iter().find(|hold| !shown(hold)) {
                return Err(PolicyFault::Nonsense(format!("step {} was not shown", odd.step)));
            }
        }
        (_, hook) => {
            return Err(PolicyFault::Nonsense(format!(
                "an answer to another hook than {hook}"
            )));
        }
    }
    Ok(advice)
}
