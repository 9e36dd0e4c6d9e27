//! Asking the policies: who is asked, what is recorded, what a fault leads to.
//!
//! Shadow policies are asked and recorded but count for nothing; canaries count for what they were given (`scope`). A
//! fault is remembered; three within ten minutes put the policy in quarantine, where it is no longer asked until its
//! component changes or half an hour has passed. How answers are combined is the work of the stage that asked.

use crate::policy::{PolicyEntry, PolicySet, View};
use crate::scope::within;
use model::advice::{Advice, Hook, PolicyCall, PolicyFault, PolicyMode, ReviewAdvice, State};
use model::aims::Mode;
use model::ids::PolicyName;
use model::memory::{Kept, Memory};
use model::snapshot::Snapshot;
use model::standing::PolicyScope;
use model::time::{Instant, Span};
use std::borrow::Cow;

/// Faults within this time are counted together.
const FAULT_WINDOW: Span = Span::from_secs(600);
/// So many put a policy in quarantine.
const FAULTS_TO_QUARANTINE: usize = 3;
/// Faults remembered per policy.
const FAULTS_KEPT: usize = 8;
/// After this long a policy in quarantine is tried again.
const QUARANTINE: Span = Span::from_secs(1800);
/// Said in the record where a state finds no room.
const NOT_KEPT: &str = "warning: its state is not kept, all policies together keep too much";

/// Under which name the faults of a policy are remembered: its name, with the start of its digest where it
/// has one, so that a new component starts with a clean sheet. Quarantine is remembered by the plain name.
pub fn faults_name(entry: &PolicyEntry) -> PolicyName {
    match entry.digest.get(..12) {
        Some(short) => PolicyName::new(format!("{}@{short}", entry.name)),
        None => entry.name.clone(),
    }
}

/// An answer that counts, and whose it is. What a canary may not speak about is not in it.
pub(crate) type Counted<'c> = (&'c PolicyName, Cow<'c, Advice>);

/// What came of asking one hook.
pub(crate) struct Answers<'c> {
    /// Answers that count, in the order of the policies: those of the record, where they count whole.
    pub(crate) counted: Vec<Counted<'c>>,
    /// Policies of this hook that count, whether or not they answered.
    voices: Vec<Voice>,
}

struct Voice {
    /// What it counts for; `None`: everything.
    scope: Option<PolicyScope>,
    /// It gave no usable answer: the built-in default answers in its place.
    faulted: bool,
}

impl Voice {
    fn of(entry: &PolicyEntry, mode: PolicyMode) -> Option<Self> {
        mode.counts().then(|| Self {
            scope: (mode == PolicyMode::Canary).then(|| entry.scope.clone()),
            faulted: false,
        })
    }

    fn is_about(&self, namespace: &str) -> bool {
        self.scope
            .as_ref()
            .is_none_or(|scope| scope.has_namespace(namespace))
    }
}

