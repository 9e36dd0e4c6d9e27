//! A case that is asked where the engine asks: over a snapshot, which manifests describe or a log has kept, or at a moment of
//! a scenario that is played up to there. The policy is in force with all its hooks, as a daemon would have it; what it
//! answers to the case's hook is overheard.
//!
//! Which rows there are is the engine's word and not the test's: what a policy answers about rows that cannot come about
//! is for `picture`.

use super::answer;
use crate::exit::Unreadable;
use crate::verbs::policy::recorded;
use crate::verbs::policy::subject::Configured;
use crate::verbs::policy::unhurried;
use crate::verbs::{plan, simulate};
use cycle::InForce;
use decide::{Advised, Policy, PolicyEntry, PolicySet, View, deliberate};
use logbook::{CycleRecord, Reader};
use model::advice::{Hook, PolicyMode, State};
use model::memory::{Kept, Memory};
use model::{Instant, PolicyName, Span};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A cluster at one instant. Paths are beside the table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SnapshotOf {
    /// Manifests, as `plimsoll plan --cluster` reads them.
    #[serde(default)]
    cluster: Vec<PathBuf>,
    /// What can be bought and what is wanted, as `plan` reads them.
    offers: Option<PathBuf>,
    aims: Option<PathBuf>,
    fargate_rates: Option<PathBuf>,
    region: Option<String>,
    /// Instead of manifests: a cycle of a log, with the answers of the other policies that were in force.
    log: Option<PathBuf>,
    cycle: Option<u64>,
}

/// A moment of a scenario.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MomentOf {
    file: PathBuf,
    /// The first cycle after so much of the scenario, as in `90s` or `1h30m`.
    after: String,
    seed: Option<u64>,
}

/// Who is asked what.
pub(super) struct Asked<'a> {
    pub(super) name: PolicyName,
    pub(super) policy: Configured,
    pub(super) hook: Hook,
    /// What it kept before; empty: nothing, or what the log has.
    pub(super) state: &'a [u8],
    /// Where the paths of a case begin.
    pub(super) folder: &'a Path,
}

impl Asked<'_> {
    /// The answer over a snapshot.
    pub(super) fn over(&self, of: &SnapshotOf) -> Result<Map<String, Value>, String> {
        match (&of.log, of.cycle) {
            (None, None) if !of.cluster.is_empty() => self.over_manifests(of),
            (Some(log), Some(cycle)) if of.cluster.is_empty() && of.offers.is_none() && of.aims.is_none() => {
                self.over_record(&record(&self.folder.join(log), cycle)?)
            }
            _ => Err(
                "snapshot: either `cluster`, with `offers` and `aims`, or `log` and `cycle` are meant"
                    .to_owned(),
            ),
        }
    }

    fn over_manifests(&self, of: &SnapshotOf) -> Result<Map<String, Value>, String> {
        let beside = |file: &PathBuf| self.folder.join(file);
        let cluster: Vec<PathBuf> = of.cluster.iter().map(beside).collect();
        let prices = plan::PriceArgs {
            offers: of.offers.as_ref().map(beside),
            fargate: plan::FargateArgs {
                fargate_rates: of.fargate_rates.as_ref().map(beside),
                region: of.region.clone(),
            },
        };
        let aims = of.aims.as_ref().map(beside);
        let (seen, aims) = plan::read(&cluster, &prices, aims.as_deref()).map_err(|why| said(&why))?;
        let (heard, entry) = self.overheard(seen.at);
        let mut memory = Memory::default();
        self.remind(&mut memory);
        let entries = vec![entry];
        let _ = deliberate(&seen, &memory, &PolicySet { entries }, &aims);
        heard.told()
    }

    fn over_record(&self, record: &CycleRecord) -> Result<Map<String, Value>, String> {
        let (heard, entry) = self.overheard(record.at);
        let (set, mut memory) = recorded::in_force(record, entry);
        self.remind(&mut memory);
        let _ = deliberate(&record.snapshot, &memory, &set, &record.aims);
        heard.told()
    }

    /// The answer at a moment of a scenario, which is played up to there.
    pub(super) fn at(&self, of: &MomentOf) -> Result<Map<String, Value>, String> {
        if !self.state.is_empty() {
            return Err("state: what it keeps in a scenario is what it kept in the cycles before".to_owned());
        }
        let after = manifest::duration(&of.after)
            .ok_or_else(|| format!("scenario.after: `{}` is no time such as 90s or 1h30m", of.after))?;
        let mut scenario =
            simulate::scenario(&self.folder.join(&of.file), of.seed).map_err(|why| said(&why))?;
        if after >= scenario.duration {
            let ends = scenario.duration;
            return Err(format!("scenario.after: the scenario ends after {ends}"));
        }
        scenario.duration = Span::from_millis(after.millis().saturating_add(scenario.cycle.millis()));
        let (heard, entry) = self.overheard(scenario.start + after);
        let mut policies = InForce::default();
        policies.set.entries.push(entry);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        let runtime = runtime.map_err(|why| why.to_string())?;
        let mut on_cycle = |_: sim::Moment<'_>| {};
        let played = sim::play(scenario, policies, sim::Options::default(), &mut on_cycle);
        runtime.block_on(played).map_err(|why| why.to_string())?;
        heard.told()
    }

    /// The policy in force, with an ear on its hook from an instant on.
    fn overheard(&self, from: Instant) -> (Arc<Overheard>, PolicyEntry) {
        let heard = Arc::new(Overheard {
            policy: Arc::clone(&self.policy.policy),
            hook: self.hook,
            from,
            answer: Mutex::new(None),
        });
        let entry = PolicyEntry {
            name: self.name.clone(),
            digest: self.policy.digest.clone(),
            mode: PolicyMode::Enforce,
            scope: model::PolicyScope::default(),
            policy: Arc::clone(&heard) as Arc<dyn Policy>,
        };
        (heard, entry)
    }

    /// Puts what the case says it kept into the memory.
    fn remind(&self, memory: &mut Memory) {
        if self.state.is_empty() {
            return;
        }
        let kept = Kept {
            digest: self.policy.digest.clone(),
            state: State(self.state.to_vec()),
        };
        memory.kept.insert((self.name.clone(), self.hook), kept);
    }
}

/// A policy that answers as it would, and of which one answer is written down.
struct Overheard {
    policy: Arc<dyn Policy>,
    hook: Hook,
    from: Instant,
    answer: Mutex<Option<Result<Map<String, Value>, String>>>,
}

impl Overheard {
    /// What was heard; that nothing was asked is an answer, too.
    fn told(&self) -> Result<Map<String, Value>, String> {
        let heard = self.answer.lock().ok().and_then(|mut heard| heard.take());
        heard.unwrap_or_else(|| Ok(Map::from_iter([("asked".to_owned(), json!(false))])))
    }
}

impl Policy for Overheard {
    fn hooks(&self) -> &[Hook] {
        self.policy.hooks()
    }

    fn advise(&self, view: &View<'_>, kept: &[u8]) -> Advised {
        let first = self.policy.advise(view, kept);
        if view.hook == self.hook
            && view.seen.at >= self.from
            && let Ok(mut answer) = self.answer.lock()
            && answer.is_none()
        {
            *answer = Some(if unhurried::alike(&self.policy.advise(view, kept), &first) {
                Ok(answer::named(&first, view))
            } else {
                Err(super::NOT_ALIKE.to_owned())
            });
        }
        first
    }
}

/// A cycle of a log.
fn record(log: &Path, cycle: u64) -> Result<CycleRecord, String> {
    let reader = Reader::open(log).map_err(|why| format!("snapshot.log: {why}"))?;
    for record in reader {
        let record = record.map_err(|why| format!("snapshot.log: {why}"))?;
        if record.cycle == cycle {
            let seen = record.has_seen().then_some(record);
            return seen.ok_or_else(|| format!("snapshot.cycle: cycle {cycle} has no picture"));
        }
    }
    Err(format!("snapshot.cycle: {}: no cycle {cycle}", log.display()))
}

/// An error of another verb, as the reason of a case.
fn said(why: &anyhow::Error) -> String {
    why.downcast_ref::<Unreadable>()
        .map_or_else(|| format!("{why:#}"), ToString::to_string)
}