impl Answers<'_> {
    /// Whether some policy counts for what is of the namespace.
    pub(crate) fn enforced(&self, namespace: &str) -> bool {
        self.voices.iter().any(|voice| voice.is_about(namespace))
    }

    /// Whether one of them gave no usable answer.
    pub(crate) fn faulted(&self, namespace: &str) -> bool {
        let mut faulted = self.voices.iter().filter(|voice| voice.faulted);
        faulted.any(|voice| voice.is_about(namespace))
    }
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
    pub(crate) fn ask(&mut self, view: &View<'_>, memory: &mut Memory) -> Answers<'_> {
        // Calls that count, with the part of the answer that does where that is not the whole.
        let mut counted: Vec<(usize, Option<Advice>)> = Vec::new();
        let mut voices: Vec<Voice> = Vec::new();
        let watched = only_watched(view);
        for entry in &self.policies.entries {
            if !entry.policy.hooks().contains(&view.hook) {
                continue;
            }
            let mode = if watched { PolicyMode::Shadow } else { entry.mode };
            let mut voice = Voice::of(entry, mode);
            if in_quarantine(memory, entry, self.at) {
                voices.extend(voice.map(|voice| Voice {
                    faulted: true,
                    ..voice
                }));
                self.calls.push(skipped(entry, view.hook));
                continue;
            }
            let mut advised = entry.policy.advise(view, kept(memory, entry, view.hook));
            let answer = advised.answer.and_then(|advice| checked(advice, view));
            let answer = answer.and_then(|advice| small(advised.kept.as_ref()).map(|()| advice));
            match advised.kept.take_if(|_| answer.is_ok()) {
                Some(state) if keep(memory, entry, view.hook, &state) => advised.kept = Some(state),
                Some(_) => advised.log.push(NOT_KEPT.to_owned()),
                None => advised.kept = None,
            }
            match (&answer, &mut voice) {
                (Ok(advice), Some(voice)) => {
                    let scope = voice.scope.as_ref();
                    let part = scope.map(|scope| within(advice.clone(), view, scope));
                    counted.push((self.calls.len(), part));
                }
                (Ok(_), None) => {}
                (Err(_), voice) => {
                    remember_fault(memory, entry, self.at);
                    self.faulted |= voice.is_some();
                    if let Some(voice) = voice {
                        voice.faulted = true;
                    }
                }
            }
            voices.extend(voice);
            self.calls.push(PolicyCall {
                policy: entry.name.clone(),
                digest: entry.digest.clone(),
                hook: view.hook,
                mode,
                fuel: advised.fuel,
                answer,
                log: advised.log,
                kept: advised.kept,
            });
        }
        let counted = counted.into_iter().filter_map(|(at, part)| {
            let call = self.calls.get(at)?;
            let whole = call.answer.as_ref().ok()?;
            Some((&call.policy, part.map_or(Cow::Borrowed(whole), Cow::Owned)))
        });
        Answers {
            counted: counted.collect(),
            voices,
        }
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
        kept: None,
    }
}

/// What the policy kept at the hook; nothing where another component did.
fn kept<'m>(memory: &'m Memory, entry: &PolicyEntry, hook: Hook) -> &'m [u8] {
    let known = memory.kept.get(&(entry.name.clone(), hook));
    known
        .filter(|known| known.digest == entry.digest)
        .map_or(&[], |known| &known.state.0)
}

/// More than one policy may keep is nonsense, whoever let it through.
fn small(state: Option<&State>) -> Result<(), PolicyFault> {
    match state {
        Some(state) if state.0.len() > State::MOST => Err(PolicyFault::Nonsense(format!(
            "{} bytes of state; {} are allowed",
            state.0.len(),
            State::MOST
        ))),
        _ => Ok(()),
    }
}

/// Keeps it for the next cycle. `false`: all policies together keep too much.
fn keep(memory: &mut Memory, entry: &PolicyEntry, hook: Hook, state: &State) -> bool {
    let at = (entry.name.clone(), hook);
    if state.0.is_empty() {
        memory.kept.remove(&at);
        return true;
    }
    let others = memory.kept.iter().filter(|(other, _)| **other != at);
    let held: usize = others.map(|(_, kept)| kept.state.0.len()).sum();
    let fits = held + state.0.len() <= State::MOST_OF_ALL;
    if fits {
        let (digest, state) = (entry.digest.clone(), state.clone());
        memory.kept.insert(at, Kept { digest, state });
    }
    fits
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

/// Forgets faults and quarantines that are over and what policies kept that are there no more, so that replaced ones
/// leave no trace.
pub(crate) fn forget(memory: &mut Memory, policies: &PolicySet, at: Instant) {
    memory.kept.retain(|(policy, _), kept| {
        let mut entries = policies.entries.iter();
        entries.any(|entry| entry.name == *policy && entry.digest == kept.digest)
    });
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
        (Advice::Scale(wanted), Hook::Scaler) => {
            if !wanted.in_order() {
                return Err(PolicyFault::Nonsense("workload rows out of order".to_owned()));
            }
            if let Some(last) = wanted.rows.last() {
                row("workload", *last, view.workloads.len())?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Advised, Policy};
    use crate::{Deliberation, deliberate};
    use model::aims::Aims;
    use std::sync::{Arc, Mutex};

    type Answers = Box<dyn Fn(&[u8]) -> Result<State, PolicyFault> + Send + Sync>;

    /// Asks for no room; tells what it was given, and keeps what it is told to.
    struct Keeper {
        given: Arc<Mutex<Vec<Vec<u8>>>>,
        keeps: Answers,
    }

    impl Policy for Keeper {
        fn hooks(&self) -> &[Hook] {
            &[Hook::Headroom]
        }

        fn advise(&self, _: &View<'_>, kept: &[u8]) -> Advised {
            self.given.lock().unwrap().push(kept.to_vec());
            let keeps = (self.keeps)(kept);
            Advised {
                kept: Some(keeps.clone().unwrap_or_else(|_| State(vec![9]))),
                answer: keeps.map(|_| Advice::Headroom(Vec::new())),
                fuel: 0,
                log: Vec::new(),
            }
        }
    }

    fn keeper(
        name: &str,
        digest: &str,
        keeps: impl Fn(&[u8]) -> Result<State, PolicyFault> + Send + Sync + 'static,
    ) -> (PolicyEntry, Arc<Mutex<Vec<Vec<u8>>>>) {
        let given: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let policy = Keeper {
            given: Arc::clone(&given),
            keeps: Box::new(keeps),
        };
        let entry = PolicyEntry {
            name: PolicyName::new(name),
            digest: digest.to_owned(),
            mode: PolicyMode::Shadow,
            scope: PolicyScope::default(),
            policy: Arc::new(policy),
        };
        (entry, given)
    }

    fn think(memory: &Memory, entries: &[&PolicyEntry]) -> Deliberation {
        let entries = entries.iter().map(|entry| (*entry).clone()).collect();
        deliberate(
            &Snapshot::default(),
            memory,
            &PolicySet { entries },
            &Aims::default(),
        )
    }

    #[test]
    fn what_a_policy_keeps_is_its_own_and_outlives_a_fault_of_it() {
        let counts = |kept: &[u8]| match kept.len() {
            2 => Err(PolicyFault::Declined("enough".to_owned())),
            more => Ok(State(vec![1; more + 1])),
        };
        let (a, given) = keeper("a", "d1", counts);
        let (other, given_other) = keeper("a", "d2", counts);
        let mut memory = Memory::default();
        for _ in 0..4 {
            memory = think(&memory, &[&a]).memory;
        }
        let lengths =
            |given: &Mutex<Vec<Vec<u8>>>| given.lock().unwrap().iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(
            lengths(&given),
            [0, 1, 2, 2],
            "in shadow, too; a fault changes nothing"
        );
        memory = think(&memory, &[&other]).memory;
        assert_eq!(
            lengths(&given_other),
            [0],
            "another component begins with nothing"
        );
        let (quiet, _) = keeper("a", "d2", |_| Ok(State::default()));
        assert_eq!(
            think(&memory, &[&quiet]).memory.kept.len(),
            0,
            "an empty list forgets it"
        );
        assert_eq!(
            think(&memory, &[]).memory.kept.len(),
            0,
            "nobody is left who could want it"
        );
    }

    #[test]
    fn all_policies_together_keep_no_more_than_allowed() {
        let most = |_: &[u8]| Ok(State(vec![1; State::MOST]));
        let entries: Vec<PolicyEntry> = (0..18)
            .map(|n| keeper(&format!("p{n:02}"), "d", most).0)
            .collect();
        let done = think(&Memory::default(), &entries.iter().collect::<Vec<_>>());
        assert_eq!(done.memory.kept.len(), 16);
        let dropped = done.notes.calls.iter().filter(|call| call.kept.is_none());
        let told = dropped.map(|call| (call.policy.as_str(), call.log.as_slice()));
        let not_kept = [NOT_KEPT.to_owned()];
        assert_eq!(
            told.collect::<Vec<_>>(),
            [("p16", &not_kept[..]), ("p17", &not_kept[..])]
        );
        let (greedy, _) = keeper("g", "d", |_| Ok(State(vec![1; State::MOST + 1])));
        let done = think(&Memory::default(), &[&greedy]);
        assert!(matches!(
            &done.notes.calls[0].answer,
            Err(PolicyFault::Nonsense(_))
        ));
        assert!(done.memory.kept.is_empty() && done.notes.calls[0].kept.is_none());
    }
}
